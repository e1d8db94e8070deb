"""A small SNMP v2c agent for the quick suite, which also misbehaves as told. Synthetic, not recorded."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api
from pysnmp.proto.rfc1905 import endOfMibView, noSuchObject

_V2C: Any = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]

Oid = tuple[int, ...]


def oid(text: str) -> Oid:
    return tuple(map(int, text.split(".")))


class FakeAgent:
    """Answers on one loopback address from a table: object → bytes, int, or an object number as ``oid:1.3…``.

    ``next_of`` decides what follows an object (by default the table's order); ``silent_after`` is the number of
    requests after which it says nothing more. ``asked`` counts requests by community.
    """

    def __init__(
        self,
        address: str,
        table: Mapping[str, bytes | int | str],
        *,
        community: str = "public",
        silent_after: int | None = None,
        delay: float = 0.0,
    ) -> None:
        self.table = {oid(name): value for name, value in table.items()}
        self.order = sorted(self.table)
        self.community, self.silent_after, self.delay = community, silent_after, delay
        self.next_of: Callable[[Oid], Oid | None] = self._next
        self.asked: dict[str, int] = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(0.1)
        self.port: int = self.socket.getsockname()[1]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> FakeAgent:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.set()
        self._thread.join()
        self.socket.close()

    def _next(self, name: Oid) -> Oid | None:
        return next((known for known in self.order if known > name), None)

    def _serve(self) -> None:
        while not self._end.is_set():
            try:
                packet, peer = self.socket.recvfrom(65_535)
            except TimeoutError:
                continue
            answer = self._answer(packet)
            if answer is not None:
                time.sleep(self.delay)
                self.socket.sendto(answer, peer)

    def _answer(self, packet: bytes) -> bytes | None:
        message, _rest = decoder.decode(packet, asn1Spec=_V2C.Message())
        said = bytes(_V2C.apiMessage.get_community(message)).decode()
        self.asked[said] = self.asked.get(said, 0) + 1
        if said != self.community or (self.silent_after is not None and sum(self.asked.values()) > self.silent_after):
            return None
        request = _V2C.apiMessage.get_pdu(message)
        reply = _V2C.apiMessage.get_response(message)
        names = [tuple(name) for name, _value in _V2C.apiPDU.get_varbinds(request)]
        if request.isSameTypeWith(_V2C.GetBulkRequestPDU()):
            bound = self._bulk(names[0], int(_V2C.apiBulkPDU.get_max_repetitions(request)))
        else:
            bound = [(name, self._value(name)) for name in names]
        _V2C.apiPDU.set_varbinds(_V2C.apiMessage.get_pdu(reply), bound)
        return bytes(encoder.encode(reply))

    def _bulk(self, name: Oid, most: int) -> list[tuple[Oid, Any]]:
        out: list[tuple[Oid, Any]] = []
        while len(out) < most:
            found = self.next_of(name)
            if found is None:
                out.append((name, endOfMibView))
                break
            out.append((found, self._value(found)))
            name = found
        return out

    def _value(self, name: Oid) -> Any:
        value = self.table.get(name)
        if value is None:
            return noSuchObject
        if isinstance(value, int):
            return _V2C.Integer(value)
        if isinstance(value, bytes):
            return _V2C.OctetString(value)
        return _V2C.ObjectIdentifier(oid(value.removeprefix("oid:")))


#: What an agent says of itself, as far as every test needs it.
SYSTEM: Mapping[str, bytes | int | str] = {
    "1.3.6.1.2.1.1.1.0": b"APC Web/SNMP Management Card",
    "1.3.6.1.2.1.1.2.0": "oid:1.3.6.1.4.1.318.1.3.27",
    "1.3.6.1.2.1.1.5.0": b"ups-1",
}
