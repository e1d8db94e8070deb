"""The names probe: where the declared names, addresses and URLs of systems lead, and what answers there.

Only what the permit lists is asked: each name once at the name servers, each page once at one address that was
checked, and never a name that turned up on the way (an alias, a redirect, a name in a certificate). What it finds is
evidence for where a system runs; drawing the conclusion is not its business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inventories.model import Collection
from probes.base import Context, Limit, Shard
from probes.names.plan import plan
from probes.scope import Permit


@dataclass(frozen=True)
class NamesProbe:
    """Looks up and asks what registers give to systems. ``dns_port`` comes from code, never from a site's text."""

    dns_port: int = 53
    name: str = "names"

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        """The permit's names in shards of a few dozen; sends nothing."""
        return tuple(shard for shard, _asked in plan(permit, self.name))

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Asks one shard's names; never raises for what the world does."""
        from probes.names.collecting import Collecting

        mine = next((asked for planned, asked in plan(context.permit, self.name) if planned.id == shard.id), ())
        return Collecting(mine, shard, context, self.dns_port).go()

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """Nothing that this machine lacks keeps it from looking."""
        return ()
