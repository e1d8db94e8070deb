"""That work an asset does not grow with the site, whatever its shape; and that what is shared changes no answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from types import FrameType

import pytest

from benchmarks.shapes import SHAPES, TODAY, later
from inventories.infer import bonds, infer
from inventories.model import KeyMap
from inventories.places import Places
from inventories.reconcile import Reconciled, reconcile

SMALL, LARGE = 300, 1500
#: Calls an asset at five times the size. What is done for every pair of things would make it five.
MOST = 1.35


def audits(shape: str, size: int) -> tuple[Reconciled, Reconciled]:
    """Two audits of a shape, the second a month later, with what it started from."""
    site = SHAPES[shape](size)
    collected, places = site.collection(), Places(site.zones)
    first = reconcile(collected, places=places, keymap=KeyMap(), today=TODAY, site="shape")
    first = infer(first, collected, places=places, today=TODAY, site="shape")
    second, _looked = later(first, collected, places)
    return first, infer(second, collected, places=places, today=TODAY + timedelta(days=40), site="shape")


def calls(work: Callable[[], tuple[Reconciled, Reconciled]]) -> float:
    """How many functions were called for each asset: the same on every machine, and however busy it is."""
    count = 0

    def counted(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        found, _again = work()
    finally:
        sys.setprofile(before)
    return count / len(found.assets)


@pytest.mark.parametrize("shape", SHAPES)
def test_work_an_asset_does_not_grow(shape: str) -> None:
    small, large = calls(lambda: audits(shape, SMALL)), calls(lambda: audits(shape, LARGE))
    assert large <= MOST * small, f"{small:.0f} calls an asset, then {large:.0f}"


@pytest.mark.parametrize("shape", ["codes", "names", "shared", "one_department", "one_system"])
def test_a_crowd_says_what_as_many_claims_say(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    together = audits(shape, SMALL)
    monkeypatch.setattr(bonds, "MANY", sys.maxsize)
    assert audits(shape, SMALL) == together
    monkeypatch.setattr(bonds, "MANY", 0)
    assert audits(shape, SMALL) == together
