"""Where an endpoint really is: its name looked up once, held against the permit, and never looked up again."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from inventories.faults import clean
from inventories.places import Address, Network
from probes.base import Stop
from probes.vsphere.trouble import Trouble

#: How long a name server may take, in seconds.
LOOKUP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``host`` is the name or address as the site wrote it: the one that the certificate must name."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """For people and for failures: no user, no path, no port where it is HTTPS's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{clean(host, 260)}" + (f":{self.port}" if self.port != 443 else "")

    @property
    def literal(self) -> Address | None:
        """Its address where none has to be looked up."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None


def parse_endpoint(text: str) -> Endpoint:
    """``https://vc.example.gov.cn:8443`` → host and port; ValueError for anything but HTTPS to a host.

    What stands behind the host (a path, a query) is not used: the service lies at ``/sdk``.
    """
    parts = urlsplit(text.strip())
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise ValueError("an endpoint is https://host[:port]")
    return Endpoint(parts.hostname, parts.port or 443)


def locate(endpoint: Endpoint, targets: Sequence[Network], stop: Stop) -> Address:
    """The address to connect to: the first of the endpoint's that lies within the permit's targets.

    :class:`Trouble` with reason ``out_of_scope`` where none does: nothing has been sent to it by then.
    """
    literal = endpoint.literal
    found = [literal] if literal is not None else _look_up(endpoint.host, stop)
    for address in found:
        if any(address.version == target.version and address in target for target in targets):
            return address
    where = "" if literal is not None else f" ({', '.join(str(address) for address in found[:3])})"
    raise Trouble("out_of_scope", f"{endpoint.url}{where} lies outside the authorised addresses", ends=True)


def _look_up(host: str, stop: Stop) -> list[Address]:
    """Every address of a name, in the resolver's order. The resolver itself cannot be interrupted: a thread waits."""
    answers: list[Address] = []
    problems: list[str] = []
    done = threading.Event()

    def ask() -> None:
        try:
            for *_rest, where in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
                answers.append(ipaddress.ip_address(where[0]))
        except (OSError, ValueError) as error:
            problems.append(error.strerror or "" if isinstance(error, OSError) else "no host name")
        finally:
            done.set()

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    until = time.monotonic() + LOOKUP_SECONDS
    while not done.wait(0.1):
        if stop.is_set:
            raise Trouble("stopped", stop.reason, ends=True)
        if time.monotonic() > until:
            raise Trouble("timed_out", f"looking up {clean(host, 100)} took too long", ends=True)
    if problems or not answers:
        raise Trouble("unreachable", f"{clean(host, 100)} cannot be looked up: {clean(''.join(problems))}", ends=True)
    return list(dict.fromkeys(answers))
