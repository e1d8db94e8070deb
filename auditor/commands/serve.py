"""``serve``: what runs as long as the machine does. Metrics today; whatever else is to run beside them joins here."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from contextlib import ExitStack
from pathlib import Path

from auditor.errors import Exit, Refused
from auditor.output import say
from auditor.site import Site, load_site
from inventories.faults import clean

#: Seconds that requests in flight have when the server is told to end.
GRACE = 3.0


def serve(root: Path, listen: str) -> int:
    """Runs until Ctrl-C or SIGTERM, which is how it is meant to end: exit 0. OSError where it cannot listen."""
    site = load_site(root)
    host, port = address(listen)
    with contextlib.suppress(KeyboardInterrupt), ExitStack() as running:
        _serve_metrics(site, host, port, running)
    return Exit.DONE


def _serve_metrics(site: Site, host: str, port: int, running: ExitStack) -> None:
    from auditor.exporter.http import Server
    from auditor.exporter.keeping import Keeper

    keeper = Keeper(site, tell=lambda line: say(f"auditor serve: {line}"))
    running.callback(keeper.close)
    server = Server(host, port, lambda form, packed: keeper.scrape(form, packed=packed))
    running.callback(server.finish, GRACE)
    keeper.start()
    if not ipaddress.ip_address(host).is_loopback:
        say(
            f"warning: {host} can be reached from other machines, and whoever reaches it reads every department's "
            "figures: put a proxy that asks who it is before it, or a firewall"
        )
    say(f"auditor serve: {server.url}/metrics")
    server.serve_forever()


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
