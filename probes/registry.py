"""The probes that there are: one line each. A probe's SDK is imported inside it, never here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from probes.base import Probe
from probes.nmap_scan import NmapProbe

#: Name → what makes the probe. ``--probe`` takes these names.
PROBES: Mapping[str, Callable[[], Probe]] = {
    "nmap": NmapProbe,
}
