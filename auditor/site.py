"""A site: one jurisdiction's configuration, read from ``site.yaml`` and checked whole.

Every fault is reported at once with ``site.yaml:line:column``. What comes out is the plain, immutable
vocabulary of the inner packages: zones, scopes, places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationError

from auditor.ledger.place import LedgerPlace
from auditor.site_access import ACCESS_MODELS, Strict, access
from auditor.site_check import check
from auditor.site_ledger import LEDGER_MODELS, LedgerConfig
from auditor.site_office import OFFICE_MODELS, BrakeConfig, DocumentsConfig, PeopleConfig
from auditor.site_packs import pack_id
from auditor.site_retention import RETENTION_MODELS, RetentionConfig
from auditor.site_schedule import SCHEDULE_MODELS, ScheduleConfig
from auditor.site_trust import TRUST_MODELS, KeyConfig
from auditor.site_workers import WORKERS_MODELS, WorkersConfig
from auditor.site_zones import ZONE_MODELS, ZONE_SECTIONS, ProfileConfig, Slug, ZoneConfig
from inventories.documents import Document, read_yaml
from inventories.faults import Fault, Faults, did_you_mean
from inventories.places import Places, Zone
from probes.profiles import PROFILES
from probes.scope import Authorisation, Profile, ZoneScope

SITE_FILE = "site.yaml"


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
    ledger: LedgerConfig = LedgerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    keys: tuple[KeyConfig, ...] = ()
    workers: WorkersConfig | None = None
    retention: RetentionConfig = RetentionConfig()

    @cached_property
    def zones_by_id(self) -> Mapping[str, ZoneConfig]:
        return {zone.id: zone for zone in self.zones}


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
    def ledger(self) -> LedgerPlace:
        return self.config.ledger.place(self.state)

    @property
    def snapshots(self) -> Path:
        return self.state / "snapshots"

    @property
    def stop_file(self) -> Path:
        return self.state / "STOP"

    @property
    def keeps_looks(self) -> bool:
        """Whether what was seen is kept to be judged later: zones are looked at on a schedule, or from elsewhere."""
        return bool(self.config.schedule.judge) or any(
            zone.schedule or zone.by == "bundle" for zone in self.config.zones
        )

    def zone(self, name: str) -> ZoneConfig:
        """What the configuration says of a zone that is there."""
        return self.config.zones_by_id[name]

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
    faults = list(check(document, config, root))
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
        "limits": LimitsConfig,
        **ZONE_MODELS,
        **ACCESS_MODELS,
        **OFFICE_MODELS,
        **LEDGER_MODELS,
        **SCHEDULE_MODELS,
        **TRUST_MODELS,
        **WORKERS_MODELS,
        **RETENTION_MODELS,
    }
    model: type[BaseModel] = SiteConfig
    for part in path:
        # A zone's own section may bear the name of one of the site's.
        own = ZONE_SECTIONS if model is ZoneConfig else {}
        model = own.get(str(part)) or models.get(str(part), model)
    return [field.alias or name for name, field in model.model_fields.items()]


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
        excluded=(*(one.prefix for one in entry.exclude), *(one.prefix for one in entry.fragile)),
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
