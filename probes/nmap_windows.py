"""What nmap can tell of a Windows from outside, without a login: pure.

RDP's NTLM message holds the exact build and the machine's names. Most builds are shared by a server and a client:
then the build is told, both names stand in the evidence, and neither is claimed. Which dialects SMB speaks tells no
product, since other systems speak them too; it is evidence beside a hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inventories.faults import clean
from inventories.model import Fact, Strength
from probes.fingerprints.inside import tables
from probes.nmap_command import RDP_SCRIPT, SMB_SCRIPT
from probes.nmap_xml import Host, Port

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,6}")
MAKER = "Microsoft"

#: Names that versions of nmap give to one dialect.
_DIALECTS = {
    "NT LM 0.12": "1.0",
    **{name: name for name in ("2.0.2", "2.1", "3.0", "3.0.2", "3.1.1")},
    **{"202": "2.0.2", "210": "2.1", "300": "3.0", "302": "3.0.2", "311": "3.1.1", "2.1.0": "2.1", "3.0.0": "3.0"},
}


def windows_facts(host: Host) -> Iterator[Fact]:
    """Build, names and dialects, where the scripts had an answer."""
    for port in host.ports:
        if port.state == "open" and RDP_SCRIPT in port.tables:
            yield from _rdp(port)
    dialects = _dialects(host)
    if dialects and _says_windows(host):
        evidence = f"SMB 方言 {'、'.join(dialects)}"
        evidence += "；只支持 SMB 1.0" if dialects == ["1.0"] else ""
        yield Fact("products", (f"os:{MAKER} Windows",), Strength.HINTED, clean(evidence))


def _rdp(port: Port) -> Iterator[Fact]:
    table, place = port.tables[RDP_SCRIPT], f"{port.number}/{port.protocol} RDP"
    name = table.get("DNS_Computer_Name", "").partition(".")[0] or table.get("NetBIOS_Computer_Name", "")
    if _NAME.fullmatch(name):
        yield Fact("hostname", name, Strength.SEEN_OUTSIDE, f"{place} NTLM")
    version = table.get("Product_Version", "")
    if _VERSION.fullmatch(version):
        yield from _build(version, place)


def _build(version: str, place: str) -> Iterator[Fact]:
    row = tables().builds.get(version)
    editions = row.editions if row else ()
    told = f"{place} 内部版本 {version}" + (f"（{' 或 '.join(editions)}）" if editions else "")
    if row is None:
        # Programs that only speak RDP give an old build; a new one that no table knows yet is Windows' own.
        strength = Strength.SEEN_OUTSIDE if version.startswith("10.0.") else Strength.HINTED
    else:
        strength = row.strength
    sure = editions[0] if len(editions) == 1 else ""
    product = f"{MAKER} {sure}" if sure else f"{MAKER} Windows {version}"
    yield Fact("products", (f"os:{product}",), strength, told)
    if strength is Strength.HINTED:
        return
    yield Fact("os_version", version, strength, told)
    if sure:
        yield Fact("os_name", product, strength, told)


def _dialects(host: Host) -> list[str]:
    """``1.0``, ``2.0.2`` … as the script lists them: ``NT LM 0.12 (SMBv1) …``, and ``202`` or ``2.0.2``."""
    table = host.tables.get(SMB_SCRIPT, {})
    found = [value.partition(" (")[0].strip() for key, value in table.items() if key.startswith("dialects.")]
    return [_DIALECTS[dialect] for dialect in found if dialect in _DIALECTS]


def _says_windows(host: Host) -> bool:
    return any(port.named_by == "probed" and port.product.startswith(f"{MAKER} ") for port in host.ports)
