"""The script's text as :class:`~probes.inside.model.Inside`. Never raises: what cannot be read is not there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from probes.inside.cpu import read_cpu
from probes.inside.links import read_interfaces
from probes.inside.machine import read_machine, read_standing
from probes.inside.model import Inside
from probes.inside.routes import read_routes
from probes.inside.sections import Sections, split
from probes.inside.sockets import process_name, read_listeners
from probes.inside.software import known_packages
from probes.inside.storage import read_mounts
from probes.inside.system import read_os
from probes.inside.ways import read_tunnels, read_uplinks


def from_raw(text: str) -> Inside:
    """What the whole script printed. The text may hold anything before, between and after; see ``sections``."""
    return build(split(text))


def build(sections: Sections) -> Inside:
    """The typed parts of what was read, whichever way it was."""
    standing = read_standing(sections)
    interfaces = read_interfaces(sections)
    routes = read_routes(sections.get("routes"))
    processes = tuple(dict.fromkeys(_processes(sections)))
    return Inside(
        is_complete=sections.is_complete and _is_read(sections),
        whole=sections.whole,
        hostname=sections.first("host").strip(),
        memory_mb=_memory(sections.first("memory")),
        cpu=read_cpu(sections, standing),
        os=read_os(sections),
        machine=read_machine(sections),
        standing=standing,
        interfaces=interfaces,
        routes=routes,
        listeners=read_listeners(sections.get("listeners")),
        processes=processes,
        words=tuple(dict.fromkeys(line.strip() for line in sections.get("words"))),
        folders=tuple(dict.fromkeys(line.strip() for line in sections.get("folders"))),
        packages=known_packages(_packages(sections)),
        tunnels=read_tunnels(sections, interfaces, routes, processes),
        uplinks=read_uplinks(sections, interfaces, routes, processes),
        mounts=read_mounts(sections.get("mounts"), sections.get("disks")),
        name_servers=tuple(dict.fromkeys(_name_servers(sections))),
    )


def _is_read(sections: Sections) -> bool:
    """Whether the tools that the script needs are there at all: without them every part is empty, and none whole.

    A host where nothing could be read is not one where nothing is.
    """
    return "kernel" in sections.whole and not sections.whole.isdisjoint({"addresses", "net"})


def _memory(line: str) -> int:
    """``MemTotal: 16307912 kB`` in MiB."""
    found = re.match(r"^MemTotal:\s+(\d{1,15}) kB", line)
    return int(found[1]) // 1024 if found else 0


def _processes(sections: Sections) -> Iterator[str]:
    for key, name in sections.pairs("processes", ":"):
        if key == "Name" and process_name(name):
            yield process_name(name)


def _packages(sections: Sections) -> Iterator[tuple[str, str, str]]:
    for line in sections.get("packages"):
        manager, _, rest = line.partition("\t")
        name, _, version = rest.partition("\t")
        if manager in ("dpkg", "rpm") and re.fullmatch(r"[A-Za-z0-9][\w.+-]{0,127}", name):
            yield manager, name, version


def _name_servers(sections: Sections) -> Iterator[str]:
    """Without those of this machine, which only pass the question on."""
    for line in sections.get("resolv"):
        words = line.split()
        try:
            address = ipaddress.ip_address(words[1].partition("%")[0]) if len(words) > 1 else None
        except ValueError:
            continue
        if address is not None and not address.is_loopback and not address.is_unspecified:
            yield str(address)
