"""Two versions of a pack, side by side: what the newer one says that the older did not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from policies.articles import normalised
from policies.model import Pack, Power, Rule
from policies.trees import trees_of

ADDED, REMOVED, CHANGED = "added", "removed", "changed"

#: The fields of a pack that are told one by one; everything else stands in parts of its own.
_PACK = (
    "title",
    "number",
    "issuer",
    "region",
    "in_force_from",
    "in_force_to",
    "repeals",
    "articles",
    "scope_article",
    "scope",
    "recognised_levels",
    "rate_formula",
    "text_verified",
)
_RULE = (
    "title",
    "article",
    "quote",
    "subject",
    "severity",
    "bite",
    "remedy",
    "consequence",
    "deadline",
    "refer_to",
    "dated_by",
    "needs_date",
    "note",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``part`` is pack, power, rule, setting, law, exemption, manual, out_of_scope or wording.

    ``name`` says which of them; ``field`` is empty where the whole was added or removed, and ``old`` or ``new``
    then says what it was.
    """

    part: str
    name: str
    what: str
    field: str = ""
    old: str = ""
    new: str = ""


def compare(old: Pack, new: Pack) -> tuple[Change, ...]:
    """Every difference in meaning, part by part. White space and the order of writing make none."""
    return (
        *_fields("pack", new.id, _of_pack(old), _of_pack(new)),
        *_parts("power", _powers(old), _powers(new)),
        *_rules(old, new),
        *_parts("setting", _settings(old), _settings(new)),
        *_parts("law", _laws(old), _laws(new)),
        *_parts("exemption", _exemptions(old), _exemptions(new)),
        *_parts("manual", _manual(old), _manual(new)),
        *_parts("out_of_scope", _outside(old), _outside(new)),
        *_parts("wording", _wording(old), _wording(new)),
    )


_Fields = Mapping[str, str]


def _fields(part: str, name: str, old: _Fields, new: _Fields) -> Iterator[Change]:
    for field in dict.fromkeys((*old, *new)):
        before, after = old.get(field, ""), new.get(field, "")
        if before != after:
            yield Change(part, name, CHANGED, field, before, after)


def _parts(part: str, old: Mapping[str, _Fields], new: Mapping[str, _Fields]) -> Iterator[Change]:
    """Those that are gone, those that are new, and those that both have, field by field."""
    for name in old:
        if name not in new:
            yield Change(part, name, REMOVED, old=_summary(old[name]))
    for name, fields in new.items():
        if name not in old:
            yield Change(part, name, ADDED, new=_summary(fields))
        else:
            yield from _fields(part, name, old[name], fields)


def _summary(fields: _Fields) -> str:
    return "；".join(value for value in list(fields.values())[:3] if value)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return str(value)
        case date():
            return value.isoformat()
        case tuple() | list():
            return "；".join(map(_text, value))
        case _ if dataclasses.is_dataclass(value):
            held = (getattr(value, field.name) for field in dataclasses.fields(value))
            return "，".join(filter(None, map(_text, held)))
        case _:
            return str(value)


def _of_pack(pack: Pack) -> _Fields:
    return {name: _text(getattr(pack, name)) for name in _PACK}


def _powers(pack: Pack) -> dict[str, _Fields]:
    names = [field.name for field in dataclasses.fields(Power) if field.name != "id"]
    return {key: {name: _text(getattr(power, name)) for name in names} for key, power in pack.powers.items()}


def _rules(old: Pack, new: Pack) -> Iterator[Change]:
    before, after = ({rule.id: _rule(rule) for rule in pack.rules} for pack in (old, new))
    yield from _parts("rule", before, after)
    for rule in new.rules:
        if rule.id not in before:
            continue
        was = old.rule(rule.id)
        # Held as parsed: a condition that was only written differently is the same one.
        for field, one, other in zip(("applies", "violation"), trees_of(old, was), trees_of(new, rule), strict=True):
            if one != other:
                yield Change("rule", rule.id, CHANGED, field, getattr(was, field), getattr(rule, field))


def _rule(rule: Rule) -> _Fields:
    return {
        **{name: _text(getattr(rule, name)) for name in _RULE},
        "power": rule.power.id if rule.power else "",
        "order_needs": _text(rule.order_needs),
        "cites": _text([c for c in rule.citations if c.basis != rule.basis]),
    }


def _settings(pack: Pack) -> dict[str, _Fields]:
    names = ("title", "type", "article", "value")
    return {s.name: {name: _text(getattr(s, name)) for name in names} for s in pack.settings.values()}


def _laws(pack: Pack) -> dict[str, _Fields]:
    names = ("title", "number", "valid_from", "valid_to", "verified")
    return {law.id: {name: _text(getattr(law, name)) for name in names} for law in pack.laws.values()}


def _exemptions(pack: Pack) -> dict[str, _Fields]:
    return {f"{one.article} {one.quote}": {"note": one.note} for one in pack.exemptions}


def _manual(pack: Pack) -> dict[str, _Fields]:
    return {f"{m.law} {m.article} {m.question}".strip(): {"why": m.why, "ask": m.ask} for m in pack.manual}


def _outside(pack: Pack) -> dict[str, _Fields]:
    return {f"{o.law} {o.article}".strip(): {"why": o.why} for o in pack.out_of_scope}


def _wording(pack: Pack) -> dict[str, _Fields]:
    own = {name: {"text": normalised(text)} for name, text in pack.texts.items()}
    laws = {
        f"{law.id} {name}": {"text": normalised(text)}
        for law in pack.laws.values()
        for name, text in law.texts.items()
    }
    return {**own, **laws}
