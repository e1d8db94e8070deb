"""Listening ports with their process, as ss, netstat or the kernel's own tables tell them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from probes.inside.model import Listener

MAX_LISTENERS = 300
#: Above this, a UDP port is as a rule a client's own, taken by chance and gone tomorrow.
EPHEMERAL = 32_768

_PLACE = re.compile(r"^(.*):(\d{1,5})$")
_SS_USER = re.compile(r'users:\(\("([^"]{1,64})"')
_NETSTAT_USER = re.compile(r"\s\d+/([^\s:]{1,64})")
_PROC = re.compile(
    r"^(tcp|udp)6?\s+\d+:\s+([0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}):([0-9A-Fa-f]{4})\s+\S+\s+([0-9A-Fa-f]{2})"
)


def read_listeners(lines: Sequence[str]) -> tuple[Listener, ...]:
    """Each port once for every machine that may reach it; without privilege most have no process."""
    found: dict[tuple[str, int, str], Listener] = {}
    for line in lines:
        listener = _from_proc(line) if _PROC.match(line) else _from_tool(line)
        if listener is None or not 0 < listener.port < 65536:
            continue
        if listener.protocol == "udp" and listener.port >= EPHEMERAL:
            continue
        key = (listener.protocol, listener.port, listener.address if listener.is_local else "")
        known = found.get(key)
        if known is None or (not known.process and listener.process):
            found[key] = listener
        if len(found) >= MAX_LISTENERS:
            break
    return tuple(sorted(found.values(), key=lambda one: (one.protocol, one.port, one.address)))


def _from_tool(line: str) -> Listener | None:
    """A line of ``ss -lntup`` or ``netstat -lntup``: the first word with a port is the place that is listened on."""
    words = line.split()
    protocol = words[0].removesuffix("6") if words else ""
    if protocol not in ("tcp", "udp") or "ESTAB" in words:
        return None
    place = next((match for word in words[1:] if (match := _PLACE.match(word))), None)
    if place is None:
        return None
    user = _SS_USER.search(line) or _NETSTAT_USER.search(line)
    return Listener(int(place[2]), protocol, _address(place[1]), process_name(user[1]) if user else "")


def process_name(text: str) -> str:
    """The name alone: some programs write paths, or what they work on, into the name that the kernel shows."""
    return re.split(r"[\s:]", text.strip(), maxsplit=1)[0].rpartition("/")[2][:64]


def _from_proc(line: str) -> Listener | None:
    found = _PROC.match(line)
    # 0A: listening; 07: a UDP socket that is bound and connected to nobody.
    if found is None or found[4].upper() not in ("0A", "07"):
        return None
    raw = bytes.fromhex(found[2])
    turned = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    return Listener(int(found[3], 16), found[1], _address(str(ipaddress.ip_address(turned))))


def _address(text: str) -> str:
    """The address without brackets and interface; empty for all addresses."""
    plain = re.sub(r"%.*$", "", text.strip("[]").partition("]")[0])
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return "" if address.is_unspecified else str(mapped or address)
