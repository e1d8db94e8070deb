"""The migration account asks the same question as the packs do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from auditor.views import on_recognised_cloud
from inventories.kinds import KINDS
from inventories.model import Asset, Value
from inventories.tables import write_view
from policies.evaluate import verdicts_for
from policies.model import Verdict
from policies.pack import load_packs

_VERDICTS = {True: Verdict.COMPLIANT, False: Verdict.VIOLATION, None: Verdict.UNKNOWN}


@pytest.mark.parametrize("hosting", [None, ("gov_cloud",), ("own_room",), ("gov_cloud", "own_room")])
@pytest.mark.parametrize("levels", [None, ("city",), ("county",), ("city", "county")])
def test_a_system_counts_as_migrated_where_the_pack_finds_it_compliant(
    tmp_path: Path, hosting: Value, levels: Value
) -> None:
    values: dict[str, Value] = {
        "key": "s-1",
        "region": "140800",
        "level_of_government": "city",
        "status": "running",
        "hosting": hosting,
        "hosting_levels": levels,
    }
    for name, kind in KINDS.items():
        write_view(tmp_path / f"{name}.parquet", kind, [values] if name == "system" else [])
    packs = load_packs(["yuncheng-2021"])
    rule = "yuncheng-2021/migrate-to-cloud"
    found = verdicts_for(tmp_path, packs, as_of=date(2026, 1, 1), pairs=[(rule, "s-1")])
    asset = Asset("system", "s-1", (), {name: value for name, value in values.items() if value is not None})
    assert found[rule, "s-1"] is _VERDICTS[on_recognised_cloud(asset, set(packs[0].recognised_levels))]
