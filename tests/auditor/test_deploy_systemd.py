"""``deploy systemd`` and ``deploy container``: what the files say, for whom, and which values they refuse.

No systemd runs here. What it makes of the units, ``tests/lab/test_systemd.py`` asks its own programs.
"""

from __future__ import annotations

import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.ending import main
from auditor.schedule.cron import read_cron
from auditor.systemd import words
from auditor.systemd.calendar import on_calendar
from auditor.systemd.hardening import Reach, hardening
from inventories.signing import new_key

SITE: dict[str, Any] = {
    "site": "tiny",
    "name": "小市",
    "bureau": "小市数据局",
    "region": "140800",
    "packs": ["yuncheng-2021"],
    "schedule": {"judge": "30 6 * * 1-5", "jitter_seconds": 300},
}
KEY = new_key("far")
LEAVE = [{"document": "授权1号", "approver": "分管领导", "from": "2020-01-01", "to": "2099-12-31"}]


def zone(name: str, number: int, *crons: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "vantage": "here",
        "department": "mzj",
        "prefixes": [f"10.0.{number}.0/24"],
        "authorisations": LEAVE,
        "schedule": [{"cron": cron} for cron in crons],
        **more,
    }


ZONES = [
    zone(
        "mzj",
        1,
        access={"ssh": [{"user": "audit", "key": "systemd:mzj-key", "known_hosts": "known"}]},
        schedule=[{"cron": "0 22 * * *"}, {"cron": "0 3 1 * *"}, {"cron": "0 12 * * 0", "probes": ["ssh"]}],
    ),
    zone("jtj", 2, "15 1 * * 6", access={"snmp": [{"community": "systemd:jtj-snmp"}]}),
    zone("far", 3, "0 2 * * *", by="worker"),
    zone("cut-off", 4, by="bundle"),
]
WORKERS = {
    "broker": "amqps://broker.example.gov.cn",
    "password": "systemd:broker",
    "signing_key": "systemd:centre-key",
}


class Deployment:
    """A site outside of what services cannot see, and the folder that its units are written into."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # A test's folder lies in /tmp, which a service has its own of.
        monkeypatch.setattr(words, "_HIDDEN", ("/home", "/root"))
        self.site, self.units = tmp_path / "site", tmp_path / "units"
        self.site.mkdir()
        (self.site / "known").touch()
        self.write()

    def write(self, **changes: Any) -> None:
        body = {**SITE, "zones": ZONES, **changes}
        if any(one.get("by") == "worker" for one in body["zones"]):
            body |= {"workers": WORKERS, "keys": [{"id": "far", "public": str(KEY.public), "zones": ["far"]}]}
        (self.site / "site.yaml").write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")

    def __call__(self, *options: str) -> int:
        return main(["deploy", "systemd", str(self.units), "--site", str(self.site), *options])

    def text(self, name: str) -> str:
        return (self.units / name).read_text(encoding="utf-8")

    def lines(self, name: str, key: str) -> list[str]:
        return [line.partition("=")[2] for line in self.text(name).splitlines() if line.startswith(f"{key}=")]

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.units.iterdir()}


@pytest.fixture
def deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(tmp_path, monkeypatch)


def raw(text: str) -> bool:
    return "AF_PACKET" in text or "CAP_NET_RAW" in text


# --- what is written -----------------------------------------------------------------------------


def test_a_scheduler_and_the_figures_beside_it(deploy: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy() == 0
    assert deploy.names == {
        *("auditor-metrics.service", "auditor-scan.service", "auditor-thin.service", "auditor-thin.timer"),
        "auditor-units.sha256",
    }
    assert raw(deploy.text("auditor-scan.service")) and not raw(deploy.text("auditor-metrics.service"))
    (start,) = deploy.lines("auditor-metrics.service", "ExecStart")
    assert start == (f"/opt/auditor/bin/auditor serve --metrics-only --listen 127.0.0.1:9464 --site {deploy.site}")
    (start,) = deploy.lines("auditor-scan.service", "ExecStart")
    assert start == f"/opt/auditor/bin/auditor serve --listen 127.0.0.1:9465 --site {deploy.site}"
    err = capsys.readouterr().err
    assert "systemctl enable --now auditor-metrics.service auditor-scan.service auditor-thin.timer" in err
    assert f"install -d -m 0700 -o auditor -g auditor '{deploy.site}/state' '{deploy.site}/out'" in err
    assert stat.S_IMODE((deploy.units / "auditor-scan.service").stat().st_mode) == 0o644


def test_timers_instead(deploy: Deployment) -> None:
    assert deploy("--variant", "timer") == 0
    pairs = ("audit", "thin", "probe@mzj", "probe@mzj.2", "probe@jtj", "probe@far")
    assert deploy.names == {
        "auditor-metrics.service",
        "auditor-units.sha256",
        *(f"auditor-{name}.{kind}" for name in pairs for kind in ("service", "timer")),
    }
    assert deploy.lines("auditor-probe@mzj.timer", "OnCalendar") == [
        "*-*-* 22:00:00 Asia/Shanghai",
        "*-*-01 03:00:00 Asia/Shanghai",
    ]
    assert deploy.lines("auditor-probe@mzj.2.timer", "OnCalendar") == ["Sun *-*-* 12:00:00 Asia/Shanghai"]
    assert deploy.lines("auditor-audit.timer", "OnCalendar") == ["Mon,Tue,Wed,Thu,Fri *-*-* 06:30:00 Asia/Shanghai"]
    assert deploy.lines("auditor-probe@jtj.timer", "RandomizedDelaySec") == ["300"]
    assert deploy.lines("auditor-audit.timer", "RandomizedDelaySec") == []
    for name in deploy.names:
        if name.endswith(".timer"):
            assert deploy.lines(name, "Persistent") == ["yes"]


def test_only_what_sends_packets_of_its_own_may_open_raw_sockets(deploy: Deployment) -> None:
    assert deploy("--variant", "timer") == 0
    services = {name: raw(deploy.text(name)) for name in deploy.names if name.endswith(".service")}
    assert {name for name, may in services.items() if may} == {
        "auditor-probe@mzj.service",
        "auditor-probe@jtj.service",
    }, "mzj.2 only logs in, and far is looked at by its worker"


def test_a_unit_is_handed_its_own_zones_credentials_only(deploy: Deployment) -> None:
    assert deploy("--variant", "timer") == 0
    handed = {name: deploy.lines(name, "LoadCredential") for name in deploy.names if name.endswith(".service")}
    folder = "/etc/auditor/credentials"
    assert handed["auditor-probe@mzj.service"] == [f"mzj-key:{folder}/mzj-key"]
    assert handed["auditor-probe@jtj.service"] == [f"jtj-snmp:{folder}/jtj-snmp"]
    assert handed["auditor-probe@far.service"] == [f"broker:{folder}/broker", f"centre-key:{folder}/centre-key"]
    assert handed["auditor-metrics.service"] == handed["auditor-audit.service"] == []
    assert deploy("--force", "--encrypted") == 0
    assert f"mzj-key:{folder}/mzj-key.cred" in deploy.lines("auditor-scan.service", "LoadCredentialEncrypted")
    assert len(deploy.lines("auditor-scan.service", "LoadCredentialEncrypted")) == 4


def test_how_far_a_unit_reaches_follows_the_ledger(deploy: Deployment) -> None:
    assert deploy("--variant", "timer") == 0
    assert deploy.lines("auditor-audit.service", "PrivateNetwork") == ["yes"]
    assert deploy.lines("auditor-metrics.service", "IPAddressAllow") == ["localhost"]
    for url, allowed, denied in (
        ("postgresql://auditor@127.0.0.1/auditor", ["localhost"], ["any"]),
        ("postgresql://auditor@db.example.gov.cn/auditor", [], []),
    ):
        deploy.write(ledger={"url": url, "password": "systemd:ledger"})
        assert deploy("--variant", "timer") == 0
        for name in ("auditor-audit.service", "auditor-metrics.service"):
            assert deploy.lines(name, "PrivateNetwork") == []
            assert deploy.lines(name, "IPAddressAllow") == allowed and deploy.lines(name, "IPAddressDeny") == denied
            assert deploy.lines(name, "LoadCredential") == ["ledger:/etc/auditor/credentials/ledger"]
    deploy.write()
    assert deploy("--listen", "0.0.0.0:9464") == 0
    assert deploy.lines("auditor-metrics.service", "IPAddressDeny") == [], "who may ask is the firewall's to say"


def test_what_timers_cannot_do_is_said(deploy: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    deploy.write(schedule={"avoid": ["holidays"], "announce_days": 2, "contact": "网络运维科"})
    assert deploy("--variant", "timer") == 0
    err = capsys.readouterr().err
    for words_ in ("know no holidays", "announce nothing", "nothing judges what the timers bring home"):
        assert words_ in err
    assert "auditor-audit.timer" not in deploy.names


def test_secrets_that_no_unit_hands_over_are_named(deploy: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    deploy.write(zones=[zone("jtj", 2, access={"snmp": [{"community": "env:JTJ_SNMP"}]})])
    assert deploy() == 0
    assert "env:JTJ_SNMP is in no unit's environment" in capsys.readouterr().err


def test_a_worker_has_a_unit_of_its_own(deploy: Deployment, tmp_path: Path) -> None:
    config = {
        "site": "tiny",
        "zone": "far",
        "vantage": "inside",
        "prefixes": ["10.0.3.0/24"],
        "secrets": ["systemd:far-key"],
        "broker": {"address": "amqps://broker.example.gov.cn", "password": "systemd:far-broker"},
        "centre": [{"id": "centre", "public": str(KEY.public)}],
        "signing_key": "systemd:far-signing",
        "state": "/var/lib/auditor/far",
    }
    file = tmp_path / "worker.yaml"
    file.write_text(json.dumps(config, indent=1), encoding="utf-8")
    assert deploy("--worker", str(file)) == 0
    assert deploy.names == {"auditor-worker@far.service", "auditor-workers.sha256"}
    name = "auditor-worker@far.service"
    assert raw(deploy.text(name)) and deploy.lines(name, "ReadWritePaths") == ['"/var/lib/auditor/far"']
    assert deploy.lines(name, "ExecStart") == [f"/opt/auditor/bin/auditor worker --zone far --config {file}"]
    assert len(deploy.lines(name, "LoadCredential")) == 3
    assert deploy() == 0 and name in deploy.names, "a site's units beside it take nothing of it away"


def test_site_files_are_read_only_and_state_is_not(deploy: Deployment) -> None:
    assert deploy() == 0
    for name in ("auditor-scan.service", "auditor-metrics.service"):
        assert deploy.lines(name, "ReadOnlyPaths") == [f'"{deploy.site}"']
        assert deploy.lines(name, "ReadWritePaths") == [f'"{deploy.site}/state" "{deploy.site}/out"']
        for line in ("UMask=0077", "NoNewPrivileges=yes", "ProtectSystem=strict", "User=auditor", "LimitCORE=0"):
            assert line in deploy.text(name)


# --- what a person edited -----------------------------------------------------------------------------


def test_edited_units_stop_it_and_zones_that_went_take_theirs_along(
    deploy: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy("--variant", "timer") == 0
    mine = deploy.units / "auditor-probe@jtj.service"
    mine.write_text(mine.read_text() + "Nice=19\n")
    (deploy.units / "sshd.service").write_text("[Service]\n")
    assert deploy("--variant", "timer") == 2
    assert f"{mine} was edited" in capsys.readouterr().err
    deploy.write(zones=[ZONES[1]])
    assert deploy("--variant", "timer", "--force") == 0
    assert "auditor-probe@mzj.service" not in deploy.names and "sshd.service" in deploy.names
    assert (deploy.units / "auditor-probe@jtj.service.bak").read_text().endswith("Nice=19\n")
    capsys.readouterr()
    assert deploy("--variant", "timer", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert not body["written"] and body["same"] and not body["left"]


def test_two_sites_on_one_machine(deploy: Deployment) -> None:
    assert deploy() == 0 and deploy("--name", "county") == 0
    assert {"county-scan.service", "auditor-scan.service"} <= deploy.names
    assert deploy.lines("county-scan.service", "StateDirectory") == ["county"]


# --- hostile values -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ("--user", "root"),
        ("--user", "a b"),
        ("--user", "0"),
        ("--user", "x\nExecStartPre=/bin/sh"),
        ("--program", "auditor"),
        ("--program", "/opt/../bin/sh"),
        ("--program", "/home"),
        ("--program", "/opt/a\nb"),
        ("--program", '/opt/a"b'),
        ("--program", "/opt/$HOME/auditor"),
        ("--program", "/opt/\x1b[31m"),
        ("--program", "/opt/\u202eevil"),
        ("--credentials", "relative"),
        ("--credentials", "/etc/a\nExecStartPre=/bin/sh"),
        ("--listen", "9464"),
        ("--listen", "127.0.0.1:9464 --debug"),
        ("--health", "127.0.0.1:9464"),
        ("--name", "../sshd"),
        ("--name", "a@b"),
        ("--variant", "both"),
    ],
)
def test_hostile_values_write_nothing(deploy: Deployment, options: tuple[str, str]) -> None:
    assert deploy(*options) == 2
    assert not deploy.units.exists()


def test_a_site_where_a_service_sees_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Deployment(tmp_path, monkeypatch)
    monkeypatch.undo()
    assert made() == 2
    assert "lies where a service sees nothing" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a b", "100%h", 'quo"te', "it's", "back\\slash", "$HOME", "${x}", "; rm", "市"])
def test_odd_paths_stay_one_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).mkdir()
    deploy = Deployment(tmp_path / name, monkeypatch)
    assert deploy() == 0
    (start,) = deploy.lines("auditor-scan.service", "ExecStart")
    assert split(start)[-1] == str(deploy.site)
    (paths,) = deploy.lines("auditor-scan.service", "ReadWritePaths")
    assert split(paths, variables=False) == [f"{deploy.site}/state", f"{deploy.site}/out"]


def split(text: str, *, variables: bool = True) -> list[str]:
    """Words as systemd.syntax(7) and systemd.unit(5) say that they are read: quotes, escapes, then specifiers."""
    out = []
    for match in re.finditer(r'"((?:[^"\\]|\\.)*)"|(\S+)', text):
        word = re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]
        assert not re.search(r"(?<!%)(?:%%)*%(?!%)", word), "a specifier"
        word = word.replace("%%", "%")
        if variables:
            assert not re.search(r"(?<!\$)(?:\$\$)*\$(?!\$)", word), "a variable"
            word = word.replace("$$", "$")
        out.append(word)
    return out


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=40))
def test_any_word_comes_back_as_it_was(text: str) -> None:
    assert split(words.argument(text)) == [text]
    assert split(words.word(text), variables=False) == [text]


# --- the clock -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 22 * * *", ["*-*-* 22:00:00"]),
        ("*/15 8-18 * * mon-fri", ["Mon,Tue,Wed,Thu,Fri *-*-* 08..18:00,15,30,45:00"]),
        ("0 3 1,15 * *", ["*-*-01,15 03:00:00"]),
        ("0 3 1 1-6/2 *", ["*-01,03,05-01 03:00:00"]),
        ("30 4 13 * 5", ["*-*-13 04:30:00", "Fri *-*-* 04:30:00"]),
        ("* * * * *", ["*-*-* *:*:00"]),
        ("0 0 * * 7", ["Sun *-*-* 00:00:00"]),
    ],
)
def test_cron_as_systemd_says_it(cron: str, expected: list[str]) -> None:
    assert list(on_calendar(read_cron(cron), "Asia/Shanghai")) == [f"{one} Asia/Shanghai" for one in expected]
    assert read_cron(cron).following(datetime(2026, 1, 1, tzinfo=UTC), UTC) is not None


def test_reach_and_what_it_allows() -> None:
    assert [reach for reach in Reach if raw("\n".join(hardening(reach)))] == [Reach.RAW]
    for reach in Reach:
        keys = [line.partition("=")[0] for line in hardening(reach)]
        assert {key for key in keys if keys.count(key) > 1} <= {"SystemCallFilter"}


# --- the container -----------------------------------------------------------------------------


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a container file, continued lines put together."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text))
    return [(line.split()[0], " ".join(line.split()[1:])) for line in joined.splitlines() if line.strip()]


def test_the_container_file(tmp_path: Path) -> None:
    """It cannot be built here: there is no network, and no builder. What can be read off it, is."""
    assert main(["deploy", "container", str(tmp_path / "c")]) == 0
    text = (tmp_path / "c" / "Containerfile").read_text(encoding="utf-8")
    said = instructions(text)
    known = {"ARG", "FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in said} <= known
    assert ("ARG", "BASE=debian:12-slim") in said
    assert [rest for word, rest in said if word == "FROM"] == ["${BASE} AS install", "${BASE}"], "no registry's host"
    last_stage = said[max(n for n, (word, _) in enumerate(said) if word == "FROM") :]
    order = [word for word, _ in last_stage]
    assert dict(last_stage)["USER"] == "10001:10001"
    assert "RUN" not in order[order.index("USER") :], "nothing is done after the rights are given up"
    runs = " ".join(rest for word, rest in said if word == "RUN")
    for unwanted in ("curl", "wget", "pip install", "http:", "https:", "--privileged", "sudo", "chmod 777"):
        assert unwanted not in runs
    assert re.findall(r"setcap (\S+) (\S+)", runs) == [("cap_net_raw+ep", "/usr/bin/nmap")]
    assert runs.count("apt-get update") == runs.count("rm -rf /var/lib/apt/lists/*") == 2
    for word, rest in said:
        assert word != "ADD" and not re.search(r"(?i)(password|secret|token|_key)\s*=", f"{word} {rest}")
    for word, rest in said:
        if word in ("CMD", "ENTRYPOINT", "VOLUME"):
            assert all(isinstance(one, str) for one in json.loads(rest)), "the form without a shell"
    assert (tmp_path / "c" / ".containerignore").read_text() == "*\n!auditor-*-offline-*.tar.gz\n"
    with (tmp_path / "c" / "Containerfile").open("a") as stream:
        stream.write("# mine\n")
    assert main(["deploy", "container", str(tmp_path / "c")]) == 2
