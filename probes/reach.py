"""Which addresses accept a TCP connection on which ports: a plain connect sweep, paced, that sends no data."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from probes.base import Context, Stop

#: Connections under way at the same time.
AT_ONCE = 256


@dataclass(slots=True)
class Reach:
    """What a sweep found, of the addresses that were asked to the end (``asked``).

    ``open`` maps an address to its open ports. ``refused`` are addresses that answered, and only to refuse.
    ``silent`` gave no sign. ``unreached`` maps an address to why nothing could be sent there.
    """

    open: dict[str, tuple[int, ...]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    unreached: dict[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()


def pace(context: Context) -> float:
    """Connections a second for one shard: the zone's rate, shared with the shards beside it."""
    return max(1.0, context.permit.profile.max_rate / max(1, context.beside))


def reach(addresses: Iterable[str], ports: Sequence[int], *, rate: float, stop: Stop, timeout: float = 2.0) -> Reach:
    """Connects to every port of every address once, at most ``rate`` connections a second; ends early on ``stop``.

    ``timeout`` is in seconds, for each connection. Only literal addresses are taken: nothing is looked up.
    """
    return asyncio.run(_sweep(list(addresses), ports, rate, stop, timeout))


async def _sweep(addresses: list[str], ports: Sequence[int], rate: float, stop: Stop, timeout: float) -> Reach:
    found = Reach()
    answers: dict[str, dict[int, str]] = {address: {} for address in addresses}
    places = asyncio.Semaphore(AT_ONCE)
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0

    async def ask(address: str, port: int) -> None:
        try:
            answers[address][port] = await _connect(address, port, timeout)
        finally:
            places.release()

    tasks: set[asyncio.Task[None]] = set()
    for port in ports:
        for address in addresses:
            if stop.is_set:
                break
            await places.acquire()
            ahead = sent / rate - (loop.time() - began)
            if ahead > 0.005:
                await asyncio.sleep(ahead)
            sent += 1
            task = asyncio.create_task(ask(address, port))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.gather(*tasks)
    done = [address for address in addresses if len(answers[address]) == len(ports)]
    for address in done:
        _note(found, address, answers[address])
    found.asked = tuple(done)
    return found


def _note(found: Reach, address: str, said: dict[int, str]) -> None:
    opened = tuple(sorted(port for port, word in said.items() if word == "open"))
    if opened:
        found.open[address] = opened
    elif "refused" in said.values():
        found.refused.add(address)
    elif all(word == "silent" for word in said.values()):
        found.silent.add(address)
    else:
        found.unreached[address] = next(word for word in said.values() if word != "silent")


async def _connect(address: str, port: int, timeout: float) -> str:
    """``open``, ``refused``, ``silent``, or the system's words for why nothing got there."""
    try:
        async with asyncio.timeout(timeout):
            _reader, writer = await asyncio.open_connection(address, port)
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        # No answer to ARP, or a router that knows of no such host: as silent as a packet that is dropped.
        if error.errno == errno.EHOSTUNREACH or _is_broadcast(address):
            return "silent"
        # asyncio puts the address into its own words; the system's words are the same for every address.
        return os.strerror(error.errno) if error.errno else "cannot be reached"
    writer.close()
    return "open"


def _is_broadcast(address: str) -> bool:
    """Whether an address is the broadcast address of a network that this machine is in: no host has it."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as asking:
        try:
            # Connecting a datagram socket sends nothing: the kernel only looks up the way.
            asking.connect((address, 9))
        except PermissionError:
            return True
        except OSError:
            pass
    return False
