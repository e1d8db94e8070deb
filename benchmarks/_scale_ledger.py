"""What recording an audit's findings takes: the first time, the same again, and after a small change.

On SQLite, or on whatever a URL names; a PostgreSQL of the machine's own is started by ``--server``, with its settings
for durability as Debian ships them.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from auditor.ledger.life import Sight
from auditor.ledger.records import Opening, Present, Seen, Terms
from auditor.ledger.store import Ledger

_AT = datetime(2026, 3, 2, tzinfo=UTC)
_RULES = 60
#: Of a hundred thousand findings, as many as change between two audits: half of them in their facts, the rest go.
CHANGED = 1000


def findings(number: int, changed: int) -> Iterator[Seen]:
    """``changed`` of 100,000: half of these have other facts, a quarter are gone, and as many are new."""
    for i in range(number):
        spot = i % 100_000
        if spot < changed // 4:
            # Gone; another thing has the same.
            yield _finding(i + number, "CentOS 7")
        else:
            yield _finding(i, "CentOS 8" if spot < changed * 3 // 4 else "CentOS 7")


def _finding(i: int, product: str) -> Seen:
    department, at = f"c{i // 100_000}-d{i % 87}", _AT.isoformat()
    said = {"observed_at": at, "evidence": "/etc/os-release", "strength": "seen_inside", "source": f"ssh 10.1.{i}"}
    facts: tuple[Mapping[str, object], ...] = (
        {"column": "product", "value": product, **said},
        {"column": "version", "value": "7", **said},
        {"column": "eol_on", "value": "2024-06-30", "source": "computed", "observed_at": None, "strength": ""},
    )
    rule = f"national/rule-{i % _RULES}"
    return Seen(
        rule, "component", f"p-{i:012d}", f"组件 {i}", department, f"{department} 局", "", "medium", "order", facts
    )


def compliant(present: Sequence[Present]) -> Mapping[str, Sight]:
    return {one.id: Sight.COMPLIANT for one in present}


def measure(target: str | Path, number: int) -> list[dict[str, float]]:
    """Three audits: all new, all the same, and one in a hundred changed."""
    out = []
    with Ledger.open(target) as ledger:
        for week, changed in enumerate((0, 0, CHANGED)):
            moment = _AT + timedelta(weeks=week)
            run = ledger.begin_audit(Opening(), at=moment)
            wall, cpu = time.perf_counter(), time.process_time()
            recorded = ledger.record(
                run,
                snapshot=run,
                at=moment,
                seen=findings(number, changed),
                sight_of=compliant,
                terms=Terms(date(2026, 3, 2) + timedelta(weeks=week)),
            )
            told = recorded.changes
            out.append(
                {
                    "wall": time.perf_counter() - wall,
                    "cpu": time.process_time() - cpu,
                    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                    "new": told.new,
                    "open": told.still_open,
                    "resolved": told.resolved,
                }
            )
            ledger.finish_audit(run, at=moment, exit_status=0)
    return out


def main(where: str, number: int) -> dict[str, object]:
    if where == "--server":
        from tests.lab.postgresql import Server

        with Server(settings={"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}) as server:
            return {"audits": measure(server.url(server.fresh()), number)}
    if where != "--sqlite":
        return {"audits": measure(where, number)}
    with TemporaryDirectory(prefix="scale-") as folder:
        path = Path(folder) / "ledger.sqlite"
        audits = measure(path, number)
        return {"audits": audits, "bytes": path.stat().st_size}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(float(sys.argv[2])))))
