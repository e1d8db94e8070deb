"""The operating system, from its release files and the tool that installs its packages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from inventories.model import Strength
from probes.fingerprints.inside import SystemRow, tables
from probes.inside.model import Os
from probes.inside.sections import Sections
from probes.inside.software import plain_version

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")


def read_os(sections: Sections) -> Os:
    files = sections.files()
    release_file = next((name for name in _OS_RELEASE if files.get(name)), "")
    release = _release(files.get(release_file, ()))
    others = {name: lines for name, lines in files.items() if name not in _OS_RELEASE}
    tools = sections.get("tools")
    family = "deb" if "dpkg" in tools else "rpm" if "rpm" in tools else ""
    packages = {cut[1]: cut[2] for line in sections.get("packages") if len(cut := line.split("\t")) == 3}
    kernel = next(iter(sections.get("kernel")[1:2]), "").strip()
    for row in tables().systems:
        evidence = _matches(row, release, others, family, release_file)
        package = _package(row, packages)
        if evidence is not None and package is not None:
            evidence = "；".join(part for part in (evidence, package) if part)
            version = _version(row, release, others) if not package else _of_package(row, package)
            return Os(row.code, row.title, version, row.vendor, family, kernel, row.strength, evidence)
    name = release.get("NAME", "")
    if not name:
        return Os(family=family, kernel=kernel)
    version = release.get("VERSION_ID") or release.get("VERSION", "")
    evidence = f"{release_file}: NAME={name} VERSION={release.get('VERSION', '')}"
    return Os(release.get("ID", "").casefold(), name, version, "", family, kernel, Strength.SEEN_INSIDE, evidence)


def _release(lines: Sequence[str]) -> dict[str, str]:
    """The variables of os-release(5): shell assignments, the first of each."""
    out: dict[str, str] = {}
    for line in lines[:100]:
        key, found, value = line.strip().partition("=")
        if found and re.fullmatch(r"[A-Z][A-Z0-9_]*", key):
            plain = value.strip()
            if len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "'\"":
                plain = plain[1:-1]
            out.setdefault(key, re.sub(r"\\(.)", r"\1", plain).strip()[:200])
    return out


def _matches(
    row: SystemRow,
    release: Mapping[str, str],
    others: Mapping[str, Sequence[str]],
    family: str,
    release_file: str,
) -> str | None:
    """The words by which a row is recognised; None where something that it names does not match."""
    if row.alone and release:
        return None
    # A family that could not be read contradicts nothing.
    if row.family and family and row.family != family:
        return None
    keys = {"id": "ID", "name": "NAME", "pretty": "PRETTY_NAME"}
    asked = {variable: row.patterns[key] for key, variable in keys.items() if key in row.patterns}
    if not all(pattern.search(release.get(variable, "")) for variable, pattern in asked.items()):
        return None
    shown = [v for v in ("ID", "NAME", "VERSION", "PRETTY_NAME") if v in release and (v in asked or v[0] != "P")]
    told = f"{release_file}: {' '.join(f'{v}={release[v]}' for v in shown)}" if shown else ""
    pattern = row.patterns.get("file")
    if pattern is not None:
        lines = ((name, line) for name, found in others.items() for line in found)
        hit = next((f"{name}: {line.strip()}" for name, line in lines if pattern.search(line.strip())), None)
        if hit is None:
            return None
        told = f"{told}；{hit}" if told else hit
    return told


def _package(row: SystemRow, packages: Mapping[str, str]) -> str | None:
    """The package that a row names, with its version; empty where it names none, None where it is not installed."""
    pattern = row.patterns.get("package")
    if pattern is None:
        return ""
    return next((f"{name} {packages[name]}" for name in sorted(packages) if pattern.search(name)), None)


def _of_package(row: SystemRow, package: str) -> str:
    """A version out of a package's: release files of such a system may be those of the one that it derives from."""
    found = row.version.search(plain_version(package.partition(" ")[2]))
    return found[1] if found else ""


def _version(row: SystemRow, release: Mapping[str, str], others: Mapping[str, Sequence[str]]) -> str:
    """The version as its maker writes it; where release files know a longer form of the number, that one."""
    named = [release[key] for key in ("VERSION", "PRETTY_NAME", "VERSION_ID") if key in release]
    lines = [line.strip() for found in others.values() for line in found]
    for word, version in row.versions.items():
        if any(re.search(rf"\b{re.escape(word)}\b", text) for text in (*named, *lines)):
            return version
    pattern = row.patterns.get("file")
    texts = named if named or pattern is None else [line for line in lines if pattern.search(line)]
    found = [match[1] for text in texts if (match := row.version.search(text)) is not None]
    version = max(found, key=len, default="")
    version = version.upper() if re.match(r"[vV]\d", version) else version
    if re.fullmatch(r"[0-9][0-9.]*", version):
        longer = re.compile(rf"(?<![0-9.])({re.escape(version)}(?:\.[0-9]+)+)")
        return next((match[1] for line in lines if (match := longer.search(line))), version)
    return version
