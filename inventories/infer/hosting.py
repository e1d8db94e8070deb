"""Where systems run: what registers declare, held against what answers at their addresses. Pure.

A sighting outweighs a declaration, but a declared place is dropped only where everything that could have shown it
was looked at. Where a register says cloud, the department's network shows life, and the cloud was not fully
looked at, the answer is NULL and the disagreement is reported: unseen is not guilty.
"""

from __future__ import annotations

from datetime import date, datetime

from inventories.facts import EQUALS, PAPER_AND_HINT
from inventories.infer.absence import cloud_is_open, is_silent, nothing_on_cloud, silent_words
from inventories.infer.case import CLOUD, OWN, Case, Now, Spotted
from inventories.infer.cases import Cases
from inventories.infer.draft import Draft, Drafts, Ground, every
from inventories.infer.fronts import Fronts
from inventories.infer.migration import conclude_migration
from inventories.infer.presence import conclude_system_found
from inventories.infer.resources import Resources
from inventories.infer.terms import LEVELS
from inventories.infer.world import World, facts_of, has_conflict, register_ground, sighting_ground, texts
from inventories.model import Conflict, SourcedFact, Strength

NOT_LOOKED = "登记为政务云，部门网络内仍有应答，而政务云地址未全部核查，暂不认定"
ELSEWHERE = "登记为政务云，而{}；在别处可见，以探测所见为准"
SEEN_ELSEWHERE = "登记的部署位置与探测所见不一致，以探测所见为准"
ALSO_PUBLIC = "登记未提及公有云，而登记的网址指向公有云，以探测所见为准"
IS_OFF = "登记为政务云，云上的云主机已关机，部门网络内仍有应答，暂不认定"
ONLY_A_DOOR = "登记为政务云，云上只见到可能是入口的地址或设备，部门网络内仍有应答，暂不认定"
MAY_BE_CLOUD = "部门网络内有应答，但登记的其他地址可能位于政务云而未核查，暂不认定"


def infer_hosting(
    world: World, drafts: Drafts, resources: Resources, fronts: Fronts, *, today: date
) -> dict[str, datetime]:
    """Where every registered system runs, what became of its migration, and whether it was found at all.

    Fills hosting, its strength and levels, the clouds, the host counts, ``migration_state`` and ``is_found``.
    Returns when each system that was seen running, by key, was last seen.
    """
    seen: dict[str, datetime] = {}
    cases = Cases(world, resources, fronts)
    for system in world.systems:
        case = cases.of(system)
        draft = drafts.edit(system)
        draft.zones.update(spotted.spot.zone.id for spotted in case.addresses if spotted.spot)
        _count(world, resources, case, draft)
        _settle(world, resources, case, draft)
        _clouds(world, case, draft)
        conclude_migration(world, resources, case, draft, today=today)
        conclude_system_found(world, resources, fronts, case, draft)
        if case.seen:
            draft.values["is_observed"] = True
            seen[system.key] = max(ground.observed_at for ground in case.seen.values())
    return seen


def _count(world: World, resources: Resources, case: Case, draft: Draft) -> None:
    """The host counts. What answers counts with any coverage; a 0 needs every address that could show more."""
    ground = register_ground(case.system)
    machines = {spotted.host for spotted in case.addresses}
    machines |= {resource.host.key for resource in (*case.running, *case.stopped)}
    if not machines or ground is None:
        return
    listed = "、".join(sorted({spotted.address for spotted in case.addresses})[:5]) or "仅云平台列出"
    draft.conclude(
        "hosts_total",
        len(machines),
        Ground(ground.strength, ground.source, ground.observed_at, f"登记的地址：{listed}"),
    )
    for column, wanted in (("hosts_on_gov_cloud", True), ("hosts_alive_off_cloud", False)):
        alive = {s.host: _answer(s) for s in case.addresses if s.is_alive and s.spot and s.is_cloud is wanted}
        for resource in case.running:
            if (resource.place == CLOUD) is wanted:
                alive.setdefault(resource.host.key, resource.ground(Strength.SEEN_INSIDE, "，云平台显示已开机"))
        if alive:
            draft.conclude(column, len(alive), every(alive.values()))
        elif case.addresses and all(_is_told(world, resources, s, wanted) for s in case.addresses):
            there = [s for s in case.addresses if s.is_cloud is wanted]
            text = _none_alive(world, there, listed, is_cloud=wanted)
            draft.conclude(column, 0, Ground(Strength.DECLARED, ground.source, ground.observed_at, text))


def _answer(spotted: Spotted) -> Ground:
    """What answered at an address that is alive: to the scan, or under the system's own name."""
    if spotted.sighting is not None:
        return sighting_ground(spotted.sighting, Strength.SEEN_OUTSIDE)
    if spotted.answered is None:
        raise ValueError(f"nothing answered at {spotted.address}")
    return spotted.answered


def _none_alive(world: World, there: list[Spotted], listed: str, *, is_cloud: bool) -> str:
    """Why nothing is counted on one side of a government cloud's border, in words."""
    if not there:
        return f"登记的地址都{'不在政务云' if is_cloud else '在政务云'}（{listed}）"
    words = [s.became.words for s in there if s.became is not None]
    silent = [s for s in there if s.became is None]
    words += [f"登记的{'政务云' if is_cloud else '云外'}地址 {silent_words(world, silent)}"] if silent else []
    return "；".join(dict.fromkeys(words))


def _is_told(world: World, resources: Resources, spotted: Spotted, cloud: bool) -> bool:
    """Whether it is known that an address adds nothing to a count.

    It lies elsewhere, was looked at in vain, or is another machine's now.
    """
    if spotted.spot is None:
        return False
    if spotted.is_cloud is not cloud:
        return True
    if spotted.became is not None:
        return spotted.became.now is Now.OTHER
    return is_silent(world, resources, spotted)


def _settle(world: World, resources: Resources, case: Case, draft: Draft) -> None:
    """The value of ``hosting``, with the facts it rests on or the reason why there is none."""
    said = [fact for fact in case.system.facts if fact.column == "hosting"]
    claims = [ground.fact("hosting", (place,)) for place, ground in sorted({**case.hinted, **case.seen}.items())]
    if case.seen:
        _settle_seen(world, resources, case, draft, said, claims)
        return
    if has_conflict(draft.conflicts, "hosting"):
        return
    declared, hinted = case.declared, case.hinted
    if declared:
        listed = draft.values.get("hosting")
        if isinstance(listed, tuple) and not declared.keys() <= set(listed):
            draft.withhold(
                "hosting", EQUALS, (*said, *(g.fact("hosting", (p,)) for p, g in sorted(declared.items())))
            )
        elif hinted and not any(place in declared or (place in OWN and OWN & declared.keys()) for place in hinted):
            draft.withhold("hosting", PAPER_AND_HINT, (*said, *claims))
        else:
            _show(draft, declared)
    elif hinted and CLOUD not in hinted and cloud_is_open(world, resources, case):
        draft.withhold("hosting", MAY_BE_CLOUD, claims)
    elif hinted:
        _show(draft, hinted)


def _settle_seen(
    world: World,
    resources: Resources,
    case: Case,
    draft: Draft,
    said: list[SourcedFact],
    claims: list[SourcedFact],
) -> None:
    result = dict(case.seen)
    believed = not has_conflict(draft.conflicts, "hosting")
    if CLOUD in case.declared and CLOUD not in case.seen:
        absent = _absent_from_cloud(world, resources, case)
        if not absent:
            is_off = any(resource.place == CLOUD for resource in case.stopped)
            why = IS_OFF if is_off else ONLY_A_DOOR if case.door is not None else NOT_LOOKED
            draft.withhold("hosting", why, (*said, *claims))
            return
        _overrule(draft, ELSEWHERE.format(absent), result, said, claims)
    elif CLOUD not in case.seen and cloud_is_open(world, resources, case):
        draft.withhold("hosting", MAY_BE_CLOUD, (*said, *claims))
        return
    result |= _kept(world, case, believed=believed)
    if CLOUD in case.seen and case.declared and not case.declared.keys() & result.keys():
        _overrule(draft, SEEN_ELSEWHERE, result, said, claims)
    elif "public_cloud" in case.seen and case.declared and not case.declared.keys() & {"public_cloud", CLOUD}:
        _overrule(draft, ALSO_PUBLIC, result, said, claims)
    _show(draft, result)


def _kept(world: World, case: Case, *, believed: bool) -> dict[str, Ground]:
    """Declared places that no sighting speaks of and nothing refutes.

    A public or an industry cloud is out of our sight. An own room beside a confirmed cloud, or behind a page on a
    public one, stays until its addresses have been looked at in vain; one that the sightings, or another register,
    contradict does not (``believed``: the registers agree).
    """
    out = {place: ground for place, ground in case.declared.items() if place in ("public_cloud", "industry_cloud")}
    own = OWN & case.declared.keys()
    confirmed = bool(case.declared.keys() & case.seen.keys()) or case.seen.keys() == {"public_cloud"}
    if believed and own and not own & case.seen.keys() and confirmed:
        off = [s for s in case.addresses if s.spot and s.spot.zone.kind == "department"]
        if not off or not all(world.covered.address(s.vantage, s.address) for s in off):
            out |= {place: case.declared[place] for place in own}
    return {place: ground for place, ground in out.items() if place not in case.seen}


def _absent_from_cloud(world: World, resources: Resources, case: Case) -> str:
    """Why it is shown that a system declared on a government cloud is not there; empty where it is not shown.

    Where it declares no address there, the system itself, by name, must have been seen elsewhere.
    """
    has_address = any(spotted.is_cloud for spotted in case.addresses)
    return nothing_on_cloud(world, resources, case) if has_address or case.is_named else ""


def _overrule(
    draft: Draft, why: str, result: dict[str, Ground], said: list[SourcedFact], claims: list[SourcedFact]
) -> None:
    draft.conflicts.append(Conflict("hosting", tuple(sorted(result)), why, (*said, *claims)))


def _show(draft: Draft, places: dict[str, Ground]) -> None:
    """Shows places, each with its ground; the strength of the whole is that of its weakest part."""
    draft.values["hosting"] = tuple(sorted(places))
    draft.facts += [ground.fact("hosting", (place,)) for place, ground in sorted(places.items())]
    weakest = min(places.values(), key=lambda ground: (ground.strength, ground.observed_at, ground.source))
    draft.conclude("hosting_strength", weakest.strength.label, weakest)


def _clouds(world: World, case: Case, draft: Draft) -> None:
    """Which clouds a system is on, and the levels of the government clouds among them."""
    department = case.system.text("department_id")
    told = [world.referred("cloud", code, department) for code in texts(case.system, "cloud_codes")]
    seen = [world.referred("cloud", code, "") for code in sorted(case.cloud_codes)]
    clouds = {cloud.key: cloud for cloud in (*told, *seen) if cloud is not None}
    ground = register_ground(case.system)
    if clouds and ground:
        names = "、".join(sorted(cloud.text("name") or cloud.key for cloud in clouds.values()))
        rests = Ground(ground.strength, ground.source, ground.observed_at, f"所在云：{names}")
        draft.conclude("cloud_keys", tuple(sorted(clouds)), rests)
    hosting = draft.values.get("hosting")
    if not isinstance(hosting, tuple) or CLOUD not in hosting or ground is None:
        return
    # Seen beats declared: a system seen on one cloud is not there by the code of another.
    shown = seen if CLOUD in case.seen and seen else told
    if not shown:
        zones = {s.spot.zone.cloud_code for s in case.addresses if s.spot and s.is_cloud}
        shown = [world.referred("cloud", code, "") for code in sorted(zones)]
    government = [c for c in shown if c is None or c.get("kind") in ("government", "county", None)]
    levels = {cloud.text("owner_level") if cloud else "" for cloud in government}
    if not levels:
        levels = {level for fact in facts_of(case.system, "hosting") for level in _levels_in(fact.evidence)}
    # One cloud of unknown level may be a recognised one: then nobody can tell.
    if levels and "" not in levels:
        words = Ground(ground.strength, ground.source, ground.observed_at, "所在政务云的层级")
        draft.conclude("hosting_levels", tuple(sorted(levels)), words)


def _levels_in(words: str) -> list[str]:
    return [level for level, pattern in LEVELS if pattern.search(words)]
