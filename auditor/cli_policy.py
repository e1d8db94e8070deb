"""``auditor policy …``: regulations as data, to read, test, write and compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

policy_app = typer.Typer(help="Packs: regulations as data.", no_args_is_help=True)

PacksArgument = Annotated[
    list[str] | None,
    typer.Argument(help="By id, or by folder (./packs/gaoping-2024). Default: all that are known."),
]


@policy_app.command("list")
def policy_list(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """List the packs that are installed, and the site's own."""
    from auditor.commands import policy

    raise typer.Exit(policy.list_packs(site, as_json=as_json))


@policy_app.command("show")
def policy_show(
    name: Annotated[str, typer.Argument(help="<pack> or <pack>/<rule>; a pack by id or by folder.")],
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show a pack, or one rule as a page that a lawyer can check."""
    from auditor.commands import policy_show as commands

    raise typer.Exit(commands.show(name, site, as_json=as_json))


@policy_app.command("test")
def policy_test(packs: PacksArgument = None, site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Run the packs' own cases; untested rules and unused expectations are failures too."""
    from auditor.commands import policy

    raise typer.Exit(policy.test(packs or [], site, as_json=as_json))


@policy_app.command("coverage")
def policy_coverage(packs: PacksArgument = None, site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Tell article by article: rule, manual, or out of scope; fail where one is missing."""
    from auditor.commands import policy

    raise typer.Exit(policy.coverage(packs or [], site, as_json=as_json))


@policy_app.command("new")
def policy_new(
    name: Annotated[str, typer.Argument(help="REGION-YEAR, such as gaoping-2024.")],
    text: Annotated[
        Path | None, typer.Option("--text", help="The regulation's text, a UTF-8 file: each article is taken over.")
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", help="Six digits of GB/T 2260.", show_default="the site's")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="The folder to make it in.", show_default="the site's packs/")
    ] = None,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Start a pack that validates as it stands, with every field explained. Overwrites nothing."""
    from auditor.commands import policy_new as commands

    raise typer.Exit(commands.new(name, site, text=text, region=region, into=into, as_json=as_json))


@policy_app.command("diff")
def policy_diff(
    old: Annotated[str, typer.Argument(help="A pack, by id or by folder.")],
    new: Annotated[str, typer.Argument(help="The pack to compare it with.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Judge as on this date.", show_default="the snapshot's")
    ] = None,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Compare two versions of a pack, and tell which findings of the site the new one would open or close."""
    from auditor.commands import policy_diff as commands

    raise typer.Exit(commands.diff(old, new, site, as_of=as_of, as_json=as_json))
