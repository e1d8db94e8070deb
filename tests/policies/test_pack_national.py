"""The national duties: none of them is the data bureau's to order, and nobody is accused by what is not known."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from inventories.faults import Faults
from inventories.kinds import KINDS
from inventories.model import Origin, SourcedFact, Strength
from policies.articles import advisory_word, article_key, quotes
from policies.cases import CaseFile, read_cases
from policies.casetest import test_packs as run_cases
from policies.casetest import write_rows
from policies.evaluate import evaluate, verdicts_for
from policies.expressions import value
from policies.lists.load import CATALOGUE, shipped_files
from policies.model import Bite, Pack, Rule, Verdict
from policies.orders import obstacles
from policies.pack import BUILTIN, load_pack, pack_files
from policies.subjects import columns_of, derived
from policies.trees import given, trees_of

FOLDER = BUILTIN / "national"
TODAY = date(2026, 11, 23)
CONFIRMED = {"confirmed_wording": {"by": "法规科", "on": "2026-11-01", "document": "某数函〔2026〕5号"}}
POLICE, CRYPTOGRAPHY = "公安机关网安部门", "密码管理部门"
#: Advice, or a hint to follow, whatever a site confirms.
NEVER_BINDING = {
    "mlps-filing-expiring",
    "mlps-assessment-l2",
    "mlps-major-risks",
    "domestic-cpu",
    "domestic-os",
    "domestic-database",
    "domestic-result-ended",
    "domestic-result-expiring",
    "domestic-os-eol",
    "domestic-os-eol-standard",
}
#: Clauses whose wording, scope or period nobody has held against the official text.
UNTIL_CONFIRMED = {
    "mlps-filing-validity",
    "mlps-assessment-l3",
    "mlps-assessment-l4",
    "mlps-assessment-l5",
    "crypto-assessment",
    "crypto-filing",
}
DOMESTIC = ("domestic-cpu", "domestic-os", "domestic-database")


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(FOLDER)


@pytest.fixture(scope="module")
def cases(pack: Pack) -> tuple[CaseFile, ...]:
    return read_cases(pack_files(FOLDER), str(FOLDER), {rule.id: rule.subject for rule in pack.rules})


def test_it_binds_the_whole_country_and_its_cases_pass(pack: Pack) -> None:
    assert pack.region == "000000"
    assert "涉密" in pack.scope
    report = run_cases([pack])
    assert report.passed, "\n".join(report.lines())
    assert {result.rule for result in report.results} == {rule.full_id for rule in pack.rules}


# What may become of a finding


@pytest.mark.parametrize("settings", [{}, CONFIRMED], ids=["as shipped", "wording confirmed"])
def test_nothing_can_become_an_order_or_a_letter_of_the_data_bureau(settings: Mapping[str, object]) -> None:
    held = load_pack(FOLDER, settings=settings)
    assert held.powers == {}
    for rule in held.rules:
        assert (rule.power, rule.order_needs) == (None, None), rule.id
        assert rule.bite in (Bite.REFERRAL, Bite.ADVICE, Bite.LEAD), rule.id
        assert obstacles(rule, _best_evidence(rule), verdict="violation", stale=False, now=_now()), rule.id


def _now() -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC)


def _best_evidence(rule: Rule) -> dict[str, list[SourcedFact]]:
    """Every column seen today on the machine itself: nothing about the evidence stands in the way."""
    return {
        name: [SourcedFact(name, True, Strength.SEEN_INSIDE, Origin.OBSERVED, "ssh", _now(), "")]
        for name in rule.columns
    }


def test_what_nobody_has_verified_is_advice_until_the_site_confirms_it(pack: Pack) -> None:
    confirmed = load_pack(FOLDER, settings=CONFIRMED)
    for rule in pack.rules:
        after = confirmed.rule(rule.id)
        if rule.id in UNTIL_CONFIRMED:
            assert (rule.bite, after.bite) == (Bite.ADVICE, Bite.REFERRAL), rule.id
            assert (rule.basis.verified, after.basis.verified) == (False, True), rule.id
        else:
            assert rule.bite is after.bite, rule.id
            assert (rule.bite is not Bite.REFERRAL) == (rule.id in NEVER_BINDING), rule.id


@pytest.mark.parametrize(("prefix", "authority"), [("mlps-", POLICE), ("crypto-", CRYPTOGRAPHY)])
def test_faults_are_for_the_authority_whose_they_are(prefix: str, authority: str) -> None:
    held = load_pack(FOLDER, settings=CONFIRMED)
    found = [rule for rule in held.rules if rule.id.startswith(prefix)]
    assert found
    assert {rule.refer_to for rule in found if rule.bite is Bite.REFERRAL} == {authority}
    assert {rule.refer_to for rule in held.rules if not rule.id.startswith(("mlps-", "crypto-"))} == {""}


# What is not known


def test_a_fact_taken_away_accuses_and_acquits_nobody(pack: Pack, cases: Sequence[CaseFile]) -> None:
    """From every row of every case, each fact that the rule names, and each pair of them."""
    tried = 0
    for file in cases:
        rule = pack.rule(file.rule)
        for case in file.cases:
            held = load_pack(FOLDER, settings=case.settings) if case.settings else pack
            before = _verdict(held, rule, case.row, case.as_of or TODAY)
            for size in (1, 2):
                for gone in itertools.combinations(rule.columns, size):
                    after = _verdict(held, rule, {**case.row, **dict.fromkeys(gone)}, case.as_of or TODAY)
                    assert after in (before, Verdict.UNKNOWN), (case.where, gone)
                    tried += 1
    assert tried > 1000


def _verdict(pack: Pack, rule: Rule, row: Mapping[str, object], as_of: date) -> Verdict:
    applies, violation = trees_of(pack, rule)
    outside = given(pack, as_of)
    scope = True if applies is None else value(applies, row, outside)
    if scope is None:
        return Verdict.UNKNOWN
    if not scope:
        return Verdict.NOT_APPLICABLE
    broken = value(violation, row, outside)
    return Verdict.UNKNOWN if broken is None else Verdict.VIOLATION if broken else Verdict.COMPLIANT


def test_a_paper_left_blank_accuses_nobody(pack: Pack, tmp_path: Path) -> None:
    """A running system of which only level and day are declared: every question was left blank."""
    blank = {"status": "running", "go_live_on": date(2010, 1, 1), "mlps_graded_on": date(2010, 1, 1)}
    rows = [{**blank, "key": f"s{level}", "mlps_level": level} for level in (1, 2, 3, 4, 5)]
    found = _judge(pack, tmp_path, system=rows)
    assert set(found.values()) <= {Verdict.UNKNOWN, Verdict.NOT_APPLICABLE, Verdict.COMPLIANT}
    assert found["national/mlps-filing", "s3"] is Verdict.UNKNOWN
    assert found["national/mlps-assessment-l3", "s3"] is Verdict.UNKNOWN
    assert found["national/crypto-assessment", "s3"] is Verdict.UNKNOWN


def test_the_number_of_risks_before_mending_is_no_number_of_open_ones(pack: Pack) -> None:
    """The report's conclusion counts what was found, mended or not."""
    assert "mlps_major_risks_found" not in pack.rule("mlps-major-risks").columns
    found = next(c for c in KINDS["system"].columns if "重大风险隐患数量" in (c.title, *c.headings))
    assert found.name == "mlps_major_risks_found"


def _judge(
    pack: Pack,
    folder: Path,
    *,
    system: Sequence[Mapping[str, object]] = (),
    component: Sequence[Mapping[str, object]] = (),
    catalogue: str = "",
    as_of: date = TODAY,
) -> dict[tuple[str, str], Verdict]:
    """The verdicts of every rule on rows written as a snapshot holds them, with the lists that it keeps."""
    rows = {"system": system, "component": component}
    for kind, held in rows.items():
        write_rows(folder / f"{kind}.parquet", kind, held)
    files = shipped_files() | ({CATALOGUE: catalogue.encode()} if catalogue else {})
    (folder / "lists").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / "lists" / name).write_bytes(content)
    pairs = [(rule.full_id, str(row["key"])) for rule in pack.rules for row in rows[rule.subject]]
    return dict(verdicts_for(folder, [pack], as_of=as_of, pairs=pairs))


# Products

PRODUCTS = (
    ("cpu", "Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz", ""),
    ("cpu", "HUAWEI,Kunpeng 920", ""),
    ("cpu", "某某处理器 X1", ""),
    ("os", "CentOS Linux", "7.9.2009"),
    ("os", "Kylin Linux Advanced Server", "V10 (Lance)"),
    ("os", "自研系统", "1.0"),
    ("database", "Oracle Database", "19c"),
    ("database", "达梦数据库", "DM8"),
    ("database", "南大通用安全数据库管理系统 GBase 8s V8.8", ""),
    ("database", "", ""),
)


def _components(products: Sequence[tuple[str, str, str]] = PRODUCTS) -> list[dict[str, object]]:
    return [
        {"key": f"p{i}", "category": c, "product": p, "version": v, "bought_on": date(2025, 6, 1)}
        for i, (c, p, v) in enumerate(products)
    ]


@pytest.mark.parametrize("as_of", [TODAY, date(2026, 12, 26), date(2028, 1, 1)])
def test_the_lists_as_shipped_accuse_nobody(pack: Pack, tmp_path: Path, as_of: date) -> None:
    """None of their tables is complete: what is not found there, or has run out there, is not known."""
    found = _judge(pack, tmp_path, component=_components(), as_of=as_of)
    broken = {key for key, verdict in found.items() if verdict is Verdict.VIOLATION}
    assert not {rule for rule, _ in broken} & {f"national/{name}" for name in (*DOMESTIC, "domestic-result-ended")}


WHOLE_CPU = "complete: [{table: cpu, through: 2026-11-20, by: 某局}]\n"


def test_a_complete_table_accuses_what_is_identified_and_not_on_it(pack: Pack, tmp_path: Path) -> None:
    found = _judge(pack, tmp_path, component=_components(), catalogue=WHOLE_CPU)
    assert found["national/domestic-cpu", "p0"] is Verdict.VIOLATION
    # What the table of names does not know may be listed under another name.
    assert found["national/domestic-cpu", "p2"] is Verdict.UNKNOWN
    # The table of processors says nothing of systems and databases.
    others = {"national/domestic-os", "national/domestic-database", "national/domestic-result-ended"}
    assert Verdict.VIOLATION not in {verdict for (rule, _), verdict in found.items() if rule in others}


def test_a_table_complete_long_ago_accuses_nobody(pack: Pack, tmp_path: Path) -> None:
    stale = WHOLE_CPU.replace("2026-11-20", "2026-01-20")
    found = _judge(pack, tmp_path, component=_components(), catalogue=stale)
    assert found["national/domestic-cpu", "p0"] is Verdict.UNKNOWN


def test_a_purchase_of_which_no_day_is_known_is_not_judged(pack: Pack, tmp_path: Path) -> None:
    rows = [{**row, "bought_on": None} for row in _components()]
    found = _judge(pack, tmp_path, component=rows, catalogue=WHOLE_CPU)
    assert not {rule for (rule, _), v in found.items() if v is Verdict.VIOLATION and "domestic-cpu" in rule}
    assert found["national/domestic-cpu", "p0"] is Verdict.UNKNOWN


def test_ends_of_support_are_shown_and_an_unknown_release_is_not_judged(pack: Pack, tmp_path: Path) -> None:
    rows = _components([("os", "CentOS Linux", "7.9.2009"), ("os", "CentOS Linux", ""), ("os", "自研系统", "1.0")])
    found = _judge(pack, tmp_path, component=rows)
    assert [found["national/domestic-os-eol", f"p{i}"] for i in range(3)] == [
        Verdict.VIOLATION,
        Verdict.UNKNOWN,
        Verdict.UNKNOWN,
    ]
    assert pack.rule("domestic-os-eol").bite is Bite.ADVICE


# Laws and their numbers


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("mlps-filing", "第二十一条", "第二十三条"),
        ("mlps-assessment-l2", "第二十一条", "第二十三条"),
        ("mlps-conclusion", "第二十一条", "第二十三条"),
        ("mlps-major-risks", "第二十五条", "第二十七条"),
        ("domestic-os-eol", "第二十五条", "第二十七条"),
    ],
)
def test_the_cybersecurity_law_is_cited_by_the_date_of_the_fact(
    pack: Pack, rule: str, before: str, after: str
) -> None:
    def cited(day: date) -> list[str]:
        bases = pack.rule(rule).bases_on(day)
        return [basis.article for basis in bases if basis.regulation == "中华人民共和国网络安全法"]

    assert cited(date(2025, 12, 31)) == [before]
    assert cited(date(2026, 1, 1)) == [after]
    assert cited(date(2017, 6, 1)) == [before]
    assert before not in cited(TODAY)


def test_a_conclusion_is_dated_by_its_report(pack: Pack) -> None:
    assert pack.rule("mlps-conclusion").dated_by == "mlps_assessed_on"
    assert {rule.dated_by for rule in pack.rules} == {"", "mlps_assessed_on"}


def test_the_renumbered_articles_have_the_old_wording(pack: Pack) -> None:
    old, new = pack.laws["cybersecurity-law-2016"], pack.laws["cybersecurity-law-2025"]
    assert (old.valid_to, new.valid_from) == (date(2025, 12, 31), date(2026, 1, 1))
    assert list(old.texts.values()) == list(new.texts.values())
    assert (old.verified, new.verified) == (True, False)


def test_a_law_that_is_not_yet_in_force_is_not_judged_by(pack: Pack, tmp_path: Path) -> None:
    failed = {"key": "s", "status": "running", "mlps_level": 3, "crypto_conclusion": "non_compliant"}
    row = {**failed, "crypto_assessment_absent": False}
    for as_of, expected in (
        (date(2023, 6, 30), Verdict.NOT_APPLICABLE),
        (date(2023, 7, 1), Verdict.VIOLATION),
    ):
        assert _judge(pack, tmp_path, system=[row], as_of=as_of)["national/crypto-conclusion", "s"] is expected


def test_each_law_tells_who_issued_it_since_when_and_where_it_was_read(pack: Pack) -> None:
    for law in pack.laws.values():
        assert law.issuer and law.source, law.id
        assert law.number or law.id in ("cybersecurity-law-2025", "cryptography-law-2019"), law.id
    assert {law.id for law in pack.laws.values() if law.verified} == {
        "cybersecurity-law-2016",
        "cryptography-law-2019",
        "cryptography-regulation-2023",
    }


def test_every_quote_stands_in_the_wording_that_is_shipped(pack: Pack) -> None:
    laws = {(law.title, law.valid_from): law for law in pack.laws.values()}
    for rule in pack.rules:
        assert rule.citations, rule.id
        for citation in rule.citations:
            basis = citation.basis
            assert citation.valid_from is not None
            law = laws[basis.regulation, citation.valid_from]
            assert quotes(basis.quote, law.texts[article_key(basis.article)]), (rule.id, basis.article)
            assert not advisory_word(basis.quote), rule.id


# Settings


def test_every_period_that_no_article_settles_says_what_it_rests_on(pack: Pack) -> None:
    values = {name: setting.value for name, setting in pack.settings.items()}
    assert values == {
        "mlps_level2_months": 24,
        "mlps_level3_months": 12,
        "mlps_level4_months": 12,
        "mlps_level5_months": 12,
        "mlps_filing_warning_months": 3,
        "crypto_least_level": 3,
        "crypto_months": 12,
        "crypto_filing_days": 30,
    }
    assert all(setting.basis for setting in pack.settings.values())
    assert "6个月" in pack.settings["mlps_level4_months"].basis


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("mlps_level3_months", 0),
        ("mlps_level3_months", -12),
        ("mlps_level4_months", 2**40),
        ("crypto_filing_days", 0),
        ("crypto_least_level", 0),
        ("mlps_level2_months", "24"),
    ],
)
def test_a_period_that_would_accuse_everybody_is_refused(name: str, held: object) -> None:
    with pytest.raises(Faults, match=name):
        load_pack(FOLDER, settings={name: held})


def test_no_rule_judges_by_a_conclusion_that_it_could_not_show(pack: Pack) -> None:
    """Whatever is computed rests on stored columns, which are the evidence."""
    for rule in pack.rules:
        for name in rule.columns:
            column = derived(rule.subject, name)
            assert name in columns_of(rule.subject)
            assert column is None or column.sources, name


def test_it_judges_an_empty_city(pack: Pack, tmp_path: Path) -> None:
    _judge(pack, tmp_path)
    assert evaluate(tmp_path, [pack], as_of=TODAY).counts == ()
