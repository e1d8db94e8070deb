"""Assets as the ledgers show them: days as days, who spoke of each, and what the lists say of components."""

from __future__ import annotations

from datetime import UTC, date, datetime

from auditor.views import asset_views
from inventories.model import Asset, Origin, SourcedFact, Strength
from policies.lists.load import shipped

AT = datetime(2026, 11, 22, tzinfo=UTC)


def fact(column: str, source: str) -> SourcedFact:
    return SourcedFact(column, None, Strength.DECLARED, Origin.DECLARED, source, AT)


def test_days_stay_days_and_lists_become_lists() -> None:
    values = {"built_on": date(2024, 2, 5), "systems_housed": ("a", "b"), "area": 45.5}
    (view,) = asset_views([Asset("room", "r-1", (), values)], {})
    assert view.values == {"built_on": date(2024, 2, 5), "systems_housed": ["a", "b"], "area": 45.5}


def test_sources_are_who_spoke_of_the_thing_itself() -> None:
    facts = (
        fact("address", "registers/rooms.csv!3"),
        fact("sector", "registers/departments.csv!2"),
        fact("department_id", "site.yaml"),
        fact("hosts_physical", "nmap + registers/hosts.csv!4 + registers/hosts.csv!5"),
        fact("area", "registers/rooms.csv!3"),
    )
    (view,) = asset_views([Asset("room", "r-1", (), {}, facts)], {})
    assert view.sources == ("registers/rooms.csv!3", "nmap", "registers/hosts.csv!4", "registers/hosts.csv!5")


def test_components_carry_what_the_lists_say_on_the_day() -> None:
    cpu = Asset("component", "p-1", (), {"category": "cpu", "product": "海光 C86-4G"})
    plain = Asset("component", "p-2", (), {"category": "office", "product": "x"})
    room = Asset("room", "r-1", (), {})
    views = asset_views([cpu, cpu, plain, room], {}, shipped(), date(2026, 11, 22))
    assert views[0].values["list_status"] == "listed"
    assert views[0].values["list_valid_to"] == date(2027, 5, 19)
    assert "2024年第1号" in str(views[0].values["list_announcement"])
    assert views[1].values == views[0].values
    assert "list_status" not in views[2].values
    assert views[3].values == {}
    # Before it was announced, and without the lists, nothing is told.
    (earlier,) = asset_views([cpu], {}, shipped(), date(2024, 1, 1))
    (without,) = asset_views([cpu], {})
    assert "list_status" not in earlier.values
    assert "list_status" not in without.values
