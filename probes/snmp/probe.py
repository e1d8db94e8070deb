"""The SNMP probe: who has an agent, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from inventories.faults import clean
from inventories.model import Collection, Coverage, Failure, Observation
from inventories.places import Network
from probes.access import SnmpLogin
from probes.base import Context, Limit, Shard
from probes.reach import pace
from probes.scope import Permit, intersect, subtract
from probes.secrets import SecretMissing
from probes.shards import addresses, networks, shards_of
from probes.snmp.device import read_device
from probes.snmp.facts import observe, observe_met
from probes.snmp.session import Secrets, Told, ask_all, reveal


class SnmpProbe:
    """Asks every address for which the zone gives a login; only reads."""

    name = "snmp"

    def shards(self, permit: Permit) -> Sequence[Shard]:
        if not permit.access.snmp:
            return ()
        settings = "|".join(
            f"{login.port} {login.user} {login.community} {login.auth_protocol} {login.privacy_protocol} "
            f"{','.join(map(str, login.prefixes))}"
            for login in permit.access.snmp
        )
        return shards_of(permit, self.name, settings)

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        return ()

    def collect(self, shard: Shard, context: Context) -> Collection:
        return _ShardRun(shard, context).go()


class _ShardRun:
    def __init__(self, shard: Shard, context: Context) -> None:
        self.shard, self.context = shard, context
        self.zone = context.permit.zone
        self.began = self._now()
        self.observations: list[Observation] = []
        self.failures: list[Failure] = []

    def go(self) -> Collection:
        asked: dict[str, SnmpLogin] = {}
        targets: list[tuple[str, Secrets]] = []
        for login, found in self._by_login():
            try:
                secrets = reveal(login)
            except SecretMissing as error:
                self._failed(found, "no_credentials", str(error))
                continue
            targets += [(address, secrets) for address in found]
            asked |= dict.fromkeys(found, login)
        told = ask_all(
            targets,
            rate=pace(self.context),
            deadline=float(self.context.permit.profile.host_timeout_seconds),
            stop=self.context.stop,
            report=self.context.report,
        )
        read = [one.address for one in told if self._take(one, asked[one.address])]
        left = sorted(set(asked) - {one.address for one in told if one.asked or one.reason})
        if left:
            self._failed(left, "stopped", self.context.stop.reason or "stopped")
        covered = Coverage("snmp", self.zone.id, self.zone.vantage, "snmp", networks(read), self.began, self._now())
        return Collection(tuple(self.observations), (covered,) if read else (), tuple(self.failures))

    def _by_login(self) -> list[tuple[SnmpLogin, list[str]]]:
        """The shard's addresses by the first login that is meant for them."""
        left: tuple[Network, ...] = self.shard.targets
        out = []
        for login in self.context.permit.access.snmp:
            mine = intersect(left, login.prefixes) if login.prefixes else left
            if mine:
                out.append((login, list(addresses(mine))))
                left = subtract(left, mine)
        return out

    def _take(self, told: Told, login: SnmpLogin) -> bool:
        """Observations of one address; whether it was read to the end."""
        if told.answers is not None:
            device, at = read_device(told.answers), self._now()
            self.observations.append(observe(device, address=told.address, zone=self.zone, at=at))
            self.observations += observe_met(
                device, address=told.address, zone=self.zone, targets=self.context.permit.targets, at=at
            )
        if told.reason:
            self._failed([told.address], told.reason, told.message)
        elif told.asked and told.answers is None and _is_named(login, told.address):
            self._failed([told.address], "timed_out", "no agent answers, or it does not know the community")
        return told.answers is not None and told.asked

    def _failed(self, found: Sequence[str], reason: str, message: str) -> None:
        at = self._now()
        self.failures.append(Failure("snmp", self.zone.id, networks(found), reason, clean(message), at))

    def _now(self) -> datetime:
        return self.context.now().astimezone(UTC)


def _is_named(login: SnmpLogin, address: str) -> bool:
    """Whether the site names this very address: then an agent is expected there, and its silence is told."""
    return any(p.num_addresses == 1 and address == str(p.network_address) for p in login.prefixes)
