"""What a server said, as plain records of our own. No SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """What a server says it is. ``kind`` is ``vcenter``, ``esxi`` or empty; ``instance`` is a vCenter's own UUID."""

    kind: str = ""
    product: str = ""
    version: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One object: ``values`` are the properties that it has. ``is_denied``: some may not be read by this login."""

    id: str
    kind: str
    values: Mapping[str, object]
    is_denied: bool = False

    def get(self, path: str) -> object:
        return self.values.get(path)
