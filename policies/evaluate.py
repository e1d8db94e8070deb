"""Judging a snapshot by packs: verdicts with their denominators, as a pure function of what is stored.

``source`` is a snapshot's folder, whole or still being written: it holds one ``<kind>.parquet`` for each kind of
asset. The clock is passed in; nothing else is read. The same input gives the same digest, whatever the number of
threads.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from inventories.model import Waiver, canonical
from policies.engine import UNKNOWN, VERDICTS, VIOLATION, Engine, Judged, Limits, any_violation, table
from policies.lists import join
from policies.model import Count, Evaluation, Pack, Unknown, Verdict
from policies.outcomes import Outcomes, Part
from policies.statements import identifier, listed, nested, select, text
from policies.subjects import derived
from policies.waivers import Waived, idle_patterns, waived

__all__ = ["Limits", "each_unknown", "evaluate", "idle_patterns", "unknowns", "verdicts_for", "write_outcomes"]

_DEFAULT = Limits()
#: Rules that are counted together; a divisor of those in a word.
TOGETHER = 6
#: Rows of the file of outcomes that are written at once.
_ROWS = 122_880
#: Rows that are made into records at once.
_SOME = 8192


def evaluate(
    source: Path, packs: Sequence[Pack], *, as_of: date, waivers: Sequence[Waiver] = (), limits: Limits = _DEFAULT
) -> Evaluation:
    """Applies every rule of ``packs`` to every asset of a snapshot.

    Raises :class:`~inventories.faults.Faults` where the snapshot cannot be read. See :class:`Evaluation`.
    """
    counts: list[Count] = []
    parts: list[Part] = []
    seals: dict[str, object] = {}
    leave: Waived = {}
    with Engine(source, packs, as_of, limits) as engine:
        for kind in engine.kinds:
            engine.judge(kind)
            mine = waived(engine, kind, waivers, as_of)
            leave |= mine
            seals[kind] = _seal(engine, kind)
            names = [judged.rule.full_id for judged in engine.rules[kind]]
            counts += [
                Count(names[rule], department, VERDICTS[code], n)
                for rule, department, code, n in _counts(engine, kind)
            ]
            parts += _hits(engine, kind, mine)
    parts.sort(key=lambda part: part.rule.full_id)
    counts = sorted(_laid_over(counts, leave) if leave else counts)
    body = {
        "rules": sorted(rule.full_id for pack in packs for rule in pack.rules),
        "verdicts": seals,
        "counts": counts,
        "waived": sorted([rule, key, waiver] for (rule, key), (waiver, _) in leave.items()),
    }
    return Evaluation(as_of, Outcomes(parts), tuple(counts), hashlib.sha256(canonical(body).encode()).hexdigest())


def _seal(engine: Engine, kind: str) -> str:
    """What the verdicts about a kind come to, in whatever order its assets were judged.

    Each asset's key and verdicts are hashed together; the hashes are combined by exclusive or, which knows no
    order. MD5 serves to tell verdicts apart, not to seal them against forgery: that is the manifest's part. Assets
    on which no rule bears are told by the counts alone.
    """
    words = engine.words(kind)
    hashed = " || ':' || ".join(["key", *words])
    bears = " OR ".join(f"{word} <> 0" for word in words)
    ((seal,),) = engine.fetch(select([f"bit_xor(md5_number({hashed}))"], table(kind), where=bears))
    return f"{seal or 0:032x}"


def _counts(engine: Engine, kind: str) -> list[tuple[Any, ...]]:
    """How many assets of each department got each code, by the rule's place among those about the kind.

    A few rules at a time, by way of the combinations of their verdicts that occur: there are far fewer of these than
    assets. Of all rules together there may be as many.
    """
    rules = engine.rules[kind]
    combined = " UNION ALL ".join(
        select(
            [
                f"{first} AS first",
                "department",
                f"({word} >> {shift}) & {4**TOGETHER - 1}::UBIGINT AS codes",
                "count(*) AS n",
            ],
            table(kind),
            group_by="ALL",
        )
        for first, word, shift in _groups(rules)
    )
    each = [
        "first + i AS rule",
        "department",
        "((codes >> (2 * i)::UBIGINT) & 3)::UTINYINT AS code",
        "sum(n)::BIGINT",
    ]
    query = select(each, f"{nested(combined)}, range({TOGETHER}) r(i)", where=f"rule < {len(rules)}", group_by="ALL")
    return engine.fetch(query)


def _groups(rules: Sequence[Judged]) -> Iterator[tuple[int, str, int]]:
    """Neighbours among rules whose verdicts stand side by side in one word: the first one, the word, its place."""
    for first in range(0, len(rules), TOGETHER):
        yield first, rules[first].word, rules[first].shift


def _hits(engine: Engine, kind: str, leave: Waived) -> list[Part]:
    """The rows of every violation of a kind, read once with all the columns that any of its rules names."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rules = engine.rules[kind]
    held = {judged.index: {name: _held(judged, name) for name in judged.rule.columns} for judged in rules}
    shown: dict[str, str] = {}
    for judged in rules:
        column = engine.shown(kind, judged.pack)
        shown |= {alias: f"{column(name)} AS {identifier(alias)}" for name, alias in held[judged.index].items()}
    words = engine.words(kind)
    found = engine.arrow(
        select(
            ["t.key", "t.name", "v.department", "t.zone", *shown.values(), *(f"v.{word}" for word in words)],
            engine.joined(kind),
            where=" OR ".join(f"{any_violation(word)} <> 0" for word in words),
        )
    )
    parts = []
    for judged in rules:
        code = pc.bit_wise_and(found.column(judged.word), pa.scalar(3 << judged.shift, pa.uint64()))
        rows = pc.indices_nonzero(pc.equal(code, pa.scalar(VIOLATION << judged.shift, pa.uint64())))
        mine = {key: waiver for (rule, key), (waiver, _) in leave.items() if rule == judged.rule.full_id}
        parts.append(Part(judged.rule, found, rows, held[judged.index], mine))
    return [part for part in parts if len(part.rows)]


def _held(judged: Judged, name: str) -> str:
    """The column of the table of hits; a computed one differs from pack to pack."""
    return f"{name} of {judged.pack.id}" if derived(judged.rule.subject, name) else f"its {name}"


def _laid_over(counts: Sequence[Count], leave: Waived) -> list[Count]:
    """The counts with waived violations counted as waived."""
    tallies = Counter({(rule, department, verdict): number for rule, department, verdict, number in counts})
    for (rule, _key), (_waiver, department) in leave.items():
        tallies[rule, department, Verdict.VIOLATION] -= 1
        tallies[rule, department, Verdict.WAIVED] += 1
    return [Count(*key, number) for key, number in tallies.items() if number]


def verdicts_for(
    source: Path,
    packs: Sequence[Pack],
    *,
    as_of: date,
    waivers: Sequence[Waiver] = (),
    pairs: Collection[tuple[str, str]],
    limits: Limits = _DEFAULT,
) -> Mapping[tuple[str, str], Verdict]:
    """The verdicts of some (rule, asset key) pairs, for findings whose asset is no violation today.

    A pair whose asset the snapshot does not have, or whose rule no pack has, is missing from the result.
    """
    import pyarrow as pa

    out: dict[tuple[str, str], Verdict] = {}
    wanted = set(pairs)
    with Engine(source, packs, as_of, limits) as engine:
        for kind in engine.kinds:
            rules = {judged.rule.full_id: judged for judged in engine.rules[kind]}
            keys = sorted({key for rule, key in wanted if rule in rules})
            if not keys:
                continue
            engine.db.register("wanted", pa.table({"key": pa.array(keys, pa.string())}))
            engine.judge(kind, "t.key IN (SELECT key FROM wanted)")
            codes = [judged.code for judged in engine.rules[kind]]
            leave = waived(engine, kind, waivers, as_of)
            for key, *row in engine.fetch(select(["v.key", *codes], f"{table(kind)} v")):
                for rule, judged in rules.items():
                    if (rule, key) in wanted:
                        found = VERDICTS[row[judged.index]]
                        out[rule, key] = Verdict.WAIVED if (rule, key) in leave else found
    return out


def unknowns(
    source: Path,
    packs: Sequence[Pack],
    *,
    as_of: date,
    limit: int | None = None,
    departments: Collection[str] = (),
    limits: Limits = _DEFAULT,
) -> list[Unknown]:
    """What could not be decided, by rule and asset key, with the columns that nobody has shown.

    ``limit`` bounds the number for each rule; ``departments`` restricts it to theirs.
    """
    return list(each_unknown(source, packs, as_of=as_of, limit=limit, departments=departments, limits=limits))


def each_unknown(
    source: Path,
    packs: Sequence[Pack],
    *,
    as_of: date,
    limit: int | None = None,
    departments: Collection[str] = (),
    limits: Limits = _DEFAULT,
) -> Iterator[Unknown]:
    """The same, one after another: a province has tens of millions of them."""
    with Engine(source, packs, as_of, limits) as engine:
        for kind in engine.kinds:
            engine.judge(kind)
        every = [(judged, kind) for kind in engine.kinds for judged in engine.rules[kind]]
        for judged, kind in sorted(every, key=lambda entry: entry[0].rule.full_id):
            rule = judged.rule
            for batch in engine.stream(_undecided(engine, kind, judged, departments, limit=limit, named=True), _SOME):
                keys, owners, _codes, missing, names = (column.to_pylist() for column in batch.columns)
                for key, department, lacks, name in zip(keys, owners, missing, names, strict=True):
                    columns = tuple(lacks.split(",")) if lacks else ()
                    yield Unknown(rule.full_id, kind, key, name or "", department, columns, rule.waits_for)


def _undecided(
    engine: Engine,
    kind: str,
    judged: Judged,
    departments: Collection[str] = (),
    *,
    codes: Collection[int] = (UNKNOWN,),
    limit: int | None = None,
    named: bool = False,
) -> str:
    """SQL of a rule's rows with these codes: key, department, code, the columns that are missing (and the name)."""
    column = engine.column(kind, judged.pack)

    def missing(names: Sequence[str]) -> str:
        checks: dict[str, str] = {}
        for name in names:
            computed = derived(kind, name)
            if computed and computed.joined:
                checks |= {n: sql for n, sql in join.missing(name, column).items() if n not in checks}
                continue
            for source in computed.sources if computed else (name,):
                also = f"{column(name)} IS NULL AND " if computed else ""
                checks.setdefault(source, f"CASE WHEN {also}{column(source)} IS NULL THEN {text(source)} END")
        return f"concat_ws(',', {', '.join(checks.values())})" if checks else "''"

    lacking = (
        f"CASE WHEN {judged.code} <> {UNKNOWN} THEN '' WHEN {judged.scope()} IS NULL "
        f"THEN {missing(judged.scope_columns)} ELSE {missing(judged.violation_columns)} END AS missing"
    )
    wanted = f"{judged.code} IN ({', '.join(map(str, codes))})"
    if departments:
        wanted += f" AND v.department IN ({listed(sorted(departments))})"
    columns = ["t.key", "v.department", f"{judged.code} AS code", lacking, *(["t.name"] if named else [])]
    return select(columns, engine.joined(kind), where=wanted, order_by="t.key", limit=limit)


def write_outcomes(
    source: Path,
    packs: Sequence[Pack],
    path: Path,
    *,
    as_of: date,
    waivers: Sequence[Waiver] = (),
    limits: Limits = _DEFAULT,
) -> int:
    """Writes every violation, waived violation and unknown to a Parquet file; returns the number of rows.

    Columns: ``rule``, ``kind``, ``asset_key``, ``department_id``, ``verdict``, ``waiver``, ``missing`` (columns
    nobody has shown, parted by commas), by rule and asset key. Who is in neither list is compliant or was never
    meant; the counts tell how many. The file must not exist; it is created for its owner only. It is written as it
    is read: a province has tens of millions of unknowns. What does not fit into memory while it is sorted lies in a
    folder beside it, which is gone at the end.
    """
    import pyarrow.parquet as pq

    total = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(handle, "wb") as stream,
        TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as aside,
        pq.ParquetWriter(stream, _shape(), compression="zstd") as writer,
        Engine(source, packs, as_of, replace(limits, aside=limits.aside or Path(aside))) as engine,
    ):
        for kind in engine.kinds:
            engine.judge(kind)
            leave = waived(engine, kind, waivers, as_of)
            for judged in engine.rules[kind]:
                theirs = {key: waiver for (rule, key), (waiver, _) in leave.items() if rule == judged.rule.full_id}
                query = _undecided(engine, kind, judged, codes=(VIOLATION, UNKNOWN))
                for batch in engine.stream(query, _ROWS):
                    writer.write_batch(_outcome_rows(batch, judged, theirs), row_group_size=_ROWS)
                    total += batch.num_rows
    return total


def _shape() -> Any:
    import pyarrow as pa

    names = ("rule", "kind", "asset_key", "department_id", "verdict", "waiver", "missing")
    return pa.schema([(name, pa.string()) for name in names])


def _outcome_rows(found: Any, judged: Judged, waivers: Mapping[str, str]) -> Any:
    """A batch of a rule's rows as the file holds them. ``waivers``: asset key → the waiver laid over the rule's."""
    import pyarrow as pa
    import pyarrow.compute as pc

    size, keys = found.num_rows, found.column("key")
    words = pa.array([VERDICTS[code].value for code in range(len(VERDICTS))], pa.string())
    verdicts = words.take(found.column("code").cast(pa.int8()))
    laid = pa.repeat(pa.scalar("", pa.string()), size)
    if waivers:
        laid = pa.array([waivers.get(key, "") for key in keys.to_pylist()], pa.string())
        verdicts = pc.if_else(pc.not_equal(laid, ""), Verdict.WAIVED.value, verdicts)
    columns = [
        pa.repeat(pa.scalar(judged.rule.full_id, pa.string()), size),
        pa.repeat(pa.scalar(judged.rule.subject, pa.string()), size),
        keys,
        found.column("department"),
        verdicts,
        laid,
        found.column("missing"),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_shape())
