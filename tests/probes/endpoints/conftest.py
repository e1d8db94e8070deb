"""What the tests of the endpoints probe share: the web servers of the names probe's."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """The servers that the tests of the names probe use too."""
    name = "probes_world"
    if name not in sys.modules:
        path = Path(__file__).parent.parent / "names" / "world.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def web(world: ModuleType) -> Iterator[Any]:
    """Web servers that write down everything they are asked."""
    with world.Web() as servers:
        yield servers
