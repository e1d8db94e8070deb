"""What the recorded inventory becomes: machines, hosts and the platform, and what of them identifies anything."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from inventories.identity import code_id, instance_id, ip_id, mac_id, serial_id, uuid_id
from inventories.model import Collection, Fact, Observation, Strength
from probes.access import Belongs

INSTANCE = "6f2a4c10-9d1e-4b7a-8c55-0a4be2c7d901"


def named(got: Collection, name: str) -> Observation:
    (found,) = [o for o in got.observations if value(o, "name") == name]
    return found


def fact(observation: Observation, column: str) -> Fact | None:
    found = [f for f in observation.facts if f.column == column]
    assert len(found) <= 1
    return found[0] if found else None


def value(observation: Observation, column: str) -> Any:
    found = fact(observation, column)
    return found.value if found else None


def schemes(observation: Observation) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for identifier in observation.identifiers:
        out.setdefault(identifier.scheme, []).append(identifier.value)
    return out


@pytest.fixture
def got(lab: Any) -> Collection:
    rows = (
        Belongs("folder", "*/财政局/*", department="czj"),
        Belongs("metadata:系统", "XT-*", system="{value}"),
        Belongs("folder", "民政局", department="mzj"),
    )
    return lab.look(lab.start(), belongs=rows)


def test_the_whole_inventory_is_covered_and_nothing_failed(got: Collection) -> None:
    assert got.failures == ()
    (covered,) = got.coverage
    assert (covered.collector, covered.zone, covered.vantage) == ("vsphere", "z", "v")
    assert (covered.aspect, covered.scope, covered.detail) == ("resources", ("*",), INSTANCE)
    assert len(got.observations) == 2 + 6 + 1
    assert {o.collector for o in got.observations} == {"vsphere"}
    assert all(o.source.startswith("vsphere https://127.66.0.2:") and o.zone == "z" for o in got.observations)
    assert all(o.observed_at.utcoffset() is not None and not o.observed_at.utcoffset() for o in got.observations)


def test_a_machine(got: Collection) -> None:
    machine = named(got, "cz-web-01")
    assert machine.department_id == "czj"
    assert set(machine.identifiers) == {
        instance_id(INSTANCE, "5011a3c6-11f0-4a0f-9b3c-5d6e7f809101"),
        uuid_id("4211a3c6-11f0-4a0f-9b3c-5d6e7f809101"),
        mac_id("00:50:56:81:00:01", "v"),
        ip_id("127.66.2.1", "v"),
    }
    shown = {f.column: f.value for f in machine.facts}
    assert shown == {
        "name": "cz-web-01",
        "platform": "vsphere",
        "is_physical": False,
        "power_state": "on",
        "guest_tools": "guestToolsRunning",
        "memory_mb": 8192,
        "hostname": "cz-web-01.example",
        "os_name": "CentOS 7",
        "ips": ("127.66.2.1", "127.66.2.100"),
        "macs": ("00:50:56:81:00:01",),
        "cloud_project": "示例机房/财政局/生产",
        "cloud_tags": ("系统=XT-001",),
        "system_codes": ("XT-001",),
        # 17:30 UTC is the next day in China.
        "created_on": date(2021, 7, 1),
    }
    assert fact(machine, "platform").strength is Strength.SEEN_INSIDE
    assert fact(machine, "os_name").strength is Strength.SEEN_OUTSIDE


def test_addresses_that_many_have_identify_nobody(got: Collection) -> None:
    # A container bridge's address is not even told; a cluster's is told, and belongs to neither.
    for name, own in (("cz-web-02", "127.66.2.2"), ("民政/数据库", "127.66.2.3")):
        assert value(named(got, name), "ips") == (own, "127.66.2.99")
        assert schemes(named(got, name))["ip"] == [own]
    assert all("172.17.0.1" not in (value(o, "ips") or ()) for o in got.observations)
    # Nor does an address outside the zone, or one of a single link.
    assert value(named(got, "copy-\\u202eb"), "ips") == ("10.99.0.6",)
    assert "ip" not in schemes(named(got, "copy-\\u202eb"))
    assert not any("fe80" in address for o in got.observations for address in value(o, "ips") or ())


def test_a_copied_machine_and_its_original_are_two(got: Collection) -> None:
    original, copy = named(got, "off"), named(got, "copy-\\u202eb")
    assert "uuid" not in schemes(original) and "uuid" not in schemes(copy)
    assert schemes(original)["instance"] != schemes(copy)["instance"]


def test_a_machine_without_tools_is_known_by_its_card(got: Collection) -> None:
    machine = named(got, "no-tools")
    assert schemes(machine)["mac"] == ["00:50:56:81:00:04"]
    assert (value(machine, "ips"), value(machine, "hostname"), value(machine, "os_name")) == (None, None, None)
    assert machine.department_id == "mzj"
    assert value(machine, "guest_tools") == "guestToolsNotRunning"


def test_a_machine_that_is_off_tells_nothing_of_its_network(got: Collection) -> None:
    machine = named(got, "off")
    assert (value(machine, "power_state"), value(machine, "ips")) == ("off", None)
    assert fact(machine, "os_name") == Fact(
        "os_name", "Debian GNU/Linux 10", Strength.HINTED, "chosen when the machine was made"
    )
    assert (machine.department_id, value(machine, "system_codes")) == ("", None)


def test_a_family_of_systems_is_a_hint(got: Collection) -> None:
    machine = named(got, "民政/数据库")
    assert value(machine, "os_name") == "Microsoft Windows Server 2016 or later"
    assert fact(machine, "os_name").strength is Strength.HINTED


def test_templates_are_left_out(got: Collection) -> None:
    assert not [o for o in got.observations if value(o, "name") == "golden"]


def test_hosts(got: Collection) -> None:
    host = named(got, "esx-1.example")
    assert set(host.identifiers) == {
        uuid_id("1b4e28ba-2fa1-11d2-883f-0016d3cca427"),
        serial_id("Huawei", "2102310YJA10H6000123"),
        mac_id("3c:fd:fe:aa:00:01", "v"),
        mac_id("3c:fd:fe:aa:00:02", "v"),
        ip_id("127.66.1.11", "v"),
    }
    assert {f.column: f.value for f in host.facts} == {
        "name": "esx-1.example",
        "is_physical": True,
        "hypervisor": "VMware ESXi 7.0.3",
        "products": ("hypervisor:VMware ESXi 7.0.3",),
        "vendor": "Huawei",
        "model": "RH2288H V3",
        "cpu_model": "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz",
        "memory_mb": 262_144,
        "power_state": "on",
        "serial": "2102310YJA10H6000123",
        "ips": ("127.66.1.11",),
        "macs": ("3c:fd:fe:aa:00:01", "3c:fd:fe:aa:00:02"),
    }


def test_an_esxi_in_a_virtual_machine_is_no_physical_host(got: Collection) -> None:
    assert value(named(got, "esx-2.example"), "is_physical") is False


def test_the_platform(got: Collection, lab: Any) -> None:
    (cloud,) = [o for o in got.observations if o.kind == "cloud"]
    assert cloud.identifiers == (uuid_id(INSTANCE),)
    shown = {f.column: f.value for f in cloud.facts}
    assert shown.pop("endpoint").startswith("https://127.66.0.2:")
    assert shown.pop("software_version").startswith("7.0.3 ")
    assert shown == {
        "platform": "vcenter",
        "clusters": ("业务集群",),
        "datastores": ("共享存储1 VMFS 4096 GB",),
        "networks_observed": ("业务网 VLAN 120", "VM Network", "DC0_DVPG0"),
        "hosts_total": 2,
        "vms_total": 6,
    }
    assert all(f.strength is Strength.SEEN_INSIDE for f in cloud.facts)


def test_a_cloud_that_the_site_names(lab: Any) -> None:
    got = lab.look(lab.start(), cloud="YUN-01")
    (cloud,) = [o for o in got.observations if o.kind == "cloud"]
    assert cloud.identifiers == (code_id("cloud", "YUN-01"),)
    assert got.coverage[0].detail == "YUN-01"
    assert schemes(named(got, "off"))["instance"] == ["YUN-01/5011a3c6-11f0-4a0f-9b3c-5d6e7f809105"]


def test_an_esxi_by_itself(lab: Any) -> None:
    got = lab.look(lab.start("esxi"))
    assert got.failures == ()
    hardware = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    (cloud,) = [o for o in got.observations if o.kind == "cloud"]
    assert cloud.identifiers == (uuid_id(hardware),)
    shown = {f.column: f.value for f in cloud.facts}
    assert (shown["platform"], shown["hosts_total"], shown["vms_total"]) == ("esxi", 1, 2)
    assert "clusters" not in shown
    machine = named(got, "cz-web-01")
    assert instance_id(hardware, "5011a3c6-11f0-4a0f-9b3c-5d6e7f809101") in machine.identifiers
    assert value(machine, "cloud_project") == "财政局/生产"
    assert got.coverage[0].scope == ("*",)


def test_the_pages_are_followed_and_everything_is_given_back(lab: Any) -> None:
    server = lab.start()
    lab.look(server)
    tokens = [asked.about for asked in server.asked("ContinueRetrievePropertiesEx")]
    assert len(tokens) == len(set(tokens)) == 4
    assert len(server.asked("CreateContainerView")) == len(server.asked("DestroyView")) == 6
    assert server.methods.count("Login") == server.methods.count("Logout") == 1
    assert server.methods[-1] == "Logout"
    # Devices are long to read: only of the one that runs and tells nothing.
    (devices,) = [asked for asked in server.seen if asked.about.endswith(" devices")]
    assert devices.body.count(b"<objectSet") == 1
    assert server.dialled == 1
