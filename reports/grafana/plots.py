"""What Grafana's own panel types want to be told: large figures, readable from the back of a room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reports.grafana.model import Kind, Look, Panel

Json = dict[str, Any]


def options(panel: Panel) -> Json:
    """The options of the panel's type."""
    return _OPTIONS[panel.kind](panel)


def _reduced(panel: Panel) -> Json:
    return {"calcs": ["last"], "fields": "", "values": False}


def _figures(panel: Panel) -> Json:
    return {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "vertical",
        "percentChangeColorMode": "standard",
        "reduceOptions": _reduced(panel),
        "showPercentChange": False,
        "text": {"titleSize": 20},
        "textMode": "auto",
        "wideLayout": True,
    }


def _bars(panel: Panel) -> Json:
    return {
        "displayMode": "basic",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": _reduced(panel),
        "showUnfilled": True,
        "sizing": "auto",
        "text": {"titleSize": 18, "valueSize": 22},
        "valueMode": "color",
    }


def _columns(panel: Panel) -> Json:
    return {
        "barRadius": 0,
        "barWidth": 0.8,
        "fullHighlight": False,
        "groupWidth": 0.7,
        "legend": {
            "calcs": [],
            "displayMode": "list",
            "placement": "bottom",
            "showLegend": len(panel.queries) > 1,
        },
        "orientation": "vertical",
        "showValue": "always",
        "stacking": "none",
        "text": {"valueSize": 16},
        "tooltip": {"mode": "multi", "sort": "none"},
        "xField": panel.labels[0].title,
        "xTickLabelMaxLength": 12,
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 0,
    }


def _trend(panel: Panel) -> Json:
    return {
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "none"},
    }


def _table(panel: Panel) -> Json:
    return {
        "cellHeight": "md",
        "frameIndex": 0,
        "showHeader": True,
        "sortBy": [{"displayName": panel.sort.removeprefix("-"), "desc": not panel.sort.startswith("-")}],
    }


_OPTIONS = {
    Kind.FIGURES: _figures,
    Kind.BARS: _bars,
    Kind.COLUMNS: _columns,
    Kind.TREND: _trend,
    Kind.TABLE: _table,
}


def colour(panel: Panel) -> Json:
    """Charts have a colour for each name; everything else takes it from the figure."""
    if panel.kind in (Kind.TREND, Kind.COLUMNS):
        return {"mode": "palette-classic-by-name"}
    return {"mode": "thresholds"}


def custom(panel: Panel) -> Json:
    if panel.kind is Kind.TREND:
        return {
            "drawStyle": "line",
            "fillOpacity": 10,
            "lineInterpolation": "stepAfter",
            "lineWidth": 3,
            "pointSize": 8,
            "showPoints": "auto",
            # Between two days' figures the line goes on; a longer gap stays one.
            "spanNulls": 2 * 86_400_000,
        }
    if panel.kind is Kind.COLUMNS:
        return {"fillOpacity": 85, "lineWidth": 0}
    if panel.kind is Kind.TABLE:
        return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    return {}


def cell(look: Look) -> Iterator[Json]:
    """Properties of a table's column."""
    if look.width:
        yield {"id": "custom.width", "value": look.width}
    if look.bar:
        yield {
            "id": "custom.cellOptions",
            "value": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        }
        yield {"id": "min", "value": 0}
        yield {"id": "max", "value": 1}
    if look.coloured:
        yield {"id": "custom.cellOptions", "value": {"type": "color-text"}}


def overrides(panel: Panel) -> Iterator[Json]:
    """The figures of now would stand in a trend's legend a second time."""
    if panel.kind is Kind.TREND:
        for place in range(len(panel.queries), 2 * len(panel.queries)):
            yield {
                "matcher": {"id": "byFrameRefID", "options": chr(ord("A") + place)},
                "properties": [{"id": "custom.hideFrom", "value": {"legend": True, "tooltip": False, "viz": False}}],
            }


def transformations(panel: Panel) -> list[Json]:
    """Tables and columns: one row for each label, one column for each query, in the order of the declaration."""
    if panel.kind not in (Kind.TABLE, Kind.COLUMNS):
        return []
    names = {label.label: label.title for label in panel.labels if label.title}
    hidden = {label.label: True for label in panel.labels if not label.title}
    for place, query in enumerate(panel.queries):
        # A query alone gives "Value", one among several "Value #A".
        for field in (f"Value #{chr(ord('A') + place)}", *(("Value",) if place == 0 else ())):
            if query.name:
                names[field] = query.name
            else:
                hidden[field] = True
    last = [label.label for label in panel.labels if label.look.links and label.look.says]
    order = [*(name for name in names if name not in last), *last]
    return [
        # Rows of several queries are one row where all that they share is equal.
        {"id": "filterFieldsByName", "options": {"exclude": {"names": ["Time"]}}},
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": hidden,
                "includeByName": {},
                "indexByName": {name: place for place, name in enumerate(order)},
                "renameByName": names,
            },
        },
    ]
