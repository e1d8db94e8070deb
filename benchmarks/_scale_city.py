"""A made-up province, city by city: what its registers say and its probes saw. The same at every call, never whole.

A city of 10⁵ assets has some seventy departments. Each has a network of its own (servers, a machine room, a line or
two), systems and projects on paper, and machines on the city's government cloud, which is listed through its own
interface. Half of the servers in the departments' networks were read from inside, which is where most components
come from; three in four stand in the register. Registers are filled as departments fill them: some cells say 无, many
nothing.
"""

from __future__ import annotations

import ipaddress
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from inventories.identity import code_id, department_id, instance_id, ip_id, mac_id, name_id, serial_id, uuid_id
from inventories.kinds import KINDS, Column, Type
from inventories.model import Collection, Coverage, Fact, Identifier, Observation, Strength, Submission, Value
from inventories.places import Zone

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
TODAY = date(2026, 3, 2)
#: Assets of a city, and what each of its departments comes to (measured: components follow from what is read).
CITY = 100_000
OF_DEPARTMENT = 1150
HOSTS, SYSTEMS, PROJECTS = 540, 42, 56

_SAID, _SEEN, _INSIDE = Strength.DECLARED, Strength.SEEN_OUTSIDE, Strength.SEEN_INSIDE
_REGISTERS = tuple(kind.register for kind in KINDS.values() if kind.name != "department")
_OS = (
    ("银河麒麟高级服务器操作系统", "V10", 30),
    ("统信服务器操作系统", "V20", 12),
    ("CentOS Linux", "7", 22),
    ("Windows Server 2016", "", 14),
    ("openEuler", "22.03", 12),
    ("Ubuntu", "20.04", 10),
)
_DATABASES = (
    ("达梦数据库管理系统", "V8", 25),
    ("MySQL", "8.0.36", 40),
    ("人大金仓数据库管理系统", "V8", 15),
    ("Oracle Database", "11.2.0.4", 20),
)
_MIDDLEWARE = (
    ("东方通应用服务器软件", "V7.0", 30),
    ("Apache Tomcat", "8.5.57", 45),
    ("宝兰德应用服务器软件", "V9.5", 25),
)
_CPUS = (
    ("Phytium", "飞腾腾云 S5000C-E", 20),
    ("HiSilicon", "鲲鹏 920", 30),
    ("GenuineIntel", "Intel Xeon Gold 6130", 50),
)
_FIELDS = ("民政救助", "不动产登记", "公文办理", "财务核算", "执法监督", "综合查询", "项目审批", "档案管理")
_REGIONS = ("140800", "140800", "140800", "140802", "140881")


@dataclass(frozen=True, slots=True)
class City:
    """One city of the province. ``assets``: about how many; ``seed`` and ``number`` decide everything else."""

    number: int
    assets: int = CITY
    seed: int = 7

    @property
    def vantage(self) -> str:
        return f"scanner-{self.number}"

    @property
    def cloud(self) -> str:
        return f"ZWY-{self.number}"

    @property
    def departments(self) -> tuple[str, ...]:
        return tuple(f"c{self.number}-d{d}" for d in range(max(2, self.assets // OF_DEPARTMENT)))

    def zones(self) -> tuple[Zone, ...]:
        own = [
            Zone(f"{name}-net", f"{name} 网络", self.vantage, "department", (_prefix(d),), name)
            for d, name in enumerate(self.departments)
        ]
        pool = (ipaddress.ip_network("172.16.0.0/12"),)
        cloud = Zone(
            f"c{self.number}-cloud",
            f"第{self.number}市政务云",
            self.vantage,
            "government_cloud",
            pool,
            self.departments[0],
            cloud_code=self.cloud,
        )
        return (*own, cloud)

    def told(self) -> Collection:
        """Coverage and submissions: everything was looked at, and every department answered."""
        looks = [
            Coverage("nmap", zone.id, self.vantage, aspect, tuple(map(str, zone.prefixes)), AT, AT, "1-65535")
            for zone in self.zones()
            for aspect in ("hosts", "ports", "services")
        ]
        zone = f"c{self.number}-cloud"
        looks.append(Coverage("openstack", zone, self.vantage, "resources", ("*",), AT, AT, self.cloud))
        looks += [
            Coverage("register", "", "", "register", self.departments, AT, AT, register) for register in _REGISTERS
        ]
        answers = [
            Submission(name, register, date(2026, 2, 1)) for name in self.departments for register in _REGISTERS
        ]
        return Collection(coverage=tuple(looks), submissions=tuple(answers))

    def observations(self, moved: int = 0) -> Iterator[Observation]:
        """What was said and seen. ``moved``: of so many in a hundred thousand machines something else was seen."""
        yield self._row("cloud", self.departments[0], 0, self._cloud(random.Random(f"{self.seed}/{self.number}")))
        for d, name in enumerate(self.departments):
            dice = random.Random(f"{self.seed}/{self.number}/{d}")
            yield _department(name, d, dice)
            yield from self._of(d, name, dice, moved)

    def _cloud(self, dice: random.Random) -> dict[str, Value]:
        return {"name": f"第{self.number}市政务云", "code": self.cloud, "kind": "government", "owner_level": "city"}

    def _of(self, d: int, name: str, dice: random.Random, moved: int) -> Iterator[Observation]:
        yield self._row("room", name, 0, _paper("room", dice, code=f"JF-{d}", name=f"{name} 机房", kind="own"))
        for line in range(1 + d % 3):
            kind = ("internet_exit", "dedicated", "vertical")[line]
            filled = _paper("network", dice, code=f"ZX-{d}-{line}", name=f"{name} 专线{line}", kind=kind)
            yield self._row("network", name, line, filled)
        for p in range(PROJECTS):
            filled = _paper("project", dice, code=f"XM-{d}-{p}", name=f"{name} {dice.choice(_FIELDS)}项目{p}")
            yield self._row("project", name, p, filled)
        for s in range(SYSTEMS):
            yield self._row("system", name, s, self._system(d, name, s, dice))
        for h in range(HOSTS):
            # A machine's own dice: what is said of one does not depend on how many there are.
            own = random.Random(f"{self.seed}/{self.number}/{d}/{h}")
            if h % 5 < 2:
                yield from self._instance(d, name, h, own, moved)
            else:
                yield from self._server(d, name, h, own, moved)

    def _system(self, d: int, name: str, s: int, dice: random.Random) -> dict[str, Value]:
        on_cloud = dice.random() < 0.55
        machine = s * 5 + (0 if on_cloud else 3)
        address = self._address(d, machine)
        where: dict[str, Value] = {"hosting": ("gov_cloud",) if on_cloud else ("own_room",)}
        where |= {"cloud_codes": (self.cloud,)} if on_cloud else {"room_code": f"JF-{d}"}
        return {
            **_paper("system", dice, code=f"XT-{d}-{s}", name=f"{name} {dice.choice(_FIELDS)}系统{s}"),
            "status": dice.choices(("running", "trial", "building", "retired", "planned"), (80, 5, 7, 5, 3))[0],
            "project_code": f"XM-{d}-{s}",
            **(where if dice.random() < 0.9 else {}),
            **({"addresses": (address,)} if dice.random() < 0.7 else {}),
        }

    def _address(self, d: int, h: int) -> str:
        if h % 5 < 2:
            # HOSTS are few enough for one octet.
            return f"172.{16 + d // 250}.{d % 250}.{h // 5 * 2 + h % 5 + 1}"
        return f"10.{d}.{h // 250}.{h % 250 + 1}"

    def _row(self, kind: str, department: str, number: int, values: dict[str, Value]) -> Observation:
        """A register's row; a value of None is the answer 无."""
        facts = tuple(
            Fact(column, value, _SAID, "无" if value is None else "", value is None)
            for column, value in values.items()
        )
        known = [code_id(kind, f"{department}/{values['code']}")] if "code" in values else []
        if kind != "host":
            known.append(name_id(kind, department, str(values["name"])))
        source = f"registers/{KINDS[kind].register}-{department}.csv!{number + 2}"
        return Observation(kind, "register", source, AT, tuple(known), facts, department_id=department)

    def _instance(self, d: int, name: str, h: int, dice: random.Random, moved: int) -> Iterator[Observation]:
        ip, zone = self._address(d, h), f"c{self.number}-cloud"
        own = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        card = mac_id(_mac(self.number, d, h), self.vantage)
        facts = (
            Fact("name", f"vm-{d}-{h}", _INSIDE),
            Fact("is_physical", False, _INSIDE),
            Fact("ips", (ip,), _INSIDE),
            Fact("power_state", "on" if dice.random() < 0.93 else "off", _INSIDE),
            Fact("cloud_project", name, _INSIDE),
            Fact("memory_mb", dice.choice((8192, 16384, 32768)), _INSIDE),
        )
        known = (instance_id(self.cloud, own), ip_id(ip, self.vantage), *((card,) if card else ()))
        owner = name if dice.random() < 0.8 else ""
        source = f"openstack https://cloud-{self.number}.example:5000"
        yield Observation("host", "openstack", source, AT, known, facts, zone, owner)
        if dice.random() < 0.8:
            yield self._scanned(ip, zone, (ip_id(ip, self.vantage),), d, h, dice, moved)

    def _server(self, d: int, name: str, h: int, dice: random.Random, moved: int) -> Iterator[Observation]:
        ip, zone = self._address(d, h), f"{name}-net"
        card = mac_id(_mac(self.number, d, h), self.vantage)
        near = (ip_id(ip, self.vantage), *((card,) if card else ()))
        serial = serial_id("Huawei", f"2102{self.number:03d}{d:03d}{h:04d}")
        if dice.random() < 0.9:
            yield self._scanned(ip, zone, near, d, h, dice, moved)
        if dice.random() < 0.75:
            filled = _paper("host", dice, code=f"ZC-{d}-{h}", name=f"服务器 {d}-{h}")
            filled |= {"ips": (ip,), "vendor": "Huawei", "model": "RH2288H V3", "room_code": f"JF-{d}"}
            row = self._row("host", name, h, {k: v for k, v in filled.items() if k not in _READ})
            known = (*row.identifiers, *((serial,) if serial else ()), near[0])
            yield Observation("host", "register", row.source, AT, known, row.facts, department_id=name)
        if dice.random() < 0.55:
            yield self._read(ip, zone, (*near, *((serial,) if serial else ())), dice, moved)

    def _scanned(
        self, ip: str, zone: str, known: tuple[Identifier, ...], d: int, h: int, dice: random.Random, moved: int
    ) -> Observation:
        web = "nginx 1.22.1" if dice.randrange(100_000) >= moved else "nginx 1.26.0"
        title = f"业务系统 {d}-{h}" if dice.random() < 0.03 else "404 Not Found"
        facts = (
            Fact("ips", (ip,), _SEEN),
            Fact("answers", True, _SEEN, "22/tcp"),
            Fact("open_services", ("22/tcp ssh OpenSSH 8.2",), _SEEN, "SSH-2.0-OpenSSH_8.2"),
            Fact("open_services", (f"80/tcp http {web}",), _SEEN, web),
            Fact("page_titles", (title,), _SEEN, "80/tcp"),
            Fact("products", ("web:nginx",), _SEEN, f"80/tcp {web}"),
        )
        return Observation("host", "nmap", "nmap", AT + timedelta(seconds=h % 3600), known, facts, zone=zone)

    def _read(
        self, ip: str, zone: str, known: tuple[Identifier, ...], dice: random.Random, moved: int
    ) -> Observation:
        system, version, _ = _pick(_OS, dice)
        database, of_database, _ = _pick(_DATABASES, dice)
        middleware, of_middleware, _ = _pick(_MIDDLEWARE, dice)
        vendor, cpu, _ = _pick(_CPUS, dice)
        memory = 65536 if dice.randrange(100_000) >= moved else 131072
        products = [f"os:{system} {version}".strip()]
        products += [f"database:{database} {of_database}"] if dice.random() < 0.35 else []
        products += [f"middleware:{middleware} {of_middleware}"] if dice.random() < 0.45 else []
        firm = uuid_id(str(uuid.UUID(int=dice.getrandbits(128), version=4)))
        facts = (
            Fact("ips", (ip,), _INSIDE, "ip addr"),
            Fact("hostname", f"srv-{dice.getrandbits(24):06x}", _INSIDE, "hostname"),
            Fact("is_physical", dice.random() < 0.6, _INSIDE, "systemd-detect-virt"),
            Fact("cpu_vendor", vendor, _INSIDE, "/proc/cpuinfo"),
            Fact("cpu_model", cpu, _INSIDE, "/proc/cpuinfo"),
            Fact("os_name", system, _INSIDE, "/etc/os-release"),
            Fact("os_version", version or "2016", _INSIDE, "/etc/os-release"),
            Fact("memory_mb", memory, _INSIDE, "/proc/meminfo"),
            Fact("products", tuple(products), _INSIDE, "rpm -qa"),
            Fact("listeners", ("22/tcp sshd", *(("80/tcp nginx",) if dice.random() < 0.1 else ())), _INSIDE, "ss"),
        )
        names = (*known, *((firm,) if firm else ()))
        return Observation("host", "ssh", f"ssh {ip}", AT, names, facts, zone=zone)


#: What was read on a machine is not typed into its row as well.
_READ = frozenset(
    {"macs", "hardware_uuid", "serial", "platform", "cpu_vendor", "cpu_model", "os_name", "os_version", "is_physical"}
)
#: Cells whose meaning is another thing's: they are filled where that thing is made.
_REFERENCES = frozenset(
    {
        *("addresses", "urls", "cloud_codes", "room_code", "project_code", "system_codes", "system_code"),
        *("host_key", "ips", "hosting", "prefixes", "endpoint", "systems_housed", "endpoints_observed"),
        *("gateways_observed", "is_exempt", "exemption_basis", "retired_on", "retired_filed_on"),
    }
)


def _prefix(d: int) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(f"10.{d}.0.0/16")


def _mac(city: int, d: int, h: int) -> str:
    number = (city << 24 | d << 14 | h) & 0xFFFFFFFF
    return "3c:67:" + ":".join(f"{number >> shift & 255:02x}" for shift in (24, 16, 8, 0))


def _department(name: str, d: int, dice: random.Random) -> Observation:
    values = {
        "department_id": name,
        "name": f"{name} 局",
        "region": dice.choice(_REGIONS),
        "sector": "general" if d % 9 else "health",
        "level_of_government": "city" if d % 3 else "county",
    }
    facts = tuple(Fact(column, value, _SAID) for column, value in values.items())
    row = f"registers/departments.csv!{name}"
    return Observation("department", "register", row, AT, (department_id(name),), facts)


def _pick(table: tuple[tuple[str, str, int], ...], dice: random.Random) -> tuple[str, str, int]:
    return dice.choices(table, [weight for _name, _version, weight in table])[0]


def _paper(of: str, dice: random.Random, **given: Value) -> dict[str, Value]:
    """A row as a department fills it: two cells in three, some with 无; the days in the order of the form."""
    out: dict[str, Value] = dict(given)
    day = date(2014, 1, 1) + timedelta(days=dice.randrange(4000))
    for column in KINDS[of].columns:
        if column.name in out or column.name in _REFERENCES or not column.declarable:
            continue
        roll = dice.random()
        if column.type is Type.DATE:
            day = min(day + timedelta(days=dice.randrange(45)), TODAY)
        if roll < 0.66:
            out[column.name] = _cell(column, dice, day)
        elif roll < 0.72 and column.paper:
            out[column.name] = None
    return out


def _cell(column: Column, dice: random.Random, day: date) -> Value:
    if column.values:
        codes = tuple(column.values)
        code = codes[min(int(dice.expovariate(1.2)), len(codes) - 1)]
        return (code,) if column.type is Type.TEXTS else code
    match column.type:
        case Type.DATE:
            return day
        case Type.BOOLEAN:
            return dice.random() < 0.8
        case Type.INTEGER:
            return dice.randrange(4)
        case Type.NUMBER:
            return round(dice.uniform(1, 300), 1)
        case Type.TEXTS:
            return (f"{column.title}{dice.randrange(50)}",)
        case _:
            return f"{column.title}{dice.randrange(5000)}"
