"""The suites of everything that the ledger holds, with every ledger of theirs in a real PostgreSQL.

    python -m tests.lab.postgresql_suite [pytest's options]

What is about SQLite's own file (``sqlite_file``) is left out; everything else is the same suite.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from auditor.ledger.store import Ledger
from tests.lab.postgresql import Server

SUITES = (
    "test_life.py",
    "test_ledger.py",
    "test_ledger_copies.py",
    "test_ledger_identities.py",
    "test_ledger_machine.py",
    "test_ledger_migrations.py",
    "test_ledger_open.py",
    "test_ledger_views.py",
    "test_ledger_words.py",
    "test_trail.py",
    "test_crash_ledger.py",
    "test_recalling.py",
    "test_spoken.py",
    "test_asset_commands.py",
    "test_department_commands.py",
    "test_register_commands.py",
    "test_register_commands_files.py",
    "test_waiver_commands.py",
    "cases",
    "exporter",
    "story",
)


def main(options: list[str]) -> int:
    tests = Path(__file__).parents[1] / "auditor"
    found = [str(tests / one) for one in SUITES]
    with Server() as server:
        # Made before the suite's processes begin: a template must be at rest.
        Ledger.open(server.socket_url(server.create("ledger_template"))).close()
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", *options, *found],
            env={**os.environ, "LEDGER_SERVER": f"{server.folder}:{server.port}"},
            cwd=tests.parents[1],
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
