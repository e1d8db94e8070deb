"""What registers list and audits found, by the names that people have for it: a code, or a name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inventories.answers import REGISTER
from inventories.faults import did_you_mean
from inventories.identity import plain_code, plain_name
from inventories.model import Asset, Collection, Waiver


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a department. ``code`` is as its register writes it, and empty where it gives none."""

    kind: str
    code: str
    name: str
    department_id: str


def declared(collection: Collection) -> list[Thing]:
    """Every row of a register that is a thing's own, departments left out; in the order of the registers."""
    out: dict[Thing, None] = {}
    for observation in collection.observations:
        if observation.collector == REGISTER and observation.kind != "department":
            said = {fact.column: fact.value for fact in observation.facts if fact.column in ("code", "name")}
            code, name = (value if isinstance(value := said.get(of), str) else "" for of in ("code", "name"))
            if code or name:
                out[Thing(observation.kind, code, name, observation.department_id)] = None
    return list(out)


def found(assets: Iterable[Asset]) -> list[Thing]:
    """The assets of a snapshot."""
    return [
        Thing(asset.kind, asset.text("code"), asset.text("name"), asset.text("department_id"))
        for asset in assets
        if asset.kind != "department"
    ]


class Things:
    """Looks things up by what a person typed."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self._by_code: dict[str, list[Thing]] = {}
        self._by_name: dict[str, list[Thing]] = {}
        for thing in things:
            if thing.code:
                self._by_code.setdefault(plain_code(thing.code), []).append(thing)
            if thing.name:
                self._by_name.setdefault(plain_name(thing.name), []).append(thing)

    def meant(self, word: str, department: str = "", kind: str = "") -> list[Thing]:
        """Those of that code; where there are none, those of that name. Conditions that are empty are none."""
        for known in (self._by_code.get(plain_code(word), ()), self._by_name.get(plain_name(word), ())):
            fitting = [
                thing for thing in known if department in ("", thing.department_id) and kind in ("", thing.kind)
            ]
            if fitting:
                return fitting
        return []

    def hint(self, word: str) -> str:
        words = [thing.code for things in self._by_code.values() for thing in things]
        words += [thing.name for things in self._by_name.values() for thing in things]
        return did_you_mean(word, dict.fromkeys(words))

    def covered(self, waiver: Waiver) -> bool:
        """Whether a waiver of one thing is of a thing that is known: exactly as evaluation compares them."""
        if not waiver.asset_code and not waiver.asset_name:
            return True
        coded = self._by_code.get(plain_code(waiver.asset_code), ()) if waiver.asset_code else ()
        named = self._by_name.get(plain_name(waiver.asset_name), ()) if waiver.asset_name else ()
        return any(
            waiver.department_id in ("", thing.department_id) and _is_meant(waiver, thing)
            for thing in (*coded, *named)
        )


def _is_meant(waiver: Waiver, thing: Thing) -> bool:
    """As :func:`policies.waivers.waived` has it."""
    if waiver.asset_code and thing.code:
        return waiver.asset_code == thing.code
    return bool(waiver.asset_name and waiver.department_id) and waiver.asset_name == thing.name
