"""What answers in the example city: addresses, ports and what they say, read from ``city.yaml``."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from inventories.documents import Document, read_yaml
from inventories.faults import Fault, Faults, clean

#: The listeners of a site are described in this file of its folder.
PLAN_FILE = "city.yaml"

_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


def _loopback(value: object) -> object:
    """Loopback only: the example city must never be reachable from another machine."""
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is no address") from None
    if address not in _LOOPBACK:
        raise ValueError(f"{address} is not in 127.0.0.0/8: the example city answers on loopback only")
    return str(address)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Signer(_Strict):
    """The authority that a certificate says it comes from."""

    name: str
    unit: str = ""
    organisation: str = ""


class Service(_Strict):
    """One listening port.

    ``service`` chooses what speaks; ``version`` is what its greeting says. For web pages, ``server`` is the
    Server header, ``title`` the page's title, ``look`` whose page it imitates. ``names`` are the certificate's
    (the first is its common name), ``unit`` and ``organisation`` its subject's, ``issuer`` who signed it (none:
    self-signed).
    """

    port: Annotated[int, Field(ge=1, le=65535)]
    service: Literal["ssh", "http", "https", "mysql", "postgres", "redis", "close"]
    version: str = ""
    server: str = ""
    title: str = ""
    look: Literal["site", "vcenter", "controller"] = "site"
    names: tuple[str, ...] = ()
    unit: str = ""
    organisation: str = ""
    issuer: Signer | None = None


class Host(_Strict):
    """One address. ``watched`` hosts write down every connection: they prove that nobody touched them."""

    address: Annotated[str, BeforeValidator(_loopback)]
    about: str = ""
    watched: bool = False
    services: Annotated[tuple[Service, ...], Field(min_length=1)]


class _PlanFile(_Strict):
    hosts: Annotated[tuple[Host, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Plan:
    """Every host of the city, each address once."""

    hosts: tuple[Host, ...]

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(sorted({service.port for host in self.hosts for service in host.services}))

    def listeners(self) -> Iterator[tuple[Host, Service]]:
        for host in self.hosts:
            for service in host.services:
                yield host, service


def load_plan(path: Path) -> Plan:
    """Reads a plan. Raises :class:`Faults` with every fault and its place."""
    document = read_yaml(path)
    try:
        parsed = _PlanFile.model_validate(document.data)
    except ValidationError as error:
        raise Faults(_explain(document, problem) for problem in error.errors()) from None
    faults = []
    addresses: set[str] = set()
    for i, host in enumerate(parsed.hosts):
        if host.address in addresses:
            faults.append(
                document.fault(("hosts", i, "address"), f"{host.address} stands twice", "merge the entries")
            )
        addresses.add(host.address)
        ports = [service.port for service in host.services]
        for j, port in enumerate(ports):
            if port in ports[:j]:
                faults.append(document.fault(("hosts", i, "services", j, "port"), f"port {port} stands twice"))
    if faults:
        raise Faults(faults)
    return Plan(parsed.hosts)


def _explain(document: Document, problem: Any) -> Fault:
    return document.fault(tuple(problem["loc"]), clean(str(problem["msg"]).removeprefix("Value error, ")))
