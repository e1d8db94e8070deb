"""Templates as docxtpl reads them, checked, compiled once, and filled part by part.

docxtpl turns what a word processor wrote into what Jinja understands (tags split over runs, rows and paragraphs
that a tag stands for). That reading, the compiling and the checks are done once for a template; a paper is then
written straight from the compiled parts into its file, so that 10⁴ items take no more memory than ten.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from docx.opc.exceptions import OpcError
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree
from markupsafe import Markup, escape

from inventories.faults import Fault, Faults, clean
from reports.papers import schema, tags, wordfile
from reports.papers.trial import structure, unmarked
from reports.papers.view import Form

_PROLOG = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_CORE = "docProps/core.xml"
#: One paper's longest part, in bytes of XML: some 10⁵ items.
MAX_PART = 1 << 29
_CHUNK = 1 << 18
_BREAK = Markup('</w:t><w:br/><w:t xml:space="preserve">')
#: What is neither plain text nor a line break: control and direction characters, halves of characters.
_ODD = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]"
)
#: Parts that may hold tags, by the end of their content type.
_TAGGED = ("document.main+xml", "header+xml", "footer+xml", "footnotes+xml", "endnotes+xml")
#: The fields that a paper cannot do without, whatever it looks like.
_ESSENTIAL: Mapping[Form, tuple[str, ...]] = {
    Form.RECEIPT: ("title", "receipt"),
    Form.REPLY: ("title", "body", "report"),
    Form.BULLETIN: ("title", "number", "body", "rows", "date"),
}
_ALWAYS = ("title", "number", "addressee", "body", "signature", "date")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template ready to be filled. ``parts`` are in the file's order, those with tags compiled."""

    form: Form
    shown: str
    #: SHA-256 of the template's file, 64 hexadecimal digits.
    digest: str
    parts: tuple[tuple[str, bytes | Template], ...]

    def fill(self, fields: Mapping[str, object]) -> bytes:
        """The paper. Raises :class:`Faults` where a field is missing or of another kind."""
        faults = list(schema.check(self.form, fields, self.shown))
        if faults:
            raise Faults(faults)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in self.parts:
                with archive.open(wordfile.entry(name), "w") as stream:
                    for chunk in self._written(name, content, fields):
                        stream.write(chunk)
        return out.getvalue()

    def _written(self, name: str, content: bytes | Template, fields: Mapping[str, object]) -> Iterator[bytes]:
        if isinstance(content, Template):
            yield from self._filled(name, content, fields)
        elif name == _CORE:
            yield _properties(fields).encode()
        else:
            yield content

    def _filled(self, name: str, template: Template, fields: Mapping[str, object]) -> Iterator[bytes]:
        """A part's XML in pieces, each checked before it is handed on."""
        where, size = f"{self.shown}, {name}", 0
        parser = expat.ParserCreate("utf-8")
        try:
            for chunk in _pieces(template.generate(fields)):
                size += len(chunk)
                if size > MAX_PART:
                    raise Faults(
                        [Fault(where, f"grows beyond {MAX_PART >> 20} MiB", "put fewer items into one paper")]
                    )
                parser.Parse(chunk)
                yield chunk
            parser.Parse(b"", True)
        except TemplateError as error:
            raise Faults(
                [Fault(where, clean(error.message or str(error), 200), "fields and template differ")]
            ) from error
        except expat.ExpatError as error:
            what = f"does not fit together once filled in: {expat.ErrorString(error.code)}"
            raise Faults([Fault(where, what, _CUT)]) from error


_CUT = "let {%p … %} and {%tr … %} stand in paragraphs and rows of their own"


def _pieces(chunks: Iterable[str]) -> Iterator[bytes]:
    """The same text in few pieces."""
    yield _PROLOG
    waiting, size = [], 0
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size > _CHUNK:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()


def _properties(fields: Mapping[str, object]) -> str:
    """Whose paper it is. What is no text is left out."""
    said = {
        name: value if isinstance(value := fields.get(name), str) else "" for name in ("office", "number", "date")
    }
    title = fields.get("title")
    whole = "".join(map(str, title)) if isinstance(title, list | tuple) else str(title or "")
    return wordfile.core(
        title=whole, author=said["office"], subject=said["number"].strip("　"), on=wordfile.issue_day(said["date"])
    )


# --- values -------------------------------------------------------------------------------------------------


def finalize(value: object) -> object:
    """A field as it stands in the paper: text, whatever it looks like, its line breaks kept."""
    if isinstance(value, str):
        # Whatever says of itself that it is safe markup is text too.
        text = str.__str__(value)
        if _ODD.search(text):
            text = "\n".join(clean(line, 1 << 24) for line in text.splitlines() or [""])
        safe = escape(text)
        return _BREAK.join(Markup(line) for line in safe.split("\n")) if "\n" in safe else safe
    if isinstance(value, Undefined) or type(value) is int:
        return value
    raise TemplateError(f"{type(value).__name__} is no text")


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja with nothing in it but fields. Attributes are keys of our own dictionaries, and nothing else."""

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=StrictUndefined, finalize=finalize, cache_size=0)
        self.globals.clear()
        self.tests.clear()
        self.filters = {name: self.filters[name] for name in tags.FILTERS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, LoopContext) and attribute in tags.LOOP:
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)


@functools.cache
def environment() -> _Environment:
    return _Environment()


# --- reading ------------------------------------------------------------------------------------------------


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
    except (OpcError, KeyError, ValueError, AttributeError, etree.LxmlError) as error:
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
            for name in _ESSENTIAL.get(form, _ALWAYS) + (("evidence",) if "evidence" in kinds else ())
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
        yield Fault(where, f"has tags that cut across paragraphs or cells: {clean(str(error.msg), 80)}", _CUT)
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
            paper = made.fill(schema.example(made.form, filled=filled))
        except Faults as error:
            faults += error.faults
            continue
        faults += structure(paper, made.shown, "filled in" if filled else "with empty fields and lists")
        if filled:
            faults += unmarked(paper, made.shown)
    if faults:
        raise Faults(dict.fromkeys(faults))
