"""The part of ``site.yaml`` about the office: who may draft, review and sign, document numbers, and the brake."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field

from auditor.site_access import Strict

Office: TypeAlias = Annotated[str, Field(min_length=1, max_length=60)]
Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]
#: The papers that carry a number of their own.
Numbered: TypeAlias = Literal[
    "letter", "reminder", "task", "order", "order-notice", "referral", "proposal", "inspection", "bulletin"
]


def _word(value: object) -> object:
    """运审管改: what stands before the year in a number."""
    if not isinstance(value, str) or not re.fullmatch(r"[^\W\d_]{1,12}", value.strip()):
        raise ValueError("write the bureau's word for these papers, such as 运审管改: letters only, up to twelve")
    return value.strip()


Word: TypeAlias = Annotated[str, BeforeValidator(_word)]


class PeopleConfig(Strict):
    """Offices by what they may do. An empty list: any office; but never one office for two of the three."""

    draft: tuple[Office, ...] = ()
    review: tuple[Office, ...] = ()
    sign: tuple[Office, ...] = ()


class DocumentsConfig(Strict):
    """Numbers, forms and templates of papers.

    ``words`` gives each form its word; several forms may share one, and then share its numbers. ``taken`` is, by
    word and year, the last number that was given by hand before this program gave them. ``workbook``: whether each
    audit writes the ledgers, which is half of its work, or only ``auditor ledger export`` when somebody asks.
    """

    words: dict[Numbered, Word] = Field(default_factory=dict)
    taken: dict[Word, dict[Annotated[int, Field(ge=2000, le=2999)], Annotated[int, Field(ge=0, le=99_999)]]] = Field(
        default_factory=dict
    )
    order_form: Literal["order", "order-notice"] = "order"
    templates: str = "templates"
    workbook: Literal["each_audit", "asked"] = "each_audit"
    copies: tuple[Annotated[str, Field(max_length=120)], ...] = ()


class BrakeConfig(Strict):
    """When a run of drafts stops for a second look.

    ``departments`` and ``systems`` are shares of all that there are; ``findings`` is how many that rest on one
    probe, one list row or one rule that no case has used yet are many.
    """

    departments: Share = 0.5
    systems: Share = 0.3
    findings: Annotated[int, Field(ge=1, le=100_000)] = 20


OFFICE_MODELS: dict[str, type[BaseModel]] = {
    "people": PeopleConfig,
    "documents": DocumentsConfig,
    "brake": BrakeConfig,
}
