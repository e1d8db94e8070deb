"""Networks that were inferred, as assets, and what was seen of declared ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import reduce
from operator import and_

from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.machines import Machine
from inventories.infer.world import World, submission_ground
from inventories.model import Identifier, KeyMap, Strength
from inventories.places import Address, Zone
from inventories.thing import Thing

#: So many lines of evidence are enough to check by.
_MOST_LINES = 12
#: A ground's text is made of so many of them.
_MOST_GROUNDS = 5


@dataclass(frozen=True, slots=True)
class FoundNetwork:
    """A network that was inferred. ``zone`` names it, ``zones`` are those in which it was seen.

    ``kind`` is None where the evidence does not tell it. ``grounds`` are in the order of their weight.
    """

    department_id: str
    zone: Zone
    zones: frozenset[str]
    identifiers: tuple[Identifier, ...]
    name: str
    kind: str | None
    prefixes: tuple[str, ...]
    endpoints: tuple[str, ...]
    gateways: tuple[str, ...]
    confidence: float
    grounds: tuple[Ground, ...]
    collectors: tuple[str, ...]

    def thing(self, timezone: tzinfo, today: date) -> Thing:
        newest = max(ground.observed_at for ground in self.grounds)
        return Thing("network", self.identifiers, seen_on=min(newest.astimezone(timezone).date(), today))


def endpoint(machine: Machine) -> str:
    """A machine as one end of a network: its address, and its name where it has one."""
    return f"{machine.address} {machine.host.text('name') or machine.host.text('hostname')}".strip()


def add_networks(world: World, drafts: Drafts, found: Iterable[tuple[FoundNetwork, str]], keymap: KeyMap) -> None:
    """Adds a network for each, under its key.

    ``is_declared`` is FALSE only where the department's register of networks was received whole; otherwise nobody
    can say whether it is declared, and the column stays NULL.
    """
    for network, key in found:
        ground = together(network.grounds)
        draft = Draft("network", key, network.identifiers, collectors=network.collectors)
        draft.values.update(
            key=key,
            sources=tuple(sorted({g.source for g in network.grounds})),
            is_observed=True,
            first_seen_on=keymap.first_seen[key],
            last_seen_on=keymap.last_seen[key],
        )
        draft.zones |= network.zones
        draft.conclude("name", network.name, ground)
        if network.kind is not None:
            draft.conclude("kind", network.kind, ground)
        for column, values in (
            ("prefixes", network.prefixes),
            ("endpoints_observed", network.endpoints),
            ("gateways_observed", network.gateways),
        ):
            if values:
                draft.conclude(column, values, ground)
        draft.conclude("is_inferred", True, ground)
        draft.conclude("inference_confidence", network.confidence, ground)
        submission = world.submitted("networks", network.department_id)
        lines = _lines(network.grounds)
        if submission is not None:
            told = submission_ground(submission, "部门网络台账中没有这一网络")
            draft.conclude("is_declared", False, ground & told)
            lines.append(told.evidence)
        else:
            lines.append("尚未完整收到该部门的网络台账，是否已登记不明")
        draft.conclude("inference_evidence", tuple(lines), ground)
        owned = Ground(Strength.DECLARED, ground.source, ground.observed_at, f"网络区域 {network.zone.name}")
        world.join_department(draft, network.department_id, owned)
        world.join_nil_return(draft, network.department_id)
        drafts.add(draft)


def observe_declared(draft: Draft, leads: Iterable[tuple[Address | None, Machine, Ground]]) -> None:
    """The machines and gateways that were seen to lead to a declared network."""
    ends = [(endpoint(machine), ground) for _gateway, machine, ground in leads]
    gates = [(str(gateway), ground) for gateway, _machine, ground in leads if gateway is not None]
    for column, found in (("endpoints_observed", ends), ("gateways_observed", gates)):
        if found:
            told = draft.values.get(column)
            values = {text for text, _ground in found}
            grounds = sorted(dict.fromkeys(ground for _text, ground in found), key=lambda g: (g.evidence, g.source))
            draft.facts.append(together(grounds).fact(column, tuple(sorted(values))))
            draft.values[column] = tuple(sorted(values.union(told if isinstance(told, tuple) else ())))


def together(grounds: Sequence[Ground]) -> Ground:
    """Several grounds as one, in the words of the first few."""
    few = reduce(and_, grounds[:_MOST_GROUNDS])
    return Ground(
        min(ground.strength for ground in grounds),
        few.source,
        min(ground.observed_at for ground in grounds),
        few.evidence + (f"；另有 {len(grounds) - _MOST_GROUNDS} 处" if len(grounds) > _MOST_GROUNDS else ""),
    )


def _lines(grounds: Sequence[Ground]) -> list[str]:
    lines = list(dict.fromkeys(f"{ground.evidence}（来源：{ground.source}）" for ground in grounds))
    rest = len(lines) - _MOST_LINES
    return lines[:_MOST_LINES] + ([f"另有 {rest} 条同类依据"] if rest > 0 else [])
