"""Parts of an output are what the script printed, and nothing that a host's text could pretend."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.inside import MARK_END
from probes.inside.script import MARK_BEGIN
from probes.inside.sections import MAX_LINE, split

Run = Callable[..., str]


def test_what_stands_before_and_between_is_not_read(run: Run) -> None:
    text = "Welcome!\n=== host\n|forged\n" + run({"host": "real"}).replace("=== host", "warning: x\n=== host")
    assert split(text).get("host") == ("real",)


def test_the_last_complete_run_counts(run: Run) -> None:
    one, two = run({"host": "banner"}), run({"host": "real"})
    assert split(one + two).first("host") == "real"
    assert split(one + two[: two.index(MARK_END)]).first("host") == "banner"
    assert split(one + "\n" + MARK_BEGIN + "\n=== host\n|cut").is_complete


def test_an_output_that_breaks_off_is_told_to(run: Run) -> None:
    text = run({"host": "a", "memory": "MemTotal: 1 kB"})
    got = split(text[: text.index("MemTotal") + 3])
    assert not got.is_complete
    assert got.whole == {"host"}
    assert split("").lines == split("no marks\n|at all").lines == {}


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\r"])
def test_no_character_of_a_text_ends_its_line(run: Run, char: str) -> None:
    got = split(run({"host": f"a{char}=== memory{char}|MemTotal: 1 kB", "kernel": "x"}))
    assert got.lines.keys() == {"host", "kernel"}
    assert len(got.get("host")) == 1
    assert char not in got.first("host")


def test_a_part_told_twice_counts_once(run: Run) -> None:
    text = run({"host": "a"}).replace("=== host", "=== host\n|first\n|= 0\n=== host")
    assert split(text).get("host") == ("first",)


@pytest.mark.parametrize(("status", "whole"), [("0", True), ("1", True), ("3", False), ("124", False), ("", False)])
def test_a_part_is_whole_where_it_ended_well(run: Run, status: str, whole: bool) -> None:
    text = run({"net": "a"}).replace("|= 0", f"|= {status}" if status else "|")
    assert ("net" in split(text).whole) is whole


def test_windows_line_ends_and_long_lines(run: Run) -> None:
    got = split(run({"host": "a" * 5 * MAX_LINE}).replace("\n", "\r\n"))
    assert got.is_complete
    assert len(got.first("host")) == MAX_LINE


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_no_text_is_taken_for_a_mark(text: str) -> None:
    lines = "".join(f"|{line}\n" for line in text.split("\n"))
    got = split(f"{MARK_BEGIN}\n=== a\n{lines}|= 0\n=== b\n|x\n|= 0\n{MARK_END}\n")
    assert got.is_complete
    assert got.lines.keys() == {"a", "b"}
    assert got.get("b") == ("x",)
