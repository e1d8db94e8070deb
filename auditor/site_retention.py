"""The part of ``site.yaml`` about how long what was stored is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from auditor.site_access import Strict


class RetentionConfig(Strict):
    """Every snapshot is kept for ``all_days``; after that the first of each month for ``months``."""

    all_days: Annotated[int, Field(ge=1, le=3660)] = 90
    months: Annotated[int, Field(ge=0, le=1200)] = 60


RETENTION_MODELS: dict[str, type[BaseModel]] = {"retention": RetentionConfig}
