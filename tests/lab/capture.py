"""Everything that leaves a network namespace's interfaces, written down: who was spoken to, by which protocol.

``python capture.py FILE`` listens on every interface of the namespace that it runs in (``ip netns exec``) until it
is asked to end, and then writes what it saw as JSON: a list of [source, destination, protocol, port], each once.
Needs root. Only what the kernel hands out is counted once, not the copy that comes in again on ``lo``.
"""

from __future__ import annotations

import ipaddress
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ETH_P_ALL = 0x0003
_OUTGOING = 4


@dataclass(frozen=True, order=True)
class Spoken:
    """A flow: addresses, protocol (tcp, udp, icmp, arp or a number) and the destination's port (0: none)."""

    source: str
    destination: str
    protocol: str
    port: int
    #: The source began it: a connection, a datagram, a ping or a question for an address.
    began: bool


class Capture:
    """Captures a namespace (empty: this process's own) while it is entered; ``spoken`` afterwards."""

    def __init__(self, directory: Path, namespace: str = "") -> None:
        self.file = directory / "capture.json"
        self.command: Sequence[str] = ("ip", "netns", "exec", namespace) if namespace else ()
        self.spoken: tuple[Spoken, ...] = ()

    def __enter__(self) -> Capture:
        self.process = subprocess.Popen(
            [*self.command, sys.executable, str(Path(__file__).resolve()), str(self.file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != "ready":
            self.process.kill()
            raise RuntimeError("nothing can be captured here: it needs root")
        return self

    def __exit__(self, *exc: object) -> None:
        # What was sent last is still on its way through the kernel.
        time.sleep(0.3)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.spoken = tuple(sorted(Spoken(*flow) for flow in json.loads(self.file.read_text())))


def flow(frame: bytes, kind: int) -> Spoken | None:
    """Who speaks to whom, or asks for whom, in an Ethernet frame; None for what is neither IP nor ARP."""
    packet = frame[14:]
    if kind == 0x0806 and len(packet) >= 28:
        asking = int.from_bytes(packet[6:8], "big") == 1
        source, destination = (str(ipaddress.IPv4Address(packet[i : i + 4])) for i in (14, 24))
        return Spoken(source, destination, "arp", 0, asking)
    if kind == 0x0800 and len(packet) >= 20:
        size, protocol = (packet[0] & 15) * 4, packet[9]
        source, destination = (str(ipaddress.IPv4Address(packet[i : i + 4])) for i in (12, 16))
    elif kind == 0x86DD and len(packet) >= 40:
        size, protocol = 40, packet[6]
        source, destination = (str(ipaddress.IPv6Address(packet[i : i + 16])) for i in (8, 24))
    else:
        return None
    rest = packet[size:]
    name = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}.get(protocol, str(protocol))
    port = int.from_bytes(rest[2:4], "big") if name in ("tcp", "udp") and len(rest) >= 4 else 0
    began = (
        name == "udp"
        or (name == "tcp" and len(rest) > 13 and rest[13] & 0x12 == 0x02)
        or (name == "icmp" and rest[:1] in (b"\x08", b"\x80"))
    )
    return Spoken(source, destination, name, port, began)


def _listen(file: Path) -> None:
    seen: set[Spoken] = set()
    asked = False

    def end(_number: int, _frame: object) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGTERM, end)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024 * 1024)
        wire.settimeout(0.2)
        print("ready", flush=True)
        while True:
            try:
                frame, (_interface, kind, direction, *_rest) = wire.recvfrom(128)
            except TimeoutError:
                if asked:
                    break
                continue
            if direction == _OUTGOING and (found := flow(frame, kind)):
                seen.add(found)
    rows = [[s.source, s.destination, s.protocol, s.port, s.began] for s in sorted(seen)]
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(rows))
    partial.replace(file)


if __name__ == "__main__":
    _listen(Path(sys.argv[1]))
