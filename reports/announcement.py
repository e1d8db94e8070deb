"""扫描告知函: when a department will be looked at, from where, how, by whose leave, and how to have it stopped. Pure.

A letter in the form of GB/T 9704-2012, drawn straight from its words; number and day are left to whoever sends it.
Nothing of classified systems can stand in it: what is told comes from the site's configuration and from registers
without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from reports.papers import wml, wordfile
from reports.papers.phrases import BLANK_DATE, NO_NUMBER, break_title
from reports.papers.styles import CHAR
from reports.words import chinese_date, chinese_number, tidy

MARK = "草稿·未编号·未签发"
#: Characters of an office's name that fit on a line: in full width, narrow, and narrow and smaller.
_FITS = ((12, "LetterOffice"), (17, "LetterOfficeLong"), (24, "LetterOfficeLonger"))
_NAME, _TEXT = 120, 600
_WIDTHS = (30.0, 30.0, 52.0, 44.0)
_HEADS = ("区域", "内容", "日期", "开始和结束")
_MOST_NAMES = 60
_PORTS_IN_A_ROW = 8


@dataclass(frozen=True, slots=True)
class Visit:
    """One zone at one time of the day, on some days. ``hours`` is such as 22:00起15分钟内开始，至迟次日06:00结束."""

    zone: str
    what: str
    days: tuple[date, ...]
    hours: str


@dataclass(frozen=True, slots=True)
class Leave:
    """By whose leave."""

    document: str
    approver: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Told:
    """What one department is told. ``names`` are its registered names that will be asked; ``left_alone`` its fragile
    devices with the reason; ``provisional``: some day rests on a year whose holidays are not published yet."""

    bureau: str
    department: str
    first: date
    last: date
    visits: tuple[Visit, ...]
    sources: tuple[str, ...]
    prefixes: tuple[str, ...]
    names: tuple[str, ...]
    rates: tuple[str, ...]
    ports: tuple[int, ...]
    looks: tuple[str, ...]
    leaves: tuple[Leave, ...]
    left_alone: tuple[tuple[str, str], ...]
    contact: str
    provisional: bool = False
    clock: str = "北京时间"


def document(told: Told) -> bytes:
    """The letter as .docx; the same words give the same bytes."""
    name = tidy(told.bureau, _NAME)
    style = next((style for most, style in _FITS if len(name) <= most), "LetterOfficeLongest")
    mark = wml.paragraph("Mark", MARK)
    layout = wordfile.Layout(
        "".join(_body(told)),
        {
            "first": mark + wml.paragraph("LetterSpace") + wml.paragraph(style, name),
            "default": mark,
            "even": mark,
        },
        {
            "first": wml.paragraph("LetterFoot"),
            "default": wml.page_number("right"),
            "even": wml.page_number("left"),
        },
    )
    return wordfile.write(layout, title="".join(_title()), author=name)


def _title() -> list[str]:
    return break_title(("关于开展", "政务信息化资产", "网络核查扫描", "的告知函"))


def _body(told: Told) -> Iterator[str]:
    yield wml.paragraph("LetterNumber", NO_NUMBER)
    yield from [wml.paragraph("Kept")] * 2
    yield from (wml.paragraph("Title", line) for line in _title())
    yield wml.paragraph("Kept")
    yield wml.paragraph("Addressee", f"{tidy(told.department, _NAME)}：")
    yield _text(
        f"为摸清政务信息化资产底数，{chinese_date(told.first)}至{chinese_date(told.last)}将对你单位下列网络"
        "进行核查扫描。现将时间、来源、范围和联系方式告知如下，请转告网络和安全运维人员，以免误判为攻击。"
    )
    for number, (heading, paragraphs) in enumerate(_sections(told), 1):
        yield wml.paragraph("Heading1", f"{chinese_number(number)}、{heading}")
        yield from paragraphs
    yield wml.paragraph("BodyKept", "特此函告。")
    yield from [wml.paragraph("Kept")] * 2
    office = tidy(told.bureau, _NAME)
    sides = None if len(office) <= 15 else (7 * CHAR, 0.0) if len(office) <= 21 else (0.0, 0.0)
    yield wml.paragraph("Signature", office, sides=sides) + wml.paragraph("Date", BLANK_DATE, sides=sides)


def _sections(told: Told) -> Iterator[tuple[str, list[str]]]:
    guess = "所列日期中有国务院办公厅尚未公布放假安排的年份，以公布后的安排为准。"
    yield (
        "扫描时间",
        [
            _text(
                f"各区域的扫描时间见下表，均为{told.clock}；同一区域不同时进行两次扫描。"
                + (guess if told.provisional else "")
            ),
            _table(told.visits),
        ],
    )
    sources = "、".join(told.sources) or "　　　　　　（待填）"
    yield "来源地址", [_text(f"扫描从以下地址发起：{sources}。其他来源的扫描与本次核查无关，请按攻击处置。")]
    yield "范围和方式", list(_ways(told))
    if told.left_alone:
        devices = "；".join(f"{_host(prefix)}（{tidy(reason, 80)}）" for prefix, reason in told.left_alone)
        yield (
            "不扫描的设备",
            [
                _text(
                    f"下列设备不承受扫描，已排除在外，不向其发送任何数据包：{devices}。还有其他此类设备的，请及时告知。"
                )
            ],
        )
    leaves = "；".join(
        f"《{tidy(leave.document, _NAME)}》（{tidy(leave.approver, 60)}批准，"
        f"有效期{chinese_date(leave.first)}至{chinese_date(leave.last)}）"
        for leave in told.leaves
    )
    yield "授权依据", [_text(f"本次扫描依据{leaves}进行，不超出其载明的范围和时间。")]
    yield (
        "联系方式和停止扫描",
        [
            _text(f"联系方式：{tidy(told.contact, 200) or '　　　　　　（待填）'}。"),
            _text(
                "发现业务受到影响、遇有重要保障任务或者需要封网的，请立即联系，全部扫描可以随时停止，"
                "也可以将你单位的网络在指定日期内排除在外。"
            ),
            _text("本函载有网络地址等信息，请妥善保管，仅限运维工作使用。"),
        ],
    )


def _ways(told: Told) -> Iterator[str]:
    if told.prefixes:
        yield _text(f"扫描范围：{'、'.join(map(_host, told.prefixes))}。")
    if told.names:
        more = f"等{len(told.names)}个" if len(told.names) > _MOST_NAMES else ""
        yield _text(f"查询和访问你单位登记的域名、网址：{'、'.join(told.names[:_MOST_NAMES])}{more}。")
    if told.rates:
        yield _text(f"扫描速率：{'；'.join(told.rates)}。")
    if told.ports:
        yield _text("探测下列端口，识别其上的服务类型和版本，不猜测口令，不利用漏洞：")
        yield _ports(told.ports)
    if told.looks:
        looks = "；".join(told.looks)
        yield _text(f"使用你单位提供的账号登录读取配置：{looks}。只读取，不修改系统设置和业务数据。")


def _host(prefix: str) -> str:
    """192.0.2.9/32 is 192.0.2.9 to whoever reads it."""
    return prefix.removesuffix("/128" if ":" in prefix else "/32")


def _ports(ports: Sequence[int]) -> str:
    """A grid: in running text a word processor would break lines within numbers."""
    words = [*port_words(ports)]
    words += [""] * (-len(words) % _PORTS_IN_A_ROW)
    widths = [wml.WIDTH / _PORTS_IN_A_ROW] * _PORTS_IN_A_ROW
    rows = [
        wml.row(
            [wml.cell(width, wml.paragraph("TableCentre", word)) for width, word in zip(widths, line, strict=True)]
        )
        for line in _lines(words, _PORTS_IN_A_ROW)
    ]
    return wml.table(widths, rows) + wml.paragraph("TableNote")


def _lines(words: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(words), size):
        yield words[start : start + size]


def _text(words: str) -> str:
    return wml.paragraph("Body", words)


def _table(visits: Iterable[Visit]) -> str:
    rows = [
        wml.row(
            [
                wml.cell(width, wml.paragraph("TableText", words))
                for width, words in zip(
                    _WIDTHS, (tidy(one.zone, 80), one.what, day_words(one.days), one.hours), strict=True
                )
            ]
        )
        for one in visits
    ]
    return wml.table(_WIDTHS, [wml.head_row(_WIDTHS, _HEADS), *rows]) + wml.paragraph("TableNote")


def day_words(days: Sequence[date]) -> str:
    """2026年11月30日至12月4日、12月6日: days in a row are told as one, a month or year only where it changes."""
    runs = [[day for _, day in group] for _, group in groupby(enumerate(sorted(set(days))), key=_in_a_row)]
    said: date | None = None
    out = []
    for run in runs:
        words = _short(run[0], said)
        if len(run) > 1:
            words += ("至" if len(run) > 2 else "、") + _short(run[-1], run[0])
        out.append(words)
        said = run[-1]
    return "、".join(out)


def _in_a_row(numbered: tuple[int, date]) -> date:
    number, day = numbered
    return day - timedelta(days=number)


def _short(day: date, said: date | None) -> str:
    if said is None or day.year != said.year:
        return chinese_date(day)
    return f"{day.month}月{day.day}日" if day.month != said.month else f"{day.day}日"


def port_words(ports: Sequence[int]) -> Iterator[str]:
    """22, 80, 8000—8010: three or more in a row as a range."""
    for _, group in groupby(enumerate(sorted(set(ports))), key=lambda pair: pair[1] - pair[0]):
        run = [port for _, port in group]
        if len(run) > 2:
            yield f"{run[0]}—{run[-1]}"
        else:
            yield from map(str, run)
