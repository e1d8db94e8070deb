"""Where in the inventory something lies: the folders and datacenters above it. No SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from probes.vsphere.answers import Item
from probes.vsphere.fields import name, reference

#: Deeper nesting is a circle.
_DEEPEST = 64
#: The one datacenter of an ESXi by itself: nobody made it, and nobody named it.
_MADE_BY_NOBODY = "ha-datacenter"


class Place(NamedTuple):
    """``path`` is ``datacenter/folder/folder``; ``spellings`` are what a site may call it by: the path first, then
    each folder's own name, the nearest first.
    """

    path: str = ""
    spellings: tuple[str, ...] = ()


@dataclass(slots=True)
class Tree:
    """Folders, datacenters and vApps by id: their name, the id of what holds them, and their kind."""

    nodes: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    _places: dict[str, Place] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        above = reference(item.get("parent")) or reference(item.get("parentFolder"))
        own = "" if item.id == _MADE_BY_NOBODY else name(item.get("name"))
        self.nodes[item.id] = (own, above, item.kind)
        self._places.clear()

    def place(self, identifier: str) -> Place:
        """Where the machines of a folder lie; found once for all of them."""
        known = self._places.get(identifier)
        if known is None:
            folders = self.folders(identifier)
            path = "/".join(folders)
            known = Place(path, tuple(dict.fromkeys((path, *reversed(folders)))) if folders else ())
            self._places[identifier] = known
        return known

    def folders(self, identifier: str) -> tuple[str, ...]:
        """The names above a machine, from the datacenter down to the folder that ``identifier`` names.

        The root has no name of its own, and neither has the folder that every datacenter keeps its machines in.
        """
        names: list[str] = []
        for _ in range(_DEEPEST):
            node = self.nodes.get(identifier)
            if node is None:
                break
            own, above, kind = node
            is_hidden = kind == "Folder" and self.nodes.get(above, ("", "", ""))[2] == "Datacenter"
            if own and not is_hidden:
                names.append(own)
            identifier = above
        return tuple(reversed(names))
