"""One shard of addresses on its way: swept for open ports, asked on those, told as observations and coverage."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from inventories.faults import clean
from inventories.identity import ip_id
from inventories.model import Collection, Coverage, Fact, Failure, Observation, Strength
from probes.base import Context, Shard
from probes.endpoints.recognise import Named, recognise
from probes.endpoints.table import Ask, Table
from probes.fingerprints import load as load_fingerprints
from probes.http_ask import CONNECT, HEAD, TLS, Answer, Asker, Question, run_until_stopped
from probes.http_page import TITLE, title_of
from probes.loopback import ports_everywhere
from probes.nmap_command import ports_text
from probes.reach import pace, reach
from probes.shards import addresses, networks

#: Addresses that are asked beside each other; one at a time where the profile is paced.
AT_ONCE = 32

_SEEN = Strength.SEEN_OUTSIDE
#: After so many questions without an answer in time, a host is asked no further.
_PATIENCE = 3


@dataclass(slots=True)
class _Host:
    """One address with open ports, and what it has said so far."""

    address: str
    ports: tuple[int, ...]
    facts: list[Fact] = field(default_factory=list)
    named: dict[tuple[str, str], Named] = field(default_factory=dict)
    problem: tuple[str, str] | None = None
    late: int = 0
    done: bool = False


class Collecting:
    """Collects one shard: asks what ``table`` has."""

    def __init__(self, shard: Shard, context: Context, table: Table) -> None:
        self.shard, self.context, self.table = shard, context, table
        self.zone = context.permit.zone
        self.paced = context.permit.profile.paced
        self.fingerprints = load_fingerprints()
        loopback = any(target.is_loopback for target in shard.targets)
        taken = ports_everywhere() if loopback else frozenset()
        self.ports = tuple(port for port in self.table.ports if port not in taken)
        self.began = self._now()
        self.hosts: list[_Host] = []
        self.failures: list[Failure] = []

    def go(self) -> Collection:
        targets = list(addresses(self.shard.targets))
        if not self.ports:
            self._failed(targets, "limited", "every port of the table is taken on all addresses of this machine")
            return Collection(failures=tuple(self.failures))
        self.context.report(f"{len(targets)} addresses, {len(self.ports)} ports")
        found = reach(targets, self.ports, rate=pace(self.context), stop=self.context.stop)
        self.hosts = [_Host(address, ports) for address, ports in found.open.items()]
        asked = set(found.asked)
        self._failed([a for a in targets if a not in asked], "stopped", self.context.stop.reason)
        for why in sorted(set(found.unreached.values())):
            self._failed([a for a, said in found.unreached.items() if said == why], "unreachable", why)
        if self.hosts and not run_until_stopped(self._ask_all(), self.context.stop):
            for host in self.hosts:
                if not host.done:
                    host.problem = ("stopped", self.context.stop.reason)
        for problem in sorted({host.problem for host in self.hosts if host.problem is not None}):
            self._failed([host.address for host in self.hosts if host.problem == problem], *problem)
        lost = {host.address for host in self.hosts if host.problem is not None} | set(found.unreached)
        told = [address for address in found.asked if address not in lost]
        observations = [self._observation(host) for host in self.hosts if host.facts or host.named]
        return Collection(tuple(observations), self._coverage(told), tuple(self.failures))

    async def _ask_all(self) -> None:
        at_once = 1 if self.paced else AT_ONCE
        asker = Asker(rate=pace(self.context), at_once=at_once)
        places = asyncio.Semaphore(at_once)

        async def one(host: _Host) -> None:
            async with places:
                for port in host.ports:
                    if host.late < _PATIENCE:
                        await self._ask_port(host, port, asker)
                host.done = True

        self.context.report(f"{len(self.hosts)} addresses have open ports")
        await asyncio.gather(*(one(host) for host in self.hosts))

    async def _ask_port(self, host: _Host, port: int, asker: Asker) -> None:
        """The start page first: it says how the port speaks, and whether anything more is worth asking."""
        first, *others = self.table.paths(port)
        answer = await self._first(host, port, asker)
        self._take(host, first, answer)
        if answer.spoke:
            for ask in others:
                if host.late >= _PATIENCE:
                    break
                question = Question(host.address, port, answer.question.scheme, path=ask.path)
                self._take(host, ask, await asker.ask(question))

    async def _first(self, host: _Host, port: int, asker: Asker) -> Answer:
        """The start page, in the way that the port speaks: a 400 may be what TLS says to a plain question."""
        answers: list[Answer] = []
        for scheme in self.table.speaks[port]:
            answers.append(await asker.ask(Question(host.address, port, scheme)))
            if answers[-1].stage == CONNECT or (answers[-1].spoke and answers[-1].status != 400):
                break
        return max(answers, key=lambda answer: (answer.spoke, answer.status != 400, answer.stage != TLS))

    def _take(self, host: _Host, ask: Ask, answer: Answer) -> None:
        """Notes what an answer shows; one that hung, or never ended, leaves the address open."""
        host.late += answer.reason == "timed_out"
        if answer.reason and not _settles(answer):
            host.problem = host.problem or (answer.reason, f"{answer.question.url}: {answer.message}")
        if not answer.spoke:
            return
        for named in recognise(answer, ask, self.table, self.fingerprints):
            before = host.named.get((named.category, named.product))
            if before is None or named.strength > before.strength:
                host.named[named.category, named.product] = named
        if ask.page:
            self._take_page(host, ask, answer)

    def _take_page(self, host: _Host, ask: Ask, answer: Answer) -> None:
        place = f"{answer.question.port}/tcp"
        title = clean(title_of(answer), TITLE)
        if title and (ask.path == "/" or answer.status == 200):
            host.facts.append(Fact("page_titles", (title,), _SEEN, f"{place} {ask.path} HTTP {answer.status}"))
        certificate = answer.certificate
        if certificate is not None and certificate.names and ask.path == "/":
            names = tuple(clean(name, 253) for name in certificate.names)
            said = [place, certificate.subject, certificate.issuer and f"签发 {certificate.issuer}"]
            said.append(certificate.valid and f"有效期 {certificate.valid}")
            host.facts.append(Fact("tls_names", names, _SEEN, clean(" ".join(filter(None, said)), 300)))

    def _observation(self, host: _Host) -> Observation:
        products = [
            Fact("products", (f"{named.category}:{named.product}",), named.strength, named.evidence)
            for named in host.named.values()
        ]
        return Observation(
            kind="host",
            collector="endpoints",
            source="endpoints",
            observed_at=self._now(),
            identifiers=(ip_id(host.address, self.zone.vantage),),
            facts=tuple(dict.fromkeys([*products, *host.facts])),
            zone=self.zone.id,
        )

    def _coverage(self, told: Sequence[str]) -> tuple[Coverage, ...]:
        if not told:
            return ()
        times = (self.began, self._now())
        detail = f"tcp:{ports_text(self.ports)}"
        return (Coverage("endpoints", self.zone.id, self.zone.vantage, "endpoints", networks(told), *times, detail),)

    def _failed(self, lost: Sequence[str], reason: str, message: str) -> None:
        if lost:
            scope = networks(lost)
            self.failures.append(Failure("endpoints", self.zone.id, scope, reason, clean(message), self._now()))

    def _now(self) -> datetime:
        return self.context.now().astimezone(UTC)


def _settles(answer: Answer) -> bool:
    """Whether an answer that is not whole still settles the question: nothing there speaks HTTP, or takes a call."""
    return answer.reason == "refused" or (answer.reason == "bad_output" and answer.stage in (TLS, HEAD))
