"""Operating systems by their release files. The texts are synthetic, as public sources have them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inventories.model import Strength
from probes.inside import from_raw
from probes.inside.model import Os

Run = Callable[..., str]


def system(run: Run, release: str = "", tool: str = "rpm", **files: str) -> Os:
    parts = {"kernel": "x86_64\n5.10.0\n0", "tools": tool}
    if release:
        parts["file:/etc/os-release"] = release
    parts |= {f"file:/etc/{name.replace('_', '-')}": text for name, text in files.items()}
    return from_raw(run(parts)).os


@pytest.mark.parametrize(
    ("word", "version"),
    [("Tercel", "V10 SP1"), ("Sword", "V10 SP2"), ("Lance", "V10 SP3"), ("Halberd", "V10 SP3-2403"), ("New", "V10")],
)
def test_kylin_server_by_its_code_names(run: Run, word: str, version: str) -> None:
    text = f'NAME="Kylin Linux Advanced Server"\nVERSION="V10 ({word})"\nID="kylin"\nVERSION_ID="V10"'
    got = system(run, text)
    assert (got.id, got.name, got.version) == ("kylin-server", "银河麒麟高级服务器操作系统", version)
    assert got.product == f"银河麒麟高级服务器操作系统 {version}"
    assert "NAME=Kylin Linux Advanced Server" in got.evidence
    assert got.strength is Strength.SEEN_INSIDE


def test_kylin_desktop_has_the_servers_id(run: Run) -> None:
    text = 'NAME="Kylin"\nVERSION="10 (SP1)"\nID=kylin\nID_LIKE=debian\nPRETTY_NAME="Kylin V10 SP1"\nVERSION_ID="v10"'
    got = system(run, text, "dpkg")
    assert (got.id, got.name, got.version, got.family) == ("kylin-desktop", "银河麒麟桌面操作系统", "V10 SP1", "deb")


def test_an_id_of_kylin_alone_is_neither(run: Run) -> None:
    got = system(run, 'NAME="Something"\nID=kylin\nVERSION_ID=10', "dpkg")
    assert (got.id, got.name) == ("kylin", "Something")
    contradiction = system(run, 'NAME="Kylin Linux Advanced Server"\nID=kylin\nVERSION="V10 (Lance)"', "dpkg")
    assert contradiction.id == "kylin"


@pytest.mark.parametrize(
    ("release", "code", "version"),
    [
        ('NAME="UnionTech OS Server 20"\nID="uos"\nVERSION_ID="20"\nVERSION="20"', "uos-server", "20"),
        ('NAME="uos"\nID=uos\nPRETTY_NAME="UnionTech OS Desktop 20 Pro"\nVERSION_ID="20"', "uos-desktop", "20"),
        ('NAME="uos"\nID=uos\nVERSION_ID="20"', "uos", "20"),
        ('NAME="openEuler"\nID="openEuler"\nVERSION="24.03 (LTS-SP2)"', "openeuler", "24.03 (LTS-SP2)"),
        ('NAME="Anolis OS"\nID="anolis"\nVERSION="8.8"', "anolis", "8.8"),
        ('NAME="Deepin"\nID=Deepin\nVERSION="20.9"', "deepin", "20.9"),
        ('NAME="TencentOS Server"\nID="tencentos"\nVERSION="4.2"', "tencentos", "4.2"),
        ('NAME="openKylin"\nID=openkylin\nVERSION="2.0"', "openkylin", "2.0"),
        ('NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION="8.10 (Ootpa)"', "rhel", "8.10"),
        ('NAME="Gentoo"\nID=gentoo\nVERSION_ID="2.14"', "gentoo", "2.14"),
    ],
)
def test_by_os_release(run: Run, release: str, code: str, version: str) -> None:
    got = system(run, release, "")
    assert (got.id, got.version) == (code, version)


def test_release_files_know_a_longer_version(run: Run) -> None:
    release = 'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nVERSION_ID="7"'
    got = system(run, release, centos_release="CentOS Linux release 7.9.2009 (Core)")
    assert (got.id, got.version) == ("centos", "7.9.2009")


@pytest.mark.parametrize(
    ("text", "code", "version"),
    [
        ("CentOS release 6.10 (Final)", "centos", "6.10"),
        ("Red Hat Enterprise Linux Server release 6.5 (Santiago)", "rhel", "6.5"),
    ],
)
def test_systems_older_than_os_release(run: Run, text: str, code: str, version: str) -> None:
    got = system(run, redhat_release=text)
    assert (got.id, got.version) == (code, version)
    assert got.evidence == f"/etc/redhat-release: {text}"


def test_nothing_is_said_where_nothing_was_read(run: Run) -> None:
    got = system(run)
    assert (got.id, got.name, got.version, got.evidence) == ("", "", "", "")
    assert (got.family, got.kernel) == ("rpm", "5.10.0")


def test_a_release_file_is_text_and_no_program(run: Run) -> None:
    got = system(run, 'NAME="$(id)`id`"\nID=x\nVERSION_ID=${HOME}\nexport EVIL=1')
    assert got.name == "$(id)`id`"
    assert got.version == "${HOME}"
