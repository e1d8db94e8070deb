"""A small regulation to bend and break, and snapshots of a few rows."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from inventories.kinds import KINDS
from inventories.model import Waiver
from policies.casetest import write_rows
from policies.model import Evaluation, Pack, Verdict
from policies.pack import load_pack

#: A pack that is whole, with a power, a setting, a manual clause and cases that test everything.
PACK = """\
pack: town-2020
title: 示例镇信息化管理办法
number: 示例〔2020〕1号
issuer: 示例镇人民政府
region: "140800"
in_force: {from: 2020-01-01}
articles: 5
text: {verified: true}
scope: {article: 第一条, text: 适用于本镇各部门}
recognised_levels: [city]
settings:
  merged_on: {type: date, title: 机房整合日期, article: 第三条}
powers:
  order:
    article: 第四条
    quote: 主管部门责令限期整改
    authority: 主管部门
    addressee: 建设单位
    levels: [city]
    form: 责令限期整改
    reply: {working_days: 10, from: service}
    if_refused: [{action: 停拨经费, article: 第四条, propose_to: 财政所}]
rules:
  - id: on-cloud
    title: 系统未上云
    article: 第二条
    quote: 各部门系统应当迁移上云
    subject: system
    applies: level_of_government = 'city' and status = 'running'
    violation: not is_on_recognised_cloud
    power: order
    severity: high
    order_needs: {fresh_days: 30, strength: seen_outside}
    remedy: 迁移上云
  - id: no-new-room
    title: 新建机房
    article: 第三条
    quote: 整合后不得新建机房
    subject: room
    violation: built_on >= merged_on
    severity: medium
    bite: reminder
    remedy: 停建
manual:
  - {article: 第五条, question: 是否汇报进展？, why: 汇报不产生可探测的事实}
out_of_scope:
  - {article: 第一条, why: 适用范围}
"""

TEXT = """\
articles:
  第二条: 各部门系统应当迁移上云,不得拖延。
  第三条: 整合后不得新建机房。
  第四条: 主管部门责令限期整改;拒不整改的,停拨经费。
"""

CLOUD_CASES = """\
rule: on-cloud
baseline: {system: {level_of_government: city, status: running, is_on_recognised_cloud: true}}
cases:
  - {name: 不在云上, system: {is_on_recognised_cloud: false}, expect: violation}
  - {name: 在云上, expect: compliant}
  - {name: 不明, system: {is_on_recognised_cloud: null}, expect: unknown}
  - {name: 停用, system: {status: retired}, expect: not_applicable}
"""

ROOM_CASES = """\
rule: no-new-room
as_of: 2026-01-01
settings: {merged_on: 2022-05-01}
baseline: {room: {built_on: 2010-01-01}}
cases:
  - {name: 整合当日建成, room: {built_on: 2022-05-01}, expect: violation}
  - {name: 整合前一日建成, room: {built_on: 2022-04-30}, expect: compliant}
  - {name: 建成日期不明, room: {built_on: null}, expect: unknown}
  - {name: 外市, room: {region: "440303", built_on: 2023-01-01}, expect: not_applicable}
"""

MakePack = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def make_pack(tmp_path: Path) -> MakePack:
    """Writes the small regulation into a folder, with parts replaced: ``make_pack(("old", "new"), …)``.

    ``text`` and ``cases`` replace whole files; None leaves them out.
    """

    def make(
        *edits: tuple[str, str],
        text: str | None = TEXT,
        cases: Mapping[str, str] | None = None,
        name: str = "town-2020",
    ) -> Path:
        folder = tmp_path / "packs" / name
        (folder / "cases").mkdir(parents=True, exist_ok=True)
        content = PACK
        for old, new in edits:
            assert content.count(old) == 1, f"{old!r} stands {content.count(old)} times"
            content = content.replace(old, new)
        (folder / "pack.yaml").write_text(content, encoding="utf-8")
        if text is not None:
            (folder / "text.yaml").write_text(text, encoding="utf-8")
        files = {"on-cloud": CLOUD_CASES, "no-new-room": ROOM_CASES} if cases is None else cases
        for stem, body in files.items():
            (folder / "cases" / f"{stem}.yaml").write_text(body, encoding="utf-8")
        return folder

    return make


Rows = Mapping[str, Sequence[Mapping[str, object]]]
MakeSnapshot = Callable[[Rows], Path]


@pytest.fixture
def make_snapshot(tmp_path: Path) -> MakeSnapshot:
    """Writes ``<kind>.parquet`` for every kind, with the rows given (by kind)."""

    def make(rows: Rows) -> Path:
        folder = tmp_path / "snapshot"
        folder.mkdir(exist_ok=True)
        for kind in KINDS:
            write_rows(folder / f"{kind}.parquet", kind, rows.get(kind, ()))
        return folder

    return make


AS_OF = date(2026, 6, 30)
RULE = "town-2020/on-cloud"

V, C, U, NA, W = (
    Verdict.VIOLATION,
    Verdict.COMPLIANT,
    Verdict.UNKNOWN,
    Verdict.NOT_APPLICABLE,
    Verdict.WAIVED,
)

Row = Mapping[str, object]


def system(key: str, **columns: object) -> Row:
    """A running system of a city's department on no cloud, unless said otherwise."""
    base = {
        "key": key,
        "name": f"系统{key}",
        "code": f"XT-{key}",
        "department_id": "mzj",
        "region": "140800",
        "level_of_government": "city",
        "status": "running",
        "hosting": ["own_room"],
        "zone": "mzj",
    }
    return {**base, **columns}


def counted(evaluation: Evaluation) -> dict[tuple[str, str, Verdict], int]:
    return {(c.rule, c.department_id, c.verdict): c.number for c in evaluation.counts}


def many(number: int, seed: int = 0) -> list[Row]:
    """Systems of every sort, the same for the same seed."""
    chance = random.Random(seed)
    return [
        system(
            f"s-{i:06}",
            department_id=chance.choice(["mzj", "jtj", "", None]),
            region=chance.choice(["140800", "140881", "140100", None]),
            status=chance.choice(["running", "retired", None]),
            hosting=chance.choice([["own_room"], ["gov_cloud"], None]),
            hosting_levels=chance.choice([["city"], ["county"], None]),
        )
        for i in range(number)
    ]


@pytest.fixture
def pack(make_pack: MakePack) -> Pack:
    return load_pack(make_pack())


def waiver(**changes: object) -> Waiver:
    base = Waiver(
        id="w-1",
        rules=(RULE,),
        department_id="mzj",
        asset_name="",
        asset_code="XT-s-1",
        legal_basis="某法第一条",
        approver="分管领导",
        document="示例〔2026〕3号",
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 6, 30),
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]
