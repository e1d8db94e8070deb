"""``auditor deploy …``: settings for the programs around this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import JsonOption

deploy_app = typer.Typer(help="Settings for Grafana and Prometheus, written into a folder.", no_args_is_help=True)

ForceOption = Annotated[bool, typer.Option("--force", help="Replace edited files too; each is kept as NAME.bak.")]


@deploy_app.command("grafana")
def deploy_grafana(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Grafana's folder of settings, usually /etc/grafana.")
    ],
    prometheus: Annotated[
        str, typer.Option("--prometheus-url", help="Where Grafana reaches Prometheus. No password.")
    ] = "http://127.0.0.1:9090",
    console: Annotated[
        str,
        typer.Option("--console-url", help="Where people reach the console.", show_default="no links to it"),
    ] = "",
    seen_as: Annotated[
        str,
        typer.Option("--seen-as", help="What Grafana calls DIR, where it runs in a container.", show_default="DIR"),
    ] = "",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the dashboards, and how Grafana finds them and Prometheus. Edited files are not overwritten."""
    from auditor.commands import deploy

    raise typer.Exit(
        deploy.deploy_grafana(
            directory, prometheus=prometheus, console=console, seen_as=seen_as, force=force, as_json=as_json
        )
    )


@deploy_app.command("prometheus")
def deploy_prometheus(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder for Prometheus' and Alertmanager's.")],
    target: Annotated[
        str, typer.Option("--target", help="host:port where Prometheus reaches the metrics.")
    ] = "127.0.0.1:9464",
    runbooks: Annotated[
        str,
        typer.Option("--runbooks-url", help="Where people read the runbooks; alerts link there.", show_default="DIR"),
    ] = "runbooks",
    force: ForceOption = False,
) -> None:
    """Write scrape settings, recording and alerting rules, and their runbooks. Edited rules are not overwritten."""
    from auditor.commands import deploy_prometheus as commands

    raise typer.Exit(commands.deploy_prometheus(directory, target=target, force=force, runbooks=runbooks))
