"""The vSphere probe against govmomi's simulator, as a vCenter and as a lone ESXi: real TLS, real SOAP, real pages."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest

from inventories.codec import collection_to_json
from inventories.identity import instance_id, ip_id, mac_id, uuid_id
from inventories.model import Collection
from probes.access import Belongs
from probes.secrets import Secret

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("vsphere")]

T = TypeVar("T")

ADDRESS = "127.77.4.2"
CANARY = "kanarienvogel-vc-81Rd"
#: Where the made-up machines have their addresses.
PREFIXES = ("10.0.0.0/8",)
INVENTORY = Path(__file__).resolve().parents[1] / "probes" / "data" / "vsphere" / "inventory.json"


def _load(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


lab = _load("vcenter")


@pytest.fixture
def vcenter(tmp_path: Path) -> Callable[..., Any]:
    """A simulator in the test's own folder: ``with vcenter(machines=20) as vc:``."""
    return lambda address=ADDRESS, **settings: lab.VCenter(address, directory=tmp_path, password=CANARY, **settings)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One vCenter for the tests that change nothing about it, and the file of what it was asked."""
    folder = tmp_path_factory.mktemp("shared")
    with lab.VCenter(ADDRESS, machines=45, directory=folder, password=CANARY, record=folder / "asked") as vc:
        vc.asked_file = folder / "asked"
        yield vc


def asked(file: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def facts(got: Collection, kind: str = "host") -> dict[str, dict[str, Any]]:
    """By name; the cloud itself has none."""
    found = [{fact.column: fact.value for fact in o.facts} for o in got.observations if o.kind == kind]
    return {str(entry.get("name", "")): entry for entry in found}


def reasons(got: Collection) -> list[str]:
    return [failure.reason for failure in got.failures]


def is_whole(got: Collection, vc: Any, cloud: str) -> bool:
    """Nothing failed, and the one row of coverage says that everything of the cloud was listed."""
    assert got.failures == ()
    (row,) = got.coverage
    assert (row.collector, row.zone, row.vantage, row.aspect) == ("vsphere", "lab", "lab", "resources")
    assert {o.source for o in got.observations} == {f"vsphere {vc.url}"}
    return (row.scope, row.detail) == (("*",), cloud)


# --- what is there --------------------------------------------------------------------------------------------------


def test_a_vcenter_page_by_page(vcenter: Callable[..., Any]) -> None:
    rows = (Belongs("folder", "*/财政局/*", "czj"), Belongs("metadata:系统", "XT-*", "", "{value}"))
    stock = json.loads(INVENTORY.read_text("utf-8"))
    # It gives fewer at a time than it is asked for, as a vCenter may.
    with vcenter(inventory=stock, max_page=1) as vc:
        got = lab.look(vc, ["127.66.0.0/16"], page=2, belongs=rows)
        assert is_whole(got, vc, stock["instance_uuid"])
    by_name = facts(got)
    planted = {m["name"] for m in stock["machines"] if not m.get("template")}
    # One name is written as the API writes a slash, one to lead a reader's terminal astray.
    assert len(by_name) == len(planted) + len(stock["hosts"])
    assert by_name.keys() - planted == {"esx-1.example", "esx-2.example", "民政/数据库", "copy-\\u202eb"}
    assert {o.department_id for o in got.observations if o.kind == "host"} == {"", "czj"}
    web, of_web = by_name["cz-web-01"], next(m for m in stock["machines"] if m["name"] == "cz-web-01")
    assert (web["guest_tools"], web["power_state"], web["system_codes"]) == ("guestToolsRunning", "on", ("XT-001",))
    (observed,) = [o for o in got.observations if ("name", "cz-web-01") in {(f.column, f.value) for f in o.facts}]
    assert {
        instance_id(stock["instance_uuid"], of_web["instance_uuid"]),
        uuid_id(of_web["uuid"]),
        mac_id(of_web["mac"], "lab"),
        ip_id("127.66.2.1", "lab"),
    } <= set(observed.identifiers)
    assert {by_name["esx-1.example"]["is_physical"], by_name["esx-2.example"]["is_physical"]} == {True, False}
    (cloud,) = facts(got, "cloud").values()
    assert (cloud["platform"], cloud["hosts_total"], cloud["vms_total"]) == ("vcenter", 2, len(planted))
    assert cloud["clusters"] == ("业务集群",) and "业务网 VLAN 120" in cloud["networks_observed"]
    assert cloud["datastores"] and cloud["software_version"].startswith("7.0.3 ")


def test_an_esxi_by_itself(vcenter: Callable[..., Any]) -> None:
    with vcenter(machines=5, esxi=True, version="6.7.0") as vc:
        got = lab.look(vc, PREFIXES)
        assert is_whole(got, vc, "30000000-1000-4000-8000-000000000000")
    (cloud,) = facts(got, "cloud").values()
    assert (cloud["platform"], cloud["hosts_total"], cloud["vms_total"]) == ("esxi", 1, 5)
    assert "clusters" not in cloud
    by_name = facts(got)
    assert by_name["esx-000"]["hypervisor"] == "VMware ESXi 6.7.0"
    assert by_name["vm-00000"]["ips"] and len(by_name) == 6


def test_ten_thousand_machines_to_the_last(vcenter: Callable[..., Any]) -> None:
    with vcenter(machines=10_000, hosts=100) as vc:
        got = lab.look(vc, PREFIXES, cloud="YUN-01")
        assert is_whole(got, vc, "YUN-01")
    (cloud,) = facts(got, "cloud").values()
    assert (cloud["hosts_total"], cloud["vms_total"]) == (100, 10_000)
    by_name = facts(got)
    assert by_name.keys() == {f"vm-{n:05d}" for n in range(10_000)} | {f"esx-{n:03d}" for n in range(100)}
    # A machine that tells nothing of itself is known by its card all the same.
    assert by_name["vm-09919"]["macs"] and "ips" not in by_name["vm-09919"]


# --- trust ----------------------------------------------------------------------------------------------------------


def test_a_thumbprint_in_place_of_an_authority(shared: Any) -> None:
    got = lab.look(shared, PREFIXES, ca=None, thumbprint=shared.thumbprint)
    assert is_whole(got, shared, "b7a1c7d2-6d7c-4c5b-9a50-3d1f0f5e7a11")


@pytest.mark.parametrize(
    "changes", [{"ca": None}, {"ca": None, "thumbprint": "0" * 64}, {"thumbprint": "0" * 40}], ids=str
)
def test_a_server_that_is_not_the_one_expected_is_told_nothing(shared: Any, changes: dict[str, Any]) -> None:
    before = shared.asked_file.read_bytes()
    got = lab.look(shared, PREFIXES, **changes)
    assert reasons(got) == ["certificate"] and got.failures[0].scope == (shared.url,)
    assert shared.thumbprint in got.failures[0].message
    assert (got.observations, got.coverage) == ((), ())
    assert shared.asked_file.read_bytes() == before, "not one question, and no login"


def test_another_authority(shared: Any, tmp_path: Path) -> None:
    other, _pair, _thumbprint = lab.certificate(ADDRESS, tmp_path, "other")
    before = shared.asked_file.read_bytes()
    assert reasons(lab.look(shared, PREFIXES, ca=other)) == ["certificate"]
    assert shared.asked_file.read_bytes() == before


# --- logins ---------------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_tried_once(shared: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-password\n")
    before = len(asked(shared.asked_file))
    got = lab.look(shared, PREFIXES, password=Secret("file", str(wrong)))
    assert reasons(got) == ["login_refused"] and got.failures[0].scope == (shared.url,)
    assert (got.observations, got.coverage) == ((), ())
    methods = [one["method"] for one in asked(shared.asked_file)[before:]]
    assert methods == ["sdk/vimServiceVersions.xml", "RetrieveServiceContent", "Login"]


def calls_until_the_third_page(shared: Any) -> int:
    """Of a session, until the third page of machines is asked for; counted on a look at the same inventory."""
    before = len(asked(shared.asked_file))
    assert reasons(lab.look(shared, PREFIXES, page=5)) == []
    said = asked(shared.asked_file)[before:]
    login = next(n for n, one in enumerate(said) if one["method"] == "Login")
    first = next(
        n
        for n, one in enumerate(said)
        if (one["method"], one.get("about")) == ("RetrievePropertiesEx", "VirtualMachine")
    )
    pages = [n for n, one in enumerate(said) if one["method"] == "ContinueRetrievePropertiesEx" and n > first]
    return pages[1] - login


def test_a_session_that_ends_in_the_midst_of_a_page(shared: Any, vcenter: Callable[..., Any], tmp_path: Path) -> None:
    last = calls_until_the_third_page(shared)
    with vcenter("127.77.4.3", machines=45, expire_after=last - 1, record=tmp_path / "said") as vc:
        got = lab.look(vc, PREFIXES, page=5)
        assert is_whole(got, vc, "b7a1c7d2-6d7c-4c5b-9a50-3d1f0f5e7a11")
        said = asked(tmp_path / "said")
    ended = [one["method"] for one in said if "NotAuthenticated" in one["body"]]
    assert ended[0] == "ContinueRetrievePropertiesEx"
    assert [one["method"] for one in said].count("Login") == 2
    names = [f.value for o in got.observations for f in o.facts if f.column == "name"]
    assert len(names) == len(set(names)) == 45 + 4


def test_a_session_that_always_ends(shared: Any, vcenter: Callable[..., Any]) -> None:
    with vcenter("127.77.4.4", machines=45, expire_after=12) as vc:
        got = lab.look(vc, PREFIXES, page=5)
    assert reasons(got) == ["session_expired"] and got.coverage == ()
    assert not {"hosts_total", "vms_total"} & facts(got, "cloud").get("", {}).keys()


@pytest.mark.parametrize(("settings", "said"), [({"deny": "vm-0001"}, "10 "), ({"narrow": True}, "whole inventory")])
def test_a_login_that_may_not_see_everything(
    vcenter: Callable[..., Any], settings: dict[str, Any], said: str
) -> None:
    with vcenter("127.77.4.5", machines=45, **settings) as vc:
        got = lab.look(vc, PREFIXES)
    assert reasons(got) == ["forbidden"] and said in got.failures[0].message
    assert got.coverage == () and {"vm-00001", "vm-00040"} <= facts(got).keys()
    assert "vms_total" not in facts(got, "cloud")[""]


# --- what must not happen -------------------------------------------------------------------------------------------


@contextmanager
def process_list() -> Iterator[set[bytes]]:
    """Every process's arguments and environment that mention the canary, looked at all the while."""
    found: set[bytes] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        if CANARY.encode() in (content := (process / name).read_bytes()):
                            found.add(content)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def test_the_password_is_in_no_file_no_log_and_no_process_list(
    vcenter: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with vcenter(machines=300, record=tmp_path / "asked") as vc, process_list() as found:
        got = lab.look(vc, PREFIXES)
        refused = lab.look(vc, PREFIXES, ca=None, thumbprint="0" * 64)
        files = [file for file in tmp_path.rglob("*") if file.is_file() and file != vc.password_file]
        holding = [file for file in files if CANARY.encode() in file.read_bytes()]
    assert got.failures == () and reasons(refused) == ["certificate"]
    assert files and holding == [] and found == set()
    for text in (caplog.text, *capfd.readouterr(), collection_to_json(got), repr(got), repr(refused)):
        assert CANARY not in text


def within(namespace: str, work: Callable[[], T]) -> T:
    """Does ``work`` in a thread that has moved into a network namespace (setns(2) moves one thread)."""

    def moved() -> T:
        handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(handle, 0x40000000):
                raise OSError(ctypes.get_errno(), "cannot enter the namespace")
        finally:
            os.close(handle)
        return work()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(moved).result()


def test_nobody_but_the_endpoint_is_spoken_to(
    netns: ModuleType, network: Callable[..., Any], vcenter: Callable[..., Any], tmp_path: Path
) -> None:
    """Not the hosts that it names either, which stand beside it in the same zone."""
    net = network("10.200.0.0/24", [netns.Host(f"10.200.0.{n}", {}) for n in (0, 1, 77)])
    capture = _load("capture")
    vc = vcenter("10.200.0.77", machines=30, hosts=2)
    within(net.crowd, vc.__enter__)
    try:
        with capture.Capture(tmp_path, net.scanner) as taken:
            got = within(net.scanner, lambda: lab.look(vc, PREFIXES))
            outside = within(net.scanner, lambda: lab.look(vc, PREFIXES, endpoint="https://10.200.0.1"))
    finally:
        vc.__exit__(None, None, None)
    assert is_whole(got, vc, "b7a1c7d2-6d7c-4c5b-9a50-3d1f0f5e7a11")
    assert facts(got)["esx-001"]["ips"] == ("10.200.0.1",)
    assert reasons(outside) == ["out_of_scope"]
    port = int(vc.url.rpartition(":")[2])
    # The kernel asks for the router of its link, and tells that link (ff02::/16) that it is there.
    router = ("arp", "192.0.2.2", 0)
    spoken = {(o.protocol, o.destination, o.port) for o in taken.spoken if not o.destination.startswith("ff02:")}
    assert spoken - {router} == {("tcp", "10.200.0.77", port)}
