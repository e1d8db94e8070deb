"""``policy diff``: two versions of a pack, and what the newer one would do to a site's findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from auditor.errors import Exit, Failed, Refused
from auditor.judging import pick
from auditor.output import print_json, print_table, say
from auditor.pack_names import folder_of, is_site, site_settings
from auditor.site import Site, load_site
from inventories.faults import Fault, Faults, clean
from inventories.snapshot import Snapshot, SnapshotError, snapshot_ids
from policies.compare import Change, compare
from policies.model import Evaluation, Outcome, Pack, Verdict
from policies.pack import load_pack
from policies.settings import CONFIRMED
from policies.trees import IN_FORCE_FROM


@dataclass(frozen=True, slots=True)
class Effect:
    """A finding that the newer version would open, or close. ``was`` and ``becomes`` are verdicts.

    None stands where that version has no such rule.
    """

    opens: bool
    rule: str
    outcome: Outcome
    was: Verdict | None
    becomes: Verdict | None


@dataclass(frozen=True, slots=True)
class Effects:
    """What both versions say of one snapshot."""

    snapshot: str
    as_of: date
    found: tuple[Effect, ...]
    counts: Mapping[str, tuple[Mapping[Verdict, int], Mapping[Verdict, int]]]


def diff(old_name: str, new_name: str, root: Path, *, as_of: str | None, as_json: bool) -> int:
    settings = site_settings(root)
    old, new = _both(folder_of(old_name, root), folder_of(new_name, root), settings)
    changes = compare(old, new)
    try:
        effects = _effects(load_site(root), old, new, _day(as_of)) if is_site(root) else None
    except SnapshotError as error:
        raise Failed(str(error)) from error
    if as_json:
        print_json(
            {
                "old": {"id": old.id, "folder": old.folder, "digest": old.digest},
                "new": {"id": new.id, "folder": new.folder, "digest": new.digest},
                "changes": [_change_json(change) for change in changes],
                "findings": _effects_json(effects) if effects else None,
            }
        )
    else:
        _draw(changes, effects)
    return Exit.DONE


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(f"{text!r} is no date: write YYYY-MM-DD") from None


def _both(old: Path, new: Path, settings: Mapping[str, Mapping[str, Any]]) -> tuple[Pack, Pack]:
    """Both versions under the site's settings, as far as each knows them; the faults of both at once."""
    mine = settings.get(new.name, settings.get(old.name, {}))
    packs: list[Pack] = []
    faults: list[Fault] = []
    for folder in (old, new):
        try:
            packs.append(_settled(folder, mine))
        except Faults as error:
            faults.extend(fault for fault in error.faults if fault not in faults)
    if faults:
        raise Faults(faults)
    return packs[0], packs[1]


def _settled(folder: Path, settings: Mapping[str, Any]) -> Pack:
    bare = load_pack(folder)
    known = {*bare.settings, CONFIRMED, *([IN_FORCE_FROM] if bare.in_force_from is None else [])}
    mine = {name: value for name, value in settings.items() if name in known}
    return load_pack(folder, settings=mine) if mine else bare


def _effects(site: Site, old: Pack, new: Pack, as_of: date | None) -> Effects | None:
    """None where nothing was audited yet."""
    if not snapshot_ids(site.snapshots):
        return None
    from policies.evaluate import evaluate

    snapshot = Snapshot(site.snapshots / pick(site, None))
    day = as_of or snapshot.as_of()
    waivers = snapshot.collection().waivers
    before, after = (evaluate(snapshot.path, [pack], as_of=day, waivers=waivers) for pack in (old, new))
    was, becomes = _violations(before), _violations(after)
    opened = {key: outcome for key, outcome in becomes.items() if key not in was}
    closed = {key: outcome for key, outcome in was.items() if key not in becomes}
    then, now = _verdicts(snapshot, old, opened, day), _verdicts(snapshot, new, closed, day)
    found = [Effect(True, key[0], outcome, then.get(key), outcome.verdict) for key, outcome in opened.items()]
    found += [Effect(False, key[0], outcome, outcome.verdict, now.get(key)) for key, outcome in closed.items()]
    rules = dict.fromkeys(sorted({rule.id for pack in (old, new) for rule in pack.rules}))
    counts = {rule: (_counts(before, old, rule), _counts(after, new, rule)) for rule in rules}
    return Effects(snapshot.id, day, tuple(found), counts)


_Key = tuple[str, str]


def _violations(evaluation: Evaluation) -> dict[_Key, Outcome]:
    """By rule, without the pack's id (two versions may differ in it), and asset."""
    return {(outcome.rule.partition("/")[2], outcome.asset_key): outcome for outcome in evaluation.outcomes}


def _verdicts(snapshot: Snapshot, pack: Pack, keys: Mapping[_Key, Outcome], day: date) -> dict[_Key, Verdict]:
    """What a pack says of pairs that are no violations under it; those of rules that it lacks are missing."""
    from policies.evaluate import verdicts_for

    pairs = [(f"{pack.id}/{rule}", key) for rule, key in keys]
    found = verdicts_for(snapshot.path, [pack], as_of=day, pairs=pairs)
    return {(rule.partition("/")[2], key): verdict for (rule, key), verdict in found.items()}


def _counts(evaluation: Evaluation, pack: Pack, rule: str) -> Mapping[Verdict, int]:
    out: dict[Verdict, int] = {}
    for count in evaluation.counts:
        if count.rule == f"{pack.id}/{rule}":
            out[count.verdict] = out.get(count.verdict, 0) + count.number
    return out


def _change_json(change: Change) -> dict[str, object]:
    return {
        "part": change.part,
        "name": change.name,
        "what": change.what,
        "field": change.field,
        "old": change.old,
        "new": change.new,
    }


def _effects_json(effects: Effects) -> dict[str, object]:
    def side(opens: bool) -> list[dict[str, object]]:
        return [
            {
                "rule": effect.rule,
                "kind": effect.outcome.kind,
                "asset_key": effect.outcome.asset_key,
                "asset_name": effect.outcome.asset_name,
                "department_id": effect.outcome.department_id,
                "was": effect.was,
                "becomes": effect.becomes,
            }
            for effect in effects.found
            if effect.opens is opens
        ]

    return {
        "snapshot": effects.snapshot,
        "as_of": effects.as_of,
        "open": side(True),
        "close": side(False),
        "counts": {rule: {"old": dict(old), "new": dict(new)} for rule, (old, new) in effects.counts.items()},
    }


def _draw(changes: tuple[Change, ...], effects: Effects | None) -> None:
    if changes:
        print_table(
            ("part", "which", "what", "field", "old", "new"),
            ((c.part, c.name, c.what, c.field, c.old, c.new) for c in changes),
        )
    say(f"{len(changes)} differences" if changes else "no difference in meaning")
    if effects is None:
        say("no audit to hold them against: 'auditor audit' makes one, and --site names where")
        return
    if effects.found:
        print_table(
            ("finding", "rule", "asset", "name", "department", "was", "becomes"),
            (
                (
                    "opens" if e.opens else "closes",
                    e.rule,
                    e.outcome.asset_key,
                    clean(e.outcome.asset_name, 80),
                    e.outcome.department_id,
                    e.was or "no such rule",
                    e.becomes or "no such rule",
                )
                for e in effects.found
            ),
        )
    opens = sum(effect.opens for effect in effects.found)
    closes = len(effects.found) - opens
    say(f"snapshot {effects.snapshot}, as of {effects.as_of}: {opens} findings would open, {closes} would close")
