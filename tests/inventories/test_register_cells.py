"""Cells: what people write, what it means, and what it must never be taken for."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.kinds import KINDS, Column, Type
from inventories.registers.addresses import read_address, read_prefix
from inventories.registers.cells import Cell, read_cell, text_of
from inventories.registers.dates import FIRST, LAST, read_day
from inventories.registers.declare import CLASSIFIED, REGISTERS
from inventories.registers.errors import CellError, Unsure
from inventories.registers.numbers import UNITS, read_integer, read_number

D = dt.date(2024, 2, 5)
DAY = Column("built_on", Type.DATE, "建成日期")
PAPER_DAY = Column("filed_on", Type.DATE, "备案日期", paper="filing")
PAPER = Column("approval_no", Type.TEXT, "批准文号", paper="approval")
TEXT = Column("functions", Type.TEXT, "功能")
CODE = Column("code", Type.TEXT, "编号")
FLAG = Column("is_physical", Type.BOOLEAN, "是否物理机")
COUNT = Column("ups", Type.INTEGER, "UPS数量", unit="台")
LEVEL = KINDS["system"].column("mlps_level")
HOSTING = KINDS["system"].column("hosting")
CONCLUSION = KINDS["system"].column("mlps_conclusion")
IPS = KINDS["host"].column("ips")
ADDRESSES = KINDS["system"].column("addresses")
ALL = [c for r in REGISTERS.values() for c in r.columns]


@pytest.mark.parametrize(
    "raw",
    [
        "2024年2月5日",
        "2024年02月05日",
        " 2024 年 2 月 5 日 ",
        "２０２４年２月５日",
        "2024年2月5号",
        "2024年2月5",
        "2024.2.5",
        "2024.02.05.",
        "2024．2．5",
        "2024。2。5",
        "2024-2-5",
        "2024—2—5",
        "2024-02-05",
        "2024/2/5",
        "2024／02／05",
        "2024、2、5",
        "20240205",
        "2024-02-05 00:00:00",
        "2024-02-05T08:30",
        "2024/2/5 8:30",
        "2024年2月5日（星期一）",
        "2024年2月5日 周一",
        "二〇二四年二月五日",
        "二○二四年二月五日",
        "二零二四年二月五日",
        20240205,
        20240205.0,
        45327,
        45327.0,
        45327.75,
        "45327",
        "45327.0",
        dt.date(2024, 2, 5),
        dt.datetime(2024, 2, 5, 23, 59),
    ],
)
def test_a_day_in_every_usual_spelling(raw: object) -> None:
    assert read_day(raw) == D


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("二〇二四年十二月三十一日", dt.date(2024, 12, 31)),
        ("一九九九年十月十日", dt.date(1999, 10, 10)),
        ("二〇二〇年二月二十九日", dt.date(2020, 2, 29)),
        (36526, dt.date(2000, 1, 1)),
        (18172, dt.date(1949, 10, 1)),
    ],
)
def test_further_days(raw: object, day: dt.date) -> None:
    assert read_day(raw) == day


@pytest.mark.parametrize(
    "raw",
    [
        "2024年2月",
        "2024年",
        "2024",
        "2024-02",
        "2024.2",
        "2024/2",
        "2024年2月份",
        "2024年2月左右",
        "2024年2月上旬",
        "2024年初",
        "2024年底",
        "2024年上半年",
        "2024年第二季度",
        "约2024年",
        "2019年以前",
        "202402",
        2024,
        2024.0,
        2024.2,
        2024.12,
        202402,
        dt.date(1905, 7, 16),  # the year 2024 typed into a cell that is formatted as a date
        dt.datetime(1905, 7, 16, 4, 48),
    ],
)
def test_a_month_or_a_year_is_no_day(raw: object) -> None:
    with pytest.raises(Unsure):
        read_day(raw)
    cell = read_cell(raw, DAY)  # type: ignore[arg-type]
    assert cell.value is None
    assert not cell.absent
    assert "left empty" in cell.note


@pytest.mark.parametrize(
    "raw",
    [
        "2024年2月30日",
        "2023-02-29",
        "2024.13.1",
        "2024-00-10",
        "20240230",
        20240230,
        "24.2.5",
        "24年2月5日",
        "5/2/2024",
        "2024-2.5",
        "2204-02-05",
        "1024-02-05",
        "明天",
        "长期",
        "2024.1.1-2024.6.30",
        "2024年2月5日、2024年3月1日",
        "二〇二四年二月三十日",
        "九" * 50 + "年",
        "2" * 10_000,
        0,
        1,
        -45327,
        1e300,
        float("nan"),
        float("inf"),
        99999,
        True,
        dt.date(2124, 2, 5),
        [],
        None,
    ],
)
def test_no_day(raw: object) -> None:
    with pytest.raises(CellError):
        read_day(raw)


def test_bare_numbers_of_a_book_that_counts_from_1904_are_refused() -> None:
    with pytest.raises(CellError, match="1904"):
        read_day(45327, from_1904=True)
    assert read_day(20240205, from_1904=True) == D
    assert read_day(dt.date(2024, 2, 5), from_1904=True) == D


@given(st.dates(FIRST, LAST))
def test_every_day_reads_back(day: dt.date) -> None:
    spellings = [
        day.isoformat(),
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}.{day.month}.{day.day}",
        f"{day:%Y%m%d}",
        (day - dt.date(1899, 12, 30)).days,
    ]
    for spelling in spellings:
        assert read_day(spelling) == day


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [
        ("200", "㎡", 200),
        ("200㎡", "㎡", 200),
        ("200 m²", "㎡", 200),
        ("２００平方米", "㎡", 200),
        ("1,200元", "元", 1200),
        ("1，200.50 元", "元", 1200.5),
        ("30万元", "元", 300_000),
        ("30万", "元", 300_000),
        ("1.2亿元", "元", 120_000_000),
        ("3千元", "元", 3000),
        ("￥1,234,567", "元", 1_234_567),
        ("0.1万元", "元", 1000),
        (0.1, "元", 0.1),
        ("100M", "Mbit/s", 100),
        ("100Mbps", "Mbit/s", 100),
        ("1G", "Mbit/s", 1000),
        ("千兆", "Mbit/s", 1000),
        ("100兆", "Mbit/s", 100),
        ("500W", "kW", 0.5),
        ("20千瓦", "kW", 20),
        ("16GB", "MB", 16384),
        ("1.5T", "MB", 1572864),
        ("三台", "台", 3),
        ("十二", "台", 12),
        ("2年", "月", 24),
        ("24个月", "月", 24),
        ("87.5分", "", 87.5),
        ("87.5%", "", 87.5),
        (12.0, "台", 12),
    ],
)
def test_numbers(raw: object, unit: str, value: float) -> None:
    assert read_number(raw, unit) == value


def test_the_heading_gives_the_unit_where_the_cell_gives_none() -> None:
    assert read_number("86", "元", factor=Decimal(10000)) == 860_000
    assert read_number(86, "元", factor=Decimal(10000)) == 860_000
    assert read_number("86元", "元", factor=Decimal(10000)) == 86


def test_shares() -> None:
    assert read_number("85%", percent=True) == 0.85
    assert read_number(0.85, percent=True) == 0.85
    with pytest.raises(CellError, match="no share"):
        read_number("85", percent=True)


@pytest.mark.parametrize(
    "raw", ["100-200", "100~200㎡", "约200㎡", "200左右", "200多平方米", "30余万元", ">5", "20kVA"]
)
def test_ranges_and_estimates_are_no_figures(raw: str) -> None:
    unit = "kW" if "kVA" in raw else "元" if "元" in raw else "㎡"
    with pytest.raises(Unsure):
        read_number(raw, unit)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "abc",
        "12abc",
        "1,2",
        "1.2.3",
        "-5",
        -5,
        "10亩",
        "200 300",
        "1e9999",
        "9" * 50,
        float("nan"),
        1e300,
        True,
        None,
    ],
)
def test_no_numbers(raw: object) -> None:
    with pytest.raises(CellError):
        read_number(raw, "㎡")


def test_whole_numbers() -> None:
    assert read_integer(3.0) == 3
    with pytest.raises(CellError, match="whole number"):
        read_integer(3.5)


def test_every_unit_of_the_declarations_is_known() -> None:
    assert {c.unit for c in ALL if c.type in (Type.INTEGER, Type.NUMBER)} <= set(UNITS)


@pytest.mark.parametrize("raw", ["", " ", "　", "-", "—", "——", "－", "/", "／", "…", None])
def test_blank_cells_say_nothing(raw: str | None) -> None:
    for column in (DAY, PAPER, TEXT, FLAG, COUNT, HOSTING):
        assert read_cell(raw, column) == Cell()


@pytest.mark.parametrize("raw", ["未知", "不详", "待定", "待核实", "？", "unknown"])
def test_there_is_no_word_for_not_known(raw: str) -> None:
    for column in (DAY, PAPER, TEXT, FLAG, COUNT, HOSTING):
        cell = read_cell(raw, column)
        assert cell.value is None
        assert not cell.absent
        assert cell.note


@pytest.mark.parametrize(
    "raw",
    [
        "无",
        "没有",
        "暂无",
        "尚无",
        "　无　",
        "无。",
        "无（2019年前建成）",
        "否",
        "未办理",
        "尚未取得",
        "未开展",
        "暂未备案",
        "None",
    ],
)
def test_none_is_a_fact_for_papers_only(raw: str) -> None:
    assert read_cell(raw, PAPER) == Cell(absent=True)
    assert read_cell(raw, PAPER_DAY) == Cell(absent=True)


def test_none_elsewhere() -> None:
    assert read_cell("无", TEXT) == Cell()
    assert read_cell("无", DAY) == Cell()
    assert read_cell("无", COUNT) == Cell(0)
    assert read_cell("无", FLAG) == Cell(False)
    assert read_cell("无", KINDS["project"].column("warranty_months")) == Cell()
    assert read_cell("未定级", LEVEL) == Cell(absent=True)
    assert read_cell("无", CONCLUSION) == Cell(absent=True)


@pytest.mark.parametrize("raw", ["无线网络管理办法〔2019〕3号", "未央政发〔2020〕1号", "无锡市政府〔2019〕5号"])
def test_names_that_begin_like_an_answer_are_names(raw: str) -> None:
    assert read_cell(raw, PAPER) == Cell(raw)


@pytest.mark.parametrize("raw", ["正在办理", "办理中", "待批", "拟2027年开展", "有", "是", "已办理", "√"])
def test_what_is_neither_a_paper_nor_none_is_left_open(raw: str) -> None:
    for column in (PAPER, PAPER_DAY):
        cell = read_cell(raw, column)
        assert cell.value is None
        assert not cell.absent
        assert cell.note


@pytest.mark.parametrize("raw", ["不适用", "不涉及", "N/A", "n/a"])
def test_what_does_not_apply_is_empty_with_a_note(raw: str) -> None:
    for column in (PAPER, FLAG, DAY):
        cell = read_cell(raw, column)
        assert cell.value is None
        assert not cell.absent
        assert cell.note


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        *((word, True) for word in ["是", "有", "√", "✓", "Y", "yes", "TRUE", "1", "１", "已接入", "已纳入", "需要"]),
        *(
            (word, False)
            for word in ["否", "无", "没有", "暂无", "×", "N", "no", "FALSE", "0", "未接入", "尚未纳入", "不需要"]
        ),
        (True, True),
        (False, False),
        (1, True),
        (0.0, False),
        ("是（市级）", True),
        ("否，计划明年", False),
    ],
)
def test_truth(raw: Any, value: bool) -> None:
    assert read_cell(raw, FLAG).value is value


@pytest.mark.parametrize("raw", ["也许", "2", "是否", "部分", 7])
def test_no_truth(raw: Any) -> None:
    with pytest.raises(CellError, match="neither 是 nor 否"):
        read_cell(raw, FLAG)


@pytest.mark.parametrize(
    ("raw", "level"),
    [
        ("三级", 3),
        ("第三级", 3),
        ("3", 3),
        (3.0, 3),
        ("3级", 3),
        ("等保三级", 3),
        ("二级（S2A2）", 2),
        ("S3A2G3", 3),
        ("S2A3", 3),
    ],
)
def test_levels(raw: Any, level: int) -> None:
    assert read_cell(raw, LEVEL).value == level


@pytest.mark.parametrize("raw", ["0", "6", "七级", "高", 3.5])
def test_no_levels(raw: Any) -> None:
    with pytest.raises(CellError, match="等级保护"):
        read_cell(raw, LEVEL)


def test_choices_by_label_code_and_variant() -> None:
    assert read_cell("符合", CONCLUSION).value == "compliant"
    assert read_cell("compliant", CONCLUSION).value == "compliant"
    assert read_cell(" 基本 符合 ", CONCLUSION).value == "mostly_compliant"
    assert read_cell("自建机房、政务云", HOSTING).value == ("own_room", "gov_cloud")
    assert read_cell("政务云/行业云", HOSTING).value == ("gov_cloud", "industry_cloud")
    assert read_cell(["政务云", "gov_cloud"], HOSTING).value == ("gov_cloud",)
    assert read_cell(2021.0, KINDS["system"].column("mlps_template")).value == "2021"
    with pytest.raises(CellError, match="did you mean '基本符合'"):
        read_cell("基本符何", CONCLUSION)
    with pytest.raises(CellError, match="not among the choices"):
        read_cell("月球", HOSTING)


def test_no_label_of_any_enumeration_means_two_codes() -> None:
    for column in ALL:
        labels = [label for code, many in column.values.items() for label in {code, *many}]
        assert len(labels) == len(set(labels)), column.name


def test_lists() -> None:
    names = KINDS["room"].column("systems_housed")
    assert read_cell("甲系统、乙系统，丙系统,丁系统；戊 系统;己系统\n庚系统", names).value == (
        "甲系统",
        "乙系统",
        "丙系统",
        "丁系统",
        "戊 系统",
        "己系统",
        "庚系统",
    )
    assert read_cell("甲系统、无、甲系统、", names).value == ("甲系统",)
    assert read_cell("MZ-001 MZ-002", KINDS["host"].column("system_codes")).value == ("MZ-001", "MZ-002")
    with pytest.raises(CellError, match="more than 1024"):
        read_cell("、".join(f"系统{i}" for i in range(2000)), names)


def test_addresses() -> None:
    assert read_cell("10.1.1.5、１０．１．１．６ 10.1.1.7\n10.1.1.5", IPS).value == (
        "10.1.1.5",
        "10.1.1.6",
        "10.1.1.7",
    )
    assert read_cell("2001:DB8::1", IPS).value == ("2001:db8::1",)
    assert read_cell("http://10.1.1.5:8080/login、10.1.1.6:443", ADDRESSES).value == ("10.1.1.5", "10.1.1.6")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("10.1.1.1-10.1.1.20", "range of addresses: give each address"),
        ("10.1.1.1-20", "range of addresses"),
        ("10.1.1.1~10.1.1.20", "range of addresses"),
        ("10.1.1.1至10.1.1.20", "range of addresses"),
        ("10.1.1.0/24", "is a prefix, not an address"),
        ("10.1.1.256", "is no IP address"),
        ("10.1.1", "is no IP address"),
        ("10.01.1.1", "is no IP address"),
        ("localhost", "is no IP address"),
        ("0.0.0.0", "no host's address"),
        ("224.0.0.1", "no host's address"),
        ("255.255.255.255", "no host's address"),
        ("fe80::1%eth0", "names an interface"),
        ("--iL=/etc/passwd", "is no IP address"),
        ("10.1.1.1;rm", "is no IP address"),
    ],
)
def test_no_addresses(raw: str, words: str) -> None:
    with pytest.raises(CellError, match=words):
        read_address(raw)


def test_prefixes() -> None:
    assert read_prefix("10.1.2.0/24") == "10.1.2.0/24"
    assert read_prefix("10.1.2.1/24") == "10.1.2.0/24"
    assert read_prefix("10.1.2.0/255.255.255.0") == "10.1.2.0/24"
    assert read_prefix("10.1.2.3") == "10.1.2.3/32"
    with pytest.raises(CellError, match="wider than any"):
        read_prefix("0.0.0.0/0")
    with pytest.raises(CellError, match=r"is a range: write 10\.1\.2\.0/24"):
        read_prefix("10.1.2.0-10.1.2.255")
    with pytest.raises(CellError, match="write prefixes such as"):
        read_prefix("10.1.2.9-10.1.2.1")


def test_hardware_addresses_and_uuids() -> None:
    macs = KINDS["host"].column("macs")
    assert read_cell("00-11-22-AA-BB-CC、0011.22aa.bbcd", macs).value == ("00:11:22:aa:bb:cc", "00:11:22:aa:bb:cd")
    with pytest.raises(CellError, match="no MAC address"):
        read_cell("00-11-22", macs)
    uuid = KINDS["host"].column("hardware_uuid")
    assert read_cell("4C4C4544-0051-3510-8052-B4C04F4A3132", uuid).value == "4c4c4544-0051-3510-8052-b4c04f4a3132"
    with pytest.raises(CellError, match="no UUID"):
        read_cell("unbekannt", uuid)


def test_text_keeps_what_it_says() -> None:
    assert read_cell("  示发改信〔2017〕12号  ", PAPER).value == "示发改信〔2017〕12号"
    assert read_cell("第一行\r\n第二行", TEXT).value == "第一行 第二行"
    # A formula is data here; whoever writes a spreadsheet makes it harmless there.
    assert read_cell("=HYPERLINK(1)", TEXT).value == "=HYPERLINK(1)"
    assert read_cell("民政\u200b系统\ufeff", Column("name", Type.TEXT, "名称")).value == "民政系统"
    cell = read_cell("a\x1b[31m\u202eb", TEXT)
    assert cell.value == "a\\x1b[31m\\u202eb"


def test_numbers_in_text_cells() -> None:
    assert read_cell(123.0, CODE).value == "123"
    assert read_cell(140800.0, KINDS["department"].column("region")).value == "140800"
    assert read_cell(1.5, TEXT).value == "1.5"
    assert read_cell("ＭＺ－００１ ", CODE).value == "MZ-001"
    with pytest.raises(CellError, match="rounded to 15 digits"):
        read_cell(9.114000012345678e17, KINDS["department"].column("credit_code"))
    with pytest.raises(CellError, match="six digits"):
        read_cell("14080", KINDS["department"].column("region"))


def test_length_is_bounded() -> None:
    with pytest.raises(CellError, match="longer than 200"):
        read_cell("名" * 201, CODE)
    cell = read_cell("功" * 100_000, TEXT)
    assert isinstance(cell.value, str)
    assert len(cell.value) <= 4001
    assert "cut off" in cell.note


def test_a_list_is_no_single_value() -> None:
    with pytest.raises(CellError, match="is a list"):
        read_cell(["a", "b"], TEXT)


RAW = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=60)
    | st.text("0123456789年月日号.-/,，、约万元㎡%无有是否未 〇二十()（）:SAG级三", max_size=24)
    | st.dates()
    | st.datetimes()
    | st.lists(st.text(max_size=12), max_size=4)
)


@settings(max_examples=500)
@given(RAW, st.sampled_from([*ALL, CLASSIFIED]))
def test_any_cell_is_read_or_refused_and_a_value_reads_back(raw: Any, column: Column) -> None:
    try:
        cell = read_cell(raw, column)
    except CellError as error:
        assert error.what
        return
    if cell.value is None:
        return
    assert not cell.absent
    kinds = {
        Type.TEXT: str,
        Type.INTEGER: int,
        Type.NUMBER: float,
        Type.BOOLEAN: bool,
        Type.DATE: dt.date,
        Type.TEXTS: tuple,
    }
    assert isinstance(cell.value, kinds[column.type])
    again = list(cell.value) if isinstance(cell.value, tuple) else text_of(cell.value)
    if not isinstance(cell.value, float) or cell.value == 0 or 1e-4 <= cell.value < 1e15:
        assert read_cell(again, column).value == cell.value
