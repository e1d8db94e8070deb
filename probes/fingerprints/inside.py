"""The rows for what is read on a host: processors, systems, machines, processes, packages, builds of Windows.

Pure and immutable; one file each. ``strength`` is never more than the row's source is worth: an unverified row hints.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from inventories.documents import read_yaml
from inventories.faults import Fault, Faults
from inventories.model import Strength
from probes.fingerprints.rows import Entry, entries

T = TypeVar("T")

_SAID = "read on a host, a row is seen_inside, seen_outside or hinted"
_WORTH = (Strength.HINTED, Strength.SEEN_OUTSIDE, Strength.SEEN_INSIDE)


@dataclass(frozen=True, slots=True)
class CpuRow:
    """``kind``: text, part, vendor or arch. ``guest`` is what the row is worth in a virtual machine."""

    kind: str
    pattern: re.Pattern[str]
    vendor: str
    product: str
    strength: Strength
    guest: Strength
    stands_in: bool
    source: str


@dataclass(frozen=True, slots=True)
class SystemRow:
    """An operating system. ``patterns`` maps id, name, pretty, file, package to what must match.

    ``family`` may be empty. ``alone``: counts only where there is no os-release, which would know better.
    """

    code: str
    title: str
    vendor: str
    family: str
    patterns: Mapping[str, re.Pattern[str]]
    versions: Mapping[str, str]
    version: re.Pattern[str]
    alone: bool
    strength: Strength
    source: str


@dataclass(frozen=True, slots=True)
class MachineRow:
    """``field`` is the name of the firmware's field; ``platform`` may be empty."""

    field: str
    pattern: re.Pattern[str]
    guest_of: str
    platform: str
    strength: Strength
    source: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """``kind``: process, word or folder. ``listens``: counts only where the host listens on one of these ports."""

    kind: str
    pattern: re.Pattern[str]
    product: str
    vendor: str
    category: str
    listens: frozenset[int]
    strength: Strength
    source: str


@dataclass(frozen=True, slots=True)
class PackageRow:
    """``runs``: processes that show the package in use; ``alone``: what is installed is in use by that alone."""

    pattern: re.Pattern[str]
    product: str
    vendor: str
    category: str
    runs: frozenset[str]
    alone: bool
    strength: Strength
    source: str


@dataclass(frozen=True, slots=True)
class BuildRow:
    """A build of Windows (``10.0.17763``) and the editions that have it; either may be empty."""

    version: str
    server: str
    client: str
    strength: Strength
    source: str

    @property
    def editions(self) -> tuple[str, ...]:
        return tuple(edition for edition in (self.server, self.client) if edition)


@dataclass(frozen=True, slots=True)
class Tables:
    """All of them."""

    cpus: tuple[CpuRow, ...]
    systems: tuple[SystemRow, ...]
    machines: tuple[MachineRow, ...]
    processes: tuple[ProcessRow, ...]
    packages: tuple[PackageRow, ...]
    builds: Mapping[str, BuildRow]


@functools.lru_cache(maxsize=1)
def tables() -> Tables:
    """The rows that this program ships. Raises :class:`Faults` with every fault in them."""
    return read_tables(Path(__file__).parent)


def read_tables(home: Path) -> Tables:
    """Reads the six files of a directory. Raises :class:`Faults`."""
    faults: list[Fault] = []

    def rows(name: str, key: str, allowed: str, needed: str) -> Iterator[Entry]:
        document = read_yaml(home / name, name=name)
        always = {"strength", "source"}
        return entries(document, key, {*allowed.split(), *always}, {*needed.split(), *always}, faults)

    found = Tables(
        cpus=_each(_cpu, rows("cpus.yaml", "cpus", "in match vendor product guest stands_in", "in match guest")),
        systems=_each(
            _system,
            rows(
                "systems.yaml",
                "systems",
                "code title vendor id name pretty file package alone family versions version",
                "code title vendor version",
            ),
        ),
        machines=_each(
            _machine, rows("machines.yaml", "machines", "in match guest_of platform", "in match guest_of")
        ),
        processes=_each(
            _process,
            rows(
                "processes.yaml",
                "processes",
                "in name pattern product vendor category listens",
                "name product category",
            ),
        ),
        packages=_each(
            _package,
            rows("packages.yaml", "packages", "name product vendor category runs alone", "name product category"),
        ),
        builds={
            row.version: row
            for row in _each(_build, rows("windows.yaml", "builds", "version server client", "version"))
        },
    )
    if faults:
        raise Faults(faults)
    return found


def _each(make: Callable[[Entry], T | None], rows: Iterator[Entry]) -> tuple[T, ...]:
    return tuple(row for entry in rows if (row := make(entry)) is not None)


def _worth(entry: Entry, key: str = "strength") -> Strength | None:
    strength = entry.strength(_WORTH, _SAID, key)
    if strength is not None and strength > Strength.HINTED and entry.text("source").startswith("unverified"):
        entry.wrong(key, "an unverified row only hints")
        return None
    return strength


def _cpu(entry: Entry) -> CpuRow | None:
    kind = entry.choice("in", ("text", "part", "vendor", "arch"), "text")
    pattern, stands_in = entry.pattern("match"), entry.flag("stands_in")
    strength, guest = _worth(entry), _worth(entry, "guest")
    if kind is None or pattern is None or stands_in is None or strength is None or guest is None:
        return None
    return CpuRow(
        kind, pattern, entry.text("vendor"), entry.text("product"), strength, guest, stands_in, entry.text("source")
    )


def _system(entry: Entry) -> SystemRow | None:
    keys = ("id", "name", "pretty", "file", "package")
    patterns = {key: found for key in keys if (found := entry.pattern(key)) is not None}
    version, strength, alone = entry.pattern("version"), _worth(entry), entry.flag("alone")
    versions = entry.values.get("versions", {})
    if not isinstance(versions, dict):
        entry.wrong("versions", "is no map of words to versions")
        return None
    if not patterns:
        entry.wrong("", "matches everything", "name an id, name, pretty, file or package")
    if entry.text("family") not in ("", "rpm", "deb"):
        entry.wrong("family", "is neither rpm nor deb")
    if version is None or strength is None or alone is None or not patterns:
        return None
    words = {str(word): str(told) for word, told in versions.items()}
    return SystemRow(
        entry.text("code"),
        entry.text("title"),
        entry.text("vendor"),
        entry.text("family"),
        patterns,
        words,
        version,
        alone,
        strength,
        entry.text("source"),
    )


def _machine(entry: Entry) -> MachineRow | None:
    field = entry.choice("in", ("sys_vendor", "product_name", "board_vendor", "bios_vendor"), "field")
    pattern, strength = entry.pattern("match", 0), _worth(entry)
    if field is None or pattern is None or strength is None:
        return None
    return MachineRow(field, pattern, entry.text("guest_of"), entry.text("platform"), strength, entry.text("source"))


def _process(entry: Entry) -> ProcessRow | None:
    kind = entry.choice("in", ("process", "word", "folder"), "kind") if "in" in entry.values else "process"
    name, strength, is_pattern = entry.text("name"), _worth(entry), entry.flag("pattern")
    ports = entry.texts("listens")
    if kind is None or strength is None or is_pattern is None:
        return None
    try:
        pattern = re.compile(name if is_pattern else re.escape(name), re.IGNORECASE if kind == "process" else 0)
    except re.error as error:
        entry.wrong("name", str(error))
        return None
    return ProcessRow(
        kind,
        pattern,
        entry.text("product"),
        entry.text("vendor"),
        entry.text("category"),
        frozenset(int(port) for port in ports if port.isdecimal()),
        strength,
        entry.text("source"),
    )


def _package(entry: Entry) -> PackageRow | None:
    pattern, strength, alone = entry.pattern("name", 0), _worth(entry), entry.flag("alone")
    runs = frozenset(entry.texts("runs"))
    if pattern is None or strength is None or alone is None:
        return None
    if bool(runs) == alone:
        entry.wrong("", "either processes show it in use (runs), or it is by being installed (alone)")
        return None
    return PackageRow(
        pattern,
        entry.text("product"),
        entry.text("vendor"),
        entry.text("category"),
        runs,
        alone,
        strength,
        entry.text("source"),
    )


def _build(entry: Entry) -> BuildRow | None:
    strength = entry.strength((Strength.HINTED, Strength.SEEN_OUTSIDE), "a build is hinted or seen_outside")
    version = entry.text("version")
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        entry.wrong("version", f"{version!r} is no version")
        return None
    row = BuildRow(
        version, entry.text("server"), entry.text("client"), strength or Strength.HINTED, entry.text("source")
    )
    if not row.editions:
        entry.wrong("", "names no edition", "give server or client")
    return row
