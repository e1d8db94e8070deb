"""``auditor snapshot …``: what an audit judged, whole and unchanged, and how long it is kept."""

from __future__ import annotations

from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

snapshot_app = typer.Typer(
    help="What an audit judged: integrity, the same verdicts again, and how long it is kept.", no_args_is_help=True
)


@snapshot_app.command("list")
def snapshot_list(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """List the snapshots of this site."""
    from auditor.commands import snapshots

    raise typer.Exit(snapshots.list_all(site, as_json=as_json))


@snapshot_app.command("verify")
def snapshot_verify(
    snapshot: Annotated[str | None, typer.Argument(help="Default: all.")] = None,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Find any changed, missing or added byte."""
    from auditor.commands import snapshots

    raise typer.Exit(snapshots.verify(site, snapshot, as_json=as_json))


@snapshot_app.command("replay")
def snapshot_replay(
    snapshot: Annotated[str | None, typer.Argument(help="Default: the newest.")] = None,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Judge a snapshot again from what it holds, and compare with what was recorded."""
    from auditor.commands import snapshots

    raise typer.Exit(snapshots.replay(site, snapshot, as_json=as_json))


@snapshot_app.command("thin")
def snapshot_thin(
    site: SiteOption = HERE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go and what stays.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what the site's retention rule no longer keeps; what an open case cites stays."""
    from auditor.commands import snapshots

    raise typer.Exit(snapshots.thin(site, dry_run=dry_run, as_json=as_json))
