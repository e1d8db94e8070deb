"""Checking a pack as it is loaded: every fault at once, each with its place and what to do about it.

Faults are looked for even in a file that its schema has already found wanting, so that a person mends all of
them in one go; the checks therefore take nothing about the values for granted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from inventories.faults import Fault, did_you_mean
from inventories.kinds import Type
from policies.articles import advisory_word, article_name, article_number, quotes
from policies.expressions import AS_OF, Expression, facts
from policies.model import Bite
from policies.predicate import parse_predicate
from policies.soundness import doubts
from policies.source import Source, shown
from policies.subjects import DERIVED, SUBJECTS, columns_of
from policies.trees import IN_FORCE_FROM, Names, names_of

#: Settings that every site may give for every pack.
COMMON_SETTINGS = (IN_FORCE_FROM, "confirmed_text")

_BINDING = frozenset({Bite.ORDER.value, Bite.REMINDER.value, Bite.REFERRAL.value})

#: rule id → part (``applies``, ``violation``) → its tree.
Trees = dict[str, dict[str, Expression]]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


@dataclass
class Checker:
    """Goes through ``pack.yaml`` (and the wording, where the pack ships it) once."""

    folder_name: str
    pack: Source
    text: Source | None
    faults: list[Fault] = field(default_factory=list)
    trees: Trees = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = _dict(self.pack.data)
        wording = _dict(self.text.data) if self.text else {}
        self.wording = {k: v for k, v in _dict(wording.get("articles")).items() if isinstance(v, str)}

    def check(self) -> Trees:
        """Fills ``faults``; returns the trees of the predicates that parse."""
        if _text(self.data, "pack") not in ("", self.folder_name):
            what = f"the pack calls itself {shown(self.data['pack'])!r} in a folder named {self.folder_name!r}"
            self._fault(("pack",), what, "give both the same name")
        self._dates()
        self._settings()
        self._articles()
        for name, power in _dict(self.data.get("powers")).items():
            self._quote(("powers", name, "quote"), _dict(power))
        self._rules()
        return self.trees

    @property
    def subjects(self) -> dict[str, str]:
        """The rules' subjects, as far as they are told."""
        return {_text(_dict(r), "id"): _text(_dict(r), "subject") for r in _list(self.data.get("rules"))}

    def _fault(self, path: tuple[str | int, ...], what: str, mend: str = "") -> None:
        self.faults.append(self.pack.fault(path, what, mend))

    def _dates(self) -> None:
        span = _dict(self.data.get("in_force"))
        start, end = span.get("from"), span.get("to")
        if isinstance(start, date) and isinstance(end, date) and end < start:
            self._fault(("in_force", "to"), "lies before the first day in force")

    def _settings(self) -> None:
        columns = {name for subject in SUBJECTS for name in columns_of(subject)}
        types = {"date": date, "integer": int, "boolean": bool, "text": str}
        for name, setting in _dict(self.data.get("settings")).items():
            if name in columns or name in (*COMMON_SETTINGS, AS_OF):
                self._fault(
                    ("settings", name), f"{shown(name)!r} already means something else", "choose another name"
                )
            kind, default = _text(_dict(setting), "type"), _dict(setting).get("default")
            wanted = types.get(kind)
            if default is not None and wanted and (type(default) is not wanted):
                self._fault(("settings", name, "default"), f"{shown(default)!r} is no {kind}")

    def _articles(self) -> None:
        """Every article that is cited exists, and every wording that is shipped is one of the regulation's."""
        last = self.data.get("articles")
        if not isinstance(last, int):
            return
        for path, article in self._cited():
            number = article_number(article)
            if number is not None and not 1 <= number <= last:
                self._fault(path, f"{shown(article)} does not exist", f"the last one is {article_name(last)}")
        for article in self.wording:
            number = article_number(article)
            if self.text and (number is None or not 1 <= number <= last):
                self.faults.append(self.text.fault(("articles", article), f"{shown(article)} does not exist"))

    def _cited(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Articles of the pack's own regulation, with the place of each."""
        for part in ("scope", "in_force"):
            yield (part, "article"), _text(_dict(self.data.get(part)), "article")
        for part in ("manual", "out_of_scope"):
            for i, entry in enumerate(_list(self.data.get(part))):
                yield (part, i, "article"), _text(_dict(entry), "article")
        for i, rule in enumerate(_list(self.data.get("rules"))):
            if not _text(_dict(rule), "regulation"):
                yield ("rules", i, "article"), _text(_dict(rule), "article")
        for name, setting in _dict(self.data.get("settings")).items():
            yield ("settings", name, "article"), _text(_dict(setting), "article")
        for name, power in _dict(self.data.get("powers")).items():
            yield ("powers", name, "article"), _text(_dict(power), "article")
            for i, step in enumerate(_list(_dict(power).get("if_refused"))):
                yield ("powers", name, "if_refused", i, "article"), _text(_dict(step), "article")

    def _quote(self, path: tuple[str | int, ...], holder: Mapping[str, Any]) -> None:
        """A quote of the pack's own regulation must stand in the wording that the pack ships."""
        article, quote = _text(holder, "article"), _text(holder, "quote")
        number = article_number(article)
        if self.text is None or not quote or number is None or not 0 < number < 1000 or _text(holder, "regulation"):
            return
        text = self.wording.get(article_name(number))
        if text is None:
            self._fault(path, f"the quote cannot be checked: text.yaml lacks {article_name(number)}", "add it there")
        elif not quotes(quote, text):
            elsewhere = [name for name, other in self.wording.items() if quotes(quote, other)]
            mend = f"it stands in {elsewhere[0]}" if elsewhere else "copy it word for word; …… marks what is left out"
            self._fault(path, f"is not in the text of {article_name(number)}", mend)

    def _rules(self) -> None:
        seen: dict[str, int] = {}
        types = {k: _text(_dict(v), "type") for k, v in _dict(self.data.get("settings")).items()}
        names = names_of({k: v for k, v in types.items() if v in set(Type)})
        for i, entry in enumerate(_list(self.data.get("rules"))):
            rule = _dict(entry)
            name = _text(rule, "id")
            if name and name in seen:
                self._fault(
                    ("rules", i, "id"), f"a second rule {shown(name)!r}", f"the first is number {seen[name] + 1}"
                )
            seen.setdefault(name, i)
            self._quote(("rules", i, "quote"), rule)
            self._bite(i, rule)
            if _text(rule, "subject") in SUBJECTS:
                self._predicates(i, rule, names)

    def _bite(self, i: int, rule: Mapping[str, Any]) -> None:
        """What a violation may turn into, against the powers that the text gives and the words it uses."""
        powers = _dict(self.data.get("powers"))
        power, bite = _text(rule, "power"), _text(rule, "bite")
        if power and power not in powers:
            mend = did_you_mean(power, powers) or (
                f"there are {', '.join(powers)}" if powers else "the pack has none"
            )
            self._fault(("rules", i, "power"), f"unknown power {shown(power)!r}", mend)
        if bite == Bite.ORDER and not power:
            self._fault(("rules", i, "bite"), "an order needs a power", "name the power, or make it a reminder")
        if power and bite not in ("", Bite.ORDER):
            self._fault(("rules", i, "bite"), f"a power is named for what is only {bite}", "leave one of the two out")
        if not power and not bite:
            self._fault(("rules", i), "names neither a power nor what else it may turn into", "add 'bite: reminder'")
        if power and "order_needs" not in rule:
            self._fault(("rules", i), "an order must say what it may rest on", "add 'order_needs'")
        if not power and "order_needs" in rule:
            self._fault(("rules", i, "order_needs"), "stands where there is no order", "leave it out")
        if (bite == Bite.REFERRAL) != bool(_text(rule, "refer_to")):
            self._fault(("rules", i), "'bite: referral' and 'refer_to' belong together", "give both or neither")
        word = advisory_word(_text(rule, "quote"))
        if word and (power or bite in _BINDING):
            self._fault(
                ("rules", i, "quote"), f"{word} makes the clause advice", "write 'bite: advice', without a power"
            )

    def _predicates(self, i: int, rule: Mapping[str, Any], names: Names) -> None:
        found: dict[str, Expression] = {}
        failed = False
        for part in ("applies", "violation"):
            text = _text(rule, part)
            if not text:
                continue
            parsed = parse_predicate(text, rule["subject"], names)
            failed = failed or parsed.tree is None
            for problem in parsed.problems:
                path = ("rules", i, part)
                self.faults.append(self.pack.fault_within(path, text, problem.offset, problem.what, problem.mend))
            if parsed.tree is not None:
                found[part] = parsed.tree
        if failed or "violation" not in found:
            return
        self.trees[_text(rule, "id")] = found
        self._sound(i, rule, found)

    def _sound(self, i: int, rule: Mapping[str, Any], found: Mapping[str, Expression]) -> None:
        settings = _dict(self.data.get("settings"))
        defaults = {name: _dict(setting).get("default") for name, setting in settings.items()}
        given = {**defaults, IN_FORCE_FROM: _in_force(self.data)}
        power = _dict(_dict(self.data.get("powers")).get(_text(rule, "power")))
        levels = [level for level in _list(power.get("levels")) if isinstance(level, str)]
        for doubt in doubts(rule["subject"], found.get("applies"), found["violation"], given, levels):
            self._fault(("rules", i, doubt.part), doubt.what, doubt.mend)
        named = [name for tree in found.values() for name in facts(tree)]
        computed = [name for name in named if (rule["subject"], name) in DERIVED]
        if "is_on_recognised_cloud" in computed and not _list(self.data.get("recognised_levels")):
            what = "asks for recognised clouds, and the pack does not say whose they are"
            self._fault(("rules", i, "violation"), what, "add 'recognised_levels'")


def _in_force(data: Mapping[str, Any]) -> date | None:
    start = _dict(data.get("in_force")).get("from")
    return start if isinstance(start, date) else None
