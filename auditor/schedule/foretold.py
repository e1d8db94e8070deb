"""Which runs departments are told of in advance, and what each of them is told. Pure: the clock is passed in.

A run is told of to everybody in whose prefixes it looks: the department that owns them (the longest prefix first),
or, where nobody does, whoever runs the zone. What is told is what the scheduler will do: the same rules, the same
spread, the same days left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from auditor.schedule.plan import Kind, Plan
from auditor.schedule.rules import Foreseen, Sky, coming
from auditor.site import Site
from auditor.site_zones import ZoneConfig
from inventories.places import Network
from probes.access import Access, Asked
from probes.estimate import seconds
from probes.scope import Permit, intersect, permit, subtract
from reports.announcement import Leave, Told, Visit
from reports.words import source_words

#: How a login is told of, by its probe.
_LOGINS: Mapping[str, str] = {
    "ssh": "主机（SSH）",
    "windows": "Windows主机",
    "snmp": "网络设备（SNMP）",
    "vsphere": "虚拟化平台",
    "openstack": "云平台",
}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is told: a department by its id, or (no id) whoever runs a zone."""

    department: str
    zone: str = ""

    @property
    def name(self) -> str:
        """A file's name."""
        return self.department or f"zone-{self.zone}"


def foretell(
    site: Site,
    plan: Plan,
    sky: Sky,
    *,
    first: date,
    last: date,
    departments: Mapping[str, str],
    declared: Sequence[Asked] = (),
    zones: Sequence[str] = (),
) -> Mapping[Owner, Told]:
    """What everybody is told of the days ``first`` to ``last``, both included; of some zones, or of all.

    ``departments`` gives names by id; ``declared`` are the registers' own names, none of them classified.
    """
    begin = datetime.combine(first, time(), site.timezone)
    end = datetime.combine(last + _DAY, time(), site.timezone)
    jobs = {key: job for key, job in plan.jobs.items() if job.kind is Kind.PROBE and (not zones or job.zone in zones)}
    # What was due days before may still wait for a window of the first.
    runs = [
        one
        for one in coming(jobs, begin - timedelta(days=3), end, sky)
        if one.begins is not None and begin <= one.begins < end
    ]
    out: dict[Owner, Told] = {}
    for owner in sorted({owner for zone in site.config.zones for owner in owners(zone)}, key=lambda one: one.name):
        told = _told(site, sky, owner, runs, (first, last), departments, declared)
        if told is not None:
            out[owner] = told
    return out


def owners(zone: ZoneConfig) -> Iterator[Owner]:
    """Everybody who may have prefixes in a zone."""
    yield Owner(zone.department or "", "" if zone.department else zone.id)
    yield from (Owner(owner.department) for owner in zone.owners)


def theirs(zone: ZoneConfig, owner: Owner) -> tuple[Network, ...]:
    """The prefixes of a zone that are an owner's, the longest prefix first."""
    own = tuple(zone.prefixes) if owner == next(owners(zone)) else ()
    for entry in sorted(zone.owners, key=lambda entry: entry.prefix.prefixlen):
        if Owner(entry.department) == owner:
            own = subtract((*own, entry.prefix), ())
        else:
            own = subtract(own, [entry.prefix])
    return own


def _told(
    site: Site,
    sky: Sky,
    owner: Owner,
    runs: Iterable[Foreseen],
    days: tuple[date, date],
    departments: Mapping[str, str],
    declared: Sequence[Asked],
) -> Told | None:
    gathered = _Gathered()
    for zone in site.config.zones:
        own = theirs(zone, owner)
        asked = [name for name in declared if name.department_id == owner.department] if owner.department else []
        for run in runs:
            if run.job.zone == zone.id and run.begins is not None:
                leave = permit(sky.scopes[zone.id], run.begins.astimezone(site.timezone))
                if isinstance(leave, Permit):
                    gathered.take(site, zone, run, leave, own, _names(leave, asked))
    if not gathered.visits:
        return None
    name = departments.get(owner.department, owner.department)
    if not owner.department:
        name = f"{site.zone(owner.zone).name}运维管理单位"
    return Told(
        bureau=site.config.bureau,
        department=name,
        first=days[0],
        last=days[1],
        visits=tuple(
            Visit(zone, what, tuple(sorted(set(on))), hours) for (zone, what, hours), on in gathered.visits.items()
        ),
        sources=site.config.schedule.source_addresses,
        prefixes=tuple(dict.fromkeys(map(str, subtract(gathered.prefixes, ())))),
        names=tuple(sorted(gathered.names)),
        rates=tuple(dict.fromkeys(gathered.rates)),
        ports=tuple(sorted(gathered.ports)),
        looks=tuple(dict.fromkeys(gathered.looks)),
        leaves=tuple(dict.fromkeys(gathered.leaves)),
        left_alone=tuple(dict.fromkeys(gathered.left_alone)),
        contact=site.config.schedule.contact or site.config.contact,
        provisional=gathered.provisional,
        clock="北京时间" if site.config.timezone == "Asia/Shanghai" else f"当地时间（{site.config.timezone}）",
    )


def _names(leave: Permit, asked: Sequence[Asked]) -> list[str]:
    rules = leave.access.names
    return sorted({name.host for name in asked if rules is not None and rules.allows(name.host)})


class _Gathered:
    """What one owner's runs come to, zone after zone."""

    def __init__(self) -> None:
        self.visits: dict[tuple[str, str, str], list[date]] = {}
        self.prefixes: list[Network] = []
        self.names: set[str] = set()
        self.rates: list[str] = []
        self.ports: set[int] = set()
        self.looks: list[str] = []
        self.leaves: list[Leave] = []
        self.left_alone: list[tuple[str, str]] = []
        self.provisional = False

    def take(
        self, site: Site, zone: ZoneConfig, run: Foreseen, leave: Permit, own: Sequence[Network], names: Sequence[str]
    ) -> None:
        probes = run.job.probes
        used = [one for one in zone.authorisations if one.document in leave.documents]
        granted = intersect(zone.prefixes, [prefix for one in used for prefix in one.prefixes or zone.prefixes])
        prefixes = intersect(own, granted)
        names = names if _asks(probes, "names") else ()
        if run.begins is None or not (prefixes or names):
            return
        begins = run.begins.astimezone(site.timezone)
        what = "、".join(dict.fromkeys(source_words(probe) for probe in probes)) or "全部核查内容"
        self.visits.setdefault((zone.name, what, _hours(run, begins, leave)), []).append(begins.date())
        self.prefixes += prefixes
        self.names |= set(names)
        if prefixes and _asks(probes, "nmap"):
            self.rates.append(f"{zone.name}每秒不超过{leave.profile.max_rate}个数据包")
            self.ports |= set(leave.profile.ports)
        self.looks += _logins(leave.access, probes, prefixes)
        self.leaves += [Leave(one.document, one.approver, one.valid_from, one.valid_to) for one in used]
        self.left_alone += [(str(one.prefix), one.reason) for one in zone.fragile if intersect([one.prefix], own)]
        self.provisional = self.provisional or run.provisional


def _asks(probes: Sequence[str], probe: str) -> bool:
    return not probes or probe in probes


def _hours(run: Foreseen, begins: datetime, leave: Permit) -> str:
    """22:00起15分钟内开始，预计40分钟以内，至迟次日06:00结束。"""
    due = run.due.astimezone(begins.tzinfo)
    spread = run.job.jitter if run.begins == run.due or begins - due <= run.job.jitter else timedelta()
    start = due if spread else begins
    words = f"{start:%H:%M}开始" if not spread else f"{start:%H:%M}起{_lasting(spread.total_seconds())}内开始"
    words += f"，预计{_lasting(seconds(leave)[1])}以内"
    until = leave.until.astimezone(begins.tzinfo)
    if until - begins <= _DAY:
        words += f"，至迟{'次日' if until.date() > begins.date() else ''}{until:%H:%M}结束"
    return words


def _lasting(number: float) -> str:
    minutes = max(1, -(-int(number) // 60))
    return f"{minutes}分钟" if minutes < 120 else f"{-(-minutes // 60)}小时"


def _logins(access: Access, probes: Sequence[str], own: Sequence[Network]) -> Iterator[str]:
    """What is logged in to: the kind and the account, which the department gave."""
    for probe, words in _LOGINS.items():
        if not _asks(probes, probe):
            continue
        for login in getattr(access, probe):
            where = getattr(login, "prefixes", ())
            if not own or (where and not intersect(where, own)):
                continue
            account = getattr(login, "user", "")
            yield f"{words}，账号{account}" if account else words
