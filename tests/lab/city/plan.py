"""What answers in the laboratory city beside the example city's own listeners; STORY.md says what it is there for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.lab.cloud import Image, Network, Plan, Project, Server, User
from tests.lab.snmp_agents import Agent, chassis, met, ports, route, ups
from tests.lab.snmp_agents import User as SnmpUser
from tests.lab.ssh_hosts import Host

#: The hosts that answer over SSH have networks of their own.
PREFIX = "10.20.8.0/23"

#: Secrets that must be found nowhere afterwards, by the variables that hold them.
CANARIES: Mapping[str, str] = {
    "LAB_COMMUNITY": "canary-community-4be1",
    "LAB_AUTH": "canary-auth-words-77c2",
    "LAB_PRIVACY": "canary-privacy-words-93d",
    "LAB_CLOUD": "canary-cloud-password-5e8",
    "LAB_VCENTER": "canary-vcenter-password-2f",
}

# Synthetic: the words that such systems are known to use, not captured from one.
KYLIN = (
    'NAME="Kylin Linux Advanced Server"\nVERSION="V10 (Lance)"\nID="kylin"\nVERSION_ID="V10"\n'
    'PRETTY_NAME="Kylin Linux Advanced Server V10 (Lance)"\nANSI_COLOR="0;31"\n'
)
UOS = 'PRETTY_NAME="UnionTech OS Server 20"\nNAME="UnionTech OS Server 20"\nVERSION_ID="20"\nVERSION="20"\nID="uos"\n'
UOS_DESKTOP = 'PRETTY_NAME="UnionTech OS Desktop 20 Pro"\nNAME="uos"\nVERSION_ID="20 Pro"\nVERSION="20 Pro"\nID=uos\n'
KUNPENG = "".join(
    f"processor\t: {core}\nBogoMIPS\t: 200.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x48\n"
    "CPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd01\nCPU revision\t: 0\n\n"
    for core in range(4)
)
HYGON = "".join(
    f"processor\t: {core}\nvendor_id\t: HygonGenuine\ncpu family\t: 24\nmodel\t\t: 1\n"
    "model name\t: Hygon C86 7280 32-core Processor\nphysical id\t: 0\n\n"
    for core in range(4)
)


def firmware(vendor: str, product: str, serial: str, uuid: str) -> dict[str, str]:
    return {"sys_vendor": vendor, "product_name": product, "product_serial": serial, "product_uuid": uuid}


SSH_HOSTS = (
    Host(
        "10.20.8.11",
        hostname="fxzb",
        os_release=KYLIN,
        cpuinfo=KUNPENG,
        dmi=firmware("Huawei", "TaiShan 200 (Model 2280)", "SYNTH00001", "6a1c7f2e-3b5d-4e8f-9a01-112233445501"),
        listeners={5236: "dmserver", 8080: "nginx"},
        gateway="10.20.8.1",
        interfaces={"eth1": "10.66.0.5/24"},
        routes=("10.66.0.0/16 via 10.66.0.1",),
    ),
    Host(
        "10.20.8.12",
        hostname="spwg",
        os_release=KYLIN,
        cpuinfo=HYGON,
        dmi=firmware("Sugon", "A620-G30", "SYNTH00002", "6a1c7f2e-3b5d-4e8f-9a01-112233445502"),
        listeners={8080: "nginx"},
        gateway="10.20.8.1",
        interfaces={"eth1": "203.0.113.5/24"},
        python="none",
    ),
    Host(
        "10.20.9.11",
        hostname="jcpw",
        os_release=UOS,
        cpuinfo=HYGON,
        dmi=firmware("Sugon", "A620-G30", "SYNTH00003", "6a1c7f2e-3b5d-4e8f-9a01-112233445503"),
        listeners={5236: "dmserver"},
        gateway="10.20.8.1",
        interfaces={"eth1": "10.88.0.5/24"},
        routes=("10.88.0.0/16 via 10.88.0.1",),
    ),
    Host(
        "10.20.9.12",
        hostname="notebook",
        os_release=UOS_DESKTOP,
        cpuinfo=HYGON,
        dmi=firmware("LENOVO", "ThinkBook 14", "SYNTH00004", "6a1c7f2e-3b5d-4e8f-9a01-112233445504"),
        gateway="10.20.8.1",
        interfaces={"wwan0": "10.44.0.5/30"},
    ),
)


def _power(address: str, name: str, **login: Any) -> Agent:
    return Agent(
        address, "APC Web/SNMP Management Card", "1.3.6.1.4.1.318.1.3.27", name, ups("APC", "Smart-UPS 6000"), **login
    )


def _cooling(address: str, name: str, **login: Any) -> Agent:
    return Agent(address, "Stulz WIB8000", "1.3.6.1.4.1.29462.10", name, chassis("Stulz", "WIB8000", ""), **login)


_LOGIN = {"community": CANARIES["LAB_COMMUNITY"]}
_USER = {"users": (SnmpUser("auditor", CANARIES["LAB_AUTH"], CANARIES["LAB_PRIVACY"]),)}

AGENTS = (
    _power("127.20.8.31", "swj-ups", **_LOGIN),
    _cooling("127.20.8.32", "swj-crac", **_LOGIN),
    Agent(
        "127.20.8.33",
        "S5735-L48T4X-A Huawei Versatile Routing Platform Software",
        "1.3.6.1.4.1.2011.2.23.900",
        "swj-sw",
        {
            **ports(("Vlanif1", "00:18:82:08:00:33", "127.20.8.33", "255.255.255.0")),
            **route("10.66.0.0", "255.255.0.0", "127.20.8.254", 1),
            **met(1, "127.20.8.41", "00:50:56:08:00:41"),
            **met(1, "127.20.8.200", "00:50:56:08:02:00"),
            **chassis("Huawei", "S5735-L48T4X-A", "SYNTHSW0001"),
        },
        **_LOGIN,
    ),
    _power("127.20.9.31", "wlj-ups", **_USER),
    _cooling("127.20.9.32", "wlj-crac", **_USER),
)

#: Whose systems of the example city run on the government cloud, and where.
_SYSTEMS = {
    "mzj": {"MZ-002": 12, "MZ-003": 213},
    "jtj": {"JT-001": 21, "JT-004": 22},
    "zrj": {"ZR-001": 31},
    "wjw": {"WJ-002": 41},
    "rsj": {"RS-001": 51, "RS-002": 52, "RS-003": 53, "RS-004": 54},
    "slx": {"SL-002": 71},
    "swj": {"SW-003": 82},
    "wlj": {"WL-001": 91, "WL-002": 92, "WL-003": 93, "WL-005": 94},
}

CLOUD = Plan(
    projects=tuple(Project(f"{department}-prod") for department in (*_SYSTEMS, "old")),
    users=(User("auditor", CANARIES["LAB_CLOUD"], {"admin": "admin"}),),
    networks=(Network("gov-net", "127.20.100.0/24"),),
    images=(Image("debian", "debian", "12"),),
    servers=(
        *(
            Server(
                code.lower(),
                f"{department}-prod",
                "gov-net",
                address=f"127.20.100.{last}",
                metadata={"system": code},
                on=code != "WL-005",
                # One volume, so that the cloud's block storage is there to be asked.
                volume=("票务归档", 1) if code == "WL-002" else None,
            )
            for department, systems in _SYSTEMS.items()
            for code, last in systems.items()
        ),
        Server("swj-old-test", "swj-prod", "gov-net", address="127.20.100.85"),
        Server("forgotten", "old-prod", "gov-net", address="127.20.100.99"),
    ),
)

VCENTER: Mapping[str, Any] = {
    "datacenter": "wlj",
    "cluster": "cluster-1",
    "hosts": [
        {
            "name": f"esx-{number}.wlj.shili.example",
            "vendor": "Sugon",
            "model": "I620-G30",
            "serial": f"SYNTHESX{number}",
            "uuid": f"6a1c7f2e-3b5d-4e8f-9a01-1122334456{number:02d}",
            "cpu": "Hygon C86 7285 32-core Processor",
            "memory_gb": 256,
            "macs": [f"3c:fd:fe:09:00:{number:02d}"],
            "addresses": [f"127.20.9.{70 + number}"],
        }
        for number in (1, 2)
    ],
    "machines": [
        {
            "name": "wlj-oa",
            "folder": "office",
            "guest": "CentOS 7 (64-bit)",
            "hostname": "wlj-oa",
            "uuid": "42000000-2000-4000-8000-000000000901",
            "instance_uuid": "50000000-3000-4000-8000-000000000901",
            "mac": "00:50:56:09:00:01",
            "addresses": ["127.20.9.81"],
            "memory_mb": 8192,
        }
    ],
    "networks": [{"name": "VM Network", "vlan": 0}],
    "datastores": [{"name": "ds-1", "type": "VMFS", "gb": 4096}],
}
