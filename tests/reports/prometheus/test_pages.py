"""The pages made from the rules are fresh, and every command in them exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from reports.prometheus import pages, shipped
from tools import commands_page

ROOT = Path(__file__).resolve().parents[3]


def test_the_runbooks_in_the_documentation_are_fresh() -> None:
    fresh = pages.runbook_pages()
    stale = [path.name for path, text in fresh.items() if (ROOT / path).read_text(encoding="utf-8") != text]
    assert stale == [], "python -m reports.prometheus.pages"
    assert {path.relative_to(ROOT) for path in (ROOT / pages.FOLDER).iterdir()} == set(fresh)


def test_the_lists_in_the_documentation_are_fresh() -> None:
    written = (ROOT / pages.PAGE).read_text(encoding="utf-8")
    assert written == pages.page(written), "python -m reports.prometheus.pages"
    for alert in shipped.alerts():
        assert f"`{alert.name}`" in written
    for record in (*shipped.records(), *shipped.thresholds()):
        assert f"`{record.name}`" in written


def test_a_page_without_a_place_for_a_list_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        pages.filled("# Alerts\n", "alerts", "text")
    begin, end = pages.BEGIN.format("alerts"), pages.END.format("alerts")
    assert pages.filled(f"a\n{begin}\nold\n{end}\nb\n", "alerts", "new") == f"a\n{begin}\nnew\n{end}\nb\n"


def test_every_recording_rule_stands_under_a_heading() -> None:
    assert all(record.section for record in shipped.records())


def test_links_between_runbooks_lead_somewhere() -> None:
    there = {alert.runbook for alert in shipped.alerts()}
    for alert in shipped.alerts():
        for target in re.findall(r"\]\(([^)]+)\)", shipped.text(f"{shipped.RUNBOOKS}/{alert.runbook}")):
            assert target in there, f"{alert.runbook}: {target}"


known = cache(commands_page.commands)
help_of = cache(commands_page.help_of)


def commands(text: str) -> Iterator[str]:
    """Command lines: of shell blocks, indented ones too, and words in backquotes."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.M | re.S):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))


@pytest.mark.parametrize("alert", shipped.alerts(), ids=[alert.runbook for alert in shipped.alerts()])
def test_the_commands_in_a_runbook_exist(alert: shipped.Alert) -> None:
    found = 0
    for line in commands(shipped.text(f"{shipped.RUNBOOKS}/{alert.runbook}")):
        words = shlex.split(line.split("|")[0].strip())
        if words[:1] != ["auditor"] or len(words) == 1:
            continue
        found += 1
        rest = words[1:]
        path = next((tuple(rest[:n]) for n in (2, 1) if tuple(rest[:n]) in known()), None)
        assert path is not None, line
        options = [word.split("=")[0] for word in rest if re.match(r"--\w", word)]
        for option in options:
            assert re.search(rf"{re.escape(option)}\b", help_of(path)), f"{line}: {option}"
        required = re.findall(r"(--[\w-]+) <[^>]*>(?:(?!--)[\s\S])*?\[required\]", help_of(path))
        assert set(required) <= set(options), f"{line}: it lacks {set(required) - set(options)}"
    assert found
