"""A rule's conditions in Chinese, for a lawyer who holds them against the article: columns and codes become words.

Pure. What is written follows the parsed condition, part by part, so that it cannot say more or less than what judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeAlias

from inventories.faults import clean
from inventories.kinds import KINDS, Column, Type
from policies.expressions import AS_OF, Call, Compare, Every, Expression, Fact, Given, Literal, Negation, OneOf, Some
from policies.model import Pack
from policies.subjects import columns_of
from policies.trees import IN_FORCE_FROM
from reports.words import chinese_date

_DATED = {">=": "不早于", ">": "晚于", "<": "早于", "<=": "不晚于", "=": "为", "<>": "不是"}
_COUNTED = {">=": "不少于", ">": "多于", "<": "少于", "<=": "不多于", "=": "为", "<>": "不是"}
_CONTRARY = {">=": "<", ">": "<=", "<": ">=", "<=": ">", "=": "<>", "<>": "="}
_MIRRORED = {">=": "<=", ">": "<", "<": ">", "<=": ">=", "=": "=", "<>": "<>"}
_ABSENT = "（明确答复为无）"
#: What an administration answers to a nil return, or does not.
_NONE, _NOT_NONE = "明确答复为无", "并未答复为无"


def value_words(subject: str, name: str, value: object) -> str:
    """A column's value as a bureau reads it: ``running`` → 在用, TRUE → 是, None → 不明."""
    column = columns_of(subject).get(name)
    match value:
        case None:
            return "不明"
        case bool():
            return "是" if value else "否"
        case date():
            return chinese_date(value)
        case list() | tuple():
            return "、".join(value_words(subject, name, item) for item in value) or "（无）"
        case str():
            return clean(_label(name, column, value), 80)
        case _:
            unit = column.unit if column else ""
            return f"{value:g}{unit}" if isinstance(value, float) else f"{value}{unit}"


def title(subject: str, name: str) -> str:
    """A column's Chinese title, or its name where it has none."""
    column = columns_of(subject).get(name)
    return column.title if column else clean(name, 60)


def in_words(node: Expression | None, subject: str, pack: Pack) -> str:
    """A condition of a rule about ``subject`` as a sentence; 全部 where there is none."""
    return _Writer(subject, pack).write(node) if node is not None else "全部"


def _label(name: str, column: Column | None, code: str) -> str:
    # The sector that every subject has is the department register's enumeration.
    if name == "sector":
        column = KINDS["department"].column("sector")
    return column.label(code) if column else code


_Write: TypeAlias = Callable[["_Writer", Sequence[Expression], bool], str]


class _Writer:
    """Writes the conditions of one rule."""

    def __init__(self, subject: str, pack: Pack) -> None:
        self.subject, self.pack = subject, pack

    def write(self, node: Expression, *, holds: bool = True) -> str:
        """A condition, or with ``holds`` false its contrary (what is unknown stays unknown in both)."""
        match node:
            case Negation(part):
                return self.write(part, holds=not holds)
            case Every(parts):
                return self._joined(parts, "，且" if holds else "，或者", holds)
            case Some(parts):
                return self._joined(parts, "，或者" if holds else "，且", holds)
            case Compare(op, left, right):
                return self._compare(op if holds else _CONTRARY[op], left, right)
            case OneOf(item, values):
                listed = [self._quoted(item, literal) for literal in values]
                if len(listed) == 1:
                    return f"{self.term(item)}{'为' if holds else '不是'}{listed[0]}"
                return f"{self.term(item)}{'为' if holds else '不是'}{'、'.join(listed)}之一"
            case Fact(name, Type.BOOLEAN):
                return self._flag(name, holds)
            case Given():
                return f"{self.term(node)}为{'是' if holds else '否'}"
            case Call(function, arguments):
                return _CALLS.get(function, _other_call(function))(self, arguments, holds)
            case _:
                return self.term(node)

    def _joined(self, parts: Sequence[Expression], word: str, holds: bool) -> str:
        """Parts joined by one word; those that are joined by another stand in brackets."""
        written = []
        for part in parts:
            text = self.write(part, holds=holds)
            inner = part.part if isinstance(part, Negation) else part
            written.append(f"（{text}）" if isinstance(inner, (Every, Some)) else text)
        return word.join(written)

    def _flag(self, name: str, holds: bool) -> str:
        words = title(self.subject, name)
        if words.endswith(_ABSENT):
            return f"“{words.removesuffix(_ABSENT)}”{_NONE if holds else _NOT_NONE}"
        return f"“{words}”为{'是' if holds else '否'}"

    def _compare(self, op: str, left: Expression, right: Expression) -> str:
        if isinstance(left, (Literal, Given)) and not isinstance(right, (Literal, Given)):
            op, left, right = _MIRRORED[op], right, left
        if isinstance(left, Call) and left.function == "days_since":
            (day,) = left.arguments
            return f"{self.term(day)}至核查之日的日数{_COUNTED[op]}{self.term(right)}日"
        words = _DATED if self._is_dated(left) or self._is_dated(right) else _COUNTED
        if isinstance(right, Literal):
            return f"{self.term(left)}{words[op]}{self._quoted(left, right)}"
        return f"{self.term(left)}{words[op]}{self.term(right)}"

    def _is_dated(self, node: Expression) -> bool:
        kind = getattr(node, "type", None)
        return kind is Type.DATE or (isinstance(node, Call) and node.function in ("add_days", "add_months"))

    def _quoted(self, item: Expression, literal: Literal) -> str:
        """A value that a column is compared with: texts in quotation marks, amounts with their unit."""
        name = item.name if isinstance(item, Fact) else ""
        words = value_words(self.subject, name, literal.value)
        return f"“{words}”" if isinstance(literal.value, str) else words

    def term(self, node: Expression) -> str:
        """What is compared: a column's title, a date, an amount, a setting."""
        match node:
            case Fact(name):
                return title(self.subject, name)
            case Literal(held):
                return value_words(self.subject, "", held)
            case Given(name):
                return self._given(name)
            case Call("add_days", (day, amount)):
                return f"{self.term(day)}后{self.term(amount)}日"
            case Call("add_months", (day, amount)):
                return f"{self.term(day)}后{self.term(amount)}个月"
            case Call(function, arguments):
                return f"{clean(function, 40)}（{'，'.join(map(self.term, arguments))}）"
            case _:
                return f"（{self.write(node)}）"

    def _given(self, name: str) -> str:
        if name == AS_OF:
            return "核查之日"
        if name == IN_FORCE_FROM:
            start = self.pack.in_force_from
            return f"本规定施行之日（{chinese_date(start) if start else '原文未载，由本地设定'}）"
        setting = self.pack.settings.get(name)
        if setting is None:
            return clean(name, 60)
        held = "由本地设定" if setting.value is None else value_words(self.subject, "", setting.value)
        return f"“{setting.title}”（{held}）"


def _has(writer: _Writer, arguments: Sequence[Expression], holds: bool) -> str:
    held, *wanted = arguments
    words = [writer._quoted(held, one) if isinstance(one, Literal) else writer.term(one) for one in wanted]
    which = words[0] if len(words) == 1 else f"{'、'.join(words)}之一"
    return f"{writer.term(held)}{'包括' if holds else '不包括'}{which}"


def _begun_since(writer: _Writer, arguments: Sequence[Expression], holds: bool) -> str:
    bound, start, *later = (writer.term(argument) for argument in arguments)
    also = f"（{start}不明，而{'或'.join(later)}早于该日的，视为早于）" if later else ""
    return f"{start}{'不早于' if holds else '早于'}{bound}{also}"


def _other_call(function: str) -> _Write:
    def write(writer: _Writer, arguments: Sequence[Expression], holds: bool) -> str:
        words = f"{clean(function, 40)}（{'，'.join(map(writer.term, arguments))}）"
        return words if holds else f"并非{words}"

    return write


_CALLS: Mapping[str, _Write] = {"has": _has, "has_any": _has, "begun_since": _begun_since}
