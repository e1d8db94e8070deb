"""The words of the law as data: packs, powers, rules, outcomes."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from inventories.model import Strength


class Verdict(enum.StrEnum):
    """The five answers; ``unknown`` is neither innocence nor guilt."""

    VIOLATION = "violation"
    COMPLIANT = "compliant"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    WAIVED = "waived"


class Severity(enum.StrEnum):
    ADVICE = "advice"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class Bite(enum.StrEnum):
    """What a violation of a rule may turn into (``semantics.md`` 13).

    ``order``: somebody is empowered to order it mended. ``reminder``: the text gives no such power, so a
    letter at most. ``advice``: worded 原则上, 一般 or 定期; shown and counted, never ordered. ``lead``: a hint
    that a person must follow up; nobody's fault yet. ``bureau``: a duty of the bureau itself, its to-do list.
    ``referral``: for another authority (police, cryptography bureau) to act on.
    """

    ORDER = "order"
    REMINDER = "reminder"
    ADVICE = "advice"
    LEAD = "lead"
    BUREAU = "bureau"
    REFERRAL = "referral"


@dataclass(frozen=True, slots=True)
class Reply:
    """Time to answer: ``amount`` of ``unit`` (days, working_days, months), counted from ``start`` (issue, service).

    The first day is not counted.
    """

    amount: int
    unit: str
    start: str


@dataclass(frozen=True, slots=True)
class Consequence:
    """What this regulation, and no other, lets follow; ``when`` where it asks for more than a refusal."""

    action: str
    article: str = ""
    propose_to: str = ""
    when: str = ""


#: What a power may be ``over`` beside the department that owns the thing.
CONTRACTOR = "contractor"


def contractor_words(addressee: str) -> bool:
    """Whether a text's own word for an addressee means the unit that builds for the department."""
    return any(mark in addressee for mark in ("承建", "承攬", "承揽"))


@dataclass(frozen=True, slots=True)
class Power:
    """Who may order whom, under which article and by what name.

    ``levels`` are the levels of government at which its addressees stand (empty: any): the loader refuses a
    rule that could send an order to somebody whom the article does not address. ``over`` is ``department`` (the
    thing's owner) or ``contractor``: then no paper is addressed to the department.
    """

    id: str
    article: str
    quote: str
    authority: str
    addressee: str
    form: str
    reply: Reply | None = None
    report_to: str = ""
    if_refused: tuple[Consequence, ...] = ()
    levels: tuple[str, ...] = ()
    note: str = ""
    over: str = "department"


@dataclass(frozen=True, slots=True)
class OrderNeeds:
    """What an order may rest on: facts no older than ``fresh_days`` and at least of ``strength``."""

    fresh_days: int
    strength: Strength


@dataclass(frozen=True, slots=True)
class Basis:
    """A citation: printed in a notice word for word."""

    regulation: str
    number: str
    article: str
    quote: str
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Citation:
    """A basis with the days on which its law has these numbers; None: without bound."""

    basis: Basis
    valid_from: date | None = None
    valid_to: date | None = None

    def holds(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Rule:
    """One clause made checkable.

    ``applies`` and ``violation`` are SQL predicates over the subject's view; an empty ``applies`` binds all.
    ``columns`` are those that both name, in order of first mention: the facts that an outcome rests on.
    ``needs_date`` marks a rule that stays unknown until the site supplies the regulation's date in force;
    ``waits_for`` names every setting that the predicates use and nobody has supplied. ``citations`` are given
    where a pack gathers several laws: which of them count depends on the date of the fact, that is of the column
    ``dated_by``, or of the audit. ``basis`` is the first of those in force last.
    """

    id: str
    pack: str
    title: str
    article: str
    quote: str
    subject: str
    applies: str
    violation: str
    severity: Severity
    bite: Bite
    remedy: str
    columns: tuple[str, ...]
    basis: Basis
    power: Power | None = None
    order_needs: OrderNeeds | None = None
    consequence: str = ""
    deadline: str = ""
    refer_to: str = ""
    needs_date: bool = False
    note: str = ""
    waits_for: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    dated_by: str = ""

    def in_force(self, day: date) -> bool:
        """Whether any of the laws that it cites is in force; the pack's own time is another matter."""
        return not self.citations or any(citation.holds(day) for citation in self.citations)

    def bases_on(self, day: date) -> tuple[Basis, ...]:
        """What to cite for a fact of that day; its only basis where none of its laws was in force."""
        return tuple(c.basis for c in self.citations if c.holds(day)) or (self.basis,)

    @property
    def full_id(self) -> str:
        """``<pack>/<rule>``: what findings and metrics carry."""
        return f"{self.pack}/{self.id}"


@dataclass(frozen=True, slots=True)
class Manual:
    """A clause that a person must answer: the question, and why no machine can."""

    article: str
    question: str
    why: str
    ask: str = "department"
    law: str = ""


@dataclass(frozen=True, slots=True)
class OutOfScope:
    article: str
    why: str
    law: str = ""


@dataclass(frozen=True, slots=True)
class Exemption:
    """Whom or what the text itself excepts."""

    article: str
    quote: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Law:
    """One of several laws in a pack, or one version of it. ``texts`` are the articles whose wording is shipped."""

    id: str
    title: str
    number: str
    issuer: str
    valid_from: date
    valid_to: date | None
    verified: bool
    articles: int = 0
    source: str = ""
    note: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who held a pack's wording against the official text, when, and by what paper."""

    by: str
    on: date
    document: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that the text leaves to the site, and that predicates may name.

    ``type`` is ``date``, ``integer``, ``boolean`` or ``text``. ``value`` is the site's, else the pack's default,
    else None: whatever depends on it is then unknown.
    """

    name: str
    type: str
    title: str
    article: str
    value: date | int | bool | str | None = None
    law: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Pack:
    """One regulation.

    ``in_force_from`` is None where the text gives no date and the site has not supplied one.
    ``recognised_levels`` are the levels of government whose clouds count for ``is_on_recognised_cloud``.
    ``digest`` is the SHA-256 of the pack's files, which lie in ``folder``. ``articles`` is how many articles the
    text has, ``texts`` the wording of those that the pack ships (``第五条`` → text). ``text_verified`` says that
    every quote was found in that wording, or that the site has confirmed the text (``confirmation``). ``laws`` are
    those of a pack that gathers several; such a pack may have no articles of its own.
    """

    id: str
    title: str
    number: str
    issuer: str
    region: str
    in_force_from: date | None
    in_force_to: date | None
    scope_article: str
    scope: str
    recognised_levels: tuple[str, ...]
    powers: Mapping[str, Power]
    rules: tuple[Rule, ...]
    manual: tuple[Manual, ...]
    out_of_scope: tuple[OutOfScope, ...]
    digest: str
    text_verified: bool = True
    repeals: tuple[str, ...] = ()
    rate_formula: str = ""
    articles: int = 0
    folder: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    laws: Mapping[str, Law] = field(default_factory=dict)
    confirmation: Confirmation | None = None

    def rule(self, rule_id: str) -> Rule:
        """KeyError where the pack has no such rule."""
        return next((r for r in self.rules if r.id == rule_id), None) or _no_rule(self.id, rule_id)


def _no_rule(pack: str, rule: str) -> Rule:
    raise KeyError(f"{pack} has no rule {rule!r}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule applied to an asset. ``values`` are the columns it rested on, as JSON-able values."""

    rule: str
    kind: str
    asset_key: str
    asset_name: str
    department_id: str
    zone: str
    verdict: Verdict
    values: Mapping[str, object] = field(default_factory=dict)
    waiver: str = ""


class Count(NamedTuple):
    """How many assets of a department got each verdict under a rule: the denominator beside every count.

    A tuple, since a large city has tens of thousands of them.
    """

    rule: str
    department_id: str
    verdict: Verdict
    number: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A rule that could not be decided for an asset.

    ``missing`` are the inventory columns that nobody has shown, ``waits_for`` the settings that the site has not
    supplied.
    """

    rule: str
    kind: str
    asset_key: str
    asset_name: str
    department_id: str
    missing: tuple[str, ...]
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of judging one snapshot.

    ``outcomes`` holds violations and waived violations, ordered by rule and asset key; unknowns are listed on
    demand. Outcomes are made as they are read, so that a large city need not stand in memory twice.
    ``digest`` is over every verdict of every rule, so that a replay can be compared with it.
    """

    as_of: date
    outcomes: Sequence[Outcome]
    counts: tuple[Count, ...]
    digest: str
