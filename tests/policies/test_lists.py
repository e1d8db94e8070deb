"""The lists: strict reading, and answers of which none accuses without the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from inventories.faults import Faults
from policies.lists import join
from policies.lists.answers import Answer, Doubt, Status, answer, end_of_support, standing
from policies.lists.load import (
    CATALOGUE,
    Lists,
    read_book,
    read_ends,
    read_lists,
    shipped,
    shipped_files,
    stored_files,
)
from policies.lists.model import COMPLETE_DAYS, Announcement, after_years
from policies.lists.words import DOUBTS, STATUS
from policies.model import Verdict
from policies.pack import load_pack
from tests.policies.conftest import MakePack, MakeSnapshot

DAY = date(2026, 11, 23)
NAMES = shipped().names

BOOK = """\
levels: [Ⅰ, Ⅱ, Ⅲ, Ⅳ]
announcements:
  - {id: 2023-1, title: 一号, on: 2023-12-26, source: s, verified: true}
  - {id: 2025-1, title: 二号, on: 2025-03-14, source: s, verified: true}
  - {id: 2026-5, title: 三号, on: 2026-09, source: s, verified: true}
rows:
  - {table: cpu, product: 鲲鹏 920, vendor: 华为, level: Ⅰ, announcement: 2023-1, source: s, verified: true}
  - {table: cpu, product: 飞腾腾云 S5000C-E, level: Ⅱ, announcement: 2025-1, source: s, verified: true}
  - {table: cpu, product: 龙芯 3A6000（C）, level: Ⅲ, announcement: 2026-5, source: s, verified: true}
  - {table: server_os, product: 银河麒麟高级服务器操作系统 V10 SP3, announcement: 2023-1, source: s, verified: false}
"""


def lists(*edits: tuple[str, str], more: str = "") -> Lists:
    content = BOOK
    for old, new in edits:
        assert content.count(old) >= 1, old
        content = content.replace(old, new)
    return read_lists({**shipped_files(), "announcements.yaml": (content + more).encode()})


def complete(*tables: str, through: date = DAY) -> str:
    return "complete:\n" + "".join(f"  - {{table: {table}, through: {through}}}\n" for table in tables)


def ask(of: Lists, category: str, product: str, version: str = "", day: date = DAY, vendor: str = "") -> Answer:
    return answer(of, category, product, version, vendor, day)


# --- what ships -------------------------------------------------------------------------------------------------


def test_shipped_rows_are_sourced_and_say_that_nobody_has_verified_them() -> None:
    book = shipped().book
    assert book.rows and not book.complete
    assert all(row.source and not row.verified for row in book.rows)
    assert all(row.announcement.source for row in book.rows)
    assert all(end.source.startswith("https://") for ends in shipped().ends.values() for end in ends)
    assert all(family in {f.id for f in NAMES.families["os"]} for family in shipped().ends)
    assert {row.product for row in book.rows if row.name is None} == {"华为昇腾 910B", "平头哥镇武 510", "壁仞 BR104"}


def test_the_first_announcement_runs_out_at_the_end_of_2026() -> None:
    row = next(row for row in shipped().book.rows if "PolarDB" in row.product)
    assert row.valid_to == date(2026, 12, 25)
    assert standing(row, date(2026, 9, 25)) == "listed"
    assert standing(row, date(2026, 9, 26)) == "expiring"
    assert standing(row, date(2026, 12, 25)) == "expiring"
    assert standing(row, date(2026, 12, 26)) == "expired"
    assert standing(row, date(2023, 12, 25)) == "not_yet"


@pytest.mark.parametrize("category", ["cpu", "os", "database"])
@pytest.mark.parametrize("day", [DAY, date(2027, 1, 1), date(2031, 1, 1)])
def test_what_ships_accuses_nobody(category: str, day: date) -> None:
    for family in NAMES.families[category]:
        for version in ("", "V10", "7", "20"):
            found = ask(shipped(), category, family.title or "某产品", version, day)
            assert found.status not in (Status.EXPIRED, Status.NOT_LISTED, Status.SUPERSEDED)
            assert found.is_domestic is not False


# --- answers ----------------------------------------------------------------------------------------------------


def test_listed_with_level_announcement_and_end() -> None:
    found = ask(lists(), "cpu", "飞腾 S5000C-E")
    assert (found.status, found.is_domestic) == (Status.LISTED, True)
    assert found.row is not None and (found.row.level, found.row.valid_to) == ("Ⅱ", date(2028, 3, 13))


def test_before_its_announcement_a_product_is_not_found() -> None:
    assert ask(lists(), "cpu", "飞腾 S5000C-E", day=date(2025, 3, 13)).doubt is Doubt.NOT_FOUND
    assert ask(lists(), "cpu", "飞腾 S5000C-E", day=date(2025, 3, 14)).status is Status.LISTED


def test_ninety_days_before_the_end_it_is_expiring() -> None:
    assert ask(lists(), "cpu", "鲲鹏 920", day=date(2026, 9, 25)).status is Status.LISTED
    assert ask(lists(), "cpu", "鲲鹏 920", day=date(2026, 9, 26)).status is Status.EXPIRING
    assert ask(lists(), "cpu", "鲲鹏 920", day=date(2026, 12, 25)).status is Status.EXPIRING


def test_expired_only_where_the_table_was_complete_after_the_end() -> None:
    day = date(2026, 12, 27)
    assert ask(lists(), "cpu", "鲲鹏 920", day=day).doubt is Doubt.LAPSED
    early = lists(more=complete("cpu", through=date(2026, 12, 25)))
    assert ask(early, "cpu", "鲲鹏 920", day=day).doubt is Doubt.LAPSED
    whole = lists(more=complete("cpu", through=date(2026, 12, 26)))
    found = ask(whole, "cpu", "鲲鹏 920", day=day)
    assert (found.status, found.is_domestic) == (Status.EXPIRED, True)
    assert ask(whole, "cpu", "鲲鹏 920", day=day + timedelta(days=COMPLETE_DAYS)).doubt is Doubt.LAPSED


def test_an_unverified_row_never_makes_a_product_expired() -> None:
    edit = (
        "level: Ⅰ, announcement: 2023-1, source: s, verified: true",
        "announcement: 2023-1, source: s, verified: false",
    )
    whole = lists(edit, more=complete("cpu", through=date(2027, 1, 5)))
    assert ask(whole, "cpu", "鲲鹏 920", day=date(2027, 1, 6)).doubt is Doubt.LAPSED


def test_a_later_row_renews_a_product() -> None:
    renewed = "  - {table: cpu, product: 华为鲲鹏920, level: Ⅱ, announcement: 2025-1, source: s, verified: true}\n"
    found = ask(lists(more=renewed), "cpu", "鲲鹏 920", day=date(2027, 1, 6))
    assert found.status is Status.LISTED and found.row is not None and found.row.level == "Ⅱ"


def test_a_later_row_that_may_be_the_product_leaves_it_open_whether_it_has_expired() -> None:
    doubtful = "  - {table: cpu, product: 鲲鹏 920 S, announcement: 2025-1, source: s, verified: true}\n"
    whole = lists(more=doubtful + complete("cpu", through=date(2027, 1, 5)))
    assert ask(whole, "cpu", "鲲鹏 920", day=date(2027, 1, 6)).doubt is Doubt.LAPSED


def test_superseded_from_the_later_announcement_on() -> None:
    edit = ("vendor: 华为, level: Ⅰ", "vendor: 华为, superseded_by: 2025-1")
    whole = lists(edit, more=complete("cpu"))
    assert ask(whole, "cpu", "鲲鹏 920", day=date(2025, 3, 13)).status is Status.LISTED
    assert ask(whole, "cpu", "鲲鹏 920", day=date(2025, 3, 14)).status is Status.SUPERSEDED
    assert ask(lists(edit), "cpu", "鲲鹏 920", day=date(2025, 3, 14)).status is Status.LISTED


def test_not_listed_only_where_the_table_is_complete() -> None:
    assert ask(lists(), "cpu", "Intel(R) Xeon(R)").doubt is Doubt.NOT_FOUND
    whole = lists(more=complete("cpu"))
    found = ask(whole, "cpu", "Intel(R) Xeon(R)")
    assert (found.status, found.is_domestic) == (Status.NOT_LISTED, False)
    assert ask(whole, "cpu", "", vendor="Intel").status is Status.NOT_LISTED
    assert ask(whole, "cpu", "Intel(R) Xeon(R)", day=DAY + timedelta(days=COMPLETE_DAYS)).status is Status.NOT_LISTED
    assert ask(whole, "cpu", "Intel(R) Xeon(R)", day=DAY + timedelta(days=COMPLETE_DAYS + 1)).doubt is Doubt.NOT_FOUND


def test_a_domestic_product_that_is_not_listed_is_not_called_foreign() -> None:
    found = ask(lists(more=complete("cpu")), "cpu", "鲲鹏 950")
    assert (found.status, found.is_domestic) == (Status.NOT_LISTED, None)


def test_a_system_needs_both_tables_complete_unless_it_belongs_to_one() -> None:
    assert ask(lists(more=complete("server_os")), "os", "CentOS Linux", "7").doubt is Doubt.NOT_FOUND
    assert ask(lists(more=complete("server_os", "desktop_os")), "os", "CentOS Linux", "7").status is Status.NOT_LISTED
    server = ask(lists(more=complete("server_os")), "os", "Microsoft Windows Server 2016", "10.0.14393")
    assert server.status is Status.NOT_LISTED


@pytest.mark.parametrize(
    ("product", "version"),
    [
        ("银河麒麟高级服务器操作系统", ""),
        ("银河麒麟高级服务器操作系统", "V10"),
        ("银河麒麟高级服务器操作系统", "V10 SP3-2403"),
        ("麒麟操作系统", "V10"),
        ("某某操作系统", "3"),
    ],
)
def test_what_is_not_identified_is_never_accused(product: str, version: str) -> None:
    whole = lists(more=complete("cpu", "server_os", "desktop_os", "central_database", "distributed_database"))
    found = ask(whole, "os", product, version)
    assert (found.status, found.doubt, found.is_domestic) == (None, Doubt.NOT_IDENTIFIED, None)


def test_the_service_pack_and_the_desktop_are_other_products() -> None:
    whole = lists(more=complete("server_os", "desktop_os"))
    assert ask(whole, "os", "银河麒麟高级服务器操作系统", "V10 SP3").status is Status.EXPIRING
    assert ask(whole, "os", "银河麒麟高级服务器操作系统", "V10 SP1").status is Status.NOT_LISTED
    assert ask(whole, "os", "银河麒麟桌面操作系统", "V10 SP3").status is Status.NOT_LISTED


def test_a_row_of_an_unknown_product_keeps_domestic_ones_from_being_called_not_listed() -> None:
    strange = "  - {table: cpu, product: 某某芯 X1, announcement: 2025-1, source: s, verified: true}\n"
    whole = lists(more=strange + complete("cpu"))
    assert ask(whole, "cpu", "鲲鹏 950").doubt is Doubt.NOT_IDENTIFIED
    assert ask(whole, "cpu", "Intel(R) Xeon(R)").status is Status.NOT_LISTED
    assert ask(whole, "cpu", "某某芯 X1").status is Status.LISTED


def test_an_announcement_of_which_only_the_month_is_known() -> None:
    assert ask(lists(), "cpu", "龙芯 3A6000(C)", day=date(2026, 9, 29)).doubt is Doubt.NOT_FOUND
    found = ask(lists(), "cpu", "龙芯 3A6000(C)", day=date(2026, 9, 30))
    assert found.status is Status.LISTED and found.row is not None and found.row.valid_to is None
    assert ask(lists(), "cpu", "龙芯 3A6000(C)", day=date(2029, 6, 1)).status is Status.LISTED
    assert ask(lists(), "cpu", "龙芯 3A6000(C)", day=date(2029, 9, 10)).doubt is Doubt.DAY_NOT_KNOWN


def test_every_answer_has_its_word() -> None:
    assert set(STATUS) == set(Status)
    assert set(DOUBTS) == set(Doubt)
    assert ask(lists(), "middleware", "东方通 TongWeb").doubt is Doubt.NO_TABLE


def test_three_years_on_a_leap_day() -> None:
    leap = Announcement("2024-9", "t", date(2024, 2, 29), date(2024, 2, 29), "s")
    assert leap.ends[0] == date(2027, 2, 27)
    assert after_years(date(2025, 3, 14), 3) == date(2028, 3, 14)


@pytest.mark.parametrize(
    ("product", "version", "expected"),
    [
        ("CentOS Linux", "7.9.2009", "2024-06-30"),
        ("CentOS Stream", "8", "2024-05-31"),
        ("Debian GNU/Linux", "12.5", "2028-06-30"),
        ("Ubuntu", "22.04.3", "2027-04-01"),
        ("Microsoft Windows Server 2012 R2 Standard", "6.3.9600", "2023-10-10"),
        ("Microsoft Windows Server", "10.0.14393", "2027-01-12"),
        ("Microsoft Windows 10 企业版 LTSC", "10.0.19045", None),
        ("Red Hat Enterprise Linux", "70", None),
        ("银河麒麟高级服务器操作系统", "V10 SP3", None),
        ("CentOS Linux", "", None),
    ],
)
def test_ends_of_support(product: str, version: str, expected: str | None) -> None:
    end = end_of_support(shipped(), "os", product, version)
    assert (str(end.on) if end else None) == expected
    assert end_of_support(shipped(), "database", product, version) is None


# --- strict reading ---------------------------------------------------------------------------------------------

_ROW = "  - {table: cpu, product: 鲲鹏 920, vendor: 华为, level: Ⅰ, announcement: 2023-1, source: s, verified: true}"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("table: cpu, product: 鲲鹏 920", "table: gpu, product: 鲲鹏 920", "unknown table 'gpu'"),
        ("level: Ⅱ", "level: Ⅴ", "unknown level 'Ⅴ'"),
        ("announcement: 2025-1, source", "announcement: 2025-9, source", "unknown announcement '2025-9'"),
        ("level: Ⅱ", "valid_to: 2031-03-13", "does not lie three years after"),
        ("level: Ⅱ", "valid_to: 2028年", "is no date"),
        ("level: Ⅱ", "levle: Ⅱ", "did you mean 'level'"),
        ("level: Ⅱ", "superseded_by: 2023-1", "is no later announcement"),
        (
            "level: Ⅰ, announcement: 2023-1, source: s, verified: true",
            "announcement: 2023-1, source: s",
            "lacks 'verified'",
        ),
        ("verified: false", "verified: maybe", "neither true nor false"),
        ("on: 2025-03-14", "on: 2024-03-14", "cannot be of 2024"),
        ("on: 2023-12-26", "on: 2023-02-30", "no date of the calendar"),
        ("on: 2023-12-26", "on: 2019-12-26", "before the first announcement"),
        ("on: 2026-09,", "on: 2026-13,", "neither a day nor a month"),
        ("id: 2026-5", "id: 二十号", "no number of an announcement"),
        ("id: 2026-5, title: 三号, on: 2026-09", "id: 2025-1, title: 三号, on: 2025-09", "a second announcement"),
        ("product: 飞腾腾云 S5000C-E", "product: 20", "is no text"),
        ("levels: [Ⅰ, Ⅱ, Ⅲ, Ⅳ]", "levels: [Ⅰ, Ⅰ]", "names a level twice"),
        ("levels:", "leveles:", "did you mean 'levels'"),
        (_ROW, f"{_ROW}\n{_ROW.replace('鲲鹏 920', '鲲鹏920')}", "a second row of"),
        ("rows:\n", "rows:\n  - 7\n", "is no mapping"),
    ],
)
def test_a_fault_is_told_with_its_place(old: str, new: str, what: str) -> None:
    with pytest.raises(Faults) as error:
        lists((old, new))
    assert any(what in str(fault) for fault in error.value.faults), [str(f) for f in error.value.faults]
    assert all(fault.where.startswith("announcements.yaml:") for fault in error.value.faults)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(Faults) as error:
        lists(("level: Ⅱ", "level: Ⅴ"), ("verified: false", "verified: 7"), ("title: 二号", "titel: 二号"))
    assert len(error.value.faults) >= 4


def test_a_site_adds_levels_and_replaces_rows() -> None:
    own = """\
levels: [Ⅰ, Ⅱ, Ⅲ, Ⅳ, Ⅴ]
rows:
  - {table: cpu, product: 龙芯3B6000, level: Ⅴ, announcement: 2025-1, source: 我局, verified: true}
"""
    both = read_lists({**shipped_files(), CATALOGUE: own.encode()})
    mine = [row for row in both.book.rows if "3B6000" in row.product]
    assert [(row.level, row.verified) for row in mine] == [("Ⅴ", True)]
    assert len(both.book.rows) == len(shipped().book.rows)
    with pytest.raises(Faults, match="in this order"):
        read_book(b"levels: [B, A]\n", "catalogue.yaml", NAMES, both.book)


def test_ends_are_read_strictly() -> None:
    content = (
        "ends:\n"
        "  - {product: a, release: '1', on: soon, source: s, verified: false}\n"
        "  - {product: a, release: '2', on: 2024-01-01, extended_to: 2023-01-01, source: s, verified: false}\n"
        "  - {product: a, release: '2', on: 2024-01-01, source: s, verified: false}\n"
    )
    with pytest.raises(Faults) as error:
        read_ends(content.encode(), "ends.yaml")
    assert [fault.where.split(":")[1] for fault in error.value.faults] == ["2", "3", "4"]


# --- in the engine ----------------------------------------------------------------------------------------------

_RULE = """\
  - id: no-new-room
    title: 产品
    article: 第三条
    quote: 整合后不得新建机房
    subject: component
    applies: category in ('cpu', 'os', 'database')
    violation: {violation}
    severity: medium
    bite: reminder
    remedy: 更换
"""


@pytest.fixture
def make_list_pack(make_pack: MakePack):
    def make(violation: str, cases: str | None = None) -> Path:
        from tests.policies.conftest import CLOUD_CASES, PACK

        start, end = PACK.index("  - id: no-new-room"), PACK.index("manual:")
        files = {"on-cloud": CLOUD_CASES} | ({"no-new-room": cases} if cases else {})
        return make_pack((PACK[start:end], _RULE.format(violation=violation)), cases=files)

    return make


PRODUCTS: Mapping[str, Mapping[str, object]] = {
    "listed": {"category": "cpu", "product": "飞腾 S5000C-E"},
    "foreign": {"category": "cpu", "product": "Intel(R) Xeon(R)", "vendor": "Intel"},
    "vendor": {"category": "cpu", "vendor": "Intel"},
    "vague": {"category": "os", "product": "麒麟操作系统", "version": "V10"},
    "old": {"category": "os", "product": "CentOS Linux", "version": "7.9"},
    "named": {"category": "os", "name": "CentOS Linux 7.9", "is_declared": True},
    "other": {"category": "middleware", "product": "东方通 TongWeb"},
    "blank": {},
}


def test_the_engine_and_the_answers_agree(make_list_pack, make_snapshot: MakeSnapshot) -> None:
    from policies.evaluate import unknowns, verdicts_for

    own = complete("cpu", "server_os", "desktop_os")
    folder = make_snapshot({"component": [{"key": key, "region": "140800", **row} for key, row in PRODUCTS.items()]})
    (folder / "lists").mkdir()
    for name, content in {**shipped_files(), CATALOGUE: own.encode()}.items():
        (folder / "lists" / name).write_bytes(content)
    of = read_lists(stored_files(folder / "lists"))
    pack = load_pack(make_list_pack("list_status in ('expired', 'not_listed') or eol_on < as_of"))
    pairs = [("town-2020/no-new-room", key) for key in PRODUCTS]
    got = {key: verdict for (_rule, key), verdict in verdicts_for(folder, [pack], as_of=DAY, pairs=pairs).items()}
    for key, row in PRODUCTS.items():
        told = join.answers(of, row, DAY)
        status, eol = told["list_status"], told["eol_on"]
        broken = status in ("expired", "not_listed") or (isinstance(eol, date) and eol < DAY)
        if row.get("category") == "middleware":
            assert got[key] is Verdict.NOT_APPLICABLE
        else:
            whole = status is not None and eol is not None
            assert got[key] is (Verdict.VIOLATION if broken else Verdict.COMPLIANT if whole else Verdict.UNKNOWN)
    lacking = {u.asset_key: u.missing for u in unknowns(folder, [pack], as_of=DAY)}
    assert lacking["vague"] == ("list_status", "eol_on")
    assert lacking["blank"] == ("category",)


def test_a_snapshot_without_lists_leaves_everything_unknown(make_list_pack, make_snapshot: MakeSnapshot) -> None:
    from policies.evaluate import evaluate

    folder = make_snapshot({"component": [{"key": k, "region": "140800", **row} for k, row in PRODUCTS.items()]})
    pack = load_pack(make_list_pack("list_status in ('expired', 'not_listed')"))
    found = evaluate(folder, [pack], as_of=DAY)
    assert not found.outcomes
    assert {count.verdict for count in found.counts if count.rule.endswith("no-new-room")} == {
        Verdict.UNKNOWN,
        Verdict.NOT_APPLICABLE,
    }


def test_cases_may_state_the_conclusion_or_the_product(make_list_pack) -> None:
    from policies.casetest import test_packs as run_cases

    cases = """\
rule: no-new-room
as_of: 2026-11-23
baseline: {component: {category: cpu, list_status: listed}}
cases:
  - {name: 到期, component: {list_status: expired}, expect: violation}
  - {name: 在有效期内, expect: compliant}
  - {name: 未能识别, component: {list_status: null}, expect: unknown}
  - {name: 中间件, component: {category: middleware}, expect: not_applicable}
"""
    stated = cases.replace(", list_status: listed", ", product: 飞腾 S5000C-E, version: null")
    stated = stated.replace("component: {list_status: expired}", "component: {list_status: not_listed}")
    stated = stated.replace("{list_status: null}", "{product: 某某芯}")
    for body in (cases, stated):
        report = run_cases([load_pack(make_list_pack("list_status in ('expired', 'not_listed')", body))])
        assert not report.failed and not report.untested, [str(f) for f in (*report.failed, *report.untested)]
