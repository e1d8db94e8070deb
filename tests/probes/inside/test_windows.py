"""Windows servers from inside. Every document is synthetic: no Windows was there to be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.identity import uuid_id
from inventories.kinds import KINDS
from inventories.model import Fact, Observation, Origin, Strength
from probes.inside.windows import POWERSHELL, from_windows

Observe = Callable[..., Observation]
Told = Callable[[Observation, str], dict[object, Fact]]

SERVER: dict[str, Any] = {
    "auditor": 1,
    "os": {
        "Caption": "Microsoft Windows Server 2016 Standard",
        "Version": "10.0.14393",
        "ProductType": 3,
        "CSName": "FIN-SQL01",
        "OSArchitecture": "64 位",
        "TotalVisibleMemorySize": 33553972,
    },
    "computer": {
        "Name": "FIN-SQL01",
        "DNSHostName": "FIN-SQL01",
        "Manufacturer": "Inspur",
        "Model": "NF5280M5",
        "HypervisorPresent": False,
    },
    "product": {"UUID": "4C4C4544-0042-3510-8054-B7C04F4D3432", "IdentifyingNumber": "219301234"},
    "bios": {"Manufacturer": "American Megatrends Inc."},
    "cpu": [{"Name": "Intel(R) Xeon(R) Gold 5118 CPU @ 2.30GHz", "Manufacturer": "GenuineIntel"}] * 2,
    "configured": [
        {
            "InterfaceIndex": 4,
            "Description": "Intel(R) Ethernet Connection X722",
            "MACAddress": "6C:92:BF:00:00:01",
            "IPAddress": ["10.20.30.5", "fe80::1"],
            "IPSubnet": ["255.255.255.0", "64"],
            "DefaultIPGateway": ["10.20.30.1"],
            "DNSServerSearchOrder": ["10.20.1.53", "127.0.0.1"],
        },
        {
            "InterfaceIndex": 9,
            "Description": "TAP-Windows Adapter V9",
            "MACAddress": "00:FF:00:00:00:01",
            "IPAddress": ["10.8.0.6"],
            "IPSubnet": ["255.255.255.252"],
        },
        {
            "InterfaceIndex": 11,
            "Description": "Remote NDIS Compatible Device",
            "MACAddress": "7E:00:00:00:00:01",
            "IPAddress": ["169.254.0.2"],
            "IPSubnet": ["255.255.0.0"],
        },
    ],
    "adapters": [
        {"InterfaceIndex": 4, "NetConnectionID": "以太网", "PNPDeviceID": "PCI\\VEN_8086&DEV_37D1"},
        {"InterfaceIndex": 9, "NetConnectionID": "本地连接 2", "PNPDeviceID": "ROOT\\NET\\0000"},
        {"InterfaceIndex": 11, "NetConnectionID": "以太网 3", "PNPDeviceID": "USB\\VID_046B&PID_FFB0"},
    ],
    "routes": [
        {"Destination": "0.0.0.0", "Mask": "0.0.0.0", "NextHop": "10.20.30.1", "InterfaceIndex": 4, "Metric1": 271},
        {"Destination": "10.99.0.0", "Mask": "255.255.0.0", "NextHop": "10.8.0.5", "InterfaceIndex": 9, "Metric1": 1},
        {"Destination": "127.0.0.0", "Mask": "255.0.0.0", "NextHop": "0.0.0.0", "InterfaceIndex": 1, "Metric1": 1},
        {"Destination": "10.20.30.5", "Mask": "255.255.255.255", "NextHop": "0.0.0.0", "InterfaceIndex": 4},
    ],
    "disks": [
        {"DeviceID": "D:", "ProviderName": None, "FileSystem": "NTFS", "Size": 2000000000000},
        {"DeviceID": "C:", "ProviderName": None, "FileSystem": "NTFS", "Size": 60000000000},
        {"DeviceID": "Z:", "ProviderName": "\\\\10.20.30.80\\share", "FileSystem": "NTFS", "Size": None},
    ],
    "processes": [
        {"Id": 4, "ProcessName": "System"},
        {"Id": 1840, "ProcessName": "dmserver"},
        {"Id": 9, "ProcessName": "w3wp"},
    ],
    "tcp": [
        "TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       900",
        "TCP    0.0.0.0:5236           0.0.0.0:0              LISTENING       1840",
        "TCP    127.0.0.1:5939         0.0.0.0:0              侦听            77",
    ],
    "tcp6": "TCP    [::]:135    [::]:0    LISTENING    900",
    "udp": ["UDP    0.0.0.0:123            *:*                                    1100"],
    "programs": [
        {"DisplayName": "Microsoft SQL Server 2016 (64-bit)", "DisplayVersion": "13.0.1601.5"},
        {"DisplayName": "Private program", "DisplayVersion": "1"},
    ],
}


def document(**changes: Any) -> str:
    return json.dumps({**SERVER, **changes}, ensure_ascii=False)


def test_a_server(observe: Observe, told: Told) -> None:
    inside = from_windows("欢迎使用\r\n" + document() + "\r\n")
    assert inside.is_complete
    seen = observe(inside)
    assert {i.scheme: i.value for i in seen.identifiers} == {
        "ip": "10.20.30.5",
        "mac": "6c:92:bf:00:00:01",
        "uuid": uuid_id("4C4C4544-0042-3510-8054-B7C04F4D3432").value,  # type: ignore[union-attr]
        "serial": "inspur|219301234",
    }
    assert set(told(seen, "os_name")) == {"Microsoft Windows Server 2016 Standard"}
    assert set(told(seen, "os_version")) == {"10.0.14393"}
    assert set(told(seen, "os_id")) == {"windows-server"}
    assert set(told(seen, "is_physical")) == {True}
    assert set(told(seen, "arch")) == {"x86_64"}
    assert set(told(seen, "memory_mb")) == {32767}
    assert set(told(seen, "hostname")) == {"FIN-SQL01"}
    assert set(told(seen, "tunnels")) == {"本地连接 2 vpn 10.8.0.6"}
    assert told(seen, "uplinks") == {}
    assert set(told(seen, "routes")) == {
        "0.0.0.0/0 via 10.20.30.1 dev 以太网",
        "10.99.0.0/16 via 10.8.0.5 dev 本地连接 2",
    }
    assert set(told(seen, "listeners")) == {"135/tcp", "5236/tcp dmserver", "127.0.0.1:5939/tcp", "123/udp"}
    assert set(told(seen, "name_servers")) == {"10.20.1.53"}
    assert set(told(seen, "mounts")) == {"D: NTFS D:", "\\\\10.20.30.80\\share cifs Z:"}
    products = told(seen, "products")
    assert products["os:Microsoft Windows Server 2016 Standard"].strength is Strength.SEEN_INSIDE
    assert products["database:达梦 DM"].strength is Strength.SEEN_INSIDE
    assert products["cpu:Intel(R) Xeon(R) Gold 5118"].strength is Strength.SEEN_INSIDE
    assert products["database:Microsoft SQL Server 13.0.1601.5"].strength is Strength.HINTED
    assert "Private program" not in str(seen)
    for fact in seen.facts:
        assert Origin.OBSERVED in KINDS["host"].column(fact.column).origins


@pytest.mark.parametrize(
    ("computer", "physical", "platform"),
    [
        (
            {"Manufacturer": "Microsoft Corporation", "Model": "Virtual Machine", "HypervisorPresent": True},
            False,
            "hyperv",
        ),
        ({"Manufacturer": "VMware, Inc.", "Model": "VMware7,1", "HypervisorPresent": True}, False, "vsphere"),
        # A hypervisor is present on many a physical machine as well.
        ({"Manufacturer": "Dell Inc.", "Model": "PowerEdge R740", "HypervisorPresent": True}, None, None),
        ({"Manufacturer": "Dell Inc.", "Model": "PowerEdge R740"}, None, None),
    ],
)
def test_what_a_windows_runs_on(
    observe: Observe, told: Told, computer: dict[str, Any], physical: bool | None, platform: str | None
) -> None:
    seen = observe(from_windows(document(computer=computer)))
    assert set(told(seen, "is_physical")) == ({physical} if physical is not None else set())
    assert set(told(seen, "platform")) == ({platform} if platform else set())


def test_a_phones_connection_and_a_switch_of_hyper_v(observe: Observe, told: Told) -> None:
    configured = [
        {
            **SERVER["configured"][2],
            "DefaultIPGateway": ["192.168.42.1"],
            "IPAddress": ["192.168.42.9"],
            "IPSubnet": ["255.255.255.0"],
        },
        {
            "InterfaceIndex": 20,
            "Description": "Hyper-V Virtual Ethernet Adapter",
            "MACAddress": "00:15:5D:00:00:01",
            "IPAddress": ["10.20.30.8"],
            "IPSubnet": ["255.255.255.0"],
            "DefaultIPGateway": ["10.20.30.1"],
        },
        {
            "InterfaceIndex": 21,
            "Description": "Hyper-V Virtual Ethernet Adapter #2",
            "IPAddress": ["172.20.0.1"],
            "IPSubnet": ["255.255.240.0"],
        },
    ]
    processes = [{"Id": 1, "ProcessName": "vmms"}, {"Id": 2, "ProcessName": "vmwp"}]
    seen = observe(from_windows(document(configured=configured, processes=processes)))
    assert set(told(seen, "uplinks")) == {"以太网 3 usb-tether"}
    assert set(told(seen, "ips")) == {"10.20.30.8"}
    assert told(seen, "products")["hypervisor:Microsoft Hyper-V"].strength is Strength.SEEN_INSIDE


def test_a_workstation_is_one(observe: Observe, told: Told) -> None:
    row = {**SERVER["os"], "Caption": "Microsoft Windows 10 专业版", "ProductType": 1}
    assert set(told(observe(from_windows(document(os=row))), "os_id")) == {"windows-client"}


@pytest.mark.parametrize(
    "text",
    ["", "no json", "{", '{"auditor": 1', '{"auditor": 2}', "[]", '{"auditor": 1' + "[" * 100_000, "A" * 3_000_000],
)
def test_what_is_no_document_is_nothing(text: str) -> None:
    inside = from_windows(text)
    assert not inside.is_complete
    assert inside.os.name == ""


def test_a_part_that_could_not_be_read_is_not_there(observe: Observe, told: Told) -> None:
    nothing = {key: None for key in SERVER if key not in ("auditor", "os")}
    seen = observe(from_windows(document(**nothing)))
    assert told(seen, "has_public_ip") == {}
    assert told(seen, "is_physical") == {}


ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["Name", "IPAddress", "Id"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(SERVER)), ANY))
def test_no_document_breaks_the_reading(changes: dict[str, Any]) -> None:
    from_windows(json.dumps({**SERVER, **changes, "auditor": 1}))


def test_the_script_is_one_line_that_reads_only() -> None:
    assert "\n" not in POWERSHELL
    assert POWERSHELL.isascii()
    assert len(POWERSHELL) < 4096
    assert "#" not in POWERSHELL
    assert POWERSHELL.count("{") == POWERSHELL.count("}")
    assert POWERSHELL.count("'") % 2 == 0
    for word in ("Set-", "New-Item", "Out-File", "Remove-", "Invoke-", "Start-", "CommandLine", ">", "Stop-", "Add-"):
        assert word not in POWERSHELL, word
