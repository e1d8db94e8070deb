"""``ledger verify`` and ``ledger trail``: who did what, and whether anything was changed past it."""

from __future__ import annotations

import re
from pathlib import Path

from auditor.commands.cases import sitting, step_json
from auditor.errors import Exit, Refused
from auditor.output import print_json, print_table, say, write
from inventories.faults import clean


def verify(root: Path, *, expect: str, as_json: bool) -> int:
    """Exit 3 where anything was changed. The head that is printed can be noted elsewhere and handed back."""
    from auditor.cases.pending import lost_files, undrawn
    from auditor.ledger import trail

    expected = None
    if expect:
        found = re.fullmatch(r"(\d{1,12}):([0-9a-f]{64})", expect.strip())
        if not found:
            raise Refused("--expect is no head: write it as an earlier 'auditor ledger verify' printed it")
        expected = trail.Head(int(found[1]), found[2])
    with sitting(root) as desk:
        with desk.ledger.reading() as connection:
            faults = trail.verify(connection, expected)
            head = trail.head(connection)
        faults += lost_files(desk)
        waiting = undrawn(desk)
    if as_json:
        print_json({"head": str(head), "steps": head.seq, "faults": faults, "not_drawn": waiting})
        return Exit.FAILED if faults else Exit.DONE
    for fault in faults:
        write(fault)
    for number in waiting:
        say(f"{clean(number, 80)} is issued and not drawn: 'auditor notice render {clean(number, 80)}' does it")
    write(f"{head.seq} steps, {len(faults)} faults; head {head}")
    return Exit.FAILED if faults else Exit.DONE


def list_all(root: Path, subject: str, *, as_json: bool) -> int:
    from auditor.ledger import trail

    with sitting(root) as desk, desk.ledger.reading() as connection:
        steps = trail.listing(connection, subject)
    if as_json:
        print_json([step_json(step) for step in steps])
        return Exit.DONE
    print_table(
        ("step", "at", "who", "account", "what", "on", "why"),
        ((s.seq, s.at.isoformat(timespec="seconds"), s.actor, s.login, s.act, s.subject, s.note) for s in steps),
        none="no step is on record for that",
    )
    return Exit.DONE
