"""Conclusions beyond what any source said, each with its evidence and no stronger than what it rests on. Pure.

Where systems run (:mod:`.hosting`) and whether they have moved (:mod:`.migration`), services nobody registered
(:mod:`.services`), virtualisation platforms (:mod:`.clouds`), machine rooms (:mod:`.rooms`) and networks
(:mod:`.networks`) that no register names, internet exits (:mod:`.exits`), what is nowhere and what nobody claims
(:mod:`.presence`), what hosts are made of (:mod:`.components`), and what follows for hosts (:mod:`.hosts`). What
counts as evidence, and how much, stands in ``evidence.yaml``.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from typing import Protocol, TypeVar

from inventories.infer.clouds import PLATFORM_CATEGORIES, add_clouds, find_installations, mark_declared
from inventories.infer.components import Components, add_components
from inventories.infer.draft import Drafts
from inventories.infer.evidence import NETWORK_CATEGORIES, ROOM_SIGNS
from inventories.infer.exits import find_exits
from inventories.infer.found_networks import add_networks
from inventories.infer.fronts import Fronts
from inventories.infer.hosting import infer_hosting
from inventories.infer.hosts import infer_hosts
from inventories.infer.known import Known
from inventories.infer.locations import Locations
from inventories.infer.machines import find_machines
from inventories.infer.networks import find_networks, observe_networks
from inventories.infer.resources import Resources
from inventories.infer.rooms import add_rooms, count_in_rooms, find_equipment, undeclared_rooms
from inventories.infer.services import Found, add_services, find_services, infer_registered
from inventories.infer.world import World
from inventories.keymap import absorb, assign, resolve
from inventories.model import Collection, KeyMap
from inventories.places import Places
from inventories.reconcile import Reconciled
from inventories.steady import without_cycle_collection
from inventories.thing import Thing

__all__ = ["infer"]


def infer(
    reconciled: Reconciled,
    collection: Collection,
    *,
    places: Places,
    today: date,
    site: str,
    timezone: tzinfo = UTC,
) -> Reconciled:
    """The same assets with what can be concluded of them, those that are inferred, and the key map for next time.

    Takes what :func:`inventories.reconcile.reconcile` made of the same collection, under the same settings.
    """
    with without_cycle_collection():
        return _Inference(reconciled, collection, places, today, site, timezone).run()


_F = TypeVar("_F", bound="_Keyed")


class _Inference:
    def __init__(
        self,
        reconciled: Reconciled,
        collection: Collection,
        places: Places,
        today: date,
        site: str,
        timezone: tzinfo,
    ) -> None:
        self.world = World(reconciled, collection, places, timezone)
        self.drafts = Drafts(reconciled.assets)
        self.keymap, self.doubts = reconciled.keymap, reconciled.doubts
        self.today, self.site, self.timezone = today, site, timezone

    def run(self) -> Reconciled:
        resources = Resources(self.world)
        self._conclude(resources)
        # Nobody asks any more what was seen at an address: a large city's sights are set free.
        self.world.sightings = {}
        self._make_components(resources)
        return Reconciled(self.drafts.finished(), self.keymap, self.doubts)

    def _conclude(self, resources: Resources) -> None:
        """Everything but what hosts are made of."""
        world, drafts, fronts = self.world, self.drafts, Fronts(self.world)
        services = find_services(world, resources, fronts)
        self._follow(services)
        self._note(infer_hosting(world, drafts, resources, fronts, today=self.today))
        infer_registered(world, drafts)
        mark_declared(world, drafts)
        known = Known(world)
        networks, exits = find_networks(world, known), find_exits(world, drafts, known)
        observe_networks(drafts, networks)
        # Hosts are closed by this: whatever concludes of hosts stands before it.
        infer_hosts(world, drafts, resources, today=self.today)
        machines = find_machines(
            world, {sign.category for sign in ROOM_SIGNS} | PLATFORM_CATEGORIES | NETWORK_CATEGORIES
        )
        locations = Locations(world)
        equipment = find_equipment(world, machines, locations)
        count_in_rooms(locations, drafts, equipment)
        unaccounted = [service for service in services if not service.is_accounted]
        add_services(world, drafts, *self._keyed(unaccounted))
        add_clouds(world, drafts, *self._keyed(find_installations(world, machines)))
        add_rooms(world, locations, drafts, *self._keyed(undeclared_rooms(locations, equipment)))
        add_networks(world, drafts, *self._keyed([*networks.undeclared, *exits]))

    def _make_components(self, resources: Resources) -> None:
        """What hosts are made of: laid over the registers' rows, or assets of their own."""
        components = Components(self.world, resources, self.keymap.aliases)
        self.keymap = components.follow(self.keymap, self.drafts.assets)
        self._note(components.label(self.drafts))
        if unlabelled := components.unlabelled:
            add_components(self.world, self.drafts, *self._keyed(unlabelled))

    def _keyed(self, found: Sequence[_F]) -> tuple[list[tuple[_F, str]], KeyMap]:
        """What was inferred, each with its key, and the key map that knows when it was first and last seen."""
        if not found:
            return [], self.keymap
        things = [one.thing(self.timezone, self.today) for one in found]
        keys, self.keymap = assign(
            things, self.keymap, site=self.site, today=self.today, living=self.drafts.assets.keys()
        )
        return list(zip(found, keys, strict=True)), self.keymap

    def _note(self, running: Mapping[str, datetime]) -> None:
        """Systems that were seen running were last seen then."""
        last_seen = dict(self.keymap.last_seen)
        for key, at in running.items():
            day = min(at.astimezone(self.timezone).date(), self.today)
            last_seen[key] = max(last_seen.get(key, date.min), day)
            self.drafts.edit(self.drafts.assets[key]).values["last_seen_on"] = last_seen[key]
        self.keymap = replace(self.keymap, last_seen=last_seen)

    def _follow(self, services: Sequence[Found]) -> None:
        """Findings of a service that earlier audits found unregistered follow to the system that it is now."""
        self.keymap = absorb(self.keymap, _registered_since(services, self.keymap, self.drafts.assets))


class _Keyed(Protocol):
    def thing(self, timezone: tzinfo, today: date) -> Thing: ...


def _registered_since(services: Sequence[Found], keymap: KeyMap, living: Container[str]) -> dict[str, str]:
    """Services that earlier audits found unregistered, and that one registered system accounts for now."""
    out: dict[str, str] = {}
    for service in services:
        systems = {system.key for system in service.accounted_by}
        if len(systems) == 1:
            for identifier in service.identifiers:
                key = resolve(keymap.aliases, keymap.keys.get(("system", identifier), ""))
                if key and key not in living:
                    out[key] = next(iter(systems))
    return out
