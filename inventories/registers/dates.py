"""Dates as people in Chinese offices write them, and as spreadsheets store them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from inventories.registers.errors import CellError, Unsure
from inventories.registers.words import evidence, fold

FIRST: Final = dt.date(1949, 10, 1)
LAST: Final = dt.date(2099, 12, 31)
MEND: Final = "write the day as 2024-02-05 or 2024年2月5日"

# Day 0 of the spreadsheets' 1900 system, for every day after 1900-02-28.
_EPOCH: Final = dt.date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = (FIRST - _EPOCH).days, (LAST - _EPOCH).days

_DIGITS = {**{c: str(i) for i, c in enumerate("〇一二三四五六七八九")}, "零": "0", "○": "0", "O": "0", "o": "0"}
_CLOCK = r"(?:[ T]*\d{1,2}(?::\d{1,2}){1,2}(?:\.\d+)?Z?)?"
_WEEKDAY = r"(?:\s*\(?(?:星期|周)[一二三四五六日天]\)?)?"
_DAY = re.compile(
    rf"^(\d{{4}})\s*(?:年\s*(\d{{1,2}})\s*月\s*(\d{{1,2}})\s*[日号]?|([-./、])\s*(\d{{1,2}})\s*\4\s*(\d{{1,2}})\s*[日.]?)"
    rf"{_WEEKDAY}{_CLOCK}$"
)
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:\.0+)?$")
_COARSE = re.compile(
    r"^(?:约|大约|大概)?\s*(\d{4})(?:\s*年|\s*[-./]\s*(?=\d)|\s*$|(?=\d{2}$))"
    r"(?:\s*\d{1,2}\s*月?|\s*(?:第?[一二三四1-4]\s*季度|[上下]半年|年?[初中底末]))?"
    r"\s*(?:份|[上中下]旬|[初中底末])?\s*(?:左右|前后|以前|之前|以后|之后|前|后|年|起)?$"
)
_SERIAL = re.compile(r"^\d{5}(?:\.\d+)?$")
_SHORT_YEAR = re.compile(r"^\d{2}\s*[-./年]\s*\d{1,2}\s*[-./月]\s*\d{1,2}\s*日?$")
_CHINESE = re.compile(r"^[〇零○Oo一二三四五六七八九十年月日号\s]+$")


def read_day(raw: object, *, from_1904: bool = False) -> dt.date:
    """The calendar day that a cell means.

    Takes text, a number (a spreadsheet's serial number, ``20240205``), a date or a datetime, whose time is
    dropped. Raises :class:`Unsure` for a month or a year alone, :class:`CellError` for anything else that
    is no day between 1949-10-01 and 2099-12-31. ``from_1904``: the book counts its days from 1904, so bare
    numbers cannot be told.
    """
    if isinstance(raw, dt.datetime):
        return _plausible(raw.date())
    if isinstance(raw, dt.date):
        return _plausible(raw)
    if isinstance(raw, bool):
        raise CellError("is a truth value, not a date", MEND)
    if isinstance(raw, (int, float)):
        return _number(raw, from_1904)
    if isinstance(raw, str):
        return _text(raw, from_1904)
    raise CellError("is no date", MEND)


def _text(raw: str, from_1904: bool) -> dt.date:
    text = fold(raw).replace("。", ".").replace("—", "-").replace("–", "-")
    if len(text) > 60:
        raise CellError("is no date", MEND)
    if _CHINESE.match(text) and "年" in text:
        text = _arabic(text)
    found = _DAY.match(text)
    if found:
        year, month, day = (int(g) for g in (found[1], found[2] or found[5], found[3] or found[6]))
        return _calendar(year, month, day, text)
    found = _COMPACT.match(text)
    if found:
        return _calendar(int(found[1]), int(found[2]), int(found[3]), text)
    if _SERIAL.match(text):
        return _number(float(text), from_1904)
    found = _COARSE.match(text)
    if found and FIRST.year <= int(found[1]) <= LAST.year:
        raise Unsure(f"{evidence(text)!r} names no day, and a day may decide: left empty; {MEND}")
    if _SHORT_YEAR.match(text):
        raise CellError(f"{evidence(text)!r} has a year of two digits", MEND)
    raise CellError(f"{evidence(text)!r} is no date", MEND)


def _number(value: float, from_1904: bool) -> dt.date:
    if not abs(value) < 1e9:
        raise CellError("is no date", MEND)
    whole = int(value)
    if 19491001 <= value <= 20991231 and value == whole:
        return _calendar(whole // 10000, whole // 100 % 100, whole % 100, str(whole))
    year, month = divmod(int(value), 100)
    if FIRST.year <= value < LAST.year + 1 or (FIRST.year <= year <= LAST.year and 1 <= month <= 12):
        raise Unsure(f"{value:g} names no day, and a day may decide: left empty; {MEND}")
    if not _FIRST_SERIAL <= value < _LAST_SERIAL + 1:
        raise CellError(f"{value:g} is no date", MEND)
    if from_1904:
        raise CellError(f"{value:g} is a bare number in a book that counts days from 1904", MEND)
    return _EPOCH + dt.timedelta(days=int(value))


def _calendar(year: int, month: int, day: int, text: str) -> dt.date:
    try:
        return _plausible(dt.date(year, month, day))
    except ValueError as error:
        if isinstance(error, (CellError, Unsure)):
            raise
        raise CellError(f"{evidence(text)!r} is no day of the calendar", MEND) from None


def _plausible(day: dt.date) -> dt.date:
    # A bare year typed into a cell formatted as a date is stored as that many days after 1900: 2024 → 1905-07-16.
    year_typed = (day - _EPOCH).days
    if FIRST.year <= year_typed <= LAST.year:
        raise Unsure(f"{day} is what a spreadsheet makes of the year {year_typed} alone: left empty; {MEND}")
    if not FIRST <= day <= LAST:
        raise CellError(f"{day} lies outside {FIRST.year}–{LAST.year}", "check the year")
    return day


def _arabic(text: str) -> str:
    """二〇二四年十二月三十一日 → 2024年12月31日."""
    out = []
    for part in re.findall(r"[^年月日号]+|[年月日号]", text.replace(" ", "")):
        if part in "年月日号":
            out.append(part)
        elif "十" in part:
            tens, _, ones = part.partition("十")
            out.append((_DIGITS.get(tens, "x") if tens else "1") + (_DIGITS.get(ones, "x") if ones else "0"))
        else:
            out.append("".join(_DIGITS.get(c, "x") for c in part))
    return "".join(out)
