"""Addresses, prefixes, hardware addresses and codes as registers write them."""

from __future__ import annotations

import ipaddress
import re
import uuid

from inventories.registers.errors import CellError
from inventories.registers.words import code, evidence, fold

_RANGE = re.compile(r"^\s*[0-9a-f.:]+\s*(?:-|~|—|–|至|到)\s*[0-9a-f.:]+\s*$", re.IGNORECASE)
_URL = re.compile(r"^(?:[a-z]{2,8}://)?(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?(?:/.*)?$", re.IGNORECASE)
_MASKED = re.compile(r"^[0-9a-f.:]+/[\d.]+$", re.IGNORECASE)
_HEX = re.compile(r"^[0-9a-f]{12}$")


def read_address(text: str, *, service: bool = False) -> str:
    """One IP address in canonical form. ``service``: an address with a port or as a URL is taken too.

    Ranges, prefixes and addresses that no host can have are refused: each register row is one thing, and a
    range would claim machines nobody has counted.
    """
    shown = evidence(text)
    bare = code(text).replace("。", ".").strip(".")
    if _RANGE.match(bare) and ("." in bare or ":" in bare):
        raise CellError(f"{shown!r} is a range of addresses", "give each address by itself")
    if service and (found := _URL.match(bare)):
        bare = found[1]
    if _MASKED.match(bare):
        raise CellError(f"{shown!r} is a prefix, not an address", "give the address without the mask")
    if "%" in bare:
        raise CellError(f"{shown!r} names an interface", "give the address alone")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        raise CellError(f"{shown!r} is no IP address", "write it as 192.0.2.10") from None
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        raise CellError(f"{shown!r} is no host's address")
    return str(address)


def read_prefix(text: str) -> str:
    """One prefix in canonical form: ``10.1.2.0/24``; a lone address becomes a /32 or /128.

    Host bits are cleared (10.1.2.1/24 names the network by its gateway, as people do); ranges are refused
    with the prefixes that would say the same.
    """
    shown = evidence(text)
    bare = code(text).replace("。", ".")
    if _RANGE.match(bare):
        raise CellError(f"{shown!r} is a range", _prefixes_of(bare))
    if "%" in bare:
        raise CellError(f"{shown!r} names an interface", "give the prefix alone")
    try:
        network = ipaddress.ip_network(bare, strict=False)
    except ValueError:
        raise CellError(f"{shown!r} is no prefix", "write it as 192.0.2.0/24") from None
    if network.prefixlen < (8 if network.version == 4 else 16):
        raise CellError(f"{shown!r} is wider than any department's network", "check the mask")
    return str(network)


def _prefixes_of(bare: str) -> str:
    first, _, last = re.sub(r"~|—|–|至|到", "-", bare).partition("-")
    if "." in first and "." not in last:
        last = first.rpartition(".")[0] + "." + last
    try:
        low, high = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
        parts = [str(n) for n in ipaddress.summarize_address_range(low, high)]
    except ValueError:
        return "write prefixes such as 192.0.2.0/24"
    return f"write {'、'.join(parts)}" if len(parts) <= 4 else "write prefixes such as 192.0.2.0/24"


def read_mac(text: str) -> str:
    """A hardware address as ``00:11:22:aa:bb:cc``."""
    digits = re.sub(r"[-:.\s]", "", fold(text)).casefold()
    if not _HEX.match(digits):
        raise CellError(f"{evidence(text)!r} is no MAC address", "write it as 00:11:22:AA:BB:CC")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def read_uuid(text: str) -> str:
    """A UUID in lower case with hyphens."""
    try:
        return str(uuid.UUID(code(text)))
    except ValueError:
        raise CellError(f"{evidence(text)!r} is no UUID", "copy it from the machine's firmware") from None


def read_region(text: str) -> str:
    """A division code of six digits (GB/T 2260)."""
    bare = code(text)
    if not (bare.isascii() and bare.isdigit() and len(bare) == 6):
        raise CellError(f"{evidence(text)!r} is no division code", "six digits, as 140800")
    return bare
