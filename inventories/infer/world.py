"""Everything that conclusions are drawn from, indexed once. Pure, and read only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from functools import cached_property
from urllib.parse import urlsplit

from inventories.answers import Answers, register_of
from inventories.coverage import Covered
from inventories.identity import plain_code, plain_name
from inventories.infer.draft import Draft, Ground
from inventories.infer.evidence import LEAST_NAME
from inventories.infer.readings import Reading, reading_of
from inventories.infer.sightings import Names, Sighting, sightings
from inventories.kinds import KINDS
from inventories.model import Asset, Collection, Conflict, Identifier, Origin, SourcedFact, Strength, Submission
from inventories.places import Places, Zone
from inventories.prefixes import Atlas, Spot, position
from inventories.reconcile import Reconciled, from_department

_WITH_PORT = re.compile(r"^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-fA-F:.]+)\]):(\d{1,5})$")


@dataclass(frozen=True, slots=True)
class Claim:
    """An address that a register gives to a system, and where it may lie. ``port`` is 0 where none is given.

    ``spots`` holds one zone where the address has one meaning, several where nobody can tell which is meant, and
    none where it lies outside every zone in which the department may have it.
    """

    address: str
    port: int
    spots: tuple[Spot, ...]

    @property
    def spot(self) -> Spot | None:
        return self.spots[0] if len(self.spots) == 1 else None


@dataclass(frozen=True, slots=True)
class Government:
    """A site's government clouds, by its zones.

    ``codes`` are theirs as compared, with an empty one for a zone that has none, and ``named`` without. ``looked``
    are the zones that were looked at down to the services, ``unlooked`` the codes of those that were not.
    """

    codes: frozenset[str]
    named: frozenset[str]
    looked: frozenset[str]
    unlooked: frozenset[str]


def web_address(url: str) -> tuple[str, int]:
    """Host and explicit port (0: none) of what a register calls an address of a page; empty host for nonsense."""
    try:
        parts = urlsplit(url.strip() if "://" in url else f"//{url.strip()}")
        return (parts.hostname or "").rstrip("."), parts.port or 0
    except ValueError:
        return "", 0


class World:
    """What reconciliation found, what was seen where, what was covered, who answered."""

    def __init__(
        self, reconciled: Reconciled, collection: Collection, places: Places, timezone: tzinfo = UTC
    ) -> None:
        self.assets, self.coverage, self.timezone = reconciled.assets, collection.coverage, timezone
        self.atlas = Atlas(places)
        self.zones: Mapping[str, Zone] = places.zones
        self.covered = Covered(collection.coverage)
        self.answers = Answers(collection.submissions, collection.failures)
        self.sightings = sightings(collection.observations, self.atlas)
        self._through: dict[str, bool] = {}
        self._told: dict[tuple[frozenset[str], str], str] = {}
        #: (zone, aspect) of which anything at all was covered.
        self.looked = frozenset((record.zone, record.aspect) for record in collection.coverage)
        self.doubted = frozenset((doubt.kind, doubt.identifier) for doubt in reconciled.doubts)
        self.kinds: dict[str, list[Asset]] = {kind: [] for kind in KINDS}
        for asset in self.assets:
            self.kinds[asset.kind].append(asset)
        self.departments = {asset.text("department_id"): from_department(asset) for asset in self.kinds["department"]}

    @cached_property
    def _looks(self) -> dict[tuple[str, str], tuple[datetime, str]]:
        """(zone, aspect) → when it was last looked at to some end, and by whom; clouds stand under their codes."""
        out: dict[tuple[str, str], tuple[datetime, str]] = {}
        for record in self.coverage:
            where = plain_code(record.detail) if record.aspect == "resources" else record.zone
            key, look = (where, record.aspect), (record.ended_at, record.collector)
            out[key] = max(look, out.get(key, look))
        return out

    def looked_words(self, places: Iterable[str], aspect: str) -> str:
        """Who looked at zones (or, for ``resources``, at clouds) and when, for evidence: ``（nmap 2026-03-02）``."""
        asked = (frozenset(places), aspect)
        if asked not in self._told:
            looks = sorted({self._looks[place, aspect] for place in asked[0] if (place, aspect) in self._looks})
            told = {who: at.astimezone(self.timezone).date().isoformat() for at, who in looks}
            said = "、".join(f"{who} {day}" for who, day in sorted(told.items()))
            self._told[asked] = f"（{said}）" if told else ""
        return self._told[asked]

    @cached_property
    def all_zones(self) -> frozenset[str]:
        """The ids of all zones, as one thing to ask about."""
        return frozenset(self.zones)

    @cached_property
    def cloud_zones(self) -> dict[str, list[Zone]]:
        """Code of a cloud, as compared → the zones that are said to be its own."""
        out: dict[str, list[Zone]] = {}
        for zone in self.zones.values():
            out.setdefault(plain_code(zone.cloud_code), []).append(zone)
        return out

    def is_looked_through(self, code: str) -> bool:
        """Whether all zones of a cloud were looked at down to the services; FALSE where it has none."""
        if code not in self._through:
            zones = self.cloud_zones.get(code, ())
            self._through[code] = bool(zones) and all(self.covered.zone(zone, "services") for zone in zones)
        return self._through[code]

    @cached_property
    def government(self) -> Government:
        """The government clouds of the site, by its zones."""
        zones = [zone for zone in self.zones.values() if zone.kind == "government_cloud"]
        seen = {zone.id: self.covered.zone(zone, "services") for zone in zones}
        codes = frozenset(plain_code(zone.cloud_code) for zone in zones)
        return Government(
            codes=codes,
            named=codes - {""},
            looked=frozenset(zone.id for zone in zones if seen[zone.id]),
            unlooked=frozenset(plain_code(zone.cloud_code) for zone in zones if not seen[zone.id]),
        )

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """Host key → what was read inside it, of every host that somebody has been in."""
        return {host.key: found for host in self.kinds["host"] if (found := reading_of(host)) is not None}

    @cached_property
    def hosts_at(self) -> dict[tuple[str, str], list[Asset]]:
        """(vantage, address) → the hosts that are known to have it."""
        out: dict[tuple[str, str], list[Asset]] = {}
        for host in self.kinds["host"]:
            for identifier in host.identifiers:
                if identifier.scheme == "ip":
                    out.setdefault((identifier.vantage, identifier.value), []).append(host)
        return out

    @cached_property
    def unplaced_addresses(self) -> dict[str, list[Asset]]:
        """Addresses that registers give to hosts, and that could not be placed in one zone."""
        out: dict[str, list[Asset]] = {}
        for host in self.kinds["host"]:
            if host.get("is_declared") is True:
                placed = {i.value for i in host.identifiers if i.scheme == "ip"}
                for address in texts(host, "ips"):
                    if address not in placed:
                        out.setdefault(address, []).append(host)
        return out

    @cached_property
    def _by_word(self) -> dict[tuple[str, str], list[Asset]]:
        """(kind, code or name as compared) → the declared assets that it may mean."""
        out: dict[tuple[str, str], list[Asset]] = {}
        for kind in ("system", "room", "cloud"):
            for asset in self.kinds[kind]:
                if asset.get("is_declared") is True:
                    words = {plain_code(asset.text("code")), plain_name(asset.text("name"))} - {""}
                    for word in words:
                        out.setdefault((kind, word), []).append(asset)
        return out

    def referred(self, kind: str, word: str, department_id: str) -> Asset | None:
        """The asset that a register's reference means; of several, the department's own, if it has just one."""
        words = _as_compared(word)
        # Every department may number its own from 1: of those that bear a word, no more are looked at than needed.
        found = {asset.key: asset for text in words for asset in self._by_word.get((kind, text), ())[:2]}
        if len(found) > 1:
            found = {asset.key: asset for text in words for asset in self._of_owner(kind, text, department_id)}
        return next(iter(found.values())) if len(found) == 1 else None

    def meant(self, kind: str, word: str) -> list[Asset]:
        """Every declared asset that a reference may mean."""
        found = {asset.key: asset for text in _as_compared(word) for asset in self._by_word.get((kind, text), ())}
        return [found[key] for key in sorted(found)]

    def is_known(self, kind: str, word: str) -> bool:
        """Whether a reference may mean any declared asset at all."""
        return any((kind, text) in self._by_word for text in _as_compared(word))

    def _of_owner(self, kind: str, text: str, department_id: str) -> list[Asset]:
        """A department's own of those that bear a word: two at most."""
        found = self._by_word.get((kind, text), [])
        if len(found) > 1:
            return self._by_owner.get((kind, text, department_id), [])[:2]
        return [asset for asset in found if asset.text("department_id") == department_id]

    @cached_property
    def _by_owner(self) -> dict[tuple[str, str, str], list[Asset]]:
        """The same by department too, of the words that several bear."""
        out: dict[tuple[str, str, str], list[Asset]] = {}
        for (kind, word), found in self._by_word.items():
            for asset in found if len(found) > 1 else ():
                out.setdefault((kind, word, asset.text("department_id")), []).append(asset)
        return out

    def has_twin(self, system: Asset) -> bool:
        """Whether registers of several departments give one code to a system each: nobody can tell which is meant."""
        code = plain_code(system.text("code"))
        return bool(code) and any(
            other.key != system.key and plain_code(other.text("code")) == code
            for other in self._by_word.get(("system", code), ())
        )

    @cached_property
    def systems(self) -> list[Asset]:
        """Every system that some register names."""
        return [asset for asset in self.kinds["system"] if asset.get("is_declared") is True]

    @cached_property
    def system_names(self) -> Names:
        """Finds registered systems by name in a title; where several bear it, all of them are found."""
        return Names(((system.text("name"), system.key) for system in self.systems), LEAST_NAME)

    def claims(self, system: Asset) -> tuple[Claim, ...]:
        """The addresses that a system's registers give it."""
        out: dict[tuple[str, int], Claim] = {}
        for text in texts(system, "addresses"):
            found = _WITH_PORT.match(text.strip())
            address, port = (found[1] or found[2], int(found[3])) if found else (text.strip(), 0)
            if position(address) is not None:
                out[address, port] = Claim(
                    address, port, self.atlas.candidates(address, system.text("department_id"))
                )
        return tuple(out[key] for key in sorted(out))

    def submitted(self, register: str, department_id: str) -> Submission | None:
        """The submission after which a missing row is known to be missing; see :meth:`Answers.whole`."""
        return self.answers.whole(register, department_id)

    def join_department(self, draft: Draft, department_id: str, ground: Ground) -> None:
        """Gives an inferred asset its department, and what everything of that department has."""
        if not department_id:
            return
        draft.conclude("department_id", department_id, ground)
        for column, fact in self.departments.get(department_id, {}).items():
            draft.values[column] = fact.value
            draft.facts.append(fact)

    def join_nil_return(self, draft: Draft, department_id: str) -> None:
        """A department that says it has none of a kind has no papers for the one that was found."""
        kind = KINDS[draft.kind]
        nil = self.answers.nil(kind.register, department_id)
        if nil is None:
            return
        ground = submission_ground(nil, f"{kind.title}台账报送为“无”")
        for paper, names in kind.papers.items():
            if any(self.answers.asked(kind.register, department_id, kind.column(name)) == nil for name in names):
                draft.conclude(f"{paper}_absent", True, ground)


def _as_compared(word: str) -> set[str]:
    """A reference as it may stand in a register: a code, or a name."""
    return {plain_code(word), plain_name(word)} if word else set()


def texts(asset: Asset, column: str) -> tuple[str, ...]:
    value = asset.get(column)
    return value if isinstance(value, tuple) else ()


def submission_ground(submission: Submission, words: str) -> Ground:
    at = datetime.combine(submission.received_on, time(), UTC)
    source = f"registers/submissions（{submission.department_id} {submission.register}）"
    return Ground(Strength.DECLARED, source, at, f"{words}（{submission.received_on.isoformat()} 收到）")


def register_ground(asset: Asset, register: str = "") -> Ground | None:
    """That a register names an asset; None where none does (or not the one asked for)."""
    if asset.get("is_declared") is not True:
        return None
    # A row's many facts share one source and one time: each pair is read once.
    told = {(fact.observed_at, fact.source) for fact in asset.facts if fact.origin is Origin.DECLARED}
    for at, source in sorted(told, reverse=True):
        if (of := register_of(source)) and register in ("", of):
            return Ground(Strength.DECLARED, source, at, "台账有登记")
    return None


def facts_of(asset: Asset, column: str) -> list[SourcedFact]:
    return [fact for fact in asset.facts if fact.column == column]


def sighting_ground(sighting: Sighting, strength: Strength, words: str = "") -> Ground:
    where = f"{sighting.address}（{sighting.spot.zone.name}）" if sighting.spot else sighting.address
    return Ground(strength, sighting.source, sighting.observed_at, f"{where}{words or sighting.shows()}")


def identifiers(asset: Asset, scheme: str) -> Iterable[Identifier]:
    return (identifier for identifier in asset.identifiers if identifier.scheme == scheme)


def has_conflict(conflicts: Iterable[Conflict], column: str) -> bool:
    return any(conflict.column == column for conflict in conflicts)
