"""The unit of a worker inside a department's network. It looks, so it may open raw sockets. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.systemd.hardening import Reach, hardening
from auditor.systemd.units import account, credentials, references
from auditor.systemd.words import command, line, word

if TYPE_CHECKING:
    from auditor.systemd.units import Wanted
    from auditor.workers.config import WorkerConfig


def worker_unit(config: WorkerConfig, wanted: Wanted, *, file: str, state: str) -> tuple[str, str]:
    """Name and text of the unit of the worker that ``file`` configures; it writes into ``state`` only."""
    names = sorted({one.name for one in references(config) if one.scheme == "systemd"})
    start = command(wanted.program, "worker", "--zone", config.zone, "--config", file)
    text = "\n".join(
        [
            "# Written by 'auditor deploy systemd --worker'. Put changes into a drop-in: systemctl edit NAME.",
            "[Unit]",
            f"Description={line(f'{config.site}: the worker in zone {config.zone}')}",
            "Wants=network-online.target",
            "After=network-online.target time-sync.target",
            "",
            "[Service]",
            "Type=exec",
            f"ExecStart={start}",
            "Restart=on-failure",
            "RestartSec=30",
            "RestartPreventExitStatus=2",
            "KillMode=mixed",
            "TimeoutStopSec=180",
            f"User={wanted.user}",
            f"Group={wanted.group}",
            *account(wanted.name),
            *credentials(names, wanted.secrets, sealed=wanted.sealed),
            f"ReadWritePaths={word(state)}",
            *hardening(Reach.RAW if config.prefixes else Reach.OUT),
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )
    return f"{wanted.name}-worker@{config.zone}.service", text
