"""``plan``: what an audit would touch. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.authorise import Leave, authorise
from auditor.errors import Exit
from auditor.intake import read_registers
from auditor.output import print_json, write
from auditor.site import Site, load_site

if TYPE_CHECKING:
    from inventories.places import Network, Zone
    from probes.scope import Permit, Refusal


def plan(root: Path, *, as_json: bool) -> int:
    """What an audit would touch; sends nothing. Exit 2 where it could probe nothing, 4 where not all."""
    site = load_site(root)
    now = clock.utc_now()
    leave = authorise(site, [], now, registers=read_registers(site, now))
    if as_json:
        by = {zone.id: zone.by for zone in site.config.zones}
        zones = [
            *(_permitted(item, site) | {"by": by[item.zone.id]} for item in leave.permits),
            *(_refused(item) | {"by": by[item.zone.id]} for item in leave.refusals),
        ]
        print_json({"zones": zones, "limits": _limits(leave), "stopped": site.stop_file.exists()})
    else:
        _draw_plan(site, leave)
    if leave.refusals and not leave.permits:
        return Exit.REFUSED
    return Exit.PARTIAL if leave.refusals else Exit.DONE


#: Who looks at a zone, by ``by`` in ``site.yaml``.
_BY = {
    "centre": "looked at by this machine",
    "worker": "looked at by a worker inside the zone, which this machine asks",
    "bundle": "looked at by hand inside the zone: no audit sends anything there, and takes the newest bundle",
}


def _never(site: Site, zone: str) -> tuple[list[Network], list[tuple[Network, str]]]:
    """The site's own exclusions, and its fragile devices with the reason.

    The addresses of classified systems are excluded too, and not named.
    """
    config = site.zone(zone)
    return [one.prefix for one in config.exclude], [(one.prefix, one.reason) for one in config.fragile]


def _permitted(item: Permit, site: Site) -> dict[str, object]:
    from probes.estimate import seconds

    never, fragile = _never(site, item.zone.id)
    least, most = seconds(item)
    return {
        "zone": item.zone.id,
        "name": item.zone.name,
        "allowed": True,
        "vantage": item.zone.vantage,
        "prefixes": [str(prefix) for prefix in item.zone.prefixes],
        "addresses": item.addresses,
        "excluded": [str(prefix) for prefix in (*never, *(prefix for prefix, _ in fragile))],
        "fragile": [{"prefix": str(prefix), "reason": reason} for prefix, reason in fragile],
        "profile": item.profile.name,
        "ports": list(item.profile.ports),
        "max_packets_per_second": item.profile.max_rate,
        "authorisations": list(item.documents),
        "until": item.until.isoformat(),
        "estimated_seconds": {"least": least, "most": most},
        "closer_looks": list(_looks(item)),
    }


def _looks(item: Permit) -> Iterator[str]:
    """What is looked at beyond the scan, and by which login; secrets only by their references."""
    access = item.access
    for ssh in access.ssh:
        through = f" through {ssh.bastion.address}" if ssh.bastion else ""
        yield f"ssh: {ssh.user} by {ssh.key or ssh.password}, port {ssh.port}{through}{_only(ssh.prefixes)}"
    for windows in access.windows:
        how = f"{windows.user} by {windows.key or windows.password}, {windows.transport} port {windows.port}"
        yield f"windows: {how}{_only(windows.prefixes)}"
    for snmp in access.snmp:
        yield f"snmp: {snmp.user or f'community {snmp.community}'}, port {snmp.port}{_only(snmp.prefixes)}"
    for vsphere in access.vsphere:
        yield f"vsphere: {vsphere.user} at {vsphere.endpoint}"
    for openstack in access.openstack:
        yield f"openstack: {openstack.user or openstack.credential_id} at {openstack.auth_url}"
    if access.names is not None:
        yield f"names: {len(item.names)} declared names of {', '.join(access.names.patterns)}"


def _only(prefixes: Sequence[Network]) -> str:
    return f", only {' '.join(map(str, prefixes))}" if prefixes else ""


def _refused(item: Refusal) -> dict[str, object]:
    return {
        "zone": item.zone.id,
        "name": item.zone.name,
        "allowed": False,
        "vantage": item.zone.vantage,
        "reason": item.reason,
        "message": item.message,
    }


def _draw_plan(site: Site, leave: Leave) -> None:
    from probes.estimate import seconds

    by = {zone.id: _BY[zone.by] for zone in site.config.zones}
    for item in leave.permits:
        never, fragile = _never(site, item.zone.id)
        least, most = seconds(item)
        prefixes = " ".join(map(str, item.zone.prefixes))
        excluded = f", never {' '.join(map(str, never))}" if never else ""
        ports, profile = len(item.profile.ports), item.profile
        until = item.until.astimezone(site.timezone)
        _say_zone(
            item.zone,
            f"{item.addresses} addresses of {prefixes}{excluded}, as seen from {item.zone.vantage}",
            by[item.zone.id],
            f"{ports} ports, profile {profile.name}: at most {profile.max_rate} packets/s, {least} to {most} s",
            *(f"fragile, left alone: {prefix} ({reason})" for prefix, reason in fragile),
            *_looks(item),
            f"by leave of {'; '.join(item.documents)}, until {until:%Y-%m-%d %H:%M}",
        )
    for refusal in leave.refusals:
        _say_zone(refusal.zone, f"not one packet: {refusal.message}", by[refusal.zone.id])
    least, most = (sum(seconds(item)[end] for item in leave.permits) for end in (0, 1))
    total = sum(item.addresses for item in leave.permits)
    write(f"{total} addresses in {len(leave.permits)} zones, {least} to {most} s one after another; nothing was sent")
    for limit in _limits(leave):
        write(f"cannot be seen: {limit}")
    if site.stop_file.exists():
        write(f"all probing is stopped: {site.stop_file}")


def _say_zone(zone: Zone, *lines: str) -> None:
    write(f"{zone.id}  {zone.name}")
    for line in lines:
        write(f"    {line}")


def _limits(leave: Leave) -> tuple[str, ...]:
    from probes.registry import PROBES

    if not leave.permits:
        return ()
    return tuple(dict.fromkeys(str(limit) for make in PROBES.values() for limit in make().limits(leave.permits)))
