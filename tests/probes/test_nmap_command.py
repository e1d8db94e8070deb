"""Arguments hold flags, integers and our own file names, whatever the profile says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from probes import nmap_command as nmap
from probes.profiles import PROFILES
from probes.scope import Profile

PLAIN = re.compile(
    r"nmap|-{1,2}[a-zA-Z][a-zA-Z-]*|-PS[0-9,-]+|-T[34]|-6|[0-9,-]+|[0-9]+s|[a-z]+\.(txt|xml)|\./page\.nse,ssl-cert(,rdp-ntlm-info)?(,smb-protocols)?"
    r"|http\.max-body-size=\d+,http\.truncated-ok=true"
)


def settings(profile: Profile = PROFILES["normal"], **more: object) -> nmap.Settings:
    return nmap.Settings(
        **{"command": ("nmap",), "profile": profile, "raw": True, "version": 4, "rate": 500, **more}  # type: ignore[arg-type]
    )


def every(given: nmap.Settings) -> list[list[str]]:
    return [nmap.discovery(given, (22, 80)), nmap.ports(given, (22, 80)), nmap.services(given, (22,), 600)]


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("raw", [True, False])
def test_arguments_are_plain(name: str, raw: bool) -> None:
    hostile = replace(PROFILES[name], name="x -oN /etc/passwd; $(id)", retries=10**9, version_intensity=-5)
    for argv in every(settings(hostile, raw=raw)):
        assert all(PLAIN.fullmatch(word) for word in argv), argv
        assert argv[argv.index("-iL") + 1] == "targets.txt"
        assert argv[argv.index("--excludefile") + 1] == "excluded.txt"
        assert argv[argv.index("--max-retries") + 1] == "20"
        assert {"-n", "--noninteractive"} <= set(argv)


def test_without_raw_sockets_the_zones_ports_find_firewalled_hosts() -> None:
    argv = nmap.discovery(settings(raw=False), (22, 2222, 8006))
    assert "--unprivileged" in argv
    assert "-PE" not in argv
    assert "-PS22,80,135,443,445,2222,3389,5236,8006,54321" in argv
    assert "-sT" in nmap.ports(settings(raw=False), (22,))


def test_with_raw_sockets_ping_and_our_own_ports_do() -> None:
    argv = nmap.discovery(settings(), (22, 2222, 8006))
    assert {"--privileged", "-PE", "-PS22,80,135,443,445,3389,5236,54321"} <= set(argv)
    assert "-sS" in nmap.ports(settings(), (22,))


@pytest.mark.parametrize("rate", [0, -3, 1, 700])
def test_every_command_has_a_rate(rate: int) -> None:
    for argv in every(settings(rate=rate)):
        assert argv[argv.index("--max-rate") + 1] == str(max(1, rate))


def test_only_eager_profiles_force_the_rate() -> None:
    assert "--min-rate" in nmap.discovery(settings(PROFILES["fast"]), (22,))
    assert "--min-rate" not in nmap.discovery(settings(PROFILES["gentle"]), (22,))


def test_a_paced_profile_asks_one_thing_at_a_time() -> None:
    argv = nmap.services(settings(PROFILES["gentle"]), (22,), 600)
    assert argv[argv.index("--max-parallelism") + 1] == "1"
    assert argv[argv.index("--max-hostgroup") + 1] == "1"
    assert "--min-hostgroup" not in argv


def scripts(argv: list[str]) -> set[str]:
    return set(argv[argv.index("--script") + 1].split(","))


@pytest.mark.parametrize(
    ("ports", "more"),
    [
        ((22, 80), set()),
        ((80, 3389), {"rdp-ntlm-info"}),
        ((445,), {"smb-protocols"}),
        ((139, 3389), {"rdp-ntlm-info", "smb-protocols"}),
    ],
)
def test_windows_is_asked_only_where_its_ports_are_open(ports: tuple[int, ...], more: set[str]) -> None:
    assert scripts(nmap.services(settings(), ports, 600)) == {"./page.nse", "ssl-cert", *more}


def test_a_paced_profile_opens_no_connection_for_each_dialect() -> None:
    got = scripts(nmap.services(settings(PROFILES["gentle"]), (445, 3389), 600))
    assert got == {"./page.nse", "ssl-cert", "rdp-ntlm-info"}


def test_no_script_that_tries_an_account_is_asked_for() -> None:
    """Both scripts, and what they are built of, as installed: they negotiate, and begin no session."""
    folder = Path("/usr/share/nmap/scripts")
    rdp, smb = ((folder / f"{name}.nse").read_text("utf-8") for name in (nmap.RDP_SCRIPT, nmap.SMB_SCRIPT))
    for text in (rdp, smb):
        assert not re.search(r"start_ex|start_session|get_os|brute|creds|username|password", text)
    assert '"01 00 00 00" ..  -- Type: NTLMSSP Negotiate' in rdp
    assert "smb.list_dialects" in smb
    library = (folder.parent / "nselib" / "smb.lua").read_text("utf-8")
    body = library[library.index("function list_dialects") : library.index("local function start_session_basic")]
    assert "negotiate_v1" in body
    assert "start_session(" not in re.sub(r"(?m)--.*$", "", body)


@pytest.mark.parametrize("ports", [(0,), (65536,), (-1,), ("22 -oN x",), (22.5,)])
def test_what_is_no_port_never_gets_near_nmap(ports: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="no TCP port"):
        nmap.ports_text(ports)  # type: ignore[arg-type]


def test_runs_of_ports_are_put_together() -> None:
    assert nmap.ports_text((8001, 22, 8000, 22, 8002, 65535)) == "22,8000-8002,65535"


def test_a_deadline_leaves_time_for_the_packets_at_their_rate() -> None:
    slow = settings(PROFILES["gentle"], rate=100)
    least = nmap.packets(nmap.DISCOVERY, 256, 50, slow.profile.retries) / 100
    assert nmap.deadline(slow, nmap.DISCOVERY, 256, 50) > least


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_of_this_world(name: str) -> None:
    profile = PROFILES[name]
    assert profile.name == name
    assert profile.ports == tuple(sorted(set(profile.ports)))
    assert {22, 80, 443, 1433, 1521, 3306, 3389, 5236, 54321} <= set(profile.ports)
    assert profile.max_rate // profile.parallel >= 1
    assert PROFILES["gentle"].max_rate < PROFILES["normal"].max_rate < PROFILES["fast"].max_rate
