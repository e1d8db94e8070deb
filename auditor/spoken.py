"""What people said that bears on an audit, laid over what registers and probes brought. Read :func:`spoken` first.

Three kinds of words: waivers that were approved, registers that were asked for and answered, and departments that
were united, renamed or handed things over. They go into the collection before anything is reconciled, so that the
snapshot holds them and a replay needs nothing else.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from auditor.chasing import RegisterRequest, submissions
from auditor.declared_things import declared
from auditor.joint_answers import joined, plausible, rows_of
from auditor.moved_departments import moved_keys, moved_observations, moved_places, moved_waivers
from auditor.successions import DepartmentChange, Successions
from auditor.waiving import OwnWaiver, united
from inventories.answers import REGISTER, register_of
from inventories.faults import Fault
from inventories.model import Collection, Coverage, Failure, KeyMap, Submission
from inventories.places import Places
from inventories.registers.declare import REGISTERS, by_title
from inventories.registers.departments import DepartmentBook

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger
    from inventories.registers import RegisterResult

#: Register → departments of which a row may have been refused.
Lost = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Words:
    """What the ledger holds of people's words."""

    waivers: tuple[OwnWaiver, ...] = ()
    changes: tuple[DepartmentChange, ...] = ()
    requests: tuple[RegisterRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A collection and the places under the words that hold on a day.

    ``keymap`` is for reconciliation, ``now`` tells whose a department's things are; ``notes`` are remarks for people.
    """

    collection: Collection
    places: Places
    keymap: KeyMap
    notes: tuple[str, ...] = ()
    successions: Successions = field(default_factory=lambda: Successions((), date.min))

    def now(self, department_id: str) -> str:
        return self.successions.of(department_id)


def spoken(
    ledger: Ledger,
    collection: Collection,
    places: Places,
    today: date,
    *,
    registers: RegisterResult,
    keymap: KeyMap | None = None,
) -> Spoken:
    """What was collected, under the words in the ledger that hold today.

    ``registers`` are those that the collection was made from: rows that were refused there keep an answer from
    saying that nothing is missing. ``keymap`` is the ledger's own where it is not given.
    """
    return under(
        words_of(ledger),
        collection,
        places,
        today,
        lost=lost_rows(registers),
        keymap=ledger.key_map() if keymap is None else keymap,
        files=digests_of(registers),
    )


def words_of(ledger: Ledger) -> Words:
    """Everything that people said, in one consistent view."""
    from auditor.ledger import departments, requests, waivers

    with ledger.reading() as connection:
        return Words(waivers.listing(connection), departments.listing(connection), requests.listing(connection))


def under(
    words: Words,
    collection: Collection,
    places: Places,
    today: date,
    *,
    lost: Lost,
    keymap: KeyMap,
    files: Container[str] | None = None,
) -> Spoken:
    """The pure core of :func:`spoken`.

    ``files`` are the digests of what lies among the registers (None: whatever is named does): an answer of which the
    file is gone shows nothing any more.
    """
    counting, notes = united(collection.waivers, words.waivers)
    answers, missing = received(words.requests, files)
    notes += missing
    answered = answered_too(replace(collection, waivers=counting), answers, lost, today)
    successions = Successions(words.changes, today)
    if not successions:
        return Spoken(plausible_beside(collection, answered), places, keymap, notes, successions)
    there = moved_places(places, successions, answered.observations)
    joint_collection, joint = joined(answered, successions, places, today)
    moved = replace(
        joint_collection,
        observations=moved_observations(answered, successions, there, joint),
        waivers=moved_waivers(answered.waivers, successions, declared(answered) if answered.waivers else ()),
    )
    return Spoken(plausible(moved), there, moved_keys(keymap, successions), notes, successions)


def received(
    requests: Iterable[RegisterRequest], files: Container[str] | None
) -> tuple[tuple[Submission, ...], tuple[str, ...]]:
    """The answers of which the file is there; and a remark on each department's last one of which it is not."""
    found: dict[tuple[str, str], list[Submission]] = {}
    for submission in submissions(requests):
        found.setdefault((submission.department_id, submission.register), []).append(submission)
    kept: list[Submission] = []
    notes = []
    for (department, register), said in found.items():
        there = [s for s in said if files is None or not s.digest or s.digest in files]
        kept += there
        if not there:
            notes.append(
                f"what {department} answered for the register {register} is not among the registers any more, and "
                "does not count: take the form in again"
            )
    return tuple(kept), tuple(notes)


def answered_too(collection: Collection, received: Sequence[Submission], lost: Lost, today: date) -> Collection:
    """A collection with the answers to requests, as if each stood in the register of submissions.

    A register of which rows were refused is not known whole: its answer comes with a failure that says so.
    """
    known = set(collection.submissions)
    fresh = [s for s in dict.fromkeys(received) if s not in known and s.received_on <= today]
    at = datetime.combine(today, time(), UTC)
    whole: dict[str, set[str]] = {}
    broken: dict[str, set[str]] = {}
    for submission in fresh:
        kind = broken if submission.department_id in lost.get(submission.register, ()) else whole
        kind.setdefault(submission.register, set()).add(submission.department_id)
    coverage = tuple(
        Coverage(REGISTER, "", "", "register", tuple(sorted(departments)), at, at, register)
        for register, departments in sorted(whole.items())
    )
    failures = tuple(
        _refused(register, departments, at)
        for register, departments in sorted(broken.items())
        if not _is_told(collection.failures, register, departments)
    )
    return collection + Collection(coverage=coverage, failures=failures, submissions=tuple(fresh))


def plausible_beside(before: Collection, after: Collection) -> Collection:
    """Leaves out nil returns in answers that stand beside rows; those of registers were checked by their reader."""
    known = set(before.submissions)
    doubtful = {s for s in after.submissions if s.nil_return and s not in known}
    if not doubtful:
        return after
    rows = rows_of(after.observations)
    refuted = {s for s in doubtful if (s.register, s.department_id) in rows}
    return replace(after, submissions=tuple(s for s in after.submissions if s not in refuted))


def digests_of(registers: RegisterResult) -> frozenset[str]:
    """SHA-256 of every file of the registers, and of the forms that returns were handed in as."""
    return frozenset(digest for file in registers.files for digest in (file.digest, file.form) if digest)


def lost_rows(registers: RegisterResult) -> Lost:
    """Register → the departments of which a row may have been lost, by what its reader refused."""
    book = DepartmentBook(registers.departments.values())
    out: dict[str, frozenset[str]] = {}

    def add(register: str, departments: frozenset[str]) -> None:
        out[register] = out.get(register, frozenset()) | departments

    told: set[Fault] = set()
    for row in registers.refused:
        told.update(row.reasons)
        add(row.register, frozenset({row.department}) if row.department else book.near(row.named))
    everybody = frozenset(book.by_id)
    for fault in registers.faults:
        if fault not in told:
            # A file or a table that could not be read may hold anybody's rows.
            register = by_title(register_of(fault.where))
            for name in [register.name] if register is not None else REGISTERS:
                add(name, everybody)
    return out


def _refused(register: str, departments: Iterable[str], at: datetime) -> Failure:
    message = f"rows of the register {register} were refused, so that what it does not name is not known"
    return Failure(REGISTER, "", (register, *sorted(departments)), "bad_input", message, at)


def _is_told(failures: Iterable[Failure], register: str, departments: set[str]) -> bool:
    return any(
        f.collector == REGISTER and f.scope[:1] == (register,) and departments <= set(f.scope) for f in failures
    )
