"""The units before systemd's own programs: they are verified, their exposure is scored, their times are compared.

No systemd runs in the laboratory, so no unit is started here. What a unit would forbid
is tried as far as the kernel allows without it: the capability alone, memory that may not become executable, and the
system calls and address families that a whole audit really uses.
"""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from auditor.ending import main
from auditor.schedule.cron import read_cron
from auditor.systemd.calendar import on_calendar
from auditor.systemd.hardening import Reach, hardening
from inventories.signing import new_key

pytestmark = pytest.mark.lab

#: systemd's scale goes from 0 to 10, and calls up to 2.0 OK at worst "medium"; a service with no setting has 9.6.
MOST = {"metrics": 1.5, "audit": 1.0, "thin": 1.0, "scan": 2.5, "probe": 2.5, "worker": 2.5}
LEAVE = [{"document": "授权1号", "approver": "分管领导", "from": "2020-01-01", "to": "2099-12-31"}]
KEY = new_key("far")
SITE = {
    "site": "tiny",
    "name": "小市",
    "bureau": "小市数据局",
    "region": "140800",
    "packs": ["yuncheng-2021"],
    "schedule": {"judge": "30 6 * * 1-5", "jitter_seconds": 300},
    "workers": {"broker": "amqps://broker.example.gov.cn", "password": "systemd:b", "signing_key": "systemd:k"},
    "keys": [{"id": "far", "public": str(KEY.public), "zones": ["far"]}],
    "zones": [
        {
            "id": name,
            "name": name,
            "vantage": "here",
            "department": "mzj",
            "prefixes": [f"10.0.{number}.0/24"],
            "by": by,
            "authorisations": LEAVE,
            "schedule": [{"cron": "0 22 * * *"}, {"cron": "5 4 1 * 0", "probes": ["ssh"]}],
            "access": {"snmp": [{"community": "systemd:snmp"}]},
        }
        for number, (name, by) in enumerate({"mzj": "centre", "far": "worker"}.items())
    ],
}
WORKER = {
    "site": "tiny",
    "zone": "far",
    "vantage": "inside",
    "prefixes": ["10.0.1.0/24"],
    "broker": {"address": "amqps://broker.example.gov.cn", "password": "systemd:b"},
    "centre": [{"id": "centre", "public": str(KEY.public)}],
    "signing_key": "systemd:s",
}
#: Runs a command as an account that owns nothing.
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Where a service would see it: not below /tmp, of which every unit has its own."""
    folder = Path(tempfile.mkdtemp(prefix="auditor-lab-", dir="/srv"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def deployed(folder: Path, *options: str) -> dict[str, Path]:
    """All the units of a site, both variants of it, and of a worker; the program is one that can be run."""
    site, units = folder / "site", folder / "units"
    for one in (site / "state", site / "out", units):
        one.mkdir(parents=True, exist_ok=True)
    (site / "site.yaml").write_text(json.dumps(SITE, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "worker.yaml").write_text(json.dumps(WORKER, indent=1), encoding="utf-8")
    program = folder / "auditor"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    chosen = [] if "--program" in options else ["--program", str(program)]
    found: dict[str, Path] = {}
    for more in (["--variant", "service"], ["--variant", "timer"], ["--worker", str(folder / "worker.yaml")]):
        into = units / more[-1].rpartition("/")[2]
        words = ["deploy", "systemd", str(into), "--site", str(site), *chosen, *more, *options]
        assert main(words) == 0
        found |= {path.name: path for path in into.iterdir() if path.suffix in (".service", ".timer")}
    return found


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words, "--no-pager"], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def units(home: Path) -> dict[str, Path]:
    return deployed(home / "plain")


def test_every_unit_is_verified(units: dict[str, Path]) -> None:
    assert len(units) == 1 + 1 + 4 * 2 + 2 * 2 + 1
    for path in units.values():
        done = analyze("verify", "--man=no", str(path))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), path.name


def test_verifying_finds_what_is_wrong(home: Path, units: dict[str, Path]) -> None:
    broken = home / "broken.service"
    text = units["auditor-scan.service"].read_text()
    broken.write_text(re.sub(r"ExecStart=.*", "ExecStart=/no/such/program", text).replace("UMask=", "UMusk="))
    done = analyze("verify", "--man=no", str(broken))
    assert done.returncode != 0 and "UMusk" in done.stderr and "/no/such/program" in done.stderr


@pytest.mark.parametrize("name", ["a b", "100%h", "市"])
def test_odd_programs_are_found(home: Path, name: str) -> None:
    for path in deployed(home / name).values():
        done = analyze("verify", "--man=no", str(path))
        assert (done.returncode, done.stderr) == (0, ""), path.read_text()


ODD = "a b 100%h quo\"te it's back\\slash $HOME ${x} ;市"


def test_odd_sites_are_read_as_they_were_meant(home: Path) -> None:
    """systemd itself reads the unit, in a dry run of its user's half, and tells what it has read."""
    folder = home / ODD
    folder.mkdir()
    (home / "auditor").write_text("#!/bin/sh\n")
    (home / "auditor").chmod(0o755)
    units = deployed(folder, "--program", str(home / "auditor"))
    run = home / "run"
    run.mkdir()
    shutil.chown(run, 65534, 65534)
    name = "auditor-scan.service"
    shutil.copy2(units[name], run / name)
    done = subprocess.run(
        [*NOBODY, "/lib/systemd/systemd", "--test", "--user", f"--unit={name}", "--log-target=console"],
        env={"SYSTEMD_UNIT_PATH": f"{run}:", "XDG_RUNTIME_DIR": str(run), "HOME": str(run), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    unit = done.stdout[done.stdout.index(f"Unit {name}:") :]
    (start,) = re.findall(r"Command Line: (\S+/auditor .*)", unit[: unit.index("Command Line:") + 2000])[:1]
    assert [one.replace("\\$", "$").replace("$$", "$") for one in shlex.split(start)] == [
        str(home / "auditor"),
        *("serve", "--listen", "127.0.0.1:9465", "--site", str(folder / "site")),
    ]
    (paths,) = re.findall(r"ReadWritePaths: (.*)", unit)[:1]
    assert paths == f"{folder}/site/state {folder}/site/out"


def scored(path: Path) -> tuple[float, dict[str, bool]]:
    """A service's exposure, and what it was marked down for."""
    said = analyze("security", "--offline=true", str(path)).stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found, said
    table = json.loads(analyze("security", "--offline=true", "--json=short", str(path)).stdout)
    return float(found[1]), {row["json_field"]: bool(row["set"]) for row in table}


def test_exposure_is_small_and_only_scanners_may_open_raw_sockets(units: dict[str, Path]) -> None:
    scanners = {"auditor-scan.service", "auditor-probe@mzj.service", "auditor-worker@far.service"}
    figures = {}
    for name, path in sorted(units.items()):
        if path.suffix != ".service":
            continue
        figures[name], good = scored(path)
        kind = re.split(r"[-@.]", name)[1]
        assert figures[name] <= MOST[kind], name
        # systemd 252 calls the field so, with a bracket too many.
        (raw,) = [not is_good for field, is_good in good.items() if "BROADCAST_RAW" in field]
        packet = not good["RestrictAddressFamilies_AF_PACKET"]
        assert raw == packet == (name in scanners), name
        assert ("CAP_NET_RAW" in path.read_text()) is (name in scanners)
    print("exposure:", figures)


# --- times ----------------------------------------------------------------------------------------------------


def some_crons() -> list[str]:
    chance = random.Random(20261123)

    def field(least: int, most: int, steps: tuple[int, ...]) -> str:
        low, high = sorted(chance.sample(range(least, most + 1), 2))
        choices = ("*", f"{low}", f"{low}-{high}", f"*/{chance.choice(steps)}", f"{low},{high}", f"{low}-{high}/2")
        return chance.choice(choices)

    shapes = ((0, 59, (7, 15, 20)), (0, 23, (5, 6)), (1, 28, (9, 10)), (1, 12, (3, 5)), (0, 7, (2, 3)))
    return [" ".join(field(*shape) for shape in shapes) for _ in range(40)]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Urumqi"])
def test_timers_go_off_when_the_schedule_says(zone: str) -> None:
    start = datetime(2027, 2, 25, 11, 7, tzinfo=UTC)
    number = 12
    for text in some_crons():
        cron = read_cron(text)
        until = start + timedelta(days=3 * 365)
        expected = []
        for at in cron.between(start, until, ZoneInfo(zone)):
            expected.append(at)
            if len(expected) == number:
                break
        times: set[datetime] = set()
        for one in on_calendar(cron, zone):
            base = f"--base-time={start:%Y-%m-%d %H:%M:%S} UTC"
            said = analyze("calendar", base, f"--iterations={number}", one).stdout
            times |= {
                datetime.strptime(moment, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
                for moment in re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", said)
            }
        later = sorted(at for at in times if at > start)[: len(expected)]
        assert later == expected, (text, on_calendar(cron, zone))


# --- what a unit forbids, tried as far as it goes without systemd --------------------------------------------


def test_the_capability_alone_lets_nmap_send_raw_packets() -> None:
    """As a unit gives it: an account that is not root, CAP_NET_RAW and nothing else, no new privileges."""
    confined = [*NOBODY, "--no-new-privs"]
    given = ["--bounding-set=-all,+net_raw", "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw"]
    taken = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    nmap = ["nmap", "-n", "-sS", "--privileged", "-Pn", "-p", "9", "127.0.0.1"]
    for caps, may in ((given, True), (taken, False)):
        status = subprocess.run([*confined, *caps, "cat", "/proc/self/status"], capture_output=True, text=True).stdout
        # By this probes.nmap_process.may_send_raw decides.
        assert re.findall(r"^CapEff:\t(\w+)$", status, re.M) == [f"{1 << 13 if may else 0:016x}"]
        done = subprocess.run([*confined, *caps, *nmap], capture_output=True, text=True, timeout=60)
        assert ("9/tcp" in done.stdout) is may, done.stdout + done.stderr


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("city") / "site"
    assert main(["init", str(root), "--example", "--network", "127.77"]) == 0
    return root


def in_city(city: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """A whole audit of one zone, with real servers that answer, under whatever stands before it."""
    auditing = [sys.executable, "-m", "auditor", "audit", "--zone", "slx", "--json", "--site", str(city)]
    words = [sys.executable, "-m", "auditor.city", "run", "--site", str(city), "--", *before, *auditing]
    return subprocess.run(words, capture_output=True, text=True, timeout=170, check=False)


def test_memory_that_may_not_become_executable_breaks_nothing(city: Path) -> None:
    """MemoryDenyWriteExecute=: the kernel's own prctl (PR_SET_MDWE), which forbids the same, over a whole audit."""
    launcher = textwrap.dedent(
        """
        import ctypes, mmap, os, sys
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.prctl(65, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
        try:
            mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        except PermissionError:
            os.execv(sys.argv[1], sys.argv[1:])
        sys.exit("memory may be written and executed")
        """
    )
    done = in_city(city, sys.executable, "-c", launcher)
    body = json.loads(done.stdout)
    assert done.returncode in (0, 4), done.stderr
    assert body["snapshot"]


def test_a_whole_audit_keeps_to_the_system_calls_and_families_that_a_unit_allows(city: Path, tmp_path: Path) -> None:
    """Every system call that an audit's processes make is in SystemCallFilter=, every socket's family allowed."""
    log = tmp_path / "strace"
    done = in_city(city, "strace", "-f", "-qq", "-o", str(log), "-e", "trace=all", "-e", "signal=none")
    assert done.returncode in (0, 4), done.stderr[-2000:]
    text = log.read_text(errors="replace")
    used = set(re.findall(r"^\d+\s+(?:<\.\.\. )?(\w+)(?:\(| resumed)", text, re.M))
    assert len(used) > 60, "strace really looked"
    allowed = calls_of("@system-service")
    assert sorted(used - allowed - {"exit_group"}) == []
    families = set(re.findall(r"\bsocket\((AF_\w+)", text))
    (line,) = [one for one in hardening(Reach.RAW) if one.startswith("RestrictAddressFamilies=")]
    assert families and families <= set(line.partition("=")[2].split())


def calls_of(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """The system calls of a set, with those of the sets within it."""
    out: set[str] = set()
    for line in analyze("syscall-filter", name).stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@") and word not in seen:
            out |= calls_of(word, seen | {word})
        elif word and not word.startswith(("#", "@")):
            out.add(word)
    return out
