"""The example city's files: what is written, for whom, and that story, registers and listeners agree."""

from __future__ import annotations

import csv
import datetime as dt
import ipaddress
import re
import stat
import unicodedata
from importlib.resources import files
from pathlib import Path

import openpyxl
import pytest

from auditor.city.example import dates, fill, write_example
from auditor.city.plan import load_plan
from auditor.site import load_site
from inventories.registers import load_registers
from probes.scope import Permit, Refusal, permit

TODAY = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
EXCLUDED = "127.20.1.200"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_example(tmp_path / "city", TODAY)
    return tmp_path / "city"


def table(site: Path, name: str) -> list[dict[str, str]]:
    with (site / "registers" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def systems() -> list[dict[str, str]]:
    text = files("inventories").joinpath("examples/books/systems.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_owner_only_and_whole(site: Path) -> None:
    written = [path for path in site.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"site.yaml", "city.yaml", "STORY.md", "systems.xlsx", "clouds.yaml"}
    assert not [path for path in written if path.name.endswith(".partial")]
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((site / "registers").stat().st_mode) == 0o700


def test_same_day_same_bytes(site: Path, tmp_path: Path) -> None:
    write_example(tmp_path / "again", TODAY)
    for path in site.rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(site)).read_bytes() == path.read_bytes(), path.name


def test_dates_move_with_the_day(tmp_path: Path) -> None:
    write_example(tmp_path / "later", TODAY + dt.timedelta(days=400))
    received = {row["收到日期"] for row in table(tmp_path / "later", "submissions")}
    assert received == {(TODAY + dt.timedelta(days=393)).isoformat()}


def test_every_word_is_known(site: Path) -> None:
    for path in site.rglob("*"):
        if path.suffix in (".csv", ".yaml", ".md"):
            assert not re.search(r"\{[a-z_]+\}", path.read_text(encoding="utf-8-sig")), path.name
    with pytest.raises(ValueError, match="unknown word"):
        fill("{some_day}", dates(TODAY))


def test_formats_are_mixed(site: Path) -> None:
    for path in (site / "registers").glob("*.csv"):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf"), path.name
    sheet = openpyxl.load_workbook(site / "registers" / "systems.xlsx").worksheets[0]
    assert len(sheet.merged_cells.ranges) > 5
    cells = [cell.value for row in sheet.iter_rows(min_row=3) for cell in row]
    assert any(isinstance(cell, dt.datetime) for cell in cells)
    assert any(isinstance(cell, str) and re.fullmatch(r"\d{4}年\d{1,2}月\d{1,2}日", cell) for cell in cells)


def test_nothing_hidden_and_nobody_named() -> None:
    """No control characters, no formulas, and nowhere the name of a person: only offices approve."""
    for item in [*_files("registers"), *_files("books"), *_files("")]:
        text = item.read_text(encoding="utf-8")
        assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") and c != "\n"], item.name
        if item.suffix == ".csv":
            rows = list(csv.reader(text.splitlines()))
            assert not {"联系人", "负责人", "姓名", "填表人", "联系人及电话"} & set(rows[0]), item.name
            assert not [cell for row in rows for cell in row if cell[:1] in "=+@-" and cell], item.name
            assert {len(row) for row in rows} == {len(rows[0])}, item.name
    approvers = {row["批准人"] for row in csv.DictReader(_read("registers/exemptions.csv"))}
    approvers |= set(re.findall(r"approver: ([^,]+),", "\n".join(_read("site.yaml"))))
    assert approvers
    assert all(approver.endswith("分管领导") for approver in approvers)


def _files(folder: str) -> list[Path]:
    root = Path(str(files("inventories"))) / "examples" / folder
    return [path for path in root.iterdir() if path.is_file()]


def _read(name: str) -> list[str]:
    return files("inventories").joinpath(f"examples/{name}").read_text(encoding="utf-8").splitlines()


def test_one_zone_is_refused_and_one_address_never_asked(site: Path) -> None:
    loaded = load_site(site)
    answers = {scope.zone.id: permit(scope, NOW.astimezone(loaded.timezone)) for scope in loaded.scopes}
    assert [zone for zone, answer in answers.items() if isinstance(answer, Refusal)] == ["zjj"]
    asked = [target for answer in answers.values() if isinstance(answer, Permit) for target in answer.targets]
    assert not [target for target in asked if ipaddress.ip_address(EXCLUDED) in target]
    assert not [target for target in asked if target.overlaps(ipaddress.ip_network("127.20.6.0/24"))]


def test_profile_asks_for_what_the_city_answers(site: Path) -> None:
    loaded, plan = load_site(site), load_plan(site / "city.yaml")
    assert {scope.profile.ports for scope in loaded.scopes} == {plan.ports}
    for host, _ in plan.listeners():
        assert loaded.places.zone_at("scanner", host.address), host.address


def test_what_may_not_be_touched_writes_down_who_does(site: Path) -> None:
    loaded = load_site(site)
    answers = [permit(scope, NOW.astimezone(loaded.timezone)) for scope in loaded.scopes]
    asked = [target for answer in answers if isinstance(answer, Permit) for target in answer.targets]
    for host in load_plan(site / "city.yaml").hosts:
        address = ipaddress.ip_address(host.address)
        assert host.watched is not any(address in target for target in asked), host.address


def test_moved_to_another_network(tmp_path: Path) -> None:
    write_example(tmp_path / "moved", TODAY, network="127.77")
    assert {host.address.split(".")[1] for host in load_plan(tmp_path / "moved" / "city.yaml").hosts} == {"77"}
    assert "127.20." not in (tmp_path / "moved" / "site.yaml").read_text(encoding="utf-8")
    for wrong in ("10.0", "127", "127.20.1", "0.0"):
        with pytest.raises(ValueError, match="loopback"):
            write_example(tmp_path / "wrong", TODAY, network=wrong)


def test_registers_load_without_a_fault(site: Path) -> None:
    result = load_registers(site / "registers", places=load_site(site).places, now=NOW, shown="registers")
    assert [str(fault) for fault in result.faults] == []
    assert [str(note) for note in result.notes] == []
    assert list(result.refused) == []
    kinds = [observation.kind for observation in result.collection.observations]
    assert kinds.count("department") == 8
    assert len(result.collection.waivers) == 1
    assert result.collection.waivers[0].in_force(TODAY)
    assert len(result.collection.submissions) == len(table(site, "submissions"))


def test_the_classified_row_goes_no_further(site: Path) -> None:
    result = load_registers(site / "registers", places=load_site(site).places, now=NOW, shown="registers")
    (hidden,) = [row["系统名称"] for row in systems() if row["是否涉密"] == "是"]
    said = repr(result)
    assert hidden not in said
    assert "MZ-004" not in said
    assert "MZ-001" in said
    assert result.dropped_classified == 1


def test_the_story_names_every_system_and_network(site: Path) -> None:
    story = (site / "STORY.md").read_text(encoding="utf-8")
    codes = {row["系统编号"] for row in systems() if row["是否涉密"] == "否"}
    codes |= {row["网络编号"] for row in table(site, "networks")}
    in_range = {"RS-001", "RS-002", "RS-003", "RS-004"}
    assert {code for code in codes - in_range if code not in story} == set()


def test_departments_of_rows_and_codes_exist(site: Path) -> None:
    departments = table(site, "departments")
    known = {row[heading] for row in departments for heading in ("部门编号", "部门名称", "简称")}
    for name in ("hosts", "rooms", "networks", "projects", "assessments", "exemptions", "submissions"):
        assert {row["所属部门"] for row in table(site, name)} <= known, name
    assert {row["所属部门"] for row in systems()} - {""} <= known
    rooms = {row["机房编号"] for row in table(site, "rooms")}
    codes = {row["系统编号"] for row in systems()}
    assert {row["所在机房编号"] for row in [*systems(), *table(site, "hosts")]} - {""} <= rooms
    assert {row["承载系统编号"] for row in table(site, "hosts")} - {""} <= codes
