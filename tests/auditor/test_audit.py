"""The audit as a person runs it: real nmap, real listeners.

In a process of its own are a first look at everything, and whatever is killed, interrupted or starved on purpose.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

if TYPE_CHECKING:
    from tests.auditor.conftest import City

OWN = "市民政局,MZ-1,救助系统,运行,自建机房,{net}.3"
RULE = "yuncheng-2021/migrate-to-cloud"


@pytest.fixture
def small(city: City) -> City:
    """One zone, one registered system that is declared to run in the department, and a server that answers there."""
    city.site(city.zone())
    city.registers(OWN.format(net=city.net))
    city.listen(3)
    return city


def fared(done: dict[str, Any], probe: str = "nmap", zone: str = "mzj") -> dict[str, Any]:
    """How a probe fared in a zone."""
    row: dict[str, Any]
    (row,) = [row for row in done["zones"] if (row["probe"], row["zone"]) == (probe, zone)]
    return row


def test_a_first_audit_finds_and_a_second_opens_nothing(city: City) -> None:
    small = city
    small.site(small.zone())
    small.registers(OWN.format(net=small.net))
    small.listen(3, "救助系统")
    first = small.audit()
    assert first["exit"] == 0, first["stderr"]
    assert first["changes"]["new"] == len(first["findings"]) > 0
    (finding,) = [f for f in first["findings"] if f["rule"] == RULE]
    assert finding["orderable"], finding["not_orderable_because"]
    assert any(f["column"] == "hosting" and f["strength"] == "seen_outside" for f in finding["facts"])
    alone = small.process("audit", "--json")
    assert alone.returncode == 0, alone.stderr
    second = json.loads(alone.stdout)
    assert second["changes"]["new"] == 0
    assert second["changes"]["still_open"] == len(first["findings"])
    assert {f["id"] for f in second["findings"]} == {f["id"] for f in first["findings"]}
    assert small.process("snapshot", "verify").returncode == 0
    replay = json.loads(small.process("snapshot", "replay", "--json").stdout)
    assert replay["same"]
    explained = json.loads(small.process("explain", finding["id"], "--json").stdout)
    assert explained["basis"][0]["article"] == "第三十三条"
    assert explained["history"][0]["state"] == "open"


def test_what_it_writes_is_its_owners_only_and_where_it_says(small: City) -> None:
    done = small.audit()
    for path in [done["written"]["ledger"], *done["written"]["notices"], *done["written"]["drafter_notes"]]:
        assert Path(path).is_file()
        assert Path(path).stat().st_mode & 0o077 == 0, path
    for path in (small.root / "state").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert "auditor_findings{" in Path(done["written"]["metrics"]).read_text(encoding="utf-8")
    assert not list((small.root / "state" / "runs").iterdir())


def test_a_probe_that_fails_leaves_findings_open_and_stale(small: City) -> None:
    before = small.audit()
    environment = small.wrapped_nmap('case "$*" in *--version*|*-V*) exec "$REAL" "$@";; esac\nexit 1')
    after = small.audit(env=environment)
    assert after["exit"] == 4
    assert after["changes"]["resolved"] == 0
    assert {f["id"] for f in after["findings"]} >= {f["id"] for f in before["findings"] if f["rule"] == RULE}
    assert not fared(after)["success"]


@pytest.mark.parametrize(
    "script",
    [
        'case "$*" in *-oX*) echo "<nmaprun><host>" ;; *) exec "$REAL" "$@";; esac',
        'case "$*" in *-oX*) kill -9 $$ ;; *) exec "$REAL" "$@";; esac',
    ],
    ids=["no report", "killed half-way"],
)
def test_a_broken_nmap_is_a_failure_and_no_empty_network(small: City, script: str) -> None:
    done = small.audit(env=small.wrapped_nmap(script))
    assert done["exit"] == 4
    assert "Traceback" not in done["stderr"]
    assert fared(done)["covered_ratio"] == 0


def test_a_missing_nmap_says_what_to_do(small: City) -> None:
    done = small.audit(env={**os.environ, "PATH": "/nonexistent"})
    assert done["exit"] == 4
    assert "apt-get install" in done["stderr"]
    assert fared(done)["problems"] == ["未安装探测程序"]
    assert fared(done, "endpoints")["success"], "what needs no nmap is looked at all the same"


def test_a_service_that_vanishes_is_gone_after_two_covered_audits_and_comes_back_as_itself(small: City) -> None:
    extra = small.listen(5, "没有登记的系统")
    first = small.audit()
    (lead,) = [f for f in first["findings"] if f["asset_name"] == "没有登记的系统"]
    assert lead["bite"] == "lead" and not lead["orderable"]
    extra.close()
    small.listeners.remove(extra)
    once = small.audit()
    assert [f["state"] for f in once["findings"] if f["id"] == lead["id"]] == ["stale"]
    small.audit()
    (gone,) = [f for f in small.findings("--all") if f["id"] == lead["id"]]
    assert (gone["state"], gone["reason"]) == ("resolved", "gone")
    small.listen(5, "没有登记的系统")
    back = small.audit()
    (again,) = [f for f in back["findings"] if f["id"] == lead["id"]]
    assert again["state"] == "reopened"


def test_without_leave_not_one_packet(city: City) -> None:
    city.site(city.zone(to="2021-01-01"))
    city.registers()
    witness = city.listen(3)
    done = city.run("audit")
    assert done.returncode == 2
    assert "2021-01-01" in done.stderr
    assert city.run("plan").returncode == 2
    assert witness.calls == 0
    assert not (city.root / "state" / "snapshots").exists()


def test_what_is_excluded_is_never_touched(small: City) -> None:
    fragile = small.listen(7)
    # Said twice: nmap would not end of a list that names a network two times.
    twice = "".join(f"    {key}: [{{prefix: {small.net}.7/32, reason: 老旧}}]\n" for key in ("exclude", "fragile"))
    small.site(small.zone(more=twice))
    assert small.audit()["exit"] == 0
    assert fragile.calls == 0


def test_a_zone_without_leave_beside_one_with_is_done_in_part(small: City) -> None:
    small.site(small.zone() + small.zone("second", f"{small.net}.32/28", to="2021-01-01"))
    witness = small.listen(35)
    done = small.audit()
    assert done["exit"] == 4
    assert witness.calls == 0
    assert fared(done, zone="mzj")["success"] and not fared(done, zone="second")["success"]
    assert not fared(done, "endpoints", zone="second")["success"]


def test_leaving_a_zone_out_does_not_age_its_findings(small: City) -> None:
    small.site(small.zone() + small.zone("second", f"{small.net}.32/28"))
    small.listen(35, "别处的系统")
    first = small.audit()
    (lead,) = [f for f in first["findings"] if f["asset_name"] == "别处的系统"]
    assert small.audit("--zone", "mzj")["left_out"] == ["second"]
    (same,) = [f for f in small.findings() if f["id"] == lead["id"]]
    assert same["state"] == "open"
    assert same["last_confirmed_at"] == lead["last_confirmed_at"]


def test_an_unknown_zone_or_probe_is_refused_with_the_nearest_name(small: City) -> None:
    done = small.run("audit", "--zone", "mzjj")
    assert done.returncode == 2 and "did you mean 'mzj'?" in done.stderr
    assert small.run("audit", "--probe", "nmpa").returncode == 2


def test_fail_on_counts_only_when_everything_was_seen(small: City) -> None:
    assert small.run("audit", "--fail-on", "high").returncode == 1
    assert small.run("audit", "--fail-on", "critical").returncode == 0
    small.site(small.zone() + small.zone("second", f"{small.net}.32/28", to="2021-01-01"))
    assert small.run("audit", "--fail-on", "high").returncode == 4
    assert small.run("audit", "--fail-on", "hihg").returncode == 2


def test_the_emergency_stop_holds_until_it_is_cleared(small: City) -> None:
    assert small.run("stop").returncode == 0
    refused = small.run("audit")
    assert refused.returncode == 2 and "stop --clear" in refused.stderr
    assert small.listeners[0].calls == 0
    assert small.run("stop", "--clear").returncode == 0
    assert small.audit()["exit"] == 0


SLOW = 'for a in "$@"; do [ -f "$a" ] && grep -q "NET.3[2-9]" "$a" && sleep 60; done\nexec "$REAL" "$@"'


def started(city: City, *arguments: str) -> subprocess.Popen[str]:
    """An audit whose second zone hangs in a slow nmap, once everything else is finished (by nmap and endpoints)."""
    city.site(city.zone() + city.zone("second", f"{city.net}.32/28"))
    process = subprocess.Popen(
        city.command("audit", *arguments),
        env=city.wrapped_nmap(SLOW.replace("NET", city.net)),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list((city.root / "state" / "runs").glob("*/shards/[!.]*"))) < 3:
        assert time.monotonic() < deadline and process.poll() is None, process.stderr
        time.sleep(0.05)
    return process


def sleepers(city: City) -> list[int]:
    """Processes that were started with this city's own nmap."""
    out = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(city.root / "bin" / "nmap").encode() in entry.read_bytes():
                out.append(int(entry.parent.name))
    return out


def test_ctrl_c_ends_every_nmap_and_says_how_to_go_on(small: City) -> None:
    process = started(small)
    assert sleepers(small)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "--resume" in err and "Traceback" not in err
    assert not sleepers(small)


def test_a_killed_audit_leaves_a_sound_ledger_and_resumes_where_it_stood(small: City) -> None:
    process = started(small)
    process.kill()
    process.communicate(timeout=30)
    for orphan in sleepers(small):
        with contextlib.suppress(ProcessLookupError):
            os.kill(orphan, signal.SIGKILL)
    assert not list((small.root / "state").glob("snapshots/*"))
    calls = small.listeners[0].calls
    assert calls > 0
    resumed = small.audit("--resume")
    assert resumed["exit"] == 0, resumed["stderr"]
    assert small.listeners[0].calls == calls, "a finished shard was scanned again"
    assert any(f["rule"] == RULE for f in resumed["findings"])
    assert small.run("audit", "--resume").returncode == 2


def test_an_audit_of_some_zones_goes_on_as_that_and_never_after_a_later_one(small: City) -> None:
    process = started(small, "--zone", "mzj", "--zone", "second")
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=30)
    assert "--resume --site" in err, "both zones are all there are"
    small.site(small.zone() + small.zone("second", f"{small.net}.32/28"))
    refused = small.run("audit", "--resume")
    assert refused.returncode == 2 and "--resume --zone mzj --zone second" in refused.stderr
    assert small.audit()["exit"] == 0
    assert small.run("audit", "--resume", "--zone", "mzj", "--zone", "second").returncode == 2


def test_two_audits_at_once_the_second_says_who_holds_the_lock(small: City) -> None:
    process = started(small)
    second = small.run("audit")
    assert second.returncode == 2
    assert str(process.pid) in second.stderr
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_stop_ends_a_running_audit(small: City) -> None:
    process = started(small)
    assert small.run("stop").returncode == 0
    _out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert not sleepers(small)


def test_hostile_text_reaches_no_terminal_no_formula_and_no_markup(city: City) -> None:
    city.site(city.zone())
    city.registers()
    city.listen(3, "\x1b]0;owned\x07=cmd|'/c calc'!A1 [bold red]<script>" + "长" * 20_000)
    done = city.run("audit")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr and "\x07" not in done.stdout
    written = (city.root / "out" / "metrics.prom").read_text(encoding="utf-8")
    assert "script" not in written and "owned" not in written
    book = openpyxl.load_workbook(city.root / "out" / "ledger.xlsx")
    for sheet in book:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)


def test_a_classified_row_is_found_nowhere(small: City) -> None:
    small.register(
        "systems",
        "所属部门,系统编号,系统名称,系统状态,部署位置,IP地址,是否涉密",
        OWN.format(net=small.net) + ",否",
        f"市民政局,MZ-9,绝不可见系统,运行,自建机房,{small.net}.9,是",
    )
    secret = small.listen(9, "绝不可见系统")
    done = small.audit()
    assert "1 classified rows" in done["stderr"]
    assert secret.calls == 0, "the address of a classified system was probed"
    needles = [text.encode() for text in ("绝不可见", "MZ-9", f"{small.net}.9\0", f'"{small.net}.9"')]
    for path in [p for place in ("state", "out") for p in (small.root / place).rglob("*") if p.is_file()]:
        content = path.read_bytes()
        assert not any(needle in content for needle in needles), path
    assert "绝不可见" not in done["stderr"] + json.dumps(done, ensure_ascii=False)


def test_refused_rows_load_the_rest_and_are_kept_aside(small: City) -> None:
    with (small.root / "registers" / "systems.csv").open("a", encoding="utf-8") as stream:
        stream.write("市民正局,MZ-2,别的系统,运行,自建机房,\n")
    checked = small.run("check")
    assert checked.returncode == 2
    assert "registers/systems.csv!" in checked.stderr and "did you mean '市民政局'?" in checked.stderr
    done = small.audit()
    assert done["exit"] == 4
    (kept,) = done["written"]["quarantine"]
    assert "别的系统" in Path(kept).read_text(encoding="utf-8-sig")
    assert any(f["rule"] == RULE for f in done["findings"])


def test_a_full_disk_is_told_and_leaves_no_half_of_anything(small: City) -> None:
    small.audit()
    before = sorted(p.name for p in (small.root / "state" / "snapshots").iterdir())
    # No file may grow: what a full disk does, without filling one.
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *small.command("audit")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (3, 4), done.stderr
    assert "Traceback" not in done.stderr and done.stderr.strip()
    assert sorted(p.name for p in (small.root / "state" / "snapshots").iterdir()) == before
    assert small.audit()["exit"] == 0


def test_a_registers_word_closes_nothing_that_was_seen_until_somebody_looks_again(city: City) -> None:
    zones = city.zone("second", f"{city.net}.32/28")
    city.site(city.zone() + zones)
    city.registers(OWN.format(net=city.net))
    page = city.listen(3, "救助系统")
    (finding,) = [f for f in city.audit()["findings"] if f["rule"] == RULE]
    city.register("clouds", "所属部门,云平台编号,云平台名称,云类型,平台层级", "市民政局,GOV,市政务云,政务云,市级")
    city.register(
        "systems", "所属部门,系统编号,系统名称,系统状态,部署位置,所在云平台", "市民政局,MZ-1,救助系统,运行,政务云,GOV"
    )
    city.site(city.zone(to="2021-01-01") + zones)
    city.audit()
    (unseen,) = [f for f in city.findings("--all") if f["id"] == finding["id"]]
    assert (unseen["state"], unseen["reason"]) == ("stale", "uncovered")
    city.site(city.zone() + zones)
    page.close()
    city.listeners.remove(page)
    city.audit()
    (mended,) = [f for f in city.findings("--all") if f["id"] == finding["id"]]
    assert (mended["state"], mended["reason"]) == ("resolved", "mended")


@pytest.mark.parametrize("seconds", [0.4, 1.1, 1.8, 2.5, 3.2])
def test_killed_at_any_moment_nothing_half_done_stands(small: City, seconds: float) -> None:
    process = subprocess.Popen(small.command("audit"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    process.wait(30)
    snapshots = small.root / "state" / "snapshots"
    whole = [p for p in snapshots.iterdir() if not p.name.startswith(".")] if snapshots.is_dir() else []
    assert all((path / "manifest.json").is_file() for path in whole)
    assert small.run("snapshot", "verify").returncode == 0
    resumed = small.run("audit", "--resume", "--json")
    # Killed before it began or after it had ended there is nothing to go on with.
    done = json.loads(resumed.stdout) if resumed.returncode == 0 else small.audit()
    assert resumed.returncode in (0, 2), resumed.stderr
    assert any(f["rule"] == RULE for f in done["findings"])
    assert small.run("snapshot", "verify").returncode == 0
    assert len({f["id"] for f in small.findings()}) == len(small.findings())


def test_a_person_sets_a_finding_aside_until_its_facts_change(small: City) -> None:
    (finding,) = [f for f in small.audit()["findings"] if f["rule"] == RULE]
    why = ("--reason", "已核实，系误判", "--by", "审核岗")
    assert small.run("finding", "dismiss", finding["id"], *why, "--until", "2020-01-01").returncode == 2
    assert small.run("finding", "dismiss", "F0", *why).returncode == 2
    assert small.run("finding", "dismiss", finding["id"], "--reason", " ", "--by", "审核岗").returncode == 2
    assert small.run("finding", "dismiss", finding["id"], *why).returncode == 0
    assert small.run("finding", "dismiss", finding["id"], *why).returncode == 2, "it is set aside already"
    assert small.audit()["changes"]["new"] == 0
    (aside,) = [f for f in small.findings("--all") if f["id"] == finding["id"]]
    assert aside["state"] == "dismissed" and not aside["orderable"]
    small.registers(OWN.format(net=small.net).replace("运行", "试运行"))
    small.audit()
    (again,) = [f for f in small.findings() if f["id"] == finding["id"]]
    assert (again["state"], again["reason"]) == ("reopened", "facts_changed")
    history = json.loads(small.run("explain", finding["id"], "--json").stdout)["history"]
    assert "已核实，系误判" in history[1]["reason"] and history[1]["by"] == "审核岗"


def test_a_dismissal_is_taken_back(small: City) -> None:
    (finding,) = [f for f in small.audit()["findings"] if f["rule"] == RULE]
    assert small.run("finding", "restore", finding["id"], "--reason", "无", "--by", "审核岗").returncode == 2
    small.run("finding", "dismiss", finding["id"], "--reason", "误判", "--by", "审核岗")
    assert small.run("finding", "restore", finding["id"], "--reason", "复查属实", "--by", "审核岗").returncode == 0
    assert [f["state"] for f in small.findings() if f["id"] == finding["id"]] == ["open"]
