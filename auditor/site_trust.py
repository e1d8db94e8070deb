"""The part of ``site.yaml`` about whose word is believed: the public keys of those who send or carry observations."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from auditor.site_access import Strict


class KeyConfig(Strict):
    """A public key and the zones for which its word counts."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    public: Annotated[str, Field(min_length=1, max_length=2000)]
    zones: Annotated[tuple[str, ...], Field(min_length=1)]


TRUST_MODELS: dict[str, type[BaseModel]] = {"keys": KeyConfig}
