"""Collections as JSON and back, exactly: dates, lists, numbers and strengths come out as they went in.

The text is pure ASCII, so that it survives any file and any broken character that a banner held. Reading
checks every field: the text may come from a torn file or from a stranger.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from sys import intern
from typing import Any, TypeVar

from inventories.model import (
    Collection,
    Coverage,
    Fact,
    Failure,
    Identifier,
    Observation,
    Strength,
    Submission,
    Value,
    Waiver,
)

FORMAT = 1

T = TypeVar("T")


class CodecError(ValueError):
    """The text is no collection; says where and why."""


def collection_to_json(collection: Collection) -> str:
    """One line of ASCII JSON; :func:`collection_from_json` gives an equal collection back."""
    body = {
        "format": FORMAT,
        "observations": [_observation(o) for o in collection.observations],
        "coverage": [
            [c.collector, c.zone, c.vantage, c.aspect, c.scope, _iso(c.started_at), _iso(c.ended_at), c.detail]
            for c in collection.coverage
        ],
        "failures": [[f.collector, f.zone, f.scope, f.reason, f.message, _iso(f.at)] for f in collection.failures],
        "submissions": [
            [s.department_id, s.register, _iso(s.received_on), s.period, s.columns, s.nil_return, s.digest]
            for s in collection.submissions
        ],
        "waivers": [
            [
                *(w.id, w.rules, w.department_id, w.asset_name, w.asset_code, w.legal_basis, w.approver, w.document),
                *(_iso(w.valid_from), _iso(w.valid_to), w.conditions, w.source),
            ]
            for w in collection.waivers
        ],
    }
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def collection_from_json(text: str | bytes) -> Collection:
    """The collection that :func:`collection_to_json` wrote. Raises :class:`CodecError` for anything else."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CodecError(f"is not JSON: {error}") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise CodecError(f"is no collection of format {FORMAT}")
    return Collection(
        observations=_each(body, "observations", 8, _read_observation),
        coverage=_each(body, "coverage", 8, _read_coverage),
        failures=_each(body, "failures", 6, _read_failure),
        submissions=_each(body, "submissions", 7, _read_submission),
        waivers=_each(body, "waivers", 12, _read_waiver),
    )


def _observation(o: Observation) -> list[object]:
    return [
        *(o.kind, o.collector, o.source, _iso(o.observed_at)),
        [[i.scheme, i.value, i.vantage] for i in o.identifiers],
        [[f.column, _value(f.value), int(f.strength), f.evidence, f.absent] for f in o.facts],
        *(o.zone, o.department_id),
    ]


def _iso(moment: date) -> str:
    return moment.isoformat()


def _value(value: Value) -> object:
    """JSON has no dates and no infinities: those become an object with one key."""
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _each(body: dict[str, Any], name: str, width: int, read: Callable[[_Row], T]) -> tuple[T, ...]:
    rows = body.get(name)
    if not isinstance(rows, list):
        raise CodecError(f"{name}: is no list")
    return tuple(read(_Row(row, width, f"{name}[{i}]")) for i, row in enumerate(rows))


class _Row:
    """A list of known width, read field by field, each of a known type."""

    def __init__(self, row: object, width: int, where: str) -> None:
        if not isinstance(row, list) or len(row) != width:
            raise CodecError(f"{where}: is no list of {width}")
        self._row, self._where = row, where

    def _of(self, i: int, kind: type[T]) -> T:
        value = self._row[i]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise CodecError(f"{self._where}[{i}]: is no {kind.__name__}")
        return value

    def text(self, i: int) -> str:
        return self._of(i, str)

    def flag(self, i: int) -> bool:
        return self._of(i, bool)

    def number(self, i: int) -> int:
        return self._of(i, int)

    def texts(self, i: int) -> tuple[str, ...]:
        items = self._of(i, list)
        if not all(isinstance(item, str) for item in items):
            raise CodecError(f"{self._where}[{i}]: is no list of texts")
        return tuple(items)

    def day(self, i: int) -> date:
        return self._parsed(i, self.text(i), date.fromisoformat)

    def time(self, i: int) -> datetime:
        return self._parsed(i, self.text(i), _moment)

    def rows(self, i: int, width: int, read: Callable[[_Row], T], *, quick: Callable[..., T]) -> tuple[T, ...]:
        """Rows within a row. What ``quick`` refuses (TypeError, ValueError) is read with care, which says why."""
        out = []
        for n, item in enumerate(self._of(i, list)):
            try:
                out.append(quick(*item if type(item) is list else ()))
            except (TypeError, ValueError):
                out.append(read(_Row(item, width, f"{self._where}[{i}][{n}]")))
        return tuple(out)

    def value(self, i: int) -> Value:
        """A fact's value, the inverse of :func:`_value`."""
        value = self._row[i]
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, list):
            return self.texts(i)
        if isinstance(value, dict) and len(value) == 1:
            ((tag, text),) = value.items()
            readers: dict[str, Callable[[str], Value]] = {
                "date": date.fromisoformat,
                "time": datetime.fromisoformat,
                "float": float,
            }
            if tag in readers and isinstance(text, str):
                return self._parsed(i, text, readers[tag])
        raise CodecError(f"{self._where}[{i}]: is no value of a fact")

    def _parsed(self, i: int, text: str, read: Callable[[str], T]) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise CodecError(f"{self._where}[{i}]: {error}") from error


@lru_cache(maxsize=1 << 12)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _read_observation(row: _Row) -> Observation:
    return Observation(
        kind=intern(row.text(0)),
        collector=intern(row.text(1)),
        source=row.text(2),
        observed_at=row.time(3),
        identifiers=row.rows(4, 3, _read_identifier, quick=_identifier),
        facts=row.rows(5, 5, _read_fact, quick=_fact),
        zone=intern(row.text(6)),
        department_id=intern(row.text(7)),
    )


def _read_identifier(row: _Row) -> Identifier:
    return Identifier(row.text(0), row.text(1), row.text(2))


def _identifier(scheme: object, value: object, vantage: object) -> Identifier:
    if type(scheme) is str and type(value) is str and type(vantage) is str:
        return Identifier(intern(scheme), value, intern(vantage))
    raise TypeError


def _fact(column: object, value: object, strength: object, evidence: object, absent: object) -> Fact:
    return _shared_fact(column, tuple(value) if type(value) is list else value, strength, evidence, absent)


# Whatever is equal and of another type (1, True) is another fact.
@lru_cache(maxsize=1 << 16, typed=True)
def _shared_fact(column: object, value: object, strength: object, evidence: object, absent: object) -> Fact:
    """A city's machines say the same few things over and over: each fact is made, and kept in memory, once."""
    if type(value) is tuple:
        if not all(type(item) is str for item in value):
            raise TypeError
    elif value is not None and type(value) not in (str, bool, int, float):
        raise TypeError
    if type(column) is str and type(strength) is int and type(evidence) is str and type(absent) is bool:
        return Fact(intern(column), value, Strength(strength), evidence, absent)  # type: ignore[arg-type]
    raise TypeError


def _read_fact(row: _Row) -> Fact:
    try:
        strength = Strength(row.number(2))
    except ValueError as error:
        raise CodecError(f"a fact of {row.text(0)}: {error}") from error
    return Fact(row.text(0), row.value(1), strength, row.text(3), row.flag(4))


def _read_coverage(row: _Row) -> Coverage:
    return Coverage(
        collector=row.text(0),
        zone=row.text(1),
        vantage=row.text(2),
        aspect=row.text(3),
        scope=row.texts(4),
        started_at=row.time(5),
        ended_at=row.time(6),
        detail=row.text(7),
    )


def _read_failure(row: _Row) -> Failure:
    return Failure(row.text(0), row.text(1), row.texts(2), row.text(3), row.text(4), row.time(5))


def _read_submission(row: _Row) -> Submission:
    return Submission(row.text(0), row.text(1), row.day(2), row.text(3), row.texts(4), row.flag(5), row.text(6))


def _read_waiver(row: _Row) -> Waiver:
    return Waiver(
        id=row.text(0),
        rules=row.texts(1),
        department_id=row.text(2),
        asset_name=row.text(3),
        asset_code=row.text(4),
        legal_basis=row.text(5),
        approver=row.text(6),
        document=row.text(7),
        valid_from=row.day(8),
        valid_to=row.day(9),
        conditions=row.text(10),
        source=row.text(11),
    )
