"""The heads of the looks that a site keeps: each file is read once, for a look never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auditor import looks
from auditor.looks import Look, Pair
from auditor.site import Site


class Heads:
    """(zone, probe) → its newest look, by what lies in the folders now."""

    def __init__(self) -> None:
        self._known: dict[str, Look] = {}

    def newest(self, site: Site, zones: Iterable[str]) -> Mapping[Pair, Look]:
        """BundleError or OSError for a file whose head cannot be read."""
        before, self._known = self._known, {}
        vantages = {scope.zone.id: scope.zone.vantage for scope in site.scopes}
        for path in looks.files(site, zones):
            self._known[str(path)] = before.get(str(path)) or looks.read_head(path)
        return looks.newest(look for look in self._known.values() if look.vantage == vantages.get(look.zone))
