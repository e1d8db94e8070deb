"""The office of these tests says what the engine finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditor.ledger.records import Seen
from tests.auditor.cases.office import SITE, WRONGS, Office


def undated(seen: Seen) -> Seen:
    """When it was seen is the engine's to say; the office makes up verdicts of the same moment."""
    return replace(seen, seen_at=None)


def test_what_the_small_city_says_is_what_the_engine_finds(office: Office) -> None:
    found = {(seen.rule, seen.asset_key): seen for seen in map(undated, office.judged().seen())}
    assert found == {pair: office.violation(*pair) for pair in WRONGS}


@pytest.mark.parametrize(
    ("pack", "region", "level", "rules"),
    [
        ("xianyang", "610400", "city", ["warranty", "in-use-unaccepted"]),
        ("erenhot", "152501", "city", ["on-city-cloud", "change-approved"]),
        ("luohu-2024", "440303", "county", ["failed-acceptance-in-use"]),
    ],
)
def test_what_other_towns_say_is_what_the_engine_finds(
    tmp_path: Path, pack: str, region: str, level: str, rules: list[str]
) -> None:
    office = Office(tmp_path)
    confirmed = {"confirmed_wording": {"by": "法规科", "on": "2026-10-08", "document": "核对记录1号"}}
    dated = {} if pack.startswith("luohu") else {"in_force_from": "2024-01-01"}
    office.write_site({**SITE, "packs": [pack], "region": region, "pack_settings": {pack: {**dated, **confirmed}}})
    office.department("mzj", "民政局", level)
    pairs = [(f"{pack}/{rule}", f"T{n}") for n, rule in enumerate(rules)]
    for rule, key in pairs:
        office.wrong(rule, key, "mzj", f"对象{key}", level=level)
    found = {(seen.rule, seen.asset_key): seen for seen in map(undated, office.judged().seen())}
    assert {pair: found.get(pair) for pair in pairs} == {pair: office.violation(*pair) for pair in pairs}
