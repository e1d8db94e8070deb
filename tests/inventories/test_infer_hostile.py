"""Look-alikes and half-sights: doors, backups, reused addresses, looks that failed. A doubt accuses nobody."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from inventories.infer.terms import BACKUP_WORDS, GRACE_DAYS, PLATFORM_INSTANCES, PROXY_NAMES, STRAY_NAMES
from inventories.model import Asset, Failure, Strength
from inventories.reconcile import Reconciled
from tests.inventories.infer_world import asked, inside, instance, listed, names_asked

OWN, CLOUD = "10.1.0.10", "10.9.0.10"
NAME, TITLE = "民政救助系统", (("80/tcp", "民政救助系统 - 首页"),)
NGINX, SSH = "80/tcp http nginx 1.22", "22/tcp ssh OpenSSH 8.2"
MOVED, HOST = date(2025, 9, 1), "jz.mzj.example.cn"
OTHER_PAGE = (("80/tcp", "路网监测平台"),)


def moved(make: Any, *addresses: str, **values: Any) -> Any:
    """A system whose register says that it has moved to the cloud."""
    said = {"status": "running", "hosting": ("gov_cloud",), "migrated_on": MOVED, "addresses": addresses} | values
    return make.system("MZ-1", NAME, "mzj", **{column: value for column, value in said.items() if value})


def other(make: Any, **values: Any) -> Any:
    return make.system("JT-1", "路网监测平台", "jtj", **({"status": "running"} | values))


def base(make: Any) -> list[Any]:
    return [make.department("mzj"), make.department("jtj"), make.department("bureau"), make.cloud("GOV-1")]


def shown(make: Any, one: Any, *parts: Any, **more: Any) -> Asset:
    found = make.inferred(base(make), *parts, **more)
    asset: Asset = one(found, "system", is_declared=True, code="MZ-1", department_id="mzj")
    return asset


def state(make: Any, one: Any, *parts: Any, **more: Any) -> Any:
    return shown(make, one, *parts, **more).get("migration_state")


def there(make: Any) -> Any:
    return make.seen(CLOUD, NGINX, zone="gov-cloud", titles=TITLE)


def at_home(make: Any, *services: str, **more: Any) -> Any:
    return make.seen(OWN, *(services or (NGINX,)), **({"titles": TITLE} | more))


def why(asset: Asset, column: str) -> list[str]:
    return [conflict.why for conflict in asset.conflicts if conflict.column == column]


# --- doors in the department: what they show may stand anywhere ---


def test_a_proxy_at_the_old_address_is_no_old_host(make: Any, one: Any) -> None:
    row, seen = moved(make, OWN, CLOUD), [there(make), at_home(make)]
    assert state(make, one, row, seen) == "unfinished"
    named = make.host_row("P-1", "mzj", OWN, name="反向代理服务器")
    led = [
        asked(make, "MZ-1", NAME, addresses=(OWN,), page=NAME, zone="mzj"),
        asked(
            make,
            "JT-1",
            "路网监测平台",
            host="lw.example.cn",
            addresses=(OWN,),
            page="路网监测平台",
            department="jtj",
        ),
    ]
    for door in ([named], [other(make), *led]):
        found = shown(make, one, row, seen, door)
        assert (found.get("migration_state"), found.get("hosts_alive_off_cloud")) == (None, None)
        assert found.get("hosting") == ("gov_cloud",)


@pytest.mark.parametrize("product", ["security_device:某 Web 应用防火墙", "network_device:某应用交付设备"])
def test_a_shield_before_the_old_address_may_show_what_is_elsewhere(make: Any, one: Any, product: str) -> None:
    shield = at_home(make, products=(product,))
    assert state(make, one, moved(make, OWN, CLOUD), there(make), shield) is None
    # Nor does it show that the system is not on the cloud.
    assert state(make, one, moved(make, OWN, CLOUD), shield, make.covered("gov-cloud")) is None


def test_a_door_before_a_system_that_never_moved(make: Any, one: Any) -> None:
    """Its own shield takes nothing from what its register says; a door of many is no host of its own."""
    row = moved(make, OWN, hosting=("own_room",), migrated_on=None)
    shield = at_home(make, products=("security_device:某 Web 应用防火墙",))
    found = shown(make, one, row, shield)
    assert (found.get("hosting"), found.get("hosting_strength")) == (("own_room",), "seen_outside")
    found = shown(make, one, row, at_home(make), make.host_row("P-1", "mzj", OWN, name="反向代理服务器"))
    assert (found.get("hosting"), found.get("hosting_strength")) == (("own_room",), "declared")
    assert found.get("hosts_alive_off_cloud") is None


def test_pages_of_several_systems_at_an_address_that_nobody_gives_are_a_doors(make: Any, one: Any) -> None:
    both = make.seen("10.1.0.50", NGINX, titles=(*TITLE, ("81/tcp", "路网监测平台")))
    parts = [moved(make, OWN, CLOUD), other(make), there(make), make.covered("mzj")]
    assert state(make, one, *parts, both) == "done"
    # One page alone may be the system itself, or be led to from the cloud: it is told, and nothing is done.
    alone = shown(make, one, *parts, make.seen("10.1.0.50", NGINX, titles=TITLE))
    assert alone.get("migration_state") is None
    assert why(alone, "migration_state") == ["云上已有，而部门网络内另有迹象显示该系统仍在运行，暂不认定已迁移"]
    # A server that a register says carries them is no door.
    carries = make.host_row("A-1", "mzj", "10.1.0.50", system_codes=("MZ-1",))
    assert state(make, one, *parts, both, carries) == "unfinished"


# --- doors on the cloud: they may lead back to the department ---


def test_a_balancer_on_the_cloud_is_no_migration(make: Any, one: Any) -> None:
    row, gone = moved(make, OWN, CLOUD), [there(make), listed(make), make.covered("mzj")]
    assert state(make, one, row, gone, instance(make, "1", CLOUD)) == "done"
    for balancer in (
        instance(make, "1", CLOUD, name="slb-01"),
        instance(make, "1", CLOUD, name="mzj-haproxy", systems=("MZ-1",)),
        instance(make, "1", "10.9.0.20", name="负载均衡", systems=("MZ-1",)),
    ):
        found = shown(make, one, row, gone, balancer)
        assert (found.get("migration_state"), found.get("is_found")) == (None, True)
        assert (found.get("hosting"), found.get("hosting_strength")) == (("gov_cloud",), "declared")
    # Beside a machine of its own it is a part of the whole.
    two = [instance(make, "1", CLOUD, name="slb-01"), instance(make, "2", systems=("MZ-1",))]
    assert state(make, one, row, gone, two) == "done"


def test_an_address_that_no_instance_of_a_whole_list_has(make: Any, one: Any) -> None:
    """A balancer's address, or one that a firewall forwards: nobody knows where to."""
    row, neighbour = moved(make, OWN, CLOUD), [other(make), instance(make, "9", "10.9.0.3", systems=("JT-1",))]
    whole = [listed(make), make.covered("mzj"), neighbour]
    led = asked(make, "MZ-1", NAME, addresses=(CLOUD,), page=NAME)
    for sight in (there(make), led):
        found = shown(make, one, row, sight, whole)
        assert (found.get("migration_state"), found.get("hosting_strength")) == (None, "declared")
        hints = [f.evidence for f in shown(make, one, moved(make, CLOUD, hosting=()), sight, whole).facts]
        assert any("没有这一地址的云主机" in text for text in hints)
        # Where the list is not whole, or leaves addresses out, the page shows that the system is there.
        assert state(make, one, row, sight, whole[1:]) == "done"
        assert state(make, one, row, sight, whole, instance(make, "8", department="jtj")) == "done"
    # Somebody has been on the machine: it is one.
    read = inside(make, CLOUD, "80/tcp nginx", zone="gov-cloud")
    looked = make.covered("gov-cloud", CLOUD + "/32", aspects=("inside",))
    assert state(make, one, row, there(make), whole, read, looked) == "done"


def test_names_that_answer_from_the_cloud_do_not_hide_the_old_host(make: Any, one: Any) -> None:
    row = moved(make, OWN, CLOUD)
    whole = [listed(make), instance(make, "9", "10.9.0.3", systems=("JT-1",)), other(make)]
    found = shown(make, one, row, there(make), at_home(make), whole)
    assert (found.get("migration_state"), found.get("hosting")) == ("unfinished", None)
    assert why(found, "hosting") == ["登记为政务云，云上只见到可能是入口的地址或设备，部门网络内仍有应答，暂不认定"]
    (fact,) = [f for f in found.facts if f.column == "migration_state"]
    assert "可能只是入口" in fact.evidence and OWN in fact.evidence
    # A machine there of which nobody can tell that it is the system's is no ground for that.
    assert state(make, one, row, there(make), make.seen(OWN, SSH), whole) is None


# --- names that lead elsewhere from within than from outside ---


def test_split_horizon(make: Any, one: Any) -> None:
    row = moved(make, CLOUD, OWN, urls=(f"https://{HOST}/",))
    within = asked(make, "MZ-1", NAME, addresses=(OWN,), page=NAME, zone="mzj")
    outside = asked(make, "MZ-1", NAME, addresses=(CLOUD,), page=NAME)
    for order in ([within, outside], [outside, within]):
        found = shown(make, one, row, order, make.covered("mzj"))
        assert found.get("hosting") == ("gov_cloud", "own_room")
        assert (found.get("migration_state"), found.get("hosts_alive_off_cloud")) == ("unfinished", 1)
        # At an address that no register gives, it may be a door.
        assert state(make, one, moved(make, CLOUD, urls=(f"https://{HOST}/",)), order) is None
    # From within another system answers under the name, from outside this one.
    strange = asked(make, "MZ-1", NAME, addresses=(OWN,), page="路网监测平台", zone="mzj")
    found = shown(make, one, moved(make, CLOUD), other(make), strange, outside)
    assert (found.get("hosting"), found.get("hosting_strength")) == (("gov_cloud",), "seen_outside")


@pytest.mark.parametrize("failed", [True, False])
def test_a_name_server_that_fails_is_not_one_that_says_no(make: Any, one: Any, failed: bool) -> None:
    row = moved(make, OWN, hosting=("own_room",), migrated_on=None, urls=(f"https://{HOST}/",))
    no = [asked(make, "MZ-1", NAME, resolves=False), names_asked(make, HOST)]
    failure = Failure("names", "gov-cloud", (HOST,), "timed_out", "the name server did not answer", make.at)
    found = shown(make, one, row, make.covered("mzj"), [failure] if failed else no)
    assert found.get("is_found") is (None if failed else False)


# --- old hosts that may stay, and addresses that are others' now ---


@pytest.mark.parametrize("words", ["民政救助系统灾备服务器", "备份服务器", "容灾节点", "双活节点二"])
def test_a_documented_backup_may_answer(make: Any, one: Any, words: str) -> None:
    row = moved(make, OWN, CLOUD)
    for values in ({"name": words}, {"model": words}):
        kept = make.host_row("A-1", "mzj", OWN, system_codes=("MZ-1",), **values)
        for seen in (at_home(make), make.seen(OWN, SSH)):
            found = shown(make, one, row, kept, there(make), seen)
            assert (found.get("migration_state"), found.get("hosts_alive_off_cloud")) == (None, None)
            assert state(make, one, row, kept, seen, make.covered("gov-cloud")) is None
    plain = make.host_row("A-1", "mzj", OWN, name="应用服务器", system_codes=("MZ-1",))
    assert state(make, one, row, plain, there(make), make.seen(OWN, SSH)) == "unfinished"


def test_an_address_that_another_department_has_now(make: Any, one: Any) -> None:
    theirs = make.host_row("J-1", "jtj", OWN)
    parts = [there(make), theirs, make.seen(OWN, SSH)]
    assert state(make, one, moved(make, OWN, CLOUD), *parts) is None
    # Its own page is its own, whoever registers the machine; a row of its own department says that it may be there.
    assert state(make, one, moved(make, OWN, CLOUD), there(make), theirs, at_home(make)) == "unfinished"
    # By the site the whole prefix is the other department's.
    given = moved(make, "10.2.0.200", CLOUD)
    seen = make.seen("10.2.0.200", NGINX, zone="shared", titles=OTHER_PAGE)
    for heir in ([], [other(make, addresses=("10.2.0.200",))]):
        found = shown(make, one, given, heir, there(make), seen)
        assert (found.get("migration_state"), found.get("hosts_alive_off_cloud")) == (None, None)


def test_a_desk_at_the_old_address_is_no_old_host(make: Any, one: Any) -> None:
    desk = inside(make, OWN, os=("Windows 10", "22H2"))
    assert state(make, one, moved(make, OWN, CLOUD), there(make), desk) == "done"
    page = at_home(make)
    assert state(make, one, moved(make, OWN, CLOUD), there(make), desk, page) == "unfinished"


def test_side_by_side_for_some_days(make: Any, one: Any) -> None:
    for days, wanted in ((1, None), (GRACE_DAYS - 1, None), (GRACE_DAYS, "unfinished")):
        row = moved(make, OWN, CLOUD, migrated_on=make.today - timedelta(days=days))
        found = shown(make, one, row, there(make), at_home(make))
        assert found.get("migration_state") == wanted
        assert found.get("hosts_alive_off_cloud") == 1
        assert bool(why(found, "migration_state")) is (wanted is None)
    just = moved(make, OWN, CLOUD, migrated_on=make.today)
    assert state(make, one, just, at_home(make), make.covered("gov-cloud")) is None
    assert state(make, one, just, there(make), make.covered("mzj")) == "done"
    # The cloud is where it is planned to be.
    planned = moved(make, OWN, CLOUD, migrated_on=None, migration_plan_due_on=make.today + timedelta(days=90))
    assert state(make, one, planned, there(make), at_home(make)) is None
    overdue = moved(make, OWN, CLOUD, migrated_on=None, migration_plan_due_on=make.today - timedelta(days=90))
    assert state(make, one, overdue, there(make), at_home(make)) == "unfinished"


# --- nothing there: only where everything was looked at, and nothing may be its own ---


def test_a_cloud_that_refused_to_be_listed(make: Any, one: Any) -> None:
    row, home = moved(make, OWN), at_home(make)
    refused = Failure("openstack", "gov-cloud", ("project:mzj",), "forbidden", "403", make.at)
    assert state(make, one, row, home, listed(make)) == "on_paper"
    assert state(make, one, row, home, listed(make, "jtj", "bureau"), refused) is None
    assert state(make, one, row, home, refused) is None


def test_instances_of_which_nobody_can_tell_whose_they_are(make: Any, one: Any) -> None:
    row, home = moved(make, OWN), at_home(make)
    # The operator runs machines for others; its department has a machine there that may carry two systems.
    for maybe in (
        [instance(make, "5", department="bureau")],
        [make.system("MZ-2", "殡葬管理平台"), instance(make, "5", systems=("MZ-2",))],
        [instance(make, "5", department="mzj", power="off")],
        [instance(make, "5", project="jtj-prod", tags=("system=MZ-1",), department="jtj", power="")],
    ):
        assert state(make, one, row, home, listed(make), maybe) is None
        assert shown(make, one, row, home, listed(make), maybe).get("hosting") is None
    # In another department's project, and surely its own: it is there.
    theirs = instance(make, "5", project="jtj-prod", systems=("MZ-1",), department="jtj")
    assert state(make, one, row, home, listed(make), theirs) == "unfinished"
    # Everything on the cloud was asked what it serves: a shared machine would have shown it.
    shared = [make.system("MZ-2", "殡葬管理平台"), instance(make, "5", systems=("MZ-2",))]
    assert state(make, one, row, home, listed(make), shared, make.covered("gov-cloud")) == "on_paper"
    # What the platform makes for itself is nobody's.
    for name in ("amphora-5b2f6c1e-0000-4000-8000-000000000001", "vCLS-5b2f6c1e"):
        assert state(make, one, row, home, listed(make), instance(make, "6", name=name)) == "on_paper"


@pytest.mark.parametrize("hosting", [("gov_cloud",), ("own_room",), ()])
def test_a_system_without_any_address_is_looked_for_nowhere(make: Any, one: Any, hosting: tuple[str, ...]) -> None:
    everything = [*make.covered("mzj"), *make.covered("shared"), *make.covered("gov-cloud"), listed(make)]
    found = shown(make, one, moved(make, hosting=hosting), everything)
    assert (found.get("migration_state"), found.get("is_found")) == (None, None)
    # A name that was asked in vain is something to look for it by.
    named = moved(make, urls=(f"https://{HOST}/",))
    asleep = [asked(make, "MZ-1", NAME, resolves=False), names_asked(make, HOST)]
    assert shown(make, one, named, everything, asleep).get("is_found") is False


def test_registers_that_disagree_whether_it_is_in_use(make: Any, one: Any) -> None:
    retired = make.system("MZ-1", NAME, "mzj", source="registers/platform.csv!2", status="retired")
    assert state(make, one, moved(make, OWN), retired, at_home(make), listed(make)) is None
    assert state(make, one, moved(make, OWN, CLOUD), retired, at_home(make), there(make)) is None
    assert shown(make, one, moved(make, OWN), retired, make.covered("mzj")).get("is_found") is None


def test_one_code_in_two_departments(make: Any, one: Any) -> None:
    """Nobody can tell which of the two a cloud's tag means."""
    twin = make.system("MZ-1", "路网监测平台", "jtj")
    for theirs in (
        [],
        [instance(make, "5", systems=("MZ-1",), department="jtj")],
        [instance(make, "5", tags=("MZ-1",))],
    ):
        assert state(make, one, moved(make, OWN), twin, at_home(make), listed(make), theirs) is None
    received = [make.submission(r, d) for r in ("systems", "hosts") for d in ("mzj", "jtj", "bureau")]
    tagged = instance(make, "5", tags=("system=MZ-1",))
    found = make.inferred(base(make), moved(make, OWN), twin, tagged, received, listed(make))
    assert one(found, "host", name="vm-5").get("is_claimed") is None


# --- resources that nobody claims ---


def claimed(make: Any, one: Any, *parts: Any, **values: Any) -> Asset:
    received = [make.submission(r, d) for r in ("systems", "hosts") for d in ("mzj", "jtj", "bureau")]
    stray = instance(make, "7", "10.9.0.77", **values)
    asset: Asset = one(make.inferred(base(make), stray, received, listed(make), *parts), "host", ips=("10.9.0.77",))
    return asset


def test_a_tag_that_names_no_system_claims_nothing_and_is_told(make: Any, one: Any) -> None:
    for tag in ({"tags": ("system=ZZ-9",)}, {"systems": ("ZZ-9",)}):
        host = claimed(make, one, department="mzj", **tag)
        assert host.get("is_claimed") is False
        (fact,) = [f for f in host.facts if f.column == "is_claimed"]
        assert "ZZ-9 不在台账中" in fact.evidence and "openstack 2026-03-02" in fact.evidence


def test_what_a_platform_makes_for_itself_needs_no_claim(make: Any, one: Any) -> None:
    assert claimed(make, one, name="amphora-5b2f6c1e-0000-4000-8000-000000000001").get("is_claimed") is None
    assert claimed(make, one, name="old-vm").get("is_claimed") is False


def test_a_leftover_beside_a_registered_systems_machine(make: Any, one: Any) -> None:
    front = [moved(make, OWN), instance(make, "1", systems=("MZ-1",), project="mzj-prod", department="mzj")]
    for name, wanted in (("mzj-db", None), ("mzj-old-test", False), ("临时主机", False), ("goldfish", None)):
        assert claimed(make, one, front, name=name, project="mzj-prod", department="mzj").get("is_claimed") is wanted


# --- services that nobody registered ---


def leads(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "system" and a.get("is_declared") is False]


@pytest.mark.parametrize("title", ["用户登录", "首页", "Login"])
def test_a_page_that_says_only_log_in_may_be_a_cameras(make: Any, title: str) -> None:
    elsewhere = make.system("MZ-9", "某某系统", "mzj", addresses=("10.1.0.77",))

    def registered(*more: str, **values: Any) -> Any:
        page = make.seen("10.1.0.60", NGINX, *more, titles=(("80/tcp", title),), **values)
        (lead,) = leads(make.inferred(base(make), elsewhere, make.submission("systems"), page))
        return lead.get("is_registered")

    assert registered() is None
    assert registered("3306/tcp mysql MySQL 5.7") is False
    assert registered(products=("middleware:东方通 TongWeb",)) is False
    assert registered(guessed=("3306/tcp mysql（按端口推断）",)) is None


@pytest.mark.parametrize(
    "title", ["NETSurveillance WEB", "WEB SERVICE", "IP Camera", "HP OfficeJet Pro", '" + ID_EESX_Welcome + "']
)
def test_pages_of_devices_by_their_titles(make: Any, title: str) -> None:
    page = make.seen("10.1.0.60", NGINX, titles=(("80/tcp", title),))
    assert leads(make.inferred(base(make), make.submission("systems"), page)) == []


def test_a_page_on_a_desk_is_a_lead(make: Any) -> None:
    page = make.seen("10.1.0.60", NGINX, titles=(("80/tcp", "智慧养老平台"),))
    desk = inside(make, "10.1.0.60", os=("Windows 11", "23H2"))
    (lead,) = leads(make.inferred(base(make), make.submission("systems"), page, desk))
    assert lead.get("is_registered") is None
    (lead,) = leads(make.inferred(base(make), make.submission("systems"), page))
    assert lead.get("is_registered") is False
    (fact,) = [f for f in lead.facts if f.column == "is_registered"]
    assert "80 端口的页面标题为“智慧养老平台”" in fact.evidence and "2026-02-01" in fact.evidence


def test_containers_on_a_host_serve_by_their_proxy(make: Any, one: Any) -> None:
    host = inside(make, "10.1.0.61", "3306/tcp docker-proxy", "22/tcp sshd", products=("database:MySQL 5.7",))
    (lead,) = leads(make.inferred(base(make), make.submission("systems"), host))
    assert (lead.get("is_registered"), lead.get("name")) == (False, "10.1.0.61:3306 服务")
    runtime = inside(make, "10.1.0.61", "10250/tcp kubelet", "2375/tcp dockerd", products=("application:某系统",))
    assert leads(make.inferred(base(make), make.submission("systems"), runtime)) == []
    row = moved(make, f"{OWN}:8080", hosting=("own_room",), migrated_on=None)
    found = shown(make, one, row, inside(make, OWN, "8080/tcp docker-proxy"))
    assert (found.get("hosting"), found.get("hosting_strength")) == (("own_room",), "seen_inside")


# --- the words ---


def test_who_looked_and_when_is_told(make: Any, one: Any) -> None:
    """A department must be able to check: what, who, when."""
    gone = shown(make, one, moved(make, OWN, hosting=("own_room",), migrated_on=None), make.covered("mzj"))
    host = make.host_row("A-1", "mzj", "10.1.0.7")
    paper = shown(make, one, moved(make, OWN, CLOUD), at_home(make), make.covered("gov-cloud"), listed(make))
    hosts = one(make.inferred(base(make), host, make.covered("mzj")), "host")
    for asset, column, words in (
        (gone, "is_found", ("台账有登记", OWN, "已核查（nmap 2026-03-02），无应答")),
        (gone, "hosts_alive_off_cloud", ("登记的云外地址", "nmap 2026-03-02")),
        (gone, "hosts_on_gov_cloud", ("登记的地址都不在政务云",)),
        (hosts, "is_found", ("台账有登记", "10.1.0.7", "nmap 2026-03-02")),
        (paper, "migration_state", ("2025-09-01", CLOUD, "全量清单（openstack 2026-03-02）中没有地址", OWN)),
    ):
        (fact,) = [f for f in asset.facts if f.column == column]
        assert all(word in fact.evidence for word in words), fact.evidence
        assert fact.strength is Strength.DECLARED


def test_the_words_of_the_table() -> None:
    for text in ("slb-01", "mzj_HAProxy", "web-ingress", "统一入口", "ELB"):
        assert PROXY_NAMES.search(text)
    for text in ("elbow", "salba", "mzj-web", "黎明主机"):
        assert not PROXY_NAMES.search(text)
    for text in ("民政救助系统应用服务器", "异地就医结算服务器", "同城通办服务器"):
        assert not BACKUP_WORDS.search(text)
    for text in ("gold", "latest", "templates", "旧城改造系统"):
        assert not STRAY_NAMES.search(text)
    assert not PLATFORM_INSTANCES.match("my-amphora-1")
