"""Judging a snapshot's tables in DuckDB: one pass over each kind of asset, with all the rules about it.

The database lives in memory, reads the snapshot's Parquet files and may read nothing else. A pass leaves one row per
asset with all its verdicts packed into a few numbers; counts, the digest and the rows of violations are drawn from
those. Codes are chosen so that a row on which no rule bears is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from inventories.faults import Fault, Faults, clean
from inventories.kinds import DUCKDB_TYPES
from policies.expressions import Expression, facts, sql
from policies.folding import folded
from policies.lists import join
from policies.model import Pack, Rule, Verdict
from policies.regions import EVERYWHERE, stem
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
#: Rules whose verdicts share one 64-bit number.
PER_WORD = 30
#: The frame of a rule whose law is not in force: it applies to nothing.
NEVER = ("FALSE",)
#: The folder of a snapshot that keeps the lists it was judged by.
LISTS = "lists"

_SAFE = {
    "allow_community_extensions": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What judging may use. None leaves the number of threads to DuckDB, which takes one for each core.

    ``aside`` is a folder, the caller's own and private, in which what does not fit into ``memory`` may lie meanwhile;
    without one, what does not fit is a fault.
    """

    threads: int | None = None
    memory: str = "800MB"
    aside: Path | None = None


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
        return f"{code << self.shift}::UBIGINT"

    @property
    def shift(self) -> int:
        """Where the code stands among the bits of its word."""
        return 2 * (self.index % PER_WORD)

    @property
    def region(self) -> str:
        """SQL of whether an asset lies in the pack's region; empty where the pack binds the whole country."""
        return "" if self.pack.region == EVERYWHERE else _region(self.pack.region, self.column("region"))

    @property
    def code(self) -> str:
        """SQL of the verdict's code out of the packed numbers of table ``v``."""
        return f"((v.{self.word} >> {self.shift}) & 3)"

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


def _packed(rules: Sequence[Judged], part: Part) -> str:
    """SQL of the verdicts of some rules in one number.

    What lies in another region is looked at once for a whole pack: nothing else is asked of it.
    """
    bound: dict[str, list[str]] = {}
    for judged in rules:
        if judged.frame != NEVER:
            bound.setdefault(judged.region, []).append(judged.verdict(part))
    packed = []
    for region, verdicts in bound.items():
        joined = " | ".join(verdicts)
        packed.append(f"CASE {part(region)} WHEN FALSE THEN 0::UBIGINT ELSE {joined} END" if region else joined)
    return " | ".join(packed) or "0::UBIGINT"


def any_violation(word: str) -> str:
    """SQL that is not zero where any verdict of a word is a violation: code 1, the low bit without the high one."""
    low = sum(1 << 2 * at for at in range(PER_WORD))
    return f"(v.{word} & ~(v.{word} >> 1) & {low}::UBIGINT)"


def _named(computed: Mapping[str, str]) -> list[str]:
    return [f"{written} AS {name}" for written, name in computed.items()]


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
        self._laid: frozenset[str] = frozenset()
        self._derived: dict[str, dict[str, str]] = {}
        self.rules: dict[str, tuple[Judged, ...]] = {}
        try:
            self._lay_lists([rule for _id, rule, _pack in rules])
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
        rows = f"read_parquet({text(str(self._path(kind)))}, file_row_number = true)"
        return join.joined(rows, self._stored(kind, "c")) if kind in self._laid else rows

    def _lay_lists(self, rules: Sequence[Rule]) -> None:
        """Looks every product up in the lists that the snapshot keeps, where a rule asks for what they say."""
        asked = {name for rule in rules if rule.subject == join.KIND for name in rule.columns}
        if asked.isdisjoint(join.COLUMNS) or self.present(join.KIND).issuperset(join.COLUMNS):
            return
        from policies.lists.load import read_lists, stored_files

        folder = self.source / LISTS
        files = stored_files(folder)
        if not files:
            return
        lists = read_lists(files, {name: str(folder / name) for name in files})
        sources = join.source_columns(self._stored(join.KIND, "c"))
        products = self.fetch(" ".join(["SELECT DISTINCT", ", ".join(sources), "FROM", f"{self.scan(join.KIND)} c"]))
        self.db.register("looked up", join.answer_table(lists, products, self.as_of))
        self.execute(create(join.TABLE, select(["*"], identifier("looked up"))))
        self.db.unregister("looked up")
        self._laid = frozenset({join.KIND})
        self._present[join.KIND] |= frozenset(join.COLUMNS)

    def _stored(self, kind: str, row: str) -> Callable[[str], str]:
        """The SQL of a stored column of ``row``; NULL where the snapshot is older than the column."""

        def stored(name: str) -> str:
            if name in self.present(kind):
                return f"{row}.{identifier(name)}"
            return f"CAST(NULL AS {DUCKDB_TYPES[columns_of(kind)[name].type]})"

        return stored

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

    def stream(self, query: str, rows: int) -> Iterator[Any]:
        """The result as Arrow record batches of about so many rows, made as they are read."""
        reader = self._run(lambda: self.db.sql(query).to_arrow_reader(rows))
        while (batch := self._run(lambda: next(reader, None))) is not None:
            yield batch

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
        """The SQL of a column of row ``t``, stored or derived."""
        stored = self._stored(kind, "t")

        def found(name: str) -> str:
            computed = derived(kind, name)
            if computed is None or computed.joined:
                return stored(name)
            written = computed.sql(stored, pack.recognised_levels)
            # A pack's case may state the conclusion alone: its table has it as a column.
            return f"coalesce({stored(name)}, {written})" if name in self.present(kind) else written

        return found

    def _judged(self, rule: Rule, pack: Pack, index: int) -> Judged:
        outside = given(pack, self.as_of)
        asked, violation = trees_of(pack, rule)
        applies, violation = folded(asked, outside) if asked else None, folded(violation, outside)
        column = self.column(rule.subject, pack)
        frame = (_region(pack.region, column("region")),) if pack.region != EVERYWHERE else ()
        if rule.needs_date and pack.in_force_from is None:
            frame = (*frame, "CAST(NULL AS BOOLEAN)")
        if _out_of_time(pack, self.as_of) or not rule.in_force(self.as_of):
            frame = NEVER
        return Judged(rule, pack, index, frame, applies, violation, column, outside)

    def judge(self, kind: str, where: str = "") -> None:
        """Fills the table of packed verdicts of one kind: ``row``, ``key``, ``department``, ``w0`` …, ``d0`` ….

        ``where`` restricts it to some assets.
        """
        # Derived columns are computed once, in the innermost query; then the conditions that rules share (whose
        # department, which status); then the verdicts.
        computed = self._derived[kind] = {}
        rules = [replace(judged, column=self._ahead(kind, judged.pack)) for judged in self.rules[kind]]
        parts: dict[str, str] = {}

        def part(written: str) -> str:
            return parts.setdefault(written, f"p{len(parts)}")

        words = {word: [judged for judged in rules if judged.word == word] for word in self.words(kind)}
        packed = [f"{_packed(judged, part)} AS {word}" for word, judged in words.items()]
        asset = ["t.file_row_number AS row", "t.key", "coalesce(t.department_id, '') AS department"]
        rows = select(["*", *_named(computed)], f"{self.scan(kind)} t", where=where) if computed or where else ""
        asked = select([*asset, *computed.values(), *_named(parts)], f"{nested(rows) if rows else self.scan(kind)} t")
        self.execute(
            create(table(kind), select(["row", "key", "department", *computed.values(), *packed], nested(asked)))
        )

    def _ahead(self, kind: str, pack: Pack) -> Callable[[str], str]:
        """The SQL of a column where derived ones are computed ahead, each under a name of its own."""
        column, computed = self.column(kind, pack), self._derived[kind]

        def found(name: str) -> str:
            derives = derived(kind, name)
            if derives is None or derives.joined:
                return column(name)
            return f"t.{computed.setdefault(column(name), f'd{len(computed)}')}"

        return found

    def shown(self, kind: str, pack: Pack) -> Callable[[str], str]:
        """The SQL of a column of :meth:`joined` rows: what was derived to judge them is not derived again."""
        column, computed = self.column(kind, pack), self._derived[kind]
        return lambda name: f"v.{computed[column(name)]}" if column(name) in computed else column(name)

    def words(self, kind: str) -> tuple[str, ...]:
        """The columns that hold the packed verdicts of a kind."""
        return tuple(dict.fromkeys(judged.word for judged in self.rules[kind]))


def _connect(paths: Sequence[Path], limits: Limits) -> duckdb.DuckDBPyConnection:
    """A database that can read these files and nothing else, and cannot be told otherwise."""
    aside = str(limits.aside) if limits.aside is not None else ""
    config: dict[str, Any] = {**_SAFE, "memory_limit": limits.memory, "temp_directory": aside}
    if limits.threads is not None:
        config["threads"] = limits.threads
    db = duckdb.connect(":memory:", config=config)
    db.execute(f"SET allowed_paths = [{listed([str(path) for path in paths])}]")
    db.execute("SET enable_progress_bar = false")
    # Rows carry their numbers: nothing here depends on the order in which threads bring them.
    db.execute("SET preserve_insertion_order = false")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _region(code: str, column: str) -> str:
    """SQL of whether an asset lies in a pack's region."""
    own = stem(code)
    return f"({column} = {text(code)})" if own == code else f"starts_with({column}, {text(own)})"


def _out_of_time(pack: Pack, as_of: date) -> bool:
    early = pack.in_force_from is not None and as_of < pack.in_force_from
    return early or (pack.in_force_to is not None and as_of > pack.in_force_to)
