"""Starting a pack: a folder that loads as it stands, in which every field is explained.

Where the regulation's text is given, each of its articles is taken over word for word and listed as not yet worked
out, so that nothing is forgotten: what a pack does not check, it says.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from inventories.faults import Fault, Faults, clean
from policies.articles import article_name, article_number
from policies.source import PACK, TEXT

#: ``REGION-YEAR``: a name in Latin letters and the regulation's year. It is a folder's name, and no more.
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-(?:19|20)[0-9]{2}")
MAX_NAME = 64
MAX_TEXT = 1024 * 1024

_HEADING = re.compile(r"^[\s　]*(第[零〇一二三四五六七八九十百]+)[条條][\s　]*(.*)$")
_PART = re.compile(r"^[\s　]*第[零〇一二三四五六七八九十百]+[编章节](?:[\s　]|$)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def articles_of(text: str, name: str) -> dict[str, str]:
    """A regulation's articles, ``第一条`` → wording, from its plain text: each begins a line with its number.

    Headings of chapters are left out, and so is what stands before the first article. ``name`` is the file's, for
    errors. Raises :class:`Faults` for a text whose articles are not numbered 1, 2, 3 … without a gap.
    """
    out: dict[str, list[str]] = {}
    faults: list[Fault] = []
    current: list[str] | None = None
    for number, line in enumerate(_CONTROL.sub("", text.replace("\r\n", "\n")).split("\n"), 1):
        found = _HEADING.match(line)
        if found:
            expected = article_name(len(out) + 1) if len(out) < 999 else ""
            article = f"{found[1]}条"
            if article_number(article) != len(out) + 1:
                what = f"{article} where {expected or 'no more articles'} should stand"
                faults.append(Fault(f"{name}:{number}:1", what, "let each article begin a line with its number"))
            current = out.setdefault(article, [])
            current.append(found[2].strip())
        elif current is not None and line.strip() and not _PART.match(line):
            current.append(line.strip())
    if not out:
        faults.append(Fault(name, "holds no line that begins with 第一条", "see that it is the regulation's text"))
    empty = [article for article, lines in out.items() if not any(lines)]
    faults += [Fault(name, f"{article} has no wording") for article in empty]
    if faults:
        raise Faults(faults)
    return {article: "\n".join(filter(None, lines)) for article, lines in out.items()}


def read_text(path: Path) -> str:
    """A regulation's text. Raises :class:`Faults` where it cannot be read, is too large or is not UTF-8."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_TEXT + 1)
    except OSError as error:
        raise Faults([Fault(str(path), f"cannot be read: {error.strerror or error}")]) from error
    if len(raw) > MAX_TEXT:
        raise Faults([Fault(str(path), f"is larger than {MAX_TEXT // 1024} KiB", "see that it is the text alone")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Faults([Fault(f"{path}:{line}", "is not UTF-8 text", "save it as UTF-8")]) from error


def check_name(name: str) -> None:
    """Raises :class:`Faults` for what is no ``REGION-YEAR``."""
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        shown = clean(name, 80)
        raise Faults([Fault("the name", f"{shown!r} is no REGION-YEAR", "write one such as gaoping-2024")])


def start_pack(folder: Path, *, region: str, articles: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Makes the folder of a new pack, which its name is taken from, and returns the files in it.

    ``articles`` are the regulation's own; without them three stand in their place. The folder must not be there:
    FileExistsError, and nothing is written.
    """
    check_name(folder.name)
    wording = dict(articles or _PLACEHOLDERS)
    contents = {
        PACK: _pack(folder.name, region, wording, given=bool(articles)),
        TEXT: _text(wording, given=bool(articles)),
        "cases/README.md": _template("cases.md"),
    }
    # Never into a folder that is there, nor through a link of that name.
    folder.mkdir(mode=0o700, parents=False)
    try:
        (folder / "cases").mkdir(mode=0o700)
        for name, content in contents.items():
            with (folder / name).open("x", encoding="utf-8") as stream:
                stream.write(content)
        _schemas(folder.parent / "schemas")
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return tuple(contents)


def _schemas(folder: Path) -> None:
    """What editors complete and check the files by, once for all the packs beside it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in ("pack", "text", "cases"):
        path = folder / f"{name}.schema.json"
        if not path.exists():
            content = (files("policies") / "schemas" / path.name).read_text(encoding="utf-8")
            with path.open("x", encoding="utf-8") as stream:
                stream.write(content)


_PLACEHOLDERS = {
    "第一条": "（在此抄录第一条全文）",
    "第二条": "（在此抄录第二条全文）",
    "第三条": "（在此抄录第三条全文）",
}


def _text(articles: Mapping[str, str], *, given: bool) -> str:
    lines = [
        "# yaml-language-server: $schema=../schemas/text.schema.json",
        "# 各条文字，一字不改：规则的引文逐字与此核对。录自何处，写在 pack.yaml 的 text.source。",
        "articles:",
    ]
    if not given:
        lines.insert(2, "# 以下三条只是占位，请换成法规原文，并把 pack.yaml 的 articles 改为实际条数。")
    for article, wording in articles.items():
        lines.append(f"  {article}: |")
        lines += [f"    {line}" for line in wording.split("\n")]
    return "\n".join(lines) + "\n"


def _pack(name: str, region: str, articles: Mapping[str, str], *, given: bool) -> str:
    """The commented file; what is not known yet stands in brackets, and binds nobody."""
    first, *others = articles
    clauses = [
        f"  - {{article: {article}, question: 本条是否得到遵守？, why: 尚未拆解为规则, ask: bureau}}"
        for article in others
    ]
    words = {
        "@NAME@": name,
        "@REGION@": region,
        "@COUNT@": str(len(articles)),
        "@FIRST@": first,
        "@MANUAL@": "\n".join(clauses) or "  []",
        "@HINT@": "" if given else "（现为占位，请改为实际条数）",
    }
    text = _template("pack.yaml")
    for mark, held in words.items():
        text = text.replace(mark, held)
    return text


def _template(name: str) -> str:
    return (files("policies") / "templates" / name).read_text(encoding="utf-8")
