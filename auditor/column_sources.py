"""Which columns a site can fill at all: by its registers, or by probes that its zones give something to work with.

``auditor check`` tells by this which rules will stay unknown whatever an audit finds. In doubt a column counts as
having a source: silence about a rule means that it may be decided, not that it will.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inventories.kinds import KINDS
from inventories.kinds.declare import COMMON
from inventories.model import Origin
from policies.prospects import Prospect, prospect
from policies.subjects import columns_of, derived
from policies.trees import IN_FORCE_FROM
from probes.registry import PROBES

if TYPE_CHECKING:
    from inventories.registers import RegisterResult
    from policies.model import Pack
    from probes.scope import ZoneScope


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What is read on a machine itself.
_INSIDE = _words(
    "answers arch cpu_model cpu_vendor default_gateway hardware_uuid has_public_ip hostname hypervisor interfaces "
    "ips is_physical listeners macs memory_mb model mounts name_servers os_id os_name os_version platform products "
    "routes serial tunnels uplinks vendor"
)

#: Probe → kind → the columns that it may fill.
GIVEN_BY: Mapping[str, Mapping[str, frozenset[str]]] = {
    "nmap": {
        "host": _words("answers hostname ips macs open_services os_name os_version page_titles products tls_names")
    },
    "endpoints": {"host": _words("answers page_titles products tls_names")},
    "ssh": {"host": _INSIDE},
    "windows": {"host": _INSIDE},
    "names": {"system": _words("dns_addresses dns_names page_titles resolves tls_names")},
    "snmp": {
        "host": _words(
            "answers default_gateway hostname interfaces ips macs model neighbours products routes serial vendor"
        )
    },
    "vsphere": {
        "host": _words(
            "cloud_project cloud_tags cpu_model created_on guest_tools hostname hypervisor ips is_physical macs "
            "memory_mb model name os_name platform power_state products serial system_codes vendor"
        ),
        "cloud": _words(
            "clusters datastores endpoint hosts_total networks_observed platform software_version vms_total"
        ),
    },
    "openstack": {
        "host": _words(
            "cloud_project cloud_tags created_on has_public_ip hypervisor ips is_physical macs memory_mb mounts name "
            "os_name platform power_state system_codes"
        ),
        "cloud": _words("endpoint hosts_total networks_observed platform projects_observed vms_total"),
    },
}

#: What a conclusion rests on: any of these will do. ``probe`` is any probe at all, ``kind.*`` a row of the kind,
#: ``kind.column`` a column filled in a register; those joined by ``+`` are needed together.
_PLACE = ("system.hosting", "system.cloud_codes", "system.room_code", "system.addresses+probe", "system.urls+probe")
_CLOUDS = ("vsphere", "openstack")
RESTS_ON: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("system", "hosting"): (*_PLACE, *_CLOUDS),
    ("system", "hosting_levels"): (*_PLACE, *_CLOUDS),
    ("system", "hosting_strength"): (*_PLACE, *_CLOUDS),
    ("system", "cloud_keys"): ("system.cloud_codes", *_CLOUDS),
    ("system", "hosts_total"): ("system.addresses", *_CLOUDS),
    ("system", "hosts_on_gov_cloud"): ("system.addresses", *_CLOUDS),
    ("system", "hosts_alive_off_cloud"): ("system.addresses+probe",),
    ("system", "migration_state"): (*_PLACE, *_CLOUDS),
    ("system", "is_found"): ("system.addresses+probe", "system.urls+names", *_CLOUDS),
    ("system", "is_registered"): ("system.*", "probe"),
    ("system", "is_internet_facing"): ("system.is_internet_facing", "probe"),
    ("host", "is_physical"): ("host.is_physical", "ssh", "windows", *_CLOUDS),
    ("host", "own_uplink"): ("host.own_uplink", "ssh", "windows", "snmp"),
    ("host", "has_public_ip"): ("host.has_public_ip", "ssh", "windows", "openstack"),
    ("host", "room_key"): ("host.room_code",),
    ("host", "in_asset_register"): ("host.*",),
    ("host", "role"): ("probe",),
    ("network", "kind"): ("network.kind", "snmp", "ssh", "windows"),
    ("cloud", "kind"): ("cloud.kind", "endpoints", "vsphere"),
    ("cloud", "platform"): ("cloud.platform", "endpoints", *_CLOUDS),
    ("cloud", "endpoint"): ("cloud.endpoint", "endpoints", *_CLOUDS),
}

#: Columns that the department's own row gives to whatever it owns.
_OF_DEPARTMENT = ("region", "level_of_government", "sector")
_ALWAYS = frozenset(column.name for column in COMMON) - {*_OF_DEPARTMENT, "is_observed"}


@dataclass(frozen=True, slots=True)
class Gap:
    """A column that rules ask for and nothing at the site can fill.

    ``ask`` is the Chinese heading under which the kind's register has it (empty: no register does); ``probes``
    are those that would show it, if a zone gave them something to work with.
    """

    kind: str
    column: str
    title: str
    rules: tuple[str, ...]
    register: str
    ask: str
    probes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a site cannot tell: its columns without a source, and what becomes of the rules that name them."""

    columns: tuple[Gap, ...]
    rules: tuple[Prospect, ...]

    @property
    def unknown(self) -> tuple[Prospect, ...]:
        """Rules that will stay unknown."""
        return tuple(one for one in self.rules if one.stays_unknown)

    @property
    def blind(self) -> tuple[Prospect, ...]:
        """Rules that may find something in order, and can never find a violation."""
        return tuple(one for one in self.rules if one.can_comply and not one.can_violate)


class Sources:
    """What a site has to learn from."""

    def __init__(self, registers: RegisterResult, scopes: Iterable[ZoneScope]) -> None:
        seen = registers.collection.observations
        #: A cell that says 无 fills its column too.
        self.filled = {(o.kind, fact.column) for o in seen for fact in o.facts}
        self.rows = {o.kind for o in seen}
        looked_at = [scope for scope in scopes if scope.authorisations]
        self.probes = frozenset(p for p in PROBES for s in looked_at if s.access.gives(p) and _reaches(p, s))

    def gives(self, kind: str, name: str) -> bool:
        """Whether anything at the site can fill a column of a kind's view."""
        computed = derived(kind, name)
        if computed:
            return any(self.gives(kind, source) for source in computed.sources)
        if (kind, name) in self.filled or name in _ALWAYS:
            return True
        if name.endswith("_absent"):
            papers = KINDS[kind].papers.get(name.removesuffix("_absent"), ())
            return any((kind, column) in self.filled for column in papers)
        if name in _OF_DEPARTMENT and kind != "department":
            return ("department", name) in self.filled
        if any(name in GIVEN_BY[probe].get(kind, ()) for probe in self.probes):
            return True
        return self._concluded(kind, name)

    def _concluded(self, kind: str, name: str) -> bool:
        column = columns_of(kind).get(name)
        if column is None or not column.origins & {Origin.INFERRED, Origin.OBSERVED}:
            return False
        shown_only = any(name in kinds.get(kind, ()) for kinds in GIVEN_BY.values())
        # What no table knows better is concluded from what probes see.
        rests = RESTS_ON.get((kind, name), () if shown_only and Origin.INFERRED not in column.origins else ("probe",))
        return any(all(self._has(need) for need in way.split("+")) for way in rests)

    def _has(self, need: str) -> bool:
        kind, dot, column = need.partition(".")
        if not dot:
            return bool(self.probes) if need == "probe" else need in self.probes
        return kind in self.rows if column == "*" else (kind, column) in self.filled


def _reaches(probe: str, scope: ZoneScope) -> bool:
    """Names are asked wherever they lead; everything else needs addresses of the zone."""
    return probe == "names" or bool(scope.zone.prefixes)


def gaps(packs: Iterable[Pack], sources: Sources) -> Gaps:
    """The columns that the packs' rules name and nothing can fill, and the rules that come to nothing by it."""
    asked: dict[tuple[str, str], list[str]] = {}
    prospects: list[Prospect] = []
    for pack in packs:
        for rule in pack.rules:
            missing = [name for name in rule.columns if not sources.gives(rule.subject, name)]
            for name in missing:
                asked.setdefault((rule.subject, name), []).append(rule.full_id)
            prospects.append(prospect(pack, rule, missing))
    columns = tuple(_gap(kind, name, rules) for (kind, name), rules in sorted(asked.items()))
    return Gaps(columns, tuple(one for one in prospects if not one.can_violate))


def _gap(kind: str, name: str, rules: Collection[str]) -> Gap:
    computed = derived(kind, name)
    wanted = computed.sources if computed else (name,)
    if name.endswith("_absent") and not computed:
        wanted = KINDS[kind].papers.get(name.removesuffix("_absent"), ())
    if name in _OF_DEPARTMENT and kind != "department":
        kind, wanted = "department", (name,)
    asked = [columns_of(kind)[one] for one in wanted if columns_of(kind)[one].declarable]
    probes = [probe for probe, kinds in GIVEN_BY.items() if kinds.get(kind, frozenset()) & set(wanted)]
    return Gap(
        kind=kind,
        column=name,
        title=columns_of(kind)[name].title,
        rules=tuple(rules),
        register=_register(kind, [column.name for column in asked]) if asked else "",
        ask=" / ".join(column.title for column in asked),
        probes=tuple(probes),
    )


def _register(kind: str, columns: Collection[str]) -> str:
    """The register that has a column: the kind's own, or that of the assessments."""
    from inventories.registers import REGISTERS

    own = REGISTERS[KINDS[kind].register]
    if any(column.name in columns for column in own.columns):
        return own.name
    held = (r.name for r in REGISTERS.values() if r.kind == kind and any(c.name in columns for c in r.columns))
    return next(held, own.name)


def gap_lines(found: Gaps) -> Iterator[str]:
    """For a terminal: what nothing can fill and how that could be mended, then which rules suffer by it."""
    for gap in found.columns:
        yield f"no source: {gap.kind}.{gap.column} ({gap.title}): {_mend(gap)}; {', '.join(gap.rules)}"
    for one in found.unknown:
        yield f"stays unknown: {one.rule.full_id} ({one.rule.title}): {_wanting(one)}"
    for one in found.blind:
        yield f"can find no violation: {one.rule.full_id} ({one.rule.title}): {_wanting(one)}"


def _mend(gap: Gap) -> str:
    ways = [f"no row of the register {gap.register} fills {gap.ask}"] if gap.register else []
    if gap.probes:
        ways.append(f"no zone gives access to {' or '.join(gap.probes)}")
    return ", and ".join(ways) or "nothing that this site has shows it"


def _wanting(one: Prospect) -> str:
    settings = [f"setting {name}" for name in one.rule.waits_for]
    if one.rule.needs_date and IN_FORCE_FROM not in one.rule.waits_for and not one.lacking:
        settings.append(f"setting {IN_FORCE_FROM}")
    return "lacks " + ", ".join((*one.lacking, *settings))


def gaps_json(found: Gaps) -> dict[str, object]:
    return {
        "columns_without_source": [
            {
                "kind": gap.kind,
                "column": gap.column,
                "title": gap.title,
                "rules": list(gap.rules),
                "register": gap.register,
                "headings": gap.ask,
                "probes": list(gap.probes),
            }
            for gap in found.columns
        ],
        "rules_that_stay_unknown": [_rule_json(one) for one in found.unknown],
        "rules_that_find_no_violation": [_rule_json(one) for one in found.blind],
    }


def _rule_json(one: Prospect) -> dict[str, object]:
    return {"rule": one.rule.full_id, "lacks": list(one.lacking), "waits_for": list(one.rule.waits_for)}
