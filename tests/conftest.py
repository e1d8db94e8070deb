"""What holds for every test: nothing is skipped in silence, and nothing of the caller's environment leaks in."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# Two busy cores make any deadline of one example a matter of luck.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
# A run that has to be repeatable searches the same examples each time.
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)

#: What would change the program's or its libraries' behaviour from outside a test.
_LEAKS = (
    # Without bytecode every process that a test starts compiles the whole program again.
    "PYTHONDONTWRITEBYTECODE",
    "AUDITOR_SITE",
    "NMAP_PRIVILEGED",
    "NMAPDIR",
    "FORCE_COLOR",
    "NO_COLOR",
    "PY_COLORS",
    "GITHUB_ACTIONS",
)

#: Each of them takes longer than a hundred others.
_LONG = (
    "tests/test_wheel.py",
    "tests/test_repository.py::test_examples_in_the_documentation_work",
    "tests/auditor/story",
)


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("ci" if os.environ.get("CI") else "here")
    for name in _LEAKS:
        os.environ.pop(name, None)
    # A shell starts what it puts in the background with Ctrl-C ignored, and every child would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that at the end no worker waits for what another has only just begun."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test proves nothing: where something that it needs is missing, it fails and says so."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, which counts as failed here: {reason}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Commands that a test runs in this process narrow the mask; what later tests build (for sshd) must be read."""
    os.umask(0o022)
