"""How each probe fared in each zone: what was looked at to the end, out of what the site lists."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.ledger.records import ProbeRun
from inventories.model import Collection, Coverage, Failure
from inventories.places import Network, Zone
from inventories.prefixes import network
from probes.base import Limit
from reports.model import ProbeView

#: Collector → the aspect that counts as having looked at a thing; of any other collector every aspect counts.
_LOOKED: Mapping[str, str] = {
    "nmap": "ports",
    "ssh": "inside",
    "windows": "inside",
    "snmp": "snmp",
    "endpoints": "endpoints",
    "names": "names",
    "vsphere": "resources",
    "openstack": "resources",
}
#: The one that sweeps whole prefixes; the others look at what they have a login or a question for.
_SWEEPER = "nmap"


@dataclass(frozen=True, slots=True)
class Fared:
    """How one probe fared in one zone; ``problems`` are why the rest was not looked at.

    ``covered`` and ``authorised`` count addresses for the probe that sweeps the zone. For the others they count the
    things that were looked at (addresses, names, projects of a cloud, or 1 for a whole cloud), and those together
    with the things at which it failed.
    """

    zone: Zone
    probe: str
    covered: int
    authorised: int
    seconds: float
    problems: tuple[str, ...] = ()

    @property
    def pair(self) -> tuple[str, str]:
        return self.zone.id, self.probe

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
        failed = [f for f in collected.failures if (f.zone, f.collector) == (zone_id, probe)]
        done = [thing for c in looked if c.aspect == _LOOKED.get(probe, c.aspect) for thing in c.scope]
        covered = _count(done)
        if probe == _SWEEPER:
            whole = authorised.get(zone_id, sum(prefix.num_addresses for prefix in zone.prefixes))
        else:
            # A failure that names nothing is still one thing that was not looked at.
            undone = [thing for f in failed for thing in f.scope or (f"{f.reason} {f.message}",)]
            whole = _count([*done, *undone])
        problems = tuple(dict.fromkeys(_problem(f) for f in failed))
        out.append(Fared(zone, probe, covered, whole, _seconds(looked), problems))
    return tuple(out)


#: Why a scope was not covered, in the bureau's language; the program's own message went to standard error.
_REASONS: Mapping[str, str] = {
    "no_authorisation": "没有扫描授权",
    "no_look": "期限内没有收到探测结果",
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
    "no_credentials": "未提供登录凭据",
    "login_refused": "登录被拒绝",
    "unknown_host_key": "主机密钥未登记",
    "changed_host_key": "主机密钥已变更",
    "unreachable": "无法连接",
    "certificate": "证书校验未通过",
    "out_of_scope": "地址不在授权范围内",
    "forbidden": "权限不足",
    "throttled": "被限流",
    "unavailable": "服务不可用",
    "session_expired": "会话中断",
    "too_much": "应答超出上限",
    "bad_name": "域名写法有误",
    "looping": "应答循环",
    "no_shell": "无可用命令环境",
    # What stands between this machine and a worker (docs/workers.md), or spoils what a worker sent.
    "no_worker": "没有核查节点应答",
    "given_up": "核查节点多次领取而未完成",
    "not_read": "核查节点未予受理",
    "broker_refused": "消息服务拒绝连接",
    "clock_skewed": "核查节点时钟不准",
    "worker_too_old": "核查节点程序版本过低",
    "worker_differs": "核查节点的分片与中心不一致",
    "outside_worker": "超出核查节点的配置范围",
    "excluded_here": "核查节点的配置予以排除",
    "secret_not_allowed": "核查节点未获准使用该凭据",
    "unknown_probe": "核查节点没有该探测程序",
    "wrong_zone": "不是该核查节点负责的网络",
    "bad_job": "任务内容有误",
    "foreign_result": "探测结果不属于该任务",
    "replayed": "探测结果系重复提交",
    "too_large": "内容超出大小上限",
    "bad_format": "探测结果格式有误",
    "truncated": "探测结果不完整",
    "changed_byte": "探测结果被改动",
    "bomb": "探测结果解压后过大",
    "newer_format": "探测结果来自更新的程序版本",
}


#: What could not be seen from this machine at all.
_LIMITS: Mapping[str, str] = {
    "unprivileged": "无原始套接字权限：未探测UDP服务、只回应ping的主机和硬件地址",
    "ports_taken": "回环地址上有端口被本机其他程序占用，未予探测",
    "unprivileged_logins": "登录账号无特权：未读取固件中的序列号和UUID，部分监听端口不知属于哪个进程",
    "not_installed": "本机未安装登录所需的程序",
}


def limit_words(limits: Iterable[Limit]) -> tuple[str, ...]:
    """Limits in the bureau's language."""
    return tuple(_LIMITS.get(limit.reason, limit.message) for limit in limits)


def _problem(failure: Failure) -> str:
    return _REASONS.get(failure.reason, failure.reason)


def _count(scope: Iterable[str]) -> int:
    """Things in scopes, each once however often it is named: every address of a prefix, and what is no prefix."""
    prefixes: set[Network] = set()
    words: set[str] = set()
    for text in scope:
        parsed = network(text)
        if parsed is None:
            words.add(text)
        else:
            prefixes.add(parsed)
    v4 = ipaddress.collapse_addresses(p for p in prefixes if isinstance(p, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(p for p in prefixes if isinstance(p, ipaddress.IPv6Network))
    return len(words) + sum(prefix.num_addresses for prefix in v4) + sum(prefix.num_addresses for prefix in v6)


def _seconds(coverage: Sequence[Coverage]) -> float:
    """From the first look to the end of the last."""
    if not coverage:
        return 0.0
    return (max(c.ended_at for c in coverage) - min(c.started_at for c in coverage)).total_seconds()
