"""Ways between the dashboards, and down to the console.

A dashboard's address is ``/d/UID``; Grafana puts its own sub-path before it. The console's address is the variable
``console``, which ``auditor deploy grafana --console-url`` fills; while it is empty no link to it is drawn.
"""

from __future__ import annotations

from reports.grafana.model import Link

CITY, DEPARTMENT, PLACES = "auditor-city", "auditor-department", "auditor-places"
DOMESTIC, ASSESSMENTS = "auditor-domestic", "auditor-assessments"
CASES, SCANNING = "auditor-cases", "auditor-scanning"

#: What every link hands on.
_KEEP = "${datasource:queryparam}&${site:queryparam}&${region:queryparam}&${__url_time_range}"
#: A cell's own value, before words were made of it: a table of departments shows the code as its last column.
_CELL = "${__value.raw}"


def board(title: str, uid: str) -> Link:
    """Another dashboard, for the same departments."""
    return Link(title, f"/d/{uid}?{_KEEP}&${{department:queryparam}}")


def department_of_cell() -> tuple[Link, ...]:
    """From a row of a table of departments to that department: its dashboard, its page in the console."""
    return (
        Link("查看本部门", f"/d/{DEPARTMENT}?{_KEEP}&var-department={_CELL}"),
        console("在控制台中查看", f"departments/{_CELL}"),
    )


def console(title: str, path: str) -> Link:
    return Link(title, f"${{console:raw}}/{path}")
