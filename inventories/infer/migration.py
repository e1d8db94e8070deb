"""Migrations on paper: what a register says has moved to a cloud, held against what is there and what is left. Pure.

``done``: it is on the cloud, and every old address was looked at in vain, or serves somebody else now.
``unfinished``: it is on the cloud, and its old host still answers.
``on_paper``: nothing of it is on any government cloud, and it was seen elsewhere, or nowhere at all.
NULL wherever one of these is not shown to the end. An instance that is off is neither there nor missing. A balancer
on the cloud may lead back to the department: beside it nothing is ``done``, and an old host that shows the system's
own page is ``unfinished`` whichever of the two it is. For some days after the move both may run side by side.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from inventories.infer.absence import is_silent, nothing_on_cloud, nowhere, silent_words
from inventories.infer.case import CLOUD, OWN, Became, Case, Now, Spotted
from inventories.infer.draft import Draft, Ground, every
from inventories.infer.resources import Resources
from inventories.infer.terms import GRACE_DAYS
from inventories.infer.world import World, facts_of, has_conflict, identifiers, register_ground, sighting_ground
from inventories.model import Origin, Strength

STOPPED = "登记为政务云，云上的云主机已关机，未在运行：既不能认定已迁移，也不能认定云上没有"

AT_HOME = "云上已有，而部门网络内另有迹象显示该系统仍在运行，暂不认定已迁移"
SIDE_BY_SIDE = f"登记迁移上云未满 {GRACE_DAYS} 天，新旧环境可以并行，暂不认定"

#: Systems that nobody says to be in use: what is not there yet, or not there any more, has not moved on paper.
_IN_USE = frozenset({"running", "trial", ""})


def conclude_migration(world: World, resources: Resources, case: Case, draft: Draft, *, today: date) -> None:
    """Fills ``migration_state`` of one system whose hosting is settled already."""
    said = _declared(case, today)
    if said is None or case.system.text("status") not in _IN_USE or has_conflict(draft.conflicts, "status"):
        return
    if CLOUD in case.seen:
        _conclude_there(world, resources, case, draft, said, today)
        return
    if case.door is not None and (home := _named_at_home(world, resources, case)):
        _accuse(case, draft, "unfinished", every([said & case.door, *home]), today)
        return
    off = [resource for resource in case.stopped if resource.place == CLOUD]
    if off:
        claims = [resource.ground(Strength.SEEN_INSIDE, "，云平台显示未开机") for resource in off]
        draft.withhold("migration_state", STOPPED, [g.fact("migration_state", None) for g in claims])
        return
    absent = nothing_on_cloud(world, resources, case)
    if not absent:
        return
    here = Ground(said.strength, said.source, said.observed_at, absent)
    if case.seen:
        for _place, seen in sorted(case.seen.items()):
            here &= seen
        _accuse(case, draft, "on_paper", said & here, today)
    elif words := nowhere(world, resources, case):
        missing = Ground(said.strength, said.source, said.observed_at, f"别处也找不到：{words}")
        _accuse(case, draft, "on_paper", said & here & missing, today)


def _accuse(case: Case, draft: Draft, state: str, ground: Ground, today: date) -> None:
    """Concludes what a department must answer for, unless the system has only just moved."""
    moved = case.system.get("migrated_on")
    if isinstance(moved, date) and (today - moved).days < GRACE_DAYS:
        draft.withhold("migration_state", SIDE_BY_SIDE, [ground.fact("migration_state", state)])
        return
    draft.conclude("migration_state", state, ground)


def _declared(case: Case, today: date) -> Ground | None:
    """That a register says the system has moved to a government cloud, and no more to a room of its own."""
    if OWN & case.declared.keys() or not case.declared.keys() <= {CLOUD}:
        return None
    ground = case.declared.get(CLOUD)
    moved, due = case.system.get("migrated_on"), case.system.get("migration_plan_due_on")
    # The cloud is where it is to be, not where it is said to be already.
    if moved is None and isinstance(due, date) and due >= today:
        return None
    if isinstance(moved, date):
        if moved > today:
            return None
        facts = [f for f in facts_of(case.system, "migrated_on") if f.origin is Origin.DECLARED and f.value == moved]
        told = facts[0] if facts else None
        registered = register_ground(case.system)
        source, at = (told.source, told.observed_at) if told else ("", None)
        if at is None and registered is not None:
            source, at = registered.source, registered.observed_at
        if at is not None:
            dated = Ground(Strength.DECLARED, source, at, f"登记迁移上云日期 {moved.isoformat()}")
            ground = ground & dated if ground else dated
    return ground


def _named_at_home(world: World, resources: Resources, case: Case) -> list[Ground]:
    """The old addresses that show the system's own page."""
    named = [spotted for spotted in case.addresses if not spotted.is_cloud and spotted.is_named]
    judged = [(spotted, _left(world, resources, spotted)) for spotted in named]
    return [_alive(spotted, resources) for spotted, left in judged if left is not None and left.now is Now.OLD]


def _conclude_there(world: World, resources: Resources, case: Case, draft: Draft, said: Ground, today: date) -> None:
    """It is on the cloud: what is left of the old place decides."""
    there = case.seen[CLOUD]
    old = [spotted for spotted in case.addresses if not spotted.is_cloud]
    judged = [(spotted, _left(world, resources, spotted)) for spotted in old]
    alive = [_alive(spotted, resources) for spotted, left in judged if left is not None and left.now is Now.OLD]
    # What stands at an address was judged with it.
    addresses = {(spotted.vantage, spotted.address) for spotted in old}
    running = [
        resource.ground(Strength.SEEN_INSIDE, "，仍在运行")
        for resource in case.running
        if resource.place in OWN
        and not any((i.vantage, i.value) in addresses for i in identifiers(resource.host, "ip"))
    ]
    if alive or running:
        _accuse(case, draft, "unfinished", every([said & there, *alive, *running]), today)
        return
    # Where no old address is known, nobody can say that what was there is gone.
    if not old or any(left is None or left.now is Now.UNSURE for _spotted, left in judged):
        return
    # Something of it at home that no register tells of: what is on the cloud may lead back to it.
    home = {place: ground for place, ground in (*case.hinted.items(), *case.seen.items()) if place in OWN}
    if home:
        claims = [ground.fact("migration_state", None) for _place, ground in sorted(home.items())]
        draft.withhold("migration_state", AT_HOME, claims)
        return
    words = sorted({left.words for _spotted, left in judged if left is not None})
    gone = Ground(said.strength, said.source, said.observed_at, "；".join(words))
    draft.conclude("migration_state", "done", said & there & gone)


def _left(world: World, resources: Resources, spotted: Spotted) -> Became | None:
    """What is left at one old address; None where nobody can tell."""
    held = resources.at(spotted.vantage, spotted.address)
    if spotted.spot is None:
        return None
    is_unsure = spotted.became is not None and spotted.became.now is Now.UNSURE
    if spotted.answered is not None and not is_unsure:
        return Became(Now.OLD)
    if spotted.sighting is not None:
        return spotted.became
    if held:
        if all(resource.power == "off" for resource in held):
            return Became(Now.OTHER, f"原地址 {spotted.address} 的虚拟机已关机")
        return Became(Now.OLD) if any(resource.power == "on" for resource in held) else None
    if is_silent(world, resources, spotted):
        return Became(Now.OTHER, f"原地址 {silent_words(world, [spotted])}")
    return None


def _alive(spotted: Spotted, resources: Resources) -> Ground:
    if spotted.answered is not None:
        return replace(spotted.answered, evidence=f"{spotted.answered.evidence}（原环境仍在应答）")
    if spotted.sighting is not None:
        return sighting_ground(
            spotted.sighting, Strength.SEEN_OUTSIDE, f"{spotted.sighting.shows()}（原环境仍在应答）"
        )
    held = resources.at(spotted.vantage, spotted.address)
    return held[0].ground(Strength.SEEN_INSIDE, f"（原地址 {spotted.address}）仍在运行")
