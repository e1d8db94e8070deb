"""From records to observations: which identifiers a row gives, and its facts with their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from inventories import identity
from inventories.faults import Fault
from inventories.kinds import KINDS
from inventories.model import Fact, Identifier, Observation, Strength, Submission
from inventories.places import Places
from inventories.registers.records import Record


@dataclass(slots=True)
class Observer:
    """Makes observations; gathers, per file, the addresses that lie in no zone or in several."""

    places: Places
    now: datetime
    received: Mapping[tuple[str, str], Submission]
    unplaced: dict[str, list[str]] = field(default_factory=dict)

    def observe(self, record: Record, system: Record | None = None) -> Observation:
        """One row as an observation. ``system`` is the system that an assessment's row is of."""
        department = system.department if system else record.department
        kind = KINDS[record.register.kind]
        own = {column.name for column in kind.columns}
        facts = tuple(
            Fact(name, cell.value, Strength.DECLARED, record.said(name), cell.absent)
            for name, cell in record.cells.items()
            if name in own
        )
        identifiers = self._of_named(system) if system else self._identifiers(record)
        return Observation(
            kind=kind.name,
            collector="register",
            source=record.where,
            observed_at=self._when(record, department),
            identifiers=identifiers,
            facts=facts,
            department_id=department,
        )

    def notes(self) -> list[Fault]:
        """One remark per file on addresses that could not be placed."""
        return [
            Fault(
                shown,
                f"{len(where)} addresses lie in no zone of the site, or in several, and join nothing seen: "
                + ", ".join(where[:3])
                + (", …" if len(where) > 3 else ""),
                "add the prefix to a zone, or an owner to it",
            )
            for shown, where in sorted(self.unplaced.items())
        ]

    def _when(self, record: Record, department: str) -> datetime:
        """The day the department's papers came in, else when the file was last changed; never after now."""
        submission = self.received.get((department, record.register.name))
        said = datetime.combine(submission.received_on, time(), UTC) if submission else record.source.file.modified
        return min(said, self.now)

    def _identifiers(self, record: Record) -> tuple[Identifier, ...]:
        kind = record.register.kind
        if kind == "department":
            return (identity.department_id(record.department),)
        if kind == "host":
            return self._of_host(record)
        if kind == "component" and not record.text("code"):
            parts = [
                record.text(c)
                for c in ("host_key", "system_code", "category", "vendor", "product", "name", "version")
            ]
            return (identity.name_id(kind, record.department, "|".join(parts)),)
        return self._of_named(record)

    @staticmethod
    def _of_named(record: Record) -> tuple[Identifier, ...]:
        kind, code, name = record.register.kind, record.text("code"), record.text("name")
        out = [identity.code_id(kind, code)] if code else []
        if name:
            out.append(identity.name_id(kind, record.department, name))
        return tuple(out)

    def _of_host(self, record: Record) -> tuple[Identifier, ...]:
        code, addresses = record.text("code"), record.texts("ips")
        out: list[Identifier | None] = [identity.code_id("host", code)] if code else []
        out.append(identity.uuid_id(record.text("hardware_uuid")))
        out.append(identity.serial_id(record.text("vendor"), record.text("serial")))
        vantages = set()
        for address in addresses:
            zones = self.places.candidates(address, record.department)
            if len(zones) == 1:
                vantages.add(zones[0].vantage)
                out.append(identity.ip_id(address, zones[0].vantage))
            else:
                self.unplaced.setdefault(record.source.file.shown, []).append(record.place("ips"))
        if len(vantages) == 1:
            out += [identity.mac_id(mac, next(iter(vantages))) for mac in record.texts("macs")]
        found = tuple(identifier for identifier in out if identifier is not None)
        if found:
            return found
        # Nothing joins it to anything seen, and yet it is one thing in the register: a name of its own keeps it
        # apart and stable.
        word = next(
            (
                w
                for w in (*addresses, record.text("serial"), record.text("hardware_uuid"), *record.texts("macs"))
                if w
            ),
            record.where,
        )
        return (identity.code_id("host", f"{record.department}/{word}"),)
