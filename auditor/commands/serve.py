"""``serve``: what runs as long as the machine does: the metrics, and the schedule."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.errors import Exit, Refused
from auditor.ledger.errors import LedgerError
from auditor.lock import LockHeld
from auditor.output import say
from auditor.site import Site, load_site
from inventories.faults import clean

if TYPE_CHECKING:
    from types import FrameType

    from auditor.ledger.holding import Held
    from auditor.schedule.clockwork import Clockwork
    from auditor.schedule.running import Scheduler

#: Seconds that requests in flight have when the server is told to end.
GRACE = 3.0
#: Seconds between two looks whether the scheduler's lock is still ours.
_RENEW = 30.0


class Ends:
    """Ctrl-C and SIGTERM: the first ends the serving, each further one hurries the end."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked += 1
        if self.asked == 1:
            raise KeyboardInterrupt


@contextmanager
def _ending() -> Iterator[Ends]:
    ends = Ends()
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, ends) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ends
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def serve(root: Path, listen: str, *, metrics_only: bool = False) -> int:
    """Runs until Ctrl-C or SIGTERM, which is how it is meant to end: exit 0. OSError where it cannot listen.

    Unless ``metrics_only``, the schedule runs beside the metrics: LockHeld where it does so elsewhere.
    """
    site = load_site(root)
    host, port = address(listen)
    with _ending() as ends, contextlib.suppress(KeyboardInterrupt), ExitStack() as running:
        _serve(site, host, port, None if metrics_only else ends, running)
    return Exit.DONE


def _serve(site: Site, host: str, port: int, ends: Ends | None, running: ExitStack) -> None:
    from auditor.exporter.http import Server
    from auditor.exporter.keeping import Keeper
    from auditor.schedule.health import Health

    scheduler, held = _scheduler(site, running) if ends is not None else (None, None)
    keeper = Keeper(site, tell=_tell)
    running.callback(keeper.close)
    health = Health(site, scheduler)
    server = Server(
        host,
        port,
        lambda form, packed: keeper.scrape(form, packed=packed),
        alive=lambda: health.alive().pair,
        ready=lambda: health.ready().pair,
    )
    running.callback(server.finish, GRACE)
    keeper.start()
    if not ipaddress.ip_address(host).is_loopback:
        say(
            f"warning: {host} can be reached from other machines, and whoever reaches it reads every department's "
            "figures: put a proxy that asks who it is before it, or a firewall"
        )
    say(f"auditor serve: {server.url}/metrics")
    if scheduler is not None and held is not None and ends is not None:
        _start(scheduler, held, ends, running)
    server.serve_forever()


def _tell(line: str) -> None:
    say(f"auditor serve: {clean(line, 2000)}")


# --- the schedule -------------------------------------------------------------------------------------------


def _scheduler(site: Site, running: ExitStack) -> tuple[Scheduler, Held]:
    from auditor.ledger.holding import hold
    from auditor.schedule.running import Scheduler
    from auditor.schedule.watched import Watched

    site.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = running.enter_context(hold(site, "scheduler", now=clock.utc_now(), command=clean(" ".join(sys.argv), 300)))
    return Scheduler(Watched(site.root), tell=_tell), held


def _start(scheduler: Scheduler, held: Held, ends: Ends, running: ExitStack) -> None:
    from auditor.schedule.clockwork import Clockwork

    scheduler.begin()
    watched = scheduler.watched
    clockwork = Clockwork(scheduler.turn, lambda: (watched.plan, watched.sky), tell=_tell)
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(scheduler, clockwork, held, over), name="watch", daemon=True)
    running.callback(_finish, scheduler, ends)
    running.callback(clockwork.finish)
    running.callback(over.set)
    clockwork.start()
    watch.start()
    _tell(f"{len(watched.plan.jobs)} jobs on the schedule")


def _finish(scheduler: Scheduler, ends: Ends) -> None:
    if scheduler.running():
        _tell(f"{scheduler.running()} runs are asked to end; what they finished is kept")
    scheduler.finish(lambda: ends.asked)


def _watch(scheduler: Scheduler, clockwork: Clockwork, held: Held, over: threading.Event) -> None:
    """Looks after the clock, and after the lock where that can be lost."""
    seconds = 0.0
    while not over.wait(1.0):
        clockwork.watch()
        seconds += 1.0
        if seconds >= _RENEW:
            seconds = 0.0
            may_start = _is_ours(held)
            if may_start != scheduler.may_start:
                _tell("the scheduler's lock is held" if may_start else "nothing starts: the lock may be another's")
            scheduler.may_start = may_start


def _is_ours(held: Held) -> bool:
    try:
        held.renew()
    except (LockHeld, LedgerError) as error:
        _tell(str(error))
        return False
    return True


def address(text: str) -> tuple[str, int]:
    """``127.0.0.1:9464``, ``[::1]:9464``, ``localhost:9464``. :class:`Refused` for anything else."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:]+)):(\d{1,5})", text.strip())
    host = (found[1] or found[2]) if found else ""
    host = "127.0.0.1" if host == "localhost" else host
    try:
        if found is None or int(found[3]) > 65535:
            raise ValueError
        return str(ipaddress.ip_address(host)), int(found[3])
    except ValueError:
        raise Refused(
            f"--listen {clean(text, 80)!r} is no address and port: write one such as 127.0.0.1:9464"
        ) from None
