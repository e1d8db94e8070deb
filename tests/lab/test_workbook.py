"""The workbook as an office prints it: LibreOffice draws every sheet, poppler reads the pages."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from reports.ledgers import write_ledger
from reports.model import AuditView, CaseView
from tests.reports.conftest import audit_view
from tests.reports.test_ledgers_sheets import components, one

pytestmark = pytest.mark.lab

#: Points: what is smaller cannot be read on paper.
LEAST_HEIGHT = 5.0


def city() -> AuditView:
    """The small city with something on every sheet, and so many findings that they take several pages."""
    view = audit_view()
    sources = ("registers/systems.xlsx!14", "registers/assessments.csv!3", "nmap")
    assets = (
        *view.assets,
        *(replace(asset, kind="component") for asset in components()),
        one("project", 41, "智慧养老二期", code="P-1", budget=860000.0, approved_on=date(2024, 2, 5)),
        one("network", 42, "政务外网接入", kind="government"),
    )
    cases = tuple(
        CaseView(
            f"C-{number}",
            state,
            "order",
            "mzj",
            "示例市民政局",
            addressee="示例市民政局",
            number=f"示管改〔2026〕{number}号",
            issued_on=date(2026, 11, 3),
            due=date(2026, 11, 18),
            overdue=state == "served",
        )
        for number, state in enumerate(("served", "closed", "draft"), 1)
    )
    findings = tuple(replace(found, id=f"{found.id}-{i}") for i in range(12) for found in view.findings)
    assets = tuple(replace(asset, sources=sources) for asset in assets)
    return replace(view, assets=assets, cases=cases, findings=findings)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The workbook, and what LibreOffice prints of it."""
    folder = tmp_path_factory.mktemp("workbook")
    write_ledger(city(), folder / "ledger.xlsx")
    profile = (folder / "profile").as_uri()
    command = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf", "--outdir"]
    subprocess.run([*command, str(folder), str(folder / "ledger.xlsx")], check=True, capture_output=True, timeout=180)
    yield folder / "ledger.xlsx", folder / "ledger.pdf"


@pytest.fixture(scope="module")
def pages(printed: tuple[Path, Path]) -> list[str]:
    text = subprocess.run(["pdftotext", "-layout", str(printed[1]), "-"], check=True, capture_output=True, timeout=60)
    return text.stdout.decode().split("\f")[:-1]


def test_every_sheet_is_on_numbered_landscape_pages(printed: tuple[Path, Path], pages: list[str]) -> None:
    whole = [re.search(r"第 (\d+) 页，共 (\d+) 页", page) for page in pages]
    assert [found and (int(found[1]), int(found[2])) for found in whole] == [
        (number, len(pages)) for number in range(1, len(pages) + 1)
    ]
    heads = ["".join(page.split("\n", 1)[0].split()) for page in pages]
    book = load_workbook(printed[0])
    for sheet in book.worksheets:
        own = [head for head in heads if f"{sheet.title}为示例市审批服务管理局" in head]
        assert own, sheet.title
    sizes = subprocess.run(["pdfinfo", "-l", "99", str(printed[1])], check=True, capture_output=True, text=True)
    found = re.findall(r"size:\s+(\d+)\S* x (\d+)", sizes.stdout)
    assert len(found) == len(pages)
    assert all((abs(int(wide) - 842) <= 1, abs(int(high) - 595) <= 1) == (True, True) for wide, high in found)


def test_headings_are_repeated_on_every_page(pages: list[str]) -> None:
    own = [page for page in pages if "问题台账" in page.split("\n", 1)[0]]
    assert len(own) > 3
    assert all("核查所见" in page and "资产标识" in page for page in own)
    # One page wide: the first column stands on all of them.
    assert all("部门" in page for page in own)


def test_no_figure_and_no_day_is_too_wide_for_its_column(pages: list[str]) -> None:
    assert not [page[:80] for page in pages if "###" in page]
    whole = "".join("".join(page.split()) for page in pages)
    for told in ("860,000", "2026-11-18", "2027-01-15", "25.0%～50.0%", "60日内到期", "未备案", "该类无名录"):
        assert told in whole


def test_what_is_printed_can_be_read(printed: tuple[Path, Path]) -> None:
    boxes = subprocess.run(["pdftotext", "-bbox", str(printed[1]), "-"], check=True, capture_output=True, text=True)
    heights = [
        float(low) - float(high) for high, low in re.findall(r'yMin="([\d.]+)".*?yMax="([\d.]+)"', boxes.stdout)
    ]
    assert len(heights) > 500
    assert min(heights) >= LEAST_HEIGHT
