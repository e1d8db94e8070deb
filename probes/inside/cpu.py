"""The processor: maker and model, from the texts and numbers that a machine shows, with what each is worth.

Several products share one core, hypervisors show stand-ins, and an architecture names a maker only where it has one:
the rows of ``cpus.yaml`` know which, and a view from inside a guest says so in its evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inventories.model import Strength
from probes.fingerprints.inside import CpuRow, tables
from probes.inside.model import Cpu, Standing
from probes.inside.sections import Sections

_GUEST_VIEW = "虚拟机内所见，由虚拟化平台给出"
#: Where /proc/cpuinfo keeps the name: x86 and patched arm64 kernels, LoongArch, MIPS, boards.
_NAME_KEYS = ("model name", "cpu model", "hardware", "processor", "cpu")


def read_cpu(sections: Sections, standing: Standing) -> Cpu:
    arch = sections.first("kernel").strip()
    info = [(key.lower(), value) for key, value in sections.pairs("cpuinfo", ":")]
    listed = dict(sections.pairs("lscpu", ":"))
    own = sections.pairs("cpu")
    view = "container" if standing.container else "guest" if standing.guest_of else "host"
    texts = [("/proc/cpuinfo", value) for name in _NAME_KEYS for key, value in info if key == name and value]
    texts += [("lscpu", listed["Model name"])] if listed.get("Model name") else []
    if not standing.guest_of:
        bios = [value for key, value in own if key == "bios"] + [listed.get("BIOS Model name", "")]
        texts = [("BIOS", value) for value in bios if _names_cpu(value)] + texts
    part = _part(info, own)
    vendor_id = next((value for key, value in info if key == "vendor_id"), "")
    return recognise(arch, texts, part, vendor_id, view, is_guest=bool(standing.guest_of))


def recognise(
    arch: str, texts: Sequence[tuple[str, str]], part: str, vendor_id: str, view: str, *, is_guest: bool
) -> Cpu:
    """What the rows make of it. ``texts`` are (source, text), best first; ``part`` is ``0x70:0x663`` or empty."""
    rows: list[tuple[CpuRow, str, str]] = []
    for source, text in texts:
        found = _row("text", text)
        # The first text that names a product counts; a text that names the maker alone does until one does.
        if found is not None and (not rows or (found.product and not rows[0][0].product)):
            rows[:1] = [(found, source, text)]
    numbers = (("part", part), ("vendor", vendor_id), ("arch", arch))
    rows += [(row, kind, value) for kind, value in numbers if value and (row := _row(kind, value)) is not None]
    vendors = {row.vendor for row, _source, _text in rows if row.vendor}
    # Two makers in one machine is a contradiction: then neither is told.
    vendor = vendors.pop() if len(vendors) == 1 else ""
    product, product_strength = _product(rows, is_guest) if vendor else ("", Strength.HINTED)
    source, text = next(
        ((source, text) for row, source, text in rows if row.kind == "text"), (texts or [("", "")])[0]
    )
    stands_in = any(row.stands_in for row, _source, _text in rows)
    if source == "BIOS" and view == "host":
        view = "bios"
    return Cpu(
        arch=arch,
        vendor=vendor,
        vendor_strength=max((_worth(row, is_guest) for row, *_ in rows if row.vendor), default=Strength.HINTED),
        product=product,
        product_strength=product_strength,
        text=text,
        text_strength=_text_strength(rows, is_guest, stands_in),
        view=view,
        evidence=_evidence(source, text, part, vendor_id, arch, is_guest),
    )


def _row(kind: str, text: str) -> CpuRow | None:
    words = " ".join(text.split())
    return next((row for row in tables().cpus if row.kind == kind and row.pattern.search(words)), None)


def _worth(row: CpuRow, is_guest: bool) -> Strength:
    return row.guest if is_guest else row.strength


def _product(rows: Sequence[tuple[CpuRow, str, str]], is_guest: bool) -> tuple[str, Strength]:
    """The product that a row names, and what that is worth; a text outranks a part number."""
    for row, _source, text in rows:
        match = row.pattern.search(" ".join(text.split()))
        if row.product and match is not None:
            return " ".join(match.expand(row.product).split()), _worth(row, is_guest)
    return "", Strength.HINTED


def _text_strength(rows: Sequence[tuple[CpuRow, str, str]], is_guest: bool, stands_in: bool) -> Strength:
    if not is_guest:
        return Strength.SEEN_INSIDE
    worths = [_worth(row, is_guest) for row, *_ in rows if row.kind == "text" and row.product]
    return worths[0] if worths and not stands_in else Strength.HINTED


def _part(info: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]]) -> str:
    """``implementer:part`` in hexadecimal: from /proc/cpuinfo, else out of MIDR_EL1."""
    implementer = next((value for key, value in info if key == "cpu implementer"), "")
    part = next((value for key, value in info if key == "cpu part"), "")
    if implementer and part:
        return f"{implementer}:{part}".lower()
    midr = next((value for key, value in own if key == "midr"), "")
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,16}", midr):
        return ""
    number = int(midr, 16)
    return f"0x{number >> 24 & 0xFF:02x}:0x{number >> 4 & 0xFFF:03x}"


def _names_cpu(text: str) -> bool:
    """Whether firmware's text names a processor: boards leave placeholders, emulators their own name."""
    words = text.strip().lower()
    return bool(words) and not re.match(r"not specified|unknown|none|to be filled|pc-|virt-|0x|n/?a\b", words)


def _evidence(source: str, text: str, part: str, vendor_id: str, arch: str, is_guest: bool) -> str:
    def parts() -> Iterator[str]:
        if text:
            yield f"{source}: {text}"
        if part:
            implementer, _, number = part.partition(":")
            yield f"CPU implementer {implementer} part {number}"
        if vendor_id:
            yield f"vendor_id {vendor_id}"
        if not text and not part and not vendor_id and arch:
            yield f"uname -m: {arch}"
        if is_guest:
            yield _GUEST_VIEW

    return "；".join(parts())
