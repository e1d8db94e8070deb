"""The small city, audited once and copied for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.auditor.cases.office import Office, small_city


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return small_city(tmp_path_factory.mktemp("city"))


@pytest.fixture
def office(audited: Office, tmp_path: Path) -> Iterator[Office]:
    made = audited.copy_to(tmp_path / "site")
    yield made
    made.close()
