"""``deploy systemd``: the units of a site, or of workers, into a folder; what was edited there is not overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from auditor.commands.deployed import Done, Place, put, tell
from auditor.commands.serve import address
from auditor.errors import Exit, Refused
from auditor.site import SiteConfig, load_site
from auditor.systemd import words
from auditor.systemd.units import Variant, Wanted, references, units

#: systemd reads them as root, and anybody may know them: they hold no secret and no address.
_FILE, _FOLDER = 0o644, 0o755
_NAME = re.compile(r"[a-z][a-z0-9]{0,30}")


def deploy_systemd(
    directory: Path,
    root: Path,
    *,
    variant: str,
    program: str,
    user: str,
    listen: str,
    health: str,
    secrets: str,
    sealed: bool,
    name: str,
    workers: Sequence[Path],
    force: bool,
    as_json: bool,
) -> int:
    """Writes the units of the site at ``root``, or, where ``workers`` names their configuration, of workers.

    :class:`Refused`, before anything is written, for a value that no unit can carry, and where a file was edited, or
    is not ours; ``force`` replaces these and keeps each as ``NAME.bak``. Faults where the configuration is wrong.
    """
    if not _NAME.fullmatch(name):
        raise Refused(f"--name {name[:40]!r} is no beginning of a unit's name: lower case letters and digits")
    if address(listen) == address(health):
        raise Refused("--listen and --health are the same: two processes answer")
    try:
        wanted = Wanted(
            name=name,
            site=words.path(str(root.absolute()), "--site") if not workers else "",
            program=words.program(program, "--program"),
            user=words.user(user, "--user"),
            group=words.user(user, "--user"),
            listen=listen,
            health=health,
            secrets=words.path(secrets, "--credentials"),
            sealed=sealed,
            variant=_variant(variant),
        )
        notes: list[str]
        if workers:
            texts, notes = _workers(workers, wanted)
        else:
            config = load_site(root).config
            texts, notes = units(config, wanted), list(_notes(config, wanted))
    except ValueError as error:
        raise Refused(str(error)) from None
    place = _place(directory, name, bool(workers))
    done = put(place, {PurePosixPath(unit): text.encode() for unit, text in texts.items()}, force=force)
    tell(place, done, [*notes, *_steps(texts, wanted, done)], as_json=as_json)
    return Exit.DONE


def _variant(text: str) -> Variant:
    if text not in list(Variant):
        raise Refused(f"--variant {text[:40]!r}: one of {', '.join(Variant)}")
    return Variant(text)


def _place(directory: Path, name: str, workers: bool) -> Place:
    """Units of sites and of workers may lie in one folder: each have a record of their own."""
    kinds = r"worker@[a-z0-9_-]+" if workers else r"(metrics|scan|audit|thin|probe@[a-z0-9_.-]+)"
    return Place(
        directory,
        record=f"{name}-{'workers' if workers else 'units'}.sha256",
        ours=re.compile(rf"{name}-{kinds}\.(service|timer)"),
        file_mode=_FILE,
        folder_mode=_FOLDER,
    )


def _workers(files: Sequence[Path], wanted: Wanted) -> tuple[Mapping[str, str], list[str]]:
    from auditor.systemd.worker import worker_unit
    from auditor.workers.config import load_worker

    texts: dict[str, str] = {}
    notes: list[str] = []
    for file in files:
        worker = load_worker(file)
        shown = words.path(str(file.absolute()), "--worker")
        state = words.path(str(worker.state), "the worker's state")
        unit, text = worker_unit(worker.config, wanted, file=shown, state=state)
        if unit in texts:
            raise Refused(f"two workers for zone {worker.config.zone!r}: a second one belongs on another machine")
        texts[unit] = text
        notes += [
            *_not_handed(worker.config),
            f"next: install -d -m 0700 -o {wanted.user} -g {wanted.group} '{state}'",
        ]
    return texts, notes


def _notes(config: SiteConfig, wanted: Wanted) -> Iterator[str]:
    """What a person has to know: the folders that have to be there, and what timers cannot do."""
    yield from _not_handed(config)
    owned = f"-o {wanted.user} -g {wanted.group}"
    yield f"next: install -d -m 0700 {owned} '{wanted.site}/state' '{wanted.site}/out'"
    if wanted.variant is not Variant.TIMER:
        return
    if config.schedule.avoid or any(times.avoid for zone in config.zones for times in zone.schedule):
        yield "timers know no holidays: what 'avoid' says is kept by the scheduler only (--variant service)"
    if config.schedule.announce_days:
        yield "timers announce nothing: departments are told of scans by the scheduler only (--variant service)"
    if not config.schedule.judge:
        yield "schedule.judge is not set in site.yaml: nothing judges what the timers bring home"
    if not any(zone.schedule for zone in config.zones):
        yield "no zone has a schedule in site.yaml: there is nothing to write a timer for"


def _not_handed(config: object) -> Iterator[str]:
    for name in sorted({one.name for one in references(config) if one.scheme == "env"}):
        yield f"env:{name} is in no unit's environment, where others could read it: write systemd:{name.lower()}"


def _steps(texts: Mapping[str, str], wanted: Wanted, done: Done) -> Iterator[str]:
    named = sorted(set(re.findall(r"^LoadCredential(?:Encrypted)?=[^:]+:(.+)$", "\n".join(texts.values()), re.M)))
    if named:
        yield f"next: root's only (mode 0600): {', '.join(path.replace('%%', '%') for path in named)}"
    yield "next: systemd-analyze verify " + " ".join(sorted(texts))
    timers = [unit for unit in sorted(texts) if unit.endswith(".timer")]
    running = [unit for unit, text in sorted(texts.items()) if "WantedBy=multi-user.target" in text]
    if done.written or done.replaced or done.removed:
        yield "next: systemctl daemon-reload"
    yield "next: systemctl enable --now " + " ".join([*running, *timers])
