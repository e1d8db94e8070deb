"""The vSphere probe: a shard for each vCenter or lone ESXi that a zone gives a login for."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from inventories.model import Collection
from inventories.places import Network
from probes.access import VsphereAccess
from probes.base import Context, Limit, Shard
from probes.scope import Permit
from probes.vsphere.endpoint import parse_endpoint
from probes.vsphere.patience import Patience

#: Objects in one answer: a vCenter reads a hundred at a time faster than all at once, and in half the memory.
PAGE = 100


@dataclass(frozen=True)
class VsphereProbe:
    """Reads inventories through pyVmomi, which is imported when there is something to read, and not before."""

    page: int = PAGE
    patience: Patience = field(default_factory=Patience)
    name: str = "vsphere"

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        """One for each endpoint. Sends nothing: an endpoint's name is looked up when it is read."""
        return tuple(
            Shard(self._id(permit, access), self.name, permit.zone.id, _targets(permit, access))
            for access in permit.access.vsphere
        )

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Reads one endpoint; never raises for what it says or does."""
        from probes.vsphere.survey import Survey

        permit = context.permit
        access = next(a for a in permit.access.vsphere if self._id(permit, a) == shard.id)
        return Survey(access, context, page=self.page, patience=self.patience).go()

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """Nothing: what a login may not see is found out by logging in."""
        return ()

    def _id(self, permit: Permit, access: VsphereAccess) -> str:
        """The same for the same permit and settings. Of a secret, only where it lies goes into it."""
        settings = json.dumps(
            [
                permit.zone.id,
                permit.zone.vantage,
                [str(prefix) for prefix in permit.zone.prefixes],
                [str(target) for target in permit.targets],
                access.endpoint,
                access.user,
                str(access.password),
                str(access.ca),
                access.thumbprint,
                access.cloud,
                [[row.where, row.match, row.department, row.system] for row in access.belongs],
            ]
        )
        return f"{self.name}-{permit.zone.id}-{hashlib.sha256(settings.encode()).hexdigest()[:16]}"


def _targets(permit: Permit, access: VsphereAccess) -> tuple[Network, ...]:
    """The endpoint's address where it is written down and may be asked; a name's is not known yet."""
    try:
        literal = parse_endpoint(access.endpoint).literal
    except ValueError:
        return ()
    if literal is None:
        return ()
    network = ipaddress.ip_network(literal)
    is_allowed = any(network.version == t.version and literal in t for t in permit.targets)
    return (network,) if is_allowed else ()
