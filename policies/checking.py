"""Checking a pack as it is loaded: every fault at once, each with its place and what to do about it.

Faults are looked for even in a file that its schema has already found wanting, so that a person mends all of
them in one go; the checks therefore take nothing about the values for granted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from inventories.faults import Fault, did_you_mean
from inventories.kinds import Type
from policies.articles import advisory_word, article_key, article_name, article_number, quotes
from policies.expressions import AS_OF, Call, Expression, Given, facts, walk
from policies.functions import MAX_AMOUNT
from policies.model import CONTRACTOR, Bite, contractor_words
from policies.predicate import parse_predicate
from policies.settings import CONFIRMED, last_day, within
from policies.soundness import doubts
from policies.source import Source, shown
from policies.subjects import DERIVED, SUBJECTS, columns_of
from policies.trees import IN_FORCE_FROM, Names, names_of

#: Settings that every site may give for every pack.
COMMON_SETTINGS = (IN_FORCE_FROM, CONFIRMED)

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
        #: Articles by law; those of the pack's own regulation under the empty name.
        self.wording = {"": wording.get("articles"), **_dict(wording.get("laws"))}
        self.laws = _dict(self.data.get("laws"))

    def check(self) -> Trees:
        """Fills ``faults``; returns the trees of the predicates that parse."""
        if _text(self.data, "pack") not in ("", self.folder_name):
            what = f"the pack calls itself {shown(self.data['pack'])!r} in a folder named {self.folder_name!r}"
            self._fault(("pack",), what, "give both the same name")
        self._dates()
        self._settings()
        self._laws()
        self._articles()
        for name, power in _dict(self.data.get("powers")).items():
            self._quote(("powers", name, "quote"), _dict(power))
            over = _text(_dict(power), "over")
            if over != CONTRACTOR and contractor_words(_text(_dict(power), "addressee")):
                self._fault(("powers", name, "addressee"), "is a contractor", "add 'over: contractor'")
            if over == CONTRACTOR and "levels" in _dict(power):
                what = "contractors stand at no level of government"
                self._fault(("powers", name, "levels"), what, "leave 'levels' out")
        for i, exemption in enumerate(_list(_dict(self.data.get("scope")).get("exemptions"))):
            self._quote(("scope", "exemptions", i, "quote"), _dict(exemption))
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
        years = last_day({**span, "to": None}, start) if isinstance(start, date) else None
        if isinstance(end, date) and years and end != years:
            self._fault(("in_force", "to"), f"is not the last day of those years, {years}", "give one of the two")

    def _laws(self) -> None:
        """Each law has a span, and is cited; a pack has articles of its own, or laws, or both."""
        for name, law in self.laws.items():
            span = _dict(_dict(law).get("in_force"))
            start, end = span.get("from"), span.get("to")
            if isinstance(start, date) and isinstance(end, date) and end < start:
                self._fault(("laws", name, "in_force", "to"), "lies before the first day in force")
            if not any(cited == name for _path, _article, cited in self._cited()):
                self._fault(("laws", name), f"nothing cites {shown(name)!r}", "cite it, or leave it out")
        if not self.laws and "articles" not in self.data:
            self._fault((), "says neither how many 'articles' the text has nor which 'laws' it gathers", "add one")
        if not self.laws and not _text(_dict(self.data.get("scope")), "article"):
            self._fault(("scope",), "does not say by which article", "add 'article'")
        for name in (k for k in self.wording if k and k not in self.laws):
            if self.text:
                mend = did_you_mean(name, self.laws) or "add it under 'laws' in pack.yaml"
                self.faults.append(self.text.fault(("laws", name), f"unknown law {shown(name)!r}", mend))

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
            elif not within(_dict(setting), default):
                self._fault(("settings", name, "default"), f"{shown(default)!r} is out of range")

    def _articles(self) -> None:
        """Every article that is cited exists, and every wording that is shipped is one of the regulation's."""
        for path, article, law in self._cited():
            last = self._last(law)
            number = article_number(article)
            if law and law not in self.laws:
                mend = did_you_mean(law, self.laws) or f"there are {', '.join(self.laws)}".rstrip()
                self._fault((*path[:-1], "law"), f"unknown law {shown(law)!r}", mend)
            elif not law and article_key(article) and self.laws and "articles" not in self.data:
                self._fault(path, "cites none of the pack's laws", f"add 'law': {', '.join(self.laws)}")
            elif last is not None and number is not None and not 1 <= number <= last:
                self._fault(path, f"{shown(article)} does not exist", f"the last one is {article_name(last)}")
        for law, articles in self.wording.items():
            last = self._last(law)
            for article in _dict(articles):
                number = article_number(article)
                if self.text and last is not None and (number is None or not 1 <= number <= last):
                    path = ("laws", law, article) if law else ("articles", article)
                    self.faults.append(self.text.fault(path, f"{shown(article)} does not exist"))

    def _last(self, law: str) -> int | None:
        """The number of a law's last article, as far as the pack tells it; the empty name is the pack's own."""
        last = _dict(self.laws.get(law)).get("articles") if law else self.data.get("articles")
        return last if isinstance(last, int) and 0 < last < 1000 else None

    def _cited(self) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """Articles cited, with the place of each and the law; the empty name is the pack's own regulation."""
        for part in ("scope", "in_force"):
            yield (part, "article"), _text(_dict(self.data.get(part)), "article"), ""
        for i, entry in enumerate(_list(_dict(self.data.get("scope")).get("exemptions"))):
            yield ("scope", "exemptions", i, "article"), _text(_dict(entry), "article"), ""
        for part in ("manual", "out_of_scope"):
            for i, entry in enumerate(map(_dict, _list(self.data.get(part)))):
                yield (part, i, "article"), _text(entry, "article"), _text(entry, "law")
        for i, rule in enumerate(map(_dict, _list(self.data.get("rules")))):
            if not _text(rule, "regulation"):
                yield ("rules", i, "article"), _text(rule, "article"), _text(rule, "law")
            for j, cited in enumerate(map(_dict, _list(rule.get("cites")))):
                yield ("rules", i, "cites", j, "article"), _text(cited, "article"), _text(cited, "law")
        for name, setting in _dict(self.data.get("settings")).items():
            yield ("settings", name, "article"), _text(_dict(setting), "article"), _text(_dict(setting), "law")
        for name, power in _dict(self.data.get("powers")).items():
            yield ("powers", name, "article"), _text(_dict(power), "article"), ""
            for i, step in enumerate(_list(_dict(power).get("if_refused"))):
                yield ("powers", name, "if_refused", i, "article"), _text(_dict(step), "article"), ""

    def _quote(self, path: tuple[str | int, ...], holder: Mapping[str, Any]) -> None:
        """A quote of the pack's own regulation, or of one of its laws, must stand in the wording that it ships."""
        article, quote, law = _text(holder, "article"), _text(holder, "quote"), _text(holder, "law")
        name = article_key(article)
        if self.text is None or not quote or not name or _text(holder, "regulation"):
            return
        wording = {k: v for k, v in _dict(self.wording.get(law)).items() if isinstance(v, str)}
        text = wording.get(name)
        if law and law not in self.laws:
            return
        if text is None:
            lacks = f"{name} of {law}" if law else name
            self._fault(path, f"the quote cannot be checked: text.yaml lacks {lacks}", "add it there")
        elif not quotes(quote, text):
            elsewhere = [other for other, held in wording.items() if quotes(quote, held)]
            mend = f"it stands in {elsewhere[0]}" if elsewhere else "copy it word for word; …… marks what is left out"
            self._fault(path, f"is not in the text of {name}", mend)

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
            for j, cited in enumerate(map(_dict, _list(rule.get("cites")))):
                self._quote(("rules", i, "cites", j, "quote"), cited)
            if _text(rule, "law") and _text(rule, "regulation"):
                self._fault(("rules", i, "regulation"), "stands beside 'law'", "leave one of the two out")
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
        self._amounts(i, found)
        self._dated_by(i, rule, [name for tree in found.values() for name in facts(tree)])
        self._sound(i, rule, found)

    def _amounts(self, i: int, found: Mapping[str, Expression]) -> None:
        """A setting that dates are shifted by has a range: no slip of the pen shifts them beyond the calendar."""
        for part, tree in found.items():
            calls = [node for node in walk(tree) if isinstance(node, Call)]
            for name in sorted({a.name for call in calls for a in call.arguments[1:] if isinstance(a, Given)}):
                setting = _dict(_dict(self.data.get("settings")).get(name))
                ends = setting.get("minimum"), setting.get("maximum")
                if setting.get("type") == Type.INTEGER and not all(
                    isinstance(end, int) and abs(end) <= MAX_AMOUNT for end in ends
                ):
                    mend = f"give it a minimum and a maximum within {MAX_AMOUNT}"
                    self._fault(("rules", i, part), f"shifts a date by {name}, which has no range", mend)

    def _dated_by(self, i: int, rule: Mapping[str, Any], named: Sequence[str]) -> None:
        """What dates a fact is among the evidence that is kept with a finding."""
        column = _text(rule, "dated_by")
        dates = [name for name in named if columns_of(rule["subject"])[name].type is Type.DATE]
        if column and column not in dates:
            mend = did_you_mean(column, dates) or f"the dates that it names: {', '.join(dates) or 'none'}"
            self._fault(("rules", i, "dated_by"), f"the predicates name no date {shown(column)!r}", mend)
        elif column and not _text(rule, "law"):
            self._fault(("rules", i, "dated_by"), "stands where no law's version is to be chosen", "leave it out")

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
