"""Article by article: what a pack makes of a regulation. Nothing is skipped in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from policies.articles import article_key, article_name, article_number
from policies.model import Manual, OutOfScope, Pack, Power, Rule


@dataclass
class Article:
    """One article (or numbered part), and everything in the pack that rests on it.

    ``law`` is empty for the pack's own regulation.
    """

    name: str
    law: str = ""
    rules: list[Rule] = field(default_factory=list)
    powers: list[Power] = field(default_factory=list)
    manual: list[Manual] = field(default_factory=list)
    out_of_scope: list[OutOfScope] = field(default_factory=list)

    @property
    def number(self) -> int | None:
        """None for the numbered parts of a paper without articles."""
        return article_number(self.name)

    @property
    def accounted(self) -> bool:
        """Whether a rule, a power, a question or a reason accounts for it."""
        return bool(self.rules or self.powers or self.manual or self.out_of_scope)


def articles(pack: Pack) -> tuple[Article, ...]:
    """Every article of the pack's own regulation; then, of each of its laws, those that something cites."""
    found = {("", name): Article(name) for name in map(article_name, range(1, pack.articles + 1))}

    def at(law: str, text: str) -> Article | None:
        name = article_key(text)
        if not name or (not law and ("", name) not in found):
            return None
        return found.setdefault((law, name), Article(name, law))

    for rule in pack.rules:
        for law, text in _cited(pack, rule):
            if article := at(law, text):
                article.rules.append(rule)
    for power in pack.powers.values():
        if article := at("", power.article):
            article.powers.append(power)
    for clause in pack.manual:
        if article := at(clause.law, clause.article):
            article.manual.append(clause)
    for reason in pack.out_of_scope:
        if article := at(reason.law, reason.article):
            article.out_of_scope.append(reason)
    order = {law: place for place, law in enumerate(("", *pack.laws))}
    return tuple(sorted(found.values(), key=lambda a: (order.get(a.law, len(order)), a.number or 0)))


def _cited(pack: Pack, rule: Rule) -> Iterable[tuple[str, str]]:
    """Law and article of everything that a rule cites, each once; other regulations than the pack's are left out."""
    if not rule.citations:
        return [("", rule.article)] if rule.basis.regulation == pack.title else []
    out: dict[tuple[str, str], None] = {}
    for citation in rule.citations:
        basis = citation.basis
        laws = [
            law.id
            for law in pack.laws.values()
            if (law.title, law.valid_from, law.valid_to) == (basis.regulation, citation.valid_from, citation.valid_to)
        ]
        if laws or basis.regulation == pack.title:
            out[(laws or [""])[0], basis.article] = None
    return out


def missing(pack: Pack) -> tuple[Article, ...]:
    """Articles of the pack's own regulation that nothing accounts for."""
    return tuple(article for article in articles(pack) if not article.law and not article.accounted)
