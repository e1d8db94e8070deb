"""Observations into assets: a synthetic city of 10⁴ to 10⁶ observations, reconciled, inferred, and reconciled again.

Two thirds are what a scan sees, a third are rows of registers, four in five of them of machines that the scan sees
too. The second audit starts from the first one's keys and must give every asset the same. Each size runs in a process
of its own; its peak memory holds the observations too.
"""

from __future__ import annotations

import ipaddress
import math
import multiprocessing
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from benchmarks import Line
from inventories.identity import code_id, department_id, ip_id, mac_id, name_id, serial_id
from inventories.infer import infer
from inventories.model import Collection, Coverage, Fact, KeyMap, Observation, Strength, Submission
from inventories.places import Places, Zone
from inventories.reconcile import reconcile

SIZES = (10_000, 100_000, 1_000_000)
DEPARTMENTS = 100
AT = datetime(2026, 3, 2, tzinfo=UTC)
#: Close to linear: a hundred times the input may take this power of a hundred.
MOST_GROWTH = 1.15

_SEEN, _SAID = Strength.SEEN_OUTSIDE, Strength.DECLARED


@dataclass(frozen=True, slots=True)
class Measured:
    observations: int
    assets: int
    reconcile_seconds: float
    infer_seconds: float
    again_seconds: float
    input_mib: float
    peak_mib: float


def zones() -> tuple[Zone, ...]:
    return tuple(
        Zone(f"z{d}", f"部门 {d} 网络", "scanner", "department", (ipaddress.ip_network(f"10.{d}.0.0/16"),), f"d{d}")
        for d in range(DEPARTMENTS)
    )


def city(size: int) -> Iterator[Observation]:
    """The same city at every call."""
    for d in range(DEPARTMENTS):
        values = {
            "department_id": f"d{d}",
            "name": f"部门{d}",
            "region": "140800",
            "sector": "general",
            "level_of_government": "city",
        }
        facts = tuple(Fact(column, value, _SAID) for column, value in values.items())
        row = f"registers/departments.csv!{d + 2}"
        yield Observation("department", "register", row, AT, (department_id(f"d{d}"),), facts)
    for i in range(size):
        if i % 3 != 2:
            yield _scanned(i)
        else:
            # Four rows in five are of the machine that was scanned just before.
            yield _row(i, i - 1 if i % 5 else i)


def _address(i: int) -> tuple[int, str]:
    """The department and the address of machine ``i``."""
    d, n = i % DEPARTMENTS, i // DEPARTMENTS
    return d, f"10.{d}.{n // 250 % 256}.{n % 250 + 1}"


def _scanned(i: int) -> Observation:
    d, ip = _address(i)
    mac = mac_id(f"02:00:{i >> 24 & 255:02x}:{i >> 16 & 255:02x}:{i >> 8 & 255:02x}:{i & 255:02x}", "scanner")
    facts = (
        Fact("ips", (ip,), _SEEN),
        Fact("answers", True, _SEEN, "open port"),
        Fact("open_services", ("22/tcp ssh OpenSSH 8.2",), _SEEN, "SSH-2.0-OpenSSH_8.2"),
        Fact("open_services", ("80/tcp http nginx 1.22.1",), _SEEN, "nginx/1.22.1"),
        Fact("page_titles", (f"业务系统 {i}" if i % 50 == 0 else "404 Not Found",), _SEEN, "80/tcp"),
        Fact("products", ("web:nginx",), _SEEN, "80/tcp nginx"),
    )
    at = AT + timedelta(seconds=i % 3600)
    identifiers = (ip_id(ip, "scanner"), mac) if mac else (ip_id(ip, "scanner"),)
    return Observation("host", "nmap", "nmap", at, identifiers, facts, zone=f"z{d}")


def _row(i: int, machine: int) -> Observation:
    d, ip = _address(machine)
    if i % 10 == 2:
        facts = (
            Fact("code", f"S-{i}", _SAID),
            Fact("name", f"信息系统 {i}", _SAID),
            Fact("hosting", ("own_room",), _SAID, "本地机房"),
            Fact("addresses", (ip,), _SAID),
            Fact("approval_no", None, _SAID, "无", True),
            Fact("status", "running", _SAID, "运行"),
        )
        identifiers = (code_id("system", f"S-{i}"), name_id("system", f"d{d}", f"信息系统 {i}"))
        row = f"registers/systems.csv!{i}"
        return Observation("system", "register", row, AT, identifiers, facts, department_id=f"d{d}")
    serial = serial_id("Huawei", f"2102{i:09d}")
    known = (code_id("host", f"H-{i}"), *((serial,) if serial else ()), ip_id(ip, "scanner"))
    facts = (
        Fact("code", f"H-{i}", _SAID),
        Fact("name", f"服务器 {i}", _SAID),
        Fact("ips", (ip,), _SAID, ip),
        Fact("model", "RH2288H V3", _SAID),
    )
    row = f"registers/hosts.csv!{i}"
    return Observation("host", "register", row, AT, known, facts, department_id=f"d{d}")


def collection(size: int) -> Collection:
    return Collection(
        observations=tuple(city(size)),
        coverage=tuple(
            Coverage("nmap", zone.id, "scanner", aspect, (str(zone.prefixes[0]),), AT, AT, "tcp:22,80")
            for zone in zones()
            for aspect in ("hosts", "ports", "services")
        ),
        submissions=tuple(
            Submission(f"d{d}", register, date(2026, 2, 1))
            for d in range(DEPARTMENTS)
            for register in ("hosts", "systems")
        ),
    )


def measure(size: int) -> Measured:
    """One size, in this process."""
    found, places, today = collection(size), Places(zones()), date(2026, 3, 2)
    input_mib = _peak_mib()
    started = time.process_time()
    first = reconcile(found, places=places, keymap=KeyMap(), today=today, site="bench")
    reconciled = time.process_time()
    told = infer(first, found, places=places, today=today, site="bench")
    inferred = time.process_time()
    peak = _peak_mib()
    keys = [asset.key for asset in first.assets]
    assets, keymap = len(told.assets), told.keymap
    del first, told
    again = time.process_time()
    second = reconcile(found, places=places, keymap=keymap, today=date(2026, 3, 9), site="bench")
    ended = time.process_time()
    if [asset.key for asset in second.assets] != keys:
        raise AssertionError("the second audit of the same city gave other keys")
    return Measured(size, assets, reconciled - started, inferred - reconciled, ended - again, input_mib, peak)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> list[Line]:
    """Each size once, smallest first."""
    lines, measured = [], []
    context = multiprocessing.get_context("spawn")
    for size in SIZES:
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            m = pool.submit(measure, size).result()
        measured.append(m)
        lines.append(
            Line(
                f"reconcile {size:,} observations into {m.assets:,} assets",
                f"{m.reconcile_seconds:.1f} s, infer {m.infer_seconds:.1f} s, next audit {m.again_seconds:.1f} s CPU;"
                f" peak {m.peak_mib:.0f} MiB ({m.input_mib:.0f} of input)",
            )
        )
    least, most = measured[0], measured[-1]
    growth = math.log(most.reconcile_seconds / least.reconcile_seconds) / math.log(
        most.observations / least.observations
    )
    lines.append(
        Line(
            f"growth of reconciling, {least.observations:,} to {most.observations:,}",
            f"n^{growth:.2f}",
            f"<= n^{MOST_GROWTH:g}",
            growth <= MOST_GROWTH,
        )
    )
    return lines


if __name__ == "__main__":
    for line in main():
        print(line.name, line.measured, line.promised)
