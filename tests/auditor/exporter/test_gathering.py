"""What is served is what the ledger says, number for number; what cannot be told is said, and costs nothing else."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.cases.model import State
from auditor.exporter.gathering import Gatherer
from auditor.ledger.errors import LedgerError
from auditor.ledger.store import Ledger
from auditor.overview import newest_overview
from auditor.site import Site
from auditor.trends import note_audit
from reports.metrics import Format, render_metrics
from reports.metrics_names import METRICS, Part, of_part
from tests.auditor.exporter.conftest import SERVED
from tests.auditor.exporter.reading import Read, rows, text_of
from tests.auditor.ledgers import past
from tests.auditor.office import Office

#: What only the server adds.
BESIDE = [
    *of_part(Part.TRAIL),
    *of_part(Part.STORE),
    *of_part(Part.SCHEDULE),
    *of_part(Part.LOOKS),
    METRICS["auditor_build_info"],
]


def families(text: str) -> dict[str, list[str]]:
    """Each metric's lines, by its name."""
    out: dict[str, list[str]] = {}
    for line in text.removesuffix("# EOF\n").splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
        out.setdefault(name, []).append(line)
    return out


def test_the_same_text_as_the_audits_own_view(gatherer: Gatherer, worked: Office, site: Site) -> None:
    with Ledger.open(worked.ledger) as ledger:
        view = newest_overview(site, ledger, worked.now)
    for form in Format:
        own = families(text_of(gatherer.gather(worked.now), form))
        whole = families(render_metrics(view, today=site.today(worked.now), form=form))
        assert whole.keys() - own.keys() == {"auditor_build_info", "auditor_scrape_part_success"}
        assert {name: whole[name] for name in own} == own


def test_findings_and_cases_are_the_ledgers_number_for_number(gatherer: Gatherer, worked: Office) -> None:
    read = Read(text_of(gatherer.gather(worked.now)))
    found = rows(
        worked.ledger,
        "SELECT rule, department_id, severity, CASE WHEN state <> 'open' THEN state WHEN stale THEN 'stale' "
        "WHEN reopenings > 0 THEN 'reopened' ELSE 'open' END, count(*) FROM findings GROUP BY 1, 2, 3, 4",
    )
    shown = read.by("auditor_findings", "pack", "rule", "department", "severity", "state")
    assert {(f"{pack}/{rule}", *rest): n for (pack, rule, *rest), n in shown.items()} == found
    assert {state for *_, state in shown} == {"open", "dismissed"}
    cases = rows(worked.ledger, "SELECT department_id, state, count(*) FROM cases GROUP BY 1, 2")
    assert read.by("auditor_cases", "department", "state") == cases
    assert {state for _, state in cases} == {"draft", "reviewed", "served", "closed"}
    assert len(read.samples["auditor_cases"]) == len(State) * 4


def test_days_of_cases_are_the_ledgers(gatherer: Gatherer, worked: Office) -> None:
    read = Read(text_of(gatherer.gather(worked.now)))
    late = rows(
        worked.ledger,
        "SELECT department_id, count(*) FROM cases "
        f"WHERE state IN ('issued', 'served') AND due < '{worked.now.date()}' GROUP BY 1",
    )
    assert read.by("auditor_cases_overdue", "department") == late and sum(late.values()) == 1
    days = rows(
        worked.ledger, "SELECT closed_at, issued_on, count(*) FROM cases WHERE state = 'closed' GROUP BY 1, 2"
    )
    ((closed, issued),) = days
    took = (date.fromisoformat(str(closed)[:10]) - date.fromisoformat(str(issued))).days
    assert took == 22
    assert read.one("auditor_case_closing_days_sum") == took
    assert read.by("auditor_case_closing_days_bucket", "le") == {
        "30.0": 1,
        "60.0": 1,
        "90.0": 1,
        "180.0": 1,
        "365.0": 1,
        "+Inf": 1,
    }
    # The day before nobody was late: the calendar decides, not the scan.
    before = Read(text_of(gatherer.gather(worked.now - timedelta(days=(worked.now.date() - SERVED).days))))
    assert before.by("auditor_cases_overdue", "department") == {}


def test_systems_and_things_are_the_registers(gatherer: Gatherer, worked: Office) -> None:
    read = Read(text_of(gatherer.gather(worked.now)))
    assert read.by("auditor_systems", "department", "hosting", "status") == {
        ("mzj", "own_room", "running"): 1,
        ("whj", "own_room", "running"): 1,
        ("wlj", "not_known", "running"): 1,
        ("jtj", "not_known", "running"): 1,
    }
    assert read.by("auditor_systems_in_scope", "department") == {"mzj": 1, "whj": 1, "wlj": 1, "jtj": 1}
    assert read.by("auditor_systems_excluded", "department", "reason") == {
        ("wlj", "status_unknown"): 1,
        ("jtj", "planned"): 1,
    }
    assert read.by("auditor_migration_planned_systems", "department", "by") == {
        ("mzj", "2027-Q1"): 1,
        ("whj", "2027-Q2"): 1,
    }
    assert read.by("auditor_assessments", "department", "kind", "status") == {
        ("mzj", "mlps", "expiring_30d"): 1,
        ("mzj", "crypto", "not_known"): 1,
        ("whj", "mlps", "missing"): 1,
        ("wlj", "mlps", "expired"): 1,
        ("wlj", "mlps", "not_known"): 1,
        ("wlj", "crypto", "not_known"): 2,
        ("jtj", "mlps", "not_known"): 1,
        ("jtj", "crypto", "not_known"): 1,
    }
    assert read.by("auditor_rooms", "department", "origin") == {("mzj", "declared"): 1, ("jtj", "declared"): 1}
    assert read.by("auditor_networks", "kind", "origin") == {("dedicated", "declared"): 1}
    assert read.by("auditor_components", "category", "list_status") == {
        ("cpu", "listed"): 1,
        ("middleware", "no_table"): 1,
        ("database", "untold"): 1,
    }
    assert sum(read.by("auditor_assets", "kind").values()) == len(worked.json("assets"))


def test_rules_are_the_judgements(gatherer: Gatherer, worked: Office) -> None:
    read = Read(text_of(gatherer.gather(worked.now)))
    (snapshot,) = (worked.root / "state" / "snapshots").iterdir()
    judged: Counter[Any] = Counter()
    for rule, department, verdict, number in json.loads((snapshot / "judgement.json").read_bytes())["counts"]:
        if verdict != "not_applicable":
            judged[rule, department, verdict] += number
    shown = read.by("auditor_rule_subjects", "pack", "rule", "department", "verdict")
    assert {(f"{pack}/{rule}", *rest): n for (pack, rule, *rest), n in shown.items()} == +judged
    assert len(read.samples["auditor_rule_info"]) == 12
    assert read.by("auditor_pack_info", "pack", "number") == {("yuncheng-2021", "运政办发〔2021〕7号"): 1}


def test_stages_of_the_audit_are_told_once_they_are_noted(gatherer: Gatherer, worked: Office, site: Site) -> None:
    noted = Read(text_of(gatherer.gather(worked.now))).by("auditor_audit_duration_seconds", "stage")
    assert noted.keys() == {"collect", "reconcile", "evaluate", "record", "render"}
    with Ledger.open(worked.ledger) as ledger:
        view = newest_overview(site, ledger, worked.now)
        note_audit(site, ledger, view, {"collect": 1.5, "render": 2.0}, now=worked.now)
    read = Read(text_of(gatherer.gather(worked.now)))
    assert read.by("auditor_audit_duration_seconds", "stage") == {"collect": 1.5, "render": 2.0}


# --- what cannot be told ------------------------------------------------------------------------------------


def told(gatherer: Gatherer, worked: Office) -> tuple[set[str], dict[str, str]]:
    """The parts that are told, and the reasons of the others."""
    gathered = gatherer.gather(worked.now)
    text_of(gathered)
    assert not gathered.figures.keys() & gathered.troubles.keys()
    return {part.value for part in gathered.figures}, {part.value: why for part, why in gathered.troubles.items()}


WHOLE = {"inventory", "migration", "rules", "findings", "probes", "cases"}


def test_all_parts_are_told(gatherer: Gatherer, worked: Office) -> None:
    assert told(gatherer, worked) == (WHOLE, {})


@pytest.mark.parametrize("damage", ["gone", "judgement.json", "context.json", "collection.json", "system.parquet"])
def test_a_snapshot_that_cannot_be_read_leaves_what_the_ledger_has(
    gatherer: Gatherer, worked: Office, damage: str
) -> None:
    (snapshot,) = (worked.root / "state" / "snapshots").iterdir()
    if damage == "gone":
        shutil.rmtree(snapshot)
    else:
        (snapshot / damage).write_bytes(b"\x00 no such thing")
    parts, why = told(gatherer, worked)
    assert parts == {"findings", "cases"}
    assert why.keys() == {"inventory", "migration", "rules", "probes"} and all(why.values())
    read = Read(text_of(gatherer.gather(worked.now)))
    # Departments are still called by their codes.
    assert set(read.by("auditor_cases", "department")) == {"mzj", "whj", "wlj", "jtj"}


def test_a_ledger_that_is_busy_leaves_what_the_snapshot_told(
    gatherer: Gatherer, worked: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Read(text_of(gatherer.gather(worked.now)))

    def busy(*_: object, **__: object) -> None:
        raise LedgerError("ledger.sqlite", "another program keeps it locked", "try again")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "open", busy)
        gatherer.close()
        parts, why = told(gatherer, worked)
        assert parts == {"inventory", "rules"}
        assert "keeps it locked" in why["cases"]
        after = Read(text_of(gatherer.gather(worked.now)))
        assert after.samples["auditor_assets"] == before.samples["auditor_assets"]
        # One that starts now knows nothing, and says so.
        assert told(Gatherer(gatherer.site), worked)[0] == set()
    assert told(gatherer, worked) == (WHOLE, {})


@pytest.mark.parametrize(
    ("table", "change", "part"),
    [
        ("cases", "state = 'eaten'", "cases"),
        ("findings", "state = 'eaten'", "findings"),
        ("cases", "reply = '\"x\"'", "cases"),
    ],
)
def test_rows_that_somebody_changed_by_hand_are_that_parts_trouble(
    gatherer: Gatherer, worked: Office, table: str, change: str, part: str
) -> None:
    with past(worked.ledger) as database:
        database.rows(f"UPDATE {table} SET {change}")
    parts, why = told(gatherer, worked)
    assert parts == WHOLE - {part}
    assert why.keys() == {part}


def test_before_a_first_audit_nothing_is_nought(office: Office) -> None:
    from auditor.site import load_site

    gatherer = Gatherer(load_site(office.root))
    assert told(gatherer, office)[0] == set()
    Ledger.open(office.ledger).close()
    parts, why = told(gatherer, office)
    assert parts == {"cases"} and why["findings"] == "no audit was recorded yet"
    gatherer.close()


def test_a_scan_in_progress_is_not_shown(gatherer: Gatherer, worked: Office) -> None:
    from auditor.ledger.records import Opening

    before = text_of(gatherer.gather(worked.now))
    mark = gatherer.mark(worked.now)
    with Ledger.open(worked.ledger) as ledger:
        run = ledger.begin_audit(Opening(), at=worked.now)
        assert gatherer.mark(worked.now) == mark
        assert text_of(gatherer.gather(worked.now)) == before
        ledger.finish_audit(run, at=worked.now, exit_status=3)
    assert gatherer.mark(worked.now) == mark


@pytest.mark.sqlite_file
def test_a_ledger_put_in_anothers_place_is_read(gatherer: Gatherer, worked: Office, tmp_path: Path) -> None:
    assert len(Read(text_of(gatherer.gather(worked.now))).by("auditor_cases", "state")) == 4
    Ledger.open(tmp_path / "fresh.sqlite").close()
    file = worked.root / "state" / "ledger.sqlite"
    (tmp_path / "fresh.sqlite").replace(file)
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    assert told(gatherer, worked)[0] == {"cases"}


def test_figures_are_made_anew_only_where_something_may_have_changed(gatherer: Gatherer, worked: Office) -> None:
    first, again = gatherer.gather(worked.now), gatherer.gather(worked.now)
    for part in (Part.INVENTORY, Part.RULES):
        assert first.figures[part] is again.figures[part]
    next_day = gatherer.gather(worked.now + timedelta(days=1))
    assert next_day.figures[Part.INVENTORY] is not first.figures[Part.INVENTORY]
