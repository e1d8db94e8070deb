"""The wheel: everything is in it, nothing else is, and the suite passes against it where no checkout is near.

``WHEEL_SUITE=whole`` (``make test-wheel``) runs the whole quick suite against the installed wheel; otherwise a
part that touches every package does. No network is needed: the build tools are those of the environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

import pytest

from inventories import __version__

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("auditor", "inventories", "policies", "probes", "reports")

#: Tests that are about the checkout itself, and so cannot run elsewhere.
CHECKOUT_ONLY = ("tests/test_repository.py", "tests/test_structure.py", "tests/test_wheel.py")
#: Without WHEEL_SUITE=whole: seconds, not minutes. What reads data files that have to be in the wheel; the same
#: tests pass against the checkout beside this one, and all of them against the wheel in ``make test-wheel``.
PART = (
    "tests/auditor/test_cli.py",
    "tests/auditor/test_ledger_migrations.py",
    "tests/inventories/test_dictionary.py",
    "tests/inventories/test_products.py",
    "tests/policies/test_calendars.py",
    "tests/policies/test_lists.py",
    "tests/policies/test_pack.py",
    "tests/probes/test_fingerprints.py",
    "tests/reports/grafana",
    "tests/reports/html/test_html_figures.py",
    "tests/reports/html/test_html_terminal.py",
    "tests/reports/papers/test_templates_files.py",
    "tests/reports/prometheus/test_bundle.py",
    "tests/reports/prometheus/test_deploy.py",
    "tests/reports/prometheus/test_rules.py",
    "tests/reports/test_conditions.py",
    "tests/reports/test_words.py",
)

# One worker builds, installs and uses the wheel; without the group each of xdist's workers would.
pytestmark = pytest.mark.xdist_group("wheel")


@dataclass(frozen=True)
class Installed:
    """A virtual environment that has the wheel, and an otherwise code-free copy of the checkout."""

    python: Path
    elsewhere: Path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(ROOT), cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    venv = folder / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(venv), cwd=folder)
    python = venv / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", *PIP, str(wheel), cwd=folder)
    # The locked packages are taken from this environment. A folder that a .pth file names is only put on the
    # path: the .pth file in it that leads back to the checkout is not read again.
    site = Path(run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    folders = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (site / "locked.pth").write_text("".join(f"{path}\n" for path in folders), encoding="utf-8")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for path in checkout_files():
        if path.parts[0] not in PACKAGES:
            (elsewhere / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, elsewhere / path)
    return Installed(python, elsewhere)


PIP = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-compile")


def run(*command: str, cwd: Path) -> str:
    """Standard output. Nothing of this run's Python settings reaches the command."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "COV_"))}
    done = subprocess.run(command, cwd=cwd, env=kept, text=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def checkout_files() -> Iterator[Path]:
    """Files that are, or are about to be, in the repository, relative to it."""
    listed = run(
        *("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=ROOT,
    )
    for name in sorted(filter(None, listed.split("\0"))):
        if (ROOT / name).is_file():
            yield Path(name)


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    ours = {str(path) for path in checkout_files() if path.parts[0] in PACKAGES}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
        assert archive.testzip() is None
    assert sorted(ours - held) == [], "missing from the wheel"
    assert sorted(held - ours) == [], "in the wheel, and not in the repository"


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("packs", "policies/packs/*/pack.yaml"),
        ("cases", "policies/packs/*/cases/*.yaml"),
        ("schemas", "*/schemas/*.json"),
        ("templates", "*/templates/*"),
        ("migrations", "auditor/ledger/migrations/versions/*.py"),
        ("fingerprints", "probes/fingerprints/*.yaml"),
        ("nmap's scripts", "probes/nse/*.nse"),
        ("the example city", "inventories/examples/**/*"),
        ("type marks", "*/py.typed"),
    ],
)
def test_the_wheel_holds(wheel: Path, what: str, pattern: str) -> None:
    assert list(ROOT.glob(pattern)), f"no {what} in the checkout: has {pattern} moved?"
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    missing = [p for p in ROOT.glob(pattern) if p.is_file() and p.relative_to(ROOT).as_posix() not in held]
    assert missing == []


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(name).decode())
        assert any(n.endswith(".dist-info/licenses/LICENSE") for n in archive.namelist())
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "GPL-3.0-or-later"
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_installed_program_runs_from_the_wheel(installed: Installed) -> None:
    program = installed.python.parent / "auditor"
    assert run(str(program), "--version", cwd=installed.elsewhere).split()[-1] == __version__
    found = run(str(installed.python), "-c", WHERE, cwd=installed.elsewhere).split()
    assert len(found) == len(PACKAGES)
    for place in found:
        assert Path(place).is_relative_to(installed.python.parents[1]), f"{place} is not the wheel's"


WHERE = f"import {', '.join(PACKAGES)}\nfor package in ({', '.join(PACKAGES)}): print(package.__file__)"


def test_the_suite_passes_against_the_installed_wheel(installed: Installed) -> None:
    whole = os.environ.get("WHEEL_SUITE") == "whole"
    ignored = [f"--ignore={installed.elsewhere / path}" for path in CHECKOUT_ONLY]
    chosen = [*ignored, "-n", "2", "--dist", "loadgroup", "tests"] if whole else list(PART)
    # The copy's root is on the path for tests that read tools and benchmarks; the packages are not in it.
    output = run(
        *(str(installed.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not lab", *chosen),
        cwd=installed.elsewhere,
    )
    closing = output.strip().splitlines()[-1]
    print(f"against the installed wheel: {closing}")
    assert " passed" in closing
