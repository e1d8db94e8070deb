"""``deploy rabbitmq``: the broker between the centre and its workers, for the zones that workers look at."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from auditor.commands.deployed import Place, put, tell
from auditor.errors import Exit, Refused
from auditor.site import load_site
from auditor.workers.deployment import settings
from inventories.faults import clean

#: RabbitMQ runs as another user and reads them by its group; none of them holds a password.
_FILE, _FOLDER = 0o640, 0o750
RECORD = "auditor-rabbitmq.sha256"
_OURS = re.compile(r"rabbitmq(-env)?\.conf|definitions\.json|enabled_plugins|users\.sh")


def deploy_rabbitmq(
    directory: Path, *, site: Path, listen: str, tls: str, seen_as: str, force: bool, as_json: bool
) -> int:
    """Writes RabbitMQ's settings. :class:`Refused` where no zone has a worker, or an option is none."""
    loaded = load_site(site)
    zones = sorted(zone.id for zone in loaded.config.zones if zone.by == "worker")
    if not zones:
        raise Refused("no zone is looked at by a worker", "write 'by: worker' at a zone of site.yaml")
    if not re.fullmatch(r"(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*):\d{1,5}", listen):
        raise Refused(f"--listen {clean(listen, 80)!r} is no address and port: write one such as 192.0.2.10:5671")
    folder = _absolute(seen_as, "--seen-as") if seen_as else PurePosixPath(directory.resolve())
    keys = _absolute(tls, "--tls") if tls else folder / "tls"
    texts = settings(loaded.id, zones, listen=listen, tls=keys, folder=folder)
    place = Place(directory, RECORD, _OURS, _FILE, _FOLDER, with_group=True)
    done = put(place, {PurePosixPath(name): text.encode() for name, text in texts.items()}, force=force)
    steps = [
        f"next: chgrp -R rabbitmq {directory}, where that is not its group",
        f"put ca.pem, broker.pem and broker.key into {keys} (broker.key readable by group rabbitmq only)",
        f"restart rabbitmq-server, then as root: sh {directory / 'users.sh'} (asks for {len(zones) + 1} passwords)",
    ]
    tell(place, done, steps, as_json=as_json)
    return Exit.DONE


def _absolute(text: str, option: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or not re.fullmatch(r"[\w./@+-]{1,500}", text):
        raise Refused(f"{option} {clean(text, 200)!r} is no absolute path of letters, digits and ./@+_-")
    return path
