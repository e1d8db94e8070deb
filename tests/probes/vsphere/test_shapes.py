"""What is read quickly is what pyVmomi reads, whole and broken, and a server cannot fill what is remembered."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from probes.vsphere import shapes as module
from probes.vsphere.shapes import QuickDeserializer, Shapes
from probes.vsphere.soap import BROKEN, OLDEST, Stub

DATA = Path(__file__).resolve().parents[1] / "data" / "vsphere"


def recorded() -> list[tuple[str, bytes]]:
    """The name of each question, and its answer."""
    lines = [
        line for name in ("vcenter", "esxi") for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    said = [json.loads(line) for line in lines]
    return [(one["method"], one["body"].encode()) for one in said if "Envelope" in one["body"]]


def result_type(method: str) -> Any:
    from probes.vsphere.soap import type_of

    return type_of(
        {
            "RetrievePropertiesEx": "vmodl.query.PropertyCollector.RetrieveResult",
            "ContinueRetrievePropertiesEx": "vmodl.query.PropertyCollector.RetrieveResult",
            "RetrieveServiceContent": "vim.ServiceInstanceContent",
            "Login": "vim.UserSession",
        }.get(method, "vmodl.MethodFault")
    )


def stub_of_nothing() -> Stub:
    wire: Any = None
    return Stub(wire, OLDEST)


def plain(value: Any) -> Any:
    """All that an object holds, with the type of everything."""
    kind = type(value).__name__
    if isinstance(value, list):
        return kind, [plain(entry) for entry in value]
    held = getattr(value, "__dict__", None)
    if held is None or isinstance(value, type):
        return kind, repr(value)
    return kind, {name: plain(entry) for name, entry in held.items() if name != "_stub"}


def read(stub: Any, method: str, body: bytes, shapes: Shapes | None) -> Any:
    """What comes of an answer: its content, or the exception's type."""
    from pyVmomi.SoapAdapter import SoapResponseDeserializer

    reader: Any = object.__new__(SoapResponseDeserializer)
    reader.__init__(stub)
    if shapes is not None:
        reader.deser = QuickDeserializer(stub, shapes)
    try:
        return plain(reader.Deserialize(io.BytesIO(body), result_type(method)))
    except BROKEN as error:
        return type(error)


def test_every_recorded_answer_is_read_as_pyvmomi_reads_it() -> None:
    stub, shapes = stub_of_nothing(), Shapes()
    for _ in range(2):
        for method, body in recorded():
            assert read(stub, method, body, shapes) == read(stub, method, body, None)
    assert len(shapes.begun) > 50 and len(shapes.properties) > 50


def spoilt(body: bytes, random_: random.Random) -> bytes:
    """A recorded answer in which names, types or pieces are exchanged, or a byte is."""
    kind, at = random_.randrange(3), random_.randrange(len(body))
    if kind == 0:
        return body[:at] + bytes([random_.randrange(32, 127)]) + body[at + 1 :]
    if kind == 1:
        end = min(len(body), at + random_.randrange(1, 400))
        return body[:end] + body[at:end] + body[end:]
    words = [b"xsd:string", b"VirtualMachine", b"ArrayOfGuestNicInfo", b"Folder", b"NotAuthenticated", b"xsd:int"]
    words += [b"<val ", b"<obj ", b"name", b"token", b"objects", b"propSet", b"urn:vim25", b"xsd:boolean", b" type="]
    return body.replace(random_.choice(words), random_.choice(words))


def test_spoilt_answers_are_read_as_pyvmomi_reads_them() -> None:
    """What is remembered of honest answers, and of spoilt ones, changes nothing about the next."""
    random_, stub, shapes = random.Random(20260305), stub_of_nothing(), Shapes()
    pages = recorded()
    broken = 0
    for turn in range(500):
        method, body = pages[turn % len(pages)]
        said = spoilt(body, random_)
        expected = read(stub, method, said, None)
        assert read(stub, method, said, shapes) == expected, said
        broken += isinstance(expected, type)
    assert 50 < broken < 450


@pytest.mark.parametrize("length", [1, 1000])
def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """A namespace may be called anything, and so an element that stands in it."""
    monkeypatch.setattr(module, "_MOST_SHAPES", 100)
    stub, shapes = stub_of_nothing(), Shapes()
    method, body = next(one for one in recorded() if one[0] == "RetrieveServiceContent")
    for n in range(20):
        odd = body.replace(b'"urn:vim25"', f'"urn:{n}{"x" * length}"'.encode())
        assert read(stub, method, odd, shapes) == read(stub, method, odd, None)
    assert len(shapes.begun) <= 100 and len(shapes.properties) <= 100
    longest = max((len(str(key)) for key in (*shapes.begun, *shapes.properties)), default=0)
    assert longest < 1000
