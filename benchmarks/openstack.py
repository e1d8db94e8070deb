"""The openstack probe over 2,000 servers, against a minimal openstacksdk script that lists the same.

Both list servers of all projects, ports, floating addresses, networks, subnets, images, volumes, hypervisors and
projects, in this process, taking turns; the least of several rounds each. What is measured:

- *replayed*: recorded answers of a real cloud, from another process, in pages of a thousand as nova gives them: here
  what counts is the client's own work;
- *real*: a real cloud of the laboratory with 2,000 copied rows: here nova's own time drowns everything else;
- *memory*: peak of a process of its own that lets the pages pass, over 2,000 and over 20,000 servers.

Needs what the laboratory's cloud needs: PyPI, and some minutes.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import ipaddress
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

from benchmarks import Line
from inventories.model import Collection
from inventories.places import Zone
from probes.access import Access, OpenstackAccess
from probes.base import Context, Stop
from probes.openstack_cloud.probe import OpenstackProbe
from probes.profiles import PROFILES
from probes.run import run_probes
from probes.scope import Permit
from probes.secrets import Secret

SERVERS, MANY = 2_000, 20_000
ADDRESS = "127.20.0.20"
PASSWORD = "openstack-bench"
TESTS = Path(__file__).resolve().parent.parent / "tests"
REPLAY = TESTS / "probes" / "openstack_cloud" / "replay.py"


def loaded(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def clock() -> datetime:
    return datetime.now(UTC)


def permit(url: str, password: str) -> Permit:
    os.environ["OPENSTACK_BENCH"] = password
    access = OpenstackAccess(url, "city-admin", Secret.parse("env:OPENSTACK_BENCH"), cloud="BENCH")
    networks = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8"))
    zone = Zone("bench", "测速云", "bench", "government_cloud", networks)
    until = clock() + timedelta(hours=2)
    return Permit(zone, networks, (), PROFILES["fast"], ("bench",), until, access=Access(openstack=(access,)))


def ours(url: str, password: str) -> int:
    """The probe's whole run; servers found."""
    with tempfile.TemporaryDirectory(prefix="openstack-bench-") as folder:
        got: Collection = run_probes(
            [OpenstackProbe()], [permit(url, password)], workdir=Path(folder), stop=Stop(), now=clock
        )
    if got.failures or not got.coverage:
        raise RuntimeError(f"the probe did not read everything: {got.failures}")
    return sum(any(f.column == "cloud_project" for f in o.facts) for o in got.observations)


def minimal(url: str, password: str) -> int:
    """The same lists, as openstacksdk gives them; servers found."""
    import openstack

    conn = openstack.connect(
        auth_url=url,
        username="city-admin",
        password=password,
        project_name="admin",
        user_domain_name="Default",
        project_domain_name="Default",
        region_name="gov-1",
        load_yaml_config=False,
        load_envvars=False,
        identity_endpoint_override=url,
        # The microversion that the probe speaks, so that nova does the same work.
        compute_default_microversion="2.69",
    )
    for listed in (
        conn.identity.projects(),
        conn.network.networks(),
        conn.network.subnets(),
        conn.network.ports(),
        conn.network.ips(),
        conn.image.images(),
        conn.block_storage.volumes(all_projects=True),
        conn.compute.hypervisors(details=True),
    ):
        list(listed)
    return sum(1 for _ in conn.compute.servers(all_projects=True))


def least(work: Callable[[str, str], int], url: str, password: str, expected: int) -> float:
    began = time.perf_counter()
    if (found := work(url, password)) != expected:
        raise RuntimeError(f"{work.__name__} found {found} of {expected} servers")
    return time.perf_counter() - began


def compared(url: str, password: str, expected: int, rounds: int) -> tuple[float, float]:
    """Seconds of the probe and of the script, the least of ``rounds`` turns each, after one that warms both up."""
    least(ours, url, password, expected)
    least(minimal, url, password, expected)
    turns = [(least(ours, url, password, expected), least(minimal, url, password, expected)) for _ in range(rounds)]
    return min(turn[0] for turn in turns), min(turn[1] for turn in turns)


@contextmanager
def replayed(count: int) -> Iterator[str]:
    """The login's address of a replay with ``count`` servers more, in a process of its own."""
    argv = [sys.executable, str(REPLAY), str(count), PASSWORD]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)


def peak(what: str, count: int) -> float:
    """Peak in MB (10⁶ bytes) of a fresh process over ``count`` servers: ``pages`` alone, or the ``whole`` probe."""
    with replayed(count) as url:
        argv = [sys.executable, "-m", "benchmarks.openstack", "--memory", what, url]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return int(done.stdout) * 1024 / 1e6


def memory(what: str, url: str) -> None:
    """What :func:`peak` starts."""
    if what == "whole":
        ours(url, PASSWORD)
    else:
        pages(url)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def pages(url: str) -> None:
    """Lets the servers' pages pass and keeps none of what is in them."""
    from contextlib import closing

    from probes.openstack_cloud.ask import Asker
    from probes.openstack_cloud.facts import Joined
    from probes.openstack_cloud.keystone import Login
    from probes.openstack_cloud.region import Region
    from probes.openstack_cloud.survey import Survey
    from probes.openstack_cloud.wire import Wire

    given = permit(url, PASSWORD)
    (access,) = given.access.openstack
    context = Context(given, Path(), Stop(), clock)
    teller = Survey(access, context, "openstack")._teller()
    with closing(Wire(given.targets, context.stop)) as wire:
        login = Login(access, PASSWORD, wire, Asker(context), True)
        token = login.token(login.projects().projects[0])
        for rows in Region("gov-1", token, login.asker, wire, access.auth_url, whole=True).servers():
            for row in rows:
                teller.server(row, "project", Joined())


def main() -> list[Line]:
    lines: list[Line] = []
    name = "2,000 servers from OpenStack"
    with replayed(SERVERS) as url:
        lines += _lines(f"{name}, replayed", *compared(url, PASSWORD, SERVERS + 5, 5))
    lab = loaded("cloud", TESTS / "lab" / "cloud.py")
    plan = loaded("openstack_lab_tests", TESTS / "lab" / "test_openstack.py").PLAN
    users = tuple(dataclasses.replace(user, password=PASSWORD) for user in plan.users)
    began = time.perf_counter()
    with lab.Cloud(ADDRESS, plan=dataclasses.replace(plan, users=users, copies=SERVERS)) as cloud:
        lines.append(Line("  a real cloud with 2,000 rows more, started", f"{time.perf_counter() - began:.0f} s"))
        lines += _lines(f"{name}, real", *compared(cloud.auth_url, PASSWORD, SERVERS + 5, 2))
    few, many = peak("pages", SERVERS), peak("pages", MANY)
    passing = f"{few:.0f} MB over 2,000, {many:.0f} MB over 20,000"
    lines.append(Line("  peak memory while pages pass", passing, "flat (<= 1.10)", many / few <= 1.10))
    lines.append(Line("  peak memory with all that was seen, 2,000 servers", f"{peak('whole', SERVERS):.0f} MB"))
    return lines


def _lines(name: str, probe: float, script: float) -> list[Line]:
    ratio = probe / script
    return [
        Line(f"{name}: minimal openstacksdk script", f"{script:.2f} s"),
        Line(f"{name}: the probe", f"{probe:.2f} s"),
        Line("  over the script", f"{ratio:.2f}", "<= 1.10", ratio <= 1.1),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        memory(*sys.argv[2:])
    else:
        for line in main():
            print(line.name, line.measured, line.promised, line.met, sep="  ")
