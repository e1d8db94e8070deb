"""The case of one system: its addresses, and what was seen, hinted and declared of the place where it runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from inventories.infer.draft import Ground
from inventories.infer.fronts import Lead
from inventories.infer.resources import Resource
from inventories.infer.sightings import Sighting
from inventories.infer.world import World, identifiers, texts
from inventories.model import Asset, Strength
from inventories.prefixes import Spot

CLOUD = "gov_cloud"
OWN = frozenset({"own_room", "private_cloud"})


class Now(StrEnum):
    """What answers at an old address. ``OLD``: nothing says that it is another. ``UNSURE``: something hints at it.

    What is a door to other places, or a documented backup, is unsure too.
    """

    OLD = "old"
    OTHER = "other"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Became:
    """What an old address is now, and why, in words (none for an old host that is still there)."""

    now: Now
    words: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that bears a system's name at an address that nobody gave it."""

    place: str
    ground: Ground
    cloud_code: str


@dataclass(slots=True)
class Spotted:
    """One address of a system: where it may lie, and what was seen there. ``host`` is the same for one machine.

    ``is_public``: it lies outside every zone, and in a public cloud's range. ``became``: what the address is now,
    where its system is said to have left it, or where it is a door. ``answered``: a declared name led here, and to a
    page of the system's own. ``is_named``: what was seen here bears its name.
    """

    address: str
    port: int
    spots: tuple[Spot, ...]
    vantage: str = ""
    sighting: Sighting | None = None
    host: str = ""
    is_public: bool = False
    became: Became | None = None
    answered: Ground | None = None
    is_named: bool = False

    @property
    def spot(self) -> Spot | None:
        return self.spots[0] if len(self.spots) == 1 else None

    @property
    def is_alive(self) -> bool:
        """Whether something answers that may be its own machine."""
        if self.became is not None and self.became.now is Now.UNSURE:
            return False
        if self.answered is not None:
            return True
        return (
            self.sighting is not None
            and self.sighting.is_sure
            and (self.became is None or self.became.now is Now.OLD)
        )

    @property
    def may_be_cloud(self) -> bool:
        if not self.spots:
            return not self.is_public
        return any(spot.zone.kind == "government_cloud" for spot in self.spots)

    @property
    def is_cloud(self) -> bool:
        return self.spot is not None and self.spot.zone.kind == "government_cloud"


@dataclass(slots=True)
class Case:
    """What speaks for each place of one system: seen, hinted and declared.

    ``running``, ``stopped`` and ``possible`` are the instances that clouds list: surely its own and on, surely its
    own and off, and those of which nobody can tell. ``is_behind_a_door``: one of its names leads to an address on a
    government cloud that many share, so that it may run there. ``doors`` are instances of its own that only stand in
    front of others, ``door`` what shows the system on a government cloud at something that may be no more than that.
    """

    system: Asset
    addresses: list[Spotted]
    seen: dict[str, Ground] = field(default_factory=dict)
    hinted: dict[str, Ground] = field(default_factory=dict)
    declared: dict[str, Ground] = field(default_factory=dict)
    #: Codes of the government clouds on which it was seen, and whether any sighting bears its name.
    cloud_codes: set[str] = field(default_factory=set)
    is_named: bool = False
    running: list[Resource] = field(default_factory=list)
    stopped: list[Resource] = field(default_factory=list)
    possible: list[Resource] = field(default_factory=list)
    leads: tuple[Lead, ...] = ()
    is_behind_a_door: bool = False
    doors: list[Resource] = field(default_factory=list)
    door: Ground | None = None

    @property
    def has_left(self) -> bool:
        """Whether its registers say that it runs on a government cloud, and on nothing of its department's own."""
        moved = CLOUD in self.declared or self.system.get("migrated_on") is not None
        return moved and not OWN & self.declared.keys()

    def note(self, place: str, ground: Ground, cloud_code: str, *, by_name: bool) -> None:
        """The strongest is kept, of equals the first: sightings come in a fixed order."""
        kept = self.hinted if ground.strength < Strength.SEEN_OUTSIDE else self.seen
        if place not in kept or kept[place].strength < ground.strength:
            kept[place] = ground
        if kept is self.seen:
            self.is_named |= by_name
            if place == CLOUD:
                self.cloud_codes.add(cloud_code)


def hosts_by_system(world: World) -> dict[str, list[Asset]]:
    """System key → the hosts that carry it, as a register or a cloud's mapping says."""
    out: dict[str, list[Asset]] = {}
    for host in world.kinds["host"]:
        for word in texts(host, "system_codes"):
            system = world.referred("system", word, host.text("department_id"))
            if system is not None:
                out.setdefault(system.key, []).append(host)
    return out


def addresses_of(world: World, system: Asset, hosts: Iterable[Asset]) -> list[Spotted]:
    """A system's declared addresses, and those of the hosts that carry it."""
    out: dict[tuple[str, str, int], Spotted] = {}
    for claim in world.claims(system):
        spot = claim.spot
        vantage = spot.zone.vantage if spot else ""
        out[vantage, claim.address, claim.port] = Spotted(claim.address, claim.port, claim.spots, vantage)
    known = {(vantage, address) for vantage, address, _port in out}
    for host in hosts:
        for identifier in identifiers(host, "ip"):
            spot = world.atlas.at(identifier.vantage, identifier.value)
            if spot and (identifier.vantage, identifier.value) not in known:
                where = (identifier.vantage, identifier.value, 0)
                out[where] = Spotted(identifier.value, 0, (spot,), identifier.vantage)
    for (vantage, address, _port), spotted in out.items():
        spotted.sighting = world.sightings.get((vantage, address))
        found = world.hosts_at.get((vantage, address), ())
        spotted.host = found[0].key if len(found) == 1 else f"{vantage} {address}"
    return [out[key] for key in sorted(out)]
