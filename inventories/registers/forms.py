"""Forms for departments, one workbook per register, made from the declarations that read them back.

:func:`write_forms` makes the blank ones; :mod:`inventories.registers.prefilled` says what goes into one that is sent
with a department's own rows.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inventories.kinds import Column, Type
from inventories.registers.declare import DEPARTMENT, DEPARTMENT_CODE, REGISTERS, Register
from inventories.registers.tables import letters

#: Rows that carry drop-down lists and formats.
FORM_ROWS = 2000
HELP_SHEET = "填表说明"
_CHOICES_SHEET = "选项"
_TITLE_ROW, _HINT_ROW, _HEADING_ROW, _FIRST_ROW = 0, 1, 2, 3
# Fixed, so that the same declarations give the same file.
_CREATED = dt.datetime(2024, 1, 1)
#: Rows to write more into, below those that are there.
_SPARE_ROWS = 500
#: A heading that no register reads: what a department is asked to look at in its row.
REMARK = "备注"
_FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
#: What Excel allows as a list of choices written into the cell itself.
_INLINE_CHARS = 250

_RULES = (
    "一行填写一个对象，不要改动标题行（第3行）的栏目名称；多余的栏目可以删除，顺序可以调整。",
    "带“*”的栏目必填。标注“二选一”的栏目至少填写其中一项。",
    "涉密信息系统及其设备、机房不得填入本表，也不得报送本表。",
    "日期写到日，如 2024-02-05、2024年2月5日、2024.2.5。只知道年月的，系统不会替您补日，该项按未填处理。",
    "确实没有的（如没有批准文号、未开展测评），请填“无”；不清楚的请留空，不要填“未知”。“无”与留空含义不同。",
    "数字可带单位和千分位，如 200㎡、1,200元、30万元；请勿填区间或约数。",
    "一格填写多项的，用顿号、逗号、分号或换行分隔，如 10.1.1.5、10.1.1.6；地址请逐个填写，不要填地址段。",
    "部门名称须与部门登记表一致，可填编号、全称或简称。",
    "本部门确实没有此类对象的，请在第一行填“无”，即为零报告；交回空表不算零报告。",
    "表中已有内容的，是本部门以前报送的登记内容，请逐项核对、更正；已不存在的对象请删除整行，漏登的请补在后面。",
    "有错误的行不会被采用，将连同原因退回，其余各行照常采用。",
)


def write_forms(directory: Path) -> list[Path]:
    """Writes a blank form for every register into ``directory`` and returns the paths, in reading order.

    A form that is already there is replaced: forms are blank, filled ones belong into ``registers/``.
    OSError where the folder cannot be written.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [write_form(register, directory / f"{register.name}.xlsx") for register in REGISTERS.values()]


@dataclass(frozen=True, slots=True)
class FormRow:
    """A row as the form wants it typed: column → words. ``where`` is its place in the register that it comes from.

    ``remark`` asks the department to look at it again; it stands under a heading that no register reads.
    """

    cells: Mapping[str, str]
    where: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Filling:
    """What goes into a form beside its headings. ``asked`` are columns to be looked at above all others."""

    rows: Sequence[FormRow] = ()
    whose: str = ""
    asked: Collection[str] = field(default_factory=frozenset)


_BLANK = Filling()


def form_columns(register: Register) -> tuple[Column, ...]:
    """The columns of a form: what is needed first, then the others as declared. The department is asked once."""
    columns = [c for c in register.columns if c is not DEPARTMENT_CODE]
    return tuple(sorted(columns, key=lambda c: (c is not DEPARTMENT, not register.required(c.name))))


def heading(register: Register, column: Column) -> str:
    """``*面积（㎡）``: the title, its unit, and a star where the column is needed."""
    unit = f"（{column.unit}）" if column.unit and column.unit != "级" else ""
    return f"{'*' if _must(register, column) else ''}{column.title}{unit}"


def _must(register: Register, column: Column) -> bool:
    return any(column.name in group and _asked(group) == 1 for group in register.needs)


def _asked(group: Sequence[str]) -> int:
    return len([name for name in group if name != DEPARTMENT_CODE.name])


def write_form(register: Register, path: Path, filling: Filling = _BLANK) -> Path:
    """Writes one form, whole or not at all, readable by its owner only. OSError where that cannot be done."""
    import xlsxwriter

    columns = form_columns(register)
    with _replacing(path) as fresh, tempfile.TemporaryDirectory(prefix="auditor-") as aside:
        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            # Row by row: a department's register may be long.
            "constant_memory": bool(filling.rows),
            "tmpdir": aside,
        }
        book = xlsxwriter.Workbook(str(fresh), options)
        book.set_properties({"title": register.form_title, "created": _CREATED})
        sheet = book.add_worksheet(register.title[:31])
        helping = book.add_worksheet(HELP_SHEET)
        choices = book.add_worksheet(_CHOICES_SHEET)
        choices.hide()
        styles = _styles(book)
        last = _FIRST_ROW + max(FORM_ROWS, len(filling.rows) + _SPARE_ROWS) - 1
        for i, column in enumerate(columns):
            sheet.set_column(i, i, max(12, min(30, 2 * len(heading(register, column)) + 4)), styles["cell"])
            _validate(sheet, i, column, last)
        _write_head(sheet, register, columns, styles, filling)
        _write_rows(sheet, columns, styles, filling.rows)
        _write_help(helping, register, columns, styles)
        _write_choices(choices, columns)
        sheet.activate()
        _close(book)
    return path


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A new file beside ``path``, its owner's only, that takes its place when the block ends well."""
    handle, name = tempfile.mkstemp(prefix=".form-", suffix=".tmp", dir=path.parent)
    os.close(handle)
    fresh = Path(name)
    try:
        yield fresh
        fresh.replace(path)
    except BaseException:
        # Also Ctrl-C must not leave half a form behind.
        fresh.unlink(missing_ok=True)
        raise


def _close(book: Any) -> None:
    from xlsxwriter.exceptions import FileCreateError

    try:
        book.close()
    except FileCreateError as failure:
        cause = failure.args[0] if failure.args else None
        raise cause if isinstance(cause, OSError) else OSError(str(failure)) from failure


def _styles(book: Any) -> dict[str, Any]:
    font = {"font_name": "宋体", "font_size": 11, "valign": "vcenter", "text_wrap": True}
    head = {**font, "bold": True, "align": "center", "border": 1, "bg_color": "#DDEBF7"}
    return {
        "title": book.add_format({**font, "font_name": "黑体", "font_size": 16, "text_wrap": False}),
        "hint": book.add_format({**font, "font_size": 9, "font_color": "#7F7F7F", "valign": "top"}),
        "head": book.add_format(head),
        "must": book.add_format({**head, "bg_color": "#FCE4D6", "font_color": "#C00000"}),
        # Text: a code keeps its leading zeros, and 2024年2月 stays what was typed. A date cell would turn it into
        # the first of February, and nobody could tell afterwards that no day was meant.
        "cell": book.add_format({"font_name": "宋体", "font_size": 11, "num_format": "@"}),
        "risky": book.add_format({"font_name": "宋体", "font_size": 11, "num_format": "@", "quote_prefix": True}),
        "look": book.add_format({"font_name": "宋体", "font_size": 11, "num_format": "@", "bg_color": "#FFF2CC"}),
        "asked": book.add_format({**head, "bg_color": "#FFE699"}),
        "plain": book.add_format({**font, "border": 1}),
    }


def title_of(register: Register, whose: str) -> str:
    """What stands above a form: 信息系统登记表, or 信息系统登记表（示例市民政局）."""
    return f"{register.form_title}（{whose}）" if whose else register.form_title


def _write_head(
    sheet: Any, register: Register, columns: Sequence[Column], styles: dict[str, Any], filling: Filling
) -> None:
    sheet.set_row(_TITLE_ROW, 28)
    sheet.write_string(_TITLE_ROW, 0, _plain(title_of(register, filling.whose)), styles["title"])
    sheet.set_row(_HINT_ROW, 40)
    for i, column in enumerate(columns):
        sheet.write_string(_HINT_ROW, i, hint(register, column), styles["hint"])
    sheet.set_row(_HEADING_ROW, 34)
    for i, column in enumerate(columns):
        style = "asked" if column.name in filling.asked else "must" if _must(register, column) else "head"
        sheet.write_string(_HEADING_ROW, i, heading(register, column), styles[style])
    if any(row.remark for row in filling.rows):
        sheet.set_column(len(columns), len(columns), 40)
        sheet.write_string(_HEADING_ROW, len(columns), REMARK, styles["head"])
    sheet.freeze_panes(_FIRST_ROW, min(2, len(columns)))
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.hide_gridlines(0)
    sheet.repeat_rows(_HEADING_ROW)
    sheet.repeat_columns(0, min(1, len(columns) - 1))


def _write_rows(sheet: Any, columns: Sequence[Column], styles: dict[str, Any], rows: Sequence[FormRow]) -> None:
    """Rows as text: nothing in them is a formula, a number that loses its zeros, or a date that loses its words."""
    names = [column.name for column in columns]
    for number, row in enumerate(rows, _FIRST_ROW):
        for i, name in enumerate(names):
            text = _plain(row.cells.get(name, ""))
            style = "look" if row.remark else "risky" if text.startswith(_FORMULA_STARTS) else "cell"
            if text or row.remark:
                sheet.write_string(number, i, text, styles[style])
        if row.remark:
            sheet.write_string(number, len(names), _plain(row.remark), styles["look"])


def _plain(text: str) -> str:
    """The writer takes a text from ``<r>`` to ``</r>`` for markup of its own and puts it into the file as it is."""
    return f"{text} " if text.startswith("<r>") and text.endswith("</r>") else text


def hint(register: Register, column: Column) -> str:
    """What to write into a column, in a few words."""
    parts = []
    group = next((g for g in register.needs if column.name in g and _asked(g) > 1), None)
    if group:
        names = [register.by_name[name].title for name in group if name != DEPARTMENT_CODE.name]
        parts.append(f"{'、'.join(names)}{'二选一' if len(names) == 2 else '至少填一项'}")
    parts.append(_form_of(column))
    if column.paper:
        parts.append("没有填“无”")
    return "；".join(part for part in parts if part)


def _form_of(column: Column) -> str:
    if column.values:
        return "可多选，用顿号分隔" if column.type is Type.TEXTS else "选择"
    if column.name == "mlps_level":
        return "1至5级"
    if column is DEPARTMENT:
        return "编号、全称或简称"
    forms = {Type.BOOLEAN: "是/否", Type.DATE: "如 2024-02-05", Type.TEXTS: "多项用顿号分隔"}
    if column.type in (Type.INTEGER, Type.NUMBER):
        return f"数字，单位{column.unit}" if column.unit else "数字"
    return forms.get(column.type, "")


def _validate(sheet: Any, i: int, column: Column, last: int) -> None:
    options = _options(column)
    message = {"input_title": column.title[:32], "input_message": _form_of(column)[:255]}
    if options:
        letter = letters(i)
        inline = len(",".join(options)) <= _INLINE_CHARS
        source: Any = list(options) if inline else f"={_CHOICES_SHEET}!${letter}$2:${letter}${len(options) + 1}"
        # A warning where several may be written into one cell: Excel offers the list, and lets more through.
        strict = column.type is not Type.TEXTS
        rule = {"validate": "list", "source": source, "error_type": "stop" if strict else "information", **message}
        rule["error_message"] = "请从下拉列表中选择" if strict else "多项请用顿号分隔，每项须为列表中的词"
    elif column.type is Type.DATE:
        cell = f"{letters(i)}{_FIRST_ROW + 1}"
        parts = f'SUBSTITUTE(SUBSTITUTE(SUBSTITUTE({cell},"-",""),".",""),"/","")'
        whole = f'OR(ISNUMBER({cell}),{cell}="无",ISNUMBER(FIND("日",{cell})),LEN({cell})-LEN({parts})=2)'
        rule = {"validate": "custom", "value": f"={whole}", "error_type": "warning", **message}
        rule["error_message"] = "请写到日，如 2024-02-05；确实没有的填“无”"
    else:
        return
    sheet.data_validation(_FIRST_ROW, i, last, i, rule)


def _write_choices(choices: Any, columns: Sequence[Column]) -> None:
    """The choices of every column below its title, row by row."""
    listed = [[column.title, *options] if (options := _options(column)) else [] for column in columns]
    for row in range(max(map(len, listed), default=0)):
        for i, words in enumerate(listed):
            if row < len(words):
                choices.write_string(row, i, words[row])


def _options(column: Column) -> tuple[str, ...]:
    """The choices of a drop-down list: first labels, with 无 where a paper may be missing."""
    if column.type is Type.BOOLEAN:
        return ("是", "否")
    if not column.values:
        return ()
    return (*(labels[0] for labels in column.values.values()), *(("无",) if column.paper else ()))


def _write_help(sheet: Any, register: Register, columns: Sequence[Column], styles: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 10)
    sheet.set_column(2, 2, 34)
    sheet.set_column(3, 3, 60)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_row(0, 28)
    sheet.write_string(0, 0, f"{register.form_title}{HELP_SHEET}", styles["title"])
    for row, rule in enumerate(_RULES, 1):
        sheet.set_row(row, 30)
        sheet.merge_range(row, 0, row, 3, f"{row}. {rule}", styles["plain"])
    top = len(_RULES) + 2
    for i, title in enumerate(("栏目", "必填", "填写要求", "可选内容或说明")):
        sheet.write_string(top, i, title, styles["head"])
    for row, column in enumerate(columns, top + 1):
        note = column.note if not column.note.isascii() else ""
        must = "是" if _must(register, column) else "至少一项" if register.required(column.name) else "否"
        cells = (column.title, must, hint(register, column), "、".join(_options(column)) or note)
        for i, text in enumerate(cells):
            sheet.write_string(row, i, text, styles["plain"])
