"""How an asset kind is declared: its columns, their types, their Chinese titles and where they may come from.

Everything that depends on columns is generated from these declarations: the subject views that rules judge,
the data dictionary, the register forms with their drop-down choices, and the checks at load.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from inventories.model import Origin


class Type(enum.StrEnum):
    """Column types; the DuckDB type is in :data:`DUCKDB_TYPES`."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TEXTS = "texts"


DUCKDB_TYPES: Mapping[Type, str] = {
    Type.TEXT: "VARCHAR",
    Type.INTEGER: "BIGINT",
    Type.NUMBER: "DOUBLE",
    Type.BOOLEAN: "BOOLEAN",
    Type.DATE: "DATE",
    Type.TEXTS: "VARCHAR[]",
}

DECLARED = frozenset({Origin.DECLARED})
OBSERVED = frozenset({Origin.OBSERVED})
INFERRED = frozenset({Origin.INFERRED})
SEEN = frozenset({Origin.DECLARED, Origin.OBSERVED})
ANY = frozenset(Origin)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a subject view.

    ``headings`` are other Chinese headings under which registers carry it. ``values`` maps each code of an
    enumeration to its Chinese labels, the first of which is shown and offered in forms. ``paper`` names the
    document that the column stands for: the view then has a boolean ``<paper>_absent``, TRUE only where the
    paper was asked for and the answer is none. ``unites`` says that lists from several sources are united
    instead of contradicting each other.
    """

    name: str
    type: Type
    title: str
    headings: tuple[str, ...] = ()
    origins: frozenset[Origin] = DECLARED
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    paper: str = ""
    unit: str = ""
    note: str = ""
    unites: bool = False

    @property
    def seeable(self) -> bool:
        """Whether a probe may show it; otherwise only papers say, and a register alone counts."""
        return Origin.OBSERVED in self.origins

    @property
    def declarable(self) -> bool:
        return Origin.DECLARED in self.origins

    def label(self, code: str) -> str:
        """The Chinese label of an enumeration's code (the code itself where there is none)."""
        return self.values[code][0] if code in self.values else code


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of asset. ``letter`` starts its keys; ``register`` is the stem of its register's file."""

    name: str
    title: str
    letter: str
    register: str
    columns: tuple[Column, ...]
    # Made once: every fact of every finding asks for its column.
    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {column.name: column for column in _all_columns(self)})

    def column(self, name: str) -> Column:
        """KeyError for a name that the kind does not declare."""
        return self._by_name[name]

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The view's columns in order: the common ones, the kind's own, then the absence companions."""
        return tuple(self._by_name.values())

    @property
    def papers(self) -> Mapping[str, tuple[str, ...]]:
        """Paper → the columns that stand for it."""
        out: dict[str, tuple[str, ...]] = {}
        for column in self.columns:
            if column.paper:
                out[column.paper] = (*out.get(column.paper, ()), column.name)
        return out


def text(name: str, title: str, *headings: str, **more: object) -> Column:
    return Column(name, Type.TEXT, title, headings, **more)  # type: ignore[arg-type]


def integer(name: str, title: str, *headings: str, **more: object) -> Column:
    return Column(name, Type.INTEGER, title, headings, **more)  # type: ignore[arg-type]


def number(name: str, title: str, *headings: str, **more: object) -> Column:
    return Column(name, Type.NUMBER, title, headings, **more)  # type: ignore[arg-type]


def flag(name: str, title: str, *headings: str, **more: object) -> Column:
    return Column(name, Type.BOOLEAN, title, headings, **more)  # type: ignore[arg-type]


def day(name: str, title: str, *headings: str, **more: object) -> Column:
    return Column(name, Type.DATE, title, headings, **more)  # type: ignore[arg-type]


def texts(name: str, title: str, *headings: str, **more: object) -> Column:
    more.setdefault("unites", True)
    return Column(name, Type.TEXTS, title, headings, **more)  # type: ignore[arg-type]


LEVELS: Mapping[str, tuple[str, ...]] = {
    "city": ("市级", "市直", "市本级"),
    "county": ("县级", "县（市、区）", "县", "区", "区级"),
    "development_zone": ("开发区", "经开区", "高新区"),
}

#: Who may own a cloud: a province's stands above every level that a department can have.
CLOUD_LEVELS: Mapping[str, tuple[str, ...]] = {"province": ("省级",), **LEVELS}

#: Columns that every subject has; reconciliation and the department register fill them.
COMMON: tuple[Column, ...] = (
    Column("key", Type.TEXT, "资产标识", origins=INFERRED, note="Stable, opaque identity."),
    Column("name", Type.TEXT, "名称", origins=SEEN),
    Column("department_id", Type.TEXT, "部门编号", origins=ANY),
    Column("department_name", Type.TEXT, "部门", origins=INFERRED),
    Column("sector", Type.TEXT, "行业", origins=INFERRED, note="The department's sector."),
    Column("region", Type.TEXT, "行政区划代码", origins=INFERRED, note="Six digits, GB/T 2260."),
    Column("level_of_government", Type.TEXT, "政府层级", origins=INFERRED, values=LEVELS),
    Column("zone", Type.TEXT, "网络区域", origins=INFERRED, note="The zone it was seen in, if one only."),
    Column("sources", Type.TEXTS, "数据来源", origins=INFERRED, unites=True),
    Column("first_seen_on", Type.DATE, "首次发现日期", origins=INFERRED),
    Column("last_seen_on", Type.DATE, "最近发现日期", origins=INFERRED),
    Column("is_observed", Type.BOOLEAN, "探测所见", origins=INFERRED, note="A probe saw it in this audit."),
    Column("is_declared", Type.BOOLEAN, "已登记", origins=INFERRED, note="A register names it."),
)


def _all_columns(kind: Kind) -> tuple[Column, ...]:
    absences = tuple(
        Column(
            f"{paper}_absent",
            Type.BOOLEAN,
            f"{kind_title(kind, names[0])}（明确答复为无）",
            origins=INFERRED,
            note=f"TRUE only where {', '.join(names)} was asked for and the answer is none.",
        )
        for paper, names in kind.papers.items()
    )
    own = {c.name for c in kind.columns}
    return tuple(c for c in COMMON if c.name not in own) + kind.columns + absences


def kind_title(kind: Kind, name: str) -> str:
    return next(c.title for c in kind.columns if c.name == name)
