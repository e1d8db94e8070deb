"""What a unit may not do (systemd.exec(5), systemd.resource-control(5)). Pure.

Only what sends packets of its own may open raw sockets: it alone has ``CAP_NET_RAW`` and ``AF_PACKET``. nmap gets the
right from its parent (an ambient capability), for ``NoNewPrivileges=`` forbids those that are set on its file.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

#: Every name is a line of ``[Service]``. Why something is missing from it:
#: ``PrivateUsers=`` would make a capability worthless outside the unit's own users, so that scanners do without;
#: ``ProcSubset=pid`` hides /proc/net, from which nmap reads the routes, and /proc/meminfo, from which DuckDB reads
#: how much it may take. ``ProtectHome=`` and ``PrivateTmp=`` are why a site may not lie there.
_ALWAYS = (
    "UMask=0077",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "DevicePolicy=closed",
    "PrivateMounts=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "KeyringMode=private",
    "RemoveIPC=yes",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
    "SystemCallFilter=@system-service",
    # A core holds the secrets that a process held.
    "LimitCORE=0",
)


class Reach(enum.Enum):
    """How far a unit's packets go."""

    #: No network at all.
    NOWHERE = "nowhere"
    #: This machine only.
    HERE = "here"
    #: Wherever its connections lead.
    OUT = "out"
    #: Packets of its own making, besides.
    RAW = "raw"


def hardening(reach: Reach) -> Iterator[str]:
    """The lines of ``[Service]`` that confine a unit."""
    yield from _ALWAYS
    if reach is Reach.RAW:
        yield "CapabilityBoundingSet=CAP_NET_RAW"
        yield "AmbientCapabilities=CAP_NET_RAW"
        yield "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET"
        return
    yield "CapabilityBoundingSet="
    yield "AmbientCapabilities="
    yield "PrivateUsers=yes"
    if reach is not Reach.OUT:
        yield "SystemCallFilter=~@privileged"
    if reach is Reach.NOWHERE:
        yield "PrivateNetwork=yes"
        yield "RestrictAddressFamilies=AF_UNIX"
    else:
        yield "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
    if reach is not Reach.OUT:
        yield "IPAddressDeny=any"
    if reach is Reach.HERE:
        yield "IPAddressAllow=localhost"
