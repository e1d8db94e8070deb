"""Loading packs: what is right comes out as records, what is wrong is listed with its place, all at once."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from inventories.faults import Fault, Faults
from inventories.kinds import KINDS
from inventories.model import Strength
from policies import cache, schema
from policies.model import Bite, Confirmation, Pack, Severity, Verdict
from policies.pack import builtin_packs, load_pack, load_packs, pack_files
from tests.policies.conftest import CLOUD_CASES, PACK, TEXT, MakePack

SEEN = {"by": "王工", "on": "2026-10-08", "document": "数据局〔2026〕5号"}


def faults_of(folder: Path, settings: dict[str, object] | None = None) -> list[Fault]:
    with pytest.raises(Faults) as caught:
        load_pack(folder, settings=settings)
    return list(caught.value.faults)


def place(text: str, needle: str) -> str:
    """``line:col`` of the needle in a text."""
    at = text.index(needle)
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def test_a_whole_pack(make_pack: MakePack) -> None:
    folder = make_pack()
    pack = load_pack(folder)
    assert (pack.id, pack.region, pack.in_force_from, pack.in_force_to) == (
        "town-2020",
        "140800",
        date(2020, 1, 1),
        None,
    )
    assert pack.text_verified
    assert pack.folder == str(folder)
    assert set(pack.texts) == {"第二条", "第三条", "第四条"}
    cloud, room = pack.rules
    assert cloud.full_id == "town-2020/on-cloud"
    assert cloud.columns == ("level_of_government", "status", "is_on_recognised_cloud")
    assert (cloud.severity, cloud.bite) == (Severity.HIGH, Bite.ORDER)
    assert cloud.basis.verified
    assert (cloud.basis.regulation, cloud.basis.article) == ("示例镇信息化管理办法", "第二条")
    assert cloud.order_needs is not None
    assert (cloud.order_needs.fresh_days, cloud.order_needs.strength) == (30, Strength.SEEN_OUTSIDE)
    assert cloud.power is not None
    assert cloud.power.reply is not None
    assert (cloud.power.reply.amount, cloud.power.reply.unit, cloud.power.reply.start) == (
        10,
        "working_days",
        "service",
    )
    assert cloud.power.levels == ("city",)
    assert cloud.power.if_refused[0].propose_to == "财政所"
    assert (room.applies, room.bite, room.power, room.waits_for) == ("", Bite.REMINDER, None, ("merged_on",))
    assert pack.manual[0].ask == "department"
    assert pack.rule("on-cloud") is cloud
    with pytest.raises(KeyError):
        pack.rule("no-such-rule")


def test_a_copy_is_the_same_pack(make_pack: MakePack, tmp_path: Path) -> None:
    """A snapshot keeps the files, and loads them again wherever it lies."""
    first = load_pack(make_pack())
    copy = tmp_path / "snapshot" / "packs" / "town-2020"
    for name, content in pack_files(Path(first.folder)).items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(content)
    second = load_pack(copy)
    assert second.digest == first.digest
    assert second.rules == first.rules


def test_every_file_counts_in_the_digest(make_pack: MakePack) -> None:
    folder = make_pack()
    before = load_pack(folder).digest
    with (folder / "cases" / "on-cloud.yaml").open("a", encoding="utf-8") as stream:
        stream.write("# a remark\n")
    assert load_pack(folder).digest != before


ON_CLOUD = "not is_on_recognised_cloud"
QUOTE = "quote: 各部门系统应当迁移上云"


@pytest.mark.parametrize(
    ("old", "new", "needle", "what", "mend"),
    [
        # misspelt and misplaced keys, at the key
        ("    severity: high\n", "    severty: high\n", "severty", "unknown key 'severty'", "'severity'"),
        ("articles: 5", "articels: 5", "articels", "unknown key 'articels'", "'articles'"),
        ("    addressee:", "    adressee:", "adressee", "unknown key 'adressee'", "'addressee'"),
        ("fresh_days: 30", "fresh_dais: 30", "fresh_dais", "unknown key 'fresh_dais'", "'fresh_days'"),
        # values, at the value
        ("severity: high", "severity: hihg", "hihg", "'hihg' is not allowed", "'high'"),
        ("subject: room", "subject: rooms", "rooms", "'rooms' is not allowed", "'room'"),
        ('region: "140800"', "region: 140800", "140800\n", "must be text", "quotes"),
        ("from: 2020-01-01", "from: soon", "soon", "'from' cannot be 'soon'", ""),
        ("article: 第二条", "article: 二", "二\n", "'article' cannot be '二'", "第十二条"),
        # predicates, at the character
        ("status = 'running'", "staus = 'running'", "staus", "no column 'staus'", "'status'"),
        (ON_CLOUD, "not is_on_recognized_cloud", "is_on_recognized", "no column", "'is_on_recognised_cloud'"),
        (ON_CLOUD, "count(*) > 0", "count(*)", "an aggregate", "one asset"),
        (ON_CLOUD, "exists(select 1)", "select 1", "sub-select", "one asset"),
        (ON_CLOUD, "levenshtein(name, 'x') > 1", "levenshtein", "unknown function 'levenshtein'", "begun_since"),
        (ON_CLOUD, "approval_no is null", "approval_no", "blank for an absence", "approval_absent"),
        (f"violation: {ON_CLOUD}", "violation: \"status = 'runing'\"", "'runing'", "never 'runing'", "'running'"),
        (ON_CLOUD, f">-\n      {ON_CLOUD}\n      and built_onn > as_of", "built_onn", "'built_onn'", "'built_on'"),
        # references and consistency
        ("power: order", "power: ordre", "ordre", "unknown power 'ordre'", "'order'"),
        ("id: no-new-room", "id: on-cloud", "on-cloud\n    title: 新建", "a second rule 'on-cloud'", "number 1"),
        ("bite: reminder", "bite: order", "order\n    remedy: 停建", "an order needs a power", "reminder"),
        ("power: order", "power: order\n    bite: lead", "lead", "a power is named", "leave one"),
        ("bite: reminder", "bite: referral", "id: no-new-room", "belong together", "both or neither"),
        ("article: 第五条", "article: 第六条", "第六条", "第六条 does not exist", "第五条"),
        (QUOTE, "quote: 各部门系统可以迁移上云", "各部门系统可以", "not in the text", "word for word"),
        (QUOTE, "quote: 整合后不得新建机房 ", "整合后", "not in the text", "第三条"),
        ("\n    levels: [city]", "\n    levels: [county]", "order\n    sev", "county departments only", ""),
        ("recognised_levels: [city]\n", "", ON_CLOUD, "recognised clouds", "recognised_levels"),
        ("  merged_on: {", "  built_on: {", "{type: date", "already means something else", "another name"),
        ("pack: town-2020", "pack: town-2021", "town-2021", "calls itself 'town-2021'", "same name"),
        ("{from: 2020-01-01}", "{from: 2020-01-01, to: 2019-01-01}", "2019-01-01", "before the first day", ""),
        ("{from: 2020-01-01}", "{from: 2020-01-01, to: 2024-12-30, years: 5}", "2024-12-30", "2024-12-31", "one of"),
        ("    addressee: 建设单位\n", "    addressee: 承建单位\n", "承建单位", "is a contractor", "over: contractor"),
        (
            "levels: [city]\n    form",
            "levels: [city]\n    over: contractor\n    form",
            "[city]\n    over",
            "no level of",
            "out",
        ),
        (
            "text: 适用于本镇各部门}",
            "text: 镇, exemptions: [{article: 第二条, quote: 学校除外}]}",
            "学校",
            "not in the text",
            "",
        ),
        ("severity: high", "severity: high\n    dated_by: built_on", "built_on\n    order", "name no date", "none"),
        # what a predicate may not say
        (
            "violation: built_on >= merged_on",
            "violation: built_on >= '2020-01-01'",
            "built_on >= '",
            "with text",
            "date",
        ),
        ("violation: built_on >= merged_on", "violation: area / 2 > 1", "area", "division", "compare"),
        ("violation: built_on >= merged_on", "violation: name = name", "name = n", "always true", ""),
        (
            "violation: built_on >= merged_on",
            "violation: built_on is null",
            "built_on is",
            "unknown fact into",
            "NULL",
        ),
    ],
)
def test_faults_have_their_place(make_pack: MakePack, old: str, new: str, needle: str, what: str, mend: str) -> None:
    folder = make_pack((old, new))
    found = faults_of(folder)
    text = (folder / "pack.yaml").read_text(encoding="utf-8")
    wanted = [f for f in found if what in f.what]
    assert wanted, found
    assert wanted[0].where == f"{folder / 'pack.yaml'}:{place(text, needle)}"
    assert mend in wanted[0].mend


def test_all_faults_at_once(make_pack: MakePack) -> None:
    folder = make_pack(
        ("    severity: high\n", "    severty: high\n"),
        ("status = 'running'", "staus = 'running'"),
        ("power: order", "power: ordre"),
        ("article: 第五条", "article: 第九条"),
        cases={"on-cloud": CLOUD_CASES.replace("status: retired", "status: gone")},
    )
    found = "\n".join(map(str, faults_of(folder)))
    for what in ("severty", "'severity'", "staus", "ordre", "第九条 does not exist", "status is never 'gone'"):
        assert what in found


def test_advice_is_not_ordered(make_pack: MakePack) -> None:
    text = TEXT.replace("各部门系统应当", "各部门系统原则上应当")
    folder = make_pack(("quote: 各部门系统应当", "quote: 各部门系统原则上应当"), text=text)
    assert any("原则上 makes the clause advice" in fault.what for fault in faults_of(folder))
    advice = make_pack(
        ("quote: 各部门系统应当", "quote: 各部门系统原则上应当"),
        ("    power: order\n", "    bite: advice\n"),
        ("    order_needs: {fresh_days: 30, strength: seen_outside}\n", ""),
        text=text,
    )
    assert load_pack(advice).rules[0].bite is Bite.ADVICE


def test_a_quote_that_cannot_be_checked(make_pack: MakePack) -> None:
    (found,) = faults_of(make_pack(text=TEXT.replace("第二条", "第五条")))
    assert "text.yaml lacks 第二条" in found.what


def test_a_pack_without_its_wording_is_unverified_until_the_site_confirms_it(make_pack: MakePack) -> None:
    folder = make_pack(text=None)
    (folder / "text.yaml").unlink(missing_ok=True)
    pack = load_pack(folder)
    assert not pack.text_verified
    assert not pack.rules[0].basis.verified
    confirmed = load_pack(folder, settings={"confirmed_wording": SEEN})
    assert confirmed.text_verified
    assert confirmed.rules[0].basis.verified
    assert confirmed.confirmation == Confirmation("王工", date(2026, 10, 8), "数据局〔2026〕5号")


def test_a_clause_that_nobody_has_seen_is_advice_until_confirmed(make_pack: MakePack) -> None:
    folder = make_pack(("    remedy: 迁移上云\n", "    remedy: 迁移上云\n    verified: false\n"))
    rule = load_pack(folder).rules[0]
    assert (rule.bite, rule.power, rule.order_needs, rule.basis.verified) == (Bite.ADVICE, None, None, False)
    assert load_pack(folder, settings={"confirmed_wording": SEEN}).rules[0].bite is Bite.ORDER


def test_a_clause_of_another_law_is_cited_as_such(make_pack: MakePack) -> None:
    folder = make_pack(
        (
            "    article: 第三条\n    quote: 整合后不得新建机房\n",
            "    article: 第九十九条\n    quote: 不得新建机房\n    regulation: 某法\n",
        )
    )
    basis = load_pack(folder).rules[1].basis
    assert (basis.regulation, basis.article) == ("某法", "第九十九条")


def test_years_in_force(make_pack: MakePack) -> None:
    pack = load_pack(make_pack(("{from: 2020-01-01}", "{from: 2020-02-29, years: 5}")))
    assert (pack.in_force_from, pack.in_force_to) == (date(2020, 2, 29), date(2025, 2, 27))
    folder = make_pack(("{from: 2020-01-01}", "{from: site, years: 5}"))
    assert load_pack(folder).in_force_to is None
    dated = load_pack(folder, settings={"in_force_from": "2024-02-05"})
    assert dated.in_force_to == date(2029, 2, 4)


def test_exemptions_and_powers_over_contractors(make_pack: MakePack) -> None:
    pack = load_pack(
        make_pack(
            (
                "text: 适用于本镇各部门}",
                "text: 镇, exemptions: [{article: 第三条, quote: 不得新建机房, note: 例外}]}",
            ),
            ("    addressee: 建设单位\n    levels: [city]\n", "    addressee: 承建单位\n    over: contractor\n"),
            ("article: 第四条, propose_to: 财政所}", "article: 第四条, when: 情节严重的}"),
        )
    )
    assert [(e.article, e.quote, e.note) for e in pack.exemptions] == [("第三条", "不得新建机房", "例外")]
    assert (pack.powers["order"].over, pack.powers["order"].levels) == ("contractor", ())
    assert pack.powers["order"].if_refused[0].when == "情节严重的"


def test_a_repealed_pack_ends_the_day_before_its_successor_begins(make_pack: MakePack) -> None:
    old = make_pack()
    make_pack(
        ("pack: town-2020", "pack: town-2024"),
        ("number: 示例〔2020〕1号", "number: 示例〔2024〕9号\nrepeals: [示例〔2020〕１号]"),
        ("{from: 2020-01-01}", "{from: 2024-05-01}"),
        name="town-2024",
    )
    first, second = load_packs(["town-2020", "town-2024"], extra_dirs=[old.parent])
    assert (first.in_force_to, second.in_force_to) == (date(2024, 4, 30), None)
    (alone,) = load_packs(["town-2020"], extra_dirs=[old.parent])
    assert alone.in_force_to is None


@pytest.mark.parametrize(
    ("site", "fits"),
    [("140800", True), ("140881", True), ("140000", True), ("140900", False), ("440303", False), ("150000", False)],
)
def test_a_pack_for_another_region(make_pack: MakePack, site: str, fits: bool) -> None:
    folder = make_pack()
    where = {"town-2020": "site.yaml:7:3", "no-such": "site.yaml:8:3"}
    if fits:
        assert load_packs(["town-2020"], extra_dirs=[folder.parent], region=site, where=where)
        return
    with pytest.raises(Faults) as caught:
        load_packs(["town-2020", "no-such"], extra_dirs=[folder.parent], region=site, where=where)
    foreign, unknown = sorted(caught.value.faults, key=lambda fault: fault.where)
    assert (foreign.where, unknown.where) == ("site.yaml:7:3", "site.yaml:8:3")
    assert f"the pack town-2020 is for 140800, and this site for {site}" in foreign.what
    assert "'no-such' is unknown" in unknown.what


# --- settings -----------------------------------------------------------------------------------------------


def site_dated(make_pack: MakePack) -> Path:
    return make_pack(
        ("in_force: {from: 2020-01-01}", "in_force: {from: site}"),
        ("violation: built_on >= merged_on", "violation: built_on >= in_force_from"),
    )


def test_a_rule_waits_for_the_date_that_the_site_must_give(make_pack: MakePack) -> None:
    folder = site_dated(make_pack)
    waiting = load_pack(folder)
    assert waiting.in_force_from is None
    assert [(r.needs_date, r.waits_for) for r in waiting.rules] == [(False, ()), (True, ("in_force_from",))]
    for given in (date(2019, 3, 1), "2019-03-01"):
        pack = load_pack(folder, settings={"in_force_from": given})
        assert pack.in_force_from == date(2019, 3, 1)
        assert pack.rules[1].waits_for == ()


def test_a_declared_setting(make_pack: MakePack) -> None:
    pack = load_pack(make_pack(), settings={"merged_on": "2022-05-01"})
    assert pack.settings["merged_on"].value == date(2022, 5, 1)
    assert pack.rules[1].waits_for == ()


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"merged_onn": "2022-05-01"}, "unknown setting 'merged_onn'"),
        ({"merged_on": "soon"}, "'soon' is no date"),
        ({"merged_on": 20220501}, "is no date"),
        ({"confirmed_wording": True}, "who confirmed it"),
        ({"confirmed_wording": {"by": "王工", "on": "2026-10-08"}}, "by what paper"),
        ({"confirmed_wording": {**SEEN, "on": "soon"}}, "when"),
        ({"confirmed_wording": {**SEEN, "by": " "}}, "who confirmed it"),
        ({"confirmed_wording": {**SEEN, "digest": "x"}}, "who confirmed it"),
        ({"in_force_from": "2019-03-01"}, "the text itself says 2020-01-01"),
    ],
)
def test_settings_that_do_not_fit(make_pack: MakePack, settings: dict[str, object], what: str) -> None:
    (found,) = faults_of(make_pack(), settings)
    assert what in found.what
    assert found.where == "settings of pack town-2020"


# --- hostile and broken files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "must be a mapping"),
        (b"- a\n- b\n", "must be a mapping"),
        (b"pack: [unclosed\n", "is not YAML"),
        (b"pack: a\npack: b\n", "stands twice"),
        (b"pack: &a x\ntitle: *a\n", "anchors and aliases"),
        (b"pack:\n\ttitle: x\n", "a tab"),
        (b"pack: !!python/object/apply:os.system ['true']\n", "tag"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"x" * (4 * 1024 * 1024 + 1), "larger than"),
    ],
)
def test_files_that_are_no_pack(make_pack: MakePack, content: bytes, what: str) -> None:
    folder = make_pack()
    (folder / "pack.yaml").write_bytes(content)
    assert any(what in fault.what for fault in faults_of(folder))


def test_values_of_any_type_anywhere_are_faults_and_no_crash(make_pack: MakePack) -> None:
    folder = make_pack()
    for odd in ("null", "[]", "{}", "7", "true", "2020-01-01", "text", "[[]]", "{a: {b: []}}"):
        for key in (
            "in_force",
            "articles",
            "text",
            "scope",
            "settings",
            "powers",
            "rules",
            "manual",
            "recognised_levels",
        ):
            lines, skipping = [], False
            for line in PACK.splitlines():
                if not line.startswith((" ", "-")):
                    skipping = line.startswith(f"{key}:")
                    line = f"{key}: {odd}" if skipping else line
                    lines.append(line)
                elif not skipping:
                    lines.append(line)
            (folder / "pack.yaml").write_text("\n".join(lines), encoding="utf-8")
            try:
                load_pack(folder)
            except Faults as error:
                assert error.faults


def test_an_escape_in_a_key_is_shown_harmless(make_pack: MakePack) -> None:
    folder = make_pack(("articles: 5", 'articles: 5\n"\\e[31mred": 1'))
    (found,) = faults_of(folder)
    assert "\x1b" not in str(found)


def test_no_pack_there(tmp_path: Path) -> None:
    (found,) = faults_of(tmp_path)
    assert "no pack" in found.what


@pytest.mark.parametrize("name", ["yuncheng-2012", "../packs/yuncheng-2021", "/etc", ""])
def test_an_unknown_id(name: str) -> None:
    with pytest.raises(Faults) as caught:
        load_packs([name])
    assert "is unknown" in str(caught.value)


def test_a_pack_of_ones_own(make_pack: MakePack) -> None:
    folder = make_pack()
    packs = load_packs(["town-2020", *builtin_packs()], settings={"town-2020": {}}, extra_dirs=[folder.parent])
    assert [pack.id for pack in packs] == ["town-2020", *builtin_packs()]


def test_the_same_id_twice_is_refused(make_pack: MakePack, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_pack()
    with pytest.raises(Faults) as caught:
        load_packs(["town-2020"], extra_dirs=[folder.parent, folder.parent])
    assert "keep one of them" in str(caught.value)


# --- schemas and the cache ----------------------------------------------------------------------------------


def test_schemas_are_schemas_and_know_our_words() -> None:
    for name in schema.SCHEMAS:
        Draft202012Validator.check_schema(schema.schema(name))
    rule = schema.schema("pack")["$defs"]["rule"]["properties"]
    assert rule["subject"]["enum"] == list(KINDS)
    assert rule["severity"]["enum"] == [s.value for s in Severity]
    assert rule["bite"]["enum"] == [b.value for b in Bite]
    assert rule["order_needs"]["properties"]["strength"]["enum"] == [s.label for s in Strength]
    cases = schema.schema("cases")["$defs"]
    assert set(cases["subjects"]["properties"]) == set(KINDS)
    assert cases["case"]["properties"]["expect"]["enum"] == [v.value for v in Verdict if v is not Verdict.WAIVED]
    assert set(KINDS) <= set(cases["case"]["properties"])


def kept(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "auditor" / "predicates").glob("*.json"))


def comparable(pack: Pack) -> tuple[object, ...]:
    return (pack.rules, pack.powers, pack.manual, pack.digest)


def test_a_checked_pack_is_kept_for_the_next_run(make_pack: MakePack, tmp_path: Path) -> None:
    folder = make_pack()
    first = load_pack(folder)
    (entry,) = kept(tmp_path)
    assert entry.stat().st_mode & 0o777 == 0o600
    assert entry.parent.stat().st_mode & 0o777 == 0o700
    assert comparable(load_pack(folder)) == comparable(first)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"on-cloud": 1}', "[" * 100_000, '{"on-cloud": {"violation": ["sql"]}}']
)
def test_a_spoilt_entry_is_ignored(make_pack: MakePack, tmp_path: Path, content: str) -> None:
    folder = make_pack()
    first = load_pack(folder)
    (entry,) = kept(tmp_path)
    entry.write_text(content)
    assert comparable(load_pack(folder)) == comparable(first)


def test_an_entry_that_others_may_write_is_ignored(make_pack: MakePack, tmp_path: Path) -> None:
    load_pack(make_pack())
    (entry,) = kept(tmp_path)
    assert cache.load(entry.stem) is not None
    entry.chmod(0o666)
    assert cache.load(entry.stem) is None


def test_a_home_that_cannot_be_written_to_is_no_fault(
    make_pack: MakePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load_pack(make_pack()).id == "town-2020"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    assert cache.folder() is None
    assert load_pack(make_pack()).id == "town-2020"


def test_a_pack_with_faults_is_never_kept(make_pack: MakePack, tmp_path: Path) -> None:
    faults_of(make_pack(("severity: high", "severity: hihg")))
    assert kept(tmp_path) == []


def test_kept_trees_hold_no_sql(make_pack: MakePack, tmp_path: Path) -> None:
    load_pack(make_pack())
    (entry,) = kept(tmp_path)
    assert json.loads(entry.read_text())["no-new-room"]["violation"][0] == "compare"
