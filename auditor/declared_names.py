"""The names, addresses and URLs that registers give to systems: what a zone's rules may let be asked. Pure."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Collection as Container
from collections.abc import Iterator

from inventories.answers import REGISTER
from inventories.identity import identifies
from inventories.model import Collection, Observation
from probes.access import Asked

#: A link of the web, or a host alone as people write it; what follows after a space or in brackets is a remark.
_PLACE = re.compile(
    r"(?:(?P<scheme>https?)://)?(?:[^\s/?#@]{0,100}@)?(?P<host>\[[0-9a-f:.]{2,45}\]|[^\s/?#@:()\[\]<>\"'\\|]{1,253})"
    r"(?::(?P<port>\d{1,5}))?(?P<path>/[^\s?#<>\"'\\()]{0,1000})?(?:[?#]\S*)?\s*(?:[\s(].*)?",
    re.IGNORECASE | re.DOTALL,
)
#: Labels of letters (Chinese ones too), digits and hyphens; at least two.
_NAME = re.compile(r"(?:[^\W_]|[-_]){1,63}(?:\.(?:[^\W_]|[-_]){1,63})+")


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
        if identifiers and fact.column in ("urls", "addresses") and isinstance(fact.value, tuple):
            for text in fact.value:
                if place := read_place(text):
                    yield Asked(*place, identifiers, row.department_id)


def read_place(text: str) -> tuple[str, int, str, str] | None:
    """Host, port (0: the scheme's own), scheme ('' where none is given) and path; None for what is no such thing.

    The host stays in the script in which it is written, in small letters. What stands behind ``?`` is left out: it
    may be somebody's token, and the page's start says as much. So is a user name before ``@``.
    """
    words = unicodedata.normalize("NFKC", text).replace("。", ".").strip()
    address = _address(words)
    if address:
        return address, 0, "", "/"
    parts = _PLACE.fullmatch(words)
    if parts is None:
        return None
    host, port = _host(parts["host"]), int(parts["port"] or 0)
    if not host or port > 65535:
        return None
    return host, port, (parts["scheme"] or "").lower(), parts["path"] or "/"


def _host(text: str) -> str:
    plain = text.rstrip(".").casefold()
    if plain.startswith("["):
        return _address(plain.strip("[]"))
    # What ends in a number is an address, or none: 300.1.1.1 is never looked up as a name.
    if plain.rpartition(".")[2].isdigit():
        return _address(plain)
    return plain if _NAME.fullmatch(plain) else ""


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text)) if "%" not in text else ""
    except ValueError:
        return ""
