"""Registers, exemptions and networks that still name a department which is no more, or had what is another's. Pure.

From the day of a change on everything that names the old department is its successor's. A thing keeps the names by
which earlier audits knew it, so that its findings stay its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network

from auditor.declared_names import read_place
from auditor.declared_things import Thing
from auditor.joint_answers import Joint
from auditor.successions import Successions, same_name
from inventories import identity
from inventories.answers import REGISTER, register_of
from inventories.kinds import KINDS
from inventories.model import Collection, Identifier, KeyMap, Observation, Waiver
from inventories.places import Network, Places, Zone

#: Columns that say at which addresses a thing is.
_ADDRESSES = {"host": "ips", "system": "addresses"}


def owner_now(observation: Observation, successions: Successions) -> str:
    """The department that an observation is of now."""
    kind = observation.kind
    codes = [i.value for i in observation.identifiers if i.scheme == f"{kind}-code"]
    return successions.of(observation.department_id, kind, codes)


def moved_observations(
    collection: Collection, successions: Successions, places: Places, joint: Joint
) -> tuple[Observation, ...]:
    """Observations as the successors'. ``places`` are those after the change, ``joint`` tells who was asked."""
    owners = [owner_now(observation, successions) for observation in collection.observations]
    names = _Names(collection.observations, owners, successions)
    out = []
    for observation, owner in zip(collection.observations, owners, strict=True):
        if observation.kind == "department":
            if observation.department_id not in successions.gone:
                out.append(_department(observation, successions))
            continue
        moved = observation
        if {observation.department_id, owner} & successions.touched:
            moved = _asked_only(moved, joint) if observation.collector == REGISTER else moved
            moved = replace(moved, department_id=owner, identifiers=names.of(observation, owner))
            moved = _placed(moved, places)
        out.append(moved)
    return tuple(out)


def moved_waivers(waivers: Iterable[Waiver], successions: Successions, things: Sequence[Thing]) -> tuple[Waiver, ...]:
    """Waivers as the successors'. ``things`` are the registers' own, before the change.

    None is widened: one for all that the old department has becomes one for each thing that still names it, and one
    by a name that the successor has two things of covers neither. One for all that the *successor* has stays that.
    """
    out: list[Waiver] = []
    by: dict[str, list[Thing]] = {}
    sharers: dict[tuple[str, str], set[str]] = {}
    for thing in things:
        by.setdefault(thing.department_id, []).append(thing)
        owner = successions.of(thing.department_id, thing.kind, (thing.code,))
        sharers.setdefault((owner, thing.name), set()).add(thing.department_id)
    for waiver in waivers:
        theirs = by.get(waiver.department_id, ())
        if waiver.department_id not in successions.touched:
            moved = [waiver]
        elif waiver.asset_code or waiver.asset_name:
            moved = [replace(waiver, department_id=_owner_of(waiver, theirs, successions))]
        elif waiver.department_id in successions.gone:
            moved = [_narrowed(waiver, thing, successions) for thing in theirs]
        else:
            moved = [waiver]
        for one in moved:
            is_shared = bool(one.asset_name) and len(sharers.get((one.department_id, one.asset_name), ())) > 1
            if not is_shared:
                out.append(one)
            elif one.asset_code:
                out.append(replace(one, asset_name=""))
    return tuple(dict.fromkeys(out))


def _owner_of(waiver: Waiver, theirs: Iterable[Thing], successions: Successions) -> str:
    """Whose the thing is now that a waiver is for."""
    owners = {
        successions.of(thing.department_id, thing.kind, (thing.code,)) for thing in theirs if _is_of(waiver, thing)
    }
    return owners.pop() if len(owners) == 1 else successions.of_code(waiver.department_id, waiver.asset_code)


def moved_places(places: Places, successions: Successions, observations: Iterable[Observation]) -> Places:
    """Zones whose owners are the successors; the addresses of things handed over are their new department's.

    ``observations`` are those before the change.
    """
    zones = [_owned(zone, successions) for zone in places.zones.values()]
    handed = _handed_over(observations, successions, Places(zones))
    return Places(
        replace(zone, owners={**zone.owners, **handed[zone.id]}) if zone.id in handed else zone for zone in zones
    )


def moved_keys(keymap: KeyMap, successions: Successions) -> KeyMap:
    """A key map that knows what was concluded of an old department's place under the successor's name too."""
    more: dict[tuple[str, Identifier], str] = {}
    for (kind, identifier), key in keymap.keys.items():
        if identifier.scheme == "place":
            department, slash, rest = identifier.value.partition("/")
            head = successions.gone.get(department)
            renamed = (kind, Identifier("place", f"{head}{slash}{rest}", identifier.vantage))
            if head is not None and renamed not in keymap.keys:
                more[renamed] = key
    return replace(keymap, keys={**keymap.keys, **more}) if more else keymap


class _Names:
    """Names of things within their department, under the successor's name too where nothing else of its is called so.

    Two departments that are united often have each a thing of one name: those stay two.
    """

    def __init__(self, observations: Sequence[Observation], owners: Sequence[str], successions: Successions) -> None:
        self._claims: dict[Identifier, set[Identifier]] = {}
        for observation, owner in zip(observations, owners, strict=True):
            for identifier in observation.identifiers if owner in successions.touched else ():
                if identifier.scheme.endswith("-name"):
                    self._claims.setdefault(_under(owner, identifier), set()).add(identifier)

    def of(self, observation: Observation, owner: str) -> tuple[Identifier, ...]:
        more = [
            renamed
            for identifier in observation.identifiers
            if identifier.scheme.endswith("-name")
            and (renamed := _under(owner, identifier)) != identifier
            and len(self._claims[renamed]) == 1
        ]
        return tuple(dict.fromkeys((*observation.identifiers, *more)))


def _under(owner: str, identifier: Identifier) -> Identifier:
    _department, _slash, name = identifier.value.partition("/")
    return replace(identifier, value=f"{owner}/{name}")


def _department(observation: Observation, successions: Successions) -> Observation:
    """A department's own row: its new name where the row has the old one, and its superior's successor."""
    change = successions.renamed(observation.department_id)
    old = [name for name in successions.names(observation.department_id) if change]
    facts = []
    for fact in observation.facts:
        said, new = fact.value if isinstance(fact.value, str) else "", fact
        if fact.column == "parent_id" and said:
            new = replace(fact, value=successions.gone.get(said, said))
        elif fact.column == "name" and change and any(same_name(said, name) for name in old):
            new = replace(fact, value=change.successor_name, evidence=f"{said}，{change.effective_on}更名")
        facts.append(new)
    return replace(observation, facts=tuple(facts))


def _asked_only(observation: Observation, joint: Joint) -> Observation:
    """Without the 无 of columns that the department was not asked for: its successor may have been."""
    if not any(fact.absent for fact in observation.facts):
        return observation
    register = register_of(observation.source) or KINDS[observation.kind].register
    columns = {column.name: column for column in KINDS[observation.kind].columns}
    kept = tuple(
        fact
        for fact in observation.facts
        if not fact.absent
        or fact.column not in columns
        or joint.asked.asked(register, observation.department_id, columns[fact.column]) is not None
    )
    return replace(observation, facts=kept) if len(kept) < len(observation.facts) else observation


def _placed(observation: Observation, places: Places) -> Observation:
    """With the addresses that lie in a network of the successor's, which the register's reader could not know."""
    if observation.kind != "host" or observation.collector != REGISTER:
        return observation
    known = {identifier.value for identifier in observation.identifiers if identifier.scheme == "ip"}
    more = []
    for address in _addresses(observation):
        zones = places.candidates(address, observation.department_id) if address not in known else ()
        if len(zones) == 1:
            more.append(identity.ip_id(address, zones[0].vantage))
    return replace(observation, identifiers=(*observation.identifiers, *more)) if more else observation


def _addresses(observation: Observation) -> Iterator[str]:
    column = _ADDRESSES.get(observation.kind)
    for fact in observation.facts:
        if fact.column == column and isinstance(fact.value, tuple):
            for text in fact.value:
                place = read_place(text)
                if place is not None and _is_address(place[0]):
                    yield place[0]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _owned(zone: Zone, successions: Successions) -> Zone:
    owners = {prefix: successions.of(owner) for prefix, owner in zone.owners.items()}
    return replace(zone, department_id=successions.of(zone.department_id), owners=owners)


def _handed_over(
    observations: Iterable[Observation], successions: Successions, places: Places
) -> Mapping[str, Mapping[Network, str]]:
    """Zone → address → department, of addresses in departments' networks that only things handed over have."""
    given: dict[str, str] = {}
    kept: set[str] = set()
    before: dict[str, str] = {}
    for observation in observations:
        if observation.collector != REGISTER or observation.kind not in _ADDRESSES:
            continue
        owner = owner_now(observation, successions)
        handed = owner != successions.of(observation.department_id)
        for address in _addresses(observation):
            if handed and given.setdefault(address, owner) == owner:
                before[address] = successions.of(observation.department_id)
            else:
                kept.add(address)
    out: dict[str, dict[Network, str]] = {}
    for address in given.keys() - kept:
        for zone in places.candidates(address, before[address]):
            if zone.kind == "department":
                out.setdefault(zone.id, {})[ip_network(address)] = given[address]
    return out


def _is_of(waiver: Waiver, thing: Thing) -> bool:
    if waiver.asset_code and thing.code:
        return waiver.asset_code == thing.code
    return bool(waiver.asset_name) and waiver.asset_name == thing.name


def _narrowed(waiver: Waiver, thing: Thing, successions: Successions) -> Waiver:
    owner = successions.of(thing.department_id, thing.kind, (thing.code,))
    return replace(waiver, department_id=owner, asset_code=thing.code, asset_name="" if thing.code else thing.name)
