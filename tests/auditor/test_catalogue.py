"""``auditor catalogue``: a bureau's own full table, taken in strictly, kept with its history, and judged by."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from auditor.catalogue import list_files, site_lists
from auditor.catalogue_table import formulas, read_table
from auditor.site import load_site
from inventories.faults import Faults
from policies.lists.load import CATALOGUE, shipped
from tests.auditor.commands import typed
from tests.auditor.conftest import City

HEADINGS = ["类别", "产品名称", "送测单位", "安全可靠等级", "公告", "公告日期", "有效期至"]
ROWS: list[list[Any]] = [
    ["中央处理器", "鲲鹏 920", "华为", "Ⅰ级", "2023年第1号", "2023年12月26日", ""],
    ["CPU", "飞腾腾云S5000C-E", "飞腾", "II", "安全可靠测评结果公告（2025年第1号）", "2025-03-14", "2028-03-13"],
    ["服务器操作系统", "银河麒麟高级服务器操作系统 V10 SP3", "麒麟软件", "一级", "2023-1", "", ""],
]
LEVELS = shipped().book.levels


def write_csv(path: Path, rows: Sequence[Sequence[Any]] = ROWS, headings: Sequence[str] = HEADINGS) -> Path:
    path.write_text("\n".join(",".join(map(str, row)) for row in [headings, *rows]) + "\n", encoding="utf-8")
    return path


def write_xlsx(path: Path, rows: Sequence[Sequence[Any]] = ROWS, merge: str = "") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["安全可靠测评产品名录"])
    sheet.append(HEADINGS)
    for row in rows:
        sheet.append(list(row))
    if merge:
        sheet.merge_cells(merge)
    book.save(path)
    return path


def faults_of(read: Callable[[], object]) -> list[str]:
    with pytest.raises(Faults) as error:
        read()
    return [str(fault) for fault in error.value.faults]


@dataclass
class Bureau:
    root: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return typed("catalogue", *arguments, "--site", str(self.root))

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stderr
        body: dict[str, Any] = json.loads(done.stdout)
        return body

    @property
    def file(self) -> Path:
        return self.root / "catalogue" / CATALOGUE


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    root = tmp_path / "site"
    (root / "registers").mkdir(parents=True)
    text = "site: tiny\nname: 小市\nbureau: 小市数据局\nregion: '140800'\npacks: [yuncheng-2021]\nzones: []\n"
    (root / "site.yaml").write_text(text, encoding="utf-8")
    return Bureau(root)


# --- reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_a_table_in_the_words_of_people(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    entries = read_table(write(tmp_path / ("t.csv" if write is write_csv else "t.xlsx")), LEVELS)
    assert [(e.table, e.level, e.announcement) for e in entries] == [
        ("cpu", "Ⅰ", "2023-1"),
        ("cpu", "Ⅱ", "2025-1"),
        ("server_os", "Ⅰ", "2023-1"),
    ]
    assert [str(e.on) for e in entries] == ["2023-12-26", "2025-03-14", "None"]


def test_a_csv_of_a_chinese_spreadsheet(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv")
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    assert len(read_table(path, LEVELS)) == 3


@pytest.mark.parametrize(
    ("row", "cell", "what"),
    [
        (["打印机", "某", "某", "Ⅰ", "2025-1", "", ""], "A5", "unknown category '打印机'"),
        (["", "某", "某", "Ⅰ", "2025-1", "", ""], "A5", "is empty"),
        (["CPU", "", "某", "Ⅰ", "2025-1", "", ""], "B5", "is empty"),
        (["CPU", "某芯 X1", "某", "Ⅸ", "2025-1", "", ""], "D5", "unknown level 'Ⅸ'"),
        (["CPU", "某芯 X1", "某", "9", "2025-1", "", ""], "D5", "unknown level '9'"),
        (["CPU", "某芯 X1", "某", "Ⅰ", "第三批", "", ""], "E5", "names no announcement"),
        (["CPU", "某芯 X1", "某", "Ⅰ", "", "", ""], "E5", "is empty"),
        (["CPU", "某芯 X1", "某", "Ⅰ", "2025-1", "2025-02-30", ""], "F5", "no day of the calendar"),
        (["CPU", "某芯 X1", "某", "Ⅰ", "2025-1", "", "三年"], "G5", "is no date"),
        (["CPU", "某芯 X1", "某", "Ⅰ", "2025-1", "2025年3月", ""], "F5", "names no day"),
        (["CPU", "鲲鹏  920", "华为", "Ⅰ", "2023年第1号", "", ""], "B5", "stands a second time"),
        (["CPU", "=cmd|'/C calc'!A0", "某", "Ⅰ", "2025-1", "", ""], "B5", "is a formula"),
        (["CPU", "@SUM(1)", "某", "Ⅰ", "2025-1", "", ""], "B5", "is a formula"),
        (["CPU", "某芯\x1b[31m", "某", "Ⅰ", "2025-1", "", ""], "B5", "nobody can see"),
        (["CPU", "某" * 300, "某", "Ⅰ", "2025-1", "", ""], "B5", "longer than 200"),
    ],
)
def test_a_fault_names_its_cell(tmp_path: Path, row: list[str], cell: str, what: str) -> None:
    path = write_csv(tmp_path / "t.csv", [*ROWS, row])
    found = faults_of(lambda: read_table(path, LEVELS))
    assert any(f.startswith(f"t.csv!{cell}:") and what in f for f in found), found


def test_formulas_of_a_workbook_are_told_by_cell(tmp_path: Path) -> None:
    rows = [*ROWS[:1], ["CPU", '="鲲鹏"&" 950"', "华为", "Ⅲ", "2025-1", "", "=TODAY()"]]
    path = write_xlsx(tmp_path / "t.xlsx", rows)
    assert formulas(path.read_bytes()) == {"B4", "G4"}
    found = faults_of(lambda: read_table(path, LEVELS))
    assert any(f.startswith("t.xlsx!B4: is a formula") for f in found)
    assert any(f.startswith("t.xlsx!G4: is a formula") for f in found)


def test_merged_cells_are_filled(tmp_path: Path) -> None:
    rows = [ROWS[0], ["", *ROWS[1][1:]]]
    assert [e.table for e in read_table(write_xlsx(tmp_path / "t.xlsx", rows, merge="A3:A4"), LEVELS)] == [
        "cpu",
        "cpu",
    ]
    merged = [ROWS[0], ["CPU", "", "华为", "Ⅰ", "2023年第1号", "", ""]]
    found = faults_of(lambda: read_table(write_xlsx(tmp_path / "u.xlsx", merged, merge="B3:B4"), LEVELS))
    assert any("stands a second time" in f for f in found)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.pdf", b"%PDF", "is no table that can be read"),
        ("t.xlsx", b"PK\x03\x04 not a book", "no whole .xlsx"),
        ("t.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "no .xlsx"),
        ("t.csv", b"a,b\n1,2\n", "holds no table of results"),
        ("t.csv", b"\xff\xfe\x00", "neither UTF-8 nor GB18030"),
        ("t.csv", '产品名称,公告\n"不闭合,2025-1\n'.encode(), "is no CSV"),
        ("t.csv", "产品名称,公告\n鲲鹏 920,2023-1\n".encode(), "has no column 类别"),
        ("t.csv", "产品名称,产品,公告,类别\n鲲鹏 920,,2023-1,CPU\n".encode(), "a second column"),
        ("t.csv", b"", "holds no table"),
        ("t.csv", b"x" * (8 * 1024 * 1024 + 1), "larger than"),
    ],
)
def test_a_file_that_is_no_table(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert any(what in f for f in faults_of(lambda: read_table(path, LEVELS)))


def test_a_bomb_and_a_pipe(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (300 << 20))
    bomb = tmp_path / "t.xlsx"
    bomb.write_bytes(packed.getvalue())
    assert any("bomb" in f for f in faults_of(lambda: read_table(bomb, LEVELS)))
    pipe = tmp_path / "p.csv"
    os.mkfifo(pipe)
    assert any("no regular file" in f for f in faults_of(lambda: read_table(pipe, LEVELS)))


# --- the command ------------------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(bureau: Bureau, tmp_path: Path) -> None:
    body = bureau.json("import", str(write_csv(tmp_path / "t.csv")), "--complete", "cpu", "--dry-run")
    assert [row["product"] for row in body["added"]] == [row[1] for row in ROWS]
    assert body["complete"][0]["table"] == "cpu" and not bureau.file.exists()


def test_imported_rows_are_kept_and_an_earlier_version_with_them(bureau: Bureau, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv")
    assert bureau.run("import", str(path), "--complete", "中央处理器", "--by", "张三").returncode == 0
    first = bureau.file.read_bytes()
    assert bureau.file.stat().st_mode & 0o077 == 0
    lists = site_lists(bureau.root)
    assert [(entry.table, entry.by) for entry in lists.book.complete] == [("cpu", "张三")]
    assert all(row.verified for row in lists.book.rows if row.product in {row[1] for row in ROWS})

    write_csv(path, [ROWS[1], ["CPU", "鲲鹏 950", "华为", "Ⅲ", "2026年第3号", "2026-09-18", ""]])
    body = bureau.json("import", str(path), "--complete", "cpu")
    assert [row["product"] for row in body["added"]] == ["鲲鹏 950"]
    assert [row["product"] for row in body["removed"]] == ["鲲鹏 920"]
    assert body["unchanged"] == 2
    earlier = list((bureau.root / "catalogue" / "earlier").iterdir())
    assert [file.read_bytes() for file in earlier] == [first]


def test_faults_leave_everything_as_it_was(bureau: Bureau, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [*ROWS, ["CPU", "某芯", "某", "Ⅸ", "2027年第1号", "", ""]])
    body = bureau.json("import", str(path), code=2)
    assert any(f["where"] == "t.csv!D5" for f in body["faults"]) and not bureau.file.exists()
    for row, what in (
        (["CPU", "某芯", "某", "Ⅰ", "2027年第1号", "", ""], "is not known"),
        (["CPU", "某芯", "某", "Ⅰ", "2025年第1号", "2025-03-15", ""], "is not the date of 2025-1"),
        (["CPU", "某芯", "某", "Ⅰ", "2025年第1号", "", "2027-03-13"], "does not lie three years after"),
        (["CPU", "某芯", "某", "Ⅰ", "2026年第4号", "2025-12-18", ""], "cannot be of 2025"),
    ):
        body = bureau.json("import", str(write_csv(path, [*ROWS, row])), code=2)
        assert any(what in f["what"] for f in body["faults"]), body
    assert not bureau.file.exists()


def test_complete_tables_must_be_in_the_file(bureau: Bureau, tmp_path: Path) -> None:
    body = bureau.json("import", str(write_csv(tmp_path / "t.csv")), "--complete", "desktop_os", code=2)
    assert "holds no row of desktop_os" in body["faults"][0]["what"]
    assert bureau.run("import", str(tmp_path / "t.csv"), "--complete", "gpu").returncode == 2
    assert bureau.run("import", str(tmp_path / "t.csv"), "--through", "2999-01-01").returncode == 2
    assert bureau.run("import", str(tmp_path / "t.csv"), "--through", "soon").returncode == 2
    assert bureau.run("import", str(tmp_path / "absent.csv")).returncode == 2


def test_a_new_level_is_added_above_the_known_ones(bureau: Bureau, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [["CPU", "鲲鹏 950", "华为", "Ⅴ级", "2026年第3号", "", ""]])
    assert bureau.run("import", str(path)).returncode == 2
    assert bureau.run("import", str(path), "--new-level", "Ⅴ").returncode == 0
    assert site_lists(bureau.root).book.levels == (*LEVELS, "Ⅴ")


def test_what_a_table_holds_cannot_leave_its_line(bureau: Bureau, tmp_path: Path) -> None:
    sly = "X1}, {table: cpu, product: 鲲鹏 920 # \"'"
    book = openpyxl.Workbook()
    book.active.append(HEADINGS)
    book.active.append(["CPU", sly, "a: [b]\n- c", "Ⅰ", "2025-1", "", ""])
    book.save(tmp_path / "t.xlsx")
    assert bureau.run("import", str(tmp_path / "t.xlsx")).returncode == 0
    own = [row for row in site_lists(bureau.root).book.rows if row.product.startswith("X1")]
    assert [(row.product, row.vendor) for row in own] == [(sly, "a: [b] - c")]


def test_list_and_show(bureau: Bureau, tmp_path: Path) -> None:
    bureau.run("import", str(write_csv(tmp_path / "t.csv")), "--complete", "cpu", "--complete", "server_os")
    body = bureau.json("list", "--category", "cpu", "--as-of", "2026-12-26")
    told = {row["product"]: row["status"] for row in body["rows"]}
    assert told["鲲鹏 920"] == "expired" and told["飞腾腾云S5000C-E"] == "listed"
    (found,) = bureau.json("show", "鲲鹏 920", "--as-of", "2026-11-30")["answers"]
    assert (found["status"], found["row"]["valid_to"]) == ("expiring", "2026-12-25")
    (found,) = bureau.json("show", "鲲鹏 920", "--as-of", "2030-11-30")["answers"]
    assert (found["status"], found["doubt"]) == (None, "lapsed")
    (found,) = bureau.json("show", "CentOS Linux 7.9")["answers"]
    assert (found["doubt"], found["eol_on"]) == ("not_found", "2024-06-30")
    assert bureau.json("show", "打印机")["answers"] == []
    assert bureau.run("show", "x", "--category", "printer").returncode == 2
    assert bureau.run("list").returncode == 0
    command = [sys.executable, "-m", "auditor", "catalogue", "show", "鲲鹏 920", "--site", str(bureau.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "鲲鹏 920" in done.stdout, done.stderr


def test_check_names_faults_of_the_sites_tables(bureau: Bureau) -> None:
    bureau.file.parent.mkdir()
    bureau.file.write_text("rows:\n  - {table: gpu, product: x, announcement: 2025-1, source: s, verified: true}\n")
    done = typed("check", "--site", str(bureau.root), "--json")
    assert done.returncode == 2
    found = [fault for fault in json.loads(done.stdout)["faults"] if "catalogue.yaml:2:" in fault["where"]]
    assert found and "unknown table 'gpu'" in found[0]["what"]


def test_a_snapshot_is_judged_again_by_its_own_lists(city: City) -> None:
    """What a bureau imports later changes the next audit, and none before."""
    city.listen(1)
    city.site(city.zone(prefix=f"{city.net}.1/32"))
    config = city.root / "site.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("packs: [yuncheng-2021]", "packs: [national]"))
    city.registers()
    heads, bought = "所属部门,产品编号,产品名称,产品类别,产品,版本,采购日期", date.today().isoformat()
    city.register(
        "components",
        heads,
        f"市民政局,P1,网站服务器系统,操作系统,CentOS Linux,7.9,{bought}",
        f"市民政局,P2,网站服务器处理器,CPU,Intel(R) Xeon(R) Gold 6230,,{bought}",
    )
    city.audit()
    first = {finding["rule"] for finding in city.findings()}
    assert "national/domestic-os-eol" in first and "national/domestic-cpu" not in first

    table = write_csv(city.root / "t.csv")
    assert Bureau(city.root).run("import", str(table), "--complete", "cpu").returncode == 0
    replayed = json.loads(city.run("snapshot", "replay", "--json").stdout)
    assert replayed["same"] is True
    city.audit()
    assert "national/domestic-cpu" in {finding["rule"] for finding in city.findings()}
    for snapshot in sorted((city.root / "state" / "snapshots").iterdir()):
        assert city.run("snapshot", "replay", snapshot.name).returncode == 0
    kept = [(folder / "lists" / CATALOGUE).exists() for folder in sorted((city.root / "state/snapshots").iterdir())]
    assert kept == [False, True]


def test_a_snapshot_keeps_the_lists_it_was_judged_by(bureau: Bureau, tmp_path: Path) -> None:
    bureau.run("import", str(write_csv(tmp_path / "t.csv")))
    files = list_files(load_site(bureau.root))
    assert set(files) == {"announcements.yaml", "ends.yaml", "names.yaml", CATALOGUE}
    assert files[CATALOGUE] == bureau.file.read_bytes()
