"""Until when the papers of a system's 等保 and 密评 stand: pure date arithmetic, and the word for each standing.

A filing's end is computed as :mod:`policies.mlps` has it computed for the rules: the latest day that what is shown
allows. How long an assessment stands is what the packs in force set, else the defaults of the national pack.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from policies.lists.model import after_years
from policies.mlps import COUNTED_FROM, FILING_YEARS
from reports.ledger_cells import Mark
from reports.ledger_columns import UNTOLD, Values, as_day

#: Settings of the national pack, with its defaults: months between two assessments, by level.
MONTHS_OF_LEVEL: Mapping[int, tuple[str, int]] = {
    2: ("mlps_level2_months", 24),
    3: ("mlps_level3_months", 12),
    4: ("mlps_level4_months", 12),
    5: ("mlps_level5_months", 12),
}
CRYPTO_MONTHS = ("crypto_months", 12)
CRYPTO_LEAST_LEVEL = ("crypto_least_level", 3)
#: Days before the end from which a ledger warns.
WARNINGS = (30, 60, 90)

VALID, EXPIRED, UNTOLD_WORD, NOT_ASKED = "有效", "已到期", "不明", "不适用"


@dataclass(frozen=True, slots=True)
class Standing:
    """``word`` tells the standing, ``until`` the last day on which it stands, where that can be told."""

    word: str
    until: date | None = None

    def left(self, as_of: date) -> int | None:
        """Days to the end, negative after it."""
        return (self.until - as_of).days if self.until else None

    @property
    def mark(self) -> Mark:
        if self.word == UNTOLD_WORD:
            return UNTOLD
        return Mark(self.word, _tone(self.word))


def _tone(word: str) -> str:
    if word == VALID:
        return "good"
    if word == NOT_ASKED or "不明" in word:
        return "faint"
    return "bad" if word.startswith(("未", EXPIRED)) else "warn"


def words(missing: str) -> tuple[str, ...]:
    """The words of a paper's standing in the order of a ledger's counts; ``missing`` is that of a paper not there."""
    return (VALID, *(_expiring(days) for days in reversed(WARNINGS)), EXPIRED, missing, UNTOLD_WORD)


def _expiring(days: int) -> str:
    return f"{days}日内到期"


def until(day: date | None, as_of: date) -> Standing:
    """The standing of a paper that is there, by its last day; not known where that is not."""
    if day is None:
        return Standing(UNTOLD_WORD)
    left = (day - as_of).days
    if left < 0:
        return Standing(EXPIRED, day)
    return Standing(next((_expiring(days) for days in WARNINGS if left <= days), VALID), day)


def level_of(values: Values) -> int | None:
    level = values.get("mlps_level")
    return level if isinstance(level, int) and not isinstance(level, bool) else None


def filing(values: Values, as_of: date) -> Standing:
    """等保备案. A printed end that has passed does not alone make a filing expired: assessments extend it."""
    if level_of(values) == 1:
        return Standing(NOT_ASKED)
    if values.get("mlps_filing_absent") is True:
        return Standing("未备案")
    printed = as_day(values.get("mlps_valid_to"))
    latest = filing_ends(
        as_day(values.get("mlps_filed_on")),
        printed,
        as_day(values.get("mlps_assessed_on")),
        never=values.get("mlps_assessment_absent") is True,
    )
    if latest is not None and latest < as_of:
        return Standing(EXPIRED, latest)
    if printed is not None and printed < as_of:
        return Standing("登记有效期已过", printed)
    found = until(printed or latest, as_of)
    has_number = found.word == UNTOLD_WORD and (values.get("mlps_filing_no") or values.get("mlps_filed_on"))
    return Standing("已备案，有效期不明") if has_number else found


def filing_ends(filed: date | None, printed: date | None, assessed: date | None, *, never: bool) -> date | None:
    """The latest day on which a filing can run out; see :func:`policies.mlps.expires_sql`, which this equals."""
    start = filed or (after_years(printed, -FILING_YEARS) + timedelta(days=1) if printed else None)
    if start is None:
        return None
    start = max(start, COUNTED_FROM)
    if assessed is not None and assessed >= start:
        years = _whole_years(start, assessed) + 1
    elif assessed is not None or never:
        years = 0
    else:
        return None
    computed = after_years(start, FILING_YEARS + years) - timedelta(days=1)
    return max(computed, printed) if printed else computed


def _whole_years(start: date, end: date) -> int:
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


def assessment(values: Values, as_of: date, settings: Mapping[str, int]) -> Standing:
    """等保测评, by the level's interval; the first level needs none."""
    level = level_of(values)
    if level == 1:
        return Standing(NOT_ASKED)
    if values.get("mlps_assessment_absent") is True:
        return Standing("未测评")
    assessed = as_day(values.get("mlps_assessed_on"))
    interval = MONTHS_OF_LEVEL.get(level) if level is not None else None
    if assessed is None or interval is None:
        return Standing("已测评，级别不明" if assessed else UNTOLD_WORD)
    return until(after_months(assessed, _setting(settings, interval)), as_of)


def cryptography(values: Values, as_of: date, settings: Mapping[str, int]) -> Standing:
    """密评, where the register says that it is required, or the level does."""
    level, required = level_of(values), values.get("crypto_required")
    if required is None and level is not None:
        required = level >= _setting(settings, CRYPTO_LEAST_LEVEL)
    if required is False:
        return Standing(NOT_ASKED)
    if values.get("crypto_assessment_absent") is True:
        return Standing("未密评")
    assessed = as_day(values.get("crypto_assessed_on"))
    return until(after_months(assessed, _setting(settings, CRYPTO_MONTHS)) if assessed else None, as_of)


def _setting(settings: Mapping[str, int], named: tuple[str, int]) -> int:
    name, default = named
    return settings.get(name, default)


def after_months(day: date, months: int) -> date:
    """The same day of a later month; the 31st becomes the last there is."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
