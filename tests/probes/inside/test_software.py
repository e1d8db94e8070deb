"""Products by the names of packages, processes and directories: running is seen, installed alone is a hint."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inventories.model import Fact, Observation, Strength
from probes.inside import from_raw
from probes.inside.model import Inside, Listener, Package
from probes.inside.software import known_packages, plain_version, products

INSIDE, HINTED = Strength.SEEN_INSIDE, Strength.HINTED

Run = Callable[..., str]
Observe = Callable[..., Observation]
Told = Callable[[Observation, str], dict[object, Fact]]


def found(*processes: str, **more: object) -> dict[str, tuple[Strength, str]]:
    inside = Inside(processes=processes, **more)  # type: ignore[arg-type]
    return {str(product): (product.strength, product.evidence) for product in products(inside)}


@pytest.mark.parametrize(
    ("process", "product", "strength"),
    [
        ("dmserver", "database:达梦 DM", INSIDE),
        ("kingbase", "database:人大金仓 KingbaseES", INSIDE),
        ("gaussdb", "database:openGauss 系列数据库", INSIDE),
        ("gbased", "database:南大通用 GBase 8a", INSIDE),
        ("oscar", "database:神通数据库 Oscar", HINTED),
        ("ora_pmon_orcl", "database:Oracle Database", INSIDE),
        ("postgres", "database:PostgreSQL 协议数据库", HINTED),
        ("mysqld", "database:MySQL 协议数据库", HINTED),
        ("qemu-system-x86", "hypervisor:KVM/QEMU", INSIDE),
        ("libvirtd", "hypervisor:libvirt", HINTED),
        ("kube-apiserver", "cloud_platform:Kubernetes", INSIDE),
        ("kubelet", "container:kubelet", INSIDE),
    ],
)
def test_processes(process: str, product: str, strength: Strength) -> None:
    got = found(process)
    assert {name: told[0] for name, told in got.items()} == {product: strength}
    assert got[product][1] == f"进程 {process}"


@pytest.mark.parametrize("name", ["dmserver2", "xkingbase", "asm_pmon_+ASM", "bash", "java", "kvm-nx-lpage-re"])
def test_names_that_only_look_alike(name: str) -> None:
    assert found(name) == {}


def test_a_common_word_counts_where_its_port_is_listened_on() -> None:
    assert found("observer") == {}
    got = found("observer", listeners=(Listener(2881, "tcp", "", "observer"),))
    assert got["database:OceanBase"] == (INSIDE, "进程 observer，监听 2881/tcp")


def test_a_running_package_names_its_product_and_version() -> None:
    got = found("mysqld", packages=(Package("mariadb-server", "10.3.39", "rpm"),))
    assert got == {"database:MariaDB 10.3.39": (INSIDE, "rpm: mariadb-server 10.3.39；进程 mysqld")}


def test_an_installed_package_alone_is_a_hint() -> None:
    got = found(packages=(Package("postgresql-15", "15.18", "dpkg"),))
    assert got == {"database:PostgreSQL 15.18": (HINTED, "dpkg: postgresql-15 15.18；已安装；未见运行")}


def test_a_folder_is_a_hint_that_gives_a_version() -> None:
    assert found(folders=("/opt/TongWeb7.0.4.9",)) == {
        "middleware:东方通 TongWeb 7.0.4.9": (HINTED, "目录 /opt/TongWeb7.0.4.9；未见运行")
    }
    both = found("dmserver", folders=("/opt/dmdbms",))
    assert both == {"database:达梦 DM": (INSIDE, "进程 dmserver；目录 /opt/dmdbms")}


def test_a_java_server_is_named_by_its_class() -> None:
    got = found("java", words=("org.apache.catalina.startup.Bootstrap",))
    assert got["middleware:Apache Tomcat"][0] is INSIDE


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1:10.11.6-0+deb12u1", "10.11.6"),
        ("(none):2.4", "2.4"),
        ("7.0.15-1~deb12u6", "7.0.15"),
        ("8.2.0-40.oe2403sp2", "8.2.0"),
        ("20.10.24+dfsg1-1+deb12u1", "20.10.24"),
        ("", ""),
    ],
)
def test_versions_are_their_makers(text: str, version: str) -> None:
    assert plain_version(text) == version


def test_other_packages_are_not_kept() -> None:
    lines = [
        ("rpm", "nginx", "1.21-4"),
        ("rpm", "vim", "8"),
        ("rpm", "secret-tool", "1"),
        ("rpm", "nginx-mod-x", "1"),
    ]
    assert known_packages(lines) == (Package("nginx", "1.21", "rpm"),)


def test_products_stand_by_category_and_name(run: Run, observe: Observe, told: Told) -> None:
    raw = run({"processes": "Name:\tnginx\nName:\tqemu-kvm", "packages": "rpm\tqemu-kvm\t6.2.0-1"})
    seen = observe(from_raw(raw))
    assert set(told(seen, "products")) == {"web:nginx", "hypervisor:KVM/QEMU 6.2.0"}
    assert set(told(seen, "hypervisor")) == {"KVM/QEMU 6.2.0"}
