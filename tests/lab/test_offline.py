"""The real offline bundles: made here, and installed and upgraded in a namespace that has no network at all.

The bundle for this machine is installed and used; the one for the other kind of machine is fetched and checked (every
locked wheel, its tags, its shared objects), and not run. Fetching asks whichever index pip is set up to ask.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inventories import __version__
from tools import offline
from tools.offline_wheels import ARCHITECTURES, Target, locked

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
ARCH = platform.machine()
OLDER = "0.0.9"


@dataclass(frozen=True)
class Made:
    """Where bundles were unpacked: this machine's in two versions, and the other kind's."""

    older: Path
    newer: Path
    other: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("offline")
    former = former_sources(folder / "former")
    common = ["--python", PYTHON, "--cache", str(folder / "cache")]
    try:
        for source, archs in ((former, (ARCH,)), (ROOT, ARCHITECTURES)):
            for arch in archs:
                words = ["--arch", arch, "--out", str(folder / "dist"), "--source", str(source), *common]
                assert offline.main(words) == 0
        (other,) = set(ARCHITECTURES) - {ARCH}
        yield Made(
            unpacked(folder, OLDER, ARCH), unpacked(folder, __version__, ARCH), unpacked(folder, __version__, other)
        )
    finally:
        # Half a gigabyte for each that is installed.
        shutil.rmtree(folder)


def former_sources(folder: Path) -> Path:
    """The checkout as an earlier version of itself."""
    names = ("auditor", "inventories", "policies", "probes", "reports", "tools")
    for name in names:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE", "requirements.lock"):
        shutil.copy2(ROOT / file, folder / file)
    version = folder / "inventories" / "__init__.py"
    version.write_text(re.sub(r'(__version__ = )"[^"]+"', rf'\1"{OLDER}"', version.read_text()))
    return folder


def unpacked(folder: Path, version: str, arch: str) -> Path:
    name = f"auditor-{version}-offline-{arch}"
    with tarfile.open(folder / "dist" / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name


def without_network(*command: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command where there is no network, no home, and no setting of pip's."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.devnull, "LC_ALL": "C.UTF-8", **more}
    return subprocess.run(
        ["unshare", "--net", *command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def install(bundle: Path, prefix: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = ["--prefix", str(prefix), "--python", sys.executable, *options]
    return without_network("sh", bundle / "install.sh", *words, cwd=prefix.parent)


def version(prefix: Path) -> str:
    done = without_network(prefix / "bin" / "auditor", "--version", cwd=prefix.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def test_where_there_is_no_network(made: Made, tmp_path: Path) -> None:
    """The namespace really has none, or the rest of this file would show nothing."""
    code = (
        "import socket; print([name for _, name in socket.if_nameindex()])\n"
        "socket.create_connection(('192.0.2.1', 9), 2)"
    )
    done = without_network(sys.executable, "-c", code, cwd=tmp_path)
    assert done.stdout == "['lo']\n" and "Network is unreachable" in done.stderr


def test_installed_upgraded_and_back_with_a_site_in_place(made: Made, tmp_path: Path) -> None:
    prefix, site = tmp_path / "opt", tmp_path / "site"
    done = install(made.older, prefix)
    assert done.returncode == 0, done.stderr
    assert version(prefix) == OLDER
    auditor = prefix / "bin" / "auditor"

    def run(*words: str, status: int = 0) -> str:
        done = without_network(auditor, *words, cwd=tmp_path)
        assert done.returncode == status, done.stderr
        return done.stdout

    run("init", str(site), "--example")
    run("check", "--site", str(site))
    # A city on paper: what is declared is judged without a network.
    text = (site / "site.yaml").read_text(encoding="utf-8")
    (site / "site.yaml").write_text(re.sub(r"(?ms)^zones:.*?(?=^\w|\Z)", "zones: []\n", text), encoding="utf-8")
    assert run("audit", "--json", "--site", str(site))
    before = json.loads(run("findings", "--json", "--site", str(site)))
    assert before, "the example has violations on paper"
    stored = {p: p.read_bytes() for p in site.rglob("*") if p.is_file()}

    # Interrupted, as the plug is pulled: the old one stays in use.
    words = ["unshare", "--net", "sh", made.newer / "install.sh", "--prefix", prefix, "--python", sys.executable]
    upgrade = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    new = next(iter(wait_for(prefix, f"{__version__}-*")))
    time.sleep(1.5)
    os.killpg(upgrade.pid, signal.SIGKILL)
    upgrade.wait(30)
    assert new.is_dir() and not (new / ".complete").exists()
    assert version(prefix) == OLDER
    assert json.loads(run("findings", "--json", "--site", str(site))) == before

    # A wheel that was tampered with after that, too.
    wheel = next((made.newer / "wheels").glob("gov_infra_auditor-*.whl"))
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    done = install(made.newer, prefix)
    assert done.returncode == 1 and wheel.name in done.stderr
    wheel.unlink()
    assert install(made.newer, prefix).returncode == 1
    wheel.write_bytes(whole)
    assert version(prefix) == OLDER

    done = install(made.newer, prefix)
    assert done.returncode == 0, done.stderr
    assert version(prefix) == __version__
    assert {p: p.read_bytes() for p in stored} == stored, "installing touches no site"
    assert json.loads(run("findings", "--json", "--site", str(site))) == before
    assert run("audit", "--json", "--site", str(site))
    assert len(list((prefix / "versions").iterdir())) == 2, "the one in use and the one before"

    done = without_network("sh", made.newer / "install.sh", "--rollback", "--prefix", prefix, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert version(prefix) == OLDER
    done = without_network("sh", made.newer / "install.sh", "--rollback", "--prefix", prefix, cwd=tmp_path)
    assert done.returncode == 0 and version(prefix) == __version__


def wait_for(prefix: Path, pattern: str) -> list[Path]:
    for _ in range(300):
        if found := list((prefix / "versions").glob(pattern)):
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing like {pattern} in {prefix}")


def test_the_bundle_for_the_other_kind_of_machine_is_whole(made: Made, tmp_path: Path) -> None:
    """Making it has checked every wheel's tags, and every shared object's machine and C library."""
    told = dict(line.split("=", 1) for line in (made.other / "BUNDLE").read_text().splitlines())
    assert told["arch"] != ARCH and int(told["shared_objects_checked"]) > 50
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    listed = (made.other / f"requirements-{PYTHON}.txt").read_text().splitlines()
    wanted = locked(lock, Target(told["arch"], PYTHON))
    assert {line.split("==")[0] for line in listed} == {*wanted, "gov-infra-auditor"}
    assert len(listed) == len(list((made.other / "wheels").iterdir())) == int(told["wheels"])
    done = without_network("sh", made.other / "install.sh", "--check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = install(made.other, tmp_path / "opt")
    assert done.returncode == 1 and f"the bundle is for {told['arch']} 处理器架构不符" in done.stderr
    assert not (tmp_path / "opt").exists()


def test_no_file_of_ours_in_a_bundle_names_a_registry(made: Made) -> None:
    config = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    asked = set(re.findall(r"(?:https?|file)://[^/\s'\"]*(?:/[^\s'\"]*)?", config))
    hosts = {re.sub(r"^\w+://(?:[^/@]*@)?", "", one).split("/")[0] for one in asked} - {""}
    for bundle in (made.newer, made.other):
        for path in (p for p in bundle.iterdir() if p.is_file()):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"https?://(?!www\.gnu\.org|fsf\.org|www\.fsf)", text.replace("<https://", "<")), (
                path
            )
            assert not [one for one in {*asked, *hosts} if one in text], path
    ours = next((made.newer / "wheels").glob("gov_infra_auditor-*.whl"))
    assert not [host for host in hosts if host.encode() in ours.read_bytes()]
