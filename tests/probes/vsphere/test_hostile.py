"""Answers that are not what they should be: whatever they hold, a named failure, bounded in time and memory."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from probes.vsphere.answers import Item
from probes.vsphere.machines import guest_cards, observe_machine
from probes.vsphere.probe import VsphereProbe
from probes.vsphere.tree import Tree
from probes.vsphere.trouble import Trouble

DATA = Path(__file__).resolve().parents[1] / "data" / "vsphere"
SOAP = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:vim25"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)


def laughs(depth: int = 12) -> str:
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha" * 20}">' for i in range(depth))
    return f'<?xml version="1.0"?><!DOCTYPE l [{entities}]>' + SOAP.format(f"<x>&l{depth - 1};</x>")


def quadratic() -> str:
    return f'<?xml version="1.0"?><!DOCTYPE q [<!ENTITY q "{"a" * 50_000}">]>' + SOAP.format(
        f"<x>{'&q;' * 50_000}</x>"
    )


def outside() -> str:
    return '<?xml version="1.0"?><!DOCTYPE o [<!ENTITY o SYSTEM "file:///etc/passwd">]>' + SOAP.format("<x>&o;</x>")


PAGE = "<RetrievePropertiesExResponse>{}</RetrievePropertiesExResponse>"
ODD = {
    "laughs": laughs(),
    "laughs, in UTF-16": laughs().encode("utf-16"),
    "laughs, in UTF-16 without a mark": laughs().encode("utf-16-le"),
    "laughs, late": " " * 70_000 + laughs(),
    "quadratic": quadratic(),
    "outside": outside(),
    "nothing": "",
    "no XML": "<html><body>welcome<br></body>",
    "another tree": "<a><b/></a>",
    "the answer to another question": SOAP.format("<LogoutResponse></LogoutResponse>"),
    "an answer within another": SOAP.format("<LogoutResponse><RetrievePropertiesExResponse/></LogoutResponse>"),
    "a token that is none": SOAP.format(PAGE.format(f"<returnval><token>{'9' * 2000}</token></returnval>")),
    "a torn one": SOAP.format(PAGE.format("<returnval><objects>"))[:300],
    "text for objects": SOAP.format(PAGE.format("<returnval><objects>x</objects></returnval>")),
    "a result of another type": SOAP.format(PAGE.format('<returnval xsi:type="xsd:string">x</returnval>')),
    "an object of no type": SOAP.format(PAGE.format("<returnval><objects><obj>vm-1</obj></objects></returnval>")),
    "a type that nobody knows": SOAP.format(
        PAGE.format('<returnval><objects><obj type="Odd">vm-1</obj></objects></returnval>')
    ),
    "deep": SOAP.format(PAGE.format("<returnval>" + "<objects>" * 20_000)),
    "control characters": SOAP.format(PAGE.format("<returnval>\x1b[31m</returnval>")),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_page(lab: Any, name: str) -> None:
    said = ODD[name]
    body = said if isinstance(said, bytes) else said.encode()
    server = lab.start()
    asked_for = ("RetrievePropertiesEx", "VirtualMachine")
    server.answers = lambda asked: lab.Reply(body) if asked.key == asked_for else None
    began = time.monotonic()
    got = lab.look(server)
    assert time.monotonic() - began < 5
    assert got.failures and {failure.reason for failure in got.failures} == {"bad_output"}
    assert all(len(failure.message) < 300 and failure.message.isprintable() for failure in got.failures)
    assert got.coverage == ()
    assert sum(o.kind == "host" for o in got.observations) == 2
    assert server.methods[-1] == "Logout"


@pytest.mark.parametrize(
    ("method", "about"), [("RetrievePropertiesEx", "VirtualMachine"), ("ContinueRetrievePropertiesEx", "3")]
)
def test_pages_without_objects_that_promise_more(lab: Any, method: str, about: str) -> None:
    server = lab.start()
    said = SOAP.format("<{0}><returnval><token>{1}</token></returnval></{0}>")

    def answers(asked: Any) -> Any:
        if asked.key != (method, about):
            return None
        return lab.Reply(said.format(f"{method}Response", f"more-{len(server.seen)}").encode())

    server.answers = answers
    got = lab.look(server)
    assert [failure.reason for failure in got.failures] == ["looping"] and got.coverage == ()
    assert sum(asked.about.startswith("more-") for asked in server.asked("ContinueRetrievePropertiesEx")) == 0
    assert server.methods[-1] == "Logout"


def test_a_page_that_was_promised_and_is_empty(lab: Any) -> None:
    server = lab.start()
    empty = SOAP.format("<ContinueRetrievePropertiesExResponse></ContinueRetrievePropertiesExResponse>").encode()
    server.answers = lambda asked: lab.Reply(empty) if asked.key == ("ContinueRetrievePropertiesEx", "3") else None
    got = lab.look(server)
    assert [failure.reason for failure in got.failures] == ["bad_output"] and got.coverage == ()


@pytest.mark.parametrize("name", ["laughs", "no XML", "nothing"])
@pytest.mark.parametrize("method", ["sdk/vimServiceVersions.xml", "RetrieveServiceContent", "Login", "Fetch"])
def test_odd_answers_before_the_first_page(lab: Any, method: str, name: str) -> None:
    server = lab.start()
    server.answers = lambda asked: lab.Reply(ODD[name].encode()) if asked.method == method else None
    got = lab.look(server)
    if method == "Fetch" or (method.startswith("sdk") and name != "laughs"):
        # The names of attributes and the list of versions can be done without, if what is said of them is harmless.
        assert {failure.reason for failure in got.failures} <= {"bad_output"}
    else:
        assert [failure.reason for failure in got.failures] == ["bad_output"]
        assert got.observations == ()


def test_a_compressed_answer_is_not_unpacked(lab: Any) -> None:
    import gzip

    server = lab.start()
    body = gzip.compress(b" " * 50_000_000)
    zipped = lab.Reply(body, 200, {"Content-Encoding": "gzip"})
    server.answers = lambda asked: zipped if asked.method == "RetrievePropertiesEx" else None
    got = lab.look(server)
    assert {failure.reason for failure in got.failures} == {"bad_output"}


def recorded() -> list[dict[str, Any]]:
    lines = (DATA / "vcenter.jsonl").read_text("utf-8").splitlines()
    return [said for line in lines if (said := json.loads(line))["method"].endswith("RetrievePropertiesEx")]


class _Wire:
    """Gives one body for every question."""

    def __init__(self) -> None:
        self.body, self.status = b"", 200

    @contextmanager
    def asked(self, *_args: object, **_more: object) -> Iterator[Any]:
        yield SimpleNamespace(status=self.status, whole=lambda: self.body)


def spoilt(body: bytes, random_: random.Random) -> bytes:
    """A recorded answer with something wrong in it."""
    kind = random_.randrange(5)
    at = random_.randrange(len(body))
    if kind == 0:
        return body[:at]
    if kind == 1:
        return body[:at] + bytes([random_.randrange(256)]) + body[at + 1 :]
    if kind == 2:
        end = min(len(body), at + random_.randrange(1, 200))
        return body[:at] + body[end:]
    if kind == 3:
        words = [b"xsd:string", b"VirtualMachine", b"ArrayOfGuestNicInfo", b"Folder", b"NotAuthenticated", b"xsd:int"]
        return body.replace(random_.choice(words), random_.choice(words))
    end = min(len(body), at + random_.randrange(1, 400))
    return body[:end] + body[at:end] + body[end:]


def test_spoilt_pages_end_in_failures_and_in_nothing_else(lab: Any) -> None:
    """Every way in which pyVmomi gives up on an answer is one that is known here."""
    from probes.vsphere import reader
    from probes.vsphere.soap import OLDEST, ServerFault, Stub, object_of

    random_ = random.Random(20260302)
    wire: Any = _Wire()
    pages = [said["body"].encode() for said in recorded()]
    read = 0
    for turn in range(600):
        whole = pages[turn % len(pages)]
        wire.body = spoilt(whole, random_)
        collector = object_of("vmodl.query.PropertyCollector", "pc", Stub(wire, OLDEST))
        try:
            if b"<ContinueRetrieve" in whole:
                result = collector.ContinueRetrievePropertiesEx("1")
            else:
                result = reader._first(collector, reader.CLUSTERS, reader._over_view(collector), 1)
            items = reader._items(result) if result is not None and reader._token(result) is not None else []
        except (Trouble, ServerFault):
            continue
        read += len(items)
        observed(lab, items)
    assert read > 100


def observed(lab: Any, items: list[Item]) -> None:
    from probes.access import VsphereAccess
    from probes.secrets import Secret
    from probes.vsphere.frame import Frame
    from probes.vsphere.hosts import observe_host
    from probes.vsphere.platform import Inventory

    zone = lab.permit(VsphereAccess("https://127.66.0.2", "u", Secret("env", "X"))).zone
    frame, tree, inventory = Frame(zone, "vsphere", "C", (), lab.now, lab.now), Tree(), Inventory()
    for item in items:
        tree.add(item)
        inventory.add_network(item)
        inventory.add_datastore(item)
        inventory.add_port_groups(item)
        for made in (observe_host(item, frame), observe_machine(item, frame, tree, {}, guest_cards(item))):
            assert all(f.value not in (None, "", ()) for f in made.facts)
            assert all(f.value.isprintable() for f in made.facts if isinstance(f.value, str))
    assert all(named.isprintable() for named in inventory.network_words())


def test_a_reference_where_a_value_should_be_is_no_question(lab: Any) -> None:
    """pyVmomi's objects ask the server when an attribute is read: an answer must not make us ask."""
    from probes.vsphere.soap import OLDEST, Stub, object_of

    class Refusing(_Wire):
        def asked(self, *_args: object, **_more: object) -> Any:
            raise AssertionError("the server was asked")

    wire: Any = Refusing()
    machine = object_of("vim.VirtualMachine", "vm-1", Stub(wire, OLDEST))
    values = dict.fromkeys(
        ("name", "config.uuid", "guest.net", "customValue", "summary.hardware", "runtime.powerState"), machine
    )
    listed = {**values, "guest.net": [machine], "customValue": [machine], "config.network.vnic": [machine]}
    observed(lab, [Item("vm-1", "VirtualMachine", values), Item("vm-2", "VirtualMachine", listed)])


def test_a_tree_that_bites_its_tail() -> None:
    tree = Tree({"a": ("x", "b", "Folder"), "b": ("y", "a", "Folder")})
    assert len(tree.folders("a")) == 64


def test_the_module_of_the_probe_is_cheap() -> None:
    import subprocess
    import sys

    code = "import sys, probes.vsphere.probe; print([m for m in sys.modules if m.startswith(('pyV', 'ssl', 'http'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert VsphereProbe().limits() == ()
