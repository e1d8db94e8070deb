"""A zone, its worker and its centre, without a broker: what is sent is handed over."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.workers.config import Worker, load_worker
from auditor.workers.hearing import Hearing
from auditor.workers.keep import Kept
from auditor.workers.messages import Beat, Job, seal
from auditor.workers.work import Bench
from inventories.bundle import Bundle, read
from inventories.bundle_contents import Ground, ground
from inventories.model import Collection, Coverage, Fact, Failure, Identifier, Observation, Strength
from inventories.places import Network, Zone
from inventories.signing import Keyring, KeySigner, NewKey, TrustedKey, load_signer, new_key
from probes.access import Access
from probes.base import Context, Limit, Shard
from probes.profiles import PROFILES
from probes.scope import Permit
from probes.shards import shards_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PREFIX = ipaddress.ip_network("192.0.2.0/28")
ZONE = Zone("mzj", "民政局", "in-mzj", "department", (PREFIX,), "mzj")

CONFIG = """\
site: test-city
zone: mzj
vantage: in-mzj
prefixes: [192.0.2.0/28]
exclude: [192.0.2.14/32]
names: ["*.example.gov.cn"]
endpoints: [vcenter.example.gov.cn, 198.51.100.9]
secrets: ["env:MZJ_SSH", "file:/etc/auditor/mzj"]
max_rate: 500
broker: {address: "amqps://192.0.2.100", password: "env:MZJ_BROKER", ca: ca.pem}
centre: [{id: centre, public: "PUBLIC"}]
signing_key: file:/etc/auditor/worker.pem
skew_seconds: 60
"""


@dataclass
class Clock:
    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def step(self, seconds: float) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at


@dataclass
class Scripted:
    """A probe that does as it is told: ``act`` gets shard and context; without it the shard is empty and covered."""

    clock: Clock
    act: Callable[[Shard, Context], Collection] | None = None
    calls: list[Shard] = field(default_factory=list)
    seen: list[Context] = field(default_factory=list)
    name: str = "nmap"

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        return shards_of(permit, self.name, "settings")

    def collect(self, shard: Shard, context: Context) -> Collection:
        self.calls.append(shard)
        self.seen.append(context)
        return self.act(shard, context) if self.act else found(shard, self.clock())

    def limits(self, permits: Any = ()) -> tuple[Limit, ...]:
        return (Limit("unprivileged", "UDP services"),)


def found(shard: Shard, at: datetime, *, zone: str = "mzj", collector: str = "nmap") -> Collection:
    address = str(shard.targets[0].network_address + 1) if shard.targets else "192.0.2.1"
    return Collection(
        (
            Observation(
                "host",
                collector,
                collector,
                at,
                (Identifier("ip", address, "in-mzj"),),
                (Fact("os_name", "Linux", Strength.SEEN_OUTSIDE),),
                zone,
            ),
        ),
        (Coverage(collector, zone, "in-mzj", "hosts", tuple(map(str, shard.targets)), at, at),),
    )


def failing(shard: Shard, context: Context) -> Collection:
    at = context.now()
    return Collection(failures=(Failure("nmap", "mzj", tuple(map(str, shard.targets)), "timed_out", "slow", at),))


@dataclass
class Pair:
    """Both sides' keys and what they know of each other."""

    folder: Path
    clock: Clock
    centre_key: NewKey
    worker_key: NewKey
    thief_key: NewKey
    worker: Worker
    sent: list[bytes] = field(default_factory=list)
    reachable: bool = True

    @property
    def centre_signer(self) -> KeySigner:
        return load_signer(self.centre_key.private)

    @property
    def worker_signer(self) -> KeySigner:
        return load_signer(self.worker_key.private)

    @property
    def centre_trust(self) -> Keyring:
        """Whom the centre believes."""
        return Keyring([TrustedKey("worker", self.worker_key.public, frozenset({"mzj"}))], today=self.clock.at.date())

    @property
    def worker_trust(self) -> Keyring:
        """Whom the worker obeys."""
        return Keyring([TrustedKey("centre", self.centre_key.public, frozenset({"mzj"}))], today=self.clock.at.date())

    def hearing(self, **more: Any) -> Hearing:
        return Hearing(now=self.clock, skew_seconds=60, **more)

    def bench(self, probe: Any, **more: Any) -> Bench:
        def send(data: bytes) -> bool:
            if self.reachable:
                self.sent.append(data)
            return self.reachable

        return Bench(
            worker=self.worker,
            trust=lambda: self.worker_trust,
            signer=self.worker_signer,
            hearing=more.pop("hearing", None) or self.hearing(),
            kept=Kept(self.worker.state),
            now=self.clock,
            send=send,
            probes={"nmap": lambda: probe},
            **more,
        )

    def beat(self, *, session: str = "s1", seconds: float = 0, stop: bool = False, **more: Any) -> Beat:
        at = self.clock.at + timedelta(seconds=seconds)
        return Beat("test-city", "mzj", session, 1, at, stop, "drill" if stop else "", **more)

    def job(self, *, permit: Permit | None = None, **more: Any) -> Job:
        permit = permit or permit_of()
        (shard, *_) = shards_of(permit, "nmap", "settings")
        base = Job(
            id="a" * 32,
            nonce="1" * 32,
            site="test-city",
            zone="mzj",
            session="s1",
            probe="nmap",
            ordinal=0,
            targets=shard.targets,
            permit=permit,
            beside=2,
            since=NOON - timedelta(minutes=5),
            sent_at=self.clock.at,
            not_after=permit.until,
            program="gov-infra-auditor 0",
        )
        return replace(base, **more)

    def text(self, job: Job) -> str:
        return seal(job, self.centre_signer)

    def bundle(self, number: int = -1) -> Bundle:
        return read(self.sent[number], trust=self.centre_trust, site="test-city")

    def content(self, number: int = -1) -> Collection:
        out = Collection()
        for part in self.bundle(number).collections():
            out = out + part
        return out

    @property
    def ground(self) -> Ground:
        other = Zone("jtj", "交通局", "in-mzj", "department", (ipaddress.ip_network("198.51.100.0/24"),))
        return ground(ZONE, [ZONE, other])


def permit_of(
    *targets: str, access: Access | None = None, excluded: tuple[str, ...] = ("192.0.2.14/32",), **more: Any
) -> Permit:
    wanted: tuple[Network, ...] = tuple(map(ipaddress.ip_network, targets or ("192.0.2.0/29", "192.0.2.8/30")))
    return Permit(
        zone=ZONE,
        targets=wanted,
        excluded=tuple(map(ipaddress.ip_network, excluded)),
        profile=PROFILES["normal"],
        documents=("授权1号",),
        until=NOON + timedelta(hours=6),
        access=access or Access(),
        **more,
    )


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    centre, worker, thief = new_key("centre"), new_key("worker"), new_key("centre")
    path = tmp_path / "worker.yaml"
    path.write_text(CONFIG.replace("PUBLIC", str(centre.public)), encoding="utf-8")
    return Pair(tmp_path, Clock(), centre, worker, thief, load_worker(path))
