"""The rules that are shipped, read and listed: thresholds, recording rules, alerts with their runbooks. Pure but for
reading the package's own files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

#: Where the runbooks are, as the shipped rules name them; a deployment puts its own base in its place.
RUNBOOKS = "runbooks"
RULE_FILES = ("thresholds.yml", "recording.yml", "alerts.yml")
EXAMPLES = ("prometheus.yml", "alertmanager.yml", "auditor.tmpl")


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule. ``comment`` is the line above it in its file, ``section`` the heading it stands under."""

    group: str
    name: str
    expr: str
    comment: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule. ``waits`` and ``lingers`` are durations as Prometheus writes them, or empty.

    ``runbook`` is the file name of its page. ``title``, ``summary`` and ``description`` are Chinese; the latter
    two are templates.
    """

    group: str
    name: str
    expr: str
    waits: str
    lingers: str
    severity: str
    team: str
    title: str
    summary: str
    description: str
    runbook: str


def text(name: str) -> str:
    """A shipped file, such as ``alerts.yml`` or ``runbooks/scan-stale.md``. FileNotFoundError where there is none."""
    return (files("reports.prometheus") / name).read_text(encoding="utf-8")


@cache
def thresholds() -> tuple[Record, ...]:
    """The constants that a bureau may change, in the order of the file."""
    return tuple(_records("thresholds.yml"))


@cache
def records() -> tuple[Record, ...]:
    """The recording rules, in the order in which they are evaluated."""
    return tuple(_records("recording.yml"))


@cache
def alerts() -> tuple[Alert, ...]:
    """The alerting rules, in the order of the file."""
    return tuple(_alert(group, rule) for group, rule in _rules(text("alerts.yml")))


def groups() -> Mapping[str, tuple[Alert, ...]]:
    """Group → its alerts."""
    out: dict[str, tuple[Alert, ...]] = {}
    for alert in alerts():
        out[alert.group] = (*out.get(alert.group, ()), alert)
    return out


def _rules(written: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import yaml

    for group in yaml.safe_load(written)["groups"]:
        for rule in group["rules"]:
            yield group["name"], rule


def _records(name: str) -> Iterator[Record]:
    written = text(name)
    said = _said(written)
    for group, rule in _rules(written):
        yield Record(group, rule["record"], rule["expr"].strip(), *said[rule["record"]])


def _said(written: str) -> dict[str, tuple[str, str]]:
    """Record → the comment right above it, and the heading that it stands under."""
    out, above, section = {}, "", ""
    for line in map(str.strip, written.splitlines()):
        if line.startswith("- record:"):
            out[line.removeprefix("- record:").strip()] = above, section
        if line.startswith("# --- "):
            section = line.strip("#- ")
        above = line.removeprefix("#").strip() if line.startswith("#") and not line.startswith("# ---") else ""
    return out


def _alert(group: str, rule: Mapping[str, Any]) -> Alert:
    said = rule["annotations"]
    return Alert(
        group=group,
        name=rule["alert"],
        expr=rule["expr"].strip(),
        waits=rule.get("for", ""),
        lingers=rule.get("keep_firing_for", ""),
        severity=rule["labels"]["severity"],
        team=rule["labels"]["team"],
        title=said["title"],
        summary=said["summary"],
        description=said["description"],
        runbook=said["runbook_url"].removeprefix(f"{RUNBOOKS}/"),
    )
