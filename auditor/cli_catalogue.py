"""``auditor catalogue …``: the official lists that components are judged by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

catalogue_app = typer.Typer(help="Official lists: 安全可靠测评结果, ends of support.", no_args_is_help=True)

AsOfOption = Annotated[str | None, typer.Option("--as-of", help="On this date.", show_default="today")]


@catalogue_app.command("import")
def catalogue_import(
    file: Annotated[Path, typer.Argument(help="An .xlsx or .csv file with a row of headings.")],
    complete: Annotated[
        list[str] | None,
        typer.Option("--complete", help="The file is the whole of this category's tables; may be repeated."),
    ] = None,
    category: Annotated[
        str | None, typer.Option("--category", help="Of rows that name none, such as cpu or server_os.")
    ] = None,
    through: Annotated[
        str | None, typer.Option("--through", help="Complete up to this date.", show_default="today")
    ] = None,
    new_level: Annotated[
        list[str] | None, typer.Option("--new-level", help="A level above those known; may be repeated.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who says so; kept with the table.", show_default="the user")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take a bureau's own full table of results into the site."""
    from auditor.commands import catalogue

    raise typer.Exit(
        catalogue.import_table(
            site,
            file,
            complete=complete or [],
            category=category,
            through=through,
            new_levels=new_level or [],
            by=by,
            dry_run=dry_run,
            as_json=as_json,
        )
    )


@catalogue_app.command("list")
def catalogue_list(
    category: Annotated[str | None, typer.Option("--category", help="Only this one's rows.")] = None,
    as_of: AsOfOption = None,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List results with level, announcement, end and source, and which tables are complete."""
    from auditor.commands import catalogue

    raise typer.Exit(catalogue.list_rows(site, category=category, as_of=as_of, as_json=as_json))


@catalogue_app.command("show")
def catalogue_show(
    product: Annotated[str, typer.Argument(help="As a host or a register calls it, with its version.")],
    category: Annotated[str | None, typer.Option("--category", help="cpu, os or database.")] = None,
    as_of: AsOfOption = None,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Tell which product a name is taken for, and what the lists say of it."""
    from auditor.commands import catalogue

    raise typer.Exit(catalogue.show(site, product, category=category, as_of=as_of, as_json=as_json))
