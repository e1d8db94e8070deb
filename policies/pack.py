"""Loading packs: one folder is one regulation.

A pack is ``<id>/pack.yaml``, the wording of the articles that it quotes in ``text.yaml``, and ``cases/*.yaml``.
Loading checks everything (:mod:`policies.checking`), raises every fault at once, and needs nothing but the folder:
a snapshot's own copy of the files loads in the same way, with the settings that were recorded beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from inventories.faults import Fault, Faults, did_you_mean
from inventories.model import Strength
from policies import cache as kept
from policies.articles import normalised, unfolded
from policies.expressions import Expression, facts, givens
from policies.model import (
    Basis,
    Bite,
    Citation,
    Consequence,
    Exemption,
    Law,
    Manual,
    OrderNeeds,
    OutOfScope,
    Pack,
    Power,
    Reply,
    Rule,
    Severity,
)
from policies.regions import related
from policies.settings import Resolved, resolve
from policies.source import PACK, TEXT, Source, digest, pack_files
from policies.trees import IN_FORCE_FROM, names_of, remember

BUILTIN = Path(__file__).parent / "packs"

_UNITS = ("days", "working_days", "months")


def builtin_packs() -> tuple[str, ...]:
    """The ids of the packs that come with the program."""
    return tuple(sorted(path.parent.name for path in BUILTIN.glob(f"*/{PACK}")))


def load_packs(
    ids: Iterable[str],
    *,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    extra_dirs: Sequence[Path] = (),
    folders: Mapping[str, Path] | None = None,
    region: str = "",
    where: Mapping[str, str] | None = None,
) -> tuple[Pack, ...]:
    """Loads packs by id, from the program's own and from ``extra_dirs``, which hold a folder for each.

    ``folders`` names the folders of those packs that are to be taken from nowhere else. ``settings`` maps pack ids
    to the site's settings; ``region`` is the site's, with which every pack must have something to do; ``where``
    maps pack ids to the places where the site names them. A pack whose number another repeals ends on the day before
    that one begins. Raises :class:`Faults` with the faults of all of them.
    """
    places = where or {}
    out: list[Pack] = []
    faults: list[Fault] = []
    for name in dict.fromkeys(ids):
        found = [base / name for base in (BUILTIN, *extra_dirs) if "/" not in name and (base / name / PACK).is_file()]
        if folders and name in folders:
            found = [folders[name]]
        if len(found) != 1:
            faults.append(_unfound(name, found, extra_dirs, places))
            continue
        try:
            pack = load_pack(found[0], settings=(settings or {}).get(name))
        except Faults as error:
            faults.extend(error.faults)
            continue
        if region and not related(pack.region, region):
            what = f"the pack {name} is for {pack.region}, and this site for {region}"
            faults.append(Fault(places.get(name, f"pack {name}"), what, "take it out of 'packs'"))
        out.append(pack)
    if faults:
        raise Faults(faults)
    return succeeded(out)


def succeeded(packs: Sequence[Pack]) -> tuple[Pack, ...]:
    """The packs, each ended on the day before another one of them repeals it."""
    out = []
    for pack in packs:
        ends = [pack.in_force_to] if pack.in_force_to else []
        for other in packs:
            repeals = {normalised(number) for number in other.repeals}
            if other.in_force_from is not None and pack.number and normalised(pack.number) in repeals:
                ends.append(other.in_force_from - timedelta(days=1))
        out.append(replace(pack, in_force_to=min(ends, default=None)))
    return tuple(out)


def _unfound(name: str, folders: Sequence[Path], extra_dirs: Sequence[Path], places: Mapping[str, str]) -> Fault:
    where, what = places.get(name, f"pack {name}"), f"the pack {name!r} " if name in places else ""
    if folders:
        return Fault(where, f"{what}stands in {' and in '.join(map(str, folders))}", "keep one of them")
    known = [*builtin_packs(), *(path.parent.name for base in extra_dirs for path in base.glob(f"*/{PACK}"))]
    return Fault(where, f"{what}is unknown", did_you_mean(name, known) or f"there are {', '.join(known)}")


def load_pack(folder: Path, *, settings: Mapping[str, object] | None = None) -> Pack:
    """Loads one pack from its folder.

    ``settings`` are the site's: ``in_force_from`` where the text gives no date, ``confirmed_wording`` (by, on,
    document) where it has held the wording against the official text, and what the pack declares. Raises
    :class:`Faults` with everything that is wrong, each as ``file:line:col: what: mend``.
    """
    files = pack_files(folder)
    source = Source.parse(files[PACK], str(folder / PACK))
    text = Source.parse(files[TEXT], str(folder / TEXT)) if TEXT in files else None
    whole = digest(files)
    data: Any = source.data
    trees = _kept_trees(data, whole) or _check(folder, files, source, text, whole)
    resolved = resolve(data, settings or {})
    return _build(data, text.data if text else None, trees, resolved, str(folder), whole)


@cache
def _checker_digest() -> str:
    """Over everything that decides whether a pack is sound: a kept result is only as good as its checker."""
    here = Path(__file__).parent
    parts = [*here.glob("*.py"), *here.glob("schemas/*.json"), *(here.parent / "inventories").glob("kinds/*.py")]
    return digest({path.name: path.read_bytes() for path in parts})


def _key(whole: str) -> str:
    return hashlib.sha256(f"{whole}{_checker_digest()}".encode()).hexdigest()


_Trees = dict[str, dict[str, Expression]]


def _kept_trees(data: Any, whole: str) -> _Trees | None:
    """The trees of a pack that an earlier run has checked; None where it must be checked now."""
    entry = kept.load(_key(whole))
    if entry is None:
        return None
    try:
        return {
            rule["id"]: {part: kept.decode(tree, rule["subject"]) for part, tree in entry[rule["id"]].items()}
            for rule in data["rules"]
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _check(folder: Path, files: Mapping[str, bytes], source: Source, text: Source | None, whole: str) -> _Trees:
    """Checks everything, and keeps the trees for the next run."""
    from policies import schema
    from policies.cases import read_cases
    from policies.checking import Checker

    faults = schema.faults(source, "pack") + (schema.faults(text, "text") if text else [])
    checker = Checker(folder.resolve().name, source, text)
    trees = checker.check()
    known = {fault.where for fault in faults}
    faults += [fault for fault in checker.faults if fault.where not in known]
    try:
        read_cases(files, str(folder), checker.subjects)
    except Faults as error:
        faults.extend(error.faults)
    if faults:
        raise Faults(faults)
    kept.store(_key(whole), {r: {p: kept.encode(tree) for p, tree in parts.items()} for r, parts in trees.items()})
    return trees


def _build(data: Any, text: Any, trees: _Trees, resolved: Resolved, folder: str, whole: str) -> Pack:
    data = _prose(data)
    shipped = bool(text and data.get("text", {}).get("verified"))
    verified = shipped or resolved.confirmation is not None
    laws = _laws(data, text, shipped, resolved)
    powers = {name: _power(name, entry) for name, entry in data.get("powers", {}).items()}
    names = names_of({name: setting.type for name, setting in resolved.settings.items()})
    rules = []
    for entry in data["rules"]:
        for part, tree in trees[entry["id"]].items():
            remember(entry[part], entry["subject"], names, tree)
        cited = _citations(data, entry, laws, resolved, verified)
        rules.append(_rule(data, entry, trees[entry["id"]], powers, resolved, cited))
    return Pack(
        id=data["pack"],
        title=data["title"],
        number=data.get("number", ""),
        issuer=data["issuer"],
        region=data["region"],
        in_force_from=resolved.in_force_from,
        in_force_to=resolved.in_force_to,
        scope_article=data["scope"].get("article", ""),
        scope=data["scope"]["text"],
        recognised_levels=tuple(data.get("recognised_levels", ())),
        powers=powers,
        rules=tuple(rules),
        manual=tuple(Manual(**entry) for entry in data.get("manual", ())),
        out_of_scope=tuple(OutOfScope(**entry) for entry in data.get("out_of_scope", ())),
        digest=whole,
        text_verified=verified,
        repeals=tuple(data.get("repeals", ())),
        rate_formula=data.get("rate_formula", ""),
        articles=data.get("articles", 0),
        folder=folder,
        settings=resolved.settings,
        texts=dict(text.get("articles", {})) if text else {},
        exemptions=tuple(Exemption(**entry) for entry in data["scope"].get("exemptions", ())),
        laws=laws,
        confirmation=resolved.confirmation,
    )


def _laws(data: Any, text: Any, shipped: bool, resolved: Resolved) -> dict[str, Law]:
    """A law is verified only where its wording is there to be seen, or the site has confirmed it."""
    wording: Mapping[str, Any] = text.get("laws", {}) if text else {}
    return {
        name: Law(
            id=name,
            title=law["title"],
            number=law.get("number", ""),
            issuer=law.get("issuer", ""),
            valid_from=law["in_force"]["from"],
            valid_to=law["in_force"].get("to"),
            verified=resolved.confirmation is not None or bool(name in wording and law.get("verified", shipped)),
            articles=law.get("articles", 0),
            source=law.get("source", ""),
            note=law.get("note", ""),
            texts=dict(wording.get(name, {})),
        )
        for name, law in data.get("laws", {}).items()
    }


def _citations(
    data: Any, entry: Mapping[str, Any], laws: Mapping[str, Law], resolved: Resolved, verified: bool
) -> tuple[Citation, ...]:
    """What a rule cites, in the order of writing; its own regulation without bounds, since the pack has those."""
    seen = resolved.confirmation is not None or entry.get("verified", True)
    out = []
    for cited in (entry, *entry.get("cites", ())):
        law = laws.get(cited.get("law", ""))
        held = bool(seen and (law.verified if law else verified))
        title = law.title if law else entry.get("regulation", data["title"])
        number = law.number if law else entry.get("number", data.get("number", ""))
        basis = Basis(title, number, cited["article"], cited["quote"], held)
        out.append(Citation(basis, law.valid_from, law.valid_to) if law else Citation(basis))
    return tuple(out)


def _prose(value: Any) -> Any:
    """Everything but predicates as it is printed: without the spaces of folded lines."""
    match value:
        case dict():
            kept_whole = ("applies", "violation")
            return {key: held if key in kept_whole else _prose(held) for key, held in value.items()}
        case list():
            return [_prose(held) for held in value]
        case str():
            return unfolded(value)
        case _:
            return value


def _power(name: str, entry: Mapping[str, Any]) -> Power:
    reply = entry.get("reply")
    unit = next((u for u in _UNITS if reply and u in reply), "")
    return Power(
        id=name,
        article=entry["article"],
        quote=entry["quote"],
        authority=entry["authority"],
        addressee=entry["addressee"],
        form=entry["form"],
        reply=Reply(reply[unit], unit, reply["from"]) if reply and unit else None,
        report_to=entry.get("report_to", ""),
        if_refused=tuple(Consequence(**step) for step in entry.get("if_refused", ())),
        levels=tuple(entry.get("levels", ())),
        note=entry.get("note", ""),
        over=entry.get("over", "department"),
    )


def _rule(
    data: Any,
    entry: Mapping[str, Any],
    trees: Mapping[str, Expression],
    powers: Mapping[str, Power],
    resolved: Resolved,
    citations: tuple[Citation, ...],
) -> Rule:
    """A clause whose wording nobody has seen in an official text is advice until the site confirms it."""
    seen = resolved.confirmation is not None or entry.get("verified", True)
    power = powers.get(entry.get("power", "")) if seen else None
    bite = Bite(entry.get("bite", Bite.ORDER)) if seen else Bite.ADVICE
    needs = entry.get("order_needs")
    named = tuple(dict.fromkeys(g for tree in trees.values() for g in givens(tree)))
    dated = data["in_force"]["from"] == "site" and (entry.get("needs_date", False) or IN_FORCE_FROM in named)
    values: dict[str, date | int | bool | str | None] = {name: s.value for name, s in resolved.settings.items()}
    values[IN_FORCE_FROM] = resolved.in_force_from
    waits = [name for name in named if name in values and values[name] is None]
    if dated and resolved.in_force_from is None and IN_FORCE_FROM not in waits:
        waits.append(IN_FORCE_FROM)
    basis = next((c for c in citations if c.valid_to is None), citations[0]).basis
    return Rule(
        id=entry["id"],
        pack=data["pack"],
        title=entry["title"],
        article=basis.article,
        quote=basis.quote,
        subject=entry["subject"],
        applies=entry.get("applies", ""),
        violation=entry["violation"],
        severity=Severity(entry["severity"]),
        bite=bite,
        remedy=entry["remedy"],
        columns=tuple(dict.fromkeys(name for tree in trees.values() for name in facts(tree))),
        basis=basis,
        power=power,
        order_needs=OrderNeeds(needs["fresh_days"], Strength.parse(needs["strength"])) if needs and power else None,
        consequence=entry.get("consequence", ""),
        deadline=entry.get("deadline", ""),
        refer_to=entry.get("refer_to", ""),
        needs_date=dated,
        note=entry.get("note", ""),
        waits_for=tuple(waits),
        citations=citations,
        dated_by=entry.get("dated_by", ""),
    )


__all__ = ["builtin_packs", "load_pack", "load_packs", "pack_files"]
