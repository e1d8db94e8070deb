"""Judging a snapshot, and reading a judged one back.

:func:`judge` seals an audit's snapshot together with its outcomes. :func:`reopen` evaluates a stored one again:
evaluation is a pure function of a snapshot, so that what commands show later is what the audit saw.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from auditor.errors import Failed, Refused
from auditor.evidence import facts_of, seen_before
from auditor.ledger.records import Seen
from auditor.site import Site
from auditor.site_packs import pack_id
from auditor.views import departments, rules_of
from inventories.model import Asset, Collection, KeyMap
from inventories.snapshot import Draft, Snapshot, SnapshotError, snapshot_ids
from inventories.stored import Stored
from policies.model import Evaluation, Outcome, Pack, Rule, Verdict

if TYPE_CHECKING:
    from inventories.reconcile import Reconciled

OUTCOMES = "outcomes.parquet"
#: The digest over every verdict, and the counts: what a replay is compared with.
JUDGEMENT = "judgement.json"


@dataclass(frozen=True)
class Judged:
    """A snapshot with its verdicts.

    ``collected`` holds coverage, failures, submissions and waivers; its observations only while the audit runs.
    ``assets`` of a stored snapshot are read from its files at each pass. ``keymap`` and ``doubts`` are known only
    while the audit runs.
    """

    snapshot: str
    path: Path
    at: datetime
    as_of: date
    packs: tuple[Pack, ...]
    assets: Sequence[Asset]
    collected: Collection
    evaluation: Evaluation
    keymap: KeyMap = field(default_factory=KeyMap)
    doubts: tuple[str, ...] = ()

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        return rules_of(self.packs)

    @cached_property
    def by_key(self) -> Mapping[str, Asset]:
        return {asset.key: asset for asset in self.assets}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Department id → name."""
        return {view.id: view.name for view in departments(self.assets)}

    def seen(self) -> Iterator[Seen]:
        """Violations, and those that a waiver is laid over, with the facts that they rest on."""
        for outcome in self.evaluation.outcomes:
            yield self._seen(outcome)

    def _seen(self, outcome: Outcome) -> Seen:
        rule, asset = self.rules[outcome.rule], self.by_key[outcome.asset_key]
        facts = facts_of(rule, outcome, asset)
        return Seen(
            rule=outcome.rule,
            kind=outcome.kind,
            asset_key=outcome.asset_key,
            asset_name=outcome.asset_name,
            department_id=outcome.department_id,
            department_name=self.names.get(outcome.department_id, ""),
            zone=outcome.zone,
            severity=rule.severity.value,
            bite=rule.bite.value,
            facts=facts,
            waiver=outcome.waiver if outcome.verdict is Verdict.WAIVED else "",
            seen_at=seen_before(facts, asset, self.at),
        )

    def verdicts_for(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Verdict]:
        """(rule, asset key) → verdict; a pair whose asset is not in the snapshot is missing."""
        from policies.evaluate import verdicts_for

        return verdicts_for(self.path, self.packs, as_of=self.as_of, waivers=self.collected.waivers, pairs=pairs)

    def has_lapsed(self, rule: str) -> bool:
        """Whether the regulation's own time has ended."""
        pack = next(p for p in self.packs if p.id == self.rules[rule].pack)
        return pack.in_force_to is not None and self.as_of > pack.in_force_to

    def stored(self) -> Judged:
        """The same without what stands in memory: what is asked for from now on is read from the sealed files."""
        collected = replace(self.collected, observations=())
        return replace(self, assets=Stored(self.path), collected=collected, keymap=KeyMap())


def judge(
    site: Site,
    run: str,
    *,
    packs: Sequence[Pack],
    reconciled: Reconciled,
    collected: Collection,
    at: datetime,
) -> Judged:
    """Writes the snapshot, judges it where it lies, and seals both in one rename."""
    from auditor.catalogue import list_files
    from inventories import __version__
    from policies.evaluate import Limits, evaluate, write_outcomes
    from policies.lists.load import digest

    as_of = site.today(at)
    lists = list_files(site)
    context = {
        "site": site.config.model_dump(mode="json", by_alias=True),
        "at": at.isoformat(),
        "as_of": as_of.isoformat(),
        "run": run,
        "program": __version__,
        "packs": {pack.id: pack.digest for pack in packs},
        "lists": digest(lists),
        "doubts": list(reconciled.conflicts),
    }
    with Draft(site.snapshots, snapshot_id(run, site.snapshots)) as draft:
        draft.write(
            assets=reconciled.assets,
            collection=collected,
            keymap=reconciled.keymap,
            context=context,
            packs=dict(pack_copies(packs)),
            lists=lists,
        )
        with TemporaryDirectory(prefix=".aside-", dir=draft.path) as aside:
            limits = Limits(aside=Path(aside))
            evaluation = evaluate(draft.path, packs, as_of=as_of, waivers=collected.waivers, limits=limits)
        write_outcomes(draft.path, packs, draft.path / OUTCOMES, as_of=as_of, waivers=collected.waivers)
        (draft.path / JUDGEMENT).write_text(judgement(evaluation), encoding="utf-8")
        path = draft.commit()
    return Judged(
        snapshot=path.name,
        path=path,
        at=at,
        as_of=as_of,
        packs=tuple(packs),
        assets=reconciled.assets,
        collected=collected,
        evaluation=evaluation,
        keymap=reconciled.keymap,
        doubts=reconciled.conflicts,
    )


def judgement(evaluation: Evaluation) -> str:
    """The whole of an evaluation in one small file."""
    body = {
        "as_of": evaluation.as_of.isoformat(),
        "digest": evaluation.digest,
        "counts": [[c.rule, c.department_id, c.verdict.value, c.number] for c in evaluation.counts],
    }
    return json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def recorded_digest(snapshot: Path) -> str:
    """The digest that the audit came to when it sealed the snapshot."""
    try:
        return str(json.loads((snapshot / JUDGEMENT).read_bytes())["digest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failed(f"{snapshot / JUDGEMENT}: {error}") from error


def snapshot_id(run: str, folder: Path) -> str:
    """The audit's own id, which sorts by time.

    A resumed audit whose first snapshot was sealed but never recorded gets a second name.
    """
    turn, name = 1, run
    while (folder / name).exists():
        turn += 1
        name = f"{run}-{turn}"
    return name


def pack_copies(packs: Iterable[Pack]) -> Iterator[tuple[str, bytes]]:
    from policies.pack import pack_files

    for pack in packs:
        for name, content in pack_files(Path(pack.folder)).items():
            yield f"{pack.id}/{name}", content


def reopen(site: Site, name: str, *, as_of: date | None = None) -> Judged:
    """A stored snapshot, judged again by the packs that it holds; by the law in force on ``as_of`` if given.

    Raises :class:`Refused` where there is no such snapshot, :class:`Failed` where it cannot be read.
    """
    from policies.evaluate import evaluate

    try:
        stored = Snapshot(site.snapshots / name)
        packs = stored_packs(stored)
        day = as_of or stored.as_of()
        collected = stored.collection()
        return Judged(
            snapshot=stored.id,
            path=stored.path,
            at=stored.at(),
            as_of=day,
            packs=packs,
            assets=Stored(stored.path),
            collected=collected,
            evaluation=evaluate(stored.path, packs, as_of=day, waivers=collected.waivers),
            doubts=tuple(stored.context().get("doubts", ())),
        )
    except SnapshotError as error:
        raise Failed(str(error)) from error


def stored_packs(snapshot: Snapshot) -> tuple[Pack, ...]:
    """The packs as they were, under the settings that the site had then."""
    from policies.pack import load_pack, succeeded

    config = snapshot.context()["site"]
    return succeeded(
        [
            load_pack(snapshot.packs / name, settings=config["pack_settings"].get(name))
            for name in map(pack_id, config["packs"])
        ]
    )


def pick(site: Site, name: str | None) -> str:
    """A snapshot by name or the beginning of one; the newest where none is named."""
    known = snapshot_ids(site.snapshots)
    if not known:
        raise Refused(f"{site.root}: nothing was audited yet", f"'auditor audit --site {site.root}' does")
    if name is None:
        return known[-1]
    found = [snapshot for snapshot in known if snapshot.startswith(name)]
    if name in found:
        return name
    if len(found) != 1:
        raise Refused(f"{len(found)} snapshots begin with {name!r}: 'auditor snapshot list' names them")
    return found[0]


def newest(site: Site) -> Judged:
    return reopen(site, pick(site, None))
