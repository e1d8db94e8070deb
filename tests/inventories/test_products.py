"""Product names: what hosts say and what lists print meet where they are one, and never where they are not."""

from __future__ import annotations

import re

import pytest

from inventories.faults import Faults
from inventories.products import Same, compare, read_names, shipped_names
from probes.fingerprints.inside import tables

NAMES = shipped_names()


def told(category: str, text: str, vendor: str = "") -> str | None:
    name = NAMES.name(category, text, vendor)
    return None if name is None else f"{name.family.id} {name.release}".strip()


@pytest.mark.parametrize(
    ("category", "text", "expected"),
    [
        ("cpu", "飞腾腾云S5000C-E", "phytium S5000C-E"),
        ("cpu", "飞腾 S5000C-E", "phytium S5000C-E"),
        ("cpu", "龙芯 3A6000（C）", "loongson 3A6000(C)"),
        ("cpu", "华为鲲鹏 950", "kunpeng 950"),
        ("cpu", "海光 C86-4G 7490", "hygon C86-4G"),
        ("cpu", "兆芯开先 KX-U6980S", "zhaoxin KX-U6980S"),
        ("cpu", "申威威鑫 H8000", "sunway H8000"),
        ("cpu", "麒麟 X90", "kirin X90"),
        ("cpu", "Intel(R) Xeon(R) Gold 6230", "intel"),
        ("cpu", "QEMU Virtual CPU version 2.5+", None),
        ("os", "银河麒麟高级服务器操作系统 V10 SP3", "kylin-server 10 SP3"),
        ("os", "银河麒麟高级服务器操作系统 V10 SP3-2403", "kylin-server 10 SP3-2403"),
        ("os", "Kylin Linux Advanced Server V10 (Lance)", "kylin-server 10"),
        ("os", "银河麒麟桌面操作系统 V10 SP1（内核版本 5.10）", "kylin-desktop 10 SP1"),
        ("os", "Kylin V10", None),
        ("os", "麒麟操作系统", None),
        ("os", "统信操作系统 20", None),
        ("os", "统信桌面操作系统 V25", "uos-desktop 25"),
        ("os", "方德桌面操作系统 Pro V5.0", "nfs-desktop PRO 5.0"),
        ("os", "方德操作系统 V5.0", None),
        ("os", "openEuler 24.03 (LTS-SP2)", "openeuler 24.03 LTS SP2"),
        ("os", "CentOS Linux 7.9.2009", "centos 7.9.2009"),
        ("os", "CentOS Stream 9", "centos-stream 9"),
        ("os", "Microsoft Windows Server 2012 R2 Standard 6.3.9600", "windows-server 2012 R2"),
        ("os", "Microsoft Windows Server 10.0.14393", "windows-server 2016"),
        ("os", "Microsoft Windows Server, version 1809 10.0.17763", "windows-server"),
        ("os", "Microsoft Windows 10 专业版 10.0.19045", "windows-client 10 22H2"),
        ("os", "Microsoft Windows 10 企业版 LTSC 10.0.19044", "windows-client"),
        ("os", "Microsoft Windows 10.0.17763", "windows"),
        ("database", "达梦 DM", "dm"),
        ("database", "DM8", "dm 8"),
        ("database", "人大金仓 KingbaseES V008R006C008", "kingbase 8"),
        ("database", "南大通用 GBase 8a", "gbase-8a"),
        ("database", "GBase 8a MPP Cluster V9", "gbase-8a 9"),
        ("database", "南大通用安全数据库管理系统 GBase 8s V8.8", "gbase-8s 8.8"),
        ("database", "MySQL 协议数据库", None),
        ("database", "PostgreSQL 协议数据库", None),
        ("database", "openGauss 系列数据库", None),
        ("database", "OceanBase 数据库代理", None),
        ("database", "PostgreSQL 12.3", "postgresql"),
        ("database", "某某数据库 V3", None),
        ("middleware", "东方通 TongWeb", None),
        ("cpu", "", None),
        ("cpu", "x" * 400, None),
    ],
)
def test_what_a_text_names(category: str, text: str, expected: str | None) -> None:
    assert told(category, text) == expected


def test_a_maker_stands_in_for_a_product_that_nobody_could_read() -> None:
    assert told("cpu", "", "Intel") == "intel"
    assert told("cpu", "", "飞腾") == "phytium"


@pytest.mark.parametrize(
    ("category", "one", "other", "expected"),
    [
        ("os", "银河麒麟高级服务器操作系统 V10 SP3", "银河麒麟高级服务器操作系统 V10 SP1", Same.NO),
        ("os", "银河麒麟高级服务器操作系统 V10 SP3", "银河麒麟高级服务器操作系统 V10", Same.UNTOLD),
        ("os", "银河麒麟高级服务器操作系统 V10 SP3", "银河麒麟高级服务器操作系统 V10 SP3-2403", Same.UNTOLD),
        ("os", "银河麒麟高级服务器操作系统 V10 SP1", "银河麒麟桌面操作系统 V10 SP1", Same.NO),
        ("os", "银河麒麟高级服务器操作系统 V1", "银河麒麟高级服务器操作系统 V10", Same.NO),
        ("os", "银河麒麟桌面操作系统 V10 SP1（内核版本 5.10）", "银河麒麟桌面操作系统 V10 SP1", Same.UNTOLD),
        ("os", "银河麒麟桌面操作系统 V10 SP1（内核版本 5.10）", "银河麒麟桌面操作系统 V10 SP1（内核 4.19）", Same.NO),
        ("os", "银河麒麟高级服务器操作系统 V11（Linux 6.6）", "银河麒麟高级服务器操作系统 V11", Same.YES),
        ("os", "方德桌面操作系统 Pro V5.0", "方德桌面操作系统 V5.0", Same.NO),
        ("cpu", "龙芯 3A6000（C）", "龙芯 3A6000", Same.UNTOLD),
        ("cpu", "飞腾腾云S5000C-E", "飞腾 S5000C", Same.UNTOLD),
        ("cpu", "飞腾腾云S5000C-E", "飞腾 S2500", Same.NO),
        ("cpu", "鲲鹏 950", "华为鲲鹏 920", Same.NO),
        ("database", "达梦 DM", "DM8", Same.UNTOLD),
    ],
)
def test_the_same_or_not(category: str, one: str, other: str, expected: Same) -> None:
    first, second = NAMES.name(category, one), NAMES.name(category, other)
    assert first is not None and second is not None
    assert compare(first, second) is expected
    assert compare(second, first) is expected


def test_every_system_that_fingerprints_name_is_known() -> None:
    """A title that the table of names does not know could never be found on a list."""
    for row in tables().systems:
        plain = row.title.casefold()
        matched = [family for family in NAMES.families["os"] if family.pattern.search(plain)]
        assert matched, row.title
        if not matched[0].vague and matched[0].origin == "domestic":
            assert matched[0].vendor == row.vendor, row.title


def test_every_domestic_processor_and_database_that_fingerprints_name_is_known() -> None:
    # Two families of processors are Huawei's: its name alone tells neither.
    makers = {row.vendor for row in tables().cpus if row.vendor} - {"华为"}
    assert all(NAMES.name("cpu", "", maker) for maker in makers)
    for row in tables().processes:
        if row.category == "database":
            plain = row.product.casefold()
            assert any(family.pattern.search(plain) for family in NAMES.families["database"]), row.product


def test_builds_of_servers_are_those_of_the_fingerprints() -> None:
    family = NAMES.family("windows-server")
    assert family is not None
    for version, build in tables().builds.items():
        year = re.fullmatch(r"Windows Server (20\d\d(?: R2)?)(?: SP\d)?", build.server)
        assert family.builds.get(version) == (year[1] if year else None), version


def test_a_table_of_names_is_read_strictly() -> None:
    content = (
        "products:\n"
        "  - {id: a, category: os, match: '('}\n"
        "  - {id: b, category: os, match: b, relase: x, origin: mars}\n"
        "  - {id: c, category: os}\n"
        "  - {id: d, category: os, match: d}\n"
        "  - {id: d, category: os, match: d}\n"
        "  - 7\n"
    )
    with pytest.raises(Faults) as error:
        read_names(content.encode(), "names.yaml")
    found = [str(fault) for fault in error.value.faults]
    assert len(found) == 7, found
    assert any(f.startswith("names.yaml:3:") and "did you mean 'release'" in f for f in found)
    assert any("is no pattern" in f for f in found) and any("a second 'd'" in f for f in found)
    with pytest.raises(Faults, match="holds no list"):
        read_names(b"x: 1\n", "names.yaml")


@pytest.mark.parametrize(
    "text", ["v" * 290, "麒麟 " * 90, "windows " + "1" * 280, "gbase 8s " + "1." * 140, "\x00\u202e"]
)
def test_no_text_takes_long(text: str) -> None:
    for category in NAMES.families:
        NAMES.name(category, text)
