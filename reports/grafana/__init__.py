"""Grafana dashboards: small declarations in :mod:`reports.grafana.boards`, and the JSON that is made of them.

``python -m reports.grafana`` writes the shipped JSON anew (``make docs``); a test fails where it is stale.
"""

from __future__ import annotations

from reports.grafana.shipped import (
    BOARDS,
    FOLDER,
    Asked,
    files,
    queries,
    substituted,
    variable_queries,
)

__all__ = ["BOARDS", "FOLDER", "Asked", "files", "queries", "substituted", "variable_queries"]
