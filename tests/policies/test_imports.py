"""What loads what: nothing heavy before it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("duckdb", "pyarrow", "sqlglot", "jsonschema")


def loaded(code: str, cache: Path) -> set[str]:
    """The heavy modules that are loaded after some code has run in a new interpreter."""
    script = f"{code}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdin=subprocess.DEVNULL,
    )
    return set(eval(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module", ["policies", "policies.model", "policies.pack", "policies.subjects", "policies.orders"]
)
def test_what_a_command_line_may_import(module: str, tmp_path: Path) -> None:
    assert loaded(f"import {module}", tmp_path) == set()


def test_a_pack_that_was_checked_once_loads_without_parser_and_schemas(tmp_path: Path) -> None:
    code = "from policies.pack import load_packs\nload_packs(['yuncheng-2021'])"
    assert loaded(code, tmp_path) == {"sqlglot", "jsonschema"}
    assert loaded(code, tmp_path) == set()


def test_judging_needs_no_parser(tmp_path: Path) -> None:
    code = "from policies.pack import load_packs\nfrom policies.trees import trees_of\n"
    code += "(pack,) = load_packs(['yuncheng-2021'])\n[trees_of(pack, rule) for rule in pack.rules]"
    loaded(code, tmp_path)
    assert loaded(code, tmp_path) == set()
