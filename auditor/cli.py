"""The command line: thin, and quick to start.

Nothing heavy is imported here: each command imports what it needs when it runs, so that ``auditor --help``
costs little more than importing Typer.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_assets import asset_app
from auditor.cli_bundle import bundle_app
from auditor.cli_case import case_app, notice_app
from auditor.cli_catalogue import catalogue_app
from auditor.cli_deploy import deploy_app
from auditor.cli_ledger import ledger_app
from auditor.cli_office import department_app, register_app, waiver_app
from auditor.cli_options import HERE, JsonOption, SiteOption
from auditor.cli_policy import policy_app
from auditor.cli_report import report_app
from auditor.cli_schedule import schedule_app
from auditor.cli_snapshot import snapshot_app
from auditor.cli_worker import worker

app = typer.Typer(
    name="auditor",
    help="Infrastructure compliance and cloud-migration auditing for local government.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: rich's renderer alone would double the time that --help takes.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
finding_app = typer.Typer(help="A person's word on one finding.", no_args_is_help=True)
for _name, _group in (
    ("asset", asset_app),
    ("bundle", bundle_app),
    ("case", case_app),
    ("catalogue", catalogue_app),
    ("department", department_app),
    ("deploy", deploy_app),
    ("finding", finding_app),
    ("ledger", ledger_app),
    ("notice", notice_app),
    ("policy", policy_app),
    ("register", register_app),
    ("report", report_app),
    ("schedule", schedule_app),
    ("snapshot", snapshot_app),
    ("waiver", waiver_app),
):
    app.add_typer(_group, name=_name)


def _version(wanted: bool) -> None:
    if wanted:
        from inventories import __version__

        typer.echo(f"auditor {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Print a traceback where something fails.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    # Every file that the program makes is a map of weak government hosts: its owner's only.
    os.umask(0o077)


# --- the site -----------------------------------------------------------------------------------------------


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    example: Annotated[bool, typer.Option("--example", help="The fictional example city.")] = False,
    network: Annotated[
        str, typer.Option("--network", help="Start of the example's addresses, so that two can answer here.")
    ] = "127.20",
) -> None:
    """Make a site: commented configuration and blank register forms."""
    from auditor.commands import site

    site.init(directory, example=example, network=network)


@app.command()
def check(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Validate site, registers and packs: every fault at once, with its place."""
    from auditor.commands import site as commands

    raise typer.Exit(commands.check(site, as_json=as_json))


@app.command()
def plan(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Show what an audit would touch, and by whose leave. Sends nothing."""
    from auditor.commands import plan as commands

    raise typer.Exit(commands.plan(site, as_json=as_json))


@app.command()
def doctor(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Check this machine: nmap, privileges, fonts, ledger, clock, disk."""
    from auditor.commands import doctor as commands

    raise typer.Exit(commands.doctor(site, as_json=as_json))


@app.command()
def stop(
    site: SiteOption = HERE,
    clear: Annotated[bool, typer.Option("--clear", help="Allow probing again.")] = False,
) -> None:
    """End all probing of this site at once, and refuse new probing until cleared."""
    from auditor.commands import site as commands

    commands.stop(site, clear=clear)


# --- the audit ----------------------------------------------------------------------------------------------


@app.command()
def audit(
    site: SiteOption = HERE,
    zone: Annotated[list[str] | None, typer.Option("--zone", help="Only this zone; may be repeated.")] = None,
    probe: Annotated[list[str] | None, typer.Option("--probe", help="Only this probe; may be repeated.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last unfinished audit.")] = False,
    collected: Annotated[
        bool, typer.Option("--collected", help="Probe nothing: judge what the schedule and bundles brought home.")
    ] = False,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", help="Exit 1 on an open finding of this severity or above.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Collect, reconcile, evaluate, record, render: the main job."""
    from auditor.commands import audit as commands

    raise typer.Exit(
        commands.audit(
            site,
            zones=zone or [],
            probes=probe or [],
            resume=resume,
            collected=collected,
            fail_on=fail_on,
            as_json=as_json,
        )
    )


@app.command()
def probe(
    site: SiteOption = HERE,
    zone: Annotated[list[str] | None, typer.Option("--zone", help="Only this zone; may be repeated.")] = None,
    probe: Annotated[list[str] | None, typer.Option("--probe", help="Only this probe; may be repeated.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what was stopped.")] = False,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Write a signed bundle, to be carried to the centre.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="The private key that signs it: file:/path or systemd:NAME.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look, and judge nothing: what was seen is kept for 'audit --collected', or written as a bundle."""
    from auditor.commands import probe as commands

    raise typer.Exit(
        commands.probe(
            site, zones=zone or [], probes=probe or [], resume=resume, bundle=bundle, key=key, as_json=as_json
        )
    )


@app.command()
def evaluate(
    site: SiteOption = HERE,
    snapshot: Annotated[str | None, typer.Option("--snapshot", help="Default: the newest.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Judge by the law in force on this date.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a snapshot again without scanning. Records nothing."""
    from auditor.commands import audit as commands

    raise typer.Exit(commands.evaluate(site, snapshot=snapshot, as_of=as_of, as_json=as_json))


# --- what was found -----------------------------------------------------------------------------------------


@app.command()
def findings(
    site: SiteOption = HERE,
    department: Annotated[str | None, typer.Option("--department", help="Only this department's.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule's, as <pack>/<rule>.")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help="Only in this state; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="What could not be told, instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List findings: violations, and what became of them."""
    from auditor.commands import findings as commands

    raise typer.Exit(
        commands.findings(
            site,
            department=department,
            rule=rule,
            states=state or [],
            everything=everything,
            unknown=unknown,
            as_json=as_json,
        )
    )


@app.command()
def explain(
    finding: Annotated[str, typer.Argument(help="A finding's id, or its beginning.")],
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Tell why: the clause, the facts with their sources and times, the history."""
    from auditor.commands import findings as commands

    raise typer.Exit(commands.explain(site, finding, as_json=as_json))


ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the history.")]
ByOption = Annotated[str, typer.Option("--by", help="Who decided; kept in the history.")]


@finding_app.command("dismiss")
def finding_dismiss(
    finding: Annotated[str, typer.Argument(help="A finding's id, or its beginning.")],
    reason: ReasonOption,
    by: ByOption,
    until: Annotated[
        str | None, typer.Option("--until", help="Judge again from this date.", show_default="until its facts change")
    ] = None,
    site: SiteOption = HERE,
) -> None:
    """Set a finding aside as false: until a date, or until the facts it rests on change."""
    from auditor.commands import findings as commands

    raise typer.Exit(commands.dismiss(site, finding, reason=reason, by=by, until=until))


@finding_app.command("restore")
def finding_restore(
    finding: Annotated[str, typer.Argument(help="A finding's id, or its beginning.")],
    reason: ReasonOption,
    by: ByOption,
    site: SiteOption = HERE,
) -> None:
    """Take a dismissal back."""
    from auditor.commands import findings as commands

    raise typer.Exit(commands.restore(site, finding, reason=reason, by=by))


@app.command()
def assets(
    site: SiteOption = HERE,
    kind: Annotated[str | None, typer.Option("--kind", help="Only of this kind.")] = None,
    department: Annotated[str | None, typer.Option("--department", help="Only this department's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the inventory of the newest snapshot."""
    from auditor.commands import assets as commands

    raise typer.Exit(commands.assets(site, kind=kind, department=department, as_json=as_json))


# --- papers -------------------------------------------------------------------------------------------------


@app.command()
def metrics(
    site: SiteOption = HERE,
    textfile: Annotated[
        Path | None, typer.Option("--textfile", help="For the node exporter's textfile collector.")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option("--backfill", help="Write the history of every day instead, as OpenMetrics with timestamps."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Backfill from this day.")] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Backfill up to this day.", show_default="yesterday")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="Backfill with this label, such as job=auditor; may be repeated."),
    ] = None,
) -> None:
    """Print the newest audit as Prometheus text, or write it to a file."""
    from auditor.commands import metrics as commands

    if history is not None:
        raise typer.Exit(commands.backfill(site, history, since=since, until=until, labels=label or []))
    raise typer.Exit(commands.show(site, textfile))


@app.command()
def serve(
    site: SiteOption = HERE,
    listen: Annotated[str, typer.Option("--listen", help="Address and port to answer at.")] = "127.0.0.1:9464",
    metrics_only: Annotated[
        bool, typer.Option("--metrics-only", help="Serve the metrics, and leave the schedule to another.")
    ] = False,
) -> None:
    """Run the schedule and answer Prometheus at /metrics, until Ctrl-C or SIGTERM."""
    from auditor.commands import serve as commands

    raise typer.Exit(commands.serve(site, listen, metrics_only=metrics_only))


app.command("worker")(worker)
