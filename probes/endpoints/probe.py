"""The endpoints probe: which addresses answer as a hypervisor, a cloud, a management controller, a storage array.

A sweep says which of the table's ports are open; on those the table's questions are asked, one GET each. No login is
tried and nothing is sent that could change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inventories.model import Collection
from probes.base import Context, Limit, Shard
from probes.loopback import ports_everywhere
from probes.scope import Permit
from probes.shards import shards_of

if TYPE_CHECKING:
    from probes.endpoints.table import Table


@dataclass(frozen=True)
class EndpointsProbe:
    """Asks every authorised address the questions of ``table`` (None: of ``questions.yaml``)."""

    table: Table | None = None
    name: str = "endpoints"

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        """The zone's addresses in shards of at most 256; sends nothing."""
        return shards_of(permit, self.name, self.questions().digest)

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Asks one shard; never raises for what the world does."""
        from probes.endpoints.collecting import Collecting

        return Collecting(shard, context, self.questions()).go()

    def questions(self) -> Table:
        """What is asked, and on which ports."""
        from probes.endpoints.table import load

        return self.table or load()

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """Ports of loopback addresses that something else on this machine has taken."""
        if not any(target.is_loopback for permit in permits for target in permit.targets):
            return ()
        taken = sorted(set(self.questions().ports) & ports_everywhere())
        if not taken:
            return ()
        listed = ",".join(map(str, taken))
        message = (
            f"ports {listed} of loopback addresses: something else on this machine listens there on all addresses"
        )
        return (Limit("ports_taken", message),)
