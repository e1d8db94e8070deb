"""Writes docs/commands.md from the command line itself: ``python -m tools.commands_page`` (``make docs``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"

HEAD = """\
# Commands

<!-- Written by `make docs` from the command line itself; do not edit. -->

`auditor` and `python -m auditor` are the same. `--json` prints one JSON document on standard output and nothing else
there; logs and progress go to standard error. `auditor --debug COMMAND` prints a traceback where something fails.

| exit status | means |
|---|---|
| 0 | done |
| 1 | done, and an open finding is as grave as `--fail-on` says, or graver |
| 2 | nothing was done: wrong command or configuration, nothing authorised, or another audit holds the lock |
| 3 | it failed |
| 4 | done in part: some scope is uncovered (outranks 1) |
| 130 | interrupted |
"""


def commands() -> list[tuple[str, ...]]:
    """Every command, groups left out: ``("snapshot", "verify")``."""
    from typer.main import get_command

    from auditor.cli import app

    return list(_leaves((), get_command(app)))


def _leaves(path: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path
        return
    for name, child in children.items():
        yield from _leaves((*path, name), child)


def help_of(path: tuple[str, ...]) -> str:
    """What ``auditor … --help`` prints on a terminal of 100 columns without colours."""
    from typer.testing import CliRunner

    from auditor.cli import app

    plain = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb", "AUDITOR_SITE": None}
    result = CliRunner().invoke(app, [*path, "--help"], prog_name="auditor", env=plain)
    if result.exit_code:
        raise RuntimeError(f"auditor {' '.join(path)} --help: {result.output}")
    return "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())


def page() -> str:
    """The whole page as Markdown."""
    sections = [f"\n## {' '.join(path)}\n\n```text\n{help_of(path)}\n```\n" for path in commands()]
    return HEAD + "".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
