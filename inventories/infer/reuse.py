"""What became of the address that a system is said to have left: its old host, another's, or open. Pure."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import islice

from inventories.answers import register_of
from inventories.identity import mark, plain_name
from inventories.infer.case import CLOUD, OWN, Became, Now, Spotted
from inventories.infer.evidence import LEAST_NAME
from inventories.infer.fronts import Fronts
from inventories.infer.machines import is_workstation
from inventories.infer.sightings import Sighting, is_among
from inventories.infer.terms import BACKUP_WORDS, FRONT_DEVICES, MOVED_PAGES, OTHER_DEVICES
from inventories.infer.world import World, facts_of, identifiers, texts
from inventories.model import Asset, Origin

SHARED_DOOR = "该地址是多个系统共用的入口"

#: Identifiers of the machine itself, of which one machine has one value, and those of which it may have several.
_HARDWARE = ("uuid", "serial", "instance")
#: Ports under which systems at an address stand besides their own: all that are claimed there, and its hosts' own.
_ANY_PORT, _CARRIED = -1, -2
#: So many other systems are named.
_MOST_NAMED = 3
_GONE = frozenset({"retired", "planned"})


class Reuse:
    """Judges old addresses. ``migrated_on`` of a system is the day on which its register says it left."""

    def __init__(self, world: World, fronts: Fronts) -> None:
        self.world, self.fronts = world, fronts
        self._by_key = {system.key: system for system in world.systems}
        self._claimed: dict[tuple[str, str], list[tuple[Asset, int]]] | None = None
        self._tenants: dict[tuple[str, str], dict[int, list[tuple[str, set[str]]]]] = {}
        self._carries: dict[tuple[str, str], frozenset[str]] = {}
        self._since: dict[str, date] | None = None

    def became(self, system: Asset, spotted: Spotted, sighting: Sighting) -> Became:
        """What answers at an address of a system that is said to have moved."""
        if notice := next((page.text for page in sighting.pages if MOVED_PAGES.search(page.text)), ""):
            return Became(Now.UNSURE, f"{spotted.address} 上是迁移公告“{notice}”")
        if found := self._door(system, spotted, sighting) or self._backup(spotted):
            return found
        if self._is_named(system, sighting):
            return Became(Now.OLD)
        for judge in (
            self._page_of_another,
            self._device,
            self._other_machine,
            self._handed_over,
            self._other_department,
        ):
            found = judge(system, spotted, sighting)
            if found is not None:
                return found
        return Became(Now.OLD)

    def _door(self, system: Asset, spotted: Spotted, sighting: Sighting) -> Became | None:
        """Whether what answers stands in front of other places: its pages may be those of what it leads to."""
        if self.fronts.is_shared(spotted.vantage, spotted.address):
            return Became(Now.UNSURE, SHARED_DOOR)
        front = sorted(p.name for p in sighting.products if p.is_seen and p.category in FRONT_DEVICES)
        if front and self._is_named(system, sighting):
            return Became(Now.UNSURE, f"{spotted.address} 上是{front[0]}，页面可能由它从别处转来")
        return None

    def _backup(self, spotted: Spotted) -> Became | None:
        """Whether a register documents the machine as a backup, which may well answer."""
        for host in self.world.hosts_at.get((spotted.vantage, spotted.address), ()):
            for fact in host.facts if host.get("is_declared") is True else ():
                if fact.origin is Origin.DECLARED and isinstance(fact.value, str) and _is_backup(fact.value):
                    return Became(
                        Now.UNSURE, f"主机台账把 {spotted.address} 的主机登记为备份或灾备（“{fact.value}”）"
                    )
        return None

    def _is_named(self, system: Asset, sighting: Sighting) -> bool:
        name = plain_name(system.text("name"))
        return len(name) >= LEAST_NAME and any(name in plain_name(page.text) for page in sighting.pages)

    def _page_of_another(self, system: Asset, spotted: Spotted, sighting: Sighting) -> Became | None:
        for page in sighting.pages:
            named = self.world.system_names.within(page.text)
            if named and not is_among(system.key, named):
                other = self._by_key[named[0]].text("name")
                if self._still_carried(system, spotted):
                    return Became(Now.UNSURE, f"{spotted.address} 上有系统 {other} 的页面，主机台账仍登记承载该系统")
                return Became(Now.OTHER, f"{spotted.address} 现为登记系统 {other} 使用（页面标题“{page.text}”）")
        return None

    def _device(self, system: Asset, spotted: Spotted, sighting: Sighting) -> Became | None:
        seen = {product.category: product.name for product in sighting.products if product.is_seen}
        other = sorted(OTHER_DEVICES & seen.keys())
        if other and not any(service.is_database for service in sighting.services):
            return Became(Now.OTHER, f"{spotted.address} 现为另一设备 {seen[other[0]]}")
        hosts = self.world.hosts_at.get((spotted.vantage, spotted.address), ())
        if len(hosts) == 1 and is_workstation(hosts[0]):
            desk = hosts[0].text("os_name") or hosts[0].text("model")
            return Became(Now.OTHER, f"{spotted.address} 现为办公终端（{desk}）")
        return Became(Now.UNSURE, f"{spotted.address} 上是设备的管理页面") if sighting.is_equipment else None

    def _other_machine(self, system: Asset, spotted: Spotted, sighting: Sighting) -> Became | None:
        """Whether the machine that answers is known to be another than the one that registers name there."""
        hosts = self.world.hosts_at.get((spotted.vantage, spotted.address), ())
        said = [host for host in hosts if host.get("is_declared") is True]
        seen = [host for host in hosts if host.get("is_observed") is True]
        if len(seen) != 1:
            return None
        new = self._is_new(system, seen[0])
        for old in said:
            if old.key != seen[0].key and (scheme := _differ(old, seen[0])):
                return Became(Now.OTHER, f"{spotted.address} 现为另一台机器（{scheme}与台账登记的原主机不同）")
            if old.key == seen[0].key and _other_cards(old):
                words = f"{spotted.address} 现机器的网卡地址与台账登记的原主机不同"
                return Became(Now.OTHER if new else Now.UNSURE, words)
        if new and any(i.scheme in (*_HARDWARE, "mac") for i in seen[0].identifiers):
            return Became(
                Now.OTHER, f"{spotted.address} 现机器在迁移之后才首次出现（{seen[0].get('first_seen_on')}）"
            )
        return Became(Now.UNSURE, f"{spotted.address} 的机器在迁移之后才首次出现") if new else None

    def _is_new(self, system: Asset, host: Asset) -> bool:
        """Whether audits looked at the host's network before the system moved, and saw this machine only after."""
        moved, first = system.get("migrated_on"), host.get("first_seen_on")
        if not isinstance(moved, date) or not isinstance(first, date) or first <= moved:
            return False
        since = [day for zone in host.zones if (day := self._looked_since().get(zone))]
        return bool(since) and min(since) <= moved

    def _looked_since(self) -> dict[str, date]:
        """Zone → the first day on which a machine in it is known to have been seen."""
        if self._since is None:
            self._since = {}
            for host in self.world.kinds["host"]:
                first = host.get("first_seen_on")
                if host.get("is_observed") is True and isinstance(first, date):
                    for zone in host.zones:
                        self._since[zone] = min(first, self._since.get(zone, first))
        return self._since

    def _handed_over(self, system: Asset, spotted: Spotted, sighting: Sighting) -> Became | None:
        """Whether another registered system that has not moved itself accounts for what answers."""
        others = self._others(system, spotted, sighting)
        if not others:
            return None
        names = "、".join(others)
        if self._still_carried(system, spotted):
            return Became(Now.UNSURE, f"{spotted.address} 同时登记为系统 {names} 所用")
        return Became(Now.OTHER, f"{spotted.address} 已登记为系统 {names} 所用")

    def _other_department(self, system: Asset, spotted: Spotted, sighting: Sighting) -> Became | None:
        """Whether only other departments register the machine that has the address now."""
        del sighting
        rows = [
            host
            for host in self.world.hosts_at.get((spotted.vantage, spotted.address), ())
            if host.get("is_declared") is True
        ]
        owners = {
            str(fact.value)
            for host in rows
            for fact in facts_of(host, "department_id")
            if fact.origin is Origin.DECLARED and register_of(fact.source)
        }
        if owners and system.text("department_id") not in owners:
            return Became(Now.UNSURE, f"{spotted.address} 的主机由其他部门登记（{'、'.join(sorted(owners))}）")
        return None

    def _others(self, system: Asset, spotted: Spotted, sighting: Sighting) -> list[str]:
        """The names of other systems that may be here, in order: the first few."""
        tenants = self._tenants_of((spotted.vantage, spotted.address))
        # A server may have had two systems, each on its port: the one that moved left its own closed.
        is_apart = spotted.port and sighting.service(spotted.port)
        found: set[str] = set()
        for port in (0, spotted.port, _CARRIED) if is_apart else (_ANY_PORT, _CARRIED):
            others = (name for name, bearers in tenants.get(port, ()) if bearers != {system.key})
            found.update(islice(others, _MOST_NAMED))
        return sorted(found)[:_MOST_NAMED]

    def _tenants_of(self, where: tuple[str, str]) -> dict[int, list[tuple[str, set[str]]]]:
        """Port → the names of the systems that may be at an address, in order, each with two at most that bear it."""
        if where not in self._tenants:
            found: dict[int, dict[str, set[str]]] = {}
            said = [(other, at) for other, port in self._claims_at().get(where, ()) for at in (port, _ANY_PORT)]
            said += [(self._by_key[key], _CARRIED) for key in self._carried_at(where)]
            for other, port in said:
                if _may_be_here(other):
                    bearers = found.setdefault(port, {}).setdefault(other.text("name"), set())
                    if len(bearers) < 2:
                        bearers.add(other.key)
            self._tenants[where] = {port: sorted(names.items()) for port, names in found.items()}
        return self._tenants[where]

    def _claims_at(self) -> dict[tuple[str, str], list[tuple[Asset, int]]]:
        if self._claimed is None:
            self._claimed = {}
            for system in self.world.systems:
                for claim in self.world.claims(system):
                    if claim.spot is not None:
                        where = (claim.spot.zone.vantage, claim.address)
                        self._claimed.setdefault(where, []).append((system, claim.port))
        return self._claimed

    def _still_carried(self, system: Asset, spotted: Spotted) -> bool:
        """Whether a host's own row still says that it carries the system."""
        return system.key in self._carried_at((spotted.vantage, spotted.address))

    def _carried_at(self, where: tuple[str, str]) -> frozenset[str]:
        """The keys of the systems that the hosts at an address carry, by the hosts' own rows."""
        if where not in self._carries:
            self._carries[where] = frozenset(
                found.key
                for host in self.world.hosts_at.get(where, ())
                for word in texts(host, "system_codes")
                if (found := self.world.referred("system", word, host.text("department_id"))) is not None
            )
        return self._carries[where]


def _may_be_here(system: Asset) -> bool:
    """Whether a system is in use and not itself said to be on a cloud alone."""
    if system.text("status") in _GONE:
        return False
    hosting = system.get("hosting")
    places = set(hosting) if isinstance(hosting, tuple) else set()
    declared = {
        place
        for fact in facts_of(system, "hosting")
        if fact.origin is Origin.DECLARED and isinstance(fact.value, tuple)
        for place in fact.value
    }
    on_cloud = CLOUD in places | declared or system.get("migrated_on") is not None
    return not on_cloud or bool(OWN & (places | declared))


@lru_cache(maxsize=4096)
def _is_backup(text: str) -> bool:
    return bool(BACKUP_WORDS.search(text))


def _differ(old: Asset, new: Asset) -> str:
    """By which kind of hardware identifier two machines are known to be different; empty where none says so."""
    for scheme, title in (("uuid", "硬件UUID"), ("serial", "序列号"), ("instance", "云主机标识")):
        before = {mark(i) for i in identifiers(old, scheme)}
        now = {mark(i) for i in identifiers(new, scheme)}
        if before and now and before.isdisjoint(now):
            return title
    return ""


def _other_cards(host: Asset) -> bool:
    """Whether what answers has none of the network cards that its register's row names."""
    said: set[str] = set()
    seen: set[str] = set()
    for fact in facts_of(host, "macs"):
        if isinstance(fact.value, tuple):
            (said if fact.origin is Origin.DECLARED else seen).update(_digits(mac) for mac in fact.value)
    return bool(said and seen) and said.isdisjoint(seen)


def _digits(mac: str) -> str:
    return "".join(character for character in mac.casefold() if character in "0123456789abcdef")
