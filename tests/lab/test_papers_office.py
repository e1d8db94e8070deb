"""LibreOffice as it is: ended when its time is up, several at once, cut off from the network, on a full disk."""

from __future__ import annotations

import http.server
import io
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reports.papers import wml, wordfile
from reports.papers.compose import compose
from reports.papers.sample import sample
from reports.papers.templates import Templates
from reports.papers.view import Form
from reports.pdf import NoPdf, to_pdf

pytestmark = pytest.mark.lab


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "paper.docx"
    path.write_bytes(Templates.load().fill(Form.TASK, compose(sample(Form.TASK))))
    return path


def running(words: str) -> list[str]:
    """Command lines of processes that name this."""
    out = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in said:
            out.append(said)
    return out


def test_it_is_ended_as_a_whole_when_time_is_up(paper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(NoPdf, match="did not finish within"):
        to_pdf(paper, tmp_path / "paper.pdf", timeout=0.4)
    assert running(str(tmp_path)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["paper.docx"]


def test_several_are_drawn_at_once(paper: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda n: to_pdf(paper, tmp_path / f"{n}.pdf").pages, range(3)))
    assert len(set(made)) == 1


def test_nothing_is_fetched_from_elsewhere(tmp_path: Path) -> None:
    """Such a template is refused; a paper that somebody made by hand is drawn without what it points to."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/p.png"
        linked = tmp_path / "linked.docx"
        linked.write_bytes(_linked(url))
        assert to_pdf(linked, tmp_path / "linked.pdf").pages == 1
    finally:
        server.shutdown()
    assert asked == []


def _linked(url: str) -> bytes:
    """A paper with a picture that stands elsewhere, a field that includes one, and a template from there."""
    field = (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText>INCLUDEPICTURE "{url}" \\d</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )
    picture = (
        '<w:p><w:r><w:pict xmlns:v="urn:schemas-microsoft-com:vml"><v:shape style="width:50pt;height:50pt">'
        '<v:imagedata r:id="far"/></v:shape></w:pict></w:r></w:p>'
    )
    data = wordfile.write(
        wordfile.Layout(f"{wml.paragraph('Body', '正文')}{field}{picture}", {"default": wml.paragraph("Header")}, {})
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
    far = f'<Relationship Id="far" Type="{kind}" Target="{url}" TargetMode="External"/></Relationships>'
    name = "word/_rels/document.xml.rels"
    parts[name] = parts[name].replace(b"</Relationships>", far.encode())
    return wordfile.pack(parts.items())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_gives_no_half_a_page(
    paper: Path, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with pytest.raises(NoPdf):
        to_pdf(paper, tmp_path / "paper.pdf")
    assert not (tmp_path / "paper.pdf").exists()
    assert list(small_disk.iterdir()) == []
    monkeypatch.undo()
    (small_disk / "ballast").write_bytes(b"x" * (480 << 10))
    with pytest.raises(NoPdf, match=r"cannot write: .*: make room on the disk"):
        to_pdf(paper, small_disk / "paper.pdf")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]
