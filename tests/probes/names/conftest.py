"""What the tests of the names probe share."""

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
    """The module beside this file, wherever the tests are run from."""
    name = "probes_world"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("world.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def web(world: ModuleType) -> Iterator[Any]:
    """Web servers that write down everything they are asked."""
    with world.Web() as servers:
        yield servers
