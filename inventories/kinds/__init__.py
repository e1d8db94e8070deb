"""One declaration per asset kind; the data dictionary, views, forms and checks are generated from them."""

from __future__ import annotations

from collections.abc import Mapping

from inventories.kinds.cloud import CLOUD
from inventories.kinds.component import COMPONENT
from inventories.kinds.declare import DUCKDB_TYPES, Column, Kind, Type
from inventories.kinds.department import DEPARTMENT
from inventories.kinds.host import HOST
from inventories.kinds.network import NETWORK
from inventories.kinds.project import PROJECT
from inventories.kinds.room import ROOM
from inventories.kinds.system import SYSTEM

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (DEPARTMENT, SYSTEM, HOST, ROOM, NETWORK, CLOUD, COMPONENT, PROJECT)
}

__all__ = ["DUCKDB_TYPES", "KINDS", "Column", "Kind", "Type"]
