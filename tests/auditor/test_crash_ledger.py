"""A program killed at any moment leaves a ledger that opens, with every audit in it wholly or not at all."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.ledger import Ledger
from auditor.ledger.life import Sight
from auditor.ledger.place import LedgerPlace
from auditor.ledger.presence import exists
from auditor.ledger.records import Opening, Present, ProbeRun, Seen, Status, Terms
from inventories.model import Identifier, KeyMap
from tests.auditor.ledgers import SERVER, ledger_of, past

SIZE = 1500
START = datetime(2026, 1, 1, tzinfo=UTC)
MARK = ("host", Identifier("uuid", "mark"))


def is_seen(number: int, turn: int) -> bool:
    return number % 3 != turn % 3


def record(ledger: Ledger, turn: int) -> None:
    """The ``turn``-th audit: a third of what was seen before is mended, another third comes back."""

    def sight_of(present: Sequence[Present]) -> Mapping[str, Sight]:
        return {p.id: Sight.COMPLIANT for p in present}

    at = START + timedelta(days=turn)
    audit = ledger.begin_audit(Opening(), at=at)
    facts = ({"column": "turn", "value": turn, "evidence": "x" * 200},)
    ledger.record(
        audit,
        snapshot=f"s{turn}",
        at=at,
        seen=[
            Seen("p/r", "host", f"H{i}", f"h{i}", "d", "d", "z", "high", "order", facts)
            for i in range(SIZE)
            if is_seen(i, turn)
        ],
        sight_of=sight_of,
        terms=Terms(at.date()),
        key_map=KeyMap(keys={MARK: f"K{turn}"}, last_seen={f"H{i}": at.date() for i in range(100)}),
        probe_runs=[ProbeRun("z", "nmap", True, 1.0, turn, turn, at)],
    )


def work(path: str) -> None:
    with Ledger.open(path) as ledger:
        print("ready", flush=True)
        while True:
            record(ledger, sum(1 for a in ledger.audits() if a.recorded_at))


def check(place: LedgerPlace) -> int:
    """How many audits are recorded, after making sure that nothing of any other is there."""
    with Ledger.open(place, create=False) as ledger:
        recorded = [a for a in ledger.audits() if a.recorded_at]
        findings = ledger.findings()
        key_map = ledger.key_map()
        runs = {a.id: ledger.probe_runs(a.id) for a in ledger.audits()}
    with past(place) as database:
        if not SERVER:
            assert database.rows("PRAGMA integrity_check") == [("ok",)]
            assert database.rows("PRAGMA foreign_key_check") == []
        events = {row[0] for row in database.rows("SELECT DISTINCT audit FROM finding_events")}
    assert {a.status for a in recorded} <= {Status.DONE}
    assert {name for name, found in runs.items() if found} == {a.id for a in recorded}
    assert events <= {a.id for a in recorded}
    last = len(recorded) - 1
    if last < 0:
        assert (findings, key_map) == ([], KeyMap())
        return 0
    assert sorted(a.snapshot for a in recorded) == sorted(f"s{turn}" for turn in range(last + 1))
    assert key_map.keys == {MARK: f"K{last}"}
    assert set(key_map.last_seen.values()) == {(START + timedelta(days=last)).date()}
    for finding in findings:
        seen = is_seen(int(finding.asset_key[1:]), last)
        assert (finding.snapshot_last == f"s{last}") is seen
        assert (finding.state in ("open", "reopened")) is seen
        if seen:
            assert finding.facts[0]["value"] == last
    assert sum(is_seen(i, last) for i in range(SIZE)) == sum(f.state != "resolved" for f in findings)
    return last + 1


def test_killed_at_random_moments(tmp_path: Path) -> None:
    place = ledger_of(tmp_path / "ledger.sqlite")
    chance = random.Random(20260301)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import tests.auditor.test_crash_ledger as t; t.work(sys.argv[2])"
    )
    root = str(Path(__file__).parents[2])
    counts = []
    for turn in range(9):
        child = subprocess.Popen(
            [sys.executable, "-c", code, root, place.shown],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        # The first is killed while it makes the ledger.
        if turn == 0 and not SERVER:
            deadline = time.monotonic() + 30
            while not exists(place) and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.15))
        else:
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.05, 0.6))
        child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
        child.stdout.close()
        if turn == 0:
            Ledger.open(place).close()
        counts.append(check(place))
    assert counts == sorted(counts)
    assert counts[-1] > 0
    with Ledger.open(place) as ledger:
        record(ledger, counts[-1])
        assert {a.status for a in ledger.audits()} <= {Status.DONE, Status.INTERRUPTED}
        assert Status.INTERRUPTED in {a.status for a in ledger.audits()}
    assert check(place) == counts[-1] + 1
