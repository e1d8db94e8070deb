"""The part of ``site.yaml`` about how long what was stored is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from auditor.site_access import Strict


class RetentionConfig(Strict):
    """How long what is stored stays, each number counted from today at the site.

    Every snapshot stays for ``all_days``. After that the first of each of the last ``weeks`` (Monday to Sunday),
    ``months`` and ``years`` stays, those under way included; 0 ends a series. Whatever these say, a snapshot stays
    that an open case or a finding that is not closed rests on, or that a paper issued within ``paper_days`` names.

    The rest are days since the last change: looks that were judged and are not their zone's newest, bundles and
    results that were refused, the logs of scheduled runs, and shards of an audit that was never gone on with.
    """

    all_days: Annotated[int, Field(ge=1, le=3660)] = 90
    weeks: Annotated[int, Field(ge=0, le=520)] = 26
    months: Annotated[int, Field(ge=0, le=1200)] = 60
    years: Annotated[int, Field(ge=0, le=100)] = 10
    paper_days: Annotated[int, Field(ge=0, le=36_600)] = 1095
    look_days: Annotated[int, Field(ge=1, le=3660)] = 30
    refused_days: Annotated[int, Field(ge=1, le=3660)] = 90
    log_days: Annotated[int, Field(ge=1, le=3660)] = 90
    run_days: Annotated[int, Field(ge=1, le=3660)] = 14


RETENTION_MODELS: dict[str, type[BaseModel]] = {"retention": RetentionConfig}
