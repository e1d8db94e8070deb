"""What nmap wrote, read with distrust: python-nmap reads hosts, ports and services, and beside it one pass of
expat reads what python-nmap drops (how the run ended, hosts that timed out, tunnels, CPEs, script tables, counts
of ports not listed).

The file comes from a program that copies strangers' banners into it. A file that is too large, that declares
entities, that is cut off or that does not end in ``finished exit="success"`` is a :class:`BadReport`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from inventories.faults import clean

#: 256 hosts with sixty answering ports of 4 KB each weigh less.
MAX_BYTES = 64 * 1024 * 1024

#: Texts that a stranger wrote are cut here before anything else looks at them.
MAX_TEXT = 8192
MAX_DEPTH = 32


class BadReport(Exception):
    """The file is no complete report of a finished run; the text says why and is safe to show."""


@dataclass(frozen=True, slots=True)
class Port:
    """One port of one host. ``state``: open, closed, filtered, open|filtered.

    ``named_by`` is ``probed`` where the service itself said what it is, ``table`` where only the number did.
    ``tables`` maps script → key → text, nested keys joined by a dot (``extensions.0.name``).
    """

    number: int
    protocol: str
    state: str
    name: str = ""
    product: str = ""
    version: str = ""
    extra: str = ""
    named_by: str = "table"
    tunnel: str = ""
    device: str = ""
    fingerprint: str = ""
    cpes: tuple[str, ...] = ()
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Host:
    """One address. ``uncounted`` maps a state to the number of ports that nmap did not list one by one.

    ``tables`` is as :attr:`Port.tables`, of scripts that look at a host as a whole.
    """

    address: str
    state: str
    reason: str = ""
    mac: str = ""
    mac_vendor: str = ""
    name: str = ""
    timed_out: bool = False
    ports: tuple[Port, ...] = ()
    uncounted: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run. ``total`` is the number of targets that nmap says it looked at."""

    version: str
    total: int
    hosts: tuple[Host, ...]


def read_report(path: Path, *, max_bytes: int = MAX_BYTES) -> Report:
    """Reads one XML file; raises :class:`BadReport`."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except OSError as error:
        raise BadReport(f"nmap wrote no result ({error.strerror})") from error
    if len(raw) > max_bytes:
        raise BadReport(f"nmap's result is larger than {max_bytes // 1024 // 1024} MiB")
    beside = _Beside()
    beside.read(raw)
    return Report(beside.version, beside.total, tuple(_hosts(raw, beside)))


def _hosts(raw: bytes, beside: _Beside) -> Iterator[Host]:
    """Each host as python-nmap has it, with what it dropped."""
    import nmap

    scanner = nmap.PortScanner.__new__(nmap.PortScanner)  # its constructor would start nmap once more
    scanner._scan_result = {}
    scanner._nmap_last_output = ""
    try:
        scan: dict[str, Any] = scanner.analyse_nmap_xml_scan(raw)["scan"]
    except (nmap.PortScannerError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadReport(f"nmap's result is not what it should be ({type(error).__name__})") from error
    for address, found in scan.items():
        more = beside.hosts.get(address, _HostMore())
        mac = str(found["addresses"].get("mac", ""))
        yield Host(
            address=address,
            state=_cut(found.get("status", {}).get("state", "")),
            reason=_cut(found.get("status", {}).get("reason", "")),
            mac=mac,
            mac_vendor=_cut(found["vendor"].get(mac, "")),
            name=_cut(next((h["name"] for h in found["hostnames"] if h["type"] == "PTR"), "")),
            timed_out=more.timed_out,
            ports=tuple(_ports(found, more)),
            uncounted=more.uncounted,
            tables=more.tables,
        )


def _ports(found: Mapping[str, Any], more: _HostMore) -> Iterator[Port]:
    for protocol in ("tcp", "udp", "sctp"):
        for number, port in sorted(found.get(protocol, {}).items()):
            extra = more.ports.get((protocol, number), _PortMore())
            yield Port(
                number=number,
                protocol=protocol,
                state=str(port["state"]),
                name=_cut(port["name"]),
                product=_cut(port["product"]),
                version=_cut(port["version"]),
                extra=_cut(port["extrainfo"]),
                named_by=extra.service.get("method", "table"),
                tunnel=extra.service.get("tunnel", ""),
                device=_cut(extra.service.get("devicetype", "")),
                fingerprint=_cut(extra.service.get("servicefp", "")),
                cpes=tuple(extra.cpes),
                tables=extra.tables,
            )


def _cut(text: object) -> str:
    return text[:MAX_TEXT] if isinstance(text, str) else ""


@dataclass(slots=True)
class _PortMore:
    service: dict[str, str] = field(default_factory=dict)
    cpes: list[str] = field(default_factory=list)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class _HostMore:
    timed_out: bool = False
    uncounted: dict[str, int] = field(default_factory=dict)
    ports: dict[tuple[str, int], _PortMore] = field(default_factory=dict)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)


class _Beside:
    """What python-nmap drops, in one streaming pass; also the check that the file is whole and harmless."""

    def __init__(self) -> None:
        self.version = ""
        self.total = 0
        self.hosts: dict[str, _HostMore] = {}
        self._finished = ""
        self._said = ""
        self._host = _HostMore()
        self._address = ""
        self._port: _PortMore | None = None
        self._script = ""
        self._keys: list[str] = []
        self._counts = [0]
        self._text: list[str] | None = None
        self._size = 0
        self._depth = 0

    def read(self, raw: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._forbidden
        parser.ExternalEntityRefHandler = self._forbidden
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(raw, True)
        except expat.ExpatError as error:
            raise BadReport(f"nmap's result is cut off or broken XML ({clean(str(error))})") from error
        except ValueError as error:
            raise BadReport(f"nmap's result holds no numbers where it should ({clean(str(error))})") from error
        if self._finished != "success":
            said = f": {clean(self._said)}" if self._said else ""
            raise BadReport(f"nmap did not finish its run (exit {clean(self._finished, 20) or 'unknown'}){said}")

    def _doctype(self, name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if name != "nmaprun" or internal:
            raise BadReport("the result declares a document type of its own")

    def _forbidden(self, *_args: object) -> int:
        raise BadReport("the result declares entities")

    def _start(self, tag: str, at: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadReport(f"the result is nested deeper than {MAX_DEPTH} levels")
        handler = _STARTS.get(tag)
        if handler:
            handler(self, at)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        handler = _ENDS.get(tag)
        if handler:
            handler(self)

    def _characters(self, text: str) -> None:
        if self._text is not None and self._size < MAX_TEXT:
            self._text.append(text[: MAX_TEXT - self._size])
            self._size += len(text)

    def _run(self, at: dict[str, str]) -> None:
        self.version = _cut(at.get("version"))

    def _ended(self, at: dict[str, str]) -> None:
        self._finished, self._said = at.get("exit", ""), at.get("errormsg", "")

    def _count(self, at: dict[str, str]) -> None:
        self.total = int(at.get("total", "0"))

    def _open_host(self, at: dict[str, str]) -> None:
        self._host, self._address = _HostMore(at.get("timedout") == "true"), ""

    def _add_address(self, at: dict[str, str]) -> None:
        if at.get("addrtype") in ("ipv4", "ipv6") and not self._address:
            self._address = at.get("addr", "")

    def _close_host(self) -> None:
        self.hosts[self._address] = self._host
        self._host = _HostMore()

    def _add_uncounted(self, at: dict[str, str]) -> None:
        self._host.uncounted[at.get("state", "")] = int(at.get("count", "0"))

    def _open_port(self, at: dict[str, str]) -> None:
        self._port = _PortMore()
        self._host.ports[at.get("protocol", ""), int(at.get("portid", "0"))] = self._port

    def _close_port(self) -> None:
        self._port = None

    def _add_service(self, at: dict[str, str]) -> None:
        if self._port is not None:
            self._port.service = at

    def _open_text(self, _at: dict[str, str]) -> None:
        self._text, self._size = [], 0

    def _close_cpe(self) -> None:
        if self._port is not None and self._text and len(self._port.cpes) < 16:
            self._port.cpes.append("".join(self._text)[:200])
        self._text = None

    def _open_script(self, at: dict[str, str]) -> None:
        self._script = at.get("id", "")
        self._keys, self._counts = [], [0]
        self._tables()[self._script] = {}

    def _tables(self) -> dict[str, dict[str, str]]:
        """Of the port that is being read, else of the host (or of the run, which nobody looks at)."""
        return self._host.tables if self._port is None else self._port.tables

    def _close_script(self) -> None:
        self._script = ""

    def _open_table(self, at: dict[str, str]) -> None:
        """An entry of a list has no key; its number stands for it."""
        self._keys.append(at.get("key") or str(self._counts[-1]))
        self._counts[-1] += 1
        self._counts.append(0)

    def _close_table(self) -> None:
        self._keys.pop()
        self._counts.pop()

    def _open_elem(self, at: dict[str, str]) -> None:
        self._keys.append(at.get("key") or str(self._counts[-1]))
        self._counts[-1] += 1
        self._open_text(at)

    def _close_elem(self) -> None:
        table = self._tables().get(self._script)
        if table is not None and self._text is not None and len(table) < 200:
            table[".".join(self._keys)] = "".join(self._text)
        self._keys.pop()
        self._text = None


_STARTS = {
    "nmaprun": _Beside._run,
    "finished": _Beside._ended,
    "hosts": _Beside._count,
    "host": _Beside._open_host,
    "address": _Beside._add_address,
    "extraports": _Beside._add_uncounted,
    "port": _Beside._open_port,
    "service": _Beside._add_service,
    "cpe": _Beside._open_text,
    "script": _Beside._open_script,
    "table": _Beside._open_table,
    "elem": _Beside._open_elem,
}
_ENDS = {
    "host": _Beside._close_host,
    "port": _Beside._close_port,
    "cpe": _Beside._close_cpe,
    "script": _Beside._close_script,
    "table": _Beside._close_table,
    "elem": _Beside._close_elem,
}
