"""One host name at the name servers: its addresses and its chain of aliases, or why there are none.

dnspython is imported inside. A name is asked for itself only: what it is an alias of is read from the answer, and
never asked for.
"""

from __future__ import annotations

import asyncio
import enum
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.names.hosts import plain_host

if TYPE_CHECKING:
    import dns.message
    import dns.rdatatype

#: Seconds for one question to one name server, TCP after a cut answer included.
SECONDS = 5.0
#: Aliases in a chain, and addresses of a name: more are counted, not kept.
MOST_ALIASES, MOST_ADDRESSES = 16, 20


class Outcome(enum.StrEnum):
    """What became of a name. Only ``NO_SUCH_NAME`` says that there is none."""

    FOUND = "found"
    NO_ADDRESS = "no_address"
    NO_SUCH_NAME = "no_such_name"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the name servers said of ``host``. ``chain`` begins with the host; ``server`` is the one that said it."""

    host: str
    outcome: Outcome
    chain: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    server: str = ""
    reason: str = ""
    message: str = ""


@dataclass(slots=True)
class _Said:
    """One answer to one question (A or AAAA) of one server."""

    outcome: Outcome
    chain: tuple[str, ...] = ()
    addresses: list[str] = field(default_factory=list)
    reason: str = ""
    message: str = ""


def system_servers() -> tuple[str, ...]:
    """The name servers of this machine's own configuration; empty where there is none."""
    import dns.resolver

    try:
        configured = dns.resolver.Resolver().nameservers
    except (dns.resolver.NoResolverConfiguration, OSError):
        return ()
    return tuple(server for server in configured if isinstance(server, str))


async def look_up(
    host: str,
    wire: str,
    servers: tuple[str, ...],
    *,
    port: int = 53,
    turn: Callable[[], Awaitable[None]] | None = None,
) -> Lookup:
    """Looks a name up, at the next server only where one has no address for it.

    ``host`` is what it is called in the result, ``wire`` what is asked. That there is no such name counts only where
    every server says so: one inside a network and one outside know different names. ``turn`` is awaited before each
    question.
    """
    if not servers:
        return Lookup(host, Outcome.FAILED, reason="unavailable", message="this machine has no name server")
    worst: Lookup | None = None
    for server in servers:
        found = await _at(host, wire, server, port, turn)
        if found.outcome is Outcome.FOUND:
            return found
        if worst is None or _RANK[found.outcome] > _RANK[worst.outcome]:
            worst = found
    return worst or Lookup(host, Outcome.FAILED)


#: What is said where servers disagree: the least certain of it.
_RANK = {Outcome.NO_SUCH_NAME: 0, Outcome.NO_ADDRESS: 1, Outcome.FAILED: 2, Outcome.FOUND: 3}


async def _at(host: str, wire: str, server: str, port: int, turn: Callable[[], Awaitable[None]] | None) -> Lookup:
    import dns.rdatatype

    said = []
    for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
        if turn is not None:
            await turn()
        said.append(await _ask(wire, kind, server, port))
    addresses = tuple(dict.fromkeys(address for one in said for address in one.addresses))
    chain = (plain_host(host), *max((one.chain for one in said), key=len))
    if addresses:
        return Lookup(host, Outcome.FOUND, chain, addresses[:MOST_ADDRESSES], server)
    least = max(said, key=lambda one: _RANK[one.outcome])
    return Lookup(host, least.outcome, chain, (), server, least.reason, least.message)


async def _ask(wire: str, kind: dns.rdatatype.RdataType, server: str, port: int) -> _Said:
    import dns.asyncquery
    import dns.exception
    import dns.message

    question = dns.message.make_query(f"{wire}.", kind)
    try:
        answer, _tcp = await dns.asyncquery.udp_with_fallback(
            question, server, timeout=SECONDS, port=port, ignore_unexpected=True
        )
    except (dns.exception.Timeout, TimeoutError, asyncio.IncompleteReadError):
        return _failed("timed_out", f"the name server {server} does not answer")
    except (dns.exception.DNSException, EOFError, ValueError) as error:
        return _failed("bad_output", f"the name server {server} answers with {type(error).__name__}")
    except OSError as error:
        return _failed("unreachable", f"the name server {server}: {error.strerror or 'cannot be reached'}")
    return _read(answer, wire, kind, server)


def _read(answer: dns.message.Message, wire: str, kind: dns.rdatatype.RdataType, server: str) -> _Said:
    """What one answer says of the name asked for."""
    import dns.rcode

    code = answer.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        reason = "forbidden" if code == dns.rcode.REFUSED else "unavailable"
        return _failed(reason, f"the name server {server} says {dns.rcode.to_text(code)}")
    aliases, addresses = _records(answer, kind)
    chain: list[str] = []
    name = wire
    while name in aliases:
        name = aliases[name]
        if name in chain or name == wire:
            return _failed("looping", f"its aliases lead back to {name}")
        chain.append(name)
        if len(chain) > MOST_ALIASES:
            return _failed("too_much", f"more than {MOST_ALIASES} aliases")
    found = addresses.get(name, [])
    if found:
        return _Said(Outcome.FOUND, tuple(chain), found)
    if code == dns.rcode.NOERROR:
        return _Said(Outcome.NO_ADDRESS, tuple(chain))
    if not _has_authority(answer, name):
        message = f"the name server {server} knows no such name, and does not say by whose authority"
        return _Said(Outcome.FAILED, tuple(chain), reason="unavailable", message=message)
    return _Said(Outcome.NO_SUCH_NAME, tuple(chain))


def _records(
    answer: dns.message.Message, kind: dns.rdatatype.RdataType
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Aliases and addresses in the answer, by name. Names are small letters without the dot at the end."""
    import dns.rdatatype

    aliases: dict[str, str] = {}
    addresses: dict[str, list[str]] = {}
    for rrset in answer.answer[: 4 * MOST_ALIASES]:
        owner = rrset.name.to_text(omit_final_dot=True).lower()
        for data in list(rrset)[: 4 * MOST_ADDRESSES]:
            if rrset.rdtype == dns.rdatatype.CNAME:
                aliases.setdefault(owner, data.target.to_text(omit_final_dot=True).lower())
            elif rrset.rdtype == kind:
                addresses.setdefault(owner, []).append(str(ipaddress.ip_address(data.address)))
    return aliases, addresses


def _has_authority(answer: dns.message.Message, name: str) -> bool:
    """Whether a zone's own record stands beside the word that there is no such name (RFC 2308).

    The root's word is not taken: a name in a private top-level domain exists for whoever has it.
    """
    import dns.name
    import dns.rdatatype

    asked = dns.name.from_text(f"{name}.")
    return any(
        rrset.rdtype == dns.rdatatype.SOA and len(rrset.name) > 1 and asked.is_subdomain(rrset.name)
        for rrset in answer.authority
    )


def _failed(reason: str, message: str) -> _Said:
    return _Said(Outcome.FAILED, reason=reason, message=message)
