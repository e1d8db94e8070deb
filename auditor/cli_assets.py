"""``auditor asset …``: one asset of the inventory, and a person's word on which it is."""

from __future__ import annotations

from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

asset_app = typer.Typer(help="One asset of the inventory, and a person's word on which it is.", no_args_is_help=True)

AssetArgument = Annotated[str, typer.Argument(help="An asset's key, code, address or name, or the beginning of one.")]
IdentifiersArgument = Annotated[
    list[str],
    typer.Argument(help="As 'asset show' prints them; or an address, a UUID, code:…, serial:VENDOR|NUMBER."),
]
WhoOption = Annotated[str, typer.Option("--by", help="Who says so; kept for ever.", show_default="the user")]
WhyOption = Annotated[str, typer.Option("--reason", help="Why; kept for ever.")]
UndoOption = Annotated[bool, typer.Option("--undo", help="Take back what was said with the same words.")]


@asset_app.command("show")
def asset_show(asset: AssetArgument, site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Tell for every attribute who said it, when, and who disagreed."""
    from auditor.commands import dossier

    raise typer.Exit(dossier.show(site, asset, as_json=as_json))


@asset_app.command("pin")
def asset_pin(
    asset: AssetArgument,
    identifiers: IdentifiersArgument,
    reason: WhyOption,
    by: WhoOption = "",
    undo: UndoOption = False,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say that identifiers belong to an asset, whatever else is seen."""
    from auditor.commands import identity

    raise typer.Exit(identity.pin(site, asset, identifiers, reason=reason, by=by, undo=undo, as_json=as_json))


@asset_app.command("split")
def asset_split(
    asset: AssetArgument,
    identifiers: IdentifiersArgument,
    reason: WhyOption,
    by: WhoOption = "",
    undo: UndoOption = False,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say that identifiers of an asset are another thing's, which gets a key of its own."""
    from auditor.commands import identity

    raise typer.Exit(identity.split(site, asset, identifiers, reason=reason, by=by, undo=undo, as_json=as_json))


@asset_app.command("merge")
def asset_merge(
    keep: AssetArgument,
    other: AssetArgument,
    reason: WhyOption,
    by: WhoOption = "",
    undo: UndoOption = False,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say that two assets are one: the second lives on under the first one's key, and so do its findings."""
    from auditor.commands import identity

    raise typer.Exit(identity.merge(site, keep, other, reason=reason, by=by, undo=undo, as_json=as_json))
