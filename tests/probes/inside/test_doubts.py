"""What is not shown is not told: look-alikes of uplinks, public addresses and physical machines. All synthetic."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from inventories.model import Fact, Observation
from probes.inside import from_raw
from probes.inside.windows import from_windows

Run = Callable[..., str]
Observe = Callable[..., Observation]
Told = Callable[[Observation, str], dict[object, Fact]]

CARD = "name=eth0\ttype=1\taddress=6c:92:bf:00:00:01\tdevice=1\tdriver={}"
NONE = "vm\tnone\ncontainer\tnone\nsys_vendor\tHuawei\nproduct_name\tTaiShan 200"


@pytest.mark.parametrize(
    ("card", "disk", "physical"),
    [
        ("hns3", "sda", {True}),
        ("ixgbe", "nvme0n1", {True}),
        ("virtio_net", "sda", set()),
        ("vmxnet3", "sda", set()),
        ("hns3", "vda", set()),
        ("hns3", "xvda", set()),
        ("hns3", "vdo", set()),
        ("hns3", "vdm0p1", {True}),
    ],
)
def test_a_guest_with_a_makers_name_is_no_machine_of_his(
    run: Run, observe: Observe, told: Told, card: str, disk: str, physical: set[bool]
) -> None:
    """arm64 has no word for a hypervisor: systemd-detect-virt says none where firmware was given a maker's name."""
    parts = {"kernel": "aarch64\n5.10\n0", "virt": NONE, "net": CARD.format(card), "disks": f"disk 8 0 99 {disk}"}
    assert set(told(observe(from_raw(run(parts))), "is_physical")) == physical


@pytest.mark.parametrize(
    ("driver", "product", "uplink"),
    [
        ("rndis_host", "HUAWEI Mate", True),
        ("ipheth", "Apple iPhone", True),
        ("cdc_ether", "HUAWEI_MOBILE HUAWEI_MOBILE", True),
        ("cdc_ncm", "4G Modem", True),
        ("cdc_ether", "Realtek USB 10/100/1000 LAN", False),
        ("cdc_ncm", "ThinkPad Dock", False),
        ("cdc_ether", "", False),
    ],
)
def test_a_usb_card_is_an_uplink_where_it_is_a_phones(
    run: Run, observe: Observe, told: Told, driver: str, product: str, uplink: bool
) -> None:
    net = f"name=usb0\ttype=1\tdevice=1\tusb=1\tdriver={driver}\tproduct={product}"
    parts = {
        "kernel": "x86_64\n5.10\n0",
        "net": net,
        "addresses": "7: usb0    inet 10.20.30.9/24 scope global usb0",
        "routes": "default via 10.20.30.1 dev usb0",
    }
    assert bool(told(observe(from_raw(run(parts))), "uplinks")) is uplink


@pytest.mark.parametrize(
    ("line", "public"),
    [
        ("2: eth0    inet 8.8.4.4/24 scope global eth0", {True}),
        ("3: usb0    inet 8.8.4.4/24 scope global usb0", {True}),
        ("4: usb1    inet 16.1.15.2/30 scope global usb1", {False}),
        # A balancer's address on the loopback: the machine takes its traffic, and is not reached by it from here.
        ("1: lo    inet 8.8.4.4/32 scope global lo", set()),
        ("9: wg0    inet 8.8.4.4/32 scope global wg0", set()),
        ("9: docker0    inet 11.0.0.1/16 scope global docker0", {False}),
        ("2: eth0    inet 10.20.30.5/24 scope global eth0", {False}),
    ],
)
def test_a_public_address_is_denied_where_there_is_none(
    run: Run, observe: Observe, told: Told, line: str, public: set[bool]
) -> None:
    net = "\n".join(
        [
            CARD.format("ixgbe"),
            "name=lo\ttype=772",
            "name=usb0\ttype=1\tdevice=1\tdriver=cdc_ether",
            "name=usb1\ttype=1\tdevice=1\tdriver=cdc_ether",
            "name=wg0\tdevtype=wireguard",
            "name=docker0\ttype=1\tbridge=1",
        ]
    )
    parts = {"kernel": "x86_64\n5.10\n0", "net": net, "addresses": line, "routes": "default via 8.8.4.1 dev usb0"}
    seen = observe(from_raw(run(parts)))
    assert set(told(seen, "has_public_ip")) == public


@pytest.mark.parametrize(
    ("routes", "public"),
    [
        ([{"Destination": "0.0.0.0", "Mask": "0.0.0.0", "NextHop": "10.20.30.1", "InterfaceIndex": 4}], {False}),
        # A dialled line is no adapter: its route alone shows that there is one.
        ([{"Destination": "0.0.0.0", "Mask": "0.0.0.0", "NextHop": "0.0.0.0", "InterfaceIndex": 23}], set()),
        ([], set()),
    ],
)
def test_windows_may_have_lines_that_no_list_holds(
    observe: Observe, told: Told, routes: list[dict[str, Any]], public: set[bool]
) -> None:
    document = {
        "auditor": 1,
        "os": {"Caption": "Microsoft Windows Server 2016", "Version": "10.0.14393", "ProductType": 3},
        "configured": {
            "InterfaceIndex": 4,
            "Description": "x",
            "IPAddress": "10.20.30.5",
            "IPSubnet": "255.255.255.0",
        },
        "adapters": {"InterfaceIndex": 4, "NetConnectionID": "以太网", "PNPDeviceID": "PCI\\VEN_8086"},
        "routes": routes,
    }
    assert set(told(observe(from_windows(json.dumps(document))), "has_public_ip")) == public


def test_windows_at_the_code_page_of_a_chinese_console() -> None:
    text = json.dumps(
        {
            "auditor": 1,
            "os": {"Caption": "Microsoft Windows Server 2012 R2 标准版", "Version": "6.3.9600", "ProductType": 3},
            "computer": {"DNSHostName": "CZJ", "Manufacturer": "浪潮", "Model": "誠"},
        },
        ensure_ascii=False,
    )
    inside = from_windows(text.encode("gb18030").decode("utf-8", "surrogateescape"))
    assert (inside.os.name, inside.machine.vendor) == ("Microsoft Windows Server 2012 R2 标准版", "浪潮")
    # Bytes of no code page at all stay what they are: marks of something unreadable.
    broken = from_windows(text.replace("誠", "\udcff\udcff").replace("浪潮", "\udc80\udcff"))
    assert not broken.is_complete or "\udcff" not in broken.machine.product
