"""What the system runs on: firmware's names, and whether the machine is physical, virtual or a container."""

from __future__ import annotations

import re

from probes.fingerprints.inside import MachineRow, tables
from probes.inside.model import Machine, Standing
from probes.inside.sections import Sections

#: What firmware says when nobody typed a name in.
_JUNK = re.compile(
    r"^(|to be filled by o\.?e\.?m\.?|default string|system (manufacturer|product name|version|serial number)"
    r"|not (specified|available|applicable)|none|null|n/?a|unknown|o\.?e\.?m\.?|invalid|empty|[x0.\- ]+"
    r"|(base )?board (product name|manufacturer))$",
    re.IGNORECASE,
)

#: systemd-detect-virt's words → the code of the platform; empty where they name none of them.
_PLATFORMS = {"kvm": "kvm", "qemu": "kvm", "vmware": "vsphere", "microsoft": "hyperv", "xen": "xen"}
#: Of these the word is a product's own; "kvm" is what many clouds are built of.
_NAMED = frozenset({"vmware", "microsoft"})

_GIVEN = re.compile(r"\bdriver=(virtio_net|vmxnet3|vif|xen-netfront|hv_netvsc)(\s|$)")

_FIELDS = ("product_name", "sys_vendor", "board_vendor", "bios_vendor")


def said(text: str) -> str:
    """A firmware text, or nothing where it is a placeholder."""
    words = " ".join(text.split())
    return "" if _JUNK.match(words) else words


def read_machine(sections: Sections) -> Machine:
    """Firmware's names. In a container they are those of the machine under it; see :func:`read_standing`."""
    names = dict(sections.pairs("dmi"))
    return Machine(
        vendor=said(names.get("sys_vendor", "")),
        product=said(names.get("product_name", "")),
        board_vendor=said(names.get("board_vendor", "")),
        board=said(names.get("board_name", "")),
        serial=said(names.get("product_serial", "")),
        uuid=said(names.get("product_uuid", "")),
        bios=said(names.get("bios_vendor", "")),
    )


def read_standing(sections: Sections) -> Standing:
    """Physical, virtual, container; None where nothing shows it: "physical" needs firmware's word as well."""
    pairs = sections.pairs("virt")
    names = {key: value for key, value in pairs if key in _FIELDS}
    word = next((value for key, value in pairs if key == "vm"), "")
    told = next((value for key, value in pairs if key in ("container", "group") and value not in ("", "none")), "")
    is_dom0 = any(key == "xen" and "control_d" in value for key, value in pairs)
    row = firmware_row(names)
    guest, platform, named, why = _guest(row, names, word, sections, is_dom0)
    if told:
        # wsl and proot are containers to systemd-detect-virt as well.
        return Standing(False, guest, told, "", False, f"容器 {told}")
    if guest:
        return Standing(False, guest, "", platform, named, why)
    maker = " ".join(
        part for part in (said(names.get("sys_vendor", "")), said(names.get("product_name", ""))) if part
    )
    no_hypervisor = word == "none" or (_flag(sections) == "0" and "cpuinfo" in sections.whole)
    if (no_hypervisor or is_dom0) and maker and row is None and not _is_given_devices(sections):
        seen = "systemd-detect-virt: none" if word == "none" else "Xen dom0" if is_dom0 else "没有虚拟化标志"
        return Standing(True, "", "", "bare", True, f"{seen}；DMI: {maker}")
    return Standing()


def _is_given_devices(sections: Sections) -> bool:
    """Whether its cards or disks are of the kind that hypervisors make.

    Where processors have no word for it (arm64, LoongArch), a guest whose firmware bears a maker's name looks like
    that maker's machine in all but these. A cloud's bare metal has them as well: then nothing is shown.
    """
    return any(_GIVEN.search(line) for line in sections.get("net")) or any(
        re.fullmatch(r"disk\s+\d+\s+\d+\s+\d+\s+x?vd[a-z]{1,2}", line.strip()) for line in sections.get("disks")
    )


def firmware_row(names: dict[str, str]) -> MachineRow | None:
    """The first row that fits firmware's names."""
    return next((row for row in tables().machines if row.pattern.search(names.get(row.field, ""))), None)


def _guest(
    row: MachineRow | None, names: dict[str, str], word: str, sections: Sections, is_dom0: bool
) -> tuple[str, str, bool, str]:
    """Kind of hypervisor, platform, whether that is a product's name, and the evidence; empty for none."""
    if row is not None and row.strength > row.strength.HINTED:
        named = row.platform not in ("", "kvm")
        return row.guest_of, row.platform, named, f"DMI {row.field}: {names[row.field]}"
    if is_dom0:
        return "", "", False, ""
    if word not in ("", "none"):
        return word, _PLATFORMS.get(word, ""), word in _NAMED, f"systemd-detect-virt: {word}"
    pairs = sections.pairs("virt")
    for key, value in pairs:
        kind = next((kind for kind in ("kvm", "xen", "vmware") if kind in value), "vm")
        if key in ("hypervisor", "tree"):
            return kind, _PLATFORMS.get(kind, ""), kind in _NAMED, f"内核报告虚拟化平台 {value}"
    if _flag(sections) == "1":
        return "vm", "", False, "/proc/cpuinfo: hypervisor 标志"
    return "", "", False, ""


def _flag(sections: Sections) -> str:
    """``1`` or ``0`` on x86; empty where the kernel tells no flags (other architectures)."""
    lines = sections.get("cpuinfo")
    if not any(line.lower().startswith("vendor_id") for line in lines):
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("hypervisor flag:")), "")
