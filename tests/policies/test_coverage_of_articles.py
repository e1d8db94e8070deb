"""Article by article: nothing of a regulation is skipped in silence."""

from __future__ import annotations

from policies.coverage import articles, missing
from policies.pack import builtin_packs, load_pack, load_packs
from tests.policies.conftest import MakePack


def test_each_article_has_what_rests_on_it(make_pack: MakePack) -> None:
    found = {a.name: a for a in articles(load_pack(make_pack()))}
    assert list(found) == ["第一条", "第二条", "第三条", "第四条", "第五条"]
    assert [rule.id for rule in found["第二条"].rules] == ["on-cloud"]
    assert [power.id for power in found["第四条"].powers] == ["order"]
    assert [m.question for m in found["第五条"].manual] == ["是否汇报进展？"]
    assert [o.why for o in found["第一条"].out_of_scope] == ["适用范围"]


def test_an_article_that_nothing_accounts_for_is_missing(make_pack: MakePack) -> None:
    pack = load_pack(make_pack(("articles: 5", "articles: 6")))
    assert [a.name for a in missing(pack)] == ["第六条"]


def test_a_rule_that_cites_another_law_accounts_for_no_article_of_the_pack(make_pack: MakePack) -> None:
    other = ("    title: 新建机房\n", "    title: 新建机房\n    regulation: 某法\n")
    pack = load_pack(make_pack(other))
    assert "第三条" in [a.name for a in missing(pack)]


def test_nothing_is_missing_from_the_packs_that_ship() -> None:
    for pack in load_packs(builtin_packs()):
        assert missing(pack) == (), pack.id
        known = {rule.id for rule in pack.rules}
        assert {rule.id for a in articles(pack) for rule in a.rules} == known, "a rule rests on an article"
