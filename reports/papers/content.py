"""What the module of each paper gives: its own words, to which composing adds what every paper has."""

from __future__ import annotations

from dataclasses import dataclass, field

from reports.papers.fields import Line


@dataclass(frozen=True, slots=True)
class Content:
    """``title`` in lines; ``own`` are the fields that this paper alone has (:data:`reports.papers.fields.OWN`)."""

    title: list[str]
    body: list[Line]
    annexes: list[str] = field(default_factory=list)
    own: dict[str, object] = field(default_factory=dict)
