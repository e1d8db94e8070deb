"""Choosing what a column shows among what its sources said. Pure.

For what can be seen, seen beats declared and declared beats hinted; for what only papers say, a register alone
counts. A contradiction between equals, or between a paper and a hint, makes the column NULL and is kept as a
conflict. What every source said stays in the asset's facts, whatever is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from inventories.answers import REGISTER, Answers, register_of
from inventories.kinds import KINDS, Column, Kind, Type
from inventories.meaning import agreed
from inventories.model import Conflict, Identifier, Observation, Origin, SourcedFact, Strength, Value

#: Kind → column name → column, the common ones and the absence companions included.
COLUMNS: Mapping[str, Mapping[str, Column]] = {
    name: {column.name: column for column in kind.all_columns} for name, kind in KINDS.items()
}

#: Kind → column → the paper that it stands for.
PAPERS: Mapping[str, Mapping[str, str]] = {
    name: {column.name: column.paper for column in kind.columns if column.paper} for name, kind in KINDS.items()
}

#: Kind → paper → the column that says that there is none: one text each, for a city's many facts.
_ABSENT: Mapping[str, Mapping[str, str]] = {
    name: {paper: f"{paper}_absent" for paper in kind.papers} for name, kind in KINDS.items()
}

#: Lists that are one answer: two sources that list different places contradict each other.
WHOLE_LISTS = frozenset({"hosting"})

#: Columns in which FALSE only says "not from here": address translation and floating addresses are made outside the
#: machine, and nobody on it can see them. Whoever sees one, or owns up to one, is believed.
ONE_SIDED = frozenset({"has_public_ip"})

EQUALS = "同等效力的来源相互矛盾，暂不采信任何一方"
PAPER_AND_HINT = "登记内容与线索不一致，暂不采信任何一方"
STRONGER_SHOWN = "以依据更强的来源为准"
NOT_FROM_HERE = "在主机内看不到地址转换和浮动地址，没有看到不能否认看到的一方"
VALUE_AND_NONE = "一处填有内容，另一处答复为无，暂不采信任何一方"


def origin_of(collector: str) -> Origin:
    return Origin.DECLARED if collector == REGISTER else Origin.OBSERVED


def sourced(observation: Observation, skip: frozenset[str] = frozenset()) -> list[SourcedFact]:
    """An observation's facts with their provenance, without the columns in ``skip``."""
    origin, source, at = origin_of(observation.collector), observation.source, observation.observed_at
    return [
        SourcedFact(f.column, f.value, f.strength, origin, source, at, f.evidence, f.absent)
        for f in observation.facts
        if f.column not in skip
    ]


def superseded(observations: Sequence[Observation]) -> list[frozenset[str]]:
    """For each observation of one asset, the columns in which the same collector has since seen it again.

    The same collector is the same probe, or the same register file: two registers that differ contradict each
    other, and the younger is not the truer. Seeing it again means sharing an identifier: a machine with two
    addresses, each scanned once, was not scanned twice.
    """
    if len({observation.collector for observation in observations}) == len(observations):
        return [frozenset()] * len(observations)
    looks: dict[tuple[str, str], dict[datetime, list[int]]] = {}
    for index, observation in enumerate(observations):
        register = register_of(observation.source) if observation.collector == REGISTER else ""
        by_time = looks.setdefault((observation.collector, register), {})
        by_time.setdefault(observation.observed_at, []).append(index)
    out = [frozenset[str]()] * len(observations)
    for by_time in looks.values():
        if len(by_time) > 1:
            _supersede(observations, by_time, out)
    return out


def _supersede(
    observations: Sequence[Observation], by_time: Mapping[datetime, Sequence[int]], out: list[frozenset[str]]
) -> None:
    """Fills in what one collector has seen again: from the newest look to the oldest."""
    since: dict[Identifier, set[str]] = {}
    for _time, indexes in sorted(by_time.items(), reverse=True):
        for index in indexes:
            told = [since[i] for i in observations[index].identifiers if i in since]
            out[index] = frozenset().union(*told) if told else frozenset()
        for index in indexes:
            columns = {fact.column for fact in observations[index].facts}
            for identifier in observations[index].identifiers:
                since.setdefault(identifier, set()).update(columns)


class Said:
    """What was said of one asset, column by column: strongest first, then newest, each fact once.

    The order never depends on that of the input. ``live`` leaves out what a newer look has superseded; ``all``
    keeps everything.
    """

    __slots__ = ("all", "live")

    def __init__(self, observations: Sequence[Observation]) -> None:
        self.all: dict[str, list[SourcedFact]] = {}
        for observation in observations:
            for fact in sourced(observation):
                self.all.setdefault(fact.column, []).append(fact)
        for column, facts in self.all.items():
            if len(facts) > 1:
                self.all[column] = ordered(facts)
        self.live = self.all
        if len(observations) > 1 and any(skips := superseded(observations)):
            self.live = {}
            for observation, skip in zip(observations, skips, strict=True):
                for fact in sourced(observation, skip):
                    self.live.setdefault(fact.column, []).append(fact)
            self.live = {column: ordered(facts) for column, facts in self.live.items()}

    def add(self, facts: Iterable[SourcedFact]) -> None:
        tables = (self.all,) if self.live is self.all else (self.all, self.live)
        added: dict[str, list[SourcedFact]] = {}
        for fact in facts:
            added.setdefault(fact.column, []).append(fact)
        for column, new in added.items():
            for table in tables:
                known = table.get(column, ())
                table[column] = ordered((*known, *new)) if known or len(new) > 1 else [*new]

    def facts(self) -> tuple[SourcedFact, ...]:
        return tuple(fact for column in sorted(self.all) for fact in self.all[column])


def _order(fact: SourcedFact) -> tuple[object, ...]:
    return (
        -fact.strength,
        -fact.observed_at.timestamp(),
        fact.source,
        fact.absent,
        str(fact.value),
        fact.evidence,
        fact.origin,
    )


def ordered(facts: Iterable[SourcedFact]) -> list[SourcedFact]:
    """Facts of one column: strongest first, then newest, each once."""
    found = sorted(facts, key=_order)
    return [fact for index, fact in enumerate(found) if not index or fact != found[index - 1]]


def choose(column: Column, facts: Sequence[SourcedFact]) -> tuple[Value, Conflict | None]:
    """The value that a column shows, and what its sources disagree on.

    ``facts`` are all of this column, in the order of :func:`ordered`. None means NULL.
    """
    if len(facts) == 1:
        value = facts[0].value if counts(column, facts[0]) else None
        return (tuple(sorted(set(value))) if isinstance(value, tuple) and len(value) > 1 else value), None
    eligible = [fact for fact in facts if counts(column, fact)]
    if column.type is Type.TEXTS and column.name not in WHOLE_LISTS:
        united = {item for fact in eligible if isinstance(fact.value, tuple) for item in fact.value}
        return (tuple(sorted(united)) if united else None), None
    nones = [fact for fact in facts if fact.absent]
    if not eligible:
        return None, None
    if column.name in ONE_SIDED and (sights := _sights(eligible)):
        return _one_sided(column, sights, [*(fact for fact in eligible if fact.value is False), *nones])
    top = eligible[0].strength
    best = [fact for fact in eligible if fact.strength == top]
    shown = agreed(column.name, [fact.value for fact in best])
    if isinstance(shown, tuple):
        shown = tuple(sorted(set(shown)))
    if len(eligible) == 1 and not nones:
        return shown, None
    if shown is None:
        return None, Conflict(column.name, None, EQUALS, tuple(best))
    filling = {fact.source for fact in best}
    if elsewhere := [none for none in nones if none.source not in filling]:
        return None, Conflict(column.name, None, VALUE_AND_NONE, (*best, *elsewhere))
    weaker = [fact for fact in eligible if fact.strength < top and agreed(column.name, (shown, fact.value)) is None]
    if top is Strength.DECLARED and weaker:
        return None, Conflict(column.name, None, PAPER_AND_HINT, (*best, *weaker))
    if told := [fact for fact in weaker if fact.strength >= Strength.DECLARED]:
        return shown, Conflict(column.name, shown, STRONGER_SHOWN, (*best, *told))
    return shown, None


def _sights(facts: Sequence[SourcedFact]) -> list[SourcedFact]:
    """The strongest of those that say TRUE; a mere hint is none of them."""
    told = [fact for fact in facts if fact.value is True and fact.strength > Strength.HINTED]
    return [fact for fact in told if fact.strength == told[0].strength]


def _one_sided(
    column: Column, sights: Sequence[SourcedFact], denials: Sequence[SourcedFact]
) -> tuple[Value, Conflict | None]:
    """TRUE, whoever could not see it. A paper against a paper is a contradiction as everywhere."""
    on_paper = [fact for fact in denials if fact.origin is Origin.DECLARED]
    if sights[0].strength > Strength.DECLARED:
        return True, Conflict(column.name, True, STRONGER_SHOWN, (*sights, *on_paper)) if on_paper else None
    if on_paper:
        return None, Conflict(column.name, None, EQUALS, (*sights, *on_paper))
    seen = [fact for fact in denials if fact.strength > Strength.DECLARED]
    return True, Conflict(column.name, True, NOT_FROM_HERE, (*sights, *seen)) if seen else None


def counts(column: Column, fact: SourcedFact) -> bool:
    """Whether a fact may speak for a column: of the right type, and by a road that the column admits."""
    if fact.absent or not fits(column, fact.value):
        return False
    if fact.origin is Origin.INFERRED:
        return True
    if fact.origin not in column.origins:
        return False
    return fact.origin is Origin.OBSERVED or fact.strength is Strength.DECLARED or column.seeable


def fits(column: Column, value: Value) -> bool:
    """Whether a value has the column's type and, for enumerations, is one of its codes."""
    kind, codes = column.type, column.values
    if kind is Type.TEXT:
        return isinstance(value, str) and bool(value) and (not codes or value in codes)
    if kind is Type.TEXTS:
        if not isinstance(value, tuple) or not value:
            return False
        return all(isinstance(item, str) and (not codes or item in codes) for item in value)
    if kind is Type.BOOLEAN:
        return isinstance(value, bool)
    if kind is Type.DATE:
        return isinstance(value, date) and not isinstance(value, datetime)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e300 if kind is Type.NUMBER else isinstance(value, int) and -(2**63) <= value < 2**63


def supports(column: Column, value: Value, fact: SourcedFact) -> bool:
    """Whether a fact is one of those that the shown value rests on."""
    if value is None or not counts(column, fact):
        return False
    if isinstance(value, tuple) and isinstance(fact.value, tuple):
        return set(fact.value) <= set(value)
    return agreed(column.name, (value, fact.value)) is not None


def papers(
    kind: Kind, by_column: Mapping[str, Sequence[SourcedFact]], department_id: str, answers: Answers
) -> tuple[list[SourcedFact], list[Conflict]]:
    """The absence companions (``approval_absent``) of one declared asset, as facts with their provenance.

    TRUE only where the department was asked for the paper in a received submission and a cell says 无; FALSE
    where a cell is filled; NULL (no fact) otherwise, also where one source fills what another denies.
    """
    out: list[SourcedFact] = []
    conflicts: list[Conflict] = []
    told = dict.fromkeys(PAPERS[kind.name][name] for name in by_column if name in PAPERS[kind.name])
    for paper in sorted(told):
        said = [fact for name in kind.papers[paper] for fact in by_column.get(name, ())]
        filled = [fact for fact in said if counts(COLUMNS[kind.name][fact.column], fact)]
        nones = [fact for fact in said if fact.absent]
        column = _ABSENT[kind.name][paper]
        if filled:
            filling = {fact.source for fact in filled}
            if elsewhere := [none for none in nones if none.source not in filling]:
                conflicts.append(Conflict(column, None, VALUE_AND_NONE, (*filled, *elsewhere)))
            else:
                out.append(_companion(column, False, filled[0], kind))
            continue
        for none in nones:
            asked = COLUMNS[kind.name][none.column]
            if answers.asked(register_of(none.source) or kind.register, department_id, asked):
                out.append(_companion(column, True, none, kind))
                break
    return out, conflicts


def _companion(column: str, absent: bool, fact: SourcedFact, kind: Kind) -> SourcedFact:
    title = COLUMNS[kind.name][fact.column].title
    words = fact.evidence or ("无" if absent else json.dumps(fact.value, ensure_ascii=False, default=str))
    return SourcedFact(
        column,
        absent,
        fact.strength,
        Origin.INFERRED,
        fact.source,
        fact.observed_at,
        f"{title}：{words}",
    )
