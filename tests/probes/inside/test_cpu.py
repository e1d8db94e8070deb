"""Processors by what machines show of them. The texts are synthetic: no such machine was read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inventories.model import Strength
from probes.inside import from_raw
from probes.inside.model import Cpu

INSIDE, OUTSIDE, HINTED = Strength.SEEN_INSIDE, Strength.SEEN_OUTSIDE, Strength.HINTED

Run = Callable[..., str]

PHYSICAL = "vm\tnone\ncontainer\tnone\nsys_vendor\tInspur\nproduct_name\tNF5280M5"
GUEST = "vm\tkvm\ncontainer\tnone\nsys_vendor\tQEMU\nproduct_name\tKVM Virtual Machine"


def cpu(
    run: Run, *, arch: str = "x86_64", info: str = "", lscpu: str = "", own: str = "", virt: str = PHYSICAL
) -> Cpu:
    parts = {"kernel": f"{arch}\n4.19\n0", "cpuinfo": info, "lscpu": lscpu, "cpu": own, "virt": virt}
    return from_raw(run(parts)).cpu


def x86(vendor: str, name: str, flag: int = 0) -> str:
    return f"cpu family\t: 6\nmodel name\t: {name}\nvendor_id\t: {vendor}\nhypervisor flag: {flag}\nprocessors: 8"


def arm(implementer: str, part: str, name: str = "") -> str:
    return f"CPU implementer\t: {implementer}\nCPU part\t: {part}\n" + (f"model name\t: {name}" if name else "")


@pytest.mark.parametrize(
    ("vendor", "product", "name"),
    [
        ("飞腾", "飞腾 FT-2000+", "Phytium,FT-2000+/64"),
        ("飞腾", "飞腾 S2500", "Phytium,S2500/64 C00"),
        ("飞腾", "飞腾 D2000", "Phytium,D2000/8 E8C"),
        ("飞腾", "飞腾 S5000", "Phytium,S5000"),
        ("飞腾", "飞腾 D3000", "Phytium,FT-D3000"),
    ],
)
def test_phytium_by_the_name_that_its_kernel_prints(run: Run, vendor: str, product: str, name: str) -> None:
    got = cpu(run, arch="aarch64", info=arm("0x70", "0x663", name))
    assert (got.vendor, got.product, got.text) == (vendor, product, name)
    assert got.vendor_strength is got.product_strength is INSIDE
    assert "0x70 part 0x663" in got.evidence


@pytest.mark.parametrize("part", ["0x303", "0x660", "0x661", "0x662", "0x663", "0x664", "0x862"])
def test_a_core_that_several_products_share_names_none(run: Run, part: str) -> None:
    got = cpu(run, arch="aarch64", info=arm("0x70", part))
    assert (got.vendor, got.product) == ("飞腾", "")
    assert got.vendor_strength is INSIDE


def test_the_model_of_a_guest_on_phytium_is_a_guess_of_its_kernel(run: Run) -> None:
    got = cpu(run, arch="aarch64", info=arm("0x70", "0x663", "Phytium,D2000/8"), virt=GUEST)
    assert (got.vendor, got.vendor_strength) == ("飞腾", OUTSIDE)
    assert (got.product, got.product_strength) == ("飞腾 D2000", HINTED)
    assert got.view == "guest"
    assert "虚拟机内所见" in got.evidence


def test_firmware_names_what_the_kernel_does_not(run: Run) -> None:
    lscpu = "Vendor ID: Phytium\nModel name: FTC662\nBIOS Model name: FT-2000+/64"
    got = cpu(run, arch="aarch64", info=arm("0x70", "0x662"), lscpu=lscpu)
    assert (got.product, got.view) == ("飞腾 FT-2000+", "bios")
    assert got.evidence.startswith("BIOS: FT-2000+/64")


def test_midr_is_enough_where_the_kernel_prints_nothing(run: Run) -> None:
    got = cpu(run, arch="aarch64", own="midr\t0x00000000481fd010")
    assert (got.vendor, got.product) == ("华为", "鲲鹏 920")
    assert "CPU implementer 0x48 part 0xd01" in got.evidence


@pytest.mark.parametrize(("part", "product"), [("0xd01", "鲲鹏 920"), ("0xd22", "鲲鹏 920"), ("0xd06", "鲲鹏 950")])
def test_kunpeng_by_its_part(run: Run, part: str, product: str) -> None:
    assert cpu(run, arch="aarch64", info=arm("0x48", part)).product == product


@pytest.mark.parametrize(
    ("vendor_id", "name", "vendor", "product"),
    [
        ("HygonGenuine", "Hygon C86 7280 32-core Processor", "海光", "海光 C86 7280"),
        ("  Shanghai  ", "ZHAOXIN KaiXian KX-U6780A@2.7GHz", "兆芯", "兆芯 KX-U6780A"),
        ("CentaurHauls", "ZHAOXIN KaisHeng KH-37800D", "兆芯", "兆芯 KH-37800D"),
        ("GenuineIntel", "Intel(R) Xeon(R) Gold 6248R CPU @ 3.00GHz", "Intel", "Intel(R) Xeon(R) Gold 6248R"),
        ("AuthenticAMD", "AMD EPYC 7551 32-Core Processor", "AMD", "AMD EPYC 7551"),
    ],
)
def test_x86_by_its_brand(run: Run, vendor_id: str, name: str, vendor: str, product: str) -> None:
    got = cpu(run, info=x86(vendor_id, name))
    assert (got.vendor, got.product, got.vendor_strength) == (vendor, product, INSIDE)


def test_the_architecture_alone_proves_nothing(run: Run) -> None:
    assert cpu(run, arch="x86_64").vendor == cpu(run, arch="aarch64").vendor == ""


@pytest.mark.parametrize(
    ("vendor_id", "name"),
    [
        ("AuthenticAMD", "AMD EPYC Processor"),
        ("AuthenticAMD", "AMD EPYC-Rome Processor"),
        ("GenuineIntel", "Intel Xeon Processor (Skylake, IBRS)"),
        ("GenuineIntel", "QEMU Virtual CPU version 2.5+"),
    ],
)
def test_a_stand_in_names_no_maker_for_sure(run: Run, vendor_id: str, name: str) -> None:
    got = cpu(run, info=x86(vendor_id, name, 1), virt=GUEST)
    assert got.product == ""
    assert got.vendor_strength is got.text_strength is HINTED


def test_a_guest_shows_what_its_hypervisor_passes_through(run: Run) -> None:
    got = cpu(run, info=x86("HygonGenuine", "Hygon C86 7280 32-core Processor", 1), virt=GUEST)
    assert (got.vendor, got.product, got.product_strength) == ("海光", "海光 C86 7280", OUTSIDE)


def test_two_makers_in_one_machine_are_none(run: Run) -> None:
    got = cpu(run, arch="aarch64", info=arm("0x48", "0xd01", "Phytium,S2500/64 C00"))
    assert (got.vendor, got.product) == ("", "")


LOONGSON = "CPU Family\t: Loongson-64bit\nModel Name\t: {}\nsystem type\t: generic-loongson-machine"


def test_loongson_and_its_guests(run: Run) -> None:
    own = cpu(run, arch="loongarch64", info=LOONGSON.format("Loongson-3A5000-HV"))
    assert (own.vendor, own.product, own.product_strength) == ("龙芯", "龙芯 3A5000", INSIDE)
    guest = cpu(run, arch="loongarch64", info=LOONGSON.format("Loongson-3A5000"), virt=GUEST)
    assert (guest.vendor, guest.vendor_strength) == ("龙芯", OUTSIDE)
    assert guest.product_strength is HINTED


def test_sunway_by_its_architecture(run: Run) -> None:
    got = cpu(run, arch="sw_64", info="processors: 64")
    assert (got.vendor, got.vendor_strength, got.evidence) == ("申威", INSIDE, "uname -m: sw_64")


def test_firmware_of_an_emulator_is_not_asked(run: Run) -> None:
    lscpu = "BIOS Model name: pc-q35-7.2\nModel name: AMD EPYC Processor"
    assert cpu(run, info=x86("AuthenticAMD", "AMD EPYC Processor", 1), lscpu=lscpu, virt=GUEST).view == "guest"
