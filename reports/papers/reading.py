"""Reading a template: as docxtpl reads it, checked, and compiled once.

docxtpl turns what a word processor wrote into what Jinja understands: tags split over runs, rows and paragraphs
that a tag stands for. Everything that could go wrong with a paper is looked for here, before there is one.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping

from docx.exceptions import PythonDocxError
from docx.opc.exceptions import OpcError
from docxtpl import DocxTemplate
from jinja2 import Template, TemplateSyntaxError
from lxml import etree

from inventories.faults import Fault, Faults, clean
from reports.papers import schema, tags
from reports.papers.filling import CUT, Compiled, environment
from reports.papers.trial import MARK, structure, unmarked
from reports.papers.view import Form

#: What python-docx raises where a package is not put together as it should be.
_NO_DOCX = (OpcError, PythonDocxError, KeyError, ValueError, AttributeError, etree.LxmlError)
#: Parts that may hold tags, by the end of their content type.
_TAGGED = ("document.main+xml", "header+xml", "footer+xml", "footnotes+xml", "endnotes+xml")
#: The fields that a paper cannot do without, whatever it looks like.
_SIGNED = ("title", "number", "addressee", "body", "signature", "date")
_ESSENTIAL: Mapping[Form, tuple[str, ...]] = {
    **dict.fromkeys(Form, (*_SIGNED, "evidence")),
    Form.INSPECTION: (*_SIGNED, "results"),
    Form.RECEIPT: ("title", "receipt"),
    Form.REPLY: ("title", "body", "report"),
    Form.BULLETIN: ("title", "number", "body", "rows", "date"),
}


def compiled(form: Form, data: bytes, shown: str) -> Compiled:
    """Reads a template and checks what it says. Raises :class:`Faults` with everything that is wrong.

    ``data`` is a file that :func:`reports.papers.opening.check` has looked at.
    """
    try:
        template = DocxTemplate(io.BytesIO(data))
        template.init_docx()
        package = template.docx.part.package
        _ = package.core_properties  # so that the file has some
        raw = {
            str(part.partname).lstrip("/"): template.patch_xml(template.get_part_xml(part))
            for part in package.iter_parts()
            if str(part.content_type).endswith(_TAGGED)
        }
        saved = io.BytesIO()
        template.docx.save(saved)
    except _NO_DOCX as error:
        what = f"is no whole .docx: {clean(str(error), 80)}"
        raise Faults([Fault(shown, what, "open it in WPS or Word and save it as .docx")]) from error
    sources = {name: xml for name, xml in raw.items() if "{{" in xml or "{%" in xml or "{#" in xml}
    _check(form, raw, shown)
    with zipfile.ZipFile(saved) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    made = Compiled(
        form,
        shown,
        hashlib.sha256(data).hexdigest(),
        tuple((name, _template(sources[name]) if name in sources else content) for name, content in parts),
    )
    _try(made)
    return made


def _template(source: str) -> Template:
    return environment().from_string(_merged(source))


def _check(form: Form, sources: Mapping[str, str], shown: str) -> None:
    faults: list[Fault] = []
    used: set[str] = set()
    kinds = schema.schema(form)
    for name, source in sources.items():
        where = f"{shown}, {_part_name(name)}"
        told = [*tags.full_width(where, _lines(source)), *_misplaced(source, where)]
        # A paragraph on a line of its own, so that a fault can show the words it stands beside.
        spread = _merged(re.sub(r"<w:p([ >])", r"\n<w:p\1", source))
        lines = spread.split("\n")
        try:
            checker = tags.Checker(where, lines, kinds)
            checker.check(environment().parse(spread))
            told += checker.faults
            used |= checker.used
        except TemplateSyntaxError as error:
            told.append(Fault(tags.near(where, lines, error.lineno), clean(error.message or "", 160), _SYNTAX))
        faults += told
    if not faults:
        faults += [
            Fault(shown, f"does not print {name!r}", f"a paper of this form cannot do without {{{{ {name} }}}}")
            for name in _ESSENTIAL[form]
            if name not in used
        ]
    if faults:
        raise Faults(dict.fromkeys(faults))


_SYNTAX = "write {{ field }}, {%p if … %} … {%p endif %}, {%tr for row in … %} … {%tr endfor %}"


def _lines(source: str) -> list[str]:
    return re.sub(r"<w:p([ >])", r"\n<w:p\1", source).split("\n")


def _part_name(name: str) -> str:
    stem = name.rpartition("/")[2].partition(".")[0]
    return "text" if stem == "document" else stem


_PRINTED = "\ue000"


def _misplaced(source: str, where: str) -> Iterator[Fault]:
    """Tags that would print anything but text: into an attribute, a field's code, or between the paragraphs."""
    bare = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", source.replace(_PRINTED, ""), flags=re.DOTALL)
    bare = re.sub(r"\{\{.*?\}\}", _PRINTED, bare, flags=re.DOTALL)
    try:
        tree = etree.fromstring(bare, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        yield Fault(where, f"has tags that cut across paragraphs or cells: {clean(str(error.msg), 80)}", CUT)
        return
    for element in tree.iter(etree.Element):
        outside = not element.tag.endswith("}t") and _PRINTED in (element.text or "")
        if outside or _PRINTED in (element.tail or "") or any(_PRINTED in value for value in element.attrib.values()):
            local = etree.QName(element).localname
            yield Fault(
                where, f"prints a field where no text stands ({local})", "print it with {{ … }} in plain text"
            )


_UP = re.compile(r"(<w:tc[ >](?:(?!<w:tc[ >]).)*?)\{%\s*up\s+([\w.]+)\s*%\}", re.DOTALL)
_CELL = re.compile(
    r"(<w:tc(?:\s[^>]*)?><w:tcPr>(?:<w:cnfStyle[^>]*/>)?(?:<w:tcW[^>]*/>)?(?:<w:gridSpan[^>]*/>)?(?:<w:hMerge[^>]*/>)?)"
    r"(?:<w:vMerge[^>]*/>)?"
)


def _merged(source: str) -> str:
    """Our one tag more: a cell with ``{%up row.no %}`` is one with the cell above where that field is empty."""

    def merge(found: re.Match[str]) -> str:
        above = f'<w:vMerge{{% if {found[2]} %}} w:val="restart"{{% endif %}}/>'
        cell = found[1].replace("<w:tcPr/>", "<w:tcPr></w:tcPr>", 1)
        if "<w:tcPr" not in cell:
            cell = re.sub(r"(<w:tc(?:\s[^>]*)?>)", r"\1<w:tcPr></w:tcPr>", cell, count=1)
        return _CELL.sub(lambda start: start[1] + above, cell, count=1)

    while _UP.search(source):
        source = _UP.sub(merge, source)
    return source


def _try(made: Compiled) -> None:
    """Fills the template with everything, with nothing, and as a draft: what breaks then must not break at issue."""
    faults: list[Fault] = []
    for filled in (True, False):
        try:
            paper = made.fill(schema.example(made.form, filled=filled) | {"mark": MARK if filled else ""})
        except Faults as error:
            faults += error.faults
            continue
        faults += structure(paper, made.shown, "filled in" if filled else "with empty fields and lists")
        if filled:
            faults += unmarked(paper, made.shown)
    if faults:
        raise Faults(dict.fromkeys(faults))
