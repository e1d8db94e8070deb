"""Conclusions beyond what any source said, each with its evidence and no stronger than what it rests on. Pure.

Where systems run (:mod:`.hosting`), services nobody registered (:mod:`.services`), virtualisation platforms
(:mod:`.clouds`) and machine rooms (:mod:`.rooms`) that no register names, and what follows for hosts
(:mod:`.hosts`). What counts as evidence stands in :mod:`.evidence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, tzinfo

from inventories.infer.clouds import add_clouds, find_installations, mark_declared
from inventories.infer.draft import Drafts
from inventories.infer.hosting import infer_hosting
from inventories.infer.hosts import infer_hosts
from inventories.infer.rooms import add_rooms, count_in_rooms, find_equipment, undeclared_rooms
from inventories.infer.services import Found, add_services, find_services, infer_registered
from inventories.infer.world import World
from inventories.keymap import Thing, absorb, assign, resolve
from inventories.model import Collection, KeyMap
from inventories.places import Places
from inventories.reconcile import Reconciled

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
    world = World(reconciled, collection, places)
    drafts = Drafts(reconciled.assets)
    keymap = reconciled.keymap
    living = frozenset(drafts.assets)

    services = find_services(world)
    installations = find_installations(world)
    equipment = find_equipment(world)
    rooms = undeclared_rooms(world, equipment)
    keymap = absorb(keymap, _registered_since(services, keymap, living))
    unaccounted = [service for service in services if not service.is_accounted]
    things: list[Thing] = [service.thing(timezone, today) for service in unaccounted]
    things += [installation.thing(timezone, today) for installation in installations]
    things += [room.thing(timezone, today) for room in rooms]
    keys, keymap = assign(things, keymap, site=site, today=today, living=living)
    first_seen = keymap.first_seen

    running = infer_hosting(world, drafts)
    last_seen = dict(keymap.last_seen)
    for key, at in running.items():
        day = min(at.astimezone(timezone).date(), today)
        last_seen[key] = max(last_seen.get(key, date.min), day)
    keymap = replace(keymap, last_seen=last_seen)
    infer_registered(world, drafts)
    mark_declared(world, drafts)
    infer_hosts(world, drafts)
    count_in_rooms(world, drafts, equipment)
    split, end = len(unaccounted), len(unaccounted) + len(installations)
    add_services(world, drafts, zip(unaccounted, keys[:split], strict=True), first_seen)
    add_clouds(world, drafts, zip(installations, keys[split:end], strict=True), first_seen)
    add_rooms(world, drafts, zip(rooms, keys[end:], strict=True), first_seen)
    for key, draft in drafts.changed():
        if key in running or key not in drafts.assets:
            draft.values["last_seen_on"] = last_seen[key]
    return Reconciled(drafts.finished(), keymap, reconciled.doubts)


def _registered_since(services: Sequence[Found], keymap: KeyMap, living: frozenset[str]) -> dict[str, str]:
    """Services that earlier audits found unregistered, and that one registered system accounts for now.

    Their findings follow to that system.
    """
    out: dict[str, str] = {}
    for service in services:
        systems = {system.key for system in service.accounted_by}
        if len(systems) == 1:
            for identifier in service.identifiers:
                key = resolve(keymap.aliases, keymap.keys.get(("system", identifier), ""))
                if key and key not in living:
                    out[key] = next(iter(systems))
    return out
