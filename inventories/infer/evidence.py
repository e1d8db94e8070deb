"""What counts as evidence of what: the tables that the conclusions are drawn by, and nothing else.

Product categories are those of the fingerprints (``category:product``). A product that was only guessed from a port
(strength ``hinted``) is never counted here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: Services that every server offers for its own upkeep: they show that a machine lives, not that a system runs.
UPKEEP_SERVICES = frozenset(
    {
        "domain",
        "epmap",
        "ftp",
        "ident",
        "microsoft-ds",
        "ms-wbt-server",
        "msrpc",
        "netbios-ns",
        "netbios-ssn",
        "nfs",
        "ntp",
        "rpcbind",
        "snmp",
        "ssh",
        "ssl",
        "syslog",
        "tcpwrapped",
        "telnet",
        "unknown",
        "vmware-auth",
        "vnc",
        "wsman",
        "wsmans",
    }
)

#: nmap's names of database services that hold a system's data (caches and search engines are parts of one).
DATABASE_SERVICES = frozenset(
    {
        "dameng",
        "highgo",
        "ibm-db2",
        "kingbase",
        "mongodb",
        "ms-sql-s",
        "mysql",
        "oracle",
        "oracle-tns",
        "oscar",
        "postgresql",
    }
)

#: Categories whose pages manage equipment: such a page is no information system of a department.
EQUIPMENT = frozenset(
    {
        "air_conditioner",
        "camera",
        "cloud_platform",
        "hypervisor",
        "management_controller",
        "network_device",
        "pdu",
        "printer",
        "security_device",
        "storage",
        "ups",
    }
)

#: The role of a host is the first of these that was seen on it.
ROLES: tuple[str, ...] = (
    "hypervisor",
    "cloud_platform",
    "management_controller",
    "ups",
    "pdu",
    "air_conditioner",
    "storage",
    "network_device",
    "security_device",
    "printer",
    "camera",
    "database",
    "middleware",
    "web",
)

#: Pages that a server shows before anybody has put a system on it, and error pages.
EMPTY_PAGES = re.compile(
    r"^(|[45]\d\d\b.*|welcome to (nginx|openresty|caddy|tengine).*|apache2? .*(default|test) page.*|it works!?"
    r"|test page for .*|iis ?\d.*|iis windows.*|apache tomcat/?[\d.]*|index of /.*|directory listing .*|error\b.*"
    r"|(bad request|unauthorized|forbidden|not found|object not found|page not found|service unavailable)\.?"
    r"|document moved|redirecting.*|loading.*|untitled( document)?|无标题文档|没有找到站点|站点创建成功.*"
    r"|恭喜.*站点.*)$",
    re.IGNORECASE,
)

#: Titles of pages that manage equipment which no fingerprint knows.
EQUIPMENT_PAGES = re.compile(
    r"网管|交换机|路由器|防火墙|网络摄像机|硬盘录像机|打印机|管理控制器"
    r"|\bNVR\b|\bIPMI\b|\biDRAC|\biLO ?\d?\b|\bi?BMC\b|LaserJet|RouterOS"
    r"|\b(switch|router|firewall|printer)\b|Synology|QNAP",
    re.IGNORECASE,
)

#: Titles that say what the page is for, not whose system it is: the service is then named by its address.
NAMELESS_PAGES = re.compile(
    r"^((系统|用户|管理员|后台|统一)?(登录|登陆|登錄)(页面|界面|系统)?|首页|主页|欢迎(您|光临|使用)?"
    r"|(login|log in|sign in|home|welcome|index|admin|dashboard)( page)?)$",
    re.IGNORECASE,
)

#: A shorter name is no evidence when it stands in a title.
LEAST_NAME = 4


@dataclass(frozen=True, slots=True)
class Platform:
    """A virtualisation or cloud product that manages machines.

    ``family`` unites what belongs to one installation: a vCenter and its ESXi hosts. ``is_manager`` marks the
    product that one logs in to, ``is_machine`` the one that runs on the bare machine: a vCenter is itself a guest.
    """

    code: str
    family: str
    title: str
    is_manager: bool
    is_machine: bool


#: What a product's name holds → the platform.
PLATFORMS: Mapping[str, Platform] = {
    "vcenter": Platform("vcenter", "vsphere", "VMware vSphere", True, False),
    "esxi": Platform("esxi", "vsphere", "VMware vSphere", False, True),
    "proxmox": Platform("proxmox", "proxmox", "Proxmox VE", True, True),
    "xenserver": Platform("xenserver", "xenserver", "XenServer", False, True),
    "openstack": Platform("openstack", "openstack", "OpenStack", True, False),
    "kubernetes": Platform("kubernetes", "kubernetes", "Kubernetes", True, False),
}

#: Platforms of a host on which a system in a department's network runs on a private cloud.
PRIVATE_PLATFORMS = frozenset({"vsphere", "openstack", "kvm"})


@dataclass(frozen=True, slots=True)
class Sign:
    """One kind of evidence of a machine room: at least ``least`` devices of a category in one place.

    ``stands_in_rooms`` marks what serves a room as a whole (power, cooling), as opposed to a single machine.
    """

    category: str
    title: str
    least: int
    stands_in_rooms: bool


#: ``physical`` counts hosts that are known to be physical and are no hypervisors.
ROOM_SIGNS: tuple[Sign, ...] = (
    Sign("hypervisor", "虚拟化主机", 1, False),
    Sign("management_controller", "服务器带外管理控制器", 1, False),
    Sign("physical", "物理服务器", 3, False),
    Sign("storage", "存储设备", 1, False),
    Sign("ups", "不间断电源", 1, True),
    Sign("pdu", "机柜配电单元", 1, True),
    Sign("air_conditioner", "机房空调", 1, True),
)

#: Kinds of evidence that must agree before a room is concluded.
LEAST_SIGNS = 2

#: (machines at least, room devices at least, confidence), the first that holds. Below the last, nothing is
#: concluded: one server under a desk has a hypervisor, a management controller and perhaps a UPS.
ROOM_CONFIDENCE: tuple[tuple[int, int, float], ...] = ((3, 1, 0.9), (2, 1, 0.8), (3, 0, 0.7), (2, 0, 0.5))
