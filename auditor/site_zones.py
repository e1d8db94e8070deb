"""The part of ``site.yaml`` about zones: whose networks they are, and by whose leave and how they are looked at."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field

from auditor.site_access import AccessConfig, Port, Prefix, Strict
from auditor.site_schedule import TimesConfig
from probes.scope import Window


def _window(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write a window such as "22:00-06:00", in quotes')
    found = re.fullmatch(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)", value.strip())
    try:
        if not found:
            raise ValueError
        start = time(int(found[1]), int(found[2]))
        end = time(0, 0) if int(found[3]) == 24 else time(int(found[3]), int(found[4]))
    except ValueError:
        raise ValueError(f'{value!r} is no window: write one such as "22:00-06:00"') from None
    return Window(start, end)


Hours: TypeAlias = Annotated[Any, BeforeValidator(_window)]
#: Identifiers end up in file names and metric labels.
Slug: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class OwnerConfig(Strict):
    prefix: Prefix
    department: Slug


class ExcludeConfig(Strict):
    prefix: Prefix
    reason: str = ""


class FragileConfig(Strict):
    """Devices that a scan may harm (old controllers, printers, medical devices): left alone, and uncovered."""

    prefix: Prefix
    reason: Annotated[str, Field(min_length=1)]


class FreezeConfig(Strict):
    start: date = Field(alias="from")
    end: date = Field(alias="to")
    reason: str = ""


class AuthorisationConfig(Strict):
    document: Annotated[str, Field(min_length=1)]
    approver: Annotated[str, Field(min_length=1)]
    valid_from: date = Field(alias="from")
    valid_to: date = Field(alias="to")
    prefixes: tuple[Prefix, ...] = ()
    window: Hours | None = None


class ZoneConfig(Strict):
    id: Slug
    name: Annotated[str, Field(min_length=1)]
    vantage: Slug
    kind: Literal["department", "government_cloud", "industry_cloud", "public"] = "department"
    department: Slug | None = None
    owners: tuple[OwnerConfig, ...] = ()
    cloud: str = ""
    location: str = ""
    prefixes: tuple[Prefix, ...] = ()
    exclude: tuple[ExcludeConfig, ...] = ()
    profile: str = "normal"
    authorisations: tuple[AuthorisationConfig, ...] = ()
    freeze: tuple[FreezeConfig, ...] = ()
    access: AccessConfig = AccessConfig()
    #: Who looks: this machine, a worker inside the zone, or whoever carries a signed bundle here.
    by: Literal["centre", "worker", "bundle"] = "centre"
    fragile: tuple[FragileConfig, ...] = ()
    #: When this machine or the worker looks by itself (see :mod:`auditor.site_schedule`).
    schedule: tuple[TimesConfig, ...] = ()
    #: For how many days a look stands in for a new one.
    valid_days: Annotated[int, Field(ge=1, le=366)] = 8


class ProfileConfig(Strict):
    base: Literal["gentle", "normal", "fast"] = "normal"
    ports: tuple[Port, ...] | None = None
    max_rate: Annotated[int, Field(ge=1, le=100_000)] | None = None
    parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    deadline_seconds: Annotated[int, Field(ge=10, le=86_400)] | None = None
    host_timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    version_intensity: Annotated[int, Field(ge=0, le=9)] | None = None
    retries: Annotated[int, Field(ge=0, le=10)] | None = None


ZONE_MODELS: dict[str, type[BaseModel]] = {
    "zones": ZoneConfig,
    "authorisations": AuthorisationConfig,
    "owners": OwnerConfig,
    "exclude": ExcludeConfig,
    "fragile": FragileConfig,
    "freeze": FreezeConfig,
    "profiles": ProfileConfig,
}
ZONE_SECTIONS: dict[str, type[BaseModel]] = {"schedule": TimesConfig}
