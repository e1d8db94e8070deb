"""``policy new``: starts a pack that validates as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from auditor.errors import Exit, Refused
from auditor.output import print_json, say
from auditor.pack_names import SITE_FILE, is_site, known_packs
from auditor.site_packs import own_packs
from policies.pack import load_pack
from policies.scaffold import articles_of, check_name, read_text, start_pack


def new(name: str, root: Path, *, text: Path | None, region: str | None, into: Path | None, as_json: bool) -> int:
    check_name(name)
    parent = into if into is not None else _own(root)
    if name in known_packs(root):
        raise Refused(f"there is a pack {name} already, in {known_packs(root)[name]}: choose another name")
    articles = articles_of(read_text(text), str(text)) if text is not None else None
    place = _region(region, root)
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = parent / name
    try:
        files = start_pack(folder, region=place, articles=articles)
    except FileExistsError:
        raise Refused(f"{folder} is there already: nothing was written") from None
    pack = load_pack(folder)
    if as_json:
        print_json(
            {"pack": pack.id, "folder": str(folder), "files": list(files), "articles": pack.articles, "region": place}
        )
        return Exit.DONE
    say(f"{folder}: {', '.join(files)}; {pack.articles} articles, none of them worked out yet")
    say("next: fill in what stands in （brackets）, and turn articles under 'manual' into rules; after each:")
    say(f"  auditor policy test {_typed(folder)}")
    if into is None:
        say(f"  and add '{name}' to 'packs' in {root / SITE_FILE}")
    return Exit.DONE


def _own(root: Path) -> Path:
    if not is_site(root):
        raise Refused(f"{root}: is no site: name one with --site, or a folder with --into")
    return own_packs(root)


def _typed(folder: Path) -> str:
    """A folder as it must be typed for it not to be taken for an id."""
    return str(folder) if "/" in str(folder) else f"./{folder}"


def _region(given: str | None, root: Path) -> str:
    """The region asked for, or the site's."""
    if given is not None:
        if not re.fullmatch("[0-9]{6}", given):
            raise Refused(f"{given!r} is no region: write six digits of GB/T 2260, such as 140800")
        return given
    if not is_site(root):
        raise Refused("whom does it bind? name the region with --region: six digits of GB/T 2260, such as 140800")
    from auditor.site import load_site

    return load_site(root).config.region
