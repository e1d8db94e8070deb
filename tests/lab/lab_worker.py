"""``python lab_worker.py SECONDS WORDS…``: the program with its clock moved, and without what no worker may hold.

Whatever asks for the ledger, for policies, reports or a database's library fails here at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from types import ModuleType

BARRED = ("policies", "reports", "auditor.ledger", "auditor.site", "sqlalchemy", "duckdb", "pyarrow", "psycopg")


class Barred:
    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if any(name == barred or name.startswith(f"{barred}.") for barred in BARRED):
            raise AssertionError(f"a worker asked for {name}")
        return None


if __name__ == "__main__":
    from auditor import clock, ending

    loaded = [name for name in sys.modules if name.startswith(BARRED) and not name.startswith("auditor.site_")]
    assert loaded == [], loaded
    sys.meta_path.insert(0, Barred())
    shift = timedelta(seconds=float(sys.argv[1]))
    clock.utc_now = lambda: datetime.now(UTC) + shift
    ending.run(sys.argv[2:])
