"""The vSphere probe over ten thousand machines of the laboratory's vCenter, beside the least script that reads them.

Needs Debian's golang-go and golang-github-vmware-govmomi-dev. Both ask the same properties of the same kinds of
objects, a hundred objects at a time, over a connection whose certificate is checked; they take turns, and the least
of five each counts. The script keeps nothing and makes nothing of what it reads; the probe makes observations, each
with its owner by a table of two rows. The probe asks for the network cards of machines that run and tell nothing of
themselves (one in twenty here): it is held against the script that asks for them too, and against the one that does
not.

*Memory* is that of a process of its own: the most that was held while reading, beyond what is kept in the end (the
observations, and what was imported), beside the same for a quarter of the machines.
"""

from __future__ import annotations

import gc
import importlib.util
import ipaddress
import json
import ssl
import subprocess
import sys
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from benchmarks import Line
from inventories.model import Collection
from inventories.places import Zone
from probes.access import Access, Belongs, VsphereAccess
from probes.base import Context, Stop
from probes.profiles import PROFILES
from probes.scope import Permit
from probes.secrets import Secret
from probes.vsphere.probe import PAGE, VsphereProbe

ADDRESS = "127.77.9.2"
MACHINES, HOSTS = 10_000, 100
ROUNDS = 5
PROMISED = 1.3
#: A few pages as pyVmomi takes them apart, and the ids of what was read; in MB (10⁶ bytes).
FLAT_MB = 10.0


def vcenter() -> ModuleType:
    """The laboratory's simulator."""
    path = Path(__file__).resolve().parent.parent / "tests" / "lab" / "vcenter.py"
    spec = importlib.util.spec_from_file_location("vcenter", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules.setdefault("vcenter", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


def probe(url: str, user: str, password: Path, ca: Path) -> Collection:
    """One look at a simulator, as an audit takes it."""
    network = ipaddress.ip_network(f"{ADDRESS}/32")
    zone = Zone("bench", "测速网", "bench", "department", (network, ipaddress.ip_network("10.0.0.0/8")))
    rows = (Belongs("folder", "*/d07/*", "d07"), Belongs("metadata:owner", "d*", "", "S-{value}"))
    access = Access(vsphere=(VsphereAccess(url, user, Secret("file", str(password)), ca=ca, belongs=rows),))
    until = datetime.now(UTC) + timedelta(hours=1)
    permit = Permit(zone, (network,), (), PROFILES["fast"], ("bench",), until, access=access)
    looking = VsphereProbe()
    (shard,) = looking.shards(permit)
    with tempfile.TemporaryDirectory() as home:
        return looking.collect(shard, Context(permit, Path(home), Stop(), lambda: datetime.now(UTC)))


def script(url: str, user: str, password: str, ca: Path, *, cards: bool) -> int:
    """The least that pyVmomi needs to read the same; returns how many objects it saw."""
    from pyVim import connect
    from pyVmomi import vim, vmodl

    from probes.vsphere import reader
    from probes.vsphere.soap import type_of

    pc: Any = vmodl.query.PropertyCollector
    dial: Any = connect
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=str(ca))
    si: Any = dial.SmartConnect(host=parts.hostname, port=parts.port, user=user, pwd=password, sslContext=context)
    content = si.RetrieveContent()
    collector, count = content.propertyCollector, 0

    def devices(page: Any) -> None:
        mute = []
        for entry in page.objects:
            said = {prop.name: prop.val for prop in entry.propSet}
            if said.get("runtime.powerState") == "poweredOn" and not said.get("guest.net"):
                mute.append(pc.ObjectSpec(obj=entry.obj))
        if mute:
            wanted = pc.PropertySpec(type=vim.VirtualMachine, pathSet=["config.hardware.device"])
            spec = pc.FilterSpec(objectSet=mute, propSet=[wanted])
            collector.RetrievePropertiesEx([spec], pc.RetrieveOptions())

    kinds = (reader.TREE, reader.HOSTS, reader.CLUSTERS, reader.DATASTORES, reader.NETWORKS, reader.MACHINES)
    for wanted in kinds:
        types = [type_of(name) for name in wanted.properties]
        view = content.viewManager.CreateContainerView(content.rootFolder, types, True)
        step = pc.TraversalSpec(name="view", path="view", skip=False, type=type(view))
        asked = [
            pc.PropertySpec(type=type_of(name), pathSet=list(paths)) for name, paths in wanted.properties.items()
        ]
        spec = pc.FilterSpec(objectSet=[pc.ObjectSpec(obj=view, skip=True, selectSet=[step])], propSet=asked)
        page = collector.RetrievePropertiesEx([spec], pc.RetrieveOptions(maxObjects=PAGE))
        while page is not None:
            count += len(page.objects)
            if cards and wanted is reader.MACHINES:
                devices(page)
            page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None
        view.Destroy()
    dial.Disconnect(si)
    return count


def megabytes(name: str) -> float:
    """``VmHWM`` or ``VmRSS`` of this process."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024 / 1e6


def memory(url: str, user: str, password: str, ca: str) -> None:
    """What :func:`peaks` starts. The first look loads what pyVmomi makes its types of, and is not counted."""
    probe(url, user, Path(password), Path(ca))
    gc.collect()
    tracemalloc.start()
    got = probe(url, user, Path(password), Path(ca))
    gc.collect()
    kept, most = tracemalloc.get_traced_memory()
    failures = [failure.message for failure in got.failures]
    print(json.dumps([(most - kept) / 1e6, megabytes("VmHWM"), len(got.observations), failures]))


def peaks(vc: Any) -> tuple[float, float]:
    """Of a fresh process, in MB: the most that was held while reading beyond what is kept, and its peak in all."""
    argv = [
        sys.executable,
        "-m",
        "benchmarks.vsphere",
        "--memory",
        vc.url,
        vc.user,
        str(vc.password_file),
        str(vc.ca),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    working, peak, count, failures = json.loads(done.stdout)
    if failures or not count:
        raise RuntimeError(f"the simulator was not read to the end: {failures}")
    return working, peak


def main() -> list[Line]:
    """Measures; RuntimeError where the simulator cannot be built here."""
    module = vcenter()
    with tempfile.TemporaryDirectory(prefix="vsphere-bench-") as name:
        folder = Path(name)
        with module.VCenter(ADDRESS, machines=MACHINES, hosts=HOSTS, directory=folder) as vc:
            lines = _speed(vc)
            large = peaks(vc)
        with module.VCenter(ADDRESS, machines=MACHINES // 4, hosts=HOSTS, directory=folder) as vc:
            small = peaks(vc)
    lines.append(
        Line(
            f"vSphere: memory at work while {MACHINES:,} machines are read",
            f"{large[0]:.1f} MB ({small[0]:.1f} for a quarter of them); {large[1]:.0f} MB in all, traced",
            f"<= {FLAT_MB:g} MB",
            large[0] <= FLAT_MB,
        )
    )
    return lines


def _speed(vc: Any) -> list[Line]:
    ours: list[float] = []
    least: list[float] = []
    bare: list[float] = []
    script(vc.url, vc.user, vc.password, vc.ca, cards=True)  # the first run loads pyVmomi's types
    for _ in range(ROUNDS):
        for cards, times in ((True, least), (False, bare)):
            began = time.perf_counter()
            count = script(vc.url, vc.user, vc.password, vc.ca, cards=cards)
            times.append(time.perf_counter() - began)
        began = time.perf_counter()
        got = probe(vc.url, vc.user, vc.password_file, vc.ca)
        ours.append(time.perf_counter() - began)
    machines = sum(o.kind == "host" for o in got.observations) - HOSTS
    whole = not got.failures and len(got.coverage) == 1 and machines == MACHINES
    over_least, over_bare = min(ours) / min(least), min(ours) / min(bare)
    promised = f"<= {PROMISED:g}"
    return [
        Line("vSphere: a minimal pyVmomi script", f"{min(least):.2f} s, {count} objects"),
        Line("vSphere: the probe", f"{min(ours):.2f} s, {machines} machines", "all", whole),
        Line("  over the script", f"{over_least:.2f}", promised, over_least <= PROMISED),
        Line("  over the script without network cards", f"{over_bare:.2f}", promised, over_bare <= PROMISED),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        memory(*sys.argv[2:])
    else:
        for line in main():
            print(line.name, line.measured, line.promised, line.met, sep="  ")
