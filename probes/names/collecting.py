"""One shard of names on its way: looked up, asked where they may be, and told as observations, coverage, failures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from inventories.faults import clean
from inventories.model import Collection, Coverage, Failure, Observation
from probes.access import Asked
from probes.base import Context, Shard
from probes.http_ask import Answer, Asker, run_until_stopped
from probes.names.facts import Shown, observe, shared_addresses
from probes.names.hosts import BadName, is_address, plain_host, wire_name
from probes.names.lookup import Lookup, Outcome, look_up, system_servers
from probes.names.pages import Page, Place, read_page
from probes.names.plan import by_system
from probes.names.reach import choose, in_targets
from probes.reach import pace

#: Questions beside each other; one at a time where the profile is paced.
AT_ONCE = 8

_NOT_ALLOWED = "所指地址不在授权范围，未访问"


@dataclass(slots=True)
class _Name:
    """One host and what became of it. ``wire`` is empty for a text that is no host name."""

    host: str
    wire: str = ""
    lookup: Lookup | None = None
    address: str = ""
    pages: dict[Place, Page] = field(default_factory=dict)
    problem: tuple[str, str] | None = None
    done: bool = False


class Collecting:
    """Collects one shard. ``names`` are the shard's own; ``dns_port`` is that of the name servers."""

    def __init__(self, names: Sequence[Asked], shard: Shard, context: Context, dns_port: int) -> None:
        self.shard, self.context, self.dns_port = shard, context, dns_port
        self.permit = context.permit
        rules = self.permit.access.names
        # Once more: what the rules do not allow is not asked, whoever put it into the permit.
        self.names = [asked for asked in names if rules is not None and rules.allows(asked.host)]
        self.servers = rules.resolvers if rules is not None else ()
        self.hosts = {asked.host: _Name(asked.host) for asked in self.names}
        self.wanted: dict[str, list[Asked]] = {}
        for asked in self.names:
            self.wanted.setdefault(asked.host, []).append(asked)
        self.began = self._now()

    def go(self) -> Collection:
        finished = run_until_stopped(self._ask_all(), self.context.stop)
        shared = shared_addresses(name.lookup for name in self.hosts.values() if name.lookup is not None)
        observations = [
            observation
            for asked in by_system(self.names).values()
            if (observation := self._observation(asked, shared)) is not None
        ]
        if not finished:
            for name in self.hosts.values():
                if not name.done:
                    name.problem = ("stopped", self.context.stop.reason)
        return Collection(tuple(observations), self._coverage(), self._failures())

    async def _ask_all(self) -> None:
        profile = self.permit.profile
        asker = Asker(rate=pace(self.context), at_once=1 if profile.paced else AT_ONCE)
        places = asyncio.Semaphore(1 if profile.paced else AT_ONCE)
        servers = self.servers or system_servers()

        async def one(name: _Name) -> None:
            async with places:
                await self._ask_one(name, asker, servers)
                name.done = True

        self.context.report(f"{len(self.hosts)} names")
        await asyncio.gather(*(one(name) for name in self.hosts.values()))

    async def _ask_one(self, name: _Name, asker: Asker, servers: tuple[str, ...]) -> None:
        addresses: tuple[str, ...]
        if is_address(name.host):
            name.wire, addresses = name.host, (name.host,)
        else:
            try:
                name.wire = wire_name(name.host)
            except BadName as error:
                name.problem = ("bad_name", f"{clean(name.host, 80)}: {error}")
                return
            found = await look_up(name.host, name.wire, servers, port=self.dns_port, turn=asker.turn)
            name.lookup, addresses = found, found.addresses
            if found.outcome is Outcome.FAILED:
                name.problem = (found.reason, found.message)
        name.address = choose(addresses, self.permit)
        if name.address:
            await self._read_pages(name, asker)

    async def _read_pages(self, name: _Name, asker: Asker) -> None:
        own = in_targets(name.address, self.permit)
        for place in dict.fromkeys(_place(asked, name.wire) for asked in self.wanted[name.host]):
            page = await read_page(asker, place, name.address)
            name.pages[place] = page
            for answer in page.answers:
                if answer.reason and not _answered_for(answer, own):
                    name.problem = name.problem or (answer.reason, f"{answer.question.url}: {answer.message}")

    def _observation(self, names: list[Asked], shared: dict[str, int]) -> Observation | None:
        hosts = list(dict.fromkeys(asked.host for asked in names))
        lookups = [lookup for host in hosts if (lookup := self.hosts[host].lookup) is not None]
        wanted = [(self.hosts[asked.host], asked) for asked in names]
        pages = [page for name, asked in wanted if (page := name.pages.get(_place(asked, name.wire))) is not None]
        shown = Shown(
            identifiers=names[0].identifiers,
            department_id=names[0].department_id,
            lookups=tuple(lookups),
            pages=tuple(pages),
            unasked={lookup.host: _NOT_ALLOWED for lookup in lookups if not self.hosts[lookup.host].address},
        )
        return observe(shown, shared=shared, zone=self.permit.zone.id, at=self._now())

    def _coverage(self) -> tuple[Coverage, ...]:
        """Names of which both is known: where they lead, and what answers there; or that there is no such name."""
        told = sorted(plain_host(name.host) for name in self.hosts.values() if _is_told(name))
        if not told:
            return ()
        zone = self.permit.zone
        return (Coverage("names", zone.id, zone.vantage, "names", tuple(told), self.began, self._now()),)

    def _failures(self) -> tuple[Failure, ...]:
        lost: dict[tuple[str, str], list[str]] = {}
        for name in self.hosts.values():
            if name.problem is not None:
                lost.setdefault(name.problem, []).append(plain_host(name.host))
        at, zone = self._now(), self.permit.zone.id
        return tuple(
            Failure("names", zone, tuple(sorted(clean(host, 253) for host in hosts)), reason, clean(message), at)
            for (reason, message), hosts in sorted(lost.items())
        )

    def _now(self) -> datetime:
        return self.context.now().astimezone(UTC)


def _place(asked: Asked, wire: str) -> Place:
    return Place(asked.host, wire, asked.port, asked.scheme, asked.path)


def _is_told(name: _Name) -> bool:
    if not name.done or name.problem is not None:
        return False
    denied = name.lookup is not None and name.lookup.outcome is Outcome.NO_SUCH_NAME
    return denied or bool(name.address)


def _answered_for(answer: Answer, own: bool) -> bool:
    """Whether an answer that is not whole still settles the question.

    Within the zone's own targets an address that takes no connection does, exactly as for a scan of ports. Elsewhere
    a firewall on the way may be what refuses or swallows.
    """
    return own and answer.silent
