"""The part of ``site.yaml`` about workers: the broker between this machine and those inside department networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field

from auditor.site_access import FileName, Reference, Strict
from auditor.workers.broker import Broker, parse_address
from auditor.workers.hearing import SKEW_SECONDS
from auditor.workers.names import centre_user, vhost
from inventories.documents import Document
from inventories.faults import Fault

if TYPE_CHECKING:
    from auditor.site import SiteConfig


def _address(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("write an address such as amqps://broker.example.gov.cn")
    return parse_address(value)


#: (user or empty, host, port).
Address: TypeAlias = Annotated[Any, BeforeValidator(_address)]


class WorkersConfig(Strict):
    """``broker`` is an AMQPS address without a password; ``ca`` the file that its certificate is checked against.

    ``signing_key`` refers to this centre's private key: workers obey nobody else. ``patience_minutes`` is for how
    long a zone may be without any worker before its shards are given up. ``skew_seconds`` is how far a worker's clock
    may be off.
    """

    broker: Address
    password: Reference
    ca: FileName | None = None
    signing_key: Reference
    patience_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 10
    skew_seconds: Annotated[float, Field(ge=1, le=3600)] = SKEW_SECONDS

    def to(self, site: str, zone: str, root: Path) -> Broker:
        """The way to a zone's virtual host, for this centre."""
        user, host, port = self.broker
        ca = str(root / self.ca) if self.ca else ""
        return Broker(host, port, user or centre_user(site), self.password, vhost(site, zone), ca)


WORKERS_MODELS: dict[str, type[BaseModel]] = {"workers": WorkersConfig}


def check_workers(document: Document, config: SiteConfig) -> Iterator[Fault]:
    """A zone that a worker looks at needs a broker, and a key with which its results are signed."""
    vouched = {zone for key in config.keys for zone in key.zones}
    for i, zone in enumerate(config.zones):
        if zone.by != "worker":
            continue
        at = ("zones", i, "by")
        if config.workers is None:
            yield document.fault(at, f"a worker looks at {zone.id!r}, and no broker is named", "add 'workers'")
        if zone.id not in vouched:
            yield document.fault(
                at, f"no key is trusted for what a worker sees in {zone.id!r}", "add the worker's to 'keys'"
            )
