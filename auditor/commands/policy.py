"""``policy list``, ``test`` and ``coverage``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from auditor.errors import Exit
from auditor.output import print_json, print_table, say
from auditor.pack_names import named_packs
from policies.coverage import Article, articles
from policies.model import Pack


def list_packs(root: Path, *, as_json: bool) -> int:
    packs = named_packs([], root, settled=True)
    if as_json:
        print_json([pack_json(pack) for pack in packs])
        return Exit.DONE
    print_table(
        ("pack", "number", "title", "region", "in force", "rules", "manual"),
        ((p.id, p.number, p.title, p.region, in_force(p), len(p.rules), len(p.manual)) for p in packs),
    )
    return Exit.DONE


def in_force(pack: Pack) -> str:
    start = pack.in_force_from.isoformat() if pack.in_force_from else "set by the site"
    return f"{start} to {pack.in_force_to}" if pack.in_force_to else f"from {start}"


def pack_json(pack: Pack) -> dict[str, object]:
    return {
        "id": pack.id,
        "title": pack.title,
        "number": pack.number,
        "issuer": pack.issuer,
        "region": pack.region,
        "in_force_from": pack.in_force_from,
        "in_force_to": pack.in_force_to,
        "rules": [rule.id for rule in pack.rules],
        "manual": [clause.article for clause in pack.manual],
        "digest": pack.digest,
    }


def coverage(names: Sequence[str], root: Path, *, as_json: bool) -> int:
    """Article by article: rule, manual or out of scope. Fails where an article is accounted for nowhere."""
    found = {pack.id: articles(pack) for pack in named_packs(names, root)}
    missing = sum(not article.accounted for rows in found.values() for article in rows)
    if as_json:
        print_json({pack: [_article_json(article) for article in rows] for pack, rows in found.items()})
    else:
        for pack, rows in found.items():
            print_table((pack, "rules", "powers", "manual", "out of scope"), map(_article_row, rows))
        say(f"{missing} articles are accounted for nowhere" if missing else "every article is accounted for")
    return Exit.FAILED if missing else Exit.DONE


def _article_json(article: Article) -> dict[str, object]:
    law = {"law": article.law} if article.law else {}
    return {
        **law,
        "article": article.number or article.name,
        "rules": [rule.id for rule in article.rules],
        "powers": [power.id for power in article.powers],
        "manual": [clause.question for clause in article.manual],
        "out_of_scope": [reason.why for reason in article.out_of_scope],
    }


def _article_row(article: Article) -> tuple[str, ...]:
    return (
        f"{article.law} {article.name}".strip(),
        "; ".join(rule.id for rule in article.rules),
        "; ".join(power.id for power in article.powers),
        "; ".join(clause.question for clause in article.manual),
        "; ".join(reason.why for reason in article.out_of_scope),
    )


def test(names: Sequence[str], root: Path, *, as_json: bool) -> int:
    """Runs the packs' own cases through the engine that judges a city."""
    from policies.casetest import test_packs

    report = test_packs(named_packs(names, root))
    if as_json:
        print_json(report.as_json())
    else:
        for line in report.lines():
            say(line)
    return Exit.DONE if report.passed else Exit.FAILED
