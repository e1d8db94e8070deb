"""Estimates are honest about their bounds and need no packet."""

from __future__ import annotations

from collections.abc import Callable

from probes.estimate import seconds
from probes.scope import Permit


def test_bounds_grow_with_addresses_and_shrink_with_the_rate(permit_of: Callable[..., Permit]) -> None:
    small, large = seconds(permit_of("10.0.0.0/24", max_rate=100)), seconds(permit_of("10.0.0.0/22", max_rate=100))
    assert small[0] <= small[1]
    assert small < large
    assert seconds(permit_of("10.0.0.0/22", max_rate=1000)) < large
    assert seconds(permit_of("10.0.0.0/22", max_rate=100, paced=True)) > large


def test_loopback_needs_no_discovery_and_nothing_takes_no_time(permit_of: Callable[..., Permit]) -> None:
    assert seconds(permit_of("127.9.0.0/24", max_rate=100))[0] < seconds(permit_of("10.9.0.0/24", max_rate=100))[0]
    assert seconds(permit_of("10.0.0.1/32", max_rate=1_000_000)) == (1, 1)


def test_the_measured_sparse_network_lies_within_its_estimate(permit_of: Callable[..., Permit]) -> None:
    # 4,096 addresses, 5 % live, 16 ports at 24,000 a second took 4.0 s: benchmarks/scan.py.
    least, most = seconds(
        permit_of("10.9.0.0/20", ports=tuple(range(1, 17)), max_rate=24_000, parallel=16, retries=1)
    )
    assert least <= 4 <= most
