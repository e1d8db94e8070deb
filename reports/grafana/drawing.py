"""A board as Grafana's JSON (the classic model, which Grafana 11, 12 and 13 load and migrate by themselves)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reports.grafana import plots
from reports.grafana.model import ANY, GREY, NOT_TOLD, Board, Kind, Link, Look, Panel, Place, Query, Step
from reports.grafana.promql import of_site, told_each
from reports.grafana.variables import datasource_ref, templating

#: Of Grafana 12.0. Older ones load it as it is; newer ones migrate it.
SCHEMA_VERSION = 41
#: Panels are written as Grafana 11.6 writes them, so no older panel's migration touches them.
PLUGIN_VERSION = "11.6.0"
TAG = "auditor"

Json = dict[str, Any]


def dashboard(board: Board, console: str = "") -> Json:
    """The dashboard as a JSON-able dict. ``console`` is the console's address; empty: no link leads there."""
    return {
        "annotations": {"list": []},
        "description": board.description,
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": list(_navigation(console)),
        "panels": [
            _panel(number, panel, place, console) for number, (panel, place) in enumerate(board.placed(), start=1)
        ],
        "refresh": "5m",
        "schemaVersion": SCHEMA_VERSION,
        "tags": [TAG],
        "templating": {"list": templating(board.variables, console)},
        "time": {"from": board.since, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": board.title,
        "uid": board.uid,
        "version": 1,
        "weekStart": "monday",
    }


def _navigation(console: str) -> Iterator[Json]:
    """The other dashboards, in a row above the panels, and the console."""
    common = {"asDropdown": False, "icon": "external link", "targetBlank": False, "tooltip": "", "url": ""}
    yield {
        **common,
        "title": "核查看板",
        "type": "dashboards",
        "tags": [TAG],
        "includeVars": True,
        "keepTime": False,
    }
    if console:
        yield {
            **common,
            "title": "控制台",
            "type": "link",
            "tags": [],
            "includeVars": False,
            "keepTime": False,
            "targetBlank": True,
            "url": "${console:raw}",
        }


def _panel(number: int, panel: Panel, place: Place, console: str) -> Json:
    out: Json = {
        "id": number,
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": datasource_ref(),
        "gridPos": {"x": place.x, "y": place.y, "w": place.w, "h": place.h},
        "pluginVersion": PLUGIN_VERSION,
        "targets": [_target(ref, query, panel) for ref, query in asked(panel)],
        "fieldConfig": {
            "defaults": _defaults(panel, console),
            "overrides": [*_overrides(panel, console), *plots.overrides(panel)],
        },
        "options": plots.options(panel),
    }
    if found := plots.transformations(panel):
        out["transformations"] = found
    if panel.kind is Kind.TREND:
        # A change shows at the next audit or the next word of a person: nothing is lost by looking every minute.
        out["interval"] = "1m"
        out["maxDataPoints"] = 500
    return out


def asked(panel: Panel) -> Iterator[tuple[str, Query]]:
    """Every query with its letter, asked of the chosen site; a table's for each of its rows.

    A trend's queries are asked twice: over time, and once more for now. Grafana ends a series at the last whole
    step, which in a chart of a year may be hours ago: what was installed just now would show nothing at all.
    """
    queries: Iterable[Query] = panel.queries
    if panel.kind is Kind.TREND:
        queries = (*panel.queries, *panel.queries)
    for place, query in enumerate(queries):
        expr = query.expr
        if panel.rows and query.name:
            expr = told_each(expr, panel.rows.expr, panel.rows.on)
        yield chr(ord("A") + place), replace(query, expr=of_site(expr))


def is_instant(panel: Panel, ref: str) -> bool:
    return panel.kind is not Kind.TREND or ord(ref) - ord("A") >= len(panel.queries)


def _target(ref: str, query: Query, panel: Panel) -> Json:
    instant = is_instant(panel, ref)
    return {
        "refId": ref,
        "datasource": datasource_ref(),
        "editorMode": "code",
        "expr": query.expr,
        "format": "table" if panel.kind in (Kind.TABLE, Kind.COLUMNS) else "time_series",
        "instant": instant,
        "range": not instant,
        "legendFormat": query.name,
    }


def _defaults(panel: Panel, console: str) -> Json:
    out: Json = {
        "unit": panel.unit,
        "noValue": NOT_TOLD,
        "mappings": mappings(panel.says),
        "thresholds": thresholds(panel.steps),
        "color": plots.colour(panel),
        "custom": plots.custom(panel),
    }
    if panel.decimals is not None:
        out["decimals"] = panel.decimals
    if panel.kind is not Kind.TABLE:
        out["min"] = 0
    if panel.maximum is not None:
        out["max"] = panel.maximum
    if links := drawn(panel.links, console):
        out["links"] = links
    return out


def mappings(says: Mapping[str, str]) -> list[Json]:
    """Unknown is grey and says so; then values that are words."""
    out: list[Json] = [
        {
            "type": "special",
            "options": {"match": "null+nan", "result": {"text": NOT_TOLD, "color": GREY, "index": 0}},
        }
    ]
    exact = {value: text for value, text in says.items() if value != ANY}
    if exact:
        options = {
            value: {"text": text, "index": number} | ({"color": GREY} if value.startswith("-") else {})
            for number, (value, text) in enumerate(exact.items(), start=1)
        }
        out.append({"type": "value", "options": options})
    if ANY in says:
        out.append(
            {
                "type": "regex",
                "options": {"pattern": ANY, "result": {"text": says[ANY], "index": len(exact) + 1}},
            }
        )
    return out


def thresholds(steps: Sequence[Step]) -> Json:
    return {"mode": "absolute", "steps": [{"value": step.value, "color": step.colour} for step in steps]}


def drawn(links: Iterable[Link], console: str) -> list[Json]:
    """The links that lead somewhere: those to the console only where it has an address."""
    return [
        {"title": link.title, "url": link.url, "targetBlank": link.to_console}
        for link in links
        if console or not link.to_console
    ]


def _overrides(panel: Panel, console: str) -> Iterator[Json]:
    named = [(query.name, query.look) for query in panel.queries] + [
        (label.title, label.look) for label in panel.labels
    ]
    for name, look in named:
        properties = list(_properties(look, console))
        if name and properties:
            yield {"matcher": {"id": "byName", "options": name}, "properties": properties}


def _properties(look: Look, console: str) -> Iterator[Json]:
    if look.colour:
        yield {"id": "color", "value": {"mode": "fixed", "fixedColor": look.colour}}
    if look.steps:
        yield {"id": "thresholds", "value": thresholds(look.steps)}
        yield {"id": "color", "value": {"mode": "thresholds"}}
    if look.unit:
        yield {"id": "unit", "value": look.unit}
    if look.decimals is not None:
        yield {"id": "decimals", "value": look.decimals}
    if look.says:
        yield {"id": "mappings", "value": mappings(look.says)}
    if links := drawn(look.links, console):
        yield {"id": "links", "value": links}
    yield from plots.cell(look)
