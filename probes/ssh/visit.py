"""One shard's hosts: which of them let us in, and what was read on those that did."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from probes.access import Bastion
from probes.ansible_run.process import Ended, Happened, Job, run
from probes.base import Context, Stop
from probes.inside import Inside
from probes.reach import Reach, pace, reach
from probes.secrets import Secret
from probes.ssh.bastion import Passage, open_passage, sweep
from probes.ssh.credentials import Credentials, Missing, lay_out
from probes.ssh.entry import LOGIN_SECONDS, enter
from probes.ssh.options import Door
from probes.ssh.process import Running, end_all
from probes.ssh.reading import MOST_OUTPUT, Answers, Reading
from probes.ssh.said import Refused

#: Connections held open at the same time, and so hosts read by one run of Ansible.
BATCH = 100
#: Logins under way at the same time: most of them wait.
LOGINS_AT_ONCE = 32
#: Ansible's workers beside each other; each takes about 11 MB and a processor.
FORKS = 25
#: A batch sets out with who is there when nobody else came in for so long: slow logins make up another batch.
PATIENCE_SECONDS = 2.0
#: Commands that one host is asked, at most; each may take its part of the host's time.
COMMANDS = 4
#: What starting Ansible may take on a busy machine.
START_SECONDS = 120.0

#: Shards of all zones that log in and read at the same time in this process; more would wait for a processor.
_AT_WORK = threading.BoundedSemaphore(min(4, os.cpu_count() or 1))


@contextmanager
def at_work(stop: Stop) -> Iterator[bool]:
    """Waits for a place to work at; False where the wish to stop came first."""
    while not (may := _AT_WORK.acquire(timeout=0.2)) and not stop.is_set:
        continue
    try:
        yield may
    finally:
        if may:
            _AT_WORK.release()


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in, for the whole of a shard: what a site's logins of every probe come down to."""

    user: str
    port: int
    key: Secret | None = None
    passphrase: Secret | None = None
    password: Secret | None = None
    known_hosts: Path | None = None
    bastion: Bastion | None = None
    path: str = "auto"


@dataclass(slots=True)
class Found:
    """What came of a shard: address → what was read there, and address → why nothing was."""

    read: dict[str, Inside] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)

    def add(self, other: Found) -> None:
        self.read.update(other.read)
        self.refused.update(other.refused)

    def refuse(self, addresses: Iterable[str], why: Refused) -> None:
        self.refused.update(dict.fromkeys(addresses, why))


class Visit:
    """The hosts of one login in one shard. ``folder`` is private, ``number`` tells the shard's logins apart."""

    def __init__(self, login: Login, number: int, reading: Reading, context: Context, folder: Path) -> None:
        self.login, self.name, self.reading = login, f"l{number}", reading
        self.context, self.folder, self.stop = context, folder, context.stop
        profile = context.permit.profile
        self.host_seconds = float(profile.host_timeout_seconds)
        self.login_seconds = min(self.host_seconds, LOGIN_SECONDS)
        self.rate = pace(context)
        # What is paced goes to one host at a time.
        self.at_once = 1 if profile.paced else LOGINS_AT_ONCE
        self.forks = 1 if profile.paced else max(1, min(FORKS, int(self.rate)))
        self.found = Found()
        self.ready: deque[tuple[str, str, Running]] = deque()

    def go(self, addresses: Sequence[str]) -> Found:
        """Looks at every address that accepts a connection. Closed and silent ones are neither read nor refused."""
        with at_work(self.stop) as may:
            if not may:
                self.found.refuse(addresses, Refused("stopped", self.stop.reason))
                return self.found
            try:
                self._go(addresses)
            finally:
                end_all(running for _, _, running in self.ready)
        return self.found

    def _go(self, addresses: Sequence[str]) -> None:
        login = self.login
        try:
            credentials = asyncio.run(
                lay_out(
                    self.folder,
                    self.name,
                    known_hosts=login.known_hosts,
                    key=login.key,
                    passphrase=login.passphrase,
                    password=login.password,
                    stop=self.stop,
                )
            )
            passage = asyncio.run(self._passage(login.bastion)) if login.bastion else None
        except Missing as missing:
            self.found.refuse(addresses, missing.refused)
            return
        try:
            opened = self._opened(addresses, passage)
            if opened:
                self.context.report(f"{len(opened)} of {len(addresses)} addresses accept connections")
                asyncio.run(self._read(opened, credentials, passage))
        finally:
            if passage is not None:
                passage.running.end()

    async def _passage(self, bastion: Bastion) -> Passage:
        name = f"{self.name}-bastion"
        try:
            credentials = await lay_out(
                self.folder,
                name,
                known_hosts=bastion.known_hosts,
                key=bastion.key,
                passphrase=None,
                password=None,
                stop=self.stop,
            )
        except Missing as missing:
            words = missing.refused
            raise Missing(words.reason, f"bastion {bastion.address}: {words.message}") from None
        got = await open_passage(
            bastion, credentials, f"{name}-s", self.folder, seconds=self.login_seconds, stop=self.stop
        )
        if isinstance(got, Refused):
            raise Missing(got.reason, got.message)
        return got

    def _opened(self, addresses: Sequence[str], passage: Passage | None) -> list[str]:
        """The addresses on which something accepts connections, in order; why the others could not be asked."""
        not_asked: Refused | None = None
        if passage is None:
            found = reach(addresses, [self.login.port], rate=self.rate, stop=self.stop)
        else:
            found, not_asked = asyncio.run(
                sweep(passage, addresses, self.login.port, self.folder, rate=self.rate, stop=self.stop)
            )
            passage.settle()
        self._note(found, addresses, not_asked)
        return [address for address in addresses if address in found.open]

    def _note(self, found: Reach, addresses: Sequence[str], not_asked: Refused | None) -> None:
        asked = set(found.asked)
        self.found.refuse((a for a in addresses if a not in asked), Refused("stopped", self.stop.reason))
        for address, said in found.unreached.items():
            self.found.refuse([address], Refused("unreachable", said))
        if not_asked is not None:
            self.found.refuse(found.refused, not_asked)

    async def _read(self, addresses: Sequence[str], credentials: Credentials, passage: Passage | None) -> None:
        """Lets the login of every host run, and reads those that are in, batch by batch."""
        at_once, held = asyncio.Semaphore(self.at_once), asyncio.Semaphore(BATCH)
        changed = time.monotonic()

        async def knock(address: str, socket: str) -> None:
            nonlocal changed
            async with at_once:
                got = await self._enter(address, socket, credentials, passage)
            changed = time.monotonic()
            if isinstance(got, Refused):
                held.release()
                self.found.refuse([address], got)
            else:
                self.ready.append((address, socket, got))

        async def knock_everywhere() -> None:
            async with asyncio.TaskGroup() as group:
                for number, address in enumerate(addresses):
                    await held.acquire()
                    group.create_task(knock(address, f"{self.name}-{number}"))
                    await asyncio.sleep(1 / self.rate)

        knocking = asyncio.create_task(knock_everywhere())
        try:
            while not knocking.done() or self.ready:
                ripe = knocking.done() or len(self.ready) >= BATCH
                if self.ready and (ripe or time.monotonic() - changed > PATIENCE_SECONDS):
                    batch = [self.ready.popleft() for _ in range(min(BATCH, len(self.ready)))]
                    await self._gather(batch)
                    for _ in batch:
                        held.release()
                else:
                    await asyncio.sleep(0.02)
            await knocking
        finally:
            knocking.cancel()

    async def _enter(
        self, address: str, socket: str, credentials: Credentials, passage: Passage | None
    ) -> Running | Refused:
        if self.stop.is_set:
            return Refused("stopped", self.stop.reason)
        door = Door(
            address,
            self.login.port,
            self.login.user,
            credentials.known_hosts,
            credentials.key,
            asks=bool(credentials.secret),
            through=passage.socket if passage else "",
        )
        got = await enter(
            door, socket, self.folder, secret=credentials.secret, seconds=self.login_seconds, stop=self.stop
        )
        if isinstance(got, Refused) and passage is not None and got.reason != "stopped":
            return passage.broken or got
        return got

    async def _gather(self, batch: Sequence[tuple[str, str, Running]]) -> None:
        """One run of Ansible over connections that stand; they are closed afterwards."""
        answers = {f"h{number}": Answers() for number in range(len(batch))}
        try:
            self.context.report(f"reading {len(batch)} hosts")
            ended = await self._run([socket for _, socket, _ in batch], answers)
        finally:
            end_all(running for _, _, running in batch)
        for (address, _, _), answer in zip(batch, answers.values(), strict=True):
            got = self.reading.read(answer, self.login.path, ended)
            if isinstance(got, Refused):
                self.found.refuse([address], got)
            else:
                self.found.read[address] = got

    async def _run(self, sockets: Sequence[str], answers: Mapping[str, Answers]) -> Ended:
        path = self.login.path
        hosts = {
            name: {
                "ansible_connection": "auditor_mux",
                "auditor_folder": str(self.folder),
                "auditor_socket": socket,
                "auditor_seconds": self.host_seconds / COMMANDS,
                "auditor_most": MOST_OUTPUT,
                "auditor_system": self.reading.system,
                "auditor_path": path,
            }
            for name, socket in zip(answers, sockets, strict=True)
        }
        rounds = -(-len(hosts) // self.forks)
        job = Job(
            playbook=self.reading.playbook,
            hosts=hosts,
            groups={path: tuple(hosts)},
            forks=min(self.forks, len(hosts)),
            seconds=START_SECONDS + rounds * self.host_seconds,
            texts=self.reading.texts(),
        )

        def take(happened: Happened) -> None:
            if happened.host in answers:
                answers[happened.host].take(happened)

        return await run(job, self.folder, self.stop, take)
