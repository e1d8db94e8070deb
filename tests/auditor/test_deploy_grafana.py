"""``deploy grafana``: what it writes and for whom, what it leaves alone, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import string
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from auditor.commands.deploy import RECORD, address
from auditor.ending import main
from auditor.errors import Refused
from reports.grafana import files
from reports.grafana.provisioning import datasource, provider

SOURCE = "provisioning/datasources/auditor.yaml"
PROVIDER = "provisioning/dashboards/auditor.yaml"
CITY = "dashboards/auditor-city.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "grafana"


def deploy(folder: Path, *options: str) -> int:
    return main(["deploy", "grafana", str(folder), *options])


def written(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def read(folder: Path, name: str) -> Any:
    return yaml.safe_load((folder / name).read_text(encoding="utf-8"))


def test_what_is_written_is_what_grafana_reads(folder: Path) -> None:
    assert deploy(folder) == 0
    assert set(written(folder)) == {SOURCE, PROVIDER, RECORD, *(f"dashboards/{name}" for name in files())}
    (source,) = read(folder, SOURCE)["datasources"]
    assert (source["type"], source["url"], source["editable"]) == ("prometheus", "http://127.0.0.1:9090", False)
    (where,) = read(folder, PROVIDER)["providers"]
    assert Path(where["options"]["path"]) == folder / "dashboards"
    assert {path.name for path in Path(where["options"]["path"]).iterdir()} == set(files())
    for name, text in files().items():
        assert (folder / "dashboards" / name).read_text(encoding="utf-8") == text
    body = json.loads((folder / CITY).read_text(encoding="utf-8"))
    first = body["templating"]["list"][0]
    assert first["current"]["value"] == source["uid"], "the dashboards choose this data source"


def test_addresses_are_written_where_they_belong(folder: Path) -> None:
    options = ("--prometheus-url", "https://prom.example:9090/p/", "--console-url", "https://desk.example/a/")
    assert deploy(folder, *options, "--seen-as", "/etc/grafana") == 0
    assert read(folder, SOURCE)["datasources"][0]["url"] == "https://prom.example:9090/p"
    assert read(folder, PROVIDER)["providers"][0]["options"]["path"] == "/etc/grafana/dashboards"
    body = json.loads((folder / CITY).read_text(encoding="utf-8"))
    assert body["templating"]["list"][-1]["query"] == "https://desk.example/a"
    assert any(link["url"] == "${console:raw}" for link in body["links"])


def test_a_group_may_read_and_nobody_else(folder: Path) -> None:
    assert deploy(folder) == 0
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o750 if path.is_dir() else 0o640), path
        assert path.stat().st_gid == folder.stat().st_gid


def test_files_get_the_group_of_the_folder(folder: Path) -> None:
    others = [group for group in os.getgroups() if group != os.getegid()]
    group = others[0] if others else (4321 if os.geteuid() == 0 else os.getegid())
    folder.mkdir()
    folder.chmod(0o755)
    os.chown(folder, -1, group)
    assert deploy(folder) == 0
    assert {path.stat().st_gid for path in folder.rglob("*")} == {group}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755, "a folder that is there keeps its rights"


def test_twice_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy(folder) == 0
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}
    capsys.readouterr()
    assert deploy(folder, "--json") == 0
    out, err = capsys.readouterr()
    body = json.loads(out)
    assert not err
    assert body["written"] == body["replaced"] == body["removed"] == body["left"] == []
    assert len(body["same"]) == 9
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")} == before


def test_what_a_person_edited_stops_it_before_anything_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(folder) == 0
    for name in (SOURCE, CITY):
        with (folder / name).open("a", encoding="utf-8") as stream:
            stream.write(" ")
    before = written(folder)
    assert deploy(folder, "--console-url", "http://desk.example") == 2
    err = capsys.readouterr().err
    assert all(f"{folder / name} was edited" in err for name in (SOURCE, CITY))
    assert "--force" in err and PROVIDER not in err
    assert written(folder) == before


def test_force_replaces_and_keeps_what_was_edited(folder: Path) -> None:
    assert deploy(folder) == 0
    (folder / CITY).write_text("{}", encoding="utf-8")
    assert deploy(folder, "--force", "--console-url", "http://desk.example") == 0
    assert (folder / f"{CITY}.bak").read_text(encoding="utf-8") == "{}"
    assert "desk.example" in (folder / CITY).read_text(encoding="utf-8")
    # Grafana reads .json and .yaml alone, and the next time nothing is edited any more.
    assert deploy(folder) == 0


def test_our_own_older_files_are_replaced(folder: Path) -> None:
    assert deploy(folder, "--console-url", "http://old.example") == 0
    assert deploy(folder, "--console-url", "http://new.example") == 0
    assert "old.example" not in (folder / CITY).read_text(encoding="utf-8")
    record = dict(reversed(line.split("  ")) for line in (folder / RECORD).read_text().splitlines())
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in record.items())


def test_a_folder_with_somebody_elses_files_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "dashboards").mkdir(parents=True)
    (folder / CITY).write_text('{"title": "mine"}', encoding="utf-8")
    assert deploy(folder) == 2
    assert "is not ours" in capsys.readouterr().err
    assert set(written(folder)) == {CITY}


def test_what_is_shipped_no_more_is_removed_unless_edited(folder: Path) -> None:
    assert deploy(folder) == 0
    gone, edited, foreign = (folder / "dashboards" / f"auditor-{n}.json" for n in ("gone", "edited", "foreign"))
    for path in (gone, edited, foreign):
        path.write_text("{}", encoding="utf-8")
    digest = hashlib.sha256(b"{}").hexdigest()
    with (folder / RECORD).open("a", encoding="utf-8") as stream:
        stream.write(f"{digest}  dashboards/auditor-gone.json\n{digest}  dashboards/auditor-edited.json\n")
        # A record that was tampered with removes nothing else.
        stream.write(f"{digest}  ../outside.json\n{digest}  dashboards/mine.json\nnonsense\n")
    for path in (folder.parent / "outside.json", folder / "dashboards" / "mine.json"):
        path.write_text("{}", encoding="utf-8")
    edited.write_text("{} ", encoding="utf-8")
    assert deploy(folder) == 0
    assert not gone.exists()
    assert edited.exists() and foreign.exists()
    assert (folder.parent / "outside.json").exists() and (folder / "dashboards" / "mine.json").exists()


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "dashboards").mkdir(parents=True)
    target = folder.parent / "precious"
    target.write_text("precious", encoding="utf-8")
    (folder / CITY).symlink_to(target)
    assert deploy(folder) == 2
    assert deploy(folder, "--force") == 0
    assert target.read_text(encoding="utf-8") == "precious"
    assert not (folder / CITY).is_symlink()


@pytest.mark.parametrize("there", ["dashboards", CITY])
def test_a_file_or_folder_in_the_way_is_told(folder: Path, there: str, capsys: pytest.CaptureFixture[str]) -> None:
    if there == CITY:
        (folder / there).mkdir(parents=True)
    else:
        folder.mkdir()
        (folder / there).write_text("x", encoding="utf-8")
    assert deploy(folder, "--force") in (2, 3)
    assert there in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--prometheus-url", "--console-url"])
@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:9090",
        "ftp://a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://user:secret@prom.example",
        "http://user@prom.example",
        "http://a b",
        "http://a\nb: c",
        "http://a\u202eb",
        "http://${console}",
        "http://$HOME",
        'http://a"b',
        "http://a?x=1",
        "http://a#b",
        "http://a:port",
        "http://[::1",
        "http://" + "a" * 400,
    ],
)
def test_what_is_no_address_is_refused(
    folder: Path, option: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(folder, option, text) == 2
    err = capsys.readouterr().err
    assert option in err and "\u202e" not in err
    assert "secret" not in err.replace("a user or password", ""), "a password is not repeated"
    assert not folder.exists()


@pytest.mark.parametrize("text", ["etc/grafana", "/etc/../grafana", "/etc/\ngrafana", "/etc/\x1b[2J"])
def test_what_is_no_absolute_path_is_refused(folder: Path, text: str) -> None:
    assert deploy(folder, "--seen-as", text) == 2
    assert not folder.exists()


@given(st.text(alphabet=string.printable + "\u202e中$", max_size=40))
def test_whatever_is_typed_is_an_address_or_refused(text: str) -> None:
    try:
        found = address(text, "--console-url")
    except Refused:
        return
    assert found.startswith(("http://", "https://"))
    assert not set(found) & set(" \t\n\"'${}<>\\?#@中\u202e")


@given(st.text(alphabet=string.printable + "中$", min_size=1, max_size=60))
def test_yaml_holds_whatever_path_there_is(text: str) -> None:
    """Grafana expands ``$NAME``; two dollars are one."""
    path = PurePosixPath("/srv") / text.strip("/")
    found = yaml.safe_load(provider(path))["providers"][0]["options"]["path"]
    assert found.replace("$$", "$") == str(path) and "$" not in found.replace("$$", "")
    assert yaml.safe_load(datasource("http://[::1]:9090"))["datasources"][0]["url"] == "http://[::1]:9090"


def test_no_secret_is_written(folder: Path) -> None:
    assert deploy(folder) == 0
    text = b"".join(written(folder).values()).lower()
    assert all(word not in text for word in (b"password", b"securejsondata", b"basicauth", b"token"))
