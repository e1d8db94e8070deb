"""One host as nmap reports it becomes one observation, with every text made safe and every guess called one."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.kinds import KINDS
from inventories.model import Fact, Observation, Origin, Strength
from inventories.places import Zone
from probes.fingerprints import load
from probes.nmap_facts import first_answer, observe, service_texts, tls_names
from probes.nmap_xml import Host, Port, read_report

AT = datetime(2026, 3, 2, tzinfo=UTC)
ZONE = Zone("a", "区", "v", "department", ())
SEEN, HINTED = Strength.SEEN_OUTSIDE, Strength.HINTED


def look(*ports: Port, reason: str = "syn-ack", **more: str) -> Observation:
    host = Host("10.0.0.5", "up", reason, ports=ports, **more)  # type: ignore[arg-type]
    return observe(host, zone=ZONE, at=AT, reason=reason, fingerprints=load())


def facts(observation: Observation, column: str) -> dict[object, Fact]:
    return {
        fact.value[0] if isinstance(fact.value, tuple) else fact.value: fact
        for fact in observation.facts
        if fact.column == column
    }


def page(**texts: str) -> dict[str, dict[str, str]]:
    return {"page": {"status": "200", **{key: value.encode().hex() for key, value in texts.items()}}}


def test_a_host_is_known_by_its_address_at_its_vantage_and_by_its_hardware() -> None:
    got = look(mac="00:50:56:aa:bb:01", mac_vendor="VMware")
    assert [str(i) for i in got.identifiers] == ["ip:10.0.0.5@v", "mac:00:50:56:aa:bb:01@v"]
    assert (got.kind, got.collector, got.zone) == ("host", "nmap", "a")
    assert facts(got, "answers")[True].strength is SEEN
    assert set(facts(got, "ips")) == {"10.0.0.5"}
    assert set(facts(got, "macs")) == {"00:50:56:aa:bb:01"}


def test_every_column_is_one_that_a_probe_may_fill() -> None:
    got = look(Port(443, "tcp", "open", "http", "nginx", named_by="probed", tables=page(title="x")), name="a.example")
    for fact in got.facts:
        assert Origin.OBSERVED in KINDS["host"].column(fact.column).origins


@pytest.mark.parametrize(("reason", "strength"), [("echo-reply", SEEN), ("arp-response", SEEN), ("reset", HINTED)])
def test_a_refusal_alone_is_a_weak_sign_of_life(reason: str, strength: Strength) -> None:
    assert facts(look(reason=reason), "answers")[True].strength is strength


def test_a_refusal_beside_an_open_port_is_a_strong_one() -> None:
    assert facts(look(Port(22, "tcp", "open"), reason="reset"), "answers")[True].strength is SEEN


def test_a_named_service_is_seen_and_products_are_recognised() -> None:
    port = Port(22, "tcp", "open", "ssh", "OpenSSH", "8.0", "protocol 2.0", named_by="probed")
    got = facts(look(port), "open_services")
    assert got["22/tcp ssh OpenSSH 8.0"].strength is SEEN
    assert got["22/tcp ssh OpenSSH 8.0"].evidence == "OpenSSH 8.0 protocol 2.0"


def test_a_port_alone_is_a_guess_that_says_so_and_not_what_nmap_calls_it() -> None:
    got = look(Port(5236, "tcp", "open", "padl2sim"))
    ((value, fact),) = facts(got, "open_services").items()
    assert value == "5236/tcp 达梦 DM8（按端口推断）"
    assert fact.strength is HINTED
    ((product, hint),) = facts(got, "products").items()
    assert product == "database:达梦 DM8"
    assert hint.strength is HINTED
    assert "仅凭端口" in hint.evidence


def test_a_port_that_answers_as_something_else_is_not_what_usually_stands_there() -> None:
    got = look(Port(5236, "tcp", "open", "http", "nginx", named_by="probed"))
    assert set(facts(got, "products")) == {"web:nginx"}


def test_a_widely_used_port_hints_at_nothing_by_itself() -> None:
    assert facts(look(Port(8000, "tcp", "open", "http-alt")), "products") == {}
    spoke = look(Port(8000, "tcp", "open", "postgresql", "PostgreSQL DB", named_by="probed"))
    assert facts(spoke, "products")["database:GaussDB"].strength is HINTED


def test_a_protocol_that_many_databases_share_names_none_of_them() -> None:
    got = look(Port(54321, "tcp", "open", "postgresql", "PostgreSQL DB", "9.6", named_by="probed"))
    products = facts(got, "products")
    assert set(products) == {"database:PostgreSQL 协议数据库", "database:人大金仓 KingbaseES"}
    assert {fact.strength for fact in products.values()} == {HINTED}


def named(number: int, name: str, product: str = "", version: str = "", **more: str) -> Port:
    return Port(number, "tcp", "open", name, product, version, named_by="probed", **more)  # type: ignore[arg-type]


def web(**texts: str) -> Port:
    return Port(443, "tcp", "open", "http", named_by="probed", tables=page(**texts))


DELL = {"ssl-cert": {"subject.commonName": "idrac-ABC1234", "subject.organizationName": "Dell Inc."}}


@pytest.mark.parametrize(
    ("product", "port"),
    [
        ("hypervisor:VMware ESXi", named(902, "vmware-auth", "VMware Authentication Daemon", "1.10")),
        ("hypervisor:VMware ESXi", web(title='" + ID_EESX_Welcome + "')),
        ("hypervisor:VMware vCenter Server", web(title='" + ID_VC_Welcome + "')),
        ("hypervisor:Proxmox VE", web(title="pve01 - Proxmox Virtual Environment")),
        ("cloud_platform:OpenStack", web(title="Login - OpenStack Dashboard")),
        ("management_controller:HPE iLO", web(title="iLO 4")),
        ("management_controller:Redfish 管理控制器", web(**{"redfish.version": "1.6.0"})),
        ("management_controller:华为 iBMC", web(**{"redfish.version": "1.0.2", "redfish.vendor": "Huawei"})),
        ("management_controller:Dell iDRAC", Port(443, "tcp", "open", tables=DELL)),
        ("middleware:东方通 TongWeb", Port(80, "tcp", "open", tables=page(server="TongWeb Server"))),
        ("middleware:金蝶 Apusic", web(server="Apusic/9.0")),
        ("database:OceanBase", named(3306, "mysql", "MySQL", "5.7.25-OceanBase-v4.2")),
        ("database:Microsoft SQL Server", named(1433, "ms-sql-s", "Microsoft SQL Server 2019")),
        ("ups:UPS 管理卡", web(title="HP UPS Network Module")),
    ],
)
def test_what_names_itself_is_seen(product: str, port: Port) -> None:
    got = facts(look(port), "products")
    assert got[product].strength is SEEN
    assert got[product].evidence.startswith(f"{port.number}/tcp ")


@pytest.mark.parametrize("title", ["物流UPS查询", "机房管理规定", "iDRACULA", "关于VMware的通知"])
def test_what_only_sounds_like_it_is_nothing(title: str) -> None:
    port = Port(80, "tcp", "open", "http", named_by="probed", tables=page(title=title))
    assert facts(look(port), "products") == {}


def test_closed_ports_are_no_services() -> None:
    got = look(Port(5236, "tcp", "closed", "padl2sim"), Port(22, "tcp", "filtered", "ssh"))
    assert {fact.column for fact in got.facts} == {"ips", "answers"}


@pytest.mark.parametrize(
    ("raw", "charset"),
    [
        ("运城市综合平台".encode(), b"utf-8"),
        ("运城市综合平台".encode("gb18030"), b"gb2312"),
        ("运城市综合平台".encode("gbk"), b""),
    ],
)
def test_titles_are_read_in_the_pages_character_set(raw: bytes, charset: bytes) -> None:
    tables = {"page": {"status": "200", "title": raw.hex(), "charset": charset.hex()}}
    got = look(Port(80, "tcp", "open", tables=tables))
    assert set(facts(got, "page_titles")) == {"运城市综合平台"}
    assert set(facts(got, "open_services")) == {"80/tcp http"}


def test_a_title_cut_inside_a_character_is_still_that_title() -> None:
    tables = {"page": {"status": "200", "title": "运城市".encode()[:-1].hex(), "charset": b"utf-8".hex()}}
    assert service_texts(Port(80, "tcp", "open", tables=tables))["title"] == ["运城"]


def test_entities_and_line_breaks_in_titles_are_text() -> None:
    got = look(Port(80, "tcp", "open", tables=page(title="\n A &amp;\r\n &#x5e73;&#27; ")))
    assert set(facts(got, "page_titles")) == {"A & 平"}


def test_names_of_certificates() -> None:
    table = {
        "subject.commonName": "a.example.cn",
        "extensions.0.name": "X509v3 Key Usage",
        "extensions.0.value": "DNS:not.this",
        "extensions.1.name": "X509v3 Subject Alternative Name",
        "extensions.1.value": "DNS:a.example.cn, DNS:*.b.example.cn, IP Address:10.0.0.1, DNS:bad name\x1b",
    }
    assert tls_names(Port(443, "tcp", "open", tables={"ssl-cert": table})) == [
        "a.example.cn",
        "*.b.example.cn",
        "bad",
    ]
    assert tls_names(Port(443, "tcp", "open", tables={"ssl-cert": {"subject.commonName": "示例=cmd|'x'"}})) == []


def test_certificates_in_chinese_are_read_again() -> None:
    escaped = "".join(f"\\x{byte:02X}" for byte in "示例市".encode())
    port = Port(443, "tcp", "open", tables={"ssl-cert": {"subject.organizationName": escaped}})
    assert service_texts(port)["certificate"] == ["O=示例市"]


def test_the_first_answer_is_taken_out_of_nmaps_fingerprint() -> None:
    text = r'SF-Port1-TCP:V=7.93%I=2%D=1/1%r(NULL,9,"220\x20a\"b\\\r\n\0")%r(Help,3,"no")'
    assert first_answer(text) == '220 a"b\\\r\n\0'
    assert first_answer("") == first_answer("%r(NULL,9,") == ""


HOSTILE = "\x1b]0;owned\x07<script>alert(1)</script>=cmd|' /C calc'!A0\u202e" + "A" * 60_000


def harmless(text: str) -> bool:
    """No control characters, no lone surrogates, nothing that turns the direction of writing."""
    return not any(
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in "\u202a\u202e\u2066" for char in text
    )


def test_a_hostile_service_shows_as_bounded_harmless_text() -> None:
    port = Port(
        80,
        "tcp",
        "open",
        name=HOSTILE,
        product=HOSTILE,
        version=HOSTILE,
        extra=HOSTILE,
        named_by="probed",
        device=HOSTILE,
        fingerprint=f'%r(NULL,FFFF,"{HOSTILE}")',
        tables={**page(title=HOSTILE, server=HOSTILE), "ssl-cert": {"subject.commonName": HOSTILE}},
    )
    for fact in look(port, name=HOSTILE, mac_vendor=HOSTILE).facts:
        for text in [fact.evidence, *(fact.value if isinstance(fact.value, tuple) else [str(fact.value)])]:
            assert len(text) <= 260
            assert harmless(text)


@given(st.text(max_size=200), st.text(st.sampled_from("0123456789abcdefXY"), max_size=60), st.booleans())
def test_nothing_that_a_service_says_breaks_the_reading(text: str, digits: str, probed: bool) -> None:
    tables = {"page": {"status": text, "title": digits, "charset": digits}, "ssl-cert": {"subject.commonName": text}}
    port = Port(
        1, "tcp", "open", text, text, named_by="probed" if probed else "table", fingerprint=text, tables=tables
    )
    for fact in look(port).facts:
        assert harmless(fact.evidence)
        assert not isinstance(fact.value, tuple) or all(map(harmless, fact.value))


# Windows from outside. No Windows was there to be asked: answers of RDP are synthetic, as the script documents them,
# except where a recorded file is read.

DATA = Path(__file__).resolve().parent / "data" / "inside"


def rdp(version: str = "", **texts: str) -> Port:
    table = {"Target_Name": "W", **texts, **({"Product_Version": version} if version else {})}
    return Port(3389, "tcp", "open", "ms-wbt-server", tables={"rdp-ntlm-info": table})


def windows(got: Observation) -> set[object]:
    return {product for product in facts(got, "products") if str(product).startswith("os:")}


@pytest.mark.parametrize(
    ("version", "product"),
    [
        ("10.0.20348", "Microsoft Windows Server 2022"),
        ("6.0.6003", "Microsoft Windows Server 2008 SP2"),
        ("10.0.19045", "Microsoft Windows 10 22H2"),
    ],
)
def test_a_build_that_one_edition_has_names_it(version: str, product: str) -> None:
    got = look(rdp(version, DNS_Computer_Name="FIN-01.example.cn", NetBIOS_Computer_Name="FIN-01"))
    assert windows(got) == {f"os:{product}"}
    assert facts(got, "os_name")[product].strength is SEEN
    assert facts(got, "os_version")[version].strength is SEEN
    assert facts(got, "hostname")["FIN-01"].strength is SEEN


@pytest.mark.parametrize(
    ("version", "editions"),
    [
        ("10.0.14393", ("Windows Server 2016", "Windows 10 1607")),
        ("10.0.17763", ("Windows Server 2019", "Windows 10 1809")),
        ("6.3.9600", ("Windows Server 2012 R2", "Windows 8.1")),
    ],
)
def test_a_build_that_server_and_client_share_names_neither(version: str, editions: tuple[str, str]) -> None:
    got = look(rdp(version))
    ((product, fact),) = facts(got, "products").items()
    assert product == f"os:Microsoft Windows {version}"
    assert fact.strength is SEEN
    assert all(edition in fact.evidence for edition in editions)
    assert facts(got, "os_name") == {}
    assert set(facts(got, "os_version")) == {version}


def test_a_build_that_other_programs_give_as_well_is_a_hint() -> None:
    """Recorded: freerdp-shadow-cli 2.11.7 on Debian 12, asked by nmap 7.93."""
    (host,) = read_report(DATA / "rdp-freerdp.xml").hosts
    got = observe(host, zone=ZONE, at=AT, reason="syn-ack", fingerprints=load())
    assert {fact.strength for fact in facts(got, "products").values()} == {HINTED}
    assert windows(got) == {"os:Microsoft Windows 6.1.7601"}
    assert facts(got, "os_version") == facts(got, "os_name") == {}
    assert facts(got, "hostname")["vm"].strength is SEEN


def test_a_build_that_no_table_knows_yet() -> None:
    assert facts(look(rdp("10.0.30000")), "products")["os:Microsoft Windows 10.0.30000"].strength is SEEN
    assert facts(look(rdp("6.1.1234")), "products")["os:Microsoft Windows 6.1.1234"].strength is HINTED


def smb(product: str, *dialects: str) -> Observation:
    table = {f"dialects.{i}": dialect for i, dialect in enumerate(dialects)}
    port = Port(445, "tcp", "open", "microsoft-ds", product, named_by="probed")
    host = Host("10.0.0.5", "up", "syn-ack", ports=(port,), tables={"smb-protocols": table})
    return observe(host, zone=ZONE, at=AT, reason="syn-ack", fingerprints=load())


def test_dialects_are_evidence_beside_a_hint() -> None:
    got = smb("Microsoft Windows Server 2008 R2 - 2012 microsoft-ds", "202", "210", "300", "302", "311")
    assert windows(got) == {"os:Microsoft Windows"}
    assert any("SMB 方言 2.0.2、2.1、3.0、3.0.2、3.1.1" in fact.evidence for fact in got.facts)
    assert {fact.strength for fact in facts(got, "products").values()} == {HINTED}
    old = smb("Microsoft Windows XP microsoft-ds", "NT LM 0.12 (SMBv1) [dangerous, but default]")
    assert any("只支持 SMB 1.0" in fact.evidence for fact in old.facts)


def test_samba_speaks_the_same_dialects_and_is_no_windows() -> None:
    """Recorded: Samba 4.17 on Debian 12, asked by nmap 7.93."""
    (host,) = read_report(DATA / "smb-samba.xml").hosts
    assert len(host.tables["smb-protocols"]) == 5
    got = observe(host, zone=ZONE, at=AT, reason="syn-ack", fingerprints=load())
    assert windows(got) == set()


def test_hostile_answers_of_rdp_are_nothing() -> None:
    got = look(rdp(HOSTILE, DNS_Computer_Name=HOSTILE, NetBIOS_Computer_Name="a b"))
    assert facts(got, "hostname") == facts(got, "os_version") == {}
    assert windows(got) == set()


def test_what_a_service_hints_at() -> None:
    port = named(135, "msrpc", "Microsoft Windows RPC")
    assert facts(look(port), "products")["os:Microsoft Windows"].strength is HINTED
