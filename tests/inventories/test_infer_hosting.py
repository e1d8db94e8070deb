"""Where systems run: by what clouds list, where names lead, what is read on hosts; and what shows nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inventories.identity import code_id, name_id
from inventories.model import Asset, Strength
from probes.access import Belongs
from probes.http_ask import WHOLE, Answer, Question
from probes.names.facts import Shown, observe
from probes.names.lookup import Lookup, Outcome
from probes.names.pages import Page, Place
from probes.openstack_cloud.facts import Joined, Teller
from tests.inventories.infer_world import asked, inside, instance, listed

OWN, CLOUD, PUBLIC = "10.1.0.10", "10.9.0.10", "39.97.1.1"
NAME, TITLE = "民政救助系统", (("80/tcp", "民政救助系统 - 首页"),)
NGINX = "80/tcp http nginx 1.22"
HOST = "jz.mzj.example.cn"
#: A name of a public cloud, as the shipped rows know it, and one of a content network.
ELSEWHERE, EDGE = "slb-1.example.aliyuncs.com", "www.example.cn.cloudfront.net"


def system(make: Any, code: str = "MZ-1", name: str = NAME, department: str = "mzj", **values: Any) -> Any:
    return make.system(code, name, department, **({"status": "running"} | values))


def base(make: Any) -> list[Any]:
    return [make.department("mzj"), make.department("jtj"), make.department("bureau"), make.cloud("GOV-1")]


def found(make: Any, one: Any, *parts: Any, code: str = "MZ-1") -> Asset:
    asset: Asset = one(make.inferred(base(make), *parts), "system", is_declared=True, code=code)
    return asset


def hosting(make: Any, one: Any, *parts: Any) -> tuple[Any, Any, list[str]]:
    shown = found(make, one, *parts)
    return shown.get("hosting"), shown.get("hosting_strength"), [c.column for c in shown.conflicts]


# --- what clouds list ---


@pytest.mark.parametrize(
    "claim",
    [
        {"systems": ("MZ-1",)},
        {"tags": ("system=MZ-1",)},
        {"project": "MZ-1"},
        {"tags": ("MZ-1",)},
        {},
    ],
)
def test_an_instance_that_runs_shows_where_its_system_is(make: Any, one: Any, claim: dict[str, Any]) -> None:
    """By the cloud's mapping, a tag, a project of that code, or (the last) the address that its register gives."""
    row = system(make, addresses=() if claim else (CLOUD,))
    shown = found(make, one, row, instance(make, "1", *(() if claim else (CLOUD,)), **claim))
    assert (shown.get("hosting"), shown.get("hosting_strength")) == (("gov_cloud",), "seen_inside")
    assert shown.get("hosting_levels") == ("city",)
    (fact,) = [f for f in shown.facts if f.column == "hosting" and f.strength is Strength.SEEN_INSIDE]
    assert "vm-1" in fact.evidence and "已开机" in fact.evidence and fact.source.startswith("openstack ")


def test_a_register_that_says_own_room_is_overruled_and_the_conflict_kept(make: Any, one: Any) -> None:
    row = system(make, hosting=("own_room",))
    assert hosting(make, one, row, instance(make, "1", systems=("MZ-1",))) == (
        ("gov_cloud",),
        "seen_inside",
        ["hosting"],
    )


def test_a_host_row_of_the_very_machine_says_what_it_carries(make: Any, one: Any) -> None:
    row = make.host_row("VM-9", "mzj", CLOUD, system_codes=("MZ-1",))
    assert hosting(make, one, system(make), row, instance(make, "1", CLOUD))[0] == ("gov_cloud",)


def test_an_instance_on_a_departments_own_platform_is_a_private_cloud(make: Any, one: Any) -> None:
    guest = instance(
        make, "1", OWN, cloud="MZ-VC", zone="mzj", collector="vsphere", platform="vsphere", systems=("MZ-1",)
    )
    assert hosting(make, one, system(make, hosting=("own_room",)), guest) == (("private_cloud",), "seen_inside", [])
    declared = make.cloud("MZ-VC", "city", "mzj", kind="virtualisation")
    assert hosting(make, one, system(make), declared, guest)[0] == ("private_cloud",)


def test_a_government_cloud_of_vsphere_is_a_government_cloud(make: Any, one: Any) -> None:
    guest = instance(make, "1", collector="vsphere", platform="vsphere", systems=("MZ-1",))
    assert hosting(make, one, system(make), guest)[0] == ("gov_cloud",)


@pytest.mark.parametrize("likeness", [{"name": "民政救助系统-web"}, {"project": "民政救助系统"}, {"power": ""}])
def test_a_likeness_of_names_is_a_hint(make: Any, one: Any, likeness: dict[str, Any]) -> None:
    claim = {"systems": ("MZ-1",)} if "power" in likeness else {}
    maybe = instance(make, "1", **likeness, **claim)
    assert hosting(make, one, system(make), maybe) == (("gov_cloud",), "hinted", [])
    # It contradicts a register, and shows nothing by itself.
    assert hosting(make, one, system(make, hosting=("own_room",)), maybe) == (None, None, ["hosting"])


def test_an_instance_that_is_off_does_not_run(make: Any, one: Any) -> None:
    off = instance(make, "1", systems=("MZ-1",), power="off")
    assert hosting(make, one, system(make), off) == (None, None, [])
    alive = make.seen(OWN, NGINX, titles=TITLE)
    row = system(make, hosting=("gov_cloud",), addresses=(OWN,))
    whole = [*make.covered("gov-cloud"), listed(make)]
    shown = found(make, one, row, alive, off, whole)
    assert shown.get("hosting") is None
    assert [c.why for c in shown.conflicts if c.column == "hosting"] == [
        "登记为政务云，云上的云主机已关机，部门网络内仍有应答，暂不认定"
    ]


def test_a_cloud_that_was_listed_whole_refutes_a_register(make: Any, one: Any) -> None:
    row = system(make, hosting=("gov_cloud",), addresses=(OWN,))
    alive = make.seen(OWN, NGINX, titles=TITLE)
    assert hosting(make, one, row, alive) == (None, None, ["hosting"])
    assert hosting(make, one, row, alive, listed(make)) == (("own_room",), "seen_outside", ["hosting"])
    # Some projects are not the cloud.
    assert hosting(make, one, row, alive, listed(make, "mzj"))[0] is None
    # An instance that nobody claims may be its.
    stray = instance(make, "7", "10.9.0.77")
    assert hosting(make, one, row, alive, listed(make), stray)[0] is None
    assert hosting(make, one, row, alive, listed(make), instance(make, "7", department="jtj"))[0] == ("own_room",)
    # Another cloud's list says nothing of this one.
    assert hosting(make, one, row, alive, listed(make, cloud="OTHER"))[0] is None


def test_an_address_that_nmap_saw_in_vain_and_the_cloud_lists_as_running(make: Any, one: Any) -> None:
    """A machine behind a wall: silent to a scan, and there all the same."""
    row = system(make, hosting=("gov_cloud",), addresses=(CLOUD, OWN))
    walled = instance(make, "1", CLOUD)
    parts = [make.seen(OWN, NGINX, titles=TITLE), *make.covered("gov-cloud"), walled]
    assert hosting(make, one, row, *parts)[0] == ("gov_cloud", "own_room")


def test_hosts_are_counted_that_only_the_cloud_lists(make: Any, one: Any) -> None:
    row = system(make, addresses=(CLOUD,))
    shown = found(make, one, row, instance(make, "1", CLOUD), instance(make, "2", systems=("MZ-1",)))
    assert (shown.get("hosts_total"), shown.get("hosts_on_gov_cloud")) == (2, 2)


# --- where names lead ---


def test_a_name_that_leads_to_a_public_cloud(make: Any, one: Any) -> None:
    row = system(make, hosting=("gov_cloud",), urls=(f"https://{HOST}/",))
    led = asked(make, "MZ-1", NAME, addresses=("203.0.113.7",), chain=(ELSEWHERE,), page="民政救助系统")
    # Nobody looked at the cloud: both are possible.
    assert hosting(make, one, row, led) == (None, None, ["hosting"])
    assert hosting(make, one, row, led, listed(make)) == (("public_cloud",), "seen_outside", ["hosting"])
    assert hosting(make, one, system(make), led) == (("public_cloud",), "seen_outside", [])
    shown = found(make, one, system(make), led)
    (fact,) = [f for f in shown.facts if f.column == "hosting" and f.value == ("public_cloud",)]
    assert HOST in fact.evidence and ELSEWHERE in fact.evidence and "阿里云" in fact.evidence


def test_an_own_room_behind_a_public_page_is_not_forgotten(make: Any, one: Any) -> None:
    led = asked(make, "MZ-1", NAME, addresses=("203.0.113.7",), chain=(ELSEWHERE,), page="民政救助系统")
    row = system(make, hosting=("own_room",), addresses=(OWN,))
    assert hosting(make, one, row, led) == (("own_room", "public_cloud"), "declared", ["hosting"])
    assert hosting(make, one, row, led, make.covered("mzj")) == (("public_cloud",), "seen_outside", ["hosting"])


@pytest.mark.parametrize("page", [None, "404 Not Found", "该域名正在出售", "Welcome to nginx!", ""])
def test_a_name_that_only_resolves_is_a_hint(make: Any, one: Any, page: str | None) -> None:
    led = asked(make, "MZ-1", NAME, addresses=("203.0.113.7",), chain=(ELSEWHERE,), page=page)
    assert hosting(make, one, system(make), led) == (("public_cloud",), "hinted", [])
    assert hosting(make, one, system(make, hosting=("gov_cloud",)), led) == (None, None, ["hosting"])


def test_a_range_alone_is_weak(make: Any, one: Any) -> None:
    """Ranges change hands: an address in one, with the very page, is a hint where the range is only hinted."""
    led = asked(make, "MZ-1", NAME, addresses=(PUBLIC,), page="民政救助系统")
    assert hosting(make, one, system(make), led) == (("public_cloud",), "hinted", [])
    # So is the register's own word of such an address.
    assert hosting(make, one, system(make, addresses=(PUBLIC,))) == (("public_cloud",), "hinted", [])
    assert hosting(make, one, system(make, addresses=(PUBLIC,), hosting=("gov_cloud",)))[0] is None


def test_a_content_network_proves_nothing(make: Any, one: Any) -> None:
    led = asked(make, "MZ-1", NAME, addresses=("203.0.113.7",), chain=("d1.cloudfront.net",), page="民政救助系统")
    assert hosting(make, one, system(make), led) == (None, None, [])
    assert hosting(make, one, system(make, hosting=("gov_cloud",)), led) == (("gov_cloud",), "declared", [])


def test_a_providers_cloud_for_governments_is_no_public_cloud(make: Any, one: Any) -> None:
    chain = ("lb.cn-north-2-gov-1.aliyuncs.com",)
    led = asked(make, "MZ-1", NAME, addresses=("203.0.113.7",), chain=chain, page="民政救助系统")
    assert hosting(make, one, system(make), led) == (None, None, [])


@pytest.mark.parametrize(
    ("address", "place"), [(CLOUD, ("gov_cloud",)), (OWN, ("own_room",)), ("10.2.0.200", None), ("203.0.113.9", None)]
)
def test_a_name_that_leads_into_a_zone(make: Any, one: Any, address: str, place: Any) -> None:
    """The cloud's addresses, its own department's, another department's (a door, or a guest), and nobody's."""
    led = asked(make, "MZ-1", NAME, addresses=(address,), page="民政救助系统")
    assert hosting(make, one, system(make), led)[0] == place
    by_certificate = asked(make, "MZ-1", NAME, addresses=(address,), certificates=(HOST,))
    assert hosting(make, one, system(make), by_certificate)[:2] == (place, "seen_outside" if place else None)
    wildcard = asked(make, "MZ-1", NAME, addresses=(address,), certificates=("*.mzj.example.cn",))
    assert hosting(make, one, system(make), wildcard)[:2] == (place, "hinted" if place else None)


def test_the_page_of_another_system_shows_nothing_of_this_one(make: Any, one: Any) -> None:
    other = system(make, "JT-1", "路网监测平台", "jtj")
    led = asked(make, "MZ-1", NAME, addresses=(CLOUD,), page="路网监测平台")
    assert hosting(make, one, system(make), other, led)[0] is None


def test_no_such_name_proves_nothing(make: Any, one: Any) -> None:
    row = system(make, hosting=("gov_cloud",), urls=(f"https://{HOST}/",))
    assert hosting(make, one, row, asked(make, "MZ-1", NAME, resolves=False)) == (("gov_cloud",), "declared", [])


def test_a_record_that_outlived_its_server_shows_nothing(make: Any, one: Any) -> None:
    led = asked(make, "MZ-1", NAME, addresses=(OWN,))
    row = system(make, hosting=("gov_cloud",))
    assert hosting(make, one, row, led)[0] is None
    assert hosting(make, one, row, led, make.covered("mzj")) == (("gov_cloud",), "declared", [])


def test_a_shared_proxy_shows_nothing_of_where_systems_run(make: Any, one: Any) -> None:
    """One door on the cloud for systems of two departments, whose servers stand at home."""
    rows = [
        system(make, hosting=("own_room",), addresses=(OWN,)),
        system(make, "JT-1", "路网监测平台", "jtj", hosting=("own_room",)),
    ]
    led = [
        asked(make, "MZ-1", NAME, addresses=(CLOUD,), page="民政救助系统"),
        asked(
            make,
            "JT-1",
            "路网监测平台",
            host="lw.example.cn",
            addresses=(CLOUD,),
            page="路网监测平台",
            department="jtj",
        ),
    ]
    assert hosting(make, one, *rows, *led) == (("own_room",), "declared", [])
    # By one department's system alone, the cloud's address is where it runs.
    assert hosting(make, one, rows[0], led[0])[0] == ("gov_cloud",)


def test_many_systems_of_one_department_behind_one_address(make: Any, one: Any) -> None:
    names = [NAME, "殡葬管理平台", "婚姻登记系统"]
    hosts = [HOST, "bz.mzj.example.cn", "hy.mzj.example.cn"]

    def city(**values: Any) -> list[Any]:
        rows = [system(make, f"MZ-{i}", name, **values) for i, name in enumerate(names, 1)]
        led = [
            asked(make, f"MZ-{i}", name, host=host, addresses=(CLOUD,), page=name)
            for i, (name, host) in enumerate(zip(names, hosts, strict=True), 1)
        ]
        return [*rows, *led]

    assert hosting(make, one, city())[0] is None
    # Where each register gives the address as its own server's, it is a server with three systems.
    assert hosting(make, one, city(addresses=(CLOUD,)))[0] == ("gov_cloud",)


def test_a_registered_proxy_shows_nothing(make: Any, one: Any) -> None:
    proxy = make.host_row("P-1", "bureau", CLOUD, name="互联网反向代理")
    led = asked(make, "MZ-1", NAME, addresses=(CLOUD,), page="民政救助系统")
    assert hosting(make, one, system(make), proxy, led)[0] is None
    # A page with its name that the scan sees there shows no more.
    page = make.seen(CLOUD, NGINX, zone="gov-cloud", titles=TITLE)
    assert hosting(make, one, system(make, hosting=("own_room",)), proxy, page) == (("own_room",), "declared", [])
    row = system(make, hosting=("own_room",), addresses=(CLOUD,))
    assert hosting(make, one, row, proxy, page, instance(make, "1", CLOUD))[0] is None


def test_a_door_on_the_cloud_keeps_the_cloud_open(make: Any, one: Any) -> None:
    """Declared on the cloud, its name leads to the cloud's shared door: it may well run behind it."""
    row = system(make, hosting=("gov_cloud",), addresses=(OWN,))
    other = system(make, "JT-1", "路网监测平台", "jtj")
    led = [
        asked(make, "MZ-1", NAME, addresses=(CLOUD,), page="民政救助系统"),
        asked(make, "JT-1", "路网监测平台", host="lw.example.cn", addresses=(CLOUD,), page="x", department="jtj"),
    ]
    alive = [make.seen(OWN, NGINX, titles=TITLE), make.covered("gov-cloud"), listed(make)]
    assert hosting(make, one, row, other, led, alive) == (None, None, ["hosting"])
    assert hosting(make, one, row, alive)[0] == ("own_room",)


def test_of_two_addresses_the_one_that_showed_the_page_counts(make: Any, one: Any) -> None:
    led = asked(make, "MZ-1", NAME, addresses=(CLOUD, OWN), page="民政救助系统", at_address=OWN)
    assert hosting(make, one, system(make), led) == (None, None, ["hosting"])
    led = asked(make, "MZ-1", NAME, addresses=(CLOUD, OWN), page="民政救助系统", at_address=CLOUD)
    assert hosting(make, one, system(make), led)[:2] == (("gov_cloud",), "seen_outside")
    # Where that is not told, neither does.
    vague = replace(led, facts=tuple(replace(fact, evidence="") for fact in led.facts))
    assert hosting(make, one, system(make), vague)[1] == "hinted"


@pytest.mark.parametrize(
    ("page", "status", "strength"),
    [
        ("用户登录", 200, "seen_outside"),
        ("用户登录", 502, "hinted"),
        ("", 200, "hinted"),
        ("民政救助系统", 401, "seen_outside"),
    ],
)
def test_an_error_page_is_no_system(make: Any, one: Any, page: str, status: int, strength: str) -> None:
    led = asked(make, "MZ-1", NAME, addresses=(CLOUD,), page=page, status=status)
    assert hosting(make, one, system(make), led)[:2] == (("gov_cloud",), strength)


def test_addresses_that_registers_give_as_numbers_are_no_shared_doors(make: Any, one: Any) -> None:
    """A department that houses its system on another's server: both registers give the server's address."""
    rows = [
        system(make, addresses=(OWN,)),
        system(make, "JT-1", "路网监测平台", "jtj", addresses=(OWN,)),
    ]
    led = [
        asked(make, "MZ-1", NAME, host=OWN, page="某页面", at_address=OWN, zone="mzj"),
        asked(make, "JT-1", "路网监测平台", host=OWN, page="某页面", at_address=OWN, department="jtj", zone="mzj"),
    ]
    assert hosting(make, one, rows, led, make.seen(OWN, NGINX))[:2] == (("own_room",), "seen_outside")


def test_hypervisors_of_a_cloud_are_none_of_its_instances(make: Any, one: Any) -> None:
    machine = instance(make, "1", CLOUD, cloud="GOV-1/hypervisors", systems=("MZ-1",))
    physical = tuple(replace(f, value=True) if f.column == "is_physical" else f for f in machine.facts)
    assert hosting(make, one, system(make), replace(machine, facts=physical)) == (None, None, [])


def test_guests_of_a_manager_that_no_code_names(make: Any, one: Any) -> None:
    guest = instance(make, "1", cloud="", zone="mzj", collector="vsphere", platform="vsphere", systems=("MZ-1",))
    nameless = replace(guest, identifiers=tuple(i for i in guest.identifiers if i.scheme != "instance"))
    assert hosting(make, one, system(make), nameless)[:2] == (("private_cloud",), "seen_inside")


# --- what is read on hosts ---


def test_what_listens_on_the_host_itself(make: Any, one: Any) -> None:
    row = system(make, addresses=(f"{OWN}:8080",))
    assert hosting(make, one, row, inside(make, OWN, "8080/tcp java")) == (("own_room",), "seen_inside", [])
    for quiet in ("127.0.0.1:8080/tcp java", "8080/tcp", "22/tcp sshd", "10050/tcp zabbix_agentd"):
        assert hosting(make, one, row, inside(make, OWN, quiet))[1] == "hinted"
    database = inside(make, OWN, "5236/tcp dmserver", products=("database:达梦 DM",))
    assert hosting(make, one, system(make, addresses=(OWN,)), database)[1] == "seen_inside"
    # Installed is not running.
    installed = inside(make, OWN, "22/tcp sshd", products=("database:达梦 DM",))
    assert hosting(make, one, system(make, addresses=(OWN,)), installed)[1] == "hinted"


# --- old addresses that are another's now ---


def test_an_old_address_that_serves_another_system_does_not_keep_the_one_that_moved(make: Any, one: Any) -> None:
    moved = system(make, hosting=("gov_cloud",), addresses=(OWN, CLOUD))
    heir = system(make, "MZ-2", "殡葬管理平台", hosting=("own_room",), addresses=(OWN,))
    alive = make.seen(OWN, NGINX, titles=(("80/tcp", "殡葬管理平台"),))
    there = make.seen(CLOUD, NGINX, zone="gov-cloud")
    shown = found(make, one, moved, heir, alive, there)
    assert (shown.get("hosting"), shown.get("hosts_alive_off_cloud")) == (("gov_cloud",), 0)
    # Nothing on the cloud, and the old server is another's: that accuses nobody.
    assert hosting(make, one, moved, heir, alive, make.covered("gov-cloud")) == (("gov_cloud",), "declared", [])
    # Its own page is its own.
    own = make.seen(OWN, NGINX, titles=(*TITLE, ("80/tcp", "殡葬管理平台")))
    assert found(make, one, moved, heir, own, there).get("hosts_alive_off_cloud") == 1


# --- in the probes' own words ---


def test_what_the_names_probe_writes_is_read(make: Any, one: Any) -> None:
    address = "203.0.113.7"
    question = Question(address, 443, "https", HOST)
    answer = Answer(question, stage=WHOLE, status=200, body="<title>民政救助系统</title>".encode())
    place = Place(HOST, HOST, 0, "https", "/")
    page = Page(place, place.url("https", 443), (answer,))
    identifiers = (code_id("system", "MZ-1"), name_id("system", "mzj", NAME))
    lookup = Lookup(HOST, Outcome.FOUND, (HOST, ELSEWHERE), (address,), "10.0.0.53")

    def seen(*pages: Page) -> Any:
        shown = Shown(identifiers, "mzj", (lookup,), pages, {})
        return observe(shown, shared={}, zone="gov-cloud", at=make.at)

    assert hosting(make, one, system(make), seen(page)) == (("public_cloud",), "seen_outside", [])
    untitled = replace(answer, body=b"")
    assert hosting(make, one, system(make), seen(replace(page, answers=(untitled,))))[1] == "hinted"
    assert hosting(make, one, system(make), seen())[1] == "hinted"


def test_what_the_openstack_probe_writes_is_read(make: Any, one: Any) -> None:
    zone = make.zones()[3]
    belongs = (Belongs("project", "civil-*", "mzj", "MZ-1"),)
    teller = Teller(zone, "openstack https://cloud.example:5000/v3", "GOV-1", make.at, None, belongs)
    row = {
        "id": "5b2f6c1e-0000-4000-8000-000000000001",
        "name": "web",
        "status": "ACTIVE",
        "OS-EXT-STS:power_state": 1,
    }
    server, odd = teller.server(row, "civil-affairs", Joined())
    assert odd == () and hosting(make, one, system(make), server) == (("gov_cloud",), "seen_inside", [])
    machine = {"id": "1", "hypervisor_type": "QEMU", "hypervisor_hostname": "c1", "host_ip": "10.9.0.2"}
    hypervisor, _odd = teller.hypervisor(machine, frozenset())
    found = make.inferred(base(make), hypervisor)
    assert one(found, "host").get("is_claimed") is None
