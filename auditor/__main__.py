"""``python -m auditor`` is the same as ``auditor``."""

from __future__ import annotations


def main() -> None:
    from auditor.cli import run

    run()


if __name__ == "__main__":
    main()
