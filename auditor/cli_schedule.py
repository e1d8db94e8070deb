"""``auditor schedule …``: when zones are looked at, and what a person has to say about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

schedule_app = typer.Typer(help="When zones are looked at; 'auditor serve' does it.", no_args_is_help=True)


@schedule_app.command("list")
def schedule_list(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """List the jobs: their times, last runs and skips, and what waits for what."""
    from auditor.commands import schedule

    raise typer.Exit(schedule.list_all(site, as_json=as_json))


@schedule_app.command("next")
def schedule_next(
    site: SiteOption = HERE,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How far ahead.")] = 7,
    zone: Annotated[str | None, typer.Option("--zone", help="Only this zone.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what will run when, and what will not and why."""
    from auditor.commands import schedule

    raise typer.Exit(schedule.upcoming(site, days=days, zone=zone, as_json=as_json))


@schedule_app.command("run")
def schedule_run(
    zone: Annotated[str, typer.Argument(help="The zone to look at now.")],
    site: SiteOption = HERE,
    probe: Annotated[list[str] | None, typer.Option("--probe", help="Only this probe; may be repeated.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the running scheduler to look at a zone now, whatever its times, pauses and days to avoid."""
    from auditor.commands import schedule

    raise typer.Exit(schedule.run(site, zone, probes=probe or [], as_json=as_json))


@schedule_app.command("pause")
def schedule_pause(
    zone: Annotated[str | None, typer.Argument(help="Only this zone.", show_default="everything")] = None,
    site: SiteOption = HERE,
    reason: Annotated[str, typer.Option("--reason", help="Why; shown by 'schedule list'.")] = "",
) -> None:
    """Let nothing start by itself until 'schedule resume'; what runs goes on ('auditor stop' ends it)."""
    from auditor.commands import schedule

    raise typer.Exit(schedule.pause(site, zone, reason=reason))


@schedule_app.command("resume")
def schedule_resume(
    zone: Annotated[str | None, typer.Argument(help="Only this zone.", show_default="everything")] = None,
    site: SiteOption = HERE,
) -> None:
    """End a pause. What was skipped in it is not made up for."""
    from auditor.commands import schedule

    raise typer.Exit(schedule.resume(site, zone))


@schedule_app.command("announce")
def schedule_announce(
    site: SiteOption = HERE,
    zone: Annotated[list[str] | None, typer.Option("--zone", help="Only this zone; may be repeated.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day.", show_default="tomorrow")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day.", show_default="a week in all")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder.", show_default="out/announcements of the site")
    ] = None,
    ahead: Annotated[
        bool, typer.Option("--ahead", help="What announce_days asks for, as the scheduler does each day.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write to each department when it will be looked at, from where, by whose leave, and whom to ask (扫描告知)."""
    from auditor.commands import announce

    raise typer.Exit(
        announce.announce(site, zones=zone or [], first=first, last=last, out=out, ahead=ahead, as_json=as_json)
    )
