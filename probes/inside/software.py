"""Which products the names of packages, processes and directories show, and how well.

A server that is installed and was not seen running is a hint: nobody is asked about a database that stands still.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from inventories.model import Strength
from probes.fingerprints.inside import PackageRow, ProcessRow, tables
from probes.inside.model import Inside, Package


@dataclass(frozen=True, slots=True)
class Product:
    """``category:name version`` with what it rests on."""

    category: str
    name: str
    version: str
    strength: Strength
    evidence: str
    is_running: bool

    def __str__(self) -> str:
        return f"{self.category}:{self.name} {self.version}".strip()


def known_packages(lines: Iterable[tuple[str, str, str]]) -> tuple[Package, ...]:
    """Those of (manager, name, version) that a row knows; the others are nobody's business."""
    rows = tables().packages
    out = [
        Package(name, plain_version(version), manager)
        for manager, name, version in lines
        if any(row.pattern.fullmatch(name) for row in rows)
    ]
    return tuple(sorted(set(out), key=lambda package: (package.name, package.version)))


def plain_version(text: str) -> str:
    """``1:10.11.6-0+deb12u1`` and ``10.11.6-1.ky10`` as their makers' version: without epoch and revision."""
    version = re.sub(r"^(\d+|\(none\)):", "", text.strip())
    return re.sub(r"[-+~].*$", "", version)


def products(inside: Inside) -> tuple[Product, ...]:
    """Each product once, in a fixed order, with its version where one is told."""
    running = {name.casefold() for name in inside.processes}
    packaged = list(_packages(inside.packages, running))
    explained = {name for row, product in packaged if product.strength > Strength.HINTED for name in row.runs}
    found = [product for _row, product in packaged]
    found += [
        product
        for row, name, product in _processes(inside)
        if row.strength > Strength.HINTED or row.kind != "process" or name not in explained
    ]
    merged: dict[tuple[str, str], Product] = {}
    for product in found:
        key = (product.category, product.name)
        merged[key] = _merged(merged[key], product) if key in merged else product
    return tuple(_told(merged[key]) for key in sorted(merged))


def _told(product: Product) -> Product:
    if product.is_running:
        return product
    return replace(product, evidence=f"{product.evidence}；未见运行")


def _merged(one: Product, other: Product) -> Product:
    parts = list(dict.fromkeys(f"{one.evidence}；{other.evidence}".split("；")))
    evidence = "；".join(part for part in parts if not any(p != part and p.startswith(part) for p in parts))
    version = one.version or other.version
    strength, is_running = max(one.strength, other.strength), one.is_running or other.is_running
    return replace(one, version=version, strength=strength, evidence=evidence, is_running=is_running)


def _packages(packages: Sequence[Package], running: set[str]) -> Iterator[tuple[PackageRow, Product]]:
    for package in packages:
        for row in tables().packages:
            if not row.pattern.fullmatch(package.name):
                continue
            shown = sorted(row.runs & running)
            strength = row.strength if shown or row.alone else Strength.HINTED
            why = f"{package.manager}: {package.name} {package.version}".strip()
            why += f"；进程 {shown[0]}" if shown else "；已安装"
            yield row, Product(row.category, row.product, package.version, strength, why, bool(shown) or row.alone)
            break


def _processes(inside: Inside) -> Iterator[tuple[ProcessRow, str, Product]]:
    names = {"process": inside.processes, "word": inside.words}
    listening: dict[str, str] = {}
    for listener in inside.listeners:
        if listener.process:
            listening.setdefault(listener.process.casefold(), f"{listener.port}/{listener.protocol}")
    ports = {listener.port for listener in inside.listeners if listener.protocol == "tcp"}
    for row in tables().processes:
        if row.listens and not row.listens & ports:
            continue
        if row.kind == "folder":
            yield from _folders(row, inside.folders)
            continue
        for name in names[row.kind]:
            if row.pattern.fullmatch(name):
                why = f"进程 {name}" if row.kind == "process" else f"java 进程 {name}"
                port = listening.get(name.casefold())
                why += f"，监听 {port}" if port else ""
                yield row, name, Product(row.category, row.product, "", row.strength, why, True)
                break


def _folders(row: ProcessRow, folders: Sequence[str]) -> Iterator[tuple[ProcessRow, str, Product]]:
    for folder in folders:
        match = row.pattern.fullmatch(folder.rpartition("/")[2])
        if match is not None:
            version = (match[1] or "").strip(".") if match.re.groups else ""
            yield row, folder, Product(row.category, row.product, version, row.strength, f"目录 {folder}", False)
            return
