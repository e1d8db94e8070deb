"""The words everyone uses: observations, coverage, failures, submissions and assets.

An *observation* is one immutable record of what one source said about one thing at one time. *Coverage*
says what a source really looked at; it is the only thing that lets an absence mean something. A *failure*
is a value, never a hidden gap.

All times are timezone-aware and in UTC; dates are calendar dates in the site's own time zone.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

#: What a fact may hold. Lists are tuples so that records stay immutable and hashable.
Value: TypeAlias = str | int | float | bool | date | tuple[str, ...] | None


class Strength(enum.IntEnum):
    """How well a fact is known, weakest first.

    ``HINTED``: a port, a name, a pattern. ``DECLARED``: a register says so. ``SEEN_OUTSIDE``: a banner, a
    page title or a certificate that names it, or an address that answered. ``SEEN_INSIDE``: read on the
    host or through the owner's API.
    """

    HINTED = 1
    DECLARED = 2
    SEEN_OUTSIDE = 3
    SEEN_INSIDE = 4

    @property
    def label(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Strength:
        """``seen_outside`` → ``Strength.SEEN_OUTSIDE``; ValueError on anything else."""
        try:
            return cls[text.upper()]
        except KeyError:
            raise ValueError(f"unknown strength {text!r}: one of {', '.join(s.label for s in cls)}") from None


class Origin(enum.StrEnum):
    """By which road a value may come: a register, a probe, or a stated reasoning."""

    DECLARED = "declared"
    OBSERVED = "observed"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """A name by which a source knows a thing.

    ``scheme`` is one of :data:`inventories.identity.SCHEMES`. ``vantage`` is set for identifiers that mean
    something only as seen from one place (addresses, MAC addresses): ``192.168.1.10`` behind two vantages
    is two addresses.
    """

    scheme: str
    value: str
    vantage: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}" + (f"@{self.vantage}" if self.vantage else "")


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of one column, as its source put it.

    ``evidence`` is a short text a person can check (a banner, a cell's own words), already cleaned of
    control characters. ``absent`` marks an answer of 无: the source was asked and said there is none.
    """

    column: str
    value: Value
    strength: Strength
    evidence: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What one source said about one thing at one time.

    ``source`` tells a person where to look: ``registers/rooms.xlsx!B7`` or ``nmap``. ``collector`` is the
    probe's name or ``register``; ``zone`` is the zone seen, empty for registers that name none.
    """

    kind: str
    collector: str
    source: str
    observed_at: datetime
    identifiers: tuple[Identifier, ...]
    facts: tuple[Fact, ...] = ()
    zone: str = ""
    department_id: str = ""

    def digest(self) -> str:
        """A stable name for this record: the same content has the same digest, whatever the order of facts."""
        body = {
            "kind": self.kind,
            "collector": self.collector,
            "source": self.source,
            "at": self.observed_at.isoformat(),
            "ids": sorted(str(i) for i in self.identifiers),
            "facts": sorted(
                json.dumps([f.column, plain(f.value), f.strength, f.evidence, f.absent], ensure_ascii=False)
                for f in self.facts
            ),
            "zone": self.zone,
            "department": self.department_id,
        }
        return hashlib.sha256(canonical(body).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a collector really looked at, to the end, in one run.

    ``aspect`` names the question that was answered for every member of ``scope``, and with it what the scope
    holds:

    * prefixes in CIDR form: ``hosts`` (which addresses answer), ``ports`` (which of ``detail`` ports are open),
      ``services`` (what runs on them), ``inside`` (what is read on the machine itself), ``snmp`` (what its agent
      says), ``endpoints`` (what the ports in ``detail`` answer to the questions of the platform table);
    * department ids: ``register`` (rows of the register named in ``detail``);
    * host names: ``names`` (where each leads, and what answers there);
    * names of projects, or ``*`` alone for everything that there is: ``resources`` (what the cloud holds whose
      code is in ``detail``).
    """

    collector: str
    zone: str
    vantage: str
    aspect: str
    scope: tuple[str, ...]
    started_at: datetime
    ended_at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A scope that a collector set out to cover and did not, with the reason.

    ``reason`` is a short machine-readable word (``refused``, ``timed_out``, ``stopped``, ``bad_output``,
    ``not_installed``, ``limited`` ...); ``message`` is for people.
    """

    collector: str
    zone: str
    scope: tuple[str, ...]
    reason: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Submission:
    """A department was asked for a register, and answered.

    Only a received submission makes an absent paper a fact: ``columns`` are those it was asked to fill
    (empty: all of the form), ``nil_return`` says that the department declared to have none of the kind.
    """

    department_id: str
    register: str
    received_on: date
    period: str = ""
    columns: tuple[str, ...] = ()
    nil_return: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A person's written leave to differ, laid over the outcome afterwards. The last day counts."""

    id: str
    rules: tuple[str, ...]
    department_id: str
    asset_name: str
    asset_code: str
    legal_basis: str
    approver: str
    document: str
    valid_from: date
    valid_to: date
    conditions: str = ""
    source: str = ""

    def in_force(self, on: date) -> bool:
        return self.valid_from <= on <= self.valid_to


@dataclass(frozen=True, slots=True)
class SourcedFact:
    """A fact with where and when it was said: the provenance of one attribute of one asset."""

    column: str
    value: Value
    strength: Strength
    origin: Origin
    source: str
    observed_at: datetime
    evidence: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sources disagree. ``shown`` is the value the view shows (None: neither), ``why`` the reason."""

    column: str
    shown: Value
    why: str
    claims: tuple[SourcedFact, ...]


@dataclass(frozen=True, slots=True)
class Asset:
    """The reconciled union of the observations of one thing.

    ``values`` holds one entry per column of the kind that is known; a missing column is NULL. ``facts``
    keeps what every source said; ``conflicts`` what they disagree on.
    """

    kind: str
    key: str
    identifiers: tuple[Identifier, ...]
    values: Mapping[str, Value]
    facts: tuple[SourcedFact, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    zones: tuple[str, ...] = ()
    collectors: tuple[str, ...] = ()

    def get(self, column: str) -> Value:
        return self.values.get(column)

    def text(self, column: str) -> str:
        value = self.values.get(column)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Collection:
    """Everything one collecting step brought home."""

    observations: tuple[Observation, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    failures: tuple[Failure, ...] = ()
    submissions: tuple[Submission, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    def __add__(self, other: Collection) -> Collection:
        return Collection(
            self.observations + other.observations,
            self.coverage + other.coverage,
            self.failures + other.failures,
            self.submissions + other.submissions,
            self.waivers + other.waivers,
        )

    @classmethod
    def united(cls, parts: Iterable[Collection]) -> Collection:
        """All parts as one, in their order; adding them one by one would copy the whole each time."""
        held = tuple(parts)
        return cls(
            tuple(o for part in held for o in part.observations),
            tuple(c for part in held for c in part.coverage),
            tuple(f for part in held for f in part.failures),
            tuple(s for part in held for s in part.submissions),
            tuple(w for part in held for w in part.waivers),
        )


@dataclass(frozen=True, slots=True)
class KeyMap:
    """What earlier audits called things; reconciliation takes one and gives the next.

    ``keys`` maps (kind, identifier) → key. ``first_seen`` and ``last_seen`` are dates per key, ``aliases``
    maps a key that was merged away to the one that lives. ``pins`` is a person's word: identifiers that
    always belong to that key, whatever else is seen.
    """

    keys: Mapping[tuple[str, Identifier], str] = field(default_factory=dict)
    first_seen: Mapping[str, date] = field(default_factory=dict)
    last_seen: Mapping[str, date] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    pins: Mapping[tuple[str, Identifier], str] = field(default_factory=dict)


def plain(value: object) -> object:
    """The JSON form of a fact's value: dates as ISO text, tuples as lists."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (tuple, list, frozenset, set)):
        return [plain(v) for v in value]
    return value


def canonical(body: object) -> str:
    """JSON with sorted keys and no spare white space: equal content gives equal text."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=plain)


def by_strength(facts: Sequence[SourcedFact]) -> list[SourcedFact]:
    """Strongest first, then newest, then by source: an order that does not depend on that of the input."""
    return sorted(
        facts,
        key=lambda f: (-f.strength, -f.observed_at.timestamp(), f.source, canonical(plain(f.value))),
    )
