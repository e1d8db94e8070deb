"""Routes: of the main table and of every other that the kernel asks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from probes.inside.model import Route

#: A router that knows the whole internet is no list for a person.
MAX_ROUTES = 300

_NO_WAY = frozenset({"unreachable", "blackhole", "prohibit", "throw", "local", "broadcast", "multicast", "anycast"})


def read_routes(lines: Sequence[str]) -> tuple[Route, ...]:
    """``ip route show table all`` of both families, or ``/proc/net/route`` (its lines begin with ``proc``)."""
    out: list[Route] = []
    prefix, rest = "", ""
    for line in lines:
        words = line.split()
        if not words:
            continue
        if words[0] == "proc":
            route = _from_proc(words[1:])
        elif words[0] == "nexthop":
            route = _route(prefix, f"{line} {rest}")
        else:
            words = words[1:] if words[0] == "unicast" else words
            prefix, rest = (words[0], line) if words and words[0] not in _NO_WAY else ("", "")
            route = _route(prefix, line)
        if route is not None and route not in out:
            out.append(route)
        if len(out) >= MAX_ROUTES:
            break
    return tuple(out)


def _route(prefix: str, line: str) -> Route | None:
    gateway = _after(line, "via inet6") or _after(line, "via")
    six = ":" in prefix or (prefix == "default" and (":" in gateway or _after(line, "pref") != ""))
    try:
        network = ipaddress.ip_network(
            ("::/0" if six else "0.0.0.0/0") if prefix == "default" else prefix, strict=False
        )
    except ValueError:
        return None
    if network.is_link_local or network.is_multicast or network.is_loopback:
        return None
    metric = _after(line, "metric")
    table = _after(line, "table")
    return Route(
        prefix=str(network),
        gateway=_address(gateway),
        interface=_after(line, "dev"),
        metric=int(metric) if metric.isdecimal() else 0,
        table="" if table == "main" else table,
        is_connected=not gateway and network.prefixlen > 0,
    )


def _after(line: str, word: str) -> str:
    """The word that follows another."""
    found = re.search(rf"(?:^|\s){word}\s+(\S+)", line)
    return "" if found is None or found[1] == "inet6" else found[1]


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _from_proc(words: list[str]) -> Route | None:
    """``IFACE DESTINATION GATEWAY FLAGS REFCNT USE METRIC MASK …``, addresses as little-endian hexadecimal."""
    if len(words) < 8 or not all(re.fullmatch(r"[0-9A-Fa-f]{8}", word) for word in (words[1], words[2], words[7])):
        return None
    to, gateway, mask = (".".join(str(byte) for byte in bytes.fromhex(words[i])[::-1]) for i in (1, 2, 7))
    try:
        network = ipaddress.ip_network(f"{to}/{mask}", strict=False)
    except ValueError:
        return None
    if network.is_link_local or network.is_multicast or network.is_loopback:
        return None
    via = "" if gateway == "0.0.0.0" else gateway  # noqa: S104
    metric = int(words[6]) if words[6].isdecimal() else 0
    return Route(str(network), via, words[0], metric, "", not via and network.prefixlen > 0)
