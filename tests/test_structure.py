"""Imports lead one way: between packages as their contracts have it, and between modules without a loop."""

from __future__ import annotations

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("auditor", "inventories", "policies", "probes", "reports")


def test_the_arrows_between_packages_hold() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports inside functions count; those that only name a type do not."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(arrows) > 500
    order = list(TopologicalSorter(arrows).static_order())  # CycleError names the modules of a loop.
    assert order.index("inventories.model") < order.index("auditor.pipeline")
