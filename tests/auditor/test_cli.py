"""Commands that send nothing: what they print, where, and with which status they end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.ending import main
from inventories.signing import new_key


@pytest.fixture
def example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["init", str(tmp_path / "city"), "--example"]) == 0
    capsys.readouterr()
    return str(tmp_path / "city")


def told(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_init_makes_a_site_that_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "site")]) == 0
    assert (tmp_path / "site" / "site.yaml").is_file()
    assert list((tmp_path / "site" / "forms").glob("*.xlsx"))
    capsys.readouterr()
    assert main(["check", "--site", str(tmp_path / "site")]) == 2, "without departments nothing can be assigned"
    assert "departments" in told(capsys)[1]


def test_init_never_writes_into_a_folder_that_holds_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == 2
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "mine"
    assert "not an empty folder" in told(capsys)[1]


def test_the_example_checks_without_a_fault(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", "--site", example]) == 0
    body = json.loads(told(capsys)[0])
    assert body["faults"] == [] and body["refused_rows"] == 0 and body["rows"] > 50


def test_check_lists_every_fault_of_site_registers_and_packs_at_once(
    example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = Path(example, "registers", "hosts.csv")
    hosts.write_text(hosts.read_text(encoding="utf-8-sig").replace("市民政局", "市民正局", 1), encoding="utf-8")
    site = Path(example, "site.yaml")
    site.write_text(site.read_text(encoding="utf-8").replace("  - yuncheng-2021\n", "  - yuncheng-2012\n"), "utf-8")
    assert main(["check", "--site", example]) == 2
    err = told(capsys)[1]
    assert "registers/hosts.csv!" in err and "did you mean '市民政局'?" in err
    assert "yuncheng-2012" in err and "yuncheng-2021" in err


def test_plan_shows_zones_and_refusals_and_sends_nothing(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--json", "--site", example]) == 4, "one zone's authorisation has ended"
    zones = {zone["zone"]: zone for zone in json.loads(told(capsys)[0])["zones"]}
    assert zones["zjj"]["allowed"] is False and zones["zjj"]["reason"] == "expired"
    assert zones["mzj"]["excluded"] == ["127.20.1.200/32"]
    assert zones["mzj"]["addresses"] == 255
    assert main(["plan", "--site", example]) == 4
    assert "not one packet" in told(capsys)[0]
    assert not Path(example, "state").exists()


def test_plan_says_who_looks_at_each_zone(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(example, "site.yaml")
    text = path.read_text(encoding="utf-8")
    key = new_key("worker").public
    for zone, by in (("mzj", "worker"), ("zjj", "bundle")):
        assert f"  - id: {zone}\n" in text
        text = text.replace(f"  - id: {zone}\n", f"  - id: {zone}\n    by: {by}\n")
    text += (
        f"keys: [{{id: worker, public: '{key}', zones: [mzj]}}]\n"
        "workers: {broker: 'amqps://b.example.cn', password: 'env:P', signing_key: 'env:K'}\n"
    )
    path.write_text(text, encoding="utf-8")
    assert main(["plan", "--json", "--site", example]) == 4
    by = {zone["zone"]: zone["by"] for zone in json.loads(told(capsys)[0])["zones"]}
    assert (by["mzj"], by["zjj"], by["gov-cloud"]) == ("worker", "bundle", "centre")
    assert main(["plan", "--site", example]) == 4
    said = dict(re.findall(r"^(\S+)  .*?$\n(?:    .*\n)*?    (looked at .*)$", told(capsys)[0], re.M))
    assert said["mzj"] == "looked at by a worker inside the zone, which this machine asks"
    assert said["zjj"].startswith("looked at by hand inside the zone: no audit sends anything there")
    assert said["gov-cloud"] == "looked at by this machine"


@pytest.mark.parametrize(
    "command",
    [
        ["findings"],
        ["findings", "--unknown"],
        ["explain", "F1"],
        ["assets"],
        ["asset", "show", "h-"],
        ["metrics"],
        ["ledger", "export", "x.xlsx"],
        ["snapshot", "replay"],
        ["evaluate"],
    ],
    ids=" ".join,
)
def test_before_a_first_audit_there_is_nothing_to_show(
    example: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--site", example]) == 2
    out, err = told(capsys)
    assert out == "" and "nothing was audited yet" in err


@pytest.mark.parametrize("command", [["findings"], ["check"], ["plan"], ["audit"], ["doctor"]], ids=" ".join)
def test_a_folder_that_is_no_site(tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status = main([*command, "--site", str(tmp_path)])
    assert status in (0, 2, 3) if command == ["doctor"] else status == 2
    assert "Traceback" not in told(capsys)[1]


@pytest.mark.parametrize("words", [["frobnicate"], ["audit", "--zne", "x"], ["explain"], ["policy", "show"]])
def test_a_wrong_command_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "--help" in told(capsys)[1]


def test_packs_are_listed_shown_and_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "list", "--json"]) == 0
    (pack,) = [p for p in json.loads(told(capsys)[0]) if p["id"] == "yuncheng-2021"]
    assert pack["number"] == "运政办发〔2021〕7号" and pack["in_force_from"] == "2021-02-09"
    assert main(["policy", "show", "yuncheng-2021/migrate-to-cloud"]) == 0
    page = told(capsys)[0]
    assert "第三十三条" in page and "项目实施单位已建、在建非涉密应用系统应向市级政务云平台迁移" in page
    assert "效能评估整改任务书" in page
    assert main(["policy", "coverage"]) == 0
    assert "every article is accounted for" in told(capsys)[1]
    assert main(["policy", "show", "yuncheng-2021/migrate-to-clod"]) == 2
    assert "did you mean 'migrate-to-cloud'?" in told(capsys)[1]
    assert main(["policy", "show", "yuncheng-2020"]) == 2


def test_the_packs_own_cases_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "test"]) == 0, told(capsys)[1]


def test_doctor_tells_what_is_here_and_what_is_not(
    example: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["doctor", "--json", "--site", example]) == 0
    checks = {check["name"]: check for check in json.loads(told(capsys)[0])}
    assert checks["nmap"]["state"] == "ok" and {"clock", "fonts", "disk"} <= checks.keys()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["doctor", "--site", example]) == 3
    assert "apt-get install nmap" in told(capsys)[0]


def test_a_reader_that_has_gone_is_no_failure(example: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "policy", "show", "yuncheng-2021"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait(30) == 0


def test_an_unforeseen_error_is_one_line_and_a_traceback_only_on_demand(
    example: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> int:
        raise ZeroDivisionError("\x1b[31mthe unforeseen")

    monkeypatch.setattr("auditor.commands.plan.plan", broken)
    assert main(["plan", "--site", example]) == 3
    err = told(capsys)[1]
    assert "ZeroDivisionError" in err and "Traceback" not in err and "\x1b" not in err
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "plan", "--site", example])
