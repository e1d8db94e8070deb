"""Every fingerprint that is known of domestic processors, systems, databases and middleware, one by one.

What a machine shows is synthetic here, in the words of the sources that the rows name: no such machine was read.
Beside each stand look-alikes, which must not be taken for it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import probes.fingerprints
from inventories.documents import read_yaml
from inventories.model import Strength
from probes.fingerprints import load
from probes.fingerprints.inside import tables
from probes.inside.cpu import recognise
from probes.inside.model import Cpu, Os
from probes.inside.script import MARK_BEGIN, MARK_END
from probes.inside.sections import split
from probes.inside.system import read_os

INSIDE, OUTSIDE, HINTED = Strength.SEEN_INSIDE, Strength.SEEN_OUTSIDE, Strength.HINTED
PORTS = {
    row["port"]: row for row in read_yaml(Path(probes.fingerprints.__file__).parent / "ports.yaml").data["ports"]
}


# Processors


def cpu(arch: str = "aarch64", *, text: str = "", part: str = "", vendor: str = "", guest: bool = False) -> Cpu:
    texts = [("/proc/cpuinfo", text)] if text else []
    return recognise(arch, texts, part, vendor, "guest" if guest else "host", is_guest=guest)


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("Phytium,FT-2000+/64", "飞腾 FT-2000+"),
        ("FT-2000+/64", "飞腾 FT-2000+"),
        ("Phytium,FT-2000/4", "飞腾 FT-2000/4"),
        ("Phytium,S2500/64 C00", "飞腾 S2500"),
        ("S2500/64 C00", "飞腾 S2500"),
        ("Phytium,D2000/8 E8C", "飞腾 D2000"),
        ("Phytium D2000/8", "飞腾 D2000"),
        ("Phytium,S5000", "飞腾 S5000"),
        ("Phytium,S5000C-E 64C", "飞腾 S5000C-E"),
        ("Phytium,FT-D3000", "飞腾 D3000"),
        ("FTC662", ""),
    ],
)
def test_phytium_by_name(text: str, product: str) -> None:
    got = cpu(text=text, part="0x70:0x662")
    assert (got.vendor, got.product, got.vendor_strength) == ("飞腾", product, INSIDE)
    assert cpu(text=text, guest=True).product_strength is HINTED


@pytest.mark.parametrize("part", ["0x303", "0x660", "0x661", "0x662", "0x663", "0x664", "0x862"])
def test_phytium_by_part(part: str) -> None:
    """A core's number names the maker; several products share one, so none of them is named."""
    got = cpu(part=f"0x70:{part}")
    assert (got.vendor, got.product, got.vendor_strength) == ("飞腾", "", INSIDE)
    sources = " ".join(row.source for row in tables().cpus if row.kind == "part" and row.vendor == "飞腾")
    assert part in sources


@pytest.mark.parametrize(
    ("part", "product"),
    [
        *((f"0xd{n}", "鲲鹏 920") for n in ("01", "02", "03", "22")),
        ("0xd06", "鲲鹏 950"),
        ("0xd40", ""),
    ],
)
def test_kunpeng_by_part(part: str, product: str) -> None:
    got = cpu(part=f"0x48:{part}")
    assert (got.vendor, got.product) == ("华为", product)


@pytest.mark.parametrize("text", ["HUAWEI,Kunpeng 920", "Kunpeng-920", "HUAWEI Kunpeng 920 5250"])
def test_kunpeng_by_name(text: str) -> None:
    assert (cpu(text=text).vendor, cpu(text=text).product) == ("华为", "鲲鹏 920")


@pytest.mark.parametrize(
    ("vendor", "text", "maker", "product"),
    [
        ("HygonGenuine", "Hygon C86 7280 32-core Processor", "海光", "海光 C86 7280"),
        ("HygonGenuine", "Hygon C86-4G 7490", "海光", "海光 C86-4G 7490"),
        ("HygonGenuine", "", "海光", ""),
        ("  Shanghai  ", "ZHAOXIN KaisHeng KH-20800", "兆芯", "兆芯 KH-20800"),
        ("  Shanghai  ", "ZHAOXIN KaisHeng KH-37800D@2.7GHz", "兆芯", "兆芯 KH-37800D"),
        ("  Shanghai  ", "ZHAOXIN KaiSheng KH-40000/16", "兆芯", "兆芯 KH-40000"),
        ("CentaurHauls", "ZHAOXIN KaiXian KX-5640", "兆芯", "兆芯 KX-5640"),
        ("  Shanghai  ", "ZHAOXIN KaiXian KX-6640MA", "兆芯", "兆芯 KX-6640MA"),
        ("  Shanghai  ", "ZHAOXIN KaiXian KX-U6780A@2.7GHz", "兆芯", "兆芯 KX-U6780A"),
        ("  Shanghai  ", "ZHAOXIN KaiXian KX-7000/8", "兆芯", "兆芯 KX-7000/8"),
        ("  Shanghai  ", "", "兆芯", ""),
    ],
)
def test_hygon_and_zhaoxin(vendor: str, text: str, maker: str, product: str) -> None:
    got = cpu("x86_64", text=text, vendor=vendor)
    assert (got.vendor, got.product, got.vendor_strength) == (maker, product, INSIDE)


def test_vias_old_mark_is_a_hint() -> None:
    """Early Zhaoxin parts carry it, and so do VIA's own."""
    assert cpu("x86_64", vendor="CentaurHauls").vendor_strength is HINTED
    assert cpu("x86_64", vendor="CentaurHauls", text="VIA Nano processor U2250 (1.6GHz Capable)").product == ""


def test_loongson_and_sunway() -> None:
    own = cpu("loongarch64", text="Loongson-3A5000-HV")
    assert (own.vendor, own.product, own.product_strength) == ("龙芯", "龙芯 3A5000", INSIDE)
    # A guest on a 3C6000 shows this name.
    guest = cpu("loongarch64", text="Loongson-3A5000", guest=True)
    assert (guest.vendor_strength, guest.product_strength) == (OUTSIDE, HINTED)
    assert cpu("mips64el", text="Loongson-3A R4 (Loongson-3A4000) @ 1800MHz").product == "龙芯 3A4000"
    assert cpu("loongarch64", text="Loongson-64bit").vendor == cpu("loongarch64").vendor == "龙芯"
    assert (cpu("sw_64").vendor, cpu("sw_64").vendor_strength) == ("申威", INSIDE)


@pytest.mark.parametrize(
    ("arch", "text", "vendor"),
    [
        ("x86_64", "Intel(R) Xeon(R) CPU D-2000 S2500 v4", "GenuineIntel"),
        ("x86_64", "Intel(R) Server Board S5000", "GenuineIntel"),
        ("x86_64", "ACME D2000 controller", ""),
        ("aarch64", "Rockchip RK3588 with FT-2000 fan", ""),
        ("aarch64", "Cortex-A72", ""),
        ("aarch64", "", ""),
        ("x86_64", "", "GenuineIntel"),
        ("x86_64", "AMD EPYC 7551 32-Core Processor", "AuthenticAMD"),
        ("mips64el", "ICT Godson", ""),
    ],
)
def test_look_alikes_are_no_domestic_processor(arch: str, text: str, vendor: str) -> None:
    got = cpu(arch, text=text, vendor=vendor)
    assert got.vendor not in ("飞腾", "华为", "海光", "兆芯", "龙芯", "申威")
    assert not re.search("飞腾|鲲鹏|海光|兆芯|龙芯", got.product)


# Operating systems


def system(release: str = "", tool: str = "", packages: tuple[str, ...] = (), **files: str) -> Os:
    parts = {"kernel": "x86_64\n5.10.0\n0", "tools": tool, "packages": "\n".join(packages)}
    parts |= {"file:/etc/os-release": release} if release else {}
    parts |= {f"file:/etc/{name.replace('_', '-')}": text for name, text in files.items()}
    lines = ["", MARK_BEGIN]
    for name, text in parts.items():
        lines += ["", f"=== {name}", *(f"|{line}" for line in text.split("\n")), "|= 0"]
    return read_os(split("\n".join([*lines, "", MARK_END, ""])))


def release(**values: str) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in values.items())


KNOWN = [
    *(
        (
            release(NAME="Kylin Linux Advanced Server", VERSION=f"V10 ({word})", ID="kylin"),
            "rpm",
            "kylin-server",
            told,
        )
        for word, told in (
            ("Tercel", "V10 SP1"),
            ("Sword", "V10 SP2"),
            ("Lance", "V10 SP3"),
            ("Halberd", "V10 SP3-2403"),
        )
    ),
    (release(NAME="Kylin", VERSION="V11", ID="kylin", PRETTY_NAME="Kylin V11"), "dpkg", "kylin-desktop", "V11"),
    (
        release(NAME="Kylin", VERSION="10 (SP1)", ID="kylin", ID_LIKE="debian", PRETTY_NAME="Kylin V10 SP1"),
        "dpkg",
        "kylin-desktop",
        "V10 SP1",
    ),
    (
        release(NAME="UnionTech OS Server 20", VERSION="20", VERSION_CODENAME="kongzi", ID="uos"),
        "rpm",
        "uos-server",
        "20",
    ),
    (
        release(NAME="UnionTech OS Server 20", VERSION="20", VERSION_CODENAME="fuyu", ID="uos"),
        "rpm",
        "uos-server",
        "20",
    ),
    *(
        (
            release(NAME="uos", PRETTY_NAME=f"UnionTech OS Desktop 20 {edition}", VERSION_ID="20", ID="uos"),
            "dpkg",
            "uos-desktop",
            "20",
        )
        for edition in ("Pro", "E", "Home")
    ),
    (release(NAME="openEuler", VERSION="24.03 (LTS-SP2)", ID="openEuler"), "rpm", "openeuler", "24.03 (LTS-SP2)"),
    (release(NAME="Anolis OS", VERSION="8.8", ID="anolis", ID_LIKE="rhel fedora centos"), "rpm", "anolis", "8.8"),
    (release(NAME="Deepin", VERSION="20.9", ID="Deepin"), "dpkg", "deepin", "20.9"),
    (release(NAME="TencentOS Server", VERSION="4.2", ID="tencentos"), "rpm", "tencentos", "4.2"),
    (release(NAME="ctyunos", VERSION="2.0"), "rpm", "ctyunos", "2.0"),
    (release(NAME="openKylin", VERSION="2.0", ID="openkylin"), "dpkg", "openkylin", "2.0"),
]


@pytest.mark.parametrize(("text", "tool", "code", "version"), KNOWN)
def test_systems_by_os_release(text: str, tool: str, code: str, version: str) -> None:
    got = system(text, tool)
    assert (got.id, got.version, got.strength) == (code, version, INSIDE)


def test_systems_by_their_own_files_and_packages() -> None:
    assert system(kylin_release="Kylin Linux Advanced Server release V10 (Lance)", tool="rpm").version == "V10 SP3"
    desktop = system(release(NAME="uos", ID="uos", VERSION_ID="20"), os_version="SystemName=UnionTech OS Desktop")
    assert desktop.id == "uos-desktop"
    assert system(release(NAME="uos", ID="uos", VERSION_ID="20")).id == "uos"
    assert system(tool="rpm", packages=("rpm\tkylin-release\t10-24.6.p41.ky10",)).id == "kylin-server"
    assert system(tool="rpm", packages=("rpm\tanolis-release\t8.8-3.an8",)).id == "anolis"
    base = release(NAME="CentOS Linux", ID="centos", VERSION="7 (Core)")
    got = system(base, "rpm", ("rpm\tkylinsec-release\t3.4-5.ks6",), redhat_release="CentOS Linux release 7.9")
    assert (got.id, got.version, got.strength) == ("kylinsec", "3.4", INSIDE)
    assert "kylinsec-release 3.4" in got.evidence


@pytest.mark.parametrize(
    "text", [release(NAME=name, ID="x", VERSION="1.0") for name in ("Loongnix", "NeoKylin Linux", "方德桌面操作系统")]
)
def test_systems_whose_files_were_not_seen_are_hints(text: str) -> None:
    assert system(text).strength is HINTED


def test_id_alone_tells_kylins_server_from_its_desktop_never() -> None:
    assert system(release(NAME="Kylin", ID="kylin", VERSION="V10"), "rpm").id == "kylin"
    assert system(release(NAME="Kylin Linux Advanced Server", ID="kylin", VERSION="V10"), "dpkg").id == "kylin"


@pytest.mark.parametrize(
    "files",
    [
        {"redhat_release": "CentOS Linux release 7.9.2009 (Core)"},
        {"redhat_release": "Red Hat Enterprise Linux Server release 7.9"},
        {"lsb_release": "DISTRIB_ID=Ubuntu", "debian_version": "10.4"},
        {"kylin_release": "Kylin Linux Advanced Server release V10 (Lance)"},
    ],
)
def test_what_a_system_derives_from_is_not_what_it_is(files: dict[str, str]) -> None:
    """A system with a name of its own keeps it, whatever files it has kept of another."""
    got = system(release(NAME="BigCloud Enterprise Linux", ID="bclinux", VERSION="8.2"), "rpm", **files)
    assert (got.id, got.name) == ("bclinux", "BigCloud Enterprise Linux")
    assert system(release(NAME="Loongnix-Server", ID="loongnix", VERSION="20"), "dpkg", **files).id != "debian"


def test_centos_stream_is_not_centos_linux() -> None:
    assert system(release(NAME="CentOS Stream", ID="centos", VERSION="9"), "rpm").id == "centos-stream"


# Databases and middleware, by port and by what they say

#: Port → product, nmap's name for the port, and whether the number alone hints at it.
DEFAULT_PORTS = [
    (5236, "达梦 DM8", "padl2sim", True),
    (54321, "人大金仓 KingbaseES", "unknown", True),
    (2003, "神通数据库 Oscar", "finger", True),
    (5866, "瀚高 HighGo", "unknown", True),
    (9088, "南大通用 GBase 8s", "sqlexec", True),
    (5258, "南大通用 GBase 8a", "unknown", True),
    (5050, "南大通用 GBase 8a", "mmcc", True),
    (8000, "GaussDB", "http-alt", False),
    (5432, "PostgreSQL 协议数据库", "postgresql", True),
    (2881, "OceanBase", "ndsp", False),
    (2883, "OceanBase", "ndnp", False),
    (9060, "东方通 TongWeb", "CardWeb-IO", True),
    (8686, "中创 InforSuite AS", "sun-as-jmxrmi", False),
]


@pytest.mark.parametrize(("port", "product", "nmap", "alone"), DEFAULT_PORTS)
def test_a_default_port_hints_and_no_more(port: int, product: str, nmap: str, alone: bool) -> None:
    row = load().ports[port]
    assert (row.product, row.strength) == (product, HINTED)
    assert PORTS[port].get("nmap", row.name) == nmap
    hint = load().hint(port, nmap, spoke=False)
    assert (hint is not None) == alone
    # A service that said what it is, and it is something else, is not hinted at.
    assert load().hint(port, "ssh", spoke=True) is None


def test_a_port_that_everybody_uses_names_nothing() -> None:
    assert load().ports[8088].product == ""
    assert "TongWeb" in load().ports[8088].source
    assert load().hint(8000, "http", spoke=True) is None
    assert load().hint(8000, "postgresql", spoke=True) is not None


@pytest.mark.parametrize(
    ("text", "words", "product", "strength"),
    [
        ("server", "TongWeb/7.0", "东方通 TongWeb", OUTSIDE),
        ("server", "Apusic/9.0", "金蝶 Apusic", OUTSIDE),
        ("server", "InforSuite/9.0", "中创 InforSuite AS", OUTSIDE),
        ("server", "BES/9.5.5", "宝兰德 BES", HINTED),
        ("service", "Apache Tomcat/Coyote JSP engine 1.1", "Apache Tomcat", HINTED),
        ("service", "Apache Tomcat 9.0.30", "Apache Tomcat", OUTSIDE),
        ("device", "remote management", "带外管理控制器", HINTED),
        ("title", "iBMC", "华为 iBMC", OUTSIDE),
        ("title", "iDRAC9 - Login", "Dell iDRAC", OUTSIDE),
        ("title", "TongWeb管理控制台", "东方通 TongWeb", OUTSIDE),
        ("redfish", "HPE iLO 5", "HPE iLO", OUTSIDE),
        ("redfish", "Emulex Pilot", "Redfish 管理控制器", OUTSIDE),
    ],
)
def test_what_a_service_says(text: str, words: str, product: str, strength: Strength) -> None:
    (match,) = load().match({text: [words]})
    assert (match.product, match.strength) == (product, strength)


@pytest.mark.parametrize(
    "title",
    [
        *(
            "TongWeb 安装部署手册",
            "iBMC 用户指南",
            "VMware vCenter 备份方案",
            "Wiki: iDRAC",
            "某市 UPS 管理系统采购公告",
        ),
        *("How to reset iDRAC", "vCenter documentation", "OpenStack Dashboard 教程", "VMware ESXi 漏洞通报 说明"),
    ],
)
def test_a_page_about_a_product_is_not_the_product(title: str) -> None:
    assert load().match({"title": [title]}) == ()


@pytest.mark.parametrize(
    ("server", "title"),
    [("Best/1.0", ""), ("BES", ""), ("xTongWeb", ""), ("nginx", "办公系统"), ("", "BMCC 会议"), ("", "libMC")],
)
def test_look_alikes_of_services(server: str, title: str) -> None:
    assert load().match({"server": [server] if server else [], "title": [title] if title else []}) == ()


@pytest.mark.parametrize("folder", ["BEST", "BESTDATA", "BESSY", "Besiktas", "dmdbms2", "oceanbase-docs"])
def test_folders_that_only_look_alike(folder: str) -> None:
    rows = [row for row in tables().processes if row.kind == "folder"]
    assert not any(row.pattern.fullmatch(folder) for row in rows)


@pytest.mark.parametrize("folder", ["BES", "BES9.5.5", "BES-9.5", "BESAppServer", "TongWeb7.0.4.9", "dmdbms"])
def test_folders_of_products_hint(folder: str) -> None:
    (row,) = [row for row in tables().processes if row.kind == "folder" and row.pattern.fullmatch(folder)]
    assert row.strength is HINTED


def test_every_unverified_row_only_hints() -> None:
    found = load()
    for row in (*found.rows, *found.ports.values()):
        if "unverified" in row.source:
            assert row.strength is HINTED, row
