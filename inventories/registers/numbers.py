"""Numbers with units, thousands separators and the myriads of Chinese counting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from inventories.registers.errors import CellError, Unsure
from inventories.registers.words import evidence, fold

#: Column unit → the words that people write for it → factor into the column's unit. Words are folded
#: (㎡ becomes m2) and lower case.
UNITS: Final[Mapping[str, Mapping[str, Decimal]]] = {
    unit: {word: Decimal(factor) for factor, words in table.items() for word in words.split()}
    for unit, table in {
        "元": {"1": "元 圆 块 rmb cny 人民币 元整", "1000": "千元", "10000": "万元 万 w", "100000000": "亿元 亿"},
        "㎡": {"1": "m2 m^2 平方米 平米 平方 平 sqm"},
        "MB": {"1": "mb m mib 兆", "1024": "gb g gib", "1048576": "tb t tib"},
        "Mbit/s": {
            "0.001": "k kbps kb/s kbit/s",
            "1": "m mbps mb mb/s mbit/s 兆 兆bps bm",
            "1000": "g gbps gb gb/s gbit/s",
        },
        "kW": {"1": "kw 千瓦", "0.001": "w 瓦"},
        "台": {"1": "台 套 个 部 组 架"},
        "个": {"1": "个 台 架 面 组 套 列"},
        "月": {"1": "月 个月", "12": "年"},
        "级": {"1": "级"},
        "": {"1": "分 个 台 项 条 处 次 户 %"},
    }.items()
}

#: Units that measure something else than the column does, though people write them there.
_OTHER = {"kW": frozenset({"kva", "va"}), "Mbit/s": frozenset({"条"})}
_MYRIADS = {"百": Decimal(100), "千": Decimal(1000), "万": Decimal(10000), "亿": Decimal(100000000)}
_NUMBER = re.compile(r"^([-+]?)(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?\s*(.*)$", re.DOTALL)
_RANGE = re.compile(r"^\d[\d.,]*\s*\S{0,4}\s*(?:-|~|—|–|至|到)\s*\d")
_VAGUE = re.compile(r"^(?:约|大约|大概|近|不足|超过|至少|[<>≥≤~≈])|(?:左右|上下|余|多|以上|以下)\S{0,4}$|\d\+$")
_CHINESE = re.compile(r"^第?([一二两三四五六七八九]?十?[一二三四五六七八九]?)(级|个|台|套|架)?$")
_ONES = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"两": 2}
# An integer that a spreadsheet keeps exactly.
_LARGEST: Final = 2**53


def read_number(raw: object, unit: str = "", *, factor: Decimal = Decimal(1), percent: bool = False) -> float:
    """A cell's number in the column's ``unit``.

    ``factor`` is what the heading's own unit asks for (万元 → 10000) where the cell itself names none;
    ``percent`` makes ``85%`` 0.85. Raises :class:`Unsure` for ranges and estimates, :class:`CellError` else.
    """
    if isinstance(raw, bool):
        raise CellError("is a truth value, not a number")
    if isinstance(raw, (int, float)):
        if not abs(raw) <= 1e15:
            raise CellError("is not a number that can be kept exactly")
        value = Decimal(repr(raw)) * factor
    elif isinstance(raw, str):
        value = _text(raw, unit, factor, percent)
    else:
        raise CellError("is no number", f"write a figure{_in(unit)}")
    if value < 0:
        raise CellError(f"{value} is below zero")
    if percent and value > 2:
        raise CellError(f"{value} is no share of a whole", "write 85% or 0.85")
    if value > _LARGEST:
        raise CellError("is too large to be true")
    # Six places are a square centimetre and a ten-thousandth of a cent: what lies below is a spreadsheet's noise.
    return round(float(value), 6)


def read_integer(raw: object, unit: str = "", *, factor: Decimal = Decimal(1)) -> int:
    """A whole number; see :func:`read_number`."""
    value = read_number(raw, unit, factor=factor)
    if value != int(value):
        raise CellError(f"{value} is not a whole number")
    return int(value)


def unit_factor(unit: str, word: str) -> Decimal | None:
    """The factor from a unit that a heading names in brackets into the column's; None where unknown."""
    return UNITS.get(unit, {}).get(fold(word).replace(" ", "").casefold())


def _text(raw: str, unit: str, factor: Decimal, percent: bool) -> Decimal:
    text = fold(raw)
    if len(text) > 60:
        raise CellError("is no number", f"write a figure{_in(unit)}")
    text = re.sub(r"^(?:人民币|rmb|¥|￥)\s*", "", text, flags=re.IGNORECASE)
    if _RANGE.match(text) or _VAGUE.search(text):
        raise Unsure(f"{evidence(text)!r} is a range or an estimate: left empty; write one figure{_in(unit)}")
    small = _CHINESE.match(text)
    if small and small[1]:
        return Decimal(_small(small[1]))
    if unit == "Mbit/s" and text.startswith(("百兆", "千兆", "万兆")):
        return {"百": Decimal(100), "千": Decimal(1000), "万": Decimal(10000)}[text[0]]
    found = _NUMBER.match(text)
    if not found:
        raise CellError(f"{evidence(text)!r} is no number", f"write a figure{_in(unit)}")
    try:
        value = Decimal(found[1] + found[2].replace(",", "") + (found[3] or ""))
    except InvalidOperation:
        raise CellError(f"{evidence(text)!r} is no number", f"write a figure{_in(unit)}") from None
    rest = found[4].strip().replace(" ", "").casefold()
    return value * (_scale(rest, unit, percent, text) if rest else factor)


def _scale(rest: str, unit: str, percent: bool, text: str) -> Decimal:
    if rest == "%" and percent:
        return Decimal("0.01")
    known = UNITS.get(unit, {})
    if rest in known:
        return known[rest]
    myriad = _MYRIADS.get(rest[0])
    if myriad is not None and (rest[1:] == "" or rest[1:] in known):
        return myriad * known.get(rest[1:], Decimal(1))
    if rest in _OTHER.get(unit, ()):
        raise Unsure(f"{evidence(text)!r} is not given{_in(unit)}: left empty")
    raise CellError(f"{evidence(text)!r} has a unit that does not belong here", f"write a figure{_in(unit)}")


def _small(text: str) -> int:
    if "十" not in text:
        return int("".join(str(_ONES[c]) for c in text)) if len(text) == 1 else 0
    tens, _, ones = text.partition("十")
    return _ONES.get(tens, 1) * 10 + _ONES.get(ones, 0)


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""
