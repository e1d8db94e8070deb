"""``auditor deploy …``: settings for the programs around this one, and for the one that starts it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

deploy_app = typer.Typer(
    help="Settings for Grafana, Prometheus, systemd and containers, written into a folder.", no_args_is_help=True
)

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


@deploy_app.command("rabbitmq")
def deploy_rabbitmq(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="RabbitMQ's folder of settings: /etc/rabbitmq.")],
    site: SiteOption = HERE,
    listen: Annotated[
        str, typer.Option("--listen", help="address:port for the centre and workers.")
    ] = "0.0.0.0:5671",
    tls: Annotated[
        str, typer.Option("--tls", help="Folder of ca.pem, broker.pem and broker.key.", show_default="DIR/tls")
    ] = "",
    seen_as: Annotated[
        str,
        typer.Option("--seen-as", help="What RabbitMQ calls DIR, where it runs in a container.", show_default="DIR"),
    ] = "",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the broker's settings for the zones that workers look at: TLS only, one user a zone, no password."""
    from auditor.commands import deploy_rabbitmq as commands

    raise typer.Exit(
        commands.deploy_rabbitmq(
            directory, site=site, listen=listen, tls=tls, seen_as=seen_as, force=force, as_json=as_json
        )
    )


@deploy_app.command("systemd")
def deploy_systemd(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Usually /etc/systemd/system.")],
    site: SiteOption = HERE,
    variant: Annotated[
        str, typer.Option("--variant", help="service: the scheduler runs; timer: systemd's timers instead of it.")
    ] = "service",
    program: Annotated[
        str, typer.Option("--program", help="The program, as the service sees it.")
    ] = "/opt/auditor/bin/auditor",
    user: Annotated[str, typer.Option("--user", help="The account, and its group, to run under.")] = "auditor",
    listen: Annotated[str, typer.Option("--listen", help="Where the metrics are answered.")] = "127.0.0.1:9464",
    health: Annotated[
        str, typer.Option("--health", help="Where the scheduler answers at /healthz and /readyz.")
    ] = "127.0.0.1:9465",
    secrets: Annotated[
        str, typer.Option("--credentials", help="The folder with the files that systemd:NAME refers to.")
    ] = "/etc/auditor/credentials",
    sealed: Annotated[
        bool, typer.Option("--encrypted", help="The credentials are encrypted (systemd-creds), as NAME.cred.")
    ] = False,
    name: Annotated[
        str, typer.Option("--name", help="How the units' names begin, where there are several sites.")
    ] = "auditor",
    worker: Annotated[
        list[Path] | None,
        typer.Option("--worker", metavar="FILE", help="A worker's configuration: its unit instead of the site's."),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write hardened units; only those that scan may open raw sockets. Edited files are not overwritten."""
    from auditor.commands import deploy_systemd as commands

    raise typer.Exit(
        commands.deploy_systemd(
            directory,
            site,
            variant=variant,
            program=program,
            user=user,
            listen=listen,
            health=health,
            secrets=secrets,
            sealed=sealed,
            name=name,
            workers=worker or [],
            force=force,
            as_json=as_json,
        )
    )


@deploy_app.command("container")
def deploy_container(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty folder, for the bundle as well.")],
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a container file that installs the offline bundle. Edited files are not overwritten."""
    from auditor.commands import deploy_container as commands

    raise typer.Exit(commands.deploy_container(directory, force=force, as_json=as_json))
