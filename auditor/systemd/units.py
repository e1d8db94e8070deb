"""The units of a site, by name: services that run as long as the machine does, or timers for a scheduler. Pure.

============================ ====================================================== ================
``NAME-metrics.service``     answers Prometheus                                     no raw sockets
``NAME-scan.service``        the scheduler, and what it starts                      may open them
``NAME-probe@ZONE.service``  instead of it, with a timer: looks at one zone         may open them
``NAME-audit.service``       with a timer: judges what came home                    no network
``NAME-thin.service``        with a timer: removes what is kept no longer           no network
============================ ====================================================== ================
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel

from auditor.schedule.cron import Cron, read_cron
from auditor.schedule.plan import THIN_AT
from auditor.systemd.calendar import on_calendar
from auditor.systemd.hardening import Reach, hardening
from auditor.systemd.words import command, line, word
from probes.secrets import Secret

if TYPE_CHECKING:
    from auditor.site import SiteConfig
    from auditor.site_zones import ZoneConfig

#: What a unit that is told to end may take: a shard in hand is finished or handed back.
_STOP_SECONDS = 180


class Variant(enum.StrEnum):
    SERVICE = "service"
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the units are for; every text was checked by :mod:`auditor.systemd.words`.

    ``listen`` is where figures are answered, ``health`` where the scheduler says how it is. ``secrets`` is the folder
    of the machine's in which credentials lie, ``sealed`` whether they are encrypted.
    """

    name: str
    site: str
    program: str
    user: str
    group: str
    listen: str
    health: str
    secrets: str
    sealed: bool = False
    variant: Variant = Variant.SERVICE

    def run(self, *arguments: str) -> str:
        return command(self.program, *arguments, "--site", self.site)


def units(config: SiteConfig, wanted: Wanted) -> Mapping[str, str]:
    """Unit's name → its text, for the variant that is wanted."""
    thinning, judging = "removing what is kept no longer", "judging what came home"
    out = {
        f"{wanted.name}-metrics.service": _metrics(config, wanted),
        f"{wanted.name}-thin.service": _oneshot(thinning, config, wanted, ["snapshot", "thin"]),
        # An audit that runs then is waited out until the next day.
        f"{wanted.name}-thin.timer": _timer(thinning, config, [read_cron(config.schedule.thin or THIN_AT)]),
    }
    if wanted.variant is Variant.SERVICE:
        return {**out, f"{wanted.name}-scan.service": _scan(config, wanted)}
    for zone in config.zones:
        out.update(_probing(config, wanted, zone))
    if config.schedule.judge:
        out[f"{wanted.name}-audit.service"] = _oneshot(judging, config, wanted, ["audit", "--collected"])
        out[f"{wanted.name}-audit.timer"] = _timer(judging, config, [read_cron(config.schedule.judge)])
    return out


# --- services -----------------------------------------------------------------------------------------------


def _metrics(config: SiteConfig, wanted: Wanted) -> str:
    """Whoever may ask it from outside cannot be known here, so that only a loopback address is fenced in."""
    host = wanted.listen.rpartition(":")[0].strip("[]")
    reach = Reach.HERE if _is_here(host) and _ledger(config) is not Reach.OUT else Reach.OUT
    start = wanted.run("serve", "--metrics-only", "--listen", wanted.listen)
    body = ["Type=exec", f"ExecStart={start}", *_restart(), *_common(config, wanted, reach, [config.ledger])]
    return _unit("figures for Prometheus", config, body, after=_online(reach), install="multi-user.target")


def _scan(config: SiteConfig, wanted: Wanted) -> str:
    reach = Reach.RAW if any(zone.by == "centre" for zone in config.zones) else Reach.OUT
    # Another port than the figures': two processes answer.
    start = wanted.run("serve", "--listen", wanted.health)
    body = [
        "Type=exec",
        f"ExecStart={start}",
        *_restart(),
        # Its children are told by it: it alone knows which shard is in hand.
        "KillMode=mixed",
        f"TimeoutStopSec={_STOP_SECONDS}",
        *_common(config, wanted, reach, [config]),
    ]
    return _unit("the scheduler", config, body, after=_online(reach), install="multi-user.target")


def _probing(config: SiteConfig, wanted: Wanted, zone: ZoneConfig) -> Iterator[tuple[str, str]]:
    """A service and its timer for each set of probes that a zone's lines name."""
    groups: dict[tuple[str, ...], list[Cron]] = {}
    for times in zone.schedule:
        groups.setdefault(tuple(dict.fromkeys(times.probes)), []).append(read_cron(times.cron))
    for turn, (probes, crons) in enumerate(groups.items(), 1):
        # No zone's id has a dot.
        name = f"{wanted.name}-probe@{zone.id}" + ("" if turn == 1 else f".{turn}")
        what = f"looking at zone {zone.id}"
        asked = [word for probe in probes for word in ("--probe", probe)]
        raw = zone.by == "centre" and (not probes or "nmap" in probes)
        reach = Reach.RAW if raw else Reach.OUT
        secrets = [config.ledger, zone.access, *([config.workers] if zone.by == "worker" else [])]
        start = wanted.run("probe", "--zone", zone.id, *asked)
        body = [
            "Type=oneshot",
            f"ExecStart={start}",
            "SuccessExitStatus=4",
            "KillMode=mixed",
            f"TimeoutStopSec={_STOP_SECONDS}",
            *_common(config, wanted, reach, secrets),
        ]
        yield f"{name}.service", _unit(what, config, body, after=_online(reach))
        yield f"{name}.timer", _timer(what, config, crons, jitter=config.schedule.jitter_seconds)


def _oneshot(what: str, config: SiteConfig, wanted: Wanted, arguments: Sequence[str]) -> str:
    reach = _ledger(config)
    body = [
        "Type=oneshot",
        f"ExecStart={wanted.run(*arguments)}",
        # Done in part: some scope is uncovered, which the figures tell.
        "SuccessExitStatus=4",
        f"TimeoutStopSec={_STOP_SECONDS}",
        *_common(config, wanted, reach, [config.ledger]),
    ]
    return _unit(what, config, body, after=_online(reach))


def _timer(what: str, config: SiteConfig, crons: Iterable[Cron], *, jitter: int = 0) -> str:
    times = [text for cron in crons for text in on_calendar(cron, config.timezone)]
    return "\n".join(
        [
            *_head(f"{config.site}: {what}, by the clock"),
            "",
            "[Timer]",
            *(f"OnCalendar={text}" for text in dict.fromkeys(times)),
            # A time that came while the machine was down is made up for, once, when it is up again.
            "Persistent=yes",
            *([f"RandomizedDelaySec={jitter}", "FixedRandomDelay=no"] if jitter else []),
            "AccuracySec=1s",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
    )


# --- parts --------------------------------------------------------------------------------------------------


def _head(description: str, after: Iterable[str] = ()) -> list[str]:
    return [
        "# Written by 'auditor deploy systemd'. Put changes into a drop-in: systemctl edit NAME.",
        "[Unit]",
        f"Description={line(description)}",
        *after,
    ]


def _unit(what: str, config: SiteConfig, body: Iterable[str], *, after: Iterable[str], install: str = "") -> str:
    tail = ["", "[Install]", f"WantedBy={install}"] if install else []
    return "\n".join([*_head(f"{config.site}: {what}", after), "", "[Service]", *body, *tail, ""])


def _online(reach: Reach) -> list[str]:
    """Whoever goes out waits for the network; verdicts and coverage depend on a clock that is right."""
    if reach in (Reach.OUT, Reach.RAW):
        return ["Wants=network-online.target", "After=network-online.target time-sync.target"]
    return ["After=network.target time-sync.target"]


def _restart() -> list[str]:
    # 2: the configuration is wrong, and will be so in half a minute.
    return ["Restart=on-failure", "RestartSec=30", "RestartPreventExitStatus=2"]


def _common(config: SiteConfig, wanted: Wanted, reach: Reach, secrets: Iterable[object]) -> list[str]:
    names = sorted({one.name for part in secrets for one in references(part) if one.scheme == "systemd"})
    return [
        f"User={wanted.user}",
        f"Group={wanted.group}",
        *account(wanted.name),
        *credentials(names, wanted.secrets, sealed=wanted.sealed),
        # Of the site, nothing is written but what the program keeps and what it hands out.
        f"ReadOnlyPaths={word(wanted.site)}",
        f"ReadWritePaths={word(wanted.site + '/state')} {word(wanted.site + '/out')}",
        *hardening(reach),
    ]


def account(name: str) -> list[str]:
    """The folder that is the service's home, its owner's only."""
    return [f"StateDirectory={name}", "StateDirectoryMode=0700", f"Environment=HOME=%S/{name} LANG=C.UTF-8"]


def credentials(names: Iterable[str], folder: str, *, sealed: bool) -> list[str]:
    """What ``systemd:NAME`` refers to: files that only root reads, handed over when the unit starts."""
    if sealed:
        # The path is read as it stands but for specifiers.
        return [f"LoadCredentialEncrypted={name}:{folder.replace('%', '%%')}/{name}.cred" for name in names]
    return [f"LoadCredential={name}:{folder.replace('%', '%%')}/{name}" for name in names]


def references(value: object) -> Iterator[Secret]:
    """Every reference to a secret within a part of the configuration."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from references(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from references(inner)


def _ledger(config: SiteConfig) -> Reach:
    """How far the ledger is: a file, this machine, or another one."""
    if not config.ledger.url:
        return Reach.NOWHERE
    parts = urlsplit(config.ledger.url)
    host = dict(parse_qsl(parts.query)).get("host") or parts.hostname or ""
    return Reach.HERE if _is_here(host) else Reach.OUT


def _is_here(host: str) -> bool:
    """This machine: nothing named, a socket's folder, or a loopback address."""
    if host.startswith("/") or host in ("", "localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
