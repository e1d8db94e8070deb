"""The ssh command lines: nothing gets into them that could mean something else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from probes.ssh.options import Door, Unsafe, login, through


def door(**more: object) -> Door:
    return Door(**{"address": "192.0.2.7", "port": 22, "user": "audit", "known_hosts": "l0-known", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "user", ["-oProxyCommand=touch x", "", "a b", "a;b", "a%h", "${HOME}", "$(id)", "a\nb", "a'b", 'a"b', "审计 员"]
)
def test_a_user_name_that_could_be_something_else_is_refused(user: str) -> None:
    with pytest.raises(Unsafe) as caught:
        login(door(user=user), "s", 10)
    assert not user or user not in str(caught.value)


@pytest.mark.parametrize("user", ["root", "audit.reader", "DOMAIN\\audit", "audit@example.com", "a-b_c", "审计"])
def test_user_names_that_systems_have_are_taken(user: str) -> None:
    argv = login(door(user=user), "s", 10)
    assert argv[argv.index("-l") + 1] == user


@pytest.mark.parametrize(
    "address", ["example.com", "-oProxyCommand=x", "192.0.2.7 x", "", "192.0.2.0/24", "fe80::1%eth0;x"]
)
def test_only_literal_addresses_are_connected_to(address: str) -> None:
    with pytest.raises(Unsafe):
        login(door(address=address), "s", 10)


def test_nothing_of_the_operators_is_used_and_nothing_is_passed_on() -> None:
    argv = login(door(key="l0-key"), "s", 10)
    assert argv[:3] == ["ssh", "-F", "none"]
    for option in (
        "StrictHostKeyChecking=yes",
        "UserKnownHostsFile=l0-known",
        "GlobalKnownHostsFile=/dev/null",
        "UpdateHostKeys=no",
        "BatchMode=yes",
        "IdentityFile=l0-key",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "PasswordAuthentication=no",
        "KbdInteractiveAuthentication=no",
        "GSSAPIAuthentication=no",
        "ForwardAgent=no",
        "ForwardX11=no",
        "PermitLocalCommand=no",
        "ControlPersist=no",
    ):
        assert option in argv, option
    assert argv[-2:] == ["--", "192.0.2.7"]
    assert "-i" not in argv


def test_without_known_hosts_every_key_is_unknown() -> None:
    assert "UserKnownHostsFile=/dev/null" in login(door(known_hosts=""), "s", 10)


def test_a_password_login_offers_no_key() -> None:
    argv = login(door(asks=True), "s", 10)
    for option in ("PubkeyAuthentication=no", "IdentityFile=none", "BatchMode=no", "NumberOfPasswordPrompts=1"):
        assert option in argv


def test_curve25519_comes_first_and_others_follow() -> None:
    argv = login(door(), "s", 10)
    kex = next(part for part in argv if part.startswith("KexAlgorithms=")).partition("=")[2].split(",")
    assert kex[0] == "curve25519-sha256"
    assert {"ecdh-sha2-nistp256", "diffie-hellman-group-exchange-sha256"} <= set(kex)
    assert not [name for name in kex if name.endswith("-sha1")]


def test_a_bastion_is_passed_through_by_its_open_connection_alone() -> None:
    argv = login(door(through="l0-bastion-s"), "s", 10)
    proxy = next(part for part in argv if part.startswith("ProxyCommand="))
    assert "-S l0-bastion-s" in proxy and "-o ProxyCommand=false" in proxy and "-W [%h]:%p" in proxy
    assert through("s", "2001:db8::1", "22")[-3:] == ["[2001:db8::1]:22", "--", "bastion"]


def test_ssh_itself_takes_every_option(tmp_path: Path) -> None:
    argv = login(door(key="k"), "s", 10)
    done = subprocess.run([argv[0], "-G", *argv[1:]], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert (said["user"], said["hostname"], said["port"]) == ("audit", "192.0.2.7", "22")
    assert said["stricthostkeychecking"] in ("true", "yes")
    assert said["identityfile"] == "k"
    assert said["kexalgorithms"].startswith("curve25519-sha256,")
    assert said["hostkeyalgorithms"].endswith("ssh-rsa")
