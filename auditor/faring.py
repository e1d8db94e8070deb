"""How each probe fared in each zone: what was looked at to the end, out of what the site lists."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.ledger.records import ProbeRun
from inventories.model import Collection, Coverage, Failure
from inventories.places import Zone
from probes.base import Limit
from reports.model import ProbeView

#: The aspect that counts as having looked at an address, from most to least telling.
_LOOKED = "ports"


@dataclass(frozen=True, slots=True)
class Fared:
    """``covered`` and ``authorised`` count addresses; ``problems`` are why the rest was not looked at."""

    zone: Zone
    probe: str
    covered: int
    authorised: int
    seconds: float
    problems: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        return not self.problems

    def run(self, ended: datetime) -> ProbeRun:
        return ProbeRun(
            zone=self.zone.id,
            probe=self.probe,
            success=self.success,
            seconds=self.seconds,
            covered=self.covered,
            authorised=self.authorised,
            ended_at=ended,
        )

    def view(self, *, last_success: datetime | None, limits: Sequence[str]) -> ProbeView:
        return ProbeView(
            zone=self.zone.id,
            zone_name=self.zone.name,
            probe=self.probe,
            success=self.success,
            seconds=self.seconds,
            ratio=self.covered / self.authorised if self.authorised else None,
            last_success=last_success,
            problems=self.problems,
            limits=tuple(limits),
        )


def fared(zones: Mapping[str, Zone], collected: Collection, authorised: Mapping[str, int]) -> tuple[Fared, ...]:
    """One entry for each probe in each zone that it covered or failed in, ordered by zone and probe.

    ``authorised`` maps a zone to the number of addresses that the site lets be probed; a zone that is missing
    there counts all of its own.
    """
    pairs = {(c.zone, c.collector) for c in collected.coverage if c.zone in zones}
    pairs |= {(f.zone, f.collector) for f in collected.failures if f.zone in zones}
    out = []
    for zone_id, probe in sorted(pairs):
        zone = zones[zone_id]
        looked = [c for c in collected.coverage if (c.zone, c.collector) == (zone_id, probe)]
        out.append(
            Fared(
                zone=zone,
                probe=probe,
                covered=_addresses(c for c in looked if c.aspect == _LOOKED),
                authorised=authorised.get(zone_id, sum(prefix.num_addresses for prefix in zone.prefixes)),
                seconds=_seconds(looked),
                problems=tuple(
                    dict.fromkeys(
                        _problem(f) for f in collected.failures if (f.zone, f.collector) == (zone_id, probe)
                    )
                ),
            )
        )
    return tuple(out)


#: Why a scope was not covered, in the bureau's language; the program's own message went to standard error.
_REASONS: Mapping[str, str] = {
    "no_authorisation": "没有扫描授权",
    "expired": "扫描授权已过期",
    "not_yet": "扫描授权尚未生效",
    "outside_window": "不在允许的时段",
    "frozen": "处于禁止变更期",
    "prefix_not_authorised": "部分地址没有扫描授权",
    "nothing_left": "排除后没有可探测的地址",
    "stopped": "探测被中止",
    "timed_out": "探测超时",
    "not_installed": "未安装探测程序",
    "too_old": "探测程序版本过低",
    "bad_output": "探测结果损坏",
    "crashed": "探测程序出错",
    "killed": "探测进程被强行结束",
    "no_route": "没有到达该网络的路由",
    "lost": "部分应答丢失",
    "refused": "网络拒绝探测",
    "limited": "受本机条件限制",
    "cannot_write": "本机无法写入文件",
    "bad_input": "登记表有不能采用的行",
}


#: What could not be seen from this machine at all.
_LIMITS: Mapping[str, str] = {
    "unprivileged": "无原始套接字权限：未探测UDP服务、只回应ping的主机和硬件地址",
    "ports_taken": "回环地址上有端口被本机其他程序占用，未予探测",
}


def limit_words(limits: Iterable[Limit]) -> tuple[str, ...]:
    """Limits in the bureau's language."""
    return tuple(_LIMITS.get(limit.reason, limit.message) for limit in limits)


def _problem(failure: Failure) -> str:
    return _REASONS.get(failure.reason, failure.reason)


def _addresses(coverage: Iterable[Coverage]) -> int:
    """Addresses covered, each once however often it was looked at."""
    prefixes = {ipaddress.ip_network(text) for record in coverage for text in record.scope}
    v4 = ipaddress.collapse_addresses(p for p in prefixes if isinstance(p, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(p for p in prefixes if isinstance(p, ipaddress.IPv6Network))
    return sum(prefix.num_addresses for prefix in v4) + sum(prefix.num_addresses for prefix in v6)


def _seconds(coverage: Sequence[Coverage]) -> float:
    """From the first look to the end of the last."""
    if not coverage:
        return 0.0
    return (max(c.ended_at for c in coverage) - min(c.started_at for c in coverage)).total_seconds()
