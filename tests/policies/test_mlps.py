"""等保 columns computed at evaluation: the report's form and conclusion, the filing's number and its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
import pytest

from inventories.kinds import DUCKDB_TYPES, KINDS
from policies import mlps
from policies.expressions import constant
from policies.subjects import codes, derived


def computed(name: str, facts: Mapping[str, object]) -> object:
    """The derived column of a system of these facts, by the SQL that judges."""
    columns = {column.name: column for column in KINDS["system"].all_columns}
    found = derived("system", name)
    assert found is not None

    def column(stored: str) -> str:
        return f"CAST({constant(facts.get(stored), columns[stored].type)} AS {DUCKDB_TYPES[columns[stored].type]})"

    ((value,),) = duckdb.sql(f"SELECT {found.sql(column, ())}").fetchall()
    return value


@pytest.mark.parametrize(
    ("filed", "assessed", "absent", "expected"),
    [
        # Filed before 2025: counts from 2025-01-01, whatever came before.
        ("2019-05-06", None, True, "2027-12-31"),
        ("2024-12-31", "2024-06-01", None, "2027-12-31"),
        ("2025-01-01", None, True, "2027-12-31"),
        ("2025-01-02", None, True, "2028-01-01"),
        ("2025-06-10", None, True, "2028-06-09"),
        # One more year for each assessment that may have been.
        ("2019-05-06", "2025-01-01", None, "2028-12-31"),
        ("2019-05-06", "2025-12-31", None, "2028-12-31"),
        ("2019-05-06", "2026-01-01", None, "2029-12-31"),
        ("2025-06-10", "2025-06-09", None, "2028-06-09"),
        ("2025-06-10", "2025-06-10", None, "2029-06-09"),
        # Nobody has shown whether it was assessed, or when it was filed.
        ("2019-05-06", None, None, None),
        ("2019-05-06", None, False, None),
        (None, "2026-01-01", None, None),
        (None, None, True, None),
        ("2028-02-29", None, True, "2031-02-27"),
    ],
)
def test_how_long_a_filing_stands(
    filed: str | None, assessed: str | None, absent: bool | None, expected: str | None
) -> None:
    facts = {
        "mlps_filed_on": filed and date.fromisoformat(filed),
        "mlps_assessed_on": assessed and date.fromisoformat(assessed),
        "mlps_assessment_absent": absent,
    }
    assert computed("mlps_filing_expires_on", facts) == (expected and date.fromisoformat(expected))


def test_a_later_day_on_the_certificate_wins() -> None:
    facts = {
        "mlps_filed_on": date(2025, 6, 10),
        "mlps_assessment_absent": True,
        "mlps_valid_to": date(2030, 1, 1),
    }
    assert computed("mlps_filing_expires_on", facts) == date(2030, 1, 1)
    assert computed("mlps_filing_expires_on", {**facts, "mlps_valid_to": date(2026, 1, 1)}) == date(2028, 6, 9)
    alone = {"mlps_assessed_on": date(2026, 1, 1), "mlps_valid_to": date(2028, 6, 9)}
    assert computed("mlps_filing_expires_on", alone) == date(2029, 6, 9)


@pytest.mark.parametrize(
    ("template", "assessed", "form"),
    [
        ("2025", "2025-03-19", "2025"),
        (None, "2025-03-20", "2025"),
        (None, "2025-03-19", None),
        ("2021", "2025-03-19", "2021"),
        ("2021", "2025-03-20", None),
        ("2019", None, "2019"),
        (None, None, None),
    ],
)
def test_the_form_of_a_report(template: str | None, assessed: str | None, form: str | None) -> None:
    facts = {"mlps_template": template, "mlps_assessed_on": assessed and date.fromisoformat(assessed)}
    assert computed("mlps_form", facts) == form


@pytest.mark.parametrize(
    ("conclusion", "template", "assessed", "failed"),
    [
        ("non_compliant", "2025", "2026-01-01", True),
        ("non_compliant", None, None, True),
        ("mostly_compliant", "2025", "2026-01-01", False),
        ("compliant", None, "2026-01-01", False),
        ("poor", "2021", "2024-01-01", True),
        ("poor", None, "2024-01-01", True),
        ("fair", "2019", "2020-01-01", False),
        # A conclusion that its form does not have is somebody's slip.
        ("poor", None, "2025-03-20", None),
        ("excellent", "2025", "2026-01-01", None),
        ("non_compliant", "2021", "2024-01-01", None),
        (None, "2025", "2026-01-01", None),
    ],
)
def test_a_conclusion_in_the_words_of_its_form(
    conclusion: str | None, template: str | None, assessed: str | None, failed: bool | None
) -> None:
    facts = {
        "mlps_conclusion": conclusion,
        "mlps_template": template,
        "mlps_assessed_on": assessed and date.fromisoformat(assessed),
    }
    assert computed("mlps_failed", facts) is failed


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("14080043001-00012", True),
        ("1408004300100012", True),
        ("１４０８００４３００１－０００１２", True),
        (" 14080043001-00012 ", True),
        ("14080043001-0001", False),
        ("晋公网安备14080043001号", False),
        ("", False),
        (None, None),
    ],
)
def test_the_form_of_a_filing_number(number: str | None, fits: bool | None) -> None:
    assert computed("mlps_filing_no_fits", {"mlps_filing_no": number}) is fits


def test_the_forms_are_those_of_the_registers() -> None:
    assert tuple(mlps.FORMS) == codes("system", "mlps_template") == codes("system", "mlps_form")
    concluded = {code for form in mlps.FORMS.values() for code in form.conclusions}
    assert concluded == set(codes("system", "mlps_conclusion"))
    assert all(form.failing in form.conclusions for form in mlps.FORMS.values())
