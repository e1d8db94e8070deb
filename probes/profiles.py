"""How hard a zone may be probed: gentle, normal, fast.

``gentle`` is for old and fragile equipment: its rate is a hard maximum for everything that is sent, and version
detection asks one host at a time. ``normal`` suits a department's working network. ``fast`` is for a network
whose owner expects it: on sparse networks it is nearly an order of magnitude faster than nmap left to itself,
because silence is not taken for congestion.
"""

from __future__ import annotations

from collections.abc import Mapping

from probes.fingerprints import load
from probes.scope import Profile

#: Every port of ``fingerprints/ports.yaml``: the services that audits ask about, each with its source there.
DEFAULT_PORTS: tuple[int, ...] = tuple(sorted(load().ports))

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="gentle",
            max_rate=100,
            parallel=1,
            deadline_seconds=600,
            ports=DEFAULT_PORTS,
            host_timeout_seconds=900,
            version_intensity=0,
            retries=1,
            paced=True,
        ),
        Profile(
            name="normal",
            max_rate=2_000,
            parallel=4,
            deadline_seconds=600,
            ports=DEFAULT_PORTS,
            eager=True,
        ),
        Profile(
            name="fast",
            max_rate=24_000,
            parallel=16,
            deadline_seconds=300,
            ports=DEFAULT_PORTS,
            retries=1,
            eager=True,
        ),
    )
}
