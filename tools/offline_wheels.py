"""The wheels of an offline bundle: those that the lock file names for a machine, fetched by hash and checked.

The index is whichever pip is set up to ask; its name is written nowhere. Wheels for another kind of machine are
fetched as well, and checked as far as they can be without running them: tags, hashes, and every shared object's own
header and the C library that it asks for.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

ARCHITECTURES = ("x86_64", "aarch64")
#: Of the C library, what the oldest servers in use have: Kylin V10, UOS 20 and openEuler 20.03; Debian 12 has 2.36.
GLIBC = (2, 28)
#: ELF's ``e_machine`` (elf.h).
_MACHINES = {"x86_64": 62, "aarch64": 183}
#: Published as source only; pure Python.
SOURCE_ONLY = frozenset({"python-nmap"})
_LIBC_NEEDED = re.compile(rb"GLIBC_(\d+)\.(\d+)")


class BundleFault(Exception):
    """A bundle that cannot be made as it should be; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of machine and a version of Python (``3.11``)."""

    arch: str
    python: str

    @property
    def version(self) -> tuple[int, int]:
        major, minor = self.python.split(".")
        return int(major), int(minor)

    @property
    def abi(self) -> str:
        return "cp" + self.python.replace(".", "")

    @property
    def platforms(self) -> tuple[str, ...]:
        """Newest first, as pip prefers them; down to the oldest of them that Python 3.11 knows."""
        newest = [f"manylinux_2_{minor}_{self.arch}" for minor in range(GLIBC[1], 16, -1)]
        return (*newest, f"manylinux2014_{self.arch}", f"linux_{self.arch}")

    @property
    def tags(self) -> frozenset[Tag]:
        interpreter, platforms = self.abi, self.platforms
        return frozenset(
            [
                *cpython_tags(self.version, platforms=platforms),
                *compatible_tags(self.version, interpreter=interpreter, platforms=platforms),
            ]
        )

    @property
    def environments(self) -> Iterator[dict[str, str]]:
        """What markers are judged by: the first and the last release of that version of Python."""
        for patch in ("0", "99"):
            yield {
                "implementation_name": "cpython",
                "implementation_version": f"{self.python}.{patch}",
                "os_name": "posix",
                "platform_machine": self.arch,
                "platform_python_implementation": "CPython",
                "platform_release": "",
                "platform_system": "Linux",
                "platform_version": "",
                "python_full_version": f"{self.python}.{patch}",
                "python_version": self.python,
                "sys_platform": "linux",
                "extra": "",
            }


def locked(lock: str, target: Target) -> dict[str, str]:
    """Name → the lock's own entry (pin and hashes), without its marker, of all that the target needs."""
    out: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        if entry.startswith("#"):
            continue
        head, _, hashes = entry.partition("\n")
        wanted = Requirement(head.rstrip(" \\"))
        marker = wanted.marker
        if marker is None or any(marker.evaluate(environment) for environment in target.environments):
            name = canonicalize_name(wanted.name)
            if name in out:
                raise BundleFault(f"the lock file has two versions of {name} for Python {target.python}")
            out[name] = f"{wanted.name}{wanted.specifier} \\\n{hashes}"
    return out


def fetch(lock: str, target: Target, folder: Path) -> None:
    """Puts the locked wheels into ``folder``, each checked by its hash; what has no wheel is built. BundleFault."""
    entries = locked(lock, target)
    folder.mkdir(parents=True, exist_ok=True)
    asked = folder.parent / f"{folder.name}.txt"
    asked.write_text("\n".join(entry for name, entry in entries.items() if name not in SOURCE_ONLY) + "\n")
    where = [word for platform in target.platforms for word in ("--platform", platform)]
    python = ["--python-version", target.python, "--implementation", "cp"]
    abis = ["--abi", target.abi, "--abi", "abi3", "--abi", "none"]
    pip("download", "--no-deps", "--only-binary=:all:", *where, *python, *abis, *_by_hash(asked, folder))
    source = folder.parent / f"{folder.name}-source.txt"
    source.write_text("\n".join(entries[name] for name in sorted(SOURCE_ONLY & entries.keys())) + "\n")
    pip("wheel", "--no-deps", "--no-build-isolation", "--use-pep517", *_by_hash(source, folder, "--wheel-dir"))


def _by_hash(asked: Path, folder: Path, option: str = "--dest") -> list[str]:
    return [option, str(folder), "--require-hashes", "-r", str(asked)]


def pip(*arguments: str) -> None:
    """Runs this environment's pip. BundleFault with what it said."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check", "--no-input"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", "1580601600")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleFault(f"pip {arguments[0]} failed:\n{done.stderr[-3000:]}")


def requirements(lock: str, target: Target, wheels: Sequence[Path]) -> str:
    """What pip is to install on the target, with the one hash of each wheel. BundleFault where one is missing, or is
    not as the lock names it."""
    runs: dict[str, list[Path]] = {}
    for wheel in wheels:
        name, _version, _build, tags = parse_wheel_filename(wheel.name)
        if tags & target.tags:
            runs.setdefault(name, []).append(wheel)
    lines = []
    for wanted_name, entry in sorted(locked(lock, target).items()):
        wanted = Requirement(entry.partition(" ")[0])
        # A bundle for several Pythons may hold several versions.
        found = [
            wheel
            for wheel in runs.get(canonicalize_name(wanted_name), ())
            if wanted.specifier.contains(parse_wheel_filename(wheel.name)[1])
        ]
        if not found:
            raise BundleFault(f"no wheel of {wanted} that runs on {target.arch} under Python {target.python}")
        if len(found) > 1:
            raise BundleFault(f"two wheels of {wanted}: {', '.join(wheel.name for wheel in found)}")
        got = found[0]
        digest = sha256(got)
        if digest not in entry and wanted_name not in SOURCE_ONLY:
            raise BundleFault(f"{got.name} has none of the hashes that the lock names")
        lines.append(f"{wanted} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def inspect(wheel: Path, arch: str) -> int:
    """The number of shared objects in a wheel. BundleFault for one of another machine, or that asks for a newer C
    library than :data:`GLIBC`."""
    number = 0
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            data = archive.read(name) if re.search(r"\.so(\.\d+)*$", name) else b""
            if not data.startswith(b"\x7fELF"):
                continue
            number += 1
            if int.from_bytes(data[18:20], "little") != _MACHINES[arch]:
                raise BundleFault(f"{wheel.name}: {name} is not for {arch}")
            newest = max((tuple(map(int, pair)) for pair in _LIBC_NEEDED.findall(data)), default=(2, 0))
            if newest > GLIBC:
                raise BundleFault(f"{wheel.name}: {name} asks for glibc {newest[0]}.{newest[1]}")
    return number


def texts(folder: Path) -> Mapping[str, str]:
    """Relative name → SHA-256 of every file below a folder."""
    return {p.relative_to(folder).as_posix(): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
