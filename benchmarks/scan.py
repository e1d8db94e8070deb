"""The nmap probe over a sparse /20 in network namespaces, against nmap left to itself.

Needs root, iproute2, nftables and nmap. 4,096 addresses, 5 % of them live, 30 % of those behind a firewall of
their own (no ping, closed ports silent); scanner and targets share this machine. Every case asks the same ports
and stops at them (no version detection). What is measured:

- *plain*: one ``nmap -T4`` with the same ports, as nmap comes; it misses most of the firewalled hosts;
- *plain, same hosts*: the same with the probe's own discovery ports, so that it finds what the probe finds;
- *probe*: ours, profile ``fast``; *bare*: the very nmap commands that the probe ran, run again by themselves,
  as many beside each other, nothing reading what they write. Probe and bare take turns; the least of three each;
- *memory*: peak of a process of its own that scans 4,096 live addresses with ten open ports each.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import Line
from inventories.model import Collection
from inventories.places import Zone
from probes import nmap_command, nmap_scan
from probes.base import Stop
from probes.nmap_process import Ended, run_command
from probes.nmap_scan import NmapProbe
from probes.profiles import PROFILES
from probes.run import run_probes
from probes.scope import Permit

PREFIX = "10.9.0.0/20"
PORTS = (22, 80, 135, 443, 445, 902, 1433, 1521, 3306, 3389, 5236, 5432, 6379, 8080, 8443, 54321)
MANY = dict.fromkeys((22, 80, 135, 443, 445, 902, 1433, 1521, 3306, 5236), "mute")
ROUNDS = 3


def netns() -> ModuleType:
    """The laboratory's builder of networks."""
    path = Path(__file__).resolve().parent.parent / "tests" / "lab" / "netns.py"
    spec = importlib.util.spec_from_file_location("netns", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules.setdefault("netns", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


def clock() -> datetime:
    return datetime.now(UTC)


def permit(ports: Sequence[int]) -> Permit:
    network = ipaddress.ip_network(PREFIX)
    zone = Zone("bench", "测速网", "bench", "department", (network,))
    profile = replace(PROFILES["fast"], ports=tuple(ports))
    return Permit(zone, (network,), (), profile, ("bench",), clock() + timedelta(hours=1))


def probe(net: Any, folder: Path, ports: Sequence[int] = PORTS) -> tuple[float, Collection]:
    began = time.perf_counter()
    probes = [NmapProbe(command=net.nmap, versions=False)]
    got = run_probes(probes, [permit(ports)], workdir=folder, stop=Stop(), now=clock)
    return time.perf_counter() - began, got


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    targets: str


def recorded(net: Any, folder: Path) -> list[list[Command]]:
    """The commands of each shard, in order, as the probe runs them."""
    shards: dict[Path, list[Command]] = {}

    def record(argv: Sequence[str], *, folder: Path, deadline_seconds: float, stop: Stop) -> Ended:
        targets = (folder / nmap_command.TARGETS).read_text()
        shards.setdefault(folder, []).append(Command(tuple(argv), targets))
        return run_command(argv, folder=folder, deadline_seconds=deadline_seconds, stop=stop)

    nmap_scan.run_command = record
    try:
        probe(net, folder)
    finally:
        nmap_scan.run_command = run_command
    return list(shards.values())


def bare(shards: Sequence[Sequence[Command]], folder: Path) -> float:
    """The same commands again, as many shards beside each other; only waits for them."""

    def shard(number: int) -> None:
        home = folder / f"bare-{number}"
        home.mkdir(exist_ok=True)
        (home / nmap_command.EXCLUDED).write_text("")
        for command in shards[number]:
            (home / nmap_command.TARGETS).write_text(command.targets)
            subprocess.run(
                command.argv,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
            )

    began = time.perf_counter()
    with ThreadPoolExecutor(PROFILES["fast"].parallel) as pool:
        list(pool.map(shard, range(len(shards))))
    return time.perf_counter() - began


def plain(net: Any, folder: Path, *discovery: str) -> tuple[float, set[str], int]:
    """One nmap over everything: seconds, hosts found, open ports found."""
    xml = folder / "plain.xml"
    ports = nmap_command.ports_text(PORTS)
    began = time.perf_counter()
    subprocess.run(
        [*net.nmap, "-n", "-T4", *discovery, "-p", ports, "-oX", str(xml), PREFIX],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    took = time.perf_counter() - began
    hosts = [host for host in nmap_scan.read_report(xml).hosts if host.state == "up"]
    return took, {host.address for host in hosts}, sum(p.state == "open" for host in hosts for p in host.ports)


def seen(got: Collection) -> tuple[set[str], int]:
    hosts = {observation.identifiers[0].value for observation in got.observations}
    return hosts, sum(fact.column == "open_services" for o in got.observations for fact in o.facts)


def peak_memory(net: Any, folder: Path) -> tuple[float, int, int]:
    """Peak of a fresh process over 4,096 live hosts, in MB (10⁶ bytes); hosts and open ports that it found."""
    argv = [sys.executable, "-m", "benchmarks.scan", "--memory", json.dumps(net.nmap), str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    peak, hosts, ports = done.stdout.split()
    return int(peak) * 1024 / 1e6, int(hosts), int(ports)


def memory(command: str, folder: str) -> None:
    """What :func:`peak_memory` starts."""

    class There:
        nmap = tuple(json.loads(command))

    _, got = probe(There, Path(folder), tuple(MANY))
    hosts, ports = seen(got)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(hosts), ports)


def main() -> list[Line]:
    """Measures; RuntimeError where networks cannot be built here."""
    built = netns()
    if not built.usable():
        raise RuntimeError("needs root, iproute2, nftables and nmap")
    with tempfile.TemporaryDirectory(prefix="scan-bench-") as name:
        folder = Path(name)
        hosts = built.crowd_of(PREFIX)
        with built.Net(PREFIX, hosts, directory=folder) as net:
            lines = _sparse(net, folder, {host.address for host in hosts}, sum(len(host.ports) for host in hosts))
        with built.Net(PREFIX, everywhere=MANY, directory=folder) as net:
            lines.append(_dense(net, folder))
    return lines


def _sparse(net: Any, folder: Path, live: set[str], ports: int) -> list[Line]:
    own = f"-PS{nmap_command.ports_text(nmap_command.PROBE_PORTS)}"
    as_it_comes = plain(net, folder)
    same_hosts = plain(net, folder, "-PE", own)
    shards = recorded(net, folder)
    ours: list[float] = []
    again: list[float] = []
    for _ in range(ROUNDS):
        took, got = probe(net, folder)
        ours.append(took)
        again.append(bare(shards, folder))
    found, opened = seen(got)
    best, floor = min(ours), min(again)

    def said(took: float, hosts: set[str], opened: int) -> str:
        return f"{took:.2f} s, {len(hosts & live)} of {len(live)} hosts, {opened} of {ports} open ports"

    same = f"{same_hosts[0] / best:.1f} times"
    return [
        Line("scan of a sparse /20: plain nmap -T4", said(*as_it_comes)),
        Line("scan of a sparse /20: plain nmap -T4 that finds the same hosts", said(*same_hosts)),
        Line("scan of a sparse /20: the probe", said(best, found, opened), "all", found == live and opened == ports),
        Line("  faster than plain nmap", f"{as_it_comes[0] / best:.1f} times", ">= 4", as_it_comes[0] / best >= 4),
        Line("  faster than plain nmap that finds the same hosts", same, ">= 4", same_hosts[0] / best >= 4),
        Line(
            "  over its own commands run bare", f"{best / floor:.2f} ({floor:.2f} s)", "<= 1.10", best / floor <= 1.1
        ),
    ]


def _dense(net: Any, folder: Path) -> Line:
    peak, hosts, opened = peak_memory(net, folder)
    fine = peak < 150 and hosts == 4096 and opened == 40_960
    return Line(
        "scan: peak memory, 4,096 live hosts", f"{peak:.0f} MB, {hosts} hosts, {opened} ports", "< 150 MB", fine
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        memory(*sys.argv[2:])
    else:
        for line in main():
            print(line.name, line.measured, line.promised, line.met, sep="  ")
