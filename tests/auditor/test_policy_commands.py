"""``auditor policy …`` as a person types it: reading, starting and comparing packs, and a site's own ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditor.ending import main
from policies.articles import quotes
from policies.pack import BUILTIN

if TYPE_CHECKING:
    from tests.auditor.conftest import City

REGULATION = "第一条 本办法适用于市级各部门。\n第二条 市级各部门在用的系统应当在市级政务云平台运行。\n"
RULE = """\
rules:
  - id: on-city-cloud
    title: 在用系统未在市级政务云平台运行
    article: 第二条
    quote: 市级各部门在用的系统应当在市级政务云平台运行
    subject: system
    applies: level_of_government = 'city' and status = 'running'
    violation: not is_on_recognised_cloud
    severity: medium
    bite: reminder
    remedy: 迁移至市级政务云平台
"""
SITE = "site: tiny\nname: 小市\nbureau: 小市数据局\nregion: '140800'\npacks: [{}]\nzones: []\n"

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def site(root: Path, packs: str = "yuncheng-2021") -> Path:
    root.mkdir(exist_ok=True)
    (root / "site.yaml").write_text(SITE.format(packs), encoding="utf-8")
    return root


def start(folder: Path, name: str = "shili-2024", *, rule: str = RULE) -> Path:
    """A pack with one rule, started as a person would, in a folder."""
    text = folder.parent / "regulation.txt"
    text.write_text(REGULATION, encoding="utf-8")
    assert main(["policy", "new", name, "--into", str(folder), "--region", "140800", "--text", str(text)]) == 0
    path = folder / name / "pack.yaml"
    content = path.read_text(encoding="utf-8").replace("rules: []\n", rule)
    content = content.replace("# recognised_levels: [city, county]", "recognised_levels: [city]")
    path.write_text(content.replace("  from: site ", "  from: 2024-02-05 "), encoding="utf-8")
    return folder / name


def asked(capsys: Captured, *arguments: str) -> Any:
    capsys.readouterr()
    status = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    return json.loads(out)


# --- show ---------------------------------------------------------------------------------------------------


def test_a_rule_reads_like_a_page(capsys: Captured) -> None:
    assert main(["policy", "show", "yuncheng-2021/migrate-to-cloud"]) == 0
    out = capsys.readouterr().out
    for words in (
        "【项目实施单位已建、在建非涉密应用系统应向市级政务云平台迁移】",
        "已建行业云要全部纳入市级政务云平台统一管理",
        "“是否在认可的政务云上”为否",
        "not is_on_recognised_cloud",
        "效能评估整改任务书",
        "接到通知之日起10个工作日内",
        "县级政务云不是市级政务云",
        "部署位置",
    ):
        assert words in out, words


def test_a_rule_as_json_holds_the_article_and_the_cases(capsys: Captured) -> None:
    body = asked(capsys, "policy", "show", "yuncheng-2021/migrate-to-cloud")
    assert body["id"] == "yuncheng-2021/migrate-to-cloud"
    assert quotes(body["quote"], body["cites"][0]["text"])
    assert body["violation_words"] == "“是否在认可的政务云上”为否"
    assert body["power_terms"]["reply"] == {"amount": 10, "unit": "working_days", "from": "service"}
    assert {case["expect"] for case in body["cases"]} == {"violation", "compliant", "unknown", "not_applicable"}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("yuncheng-2012", "did you mean 'yuncheng-2021'?"),
        ("yuncheng-2021/migrate-to-clod", "did you mean 'migrate-to-cloud'?"),
        ("./nowhere", "holds no pack.yaml"),
        ("../../etc/passwd", "holds no pack.yaml"),
        ("", "unknown pack"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
    ],
)
def test_what_is_not_there_is_told(name: str, what: str, capsys: Captured) -> None:
    assert main(["policy", "show", name]) == 2
    out, err = capsys.readouterr()
    assert out == "" and what in err and "\x1b" not in err


def test_a_pack_that_is_being_written_is_shown_from_its_folder(tmp_path: Path, capsys: Captured) -> None:
    start(tmp_path / "packs")
    assert asked(capsys, "policy", "show", "./packs/shili-2024")["rules"] == ["on-city-cloud"]
    assert asked(capsys, "policy", "show", "packs/shili-2024/on-city-cloud")["article"] == "第二条"
    assert main(["policy", "show", "shili-2024"]) == 2
    (tmp_path / "shili-2024").symlink_to(tmp_path / "packs" / "shili-2024")
    assert main(["policy", "show", "shili-2024/on-city-cloud"]) == 0, "a folder that stands here"
    capsys.readouterr()
    assert main(["policy", "test", "shili-2024"]) == 2
    assert "write ./shili-2024" in capsys.readouterr().err


# --- new ----------------------------------------------------------------------------------------------------


def test_a_new_pack_lies_in_the_sites_folder_and_validates(tmp_path: Path, capsys: Captured) -> None:
    root = str(site(tmp_path / "site"))
    body = asked(capsys, "policy", "new", "gaoping-2024", "--site", root)
    assert body["folder"] == f"{root}/packs/gaoping-2024" and body["region"] == "140800"
    assert main(["policy", "test", "gaoping-2024", "--site", root]) == 0
    assert main(["policy", "coverage", "gaoping-2024", "--site", root]) == 0
    listed = [pack["id"] for pack in asked(capsys, "policy", "list", "--site", root)]
    assert "gaoping-2024" in listed and "yuncheng-2021" in listed


def test_what_is_there_is_never_overwritten(tmp_path: Path, capsys: Captured) -> None:
    root = site(tmp_path / "site")
    assert main(["policy", "new", "gaoping-2024", "--site", str(root)]) == 0
    mine = root / "packs" / "gaoping-2024" / "pack.yaml"
    before = mine.read_bytes()
    assert main(["policy", "new", "gaoping-2024", "--site", str(root)]) == 2
    assert main(["policy", "new", "gaoping-2024", "--into", str(root / "packs"), "--region", "140800"]) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert mine.read_bytes() == before
    assert main(["policy", "new", "yuncheng-2021", "--site", str(root)]) == 2
    assert "there is a pack yuncheng-2021 already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["../gaoping-2024", "--into", "packs", "--region", "140800"], "is no REGION-YEAR"),
        (["gaoping-2024"], "is no site"),
        (["gaoping-2024", "--into", "packs"], "name the region with --region"),
        (["gaoping-2024", "--into", "packs", "--region", "1408"], "is no region"),
        (["gaoping-2024", "--into", "packs", "--region", "140800", "--text", "none.txt"], "cannot be read"),
    ],
)
def test_what_cannot_be_started_writes_nothing(
    tmp_path: Path, arguments: list[str], what: str, capsys: Captured
) -> None:
    assert main(["policy", "new", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and what in err
    assert list(tmp_path.iterdir()) == []


# --- a site's own packs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["shili-2024", "rules/shili-2024", "./rules/shili-2024"])
def test_a_site_names_its_own_pack_by_id_or_by_folder(tmp_path: Path, named: str, capsys: Captured) -> None:
    root = site(tmp_path / "site", named)
    start(root / ("rules" if "/" in named else "packs"))
    capsys.readouterr()
    main(["check", "--json", "--site", str(root)])
    body = json.loads(capsys.readouterr().out)
    assert body["packs"] == ["shili-2024"]
    assert [rule["rule"] for rule in body["rules_that_stay_unknown"]] == ["shili-2024/on-city-cloud"]


def test_a_folder_that_is_named_is_taken_rather_than_the_programs(tmp_path: Path, capsys: Captured) -> None:
    root = site(tmp_path / "site", "amended/yuncheng-2021")
    shutil.copytree(BUILTIN / "yuncheng-2021", root / "amended" / "yuncheng-2021")
    path = root / "amended" / "yuncheng-2021" / "pack.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("rules:\n", "rulez:\n", 1), encoding="utf-8")
    assert main(["check", "--site", str(root)]) == 2
    assert f"{path}:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("packs", "what"),
    [
        ("../outside/shili-2024", "leads out of the site"),
        ("/etc/shili-2024", "leads out of the site"),
        ("packs/../../outside/shili-2024", "leads out of the site"),
        ("linked/shili-2024", "leads out of the site"),
        ("packs/nothing-2024", "there is no pack in the folder"),
        ("yuncheng-2021, packs/yuncheng-2021", "a second pack 'yuncheng-2021'"),
        ("nothing-2024", "the pack 'nothing-2024' is unknown"),
        ("luohu-2024", "440303"),
    ],
)
def test_packs_that_a_site_cannot_have(tmp_path: Path, packs: str, what: str, capsys: Captured) -> None:
    root = site(tmp_path / "site", packs)
    start(tmp_path / "outside")
    (root / "linked").symlink_to(tmp_path / "outside")
    capsys.readouterr()
    assert main(["check", "--site", str(root)]) == 2
    err = capsys.readouterr().err
    assert what in err and "site.yaml" in err


# --- diff ---------------------------------------------------------------------------------------------------


def test_two_versions_are_compared(tmp_path: Path, capsys: Captured) -> None:
    start(tmp_path / "old")
    start(tmp_path / "new", rule=RULE.replace("severity: medium", "severity: high"))
    body = asked(capsys, "policy", "diff", "./old/shili-2024", "./new/shili-2024")
    (change,) = body["changes"]
    assert (change["part"], change["name"], change["field"]) == ("rule", "on-city-cloud", "severity")
    assert body["findings"] is None
    assert main(["policy", "diff", "./old/shili-2024", "./old/shili-2024"]) == 0
    assert "no difference in meaning" in capsys.readouterr().err


def test_the_faults_of_both_versions_come_at_once(tmp_path: Path, capsys: Captured) -> None:
    for name in ("old", "new"):
        start(tmp_path / name, rule=RULE.replace("is_on_recognised_cloud", f"is_on_{name}_cloud"))
    capsys.readouterr()
    assert main(["policy", "diff", "./old/shili-2024", "./new/shili-2024"]) == 2
    err = capsys.readouterr().err
    assert "is_on_old_cloud" in err and "is_on_new_cloud" in err


def test_a_date_that_is_none_is_refused(tmp_path: Path, capsys: Captured) -> None:
    root = str(site(tmp_path / "site"))
    assert main(["policy", "diff", "yuncheng-2021", "yuncheng-2021", "--as-of", "soon", "--site", root]) == 2
    assert "is no date" in capsys.readouterr().err


def test_findings_that_the_new_version_opens_and_closes(city: City, capsys: Captured) -> None:
    """A town audited by its own pack; the new version binds trial systems too, and no longer those in use."""
    city.listen(3, title="低保系统")
    start(city.root / "packs")
    city.registers(
        f"市民政局,XT-1,低保系统,在用,自建机房,{city.net}.3",
        f"市民政局,XT-2,殡葬系统,试运行,自建机房,{city.net}.4",
    )
    city.site(city.zone())
    path = city.root / "site.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("yuncheng-2021", "packs/shili-2024"), encoding="utf-8")
    assert city.audit()["exit"] == 0
    assert [f["asset_name"] for f in city.findings()] == ["低保系统"]
    assert city.run("snapshot", "replay").returncode == 0, "the snapshot holds the site's own pack"
    amended = (
        Path(shutil.copytree(city.root / "packs" / "shili-2024", city.root / "new" / "shili-2024")) / "pack.yaml"
    )
    amended.write_text(amended.read_text(encoding="utf-8").replace("status = 'running'", "status = 'trial'"), "utf-8")
    here = ("--site", str(city.root))
    body = asked(capsys, "policy", "diff", "shili-2024", f"{city.root}/new/shili-2024", *here)
    found = body["findings"]
    opened, closed = found["open"], found["close"]
    assert [(f["asset_name"], f["was"], f["becomes"]) for f in opened] == [
        ("殡葬系统", "not_applicable", "violation")
    ]
    assert [(f["asset_name"], f["was"], f["becomes"]) for f in closed] == [
        ("低保系统", "violation", "not_applicable")
    ]
    assert found["counts"]["on-city-cloud"]["old"] == found["counts"]["on-city-cloud"]["new"]
    assert found["counts"]["on-city-cloud"]["new"]["violation"] == 1
    early = asked(
        capsys, "policy", "diff", "shili-2024", f"{city.root}/new/shili-2024", "--as-of", "2024-02-04", *here
    )
    assert early["findings"]["open"] == early["findings"]["close"] == [], "neither is in force yet"
    assert main(["policy", "diff", "shili-2024", f"{city.root}/new/shili-2024", *here]) == 0
    out, err = capsys.readouterr()
    assert "殡葬系统" in out and "1 findings would open, 1 would close" in err


# --- check --------------------------------------------------------------------------------------------------


def test_check_tells_of_a_calendar_that_cannot_be_right(tmp_path: Path, capsys: Captured) -> None:
    root = site(tmp_path / "site")
    (root / "calendars").mkdir()
    (root / "calendars" / "2027.yaml").write_text("year: 2027\n", encoding="utf-8")
    assert main(["check", "--site", str(root)]) == 2
    assert "calendars/2027.yaml:1:1" in capsys.readouterr().err
