"""Which address of a declared name may be asked: the zone's targets, and public ones where the site allows it."""

from __future__ import annotations

import ipaddress

from inventories.places import Address
from probes.scope import Permit

#: Addresses within which others hide: what is behind them is decided elsewhere (RFC 6052, 3056, 4380).
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))


def may_ask(address: str, permit: Permit) -> bool:
    """Whether a connection to this literal address is allowed.

    Within the permit's targets it is. Otherwise only with the site's word to follow names outside (``follow``), at a
    public address, and never at one that is excluded or that the zone has without leave to probe it. A name that
    leads to a private, local, reserved or disguised address outside the targets is not asked: it would be somebody
    else's machine, or the auditor's own.
    """
    parsed = _parsed(address)
    if parsed is None:
        return False
    if in_targets(address, permit):
        return True
    rules = permit.access.names
    if rules is None or not rules.follow or not _is_public(parsed):
        return False
    closed = (*permit.excluded, *permit.left_out)
    return not any(parsed.version == net.version and parsed in net for net in closed)


def in_targets(address: str, permit: Permit) -> bool:
    """Whether the address is one that the permit lets be probed in any way."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed.version == net.version and parsed in net for net in permit.targets)


def choose(addresses: tuple[str, ...], permit: Permit) -> str:
    """The one address to ask: of those allowed the zone's own first, IPv4 first, then in order; empty: none."""
    allowed = [address for address in addresses if may_ask(address, permit)]
    return min(allowed, key=lambda a: (not in_targets(a, permit), *_order(a)), default="")


def _parsed(address: str) -> Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _order(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped is not None or any(address in net for net in (*_NAT64, *_TUNNELS))
        if hidden or address.is_site_local:
            return False
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
