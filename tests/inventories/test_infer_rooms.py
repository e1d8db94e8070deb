"""Machine rooms by what several probes saw: one machine counts once, and look-alikes are no rooms."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from inventories.identity import code_id, ip_id, serial_id, uuid_id
from inventories.model import Asset, Coverage, Fact, Observation, Strength, Value
from inventories.places import Places, Zone
from inventories.reconcile import Reconciled

IN, OUT = Strength.SEEN_INSIDE, Strength.SEEN_OUTSIDE
UUID = "4c4c4544-0042-3510-8052-b9c04f4d3{:03d}"


@pytest.fixture(scope="module")
def device(make: Any) -> Callable[..., Observation]:
    """Something that a probe saw at an address: ``products`` and columns of the host."""

    def build(
        ip: str,
        *products: str,
        collector: str = "snmp",
        zone: str = "mzj",
        vantage: str = "scanner",
        strength: Strength = IN,
        serial: str = "",
        uuid: str = "",
        source: str = "",
        at: timedelta = timedelta(),
        answers: bool = True,
        **values: Value,
    ) -> Observation:
        found = (ip_id(ip, vantage) if ip else None, serial_id("Huawei", serial), uuid_id(uuid) if uuid else None)
        facts = [Fact("answers", True, strength)] if answers else []
        facts += [Fact("ips", (ip,), strength)] if ip else []
        facts += [Fact("products", (product,), strength, f"443/tcp {product}") for product in products]
        facts += [Fact(column, value, strength, str(value)) for column, value in values.items()]
        return Observation(
            "host",
            collector,
            source or collector,
            make.at + at,
            tuple(i for i in found if i),
            tuple(facts),
            zone=zone,
        )

    return build


def server(device: Any, i: int, **values: Any) -> Observation:
    """A physical server as its own shell tells it."""
    told: dict[str, Any] = {"is_physical": True, "os_name": "CentOS Linux 7", "collector": "ssh"}
    found: Observation = device(f"10.1.0.{i}", **(told | values))
    return found


def bmc(device: Any, i: int, **values: Any) -> Observation:
    told: dict[str, Any] = {"collector": "endpoints", "strength": OUT, "answers": False}
    found: Observation = device(f"10.1.0.{i}", "management_controller:华为 iBMC", **(told | values))
    return found


UPS = "ups:SANTAK 3C20KS"
AIR = "air_conditioner:Stulz 机房空调"
PDU = "pdu:APC 机柜配电单元"
SWITCH = "network_device:华为交换机"


def audit(make: Any, *parts: Any, **more: Any) -> Reconciled:
    found: Reconciled = make.inferred([make.department(name) for name in ("mzj", "jtj", "bureau")], *parts, **more)
    return found


def rooms(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "room" and a.get("is_inferred") is True]


def sure(make: Any, *parts: Any, **more: Any) -> list[Any]:
    return [room.get("inference_confidence") for room in rooms(audit(make, *parts, **more))]


# --- several probes ---


def test_what_each_probe_saw_is_added_up(make: Any, device: Any) -> None:
    parts = [
        *(server(device, i) for i in (10, 11, 12)),
        *(bmc(device, i) for i in (30, 31)),
        device("10.1.0.40", UPS),
        device("10.1.0.41", AIR),
    ]
    (room,) = rooms(audit(make, parts))
    assert room.get("inference_confidence") == 0.95
    assert (room.get("hosts_physical"), room.get("management_controllers"), room.get("hypervisors")) == (3, 2, None)
    lines = room.values["inference_evidence"]
    assert isinstance(lines, tuple)
    assert [line.partition(" ")[0] for line in lines] == [
        "服务器带外管理控制器",
        "物理服务器",
        "不间断电源",
        "机房空调",
    ]
    assert room.collectors == ("endpoints", "snmp", "ssh")


def test_one_machine_seen_by_many_probes_counts_once(make: Any, device: Any) -> None:
    """One server: its shell, its scan, its ESXi, two of its addresses, and the controller in it."""
    uuid = UUID.format(1)
    parts = [
        device("10.1.0.10", "hypervisor:VMware ESXi 7.0.3", collector="endpoints", strength=OUT, uuid=uuid),
        device("10.1.0.11", "hypervisor:VMware ESXi", collector="nmap", strength=OUT, uuid=uuid),
        device("", "hypervisor:VMware ESXi 7.0.3", collector="vsphere", uuid=uuid, is_physical=True, answers=False),
        bmc(device, 30),
        device("10.1.0.40", UPS),
    ]
    assert sure(make, parts) == []
    # A second real one makes two.
    assert sure(make, parts, server(device, 12, hypervisor="qemu/libvirt")) == [0.8]


def test_a_controller_and_its_server_are_one_machine_where_a_serial_number_says_so(make: Any, device: Any) -> None:
    """Three controllers of two servers whose serial numbers they tell: two machines, not three."""
    servers = [server(device, i, serial=f"2102310WX{i}") for i in (10, 11)]
    own = [bmc(device, i + 20, strength=IN, collector="snmp", serial=f"2102310WX{i}") for i in (10, 11)]
    ups = device("10.1.0.40", UPS)
    assert sure(make, servers, own, ups) == [0.8]
    # By the columns alone too, where no identifier could be made.
    told = [replace(o, identifiers=o.identifiers[:1]) for o in (servers[0], own[0])]
    told = [replace(o, facts=(*o.facts, Fact("serial", "2102310WX10", IN))) for o in told]
    assert sure(make, told, device("10.1.0.41", PDU), ups) == []
    assert sure(make, told, server(device, 15), bmc(device, 36), ups) == [0.8]


def test_hypervisors_that_their_managers_interface_told_of_count(make: Any, device: Any) -> None:
    hosts = [
        device(
            f"10.1.0.{i}" if i < 12 else "",
            "hypervisor:VMware ESXi 7.0.3",
            collector="vsphere",
            source="vsphere https://10.1.0.60",
            uuid=UUID.format(i),
            is_physical=True,
            answers=False,
        )
        for i in (10, 11, 12)
    ]
    (room,) = rooms(audit(make, hosts, device("10.1.0.40", UPS)))
    assert (room.get("inference_confidence"), room.get("hypervisors")) == (0.9, 3)
    assert {f.strength for f in room.facts if f.column == "is_inferred"} == {IN}


def test_guests_are_no_machines(make: Any, device: Any) -> None:
    guests = [server(device, i, is_physical=False, products=("hypervisor:KVM",)) for i in range(10, 16)]
    assert sure(make, guests, device("10.1.0.40", UPS), bmc(device, 30)) == []


# --- what is no room ---


@pytest.mark.parametrize(
    "values",
    [
        {"os_name": "Microsoft Windows 10 Pro", "collector": "windows"},
        {"os_name": "银河麒麟桌面操作系统 V10"},
        {"model": "OptiPlex 7090"},
        {"model": "ThinkCentre M720t", "hypervisor": "Hyper-V"},
    ],
)
def test_an_office_full_of_desks_with_a_ups(make: Any, device: Any, values: dict[str, Any]) -> None:
    desks = [server(device, i, **values) for i in range(10, 20)]
    assert sure(make, desks, device("10.1.0.40", UPS), device("10.1.0.41", SWITCH)) == []


def core(device: Any) -> Observation:
    legs = tuple(f"Vlanif{i} 10.1.{i}.1/24" for i in range(8))
    found: Observation = device("10.1.0.1", SWITCH, interfaces=legs)
    return found


def test_a_closet_with_switches_and_power_is_no_room(make: Any, device: Any) -> None:
    closet = [core(device), device("10.1.0.40", UPS), device("10.1.0.41", PDU)]
    assert sure(make, closet) == []
    assert sure(make, closet, device("10.1.0.42", AIR), device("10.1.0.43", "storage:Synology 存储")) == []


def test_a_core_switch_supports_and_proves_nothing(make: Any, device: Any) -> None:
    three = [server(device, i) for i in (10, 11, 12)]
    assert sure(make, three, core(device)) == []
    parts = [*three, device("10.1.0.40", UPS), device("10.1.0.41", PDU)]
    assert sure(make, parts) == [0.9]
    assert sure(make, parts, core(device)) == [0.95]


def test_one_machine_with_precision_cooling_and_power(make: Any, device: Any) -> None:
    parts = [bmc(device, 30), device("10.1.0.40", UPS), device("10.1.0.41", AIR)]
    assert sure(make, parts) == [0.7]
    assert sure(make, parts[0], parts[1], device("10.1.0.41", PDU)) == []


def test_what_was_only_hinted_is_no_sign(make: Any, device: Any) -> None:
    hinted = [device("10.1.0.40", "air_conditioner:Liebert 机房设备", strength=Strength.HINTED)]
    assert sure(make, [server(device, i) for i in (10, 11, 12)], hinted) == []


def test_a_desk_in_doubt_of_its_owner_is_nobodys_room(make: Any, device: Any) -> None:
    parts = [*(bmc(device, i) for i in (30, 31, 32)), device("10.1.0.40", UPS)]
    assert sure(make, parts) == [0.9]
    claimed = [make.host_row(f"B-{i}", "jtj", f"10.1.0.{i}") for i in (30, 31, 32)]
    assert sure(make, parts, claimed) == []


# --- whose place it is ---

STRONG = [(i, "bmc") for i in (30, 31, 32)]


def strong(device: Any) -> list[Observation]:
    return [*(bmc(device, i) for i, _kind in STRONG), device("10.1.0.40", UPS)]


@pytest.mark.parametrize(
    ("room", "confidence"),
    [
        # Rooms that house others, at this very place.
        ({"address": "民政局大楼一层", "is_recognised": True}, []),
        ({"address": "民政局大楼一层", "kind": "gov"}, []),
        ({"address": "民政局大楼一层", "kind": "hosted"}, []),
        ({"name": "民政局大楼市级集中机房", "kind": "gov"}, []),
        # Somebody else's own room at this place: less sure, and said so.
        ({"address": "民政局大楼一层", "kind": "own"}, [0.5]),
        # Elsewhere, or nobody knows where.
        ({"address": "市政务大厅", "is_recognised": True}, [0.9]),
        ({"is_recognised": True}, [0.9]),
    ],
)
def test_rooms_of_other_owners_at_the_place(
    make: Any, device: Any, room: dict[str, Any], confidence: list[Any]
) -> None:
    found = rooms(audit(make, strong(device), make.room("R-9", "bureau", **room)))
    assert [one.get("inference_confidence") for one in found] == confidence
    if confidence == [0.5]:
        assert "同一地点另有其他单位登记的机房" in found[0].values["inference_evidence"][-1]  # type: ignore[index]


def test_machines_that_their_register_places_in_another_room_are_not_here(make: Any, device: Any) -> None:
    """Colocation: the department's addresses, in the bureau's room across the town."""
    hosted = make.room("R-9", "bureau", address="市大数据中心", kind="hosted")
    rows = [make.host_row(f"A-{i}", "mzj", f"10.1.0.{i}", room_code="R-9") for i, _kind in STRONG]
    assert sure(make, strong(device), hosted, rows) == []
    assert sure(make, strong(device), hosted, rows[:1]) == [0.8]
    # A room that nobody knows accounts for nothing.
    unknown = [make.host_row(f"A-{i}", "mzj", f"10.1.0.{i}", room_code="R-404") for i, _kind in STRONG]
    assert sure(make, strong(device), hosted, unknown) == [0.9]


def with_second_zone(make: Any, vantage: str = "scanner", location: str = "民政局大楼") -> Places:
    prefix = ipaddress.ip_network("10.3.0.0/24")
    return Places(
        (*make.zones(), Zone("mzj-2", "民政局机房网", vantage, "department", (prefix,), "mzj", {}, "", location))
    )


def test_two_zones_at_one_place_are_one_place(make: Any, device: Any) -> None:
    parts = [bmc(device, 30), bmc(device, 31), device("10.3.0.40", UPS, zone="mzj-2")]
    places = with_second_zone(make)
    first = audit(make, parts, places=places)
    (room,) = rooms(first)
    assert (room.get("inference_confidence"), room.zones) == (0.8, ("mzj", "mzj-2"))
    assert sure(make, parts, places=with_second_zone(make, location="民政局分部")) == []
    # The key is the place's, whichever zone shows it.
    moved = [device(f"10.3.0.{i}", "management_controller:iBMC", zone="mzj-2") for i in (30, 31)]
    (later,) = rooms(audit(make, moved, parts[2], places=places, keymap=first.keymap))
    assert later.key == room.key


def test_one_place_from_two_vantages_is_one_room_and_not_added_up(make: Any, device: Any) -> None:
    places = with_second_zone(make, vantage="far")
    near = [bmc(device, 30), bmc(device, 31), device("10.1.0.40", UPS)]
    far = [replace(o, zone="mzj-2", identifiers=(ip_id(f"10.3.0.{i}", "far"),)) for i, o in enumerate(near, 50)]
    (room,) = rooms(audit(make, near, far, places=places))
    assert (room.get("inference_confidence"), room.get("management_controllers")) == (0.8, 2)


def test_counts_in_a_declared_room_leave_out_what_stands_elsewhere(make: Any, device: Any, one: Any) -> None:
    hosted = make.room("R-9", "bureau", address="市大数据中心", kind="hosted")
    rows = [make.host_row("A-30", "mzj", "10.1.0.30", room_code="R-9")]
    own = make.room("R-1", address="民政局大楼二层")
    found = audit(make, strong(device), hosted, rows, own)
    assert one(found, "room", code="R-1").get("management_controllers") == 2


# --- in words ---


def test_what_was_not_looked_at_and_what_was_received_is_said(make: Any, device: Any) -> None:
    parts = [*(bmc(device, i) for i in (30, 31, 32)), *(server(device, i) for i in (10, 11, 12))]
    snmp = Coverage("snmp", "mzj", "scanner", "snmp", ("10.1.0.40/32",), make.at, make.at)

    def lines(*more: Any) -> str:
        (room,) = rooms(audit(make, parts, *more))
        return "；".join(room.values["inference_evidence"])  # type: ignore[arg-type]

    assert "没有做过 SNMP 核查" in lines()
    assert "SNMP 核查" not in lines(snmp) and "SNMP 核查" not in lines(device("10.1.0.40", UPS))
    assert "台账" not in lines()
    assert "部门机房台账中没有这一处（2026-02-01 收到）" in lines(make.submission("rooms"))


def test_a_room_is_no_surer_than_the_weakest_of_its_grounds(make: Any, device: Any) -> None:
    rows = [
        make.row(
            "host",
            f"registers/hosts.csv!{i}",
            "mzj",
            (code_id("host", f"A-{i}"), ip_id(f"10.1.0.{i}", "scanner")),
            code=f"A-{i}",
            is_physical=True,
        )
        for i in (10, 11, 12)
    ]
    seen = [make.seen(f"10.1.0.{i}", "22/tcp ssh OpenSSH") for i in (10, 11, 12)]
    (room,) = rooms(audit(make, rows, seen, device("10.1.0.40", UPS)))
    assert {f.strength for f in room.facts if f.column == "is_inferred"} == {Strength.DECLARED}
    # Rows alone, that no probe has seen, are no equipment.
    assert sure(make, rows, device("10.1.0.40", UPS)) == []


def test_the_order_of_the_input_decides_nothing(make: Any, device: Any) -> None:
    parts = [
        *(make.department(name) for name in ("mzj", "jtj", "bureau")),
        *(server(device, i, serial=f"2102310WX{i}") for i in range(10, 14)),
        *(bmc(device, i + 20, collector="snmp", strength=IN, serial=f"2102310WX{i}") for i in range(10, 14)),
        core(device),
        device("10.1.0.40", UPS, PDU),
        device("10.3.0.41", AIR, zone="mzj-2"),
        make.room("R-9", "bureau", address="民政局大楼一层"),
        make.host_row("A-12", "mzj", "10.1.0.12", room_code="R-9"),
    ]
    places = with_second_zone(make)
    expected = make.inferred(*parts, places=places)
    assert len(rooms(expected)) == 1
    luck = random.Random(3)
    for _ in range(25):
        luck.shuffle(parts)
        assert make.inferred(*parts, places=places) == expected
    again = make.inferred(*parts, places=places, keymap=expected.keymap, today=date(2026, 3, 9))
    assert [a.key for a in again.assets] == [a.key for a in expected.assets]
