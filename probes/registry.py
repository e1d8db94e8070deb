"""The probes that there are: one line each. A probe's module, and its SDK, is imported when it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from probes.base import Probe


def _probe(module: str, name: str) -> Callable[[], Probe]:
    def make() -> Probe:
        probe: Probe = getattr(import_module(module), name)()
        return probe

    return make


#: Name → what makes the probe, in the order in which a zone is looked at. ``--probe`` takes these names.
PROBES: Mapping[str, Callable[[], Probe]] = {
    "nmap": _probe("probes.nmap_scan", "NmapProbe"),
    "endpoints": _probe("probes.endpoints.probe", "EndpointsProbe"),
    "ssh": _probe("probes.ssh.probe", "SshProbe"),
    "windows": _probe("probes.windows.probe", "WindowsProbe"),
    "names": _probe("probes.names.probe", "NamesProbe"),
    "snmp": _probe("probes.snmp.probe", "SnmpProbe"),
    "vsphere": _probe("probes.vsphere.probe", "VsphereProbe"),
    "openstack": _probe("probes.openstack_cloud.probe", "OpenstackProbe"),
}
