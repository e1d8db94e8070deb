"""``doctor``: is this machine fit to audit from?"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor import clock
from auditor.errors import Exit
from auditor.ledger.presence import exists
from auditor.output import print_json, print_table
from auditor.site import SITE_FILE, Site, load_site
from inventories.faults import Faults

_FREE_BYTES = 1024**3
#: Nothing was released before this program: a clock that says so is wrong.
_RELEASED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Check:
    """``state`` is ok, warning (something will be missing) or fault (an audit cannot work)."""

    name: str
    state: str
    message: str
    mend: str = ""


def doctor(root: Path, *, as_json: bool) -> int:
    checks = [*_nmap(), _ssh(), _clock(), _fonts(), _pages(), _sm2(), *_site(root)]
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(
            ("check", "state", "what", "how to mend it"), ((c.name, c.state, c.message, c.mend) for c in checks)
        )
    return Exit.FAILED if any(check.state == "fault" for check in checks) else Exit.DONE


def _nmap() -> Iterator[Check]:
    from probes.nmap_scan import NmapProbe, nmap_version

    install = "apt-get install nmap"
    version = nmap_version()
    if version is None:
        yield Check("nmap", "fault", "nmap is not installed", install)
        return
    probe = NmapProbe()
    yield Check("nmap", "ok", f"nmap {'.'.join(map(str, version))}")
    limits = probe.limits()
    if limits:
        yield Check(
            "privileges",
            "warning",
            "; ".join(map(str, limits)),
            "run as root, or: setcap cap_net_raw,cap_net_admin,cap_net_bind_service+eip $(command -v nmap), "
            "and set NMAP_PRIVILEGED=1",
        )
    else:
        yield Check("privileges", "ok", "raw sockets are allowed")


def _ssh() -> Check:
    if shutil.which("ssh") is None:
        return Check("ssh", "warning", "no host can be read from inside", "apt-get install openssh-client")
    return Check("ssh", "ok", "hosts can be read from inside")


def _clock() -> Check:
    now = clock.utc_now()
    if now < _RELEASED:
        return Check("clock", "fault", f"the clock says {now:%Y-%m-%d}", "set it: every verdict depends on the date")
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC, {time.tzname[0]} here")


def _fonts() -> Check:
    from reports.notice import missing_fonts

    missing = missing_fonts()
    if missing:
        return Check(
            "fonts",
            "warning",
            f"not on this machine: {', '.join(missing)}",
            "papers name them and show a substitute here; install them where papers are printed",
        )
    return Check("fonts", "ok", "the fonts of official papers are here")


def _pages() -> Check:
    if shutil.which("soffice") is None:
        return Check("pdf", "warning", "papers cannot be turned into pages", "apt-get install libreoffice-writer")
    return Check("pdf", "ok", "LibreOffice is here")


def _sm2() -> Check:
    from inventories.signing_sm2 import why_not

    missing = why_not()
    if missing:
        return Check(
            "sm2", "warning", f"bundles signed with SM2 cannot be checked: {missing}", "keys of Ed25519 can be"
        )
    return Check("sm2", "ok", "bundles may be signed with SM2 and SM3")


def _ledger(site: Site) -> Iterator[Check]:
    """A database has to answer before the first audit, too; a file is made by it."""
    from auditor.ledger import Ledger, LedgerError

    try:
        if exists(site.ledger):
            Ledger.open(site.ledger).close()
            yield Check("ledger", "ok", site.ledger.shown)
        elif site.ledger.file is None:
            yield Check("ledger", "ok", f"{site.ledger.shown} answers, and is empty")
    except LedgerError as error:
        yield Check("ledger", "fault", str(error))


def _site(root: Path) -> Iterator[Check]:
    if not (root / SITE_FILE).is_file():
        return
    try:
        site = load_site(root)
    except Faults as error:
        yield Check("site", "fault", f"{len(error.faults)} faults", f"auditor check --site {root}")
        return
    free = shutil.disk_usage(root).free
    if free < _FREE_BYTES:
        yield Check(
            "disk", "warning", f"{free // 1024**2} MiB free at {root}", "an audit of 10⁵ assets takes about 1 GiB"
        )
    else:
        yield Check("disk", "ok", f"{free // 1024**3} GiB free")
    yield from _ledger(site)
    if site.stop_file.exists():
        yield Check("stop", "warning", "all probing is stopped", f"auditor stop --clear --site {root}")
