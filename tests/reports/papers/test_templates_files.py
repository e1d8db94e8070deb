"""Files that are no templates: bombs, macros, what is fetched from elsewhere, what is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inventories.faults import Faults
from reports.papers import opening, wordfile
from reports.papers.templates import Templates, shipped
from reports.papers.view import Form
from tests.reports.papers.test_templates import Edit, edited, own, refusal, refused, replaced, with_text


def part(name: str, data: bytes) -> Edit:
    return lambda parts: parts.update({name: data})


def relationship(kind: str, target: str, more: str = 'TargetMode="External"') -> Edit:
    made = f'<Relationship Id="x9" Type="http://x/{kind}" Target="{target}" {more}/></Relationships>'
    return replaced("</Relationships>", made, "word/_rels/document.xml.rels")


def field(code: str) -> str:
    return (
        '<w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>'
        + "</w:instrText></w:r><w:r><w:instrText>".join(code)
        + '</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/><w:t>x</w:t><w:fldChar w:fldCharType="end"/>'
    )


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (part("word/vbaProject.bin", b"x"), "holds macros (word/vbaProject.bin)"),
        (part("word/embeddings/o.bin", b"x"), "holds an embedded object"),
        (part("word/webextensions/a.xml", b"<x/>"), "holds an add-in"),
        (part("word/media/image1.svg", b"<svg/>"), "neither text nor a picture"),
        (part("word/media/image1.emf", b"x"), "neither text nor a picture"),
        (part("../../x.xml", b"<x/>"), "has a part with the path '../../x.xml'"),
        (part("/etc/x.xml", b"<x/>"), "has a part with the path '/etc/x.xml'"),
        (part("C:\\x.xml", b"<x/>"), "has a part with the path"),
        (part("WORD/DOCUMENT.XML", b"<x/>"), "two parts of one name"),
        (part("word/x.xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"), "declares a document type"),
        (part("word/x.xml", b"<x>"), "has a damaged part word/x.xml"),
        (part("word/x.xml", b"<x>" * 300 + b"</x>" * 300), "nests deeper than 200"),
        (part("word/x.xml", b" " * (65 << 20)), "refused as a zip bomb"),
        (relationship("image", "http://example.invalid/p.png"), "takes something from outside: image 'http"),
        (relationship("attachedTemplate", "file:///etc/x.dotm"), "takes something from outside: attachedTemplate"),
        (relationship("hyperlink", "mailto:x"), "takes something from outside: hyperlink"),
        (relationship("aFChunk", "chunk.html", ""), "holds a foreign part: aFChunk"),
        (replaced("document.main+xml", "document.macroEnabled.main+xml", "[Content_Types].xml"), "holds macros"),
        (replaced("document.main+xml", "template.main+xml", "[Content_Types].xml"), "is no .docx document"),
        (with_text("x</w:t></w:r><w:ins w:id='1'><w:r><w:t>y</w:t></w:r></w:ins><w:r><w:t>"), "has tracked changes"),
        (part("word/comments.xml", b"<w:comments xmlns:w='" + opening._W.encode() + b"'><w:comment/></w:comments>"),
         "has comments"),
        (with_text(f"x</w:t>{field('INCLUDEPICTURE http://x')}<w:t>"), "has a field 'INCLUDEPICTURE'"),
        (with_text(f"x</w:t>{field(' DDEAUTO c x')}<w:t>"), "has a field 'DDEAUTO'"),
        (with_text("x</w:t></w:r><w:fldSimple w:instr='DATE'/><w:r><w:t>"), "has a field 'DATE'"),
        (with_text("x</w:t><w:instrText>LINK x</w:instrText><w:t>"), "has a field 'LINK'"),
        (with_text("x</w:t><v:i xmlns:v='urn:v' src='http://x/p.png'/><w:t>"), "takes something from outside"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_a_template_may_not_hold(tmp_path: Path, edit: Edit, told: str) -> None:
    assert told in refused(tmp_path, edit)


def test_fields_that_look_nowhere_else_may_stand(tmp_path: Path) -> None:
    data = edited(Form.ORDER, with_text(f"x</w:t>{field(' NUMPAGES  ')}<w:t>"))
    assert Templates.load(own(tmp_path, order=data)).own


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is no whole .docx"),
        (b"{\\rtf1 x}", "is no whole .docx"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "protected by a password, or in the format of before 2007",
        ),
        (shipped(Form.ORDER)[:4000], "is no whole .docx"),
        (wordfile.pack([("x.xml", b"<x/>")]), "is no .docx"),
        (wordfile.pack([("[Content_Types].xml", opening._MAIN.encode())]), "has a damaged part"),
        (b"x" * (opening.MAX_FILE + 1), "is larger than 8 MiB"),
        (wordfile.pack((f"word/{i}.xml", b"<x/>") for i in range(600)), "refused as a zip bomb"),
    ],
    ids=range(8),
)
def test_what_is_no_docx_at_all(tmp_path: Path, data: bytes, told: str) -> None:
    assert told in refusal(own(tmp_path, order=data))


@pytest.mark.parametrize("missing", ["word/document.xml", "_rels/.rels", "word/header1.xml", "word/styles.xml"])
def test_a_docx_that_lacks_a_part_is_refused_or_does_without(tmp_path: Path, missing: str) -> None:
    folder = own(tmp_path, order=edited(Form.ORDER, lambda parts: parts.pop(missing) and None))
    assert "is no whole .docx" in refusal(folder)


def test_every_byte_may_be_wrong(tmp_path: Path) -> None:
    """Whatever is damaged: a fault or a template, never another error."""
    whole = shipped(Form.ORDER)
    for place in range(0, len(whole), 211):
        (tmp_path / "order.docx").write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            Templates.load(tmp_path)
        except Faults as told:
            assert all(fault.where.startswith("order.docx") for fault in told.faults)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    data = bytearray(shipped(Form.ORDER))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    assert "protected by a password" in refusal(own(tmp_path, order=bytes(data)))


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(shipped(Form.ORDER))
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "order.docx").symlink_to(tmp_path / "elsewhere")
    assert "order.docx: cannot be read" in refusal(folder)
    (folder / "order.docx").unlink()
    (folder / "order.docx").mkdir()
    assert "order.docx: cannot be read" in refusal(folder)
    (folder / "order.docx").rmdir()
    os.mkfifo(folder / "order.docx")
    assert "order.docx: is no plain file" in refusal(folder)


def test_a_lie_about_sizes_is_a_fault(tmp_path: Path) -> None:
    data = bytearray(shipped(Form.ORDER))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (7).to_bytes(4, "little")
    assert "is no whole .docx" in refusal(own(tmp_path, order=bytes(data)))
