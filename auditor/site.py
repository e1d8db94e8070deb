"""A site: one jurisdiction's configuration, read from ``site.yaml`` and checked whole.

Every fault is reported at once with ``site.yaml:line:column``. What comes out is the plain, immutable
vocabulary of the inner packages: zones, scopes, places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from auditor.site_access import ACCESS_MODELS, AccessConfig, Port, Prefix, Strict, access
from auditor.site_office import OFFICE_MODELS, BrakeConfig, DocumentsConfig, PeopleConfig
from auditor.site_packs import check_packs, pack_id
from inventories.documents import Document, read_yaml
from inventories.faults import Fault, Faults, did_you_mean
from inventories.places import Network, Places, Zone
from probes.profiles import PROFILES
from probes.scope import Authorisation, Profile, Window, ZoneScope

SITE_FILE = "site.yaml"


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


class ProfileConfig(Strict):
    base: Literal["gentle", "normal", "fast"] = "normal"
    ports: tuple[Port, ...] | None = None
    max_rate: Annotated[int, Field(ge=1, le=100_000)] | None = None
    parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    deadline_seconds: Annotated[int, Field(ge=10, le=86_400)] | None = None
    host_timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    version_intensity: Annotated[int, Field(ge=0, le=9)] | None = None
    retries: Annotated[int, Field(ge=0, le=10)] | None = None


class LimitsConfig(Strict):
    max_addresses_per_prefix: Annotated[int, Field(ge=1, le=2**24)] = 65_536


class SiteConfig(Strict):
    """``site.yaml``; every key is described in the commented file that ``auditor init`` writes."""

    site: Slug
    name: Annotated[str, Field(min_length=1)]
    bureau: Annotated[str, Field(min_length=1)]
    contact: str = ""
    region: Annotated[str, Field(pattern=r"^\d{6}$")]
    timezone: str = "Asia/Shanghai"
    packs: Annotated[tuple[str, ...], Field(min_length=1)]
    pack_settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    zones: tuple[ZoneConfig, ...] = ()
    profiles: dict[str, ProfileConfig] = Field(default_factory=dict)
    limits: LimitsConfig = LimitsConfig()
    absence_audits: Annotated[int, Field(ge=1, le=30)] = 2
    consultation: bool = True
    people: PeopleConfig = PeopleConfig()
    documents: DocumentsConfig = DocumentsConfig()
    brake: BrakeConfig = BrakeConfig()


@dataclass(frozen=True, slots=True)
class Site:
    """A checked site, with the folders it keeps its things in."""

    root: Path
    config: SiteConfig
    places: Places
    scopes: tuple[ZoneScope, ...]
    timezone: ZoneInfo
    #: Pack id → the place in ``site.yaml`` that names it.
    packs_at: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.config.site

    @property
    def registers(self) -> Path:
        return self.root / "registers"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.sqlite"

    @property
    def snapshots(self) -> Path:
        return self.state / "snapshots"

    @property
    def stop_file(self) -> Path:
        return self.state / "STOP"

    def today(self, now: datetime) -> date:
        """The calendar date at the site."""
        return now.astimezone(self.timezone).date()


def load_site(root: Path) -> Site:
    """Reads and checks ``site.yaml``.

    Raises :class:`Faults` with every fault found; registers and packs are checked by their own loaders.
    """
    path = root / SITE_FILE
    if not path.is_file():
        raise Faults(
            [Fault(str(path), "there is no such file", f"run 'auditor init {root}', or name a site with --site")]
        )
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise Faults([Fault(f"{path}:1:1", "is no mapping of keys to values")])
    try:
        config = SiteConfig.model_validate(document.data)
    except ValidationError as error:
        raise Faults(_explain(document, error)) from None
    faults = list(_check(document, config, root))
    if faults:
        raise Faults(faults)
    zones = tuple(_zone(zone) for zone in config.zones)
    return Site(
        root=root,
        config=config,
        places=Places(zones),
        scopes=tuple(_scope(config, entry, zone, root) for entry, zone in zip(config.zones, zones, strict=True)),
        timezone=ZoneInfo(config.timezone),
        packs_at={pack_id(pack): document.where("packs", i) for i, pack in enumerate(config.packs)},
    )


def _explain(document: Document, error: ValidationError) -> Iterator[Fault]:
    """pydantic's findings in our words, at the place of the value."""
    for problem in error.errors():
        path = tuple(
            part for part in problem["loc"] if part in ("from", "to") or not str(part).startswith("function-")
        )
        what = str(problem["msg"]).removeprefix("Value error, ")
        mend = ""
        if problem["type"] == "extra_forbidden":
            key = str(path[-1])
            what, mend = f"unknown key {key!r}", did_you_mean(key, _known_keys(path[:-1]))
        elif problem["type"] == "missing":
            what, mend, path = f"the key {path[-1]!r} is missing", "add it", path[:-1]
        elif problem["type"] == "string_pattern_mismatch":
            what = f"{problem['input']!r} is not of the form {problem['ctx']['pattern']}"
        yield document.fault(path, what, mend)


def _known_keys(path: Sequence[str | int]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "zones": ZoneConfig,
        "authorisations": AuthorisationConfig,
        "owners": OwnerConfig,
        "exclude": ExcludeConfig,
        "freeze": FreezeConfig,
        "profiles": ProfileConfig,
        "limits": LimitsConfig,
        **ACCESS_MODELS,
        **OFFICE_MODELS,
    }
    model: type[BaseModel] = SiteConfig
    for part in path:
        model = models.get(str(part), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _check(document: Document, config: SiteConfig, root: Path) -> Iterator[Fault]:
    try:
        ZoneInfo(config.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        yield document.fault(("timezone",), f"unknown time zone {config.timezone!r}", "use one such as Asia/Shanghai")
    yield from check_packs(document, config.packs, root)
    for name in config.pack_settings:
        if name not in map(pack_id, config.packs):
            yield document.fault(("pack_settings", name), f"settings for {name!r}, which is not among 'packs'")
    seen: set[str] = set()
    for i, zone in enumerate(config.zones):
        at: tuple[str | int, ...] = ("zones", i)
        if zone.id in seen:
            yield document.fault((*at, "id"), f"a second zone with the id {zone.id!r}", "give each zone its own id")
        seen.add(zone.id)
        yield from _check_zone(document, config, zone, at)
    yield from _check_overlaps(document, config)


def _check_zone(
    document: Document, config: SiteConfig, zone: ZoneConfig, at: tuple[str | int, ...]
) -> Iterator[Fault]:
    limit = config.limits.max_addresses_per_prefix
    if not zone.prefixes and zone.access.names is None:
        yield document.fault(at, f"the zone {zone.id!r} has no prefixes", "add 'prefixes', or 'access: names'")
    for j, prefix in enumerate(zone.prefixes):
        place = (*at, "prefixes", j)
        if prefix.prefixlen == 0:
            yield document.fault(place, f"{prefix} is everything there is", "list the prefixes that are meant")
        elif prefix.num_addresses > limit:
            yield document.fault(
                place,
                f"{prefix} holds {prefix.num_addresses} addresses, more than the site's limit of {limit}",
                "list smaller prefixes, or raise limits.max_addresses_per_prefix",
            )
        if prefix.is_multicast:
            yield document.fault(place, f"{prefix} is multicast", "list unicast prefixes")
    yield from _check_logins(document, zone, at)
    inner = {"owners": [o.prefix for o in zone.owners]}
    if zone.prefixes:
        inner["exclude"] = [e.prefix for e in zone.exclude]
    for key, prefixes in inner.items():
        for j, prefix in enumerate(prefixes):
            if not any(_within(prefix, own) for own in zone.prefixes):
                yield document.fault((*at, key, j, "prefix"), f"{prefix} lies in none of the zone's prefixes")
    for j, leave in enumerate(zone.authorisations):
        place = (*at, "authorisations", j)
        if leave.valid_to < leave.valid_from:
            yield document.fault((*place, "to"), "ends before it begins")
        for k, prefix in enumerate(leave.prefixes):
            if not any(_within(prefix, own) for own in zone.prefixes):
                yield document.fault((*place, "prefixes", k), f"{prefix} lies in none of the zone's prefixes")
    for j, freeze in enumerate(zone.freeze):
        if freeze.end < freeze.start:
            yield document.fault((*at, "freeze", j, "to"), "ends before it begins")
    if zone.profile not in config.profiles and zone.profile not in PROFILES:
        known = [*config.profiles, *PROFILES]
        yield document.fault(
            (*at, "profile"),
            f"unknown profile {zone.profile!r}",
            did_you_mean(zone.profile, known) or f"one of {', '.join(known)}",
        )
    if zone.kind == "department" and not zone.department and not zone.owners:
        yield document.fault(at, f"nobody owns the zone {zone.id!r}", "add 'department', or 'owners' with prefixes")


def _check_logins(document: Document, zone: ZoneConfig, at: tuple[str | int, ...]) -> Iterator[Fault]:
    """Logins are for the zone's own addresses; a bastion elsewhere needs a document of its own."""
    logins = {
        "ssh": [entry.prefixes for entry in zone.access.ssh],
        "windows": [entry.prefixes for entry in zone.access.windows],
        "snmp": [entry.prefixes for entry in zone.access.snmp],
    }
    for key, entries in logins.items():
        for j, prefixes in enumerate(entries):
            for k, prefix in enumerate(prefixes):
                if not any(_within(prefix, own) for own in zone.prefixes):
                    yield document.fault(
                        (*at, "access", key, j, "prefixes", k), f"{prefix} lies in none of the zone's prefixes"
                    )
    for j, ssh in enumerate(zone.access.ssh):
        bastion = ssh.bastion
        if bastion and not bastion.document and not any(_holds(own, bastion.address) for own in zone.prefixes):
            yield document.fault(
                (*at, "access", "ssh", j, "bastion"),
                f"the bastion {bastion.address} lies outside the zone",
                "add 'document': by whose leave it may be used",
            )


def _check_overlaps(document: Document, config: SiteConfig) -> Iterator[Fault]:
    """Prefixes may repeat across vantages, and may not overlap within one."""
    placed: list[tuple[str, Network, str, tuple[str | int, ...]]] = []
    for i, zone in enumerate(config.zones):
        for j, prefix in enumerate(zone.prefixes):
            place = ("zones", i, "prefixes", j)
            for vantage, other, owner, _at in placed:
                if vantage == zone.vantage and prefix.version == other.version and prefix.overlaps(other):
                    yield document.fault(
                        place,
                        f"{prefix} overlaps {other} of zone {owner!r}, both as seen from {vantage!r}",
                        "split them, or name another vantage if it is another network",
                    )
            placed.append((zone.vantage, prefix, zone.id, place))


def _within(inner: Network, outer: Network) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def _holds(prefix: Network, address: str) -> bool:
    parsed = ip_address(address)
    return parsed.version == prefix.version and parsed in prefix


def _zone(zone: ZoneConfig) -> Zone:
    return Zone(
        id=zone.id,
        name=zone.name,
        vantage=zone.vantage,
        kind=zone.kind,
        prefixes=tuple(zone.prefixes),
        department_id=zone.department or "",
        owners={owner.prefix: owner.department for owner in zone.owners},
        cloud_code=zone.cloud,
        location=zone.location,
    )


def _scope(config: SiteConfig, entry: ZoneConfig, zone: Zone, root: Path) -> ZoneScope:
    return ZoneScope(
        zone=zone,
        authorisations=tuple(
            Authorisation(
                document=leave.document,
                approver=leave.approver,
                valid_from=leave.valid_from,
                valid_to=leave.valid_to,
                prefixes=tuple(leave.prefixes) or tuple(entry.prefixes),
                window=leave.window,
            )
            for leave in entry.authorisations
        ),
        excluded=tuple(exclusion.prefix for exclusion in entry.exclude),
        profile=_profile(config, entry.profile),
        frozen=tuple((freeze.start, freeze.end) for freeze in entry.freeze),
        access=access(entry.access, root, entry.cloud),
    )


def _profile(config: SiteConfig, name: str) -> Profile:
    if name not in config.profiles:
        return PROFILES[name]
    own = config.profiles[name]
    given = own.model_dump(exclude={"base"}, exclude_none=True)
    if own.ports is not None:
        given["ports"] = tuple(sorted(set(own.ports)))
    return replace(PROFILES[own.base], name=name, **given)
