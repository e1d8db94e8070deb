"""The story is told in a city of its own, too."""

from __future__ import annotations

from tests.auditor.city.conftest import own_network

__all__ = ["own_network"]
