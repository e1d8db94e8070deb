"""Private clouds that no register names: by scans, by shells, and by the interfaces that their owners opened."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from inventories.facts import COLUMNS, supports
from inventories.identity import code_id, instance_id, ip_id, uuid_id
from inventories.model import Asset, Fact, Identifier, Observation, Strength, Value
from inventories.reconcile import Reconciled

IN, OUT = Strength.SEEN_INSIDE, Strength.SEEN_OUTSIDE
VCENTER = "vsphere https://10.1.0.60"
UUID = "4c4c4544-0042-3510-8052-b9c04f4d3{:03d}"


@pytest.fixture(scope="module")
def seen(make: Any) -> Callable[..., Observation]:
    def build(
        ip: str, *products: str, collector: str = "ssh", strength: Strength = IN, source: str = "", uuid: str = "",
        zone: str = "mzj", vantage: str = "scanner", **values: Value,
    ) -> Observation:  # fmt: skip
        facts = [Fact("products", (product,), strength, product) for product in products]
        facts += [Fact(column, value, strength, str(value)) for column, value in values.items()]
        if collector not in ("vsphere", "openstack"):
            facts.append(Fact("answers", True, strength))
        found = (ip_id(ip, vantage) if ip else None, uuid_id(uuid) if uuid else None)
        return Observation(
            "host", collector, source or collector, make.at, tuple(i for i in found if i), tuple(facts), zone=zone
        )

    return build


def interface(make: Any, *, code: str = "", zone: str = "mzj", source: str = VCENTER, **values: Any) -> Observation:
    """A cloud as its own interface tells it."""
    told = {
        "platform": "vcenter",
        "endpoint": source.partition(" ")[2],
        "software_version": "7.0.3",
        "hosts_total": 3,
        "vms_total": 41,
    }
    identifiers: tuple[Identifier | None, ...] = (
        code_id("cloud", code) if code else uuid_id("5f3a9d2e-8c41-4e0b-9a77-0d1c2b3a4f5e"),
    )
    facts = tuple(Fact(column, value, IN, source) for column, value in (told | values).items())
    known = tuple(i for i in identifiers if i)
    return Observation("cloud", source.partition(" ")[0], source, make.at, known, facts, zone=zone)


def audit(make: Any, *parts: Any, **more: Any) -> Reconciled:
    found: Reconciled = make.inferred([make.department(name) for name in ("mzj", "jtj", "bureau")], *parts, **more)
    return found


def clouds(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "cloud" and a.get("is_inferred") is True]


def shown(found: Reconciled) -> list[tuple[Any, Any, Any]]:
    return [(c.get("platform"), c.get("kind"), c.get("inference_confidence")) for c in clouds(found)]


OWN = "virtualisation"


# --- how much counts ---


@pytest.mark.parametrize(
    ("product", "machines", "expected"),
    [
        ("hypervisor:VMware ESXi 8.0.2", 1, ("esxi", OWN, 0.8)),
        ("hypervisor:VMware ESXi 8.0.2", 2, ("esxi", OWN, 0.9)),
        ("hypervisor:VMware vCenter Server", 1, ("vcenter", OWN, 0.9)),
        ("hypervisor:Proxmox VE", 1, ("proxmox", OWN, 0.8)),
        ("hypervisor:Citrix XenServer", 1, ("xenserver", OWN, 0.8)),
        ("cloud_platform:OpenStack Keystone", 1, ("openstack", OWN, 0.8)),
        # One Windows server with the role: a lead; two: a platform.
        ("hypervisor:Microsoft Hyper-V", 1, ("hyperv", None, 0.6)),
        ("hypervisor:Microsoft Hyper-V", 2, ("hyperv", OWN, 0.8)),
        # A single node is somebody's trial as likely as not.
        ("cloud_platform:Kubernetes", 1, ("kubernetes", None, 0.5)),
        ("cloud_platform:Kubernetes", 3, ("kubernetes", OWN, 0.9)),
        ("container:kubelet 1.28", 2, ("kubernetes", OWN, 0.7)),
        ("cloud_platform:华为 FusionCompute", 1, ("fusioncompute", OWN, 0.8)),
        ("hypervisor:XenServer / XCP-ng", 1, ("xenserver", OWN, 0.8)),
        ("container:Docker Engine 24", 9, None),
        ("hypervisor:QEMU/KVM", 1, None),
        ("hypervisor:QEMU/KVM", 2, ("kvm", None, 0.6)),
        ("hypervisor:QEMU/KVM", 3, ("kvm", OWN, 0.9)),
        ("cloud_platform:Docker Engine", 1, None),
        ("cloud_platform:Docker Engine", 9, None),
        ("hypervisor:某虚拟化软件", 3, None),
        ("database:Kubernetes Operator DB", 3, None),
    ],
)
def test_what_each_platform_counts(make: Any, seen: Any, product: str, machines: int, expected: Any) -> None:
    found = audit(make, [seen(f"10.1.0.{i}", product) for i in range(10, 10 + machines)])
    assert shown(found) == ([expected] if expected else [])


def test_the_column_of_what_a_host_runs_counts_too(make: Any, seen: Any) -> None:
    hosts = [seen(f"10.1.0.{i}", hypervisor="qemu/libvirt", is_physical=True) for i in (10, 11, 12)]
    assert shown(audit(make, hosts)) == [("kvm", OWN, 0.9)]


def test_the_parts_of_one_family_are_one_installation(make: Any, seen: Any) -> None:
    parts = [
        seen("10.1.0.60", "hypervisor:VMware vCenter Server", collector="endpoints", strength=OUT),
        seen("10.1.0.10", "hypervisor:VMware ESXi"),
        seen("10.1.0.11", "hypervisor:VMware ESXi"),
    ]
    (cloud,) = clouds(audit(make, parts))
    assert (cloud.get("platform"), cloud.get("inference_confidence")) == ("vcenter", 0.95)
    assert cloud.collectors == ("endpoints", "ssh")
    for name, value in cloud.values.items():
        grounds = [f for f in cloud.facts if f.column == name and supports(COLUMNS["cloud"][name], value, f)]
        assert grounds or name in (
            "key", "sources", "is_observed", "is_declared", "first_seen_on", "last_seen_on", "zone"
        )  # fmt: skip


# --- what is no private cloud ---


@pytest.mark.parametrize(
    "values",
    [
        {"os_name": "Microsoft Windows 11 Pro"},
        {"model": "ThinkPad P1"},
    ],
)
def test_a_developers_desk(make: Any, seen: Any, values: dict[str, Any]) -> None:
    desks = [
        seen(f"10.1.0.{i}", "hypervisor:Microsoft Hyper-V", "cloud_platform:Kubernetes", **values)
        for i in range(9, 15)
    ]
    assert shown(audit(make, desks)) == []


def test_a_hypervisor_inside_a_guest_is_a_trial(make: Any, seen: Any) -> None:
    nested = [seen(f"10.1.0.{i}", "hypervisor:VMware ESXi", is_physical=False) for i in (10, 11, 12)]
    assert shown(audit(make, nested)) == []
    # A manager runs in a guest by its nature.
    manager = seen("10.1.0.60", "hypervisor:VMware vCenter Server", is_physical=False)
    assert shown(audit(make, manager)) == [("vcenter", OWN, 0.9)]


def test_the_government_cloud_is_none_of_ours_to_infer(make: Any, seen: Any) -> None:
    inside = seen("10.9.0.10", "cloud_platform:OpenStack Keystone", zone="gov-cloud")
    api = interface(make, zone="gov-cloud", source="openstack https://10.9.0.10:5000", platform="openstack")
    assert shown(audit(make, inside, api)) == []


# --- interfaces that were opened to us ---


def test_an_interface_under_a_code_of_the_sites_own_is_that_cloud(make: Any, seen: Any, one: Any) -> None:
    hosts = [
        seen(f"10.1.0.{i}", "hypervisor:VMware ESXi 7.0.3", collector="vsphere", source=VCENTER, uuid=UUID.format(i))
        for i in (10, 11, 12)
    ]
    scanned = [
        seen("10.1.0.60", "hypervisor:VMware vCenter Server", collector="nmap", strength=OUT),
        seen("10.1.0.10", "hypervisor:VMware ESXi", collector="nmap", strength=OUT),
    ]
    # In no register, and yet no accusation: its owner opened it under this code.
    found = audit(make, interface(make, code="MZ-C1"), hosts, scanned)
    cloud = one(found, "cloud")
    assert (cloud.get("is_inferred"), cloud.get("is_declared"), cloud.get("vms_total")) == (False, False, 41)
    # In a register too.
    row = make.cloud("MZ-C1", "city", "mzj", kind="virtualisation")
    cloud = one(audit(make, interface(make, code="MZ-C1"), row, hosts, scanned), "cloud")
    assert (cloud.get("is_inferred"), cloud.get("is_declared"), cloud.get("hosts_total")) == (False, True, 3)


def test_an_interface_that_nobody_names_is_an_undeclared_cloud(make: Any, seen: Any, one: Any) -> None:
    hosts = [
        seen(f"10.1.0.{i}", "hypervisor:VMware ESXi 7.0.3", collector="vsphere", source=VCENTER, uuid=UUID.format(i))
        for i in (10, 11, 12)
    ]
    scanned = seen("10.1.0.60", "hypervisor:VMware vCenter Server", collector="nmap", strength=OUT)
    found = audit(make, interface(make), hosts, scanned, make.submission("clouds"))
    cloud = one(found, "cloud")  # one, and not a second beside it
    assert (cloud.get("is_inferred"), cloud.get("kind"), cloud.get("inference_confidence")) == (True, OWN, 0.95)
    assert (cloud.get("department_id"), cloud.get("hosts_total"), cloud.get("vms_total")) == ("mzj", 3, 41)
    lines = cloud.values["inference_evidence"]
    assert isinstance(lines, tuple) and any("虚拟机 41" in line for line in lines)
    assert any("2026-02-01 收到" in line for line in lines)
    (fact,) = [f for f in cloud.facts if f.column == "is_inferred"]
    assert (fact.strength, fact.source) == (IN, VCENTER)


def test_a_nil_return_has_no_papers_for_it(make: Any, one: Any) -> None:
    cloud = one(audit(make, interface(make), make.submission("clouds", nil=True)), "cloud")
    assert cloud.get("mlps_filing_absent") is True


def test_another_platform_on_its_machines_is_another_matter(make: Any, seen: Any) -> None:
    guests = [
        replace(
            seen(f"10.1.0.{i}", "cloud_platform:Kubernetes", is_physical=False),
            source=VCENTER,
            collector="vsphere",
            identifiers=(instance_id("MZ-C1", f"vm-{i}"), ip_id(f"10.1.0.{i}", "scanner")),
        )
        for i in (10, 11, 12)
    ]
    assert shown(audit(make, interface(make, code="MZ-C1"), guests)) == [("kubernetes", OWN, 0.9)]


def test_an_interface_seen_from_elsewhere_accounts_for_nothing_here(make: Any, seen: Any) -> None:
    scanned = seen("10.1.0.60", "hypervisor:VMware vCenter Server", collector="nmap", strength=OUT)
    far = interface(make, code="CZ-C1", zone="czj")
    assert shown(audit(make, far, scanned)) == [("vcenter", OWN, 0.9)]


def test_a_name_in_the_certificate_leads_to_the_declared_endpoint(make: Any) -> None:
    names = (("443/tcp", "vc.mzj.example.cn"),)
    scanned = make.seen("10.1.0.60", "443/tcp ssl/http", products=("hypervisor:VMware vCenter",), names=names)
    for endpoint, is_it in (("https://VC.mzj.example.cn/ui", True), ("https://10.1.0.61/ui", False)):
        row = make.cloud("B-1", "city", "mzj", kind="virtualisation", platform="zstack", endpoint=endpoint)
        assert (shown(audit(make, scanned, row)) == []) is is_it


# --- the whole ---


def test_the_order_of_the_input_decides_nothing(make: Any, seen: Any) -> None:
    parts = [
        *(make.department(name) for name in ("mzj", "jtj", "bureau")),
        interface(make),
        *(
            seen(f"10.1.0.{i}", "hypervisor:VMware ESXi", collector="vsphere", source=VCENTER, uuid=UUID.format(i))
            for i in (10, 11)
        ),
        *(seen(f"10.1.0.{i}", "cloud_platform:Kubernetes") for i in (20, 21, 22)),
        *(seen(f"10.2.0.{i}", "hypervisor:Proxmox VE", zone="shared") for i in (5, 200)),
        make.cloud("JT-C", "city", "jtj", kind="industry", prefixes=("10.2.0.192/26",)),
        make.submission("clouds"),
    ]
    expected = make.inferred(*parts)
    assert sorted(str(c.get("platform")) for c in clouds(expected)) == ["kubernetes", "proxmox", "vcenter"]
    luck = random.Random(4)
    for _ in range(25):
        luck.shuffle(parts)
        assert make.inferred(*parts) == expected
    again = make.inferred(*parts, keymap=expected.keymap, today=date(2026, 3, 9))
    assert [a.key for a in again.assets] == [a.key for a in expected.assets]
