"""Writes docs/packs/<id>.md from the packs, and their list in docs/index.md: ``python -m tools.packs_page``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from inventories.kinds.declare import CLOUD_LEVELS
from policies.articles import article_key
from policies.coverage import Article, articles
from policies.model import Manual, Pack, Power, Rule
from policies.pack import builtin_packs, load_packs
from reports.clauses import Line, cited_as, power_lines, rule_lines, span
from reports.conditions import value_words

DOCS = Path(__file__).resolve().parents[1] / "docs"
FOLDER = DOCS / "packs"
INDEX = DOCS / "index.md"
BEGIN, END = "<!-- packs: written by `make docs` -->", "<!-- end of packs -->"

_ASKED = {"department": "部门", "bureau": "主管部门", "county": "县（市、区）", "contractor": "承建单位"}
_ESCAPED = str.maketrans({char: f"\\{char}" for char in "\\|*_`<>[]#"})
_MARKS = ("\ue000", "\ue001")  # put around quotes before escaping, and replaced afterwards


def pages() -> dict[Path, str]:
    """Path → page, for every pack that comes with the program."""
    return {FOLDER / f"{pack.id}.md": page(pack) for pack in load_packs(builtin_packs())}


def page(pack: Pack) -> str:
    """A pack as Markdown, for a lawyer: article by article, then powers, rules, settings."""
    parts = [
        "<!-- Written by `make docs` from the pack itself; do not edit. -->",
        f"# {_safe(cited_as(pack))}",
        _facts(pack),
        f"## 逐条对照\n\n{_articles(pack)}",
        f"## 权力\n\n{_powers(pack)}",
        f"## 上云率\n\n{_safe(pack.rate_formula) or '本规定未涉及。'}",
        f"## 本地设定\n\n{_settings(pack)}",
        *([f"## 所引法律\n\n{_laws(pack)}"] if pack.laws else []),
        "## 规则",
        *(_rule(pack, rule) for rule in pack.rules),
    ]
    return "\n\n".join(parts) + "\n"


def index(text: str) -> str:
    """The index with its list of packs written anew. ValueError where it has no place for one."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/index.md lacks {BEGIN} and {END}")
    lines = [f"- [{_safe(cited_as(pack))}](packs/{pack.id}.md)" for pack in load_packs(builtin_packs())]
    return "\n".join((before + BEGIN, *lines, END + after))


def _safe(text: object) -> str:
    """Text that Markdown shows as it is, in one line."""
    return " ".join(str(text).split()).translate(_ESCAPED)


def _table(headings: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """Cells are Markdown already."""
    lines = [f"| {' | '.join(headings)} |", "|" + "---|" * len(headings)]
    return "\n".join((*lines, *(f"| {' | '.join(row)} |" for row in rows)))


def _facts(pack: Pack) -> str:
    levels = "、".join(CLOUD_LEVELS[level][0] for level in pack.recognised_levels)
    verified = "已与正式文本核对" if pack.text_verified else "尚未与正式文本核对，不得据以责令整改"
    rows = [
        ("规定包", f"`{pack.id}`"),
        ("印发机关", _safe(pack.issuer)),
        ("行政区划", pack.region),
        ("施行", span(pack.in_force_from, pack.in_force_to)),
        ("适用范围", _safe(pack.scope + (f"（{pack.scope_article}）" if pack.scope_article else ""))),
        *(("原文排除", _safe(f"{one.article}：“{one.quote}”{one.note}")) for one in pack.exemptions),
        *([("废止", _safe("、".join(pack.repeals)))] if pack.repeals else []),
        ("条文文字", verified),
        *([("认可的政务云", levels)] if levels else []),
    ]
    return _table(("", ""), iter(rows))


def _articles(pack: Pack) -> str:
    return _table(("条", "处理", "内容"), (row for article in articles(pack) for row in _article_rows(pack, article)))


def _article_rows(pack: Pack, article: Article) -> Iterator[Sequence[str]]:
    """One row for each thing that is made of an article."""
    law = f"{pack.laws[article.law].title} " if article.law in pack.laws else ""
    name = _safe(f"{law}{article.name}")
    for rule in article.rules:
        yield name, "规则", f"[{rule.id}](#{rule.id})：{_safe(rule.title)}"
    for power in article.powers:
        yield name, "权力", _safe(f"{power.form}（{power.id}）")
    for clause in article.manual:
        yield name, "人工", _manual(clause)
    for reason in article.out_of_scope:
        yield name, "不涉及", _safe(reason.why)
    if not article.accounted:
        yield name, "**无交代**", ""


def _manual(clause: Manual) -> str:
    return _safe(f"{clause.question}（问{_ASKED.get(clause.ask, clause.ask)}；{clause.why}）")


def _powers(pack: Pack) -> str:
    if not pack.powers:
        return "本规定未赋予责令整改的权力，只能提示或者移送。"
    return "\n\n".join(
        f"### 权力 {power.id}\n\n{_lines(power_lines(power))}{_levels(power)}" for power in pack.powers.values()
    )


def _levels(power: Power) -> str:
    levels = "、".join(CLOUD_LEVELS[level][0] for level in power.levels)
    return f"\n- **受令者**：{levels}" if levels else ""


def _settings(pack: Pack) -> str:
    rows = [
        (
            f"`{s.name}`",
            _safe(s.title),
            _safe(s.article or s.basis),
            "由本地设定" if s.value is None else value_words("system", "", s.value),
        )
        for s in pack.settings.values()
    ]
    if pack.in_force_from is None:
        rows.insert(0, ("`in_force_from`", "施行日期", "原文未载", "由本地设定"))
    return _table(("设定", "含义", "依据", "默认"), iter(rows)) if rows else "无。"


def _laws(pack: Pack) -> str:
    rows = (
        (_safe(law.title), _safe(law.number), span(law.valid_from, law.valid_to), "是" if law.verified else "否")
        for law in pack.laws.values()
    )
    return _table(("法律", "文号", "施行", "文字已核对"), rows)


def _rule(pack: Pack, rule: Rule) -> str:
    lines = _lines(rule_lines(pack, rule, marks=_MARKS))
    return (
        f"### {rule.id}\n\n**{_safe(rule.title)}**（{_safe(article_key(rule.article) or rule.article)}）\n\n{lines}"
    )


def _lines(lines: Sequence[Line]) -> str:
    """The page's lines as a list; an article's wording stands below its heading, the quote in bold."""
    out = []
    for line in lines:
        first, *rest = line.words.splitlines()
        out.append(f"- **{line.heading}**：{_quoted(first)}" + (f"（`{line.code}`）" if line.code else ""))
        out += [f"  > {_quoted(text)}" for text in rest if text.strip()]
    return "\n".join(out)


def _quoted(text: str) -> str:
    return _safe(text).replace(_MARKS[0], "**").replace(_MARKS[1], "**")


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    fresh = pages()
    for path in set(FOLDER.glob("*.md")) - set(fresh):
        path.unlink()
    for path, text in fresh.items():
        path.write_text(text, encoding="utf-8")
    INDEX.write_text(index(INDEX.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
