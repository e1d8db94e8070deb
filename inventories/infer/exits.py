"""Internet exits of a department's own: what its servers and network devices reach the internet by. Pure.

What counts stands in section ``exits`` of ``evidence.yaml``. A public address, or a gateway, is held against the
unified exit: where nobody registered that one's prefixes or gateways, it stays a lead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from inventories.facts import STRONGER_SHOWN
from inventories.identity import place_id
from inventories.infer.draft import Drafts, Ground
from inventories.infer.evidence import EXIT_FROM, EXIT_MOST, EXIT_SIGNS, OWN_EXIT_FROM, UNKNOWN_EXIT_CAP
from inventories.infer.found_networks import FoundNetwork, endpoint, together
from inventories.infer.known import Known, Meets, gateways_of, is_public, prefixes_of, single
from inventories.infer.machines import Machine, is_server, machine_of
from inventories.infer.readings import Leg, Reading, is_inner
from inventories.infer.world import World, facts_of, has_conflict, identifiers, register_ground
from inventories.model import Asset, Conflict
from inventories.places import Address, Zone
from inventories.prefixes import Ranges


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign that one machine gives of an exit. ``exit`` says which one: signs of the same exit add up.

    ``line`` is the prefix or gateway that the exit is known by, empty for a line that the machine dials.
    """

    code: str
    exit: str
    line: str
    machine: Machine
    ground: Ground
    addresses: tuple[Address, ...] = ()
    gateway: Address | None = None


class Unified:
    """The unified exit, as registers tell it. It is known where they give its prefixes or gateways."""

    def __init__(self, world: World) -> None:
        declared = [asset for asset in world.kinds["network"] if asset.get("is_declared") is True]
        self.networks = [asset for asset in declared if asset.get("is_unified_exit") is True]
        gateways = [gateway for asset in self.networks for gateway in gateways_of(asset)]
        self._all = Ranges([*gateways, *(prefix for asset in self.networks for prefix in prefixes_of(asset))])
        self._gateways = Meets(single(gateway.network_address) for gateway in gateways)
        self._has_gateway: dict[str, bool] = {}

    @property
    def is_known(self) -> bool:
        return bool(self._all)

    def holds(self, address: Address) -> bool:
        return self._all.holds(address.version, int(address), int(address))

    def has_gateway_in(self, zone: Zone) -> bool:
        """Whether its gateway is known in a zone, so that another one there is another way."""
        if zone.id not in self._has_gateway:
            self._has_gateway[zone.id] = any(self._gateways.touches(prefix) for prefix in zone.prefixes)
        return self._has_gateway[zone.id]

    @cached_property
    def ground(self) -> Ground | None:
        """That a register names it."""
        return next((ground for asset in self.networks if (ground := register_ground(asset)) is not None), None)


def find_exits(world: World, drafts: Drafts, known: Known) -> list[FoundNetwork]:
    """The exits of departments' own that no register names, in a fixed order.

    Fills ``own_uplink`` and ``has_public_ip`` of the hosts on the way.
    """
    unified = Unified(world)
    told: dict[tuple[str, str], list[list[Sign]]] = {}
    for host in world.kinds["host"]:
        reading = world.readings.get(host.key)
        if reading is None:
            continue
        _public_address(drafts, host, reading)
        machine = machine_of(world, host)
        if machine is None:
            continue
        signs = list(_Look(known, unified, machine, reading).signs())
        if not signs:
            _no_uplink(world, drafts, machine, reading, unified)
        elif is_server(world, host):
            groups = [[sign for sign in signs if sign.exit == name] for name in sorted({s.exit for s in signs})]
            _own_uplink(drafts, host, groups, known, unified)
            for group in groups:
                if not _is_registered(known, group):
                    told.setdefault((machine.department_id, group[0].exit), []).append(group)
    found = [_exit(known, groups, unified) for _place, groups in sorted(told.items(), key=lambda item: item[0])]
    return [one for one in found if one.confidence >= EXIT_FROM]


class _Look:
    """One machine's ways to the internet."""

    def __init__(self, known: Known, unified: Unified, machine: Machine, reading: Reading) -> None:
        self.known, self.unified, self.machine, self.reading = known, unified, machine, reading
        self.department, self.vantage = machine.department_id, machine.zone.vantage
        self.legs = [leg for leg in reading.legs if not is_inner(leg.name)]

    def signs(self) -> Iterator[Sign]:
        for name, kind in self.reading.uplinks:
            if kind in EXIT_SIGNS and not EXIT_SIGNS[kind].compared:
                # A line that is dialled belongs to a place: two modems in one building are one way out.
                ground = self._ground(kind, f"上网接口 {name} {kind}")
                yield Sign(kind, f"{self.machine.zone.id} {kind}", "", self.machine, ground)
        for leg in self.legs:
            if is_public(leg.address) and not self._is_accounted(leg.address):
                yield self._sign("public_address", f"接口 {leg}", leg, None)
        for gateway in self.reading.default_gateways:
            yield from self._over(gateway)

    def _over(self, gateway: Address) -> Iterator[Sign]:
        """What a default gateway shows. A zone's own gateway proves nothing."""
        if gateway.version != 4 or self.unified.holds(gateway):
            return
        words = f"默认网关 {gateway}"
        leg = next((leg for leg in self.legs if gateway in leg.prefix), None)
        if not self._is_accounted(gateway):
            if is_public(gateway):
                yield self._sign("public_gateway", words, leg, gateway)
            elif not self.known.is_near(self.department, self.vantage, gateway):
                yield self._sign("foreign_gateway", words, leg, gateway)
        elif not self.known.in_zone(self.vantage, gateway):
            return  # the gateway of a network that somebody declared
        if self.unified.has_gateway_in(self.machine.zone):
            yield self._sign("other_gateway", words, leg, gateway)

    def _sign(self, code: str, words: str, leg: Leg | None, gateway: Address | None) -> Sign:
        line = str(leg.prefix) if leg is not None and is_public(leg.address) else str(gateway)
        addresses = tuple(a for a in (leg.address if leg else None, gateway) if a is not None)
        ground = self._ground(code, words)
        return Sign(code, f"{self.vantage} {line}", line, self.machine, ground, addresses, gateway)

    def _ground(self, code: str, words: str) -> Ground:
        return self.reading.ground(f"{self.machine.label} {words}（{EXIT_SIGNS[code].title}）")

    def _is_accounted(self, address: Address) -> bool:
        """Whether an address is somebody's declared one, the department's own registered exit aside."""
        networks = self.known.networks_at(self.department, address)
        return any(not _is_own_exit(asset) for asset in networks) or self.known.in_zone(self.vantage, address)


def _is_own_exit(asset: Asset) -> bool:
    return asset.get("kind") == "internet_exit" and asset.get("is_unified_exit") is not True


def _is_registered(known: Known, signs: Iterable[Sign]) -> bool:
    """Whether the department's own register names the exit: then nothing is inferred beside it."""
    return any(
        _is_own_exit(asset)
        for sign in signs
        for address in sign.addresses
        for asset in known.networks_at(sign.machine.department_id, address)
    )


def _score(signs: Sequence[Sign], is_known: bool) -> float:
    """One machine's signs of one exit added up; what cannot be held against a unified exit is capped."""
    weights = {sign.code: EXIT_SIGNS[sign.code] for sign in signs}
    sure = sum(weight.weight for weight in weights.values() if not weight.compared)
    total = sum(weight.weight for weight in weights.values())
    if not is_known:
        total = max(sure, min(total, UNKNOWN_EXIT_CAP))
    return round(min(total, EXIT_MOST), 2)


def _exit(known: Known, groups: Sequence[Sequence[Sign]], unified: Unified) -> FoundNetwork:
    signs = [sign for group in groups for sign in group]
    signs.sort(key=lambda sign: (-EXIT_SIGNS[sign.code].weight, sign.code, sign.machine.order, sign.ground.evidence))
    machines = {sign.machine.host.key: sign.machine for sign in signs}
    zone = min((machine.zone for machine in machines.values()), key=lambda zone: zone.id)
    department, first = signs[0].machine.department_id, signs[0]
    confidence = max(_score(group, unified.is_known) for group in groups)
    doubt = "" if confidence >= OWN_EXIT_FROM else "疑似"
    what = f"互联网出口 {first.line}" if first.line else f"{EXIT_SIGNS[first.code].title}上网"
    zones = known.zones_of(department, zone.vantage) if first.line else (zone,)
    return FoundNetwork(
        department_id=department,
        zone=zone,
        zones=frozenset(machine.zone.id for machine in machines.values()),
        identifiers=tuple(
            place_id(department, own.id, own.location, f"exit-{first.line or first.code}") for own in zones
        ),
        name=f"{zone.name}{doubt}{what}（推断）",
        kind=None if doubt else "internet_exit",
        prefixes=_prefixes(signs),
        endpoints=tuple(sorted({endpoint(machine) for machine in machines.values()})),
        gateways=tuple(sorted({str(sign.gateway) for sign in signs if sign.gateway})),
        confidence=confidence,
        grounds=tuple(dict.fromkeys(sign.ground for sign in signs)),
        collectors=tuple(sorted({name for m in machines.values() for name in m.host.collectors} - {"register"})),
    )


def _prefixes(signs: Iterable[Sign]) -> tuple[str, ...]:
    return tuple(sorted({sign.line for sign in signs if "/" in sign.line}))


def _public_address(drafts: Drafts, host: Asset, reading: Reading) -> None:
    """TRUE where an interface has a public address and nobody has said so."""
    if host.get("has_public_ip") is None and not has_conflict(host.conflicts, "has_public_ip"):
        legs = [leg for leg in reading.legs if is_public(leg.address) and not is_inner(leg.name)]
        if legs:
            words = "接口 " + "、".join(str(leg) for leg in legs[:4])
            drafts.edit(host).conclude("has_public_ip", True, reading.ground(words))


def _own_uplink(
    drafts: Drafts, host: Asset, groups: Sequence[Sequence[Sign]], known: Known, unified: Unified
) -> None:
    """TRUE where one way to the internet is shown to be the department's own. What is weaker stays NULL."""
    shown = [
        sign.ground
        for group in groups
        if _score(group, unified.is_known or _is_registered(known, group)) >= OWN_EXIT_FROM
        for sign in group
    ]
    if not shown:
        return
    draft, ground = drafts.edit(host), together(shown)
    denied = [fact for fact in facts_of(host, "own_uplink") if fact.value is False]
    draft.conclude("own_uplink", True, ground)
    if denied:
        claims = (ground.fact("own_uplink", True), *denied)
        draft.conflicts.append(Conflict("own_uplink", True, STRONGER_SHOWN, claims))


def _no_uplink(world: World, drafts: Drafts, machine: Machine, reading: Reading, unified: Unified) -> None:
    """FALSE only where the whole machine was read, and its every way out is known to be the unified exit."""
    host = machine.host
    if not unified.is_known or not reading.legs or not reading.default_gateways or reading.uplinks:
        return
    if not all(unified.holds(gateway) for gateway in reading.default_gateways):
        return
    spots = [i for i in identifiers(host, "ip") if i.vantage == machine.zone.vantage]
    if not any(world.covered.address(i.vantage, i.value, "inside") for i in spots):
        return
    if unified.ground is None:
        return
    gateways = "、".join(str(gateway) for gateway in reading.default_gateways)
    ground = reading.ground(f"{machine.label} 默认网关 {gateways}，没有公网地址和拨号接口") & unified.ground
    is_public_free = not any(is_public(leg.address) for leg in reading.legs)
    for column in ("own_uplink", "has_public_ip"):
        if host.get(column) is None and not has_conflict(host.conflicts, column) and is_public_free:
            drafts.edit(host).conclude(column, False, ground)
