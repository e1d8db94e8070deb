"""The arguments of each nmap command, as pure functions of checked values.

No text from a configuration or from the network ever becomes an argument: only flags written here, integers and
file names written here. Targets go through ``-iL``, and excluded addresses, which are in no target list anyway,
once more through ``--excludefile``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from probes.scope import Profile

#: What firewalled hosts answer although they drop ping: remote access, web, Windows, Dameng, Kingbase.
PROBE_PORTS = (22, 80, 135, 443, 445, 3389, 5236, 54321)

TARGETS, EXCLUDED = "targets.txt", "excluded.txt"
SCRIPT = "page.nse"
SCRIPT_SECONDS = 30

#: nmap's own scripts that tell a Windows from outside, and the ports they look at. Neither tries an account, guest
#: included: the first sends NTLM's opening message inside TLS and reads the answer, the second only negotiates.
#: ``smb-os-discovery`` is not among them, because it opens a session as guest or nobody.
RDP_SCRIPT, RDP_PORT = "rdp-ntlm-info", 3389
SMB_SCRIPT, SMB_PORTS = "smb-protocols", frozenset({139, 445})


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of nmap command: its name and the file that its XML goes to."""

    name: str

    @property
    def xml(self) -> str:
        return f"{self.name}.xml"


DISCOVERY, PORTS, AGAIN, SERVICES = Stage("discovery"), Stage("ports"), Stage("again"), Stage("services")

#: The most that one command is made to send a second at least. Beyond it a busy scanner loses answers faster than
#: a silent network costs time.
EAGER_RATE = 2_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How nmap is started: ``command`` comes from code, the rest from the profile and what this process may do.

    ``rate`` is this command's share of the zone's rate, in packets a second. ``raw``: packets of our own.
    """

    command: tuple[str, ...]
    profile: Profile
    raw: bool
    version: int
    rate: int


def ports_text(ports: Iterable[int]) -> str:
    """``22,80,8000-8003``: sorted, runs put together. ValueError for what is no port."""
    spans: list[tuple[int, int]] = []
    for port in sorted(set(ports)):
        if not isinstance(port, int) or not 0 < port < 65536:
            raise ValueError(f"{port!r} is no TCP port")
        if spans and port == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], port)
        else:
            spans.append((port, port))
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def discovery(settings: Settings, ports: Sequence[int]) -> list[str]:
    """Which addresses answer: ping and our own probe ports; without raw sockets, the zone's ports as well.

    ``-v`` makes nmap list the addresses that are down too, with the reason: silence is not the only one.
    """
    probes = set(PROBE_PORTS) if settings.raw else {*PROBE_PORTS, *ports}
    echo = ["-PE"] if settings.raw else []
    return [*_common(settings, DISCOVERY), "-v", "-sn", *echo, f"-PS{ports_text(probes)}"]


def ports(settings: Settings, asked: Sequence[int]) -> list[str]:
    """Which ports are open, on hosts known to live."""
    return [*_common(settings, PORTS), "-Pn", *_scan(settings), "-p", ports_text(asked)]


def again(settings: Settings, asked: Sequence[int]) -> list[str]:
    """The same question without haste, of hosts that left ports unanswered: a lost answer is no closed port."""
    profile = replace(settings.profile, eager=False, retries=max(2, settings.profile.retries))
    return [*_common(replace(settings, profile=profile), AGAIN), "-Pn", *_scan(settings), "-p", ports_text(asked)]


def services(settings: Settings, asked: Sequence[int], deadline: int) -> list[str]:
    """What runs on ports known to be open on some of these hosts.

    ``deadline`` (seconds) is the whole command's: hosts wait for each other here, so one host gets no less.
    """
    profile = settings.profile
    pace = ["--max-parallelism", "1", "--max-hostgroup", "1"] if profile.paced else []
    return [
        *_common(settings, SERVICES),
        "-Pn",
        *_scan(settings, deadline),
        *pace,
        *("-p", ports_text(asked)),
        *("-sV", "--version-intensity", str(_between(profile.version_intensity, 0, 9))),
        *("--script", ",".join(_scripts(asked, profile)), "--script-timeout", f"{SCRIPT_SECONDS}s"),
        *("--script-args", "http.max-body-size=262144,http.truncated-ok=true"),
    ]


def _scripts(asked: Sequence[int], profile: Profile) -> list[str]:
    """The scripts for these ports. SMB's opens a connection for each dialect: too many where probing is paced."""
    windows = [RDP_SCRIPT] if RDP_PORT in asked else []
    if SMB_PORTS & set(asked) and not profile.paced:
        windows.append(SMB_SCRIPT)
    return [f"./{SCRIPT}", "ssl-cert", *windows]


def discovery_detail(raw: bool, ports: Sequence[int]) -> str:
    """What discovery asked, as coverage says it: ``icmp-echo,tcp:22,80``."""
    return f"icmp-echo,tcp:{ports_text(PROBE_PORTS)}" if raw else f"tcp:{ports_text({*PROBE_PORTS, *ports})}"


def packets(stage: Stage, hosts: int, ports: int, retries: int) -> int:
    """Packets that a command sends at most, about."""
    each = len(PROBE_PORTS) + 1 if stage is DISCOVERY else ports
    return hosts * each * (retries + 1)


def deadline(settings: Settings, stage: Stage, hosts: int, ports: int, services: int = 0) -> int:
    """Seconds after which a command has gone wrong: its packets at its rate, its services, and the profile's own.

    A mute service costs nmap about six seconds a probe; some forty are asked at once (one, where paced).
    """
    profile = settings.profile
    sending = packets(stage, hosts, ports, profile.retries) / max(1, settings.rate)
    asking = services * 24 / (1 if profile.paced else 40)
    return int(profile.deadline_seconds + 3 * sending + asking)


def _common(settings: Settings, stage: Stage) -> list[str]:
    profile = settings.profile
    # nmap keeps its rate on average: after a pause it sends faster, to make up for it; and it does not count the
    # resets with which the kernel answers for it.
    rate = max(1, settings.rate // 2 if profile.paced else settings.rate)
    return [
        *settings.command,
        *("-n", "--noninteractive", "--privileged" if settings.raw else "--unprivileged"),
        *(["-6"] if settings.version == 6 else []),
        *("-T3" if profile.paced else "-T4", "--max-retries", str(_between(profile.retries, 0, 20))),
        *("--max-rate", str(rate), *(("--min-rate", str(min(rate, EAGER_RATE))) if profile.eager else ())),
        *("-iL", TARGETS, "--excludefile", EXCLUDED, "-oX", stage.xml),
    ]


def _scan(settings: Settings, at_least: int = 1) -> list[str]:
    host_timeout = f"{_between(settings.profile.host_timeout_seconds, at_least, 86_400)}s"
    group = [] if settings.profile.paced else ["--min-hostgroup", "256"]
    return ["-sS" if settings.raw else "-sT", *group, "--host-timeout", host_timeout]


def _between(number: int, low: int, high: int) -> int:
    return max(low, min(high, int(number)))
