"""Papers and ledgers as other programs see them: LibreOffice, poppler and promtool, from Debian's packages."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reports.metrics import render_metrics
from reports.model import AuditView, NoticeView
from reports.notice import render_drafter_note, render_notice

pytestmark = pytest.mark.lab

Pages = Callable[[Path], list[str]]


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A LibreOffice profile of our own: two programs with one profile get in each other's way."""
    return tmp_path_factory.mktemp("libreoffice").as_uri()


@pytest.fixture
def pages(tmp_path: Path, profile: str) -> Pages:
    """Converts a file to PDF and gives the text of every page."""

    def convert(path: Path) -> list[str]:
        command = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf", "--outdir"]
        subprocess.run([*command, str(tmp_path), str(path)], check=True, capture_output=True, timeout=120)
        pdf = tmp_path / f"{path.stem}.pdf"
        text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, timeout=60)
        return text.stdout.decode().split("\f")[:-1]

    return convert


def test_the_letter_prints(notice: NoticeView, tmp_path: Path, pages: Pages) -> None:
    path = tmp_path / "letter.docx"
    render_notice(notice, path)
    printed = pages(path)
    assert all("草稿·未编号·未签发·不具效力" in page for page in printed)
    flat = ["".join(page.split()) for page in printed]
    assert "关于核实示例市民政局信息系统、机房和网络有关情况的函" in flat[0]
    assert "—1—" not in flat[0]  # 信函格式: no page number on the first page
    assert all(f"—{number}—" in page for number, page in enumerate(flat[1:], 2))
    whole = re.sub(r"草稿·未编号·未签发·不具效力|—\d+—", "", "".join(flat))
    # Nothing gets lost at the end of a line.
    for item in notice.items:
        assert "".join(item.basis[0].quote.split()) in whole
    assert "我局对你单位信息系统、机房和网络的建设和应用情况进行了核查" in whole
    assert "请于年月日前（期限由签发人确定）" in whole
    assert whole.index("附件1核查情况明细表") < whole.index("附件2核实意见反馈表") < whole.index("附件3示例市")


def test_a_full_page_has_22_lines_of_28_characters(notice: NoticeView, tmp_path: Path, pages: Pages) -> None:
    path = tmp_path / "order.docx"
    render_notice(replace(notice, consultation=False), path)
    body = [line for line in pages(path)[1].splitlines() if line.strip()][1:-1]
    assert len(body) == 22
    assert max(len(line.strip()) for line in body) >= 27


def test_signature_and_imprint(notice: NoticeView, tmp_path: Path, pages: Pages) -> None:
    path = tmp_path / "order.docx"
    render_notice(replace(notice, consultation=False), path)
    printed = pages(path)
    signed = next(
        page
        for page in printed
        if re.search(r"^\s+示例市审批服务管理局（市政务信息管理局）\s*$", page, re.M) and "附件：" in page
    )
    assert re.search(r"^\s+年\s+月\s+日\s*$", signed, re.M)
    assert re.search(r"示例市审批服务管理局\s+年\s+月\s+日印发", printed[-1])


def test_the_drafters_note_prints(notice: NoticeView, tmp_path: Path, pages: Pages) -> None:
    path = tmp_path / "note.docx"
    render_drafter_note(notice, path)
    printed = pages(path)
    assert all("内部工作底稿·不随文发送" in page for page in printed)
    assert notice.left_out[0].id in "".join(printed)


def test_hostile_names_still_print(notice: NoticeView, tmp_path: Path, pages: Pages) -> None:
    evil = "</w:t>&x;\x00\x1b[2J\u202e" + "长" * 60_000
    items = tuple(replace(item, asset_name=evil, title=evil) for item in notice.items)
    path = tmp_path / "evil.docx"
    render_notice(replace(notice, items=items), path)
    printed = pages(path)
    assert "</w:t>&x;" in "".join("".join(printed).split())
    assert len(printed) < 40


def test_promtool_finds_no_fault(audit: AuditView) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=render_metrics(audit), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
