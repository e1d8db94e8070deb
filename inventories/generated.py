"""Writing a generated page, or telling whether the one that stands there is stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def write_page(
    arguments: Sequence[str] | None, *, module: str, about: str, page: Path, render: Callable[[], str]
) -> int:
    """The command line of ``python -m MODULE [PAGE] [--check]``; the exit status.

    Writes what ``render`` gives to the page named, or to ``page``. With ``--check`` nothing is written, and status 1
    says that the page is stale.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("page", nargs="?", type=Path, default=page)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 where the page is stale")
    options = parser.parse_args(arguments)
    text = render()
    if options.check:
        fresh = options.page.is_file() and options.page.read_text(encoding="utf-8") == text
        if not fresh:
            sys.stderr.write(f"{options.page}: is stale: run 'python -m {module}'\n")
        return 0 if fresh else 1
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text(text, encoding="utf-8")
    return 0
