"""Conclusions: what must be concluded, and above all what must not."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from inventories.facts import COLUMNS, supports
from inventories.infer.evidence import EMPTY_PAGES, EQUIPMENT_PAGES, NAMELESS_PAGES, ROOM_CONFIDENCE
from inventories.infer.sightings import Names
from inventories.keymap import resolve
from inventories.model import Asset, Failure, Origin, Strength
from inventories.places import Places
from inventories.reconcile import Reconciled

OWN, CLOUD = "10.1.0.10", "10.9.0.10"
NGINX = "80/tcp http nginx 1.22"
SSH = "22/tcp ssh OpenSSH 8.2"
TITLE = (("80/tcp", "民政救助系统 - 首页"),)


def system(make: Any, *, code: str = "MZ-1", **values: Any) -> Any:
    return make.system(code, "民政救助系统", **values)


def base(make: Any) -> list[Any]:
    return [make.department("mzj"), make.department("jtj"), make.department("bureau"), make.cloud("GOV-1")]


def hosting(make: Any, one: Any, *parts: Any) -> tuple[Any, Any, list[str]]:
    """hosting, its strength, and the columns in conflict, of the one declared system."""
    found = one(make.inferred(base(make), *parts), "system", is_declared=True)
    return found.get("hosting"), found.get("hosting_strength"), [c.column for c in found.conflicts]


# --- where systems run ---


def test_a_declaration_that_nothing_contradicts_stands_as_declared(make: Any, one: Any) -> None:
    for place in ("gov_cloud", "own_room", "public_cloud"):
        assert hosting(make, one, system(make, hosting=(place,))) == ((place,), "declared", [])
    addresses = system(make, hosting=("gov_cloud",), addresses=(CLOUD,))
    assert hosting(make, one, addresses, make.covered("gov-cloud")) == (("gov_cloud",), "declared", [])


def test_nothing_said_and_nothing_seen_is_null(make: Any, one: Any) -> None:
    assert hosting(make, one, system(make)) == (None, None, [])
    # An address in a department's network that does not answer shows nothing.
    assert hosting(make, one, system(make, addresses=(OWN,)), make.covered("mzj")) == (None, None, [])


@pytest.mark.parametrize(("address", "zone", "place"), [(CLOUD, "gov-cloud", "gov_cloud"), (OWN, "mzj", "own_room")])
def test_a_service_at_its_address_shows_where_it_runs(
    make: Any, one: Any, address: str, zone: str, place: str
) -> None:
    for seen in (
        make.seen(address, NGINX, zone=zone),
        make.seen(address, SSH, zone=zone, titles=TITLE),
        make.seen(address, SSH, zone=zone, names=(("443/tcp", "jz.mzj.example.cn"),)),
    ):
        declared = system(make, addresses=(address,), urls=("https://jz.mzj.example.cn/login",))
        assert hosting(make, one, declared, seen) == ((place,), "seen_outside", [])


def test_the_port_that_its_register_gives_counts_where_it_names_itself(make: Any, one: Any) -> None:
    declared = system(make, addresses=(f"{OWN}:22",))
    assert hosting(make, one, declared, make.seen(OWN, SSH)) == (("own_room",), "seen_outside", [])


@pytest.mark.parametrize("services", [{}, {"guessed": ("8080/tcp http-proxy（按端口推断）",)}])
def test_a_mere_answer_is_a_hint(make: Any, one: Any, services: dict[str, Any]) -> None:
    seen = make.seen(OWN, SSH, **services)
    assert hosting(make, one, system(make, addresses=(OWN,)), seen) == (("own_room",), "hinted", [])
    agreeing = system(make, hosting=("private_cloud",), addresses=(OWN,))
    assert hosting(make, one, agreeing, seen) == (("private_cloud",), "declared", [])
    contradicting = system(make, hosting=("gov_cloud",), addresses=(OWN,))
    assert hosting(make, one, contradicting, seen) == (None, None, ["hosting"])


def test_a_refusal_that_a_firewall_may_have_given_shows_nothing(make: Any, one: Any) -> None:
    refused = make.seen(OWN, sure=False)
    declared = system(make, hosting=("gov_cloud",), addresses=(OWN, CLOUD))
    found = one(make.inferred(base(make), declared, refused, make.covered("mzj")), "system")
    assert (found.get("hosting"), found.get("hosting_strength")) == (("gov_cloud",), "declared")
    assert found.get("hosts_alive_off_cloud") is None


def test_cloud_on_paper_alive_in_the_department_and_not_at_its_cloud_address(make: Any, one: Any) -> None:
    declared = system(make, hosting=("gov_cloud",), addresses=(OWN, CLOUD))
    alive = make.seen(OWN, NGINX)
    # Nobody looked at the cloud address: nothing is known, and that is said.
    assert hosting(make, one, declared, alive) == (None, None, ["hosting"])
    assert hosting(make, one, declared, alive, make.covered("gov-cloud", "10.9.0.64/26")) == (
        None,
        None,
        ["hosting"],
    )
    # It was looked at, and does not answer.
    assert hosting(make, one, declared, alive, make.covered("gov-cloud")) == (
        ("own_room",),
        "seen_outside",
        ["hosting"],
    )
    # It answers, though nothing there says what it is: that is enough to doubt.
    quiet = make.seen(CLOUD, SSH, zone="gov-cloud")
    assert hosting(make, one, declared, alive, quiet, make.covered("gov-cloud")) == (None, None, ["hosting"])
    # It is in both places.
    there = make.seen(CLOUD, NGINX, zone="gov-cloud")
    assert hosting(make, one, declared, alive, there) == (("gov_cloud", "own_room"), "seen_outside", [])


def test_cloud_on_paper_without_an_address_there(make: Any, one: Any) -> None:
    declared = system(make, hosting=("gov_cloud",), addresses=(OWN,))
    named, nameless = make.seen(OWN, NGINX, titles=TITLE), make.seen(OWN, NGINX)
    whole, half = make.covered("gov-cloud"), make.covered("gov-cloud", "10.9.0.0/25")
    assert hosting(make, one, declared, named, whole) == (("own_room",), "seen_outside", ["hosting"])
    # An incomplete look, or a page that does not bear its name, accuses nobody.
    assert hosting(make, one, declared, named, half) == (None, None, ["hosting"])
    assert hosting(make, one, declared, nameless, whole) == (None, None, ["hosting"])
    only_hosts = make.covered("gov-cloud", aspects=("hosts", "ports"))
    assert hosting(make, one, declared, named, only_hosts) == (None, None, ["hosting"])


def test_a_page_with_its_name_on_the_cloud_shows_it_there(make: Any, one: Any) -> None:
    page = make.seen(CLOUD, NGINX, zone="gov-cloud", titles=TITLE)
    assert hosting(make, one, system(make), page) == (("gov_cloud",), "seen_outside", [])
    # Two systems of one name: nobody can tell whose page it is.
    twins = [system(make), make.system("JT-1", "民政救助系统", "jtj")]
    found = make.inferred(base(make), twins, page)
    assert {s.get("hosting") for s in found.assets if s.kind == "system" and s.get("is_declared")} == {None}


def test_a_page_with_its_name_at_an_address_nobody_gave_is_a_hint(make: Any, one: Any) -> None:
    page = make.seen("10.1.0.77", NGINX, titles=TITLE)
    assert hosting(make, one, system(make), page) == (("own_room",), "hinted", [])
    assert hosting(make, one, system(make, hosting=("gov_cloud",)), page) == (None, None, ["hosting"])
    # In another department's network it says nothing of this one.
    foreign = make.seen("10.2.0.200", NGINX, zone="shared", titles=TITLE)
    assert hosting(make, one, system(make), foreign) == (None, None, [])


def test_an_address_that_nobody_can_place_leaves_it_open(make: Any, one: Any) -> None:
    alive = make.seen(OWN, NGINX)
    outside = system(make, addresses=(OWN, "203.0.113.9"))
    assert hosting(make, one, outside, alive) == (None, None, ["hosting"])
    # The cloud's addresses as seen from two vantages: one of them may be meant.
    zones = make.zones()
    second = replace(zones[3], id="gov-cloud-2", vantage="far")
    ambiguous = make.inferred(
        base(make),
        system(make, addresses=(OWN, CLOUD)),
        alive,
        make.covered("gov-cloud"),
        places=Places((*zones, second)),
    )
    assert one(ambiguous, "system").get("hosting") is None


def test_a_cloud_code_is_a_declaration_too(make: Any, one: Any) -> None:
    by_code = system(make, cloud_codes=("GOV-1",))
    assert hosting(make, one, by_code) == (("gov_cloud",), "declared", [])
    alive = make.seen(OWN, NGINX)
    assert hosting(make, one, system(make, cloud_codes=("GOV-1",), addresses=(OWN,)), alive) == (
        None,
        None,
        ["hosting"],
    )
    # A register that says own room and names the cloud's code contradicts itself.
    both = system(make, hosting=("own_room",), cloud_codes=("GOV-1",))
    assert hosting(make, one, both) == (None, None, ["hosting"])


def test_what_cannot_be_seen_from_here_is_believed(make: Any, one: Any) -> None:
    declared = system(make, hosting=("public_cloud",), addresses=(OWN,))
    found = hosting(make, one, declared, make.seen(OWN, NGINX))
    assert found == (("own_room", "public_cloud"), "declared", [])


def test_seen_on_the_cloud_beats_a_register_that_says_own_room(make: Any, one: Any) -> None:
    there = make.seen(CLOUD, NGINX, zone="gov-cloud")
    declared = system(make, hosting=("own_room",), addresses=(CLOUD,))
    assert hosting(make, one, declared, there) == (("gov_cloud",), "seen_outside", ["hosting"])
    both = system(make, hosting=("gov_cloud", "own_room"), addresses=(CLOUD, OWN))
    assert hosting(make, one, both, there) == (("gov_cloud", "own_room"), "declared", [])
    assert hosting(make, one, both, there, make.covered("mzj")) == (("gov_cloud",), "seen_outside", [])


def test_registers_that_contradict_each_other_leave_it_open_until_it_is_seen(make: Any, one: Any) -> None:
    rows = [
        system(make, hosting=("own_room",), addresses=(CLOUD,)),
        system(make, source="registers/assessments.csv!2", hosting=("gov_cloud",)),
    ]
    assert hosting(make, one, rows) == (None, None, ["hosting"])
    seen = make.seen(CLOUD, NGINX, zone="gov-cloud")
    assert hosting(make, one, rows, seen)[:2] == (("gov_cloud",), "seen_outside")


def test_a_system_on_the_hosts_that_carry_it(make: Any, one: Any) -> None:
    carrier = make.host_row("A-1", "mzj", OWN, system_codes=("MZ-1",), platform="vsphere")
    found = make.inferred(base(make), system(make), carrier, make.seen(OWN, NGINX))
    declared = one(found, "system")
    assert (declared.get("hosting"), declared.get("hosts_total")) == (("private_cloud",), 1)
    assert one(found, "host").get("system_keys") == (declared.key,)


def test_the_facts_behind_hosting_can_be_shown(make: Any, one: Any) -> None:
    found = one(make.inferred(base(make), system(make, addresses=(OWN,)), make.seen(OWN, NGINX)), "system")
    column = COLUMNS["system"]["hosting"]
    (fact,) = [f for f in found.facts if f.column == "hosting" and supports(column, found.get("hosting"), f)]
    assert (fact.origin, fact.strength, fact.source) == (Origin.INFERRED, Strength.SEEN_OUTSIDE, "nmap")
    assert OWN in fact.evidence and "nginx" in fact.evidence and "民政局办公网" in fact.evidence


# --- counts ---


def counts(make: Any, one: Any, *parts: Any) -> tuple[Any, Any, Any]:
    found = one(make.inferred(base(make), *parts), "system", is_declared=True)
    return found.get("hosts_total"), found.get("hosts_on_gov_cloud"), found.get("hosts_alive_off_cloud")


def test_counts_of_hosts(make: Any, one: Any) -> None:
    declared = system(make, addresses=(OWN, "10.1.0.11", CLOUD))
    alive, there = make.seen(OWN, SSH), make.seen(CLOUD, SSH, zone="gov-cloud")
    assert counts(make, one, system(make)) == (None, None, None)
    assert counts(make, one, declared) == (3, None, None)
    # One sighting counts with any coverage; a 0 needs every address looked at.
    assert counts(make, one, declared, alive) == (3, None, 1)
    assert counts(make, one, declared, there) == (3, 1, None)
    assert counts(make, one, declared, make.covered("mzj", "10.1.0.10/32")) == (3, None, None)
    assert counts(make, one, declared, make.covered("mzj")) == (3, None, 0)
    assert counts(make, one, declared, make.covered("mzj"), make.covered("gov-cloud")) == (3, 0, 0)
    assert counts(make, one, system(make, addresses=(OWN, "203.0.113.9")), make.covered("mzj")) == (2, None, None)


def test_one_machine_with_two_addresses_is_one_host(make: Any, one: Any) -> None:
    mac = "00:1b:21:0a:bb:01"
    declared = system(make, addresses=(OWN, "10.1.0.11"))
    found = counts(make, one, declared, make.seen(OWN, SSH, mac=mac), make.seen("10.1.0.11", SSH, mac=mac))
    assert found == (1, 0, 1)


# --- clouds and their levels ---


def levels(make: Any, one: Any, *parts: Any) -> tuple[Any, Any]:
    found = make.inferred(base(make), *parts)
    names = {a.key: a.get("code") for a in found.assets if a.kind == "cloud"}
    shown = one(found, "system", is_declared=True)
    keys = shown.get("cloud_keys")
    return (tuple(names[key] for key in keys) if keys else None), shown.get("hosting_levels")


def test_levels_of_the_clouds_a_system_is_on(make: Any, one: Any) -> None:
    county = make.cloud("XIAN-1", "county", kind="county")
    seen = make.seen(CLOUD, NGINX, zone="gov-cloud")
    assert levels(make, one, county, system(make, cloud_codes=("XIAN-1",))) == (("XIAN-1",), ("county",))
    assert levels(make, one, system(make, addresses=(CLOUD,)), seen) == (("GOV-1",), ("city",))
    # Seen on one cloud: the code of another does not say where it runs.
    mixed = system(make, cloud_codes=("XIAN-1",), addresses=(CLOUD,))
    assert levels(make, one, county, mixed, seen)[1] == ("city",)
    # Not seen, and a cloud of which no register tells the level: nobody can say.
    bare = make.row(
        "cloud", "registers/clouds.csv!9", "bureau", make.cloud("X-9").identifiers, code="X-9", kind="government"
    )
    assert levels(make, one, bare, system(make, cloud_codes=("GOV-1", "X-9")))[1] is None
    assert levels(make, one, system(make, hosting=("gov_cloud",), cloud_codes=("NONE",)))[1] is None
    assert levels(make, one, system(make, hosting=("own_room",)))[1] is None


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("市级政务云", ("city",)),
        ("示例市政务云", ("city",)),
        ("县级政务云", ("county",)),
        ("省政务云", ("province",)),
        ("自治区政务云", ("province",)),
        ("政务云", None),
    ],
)
def test_a_registers_own_words_may_tell_the_level(make: Any, one: Any, words: str, level: Any) -> None:
    row = system(make, hosting=("gov_cloud",))
    facts = tuple(replace(f, evidence=words) if f.column == "hosting" else f for f in row.facts)
    assert levels(make, one, replace(row, facts=facts))[1] == level


# --- services that nobody registered ---


def leads(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "system" and a.get("is_declared") is False]


PAGE = (("8080/tcp", "殡葬管理平台"),)


def test_a_page_that_no_register_accounts_for(make: Any) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE)
    (lead,) = leads(make.inferred(base(make), seen, make.submission("systems")))
    assert (lead.get("name"), lead.get("department_id"), lead.get("zone")) == ("殡葬管理平台", "mzj", "mzj")
    assert (lead.get("is_registered"), lead.get("is_observed"), lead.get("status")) == (False, True, None)
    assert lead.get("level_of_government") == "city"
    (fact,) = [f for f in lead.facts if f.column == "is_registered"]
    # No stronger than the weakest of what it rests on: a banner, and a register that was received.
    assert (fact.strength, fact.origin) == (Strength.DECLARED, Origin.INFERRED)
    assert "殡葬管理平台" in fact.evidence and "2026-02-01" in fact.evidence


def test_unregistered_only_where_the_register_came_in_whole(make: Any) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE)
    broken = Failure("register", "", ("systems", "mzj"), "bad_input", "rows were refused", make.at)
    for parts in ([], [make.submission("systems", "jtj")], [make.submission("systems"), broken]):
        (lead,) = leads(make.inferred(base(make), seen, parts))
        assert lead.get("is_registered") is None


def test_nothing_is_a_lead_outside_departments_networks(make: Any) -> None:
    found = make.inferred(base(make), make.seen(CLOUD, NGINX, zone="gov-cloud", titles=PAGE))
    assert leads(found) == []


@pytest.mark.parametrize(
    "row",
    [
        {"addresses": ("10.1.0.20",)},
        {"addresses": ("10.1.0.20:8080",)},
        {"urls": ("http://10.1.0.20:8080/bz",)},
        {"urls": ("10.1.0.20",)},
        {"urls": ("https://bz.example.cn/",)},
        {"name": "殡葬管理平台"},
        {"name": "民政局殡葬管理平台（二期）"},
    ],
)
def test_a_page_that_a_register_may_account_for_accuses_nobody(make: Any, row: dict[str, Any]) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE, names=(("8080/tcp", "bz.example.cn"),))
    name = row.pop("name", "完全无关的系统")
    found = make.inferred(base(make), make.system("MZ-7", name, **row), seen, make.submission("systems"))
    assert leads(found) == []
    (declared,) = [a for a in found.assets if a.kind == "system"]
    assert declared.get("is_registered") is True


@pytest.mark.parametrize("row", [{"addresses": ("10.1.0.20:9090",)}, {"urls": ("http://10.1.0.20:9090/",)}])
def test_a_claim_to_another_port_is_no_claim(make: Any, row: dict[str, Any]) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE)
    other = make.system("MZ-7", "完全无关的系统", **row)
    assert len(leads(make.inferred(base(make), other, seen))) == 1


def test_a_page_whose_port_nobody_can_tell_is_claimed_by_any(make: Any) -> None:
    page = (("", "殡葬管理平台"),)
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", "9090/tcp http nginx", titles=page)
    other = make.system("MZ-7", "完全无关的系统", addresses=("10.1.0.20:9090",))
    assert leads(make.inferred(base(make), other, seen)) == []


def test_another_vantages_claim_is_no_claim(make: Any) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE)
    far = make.system("CZ-1", "财政一体化", "czj", addresses=("10.1.0.20",))
    assert len(leads(make.inferred(base(make), far, seen))) == 1


def test_a_claim_from_outside_ones_own_network_counts(make: Any) -> None:
    """A department may house a system in another's network."""
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE)
    guest = make.system("JT-1", "路网监测", "jtj", addresses=("10.1.0.20",))
    assert leads(make.inferred(base(make), guest, seen)) == []


def test_a_host_that_carries_a_registered_system_is_no_lead(make: Any) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE)
    for placed in (True, False):
        carrier = make.host_row("A-1", "mzj", "10.1.0.20", system_codes=("MZ-1",), placed=placed)
        assert leads(make.inferred(base(make), system(make), carrier, seen)) == []


@pytest.mark.parametrize(
    ("service", "leads_to"),
    [
        ("3306/tcp mysql MySQL 5.7.44", "10.1.0.21:3306 服务"),
        ("1521/tcp oracle-tns Oracle TNS listener 11.2.0.4.0", "10.1.0.21:1521 服务"),
        ("3306/tcp mysql", None),
        ("6379/tcp redis Redis key-value store 7.0", None),
        ("22/tcp ssh OpenSSH 8.2", None),
        ("80/tcp http nginx 1.22", None),
    ],
)
def test_databases_that_name_their_product(make: Any, service: str, leads_to: str | None) -> None:
    found = leads(make.inferred(base(make), make.seen("10.1.0.21", service)))
    assert [lead.get("name") for lead in found] == ([leads_to] if leads_to else [])


def test_a_port_number_alone_is_no_lead(make: Any) -> None:
    guessed = make.seen("10.1.0.21", guessed=("5236/tcp 达梦 DM8（按端口推断）", "8080/tcp http（按端口推断）"))
    assert leads(make.inferred(base(make), guessed)) == []


def test_a_database_beside_a_page_is_the_pages_own(make: Any) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", "3306/tcp mysql MySQL 5.7", titles=PAGE)
    (lead,) = leads(make.inferred(base(make), seen))
    assert lead.get("name") == "殡葬管理平台"
    claimed = make.system("MZ-7", "完全无关的系统", addresses=("10.1.0.20:8080",))
    assert leads(make.inferred(base(make), claimed, seen)) == []


@pytest.mark.parametrize(
    "product",
    ["hypervisor:VMware ESXi", "management_controller:华为 iBMC", "ups:UPS 管理卡", "cloud_platform:OpenStack"],
)
def test_management_pages_are_no_systems(make: Any, product: str) -> None:
    seen = make.seen("10.1.0.20", "443/tcp ssl/http nginx", titles=(("443/tcp", "管理平台"),), products=(product,))
    assert leads(make.inferred(base(make), seen)) == []


def test_one_page_on_two_ports_is_one_system(make: Any) -> None:
    titles = (("80/tcp", "殡葬管理平台"), ("443/tcp", "殡葬管理平台"))
    seen = make.seen("10.1.0.20", "80/tcp http nginx", "443/tcp ssl/http nginx", titles=titles)
    first = make.inferred(base(make), seen)
    (lead,) = leads(first)
    # It keeps its key when one of the ports closes.
    again = make.seen("10.1.0.20", "443/tcp ssl/http nginx", titles=titles[1:])
    (later,) = leads(make.inferred(base(make), again, keymap=first.keymap, today=date(2026, 4, 1)))
    assert (later.key, later.get("first_seen_on"), later.get("last_seen_on")) == (
        lead.key,
        date(2026, 3, 2),
        date(2026, 3, 2),
    )


def test_several_titles_on_one_port_are_one_service(make: Any) -> None:
    titles = (("8080/tcp", "殡葬管理平台"), ("8080/tcp", "管理后台"), ("", "统计报表"))
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=titles)
    (lead,) = leads(make.inferred(base(make), seen))
    assert [str(i) for i in lead.identifiers] == ["service:10.1.0.20:8080/tcp@scanner"]
    # Any of them that a register knows accounts for it.
    assert leads(make.inferred(base(make), make.system("MZ-7", "殡葬管理平台"), seen)) == []


def test_findings_of_a_service_follow_to_the_system_that_is_registered_for_it(make: Any) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE)
    first = make.inferred(base(make), seen, make.submission("systems"))
    (lead,) = leads(first)
    row = make.system("MZ-7", "殡葬管理平台", addresses=("10.1.0.20",))
    second = make.inferred(base(make), seen, row, make.submission("systems"), keymap=first.keymap)
    (registered,) = [a for a in second.assets if a.kind == "system"]
    assert resolve(second.keymap.aliases, lead.key) == registered.key != lead.key
    # Where the row is taken back, the service is a lead of its own again, and takes nobody's key.
    third = make.inferred(base(make), seen, make.system("MZ-7", "别的系统"), keymap=second.keymap)
    (back,) = leads(third)
    assert back.key not in (registered.key, lead.key)


def test_the_owner_of_an_address_in_doubt_is_accused_of_nothing(make: Any) -> None:
    uuid = "564d4cbc-c6a9-1969-bc4c-4d56a9c66919"
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE, uuid=uuid)
    stranger = make.host_row("B-1", "jtj", uuid=uuid)
    (lead,) = leads(make.inferred(base(make), seen, stranger, make.submission("systems")))
    assert (lead.get("department_id"), lead.get("is_registered")) == (None, None)


def test_pages_by_their_titles() -> None:
    empty = [
        "Welcome to nginx!",
        "404 Not Found",
        "403 Forbidden",
        "IIS Windows Server",
        "Index of /",
        "",
        "Apache Tomcat/8.5.1",
    ]
    assert all(EMPTY_PAGES.match(title) for title in empty)
    assert all(NAMELESS_PAGES.match(title) for title in ("登录", "用户登录", "Login", "系统登录页面", "首页"))
    assert all(EQUIPMENT_PAGES.search(title) for title in ("H3C 交换机 Web网管", "iDRAC9", "HP LaserJet 400"))
    for real in ("殡葬管理平台", "示例市民政局", "OA办公系统", "登录 - 救助系统", "404办公室系统", "Switching 平台"):
        assert not EMPTY_PAGES.match(real) and not NAMELESS_PAGES.match(real) and not EQUIPMENT_PAGES.search(real)


def test_a_page_without_a_name_of_its_own_is_called_by_its_address(make: Any) -> None:
    seen = make.seen("10.1.0.20", "8080/tcp http nginx", titles=(("8080/tcp", "用户登录"),))
    (lead,) = leads(make.inferred(base(make), seen))
    assert lead.get("name") == "10.1.0.20:8080 服务"


def test_the_longest_name_in_a_title_is_meant() -> None:
    names = Names([("救助系统", "a"), ("民政救助系统", "b"), ("门户", "c")], 4)
    assert names.within("民政救助系统 首页") == ("b",)
    assert names.within("社会救助系统") == ("a",)
    assert names.within("门户网站") == ()
    assert names.within("") == ()


# --- virtualisation platforms ---

ESXI = {"products": ("hypervisor:VMware ESXi",), "titles": (("443/tcp", "VMware ESXi"),)}


def platforms(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "cloud" and a.get("is_inferred") is True]


def test_a_platform_that_no_register_names(make: Any) -> None:
    hosts = [make.seen(f"10.1.0.{i}", "443/tcp ssl/http", **ESXI) for i in (31, 32)]
    center = make.seen("10.1.0.33", "443/tcp ssl/http", products=("hypervisor:VMware vCenter Server",))
    first = make.inferred(base(make), hosts)
    (cloud,) = platforms(first)
    assert (cloud.get("kind"), cloud.get("platform"), cloud.get("endpoint")) == (
        "virtualisation",
        "esxi",
        "10.1.0.31:443",
    )
    assert (cloud.get("department_id"), cloud.get("is_declared")) == ("mzj", False)
    assert len(cloud.values["inference_evidence"]) == 2  # type: ignore[arg-type]
    # Its key is the place's: what reveals it today does not matter.
    (managed,) = platforms(make.inferred(base(make), center, hosts[1], keymap=first.keymap))
    assert (managed.key, managed.get("platform"), managed.get("endpoint")) == (cloud.key, "vcenter", "10.1.0.33:443")


def test_platforms_that_are_none_of_ours_to_infer(make: Any) -> None:
    guess = replace(
        make.seen("10.1.0.31", "902/tcp vmware-auth"),
        facts=(
            *make.seen("10.1.0.31", "902/tcp x").facts,
            replace(make.seen("10.1.0.31", products=("hypervisor:VMware ESXi",)).facts[-1], strength=Strength.HINTED),
        ),
    )
    on_cloud = make.seen(CLOUD, "443/tcp ssl/http", zone="gov-cloud", **ESXI)
    unknown = make.seen("10.1.0.31", "443/tcp ssl/http", products=("hypervisor:某虚拟化软件",))
    assert platforms(make.inferred(base(make), guess, on_cloud, unknown)) == []


@pytest.mark.parametrize(
    ("row", "is_it"),
    [
        ({"endpoint": "10.1.0.31"}, True),
        ({"endpoint": "https://10.1.0.31:443/ui"}, True),
        ({"prefixes": ("10.1.0.64/27",)}, False),
        ({"prefixes": ("10.1.0.0/24",)}, True),
        ({}, True),
        ({"platform": "VMware vSphere 7"}, True),
        ({"platform": "openstack"}, False),
        ({"endpoint": "10.1.0.99"}, False),
        ({"kind": "public"}, False),
    ],
)
def test_a_declared_cloud_that_may_be_it_is_believed(make: Any, row: dict[str, Any], is_it: bool) -> None:
    seen = make.seen("10.1.0.31", "443/tcp ssl/http", **ESXI)
    cloud = make.cloud("MZ-C", "city", "mzj", **({"kind": "virtualisation"} | row))
    found = make.inferred(base(make), seen, cloud)
    assert (platforms(found) == []) is is_it


# --- machine rooms ---

BMC = {"products": ("management_controller:华为 iBMC",), "titles": (("443/tcp", "iBMC"),)}
UPS = {"products": ("ups:UPS 管理卡",)}


def equipment(make: Any, hypervisors: int, controllers: int, power: int, zone: str = "mzj") -> list[Any]:
    net = {"mzj": "10.1.0", "shared": "10.2.0"}[zone]
    kinds = [ESXI] * hypervisors + [BMC] * controllers + [UPS] * power
    return [make.seen(f"{net}.{i + 30}", "443/tcp ssl/http", zone=zone, **kind) for i, kind in enumerate(kinds)]


def rooms(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "room" and a.get("is_inferred") is True]


@pytest.mark.parametrize(
    ("hypervisors", "controllers", "power", "confidence"),
    [
        (0, 0, 0, None),
        # One server under a desk: a hypervisor, its management controller, perhaps a UPS.
        (1, 1, 0, None),
        (1, 1, 1, None),
        (1, 0, 1, None),
        # One kind of evidence, however much of it.
        (9, 0, 0, None),
        (0, 9, 0, None),
        (0, 0, 3, None),
        (1, 2, 0, 0.5),
        (2, 2, 0, 0.5),
        (2, 0, 1, 0.8),
        (3, 2, 0, 0.7),
        (1, 3, 1, 0.9),
        (4, 4, 2, 0.9),
    ],
)
def test_rooms_are_concluded_slowly(
    make: Any, hypervisors: int, controllers: int, power: int, confidence: float | None
) -> None:
    found = rooms(make.inferred(base(make), equipment(make, hypervisors, controllers, power)))
    assert [room.get("inference_confidence") for room in found] == ([confidence] if confidence else [])


def test_a_management_platform_is_a_guest_and_no_machine(make: Any) -> None:
    """One server: its hypervisor, its management controller, and the vCenter that runs on it."""
    center = make.seen("10.1.0.60", "443/tcp ssl/http", products=("hypervisor:VMware vCenter Server",))
    assert rooms(make.inferred(base(make), equipment(make, 1, 1, 1), center)) == []


def test_what_an_inferred_room_says(make: Any) -> None:
    found = make.inferred(base(make), equipment(make, 2, 3, 1))
    (room,) = rooms(found)
    assert (room.get("name"), room.get("department_id"), room.get("zone")) == ("民政局大楼机房（推断）", "mzj", "mzj")
    assert (room.get("hypervisors"), room.get("management_controllers"), room.get("hosts_physical")) == (2, 3, None)
    evidence = room.values["inference_evidence"]
    assert isinstance(evidence, tuple) and evidence[0].startswith("虚拟化主机 2 台：10.1.0.30")
    assert (room.get("approval_absent"), room.get("built_on")) == (None, None)
    # Its key is the place's.
    (later,) = rooms(make.inferred(base(make), equipment(make, 3, 0, 1), keymap=found.keymap))
    assert later.key == room.key


def test_a_room_needs_a_place(make: Any) -> None:
    assert rooms(make.inferred(base(make), equipment(make, 4, 4, 2, zone="shared"))) == []


def test_places_are_not_added_up(make: Any) -> None:
    zones = tuple(replace(z, location="民政局分部") if z.id == "shared" else z for z in make.zones())
    parts = [*equipment(make, 1, 1, 0), *equipment(make, 1, 1, 0, zone="shared")]
    assert rooms(make.inferred(base(make), parts, places=Places(zones))) == []


@pytest.mark.parametrize(
    ("room", "believed"),
    [
        ({}, True),
        ({"address": "人民路1号民政局大楼三层"}, True),
        ({"address": "人民路1号"}, True),
        ({"address": "开发区民政局分部一层"}, False),
    ],
)
def test_a_declared_room_that_may_be_it_is_believed(make: Any, room: dict[str, Any], believed: bool) -> None:
    zones = tuple(replace(z, location="民政局分部") if z.id == "shared" else z for z in make.zones())
    found = make.inferred(base(make), make.room("R-1", **room), equipment(make, 4, 4, 1), places=Places(zones))
    assert (rooms(found) == []) is believed


def test_another_departments_room_is_not_this_one(make: Any) -> None:
    assert len(rooms(make.inferred(base(make), make.room("R-1", "jtj"), equipment(make, 4, 4, 1)))) == 1


def test_what_was_seen_in_a_declared_room_is_counted_beside_what_it_declares(make: Any, one: Any) -> None:
    parts = equipment(make, 2, 3, 0)
    room = one(make.inferred(base(make), make.room("R-1", servers_declared=2), parts), "room")
    assert (room.get("is_inferred"), room.get("servers_declared")) == (False, 2)
    assert (room.get("hypervisors"), room.get("management_controllers"), room.get("hosts_physical")) == (2, 3, None)
    two = make.inferred(base(make), make.room("R-1"), make.room("R-2"), parts)
    assert {r.get("hypervisors") for r in two.assets if r.kind == "room"} == {None}


def test_a_nil_return_has_no_papers(make: Any) -> None:
    parts = [*equipment(make, 4, 4, 1), make.seen("10.1.0.20", "8080/tcp http nginx", titles=PAGE)]
    nil = [make.submission("rooms", nil=True), make.submission("systems", nil=True)]
    found = make.inferred(base(make), parts, nil)
    (room,), (lead,) = rooms(found), leads(found)
    assert (room.get("approval_absent"), room.get("survey_absent")) == (True, True)
    assert (lead.get("is_registered"), lead.get("approval_absent"), lead.get("mlps_filing_absent")) == (
        False,
        True,
        True,
    )
    (fact,) = [f for f in room.facts if f.column == "approval_absent"]
    assert "2026-02-01" in fact.evidence
    # Only what was asked for is denied; a return with rows denies nothing of what it does not name.
    asked = make.inferred(base(make), parts, make.submission("rooms", "mzj", "approval_no", nil=True))
    assert (rooms(asked)[0].get("approval_absent"), rooms(asked)[0].get("survey_absent")) == (True, None)
    full = make.inferred(base(make), parts, make.submission("rooms"))
    assert rooms(full)[0].get("approval_absent") is None


def test_confidence_falls_with_the_evidence() -> None:
    values = [confidence for _machines, _devices, confidence in ROOM_CONFIDENCE]
    assert values == sorted(values, reverse=True) and values[-1] >= 0.5


# --- hosts ---


def registered(make: Any, one: Any, *parts: Any) -> Any:
    return one(make.inferred(base(make), make.seen("10.1.0.7", SSH), *parts), "host", ips=("10.1.0.7",)).get(
        "in_asset_register"
    )


def test_in_the_asset_register_or_not(make: Any, one: Any) -> None:
    assert registered(make, one, make.host_row("A-1", "mzj", "10.1.0.7")) is True
    assert registered(make, one) is None
    assert registered(make, one, make.submission("systems")) is None
    assert registered(make, one, make.submission("hosts", "jtj")) is None
    assert registered(make, one, make.submission("hosts")) is False
    broken = Failure("register", "", ("hosts", "mzj"), "bad_input", "rows were refused", make.at)
    assert registered(make, one, make.submission("hosts"), broken) is None


def test_a_row_that_may_be_this_host_accuses_nobody(make: Any) -> None:
    received = make.submission("hosts")
    doubted = [make.host_row("A-1", "mzj", "10.1.0.7"), make.host_row("A-2", "mzj", "10.1.0.7")]
    unplaced = [make.host_row("A-1", "jtj", "10.1.0.7", placed=False)]
    for rows in (doubted, unplaced):
        found = make.inferred(base(make), make.seen("10.1.0.7", SSH), rows, received)
        (seen,) = [a for a in found.assets if a.kind == "host" and a.get("is_declared") is False]
        assert seen.get("in_asset_register") is None


def test_what_may_be_a_firewall_is_in_no_register_to_be_missed(make: Any, one: Any) -> None:
    found = make.inferred(base(make), make.seen("10.1.0.7", sure=False), make.submission("hosts"))
    assert one(found, "host").get("in_asset_register") is None


def test_a_guest_on_the_cloud_needs_no_asset_number(make: Any, one: Any) -> None:
    found = make.inferred(base(make), make.seen(CLOUD, SSH, zone="gov-cloud"), make.submission("hosts", "bureau"))
    host = one(found, "host")
    assert (host.get("in_asset_register"), host.get("platform")) == (None, "gov_cloud")
    assert host.get("cloud_key") == one(found, "cloud").key


def test_roles_by_what_was_seen_not_by_the_port(make: Any, one: Any) -> None:
    seen = make.seen("10.1.0.7", SSH, products=("web:nginx", "database:MariaDB"))
    assert one(make.inferred(base(make), seen), "host").get("role") == "database"
    guess = replace(
        seen, facts=tuple(replace(f, strength=Strength.HINTED) if f.column == "products" else f for f in seen.facts)
    )
    assert one(make.inferred(base(make), guess), "host").get("role") is None


def test_a_host_knows_its_room_and_its_systems(make: Any, one: Any) -> None:
    row = make.host_row("A-1", "mzj", "10.1.0.7", room_code="R-1", system_codes=("MZ-1",))
    by_address = make.system("MZ-2", "另一系统", addresses=("10.1.0.7",))
    found = make.inferred(base(make), row, make.room("R-1"), system(make), by_address)
    host = one(found, "host")
    assert host.get("room_key") == one(found, "room").key
    assert host.get("system_keys") == tuple(sorted(a.key for a in found.assets if a.kind == "system"))


def test_codes_of_two_departments_mean_each_its_own(make: Any, one: Any) -> None:
    mine, theirs = make.room("1", "mzj", name="民政机房"), make.room("1", "jtj", name="交通机房")
    found = make.inferred(base(make), make.host_row("A-1", "mzj", "10.1.0.7", room_code="1"), mine, theirs)
    assert one(found, "host").get("room_key") == one(found, "room", department_id="mzj").key


def test_a_nameless_host_is_called_by_its_address(make: Any, one: Any) -> None:
    found = make.inferred(base(make), make.seen("10.1.0.7", SSH))
    assert one(found, "host").get("name") == "10.1.0.7"
    named = make.inferred(base(make), make.host_row("A-1", "mzj", "10.1.0.7", name="网站服务器"))
    assert one(named, "host").get("name") == "网站服务器"


# --- the whole ---


def city(make: Any) -> list[Any]:
    return [
        *base(make),
        system(make, hosting=("gov_cloud",), addresses=(OWN, CLOUD)),
        make.system("JT-1", "路网监测平台", "jtj", hosting=("own_room",), addresses=("10.2.0.200",)),
        make.host_row("A-1", "mzj", OWN, system_codes=("MZ-1",)),
        make.room("R-1", "jtj", none=("approval_no",)),
        make.seen(OWN, NGINX, titles=TITLE),
        make.seen(OWN, NGINX, titles=TITLE, at=make.at + timedelta(hours=1)),
        make.seen("10.1.0.20", "8080/tcp http nginx", "3306/tcp mysql MySQL 5.7", titles=PAGE),
        make.seen("10.2.0.200", NGINX, zone="shared"),
        *equipment(make, 2, 3, 1),
        *make.covered("mzj"),
        *make.covered("gov-cloud"),
        make.submission("systems"),
        make.submission("hosts"),
        make.submission("rooms", "jtj"),
    ]


def test_the_order_of_the_input_decides_nothing(make: Any) -> None:
    parts = city(make)
    expected = make.inferred(*parts)
    luck = random.Random(7)
    for _ in range(25):
        luck.shuffle(parts)
        assert make.inferred(*parts) == expected
    assert make.inferred(*parts, *parts) == expected


def test_a_second_audit_of_the_same_city_changes_no_key(make: Any) -> None:
    first = make.inferred(*city(make))
    second = make.inferred(*city(make), keymap=first.keymap, today=date(2026, 3, 9))
    assert [(a.kind, a.key) for a in second.assets] == [(a.kind, a.key) for a in first.assets]
    assert second.keymap.aliases == {}
    assert {a.get("first_seen_on") for a in second.assets} == {date(2026, 3, 2)}


def test_every_value_has_its_ground(make: Any) -> None:
    """What is shown rests on facts that say so, but for bookkeeping; and no column holds a value of another type."""
    book = {
        "key",
        "sources",
        "is_observed",
        "is_declared",
        "first_seen_on",
        "last_seen_on",
        "zone",
        "department_name",
    }
    for asset in make.inferred(*city(make)).assets:
        for name, value in asset.values.items():
            column = COLUMNS[asset.kind][name]
            grounds = [f for f in asset.facts if f.column == name and supports(column, value, f)]
            assert name in book or grounds, (asset.kind, name, value)
        assert asset.facts == tuple(sorted(asset.facts, key=lambda f: f.column))


def test_nothing_at_all(make: Any) -> None:
    assert make.inferred().assets == ()


def test_every_role_has_a_word() -> None:
    from inventories.infer.evidence import ROLES
    from inventories.kinds import KINDS

    assert set(KINDS["host"].column("role").values) == set(ROLES)
