"""``auditor ledger …``: the workbook, the audit trail, and where the ledger lies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

ledger_app = typer.Typer(help="The registers that a bureau keeps.", no_args_is_help=True)


@ledger_app.command("export")
def ledger_export(file: Annotated[Path, typer.Argument(help="An .xlsx file.")], site: SiteOption = HERE) -> None:
    """Write the bureau's ledgers of the newest audit as a workbook."""
    from auditor.commands import papers

    raise typer.Exit(papers.export_ledger(site, file))


@ledger_app.command("verify")
def ledger_verify(
    site: SiteOption = HERE,
    expect: Annotated[
        str, typer.Option("--expect", help="The head that an earlier run printed: it must still be there.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Find any change to cases, papers, waivers and the audit trail that was made past the trail."""
    from auditor.commands import trail

    raise typer.Exit(trail.verify(site, expect=expect, as_json=as_json))


@ledger_app.command("trail")
def ledger_trail(
    subject: Annotated[str, typer.Argument(help="A case, waiver, request or paper; default: all.")] = "",
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List the audit trail: who did what, when and why."""
    from auditor.commands import trail

    raise typer.Exit(trail.list_all(site, subject, as_json=as_json))


@ledger_app.command("move")
def ledger_move(
    to: Annotated[str, typer.Argument(metavar="TO", help="A PostgreSQL URL, or the site's state/ledger.sqlite.")],
    site: SiteOption = HERE,
    password: Annotated[
        str,
        typer.Option("--password", help="Where its password lies: file:/path, env:NAME, systemd:NAME."),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Move the ledger to another, empty database, compare every row, and close the old one."""
    from auditor.commands import ledger_move as commands

    raise typer.Exit(commands.move(site, to, password=password, as_json=as_json))


@ledger_app.command("backup")
def ledger_backup(
    file: Annotated[Path, typer.Argument(help="A new file.")], site: SiteOption = HERE, as_json: JsonOption = False
) -> None:
    """Copy the whole ledger into one file, while others go on working, and compare it."""
    from auditor.commands import ledger_backup as commands

    raise typer.Exit(commands.backup(site, file, as_json=as_json))


@ledger_app.command("restore")
def ledger_restore(
    file: Annotated[Path, typer.Argument(help="A copy that 'ledger backup' made.")],
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Put such a copy in the place of a ledger that is gone; refuses where there is one."""
    from auditor.commands import ledger_backup as commands

    raise typer.Exit(commands.restore(site, file, as_json=as_json))
