"""The nmap probe: which addresses answer, which ports are open there, and what runs on them.

A shard goes through three stages, each one nmap command: *discovery* over all its addresses, *ports* on what
lives, *services* on the open ports of hosts that have any. Each stage that ended well is coverage; each that did
not is a failure over what it should have looked at, and what earlier stages found stands.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from inventories.model import Collection, Coverage, Failure, Observation
from probes import nmap_command as nmap
from probes.base import Context, Limit, Shard
from probes.fingerprints import Fingerprints, load
from probes.loopback import ports_everywhere
from probes.nmap_command import AGAIN, DISCOVERY, PORTS, SERVICES, Settings, Stage
from probes.nmap_facts import observe
from probes.nmap_process import Unusable, may_send_raw, run_command, version_of
from probes.nmap_xml import BadReport, Host, Port, Report, read_report
from probes.scope import Permit, subtract
from probes.shards import addresses, networks, shards_of

_SCRIPT = Path(__file__).parent / "nse" / nmap.SCRIPT

#: Connections that version detection opens to one service, about; what the paced profile allows time for.
_CONNECTIONS = 8

#: nmap's reasons for calling a host down that say nothing about the host: the question did not get there.
_NOT_REACHED = {
    "net-unreach": ("no_route", "there is no route to these addresses"),
    "dest-unreach": ("no_route", "these addresses cannot be reached"),
    "net-prohibited": ("refused", "a firewall on the way refuses the probing"),
    "host-prohibited": ("refused", "a firewall on the way refuses the probing"),
    "admin-prohibited": ("refused", "a firewall on the way refuses the probing"),
}


def nmap_version(command: Sequence[str] = ("nmap",)) -> tuple[int, int] | None:
    """The version of the nmap that is installed, or None."""
    found = version_of(command)
    return None if isinstance(found, Unusable) else found


@dataclass(frozen=True)
class NmapProbe:
    """Looks with nmap.

    ``command`` starts it; ``by_vantage`` names another command for a vantage that is reached in its own network
    namespace (``("ip", "netns", "exec", NAME, "nmap")``). Both come from code, never from a site's text.
    ``versions=False`` leaves the last stage out. ``raw`` is found out where it is None.
    """

    command: tuple[str, ...] = ("nmap",)
    by_vantage: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    versions: bool = True
    raw: bool | None = None
    name: str = "nmap"
    _usable: dict[tuple[str, ...], Unusable | None] = field(default_factory=dict, repr=False, compare=False)
    _checking: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def may_send_raw(self) -> bool:
        return may_send_raw() if self.raw is None else self.raw

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        """The zone's addresses in shards of at most 256; sends nothing."""
        profile = permit.profile
        settings = f"{nmap.ports_text(profile.ports)}|{self.versions}|{profile.version_intensity}|{self.may_send_raw}"
        return shards_of(permit, self.name, settings)

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Looks at one shard; never raises for what nmap or the network does."""
        return _ShardRun(self, shard, context).go()

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """What this probe cannot see here."""
        out: list[Limit] = []
        if not self.may_send_raw:
            message = (
                "without the right to send raw packets: UDP services, hosts that answer nothing but ping, and "
                "hardware addresses"
            )
            out.append(Limit("unprivileged", message))
        asked = {port for permit in permits if _on_loopback(permit.targets) for port in permit.profile.ports}
        taken = asked & ports_everywhere() if asked else set()
        if taken:
            message = (
                f"ports {nmap.ports_text(taken)} of loopback addresses: something else on this machine listens there "
                "on all addresses"
            )
            out.append(Limit("ports_taken", message))
        return tuple(out)

    def command_at(self, vantage: str) -> tuple[str, ...]:
        return self.by_vantage.get(vantage, self.command)

    def unusable(self, command: tuple[str, ...]) -> Unusable | None:
        """Why nmap cannot be used, or None; asked once for each command."""
        with self._checking:
            if command not in self._usable:
                found = version_of(command)
                self._usable[command] = found if isinstance(found, Unusable) else None
            return self._usable[command]

    @property
    def fingerprints(self) -> Fingerprints:
        return load()


class _Gone(Exception):
    """A stage did not end well; its failure is recorded."""


class _ShardRun:
    """One shard on its way through the stages."""

    def __init__(self, probe: NmapProbe, shard: Shard, context: Context) -> None:
        self.probe, self.shard, self.context = probe, shard, context
        permit = context.permit
        self.zone, self.profile = permit.zone, permit.profile
        self.began = self._now()
        self.loopback = _on_loopback(shard.targets)
        left_out = ports_everywhere() if self.loopback else frozenset()
        self.asked = tuple(sorted(set(self.profile.ports) - left_out))
        self.settings = Settings(
            command=probe.command_at(self.zone.vantage),
            profile=self.profile,
            raw=probe.may_send_raw,
            version=shard.targets[0].version,
            rate=self.profile.max_rate // context.beside,
        )
        self.observations: list[Observation] = []
        self.coverage: list[Coverage] = []
        self.failures: list[Failure] = []

    def go(self) -> Collection:
        targets = list(addresses(self.shard.targets))
        unusable = self.probe.unusable(self.settings.command)
        if unusable is not None:
            self._failed(targets, unusable.reason, unusable.message)
        elif not self.asked:
            self._failed(targets, "limited", "every port of the profile is taken on all addresses of this machine")
        else:
            self._prepare()
            self._stages(targets)
        return Collection(tuple(self.observations), tuple(self.coverage), tuple(self.failures))

    def _prepare(self) -> None:
        shutil.copyfile(_SCRIPT, self.context.workdir / nmap.SCRIPT)
        version = self.settings.version
        # Each once: nmap 7.93 runs forever, and eats all memory, where a network stands twice in its exclude file.
        apart = subtract(self.context.permit.excluded, ())
        excluded = "".join(f"{network}\n" for network in apart if network.version == version)
        (self.context.workdir / nmap.EXCLUDED).write_text(excluded, "ascii")

    def _stages(self, targets: list[str]) -> None:
        reasons: dict[str, str] = {}
        hosts: dict[str, Host] = {}
        try:
            if not self.loopback:
                # On loopback every address answers a ping: there, only an open port is a sign of life.
                reasons, targets = self._discover(targets)
            hosts = self._ports(targets, list(reasons) if not self.loopback else targets)
            if self.probe.versions:
                hosts = self._services(targets, hosts)
        except _Gone:
            self.context.report("not looked at to the end")
        for address in targets:
            host = hosts.get(address)
            if host is None and address in reasons:
                host = Host(address, "up")
            if host is not None:
                self._observe(host, reasons.get(address, ""))

    def _observe(self, host: Host, reason: str) -> None:
        at, fingerprints = self._now(), self.probe.fingerprints
        self.observations.append(observe(host, zone=self.zone, at=at, reason=reason, fingerprints=fingerprints))

    def _discover(self, targets: list[str]) -> tuple[dict[str, str], list[str]]:
        """Address → how it answered, for those that did; and the addresses that the questions reached."""
        argv = nmap.discovery(self.settings, self.asked)
        found = self._run(DISCOVERY, argv, targets, len(self.asked))
        alive = {host.address: host.reason for host in found.hosts if host.state == "up"}
        astray: dict[tuple[str, str], list[str]] = {}
        for host in found.hosts:
            if host.state != "up" and host.reason in _NOT_REACHED:
                astray.setdefault(_NOT_REACHED[host.reason], []).append(host.address)
        for (reason, message), lost in astray.items():
            self._failed(lost, reason, message)
        reached = _without(targets, [address for lost in astray.values() for address in lost])
        self._covered("hosts", reached, nmap.discovery_detail(self.settings.raw, self.asked))
        return {address: alive[address] for address in reached if address in alive}, reached

    def _ports(self, targets: list[str], live: list[str]) -> dict[str, Host]:
        """Address → the host with its ports. On loopback, only those with an open one are hosts."""
        hosts: dict[str, Host] = {}
        if live:
            found = self._run(PORTS, nmap.ports(self.settings, self.asked), live, len(self.asked), targets)
            hosts = {host.address: host for host in found.hosts}
        late = [address for address in live if address not in hosts or hosts[address].timed_out]
        if late:
            seconds = self.profile.host_timeout_seconds
            self._failed(late, "timed_out", f"{len(late)} hosts did not get through their ports in {seconds} s")
        late += self._ask_again(hosts)
        done = _without(targets, late)
        detail = f"tcp:{nmap.ports_text(self.asked)}"
        if self.loopback:
            self._covered("hosts", done, detail)
            hosts = {address: host for address, host in hosts.items() if _open(host)}
        self._covered("ports", done, detail)
        return hosts

    def _ask_again(self, hosts: dict[str, Host]) -> list[str]:
        """Asks hosts once more, without haste, where an eager scan got no answer from some of their ports.

        A firewall drops the second question as well; what got lost on the way, or in a busy scanner, does not stay
        lost. Returns the addresses of which that cannot be told.
        """
        silent = [address for address, host in hosts.items() if _unanswered(host) and not host.timed_out]
        if not silent or not self.profile.eager:
            return []
        try:
            found = self._run(AGAIN, nmap.again(self.settings, self.asked), silent, len(self.asked))
        except _Gone:
            return silent
        for host in found.hosts:
            hosts[host.address] = _heard(hosts[host.address], host)
        late = [address for address in silent if hosts[address].timed_out]
        if late:
            self._failed(late, "timed_out", f"{len(late)} hosts did not get through their ports when asked again")
        # Nothing stands between this machine and itself: here every port answers, one way or the other.
        lost = [
            address for address in silent if self.loopback and _unanswered(hosts[address]) and address not in late
        ]
        if lost:
            self._failed(lost, "lost", f"{len(lost)} addresses of this machine left ports unanswered")
        return [*late, *lost]

    def _services(self, targets: list[str], hosts: dict[str, Host]) -> dict[str, Host]:
        """The same hosts, their open ports with what runs there."""
        open_hosts = [address for address in targets if address in hosts and _open(hosts[address])]
        groups = [[address] for address in open_hosts] if self.profile.paced else [open_hosts] if open_hosts else []
        named = dict(hosts)
        done = [a for a in _without(targets, open_hosts) if a not in hosts or not hosts[a].timed_out]
        for group in groups:
            try:
                found = self._ask(group, hosts)
            except _Gone:
                continue
            late = [address for address in group if address not in found or found[address].timed_out]
            if late:
                self._failed(late, "timed_out", f"{len(late)} hosts did not say in time what runs on their ports")
            for address in _without(group, late):
                named[address] = _merged(hosts[address], found[address])
                if not hosts[address].timed_out:
                    done.append(address)
        detail = f"tcp:{nmap.ports_text(self.asked)}; intensity {self.profile.version_intensity}"
        self._covered("services", done, detail)
        return named

    def _ask(self, group: list[str], hosts: Mapping[str, Host]) -> dict[str, Host]:
        began = self.context.now()
        ports = sorted({port.number for address in group for port in _open(hosts[address])})
        services = sum(len(_open(hosts[address])) for address in group)
        deadline = nmap.deadline(self.settings, SERVICES, len(group), len(ports), services)
        argv = nmap.services(self.settings, ports, deadline)
        found = self._run(SERVICES, argv, group, len(ports), group, services)
        if self.profile.paced:
            took = (self.context.now() - began).total_seconds()
            self.context.stop.event.wait(max(0.0, services * _CONNECTIONS / max(1, self.settings.rate) - took))
        return {host.address: host for host in found.hosts}

    def _run(
        self,
        stage: Stage,
        argv: list[str],
        given: list[str],
        ports: int,
        at_stake: list[str] | None = None,
        services: int = 0,
    ) -> Report:
        """One nmap command over ``given``; a failure concerns ``at_stake``, where they differ."""
        lost = given if at_stake is None else at_stake
        if self.context.stop.is_set:
            self._failed(lost, "stopped", self.context.stop.reason)
            raise _Gone
        self.context.report(f"{stage.name}: {len(given)} addresses")
        folder = self.context.workdir
        (folder / nmap.TARGETS).write_text("".join(f"{address}\n" for address in given), "ascii")
        (folder / stage.xml).unlink(missing_ok=True)
        deadline = nmap.deadline(self.settings, stage, len(given), ports, services)
        ended = run_command(argv, folder=folder, deadline_seconds=deadline, stop=self.context.stop)
        said = f": {ended.told}" if ended.told else ""
        if ended.why == "stopped":
            self._failed(lost, "stopped", f"{stage.name}: {self.context.stop.reason}")
        elif ended.why:
            self._failed(lost, ended.why, f"{stage.name}: nmap did not end within {deadline} s")
        elif "failed to determine route" in ended.stderr:
            self._failed(lost, "no_route", f"{stage.name}: there is no route to these addresses")
        elif ended.code < 0:
            self._failed(lost, "killed", f"{stage.name}: nmap was ended by signal {-ended.code}")
        elif ended.code:
            self._failed(lost, "bad_output", f"{stage.name}: nmap ended with status {ended.code}{said}")
        else:
            try:
                report = read_report(folder / stage.xml)
            except BadReport as error:
                self._failed(lost, "bad_output", f"{stage.name}: {error}{said}")
            else:
                if report.total == len(given):
                    return report
                looked = f"nmap looked at {report.total} of {len(given)} addresses"
                self._failed(lost, "bad_output", f"{stage.name}: {looked}{said}")
        raise _Gone

    def _covered(self, aspect: str, done: Sequence[str], detail: str) -> None:
        if done:
            scope = networks(done)
            times = (self.began, self._now())
            self.coverage.append(
                Coverage(self.probe.name, self.zone.id, self.zone.vantage, aspect, scope, *times, detail)
            )

    def _failed(self, lost: Sequence[str], reason: str, message: str) -> None:
        scope = networks(lost)
        self.failures.append(Failure(self.probe.name, self.zone.id, scope, reason, message, self._now()))

    def _now(self) -> datetime:
        return self.context.now().astimezone(UTC)


def _open(host: Host) -> tuple[Port, ...]:
    return tuple(port for port in host.ports if port.state == "open")


def _unanswered(host: Host) -> bool:
    return bool(host.uncounted.get("filtered")) or any(port.state == "filtered" for port in host.ports)


def _heard(before: Host, after: Host) -> Host:
    """A host as the second look has it, with what was open at the first."""
    again = {(port.protocol, port.number) for port in after.ports if port.state == "open"}
    kept = tuple(port for port in _open(before) if (port.protocol, port.number) not in again)
    rest = tuple(
        port
        for port in after.ports
        if (port.protocol, port.number) not in {(found.protocol, found.number) for found in kept}
    )
    return replace(before, ports=(*kept, *rest), uncounted=after.uncounted, timed_out=after.timed_out)


def _merged(before: Host, after: Host) -> Host:
    """A host's ports as first seen, each with what it said of itself when it was asked."""
    told = {(port.protocol, port.number): port for port in after.ports if port.state == "open"}
    ports = tuple(told.get((port.protocol, port.number), port) for port in before.ports)
    return replace(before, ports=ports, tables=after.tables)


def _without(some: Iterable[str], others: Iterable[str]) -> list[str]:
    gone = set(others)
    return [item for item in some if item not in gone]


def _on_loopback(targets: Sequence[object]) -> bool:
    return any(getattr(target, "is_loopback", False) for target in targets)
