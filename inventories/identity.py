"""Which identifiers join two observations into one thing, and with what trust.

The order of :data:`SCHEMES` is the order of trust. A host name alone never joins; an identifier claimed by
many is evidence of none (that is decided in :mod:`inventories.reconcile`).
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Mapping

from inventories.kinds import KINDS
from inventories.model import Identifier

#: Scheme → rank of trust; smaller is stronger.
SCHEMES: Mapping[str, int] = {
    "pin": 0,
    "department": 0,
    "uuid": 1,
    "instance": 1,
    "serial": 2,
    **{f"{kind}-code": 3 for kind in KINDS},
    "place": 3,
    "service": 3,
    "mac": 4,
    "ip": 5,
    **{f"{kind}-name": 6 for kind in KINDS if kind != "host"},
}

#: Schemes of which one thing has one value: two values mean two things.
EXCLUSIVE = frozenset({"pin", "department", "uuid", "instance", "serial", *(f"{kind}-code" for kind in KINDS)})

# What firmware says when nobody typed a serial number in.
_JUNK_SERIAL = re.compile(
    r"^(to be filled by o\.?e\.?m\.?|default string|system serial number|not specified|not available|none|null"
    r"|n/?a|unknown|oem|x+|0+|1234567(89?0?)?|[-. _/]*)$",
    re.IGNORECASE,
)
_MAC = re.compile(r"^[0-9a-f]{12}$")


def department_id(value: str) -> Identifier:
    return Identifier("department", value)


def code_id(kind: str, code: str) -> Identifier:
    """A register's own code for a thing (资产编号, 系统编号, 机房编号)."""
    return Identifier(f"{kind}-code", code.strip())


def name_id(kind: str, department: str, name: str) -> Identifier:
    """A thing's name within its department; weak, and never used for hosts."""
    if kind == "host":
        raise ValueError("a host name alone never identifies a host")
    return Identifier(f"{kind}-name", f"{department}/{name.strip()}")


def ip_id(address: str, vantage: str) -> Identifier:
    """An address as seen from one vantage. ValueError for text that is no address, or without a vantage."""
    if not vantage:
        raise ValueError("an address identifies nothing without a vantage")
    return Identifier("ip", str(ipaddress.ip_address(address)), vantage)


def service_id(address: str, port: int, protocol: str, vantage: str) -> Identifier:
    return Identifier("service", f"{ipaddress.ip_address(address)}:{port}/{protocol}", vantage)


def mac_id(mac: str, vantage: str) -> Identifier | None:
    """A MAC address within a vantage; None for multicast, all-zero and malformed ones."""
    digits = re.sub(r"[^0-9a-f]", "", mac.lower())
    if not vantage or not _MAC.match(digits) or digits == "0" * 12 or int(digits[:2], 16) & 1:
        return None
    return Identifier("mac", ":".join(digits[i : i + 2] for i in range(0, 12, 2)), vantage)


def uuid_id(text: str) -> Identifier | None:
    """A hardware UUID, the same for both byte orders of its first three groups; None for junk.

    Firmware and guest disagree about the byte order of the first three groups (SMBIOS 2.6, section 7.2.1), so
    the smaller of the two spellings stands for both.
    """
    try:
        parsed = uuid.UUID(text.strip())
    except ValueError:
        return None
    if len(set(parsed.bytes)) <= 2:
        return None
    twin = uuid.UUID(bytes=parsed.bytes_le)
    return Identifier("uuid", min(str(parsed), str(twin)))


def serial_id(vendor: str, serial: str) -> Identifier | None:
    """A serial number together with its vendor; None without a vendor and for placeholder serials."""
    serial, vendor = serial.strip(), vendor.strip()
    if not vendor or len(serial) < 4 or _JUNK_SERIAL.match(serial) or len(set(serial)) == 1:
        return None
    return Identifier("serial", f"{vendor.casefold()}|{serial.upper()}")


def instance_id(cloud_code: str, instance: str) -> Identifier:
    """A virtual machine's identity in its own cloud."""
    return Identifier("instance", f"{cloud_code}/{instance.strip()}")


def rank(identifier: Identifier) -> int:
    """Trust of an identifier; KeyError for an unknown scheme."""
    return SCHEMES[identifier.scheme]
