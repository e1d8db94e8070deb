"""Reading what pyVmomi made of an answer without trusting it: an answer decides the types of what is in it.

A value may be of any type whatever the API says, and where a data object is expected a reference may stand, of
which reading an attribute would be a question to the server. So nothing here reads attributes: only what an object
holds itself is looked at, and what is not of the type expected is as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import unquote

from inventories.faults import clean

#: How much of a name is kept.
NAME = 120
#: How many items of a list are looked at: more stands in no machine, and is somebody's joke.
MOST_ITEMS = 1024

_ESCAPED = re.compile(r"%(2[fF]|5[cC]|25)")


def field(thing: object, name: str) -> object:
    """What a data object holds under a name; None for anything else, references to managed objects too."""
    held = getattr(thing, "__dict__", None)
    return held.get(name) if isinstance(held, dict) else None


def path(thing: object, *names: str) -> object:
    for name in names:
        thing = field(thing, name)
    return thing


def text(value: object, limit: int = NAME) -> str:
    """A text, cleaned and bounded, without the spaces around it; empty for anything else."""
    if not isinstance(value, str):
        return ""
    plain = value.strip()
    # What clean() would change is never printable, and most texts are: asking is much faster than cleaning.
    return plain if len(plain) <= limit and plain.isprintable() else clean(plain, limit).strip()


def name(value: object) -> str:
    """An inventory name: there, ``/``, ``\\`` and ``%`` are written ``%2f``, ``%5c`` and ``%25``."""
    if not isinstance(value, str):
        return ""
    return text(_ESCAPED.sub(lambda found: unquote(found[0]), value[: 4 * NAME]) if "%" in value else value)


def word(value: object) -> str:
    """One of the API's own words (``poweredOn``); empty for anything that is no plain word."""
    return str(value) if isinstance(value, str) and len(value) <= 60 and value.isascii() and value.isalnum() else ""


def number(value: object) -> int | None:
    """A number above 0."""
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**62 else None


def moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def items(value: object) -> Sequence[object]:
    return value[:MOST_ITEMS] if isinstance(value, list) else ()


def reference(value: object) -> str:
    """The id of a managed object that is referred to (``vm-42``); empty for anything else."""
    found = field(value, "_moId")
    return text(found, 100) if isinstance(found, str) else ""


def kind_of(value: object) -> str:
    """The API's name of a value's type, without where it stands: ``VirtualEthernetCard``."""
    return type(value).__name__.rpartition(".")[2]
