"""Running the packs' own cases through the engine that judges a city, and saying what they leave untested.

A case's row is written to a snapshot's tables and judged like any other. It must state every column that its rule
names, so that no case passes because a column was left out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from inventories.faults import Fault, Faults
from inventories.kinds import Type
from policies.articles import article_name, article_number
from policies.cases import Case, CaseFile, read_cases
from policies.evaluate import verdicts_for
from policies.expressions import Call, Compare, Expression, facts, value, walk
from policies.lists import join
from policies.lists.load import shipped
from policies.model import Pack, Rule, Verdict
from policies.pack import load_pack, pack_files
from policies.subjects import columns_of, derived
from policies.trees import given, trees_of

#: What every rule's cases must show.
EXPECTED = (Verdict.VIOLATION, Verdict.COMPLIANT, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case, judged. ``got`` is the verdict; ``broken`` the other rules of the pack that the row breaks."""

    rule: str
    case: Case
    got: Verdict
    broken: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.got is self.case.expect

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Findings that the case does not expect."""
        return tuple(rule for rule in self.broken if rule not in self.case.also)

    @property
    def unused(self) -> tuple[str, ...]:
        """Findings that the case expects and that do not come."""
        return tuple(rule for rule in self.case.also if rule not in self.broken)


@dataclass(frozen=True, slots=True)
class CaseReport:
    """What the cases of some packs show. The lists hold one :class:`Fault` for each thing to be mended."""

    results: tuple[CaseResult, ...]
    untested: tuple[Fault, ...] = ()
    uncovered: tuple[Fault, ...] = ()

    @property
    def failed(self) -> tuple[Fault, ...]:
        return tuple(
            Fault(r.case.where, f"{r.rule}: {r.case.name}: expected {r.case.expect}, got {r.got}", "")
            for r in self.results
            if not r.passed
        )

    @property
    def unmatched(self) -> tuple[Fault, ...]:
        return tuple(
            Fault(r.case.where, f"{r.rule}: {r.case.name}: also breaks {rule}", "expect it under 'also'")
            for r in self.results
            for rule in r.unmatched
        )

    @property
    def unused(self) -> tuple[Fault, ...]:
        return tuple(
            Fault(r.case.where, f"{r.rule}: {r.case.name}: does not break {rule}", "take it out of 'also'")
            for r in self.results
            for rule in r.unused
        )

    @property
    def faults(self) -> Mapping[str, tuple[Fault, ...]]:
        """Everything to be mended, by what it is."""
        return {
            "failed": self.failed,
            "untested": self.untested,
            "unmatched": self.unmatched,
            "unused": self.unused,
            "uncovered": self.uncovered,
        }

    @property
    def passed(self) -> bool:
        return not any(self.faults.values())

    def lines(self) -> Iterator[str]:
        """For a terminal: every fault with its place, then a line that sums up."""
        for kind, faults in self.faults.items():
            for fault in faults:
                yield f"{kind}: {fault}"
        counts = ", ".join(f"{len(faults)} {kind}" for kind, faults in self.faults.items() if faults)
        rules = len({result.rule for result in self.results})
        yield f"{len(self.results)} cases of {rules} rules: {counts or 'all as expected'}"

    def as_json(self) -> dict[str, object]:
        return {
            "passed": self.passed,
            "cases": [
                {"rule": r.rule, "case": r.case.name, "expected": r.case.expect, "got": r.got, "where": r.case.where}
                for r in self.results
            ],
            **{
                kind: [{"where": f.where, "what": f.what, "mend": f.mend} for f in faults]
                for kind, faults in self.faults.items()
            },
        }


def test_packs(packs: Sequence[Pack]) -> CaseReport:
    """Runs the cases of every pack, from the folder that it was loaded from.

    Raises :class:`Faults` for case files that cannot be read, or a case without a clock.
    """
    results: list[CaseResult] = []
    untested: list[Fault] = []
    uncovered: list[Fault] = []
    for pack in packs:
        subjects = {rule.id: rule.subject for rule in pack.rules}
        files = read_cases(pack_files(Path(pack.folder)), pack.folder, subjects)
        results += _run(pack, files)
        for rule in pack.rules:
            untested += _untested(pack, rule, [case for f in files if f.rule == rule.id for case in f.cases])
        uncovered += _uncovered(pack)
    return CaseReport(tuple(results), tuple(untested), tuple(uncovered))


# pytest would take it for a test wherever a test module imports it.
test_packs.__test__ = False  # type: ignore[attr-defined]


@dataclass
class _Batch:
    """Cases that are judged together: under the same settings, on the same day."""

    pack: Pack
    as_of: date
    cases: list[tuple[CaseFile, Case]] = field(default_factory=list)


def _run(pack: Pack, files: Sequence[CaseFile]) -> Iterator[CaseResult]:
    batches: dict[str, _Batch] = {}
    for file in files:
        for case in file.cases:
            its_pack, as_of = _conditions(pack, case)
            batch = batches.setdefault(f"{sorted(case.settings.items())} {as_of}", _Batch(its_pack, as_of))
            batch.cases.append((file, case))
    for batch in batches.values():
        yield from _judge(batch)


def _conditions(pack: Pack, case: Case) -> tuple[Pack, date]:
    """The pack as the case's settings make it, and the day on which the case is judged."""
    its_pack = pack
    if case.settings:
        its_pack = _set(pack.folder, pack.digest, json.dumps(dict(case.settings), default=str, sort_keys=True))
    as_of = case.as_of or its_pack.in_force_from
    if as_of is None:
        raise Faults([Fault(case.where, "has no clock", "add 'as_of', or the setting in_force_from")])
    return its_pack, as_of


@lru_cache(maxsize=64)
def _set(folder: str, _digest: str, settings: str) -> Pack:
    """A pack under settings (JSON): those of a rule's cases are mostly the same."""
    return load_pack(Path(folder), settings=json.loads(settings))


def _judge(batch: _Batch) -> Iterator[CaseResult]:
    rows: dict[str, list[dict[str, object]]] = {rule.subject: [] for rule in batch.pack.rules}
    for number, (file, case) in enumerate(batch.cases):
        stored = _stored(batch.pack, file.subject, case, batch.as_of)
        rows[file.subject].append({**stored, "key": f"case-{number}"})
    pairs = [
        (rule.full_id, f"case-{number}")
        for number, (file, _case) in enumerate(batch.cases)
        for rule in batch.pack.rules
        if rule.subject == file.subject
    ]
    with tempfile.TemporaryDirectory(prefix="cases-") as folder:
        for kind, its_rows in rows.items():
            write_rows(Path(folder) / f"{kind}.parquet", kind, its_rows)
        verdicts = verdicts_for(Path(folder), [batch.pack], as_of=batch.as_of, pairs=pairs)
    for number, (file, case) in enumerate(batch.cases):
        got = {rule.id: verdicts.get((rule.full_id, f"case-{number}")) for rule in batch.pack.rules}
        broken = tuple(name for name, verdict in got.items() if verdict is Verdict.VIOLATION and name != file.rule)
        verdict = got[file.rule]
        if verdict is not None:
            yield CaseResult(f"{batch.pack.id}/{file.rule}", case, verdict, broken)


def _stored(pack: Pack, subject: str, case: Case, as_of: date) -> dict[str, object]:
    """The case's row as a snapshot would hold it: conclusions replaced by columns that lead to them.

    What the lists say of a component that states no such conclusion is looked up in those of the program.
    """
    row: dict[str, object] = {"region": pack.region}
    conclusions: dict[str, object] = {}
    for name, held in case.row.items():
        computed = derived(subject, name)
        if computed:
            conclusions.update(computed.examples(held, pack.recognised_levels))
        else:
            row[name] = held
    if subject == join.KIND:
        conclusions = {**join.answers(shipped(), case.row, as_of), **conclusions}
    return {**row, **conclusions}


def write_rows(path: Path, kind: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes rows as a snapshot's table of a kind: every column, NULL where a row does not state it.

    A derived column is written too where a row states it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[Type, Any] = {
        Type.TEXT: pa.string(),
        Type.INTEGER: pa.int64(),
        Type.NUMBER: pa.float64(),
        Type.BOOLEAN: pa.bool_(),
        Type.DATE: pa.date32(),
        Type.TEXTS: pa.list_(pa.string()),
    }
    stated = {name for row in rows for name in row}
    columns = [column for name, column in columns_of(kind).items() if name in stated or not derived(kind, name)]
    shape = pa.schema([(column.name, types[column.type]) for column in columns])
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=shape), path)


def _untested(pack: Pack, rule: Rule, cases: Sequence[Case]) -> Iterator[Fault]:
    where = f"{pack.folder}/cases"
    if not cases:
        yield Fault(where, f"{rule.id} has no cases", "a rule without cases is not trusted with a city")
        return
    shown = {case.expect for case in cases}
    for verdict in EXPECTED:
        if verdict not in shown:
            yield Fault(cases[0].where, f"{rule.id}: no case expects {verdict}", "add one")
    for case in cases:
        silent = [name for name in rule.columns if not _states(rule.subject, case, name)]
        if silent:
            mend = "state it in the baseline, as null if it is not known"
            yield Fault(case.where, f"{rule.id}: {case.name}: says nothing about {', '.join(silent)}", mend)
    yield from _unbounded(pack, rule, cases)


def _states(subject: str, case: Case, name: str) -> bool:
    computed = derived(subject, name)
    return name in case.row or (computed is not None and all(source in case.row for source in computed.sources))


def _unbounded(pack: Pack, rule: Rule, cases: Sequence[Case]) -> Iterator[Fault]:
    """Comparisons of dates that no case has tried on the boundary and on the day beside it."""
    applies, violation = trees_of(pack, rule)
    for left, right in _date_comparisons([tree for tree in (applies, violation) if tree is not None]):
        gaps = set()
        for case in cases:
            its_pack, as_of = _conditions(pack, case)
            outside = given(its_pack, as_of)
            a, b = value(left, case.row, outside), value(right, case.row, outside)
            if a is not None and b is not None:
                gaps.add(abs((a - b).days) if isinstance(a, date) else abs(a - b))
        name = ", ".join(dict.fromkeys((*facts(left), *facts(right))))
        for gap, words in ((0, "on the boundary"), (1, "one day beside the boundary")):
            if gap not in gaps:
                yield Fault(cases[0].where, f"{rule.id}: no case has {name} {words}", "add one")


def _date_comparisons(trees: Sequence[Expression]) -> Iterator[tuple[Expression, Expression]]:
    for node in (node for tree in trees for node in walk(tree)):
        match node:
            case Compare(_, left, right) if _dated(left) or _dated(right):
                yield left, right
            case Call("begun_since", (bound, start, *_)):
                yield start, bound


def _dated(node: Expression) -> bool:
    return any(getattr(part, "type", None) is Type.DATE for part in walk(node))


def _uncovered(pack: Pack) -> Iterator[Fault]:
    """Articles that neither a rule nor a power, a question or a reason accounts for."""
    cited = [r.article for r in pack.rules if r.basis.regulation == pack.title]
    cited += [p.article for p in pack.powers.values()]
    cited += [m.article for m in pack.manual if not m.law] + [o.article for o in pack.out_of_scope if not o.law]
    found = {article_number(article) for article in cited}
    for number in range(1, pack.articles + 1):
        if number not in found:
            mend = "give it a rule, a question under 'manual', or a reason under 'out_of_scope'"
            yield Fault(f"{pack.folder}/pack.yaml", f"{article_name(number)} is accounted for nowhere", mend)
