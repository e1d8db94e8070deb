"""Windows from outside, from nmap's XML on. **Synthetic** reports: no Windows was there to be asked.

They have the shape of the recorded ones (``data/inside/rdp-freerdp.xml``, ``smb-samba.xml``), with other values.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest

from inventories.model import Fact, Observation, Strength
from inventories.places import Zone
from probes.fingerprints import load
from probes.nmap_facts import observe
from probes.nmap_xml import BadReport, read_report

SEEN, HINTED = Strength.SEEN_OUTSIDE, Strength.HINTED
ZONE = Zone("a", "财政局", "v", "department", (ipaddress.ip_network("10.0.0.0/24"),))
AT = datetime(2026, 3, 2, tzinfo=UTC)

#: What a hostile server may put anywhere, as far as XML can hold it.
HOSTILE = "\u202eevil\x85 {{7*7}} <script> 10.0.14393 ;id"

Look = Callable[..., Observation]


def rdp(**texts: str) -> str:
    elements = "".join(f"<elem key={quoteattr(key)}>{escape(value)}</elem>\n" for key, value in texts.items())
    return f'<script id="rdp-ntlm-info" output={quoteattr(str(texts))}>{elements}</script>'


def smb(*dialects: str) -> str:
    elements = "".join(f"<elem>{escape(dialect)}</elem>\n" for dialect in dialects)
    table = f'<table key="dialects">{elements}</table>'
    return f'<hostscript><script id="smb-protocols" output="">{table}</script></hostscript>'


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """``look(script, host_script, port=…, product=…)`` → what one host comes to."""

    def make(script: str = "", host: str = "", *, port: int = 3389, product: str = "") -> Observation:
        named = f'name="ms-wbt-server" product={quoteattr(product)} method="probed"' if product else 'name="x"'
        (tmp_path / "report.xml").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n<nmaprun version="7.93" args="nmap">\n'
            '<scaninfo type="connect" protocol="tcp" services="1"/>\n'
            '<host><status state="up" reason="syn-ack"/><address addr="10.0.0.5" addrtype="ipv4"/><hostnames/>'
            f'<ports><port protocol="tcp" portid="{port}"><state state="open" reason="syn-ack"/>'
            f"<service {named}/>{script}</port></ports>{host}</host>\n"
            '<runstats><finished time="1" timestr="x" summary="x" elapsed="1" exit="success"/>'
            '<hosts up="1" down="0" total="1"/></runstats></nmaprun>',
            "utf-8",
        )
        (found,) = read_report(tmp_path / "report.xml").hosts
        return observe(found, zone=ZONE, at=AT, reason="syn-ack", fingerprints=load())

    return make


def told(seen: Observation, column: str) -> dict[object, Fact]:
    return {
        value: fact
        for fact in seen.facts
        if fact.column == column
        for value in (fact.value if isinstance(fact.value, tuple) else (fact.value,))
    }


def systems(seen: Observation) -> dict[object, Fact]:
    return {value: fact for value, fact in told(seen, "products").items() if str(value).startswith("os:")}


def test_a_server_says_its_build_and_its_name(look: Look) -> None:
    seen = look(
        rdp(
            Target_Name="CZJ",
            NetBIOS_Domain_Name="CZJ",
            NetBIOS_Computer_Name="CZJ-DB01",
            DNS_Domain_Name="czj.example.cn",
            DNS_Computer_Name="CZJ-DB01.czj.example.cn",
            Product_Version="10.0.20348",
            System_Time="2026-03-02T04:00:00+00:00",
        )
    )
    assert {v: f.strength for v, f in systems(seen).items()} == {"os:Microsoft Windows Server 2022": SEEN}
    assert systems(seen)["os:Microsoft Windows Server 2022"].evidence == (
        "3389/tcp RDP 内部版本 10.0.20348（Windows Server 2022）"
    )
    assert {v: f.strength for v, f in told(seen, "os_version").items()} == {"10.0.20348": SEEN}
    assert set(told(seen, "hostname")) == {"CZJ-DB01"}
    # Whose domain it is in is nobody's business here, and no name of it identifies a machine.
    assert [identifier.scheme for identifier in seen.identifiers] == ["ip"]
    assert "example.cn" not in repr(seen)


def test_the_scripts_own_port_counts_and_no_other(look: Look) -> None:
    seen = look(rdp(Product_Version="10.0.20348"), port=33890)
    assert set(systems(seen)) == {"os:Microsoft Windows Server 2022"}
    assert "33890/tcp RDP" in systems(seen)["os:Microsoft Windows Server 2022"].evidence


@pytest.mark.parametrize(
    "version",
    [
        *("", "10.0", "10.0.14393.0", "10.0.1439三", "-10.0.14393", "10.0.14393\nx", "1e3.0.1", "10.0.14393 "),
        *("9999.0.1", "10.0.99999999", HOSTILE, "٣.٣.٣", "A" * 8000),
    ],
)
def test_a_version_that_is_none_names_nothing(look: Look, version: str) -> None:
    seen = look(rdp(Product_Version=version))
    assert systems(seen) == told(seen, "os_version") == told(seen, "os_name") == {}


@pytest.mark.parametrize("version", ["5.1.2600", "6.1.7601", "6.1.7650", "6.9.1", "0.0.0"])
def test_an_old_build_that_others_give_too_is_a_hint_without_a_name(look: Look, version: str) -> None:
    seen = look(rdp(Product_Version=version))
    assert {fact.strength for fact in systems(seen).values()} == {HINTED}
    assert set(systems(seen)) == {f"os:Microsoft Windows {version}"}
    assert told(seen, "os_version") == told(seen, "os_name") == {}


@pytest.mark.parametrize("name", ["", HOSTILE, "a b", "-x", "名字", "x" * 64, "a\nb", "..", "$(id)", ".czj.cn"])
def test_a_name_that_is_none_is_left_out(look: Look, name: str) -> None:
    assert told(look(rdp(DNS_Computer_Name=name, NetBIOS_Computer_Name=name)), "hostname") == {}


def test_hostile_texts_reach_nothing(look: Look) -> None:
    keys = ("Target_Name", "NetBIOS_Domain_Name", "DNS_Tree_Name", "System_Time", "x" * 500, HOSTILE)
    seen = look(rdp(**dict.fromkeys(keys, HOSTILE)), smb(HOSTILE, "311" + HOSTILE), product="Microsoft " + HOSTILE)
    for fact in seen.facts:
        texts = (*(fact.value if isinstance(fact.value, tuple) else (fact.value,)), fact.evidence)
        assert not any(char in str(text) for text in texts for char in "\u202e\x85\x1b\n"), fact
        assert len(fact.evidence) < 500


def test_dialects_are_no_product(look: Look) -> None:
    assert systems(look(host=smb("202", "210", "300", "302", "311"))) == {}
    assert systems(look(host=smb("NT LM 0.12 (SMBv1) [dangerous, but default]"), product="Samba smbd")) == {}
    seen = look(host=smb("NT LM 0.12 (SMBv1) [dangerous, but default]"), product="Microsoft Windows XP microsoft-ds")
    assert {fact.strength for fact in systems(seen).values()} == {HINTED}
    assert any("只支持 SMB 1.0" in fact.evidence for fact in systems(seen).values())


def test_a_closed_port_says_nothing(look: Look) -> None:
    assert told(look(), "products") == {}


def test_a_thousand_dialects_are_cut(look: Look) -> None:
    seen = look(host=smb(*["311"] * 1000), product="Microsoft Windows")
    assert all(len(fact.evidence) < 500 for fact in seen.facts)


def test_a_report_with_entities_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text('<!DOCTYPE nmaprun [<!ENTITY a "x">]><nmaprun>&a;</nmaprun>')
    with pytest.raises(BadReport):
        read_report(path)
