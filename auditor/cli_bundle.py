"""``auditor bundle …``: what is carried here by hand from networks that nothing may connect to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

bundle_app = typer.Typer(
    help="Signed observations, carried here by hand from networks that nothing may connect to.", no_args_is_help=True
)

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Bundles, in any order.")]


@bundle_app.command("verify")
def bundle_verify(files: FilesArgument, site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Tell what an import would say. Keeps nothing."""
    from auditor.commands import bundles

    raise typer.Exit(bundles.verify(site, files, as_json=as_json))


@bundle_app.command("import")
def bundle_import(files: FilesArgument, site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Take bundles in: each whole, or refused with its reason and put into state/quarantine."""
    from auditor.commands import bundles

    raise typer.Exit(bundles.take_in(site, files, as_json=as_json))


@bundle_app.command("list")
def bundle_list(
    site: SiteOption = HERE,
    refused: Annotated[bool, typer.Option("--refused", help="What was refused, instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what was taken in, and what of it is the newest of its zone."""
    from auditor.commands import bundles

    raise typer.Exit(bundles.list_all(site, refused=refused, as_json=as_json))


@bundle_app.command("key")
def bundle_key(
    file: Annotated[Path, typer.Argument(help="Where the private key goes: a new file, its owner's only.")],
    key_id: Annotated[str, typer.Option("--id", help="What site.yaml calls it.", show_default="FILE's name")] = "",
    zone: Annotated[list[str] | None, typer.Option("--zone", help="A zone that it is for; may be repeated.")] = None,
    sm2: Annotated[bool, typer.Option("--sm2", help="SM2 with SM3 instead of Ed25519.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a pair of keys; prints the public one and its lines for site.yaml."""
    from auditor.commands import bundles

    raise typer.Exit(bundles.make_key(file, key_id=key_id, zones=zone or [], sm2=sm2, as_json=as_json))
