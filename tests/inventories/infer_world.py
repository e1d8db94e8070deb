"""What clouds' interfaces, the names probe and logins tell, as observations: for the tests of conclusions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from inventories.identity import code_id, instance_id, ip_id, mac_id, name_id, serial_id, uuid_id
from inventories.model import Coverage, Fact, Observation, Strength

INSIDE, OUTSIDE, HINT = Strength.SEEN_INSIDE, Strength.SEEN_OUTSIDE, Strength.HINTED


def instance(
    make: Any,
    number: str,
    *ips: str,
    cloud: str = "GOV-1",
    zone: str = "gov-cloud",
    vantage: str = "scanner",
    collector: str = "openstack",
    power: str = "on",
    name: str = "",
    project: str = "",
    tags: tuple[str, ...] = (),
    systems: tuple[str, ...] = (),
    department: str = "",
    platform: str = "gov_cloud",
    at: datetime | None = None,
) -> Observation:
    """One instance as a cloud's own interface lists it."""
    uuid = f"5b2f6c1e-0000-4000-8000-{int(number):012d}"
    identity = [instance_id(cloud, uuid), uuid_id(uuid), *(ip_id(ip, vantage) for ip in ips)]
    facts = [Fact("is_physical", False, INSIDE), Fact("platform", platform, INSIDE)]
    facts += [Fact("name", name or f"vm-{number}", INSIDE)]
    facts += [Fact("power_state", power, INSIDE)] if power else []
    facts += [Fact("cloud_project", project, INSIDE)] if project else []
    facts += [Fact("cloud_tags", tags, INSIDE)] if tags else []
    facts += [Fact("system_codes", systems, INSIDE, "project")] if systems else []
    facts += [Fact("ips", ips, INSIDE)] if ips else []
    return Observation(
        "host",
        collector,
        f"{collector} https://cloud.example:5000/v3",
        at or make.at,
        tuple(i for i in identity if i),
        tuple(facts),
        zone=zone,
        department_id=department,
    )


def listed(
    make: Any, *projects: str, cloud: str = "GOV-1", zone: str = "gov-cloud", collector: str = "openstack"
) -> Coverage:
    """That a cloud's resources were listed to the end: everything, or some projects."""
    end = make.at + timedelta(minutes=5)
    return Coverage(collector, zone, "scanner", "resources", projects or ("*",), make.at, end, cloud)


def asked(
    make: Any,
    code: str,
    name: str,
    *,
    title: str = "民政救助系统",
    host: str = "jz.mzj.example.cn",
    addresses: tuple[str, ...] = (),
    chain: tuple[str, ...] = (),
    page: str | None = None,
    status: int = 200,
    at_address: str = "",
    certificates: tuple[str, ...] = (),
    resolves: bool | None = None,
    department: str = "mzj",
    zone: str = "gov-cloud",
) -> Observation:
    """A declared name as it was looked up and asked.

    ``page`` is the title of what answered (empty: it has none; None: nothing answered), ``at_address`` where.
    """
    facts = [Fact("dns_addresses", (f"{host} {address}",), OUTSIDE) for address in addresses]
    facts += [Fact("dns_names", (" → ".join((host, *chain)),), OUTSIDE)] if chain else []
    if page is not None:
        where = at_address or next(iter(addresses), "")
        shown = page or f"（HTTP {status}，无标题）"
        facts.append(
            Fact("page_titles", (f"https://{host}/ {shown}",), OUTSIDE, f"{where} 443/tcp HTTP {status}；nginx")
        )
    facts += [Fact("tls_names", (certificate,), OUTSIDE) for certificate in certificates]
    facts.append(Fact("resolves", bool(addresses) if resolves is None else resolves, OUTSIDE))
    identity = (code_id("system", code), name_id("system", department, name))
    return Observation("system", "names", "names", make.at, identity, tuple(facts), zone, department)


def names_asked(make: Any, *names: str) -> Coverage:
    end = make.at + timedelta(minutes=5)
    return Coverage("names", "gov-cloud", "scanner", "names", names, make.at, end)


def inside(
    make: Any,
    ip: str,
    *listeners: str,
    products: tuple[str, ...] = (),
    hinted: tuple[str, ...] = (),
    cpu: tuple[str, str] | None = None,
    os: tuple[str, str] | None = None,
    physical: bool | None = True,
    platform: str = "",
    uuid: str = "",
    serial: str = "",
    mac: str = "",
    zone: str = "mzj",
    vantage: str = "scanner",
    hostname: str = "",
    at: datetime | None = None,
) -> Observation:
    """A host as it was read over a login."""
    identity = [ip_id(ip, vantage), uuid_id(uuid) if uuid else None]
    identity += [serial_id("Huawei", serial) if serial else None, mac_id(mac, vantage) if mac else None]
    facts = [Fact("ips", (ip,), INSIDE), Fact("answers", True, INSIDE, "login")]
    facts += [Fact("listeners", (text,), INSIDE) for text in listeners]
    facts += [Fact("products", (text,), INSIDE, f"进程 {text}") for text in products]
    facts += [Fact("products", (text,), HINT, "安装包") for text in hinted]
    facts += [Fact("is_physical", physical, INSIDE)] if physical is not None else []
    facts += [Fact("platform", platform, INSIDE)] if platform else []
    facts += [Fact("cpu_vendor", cpu[0], INSIDE), Fact("cpu_model", cpu[1], INSIDE)] if cpu else []
    facts += [Fact("os_name", os[0], INSIDE), Fact("os_version", os[1], INSIDE)] if os else []
    facts += [Fact("hostname", hostname, INSIDE)] if hostname else []
    facts += [Fact("macs", (mac,), INSIDE)] if mac else []
    return Observation("host", "ssh", "ssh", at or make.at, tuple(i for i in identity if i), tuple(facts), zone=zone)
