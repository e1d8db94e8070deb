"""The openstack probe: one shard for each cloud that a zone gives access to.

Nothing heavier than the standard library is imported before a cloud is really asked.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from inventories.model import Collection
from inventories.places import Network
from probes.access import OpenstackAccess
from probes.base import Context, Limit, Shard
from probes.scope import Permit


@dataclass(frozen=True)
class OpenstackProbe:
    """Reads OpenStack clouds through their own API. Sends nothing but logins and GET requests."""

    name: str = "openstack"

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        """One for each cloud; its targets are the login's address, where that is written as one and authorised."""
        return tuple(shard for shard, _access in self._clouds(permit))

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Reads one cloud; never raises for what the cloud does."""
        from probes.openstack_cloud.survey import Survey

        for known, access in self._clouds(context.permit):
            if known.id == shard.id:
                return Survey(access, context, self.name).go()
        raise ValueError(f"{shard.id} is no shard of this permit")

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """Nothing that this machine lacks limits it: what a login may not see comes as a failure of its scope."""
        return ()

    def _clouds(self, permit: Permit) -> Iterator[tuple[Shard, OpenstackAccess]]:
        for access in permit.access.openstack:
            name = f"{self.name}-{permit.zone.id}-{_digest(permit, access)}"
            yield Shard(name, self.name, permit.zone.id, _targets(permit, access.auth_url)), access


def _digest(permit: Permit, access: OpenstackAccess) -> str:
    """Stable for the same permit and settings. References to secrets are left out, as the secrets behind them are."""
    settings = (
        permit.zone.id,
        permit.zone.vantage,
        *sorted(map(str, permit.targets)),
        access.auth_url,
        access.user,
        access.credential_id,
        access.user_domain,
        access.project_domain,
        access.projects,
        access.regions,
        access.interface,
        str(access.ca),
        access.cloud,
        *((row.where, row.match, row.department, row.system) for row in access.belongs),
    )
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]


def _targets(permit: Permit, url: str) -> tuple[Network, ...]:
    try:
        address = ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return ()
    inside = any(address.version == target.version and address in target for target in permit.targets)
    return (ipaddress.ip_network(address),) if inside else ()
