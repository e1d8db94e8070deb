"""Shapes in which very much is alike: codes, names, doors, identifiers, rows; one system or machine with it all."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta

from benchmarks._shapes_site import AT, POOL, Site, at
from inventories.identity import code_id, ip_id, mac_id, uuid_id
from inventories.model import Fact, Observation, Strength, Value


def codes(size: int) -> Site:
    """Every department numbers its systems, hosts, rooms and projects 1 to n, and everybody refers by these."""
    site = Site()
    cloud = site.zone("cloud", "172.16.0.0/12", cloud="ZWY")
    for d in range(size // 20):
        name = site.department(f"d{d}")
        zone = site.zone(f"z{d}", f"{at(d * 16)}/28", name)
        site.row("room", name, code="JF-1", name="中心机房", kind="own")
        for s in range(4):
            site.row("system", name, code=f"XT-{s}", name=f"{name} 系统{s}", project_code=f"XM-{s}", status="running")
            site.row("project", name, code=f"XM-{s}", name=f"{name} 项目{s}", system_codes=(f"XT-{s}",))
            ip = at(d * 16 + s + 1)
            site.row(
                "host", name, ip_id(ip, "v"), code=str(s), ips=(ip,), system_codes=(f"XT-{s}",), room_code="JF-1"
            )
            site.row(
                "component",
                name,
                code=f"BJ-{d}-{s}",
                name="数据库",
                host_key=str(s),
                system_code=f"XT-{s}",
                category="database",
            )
            site.seen(ip, zone, open_services=("80/tcp http nginx",))
        tags: dict[str, Value] = {"cloud_tags": ("系统=XT-1",), "system_codes": ("XT-2",), "cloud_project": "XM-3"}
        site.instance(d, "ZWY", cloud, at(d, POOL), owner=name if d % 2 else "", **tags)
    return site


def names(size: int) -> Site:
    """Every department has the same systems, projects and hosts by name; pages and instances bear these names."""
    site = Site()
    cloud = site.zone("cloud", "172.16.0.0/12", cloud="ZWY")
    for d in range(size // 20):
        name = site.department(f"d{d}")
        zone = site.zone(f"z{d}", f"{at(d * 16)}/28", name)
        for s, title in enumerate(("公文办理系统", "门户网站平台", "财务核算系统")):
            if d % 3 != s:
                site.row(
                    "system", name, code=f"XT-{d}-{s}", name=title, status="running", urls=(f"http://d{d}.cn/{s}",)
                )
            ip = at(d * 16 + s + 1)
            site.row(
                "host",
                name,
                ip_id(ip, "v"),
                code=f"H-{d}-{s}",
                name=f"web0{s}",
                ips=(ip,),
                system_codes=(f"XT-{d}-{s}",),
            )
            site.seen(ip, zone, open_services=("80/tcp http nginx",), page_titles=(title,))
            site.seen(
                at(d * 16 + s + 8), zone, open_services=("80/tcp http nginx",), page_titles=(title, f"{title}登录")
            )
            owner = name if d % 2 else ""
            site.instance(
                d * 4 + s,
                "ZWY",
                cloud,
                at(d * 4 + s, POOL),
                owner=owner,
                name=f"web0{s}" if d % 3 else f"{title}-{d}",
            )
        site.row("project", name, code=f"XM-{d}", name="信息化建设项目", system_codes=(f"XT-{d}-0",))
        site.instance(d * 4 + 3, "ZWY", cloud, at(d * 4 + 3, POOL), cloud_project="信息化建设项目")
    return site


def one_door(size: int) -> Site:
    """All systems behind one domain, one certificate and one address; half of them are said to have moved."""
    site = Site()
    site.department("d0")
    zone = site.zone("z", "10.0.0.0/8", "d0")
    site.zone("cloud", "172.16.0.0/12", cloud="ZWY")
    for n in range(size // 2):
        name = f"d{n % 50}"
        moved: dict[str, Value] = {"hosting": ("gov_cloud",), "migrated_on": date(2025, 5, 1)} if n % 2 else {}
        where = {"addresses": ("10.0.0.9" if n % 3 else "10.0.0.9:80",), "urls": (f"https://www.city.cn/{n}",)}
        site.row("system", name, code=f"XT-{n}", name=f"第{n}号应用", status="running", **where, **moved)
        ip = at(n + 1000)
        site.seen(
            ip, zone, open_services=("443/tcp ssl/http nginx",), tls_names=("www.city.cn",), page_titles=(f"页{n}",)
        )
    site.seen("10.0.0.9", zone, open_services=("80/tcp http nginx",), tls_names=("www.city.cn",))
    site.row(
        "host",
        "d0",
        ip_id("10.0.0.9", "v"),
        code="H",
        ips=("10.0.0.9",),
        system_codes=tuple(f"XT-{n}" for n in range(0, size // 2, 2)),
    )
    return site


def leads(size: int) -> Site:
    """Names of all systems that were looked up and lead to the same few doors."""
    site = Site()
    zone = site.zone("z", "10.0.0.0/8", "d0")
    site.department("d0")
    for n in range(size):
        host = f"s{n}.city.cn"
        known = code_id("system", f"XT-{n}")
        site.row(
            "system", "d0", code=f"XT-{n}", name=f"第{n}号应用平台", urls=(f"https://{host}/",), status="running"
        )
        facts = (
            Fact("dns_addresses", (f"{host} {at(n % 3 + 1)}",), Strength.SEEN_OUTSIDE),
            Fact("page_titles", (f"https://{host}/ 第{n}号应用平台",), Strength.SEEN_OUTSIDE),
        )
        site.said.append(Observation("system", "names", "names", AT, (known,), facts, zone, "d0"))
    return site


def one_system(size: int) -> Site:
    """One system with all hosts, in a register and on a cloud, old ones and new."""
    site = Site()
    site.department("d0")
    zone, cloud = site.zone("z", "10.0.0.0/8", "d0"), site.zone("cloud", "172.16.0.0/12", cloud="ZWY")
    old = tuple(at(n) for n in range(1, size // 2))
    site.row(
        "system",
        "d0",
        code="XT",
        name="全市统一平台",
        addresses=old,
        hosting=("gov_cloud",),
        migrated_on=date(2025, 5, 1),
        status="running",
    )
    for n, ip in enumerate(old):
        site.seen(
            ip,
            zone,
            by="ssh" if n % 2 else "nmap",
            open_services=("80/tcp http nginx",),
            page_titles=("全市统一平台",),
        )
        site.row("host", "d0", ip_id(ip, "v"), code=f"H-{n}", ips=(ip,), system_codes=("XT",))
        site.instance(n, "ZWY", cloud, at(n, POOL), owner="d0", system_codes=("XT",))
    return site


def shared(size: int) -> Site:
    """Identifiers that very many machines bear: a bridge's address, a card in every zone, a tenant's addresses."""
    site = Site()
    cloud = site.zone("cloud", "172.16.0.0/12", "d0", cloud="ZWY")
    site.department("d0")
    card = tuple(one for one in (mac_id("3c:67:8c:00:00:01", "v"),) if one)
    for n in range(size // 10):
        zone = site.zone(f"z{n}", f"{at(n * 16)}/28", f"d{n % 50}")
        for h in range(3):
            ip = at(n * 16 + h)
            site.seen(ip, zone, *card, open_services=("80/tcp http nginx",), page_titles=(f"页面{n}",))
            own = uuid_id(str(uuid.UUID(int=n * 8 + h + 2**90, version=4)))
            known = (ip_id("172.17.0.1", "v"), *((own,) if own else ()))
            site.seen(ip, zone, *known, by="ssh", listeners=("80/tcp nginx",))
        bridge = ("172.17.0.1",)
        for i in range(5):
            private = f"192.168.0.{n % 100 + 1}"
            site.instance(n * 5 + i, "ZWY", cloud, at(n * 5 + i, POOL + 2**18), *bridge, private)
        site.row(
            "system",
            f"d{n % 50}",
            code=f"XT-{n}",
            name=f"系统{n}",
            addresses=(f"192.168.0.{n % 100 + 1}", f"192.0.2.{n % 100}"),
        )
        site.row("host", f"d{n % 50}", code=f"H-{n}", ips=(f"192.168.0.{n % 100 + 1}",), system_codes=(f"XT-{n}",))
    return site


def one_machine(size: int) -> Site:
    """A tenth of all addresses on few machines: balancers and firewalls; a register gives each address a system."""
    site = Site()
    site.department("d0")
    zone = site.zone("z", "10.0.0.0/8", "d0")
    for n in range(size):
        ip = at(n + 1)
        if n % 10:
            site.seen(ip, zone, open_services=("80/tcp http nginx",))
            continue
        card = mac_id(f"3c:67:8c:00:{n // 20000:02x}:01", "v")
        site.seen(
            ip, zone, *((card,) if card else ()), open_services=("80/tcp http nginx",), page_titles=(f"页面{n}",)
        )
        site.row("system", "d0", code=f"XT-{n}", name=f"系统{n}", addresses=(f"{ip}:8080",), status="running")
    return site


def rows(size: int) -> Site:
    """Many rows and many looks of one thing: copied down in a register, seen again and again."""
    site = Site()
    site.department("d0")
    zone = site.zone("z", "10.0.0.0/8", "d0")
    for n in range(size):
        site.row(
            "system",
            "d0",
            code="XT-1" if n % 2 else f"XT-{n}",
            name="系统一" if n % 2 else f"系统{n}",
            remarks=str(n),
        )
        if n % 4 == 0:
            site.seen("10.0.0.1", zone, hostname=f"h{n}")
            site.said[-1] = replace(site.said[-1], observed_at=AT + timedelta(seconds=n), source=f"nmap {n}")
    return site
