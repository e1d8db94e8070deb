"""What may go into an order: nothing can be signed that the evidence does not bear.

Pure. The reasons are Chinese, since the person who drafts an order reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from inventories.kinds import KINDS, Column
from inventories.kinds.declare import COMMON
from inventories.model import SourcedFact, Strength
from policies.model import Bite, OrderNeeds, Rule
from policies.subjects import stored

STRENGTH_LABELS: Mapping[Strength, str] = {
    Strength.HINTED: "线索",
    Strength.DECLARED: "申报",
    Strength.SEEN_OUTSIDE: "外部可见",
    Strength.SEEN_INSIDE: "内部核实",
}

_BITES: Mapping[Bite, str] = {
    Bite.REMINDER: "该条款未赋予责令整改的权力，仅可发提示函",
    Bite.ADVICE: "该条款为原则性、倡导性要求，不列入整改",
    Bite.LEAD: "属线索，须由人工核实后再定",
    Bite.BUREAU: "属主管部门自身职责，列入待办",
    Bite.REFERRAL: "属其他机关职权，应移送处理",
}

#: What a reminder or a referral rests on where its clause asks for nothing more.
LETTER_NEEDS = OrderNeeds(fresh_days=90, strength=Strength.DECLARED)

#: Columns that every subject has: whose a thing is and what it is called is no evidence that ages.
_COMMON = frozenset(column.name for column in COMMON)


def obstacles(
    rule: Rule,
    facts: Mapping[str, Sequence[SourcedFact]],
    *,
    verdict: str,
    stale: bool,
    now: datetime,
    text_verified: bool = True,
    unknown: Collection[str] = (),
) -> tuple[str, ...]:
    """Why a finding may not go into an order; empty where it may.

    ``facts`` holds, for each stored column that the rule names, the facts that support the value shown. A
    column that a probe can see must have been seen as strongly as the rule asks; of one that only papers
    show, the register's word is all there can be. ``unknown`` are columns that the rule names and nobody has
    shown: a violation stands without them, so nothing is asked of them.
    """
    out: list[str] = []
    if verdict != "violation":
        out.append("不是违反情形")
    if rule.bite is not Bite.ORDER:
        out.append(f"属{rule.refer_to}职权，应移送处理" if rule.refer_to else _BITES[rule.bite])
    elif rule.power is None:
        out.append("该条款未赋予责令整改的权力")
    if stale:
        out.append("本次审计未能再次确认，依据已过时")
    if not text_verified:
        out.append("法规文本尚未与正式文本核对")
    if rule.order_needs is None or out:
        return tuple(out)
    return weaknesses(rule, facts, needs=rule.order_needs, now=now, unknown=unknown)


def obstacles_to_letter(
    rule: Rule,
    facts: Mapping[str, Sequence[SourcedFact]],
    *,
    verdict: str,
    stale: bool,
    now: datetime,
    text_verified: bool = True,
    unknown: Collection[str] = (),
) -> tuple[str, ...]:
    """Why a finding may not go into the paper that its clause gives instead of an order; empty where it may.

    That is a reminder, or a referral to another authority. A letter is signed too, so its facts must bear it: none
    older than :data:`LETTER_NEEDS` says, none a mere hint. Clauses that give no paper at all say so.
    """
    out: list[str] = []
    if verdict != "violation":
        out.append("不是违反情形")
    if rule.bite not in (Bite.REMINDER, Bite.REFERRAL):
        out.append("该条款应以整改文书处理" if rule.bite is Bite.ORDER else _BITES[rule.bite])
    if stale:
        out.append("本次审计未能再次确认，依据已过时")
    if not text_verified:
        out.append("法规文本尚未与正式文本核对")
    return tuple(out) or weaknesses(rule, facts, needs=rule.order_needs or LETTER_NEEDS, now=now, unknown=unknown)


def weaknesses(
    rule: Rule,
    facts: Mapping[str, Sequence[SourcedFact]],
    *,
    needs: OrderNeeds,
    now: datetime,
    unknown: Collection[str] = (),
) -> tuple[str, ...]:
    """What the facts of a violation lack for a paper with these needs, column by column."""
    out: list[str] = []
    for name in stored(rule.subject, rule.columns):
        if name not in _COMMON and name not in unknown:
            out.extend(_weak(KINDS[rule.subject].column(name), facts.get(name, ()), needs, now))
    return tuple(out)


def _weak(column: Column, facts: Sequence[SourcedFact], needs: OrderNeeds, now: datetime) -> list[str]:
    if not facts:
        return [f"“{column.title}”没有可列明的来源"]
    best = max(fact.strength for fact in facts)
    wanted = needs.strength if column.seeable else Strength.DECLARED
    out = []
    if best < wanted:
        out.append(f"“{column.title}”仅有“{STRENGTH_LABELS[best]}”级依据，需达到“{STRENGTH_LABELS[wanted]}”级")
    age = (now - max(fact.observed_at for fact in facts)).days
    if age > needs.fresh_days:
        out.append(f"“{column.title}”的依据已有{age}天，超过{needs.fresh_days}天")
    return out
