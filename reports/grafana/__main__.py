"""Writes the shipped dashboards anew: ``python -m reports.grafana``."""

from __future__ import annotations

from reports.files import write_whole
from reports.grafana.shipped import FOLDER, files


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    fresh = files()
    for path in FOLDER.glob("*.json"):
        if path.name not in fresh:
            path.unlink()
    for name, text in fresh.items():
        write_whole(FOLDER / name, text.encode(), mode=0o644)


if __name__ == "__main__":
    main()
