"""``site.yaml`` as it stands on disk: read again when it changes, the former one kept while it is faulty."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from auditor.intake import working_days
from auditor.schedule.plan import Plan, plan_of
from auditor.schedule.rules import Sky
from auditor.site import SITE_FILE, Site, load_site
from inventories.faults import Faults, clean

_Stamp = tuple[tuple[str, int, int, int], ...]


class Watched:
    """A site with its jobs. Faults where it cannot be read in the first place.

    ``trouble`` says what is wrong with the file as it is now, while ``site`` is still the former one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamp = self._seen()
        self.trouble = ""
        self.site, self.plan, self.sky = _load(root)

    def look(self, tell: Callable[[str], None]) -> bool:
        """Whether the site was read anew."""
        stamp = self._seen()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.site, self.plan, self.sky = _load(self._root)
        except Faults as error:
            self.trouble = "site.yaml was changed and has faults: the former one stays in force"
            tell(self.trouble)
            for fault in error.faults[:20]:
                tell(f"  {clean(str(fault), 500)}")
            return False
        self.trouble = ""
        tell(f"site.yaml was read anew: {len(self.plan.jobs)} jobs")
        return True

    def _seen(self) -> _Stamp:
        """By what a change of the file, or of the site's own calendars, shows."""
        found = []
        calendars = self._root / "calendars"
        with contextlib.suppress(OSError):
            for path in (self._root / SITE_FILE, calendars, *sorted(calendars.glob("*.y*ml"))):
                with contextlib.suppress(OSError):
                    now = path.stat()
                    found.append((path.name, now.st_ino, now.st_size, now.st_mtime_ns))
        return tuple(found)


def _load(root: Path) -> tuple[Site, Plan, Sky]:
    site = load_site(root)
    return site, plan_of(site.config), sky_of(site)


def sky_of(site: Site) -> Sky:
    """Faults for a year's file that cannot be right."""
    return Sky(
        timezone=site.timezone,
        calendar=working_days(site),
        scopes={scope.zone.id: scope for scope in site.scopes},
        by_bundle=frozenset(zone.id for zone in site.config.zones if zone.by == "bundle"),
    )
