"""Which packs a site judges by: those that come with the program, and its own.

``packs`` in ``site.yaml`` names a pack by its id, which is looked for among the program's own and in the site's
folder ``packs/``, or by its folder within the site (``rules/gaoping-2024``), which then is taken from there alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from inventories.documents import Document
from inventories.faults import Fault, clean

if TYPE_CHECKING:
    from auditor.site import Site


def pack_id(name: str) -> str:
    """The id of a pack that ``packs`` names by id or by its folder."""
    return PurePosixPath(name).name or name


def own_packs(root: Path) -> Path:
    """Where a site's own packs lie, a folder for each."""
    return root / "packs"


def named_folders(site: Site) -> dict[str, Path]:
    """Pack id → folder, for packs that ``packs`` names by folder."""
    return {pack_id(name): site.root / name for name in site.config.packs if "/" in name}


def check_packs(document: Document, names: Sequence[str], root: Path) -> Iterator[Fault]:
    """Packs named by folder lie within the site, and no two have one id."""
    ids = [pack_id(name) for name in names]
    for i, name in enumerate(names):
        at = ("packs", i)
        if ids[i] in ids[:i]:
            yield document.fault(at, f"a second pack {clean(ids[i], 80)!r}", "keep one of them")
        if "/" not in name:
            continue
        # Followed to its end: a link that leads out of the site is no folder within it.
        parts = PurePosixPath(name).parts
        if parts[0] == "/" or ".." in parts or not (root / name).resolve().is_relative_to(root.resolve()):
            yield document.fault(at, f"{clean(name, 80)!r} leads out of the site", "name a folder within it")
        elif not (root / name / "pack.yaml").is_file():
            what = f"there is no pack in the folder {clean(name, 80)!r}"
            yield document.fault(at, what, "'auditor policy new' starts one")
