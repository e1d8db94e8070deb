"""Ghosts both ways: what registers declare and nobody finds, and cloud resources that nobody claims. Pure.

Found is whatever answered, was read inside, or stands in a cloud's own list, running or not. Not found is said only
of what is declared in use, and where everything that could show it was looked at. A resource is nobody's only where
its cloud was listed whole, the registers that could claim it came in whole, and no registered system can have it as
a further host.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache

from inventories.answers import REGISTER
from inventories.infer.absence import MOST_TOLD, nowhere
from inventories.infer.bonds import strange_codes
from inventories.infer.case import CLOUD, Case
from inventories.infer.draft import Draft, Ground
from inventories.infer.fronts import Fronts, Shows
from inventories.infer.instances import is_listed, names_of
from inventories.infer.resources import Resource, Resources
from inventories.infer.sightings import Sighting
from inventories.infer.terms import SPARE_WORDS, STRAY_NAMES
from inventories.infer.world import (
    World,
    facts_of,
    identifiers,
    register_ground,
    sighting_ground,
    submission_ground,
    texts,
)
from inventories.model import Asset, Origin, SourcedFact, Strength, Submission

_IN_USE = frozenset({"running", "trial"})
_SEEN_BY_ITSELF = frozenset({"nmap", REGISTER})


def conclude_system_found(world: World, resources: Resources, fronts: Fronts, case: Case, draft: Draft) -> None:
    """``is_found`` of a registered system."""
    seen = _seen(fronts, case)
    if seen is not None:
        draft.conclude("is_found", True, seen)
        return
    said = register_ground(case.system)
    if said is None or case.system.text("status") not in _IN_USE:
        return
    if words := nowhere(world, resources, case):
        draft.conclude("is_found", False, _missing(said, words))


def _missing(said: Ground, words: str) -> Ground:
    return Ground(said.strength, said.source, said.observed_at, f"{said.evidence}；{words}")


def _seen(fronts: Fronts, case: Case) -> Ground | None:
    """The best that shows a system to be somewhere."""
    found = list(case.seen.values())
    listed = (*case.running, *case.stopped, *case.doors)
    found += [resource.ground(Strength.SEEN_INSIDE, "（云平台列出）") for resource in listed]
    for lead in case.leads:
        shared = any(fronts.is_shared(spot.zone.vantage if spot else "", a) for a, spot in lead.spots)
        if lead.shows is Shows.NAMED or (lead.shows is Shows.ANSWERED and not shared):
            found.append(Ground(Strength.SEEN_OUTSIDE, lead.source, lead.observed_at, lead.words))
    for spotted in case.addresses:
        sighting = spotted.sighting
        if sighting is not None and spotted.is_alive and not sighting.is_equipment:
            found.append(sighting_ground(sighting, Strength.SEEN_OUTSIDE))
    return max(found, key=lambda g: (g.strength, g.observed_at, g.source, g.evidence), default=None)


def conclude_host_found(world: World, host: Asset, draft: Draft, sightings: Sequence[Sighting]) -> None:
    """``is_found`` of a host, by the sightings at its addresses and by what else was told of it."""
    # What answers at its address and was not taken for this very host is another that claims the address.
    for sighting in sightings if host.values["is_observed"] else ():
        if sighting.is_sure:
            words = f"{sighting.address} 有应答"
            ground = Ground(Strength.SEEN_OUTSIDE, sighting.source, sighting.observed_at, words)
            draft.conclude("is_found", True, ground)
            return
    if not _SEEN_BY_ITSELF.issuperset(host.collectors) and (told := _told(host)) is not None:
        draft.conclude("is_found", True, Ground(told.strength, told.source, told.observed_at, _words(told)))
        return
    if sightings or host.get("is_observed") is True or host.get("is_declared") is not True or is_spare(host):
        return
    words = _host_nowhere(world, host)
    said = register_ground(host, "hosts") if words else None
    if said is not None:
        draft.conclude("is_found", False, _missing(said, words))


def _told(host: Asset) -> SourcedFact | None:
    """The best that a probe other than the scan said of a host."""
    found = [fact for fact in host.facts if fact.origin is Origin.OBSERVED and fact.strength >= Strength.SEEN_OUTSIDE]
    return max(found, key=lambda f: (f.strength, f.observed_at, f.source, f.column, str(f.value)), default=None)


def _words(fact: SourcedFact) -> str:
    who = fact.source.partition(" ")[0]
    if is_listed(fact):
        return f"由云平台列出（{who}）"
    return f"{who} 读到{f'：{fact.evidence}' if fact.evidence else ''}"


def is_spare(host: Asset) -> bool:
    """Whether its register calls a host a spare, or out of use: nobody misses it."""
    return any(
        fact.origin is Origin.DECLARED and isinstance(fact.value, str) and _is_spare(fact.value)
        for fact in host.facts
    )


@lru_cache(maxsize=4096)
def _is_spare(text: str) -> bool:
    return bool(SPARE_WORDS.search(text))


def _host_nowhere(world: World, host: Asset) -> str:
    """Why a declared host is shown to be nowhere: all its addresses were looked at in vain; empty where it is not."""
    placed = list(identifiers(host, "ip"))
    addresses = sorted(set(texts(host, "ips")))
    if not addresses or {identifier.value for identifier in placed} != set(addresses):
        return ""
    for identifier in placed:
        spot = world.atlas.at(identifier.vantage, identifier.value)
        if spot is None or not world.covered.address(identifier.vantage, identifier.value):
            return ""
        # On a cloud a machine may be off, or behind a wall: its own list must be without it too.
        if spot.zone.kind != "department" and not world.covered.cloud(spot.zone.cloud_code):
            return ""
        # Somebody else's sighting at the address means that it is in use, and by whom is in doubt.
        if (identifier.vantage, identifier.value) in world.sightings:
            return ""
    spots = [world.atlas.at(identifier.vantage, identifier.value) for identifier in placed]
    when = world.looked_words([spot.zone.id for spot in spots if spot], "hosts")
    return f"登记的地址 {'、'.join(addresses[:MOST_TOLD])} 已核查{when}，无应答"


class Claimants:
    """Who could claim a cloud's resources, and whether all of them have been asked."""

    def __init__(self, world: World, resources: Resources, *, today: date) -> None:
        self.world, self.resources, self.today = world, resources, today
        self._with_claims = {
            (resource.cloud_code, resource.project)
            for resource in resources.all
            if resource.project and any(claim.kind == "system" and claim.is_sure for claim in resource.claims)
        }
        self._homeless: dict[str, str] | None = None
        self._grounds: dict[str, Ground | None] = {}

    def conclude(self, host: Asset, draft: Draft) -> None:
        """``is_claimed`` of a host that a cloud's own interface listed."""
        resource = self.resources.of_host(host)
        if resource is None:
            return
        sure = next((claim for claim in resource.claims if claim.is_sure), None)
        if sure is not None:
            draft.conclude("is_claimed", True, resource.ground(Strength.DECLARED, sure.words))
            return
        row = register_ground(host)
        if row is not None:
            draft.conclude("is_claimed", True, row & resource.ground(Strength.DECLARED, ""))
            return
        if resource.is_claimed or resource.is_platforms or not self.world.covered.cloud(resource.cloud_code):
            return
        if self._may_be_somebodys(resource):
            return
        answered = self._answered(resource.owner)
        if answered is not None:
            when = self.world.looked_words([resource.cloud_code], "resources")
            words = f"，由全量清单列出{when}，已登记的系统、项目和主机均未认领"
            if codes := strange_codes(self.world, host):
                words += f"；云上标注的系统编号 {'、'.join(codes[:3])} 不在台账中"
            draft.conclude("is_claimed", False, resource.ground(Strength.SEEN_INSIDE, words) & answered)

    def _may_be_somebodys(self, resource: Resource) -> bool:
        """Whether a register may mean it though no word meets: a doubted identifier, a further host of a system."""
        host = resource.host
        if any(("host", identifier) in self.world.doubted for identifier in host.identifiers):
            return True
        if any(address in self.world.unplaced_addresses for address in texts(host, "ips")):
            return True
        if (resource.cloud_code, resource.project) in self._with_claims and not _is_stray(resource):
            return True
        homeless = self._systems_without_hosts()
        return bool(homeless) if not resource.owner else resource.owner in homeless

    def _systems_without_hosts(self) -> dict[str, str]:
        """Departments with a system that is said to be on a cloud, and of which no instance or address is known."""
        if self._homeless is None:
            self._homeless = {}
            for system in self.world.systems:
                if self._is_homeless(system):
                    self._homeless.setdefault(system.text("department_id"), system.text("name"))
        return self._homeless

    def _is_homeless(self, system: Asset) -> bool:
        if system.text("status") in ("planned", "retired"):
            return False
        said = {
            place
            for fact in facts_of(system, "hosting")
            if fact.origin is Origin.DECLARED and isinstance(fact.value, tuple)
            for place in fact.value
        }
        on_cloud = bool({CLOUD, "private_cloud", "industry_cloud"} & said) or bool(texts(system, "cloud_codes"))
        if not on_cloud and said:
            return False
        return not texts(system, "addresses") and not self.resources.of(system)

    def _answered(self, owner: str) -> Ground | None:
        """That the registers which could claim it came in whole: its owner's, or without one, everybody's."""
        if owner not in self._grounds:
            self._grounds[owner] = self._all_in(owner)
        return self._grounds[owner]

    def _all_in(self, owner: str) -> Ground | None:
        if owner:
            asked = [(register, owner) for register in ("systems", "hosts")]
        else:
            asked = [("systems", department) for department in self._departments()]
        found = [self.world.submitted(register, department) for register, department in asked]
        received = [submission for submission in found if submission is not None]
        if not received or len(received) < len(found):
            return None
        return _oldest(received, "归属部门的系统、主机台账" if owner else "各部门的系统台账")

    def _departments(self) -> list[str]:
        """Every department that there is on the day."""
        out = []
        for department in self.world.kinds["department"]:
            ended = department.get("valid_to")
            if department.text("department_id") and not (isinstance(ended, date) and ended < self.today):
                out.append(department.text("department_id"))
        return sorted(out)


def _is_stray(resource: Resource) -> bool:
    """Whether its name tells that it is no part of what its neighbours serve."""
    return any(STRAY_NAMES.search(name) for name in names_of(resource.host))


def _oldest(received: Iterable[Submission], words: str) -> Ground:
    """The oldest of several submissions: no stronger than the one longest ago."""
    first = min(received, key=lambda s: (s.received_on, s.department_id, s.register))
    return submission_ground(first, f"{words}均已收齐，最早一份")
