"""Charts as inline SVG: bars in table rows, columns over time, a line. Pure, and without one word from outside.

Nothing is scaled but lengths: places are in per cent of the width and heights in pixels, so that figures are as easy
to read on a phone as on a wall. Every chart that is not inside a table has a title and a description in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.html.markup import Html, Node, join, tag

#: What parts of bars look like. Patterns stand for what nobody has told, and for what does not exist.
PAINTS: Mapping[str, str] = {
    "on": "#1d6fb8",
    "off": "#c8511b",
    "unknown": "url(#paint-unknown)",
    "missing": "url(#paint-missing)",
    "critical": "#7d1128",
    "high": "#c43d2b",
    "medium": "#d8920a",
    "low": "#6f8299",
    "advice": "#a3b1c2",
    "valid": "#2b7d57",
    "expiring_90d": "#9c8a12",
    "expiring_60d": "#c77f06",
    "expiring_30d": "#c8511b",
    "expired": "#8f1d2c",
    "none": "#c3ccd6",
    "declared": "#1d6fb8",
    "inferred": "#c8511b",
    "filing": "#3b5b92",
    "assessment": "#1f8a8a",
    "crypto": "#8a5aa8",
    "plain": "#3f6da6",
    "good": "#2b7d57",
    "warn": "#d8920a",
    "bad": "#b3312c",
}
_INK = "#1b2a3a"
_TOP, _PLOT, _BELOW = 26, 172, 26
_HEIGHT = _TOP + _PLOT + _BELOW
#: Labels that fit below a chart on a phone, and above its columns.
_FEW = 8
#: The widest a column gets, as a share of its place.
_WIDTH = 0.62


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar. ``paint`` is a key of :data:`PAINTS`."""

    value: float
    paint: str


def definitions() -> Html:
    """The patterns; once on a page."""
    unknown = tag(
        "pattern",
        tag("rect", width=7, height=7, fill="#eef1f5"),
        tag("path", d="M-1,1 l2,-2 M0,7 l7,-7 M6,8 l2,-2", stroke="#66778a", stroke_width="1.6"),
        id="paint-unknown",
        width=7,
        height=7,
        patternUnits="userSpaceOnUse",
    )
    missing = tag(
        "pattern",
        tag("rect", width=6, height=6, fill="#fff"),
        tag("circle", cx=3, cy=3, r="1.7", fill="#8f1d2c"),
        id="paint-missing",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )
    return tag("svg", tag("defs", unknown, missing), class_="defs", width=0, height=0, aria_hidden="true")


def swatch(paint: str) -> Html:
    """The square before a word of a legend."""
    box = tag("rect", x="0.5", y="0.5", width=13, height=13, fill=PAINTS[paint], stroke=_edge(paint))
    return tag("svg", box, class_="swatch", width=14, height=14, aria_hidden="true")


def legend(entries: Iterable[tuple[str, Node]]) -> Html:
    """Colours with their words; the first of a pair is a key of :data:`PAINTS`."""
    return tag("ul", (tag("li", swatch(paint), " ", words) for paint, words in entries), class_="legend")


def bar(parts: Sequence[Part], whole: float, *, tall: bool = False) -> Html:
    """A horizontal bar as long as its parts' share of ``whole``, on a pale track. The row's figures tell the same.

    Its height and its track are in the style: a page has thousands of them.
    """
    drawn: list[Node] = []
    at = 0.0
    for part in parts:
        length = 100 * part.value / whole if whole else 0.0
        if part.value > 0:
            drawn.append(tag("rect", x=f"{_n(at)}%", width=f"{_n(length)}%", fill=PAINTS[part.paint]))
            at += length
    return tag("svg", drawn, class_="bar tall" if tall else "bar", aria_hidden="true")


def columns(
    labels: Sequence[str],
    stacks: Sequence[Sequence[Part]],
    *,
    title: str,
    told: str,
    line: Sequence[float] = (),
    marked: int | None = None,
) -> Html:
    """Stacked columns with their sums; ``line`` is a second measure, one for each column, as dots joined.

    ``told`` says in words what the chart shows; ``marked`` is the column of today.
    """
    sums = [sum(part.value for part in stack) for stack in stacks]
    top, step = scale(max([*sums, *line, 0]))
    slot = 100 / max(len(labels), 1)
    every = -(-len(labels) // _FEW)
    drawn: list[Node] = []
    if marked is not None:
        drawn.append(_rect(marked * slot, slot, _TOP, _PLOT, "#f3ead3"))
    drawn += [_column(stack, place, slot, top) for place, stack in enumerate(stacks)]
    if line:
        drawn.append(_line([((place + 0.5) * slot, value) for place, value in enumerate(line)], top))
    for place, label in enumerate(labels):
        minor = "minor" if place % every and place != marked else None
        middle = f"{_n((place + 0.5) * slot)}%"
        drawn.append(_words(label, middle, _TOP + _PLOT + 18, minor))
        if sums[place] > 0:
            # Where there is a line as well, figures at the tops of columns would stand in its way.
            y = _TOP + _PLOT - 6 if line else _y(sums[place], top) - 5
            drawn.append(_words(_n(sums[place]), middle, y, minor, "value"))
    return _chart(_grid(top, step), drawn, title, told)


def trend(labels: Sequence[str], bands: Sequence[tuple[float, float]], *, title: str, told: str) -> Html:
    """Shares (0 to 1) over time: the lower bound as a line, and the room up to the upper bound as a band."""
    count = max(len(labels), 1)
    places = [(place + 0.5) * 100 / count for place in range(len(labels))]
    lower = [f"{_n(x)},{_n(100 - 100 * low)}" for x, (low, _) in zip(places, bands, strict=True)]
    upper = [f"{_n(x)},{_n(100 - 100 * high)}" for x, (_, high) in zip(places, bands, strict=True)]
    every = -(-len(labels) // _FEW)
    drawn: list[Node] = [
        _stretched(
            tag("polygon", points=" ".join([*lower, *reversed(upper)]), fill=PAINTS["none"]),
            _polyline(lower, PAINTS["on"], "2.5"),
        )
    ]
    for place, (x, label, (low, _)) in enumerate(zip(places, labels, bands, strict=True)):
        minor = "minor" if place % every and place != len(labels) - 1 else None
        drawn.append(tag("circle", cx=f"{_n(x)}%", cy=_n(_y(low, 1)), r=3, fill=PAINTS["on"]))
        drawn.append(_words(label, f"{_n(x)}%", _TOP + _PLOT + 18, minor))
        drawn.append(_words(f"{low:.0%}", f"{_n(x)}%", _y(low, 1) + 18, minor, "value"))
    return _chart(_grid(100, 25, "%"), drawn, title, told)


def scale(most: float) -> tuple[float, float]:
    """The top of an axis and the distance of its lines: 1, 2 or 5 times a power of ten, four lines at the most."""
    if most <= 0:
        return 1, 1
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            lines = -(-most // step)
            if lines <= 4:
                return lines * step, step
        size *= 10


def _chart(grid: Node, drawn: Sequence[Node], title: str, told: str) -> Html:
    """The figures of the axis stand left of the plot, in the padding that the style gives it."""
    words = [tag("title", title), tag("desc", told)]
    return tag("svg", words, grid, drawn, class_="chart", role="img", aria_label=f"{title}：{told}", height=_HEIGHT)


def _grid(top: float, step: float, unit: str = "") -> Html:
    lines: list[Node] = []
    for number in range(round(top / step) + 1):
        y = _y(number * step, top)
        stroke = "#9aa7b5" if number == 0 else "#dde3ea"
        lines.append(tag("line", x1=0, x2="100%", y1=_n(y), y2=_n(y), stroke=stroke))
        lines.append(tag("text", f"{_n(number * step)}{unit}", x=-6, y=_n(y + 4), class_="axis"))
    return join(lines)


def _rect(x: float, width: float, y: float, height: float, fill: str) -> Html:
    return tag("rect", x=f"{_n(x)}%", width=f"{_n(width)}%", y=_n(y), height=_n(height), fill=fill)


def _column(stack: Sequence[Part], place: int, slot: float, top: float) -> Html:
    width = min(slot * _WIDTH, 9.0)
    x = (place + 0.5) * slot - width / 2
    out: list[Node] = []
    below = 0.0
    for part in stack:
        if part.value > 0:
            below += part.value
            out.append(_rect(x, width, _y(below, top), _PLOT * part.value / top, PAINTS[part.paint]))
    return join(out)


def _line(points: Sequence[tuple[float, float]], top: float) -> Html:
    drawn = _polyline([f"{_n(x)},{_n(100 - 100 * value / top)}" for x, value in points], _INK, "2", dashes="5 4")
    dots = [
        tag("circle", cx=f"{_n(x)}%", cy=_n(_y(value, top)), r="3.5", fill="#fff", stroke=_INK, stroke_width=2)
        for x, value in points
    ]
    return join([_stretched(drawn), *dots])


def _polyline(points: Sequence[str], stroke: str, width: str, dashes: str | None = None) -> Html:
    return tag(
        "polyline",
        points=" ".join(points),
        fill="none",
        stroke=stroke,
        stroke_width=width,
        stroke_dasharray=dashes,
        # Its width is not stretched with it.
        vector_effect="non-scaling-stroke",
    )


def _stretched(*shapes: Node) -> Html:
    """A drawing in hundredths of the plot, stretched to its width."""
    box = {"viewBox": "0 0 100 100", "preserveAspectRatio": "none"}
    return tag("svg", shapes, x=0, y=_TOP, width="100%", height=_PLOT, overflow="visible", **box)


def _words(words: str, x: str, y: float, minor: str | None, kind: str = "label") -> Html:
    return tag("text", words, x=x, y=_n(y), class_=f"{kind} {minor}" if minor else kind)


def _y(value: float, top: float) -> float:
    return _TOP + _PLOT * (1 - value / top)


def _edge(paint: str) -> str:
    return {"unknown": "#66778a", "missing": "#8f1d2c"}.get(paint, PAINTS[paint])


def _n(value: float) -> str:
    """A number as short as it can be told."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
