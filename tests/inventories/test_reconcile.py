"""What joins and what must not, whatever the order; and keys that outlive identifiers."""

from __future__ import annotations

import gc
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.facts import Said
from inventories.identity import code_id, ip_id, mac_id, name_id, uuid_id
from inventories.joining import CHAINED, CONTRADICTED, TOO_MANY
from inventories.keymap import absorb, identifiers_of, known, resolve
from inventories.model import Asset, Collection, Fact, Identifier, KeyMap, Observation, Strength
from inventories.reconcile import Reconciled, reconcile

UUIDS = (
    "564d4cbc-c6a9-1969-bc4c-4d56a9c66919",
    "4c4c4544-0042-3510-8054-b7c04f333733",
    "6d3a0a4e-2d5c-11ec-9f0d-0242ac130003",
)
MACS = ("00:1b:21:0a:bb:01", "00:1b:21:0a:bb:02")


def hosts(found: Reconciled) -> list[Asset]:
    return [asset for asset in found.assets if asset.kind == "host"]


def systems(found: Reconciled) -> list[Asset]:
    return [asset for asset in found.assets if asset.kind == "system"]


def sources(found: Reconciled) -> set[tuple[str, ...]]:
    return {asset.values["sources"] for asset in found.assets}  # type: ignore[misc]


# --- what joins ---


def test_a_register_and_a_scan_join_on_the_address(make: Any) -> None:
    found = make.reconciled(make.host_row("A-1", "mzj", "10.1.0.7", name="网站服务器"), make.seen("10.1.0.7"))
    (host,) = hosts(found)
    assert (host.get("is_declared"), host.get("is_observed"), host.get("zone")) == (True, True, "mzj")
    assert host.get("ips") == ("10.1.0.7",)
    assert host.collectors == ("nmap", "register")
    assert re.fullmatch("h-[a-z2-7]{12}", host.key)


def test_the_same_prefix_behind_two_vantages_stays_two(make: Any) -> None:
    found = make.reconciled(make.seen("10.1.0.7"), make.seen("10.1.0.7", zone="czj", vantage="far"))
    assert [h.get("department_id") for h in sorted(hosts(found), key=lambda h: h.zones)] == ["czj", "mzj"]


def test_a_hosts_name_alone_never_joins(make: Any) -> None:
    found = make.reconciled(
        make.host_row("A-1", name="web1", hostname="web1"), make.host_row("A-2", name="web1", hostname="web1")
    )
    assert len(hosts(found)) == 2


def test_a_uuid_joins_across_addresses(make: Any) -> None:
    found = make.reconciled(
        make.host_row("A-1", uuid=UUIDS[0].upper()),
        make.seen("10.1.0.7", uuid="BC4C4D56-A9C6-6919-BC4C-4D56A9C66919"),
    )
    assert len(hosts(found)) == 1


def test_a_mac_joins_the_addresses_of_one_machine(make: Any) -> None:
    found = make.reconciled(make.seen("10.1.0.7", mac=MACS[0]), make.seen("10.1.0.8", mac=MACS[0]))
    (host,) = hosts(found)
    assert host.get("ips") == ("10.1.0.7", "10.1.0.8")
    elsewhere = make.reconciled(
        make.seen("10.1.0.7", mac=MACS[0]), make.seen("10.1.0.8", mac=MACS[0], zone="czj", vantage="far")
    )
    assert len(hosts(elsewhere)) == 2


def test_rows_of_several_registers_join_on_code_and_on_name(make: Any) -> None:
    found = make.reconciled(
        make.system("S-1", "救助系统"),
        make.row("system", "registers/assessments.csv!2", "mzj", (code_id("system", "s-1"),), mlps_level=3),
        make.row(
            "system", "registers/assessments.csv!3", "mzj", (name_id("system", "mzj", "救助系统"),), mlps_score=91.0
        ),
    )
    (system,) = systems(found)
    assert (system.get("mlps_level"), system.get("mlps_score")) == (3, 91.0)


def test_what_runs_on_a_host_does_not_say_which_host_it_is(make: Any) -> None:
    rows = [
        replace(row, identifiers=(*row.identifiers, code_id("system", "S-1")))
        for row in (make.host_row("A-1", "mzj", "10.1.0.7"), make.host_row("A-2", "mzj", "10.1.0.8"))
    ]
    assert len(hosts(make.reconciled(*rows))) == 2


# --- what does not join ---


def test_an_address_that_two_machines_claim_is_evidence_of_none(make: Any) -> None:
    found = make.reconciled(
        make.host_row("A-1", "mzj", "10.1.0.7"), make.host_row("A-2", "mzj", "10.1.0.7"), make.seen("10.1.0.7")
    )
    assert len(hosts(found)) == 3
    (doubt,) = found.doubts
    assert (doubt.identifier, doubt.why, len(doubt.keys)) == (ip_id("10.1.0.7", "scanner"), CONTRADICTED, 3)
    assert all([c.column for c in host.conflicts] == ["key"] for host in hosts(found))
    assert "10.1.0.7" in found.conflicts[0]


def test_what_was_seen_at_a_doubted_address_is_still_one_thing(make: Any) -> None:
    found = make.reconciled(
        make.host_row("A-1", "mzj", "10.1.0.7"),
        make.host_row("A-2", "mzj", "10.1.0.7"),
        make.seen("10.1.0.7"),
        make.seen("10.1.0.7", at=make.at + timedelta(hours=1)),
    )
    assert len(hosts(found)) == 3


def test_a_cloned_uuid_does_not_glue_machines_with_different_codes(make: Any) -> None:
    found = make.reconciled(make.host_row("A-1", uuid=UUIDS[0]), make.host_row("A-2", uuid=UUIDS[0]))
    assert len(hosts(found)) == 2
    assert [doubt.why for doubt in found.doubts] == [CONTRADICTED]


def test_a_serial_number_on_many_is_evidence_of_none(make: Any) -> None:
    rows = [make.host_row("", "mzj", f"10.1.0.{i}", serial="210235K5TX") for i in range(5)]
    found = make.reconciled(*rows)
    assert len(hosts(found)) == 5
    assert [doubt.why for doubt in found.doubts] == [TOO_MANY]
    assert len(hosts(make.reconciled(*rows[:4]))) == 1


def test_one_machine_seen_at_each_of_its_many_addresses_is_not_many(make: Any) -> None:
    addresses = [f"10.1.0.{i}" for i in range(1, 8)]
    inside = tuple(ip_id(address, "scanner") for address in addresses)
    uuid = uuid_id(UUIDS[0])
    seen = [
        Observation(
            "host", "ssh", "ssh", make.at, (*inside, uuid), (Fact("arch", "x86_64", Strength.SEEN_INSIDE),), "mzj"
        )
        for _ in addresses
    ]
    assert len(hosts(make.reconciled(*[replace(s, source=f"ssh {i}") for i, s in enumerate(seen)]))) == 1


def test_a_gateway_that_answers_for_others_does_not_glue_them(make: Any) -> None:
    found = make.reconciled(*(make.seen(f"10.1.0.{i}", mac=MACS[0]) for i in range(1, 30)))
    assert len(hosts(found)) == 29
    assert [doubt.why for doubt in found.doubts] == [TOO_MANY]


def test_joints_that_would_chain_two_machines_into_one_are_undone(make: Any) -> None:
    bridge = Observation(
        "host", "ssh", "ssh", make.at, (ip_id("10.1.0.7", "scanner"), ip_id("10.1.0.8", "scanner")), (), "mzj"
    )
    found = make.reconciled(make.host_row("A-1", "mzj", "10.1.0.7"), make.host_row("A-2", "mzj", "10.1.0.8"), bridge)
    assert len(hosts(found)) == 3
    assert {doubt.why for doubt in found.doubts} == {CHAINED}
    assert len(found.doubts) == 2


def test_codes_that_two_departments_use_alike_do_not_join(make: Any) -> None:
    found = make.reconciled(make.system("1", "救助系统", "mzj"), make.system("1", "路网系统", "jtj"))
    assert {s.get("name") for s in systems(found)} == {"救助系统", "路网系统"}
    assert len({s.key for s in systems(found)}) == 2
    again = make.reconciled(
        make.system("1", "路网系统", "jtj"), make.system("1", "救助系统", "mzj"), keymap=found.keymap
    )
    assert [s.key for s in systems(again)] == [s.key for s in systems(found)]


def test_rows_that_nothing_identifies_are_things_of_their_own(make: Any) -> None:
    rows = [make.host_row("", "mzj", ip, placed=False, name=f"服务器 {ip}") for ip in ("10.7.0.1", "10.7.0.2")]
    found = make.reconciled(*rows)
    assert len(hosts(found)) == 2
    again = make.reconciled(*reversed(rows), keymap=found.keymap)
    assert [h.key for h in hosts(again)] == [h.key for h in hosts(found)]


def test_an_unknown_kind_is_an_error(make: Any) -> None:
    with pytest.raises(ValueError, match="unknown kinds: satellite"):
        make.reconciled(replace(make.seen("10.1.0.7"), kind="satellite"))


# --- what an asset says ---


def test_everything_of_a_department_carries_its_name_and_place(make: Any, one: Any) -> None:
    found = make.reconciled(
        make.department("mzj", "示例市民政局", sector="civil_affairs"),
        make.system("S-1", "救助系统"),
        make.seen("10.1.0.7"),
    )
    for kind in ("system", "host"):
        asset = one(found, kind)
        columns = ("department_id", "department_name", "sector", "region", "level_of_government")
        assert [asset.get(c) for c in columns] == ["mzj", "示例市民政局", "civil_affairs", "140800", "city"]
        (fact,) = [f for f in asset.facts if f.column == "sector"]
        assert (fact.source, fact.origin) == ("registers/departments.csv!mzj", "inferred")
    assert one(found, "department").get("department_name") == "示例市民政局"


def test_an_unknown_department_lends_nothing(make: Any, one: Any) -> None:
    found = make.reconciled(make.system("S-1", "救助系统", "nobody"))
    assert one(found, "system").get("department_id") == "nobody"
    assert one(found, "system").get("department_name") is None


def test_an_address_belongs_to_the_prefix_that_names_it(make: Any) -> None:
    found = make.reconciled(make.seen("10.2.0.5", zone="shared"), make.seen("10.2.0.200", zone="shared"))
    assert {h.get("ips"): h.get("department_id") for h in hosts(found)} == {
        ("10.2.0.5",): "mzj",
        ("10.2.0.200",): "jtj",
    }
    (fact,) = [f for f in hosts(found)[0].facts if f.column == "department_id"]
    assert (fact.source, fact.strength, fact.origin) == ("site.yaml", Strength.DECLARED, "declared")


def test_a_register_and_a_zone_that_name_different_owners_accuse_nobody(make: Any) -> None:
    found = make.reconciled(
        make.department("mzj"),
        make.department("jtj"),
        make.host_row("A-1", "jtj", uuid=UUIDS[0]),
        make.seen("10.1.0.7", uuid=UUIDS[0]),
    )
    (host,) = hosts(found)
    assert (host.get("department_id"), host.get("department_name")) == (None, None)
    (conflict,) = host.conflicts
    assert (conflict.column, {c.value for c in conflict.claims}) == ("department_id", {"mzj", "jtj"})


def test_a_cloud_is_run_by_its_operator_and_used_by_others(make: Any) -> None:
    used = make.reconciled(make.host_row("A-1", "mzj", "10.9.0.7"), make.seen("10.9.0.7", zone="gov-cloud"))
    assert hosts(used)[0].get("department_id") == "mzj"
    assert not hosts(used)[0].conflicts
    unclaimed = make.reconciled(make.seen("10.9.0.8", zone="gov-cloud"))
    assert hosts(unclaimed)[0].get("department_id") == "bureau"


def test_a_host_in_two_zones_has_none(make: Any) -> None:
    found = make.reconciled(
        make.seen("10.1.0.7", uuid=UUIDS[0]), make.seen("10.9.0.7", zone="gov-cloud", uuid=UUIDS[0])
    )
    (host,) = hosts(found)
    assert (host.get("zone"), host.zones) == (None, ("gov-cloud", "mzj"))


def test_first_and_last_seen(make: Any) -> None:
    found = make.reconciled(make.system("S-1", "救助系统"), make.seen("10.1.0.7"))
    (host,), (system,) = hosts(found), systems(found)
    assert (host.get("first_seen_on"), host.get("last_seen_on")) == (date(2026, 3, 2), date(2026, 3, 2))
    assert (system.get("first_seen_on"), system.get("last_seen_on")) == (date(2026, 3, 2), None)
    later = make.reconciled(make.host_row("A-1", "mzj", "10.1.0.7"), keymap=found.keymap, today=date(2026, 4, 1))
    (host,) = hosts(later)
    assert (host.get("first_seen_on"), host.get("last_seen_on")) == (date(2026, 3, 2), date(2026, 3, 2))
    assert host.get("is_observed") is False


def test_days_are_those_of_the_site(make: Any) -> None:
    night = make.collection(make.seen("10.1.0.7", at=datetime(2026, 3, 1, 20, 0, tzinfo=UTC)))
    found = reconcile(
        night,
        places=make.places(),
        keymap=KeyMap(),
        today=date(2026, 3, 2),
        site="example",
        timezone=timezone(timedelta(hours=8)),
    )
    assert hosts(found)[0].get("last_seen_on") == date(2026, 3, 2)


# --- components ---


def component(make: Any, word: str, department: str = "mzj", number: int = 2) -> Observation:
    row: Observation = make.row(
        "component",
        f"registers/components.csv!{number}",
        department,
        (name_id("component", department, f"{word}|os"),),
        category="os",
        host_key=word,
    )
    return row


def test_a_components_host_is_named_by_its_code_and_shown_by_its_key(make: Any, one: Any) -> None:
    found = make.reconciled(make.host_row("A-1", "mzj", "10.1.0.7"), make.seen("10.1.0.7"), component(make, "a-1"))
    part, host = one(found, "component"), one(found, "host")
    assert part.get("host_key") == host.key
    (fact,) = [f for f in part.facts if f.column == "host_key"]
    assert (fact.value, fact.evidence, fact.source) == (host.key, "a-1", "registers/components.csv!2")
    assert not part.conflicts


def test_a_code_that_several_departments_use_means_the_departments_own_host(make: Any, one: Any) -> None:
    rows = [make.host_row("A-1", "mzj", "10.1.0.7"), make.host_row("A-1", "jtj", "10.2.0.200")]
    found = make.reconciled(*rows, component(make, "A-1", "jtj"))
    assert one(found, "component").get("host_key") == one(found, "host", department_id="jtj").key
    elsewhere = make.reconciled(*rows, component(make, "A-1", "czj"))
    assert one(elsewhere, "component").get("host_key") is None
    (conflict,) = one(elsewhere, "component").conflicts
    assert conflict.column == "host_key" and "对应多台主机" in conflict.why and "A-1" in conflict.why


def test_a_host_without_a_code_is_named_by_its_address(make: Any, one: Any) -> None:
    row = make.host_row("", "mzj", "10.1.0.7", name="网站服务器")
    found = make.reconciled(row, make.seen("10.1.0.7"), component(make, "10.1.0.7"))
    assert one(found, "component").get("host_key") == one(found, "host").key


def test_an_unknown_code_names_no_host(make: Any, one: Any) -> None:
    found = make.reconciled(make.host_row("A-1", "mzj", "10.1.0.7"), component(make, "A-10"), make.seen("10.1.0.10"))
    part = one(found, "component")
    assert part.get("host_key") is None
    (conflict,) = part.conflicts
    assert (conflict.column, conflict.shown) == ("host_key", None)
    assert "查不到" in conflict.why and "A-10" in conflict.why
    assert [claim.evidence for claim in conflict.claims] == ["A-10"]
    assert any("所在主机" in line for line in found.conflicts)
    assert make.reconciled(component(make, "A-10")).assets[0].get("host_key") is None


# --- keys ---


def keys(found: Reconciled) -> list[str]:
    return [asset.key for asset in found.assets]


def test_a_key_survives_a_better_identifier(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7"))
    second = make.reconciled(make.seen("10.1.0.7", uuid=UUIDS[0]), keymap=first.keymap)
    third = make.reconciled(make.seen("10.1.0.99", uuid=UUIDS[0]), keymap=second.keymap)
    assert keys(first) == keys(second) == keys(third)
    assert hosts(third)[0].get("first_seen_on") == date(2026, 3, 2)


def test_a_merge_keeps_the_oldest_key_and_leaves_an_alias(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7"))
    later = date(2026, 4, 1)
    second = make.reconciled(make.seen("10.1.0.7"), make.host_row("A-1", "mzj"), keymap=first.keymap, today=later)
    (old,) = keys(first)
    (new,) = set(keys(second)) - {old}
    merged = make.reconciled(
        make.seen("10.1.0.7"), make.host_row("A-1", "mzj", "10.1.0.7"), keymap=second.keymap, today=date(2026, 5, 1)
    )
    assert keys(merged) == [old]
    assert merged.keymap.aliases == {new: old}
    assert resolve(merged.keymap.aliases, new) == old
    assert {i.scheme for i in identifiers_of(merged.keymap, new)} == {"ip", "host-code"}
    # The alias outlives the audit that made it.
    after = make.reconciled(make.host_row("A-1", "mzj"), keymap=merged.keymap, today=date(2026, 6, 1))
    assert keys(after) == [old] and after.keymap.aliases == {new: old}


def test_an_address_does_not_hand_a_key_to_another_machine(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7", uuid=UUIDS[0]))
    reused = make.reconciled(make.seen("10.1.0.7", uuid=UUIDS[1]), keymap=first.keymap)
    assert keys(reused) != keys(first)
    # The first machine comes back elsewhere, and is itself.
    both = make.reconciled(
        make.seen("10.1.0.7", uuid=UUIDS[1]), make.seen("10.1.0.8", uuid=UUIDS[0]), keymap=reused.keymap
    )
    assert {h.get("ips"): h.key for h in hosts(both)} == {
        ("10.1.0.8",): keys(first)[0],
        ("10.1.0.7",): keys(reused)[0],
    }


def test_a_machine_that_moved_takes_nobodys_key(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7", uuid=UUIDS[0]), make.seen("10.1.0.8"))
    by_ip = {h.get("ips"): h.key for h in hosts(first)}
    moved = make.reconciled(make.seen("10.1.0.8", uuid=UUIDS[0]), keymap=first.keymap)
    assert keys(moved) == [by_ip["10.1.0.7",]]
    assert moved.keymap.aliases == {}


def test_an_address_given_up_is_forgotten(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7", uuid=UUIDS[0]))
    moved = make.reconciled(make.seen("10.1.0.8", uuid=UUIDS[0]), keymap=first.keymap)
    stranger = make.reconciled(make.seen("10.1.0.7"), keymap=moved.keymap)
    assert keys(moved) == keys(first)
    assert keys(stranger) != keys(first)


def test_of_two_that_claim_a_key_the_better_identifier_wins(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7", uuid=UUIDS[0]))
    second = make.reconciled(make.seen("10.1.0.9", uuid=UUIDS[0]), make.seen("10.1.0.7"), keymap=first.keymap)
    by_ip = {h.get("ips"): h.key for h in hosts(second)}
    assert by_ip["10.1.0.9",] == keys(first)[0] != by_ip["10.1.0.7",]


def test_a_system_keeps_its_key_when_it_gets_a_new_code(make: Any) -> None:
    first = make.reconciled(make.system("S-1", "救助系统"))
    second = make.reconciled(make.system("2026-001", "救助系统"), keymap=first.keymap)
    third = make.reconciled(make.system("2026-001", "社会救助系统"), keymap=second.keymap)
    assert keys(first) == keys(second) == keys(third)


def test_new_keys_tell_nothing_and_differ_between_sites(make: Any) -> None:
    collection = make.collection(make.seen("10.1.0.7"))
    made = [
        reconcile(collection, places=make.places(), keymap=KeyMap(), today=make.today, site=site).assets[0].key
        for site in ("example", "other", "example")
    ]
    assert made[0] == made[2] != made[1]
    assert "10" not in made[0]


# --- a person's word ---


def pinned(keymap: KeyMap, *pins: tuple[Identifier, str]) -> KeyMap:
    return replace(keymap, pins={("host", identifier): key for identifier, key in pins})


def test_a_pin_unites_what_nothing_else_would(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7", uuid=UUIDS[0]), make.seen("10.1.0.8", uuid=UUIDS[1]))
    one, other = sorted(h.key for h in hosts(first))
    keymap = pinned(first.keymap, (ip_id("10.1.0.7", "scanner"), one), (ip_id("10.1.0.8", "scanner"), one))
    again = make.reconciled(
        make.seen("10.1.0.7", uuid=UUIDS[0]),
        make.seen("10.1.0.8", uuid=UUIDS[1]),
        make.seen("10.1.0.7", at=make.at + timedelta(hours=1)),
        keymap=keymap,
    )
    assert keys(again) == [one]
    assert again.keymap.aliases == {other: one}
    assert again.keymap.pins == keymap.pins


def test_a_split_outranks_every_identifier(make: Any) -> None:
    seen = [make.seen("10.1.0.7", mac=MACS[0]), make.seen("10.1.0.8", mac=MACS[0])]
    first = make.reconciled(*seen)
    (old,) = keys(first)
    keymap = pinned(first.keymap, (ip_id("10.1.0.7", "scanner"), old), (ip_id("10.1.0.8", "scanner"), "h-split"))
    again = make.reconciled(*seen, keymap=keymap)
    assert {h.get("ips"): h.key for h in hosts(again)} == {("10.1.0.7",): old, ("10.1.0.8",): "h-split"}
    assert again.keymap.aliases == {}
    # Where one of the two is absent, the other does not slip into its place.
    half = make.reconciled(seen[1], keymap=again.keymap)
    assert keys(half) == ["h-split"] and half.keymap.aliases == {}


def test_a_pinned_key_goes_to_nobody_else(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7"))
    (old,) = keys(first)
    keymap = pinned(first.keymap, (ip_id("10.1.0.50", "scanner"), old))
    again = make.reconciled(make.seen("10.1.0.7"), keymap=keymap)
    assert keys(again) != [old]


def test_absorbing_a_key(make: Any) -> None:
    first = make.reconciled(make.seen("10.1.0.7"), make.seen("10.1.0.8"))
    one, other = keys(first)
    merged = absorb(first.keymap, {one: other})
    assert set(merged.keys.values()) == {other}
    assert merged.aliases == {one: other}
    assert len(known(merged)[other]) == 2
    assert absorb(first.keymap, {}) is first.keymap
    assert resolve({"a": "b", "b": "a"}, "a") in ("a", "b")


# --- properties ---

ADDRESSES = [f"10.1.0.{i}" for i in range(1, 5)]
IDENTIFIERS: list[Identifier] = [
    *(ip_id(address, vantage) for address in ADDRESSES for vantage in ("scanner", "far")),
    *(i for mac in MACS for vantage in ("scanner", "far") if (i := mac_id(mac, vantage))),
    *(i for text in UUIDS if (i := uuid_id(text))),
    *(code_id("host", code) for code in ("A", "B", "C")),
]
TEXTS = st.sampled_from(["web1", "web2"])


@st.composite
def observations(draw: st.DrawFn, kind: str = "host") -> Observation:
    declared = draw(st.booleans())
    strength = Strength.DECLARED if declared else draw(st.sampled_from([Strength.SEEN_OUTSIDE, Strength.SEEN_INSIDE]))
    columns = draw(st.lists(st.sampled_from(["hostname", "os_name", "vendor"]), max_size=2, unique=True))
    facts = tuple(Fact(column, draw(TEXTS), strength) for column in columns)
    return Observation(
        kind,
        "register" if declared else draw(st.sampled_from(["nmap", "ssh"])),
        f"registers/hosts.csv!{draw(st.integers(1, 3))}" if declared else "probe",
        datetime(2026, 3, 1, draw(st.integers(0, 3)), tzinfo=UTC),
        tuple(draw(st.lists(st.sampled_from(IDENTIFIERS), max_size=3, unique=True))),
        facts,
        zone="" if declared else "mzj",
        department_id=draw(st.sampled_from(["", "mzj", "jtj"])) if declared else "",
    )


MANY = st.lists(observations(), max_size=9)


def run(make: Any, found: Sequence[Observation], keymap: KeyMap | None = None) -> Reconciled:
    return make.reconciled(*found, keymap=keymap)  # type: ignore[no-any-return]


@settings(max_examples=150)
@given(first=MANY, second=MANY, luck=st.randoms(use_true_random=False))
def test_order_decides_nothing(make: Any, first: list[Observation], second: list[Observation], luck: Any) -> None:
    shuffled_first, shuffled_second = list(first), list(second)
    luck.shuffle(shuffled_first)
    luck.shuffle(shuffled_second)
    one, other = run(make, first), run(make, shuffled_first)
    assert one == other
    assert run(make, second, one.keymap) == run(make, shuffled_second, other.keymap)


@settings(max_examples=80)
@given(found=MANY)
def test_taking_the_same_in_twice_changes_nothing(make: Any, found: list[Observation]) -> None:
    assert run(make, [*found, *found]) == run(make, found)


@settings(max_examples=80)
@given(found=MANY)
def test_the_same_world_keeps_its_keys(make: Any, found: list[Observation]) -> None:
    first = run(make, found)
    second = run(make, found, first.keymap)
    assert [(a.key, a.identifiers) for a in first.assets] == [(a.key, a.identifiers) for a in second.assets]
    assert len(set(keys(first))) == len(first.assets)
    assert second.keymap.aliases == {}


@settings(max_examples=80)
@given(found=MANY)
def test_no_observation_is_lost_or_doubled(make: Any, found: list[Observation]) -> None:
    assets = run(make, found).assets
    facts = {fact for observation in found for fact in Said([observation]).facts()}
    kept = [fact for asset in assets for fact in asset.facts if fact.column != "department_id"]
    assert set(kept) == facts
    assert {i for a in assets for i in a.identifiers} == {i for o in found for i in o.identifiers}


@settings(max_examples=80)
@given(found=MANY)
def test_nothing_known_to_be_different_is_ever_one(make: Any, found: list[Observation]) -> None:
    """A single observation may itself be muddled; a union never is."""
    single = {scheme for o in found for scheme in _doubled(o.identifiers)}
    for asset in run(make, found).assets:
        assert _doubled(asset.identifiers) <= single


def _doubled(identifiers: Sequence[Identifier]) -> set[str]:
    schemes = [i.scheme for i in identifiers if i.scheme in ("uuid", "host-code")]
    return {scheme for scheme in schemes if schemes.count(scheme) > 1}


@settings(max_examples=80)
@given(near=MANY, far=MANY)
def test_two_vantages_never_join_on_what_only_a_vantage_knows(
    make: Any, near: list[Observation], far: list[Observation]
) -> None:
    def seen_from(vantage: str, found: list[Observation]) -> list[Observation]:
        kept = [(o, tuple(i for i in o.identifiers if i.vantage == vantage)) for o in found]
        return [replace(o, identifiers=identifiers) for o, identifiers in kept if identifiers]

    for asset in run(make, [*seen_from("scanner", near), *seen_from("far", far)]).assets:
        assert len({i.vantage for i in asset.identifiers}) == 1


@settings(max_examples=60)
@given(names=st.lists(st.tuples(TEXTS, st.sampled_from(ADDRESSES)), max_size=6, unique_by=lambda pair: pair[1]))
def test_no_host_joins_by_name(make: Any, names: list[tuple[str, str]]) -> None:
    found = run(make, [make.host_row("", "mzj", ip, name=name, hostname=name) for name, ip in names])
    assert len(found.assets) == len(names)


@settings(max_examples=60)
@given(
    addresses=st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=4, unique=True),
    better=st.lists(st.sampled_from([*UUIDS, ""]), min_size=4, max_size=4),
)
def test_keys_survive_better_identifiers(make: Any, addresses: list[str], better: list[str]) -> None:
    """Whatever becomes known of the machines at these addresses, none of them loses its key."""
    first = run(make, [make.seen(address) for address in addresses])
    known_by = {a.get("ips"): a.key for a in first.assets}
    learnt = dict(zip(addresses, better, strict=False))
    second = run(make, [make.seen(ip, uuid=uuid) for ip, uuid in learnt.items()], first.keymap)
    for asset in second.assets:
        ips = asset.values["ips"]
        assert isinstance(ips, tuple)
        assert asset.key in {known_by[ip,] for ip in ips}
        for ip in ips:
            assert resolve(second.keymap.aliases, known_by[ip,]) == asset.key


def test_nothing_at_all(make: Any) -> None:
    assert make.reconciled() == Reconciled((), KeyMap())
    assert make.reconciled(Collection()).conflicts == ()


def test_the_cycle_collector_is_left_as_it_was(make: Any) -> None:
    with pytest.raises(ValueError):
        make.reconciled(replace(make.seen("10.1.0.7"), kind="satellite"))
    assert gc.isenabled()
    gc.disable()
    try:
        make.inferred(make.seen("10.1.0.7"))
        assert not gc.isenabled()
    finally:
        gc.enable()
