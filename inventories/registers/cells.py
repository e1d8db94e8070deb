"""From a cell's own words to a fact's value.

:func:`read_cell` is total: whatever a cell holds, it returns a :class:`Cell` or raises
:class:`~inventories.registers.errors.CellError`. Reading the text of a value again gives the same value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias

from inventories.faults import clean, did_you_mean
from inventories.kinds import Column, Type
from inventories.model import Value
from inventories.registers import words
from inventories.registers.addresses import read_address, read_mac, read_prefix, read_region, read_uuid
from inventories.registers.dates import read_day
from inventories.registers.errors import CellError, Unsure
from inventories.registers.numbers import read_integer, read_number

#: What a file's reader hands over for one cell. A list comes from YAML only.
Raw: TypeAlias = str | int | float | bool | dt.date | list[str] | None

MAX_TEXT: Final = 4000
MAX_NAME: Final = 200
MAX_ITEMS: Final = 1024

#: Columns whose text has a form of its own; for lists, the form of each member.
FORMS: Mapping[str, Callable[[str], str]] = {
    "ips": read_address,
    "addresses": lambda text: read_address(text, service=True),
    "prefixes": read_prefix,
    "macs": read_mac,
    "hardware_uuid": read_uuid,
    "region": read_region,
}
_SPACED: Final = frozenset({"ips", "addresses", "prefixes", "macs", "urls"})
_HARD: Final = re.compile(r"[、,，;；|\n\r\t]+|\s{2,}")
_SOFT: Final = re.compile(r"[、,，;；|\s]+")
_LEVEL: Final = re.compile(
    r"^(?:等保|网络安全等级保护|等级保护)?第?([1-5一二三四五])级?(?:等保|等级保护)?(?:[((].*|S\dA\d(?:G\d)?)?$"
)
_SAG: Final = re.compile(r"^S([1-5])A([1-5])(?:G([1-5]))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell says: a value, or that there is none (``absent``), or nothing; ``note`` tells what was left out."""

    value: Value = None
    absent: bool = False
    note: str = ""


EMPTY: Final = Cell()


def is_code(column: str) -> bool:
    """Whether a column holds codes, which are compared letter by letter across registers."""
    return column.endswith(("code", "codes", "_id", "_key")) and column != "credit_code"


def text_of(raw: Raw) -> str:
    """The words of a cell as a person sees them."""
    if raw is None:
        return ""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "是" if raw else "否"
    if isinstance(raw, float):
        return str(int(raw)) if abs(raw) < 1e15 and raw.is_integer() else repr(raw)
    if isinstance(raw, dt.datetime):
        return raw.date().isoformat() if raw.time() == dt.time() else raw.isoformat(" ", "seconds")
    if isinstance(raw, dt.date):
        return raw.isoformat()
    if isinstance(raw, list):
        return "、".join(raw)
    return str(raw)


def read_cell(raw: Raw, column: Column, *, factor: Decimal = Decimal(1), from_1904: bool = False) -> Cell:
    """One cell of one column. Raises :class:`CellError` for what cannot be right.

    ``factor`` is the factor of the unit that the heading names; ``from_1904`` see
    :func:`~inventories.registers.dates.read_day`.
    """
    word = words.fold(text_of(raw))
    if words.is_blank(word):
        return EMPTY
    if words.is_not_known(word):
        return Cell(note=f"{words.evidence(word)!r} is not an answer: left empty")
    if column.type is Type.BOOLEAN and (truth := words.truth(word)) is not None:
        return Cell(truth)
    if words.is_not_applicable(word):
        return Cell(note=f"{words.evidence(word)!r} gives no value: left empty")
    if column.type is Type.BOOLEAN:
        raise CellError(f"{words.evidence(word)!r} is neither 是 nor 否", "write 是 or 否")
    if words.says_none(word, paper=bool(column.paper)):
        return _none(column)
    try:
        if column.paper:
            _refuse_vague_paper(word, column)
        return _READERS[column.type](raw, word, column, factor, from_1904)
    except Unsure as unsure:
        return Cell(note=unsure.why)


def _none(column: Column) -> Cell:
    """What 无 means: a paper's absence is a fact, a count of none is 0, elsewhere there is nothing to tell."""
    if column.paper:
        return Cell(absent=True)
    if column.type is Type.INTEGER and column.unit in ("", "台", "个"):
        return Cell(0)
    return EMPTY


def _refuse_vague_paper(word: str, column: Column) -> None:
    if words.is_under_way(word):
        raise Unsure(f"{words.evidence(word)!r} is neither a paper nor an answer of 无: left empty")
    if not column.values and words.says_exists(word):
        missing = "date" if column.type is Type.DATE else "number or name"
        raise Unsure(f"{words.evidence(word)!r} gives no {missing}: left empty")


def _day(raw: Raw, word: str, column: Column, factor: Decimal, from_1904: bool) -> Cell:
    return Cell(read_day(raw, from_1904=from_1904))


def _integer(raw: Raw, word: str, column: Column, factor: Decimal, from_1904: bool) -> Cell:
    if column.name == "mlps_level":
        return Cell(_mlps_level(word))
    return Cell(read_integer(raw, column.unit, factor=factor))


def _number(raw: Raw, word: str, column: Column, factor: Decimal, from_1904: bool) -> Cell:
    return Cell(read_number(raw, column.unit, factor=factor, percent=column.name.endswith("_ratio")))


def _mlps_level(word: str) -> int:
    """1 to 5; S3A2 means the higher of its two (GB/T 22240-2020, 6.1)."""
    bare = word.replace(" ", "")
    if sag := _SAG.match(bare):
        return max(int(g) for g in sag.groups() if g)
    found = _LEVEL.match(bare)
    if not found:
        raise CellError(f"{words.evidence(word)!r} is no level of 等级保护", "write a level from 1 to 5, or 无")
    return int(found[1]) if found[1].isdigit() else "一二三四五".index(found[1]) + 1


def _text(raw: Raw, word: str, column: Column, factor: Decimal, from_1904: bool) -> Cell:
    if column.values:
        return Cell(_choice(word, column))
    if isinstance(raw, list):
        raise CellError("is a list", "write one value")
    if isinstance(raw, float) and abs(raw) >= 1e15:
        raise CellError(
            "has been rounded to 15 digits by the spreadsheet", "format the cell as text and type it again"
        )
    form = FORMS.get(column.name)
    if form is not None:
        return Cell(form(word))
    if is_code(column.name):
        return Cell(_bounded(words.code(word), MAX_NAME))
    text = words.visible(text_of(raw))
    if column.name.endswith("name"):
        return Cell(_bounded(text, MAX_NAME))
    if len(text) > MAX_TEXT:
        return Cell(clean(text, MAX_TEXT), note=f"is longer than {MAX_TEXT} characters: cut off")
    return Cell(words.evidence(text, MAX_TEXT))


def _bounded(text: str, limit: int) -> str:
    if len(text) > limit:
        raise CellError(f"is longer than {limit} characters", "shorten it")
    return words.evidence(text, limit * 4)


def _texts(raw: Raw, word: str, column: Column, factor: Decimal, from_1904: bool) -> Cell:
    items = split(raw, column)
    if len(items) > MAX_ITEMS:
        raise CellError(f"lists {len(items)} things, more than {MAX_ITEMS}", "split the row")
    form = FORMS.get(column.name)
    out: dict[str, None] = {}
    for item in items:
        folded = words.fold(item)
        if words.is_blank(folded) or words.is_not_known(folded) or words.says_none(folded, paper=False):
            continue
        if column.values:
            out[_choice(folded, column)] = None
        elif form is not None:
            out[form(item)] = None
        else:
            text = words.code(item) if is_code(column.name) else words.visible(item)
            out[_bounded(text, MAX_TEXT)] = None
    return Cell(tuple(out)) if out else EMPTY


def split(raw: Raw, column: Column) -> list[str]:
    """The members of a list cell: by 、 , ; | and line breaks, and for addresses and codes by spaces too."""
    if isinstance(raw, list):
        return raw
    text = text_of(raw)
    if column.values:
        # A label may hold a separator itself; a slash separates labels, though not addresses.
        return [text] if _known(words.key(text), column) else re.split(r"[、,，;；|/／\s]+|和|及", text)
    spaced = column.name in _SPACED or is_code(column.name)
    return [part for part in (_SOFT if spaced else _HARD).split(text.strip()) if part]


def _known(word: str, column: Column) -> str | None:
    return _choices(column.name, tuple(column.values.items())).get(word)


@lru_cache(maxsize=256)
def _choices(_name: str, values: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, str]:
    return {words.key(label): code for code, labels in values for label in (code, *labels)}


def _choice(word: str, column: Column) -> str:
    found = _known(words.key(word), column)
    if found is not None:
        return found
    labels = [column.label(code) for code in column.values]
    hint = did_you_mean(word, [label for many in column.values.values() for label in many])
    raise CellError(f"{words.evidence(word)!r} is not among the choices", hint or f"choose from {'、'.join(labels)}")


_READERS: Final[Mapping[Type, Callable[[Raw, str, Column, Decimal, bool], Cell]]] = {
    Type.DATE: _day,
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.TEXT: _text,
    Type.TEXTS: _texts,
}
