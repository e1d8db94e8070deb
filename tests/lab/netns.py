"""Small networks in network namespaces: scanners, and crowds of addresses that answer as told.

A crowd is one namespace that owns any set of addresses of a prefix (local routes on ``lo``), whose listeners
bind each its own address, and whose firewall may hide some of them. Whatever it does not own is silent.
Nothing has a way out: neither namespace has a default route. Needs root, iproute2 and nftables.

``python netns.py serve FILE`` is the listeners' process inside a crowd.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Greeting sent at once on connection, by kind of service; "mute" accepts and says nothing.
GREETINGS = {
    "ssh": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "esxi": b"220 VMware Authentication Daemon Version 1.10: SSL Required, ServerDaemonProtocol:SOAP, "
    b"MKSDisplayProtocol:VNC , , NFCSSL supported/t\r\n",
}


@dataclass(frozen=True)
class Host:
    """One live address. ``ports`` maps port → kind: ``mute``, ``ssh``, ``esxi`` or ``page:TITLE``.

    ``walled``: no ping, and every other port is silent.
    """

    address: str
    ports: Mapping[int, str]
    walled: bool = False


def usable() -> bool:
    """Whether namespaces can be built here."""
    return os.geteuid() == 0 and all(shutil.which(tool) for tool in ("ip", "nft", "nmap"))


def run(*command: str, text: str | None = None, check: bool = True) -> str:
    done = subprocess.run(command, input=text, text=True, capture_output=True, timeout=60)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


@dataclass
class Net:
    """One scanner and one crowd, joined by a link. Use as a context manager; everything is ended at exit."""

    prefix: str
    hosts: Sequence[Host] = ()
    #: Answer on every address of the prefix, on these ports.
    everywhere: Mapping[int, str] | None = None
    directory: Path = field(default_factory=lambda: Path("/tmp"))
    name: str = field(default_factory=lambda: "au" + secrets.token_hex(4))
    server: subprocess.Popen[str] | None = None

    @property
    def scanner(self) -> str:
        return f"{self.name}s"

    @property
    def crowd(self) -> str:
        return f"{self.name}c"

    @property
    def nmap(self) -> tuple[str, ...]:
        """The command that starts nmap at this network's scanner."""
        return ("ip", "netns", "exec", self.scanner, "nmap")

    def __enter__(self) -> Net:
        try:
            self._links()
            self._addresses()
            self._walls()
            self._serve()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.down()

    def _links(self) -> None:
        for namespace in (self.scanner, self.crowd):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        run(
            "ip",
            "link",
            "add",
            "eth0",
            "netns",
            self.scanner,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            self.crowd,
        )
        for namespace, address in ((self.scanner, "192.0.2.1/30"), (self.crowd, "192.0.2.2/30")):
            run("ip", "-n", namespace, "addr", "add", address, "dev", "eth0")
            run("ip", "-n", namespace, "link", "set", "eth0", "up")
        run("ip", "-n", self.scanner, "route", "add", self.prefix, "via", "192.0.2.2")
        # An address here answers a whole audit: replies must not be slowed down as if it were an attack.
        settings = ("net.ipv4.icmp_ratelimit=0", "net.ipv4.tcp_max_syn_backlog=65536", "net.core.somaxconn=4096")
        run("ip", "netns", "exec", self.crowd, "sysctl", "-qw", *settings, check=False)

    def _addresses(self) -> None:
        routes = [self.prefix] if self.everywhere is not None else [f"{host.address}/32" for host in self.hosts]
        lines = "".join(f"route add local {route} dev lo\n" for route in routes)
        run("ip", "-n", self.crowd, "-batch", "-", text=lines)

    def _walls(self) -> None:
        walled = [host for host in self.hosts if host.walled]
        rules = ""
        if walled:
            opened = ", ".join(f"{host.address} . {port}" for host in walled for port in host.ports)
            addresses = ", ".join(host.address for host in walled)
            rules = (
                f" set walled {{ type ipv4_addr; elements = {{ {addresses} }} }}\n"
                f" set opened {{ type ipv4_addr . inet_service; elements = {{ {opened} }} }}\n"
                " chain wall { type filter hook input priority 0;\n"
                "  ct state established accept\n"
                "  ip daddr . tcp dport @opened accept\n"
                "  ip daddr @walled drop\n }\n"
            )
        # Every packet that reaches the crowd is counted by the address it was sent to, before anything else.
        count = (
            " set met { type ipv4_addr; flags dynamic; size 131072; counter; }\n"
            " set begun { type ipv4_addr; flags dynamic; size 131072; counter; }\n"
            " chain count { type filter hook prerouting priority -400;\n"
            "  iif eth0 add @met { ip daddr }\n"
            "  iif eth0 tcp flags & (syn | ack) == syn add @begun { ip daddr }\n }\n"
        )
        run("ip", "netns", "exec", self.crowd, "nft", "-f", "-", text=f"table inet lab {{\n{count}{rules}}}\n")

    def _serve(self) -> None:
        plan: list[tuple[str, int, str]] = [
            (h.address, port, kind) for h in self.hosts for port, kind in h.ports.items()
        ]
        plan += [("0.0.0.0", port, kind) for port, kind in (self.everywhere or {}).items()]
        file = self.directory / f"{self.name}.json"
        file.write_text(json.dumps(plan))
        self.server = subprocess.Popen(
            ["ip", "netns", "exec", self.crowd, sys.executable, str(Path(__file__).resolve()), "serve", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.server.stdout is not None
        if self.server.stdout.readline().strip() != "ready":
            raise RuntimeError("the listeners did not start")
        file.unlink()

    def met(self) -> dict[str, int]:
        """Address → packets that arrived at the crowd for it, from the scanner."""
        return self._counted("met")

    def begun(self) -> dict[str, int]:
        """Address → connections that the scanner began, answered or not."""
        return self._counted("begun")

    def _counted(self, name: str) -> dict[str, int]:
        out = json.loads(run("ip", "netns", "exec", self.crowd, "nft", "-j", "list", "set", "inet", "lab", name))
        entries = next(item["set"] for item in out["nftables"] if "set" in item).get("elem", [])
        return {entry["elem"]["val"]: entry["elem"]["counter"]["packets"] for entry in entries}

    def processes(self) -> list[int]:
        """What runs at the scanner now."""
        return [int(pid) for pid in run("ip", "netns", "pids", self.scanner, check=False).split()]

    def down(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            if self.server.stdout is not None:
                self.server.stdout.close()
        for namespace in (self.scanner, self.crowd):
            # Whatever runs in a namespace of our own was started for it.
            for pid in run("ip", "netns", "pids", namespace, check=False).split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    continue
            run("ip", "netns", "del", namespace, check=False)


async def _serve(plan: Iterable[tuple[str, int, str]]) -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    servers = [await asyncio.start_server(_answer(kind), address, port, backlog=1024) for address, port, kind in plan]
    print("ready", flush=True)
    await asyncio.Event().wait()
    del servers


def _answer(kind: str):  # type: ignore[no-untyped-def]
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if kind in GREETINGS:
                writer.write(GREETINGS[kind])
                await writer.drain()
            request = await asyncio.wait_for(reader.read(4096), 30)
            if kind.startswith("page:") and request:
                body = f"<html><head><title>{kind[5:]}</title></head></html>".encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
                writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
                await writer.drain()
        except (OSError, TimeoutError):
            pass
        finally:
            writer.close()

    return answer


def wait_until(true, seconds: float = 5.0) -> bool:  # type: ignore[no-untyped-def]
    """Polls ``true()`` until it holds or the time is over; says which."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return bool(true())


def crowd_of(prefix: str, share: float = 0.05, walled: float = 0.3, seed: int = 1) -> list[Host]:
    """A sparse network: ``share`` of the addresses live, of which ``walled`` are behind their own firewall."""
    import random

    chance = random.Random(seed)
    network = ipaddress.ip_network(prefix)
    kinds: Sequence[Mapping[int, str]] = (
        {22: "ssh", 3306: "mute"},
        {22: "ssh", 80: "page:综合服务平台"},
        {135: "mute", 445: "mute", 3389: "mute", 1433: "mute"},
        {22: "ssh", 5236: "mute", 54321: "mute"},
        {443: "mute", 902: "esxi"},
    )
    picked = sorted(chance.sample(range(1, network.num_addresses - 1), round(network.num_addresses * share)))
    hidden = set(chance.sample(picked, round(len(picked) * walled)))
    return [Host(str(network[i]), kinds[n % len(kinds)], i in hidden) for n, i in enumerate(picked)]


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(Path(sys.argv[2]).read_text())))
