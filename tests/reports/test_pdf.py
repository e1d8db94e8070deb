"""Papers as PDF: whatever LibreOffice does, a whole file or none, a clear message, and nothing left running."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

from reports import pdf
from reports.papers import wml, wordfile
from reports.pdf import Converted, NoPdf, to_pdf

WHOLE = b"%PDF-1.7\n1 0 obj\n<</Type/Page/Parent 2 0 R>>\nendobj\n2 0 obj<</Type/Pages/Count 1>>\n%%EOF\n"
FONTS = "Noto Serif CJK SC:lang=zh-cn\nNoto Sans CJK SC:lang=zh-cn"


class Office:
    """A stand-in for soffice: a shell script that is found before any real one."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.log = folder / "bin", folder / "log"
        self.bin.mkdir()
        self.program("fc-list", f"cat <<'END'\n{FONTS}\nEND")

    def program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}\n", encoding="utf-8")
        path.chmod(0o755)

    def does(self, script: str) -> None:
        """``$out`` is where it is told to write to, ``$home`` its profile; what it is called with is logged."""
        before = f"""
            printf '%s\\n' "$@" > {self.log}
            env > {self.log}.env
            home=$(printf '%s\\n' "$@" | sed -n 's|^-env:UserInstallation=file://||p')
            cp "$home/user/registrymodifications.xcu" {self.log}.xcu
            stat -c %a "$home/.." > {self.log}.mode
            while [ $# -gt 0 ]; do [ "$1" = --outdir ] && out=$2; shift; done
            mkdir -p "$out"
        """
        self.program("soffice", textwrap.dedent(before) + textwrap.dedent(script))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office(tmp_path)
    monkeypatch.setenv("PATH", f"{made.bin}:/usr/bin:/bin")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    return made


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    layout = wordfile.Layout(
        wml.paragraph("Body", "正文"), {"default": wml.paragraph("Header")}, {"default": wml.page_number("right")}
    )
    path = tmp_path / "-paper; rm.docx"
    path.write_bytes(wordfile.write(layout))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "paper.pdf"


def works(office: Office, tmp_path: Path, data: bytes = WHOLE) -> None:
    (tmp_path / "whole.pdf").write_bytes(data)
    office.does(f'cp {tmp_path}/whole.pdf "$out/paper.pdf"')


def nothing_left(out: Path, tmp_path: Path) -> bool:
    return list(out.parent.iterdir()) == [] and list((tmp_path / "tmp").iterdir()) == []


# --- when it works ------------------------------------------------------------------------------------------


def test_a_paper_becomes_a_pdf(office: Office, paper: Path, out: Path, tmp_path: Path) -> None:
    works(office, tmp_path)
    made = to_pdf(paper, out)
    assert out.read_bytes() == WHOLE
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert made.pages == 1
    assert made.substituted["仿宋_GB2312"] == "Noto Serif CJK SC"
    assert made.substituted["黑体"] == "Noto Sans CJK SC"
    assert "仿宋_GB2312（以Noto Serif CJK SC代替）" in made.warnings[0]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_it_runs_in_a_profile_of_its_own_with_what_it_needs(
    office: Office, paper: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    monkeypatch.setenv("AUDITOR_SECRET", "x")
    works(office, tmp_path)
    to_pdf(paper, out)
    words = office.log.read_text().splitlines()
    assert "--headless" in words
    assert "--norestore" in words
    # Nobody's file name reaches it.
    assert all("rm.docx" not in word for word in words)
    assert words[-1].endswith("/paper.docx")
    environment = Path(f"{office.log}.env").read_text()
    assert "SAL_USE_VCLPLUGIN=svp" in environment
    assert "proxy" not in environment
    assert "SECRET" not in environment
    settings = Path(f"{office.log}.xcu").read_text(encoding="utf-8")
    for name, value in (("MacroSecurityLevel", "3"), ("DisableMacrosExecution", "true"), ("Link", "2")):
        assert f'oor:name="{name}" oor:op="fuse"><value>{value}</value>' in settings
    assert "<value>仿宋_GB2312</value>" in settings
    assert "<value>Noto Serif CJK SC</value>" in settings
    assert Path(f"{office.log}.mode").read_text().strip() == "700"


def test_justified_text_is_aligned_left_for_libreoffice(office: Office, out: Path, tmp_path: Path) -> None:
    """It would lose the stop that hangs over the end of a justified line."""
    body = '<w:p><w:pPr><w:jc w:val="both"/></w:pPr></w:p><w:p><w:pPr><w:jc w:val="right"/></w:pPr></w:p>'
    path = tmp_path / "p.docx"
    path.write_bytes(wordfile.write(wordfile.Layout(body, {"default": wml.paragraph("Header")}, {})))
    (tmp_path / "whole.pdf").write_bytes(WHOLE)
    office.does(f'cp "$home/../paper.docx" {tmp_path}/seen.docx; cp {tmp_path}/whole.pdf "$out/paper.pdf"')
    before = path.read_bytes()
    to_pdf(path, out)
    assert path.read_bytes() == before
    with zipfile.ZipFile(tmp_path / "seen.docx") as archive:
        said = archive.read("word/document.xml").decode()
    assert '<w:jc w:val="left"/>' in said
    assert '<w:jc w:val="right"/>' in said
    assert "both" not in said


def test_what_is_installed_is_not_warned_of(office: Office, paper: Path, out: Path, tmp_path: Path) -> None:
    works(office, tmp_path)
    names = ["仿宋_GB2312", "楷体_GB2312", "黑体", "宋体", "方正小标宋简体"]
    office.program(
        "fc-list", "cat <<'END'\n" + "\n".join(f"{n}:lang=zh-cn" for n in names) + "\nTimes New Roman:lang=en\nEND"
    )
    assert to_pdf(paper, out) == Converted(1, {}, ())


def test_a_link_is_replaced_and_not_followed(office: Office, paper: Path, out: Path, tmp_path: Path) -> None:
    works(office, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    out.symlink_to(elsewhere)
    to_pdf(paper, out)
    assert elsewhere.read_bytes() == b"mine"
    assert not out.is_symlink()


# --- when it does not ---------------------------------------------------------------------------------------


def test_without_libreoffice_the_package_is_named(
    paper: Path, out: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoPdf, match="LibreOffice is not installed: install the package libreoffice-writer"):
        to_pdf(paper, out)


def test_without_a_chinese_font_nothing_is_drawn(office: Office, paper: Path, out: Path, tmp_path: Path) -> None:
    works(office, tmp_path)
    office.program("fc-list", "echo 'DejaVu Sans:lang=en'; echo 'Noto Serif CJK JP:lang=ja|zh-cn'")
    with pytest.raises(NoPdf, match=r"no font of simplified Chinese is installed.*fonts-noto-cjk"):
        to_pdf(paper, out)
    assert not office.log.exists()
    assert nothing_left(out, tmp_path)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo Error: source file could not be loaded >&2; exit 1", "ended with status 1: Error: source file could"),
        ("exit 77", "ended with status 77: it said nothing"),
        ("kill -9 $$", "was killed by SIGKILL: see whether memory runs out"),
        ("kill -SEGV $$", "was killed by SIGSEGV"),
        ("true", "gave no whole PDF: it said nothing"),
        ("echo 'Error: impl_store failed: 0xc10 (Write)'", "gave no whole PDF: Error: impl_store failed: 0xc10"),
        ("printf 'x\\033[31m' ; exit 3", r"ended with status 3: x\\x1b\[31m"),
        ('echo %PDF-1.7 > "$out/paper.pdf"', "gave no whole PDF"),
        ('head -c 60 whole.pdf > "$out/paper.pdf"', "gave no whole PDF"),
        ('echo nothing of the kind > "$out/paper.pdf"', "gave no whole PDF"),
        ('mkdir "$out/paper.pdf"', "cannot write: Is a directory"),
        ('ln -s /etc/passwd "$out/paper.pdf"', "gave no whole PDF"),
        ('cp whole.pdf "$out/../elsewhere.pdf"; cp whole.pdf "$out/paper.PDF"', "gave no whole PDF"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_and_leaves_nothing(
    office: Office, paper: Path, out: Path, tmp_path: Path, script: str, told: str
) -> None:
    (tmp_path / "whole.pdf").write_bytes(WHOLE)
    office.does(script.replace("whole.pdf", str(tmp_path / "whole.pdf")))
    with pytest.raises(NoPdf, match=told):
        to_pdf(paper, out)
    assert nothing_left(out, tmp_path)


def test_a_full_disk_is_told(
    office: Office, paper: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works(office, tmp_path)

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NoPdf, match="cannot write: No space left on device: make room on the disk"):
        to_pdf(paper, out)
    monkeypatch.undo()
    assert list(out.parent.iterdir()) == []


def test_the_pdf_of_before_stays_where_none_is_made(office: Office, paper: Path, out: Path) -> None:
    out.write_bytes(b"before")
    office.does("exit 1")
    with pytest.raises(NoPdf):
        to_pdf(paper, out)
    assert out.read_bytes() == b"before"


def test_fonts_of_elsewhere_in_the_pdf_are_refused(office: Office, paper: Path, out: Path, tmp_path: Path) -> None:
    works(office, tmp_path, WHOLE.replace(b"%%EOF", b"<</BaseFont/BAAAAA+IPAMincho>>\n%%EOF"))
    with pytest.raises(NoPdf, match=r"written elsewhere \(font IPAMincho\)"):
        to_pdf(paper, out)
    assert nothing_left(out, tmp_path)
    # One set of outlines for all of Noto CJK, named after Japan: its name tells nothing.
    works(office, tmp_path, WHOLE.replace(b"%%EOF", b"<</BaseFont/BAAAAA+NotoSerifCJKjp-Regular>>\n%%EOF"))
    assert to_pdf(paper, out).pages == 1


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"x" * 5000])
def test_what_is_no_docx(office: Office, out: Path, tmp_path: Path, data: bytes) -> None:
    works(office, tmp_path)
    path = tmp_path / "x.docx"
    path.write_bytes(data)
    with pytest.raises(NoPdf, match=r"x\.docx is no \.docx"):
        to_pdf(path, out)
    assert nothing_left(out, tmp_path)


def test_a_paper_that_is_not_there_and_a_folder_that_is_not_there(
    office: Office, paper: Path, out: Path, tmp_path: Path
) -> None:
    works(office, tmp_path)
    with pytest.raises(FileNotFoundError):
        to_pdf(tmp_path / "none.docx", out)
    with pytest.raises(FileNotFoundError):
        to_pdf(paper, tmp_path / "none" / "paper.pdf")
    assert nothing_left(out, tmp_path)


def test_a_part_that_never_ends_is_refused(
    office: Office, paper: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works(office, tmp_path)
    monkeypatch.setattr(pdf, "_MAX_PART", 100)
    with pytest.raises(NoPdf, match="has a part of more than"):
        to_pdf(paper, out)


# --- what it started ----------------------------------------------------------------------------------------


def alive(file: Path) -> bool:
    """Whether the process whose id stands in the file still runs."""
    try:
        state = Path(f"/proc/{int(file.read_text())}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


HANGS = """
    trap '' TERM INT
    (trap '' TERM INT; echo $(sh -c 'echo $PPID') > {0}/child; sleep 300) &
    echo $$ > {0}/parent
    sleep 300
"""


def gone(tmp_path: Path) -> bool:
    for _ in range(100):
        if not alive(tmp_path / "child") and not alive(tmp_path / "parent"):
            return True
        time.sleep(0.05)
    return False


def test_what_hangs_is_ended_with_all_that_it_started(office: Office, paper: Path, out: Path, tmp_path: Path) -> None:
    office.does(HANGS.format(tmp_path))
    started = time.monotonic()
    with pytest.raises(NoPdf, match="did not finish within 1 seconds: give it more time"):
        to_pdf(paper, out, timeout=1)
    assert time.monotonic() - started < 20
    assert gone(tmp_path)
    assert nothing_left(out, tmp_path)


def test_what_it_leaves_running_is_ended_too(office: Office, paper: Path, out: Path, tmp_path: Path) -> None:
    (tmp_path / "whole.pdf").write_bytes(WHOLE)
    office.does(f"""
        (echo $(sh -c 'echo $PPID') > {tmp_path}/child; sleep 300) &
        echo $$ > {tmp_path}/parent
        while [ ! -s {tmp_path}/child ]; do sleep 0.05; done
        cp {tmp_path}/whole.pdf "$out/paper.pdf"
    """)
    assert to_pdf(paper, out).pages == 1
    assert gone(tmp_path)


def test_ctrl_c_ends_it_too(office: Office, paper: Path, out: Path, tmp_path: Path) -> None:
    office.does(HANGS.format(tmp_path))
    program = (
        f"from pathlib import Path; from reports.pdf import to_pdf; to_pdf(Path({str(paper)!r}), Path({str(out)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, env=os.environ)
    for _ in range(400):
        if (tmp_path / "child").exists() and (tmp_path / "child").read_text():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said
    assert gone(tmp_path)
    assert nothing_left(out, tmp_path)
