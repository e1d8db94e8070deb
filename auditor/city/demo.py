"""One audit of the example city from end to end, for people who want to see what the program does."""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from auditor.city.children import Answering, Ended, answering, captured, run, tidy
from auditor.city.example import SITE_ID, write_example
from auditor.city.listeners import CityFault, describe
from auditor.city.plan import PLAN_FILE
from auditor.errors import Exit
from auditor.output import say
from auditor.site import load_site
from inventories.faults import clean

#: The finding that is most worth explaining, where it is there.
_SHOWN_RULE = "migrate-to-cloud"


def demo(site: Path) -> int:
    """Writes the site if it is not there, lets the city answer, and checks, plans and audits it.

    The ledger of an earlier demonstration is kept: a second one opens nothing new. Returns 0 where the audit
    did its work (done in part, 4, included: the example plans for it), else the status of what went wrong.
    """
    try:
        with tidy():
            return _demo(site)
    except Ended as ended:
        return 128 + ended.number


def _demo(site: Path) -> int:
    started = time.monotonic()
    _need_nmap()
    _prepare(site)
    auditor = _auditor()
    with answering(site) as city:
        say(f"{city.listening} servers of the example city answer on loopback addresses")
        for line in describe(city.left_out):
            say(line)
        for step in ("check", "plan"):
            _announce(auditor, step, site)
            # The plan says 4 for the zone that may not be probed: that is part of the story.
            if (status := run([*auditor, step, "--site", str(site)])) not in (Exit.DONE, Exit.PARTIAL):
                return status
        _announce(auditor, "audit", site)
        try:
            status = run([*auditor, "audit", "--site", str(site)])
        except KeyboardInterrupt:
            say(f"the city ends with the demonstration; to go on with both:\n  {_in_city(auditor, site)} --resume")
            raise
        if status not in (Exit.DONE, Exit.PARTIAL):
            return status
        _tell_untouched(city)
    _tell_results(site, status, auditor)
    say(f"\nDone in {time.monotonic() - started:.0f} seconds; everything that was started has ended.")
    return Exit.DONE


def _need_nmap() -> None:
    if shutil.which("nmap") is None:
        raise CityFault(
            "nmap is not installed, and an audit needs it.\n"
            "  Debian, Ubuntu, Kylin, UOS:  sudo apt-get install nmap\n"
            "  openEuler, CentOS, Rocky:    sudo dnf install nmap\n"
            "then start the demonstration again."
        )


def _prepare(site: Path) -> None:
    """Writes the site where there is none; refuses a folder that holds anything else."""
    if not (site / "site.yaml").exists():
        if site.exists() and any(site.iterdir()) and not (site / "registers").is_dir():
            raise CityFault(f"{site} holds something else: name a new folder with --site")
        write_example(site, dt.datetime.now(ZoneInfo("Asia/Shanghai")).date())
        say(f"{site}: the example city's registers and configuration, made up from first to last")
    elif load_site(site).id != SITE_ID:
        raise CityFault(f"{site} is not the example city: name another folder with --site")


def _auditor() -> list[str]:
    """The command of this very installation, whatever else is on the path."""
    return [sys.executable, "-m", "auditor"]


def _spoken(auditor: Sequence[str]) -> str:
    """How a person types that command here."""
    beside = Path(sys.executable).with_name("auditor")
    on_path = shutil.which("auditor")
    if on_path and Path(on_path).resolve() == beside.resolve():
        return "auditor"
    if beside.exists():
        return shlex.quote(os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside))
    return shlex.join([*_python(), *auditor[1:]])


def _announce(auditor: Sequence[str], step: str, site: Path) -> None:
    say(f"\n$ {_spoken(auditor)} {step} --site {shlex.quote(str(site))}")


def _tell_untouched(city: Answering) -> None:
    """The hosts that nobody may touch write down who does: the example's own proof."""
    touched = city.touched.read_text(encoding="utf-8").splitlines()
    if not touched:
        say("\nThe excluded door controller, and whatever nobody authorised, saw not one connection.")
        return
    say(f"\n{len(touched)} connections to hosts that must not be touched, which is a fault of the program:")
    for line in touched[:5]:
        say(f"  {clean(line)}")


def _tell_results(site: Path, status: int, auditor: Sequence[str]) -> None:
    spoken, shown = _spoken(auditor), shlex.quote(str(site))
    if status == Exit.PARTIAL:
        say("The audit ended with 4, done in part, as the example means it to:")
        say("住建局's authorisation has run out, and half of the cloud has none, so nobody looked there.")
    say("\nWhere things lie:")
    for what, path in _results(site):
        say(f"  {what:<22} {path}")
    say("\nTo look further:")
    say(f"  {spoken} findings --site {shown}")
    say(f"  {spoken} findings --unknown --site {shown}")
    if finding := _one_finding([*auditor, "findings", "--site", str(site), "--json"]):
        say(f"  {spoken} explain {finding} --site {shown}")
    say(f"  {spoken} snapshot replay --site {shown}")
    say(f"  {_in_city(auditor, site)}\n      (edit {site / PLAN_FILE} or a register first, and see what changes)")


def _in_city(auditor: Sequence[str], site: Path) -> str:
    """How a person audits the example by hand: its servers answer only beneath such a command."""
    shown = shlex.quote(str(site))
    city = shlex.join([*_python(), "-m", "auditor.city", "run"])
    return f"{city} --site {shown} -- {_spoken(auditor)} audit --site {shown}"


def _python() -> list[str]:
    python = Path(sys.executable)
    return [os.path.relpath(python) if python.is_relative_to(Path.cwd()) else str(python)]


def _results(site: Path) -> Iterator[tuple[str, Path]]:
    """What the audit left behind, as far as it is there."""
    for what, path in (
        ("letters, drafts", site / "out" / "notices"),
        ("the bureau's ledgers", site / "out" / "ledger.xlsx"),
        ("metrics", site / "out" / "metrics.prom"),
        ("findings over time", site / "state" / "ledger.sqlite"),
        ("what is planted", site / "STORY.md"),
    ):
        if path.exists():
            yield what, path


def _one_finding(command: Sequence[str]) -> str:
    """The id of one finding worth explaining; empty where there is none."""
    status, text = captured(command)
    if status != Exit.DONE:
        return ""
    found = json.loads(text)
    best = next((item for item in found if str(item["rule"]).endswith(f"/{_SHOWN_RULE}")), None)
    chosen = best or next(iter(found), None)
    return clean(str(chosen["id"])) if chosen else ""
