"""Judging a snapshot's tables in DuckDB: one pass over each kind of asset, with all the rules about it.

The database lives in memory, reads the snapshot's Parquet files and may read nothing else. A pass leaves one row per
asset with all its verdicts packed into a few numbers; counts, the digest and the rows of violations are drawn from
those. Codes are chosen so that a row on which no rule bears is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from inventories.faults import Fault, Faults, clean
from inventories.kinds import DUCKDB_TYPES
from policies.expressions import Expression, facts, sql
from policies.model import Pack, Rule, Verdict
from policies.statements import create, identifier, listed, nested, select, text
from policies.subjects import columns_of, derived
from policies.trees import given, trees_of

#: Verdict codes, two bits each. A waiver is laid over afterwards.
NOT_APPLICABLE, VIOLATION, COMPLIANT, UNKNOWN = range(4)
VERDICTS: Mapping[int, Verdict] = {
    NOT_APPLICABLE: Verdict.NOT_APPLICABLE,
    VIOLATION: Verdict.VIOLATION,
    COMPLIANT: Verdict.COMPLIANT,
    UNKNOWN: Verdict.UNKNOWN,
}
#: The region of what binds the whole country.
EVERYWHERE = "000000"
#: Rules whose verdicts share one 64-bit number.
PER_WORD = 30

_SAFE = {
    "allow_community_extensions": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What judging may use. None leaves the number of threads to DuckDB, which takes one for each core."""

    threads: int | None = None
    memory: str = "800MB"


Part = Callable[[str], str]


def _itself(written: str) -> str:
    return written


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule, ready to be asked of rows ``t`` of its subject's table.

    ``frame`` are the conditions of region and time, in SQL; ``column`` gives the SQL of a column and ``outside``
    the values that the site and the clock supply.
    """

    rule: Rule
    pack: Pack
    index: int
    frame: tuple[str, ...]
    applies: Expression | None
    violation: Expression
    column: Callable[[str], str]
    outside: Mapping[str, object]

    def scope(self, part: Part = _itself) -> str:
        """SQL of whether region, time and ``applies`` together hold."""
        conditions = [part(condition) for condition in self.frame]
        if self.applies is not None:
            conditions.append(sql(self.applies, self.column, self.outside, part))
        return f"({' AND '.join(conditions)})" if conditions else "TRUE"

    def verdict(self, part: Part = _itself) -> str:
        """SQL of the verdict's code, in the order that ``semantics.md`` 8 settles, at the rule's place in its word.

        The switch on a boolean looks at the violation of those rows only that are in scope.
        """
        in_scope, broken = self.scope(part), sql(self.violation, self.column, self.outside, part)
        unknown = self._placed(UNKNOWN)
        return (
            f"CASE {in_scope} WHEN FALSE THEN {self._placed(NOT_APPLICABLE)} "
            f"WHEN TRUE THEN CASE {broken} WHEN FALSE THEN {self._placed(COMPLIANT)} "
            f"WHEN TRUE THEN {self._placed(VIOLATION)} ELSE {unknown} END ELSE {unknown} END"
        )

    def _placed(self, code: int) -> str:
        return f"{code << 2 * (self.index % PER_WORD)}::UBIGINT"

    @property
    def code(self) -> str:
        """SQL of the verdict's code out of the packed numbers of table ``v``."""
        return f"((v.{self.word} >> {2 * (self.index % PER_WORD)}) & 3)"

    @property
    def word(self) -> str:
        """The column that holds the verdict among others."""
        return f"w{self.index // PER_WORD}"

    @property
    def scope_columns(self) -> tuple[str, ...]:
        region = () if self.pack.region == EVERYWHERE else ("region",)
        return (*region, *(facts(self.applies) if self.applies is not None else ()))

    @property
    def violation_columns(self) -> tuple[str, ...]:
        return facts(self.violation)


def table(kind: str) -> str:
    """The name of the table of packed verdicts of one kind."""
    return identifier(f"verdicts of {kind}")


class Engine:
    """One judging of one snapshot. A context manager; holds a database of its own."""

    def __init__(self, source: Path, packs: Sequence[Pack], as_of: date, limits: Limits) -> None:
        self.source = source
        self.as_of = as_of
        rules = sorted(((r.full_id, r, pack) for pack in packs for r in pack.rules), key=lambda entry: entry[0])
        self.kinds = tuple(sorted({rule.subject for _id, rule, _pack in rules}))
        missing = [kind for kind in self.kinds if not self._path(kind).is_file()]
        if missing:
            raise Faults([Fault(str(self._path(kind)), "is missing", "take a whole snapshot") for kind in missing])
        self.db = _connect([self._path(kind) for kind in self.kinds], limits)
        self._present: dict[str, frozenset[str]] = {}
        self.rules: dict[str, tuple[Judged, ...]] = {}
        try:
            for kind in self.kinds:
                mine = [(rule, pack) for _id, rule, pack in rules if rule.subject == kind]
                self.rules[kind] = tuple(self._judged(rule, pack, i) for i, (rule, pack) in enumerate(mine))
        except Faults:
            self.db.close()
            raise

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_error: object) -> None:
        self.db.close()

    def _path(self, kind: str) -> Path:
        return (self.source / f"{kind}.parquet").resolve()

    def present(self, kind: str) -> frozenset[str]:
        """The columns that the snapshot has; those of a later version of the program are not among them."""
        if not self._present:
            paths = {str(self._path(kind)): kind for kind in self.kinds}
            found: dict[str, set[str]] = {kind: set() for kind in self.kinds}
            query = select(["file_name", "name"], f"parquet_schema([{listed(list(paths))}])")
            for path, name in self.fetch(query):
                found[paths[path]].add(name)
            self._present = {kind: frozenset(names) for kind, names in found.items()}
        return self._present[kind]

    def scan(self, kind: str) -> str:
        """The SQL of a kind's rows, with the number of each as ``file_row_number``."""
        return f"read_parquet({text(str(self._path(kind)))}, file_row_number = true)"

    def joined(self, kind: str) -> str:
        """The SQL of a kind's rows ``t`` beside their verdicts ``v``, once they are judged."""
        return f"{self.scan(kind)} t JOIN {table(kind)} v ON t.file_row_number = v.row"

    def execute(self, statement: str) -> None:
        self._run(lambda: self.db.execute(statement))

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._run(lambda: self.db.execute(query).fetchall())
        return rows

    def arrow(self, query: str) -> Any:
        """The result as an Arrow table."""
        return self._run(lambda: self.db.sql(query).to_arrow_table())

    def _run(self, query: Callable[[], Any]) -> Any:
        try:
            return query()
        except duckdb.OutOfMemoryException as error:
            raise Faults([Fault(str(self.source), "needs more memory than is allowed", "raise the limit")]) from error
        except duckdb.Error as error:
            first = str(error).partition("\n")[0]
            raise Faults(
                [Fault(str(self.source), f"cannot be judged: {clean(first)}", "verify the snapshot")]
            ) from error

    def column(self, kind: str, pack: Pack) -> Callable[[str], str]:
        """The SQL of a column of row ``t``; NULL where the snapshot is older than the column."""

        def stored(name: str) -> str:
            if name in self.present(kind):
                return f"t.{identifier(name)}"
            return f"CAST(NULL AS {DUCKDB_TYPES[columns_of(kind)[name].type]})"

        def found(name: str) -> str:
            computed = derived(kind, name)
            return computed.sql(stored, pack.recognised_levels) if computed else stored(name)

        return found

    def _judged(self, rule: Rule, pack: Pack, index: int) -> Judged:
        applies, violation = trees_of(pack, rule)
        column = self.column(rule.subject, pack)
        frame = [_region(pack.region, column("region"))] if pack.region != EVERYWHERE else []
        if rule.needs_date and pack.in_force_from is None:
            frame.append("CAST(NULL AS BOOLEAN)")
        if _out_of_time(pack, self.as_of):
            frame = ["FALSE"]
        return Judged(rule, pack, index, tuple(frame), applies, violation, column, given(pack, self.as_of))

    def judge(self, kind: str, where: str = "") -> None:
        """Fills the table of packed verdicts of one kind: ``row``, ``key``, ``department``, ``w0`` ….

        ``where`` restricts it to some assets.
        """
        rules = self.rules[kind]
        # Conditions that rules share (whose department, which status) are computed once, in the innermost query.
        parts: dict[str, str] = {}

        def part(written: str) -> str:
            return parts.setdefault(written, f"p{len(parts)}")

        words = {word: [j.verdict(part) for j in rules if j.word == word] for word in self.words(kind)}
        asset = ["t.file_row_number AS row", "t.key", "coalesce(t.department_id, '') AS department"]
        computed = [f"{written} AS {name}" for written, name in parts.items()]
        asked = select([*asset, *computed], f"{self.scan(kind)} t", where=where)
        packed = [f"{' | '.join(verdicts)} AS {word}" for word, verdicts in words.items()]
        self.execute(create(table(kind), select(["row", "key", "department", *packed], nested(asked))))

    def words(self, kind: str) -> tuple[str, ...]:
        """The columns that hold the packed verdicts of a kind."""
        return tuple(dict.fromkeys(judged.word for judged in self.rules[kind]))


def _connect(paths: Sequence[Path], limits: Limits) -> duckdb.DuckDBPyConnection:
    """A database that can read these files and nothing else, and cannot be told otherwise."""
    config: dict[str, Any] = {**_SAFE, "memory_limit": limits.memory}
    if limits.threads is not None:
        config["threads"] = limits.threads
    db = duckdb.connect(":memory:", config=config)
    db.execute(f"SET allowed_paths = [{listed([str(path) for path in paths])}]")
    db.execute("SET enable_progress_bar = false")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _region(code: str, column: str) -> str:
    """SQL of whether an asset lies in a pack's region.

    The first two digits of GB/T 2260 are the province, the next two the city, the last two the county.
    """
    if code.endswith("0000"):
        return f"starts_with({column}, '{code[:2]}')"
    if code.endswith("00"):
        return f"starts_with({column}, '{code[:4]}')"
    return f"({column} = '{code}')"


def _out_of_time(pack: Pack, as_of: date) -> bool:
    early = pack.in_force_from is not None and as_of < pack.in_force_from
    return early or (pack.in_force_to is not None and as_of > pack.in_force_to)
