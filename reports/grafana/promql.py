"""PromQL that many panels share. What is not known never becomes 0 here, and what is 0 never becomes "not known".

Three answers beside a figure:

- **0** only where it is known: beside a denominator that is exported (:func:`or_zero`), or where the collector says
  that the part was told (:func:`or_none`: pairs that never had a case have no series);
- **NaN** where nobody knows (:func:`told`), which is shown as 不详, so that a figure never just disappears;
- **-1** for a share of nothing (:func:`share`: no system is in scope, so no rate can be asked for), and for the
  time since something that never was (:func:`or_never`); the panels say what it means in words.
"""

from __future__ import annotations

import re

from reports.account import UNASSIGNED as UNASSIGNED_NAME
from reports.ledger_cases import OVER
from reports.metrics_labels import OTHER, UNASSIGNED
from reports.metrics_names import Part
from reports.words import LIVE

#: What a share of nothing is; no share is negative.
OF_NOTHING = -1
#: How long ago something was that never was; no time is negative.
NOT_EVER = -1

#: Matchers of the dashboards' variables.
DEPARTMENT = 'department=~"$department"'
PACK = 'pack=~"$pack"'
ZONE = 'zone=~"$zone"'

OTHER_NAME = "其他部门"


def or_zero(expr: str, where: str, on: str = "") -> str:
    """``expr``, and 0 for what is only in ``where``: its denominator."""
    return f"({expr}) or{_on(on)} 0 * ({where})"


def or_none(expr: str, part: Part) -> str:
    """``expr``, and 0 where it has no series though its part could be told."""
    return f"({expr}) or 0 * ({_told(part)})"


def or_never(expr: str, part: Part) -> str:
    """``expr``, a time since something, and -1 where it has no series though its part could be told."""
    return f"({expr}) or 0 * ({_told(part)}) - {-NOT_EVER}"


def each(expr: str, rows: str, on: str, part: Part) -> str:
    """``expr``, and 0 for every one of ``rows`` that has no series though its part could be told.

    ``on`` are the labels of both.
    """
    return f"({expr}) or on ({on}) 0 * ({rows}) and on () ({_told(part)})"


def each_department(expr: str, part: Part) -> str:
    """The same for every department that is chosen; ``expr`` has the label ``department`` alone."""
    return each(expr, ROWS, "department", part)


def told(expr: str) -> str:
    """``expr``, and NaN where it has no answer."""
    return f"({expr}) or vector(NaN)"


def told_each(expr: str, rows: str, on: str) -> str:
    """``expr``, and NaN for every one of ``rows`` that it has no answer for; ``on`` are the labels of both."""
    return f"({expr}) or on ({on}) NaN * ({rows})"


def share(part: str, whole: str) -> str:
    """``part`` of ``whole``, 0 to 1; -1 where ``whole`` is 0."""
    return f"({part}) / (({whole}) > 0) or (({whole}) == 0) - {-OF_NOTHING}"


def _told(part: Part) -> str:
    return f'max(auditor_scrape_part_success{{part="{part.value}"}}) == 1'


def _on(labels: str) -> str:
    return f" on ({labels})" if labels else ""


#: Selectors, with text in quotes that may hold braces: the metric's name, and what its labels have to be.
_SELECTOR = re.compile(r'(auditor_\w+)(?:\{((?:[^}"]|"[^"]*")*)\})?')
#: One Prometheus may scrape several sites, each as a job of its own; departments' codes are a site's.
SITE = 'job=~"$site"'


def of_site(expr: str) -> str:
    """``expr``, asked of the chosen site alone: every selector gets one more matcher."""
    return _SELECTOR.sub(lambda found: f"{found[1]}{{{', '.join(filter(None, (SITE, found[2])))}}}", expr)


def with_history(expr: str) -> str:
    """``expr`` where it is scraped; where only the ledger's daily figures were filled in, the newest of a day.

    A plain selector looks back five minutes, so of one sample a day a chart of a year would show nothing. The
    longer look is taken only where the short one finds nothing: over a day it would count what changed twice.
    """
    daily = _SELECTOR.sub(r"last_over_time(\g<0>[1d])", expr)
    return f"({expr}) or ({daily})"


# --- departments --------------------------------------------------------------------------------------------

_INFO = "group by (department, name) (auditor_department_info)"


def _fixed(department: str, name: str) -> str:
    inner = f'label_replace(vector(1), "department", "{department}", "", "")'
    return f'label_replace({inner}, "name", "{name}", "", "")'


#: Every department once, with its name. Codes that cannot be labels share ``other``, so that one has many names;
#: and things that nobody owns are counted under a department that no register holds.
NAMES = (
    f"({_INFO} unless on (department) (count by (department) ({_INFO}) > 1))"
    f" or on (department) {_fixed(OTHER, OTHER_NAME)}"
    f" or on (department) {_fixed(UNASSIGNED, UNASSIGNED_NAME)}"
)
#: Departments of the register, and whoever else something is counted under.
PRESENT = f"auditor_assets{{{DEPARTMENT}}}"
#: A row for each of them, without a name.
ROWS = f"group by (department) ({PRESENT})"
#: The first query of a table of departments: one row for each, with its name.
DEPARTMENTS = f"({NAMES}) and on (department) {PRESENT}"

_OF_REGION = 'auditor_department_info{region=~"$region"}'
#: What the variable chooses from. What belongs to no region is there only while all regions are chosen.
CHOICE = (
    f"({NAMES}) and on (department) (auditor_assets and on (department) {_OF_REGION}"
    f' or auditor_assets{{department=~"{OTHER}|{UNASSIGNED}"}}'
    f" and on () (count({_OF_REGION}) == count(auditor_department_info)))"
)

# --- figures that several boards show -----------------------------------------------------------------------


def in_scope(by: str = "") -> str:
    """Systems in scope: the denominator of 上云率. Whoever is in no register has none."""
    known = f"sum{_by(by)} (auditor_systems_in_scope{{{DEPARTMENT}}})"
    return each_department(known, Part.MIGRATION) if by else known


def on_cloud(by: str = "") -> str:
    """Its numerator: systems on a recognised government cloud."""
    return or_zero(f'sum{_by(by)} (auditor_systems{{hosting="gov_cloud", {DEPARTMENT}}})', in_scope(by), by)


def place_not_known(by: str = "") -> str:
    """Systems in scope of which nobody has shown where they run."""
    return or_zero(f'sum{_by(by)} (auditor_systems{{hosting="not_known", {DEPARTMENT}}})', in_scope(by), by)


def rate(by: str = "") -> str:
    """上云率 at least: what nobody has shown counts as not migrated."""
    return share(on_cloud(by), in_scope(by))


def rate_at_most(by: str = "") -> str:
    """上云率 at most: what nobody has shown counts as migrated."""
    return share(f"({on_cloud(by)}) + ({place_not_known(by)})", in_scope(by))


def excluded(by: str = "") -> str:
    """Systems outside the rate: planned, retired and filed, waived."""
    return or_zero(f"sum{_by(by)} (auditor_systems_excluded{{{DEPARTMENT}}})", in_scope(by), by)


#: Leads and the bureau's own duties are nobody's fault yet: they are counted apart.
_LEADS = 'auditor_rule_info{bite=~"lead|bureau"}'
_LIVING = f'state=~"{"|".join(LIVE)}"'


def findings(by: str = "", **labels: str) -> str:
    """Living findings against departments."""
    return f"sum{_by(by)} ({_findings(labels)} unless on (pack, rule) {_LEADS})"


def leads(by: str = "") -> str:
    """Living leads, and what the bureau itself has to do."""
    return f"sum{_by(by)} ({_findings({})} and on (pack, rule) {_LEADS})"


def _findings(labels: dict[str, str]) -> str:
    more = "".join(f', {name}="{value}"' for name, value in labels.items())
    return f"auditor_findings{{{_LIVING}, {DEPARTMENT}, {PACK}{more}}}"


def open_cases(by: str = "") -> str:
    """Cases that have not ended, drafts too: as the ledger counts them."""
    return f'sum{_by(by)} (auditor_cases{{state!~"{"|".join(sorted(OVER))}", {DEPARTMENT}}})'


def cases_in(states: str, by: str = "") -> str:
    return f'sum{_by(by)} (auditor_cases{{state=~"{states}", {DEPARTMENT}}})'


def overdue_cases(by: str = "") -> str:
    return f"sum{_by(by)} (auditor_cases_overdue{{{DEPARTMENT}}})"


def _by(by: str) -> str:
    return f" by ({by})" if by else ""


# --- the plan -----------------------------------------------------------------------------------------------

_PLANNED = "auditor_migration_planned_systems"
#: By Beijing's clocks, eight hours ahead of UTC.
_NOW = "vector(time() + 28800)"
#: The quarter that it is, as the label that the metric has: ``count_values`` makes a label of the number 20271.
_THIS_QUARTER = (
    f'label_replace(count_values("quarter", year({_NOW}) * 10 + ceil(month({_NOW}) / 3)), '
    '"by", "$1-Q$2", "quarter", "(.+)(.)")'
)
#: Labels cannot be compared, so every quarter that is over is named: one or the other thirtieth day lies in each.
#: Six years: of what is more than five years ago the metric says ``earlier``.
_QUARTERS_OVER = f"last_over_time({_THIS_QUARTER}[6y:30d]) unless on (by) {_THIS_QUARTER}"


def planned(by: str = "") -> str:
    """Systems in scope with a registered date of migration."""
    return f"sum{_by(by)} ({_PLANNED}{{{DEPARTMENT}}})"


def still_to_come() -> str:
    """Systems whose registered quarter is this one or a later: what the plan allows not to be migrated yet."""
    known = f'sum by (by) ({_PLANNED}{{by!="earlier", {DEPARTMENT}}})'
    coming = f"{known} unless on (by) ({_QUARTERS_OVER})"
    return or_zero(f"sum ({coming})", in_scope())


def remaining() -> str:
    """Systems in scope that are not shown to be on the cloud."""
    return or_zero(f'sum (auditor_systems{{hosting!="gov_cloud", {DEPARTMENT}}})', in_scope())


def remaining_at_least() -> str:
    """Systems in scope that are shown not to be on the cloud."""
    return or_zero(f'sum (auditor_systems{{hosting!~"gov_cloud|not_known", {DEPARTMENT}}})', in_scope())
