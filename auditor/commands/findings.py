"""``findings``, ``explain``, ``finding dismiss`` and ``restore``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from auditor import clock
from auditor.errors import Exit, Refused
from auditor.intake import open_ledger, packs_in_force
from auditor.output import print_json, print_table, say, stdout, write
from auditor.site import Site, load_site
from inventories.faults import did_you_mean
from reports.model import FindingView

STATES = ("open", "stale", "reopened", "resolved", "waived", "dismissed")
#: What is listed without ``--all``: everything that still asks for something, or that a person set aside.
_LIVING = ("open", "stale", "reopened", "waived")


def findings(
    root: Path,
    *,
    department: str | None,
    rule: str | None,
    states: Sequence[str],
    everything: bool,
    unknown: bool,
    as_json: bool,
) -> int:
    site = load_site(root)
    if wrong := [state for state in states if state not in STATES]:
        raise Refused(
            *(f"unknown state {s!r}: {did_you_mean(s, STATES) or 'one of ' + ', '.join(STATES)}" for s in wrong)
        )
    if unknown:
        return _unknowns(site, department, rule, as_json=as_json)
    found = views_of(site, states=states or (STATES if everything else _LIVING), department=department, rule=rule)
    if as_json:
        print_json([view.as_json() for view in found])
        return Exit.DONE
    print_table(
        ("id", "state", "severity", "department", "asset", "rule", "what"),
        ((f.id, f.state, f.severity, f.department_name, f.asset_name, f.rule, f.title) for f in found),
        none=f"0 findings; what could not be told is none of them: 'auditor findings --unknown --site {root}'",
    )
    if found:
        say(f"{len(found)} findings; 'auditor explain ID --site {root}' tells why")
    return Exit.DONE


def views_of(
    site: Site, *, states: Sequence[str] = (), department: str | None = None, rule: str | None = None
) -> tuple[FindingView, ...]:
    """Findings of the ledger, each with its clause, gravest first within a department."""
    from auditor.ledger.cases import case_of
    from auditor.views import by_gravity, finding_view, rules_of

    with open_ledger(site) as ledger:
        rows = ledger.findings(
            states=states, departments=[department] if department else (), rules=[rule] if rule else ()
        )
        with ledger.reading() as connection:
            held = case_of(connection)
    rules = rules_of(packs_in_force(site))
    now = clock.utc_now()
    return by_gravity(
        finding_view(row, rules, now=now, timezone=site.timezone, case=held.get(row.id)) for row in rows
    )


def _unknowns(site: Site, department: str | None, rule: str | None, *, as_json: bool) -> int:
    from auditor.judging import newest
    from auditor.late import SnapshotUnknowns

    judged = newest(site)
    unknowns = [
        view
        for view in SnapshotUnknowns(judged)
        if (not department or view.department_id == department) and (not rule or view.rule == rule)
    ]
    if as_json:
        print_json(
            [
                {
                    "rule": view.rule,
                    "title": view.title,
                    "asset_key": view.asset_key,
                    "asset_name": view.asset_name,
                    "department_id": view.department_id,
                    "department_name": view.department_name,
                    "verdict": "unknown",
                    "missing": list(view.missing),
                    "snapshot": judged.snapshot,
                }
                for view in unknowns
            ]
        )
        return Exit.DONE
    print_table(
        ("department", "asset", "rule", "what", "nobody has shown"),
        ((v.department_name, v.asset_name, v.rule, v.title, "、".join(v.missing)) for v in unknowns),
    )
    say(f"{len(unknowns)} could not be told: neither guilty nor compliant")
    return Exit.DONE


def explain(root: Path, name: str, *, as_json: bool) -> int:
    site = load_site(root)
    from auditor.thinning import removed
    from auditor.views import event_views, finding_view, rules_of

    with open_ledger(site) as ledger, _refusing():
        row = ledger.finding(name)
        events = event_views(ledger.history(row.id))
        with ledger.reading() as connection:
            gone = removed(connection, (row.snapshot_first, row.snapshot_last))
    rules, now = rules_of(packs_in_force(site)), clock.utc_now()
    view = finding_view(row, rules, now=now, timezone=site.timezone)
    if as_json:
        print_json(
            view.as_json()
            | {
                "history": [
                    {"at": e.at.isoformat(), "state": e.state, "reason": e.reason, "by": e.by} for e in events
                ],
                "snapshots_removed": [
                    {"snapshot": one.snapshot, "sha256": one.digest, "at": one.at.isoformat()} for one in gone
                ],
            }
        )
        return Exit.DONE
    from reports.summary import render_explain

    stdout().print(render_explain(view, events, timezone=site.config.timezone))
    for one in gone:
        write(f"快照{one.snapshot}已于{site.today(one.at)}按保存期限清理，其清单的SHA-256摘要：{one.digest}")
    return Exit.DONE


def dismiss(root: Path, name: str, *, reason: str, by: str, until: str | None) -> int:
    site = load_site(root)
    try:
        day = date.fromisoformat(until) if until else None
    except ValueError:
        raise Refused(f"{until!r} is no date: write one such as 2026-01-31") from None
    now = clock.utc_now()
    if day is not None and day <= site.today(now):
        raise Refused(f"{day} has come already: name a later date")
    with open_ledger(site) as ledger, _refusing():
        row = ledger.dismiss(name, ground=_words(reason, "--reason"), by=_words(by, "--by"), at=now, until=day)
    say(f"{row.id} is set aside until {day or 'its facts change'}; 'auditor finding restore {row.id}' takes it back")
    return Exit.DONE


def restore(root: Path, name: str, *, reason: str, by: str) -> int:
    site = load_site(root)
    with open_ledger(site) as ledger, _refusing():
        row = ledger.restore(name, ground=_words(reason, "--reason"), by=_words(by, "--by"), at=clock.utc_now())
    say(f"{row.id} is {row.state} again")
    return Exit.DONE


def _words(text: str, option: str) -> str:
    if not text.strip():
        raise Refused(f"{option} is empty: say it in words")
    return text.strip()


@contextmanager
def _refusing() -> Iterator[None]:
    """What the ledger will not do for this finding is a refusal: nothing was changed."""
    from auditor.ledger.errors import LedgerError

    try:
        yield
    except LedgerError as error:
        raise Refused(error.what + (f": {error.mend}" if error.mend else "")) from error
