"""What the probes that log in have in common: which login is an address's, and what came of a shard as records."""

from __future__ import annotations

import hashlib
import ipaddress
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from inventories.model import Collection, Coverage, Failure
from inventories.places import Network
from probes.base import Context, Shard
from probes.inside import Inside, observation
from probes.loopback import ports_everywhere
from probes.scope import Permit, intersect
from probes.shards import addresses, networks, shards_of
from probes.ssh.said import Refused


class _Login(Protocol):
    @property
    def prefixes(self) -> tuple[Network, ...]: ...
    @property
    def port(self) -> int: ...


L = TypeVar("L", bound=_Login)


def shards_for(permit: Permit, probe: str, logins: Sequence[L]) -> tuple[Shard, ...]:
    """The permit's targets that a login is for, in shards; the ids change with the logins (no secret is read)."""
    if not logins:
        return ()
    targets = permit.targets
    if all(login.prefixes for login in logins):
        targets = intersect(targets, [prefix for login in logins for prefix in login.prefixes])
    settings = hashlib.sha256(repr(tuple(logins)).encode()).hexdigest()
    return shards_of(replace(permit, targets=targets), probe, settings)


def by_login(targets: Sequence[Network], logins: Sequence[L]) -> list[tuple[L, list[str]]]:
    """Every login with its addresses, in order: of an address, the first login that is for it."""
    out: list[tuple[L, list[str]]] = [(login, []) for login in logins]
    for address in addresses(targets):
        parsed = ipaddress.ip_address(address)
        for login, mine in out:
            if not login.prefixes or any(parsed in prefix for prefix in login.prefixes):
                mine.append(address)
                break
    return [(login, mine) for login, mine in out if mine]


def not_here(program: str, port: int, targets: Sequence[str]) -> Refused | None:
    """Why hosts cannot be looked at from this machine; ``program`` is what has to be installed, if anything."""
    if program and shutil.which(program) is None:
        return Refused("not_installed", f"{program} is not installed: apt-get install openssh-client")
    loopback = [address for address in targets if ipaddress.ip_address(address).is_loopback]
    if loopback and port in ports_everywhere():
        return Refused("limited", f"something else on this machine listens on port {port} of all addresses")
    return None


def collection_of(
    probe: str, read: Mapping[str, Inside], refused: Mapping[str, Refused], context: Context, began: datetime
) -> Collection:
    """Observations of the hosts that were read, coverage of them, and a failure for each reason to leave others."""
    zone, at = context.permit.zone, context.now().astimezone(UTC)
    seen = tuple(observation(inside, address=a, zone=zone, at=at, collector=probe) for a, inside in read.items())
    coverage = (Coverage(probe, zone.id, zone.vantage, "inside", networks(list(read)), began, at),) if read else ()
    alike: dict[Refused, list[str]] = {}
    for address, why in refused.items():
        alike.setdefault(why, []).append(address)
    failures = tuple(
        Failure(probe, zone.id, networks(scope), why.reason, why.message, at) for why, scope in alike.items()
    )
    return Collection(seen, coverage, failures)
