"""Packs as commands name them: by id, or by the folder that one is being written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import Refused
from auditor.site_packs import own_packs
from inventories.faults import clean, did_you_mean

if TYPE_CHECKING:
    from policies.model import Pack

SITE_FILE = "site.yaml"


def is_site(root: Path) -> bool:
    return (root / SITE_FILE).is_file()


def known_packs(root: Path) -> Mapping[str, Path]:
    """Pack id → folder: the program's own packs, then those of the site at ``root``, if there is one."""
    from policies.pack import BUILTIN, builtin_packs

    out = {name: BUILTIN / name for name in builtin_packs()}
    if is_site(root):
        mine = sorted(path.parent for path in own_packs(root).glob("*/pack.yaml"))
        out.update({folder.name: folder for folder in mine if folder.name not in out})
    return out


def folder_of(name: str, root: Path) -> Path:
    """The folder of a pack named by id, or by a folder (anything with a slash in it, and ``.``).

    Raises :class:`Refused` where there is none.
    """
    if "/" in name or name in (".", ".."):
        folder = Path(name)
        if not (folder / "pack.yaml").is_file():
            raise Refused(f"{name}: holds no pack.yaml, so it is no pack")
        return folder.resolve()
    known = known_packs(root)
    if name in known:
        return known[name]
    mend = did_you_mean(name, known) or "one of " + ", ".join(known)
    if (Path(name) / "pack.yaml").is_file():
        mend = f"for the folder, write ./{name}"
    raise Refused(f"unknown pack '{clean(name, 80)}': {mend}")


def named_packs(names: Sequence[str], root: Path, *, settled: bool = False) -> tuple[Pack, ...]:
    """The packs named, or all that are known, in that order; ``settled``: under the settings of the site, if any.

    Raises :class:`~inventories.faults.Faults` with the faults of all of them.
    """
    from inventories.faults import Fault, Faults
    from policies.pack import load_pack

    folders = [folder_of(name, root) for name in dict.fromkeys(names)] or list(known_packs(root).values())
    settings = site_settings(root) if settled else {}
    out: list[Pack] = []
    faults: list[Fault] = []
    for folder in folders:
        try:
            out.append(load_pack(folder, settings=settings.get(folder.name)))
        except Faults as error:
            faults.extend(error.faults)
    if faults:
        raise Faults(faults)
    return tuple(out)


def site_settings(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """The settings of the site at ``root`` for its packs, by id; none where there is no site."""
    if not is_site(root):
        return {}
    from auditor.site import load_site

    return load_site(root).config.pack_settings
