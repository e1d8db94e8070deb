"""``python -m auditor`` is the same as ``auditor``."""

from __future__ import annotations


def main() -> None:
    from auditor.ending import run

    run()


if __name__ == "__main__":
    main()
