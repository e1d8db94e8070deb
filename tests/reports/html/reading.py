"""Reads a page as strictly as a browser does not: every element closed in its turn, nothing that leads outside."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "hr", "col"})


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    parent: Element | None = None
    inner: list[Element | str] = field(default_factory=list)

    @property
    def children(self) -> list[Element]:
        return [one for one in self.inner if isinstance(one, Element)]

    @property
    def text(self) -> str:
        """All of the text inside."""
        return "".join(one if isinstance(one, str) else one.text for one in self.inner)

    def all(self, name: str = "") -> list[Element]:
        """Elements below, in the order of the page."""
        out = []
        for child in self.children:
            out += [child] if not name or child.name == name else []
            out += child.all(name)
        return out

    def inside(self, name: str) -> bool:
        return self.parent is not None and (self.parent.name == name or self.parent.inside(name))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.at = self.root
        self.doctypes: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self.doctypes.append(decl)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        made = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.inner.append(made)
        if tag not in VOID:
            self.at = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        assert self.at.inside("svg"), tag
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.name == tag, f"</{tag}> closes <{self.at.name}>"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.inner.append(data)


def read(page: str) -> Element:
    """The ``html`` element of a page; AssertionError where it is not well formed."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.name}> is open"
    assert reader.doctypes == ["DOCTYPE html"]
    (found,) = reader.root.children
    assert found.name == "html"
    return found


def shape(page: Element) -> Counter[tuple[str, ...]]:
    """How many elements of each sort there are, with the names of their attributes."""
    return Counter((one.name, *sorted(one.attributes)) for one in page.all())


def rows(page: Element, caption: str) -> list[dict[str, str]]:
    """The body's rows of the only table whose caption begins so, by heading."""
    (table,) = [one for one in page.all("table") if one.all("caption")[0].text.startswith(caption)]
    heads = [head.text for head in table.all("thead")[0].all("th")]
    return [
        dict(zip(heads, (cell.text for cell in row.children), strict=True)) for row in table.all("tbody")[0].children
    ]
