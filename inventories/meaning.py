"""When two sources that put it differently say the same. Pure.

A machine calls itself ``web1`` and its domain calls it ``web1.example.gov.cn``; its hypervisor gave it 8192 MB and
its kernel counts 7821; its firmware and its cloud write one UUID in two byte orders. None of this is a contradiction,
and taking it for one would hide what both know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from inventories.identity import maker, plain_name, uuid_id
from inventories.model import Value

#: What kernels, crash dumps and firmware keep to themselves, of what was given: at most this share.
_MEMORY_KEPT = 0.2

#: Platform → what it may be more precisely: a government cloud may be run by OpenStack, and that on KVM.
_REFINED: Mapping[str, frozenset[str]] = {
    "kvm": frozenset({"openstack", "proxmox", "gov_cloud", "public_cloud"}),
    "xen": frozenset({"openstack", "gov_cloud", "public_cloud"}),
    "openstack": frozenset({"gov_cloud", "public_cloud"}),
    "vsphere": frozenset({"gov_cloud", "public_cloud"}),
    "hyperv": frozenset({"gov_cloud", "public_cloud"}),
}


def agreed(column: str, values: Sequence[Value]) -> Value:
    """What several answers in one column come to if they say the same: the most precise of them; None: they differ.

    ``values`` are what columns show (never None), at least one; of equally precise ones the first is taken.
    """
    first = values[0]
    if all(value == first for value in values):
        return first
    if isinstance(first, tuple) or not (same := _SAME.get(column)):
        return first if len({compared(value) for value in values}) == 1 else None
    return same(values)


def compared(value: Value) -> object:
    """A value without differences of width, case and white space."""
    if isinstance(value, str):
        return plain_name(value)
    if isinstance(value, tuple):
        return frozenset(plain_name(item) for item in value)
    return value


def _host_names(values: Sequence[Value]) -> Value:
    names = {plain_name(str(value)).rstrip("."): value for value in reversed(values)}
    full = [name for name in names if "." in name]
    if len(full) > 1:
        return None
    label = full[0].partition(".")[0] if full else next(iter(names))
    if any(name != label for name in names if "." not in name):
        return None
    return names[full[0] if full else label]


def _memories(values: Sequence[Value]) -> Value:
    sizes = [value for value in values if isinstance(value, int)]
    return max(sizes) if min(sizes) >= max(sizes) * (1 - _MEMORY_KEPT) else None


def _platforms(values: Sequence[Value]) -> Value:
    names = [str(value) for value in values]
    for name in names:
        if all(other == name or name in _REFINED.get(other, ()) for other in names):
            return name
    return None


def _as(spell: Callable[[str], object]) -> Callable[[Sequence[Value]], Value]:
    def same(values: Sequence[Value]) -> Value:
        return values[0] if len({spell(str(value)) for value in values}) == 1 else None

    return same


def _uuid(text: str) -> object:
    return uuid_id(text) or plain_name(text)


_SAME: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    "hostname": _host_names,
    "memory_mb": _memories,
    "platform": _platforms,
    "vendor": _as(maker),
    "hardware_uuid": _as(_uuid),
}
