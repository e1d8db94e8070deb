"""Real networks for the laboratory's tests: built for each test, and gone after it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    """A module beside this file, wherever the tests are run from."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def load() -> Callable[[str], ModuleType]:
    """``load("rabbitmq")`` is the module beside this file."""
    return _load


@pytest.fixture(scope="session")
def netns() -> ModuleType:
    """The builder of networks; the test fails where namespaces cannot be built."""
    module = _load("netns")
    assert module.usable(), "these tests need root, iproute2, nftables and nmap"
    return module


@pytest.fixture
def network(netns: ModuleType, tmp_path: Path) -> Iterator[Callable[..., object]]:
    """``network("10.9.0.0/24", hosts)`` builds one and returns it; all are taken down after the test."""
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(netns.Net(*args, directory=tmp_path, **more))
