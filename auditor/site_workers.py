"""The part of ``site.yaml`` about workers: the broker between this machine and those inside department networks."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from auditor.site_access import Reference, Strict


class WorkersConfig(Strict):
    """``broker`` is an AMQPS address with a user and without a password; ``ca`` the file that its certificate is
    checked against. ``signing_key`` refers to this centre's private key: workers obey nobody else."""

    broker: Annotated[str, Field(min_length=1)]
    password: Reference
    ca: str = ""
    signing_key: Reference


WORKERS_MODELS: dict[str, type[BaseModel]] = {"workers": WorkersConfig}
