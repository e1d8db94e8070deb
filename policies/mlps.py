"""等级保护 as data: the forms of assessment reports, the filing's number, and how long a filing stands.

Source: 公网安〔2025〕1846号, questions 6, 20 and 21 (a transcription was read, not the letter). It is addressed to
central ministries, and a local police office may differ: what is computed here is therefore the latest day, never too
early a one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

#: A filing made before counts from this day (question 6).
COUNTED_FROM = date(2025, 1, 1)
FILING_YEARS = 3
#: The extension is asked for within so many months before the filing runs out (question 6).
EXTENSION_MONTHS = 3
#: Eleven digits (the accepting office and the unit), and five of the system; the dash is how it is printed.
FILING_NO = r"[0-9０-９]{11}\s*[-－—–‐]?\s*[0-9０-９]{5}"

Column = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the assessment report. ``failing`` is the conclusion that says so; ``since`` by the cover's date."""

    id: str
    title: str
    conclusions: tuple[str, ...]
    failing: str
    source: str
    since: date | None = None


_GRADES = ("excellent", "good", "fair", "poor")
FORMS: Mapping[str, Form] = {
    form.id: form
    for form in (
        Form("2019", "2019版", _GRADES, "poor", "优、良、中、差与得分"),
        Form("2021", "2021版", _GRADES, "poor", "优、良、中、差与得分"),
        Form(
            "2025",
            "2025版",
            ("compliant", "mostly_compliant", "non_compliant"),
            "non_compliant",
            "公网安〔2025〕1846号第20、21问：符合、基本符合、不符合与符合率；以报告封面日期为准",
            date(2025, 3, 20),
        ),
    )
}
NEWEST = FORMS["2025"]


def form_sql(column: Column) -> str:
    """The form of the last report; NULL where nothing tells, or where the register contradicts the calendar."""
    template, day = column("mlps_template"), column("mlps_assessed_on")
    later = f"({day} >= DATE '{NEWEST.since}')"
    old = ", ".join(f"'{form.id}'" for form in FORMS.values() if form is not NEWEST)
    return (
        f"(CASE WHEN {template} IN ({old}) AND {later} THEN NULL "
        f"WHEN {template} IS NOT NULL THEN {template} WHEN {later} THEN '{NEWEST.id}' END)"
    )


def failed_sql(column: Column) -> str:
    """Whether the last report concludes that the system fails, in the words of its own form.

    NULL without a conclusion, and where the conclusion is none of the form's: 优 on a report of 2026 is a slip of
    somebody's pen, and nobody knows which part of it.
    """
    conclusion, template = column("mlps_conclusion"), column("mlps_template")
    day = column("mlps_assessed_on")
    new = ", ".join(f"'{code}'" for code in NEWEST.conclusions)
    old_ids = ", ".join(f"'{form.id}'" for form in FORMS.values() if form is not NEWEST)
    grades = ", ".join(f"'{code}'" for code in _GRADES)
    return (
        f"(CASE WHEN {conclusion} IN ({new}) AND {template} IN ({old_ids}) THEN NULL "
        f"WHEN {conclusion} IN ({grades}) AND "
        f"({template} = '{NEWEST.id}' OR {day} >= DATE '{NEWEST.since}') THEN NULL "
        f"WHEN {conclusion} IN ('{NEWEST.failing}', 'poor') THEN TRUE WHEN {conclusion} IS NOT NULL THEN FALSE END)"
    )


def filing_no_sql(column: Column) -> str:
    """Whether the filing's number has the form of one."""
    return f"regexp_full_match(trim({column('mlps_filing_no')}), '{FILING_NO}')"


def expires_sql(column: Column) -> str:
    """The latest day on which the filing can run out, by what is shown.

    Three years from the filing (from 2025-01-01 where it is older), and one more by each assessment since. Registers
    give the last assessment only: one for each year begun by then is granted. NULL where nobody has shown the
    filing's date, or whether the system was assessed.
    """
    filed, printed = column("mlps_filed_on"), column("mlps_valid_to")
    assessed, never = column("mlps_assessed_on"), column("mlps_assessment_absent")
    counted = f"DATE '{COUNTED_FROM}'"
    by_print = f"CAST({printed} - to_years({FILING_YEARS}) + to_days(1) AS DATE)"
    # greatest() passes over NULLs; a filing of which no date is shown has no start.
    shown = f"coalesce({filed}, {by_print})"
    start = f"(CASE WHEN {shown} IS NOT NULL THEN greatest({shown}, {counted}) END)"
    years = (
        f"(CASE WHEN {assessed} >= {start} THEN date_sub('year', {start}, {assessed}) + 1 "
        f"WHEN {assessed} < {start} OR {never} THEN 0 END)"
    )
    computed = f"CAST({start} + to_years(CAST({FILING_YEARS} + {years} AS INTEGER)) - to_days(1) AS DATE)"
    return f"(CASE WHEN {years} IS NOT NULL THEN greatest({computed}, coalesce({printed}, {computed})) END)"
