"""What hosts are made of: read from the host, laid over labels, and nothing that is only guessed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from inventories.identity import code_id
from inventories.infer.parts import agree, split
from inventories.infer.terms import COMPONENTS
from inventories.keymap import resolve
from inventories.kinds.component import CATEGORY
from inventories.model import Asset, Fact, Observation, Strength
from inventories.reconcile import Reconciled
from tests.inventories.infer_world import inside, instance

OWN = "10.1.0.10"
DAMENG, MYSQL = "database:达梦 DM", "database:MySQL 5.7.44"
KYLIN = ("银河麒麟高级服务器操作系统", "V10 SP3")
UUID = "564d4cbc-c6a9-1969-bc4c-4d56a9c66919"


def base(make: Any) -> list[Any]:
    return [make.department("mzj"), make.department("jtj"), make.department("bureau"), make.cloud("GOV-1")]


def parts(found: Reconciled, category: str = "") -> list[Asset]:
    return [a for a in found.assets if a.kind == "component" and category in ("", a.get("category"))]


def told(asset: Asset) -> tuple[Any, Any, Any]:
    return asset.get("product"), asset.get("vendor"), asset.get("version")


def label(make: Any, host: str = "A-1", category: str = "database", **values: Any) -> Observation:
    row: Observation = make.row(
        "component",
        f"registers/components.csv!{category}",
        "mzj",
        (code_id("component", f"P-{category}-{values.get('product', '')}"),),
        host_key=host,
        category=category,
        **values,
    )
    return row


def fact(asset: Asset, column: str) -> Any:
    return next(f for f in asset.facts if f.column == column and f.origin == "inferred")


# --- what was read ---


def test_what_a_host_is_made_of(make: Any) -> None:
    host = inside(
        make,
        OWN,
        "5236/tcp dmserver",
        products=(DAMENG, "middleware:东方通 TongWeb 7.0", "web:nginx 1.22", "application:某办公系统 3.1"),
        cpu=("飞腾", "飞腾 S2500"),
        os=KYLIN,
        hostname="db01",
    )
    row = make.host_row("A-1", "mzj", OWN, name="救助数据库服务器", system_codes=("MZ-1",))
    found = make.inferred(base(make), host, row, make.system("MZ-1", "民政救助系统"))
    (key,) = [a.key for a in found.assets if a.kind == "host"]
    (system,) = [a.key for a in found.assets if a.kind == "system" and a.get("is_declared")]
    assert {(a.get("category"), *told(a)) for a in parts(found)} == {
        ("cpu", "飞腾 S2500", "飞腾", None),
        ("os", "银河麒麟高级服务器操作系统", None, "V10 SP3"),
        ("database", "达梦 DM", None, None),
        ("middleware", "东方通 TongWeb", None, "7.0"),
        ("application", "某办公系统", None, "3.1"),
    }
    for part in parts(found):
        assert (part.get("host_key"), part.get("system_keys"), part.get("department_id")) == (key, (system,), "mzj")
        assert (part.get("is_observed"), part.get("is_declared"), part.get("zone")) == (True, False, "mzj")
        assert part.get("level_of_government") == "city" and "救助数据库服务器" in part.text("name")
    (database,) = parts(found, "database")
    assert fact(database, "product").strength is Strength.SEEN_INSIDE
    assert "救助数据库服务器" in fact(database, "product").evidence and "达梦" in fact(database, "product").evidence


def test_a_guess_becomes_no_component(make: Any) -> None:
    guess = inside(make, OWN, hinted=("database:人大金仓 KingbaseES", "os:CentOS"))
    assert parts(make.inferred(base(make), guess)) == []
    declared = make.host_row("A-1", "mzj", OWN, os_name="CentOS 7", cpu_model="Kunpeng 920")
    assert parts(make.inferred(base(make), declared)) == []
    empty = inside(make, OWN, "8080/tcp java")
    assert parts(make.inferred(base(make), empty)) == []


def test_what_services_say_to_the_outside(make: Any) -> None:
    windows = make.seen(OWN, "3389/tcp ms-wbt-server", products=("os:Microsoft Windows Server 2016",))
    (part,) = parts(make.inferred(base(make), windows))
    assert told(part) == ("Microsoft Windows Server", None, "2016")
    assert fact(part, "product").strength is Strength.SEEN_OUTSIDE


def test_what_was_read_inside_outranks_a_greeting(make: Any) -> None:
    """A domestic database may greet in the protocol of another."""
    greets = make.seen(OWN, products=("database:PostgreSQL 12.1", "os:CentOS"))
    host = inside(make, OWN, products=("database:人大金仓 KingbaseES V8R6",), os=KYLIN)
    found = make.inferred(base(make), greets, host)
    assert [told(a) for a in parts(found, "database")] == [("人大金仓 KingbaseES", None, "V8R6")]
    assert [told(a) for a in parts(found, "os")] == [(KYLIN[0], None, KYLIN[1])]
    # Of another category the outside still counts.
    host = inside(make, OWN, os=KYLIN)
    assert [told(a) for a in parts(make.inferred(base(make), greets, host), "database")] == [
        ("PostgreSQL", None, "12.1")
    ]


def test_two_readings_of_one_strength_that_differ_tell_nothing(make: Any) -> None:
    first = inside(make, OWN, os=KYLIN, uuid=UUID)
    second = replace(inside(make, OWN, os=("CentOS Linux", "7"), uuid=UUID), collector="windows", source="windows")
    (part,) = parts(make.inferred(base(make), first, second), "os")
    assert told(part) == (None, None, None)


def test_a_consoles_word_for_a_guest_is_a_label(make: Any) -> None:
    vm = instance(make, "1", OWN, cloud="MZ-VC", zone="mzj", collector="vsphere", platform="vsphere")
    vm = replace(vm, facts=(*vm.facts, Fact("os_name", "CentOS 4/5 or later (64-bit)", Strength.SEEN_INSIDE)))
    assert parts(make.inferred(base(make), vm)) == []
    (part,) = parts(make.inferred(base(make), vm, inside(make, OWN, os=KYLIN, physical=False)), "os")
    assert told(part) == (KYLIN[0], None, KYLIN[1])


def test_a_guests_processor_is_what_its_hypervisor_says(make: Any) -> None:
    def cpu(**values: Any) -> Asset:
        host = inside(make, OWN, cpu=("Intel", "Intel Xeon Gold 6230"), **values)
        (part,) = parts(make.inferred(base(make), host), "cpu")
        return part

    physical, guest, unknown = cpu(physical=True), cpu(physical=False), cpu(physical=None)
    by_platform = cpu(physical=None, platform="kvm")
    assert (
        fact(physical, "product").strength is Strength.SEEN_INSIDE
        and "虚拟" not in fact(physical, "product").evidence
    )
    for virtual in (guest, by_platform):
        assert fact(virtual, "product").strength is Strength.DECLARED
        assert "虚拟化平台呈现" in fact(virtual, "product").evidence
    assert "未能确认是否为物理机" in fact(unknown, "product").evidence


def test_devices(make: Any) -> None:
    switch = replace(
        make.seen(OWN, products=("network_device:Huawei S5735",), collector="snmp"), collector="snmp", source="snmp"
    )
    switch = replace(switch, facts=(*switch.facts, Fact("vendor", "华为", Strength.SEEN_INSIDE)))
    (part,) = parts(make.inferred(base(make), switch))
    assert (part.get("category"), *told(part)) == ("network_device", "Huawei S5735", "华为", None)


# --- identity ---


def test_a_part_keeps_its_key_from_version_to_version(make: Any) -> None:
    first = make.inferred(base(make), inside(make, OWN, products=(MYSQL,), os=("CentOS Linux", "7")))
    later = inside(make, OWN, products=("database:MySQL 8.0.36",), os=KYLIN, at=make.at + timedelta(days=30))
    second = make.inferred(base(make), later, keymap=first.keymap, today=date(2026, 4, 2))
    assert [a.key for a in parts(second, "database")] == [a.key for a in parts(first, "database")]
    assert [told(a) for a in parts(second, "database")] == [("MySQL", None, "8.0.36")]
    # A host has one operating system: another in its place is the same part, mended.
    assert [a.key for a in parts(second, "os")] == [a.key for a in parts(first, "os")]
    assert parts(second, "os")[0].get("first_seen_on") == date(2026, 3, 2)
    # Another database is another part.
    third = make.inferred(base(make), inside(make, OWN, products=(DAMENG,)), keymap=first.keymap)
    assert [a.key for a in parts(third, "database")] != [a.key for a in parts(first, "database")]


def test_a_part_follows_its_host_through_a_merge(make: Any) -> None:
    apart = make.inferred(base(make), inside(make, OWN, products=(DAMENG,)), make.seen("10.1.0.11"))
    both = [inside(make, OWN, uuid=UUID, products=(DAMENG,)), make.seen("10.1.0.11", uuid=UUID)]
    merged = make.inferred(base(make), both, keymap=apart.keymap)
    assert [a.key for a in parts(merged)] == [a.key for a in parts(apart)]


# --- label and reality ---


def test_label_and_reality_are_one_asset(make: Any) -> None:
    host = [make.host_row("A-1", "mzj", OWN), inside(make, OWN, products=("database:达梦 DM",), os=KYLIN)]
    row = label(make, product="达梦数据库管理系统 DM8", vendor="达梦", version="V8")
    found = make.inferred(base(make), host, row)
    (database,) = parts(found, "database")
    assert (database.get("is_declared"), database.get("is_observed")) == (True, True)
    assert told(database) == ("达梦 DM", "达梦", "V8") and database.conflicts == ()
    assert database.get("host_key") == next(a.key for a in found.assets if a.kind == "host")
    assert database.get("last_seen_on") == date(2026, 3, 2)
    assert set(database.values["sources"]) == {"registers/components.csv!database", "ssh"}  # type: ignore[arg-type]
    assert len(parts(found, "os")) == 1


def test_a_label_that_reality_contradicts(make: Any) -> None:
    host = [make.host_row("A-1", "mzj", OWN), inside(make, OWN, products=(MYSQL,))]
    row = label(make, product="达梦 DM8", vendor="达梦", version="V8.1")
    (database,) = parts(make.inferred(base(make), host, row))
    assert told(database) == ("MySQL", None, "5.7.44")
    conflicts = {c.column: c for c in database.conflicts}
    assert conflicts["product"].shown == "MySQL"
    assert {claim.value for claim in conflicts["product"].claims} == {"达梦 DM8", "MySQL"}
    assert set(conflicts) == {"product", "vendor", "version"}


def test_what_answers_outside_may_stand_beside_what_the_label_says(make: Any) -> None:
    host = [make.host_row("A-1", "mzj", OWN), make.seen(OWN, products=("database:MariaDB 10.5",))]
    found = make.inferred(base(make), host, label(make, product="达梦 DM8"))
    assert {(told(a)[0], a.get("is_observed")) for a in parts(found, "database")} == {
        ("达梦 DM8", False),
        ("MariaDB", True),
    }


def test_several_of_a_category_are_matched_by_product(make: Any) -> None:
    host = [make.host_row("A-1", "mzj", OWN), inside(make, OWN, products=(DAMENG, MYSQL))]
    found = make.inferred(base(make), host, label(make, product="达梦"), label(make, product="Oracle 11g"))
    assert {(told(a)[0], a.get("is_declared"), a.get("is_observed")) for a in parts(found, "database")} == {
        ("达梦 DM", True, True),
        ("MySQL", True, True),
    }


def test_another_hosts_label_is_not_this_ones(make: Any) -> None:
    host = [
        make.host_row("A-1", "mzj", OWN),
        make.host_row("A-2", "mzj", "10.1.0.11"),
        inside(make, OWN, products=(MYSQL,)),
    ]
    found = make.inferred(
        base(make), host, label(make, "A-2", product="达梦 DM8"), label(make, "", product="南大通用")
    )
    assert sorted((told(a)[0], a.get("is_observed")) for a in parts(found)) == [
        ("MySQL", True),
        ("南大通用", False),
        ("达梦 DM8", False),
    ]


def test_a_guests_processor_does_not_overrule_a_label(make: Any) -> None:
    host = [make.host_row("A-1", "mzj", OWN), inside(make, OWN, cpu=("Intel", "Intel Xeon"), physical=False)]
    (cpu,) = parts(make.inferred(base(make), host, label(make, category="cpu", product="鲲鹏920")))
    assert cpu.get("product") is None
    assert [c.column for c in cpu.conflicts] == ["product"]
    same = [make.host_row("A-1", "mzj", OWN), inside(make, OWN, cpu=("海思", "Kunpeng-920"), physical=False)]
    (cpu,) = parts(make.inferred(base(make), same, label(make, category="cpu", product="鲲鹏920")))
    assert cpu.conflicts == ()


def test_findings_of_a_part_follow_to_the_row_that_labels_it(make: Any) -> None:
    host = [make.host_row("A-1", "mzj", OWN), inside(make, OWN, products=(DAMENG,))]
    first = make.inferred(base(make), host)
    second = make.inferred(base(make), host, label(make, product="达梦"), keymap=first.keymap)
    (before,), (after,) = parts(first), parts(second)
    assert before.key != after.key and resolve(second.keymap.aliases, before.key) == after.key


def test_a_row_knows_its_host_and_its_system_by_key(make: Any) -> None:
    rows = [make.host_row("A-1", "mzj", OWN), make.system("MZ-1", "民政救助系统")]
    found = make.inferred(base(make), rows, label(make, product="达梦", system_code="MZ-1"))
    (part,) = parts(found)
    assert part.get("host_key") == next(a.key for a in found.assets if a.kind == "host")
    assert part.get("system_keys") == tuple(a.key for a in found.assets if a.kind == "system")


# --- products ---


@pytest.mark.parametrize(
    ("text", "product", "version"),
    [
        ("Microsoft Windows Server 2016", "Microsoft Windows Server", "2016"),
        ("银河麒麟高级服务器操作系统 V10 SP3-2403", "银河麒麟高级服务器操作系统", "V10 SP3-2403"),
        ("openEuler 22.03 (LTS-SP2)", "openEuler", "22.03 (LTS-SP2)"),
        ("Apache Tomcat/9.0.65", "Apache Tomcat", "9.0.65"),
        ("南大通用 GBase 8a", "南大通用 GBase 8a", ""),
        ("GBase 8s V8.8", "GBase 8s", "V8.8"),
        ("Oracle Database 19c", "Oracle Database 19c", ""),
        ("达梦 DM8", "达梦 DM8", ""),
        ("nginx", "nginx", ""),
        ("", "", ""),
    ],
)
def test_products_and_versions(text: str, product: str, version: str) -> None:
    assert split(text) == (product, version)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("达梦数据库管理系统V8.1", "达梦 DM", True),
        ("DM8", "达梦 DM", True),
        ("鲲鹏920", "Kunpeng-920", True),
        ("Kylin V10", "银河麒麟高级服务器操作系统", True),
        ("SQL Server 2012", "Microsoft SQL Server", True),
        ("Oracle 11g", "Oracle Database", True),
        ("达梦", "MySQL", False),
        ("CentOS Linux", "Red Hat Enterprise Linux", False),
        ("某某操作系统", "银河麒麟高级服务器操作系统", False),
        ("人大金仓", "PostgreSQL", False),
        ("Apache Tomcat", "Apache httpd", False),
    ],
)
def test_names_of_one_product(one: str, other: str, same: bool) -> None:
    assert agree(one, other) is same and agree(other, one) is same


def test_every_category_is_a_components() -> None:
    assert set(COMPONENTS) <= set(CATEGORY)


def test_the_order_of_the_input_decides_nothing(make: Any) -> None:
    everything = [
        *base(make),
        make.host_row("A-1", "mzj", OWN, system_codes=("MZ-1",)),
        make.system("MZ-1", "民政救助系统"),
        inside(make, OWN, "5236/tcp dmserver", products=(DAMENG, MYSQL), cpu=("飞腾", "S2500"), os=KYLIN),
        make.seen(OWN, products=("database:PostgreSQL", "os:CentOS")),
        label(make, product="达梦"),
        label(make, category="os", product="统信"),
        label(make, category="cpu", product="鲲鹏920"),
    ]
    expected = make.inferred(*everything)
    luck = random.Random(3)
    for _ in range(15):
        luck.shuffle(everything)
        assert make.inferred(*everything) == expected
    again = make.inferred(*everything, keymap=expected.keymap)
    assert [a.key for a in again.assets] == [a.key for a in expected.assets]
