"""The page on identity: its examples are run, and what it says of numbers is what the code has."""

from __future__ import annotations

import doctest
from pathlib import Path

from inventories.binding import FORGOTTEN_AFTER, REUSED_AFTER
from inventories.joining import MOST_CLAIMS

PAGE = Path(__file__).parents[2] / "docs" / "identity.md"


def test_its_examples_come_out_as_it_says() -> None:
    done = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert done.attempted >= 15
    assert done.failed == 0


def test_its_numbers_are_the_codes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert REUSED_AFTER.days == 21 and "three weeks or more" in text
    assert 180 <= FORGOTTEN_AFTER.days <= 186 and "half a year" in text
    assert {MOST_CLAIMS[scheme] for scheme in ("uuid", "instance", "serial", "ip")} == {4}
    assert MOST_CLAIMS["mac"] == 8
    for words in ("more than 4 different things carry it", "more than 8 things carry it", "more than 4 things do"):
        assert words in text
