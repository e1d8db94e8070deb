"""``auditor worker``: the program inside a department's network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def worker(
    zone: Annotated[str, typer.Option("--zone", help="The zone that this machine stands in.")],
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The worker's configuration.")] = Path(
        "/etc/auditor/worker.yaml"
    ),
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what Celery says, too.")] = False,
) -> None:
    """Look where the centre asks, inside one zone, until told to end. Holds no ledger and no policies."""
    from auditor.commands import worker as commands

    raise typer.Exit(commands.worker(config, zone=zone, verbose=verbose))
