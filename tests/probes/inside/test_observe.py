"""One observation: what joins, what is physical, and that no host can put anything harmful into it."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.kinds import KINDS
from inventories.kinds.host import PLATFORM
from inventories.model import Fact, Observation, Origin, Strength
from inventories.places import Zone
from probes.inside import Inside, from_ansible, from_raw
from probes.inside.script import MARK_BEGIN, MARK_END

Data = Callable[[str], str]
Run = Callable[..., str]
Observe = Callable[..., Observation]
Told = Callable[[Observation, str], dict[object, Fact]]


def test_every_column_is_one_that_a_probe_may_fill(data: Data, observe: Observe) -> None:
    for name in ("recorded-debian12", "synthetic-kylin-server-kunpeng", "synthetic-centos6"):
        for fact in observe(from_raw(data(f"{name}.txt"))).facts:
            assert Origin.OBSERVED in KINDS["host"].column(fact.column).origins


VIRT = "vm\t{vm}\ncontainer\t{container}\nsys_vendor\t{vendor}\nproduct_name\t{product}"


def standing(
    run: Run,
    vm: str = "none",
    vendor: str = "",
    product: str = "",
    container: str = "none",
    *,
    flag: str = "",
    dmi: str = "",
    more: str = "",
) -> Inside:
    virt = VIRT.format(vm=vm, vendor=vendor, product=product, container=container) + more
    own = f"sys_vendor\t{vendor}\nproduct_name\t{product}\n{dmi}"
    info = f"vendor_id\t: GenuineIntel\nhypervisor flag: {flag}" if flag else "processors: 4"
    return from_raw(run({"virt": virt, "dmi": own, "cpuinfo": info}))


@pytest.mark.parametrize(
    ("vm", "vendor", "product", "physical", "platform"),
    [
        ("none", "Huawei", "TaiShan 200 (Model 2280)", True, "bare"),
        ("kvm", "OpenStack Foundation", "OpenStack Nova", False, "openstack"),
        ("vmware", "VMware, Inc.", "VMware7,1", False, "vsphere"),
        ("microsoft", "Microsoft Corporation", "Virtual Machine", False, "hyperv"),
        ("xen", "Xen", "HVM domU", False, "xen"),
        ("kvm", "QEMU", "Standard PC (Q35 + ICH9, 2009)", False, "kvm"),
        ("kvm", "Some Cloud", "Cloud Server", False, "kvm"),
        ("oracle", "innotek GmbH", "VirtualBox", False, None),
        # Bare-metal instances of clouds say the cloud's name as well.
        ("none", "Alibaba Cloud", "Alibaba Cloud ECS", None, None),
        ("none", "To Be Filled By O.E.M.", "Default string", None, None),
        ("", "", "", None, None),
    ],
)
def test_what_a_system_runs_on(
    run: Run,
    observe: Observe,
    told: Told,
    vm: str,
    vendor: str,
    product: str,
    physical: bool | None,
    platform: str | None,
) -> None:
    seen = observe(standing(run, vm, vendor, product))
    assert set(told(seen, "is_physical")) == ({physical} if physical is not None else set())
    assert set(told(seen, "platform")) == ({platform} if platform else set())
    assert set(told(seen, "platform")) <= set(PLATFORM)


def test_the_processors_flag_where_there_is_no_systemd(run: Run) -> None:
    assert standing(run, "", "Dell Inc.", "PowerEdge R740", flag="0").standing.is_physical is True
    assert standing(run, "", "Dell Inc.", "PowerEdge R740", flag="1").standing.is_physical is False
    assert standing(run, "", "", "", flag="0").standing.is_physical is None
    dom0 = standing(run, "xen", "Dell Inc.", "PowerEdge R740", flag="1", more="\nxen\tcontrol_d")
    assert dom0.standing.is_physical is True


def test_a_kvm_names_no_product_and_a_government_cloud_is_one(run: Run, observe: Observe, told: Told) -> None:
    guest = standing(run, "kvm", "QEMU", "KVM Virtual Machine")
    assert told(observe(guest), "platform")["kvm"].strength is Strength.SEEN_OUTSIDE
    cloud = Zone("c", "市政务云", "v", "government_cloud", (ipaddress.ip_network("10.20.0.0/16"),))
    assert set(told(observe(guest, zone=cloud), "platform")) == {"gov_cloud"}


SERIAL = "product_serial\t2102312ABC10K8000001\nproduct_uuid\t4c4c4544-0042-3510-8054-b7c04f4d3432"


def test_firmware_identifies_a_machine_and_never_a_container(run: Run, observe: Observe, told: Told) -> None:
    machine = observe(standing(run, "none", "Huawei", "2288H V5", dmi=SERIAL))
    assert {i.scheme for i in machine.identifiers} == {"ip", "uuid", "serial"}
    for inside in (
        standing(run, "none", "Huawei", "2288H V5", "lxc", dmi=SERIAL),
        standing(run, "none", "Huawei", "2288H V5", dmi=SERIAL, more="\ngroup\tdocker"),
    ):
        seen = observe(inside)
        assert {i.scheme for i in seen.identifiers} == {"ip"}
        assert not {"vendor", "model", "serial", "hardware_uuid", "platform"} & {f.column for f in seen.facts}
        assert set(told(seen, "is_physical")) == {False}


def test_placeholders_of_firmware_are_nothing(run: Run, observe: Observe) -> None:
    junk = "product_serial\tTo be filled by O.E.M.\nproduct_uuid\t00000000-0000-0000-0000-000000000000"
    seen = observe(standing(run, "none", "System manufacturer", "System Product Name", dmi=junk))
    assert {i.scheme for i in seen.identifiers} == {"ip"}
    assert not {"vendor", "model", "serial", "hardware_uuid"} & {f.column for f in seen.facts}


def test_an_address_outside_the_zone_identifies_nothing(run: Run, observe: Observe, told: Told) -> None:
    net = "name=eth0\ttype=1\tdevice=1\taddress=52:54:00:00:00:01"
    addresses = (
        "2: eth0    inet 10.20.30.9/24 scope global eth0\n2: eth0    inet 172.31.0.9/24 scope global eth0\n"
        "2: eth0    inet 10.20.30.7/24 scope global proto keepalived eth0"
    )
    seen = observe(from_raw(run({"net": net, "addresses": addresses})))
    assert {i.value for i in seen.identifiers if i.scheme == "ip"} == {"10.20.30.5", "10.20.30.9"}
    assert {"172.31.0.9", "10.20.30.7"} <= set(told(seen, "ips"))


@pytest.mark.parametrize("name", ["localhost", "localhost.localdomain", "LOCALHOST", ""])
def test_a_name_that_every_machine_has_is_none(run: Run, observe: Observe, told: Told, name: str) -> None:
    assert told(observe(from_raw(run({"host": name}))), "hostname") == {}


def test_nothing_read_says_nothing_but_that_it_answered(observe: Observe) -> None:
    assert {fact.column for fact in observe(Inside()).facts} == {"answers"}
    assert {fact.column for fact in observe(from_raw("")).facts} == {"answers"}


def texts(seen: Observation) -> Iterator[str]:
    for fact in seen.facts:
        yield fact.evidence
        if isinstance(fact.value, str):
            yield fact.value
        elif isinstance(fact.value, tuple):
            yield from fact.value


def harmless(text: str) -> bool:
    return len(text) <= 210 and not any(
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in "\u202a\u202e\u2066" for char in text
    )


PARTS = [
    *(
        "host",
        "memory",
        "dmi",
        "packages",
        "kernel",
        "cpuinfo",
        "lscpu",
        "cpu",
        "virt",
        "tools",
        "processes",
        "words",
    ),
    *("folders", "listeners", "addresses", "links", "net", "routes", "tunnels", "mounts", "disks", "resolv"),
    *("file:/etc/os-release", "file:/etc/kylin-release"),
]
HOSTILE = "\x1b]0;owned\x07\u202e'; DROP TABLE hosts;--=cmd|' /C calc'!A0 " + "A" * 10_000


def test_a_hostile_host_shows_as_bounded_harmless_text(run: Run, observe: Observe) -> None:
    lines = {
        "host": HOSTILE,
        "dmi": f"sys_vendor\t{HOSTILE}\nproduct_name\t{HOSTILE}\nproduct_serial\t{HOSTILE}",
        "packages": f"rpm\tnginx\t{HOSTILE}",
        "kernel": f"{HOSTILE}\n{HOSTILE}",
        "cpuinfo": f"model name\t: {HOSTILE}\nCPU implementer\t: {HOSTILE}\nCPU part\t: {HOSTILE}",
        "virt": f"vm\t{HOSTILE}\nsys_vendor\t{HOSTILE}",
        "file:/etc/os-release": f"NAME={HOSTILE}\nID={HOSTILE}\nVERSION={HOSTILE}",
        "processes": f"Name:\tnginx\nName:\t{HOSTILE}",
        "folders": f"/opt/TongWeb{HOSTILE}",
        "listeners": f'tcp LISTEN 0 1 0.0.0.0:80 0.0.0.0:* users:(("{HOSTILE}',
        "addresses": f"2: {HOSTILE}    inet 10.20.30.9/24 scope global x",
        "routes": f"10.0.0.0/8 via 10.1.1.1 dev {HOSTILE}",
        "mounts": f"25 1 0:40 / /{HOSTILE} rw - nfs {HOSTILE}",
    }
    seen = observe(from_raw(run(lines)))
    assert len(seen.facts) > 5
    assert all(harmless(text) for text in texts(seen))


def test_a_host_with_more_than_can_be_is_cut(run: Run, observe: Observe, told: Told) -> None:
    many = range(5000)
    lines = {
        "listeners": "\n".join(f"tcp LISTEN 0 1 10.0.{i // 250}.1:{i + 1} 0.0.0.0:*" for i in many),
        "addresses": "\n".join(f"2: e{i}    inet 10.{i // 250}.{i % 250}.1/24 scope global x" for i in many),
        "routes": "\n".join(f"10.{i // 250}.{i % 250}.0/24 via 10.0.0.1" for i in many),
        "processes": "\n".join(f"Name:\tp{i}" for i in many),
        "mounts": "\n".join(f"25 1 0:{i} / /m{i} rw - nfs h:/{i}" for i in many),
    }
    seen = observe(from_raw(run(lines)))
    assert all(len(fact.value) <= 200 for fact in seen.facts if isinstance(fact.value, tuple))
    assert len(told(seen, "routes")) == 200


WORDS = st.sampled_from(
    [
        *(
            "inet 10.20.30.5/24",
            "inet6 fe80::1/64",
            "scope global",
            "dev",
            "via",
            "10.0.0.1",
            "default",
            "eth0",
            "=",
            ":",
        ),
        *(
            "name=eth0",
            "device=1",
            "tun_flags=0x1",
            "tcp LISTEN 0 1",
            "0.0.0.0:80",
            'users:(("a"',
            "Name:\t",
            "rpm\t",
        ),
        *(
            "CPU implementer\t: 0x70",
            "CPU part\t: 0x663",
            "midr\t0x4",
            "vm\tkvm",
            "MemTotal: 99 kB",
            "ID=kylin",
            "\t",
            "\\",
        ),
        *(
            'NAME="',
            "- nfs4 h:/x /y",
            "disk 8 1 5 sda",
            "tmpl src 1.1.1.1 dst 2.2.2.2",
            "nexthop",
            "gre/ip remote any",
        ),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(PARTS), st.lists(st.one_of(WORDS, st.text(max_size=30)), max_size=12)), st.data()
)
def test_no_output_breaks_the_reading(parts: dict[str, list[str]], draw: Any) -> None:
    body = "".join(
        f"\n=== {name}\n" + "".join(f"|{line}\n" for line in " ".join(words).split("\n")) + "|= 0\n"
        for name, words in parts.items()
    )
    text = f"{MARK_BEGIN}\n{body}\n{MARK_END}\n"
    inside = from_raw(text)
    # Where the host's own name and its interfaces are not told to the end, nothing is covered.
    assert inside.is_complete == ("kernel" in inside.whole and bool({"addresses", "net"} & inside.whole))
    from_raw(text[: draw.draw(st.integers(0, len(text)))])
    facts = draw.draw(st.dictionaries(st.sampled_from(["ansible_nodename", "ansible_memtotal_mb", "x"]), JSON))
    from_ansible(facts, draw.draw(st.dictionaries(st.text(max_size=5), JSON, max_size=3)), text)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=500))
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    from_raw(text)
    from_raw(f"{MARK_BEGIN}\n{text}\n{MARK_END}")
