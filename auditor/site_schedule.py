"""The part of ``site.yaml`` about time: when zones are looked at, and when what was seen is judged."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from auditor.site_access import Strict


class TimesConfig(Strict):
    """When a zone is looked at: ``cron`` has five fields, in the site's time zone. No probes: all of them."""

    cron: Annotated[str, Field(min_length=1, max_length=100)]
    probes: tuple[str, ...] = ()


class ScheduleConfig(Strict):
    """``judge`` is when what came home is judged: five fields of cron, in the site's time zone; empty: never."""

    judge: str = ""


SCHEDULE_MODELS: dict[str, type[BaseModel]] = {"schedule": ScheduleConfig}
