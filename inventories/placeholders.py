"""What firmware, drivers and network gear write where an identity should be: the same on machine after machine. Pure.

A value from here identifies nothing. The serial numbers, UUIDs and driver addresses are those that inventory programs
refuse too (GLPI's inventory plugin, FOG, Dell OpenManage Enterprise: each keeps such a list, and they agree); where a
protocol or a maker's handbook assigns an address, it is named beside it.
"""

from __future__ import annotations

import re
import unicodedata
import uuid

# Words instead of a serial number.
_WORDS = re.compile(
    r"to be filled|default[ _]?string|null string|tulip computers"
    r"|not[ _]?(specified|available|applicable|provided|present|set(table)?|defined)"
    r"|^\W*(null|none|nil|empty|blank|invalid|unknown?|undefined|unspecified|default|eval|oem|o\.e\.m|iatpass|n/?a|tbd"
    r"|test)\W*$",
    re.IGNORECASE,
)
# The field's own name, and no number.
_FIELD = re.compile(r"^[^0-9]*serial[ _]?(number|numb|no\b)[^0-9]*$", re.IGNORECASE)
# As far as somebody's fingers went.
_COUNTING = "01234567890123456789"


def is_placeholder_serial(text: str) -> bool:
    """Whether a serial number, as it was given, is one that many machines have."""
    words = " ".join(unicodedata.normalize("NFKC", text).split())
    bare = re.sub(r"[^0-9a-z]", "", words.casefold())
    # Makers number in Latin letters: what is Chinese is somebody's remark in a register (见铭牌, 暂无, 与A-1相同).
    if len(bare) < 4 or any(ord(char) > 0x7F for char in words):
        return True
    return len(set(bare)) == 1 or bool(_WORDS.search(words) or _FIELD.search(words)) or _is_counted(words)


def _is_counted(words: str) -> bool:
    counted = re.sub(r"^(s/?n|sys|mb|oem)[-_: ]|[-_: ]", "", words.casefold())
    return (
        len(counted) >= 4
        and counted.isdigit()
        and (
            counted.rstrip("0") in ("1234", "12345", "123456", "1234567", "12345678", "123456789")
            or counted in _COUNTING
            or counted in _COUNTING[::-1]
        )
    )


def both_orders(value: uuid.UUID) -> str:
    """The one spelling that stands for a UUID in either byte order of its first three groups (SMBIOS 2.6, 7.2.1)."""
    return min(str(value), str(uuid.UUID(bytes=value.bytes_le)))


_UUIDS = frozenset(
    both_orders(uuid.UUID(text))
    for text in (
        "03000200-0400-0500-0006-000700080009",  # AMI's sample
        "12345678-1234-5678-90ab-cddeefaabbcc",  # Insyde's sample
        "12345678-1234-5678-1234-567812345678",
        "01234567-89ab-cdef-0123-456789abcdef",
        "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "01020304-0506-0708-090a-0b0c0d0e0f10",
        "11111111-2222-3333-4444-555555555555",
        "6ab5b300-538d-1014-9fb5-b0684d007b53",
        "ffffff00-ffff-ffff-ffff-ffffffffffff",
        "4c4c4544-0000-2010-8020-80c04f202020",  # Dell: "DELL" and a service tag of blanks
        "4c4c4544-0000-1010-8010-c4c04f313233",
    )
)


def is_placeholder_uuid(value: uuid.UUID) -> bool:
    """Whether a UUID is one that many machines have: a sample, or one or two bytes over and over."""
    return len(set(value.bytes)) <= 2 or both_orders(value) in _UUIDS


# First digits of addresses that several machines share, or that only repeat an IP address.
_SHARED_MACS = re.compile(
    r"^("
    # Redundant routers: VRRP for both families (RFC 9568), HSRP 1, 2 and its IPv6 form, GLBP.
    r"00005e0001|00005e0002|00000c07ac|00000c9ff|000573a00|0007b400"
    # Pairs of firewalls: FortiGate (FGCP; its administration guide, "Cluster virtual MAC addresses").
    r"|00090f09"
    # Clusters: Microsoft NLB, which writes the cluster's own IP address behind 02:bf.
    r"|02bf"
    # Containers: Docker writes their IP address behind 02:42; Calico gives every host's end of a link the same.
    r"|0242|eeeeeeeeeeee"
    # Networks within one machine: VMware's (VMnet0 to 19), VirtualBox's, and QEMU's first few cards.
    r"|005056c000|0a00270000|5254001234(5[6-9a-f])"
    # Windows' own lines (PPTP, RAS, loopback), and the cards of VPN programs and modems that have all the same one.
    r"|505054503030|204153594eff|24b620524153|02004c4f4f50|02004e435049|00059a3c7[0-9a-f]00|025041000001"
    r"|028037ec0200|00a0c6000000|000bcafe000|0c5b8f279a64|00090ffe0001|feffffffffff"
    r")"
)


def is_shared_mac(digits: str) -> bool:
    """Whether a card's address (twelve hexadecimal digits in lower case) is one that several machines have at once.

    Multicast addresses are nobody's; all noughts, and the same digit pair over and over, were never burnt in.
    """
    pairs = {digits[i : i + 2] for i in range(0, 12, 2)}
    return len(pairs) == 1 or bool(int(digits[:2], 16) & 1) or bool(_SHARED_MACS.match(digits))
