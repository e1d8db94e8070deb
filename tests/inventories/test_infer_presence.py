"""Ghosts both ways, and systems that nobody registered as they are seen from inside: who is one, and who is not."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from inventories.model import Asset, Fact, Failure, Strength
from inventories.reconcile import Reconciled
from tests.inventories.infer_world import asked, inside, instance, listed, names_asked

OWN, CLOUD = "10.1.0.10", "10.9.0.10"
NAME, TITLE = "民政救助系统", (("80/tcp", "民政救助系统 - 首页"),)
NGINX, SSH = "80/tcp http nginx 1.22", "22/tcp ssh OpenSSH 8.2"
PAGE = (("8080/tcp", "殡葬管理平台"),)


def system(make: Any, *addresses: str, **values: Any) -> Any:
    said = {"status": "running", "hosting": ("own_room",), "addresses": addresses} | values
    return make.system("MZ-1", NAME, "mzj", **{column: value for column, value in said.items() if value})


def base(make: Any) -> list[Any]:
    return [make.department("mzj"), make.department("jtj"), make.department("bureau"), make.cloud("GOV-1")]


def is_found(make: Any, one: Any, *parts: Any) -> Any:
    return one(make.inferred(base(make), *parts), "system", code="MZ-1").get("is_found")


# --- systems that nobody finds ---


def test_a_declared_system_that_is_nowhere(make: Any, one: Any) -> None:
    row = system(make, OWN)
    assert is_found(make, one, row) is None
    assert is_found(make, one, row, make.covered("mzj", "10.1.0.64/26")) is None
    assert is_found(make, one, row, make.covered("mzj")) is False
    found = one(make.inferred(base(make), row, make.covered("mzj")), "system", code="MZ-1")
    (fact,) = [f for f in found.facts if f.column == "is_found"]
    assert OWN in fact.evidence and fact.strength is Strength.DECLARED


@pytest.mark.parametrize("status", ["planned", "building", "suspended", "retired", ""])
def test_who_is_not_said_to_be_in_use_is_missed_by_nobody(make: Any, one: Any, status: str) -> None:
    assert is_found(make, one, system(make, OWN, status=status), make.covered("mzj")) is None


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"addresses": ("203.0.113.9",)},
        {"addresses": (OWN, "203.0.113.9")},
        {"urls": ("https://jz.mzj.example.cn/",), "addresses": (OWN,)},
        {"urls": ("http://203.0.113.9/",), "addresses": (OWN,)},
        {"hosting": ("gov_cloud",), "addresses": (OWN, CLOUD)},
        {"hosting": ("own_room", "public_cloud"), "addresses": (OWN,)},
        {"cloud_codes": ("GOV-1",), "addresses": (OWN,)},
    ],
)
def test_where_something_could_still_show_it_nothing_is_said(make: Any, one: Any, values: dict[str, Any]) -> None:
    """No address; one that nobody can place; a name that nobody asked; a cloud that nobody listed."""
    looked = [*make.covered("mzj"), *make.covered("gov-cloud")]
    assert is_found(make, one, system(make, **values), looked) is None


def test_everything_was_asked(make: Any, one: Any) -> None:
    row = system(make, OWN, CLOUD, hosting=("gov_cloud",), urls=("https://jz.mzj.example.cn/",))
    looked = [*make.covered("mzj"), *make.covered("gov-cloud"), listed(make)]
    asleep = [asked(make, "MZ-1", NAME, resolves=False), names_asked(make, "jz.mzj.example.cn")]
    assert is_found(make, one, row, looked, asleep) is False
    for left_out in range(len(looked)):
        fewer = [*looked[:left_out], *looked[left_out + 1 :]]
        wanted = None if looked[left_out].aspect in ("hosts", "resources") else False
        assert is_found(make, one, row, fewer, asleep) is wanted
    # A name that leads where nobody looked, or to a page.
    for led in ({"addresses": ("203.0.113.9",)}, {"addresses": ("10.1.0.99",), "page": "别的页面"}):
        parts = [asked(make, "MZ-1", NAME, **led), names_asked(make, "jz.mzj.example.cn")]
        assert is_found(make, one, row, looked, parts) is not False
    # A record that has outlived its server is no sign of life.
    stale = [asked(make, "MZ-1", NAME, addresses=("10.1.0.99",)), names_asked(make, "jz.mzj.example.cn")]
    assert is_found(make, one, row, looked, stale) is False


def test_one_sign_of_life_is_enough(make: Any, one: Any) -> None:
    row = system(make, OWN)
    for sign in (
        make.seen(OWN, SSH),
        inside(make, OWN, "22/tcp sshd"),
        instance(make, "1", systems=("MZ-1",)),
        instance(make, "1", systems=("MZ-1",), power="off"),
        asked(make, "MZ-1", NAME, addresses=("203.0.113.9",), page="某页面"),
        make.seen("10.1.0.77", NGINX, titles=TITLE),
    ):
        assert is_found(make, one, row, make.covered("mzj"), sign) is (
            None if "77" in str(sign.identifiers) else True
        )
    # A firewall's refusal, a printer, a likeness of names are neither.
    for doubt in (
        make.seen(OWN, sure=False),
        make.seen(OWN, "443/tcp ssl/http", products=("printer:HP",)),
        instance(make, "1", name="民政救助系统"),
    ):
        assert is_found(make, one, row, make.covered("mzj"), doubt) is None


# --- hosts ---


def host_found(make: Any, one: Any, *parts: Any, **row: Any) -> Any:
    declared = make.host_row("A-1", "mzj", *row.pop("ips", ("10.1.0.7",)), **row)
    return one(make.inferred(base(make), declared, *parts), "host", code="A-1").get("is_found")


def test_a_host_of_the_register_that_is_nowhere(make: Any, one: Any) -> None:
    assert host_found(make, one) is None
    assert host_found(make, one, make.covered("mzj", "10.1.0.64/26")) is None
    assert host_found(make, one, make.covered("mzj")) is False
    assert host_found(make, one, make.covered("mzj"), ips=("10.1.0.7", "10.1.0.8")) is False
    assert host_found(make, one, make.covered("mzj"), ips=("10.1.0.7", "203.0.113.9")) is None
    assert host_found(make, one, make.covered("mzj"), ips=()) is None


@pytest.mark.parametrize("words", ["备用服务器", "库存服务器（仓库）", "应用服务器（已停用）", "待报废主机"])
def test_a_spare_is_missed_by_nobody(make: Any, one: Any, words: str) -> None:
    assert host_found(make, one, make.covered("mzj"), name=words) is None
    assert host_found(make, one, make.covered("mzj"), model=words) is None


def test_signs_of_a_host(make: Any, one: Any) -> None:
    covered = make.covered("mzj")
    assert host_found(make, one, covered, make.seen("10.1.0.7", SSH)) is True
    assert host_found(make, one, covered, inside(make, "10.1.0.7")) is True
    assert host_found(make, one, covered, make.seen("10.1.0.7", sure=False)) is None
    off = instance(make, "1", "10.1.0.7", cloud="MZ-VC", zone="mzj", collector="vsphere", power="off")
    assert host_found(make, one, covered, off) is True
    # Its card was heard on the wire, by a neighbour.
    mac = "00:1b:21:0a:bb:01"
    heard = make.seen("10.1.0.7", mac=mac, collector="snmp")
    heard = replace(heard, facts=(Fact("macs", (mac,), Strength.SEEN_OUTSIDE, "ARP"),))
    assert host_found(make, one, covered, heard) is True


def test_on_a_cloud_its_own_list_must_be_without_it(make: Any, one: Any) -> None:
    covered = make.covered("gov-cloud")
    assert host_found(make, one, covered, ips=(CLOUD,)) is None
    assert host_found(make, one, covered, listed(make), ips=(CLOUD,)) is False


def test_an_address_in_doubt_is_nobodys_absence(make: Any, one: Any) -> None:
    """Two rows claim the address, and somebody answers there: one of them is there."""
    other = make.host_row("A-2", "mzj", "10.1.0.7", serial="2102319999")
    assert host_found(make, one, other, make.seen("10.1.0.7", SSH), make.covered("mzj"), serial="2102310001") is None


# --- cloud resources that nobody claims ---


def claimed(make: Any, one: Any, *parts: Any, whole: bool = True, **values: Any) -> Any:
    received = [make.submission(r, d) for r in ("systems", "hosts") for d in ("mzj", "jtj", "bureau")]
    stray = instance(make, "7", *values.pop("ips", ("10.9.0.77",)), **values)
    asked_all = [*received, listed(make)] if whole else []
    found = make.inferred(base(make), stray, *asked_all, *parts)
    return one(found, "host", power_state=values.get("power", "on")).get("is_claimed")


def test_a_resource_that_nobody_claims(make: Any, one: Any) -> None:
    assert claimed(make, one) is False
    assert claimed(make, one, power="off") is False
    assert claimed(make, one, department="mzj", project="old-stuff") is False


def test_the_words_behind_it(make: Any, one: Any) -> None:
    received = [make.submission("systems", d) for d in ("mzj", "jtj", "bureau")]
    stray = instance(make, "7", project="old-stuff")
    host = one(make.inferred(base(make), stray, listed(make), received), "host")
    (fact,) = [f for f in host.facts if f.column == "is_claimed"]
    assert all(word in fact.evidence for word in ("old-stuff", "vm-7", "系统台账", "2026-02-01"))
    assert fact.strength is Strength.DECLARED


def test_nothing_is_said_before_everybody_was_asked(make: Any, one: Any) -> None:
    assert claimed(make, one, whole=False) is None
    stray, whole = instance(make, "7", "10.9.0.77"), listed(make)
    systems = [make.submission("systems", d) for d in ("mzj", "jtj", "bureau")]

    def of(*parts: Any) -> Any:
        return one(make.inferred(base(make), *parts), "host").get("is_claimed")

    assert of(stray, whole, systems) is False
    assert of(stray, systems) is None
    assert of(stray, listed(make, "mzj"), systems) is None
    assert of(stray, whole, systems[:2]) is None
    broken = Failure("register", "", ("systems", "jtj"), "bad_input", "rows were refused", make.at)
    assert of(stray, whole, systems, broken) is None
    # Its owner is known: its owner's registers decide, both of them.
    owned = instance(make, "7", department="mzj")
    assert of(owned, whole, make.submission("systems"), make.submission("hosts")) is False
    assert of(owned, whole, systems) is None
    # A department that is no more is asked nothing.
    gone = make.department("old", valid_to=date(2020, 1, 1))
    assert of(stray, whole, systems, gone) is False
    assert of(stray, whole, systems, make.department("new")) is None


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"systems": ("MZ-1",)}, True),
        ({"tags": ("system=MZ-1",)}, True),
        ({"ips": (CLOUD,)}, True),
        ({"name": "民政救助系统-1"}, None),
        ({"project": "民政救助系统"}, None),
        ({"department": "jtj"}, False),
    ],
)
def test_who_claims_a_resource(make: Any, one: Any, values: dict[str, Any], wanted: Any) -> None:
    row = system(make, CLOUD, hosting=("gov_cloud",))
    assert claimed(make, one, row, **values) is wanted


def test_projects_and_rows_claim_too(make: Any, one: Any) -> None:
    project = make.row("project", "registers/projects.csv!2", "mzj", (), code="XM-2026-1", name="智慧养老二期")
    assert claimed(make, one, project, project="XM-2026-1") is True
    assert claimed(make, one, project, project="智慧养老二期") is True
    assert claimed(make, one, project, project="智慧养老二期-测试") is None
    assert claimed(make, one, project, tags=("project=XM-2026-1",)) is True
    assert claimed(make, one, make.host_row("VM-7", "mzj", "10.9.0.77")) is True
    # A row of that name, or one whose address lies in several networks, may mean it.
    named = make.host_row("vm-7", "mzj", system_codes=("MZ-1",))
    assert claimed(make, one, system(make, OWN), named) is None
    unplaced = make.host_row("A-9", "jtj", "10.9.0.77", placed=False)
    assert claimed(make, one, unplaced) is None


def test_a_further_host_of_a_registered_system_is_no_stray(make: Any, one: Any) -> None:
    """Its database beside its front, in the same project of the cloud."""
    front = instance(make, "1", systems=("MZ-1",), project="p-civil", power="suspended")
    row = system(make, OWN)
    assert claimed(make, one, row, front, project="p-civil") is None
    assert claimed(make, one, row, front, project="p-other") is False


def test_a_system_on_the_cloud_whose_hosts_nobody_knows_may_be_it(make: Any, one: Any) -> None:
    row = system(make, hosting=("gov_cloud",))
    assert claimed(make, one, row) is None
    assert claimed(make, one, row, department="jtj") is False
    assert claimed(make, one, system(make, CLOUD, hosting=("gov_cloud",))) is False
    assert claimed(make, one, system(make, hosting=("gov_cloud",), status="retired")) is False


def test_what_no_cloud_lists_is_no_resource(make: Any, one: Any) -> None:
    received = [make.submission("systems", d) for d in ("mzj", "jtj", "bureau")]
    seen = make.seen("10.9.0.77", NGINX, zone="gov-cloud")
    assert one(make.inferred(base(make), seen, received, listed(make)), "host").get("is_claimed") is None


def test_a_guest_of_a_departments_own_platform(make: Any, one: Any) -> None:
    guest = instance(make, "7", cloud="MZ-VC", zone="mzj", collector="vsphere", platform="vsphere")
    parts = [guest, listed(make, cloud="MZ-VC", zone="mzj", collector="vsphere")]
    received = [make.submission("systems"), make.submission("hosts")]
    host = one(make.inferred(base(make), parts, received), "host")
    assert host.get("is_claimed") is False
    assert one(make.inferred(base(make), parts), "host").get("is_claimed") is None


def test_an_instance_knows_its_cloud_its_name_and_its_systems(make: Any, one: Any) -> None:
    found = make.inferred(base(make), system(make), instance(make, "1", systems=("MZ-1",)))
    host = one(found, "host")
    assert host.get("cloud_key") == one(found, "cloud").key
    assert (host.get("name"), host.get("system_keys")) == ("vm-1", (one(found, "system").key,))


# --- systems that nobody registered ---


def leads(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "system" and a.get("is_declared") is False]


def test_an_application_that_only_the_host_tells(make: Any) -> None:
    host = inside(make, "10.1.0.20", "8443/tcp java", "22/tcp sshd", products=("application:某办公自动化系统",))
    (lead,) = leads(make.inferred(base(make), host, make.submission("systems")))
    assert (lead.get("name"), lead.get("is_registered"), lead.get("is_found")) == (
        "某办公自动化系统（10.1.0.20）",
        False,
        True,
    )
    assert (lead.get("department_id"), lead.get("hosting_strength")) == ("mzj", "seen_inside")
    assert [str(i) for i in lead.identifiers] == ["service:10.1.0.20:8443/tcp@scanner"]


@pytest.mark.parametrize(
    "host",
    [
        {"listeners": ("8443/tcp java",)},
        {"listeners": ("127.0.0.1:8443/tcp java",), "products": ("application:某系统",)},
        {"listeners": ("10050/tcp zabbix_agentd", "22/tcp sshd"), "products": ("application:某系统",)},
        {"listeners": ("8443/tcp",), "products": ("application:某系统",)},
        {"listeners": ("8080/tcp java",), "products": ("middleware:Apache Tomcat 9.0",)},
        {"listeners": ("8080/tcp java",), "hinted": ("application:某系统",)},
        {"listeners": ("9100/tcp node_exporter",), "products": ("database:达梦 DM",)},
    ],
)
def test_what_on_a_host_is_no_system(make: Any, host: dict[str, Any]) -> None:
    """A nameless process, what listens to itself alone, agents, an empty middleware, a guess."""
    listeners = host.pop("listeners")
    assert leads(make.inferred(base(make), inside(make, "10.1.0.20", *listeners, **host))) == []


def test_a_port_bound_to_the_hosts_own_address_is_open_to_others(make: Any) -> None:
    host = inside(make, "10.1.0.20", "10.1.0.20:8443/tcp java", products=("application:某系统",))
    assert len(leads(make.inferred(base(make), host))) == 1


def test_an_application_on_a_claimed_host_is_claimed(make: Any) -> None:
    host = inside(make, "10.1.0.20", "8443/tcp java", products=("application:某办公自动化系统",))
    for row in (
        [system(make, "10.1.0.20")],
        [system(make), make.host_row("A-1", "mzj", "10.1.0.20", system_codes=("MZ-1",))],
    ):
        assert leads(make.inferred(base(make), host, row, make.submission("systems"))) == []
    # A registered system whose place no register tells may be this one.
    (lead,) = leads(make.inferred(base(make), host, system(make), make.submission("systems")))
    assert lead.get("is_registered") is None
    (lead,) = leads(make.inferred(base(make), host, system(make, OWN), make.submission("systems")))
    assert lead.get("is_registered") is False


def test_a_claim_to_another_address_of_the_same_machine_is_a_claim(make: Any) -> None:
    uuid = "564d4cbc-c6a9-1969-bc4c-4d56a9c66919"
    seen = [make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE, uuid=uuid), make.seen(OWN, SSH, uuid=uuid)]
    assert leads(make.inferred(base(make), seen, system(make, OWN))) == []
    assert (
        len(
            leads(
                make.inferred(base(make), [replace(seen[0], identifiers=seen[0].identifiers[:1])], system(make, OWN))
            )
        )
        == 1
    )


def test_a_lone_database_may_belong_to_a_registered_system(make: Any) -> None:
    """Which host a database serves nobody can tell: with no system at all in the register, it is nobody's."""
    outside = make.seen("10.1.0.21", "1521/tcp oracle-tns Oracle TNS listener 11.2.0.4.0")
    within = inside(make, "10.1.0.21", "5236/tcp dmserver", products=("database:达梦 DM",))
    for database in (outside, within):
        (lead,) = leads(make.inferred(base(make), database, system(make, OWN), make.submission("systems")))
        assert lead.get("is_registered") is None
        retired = system(make, OWN, status="retired")
        for rows in ([], [retired]):
            (lead,) = leads(make.inferred(base(make), database, rows, make.submission("systems", nil=not rows)))
            assert lead.get("is_registered") is False


def test_a_page_without_a_name_may_be_a_system_without_an_address(make: Any) -> None:
    services = ("8080/tcp http nginx", "3306/tcp mysql MySQL 5.7")
    seen = make.seen("10.1.0.20", *services, titles=(("8080/tcp", "用户登录"),))
    for row, wanted in ((system(make), None), (system(make, OWN), False)):
        (lead,) = leads(make.inferred(base(make), seen, row, make.submission("systems")))
        assert lead.get("is_registered") is wanted


@pytest.mark.parametrize("title", ["测试页面", "Test Page", "hello world", "Node Exporter", "Zabbix agent", "测试"])
def test_test_pages_and_agents_are_no_systems(make: Any, title: str) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=(("8080/tcp", title),))
    assert leads(make.inferred(base(make), seen, make.submission("systems"))) == []


@pytest.mark.parametrize("title", ["殡葬管理平台（测试）", "殡葬管理平台测试环境", "【演示】殡葬管理平台"])
def test_a_test_copy_is_called_unregistered_by_nobody(make: Any, title: str) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=(("8080/tcp", title),))
    (lead,) = leads(make.inferred(base(make), seen, make.submission("systems")))
    assert lead.get("is_registered") is None


def test_a_shared_proxy_in_a_departments_network_is_no_system(make: Any) -> None:
    page = make.seen("10.1.0.20", "80/tcp http nginx", titles=(("80/tcp", "统一工作门户"),))
    proxy = make.host_row("P-1", "mzj", "10.1.0.20", name="反向代理服务器")
    assert leads(make.inferred(base(make), page, proxy, make.submission("systems"))) == []
    rows = [make.system("MZ-1", NAME), make.system("JT-1", "路网监测平台", "jtj")]
    led = [
        asked(make, "MZ-1", NAME, addresses=("10.1.0.20",), page=NAME, zone="mzj"),
        asked(
            make, "JT-1", "路网监测平台", host="l.example.cn", addresses=("10.1.0.20",), department="jtj", zone="mzj"
        ),
    ]
    assert leads(make.inferred(base(make), page, rows, led, make.submission("systems"))) == []
    assert len(leads(make.inferred(base(make), page, rows, make.submission("systems")))) == 1


def test_a_service_on_the_cloud_is_a_resource_and_no_departments_system(make: Any) -> None:
    host = inside(make, CLOUD, "8443/tcp java", products=("application:某系统",), zone="gov-cloud")
    assert leads(make.inferred(base(make), host, instance(make, "1", CLOUD), make.submission("systems"))) == []


# --- the whole ---


def test_the_order_of_the_input_decides_nothing(make: Any) -> None:
    parts = [
        *base(make),
        system(make, OWN, CLOUD, hosting=("gov_cloud",), urls=("https://jz.mzj.example.cn/",)),
        make.system("JT-1", "路网监测平台", "jtj", status="running", addresses=("10.9.0.12",)),
        make.host_row("A-1", "mzj", OWN, system_codes=("MZ-1",)),
        instance(make, "1", CLOUD, systems=("MZ-1",), project="p-civil"),
        instance(make, "2", "10.9.0.12"),
        instance(make, "3", "10.9.0.13", tags=("system=JT-1", "test")),
        instance(make, "4", power="off"),
        asked(make, "MZ-1", NAME, addresses=(CLOUD,), page=NAME),
        inside(make, OWN, "5236/tcp dmserver", products=("database:达梦 DM", "os:银河麒麟 V10")),
        inside(make, "10.1.0.20", "8443/tcp java", products=("application:某系统",)),
        make.seen(OWN, NGINX, titles=TITLE),
        *make.covered("mzj"),
        *make.covered("gov-cloud"),
        listed(make),
        *(make.submission(r, d) for r in ("systems", "hosts") for d in ("mzj", "jtj", "bureau")),
    ]
    expected = make.inferred(*parts)
    assert {a.get("is_claimed") for a in expected.assets if a.kind == "host"} >= {True, None}
    luck = random.Random(11)
    for _ in range(15):
        luck.shuffle(parts)
        assert make.inferred(*parts) == expected
    assert make.inferred(*parts, *parts) == expected
    again = make.inferred(*parts, keymap=expected.keymap)
    assert [(a.kind, a.key) for a in again.assets] == [(a.kind, a.key) for a in expected.assets]


def accusations(found: Reconciled) -> set[tuple[str, str]]:
    """What somebody may be held to answer for: (asset's key, column)."""
    held = {"is_found": False, "is_claimed": False, "is_registered": False, "migration_state": "on_paper"}
    return {(a.key, column) for a in found.assets for column, value in held.items() if a.get(column) == value}


def test_whoever_looked_less_accuses_nobody_more(make: Any) -> None:
    """Of everything that says how far somebody looked or was asked, any part may be missing: no accusation is new."""
    seen = [
        *base(make),
        system(make, OWN, CLOUD, hosting=("gov_cloud",), urls=("https://jz.mzj.example.cn/",)),
        make.system(
            "MZ-2", "殡葬管理平台", status="running", hosting=("gov_cloud",), addresses=("10.1.0.30", "10.9.0.30")
        ),
        make.system("MZ-3", "婚姻登记系统", status="running", hosting=("own_room",), addresses=("10.1.0.40",)),
        make.host_row("A-1", "mzj", "10.1.0.41"),
        make.seen("10.1.0.30", NGINX, titles=(("80/tcp", "殡葬管理平台"),)),
        make.seen("10.1.0.50", "8080/tcp http nginx", titles=(("8080/tcp", "某未知平台"),)),
        instance(make, "7", project="old-stuff", department="jtj"),
        asked(make, "MZ-1", NAME, resolves=False),
    ]
    scope = [
        *make.covered("mzj"),
        *make.covered("gov-cloud"),
        listed(make),
        names_asked(make, "jz.mzj.example.cn"),
        *(make.submission(r, d) for r in ("systems", "hosts") for d in ("mzj", "jtj", "bureau")),
    ]
    full = accusations(make.inferred(seen, scope))
    columns = sorted(column for _key, column in full)
    assert columns == [*["is_claimed"], *["is_found"] * 3, "is_registered", *["migration_state"] * 2]
    luck = random.Random(5)
    for _ in range(60):
        some = [part for part in scope if luck.random() < 0.6]
        assert accusations(make.inferred(seen, some)) <= full
    assert accusations(make.inferred(seen)) == set()
