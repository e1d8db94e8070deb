"""``asset show``: one asset with everything that was ever said of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.commands.assets import brief
from auditor.errors import Exit, Failed
from auditor.intake import open_ledger, packs_in_force
from auditor.ledger.records import Act, WordRow
from auditor.lookup import Inventory, display_name
from auditor.output import print_json, print_table, stdout
from auditor.provenance import attributes, conflicts_json, fact_json
from auditor.site import Site, load_site
from inventories.faults import clean
from inventories.keymap import identifiers_of, resolve
from inventories.kinds import KINDS
from inventories.model import Identifier, KeyMap
from inventories.told import Moved, kind_of
from policies.orders import STRENGTH_LABELS
from reports.words import SEVERITIES, STATES, moment, word

if TYPE_CHECKING:
    from inventories.snapshot import Snapshot
    from reports.model import FindingView

_ACTS = {Act.PIN: "指定标识", Act.MERGE: "合并", Act.SPLIT: "拆分"}


def show(root: Path, name: str, *, as_json: bool) -> int:
    from auditor.views import finding_view, rules_of

    site = load_site(root)
    with open_ledger(site) as ledger:
        inventory = inventory_of(newest_snapshot(site), ledger.key_map())
        key = inventory.find(name)
        keys = family(inventory.keymap, key)
        words, rows = ledger.words(*keys), ledger.findings(assets=keys)
    rules, now = rules_of(packs_in_force(site)), clock.utc_now()
    findings = [finding_view(row, rules, now=now, timezone=site.timezone) for row in rows]
    if as_json:
        print_json(_as_json(inventory, key, words, findings))
    else:
        _draw(inventory, key, words, findings, site.config.timezone)
    return Exit.DONE


def newest_snapshot(site: Site) -> Snapshot:
    from auditor.judging import pick
    from inventories.snapshot import Snapshot

    return Snapshot(site.snapshots / pick(site, None))


def inventory_of(snapshot: Snapshot, keymap: KeyMap) -> Inventory:
    from inventories.snapshot import SnapshotError

    try:
        return Inventory({asset.key: asset for asset in snapshot.assets()}, keymap)
    except (SnapshotError, OSError) as error:
        raise Failed(str(error)) from error


def family(keymap: KeyMap, key: str) -> list[str]:
    """A living key and those that were merged into it."""
    return [key, *sorted(old for old in keymap.aliases if resolve(keymap.aliases, old) == key)]


def _as_json(
    inventory: Inventory, key: str, words: Sequence[WordRow], findings: Sequence[FindingView]
) -> dict[str, object]:
    asset, keymap = inventory.assets.get(key), inventory.keymap
    body: dict[str, object] = {"key": key, "kind": kind_of(key), "in_snapshot": asset is not None}
    if asset is not None:
        body |= brief(asset)
        body["attributes"] = [attribute.as_json() for attribute in attributes(asset)]
        body["facts"] = [fact_json(fact) for fact in asset.facts]
        body["conflicts"] = conflicts_json(asset)
    else:
        body["identifiers"] = [str(i) for i in identifiers_of(keymap, key)]
    first, last = keymap.first_seen.get(key), keymap.last_seen.get(key)
    body["history"] = {
        "first_seen": first.isoformat() if first else None,
        "last_seen": last.isoformat() if last else None,
        "aliases": family(keymap, key)[1:],
        "pins": [str(i) for i in _pins(keymap, key)],
        "words": [word_json(row) for row in words],
    }
    body["findings"] = [
        {"id": f.id, "rule": f.rule, "title": f.title, "state": f.state, "severity": f.severity} for f in findings
    ]
    return body


def word_json(row: WordRow) -> dict[str, object]:
    return {
        "word": row.id,
        "act": row.act.value,
        "kind": row.kind,
        "key": row.key,
        "other": row.other,
        "identifiers": [str(i) for i in row.identifiers],
        "reason": row.reason,
        "by": row.by,
        "at": row.at.isoformat(),
        "pins": _moved_json(row.pins),
        "keys": _moved_json(row.keys),
        "findings": list(row.findings),
        "undoes": row.undoes or None,
        "undone_by": row.undone_by or None,
    }


def _moved_json(moved: Sequence[Moved]) -> list[dict[str, object]]:
    return [
        {"identifier": str(one.identifier), "before": one.before or None, "after": one.after or None} for one in moved
    ]


def _pins(keymap: KeyMap, key: str) -> list[Identifier]:
    return sorted(i for (_kind, i), pinned in keymap.pins.items() if resolve(keymap.aliases, pinned) == key)


def _draw(
    inventory: Inventory, key: str, words: Sequence[WordRow], findings: Sequence[FindingView], zone: str
) -> None:
    asset, keymap = inventory.assets.get(key), inventory.keymap
    known = asset.identifiers if asset else identifiers_of(keymap, key)
    title = display_name(asset) if asset else "（最近一次检查未见）"
    _line(f"{KINDS[kind_of(key)].title} {title}（{key}）")
    _line(f"标识：{'  '.join(str(i) for i in known) or '无'}")
    if merged := family(keymap, key)[1:]:
        _line(f"并入本资产的：{'、'.join(merged)}")
    if pins := _pins(keymap, key):
        _line(f"人工指定：{'  '.join(str(i) for i in pins)}")
    if asset is not None:
        rows: list[tuple[object, ...]] = []
        for attribute in attributes(asset):
            rows.append((attribute.column.title, attribute.words, "", "", attribute.why, ""))
            rows.extend(
                (
                    "",
                    one.words,
                    one.fact.source,
                    moment(one.fact.observed_at, zone),
                    STRENGTH_LABELS[one.fact.strength] + (f"：{one.fact.evidence}" if one.fact.evidence else ""),
                    one.standing,
                )
                for one in attribute.said
            )
        print_table(("属性", "内容", "来源", "时间", "依据", ""), rows)
    if words:
        print_table(
            ("序号", "时间", "经手人", "事项", "理由"),
            ((row.id, moment(row.at, zone), row.by, in_a_line(row), row.reason) for row in words),
        )
    if findings:
        print_table(
            ("问题", "状态", "程度", "内容"),
            ((f.id, word(STATES, f.state), word(SEVERITIES, f.severity), f.title) for f in findings),
        )


def in_a_line(row: WordRow) -> str:
    """A word in a line: what it says of what, and whether it still holds."""
    said = {
        Act.PIN: f"{'、'.join(str(i) for i in row.identifiers)} 属于 {row.key}",
        Act.MERGE: f"{row.other} 并入 {row.key}",
        Act.SPLIT: f"{'、'.join(str(i) for i in row.identifiers)} 从 {row.key} 拆为 {row.other}",
    }[row.act]
    if row.undoes:
        return f"撤回第 {row.undoes} 条：{said}"
    return f"{_ACTS[row.act]}：{said}" + (f"（已由第 {row.undone_by} 条撤回）" if row.undone_by else "")


def _line(text: str) -> None:
    stdout().print(clean(text, 2000), markup=False)
