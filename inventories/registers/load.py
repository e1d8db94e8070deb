"""Reads a folder of registers: the one entry for everything that departments have written down."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from inventories.faults import Fault
from inventories.model import Collection, Coverage, Failure, Observation, Submission, Waiver
from inventories.places import Places
from inventories.registers.classified import Withheld, is_classified, owner_word
from inventories.registers.declare import REGISTERS
from inventories.registers.department_rows import read_departments
from inventories.registers.departments import Department, DepartmentBook
from inventories.registers.intake import Intake, read_folder
from inventories.registers.nil import says_nil
from inventories.registers.observe import Observer
from inventories.registers.papers import assessed_system, submission, waiver
from inventories.registers.records import Record, Refused, Source, read_rows, refuse
from inventories.registers.references import Index, link, unique
from inventories.registers.tables import RegisterFile, Row

_OF_ASSETS = tuple(name for name, r in REGISTERS.items() if r.kind and name not in ("departments", "assessments"))


@dataclass(frozen=True, slots=True)
class RegisterResult:
    """What a folder of registers gave.

    ``faults`` are errors, each with its cell: what they concern was not taken. ``notes`` are remarks: what
    they concern was taken, or left empty, as they say. ``refused`` are the rows not taken, for
    :func:`~inventories.registers.quarantine.write_quarantine`. ``dropped_classified`` counts rows dropped as
    classified; ``withheld`` holds the addresses they named, which the caller must neither probe nor print.
    """

    collection: Collection
    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]
    refused: tuple[Refused, ...]
    dropped_classified: int
    departments: Mapping[str, Department]
    files: tuple[RegisterFile, ...] = ()
    withheld: frozenset[str] = field(default=frozenset(), repr=False)

    def without_observations(self) -> RegisterResult:
        """The same without the rows themselves, for when they stand elsewhere."""
        return replace(self, collection=replace(self.collection, observations=()))


def load_registers(
    directory: Path,
    *,
    places: Places,
    now: datetime,
    shown: str = "registers",
    former: Mapping[str, str] | None = None,
) -> RegisterResult:
    """Reads every register of a folder. Nothing is raised: what is wrong stands in the result.

    ``now`` is timezone-aware; ``shown`` is the folder's name in errors and sources. Good rows load whatever
    else is wrong; without a departments register no row can be assigned, and none loads. What a department returned
    (:mod:`inventories.registers.returns`) stands instead of its rows in the other files of that register, of which a
    note tells how many were passed over. ``former`` maps ids and names that departments no longer have to the id of
    the department that they mean now.
    """
    return load_intake(read_folder(directory, shown), places=places, now=now, shown=shown, former=former).result


@dataclass(frozen=True, slots=True)
class Loaded:
    """A result with the records behind it: register → the rows that were taken, references resolved.

    Records of assessments carry the department, code and name of their system. ``dropped`` counts the rows of each
    file that were dropped as classified, or as being about something classified.
    """

    result: RegisterResult
    records: Mapping[str, Sequence[Record]]
    departments: DepartmentBook
    dropped: Mapping[str, int]


def load_intake(
    intake: Intake, *, places: Places, now: datetime, shown: str, former: Mapping[str, str] | None = None
) -> Loaded:
    """Judges the rows of files that were read; see :func:`load_registers`. ``intake`` stays as it is."""
    departments, own = read_departments(intake.sources.get("departments", ()))
    departments.remember(former or {})
    loading = _Loading(intake, departments, places, now)
    loading.notes += own.notes
    loading.refuse(own.refused)
    if not len(departments):
        what = "no department could be read, so no row of any register can be assigned to one"
        loading.faults.append(
            Fault(shown, what, "fill in departments.csv, departments.xlsx or departments.yaml first")
        )
        return Loaded(loading.result(), {}, departments, {})
    loading.settle_returns()
    loading.sift()
    loading.read_submissions()
    loading.observe_all(own.records)
    loading.read_waivers()
    loading.check_nil_returns()
    return Loaded(loading.result(), loading.records, departments, loading.dropped)


class _Loading:
    """One reading of one folder, step by step."""

    def __init__(self, intake: Intake, departments: DepartmentBook, places: Places, now: datetime) -> None:
        self.intake, self.departments, self.places, self.now = intake, departments, places, now
        self.faults: list[Fault] = list(intake.faults)
        self.notes: list[Fault] = list(intake.notes)
        self.refused: list[Refused] = []
        self.withheld = Withheld()
        self.rows: dict[int, list[Row]] = {}
        self.submissions: list[tuple[Record, Submission]] = []
        self.waivers: dict[str, Waiver] = {}
        self.observations: list[Observation] = []
        self.counts: dict[tuple[str, str], int] = {}
        self.records: dict[str, list[Record]] = {}
        self.returned = intake.returned
        self.dropped: Counter[str] = Counter()
        #: File and department → rows passed over for what the department returned.
        self.passed_over: Counter[tuple[str, str, str]] = Counter()

    def refuse(self, refused: list[Refused]) -> None:
        self.refused += refused
        self.faults += [fault for row in refused for fault in row.reasons]

    def settle_returns(self) -> None:
        """Leaves out returns of departments that are not there."""
        unknown = {whose for whose in self.returned if whose[1] not in self.departments.by_id}
        for whose in sorted(unknown):
            what = f"no department has the id {whose[1]!r}, so that what it returned is not read"
            mend = "add it to the departments register; after a merger, take in the successor's form"
            self.faults.append(Fault(self.returned[whose], what, mend))
            self.intake = self.intake.without(whose)
        self.returned = self.intake.returned

    def sift(self) -> None:
        """Takes the classified rows out of every table before any other row is looked at."""
        for name in REGISTERS:
            for source in self.intake.sources.get(name, ()):
                kept = self.rows.setdefault(id(source), [])
                for row in source.table.rows:
                    if source.matching.classified and is_classified(row, source.matching):
                        owner = owner_word(row, source.matching, self.departments)
                        self.withheld.drop(row, source.matching, source.register, owner)
                        self.dropped[source.file.shown] += 1
                    else:
                        kept.append(row)
                        self.withheld.keep(row, source.matching, source.register)

    def read(self, register: str) -> list[Record]:
        """The good rows of a register; the others are refused, those that a return stands for passed over."""
        out: list[Record] = []
        replaced = {department for name, department in self.returned if name == register}
        for source in self.intake.sources.get(register, ()):
            rows = self.rows[id(source)]
            if source.file.part_of:
                rows = [row for row in rows if not says_nil(row, source.matching)]
            elif replaced:
                rows = [row for row in rows if not self._is_replaced(row, source, replaced)]
            before = self.withheld.dropped
            read = read_rows(source, rows, self.departments, self.withheld)
            self.dropped[source.file.shown] += self.withheld.dropped - before
            out += [record for record in read.records if self._is_own(record)]
            self.notes += read.notes
            self.refuse(read.refused)
        return out

    def _is_replaced(self, row: Row, source: Source, replaced: AbstractSet[str]) -> bool:
        department = owner_word(row, source.matching, self.departments)
        if department not in replaced:
            return False
        self._pass_over(source, source.register.name, department)
        return True

    def _pass_over(self, source: Source, register: str, department: str) -> None:
        self.passed_over[source.file.shown, register, department] += 1

    def _is_own(self, record: Record) -> bool:
        """Whether a row of a return is of the department that returned it; refused where it is of another."""
        whose = record.source.file.part_of
        if whose is None or record.department == whose[1]:
            return True
        if not record.department:
            record.department = whose[1]
            return True
        what = f"the row is of {record.department}, and the form is that of {whose[1]}"
        fault = Fault(record.place("department"), what, "remove the row: each department returns its own")
        self.refuse([refuse(record.source, record.row, [fault], record.department)])
        return False

    def read_submissions(self) -> None:
        digests = self.intake.digests()
        for record in self.read("submissions"):
            found = submission(record, today=self.now.date(), digests=digests, notes=self.notes)
            if isinstance(found, Refused):
                self.refuse([found])
            elif not record.source.file.part_of and (found.register, found.department_id) in self.returned:
                self._pass_over(record.source, found.register, found.department_id)
            else:
                self.submissions.append((record, found))

    def observe_all(self, department_records: list[Record]) -> None:
        """Every asset's row as an observation, once codes are unique and references resolved."""
        received: dict[tuple[str, str], Submission] = {}
        for _, found in sorted(self.submissions, key=lambda pair: pair[1].received_on):
            received[found.department_id, found.register] = found
        observer = Observer(self.places, self.now, received)
        self.observations += [observer.observe(record) for record in department_records]
        records = self.records
        indexes: dict[str, Index] = {}
        for name in _OF_ASSETS:
            records[name], refused, indexes[REGISTERS[name].kind] = unique(self.read(name), self.notes)
            self.refuse(refused)
        for name in _OF_ASSETS:
            for record in records[name]:
                link(record, indexes, self.notes)
                self._count(name, record.department)
                self.observations.append(observer.observe(record))
        records["assessments"] = []
        for record in self.read("assessments"):
            system = assessed_system(record, indexes["system"])
            if isinstance(system, Refused):
                self.refuse([system])
            elif not record.source.file.part_of and ("assessments", system.department) in self.returned:
                self._pass_over(record.source, "assessments", system.department)
            else:
                self._count("assessments", system.department)
                self.observations.append(observer.observe(record, system))
                records["assessments"].append(_of_system(record, system))
        self.notes += observer.notes()

    def _count(self, register: str, department: str) -> None:
        self.counts[register, department] = self.counts.get((register, department), 0) + 1

    def read_waivers(self) -> None:
        for record in self.read("exemptions"):
            found = waiver(record)
            if isinstance(found, Waiver) and found.id in self.waivers:
                what = f"the exemption {found.id!r} is already that of {self.waivers[found.id].source}"
                fault = Fault(record.place("code"), what, "give each its own number (豁免编号)")
                found = refuse(record.source, record.row, [fault], record.department)
            if isinstance(found, Refused):
                self.refuse([found])
            else:
                self.waivers[found.id] = found

    def check_nil_returns(self) -> None:
        """Refuses a nil return beside rows of the same department: one of the two is wrong."""
        kept = []
        lost = {(row.register, row.department) for row in self.refused}
        for record, found in self.submissions:
            whose = (found.register, found.department_id)
            if found.nil_return and (whose in lost or self.counts.get(whose)):
                what = f"零报告 although rows of {found.department_id} stand in the register {found.register}"
                fault = Fault(record.place("nil_return"), what, "remove the rows, or write 否")
                self.refuse([refuse(record.source, record.row, [fault], record.department)])
            else:
                kept.append((record, found))
        self.submissions = kept

    def _uncertain(self) -> dict[str, frozenset[str]]:
        """Register → departments of which a row may have been lost: their registers are not covered."""
        out: dict[str, frozenset[str]] = {
            register: frozenset(self.departments.by_id) for register in self.intake.broken
        }
        for row in self.refused:
            whose = frozenset({row.department}) if row.department else self.departments.near(row.named)
            out[row.register] = out.get(row.register, frozenset()) | whose
        for register, department in self.intake.lost:
            out[register] = out.get(register, frozenset()) | {department}
        return out

    def _coverage(self) -> tuple[list[Coverage], list[Failure]]:
        """Which registers came in whole, by department; a failure names a register and the departments it lost."""
        uncertain = self._uncertain()
        answered: dict[str, set[str]] = {}
        for _, found in self.submissions:
            answered.setdefault(found.register, set()).add(found.department_id)
        coverage, failures = [], []
        for register in REGISTERS:
            lost = uncertain.get(register, frozenset())
            scope = tuple(sorted(answered.get(register, set()) - lost))
            if scope:
                coverage.append(Coverage("register", "", "", "register", scope, self.now, self.now, register))
            missed = answered.get(register, set()) & lost
            if missed:
                message = f"rows of the register {register} were refused, so that what it does not name is not known"
                scope = (register, *sorted(missed))
                failures.append(Failure("register", "", scope, "bad_input", message, self.now))
        return coverage, failures

    def _passed_over(self) -> Iterator[Fault]:
        for (file, register, department), number in sorted(self.passed_over.items()):
            rows = "1 row" if number == 1 else f"{number} rows"
            what = f"passed over {rows} on {register} of {department}"
            yield Fault(file, f"{what}: {self.returned[register, department]} stands instead")

    def result(self) -> RegisterResult:
        coverage, failures = self._coverage()
        notes = [*self.notes, *self._passed_over()]
        collection = Collection(
            tuple(self.observations),
            tuple(coverage),
            tuple(failures),
            tuple(found for _, found in self.submissions),
            tuple(self.waivers.values()),
        )
        return RegisterResult(
            collection,
            tuple(sorted(self.faults, key=_by_place)),
            tuple(sorted(notes, key=_by_place)),
            tuple(self.refused),
            self.withheld.dropped,
            self.departments.by_id,
            tuple(self.intake.files),
            frozenset(self.withheld.addresses),
        )


def _of_system(record: Record, system: Record) -> Record:
    """The record of an assessment with the department, code and name of the system that it is of."""
    record.department = system.department
    for own, column in (("system_code", "code"), ("system_name", "name")):
        if system.value(column) is not None:
            record.cells[own] = system.cells[column]
        else:
            record.cells.pop(own, None)
    return record


def _by_place(fault: Fault) -> tuple[str, int, int, str]:
    """File by file, row by row, from left to right: the order in which a person mends them."""
    cell = re.match(r"^(.*)!([A-Z]*)(\d+)$", fault.where)
    if cell:
        return cell[1], int(cell[3]), len(cell[2]), cell[2]
    line = re.match(r"^(.*?):(\d+)(?::(\d+))?$", fault.where)
    return (line[1], int(line[2]), int(line[3] or 0), "") if line else (fault.where, 0, 0, "")
