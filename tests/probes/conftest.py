"""What the tests of probes share: zones, permits and a clock that stands still."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from inventories.places import Zone
from probes.scope import Permit, Profile

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

Permits = Callable[..., Permit]


@pytest.fixture
def now() -> Callable[[], datetime]:
    return lambda: NOW


@pytest.fixture
def permit_of() -> Permits:
    """``permit_of("10.0.0.0/24", zone="a", ports=(22,), parallel=2)`` → a permit until an hour from now."""

    def make(
        *prefixes: str,
        zone: str = "a",
        vantage: str = "v",
        excluded: Sequence[str] = (),
        until: datetime = NOW + timedelta(hours=1),
        **settings: object,
    ) -> Permit:
        targets = tuple(ipaddress.ip_network(prefix) for prefix in prefixes)
        profile = Profile(
            **{
                "name": "test",
                "max_rate": 10_000,
                "parallel": 2,
                "deadline_seconds": 60,
                "ports": (22, 80),
                **settings,
            }  # type: ignore[arg-type]
        )
        return Permit(
            zone=Zone(zone, "测试网", vantage, "department", targets),
            targets=targets,
            excluded=tuple(ipaddress.ip_network(prefix) for prefix in excluded),
            profile=profile,
            documents=("示例授权书",),
            until=until,
        )

    return make
