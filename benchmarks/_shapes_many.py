"""Shapes with very many of one thing: departments, vantages, clouds, prefixes, papers; or one that has it all."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from benchmarks._shapes_site import AT, POOL, Site, at
from inventories.model import Coverage, Failure, Value


def departments(size: int) -> Site:
    """Many small departments: each with a zone, a room, lines, servers that lead elsewhere, and an instance."""
    site = Site()
    site.department("d0")
    site.row("cloud", "d0", code="ZWY", name="政务云", kind="government", owner_level="city")
    cloud = site.zone("cloud", "172.16.0.0/12", "d0", cloud="ZWY")
    for d in range(size // 12):
        name, first = (site.department(f"d{d}") if d else "d0"), d * 16
        where = "行政中心" if d % 2 else f"市民路{d}号"
        zone = site.zone(f"z{d}", f"{at(first)}/28", name, location=where)
        site.row("room", name, code=f"JF-{d}", name=f"{where}机房", address=where, kind="own")
        line = {"prefixes": (f"{at(d * 256, 100 << 24)}/28",), "gateways_observed": (at(d * 256 + 1, 100 << 24),)}
        kind = ("internet_exit", "dedicated", "government")[d % 3]
        site.row("network", name, code=f"ZX-{d}", name=f"{name} 专线", kind=kind, is_unified_exit=d % 4 == 0, **line)
        site.row("system", name, code=f"XT-{d}-1", name=f"{name} 业务系统", hosting=("gov_cloud",), status="running")
        urls = (f"http://w{d}.example.cn/",)
        site.row(
            "system",
            name,
            code=f"XT-{d}-2",
            name=f"{name} 办公系统",
            hosting=("own_room",),
            status="running",
            urls=urls,
        )
        for h in range(3):
            ip, far = at(first + h + 2), at(d * 512 + 2, 11 << 24)
            legs = (f"eth0 {ip}/28", f"eth1 {far}/24")
            ways = (
                f"0.0.0.0/0 via {at(first + 1)} dev eth0",
                f"{at(d * 512 + 256, 11 << 24)}/24 via {at(d * 512 + 1, 11 << 24)} dev eth1",
            )
            told: dict[str, Value] = {"interfaces": legs, "routes": ways, "default_gateway": at(first + 1)}
            products = (("hypervisor:VMware ESXi",), ("security_device:防火墙",), ("power:UPS",))[h]
            site.seen(ip, zone, by="ssh", products=products, is_physical=True, told=told)
            site.seen(ip, zone, open_services=("80/tcp http nginx",), page_titles=(f"{name} 页面 {h}",))
        site.instance(d, "ZWY", cloud, at(d, POOL), owner=name if d % 3 else "")
    return site


def vantages(size: int) -> Site:
    """Every department scanned by a worker of its own, and all with the same addresses."""
    site = Site()
    for d in range(size // 10):
        name, v = site.department(f"d{d}"), f"worker-{d}"
        zone = site.zone(f"z{d}", "192.168.1.0/24", name, vantage=v)
        for h in range(6):
            ip = f"192.168.1.{h + 2}"
            told: dict[str, Value] = {
                "interfaces": (f"eth0 {ip}/24", f"eth1 10.9.{h}.2/24"),
                "default_gateway": "192.168.1.1",
            }
            site.seen(ip, zone, vantage=v, open_services=("80/tcp http nginx",))
            site.seen(ip, zone, vantage=v, by="ssh", told=told)
        for s in range(3):
            site.row(
                "system", name, code=f"XT-{s}", name=f"系统{s}", addresses=(f"192.168.1.{s + 2}",), status="running"
            )
    return site


def clouds(size: int) -> Site:
    """Every department with a cloud of its own, some declared and some known by its interface alone."""
    site = Site()
    for d in range(size // 8):
        name, code, first = site.department(f"d{d}"), f"YUN-{d}", d * 16
        zone = site.zone(
            f"z{d}", f"{at(first)}/28", name, cloud=code if d % 2 else "", kind="" if d % 2 else "department"
        )
        if d % 3:
            kinds: dict[str, Value] = {"kind": "virtualisation"} if d % 3 == 1 else {}
            site.row("cloud", name, code=code, name=f"{name} 云", prefixes=(f"{at(first)}/28",), **kinds)
        site.row(
            "system",
            name,
            code=f"XT-{d}",
            name=f"{name} 系统",
            hosting=("gov_cloud",),
            cloud_codes=(code,),
            status="running",
        )
        for h in range(4):
            site.instance(d * 8 + h, code, zone, at(first + h), owner="" if h == 3 else name)
        site.seen(at(first + 9), zone, by="ssh", products=("hypervisor:VMware ESXi",), is_physical=True)
    return site


def one_department(size: int) -> Site:
    """One department with nearly everything, in many places: systems, pages, rooms, lines and gateways."""
    site = Site()
    site.department("d0")
    for z in range(size // 200):
        site.zone(f"z{z}", f"{at(z * 256)}/24", "d0", location=f"第{z}办公区")
        site.row("room", "d0", code=f"JF-{z}", name=f"第{z}办公区机房" if z % 2 else f"机房{z}", kind="own")
    # Each inferred network is known by every zone of its department: what leads to them stays a few hundred machines.
    leading = range(0, 1600, 8)
    for n in range(size // 3):
        site.row("system", "d0", code=f"XT-{n}", name=f"全市业务协同系统{n}号", status="running")
        ip, zone = at(n // 66 * 256 + n % 66 + 2), f"z{n // 66 % (size // 200)}"
        if n // 66 >= size // 200:
            break
        titles = (f"系统{n}号", f"欢迎使用协同系统{n}", f"第{n}号页面全市业务协同系统{n}号")
        site.seen(ip, zone, open_services=("80/tcp http nginx",), page_titles=(titles[n % 3],))
        gateway, far = at(n // 66 * 256 + 1), (13 << 24) + n * 256
        told: dict[str, Value] = {
            "interfaces": (f"eth0 {ip}/24", f"eth1 {at(0, far + 2)}/24"),
            "routes": (
                f"0.0.0.0/0 via {gateway} dev eth0",
                f"{at(n * 256, 20 << 24)}/24 via {at(0, far + 1)} dev eth1",
            ),
            "default_gateway": gateway,
        }
        site.seen(
            ip,
            zone,
            by="ssh",
            is_physical=True,
            products=("hypervisor:VMware ESXi",),
            told=told if n in leading else {},
        )
    return site


def nobodys(size: int) -> Site:
    """One cloud with all instances, owned by nobody, and many systems on it without an address."""
    site = Site()
    cloud = site.zone("cloud", "172.16.0.0/12", cloud="ZWY")
    for d in range(size // 50):
        name = site.department(f"d{d}")
        hosting: dict[str, Value] = {"hosting": ("gov_cloud",), "cloud_codes": ("ZWY",)}
        for s in range(9):
            urls = (f"http://s{s}.d{d}.example.cn/",)
            site.row(
                "system", name, code=f"XT-{d}-{s}", name=f"{name} 系统{s}", status="running", urls=urls, **hosting
            )
            site.looks.append(Coverage("names", "cloud", "v", "names", (f"s{s}.d{d}.example.cn",), AT, AT))
    # Nobody's word says that a system of theirs may be among them but the last one's.
    for n in range(size // 50 * 40):
        site.instance(n, "ZWY", cloud, at(n, POOL))
    return site


def unclaimed(size: int) -> Site:
    """The same cloud where every department answered and none has a system that could be there."""
    site = Site()
    cloud = site.zone("cloud", "172.16.0.0/12", cloud="ZWY")
    for d in range(size // 50):
        site.department(f"d{d}")
    for n in range(size // 50 * 49):
        site.instance(n, "ZWY", cloud, at(n, POOL), owner=f"d{n % (size // 50)}" if n % 2 else "")
    return site


def prefixes(size: int) -> Site:
    """A cloud cut into thousands of owners' prefixes, and looks that name every address by itself."""
    site = Site()
    for d in range(size // 20):
        site.department(f"d{d}")
    site.zone(
        "cloud", " ".join(f"{at(p * 4096, POOL)}/20" for p in range(max(1, size // 4096 + 1))), "d0", cloud="ZWY"
    )
    owners = {ipaddress.ip_network(f"{at(d * 16, POOL)}/28"): f"d{d}" for d in range(size // 20)}
    site.zones[-1] = replace(site.zones[-1], owners=owners)
    for n in range(size // 20 * 16):
        ip = at(n, POOL)
        site.seen(ip, "cloud", open_services=("80/tcp http nginx",))
        site.looks += [
            Coverage("ssh", "cloud", "v", "inside", (f"{ip}/32",), AT, AT),
            Coverage("nmap", "cloud", "v", "ports", (ip,), AT, AT, f"{n % 5000 + 1}"),
        ]
        if n % 8 == 0:
            site.row(
                "system",
                f"d{n // 16}",
                code=f"XT-{n}",
                name=f"系统{n}",
                addresses=(ip,),
                hosting=("gov_cloud",),
                status="running",
            )
    return site


def papers(size: int) -> Site:
    """As many submissions, and refused files, as departments; each with a nil return or two."""
    site = Site()
    for d in range(size // 2):
        name = site.department(f"d{d}")
        scope = (f"registers/hosts-{name}.csv", name)
        site.failed += [Failure("register", "", scope, "refused", "", AT)] if d % 2 else []
        site.row("system", name, code=f"XT-{d}", name=f"系统{d}", status="running")
    return site
