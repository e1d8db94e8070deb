"""``worker.yaml``: what a worker knows, which is all that it will do whatever a job says."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from auditor.site_access import NamePattern, Prefix, Reference, Strict
from auditor.workers.broker import Broker, parse_address
from auditor.workers.hearing import LEASE_SECONDS, SKEW_SECONDS
from auditor.workers.names import vhost, worker_user
from inventories.documents import Document, read_yaml
from inventories.faults import Fault, Faults, did_you_mean
from inventories.places import Network
from inventories.signing import PublicKey
from probes.secrets import Secret

Slug: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


def _address(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("write an address such as amqps://broker.example.gov.cn")
    return parse_address(value)


def _public(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("write a public key such as ed25519:BASE64")
    return PublicKey.parse(value)


#: (user or empty, host, port).
Address: TypeAlias = Annotated[Any, BeforeValidator(_address)]
Public: TypeAlias = Annotated[Any, BeforeValidator(_public)]


class CentreKey(Strict):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    public: Public


class BrokerConfig(Strict):
    address: Address
    password: Reference
    ca: str = ""


class WorkerConfig(Strict):
    """Every key of ``worker.yaml``; ``docs/workers.md`` describes them."""

    site: Slug
    zone: Slug
    vantage: Slug
    prefixes: tuple[Prefix, ...] = ()
    exclude: tuple[Prefix, ...] = ()
    names: tuple[NamePattern, ...] = ()
    follow: bool = False
    endpoints: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] = ()
    secrets: tuple[Reference, ...] = ()
    max_rate: Annotated[int, Field(ge=1, le=100_000)] | None = None
    broker: BrokerConfig
    centre: Annotated[tuple[CentreKey, ...], Field(min_length=1)]
    signing_key: Reference
    state: Annotated[str, Field(min_length=1)] = "state"
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    lease_seconds: Annotated[float, Field(ge=3, le=120)] = LEASE_SECONDS
    skew_seconds: Annotated[float, Field(ge=1, le=3600)] = SKEW_SECONDS
    shard_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 360


_MODELS: dict[str, type[BaseModel]] = {"broker": BrokerConfig, "centre": CentreKey}


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's configuration, checked, with its paths made whole."""

    config: WorkerConfig
    broker: Broker
    state: Path

    @property
    def name(self) -> str:
        return worker_user(self.config.site, self.config.zone)

    def allows_secret(self, secret: Secret) -> bool:
        return secret in self.config.secrets

    def allows_name(self, host: str) -> bool:
        name = host.rstrip(".").casefold()
        return any(fnmatchcase(name, pattern.rstrip(".").casefold()) for pattern in self.config.names)

    def allows_endpoint(self, host: str) -> bool:
        return host.rstrip(".").casefold() in {one.rstrip(".").casefold() for one in self.config.endpoints}

    @property
    def prefixes(self) -> tuple[Network, ...]:
        return self.config.prefixes

    @property
    def excluded(self) -> tuple[Network, ...]:
        return self.config.exclude


def load_worker(path: Path) -> Worker:
    """Reads and checks ``worker.yaml``. Raises :class:`Faults` with every fault, as ``file:line:column``."""
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise Faults([Fault(f"{path}:1:1", "is no mapping of keys to values")])
    try:
        config = WorkerConfig.model_validate(document.data)
    except ValidationError as error:
        raise Faults(_explain(document, error)) from None
    faults = _check(document, config)
    if faults:
        raise Faults(faults)
    user, host, port = config.broker.address
    ca = str(path.parent / config.broker.ca) if config.broker.ca else ""
    broker = Broker(
        host=host,
        port=port,
        user=user or worker_user(config.site, config.zone),
        password=config.broker.password,
        vhost=vhost(config.site, config.zone),
        ca=ca,
    )
    return Worker(config, broker, (path.parent / config.state).absolute())


def _check(document: Document, config: WorkerConfig) -> list[Fault]:
    faults = []
    if not (config.prefixes or config.names or config.endpoints):
        faults.append(document.fault((), "the worker may look at nothing", "add 'prefixes', 'names' or 'endpoints'"))
    for i, excluded in enumerate(config.exclude):
        if not any(excluded.version == own.version and excluded.subnet_of(own) for own in config.prefixes):
            faults.append(document.fault(("exclude", i), f"{excluded} lies in none of the worker's prefixes"))
    ids = [key.id for key in config.centre]
    for i, name in enumerate(ids):
        if name in ids[:i]:
            faults.append(document.fault(("centre", i, "id"), f"a second key with the id {name!r}"))
    return faults


def _explain(document: Document, error: ValidationError) -> list[Fault]:
    """pydantic's findings in our words, at the place of the value; never the value, which may be a secret."""
    faults = []
    problems = error.errors()
    for problem in problems:
        inner = len(problem["loc"])
        if problem["type"] == "too_short" and any(
            o["loc"][:inner] == problem["loc"] for o in problems if o is not problem
        ):
            # Empty only because what stands in it is wrong, which is said.
            continue
        path = tuple(part for part in problem["loc"] if not str(part).startswith("function-"))
        what, mend = str(problem["msg"]).removeprefix("Value error, "), ""
        if problem["type"] == "extra_forbidden":
            model = next((_MODELS[str(part)] for part in path[-2::-1] if str(part) in _MODELS), WorkerConfig)
            what, mend = f"unknown key {str(path[-1])!r}", did_you_mean(str(path[-1]), model.model_fields)
        elif problem["type"] == "missing":
            what, mend, path = f"the key {path[-1]!r} is missing", "add it", path[:-1]
        faults.append(document.fault(path, what, mend))
    return faults
