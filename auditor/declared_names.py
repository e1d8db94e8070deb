"""The names, addresses and URLs that registers give to systems: what a zone's rules may let be asked. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection as Container
from collections.abc import Iterator
from urllib.parse import urlsplit

from inventories.answers import REGISTER
from inventories.identity import identifies
from inventories.model import Collection, Observation
from probes.access import Asked

#: A label of letters, digits and hyphens, in the spelling of the wire (RFC 1123, RFC 5890).
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def declared_names(collected: Collection, withheld: Container[str] = ()) -> tuple[Asked, ...]:
    """What may be asked of every registered system, each once, in a fixed order.

    ``withheld`` are addresses of classified systems: never among them. Nonsense in a cell is left out; the registers'
    own checks tell of it.
    """
    found: dict[tuple[str, int, str, str, str], Asked] = {}
    for observation in collected.observations:
        if observation.kind == "system" and observation.collector == REGISTER:
            for asked in _of(observation):
                if asked.host not in withheld:
                    key = (asked.host, asked.port, asked.scheme, asked.path, str(asked.identifiers))
                    found[key] = asked
    return tuple(found[key] for key in sorted(found))


def _of(row: Observation) -> Iterator[Asked]:
    identifiers = tuple(i for i in row.identifiers if identifies("system", i) and i.scheme.startswith("system-"))
    for fact in row.facts:
        if fact.column in ("urls", "addresses") and isinstance(fact.value, tuple):
            for text in fact.value:
                if place := read_place(text):
                    yield Asked(*place, identifiers, row.department_id)


def read_place(text: str) -> tuple[str, int, str, str] | None:
    """Host, port (0: the scheme's own), scheme ('' where none is given) and path; None for what is no such thing."""
    words = text.strip()
    try:
        parts = urlsplit(words if "://" in words else f"//{words}")
        host, port = (parts.hostname or "").rstrip("."), parts.port or 0
    except ValueError:
        return None
    scheme = parts.scheme.casefold()
    if scheme not in ("", "http", "https") or not host:
        return None
    name = _name(host)
    return (name, port, scheme, parts.path or "/") if name else None


def _name(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        wire = host.encode("idna").decode("ascii").casefold()
    except UnicodeError:
        return ""
    labels = wire.split(".")
    return wire if len(labels) > 1 and len(wire) <= 253 and all(map(_LABEL.fullmatch, labels)) else ""
