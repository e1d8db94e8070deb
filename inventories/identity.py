"""Which identifiers join two observations into one thing, and with what trust.

The order of :data:`SCHEMES` is the order of trust. A host name alone never joins; an identifier claimed by
many is evidence of none (that is decided in :mod:`inventories.reconcile`).
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
import uuid
from collections.abc import Mapping

from inventories.kinds import KINDS
from inventories.model import Identifier
from inventories.placeholders import both_orders, is_placeholder_serial, is_placeholder_uuid, is_shared_mac

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
    "seed": 7,
}

#: Schemes of which one thing has one value: two values mean two things.
EXCLUSIVE = frozenset({"pin", "department", "uuid", "instance", "serial", *(f"{kind}-code" for kind in KINDS)})

_MAC = re.compile(r"^([0-9a-f]{2}([:-]?)[0-9a-f]{2}(?:\2[0-9a-f]{2}){4}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})$")
# The same maker as firmware, Chinese registers and its full company name write it.
_VENDORS: Mapping[str, str] = {
    "华为": "huawei",
    "浪潮": "inspur",
    "联想": "lenovo",
    "曙光": "sugon",
    "中科曙光": "sugon",
    "新华三": "h3c",
    "new h3c": "h3c",
    "戴尔": "dell",
    "惠普": "hp",
    "hewlett-packard": "hp",
}
_COMPANY = re.compile(
    r"[\s,.]*\b(technologies|technology|electronic|information|industry|inc|incorporated|corp|corporation|co|ltd"
    r"|limited)\b\.?|有限公司|股份|集团|科技|技术|信息产业",
    re.IGNORECASE,
)


def plain_name(text: str) -> str:
    """A name or code as it is compared: one width, no white space, no case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def plain_code(text: str) -> str:
    """A register's code as it is compared and kept: one width, no white space, upper case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def department_id(value: str) -> Identifier:
    return Identifier("department", value.strip())


def code_id(kind: str, code: str) -> Identifier:
    """A register's own code for a thing (资产编号, 系统编号, 机房编号)."""
    return Identifier(f"{kind}-code", plain_code(code))


def name_id(kind: str, department: str, name: str) -> Identifier:
    """A thing's name within its department; weak, and never used for hosts."""
    if kind == "host":
        raise ValueError("a host name alone never identifies a host")
    return Identifier(f"{kind}-name", f"{department.strip()}/{plain_name(name)}")


def ip_id(address: str, vantage: str) -> Identifier:
    """An address as seen from one vantage, an IPv4-mapped one as IPv4.

    ValueError for text that is no address, for one that many things share (unspecified, multicast, broadcast)
    and without a vantage.
    """
    if not vantage:
        raise ValueError("an address identifies nothing without a vantage")
    parsed = ipaddress.ip_address(address.strip())
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed.is_unspecified or parsed.is_multicast or str(parsed) == "255.255.255.255":
        raise ValueError(f"{parsed} is no one thing's address")
    return Identifier("ip", str(parsed), vantage)


def service_id(address: str, port: int, protocol: str, vantage: str) -> Identifier:
    """A service seen: address, port and protocol as seen from one vantage."""
    return Identifier("service", f"{ipaddress.ip_address(address)}:{port}/{protocol}", vantage)


def service_parts(identifier: Identifier) -> tuple[str, int, str]:
    """Address, port and protocol of a ``service`` identifier; ValueError for anything else."""
    address, _, rest = identifier.value.rpartition(":")
    port, _, protocol = rest.partition("/")
    if identifier.scheme != "service" or not address or not port.isdecimal():
        raise ValueError(f"{identifier} names no service")
    return address, int(port), protocol


def place_id(department: str, zone: str, location: str, what: str) -> Identifier:
    """A place at which something was inferred: it stays the same whichever machines revealed it."""
    return Identifier("place", f"{department}/{zone}/{plain_name(location)}/{what}")


def seed_id(words: str, number: int) -> Identifier:
    """Stands for a thing that nothing identifies, by what its sources call it; no source may give it.

    ``number`` counts those of which the same is said.
    """
    return Identifier("seed", f"{hashlib.sha256(words.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}-{number}")


def mac_id(mac: str, vantage: str) -> Identifier | None:
    """A MAC address within a vantage; None for malformed, multicast, all-zero and shared ones.

    Shared are those of redundant routers and firewalls, of clusters and containers, and those that a driver gives to
    every machine (:mod:`inventories.placeholders`).
    """
    text = mac.strip().lower()
    if not vantage or not _MAC.match(text):
        return None
    digits = re.sub(r"[^0-9a-f]", "", text)
    if is_shared_mac(digits):
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
    return None if is_placeholder_uuid(parsed) else Identifier("uuid", both_orders(parsed))


def serial_id(vendor: str, serial: str) -> Identifier | None:
    """A serial number together with its vendor; None without a vendor and for placeholder serials."""
    words, made_by = " ".join(unicodedata.normalize("NFKC", serial).split()), maker(vendor)
    if not made_by or is_placeholder_serial(words):
        return None
    return Identifier("serial", f"{made_by}|{plain_code(words)}")


def maker(vendor: str) -> str:
    """A vendor's name as it is compared.

    ``Huawei Technologies Co., Ltd.``, ``华为技术有限公司`` and ``HUAWEI`` are one maker.
    """
    text = " ".join(unicodedata.normalize("NFKC", vendor).split()).casefold()
    short = _COMPANY.sub("", text).strip(" ,.()") or text
    return _VENDORS.get(short, short)


def instance_id(cloud_code: str, instance: str) -> Identifier:
    """A virtual machine's identity in its own cloud."""
    return Identifier("instance", f"{plain_code(cloud_code)}/{instance.strip()}")


def instance_parts(identifier: Identifier) -> tuple[str, str]:
    """Cloud code (empty where there is none) and instance of an ``instance`` identifier; ValueError for others."""
    cloud, _slash, instance = identifier.value.rpartition("/")
    if identifier.scheme != "instance":
        raise ValueError(f"{identifier} names no instance")
    return cloud, instance


def mark(identifier: Identifier) -> tuple[str, str]:
    """What an identifier of an exclusive scheme tells a thing apart by: two marks of a scheme mean two things.

    An instance whose name in its cloud is a UUID is the same one through whichever of its clouds it is listed: a
    vCenter and the ESXi below it, or the two vCenters between which it moved.
    """
    if identifier.scheme == "instance":
        instance = instance_parts(identifier)[1]
        if _UUID.fullmatch(instance):
            return identifier.scheme, instance.lower()
    return identifier.scheme, identifier.value


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def rank(identifier: Identifier) -> int:
    """Trust of an identifier; KeyError for an unknown scheme."""
    return SCHEMES[identifier.scheme]


def identifies(kind: str, identifier: Identifier) -> bool:
    """Whether an identifier can say which thing of this kind is meant.

    A system's code in a host's row says what runs there, not which host it is; a blank value says nothing.
    """
    scheme = identifier.scheme
    if scheme not in _OF_KIND[kind] or not identifier.value:
        return False
    if scheme in _SEEN_FROM:
        return bool(identifier.vantage)
    return not scheme.endswith("-name") or bool(identifier.value.partition("/")[2])


#: Schemes that mean something only as seen from one place.
_SEEN_FROM = frozenset({"ip", "mac", "service"})
#: Kind → the schemes that can say which one is meant.
_OF_KIND: Mapping[str, frozenset[str]] = {
    kind: frozenset(
        scheme
        for scheme in SCHEMES
        if scheme != "seed"
        and (scheme == "department") <= (kind == "department")
        and (scheme.startswith(f"{kind}-") or not scheme.endswith(("-code", "-name")))
    )
    for kind in KINDS
}
