"""The bootstrap: what it tells, and does, where something is missing. A stand-in for apt-get notes every call."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("sh", "cat", "dirname", "env", "printf", "pwd", "rm", "sed", "sha256sum")
#: A Python that is new enough, and whose venv module is Debian's half: no ensurepip.
HALF_PYTHON = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\nexit 0\n'


class Machine:
    """A checkout with nothing but the bootstrap, and a PATH with nothing but what a minimal Debian has."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        (self.checkout / "tools").mkdir(parents=True)
        shutil.copy2(ROOT / "tools" / "bootstrap.sh", self.checkout / "tools")
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        self.calls = folder / "calls"
        self.calls.touch()

    def program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)

    def user(self, number: int, *, apt: str = "exit 0", sudo: str | None = None) -> None:
        self.program("id", f"#!/bin/sh\necho {number}\n")
        self.program("apt-get", f'#!/bin/sh\necho "apt-get $*" >>{self.calls}\n{apt}\n')
        if sudo is not None:
            self.program("sudo", f'#!/bin/sh\necho "sudo $*" >>{self.calls}\n{sudo}\n')

    def bootstrap(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "tools/bootstrap.sh", *words],
            cwd=self.checkout,
            env={"PATH": str(self.bin), "HOME": os.devnull, "PYTHON": "half-python"},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def installs(self) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if " install " in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.program("half-python", HALF_PYTHON)
    return made


def test_who_may_not_install_is_told_one_command_and_nothing_is_touched(machine: Machine) -> None:
    machine.user(1000, sudo="exit 1")
    done = machine.bootstrap("run", "no-such-program=its-package")
    assert done.returncode == 1
    assert "    apt-get update && apt-get install -y its-package python3-venv\n" in done.stderr
    assert machine.installs() == []
    assert not (machine.checkout / ".venv").exists()


def test_sudo_without_a_password_is_used_and_never_asks(machine: Machine) -> None:
    machine.user(1000, sudo='[ "$1" = -n ] && shift && exec "$@"')
    machine.bootstrap("run", "no-such-program=its-package")
    assert any("its-package python3-venv" in line and line.startswith("sudo -n") for line in machine.installs())


def test_root_installs_what_is_missing_and_only_that(machine: Machine) -> None:
    machine.user(0)
    machine.program("here", "#!/bin/sh\n")
    machine.bootstrap("run", "here=not-needed", "no-such-program=its-package")
    (call,) = machine.installs()
    assert call.endswith("install its-package python3-venv")
    assert "not-needed" not in call


def test_old_package_lists_are_renewed_once(machine: Machine) -> None:
    machine.user(0, apt='case "$*" in *" install "*) exit 100 ;; esac')
    done = machine.bootstrap("run", "no-such-program=its-package")
    assert done.returncode == 1
    calls = machine.calls.read_text()
    assert calls.count(" update") == 1 and len(machine.installs()) == 2
    assert "apt-get could not install: its-package python3-venv" in done.stderr


def test_an_old_python_is_no_python(machine: Machine) -> None:
    machine.user(1000)
    machine.program("half-python", "#!/bin/sh\nexit 1\n")
    done = machine.bootstrap("dev")
    assert done.returncode == 1
    assert "apt-get install -y python3 python3-venv" in done.stderr


def test_a_wrong_word_shows_how_it_is_used(machine: Machine) -> None:
    done = machine.bootstrap("everything")
    assert done.returncode == 2
    assert "tools/bootstrap.sh run" in done.stderr
