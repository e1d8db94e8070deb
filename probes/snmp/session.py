"""Asking agents over UDP: a paced sweep for those that answer, then each one's tables, bounded in every direction."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from probes.access import SnmpLogin
from probes.base import Stop
from probes.snmp import oids
from probes.snmp.answers import Answers, Raw

if TYPE_CHECKING:
    from pysnmp.hlapi.v3arch.asyncio import SnmpEngine

#: Agents that are asked at the same time.
AT_ONCE = 128
#: Seconds that the first question waits, and how often it is asked again: most addresses have no agent.
FIRST_WAIT, FIRST_RETRIES = 1.0, 1
WAIT, RETRIES = 2.0, 2
#: Values of one table, and of one device, at most: a core switch has some ten thousand ARP entries.
MOST_VALUES, MOST_IN_ALL = 40_000, 120_000
BULK = 25


class Trouble(Exception):
    """An agent that answered and then went wrong. ``reason`` is a failure's word."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Secrets:
    """A login's secrets, revealed for the time of one shard; never shown."""

    login: SnmpLogin
    community: str = ""
    auth: str = ""
    privacy: str = ""

    def __repr__(self) -> str:
        return f"Secrets({self.login.user or 'community'})"


def reveal(login: SnmpLogin) -> Secrets:
    """Raises :class:`probes.secrets.SecretMissing`."""
    return Secrets(
        login,
        login.community.reveal() if login.community else "",
        login.auth.reveal() if login.auth else "",
        login.privacy.reveal() if login.privacy else "",
    )


@dataclass(slots=True)
class Told:
    """What came of one address: its answers, or why there are none, or neither (silence). ``asked``: to the end."""

    address: str
    answers: Answers | None = None
    reason: str = ""
    message: str = ""
    asked: bool = False


def ask_all(
    targets: Sequence[tuple[str, Secrets]],
    *,
    rate: float,
    deadline: float,
    stop: Stop,
    report: Callable[[str], None] = lambda _text: None,
) -> list[Told]:
    """Asks every address with its login; ``rate`` bounds how many are begun a second, ``deadline`` is per device."""
    return asyncio.run(_ask_all(targets, rate, deadline, stop, report))


async def _ask_all(
    targets: Sequence[tuple[str, Secrets]], rate: float, deadline: float, stop: Stop, report: Callable[[str], None]
) -> list[Told]:
    engines: dict[Secrets, _Agents] = {}
    places = asyncio.Semaphore(AT_ONCE)
    told: list[Told] = []
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(address: str, agents: _Agents) -> Told:
        try:
            return await agents.ask(address, deadline)
        finally:
            places.release()

    tasks: list[asyncio.Task[Told]] = []
    watch = asyncio.create_task(_cancel_on(stop, tasks))
    try:
        for number, (address, secrets) in enumerate(targets):
            if stop.is_set:
                break
            await places.acquire()
            ahead = number / rate - (loop.time() - began)
            if ahead > 0.005:
                await asyncio.sleep(ahead)
            agents = engines.get(secrets)
            if agents is None:
                agents = engines[secrets] = _Agents(secrets)
            tasks.append(asyncio.create_task(one(address, agents)))
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(done, Told):
                told.append(done)
            elif not isinstance(done, asyncio.CancelledError):
                raise done
    finally:
        watch.cancel()
        for agents in engines.values():
            agents.close()
    report(f"{sum(1 for one in told if one.answers)} agents answered")
    return told


async def _cancel_on(stop: Stop, tasks: Sequence[asyncio.Task[Told]]) -> None:
    while not stop.is_set:
        await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()


class _Agents:
    """All agents of one login: one engine, one set of credentials."""

    def __init__(self, secrets: Secrets) -> None:
        from pysnmp.hlapi.v3arch.asyncio import ContextData, SnmpEngine

        self.secrets = secrets
        self.engine: SnmpEngine = SnmpEngine()
        self.context = ContextData()
        self.credentials = _credentials(secrets)

    def close(self) -> None:
        self.engine.close_dispatcher()

    async def ask(self, address: str, deadline: float) -> Told:
        told = Told(address)
        try:
            async with asyncio.timeout(deadline):
                scalars = await self._scalars(address, oids.SYSTEM, FIRST_WAIT, FIRST_RETRIES)
                if scalars is None:
                    told.asked = True
                    return told
                ups = await self._scalars(address, oids.UPS, WAIT, RETRIES) or {}
                tables: dict[str, dict[tuple[int, ...], Raw]] = {}
                told.answers = Answers({**scalars, **ups}, tables)
                await self._tables(address, tables)
        except TimeoutError:
            told.reason, told.message = "timed_out", f"not read to the end within {deadline:.0f} s"
        except Trouble as trouble:
            told.reason, told.message = trouble.reason, str(trouble)
        else:
            told.asked = True
        return told

    async def _tables(self, address: str, tables: dict[str, dict[tuple[int, ...], Raw]]) -> None:
        left = MOST_IN_ALL
        trouble: Trouble | None = None
        for column in oids.TABLES:
            try:
                tables[column] = await self._walk(address, column, min(left, MOST_VALUES))
            except Trouble as error:
                # What is broken in one table says nothing of the next; silence does.
                trouble = trouble or error
                if error.reason in ("timed_out", "login_refused"):
                    break
            left -= len(tables.get(column, ()))
        if trouble is not None:
            raise trouble

    async def _scalars(self, address: str, names: Sequence[str], wait: float, retries: int) -> dict[str, Raw] | None:
        """Values of single objects; None where nobody answers."""
        from pysnmp.hlapi.v3arch.asyncio import ObjectIdentity, ObjectType, get_cmd

        target = await self._target(address, wait, retries)
        asked = [ObjectType(ObjectIdentity(name)) for name in names]
        error, status, _index, bound = await get_cmd(
            self.engine, self.credentials, target, self.context, *asked, lookupMib=False
        )
        if error:
            _refused(error)
            return None
        if status:
            # Version 1 agents, and some careless ones, refuse the whole question for one object they lack.
            return {}
        return {
            name: value for name, (_oid, raw) in zip(names, bound, strict=False) if (value := _plain(raw)) is not None
        }

    async def _walk(self, address: str, column: str, most: int) -> dict[tuple[int, ...], Raw]:
        from pysnmp.hlapi.v3arch.asyncio import ObjectIdentity, ObjectType, bulk_cmd

        base = tuple(map(int, column.split(".")))
        found: dict[tuple[int, ...], Raw] = {}
        at = base
        while True:
            target = await self._target(address, WAIT, RETRIES)
            asked = ObjectType(ObjectIdentity(at))
            error, status, _index, bound = await bulk_cmd(
                self.engine, self.credentials, target, self.context, 0, BULK, asked, lookupMib=False
            )
            if error:
                _refused(error)
                raise Trouble("timed_out", f"no answer within a walk of {column}")
            if status or not bound:
                return found
            for oid, raw in bound:
                name = tuple(oid)
                value = _plain(raw)
                if name[: len(base)] != base or value is None:
                    return found
                if name <= at:
                    raise Trouble("looping", f"a walk of {column} comes back to where it was")
                found[name[len(base) :]] = value
                at = name
                if len(found) > most:
                    raise Trouble("too_much", f"{column} has more than {most} values")

    async def _target(self, address: str, wait: float, retries: int) -> Any:
        from pysnmp.hlapi.v3arch.asyncio import Udp6TransportTarget, UdpTransportTarget

        kind = UdpTransportTarget if ipaddress.ip_address(address).version == 4 else Udp6TransportTarget
        return await kind.create((address, self.secrets.login.port), timeout=wait, retries=retries)


#: What SNMPv3's reports (RFC 3414) and pysnmp call a login that does not fit.
_LOGIN_WORDS = (
    "username",
    "user name",
    "unknownusername",
    "digest",
    "wrongdigest",
    "decrypt",
    "security level",
    "authorization",
)


def _refused(error: object) -> None:
    """Raises :class:`Trouble` where the agent answered and refused; silence passes."""
    words = str(error).casefold()
    if any(word in words for word in _LOGIN_WORDS):
        raise Trouble("login_refused", "the agent refuses this user, or its keys do not fit")


def _plain(raw: Any) -> Raw | None:
    """A value of pysnmp's as a plain one; None where the agent says that there is none."""
    from pysnmp.proto import rfc1902, rfc1905

    if isinstance(raw, (rfc1905.NoSuchObject, rfc1905.NoSuchInstance, rfc1905.EndOfMibView, rfc1902.Null)):
        return None
    if isinstance(raw, rfc1902.IpAddress):
        return str(raw.prettyPrint())
    if isinstance(raw, rfc1902.ObjectIdentifier):
        return ".".join(map(str, tuple(raw)))
    if isinstance(raw, rfc1902.OctetString):
        return bytes(raw)
    try:
        return int(raw)
    except (TypeError, ValueError):
        return str(raw)


_AUTH = {
    "md5": "usmHMACMD5AuthProtocol",
    "sha": "usmHMACSHAAuthProtocol",
    "sha224": "usmHMAC128SHA224AuthProtocol",
    "sha256": "usmHMAC192SHA256AuthProtocol",
    "sha384": "usmHMAC256SHA384AuthProtocol",
    "sha512": "usmHMAC384SHA512AuthProtocol",
}
_PRIVACY = {
    "des": "usmDESPrivProtocol",
    "aes": "usmAesCfb128Protocol",
    "aes192": "usmAesCfb192Protocol",
    "aes256": "usmAesCfb256Protocol",
}


def _credentials(secrets: Secrets) -> Any:
    from pysnmp.hlapi.v3arch import asyncio as api

    login = secrets.login
    if login.community is not None:
        # Version 2c is what most equipment of departments speaks; a site that can writes a version 3 login.
        return api.CommunityData(secrets.community, mpModel=1)  # noqa: S508
    given: dict[str, Any] = {}
    if secrets.auth:
        given |= {"authKey": secrets.auth, "authProtocol": getattr(api, _AUTH[login.auth_protocol])}
    if secrets.privacy:
        given |= {"privKey": secrets.privacy, "privProtocol": getattr(api, _PRIVACY[login.privacy_protocol])}
    return api.UsmUserData(login.user, **given)  # noqa: S509  # the keys stand in what was given
