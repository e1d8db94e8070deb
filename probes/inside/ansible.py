"""What Ansible's ``setup`` and ``package_facts`` tell, put where the script would have printed it.

So both ways are read by the same code and give the same facts; whatever Ansible tells in another form, or guesses, is
left to the part of the script that runs beside it (:data:`~probes.inside.script.EXTRAS`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from probes.inside.model import Inside
from probes.inside.raw import build
from probes.inside.sections import split

#: The firmware's field → Ansible's name for it.
_DMI = {
    "sys_vendor": "system_vendor",
    "product_name": "product_name",
    "product_version": "product_version",
    "board_vendor": "board_vendor",
    "board_name": "board_name",
    "bios_vendor": "bios_vendor",
    "product_serial": "product_serial",
    "product_uuid": "product_uuid",
}
#: A host with more packages than this is none.
MAX_PACKAGES = 20_000


def from_ansible(facts: Mapping[str, object], packages: Mapping[str, object], extras: str) -> Inside:
    """``facts`` are ``ansible_facts`` of ``setup`` (names with or without ``ansible_``), ``packages`` is
    ``package_facts``' map of name → list of versions, ``extras`` the output of the restricted script.

    Without facts the result is not complete. Never raises for what a host put there.
    """
    sections = split(extras)
    parts: dict[str, list[str]] = {}
    hostname, memory = _text(facts, "nodename"), _number(facts, "memtotal_mb")
    if hostname:
        parts["host"] = [hostname]
    if memory:
        parts["memory"] = [f"MemTotal: {memory * 1024} kB"]
    dmi = [f"{name}\t{value}" for name, fact in _DMI.items() if (value := _text(facts, fact)) not in ("", "NA")]
    if hostname:
        parts["dmi"] = dmi
    if packages:
        parts["packages"] = list(_packages(packages))
    found = build(sections.with_parts(parts))
    return found if hostname else replace(found, is_complete=False)


def _fact(facts: Mapping[str, object], name: str) -> object:
    return facts.get(f"ansible_{name}", facts.get(name))


def _text(facts: Mapping[str, object], name: str) -> str:
    value = _fact(facts, name)
    return value.strip() if isinstance(value, str) else ""


def _number(facts: Mapping[str, object], name: str) -> int:
    value = _fact(facts, name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**12 else 0


def _packages(packages: Mapping[str, object]) -> Iterator[str]:
    for count, (name, versions) in enumerate(packages.items()):
        if count >= MAX_PACKAGES or not isinstance(versions, list):
            continue
        for one in versions[:20]:
            if not isinstance(one, Mapping):
                continue
            manager = "dpkg" if one.get("source") == "apt" else "rpm"
            release = one.get("release")
            version = f"{one.get('version', '')}-{release}" if release else f"{one.get('version', '')}"
            yield f"{manager}\t{name}\t{version}"
