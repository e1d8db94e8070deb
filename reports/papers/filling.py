"""Filling a template that has been read (:mod:`reports.papers.reading`): part by part, straight into the file.

A paper is never held as a tree, nor as one text: 10⁴ items take no more memory than ten.
"""

from __future__ import annotations

import functools
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from inventories.faults import Fault, Faults, clean
from reports.papers import schema, tags, wordfile
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
                    what = f"grows beyond {MAX_PART >> 20} MiB"
                    raise Faults([Fault(where, what, "put fewer items into one paper")])
                parser.Parse(chunk)
                yield chunk
            parser.Parse(b"", True)
        except TemplateError as error:
            what = clean(error.message or str(error), 200)
            raise Faults([Fault(where, what, "fields and template do not fit together")]) from error
        except expat.ExpatError as error:
            what = f"does not fit together once filled in: {expat.ErrorString(error.code)}"
            raise Faults([Fault(where, what, CUT)]) from error


CUT = "let {%p … %} and {%tr … %} stand in paragraphs and rows of their own"


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
    office, number, day = (str(fields.get(name, "")) for name in ("office", "number", "date"))
    title = fields.get("title")
    whole = "".join(map(str, title)) if isinstance(title, list | tuple) else ""
    # A blank number, 　　〔　　　　〕　　号, tells nothing.
    subject = number if any(char.isdigit() for char in number) else ""
    return wordfile.core(title=whole, author=office, subject=subject, on=wordfile.issue_day(day))


# --- values -------------------------------------------------------------------------------------------------


def finalize(value: object) -> object:
    """A field as it stands in the paper: text, whatever it looks like, its line breaks kept."""
    if isinstance(value, str):
        # Whatever says of itself that it is safe markup is text too.
        text = str.__str__(value)
        if _ODD.search(text):
            text = "\n".join(clean(line, 1 << 24) for line in text.split("\n"))
        return _BREAK.join(escape(line) for line in text.split("\n")) if "\n" in text else escape(text)
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
