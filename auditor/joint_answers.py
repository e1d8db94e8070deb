"""Whose answers count for whom once departments have been united. Pure.

The successor of several departments has answered for a register where every one of them that can be missed in it
has: itself, or through whoever spoke for it on that day. Until then nothing is concluded from a missing row, and a
无 stays the word of the department that was asked for it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time

from auditor.successions import Successions
from inventories.answers import REGISTER, Answers, register_of
from inventories.kinds import KINDS
from inventories.model import Collection, Coverage, Failure, Observation, Submission
from inventories.places import Places

#: Why a register is not known whole: a failure of the collector ``register``.
NOT_ANSWERED = "not_answered"


@dataclass(frozen=True)
class Joint:
    """What united departments answered, by what each of them said.

    ``rows`` holds the (register, department) pairs of which rows stand in the registers, ``settled`` the departments
    that own networks: where neither is, nothing can be missed. ``evidence`` maps (department, register) to the
    answers that speak for it; ``asked`` tells which columns each department itself was asked for.
    """

    successions: Successions
    submissions: Sequence[Submission]
    rows: Container[tuple[str, str]]
    settled: Container[str]
    evidence: Mapping[tuple[str, str], list[Submission]] = field(init=False)
    asked: Answers = field(init=False)

    def __post_init__(self) -> None:
        evidence = self._evidence()
        object.__setattr__(self, "evidence", evidence)
        united = {part for parts in self.parts().values() for part in parts}
        said = [replace(s, department_id=part) for (part, _r), spoken in evidence.items() for s in spoken]
        said += [s for s in self.submissions if s.department_id not in united]
        object.__setattr__(self, "asked", Answers(said))

    @property
    def registers(self) -> list[str]:
        return sorted({register for _part, register in self.evidence})

    def parts(self) -> Mapping[str, list[str]]:
        """Successor → itself and those that it took in."""
        return self.successions.heads()

    def _evidence(self) -> dict[tuple[str, str], list[Submission]]:
        """(part, register) → the answers that speak for that part."""
        by: dict[str, list[Submission]] = {}
        for submission in self.submissions:
            by.setdefault(submission.department_id, []).append(submission)
        out: dict[tuple[str, str], list[Submission]] = {}
        for parts in self.parts().values():
            for part in parts:
                for speaker, since in self.successions.chain(part):
                    for submission in by.get(speaker, ()):
                        if submission.received_on >= since:
                            out.setdefault((part, submission.register), []).append(submission)
        return out

    def silent(self, head: str, register: str) -> list[str]:
        """The parts that something can be missed of, and that have not answered."""
        return [
            part
            for part in self.parts()[head]
            if (part, register) not in self.evidence and self.is_missable(part, register)
        ]

    def is_missable(self, part: str, register: str) -> bool:
        """Whether anything of a department could be missed in a register."""
        return (register, part) in self.rows or part in self.settled

    def of(self, head: str, register: str) -> list[Submission]:
        """The answers as the successor's; a nil return only where every part that answered made one last."""
        said = [submission for part in self.parts()[head] for submission in self.evidence.get((part, register), ())]
        parts = [part for part in self.parts()[head] if (part, register) in self.evidence]
        nil = all(self.asked.nil(register, part) is not None for part in parts)
        joined = (replace(s, department_id=head, nil_return=s.nil_return and nil) for s in said)
        return list(dict.fromkeys(joined))


def joined(collection: Collection, successions: Successions, places: Places, today: date) -> tuple[Collection, Joint]:
    """A collection whose submissions, coverage and failures of registers are the successors'.

    ``places`` are those before the change. Observations stay as they are.
    """
    joint = Joint(
        successions,
        collection.submissions,
        rows_of(collection.observations),
        frozenset(owner for zone in places.zones.values() for owner in (zone.department_id, *zone.owners.values())),
    )
    parts = joint.parts()
    involved = {part for members in parts.values() for part in members}
    submissions = [s for s in collection.submissions if s.department_id not in involved]
    failures = []
    for head in parts:
        for register in joint.registers:
            said = joint.of(head, register)
            submissions += said
            if said and (silent := joint.silent(head, register)):
                failures.append(_failure(head, register, silent, today))
    changed = replace(
        collection,
        submissions=tuple(submissions),
        coverage=tuple(_coverage(record, joint) for record in collection.coverage),
        failures=(*(_renamed(failure, successions) for failure in collection.failures), *failures),
    )
    return changed, joint


def rows_of(observations: Iterable[Observation]) -> set[tuple[str, str]]:
    """(register, department) of every row."""
    return {
        (register_of(o.source) or KINDS[o.kind].register, o.department_id)
        for o in observations
        if o.collector == REGISTER and o.kind in KINDS
    }


def plausible(collection: Collection) -> Collection:
    """Leaves out nil returns beside rows (one of the two is wrong), and failures that name nobody any more."""
    rows = rows_of(collection.observations)
    kept = tuple(s for s in collection.submissions if not (s.nil_return and (s.register, s.department_id) in rows))
    answering = {s.department_id for s in kept}
    failures = (_narrowed(failure, answering) for failure in collection.failures)
    return replace(collection, submissions=kept, failures=tuple(f for f in failures if f is not None))


def _narrowed(failure: Failure, answering: Container[str]) -> Failure | None:
    """A failure of registers names departments that answered: one that did not would break the register for all."""
    if failure.collector != REGISTER or len(failure.scope) < 2:
        return failure
    register, *departments = failure.scope
    left = [department for department in departments if department in answering]
    return replace(failure, scope=(register, *left)) if left else None


def _failure(head: str, register: str, silent: Sequence[str], today: date) -> Failure:
    message = (
        f"{head} has not answered for the register {register} since it took in other departments, and "
        f"{', '.join(silent)} never did: what the register does not name is not known"
    )
    at = datetime.combine(today, time(), UTC)
    return Failure(REGISTER, "", (register, head), NOT_ANSWERED, message, at)


def _renamed(failure: Failure, successions: Successions) -> Failure:
    if failure.collector != REGISTER:
        return failure
    return replace(failure, scope=tuple(dict.fromkeys(successions.gone.get(name, name) for name in failure.scope)))


def _coverage(record: Coverage, joint: Joint) -> Coverage:
    """A register came in whole for a successor where it did for every part of it."""
    if record.aspect != "register":
        return record
    scope = set(record.scope)
    for head, parts in joint.parts().items():
        answered = {part for part in parts if _is_covered(part, record, joint)}
        missed = [part for part in parts if part not in answered and joint.is_missable(part, record.detail)]
        scope = scope.difference(parts) | (answered - {head})
        if answered and not missed:
            scope.add(head)
    return replace(record, scope=tuple(sorted(scope)))


def _is_covered(part: str, record: Coverage, joint: Joint) -> bool:
    return any(s.department_id in record.scope for s in joint.evidence.get((part, record.detail), ()))
