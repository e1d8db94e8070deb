"""The evidence table: read whole, refused whole, used as it stands, and shown to people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inventories.documents import parse_yaml
from inventories.faults import Faults
from inventories.infer import evidence, page
from inventories.infer.table import SHAPES, parse_evidence
from inventories.kinds import KINDS
from inventories.model import Strength

TEXT = evidence.SOURCE.read_text(encoding="utf-8")
PAGE = Path(__file__).parents[2] / page.PAGE


def faults(text: str) -> list[str]:
    with pytest.raises(Faults) as caught:
        parse_evidence(parse_yaml(text, name="evidence.yaml"))
    return [str(fault) for fault in caught.value.faults]


def test_every_section_is_there_and_says_what_it_is_about() -> None:
    found = evidence.sections()
    assert found.keys() >= SHAPES.keys()
    for section in found.values():
        for chinese, english in ((section.title, section.english), (section.about, section.about_english)):
            assert re.search("[一-鿿]", chinese) and not re.search("[一-鿿]", english)
        parts = [*section.settings.values(), *section.lists.values(), *section.tables.values()]
        assert parts and all(re.search("[一-鿿]", part.title) for part in parts)


def test_the_names_that_conclusions_use_hold_what_the_table_says() -> None:
    assert "ssh" in evidence.UPKEEP_SERVICES and "dameng" in evidence.DATABASE_SERVICES
    assert evidence.PLATFORMS["esxi"].family == evidence.PLATFORMS["vcenter"].family == "vsphere"
    assert (evidence.LEAST_NAME, evidence.LEAST_SIGNS) == (4, 2)
    assert [sign.category for sign in evidence.ROOM_SIGNS if sign.stands_in_rooms] == [
        "ups",
        "pdu",
        "air_conditioner",
    ]
    assert [sign.category for sign in evidence.ROOM_SIGNS if sign.is_support] == ["core_switch"]
    assert all(level.confidence >= evidence.ROOM_LEAST for level in evidence.ROOM_LEVELS)
    assert {sign.strength for sign in evidence.ROOM_SIGNS} >= {Strength.DECLARED, Strength.SEEN_OUTSIDE}


def test_what_is_counted_is_what_fingerprints_and_probes_name() -> None:
    roles = set(KINDS["host"].column("role").values)
    assert {s.category for s in evidence.ROOM_SIGNS} - {"physical", "core_switch"} <= roles
    assert roles >= evidence.EQUIPMENT | evidence.SERVER_CATEGORIES | evidence.NETWORK_CATEGORIES
    assert set(KINDS["host"].column("platform").values) >= evidence.PRIVATE_PLATFORMS
    # How the probes call the ways in which a machine dials up by itself.
    assert evidence.EXIT_SIGNS.keys() >= {"cellular", "pppoe", "dial-up", "usb-tether"}


def test_no_single_weak_sign_is_enough() -> None:
    networks, clouds = evidence.NETWORK_SIGNS, evidence.PLATFORMS
    assert all(sign.weight < evidence.DEDICATED_FROM for sign in networks.values())
    assert networks["connected"].weight * networks["connected"].most < evidence.NETWORK_FROM
    assert networks["second_gateway"].weight < evidence.NETWORK_FROM and not networks["second_gateway"].leaves
    assert (
        clouds["kubernetes"].first < evidence.CLOUD_KIND_FROM and clouds["docker"].most * clouds["docker"].first == 0
    )
    assert clouds["kvm"].first < evidence.CLOUD_FROM
    exits = evidence.EXIT_SIGNS
    assert exits["foreign_gateway"].weight < evidence.EXIT_FROM and exits["other_gateway"].weight < evidence.EXIT_FROM
    assert evidence.UNKNOWN_EXIT_CAP < evidence.OWN_EXIT_FROM


def test_desks_by_their_systems_and_models() -> None:
    systems, models = evidence.WORKSTATION_SYSTEMS, evidence.WORKSTATION_MODELS
    for desk in ("Microsoft Windows 10 Pro", "Windows 7", "UnionTech OS Desktop 20 Pro", "银河麒麟桌面操作系统 V10"):
        assert systems.search(desk), desk
    for server in (
        "Microsoft Windows Server 2016",
        "Windows Server 2019 (Desktop Experience)",
        "Kylin Linux Advanced Server V10",
        "CentOS Linux 7",
        "UnionTech OS Server 20",
        "Debian GNU/Linux 11",
        "",
    ):
        assert not systems.search(server), server
    assert models.search("ThinkPad T14 Gen 3") and models.search("台式计算机") and models.search("OptiPlex 7090")
    assert not any(models.search(model) for model in ("RH2288H V3", "PowerEdge R740", "NF5280M5", ""))


# --- a table with faults ---


def test_all_faults_are_told_at_once_each_with_its_place() -> None:
    broken = (
        TEXT.replace("least_kinds: {value: 2,", "least_kinds: {value: two,")
        .replace("first: 0.9, further: 0.0, most: 1}", "first: 9, further: 0.0, most: 1, colour: red}", 1)
        .replace("'lo\\d*'", "'lo('")
        .replace("172.17.0.0/16", "172.17.0.300/16")
        .replace("{id: connected,", "{id: tunnel_route,")
        .replace("  title: 自建互联网出口", "  titel: 自建互联网出口")
        .replace(
            "strength: declared, rests_on: 主机内读取的固件信息", "strength: certain, rests_on: 主机内读取的固件信息"
        )
        .replace("kinds: 2, confidence: 0.9}", "kinds: 2, confidence: 0.3}")
    )
    told = faults(broken)
    for words in (
        "'two' is no count",
        "9 is no share",
        "unknown column 'colour'",
        "'lo(' is no pattern",
        "'172.17.0.300/16' is no prefix",
        "'tunnel_route' stands twice",
        "unknown key 'titel': did you mean 'title'?",
        "lacks 'title'",
        "'certain' is no strength",
        "confidence does not fall",
    ):
        assert [fault for fault in told if words in fault], (words, told)
    assert all(re.match(r"evidence\.yaml:\d+:\d+: ", fault) for fault in told), told
    assert told == faults(broken)


def test_nothing_may_be_missing_or_unknown() -> None:
    without = TEXT.replace("    most_routes:", "    most_roads:")
    assert [fault for fault in faults(without) if "'most_routes' is missing" in fault]
    assert [fault for fault in faults(without) if "unknown entry 'most_roads'" in fault]
    assert faults("- 1\n") == ["evidence.yaml:1:1: is no mapping of sections"]
    assert len(faults("rooms: 7\n")) >= len(SHAPES)
    assert [fault for fault in faults(TEXT.replace(", least: 3,", ",", 1)) if "lacks 'least'" in fault]


def test_another_conclusion_may_bring_a_section_of_its_own() -> None:
    own = """
tides:
  title: 潮汐
  english: Tides
  about: 举例
  about_english: An example
  settings:
    least: {value: 3, title: 至少, english: At least}
  tables:
    moons:
      title: 月相
      english: Moons
      rows:
        - {id: new, title: 新月, english: New moon, weight: 0.5, words: [朔]}
"""
    found = parse_evidence(parse_yaml(TEXT + own, name="evidence.yaml"))["tides"]
    assert found.number("least") == 3 and found.rows("moons")[0]["words"] == ("朔",)
    told = faults(
        TEXT + own.replace("weight: 0.5", "weight: {a: 1}").replace("    least: {value: 3, ", "    least: {")
    )
    assert len(told) == 2 and all("is neither a number" in fault for fault in told)


# --- the page ---


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == page.render(), "run 'python -m inventories.infer.page'"


def test_the_page_shows_every_number_and_word() -> None:
    text = page.render()
    for name, section in evidence.sections().items():
        assert f"## {section.title} · {section.english}" in text
        assert section.about in text and section.about_english in text
        for key, setting in section.settings.items():
            assert f"| `{name}.{key}` | {setting.value} | {setting.title} | {setting.english} |" in text
        for rows in section.tables.values():
            for row in rows.rows:
                assert "title" not in row or f"| {row['title']} | {row['english']} |" in text
        for texts in section.lists.values():
            assert all(f"`{value}`" in text for value in texts.values if value)


def test_every_table_of_the_page_is_well_formed() -> None:
    width = 0
    for line in page.render().splitlines():
        if line.startswith("|"):
            cells = line.replace("\\|", "").count("|")
            width = width or cells
            assert cells == width, line
        else:
            width = 0


def test_writing_and_checking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "docs" / "page.md"
    assert page.main([str(where), "--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert page.main([str(where)]) == 0
    assert page.main([str(where), "--check"]) == 0
