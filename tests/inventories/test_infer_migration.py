"""Migrations on paper, unfinished and done; and everything that must not be called either."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from inventories.model import Asset, Strength
from tests.inventories.infer_world import asked, inside, instance, listed, names_asked

OWN, CLOUD = "10.1.0.10", "10.9.0.10"
NAME, TITLE = "民政救助系统", (("80/tcp", "民政救助系统 - 首页"),)
NGINX, SSH = "80/tcp http nginx 1.22", "22/tcp ssh OpenSSH 8.2"
MOVED = date(2025, 9, 1)
UUID, OTHER = "564d4cbc-c6a9-1969-bc4c-4d56a9c66919", "664d4cbc-c6a9-1969-bc4c-4d56a9c66920"


def moved(make: Any, *addresses: str, **values: Any) -> Any:
    """A system whose register says that it has moved to the cloud."""
    said = {"status": "running", "hosting": ("gov_cloud",), "migrated_on": MOVED, "addresses": addresses} | values
    return make.system("MZ-1", NAME, "mzj", **{column: value for column, value in said.items() if value})


def base(make: Any) -> list[Any]:
    return [make.department("mzj"), make.department("jtj"), make.department("bureau"), make.cloud("GOV-1")]


def shown(make: Any, one: Any, *parts: Any, **more: Any) -> Asset:
    asset: Asset = one(make.inferred(base(make), *parts, **more), "system", is_declared=True, code="MZ-1")
    return asset


def state(make: Any, one: Any, *parts: Any, **more: Any) -> Any:
    return shown(make, one, *parts, **more).get("migration_state")


def there(make: Any) -> Any:
    return make.seen(CLOUD, NGINX, zone="gov-cloud")


def still(make: Any, **more: Any) -> Any:
    return make.seen(OWN, SSH, **more)


# --- done ---


def test_done_is_there_and_gone_from_here(make: Any, one: Any) -> None:
    row = moved(make, OWN, CLOUD)
    found = shown(make, one, row, there(make), make.covered("mzj"))
    assert found.get("migration_state") == "done"
    (fact,) = [f for f in found.facts if f.column == "migration_state"]
    assert (fact.strength, OWN in fact.evidence, CLOUD in fact.evidence) == (Strength.DECLARED, True, True)
    assert "2025-09-01" in fact.evidence
    # Nobody looked at the old address, or it cannot be told which is meant.
    assert state(make, one, row, there(make)) is None
    assert state(make, one, moved(make, OWN, CLOUD, "203.0.113.9"), there(make), make.covered("mzj")) is None


def test_by_what_the_cloud_lists(make: Any, one: Any) -> None:
    assert state(make, one, moved(make, OWN), instance(make, "1", systems=("MZ-1",)), make.covered("mzj")) == "done"


def test_without_an_old_address_nobody_can_say_that_it_is_gone(make: Any, one: Any) -> None:
    assert state(make, one, moved(make, CLOUD), there(make), make.covered("mzj")) is None


def test_an_old_guest_that_is_switched_off_is_accounted_for(make: Any, one: Any) -> None:
    guest = {"cloud": "MZ-VC", "zone": "mzj", "collector": "vsphere", "platform": "vsphere"}
    row = moved(make, OWN, CLOUD)
    assert state(make, one, row, there(make), instance(make, "3", OWN, power="off", **guest)) == "done"
    assert state(make, one, row, there(make), instance(make, "3", OWN, power="on", **guest)) == "unfinished"
    assert state(make, one, row, there(make), instance(make, "3", OWN, power="", **guest)) is None
    tagged = instance(make, "3", systems=("MZ-1",), **guest)
    assert state(make, one, row, there(make), tagged, make.covered("mzj")) == "unfinished"


# --- unfinished ---


def test_unfinished_is_there_and_still_here(make: Any, one: Any) -> None:
    found = shown(make, one, moved(make, OWN, CLOUD), there(make), still(make))
    assert found.get("migration_state") == "unfinished"
    (fact,) = [f for f in found.facts if f.column == "migration_state"]
    assert "原环境仍在应答" in fact.evidence and OWN in fact.evidence
    by_host = [moved(make, CLOUD), make.host_row("A-1", "mzj", OWN, system_codes=("MZ-1",))]
    assert state(make, one, by_host, there(make), still(make)) == "unfinished"


def test_a_refusal_that_a_firewall_may_have_given_leaves_it_open(make: Any, one: Any) -> None:
    refused = make.seen(OWN, sure=False)
    assert state(make, one, moved(make, OWN, CLOUD), there(make), refused, make.covered("mzj")) is None


def test_a_register_that_says_both_places_has_declared_it(make: Any, one: Any) -> None:
    both = moved(make, OWN, CLOUD, hosting=("gov_cloud", "own_room"))
    assert state(make, one, both, there(make), still(make)) is None


@pytest.mark.parametrize("status", ["planned", "building", "suspended", "retired"])
def test_a_system_that_is_not_in_use_has_not_moved_on_paper(make: Any, one: Any, status: str) -> None:
    row = moved(make, OWN, CLOUD, status=status)
    assert state(make, one, row, there(make), still(make)) is None
    assert state(make, one, row, still(make, titles=TITLE), make.covered("gov-cloud")) is None


def test_a_plan_is_no_claim(make: Any, one: Any) -> None:
    planned = moved(make, OWN, CLOUD, hosting=(), migrated_on=make.today + timedelta(days=30))
    assert state(make, one, planned, there(make), still(make)) is None
    assert state(make, one, moved(make, OWN, CLOUD, hosting=()), there(make), still(make)) == "unfinished"
    assert state(make, one, moved(make, OWN, CLOUD, migrated_on=None), there(make), still(make)) == "unfinished"


# --- what stands at the old address now ---


def heir(make: Any, *addresses: str, **values: Any) -> Any:
    return make.system("MZ-2", "殡葬管理平台", "mzj", **({"status": "running", "addresses": addresses} | values))


def test_an_old_host_that_serves_another_registered_system_is_innocent(make: Any, one: Any) -> None:
    row = moved(make, OWN, CLOUD)
    by_register = [heir(make, OWN), still(make)]
    by_host = [heir(make), make.host_row("A-1", "mzj", OWN, system_codes=("MZ-2",)), still(make)]
    by_page = [heir(make), still(make, titles=(("80/tcp", "殡葬管理平台"),))]
    for parts in (by_register, by_host, by_page):
        assert state(make, one, row, there(make), parts) == "done"
    # Its own page, its own host row: they say that it is still there.
    assert state(make, one, row, there(make), heir(make, OWN), still(make, titles=TITLE)) == "unfinished"
    carries = make.host_row("A-1", "mzj", OWN, system_codes=("MZ-1", "MZ-2"))
    assert state(make, one, row, there(make), heir(make), carries, still(make)) is None


@pytest.mark.parametrize(
    "values", [{"hosting": ("gov_cloud",)}, {"migrated_on": MOVED}, {"status": "retired"}, {"status": "planned"}]
)
def test_an_heir_that_has_left_itself_accounts_for_nothing(make: Any, one: Any, values: dict[str, Any]) -> None:
    parts = [moved(make, OWN, CLOUD), heir(make, OWN, **values), there(make), still(make)]
    assert state(make, one, *parts) == "unfinished"


def test_two_systems_on_one_server_each_on_its_port(make: Any, one: Any) -> None:
    row = moved(make, f"{OWN}:8080", CLOUD)
    both = make.seen(OWN, "8080/tcp http nginx", "9090/tcp http nginx")
    assert state(make, one, row, heir(make, f"{OWN}:9090"), there(make), both) == "unfinished"
    left = make.seen(OWN, "9090/tcp http nginx")
    assert state(make, one, row, heir(make, f"{OWN}:9090"), there(make), left) == "done"


def test_an_address_that_another_machine_has_now(make: Any, one: Any) -> None:
    row = moved(make, OWN, CLOUD)
    old = make.host_row("A-1", "mzj", OWN, uuid=UUID, system_codes=("MZ-1",))
    assert state(make, one, row, old, there(make), inside(make, OWN, "22/tcp sshd", uuid=OTHER)) == "done"
    assert state(make, one, row, old, there(make), inside(make, OWN, "22/tcp sshd", uuid=UUID)) == "unfinished"
    by_serial = make.host_row("A-1", "mzj", OWN, serial="2102310001", system_codes=("MZ-1",))
    assert state(make, one, row, by_serial, there(make), inside(make, OWN, serial="2102319999")) == "done"


def test_other_network_cards_alone_are_a_doubt(make: Any, one: Any) -> None:
    row = moved(make, OWN, CLOUD)
    mac = ("00:1b:21:0a:bb:01", "00:1b:21:0a:cc:02")
    old = make.host_row("A-1", "mzj", OWN, mac=mac[0], macs=(mac[0],))
    seen = still(make, mac=mac[1])
    seen = replace(seen, facts=(*seen.facts, *inside(make, OWN, mac=mac[1]).facts[-1:]))
    assert state(make, one, row, old, there(make), seen) is None


def test_a_machine_that_audits_saw_only_after_the_move_is_another(make: Any, one: Any) -> None:
    before, row = date(2025, 6, 1), moved(make, OWN, CLOUD)
    neighbour = make.seen("10.1.0.200", SSH)
    known = make.inferred(base(make), neighbour, today=before).keymap
    fresh = [there(make), neighbour, inside(make, OWN, "22/tcp sshd", uuid=OTHER)]
    assert state(make, one, row, fresh, keymap=known) == "done"
    # Without anything of the machine itself, its newness is a doubt; without earlier audits it is none.
    assert state(make, one, row, there(make), neighbour, still(make), keymap=known) is None
    assert state(make, one, row, fresh) == "unfinished"


def test_a_printer_at_the_old_address_is_no_old_host(make: Any, one: Any) -> None:
    row = moved(make, OWN, CLOUD)
    printer = make.seen(OWN, "443/tcp ssl/http", products=("printer:HP LaserJet",))
    assert state(make, one, row, there(make), printer) == "done"
    controller = make.seen(OWN, "443/tcp ssl/http", products=("management_controller:华为 iBMC",))
    assert state(make, one, row, there(make), controller) is None


def test_a_notice_that_it_has_moved_accuses_nobody(make: Any, one: Any) -> None:
    notice = still(make, titles=(("80/tcp", "民政救助系统已迁移，请使用新地址"),))
    found = shown(make, one, moved(make, OWN, CLOUD), there(make), notice)
    assert (found.get("migration_state"), found.get("hosting")) == (None, ("gov_cloud",))


# --- on paper ---


def test_on_paper_by_its_addresses(make: Any, one: Any) -> None:
    row = moved(make, OWN, CLOUD)
    alive = still(make, titles=TITLE)
    found = shown(make, one, row, alive, make.covered("gov-cloud"))
    assert found.get("migration_state") == "on_paper"
    (fact,) = [f for f in found.facts if f.column == "migration_state"]
    assert CLOUD in fact.evidence and OWN in fact.evidence and "登记迁移上云日期" in fact.evidence
    # Unseen is not guilty.
    for parts in ([], [make.covered("gov-cloud", "10.9.0.64/26")], [make.covered("mzj")]):
        assert state(make, one, row, alive, parts) is None
    # It answers there, though nothing says what it is.
    assert state(make, one, row, alive, make.seen(CLOUD, SSH, zone="gov-cloud"), make.covered("gov-cloud")) is None


def test_on_paper_by_the_clouds_own_list(make: Any, one: Any) -> None:
    row, alive = moved(make, OWN), still(make, titles=TITLE)
    assert state(make, one, row, alive, listed(make)) == "on_paper"
    assert state(make, one, moved(make, OWN, CLOUD), alive, listed(make)) == "on_paper"
    assert state(make, one, row, alive, listed(make, "mzj", "jtj")) is None
    assert state(make, one, row, alive, listed(make, cloud="OTHER")) is None


@pytest.mark.parametrize(
    "maybe",
    [
        {"name": "民政救助系统-db"},
        {"project": "民政救助系统"},
        {"ips": ("10.9.0.77",)},
        {"department": "mzj"},
        {"systems": ("MZ-1",), "power": ""},
    ],
)
def test_a_resource_that_may_be_its_own_acquits(make: Any, one: Any, maybe: dict[str, Any]) -> None:
    resource = instance(make, "5", *maybe.pop("ips", ()), **maybe)
    assert state(make, one, moved(make, OWN), still(make, titles=TITLE), listed(make), resource) is None


def test_resources_of_others_do_not(make: Any, one: Any) -> None:
    other = make.system("JT-1", "路网监测平台", "jtj", status="running")
    theirs = [other, instance(make, "5", systems=("JT-1",)), instance(make, "6", department="jtj")]
    assert state(make, one, moved(make, OWN), still(make, titles=TITLE), listed(make), theirs) == "on_paper"


def test_switched_off_is_neither_there_nor_missing(make: Any, one: Any) -> None:
    off = instance(make, "1", CLOUD, power="off")
    parts = [moved(make, OWN, CLOUD), make.covered("gov-cloud"), listed(make), off]
    for old in ([still(make, titles=TITLE)], [make.covered("mzj")]):
        found = shown(make, one, *parts, old)
        assert found.get("migration_state") is None
        (conflict,) = [c for c in found.conflicts if c.column == "migration_state"]
        assert "已关机" in conflict.why and conflict.claims
        assert found.get("is_found") is True


def test_on_paper_and_nowhere_at_all(make: Any, one: Any) -> None:
    row = moved(make, OWN, CLOUD, urls=("https://jz.mzj.example.cn/",))
    looked = [*make.covered("gov-cloud"), *make.covered("mzj"), listed(make)]
    asleep = [asked(make, "MZ-1", NAME, resolves=False), names_asked(make, "jz.mzj.example.cn")]
    found = shown(make, one, row, looked, asleep)
    assert (found.get("migration_state"), found.get("is_found")) == ("on_paper", False)
    # A name that nobody asked, a network that nobody looked at: it may be there.
    assert state(make, one, row, looked) is None
    assert state(make, one, row, make.covered("gov-cloud"), listed(make), asleep) is None


def test_a_door_on_the_cloud_acquits(make: Any, one: Any) -> None:
    other = make.system("JT-1", "路网监测平台", "jtj")
    led = [
        asked(make, "MZ-1", NAME, addresses=("10.9.0.5",), page=NAME),
        asked(
            make, "JT-1", "路网监测平台", host="lw.example.cn", addresses=("10.9.0.5",), page="x", department="jtj"
        ),
    ]
    parts = [moved(make, OWN), other, still(make, titles=TITLE), listed(make)]
    assert state(make, one, *parts) == "on_paper"
    assert state(make, one, *parts, led) is None


def test_a_name_on_the_cloud_shows_it_there(make: Any, one: Any) -> None:
    led = asked(make, "MZ-1", NAME, addresses=(CLOUD,), page=NAME)
    machine = instance(make, "1", CLOUD)
    assert state(make, one, moved(make, OWN), led, listed(make), machine, make.covered("mzj")) == "done"


def test_who_declares_no_cloud_has_moved_nothing(make: Any, one: Any) -> None:
    for hosting in (("own_room",), ("public_cloud",), ()):
        row = moved(make, OWN, hosting=hosting, migrated_on=None)
        assert state(make, one, row, still(make, titles=TITLE), listed(make)) is None
