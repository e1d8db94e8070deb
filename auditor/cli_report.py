"""``auditor report …``: the figures of the newest audit for people without dashboards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

report_app = typer.Typer(help="The figures of the newest audit, for people without dashboards.", no_args_is_help=True)

DepartmentOption = Annotated[
    str, typer.Option("--department", help="Only this department's, by id or name: nothing tells of another.")
]


@report_app.command("html")
def report_html(
    file: Annotated[Path, typer.Argument(help="An .html file.")],
    department: DepartmentOption = "",
    for_whom: Annotated[
        str, typer.Option("--for", help="Whom it is made for; it says so.", show_default="the bureau")
    ] = "",
    site: SiteOption = HERE,
) -> None:
    """Write one self-contained page with figures and charts: opens without a network, and prints."""
    from auditor.commands import report

    raise typer.Exit(report.html(site, file, department=department, for_whom=for_whom))


@report_app.command("progress")
def report_progress(
    department: DepartmentOption = "",
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Tell how far migration and rectification have come."""
    from auditor.commands import report

    raise typer.Exit(report.progress(site, department=department, as_json=as_json))
