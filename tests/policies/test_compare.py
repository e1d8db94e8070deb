"""Two versions of a pack: every difference in meaning is told, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies.compare import Change, compare
from policies.pack import load_pack
from tests.policies.conftest import TEXT, MakePack


@pytest.fixture
def changed(make_pack: MakePack, tmp_path: Path) -> Callable[..., list[Change]]:
    """The differences that some edits of the small regulation make."""

    def make(*edits: tuple[str, str], **more: Any) -> list[Change]:
        old = tmp_path / "old" / "town-2020"
        shutil.move(make_pack(), old)
        return list(compare(load_pack(old), load_pack(make_pack(*edits, **more))))

    return make


def test_the_same_pack_does_not_differ(changed: Callable[..., list[Change]]) -> None:
    assert changed() == []


def test_what_is_only_written_differently_does_not_differ(changed: Callable[..., list[Change]]) -> None:
    edits = (
        ("applies: level_of_government = 'city' and status = 'running'",
         "applies: >-\n      level_of_government   = 'city'\n      and status='running'"),
        ("quote: 主管部门责令限期整改", "quote: '主管部门责令限期整改'"),
    )  # fmt: skip
    assert changed(*edits, text=TEXT.replace("整改;", "整改；")) == []


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            ("status = 'running'", "status in ('trial', 'running')"),
            Change(
                "rule",
                "on-cloud",
                "changed",
                "applies",
                "level_of_government = 'city' and status = 'running'",
                "level_of_government = 'city' and status in ('trial', 'running')",
            ),
        ),
        (
            ("in_force: {from: 2020-01-01}", "in_force: {from: 2020-03-01}"),
            Change("pack", "town-2020", "changed", "in_force_from", "2020-01-01", "2020-03-01"),
        ),
        (
            ("working_days: 10", "working_days: 15"),
            Change("power", "order", "changed", "reply", "10，working_days，service", "15，working_days，service"),
        ),
        (
            ("severity: high", "severity: low"),
            Change("rule", "on-cloud", "changed", "severity", "high", "low"),
        ),
        (
            ("question: 是否汇报进展？", "question: 是否按月汇报进展？"),
            Change("manual", "第五条 是否按月汇报进展？", "added", new="汇报不产生可探测的事实；department"),
        ),
        (
            ("why: 适用范围}", "why: 规定适用范围}"),
            Change("out_of_scope", "第一条", "changed", "why", "适用范围", "规定适用范围"),
        ),
        (
            ("title: 机房整合日期", "title: 机房整合完成日期"),
            Change("setting", "merged_on", "changed", "title", "机房整合日期", "机房整合完成日期"),
        ),
        (
            ("id: no-new-room", "id: no-room"),
            Change("rule", "no-new-room", "removed", old="新建机房；第三条；整合后不得新建机房"),
        ),
    ],
    ids=lambda value: value[1][:24] if isinstance(value, tuple) else value.part,
)  # fmt: skip
def test_each_difference_is_told(
    changed: Callable[..., list[Change]], edit: tuple[str, str], expected: Change
) -> None:
    assert expected in changed(edit, cases={})


def test_a_changed_wording_is_told_by_article(changed: Callable[..., list[Change]]) -> None:
    (change,) = changed(text=TEXT.replace("不得拖延", "不得无故拖延"))
    assert (change.part, change.name, change.what) == ("wording", "第二条", "changed")
