"""Which value a column shows, and when it shows none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.answers import Answers, register_of
from inventories.facts import (
    COLUMNS,
    EQUALS,
    NOT_FROM_HERE,
    STRONGER_SHOWN,
    Said,
    choose,
    fits,
    ordered,
    supports,
)
from inventories.identity import code_id
from inventories.kinds import KINDS, Column, Type
from inventories.model import Conflict, Fact, Failure, Observation, Origin, SourcedFact, Strength, Submission, Value

AT = datetime(2026, 3, 2, tzinfo=UTC)
INSIDE, OUTSIDE, SAID, HINT = (
    Strength.SEEN_INSIDE,
    Strength.SEEN_OUTSIDE,
    Strength.DECLARED,
    Strength.HINTED,
)
OS, FILED = COLUMNS["host"]["os_name"], COLUMNS["system"]["mlps_filing_no"]
IPS, HOSTING = COLUMNS["host"]["ips"], COLUMNS["system"]["hosting"]


def fact(
    column: Column,
    value: Value,
    strength: Strength = OUTSIDE,
    source: str = "",
    at: datetime = AT,
    absent: bool = False,
) -> SourcedFact:
    origin = Origin.DECLARED if strength is SAID else Origin.OBSERVED
    return SourcedFact(
        column.name,
        value,
        strength,
        origin,
        source or ("registers/a.csv!2" if strength is SAID else "nmap"),
        at,
        "",
        absent,
    )


def chosen(column: Column, *facts: SourcedFact) -> tuple[Value, Conflict | None]:
    return choose(column, ordered(facts))


def test_nothing_said_is_null() -> None:
    assert chosen(OS) == (None, None)


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [(INSIDE, OUTSIDE), (INSIDE, SAID), (OUTSIDE, SAID), (INSIDE, HINT), (OUTSIDE, HINT)],
)
def test_what_was_seen_is_shown(stronger: Strength, weaker: Strength) -> None:
    value, conflict = chosen(OS, fact(OS, "openEuler", stronger), fact(OS, "CentOS", weaker))
    assert value == "openEuler"
    # Both claims are kept, but for a mere hint that was wrong.
    assert (conflict is None) is (weaker is HINT)
    if conflict is not None:
        assert (conflict.shown, len(conflict.claims)) == ("openEuler", 2)


@pytest.mark.parametrize("strength", [INSIDE, OUTSIDE, SAID, HINT])
def test_equals_that_contradict_each_other_make_null(strength: Strength) -> None:
    value, conflict = chosen(OS, fact(OS, "A", strength, "one"), fact(OS, "B", strength, "two"))
    assert value is None
    assert conflict is not None and conflict.shown is None
    assert {claim.value for claim in conflict.claims} == {"A", "B"}


def test_a_paper_and_a_hint_that_contradict_each_other_make_null() -> None:
    value, conflict = chosen(OS, fact(OS, "A", SAID), fact(OS, "B", HINT))
    assert value is None and conflict is not None
    assert chosen(OS, fact(OS, "A", SAID), fact(OS, "A", HINT)) == ("A", None)


def test_a_hint_alone_is_shown() -> None:
    assert chosen(OS, fact(OS, "A", HINT)) == ("A", None)


def test_differences_of_width_and_case_are_none() -> None:
    value, conflict = chosen(OS, fact(OS, "Ｋylin V10", SAID, "x!1"), fact(OS, "kylin v10", SAID, "y!1"))
    assert conflict is None and value in ("Ｋylin V10", "kylin v10")


@pytest.mark.parametrize(
    ("column", "said", "shown"),
    [
        ("hostname", ("web1", "web1.mz.example"), "web1.mz.example"),
        ("hostname", ("WEB1.mz.example", "web1"), "WEB1.mz.example"),
        ("hostname", ("web1", "web2.mz.example"), None),
        ("hostname", ("web1.mz.example", "web1.jt.example"), None),
        ("hostname", ("web1", "web1.mz.example", "web1.jt.example"), None),
        ("memory_mb", (7821, 8192), 8192),
        ("memory_mb", (4096, 8192), None),
        ("vendor", ("Huawei Technologies Co., Ltd.", "华为"), "Huawei Technologies Co., Ltd."),
        ("vendor", ("Huawei", "Inspur"), None),
        (
            "hardware_uuid",
            ("564d4cbc-c6a9-1969-bc4c-4d56a9c66919", "BC4C4D56-A9C6-6919-BC4C-4D56A9C66919"),
            "564d4cbc-c6a9-1969-bc4c-4d56a9c66919",
        ),
        ("hardware_uuid", ("564d4cbc-c6a9-1969-bc4c-4d56a9c66919", "无"), None),
        ("platform", ("kvm", "gov_cloud"), "gov_cloud"),
        ("platform", ("kvm", "openstack", "gov_cloud"), "gov_cloud"),
        ("platform", ("openstack", "kvm"), "openstack"),
        ("platform", ("kvm", "vsphere"), None),
        ("platform", ("gov_cloud", "public_cloud"), None),
        ("platform", ("openstack", "vsphere", "gov_cloud"), "gov_cloud"),
    ],
)
def test_what_is_put_differently_and_says_the_same(column: str, said: tuple[Value, ...], shown: Value) -> None:
    of = COLUMNS["host"][column]
    facts = ordered(fact(of, value, INSIDE, str(n), AT - timedelta(hours=n)) for n, value in enumerate(said))
    value, conflict = choose(of, facts)
    assert value == shown
    assert (conflict is None) == (shown is not None)
    if shown is not None:
        assert all(supports(of, value, one) for one in facts)
        # A register that puts it in yet another way does not disagree either.
        declared = fact(of, said[-1], SAID, "registers/hosts.csv!2")
        assert choose(of, [*facts, declared]) == (shown, None)


@pytest.mark.parametrize("strength", [INSIDE, OUTSIDE, HINT])
def test_of_what_only_papers_say_only_papers_count(strength: Strength) -> None:
    assert chosen(FILED, fact(FILED, "X-1", strength)) == (None, None)
    assert chosen(FILED, fact(FILED, "X-1", strength), fact(FILED, "Y-2", SAID)) == ("Y-2", None)


def test_lists_unite() -> None:
    value, conflict = chosen(IPS, fact(IPS, ("10.1.0.2", "10.1.0.1")), fact(IPS, ("10.1.0.3",), SAID))
    assert (value, conflict) == (("10.1.0.1", "10.1.0.2", "10.1.0.3"), None)


def test_places_of_one_system_are_one_answer_and_do_not_unite() -> None:
    one, other = fact(HOSTING, ("gov_cloud",), SAID, "a!1"), fact(HOSTING, ("own_room",), SAID, "b!1")
    value, conflict = chosen(HOSTING, one, other)
    assert value is None and conflict is not None
    both = fact(HOSTING, ("own_room", "gov_cloud"), SAID, "a!1")
    assert chosen(HOSTING, both, fact(HOSTING, ("gov_cloud", "own_room"), SAID, "b!1")) == (
        ("gov_cloud", "own_room"),
        None,
    )


def test_one_register_fills_what_another_denies() -> None:
    value, conflict = chosen(FILED, fact(FILED, "X-1", SAID, "a!1"), fact(FILED, None, SAID, "b!1", absent=True))
    assert value is None and conflict is not None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("mlps_level", "3"),
        ("mlps_level", True),
        ("mlps_level", 2.5),
        ("mlps_level", 2**63),
        ("go_live_on", "2024-01-01"),
        ("go_live_on", AT),
        ("has_data", 1),
        ("mlps_score", "90"),
        ("name", ("a",)),
        ("name", ""),
        ("status", "unknown"),
        ("hosting", ("gov_cloud", "moon")),
        ("hosting", ()),
        ("addresses", "10.1.0.1"),
    ],
)
def test_values_of_the_wrong_type_and_sentinels_are_never_shown(column: str, value: Any) -> None:
    declared = COLUMNS["system"][column]
    assert not fits(declared, value)
    assert chosen(declared, fact(declared, value, SAID)) == (None, None)


def test_what_fits() -> None:
    columns = COLUMNS["system"]
    good = {"mlps_level": 3, "mlps_score": 90, "go_live_on": date(2024, 1, 1), "has_data": False, "status": "trial"}
    assert all(fits(columns[name], value) for name, value in good.items())
    assert {column.type for kind in KINDS.values() for column in kind.columns} == set(Type)


# --- what one side cannot see ---

PUBLIC = COLUMNS["host"]["has_public_ip"]


@pytest.mark.parametrize("later", ["the API", "the machine"])
def test_a_floating_address_that_the_cloud_tells_of_stands_though_the_machine_cannot_see_it(later: str) -> None:
    """Both are read inside; neither is a stronger source."""
    early = AT - timedelta(hours=1)
    api = fact(PUBLIC, True, INSIDE, "openstack https://cloud.example", AT if later == "the API" else early)
    inside = fact(PUBLIC, False, INSIDE, "ssh", early if later == "the API" else AT)
    assert chosen(PUBLIC, api, inside) == (True, None)
    # What did not see it is no ground of what is shown.
    assert supports(PUBLIC, True, api) and not supports(PUBLIC, True, inside)


def test_what_nobody_sees_is_as_it_was() -> None:
    inside, hint = fact(PUBLIC, False, INSIDE, "ssh"), fact(PUBLIC, True, HINT)
    assert chosen(PUBLIC, inside) == chosen(PUBLIC, inside, hint) == (False, None)
    assert chosen(PUBLIC, inside, fact(PUBLIC, False, SAID))[0] is False
    assert chosen(PUBLIC) == (None, None)
    assert chosen(PUBLIC, fact(PUBLIC, True, OUTSIDE), inside) == (True, None)


def test_what_a_department_owns_up_to_is_not_denied_by_a_machine() -> None:
    own, inside = fact(PUBLIC, True, SAID), fact(PUBLIC, False, INSIDE, "ssh")
    value, conflict = chosen(PUBLIC, own, inside)
    assert value is True and conflict is not None
    assert (conflict.why, {claim.value for claim in conflict.claims}) == (NOT_FROM_HERE, {True, False})


def test_papers_on_public_addresses_are_as_good_as_ever() -> None:
    yes, no, api = fact(PUBLIC, True, SAID, "a!1"), fact(PUBLIC, False, SAID, "b!1"), fact(PUBLIC, True, INSIDE)
    value, conflict = chosen(PUBLIC, yes, no)
    assert value is None and conflict is not None and conflict.why == EQUALS
    value, conflict = chosen(PUBLIC, api, no)
    assert value is True and conflict is not None and (conflict.why, conflict.shown) == (STRONGER_SHOWN, True)


def test_other_flags_are_not_one_sided() -> None:
    physical = COLUMNS["host"]["is_physical"]
    value, conflict = chosen(physical, fact(physical, True, INSIDE, "vsphere"), fact(physical, False, INSIDE, "ssh"))
    assert value is None and conflict is not None


VALUES = st.sampled_from(["A", "B", "C"])
FACTS = st.lists(
    st.builds(
        fact,
        st.just(OS),
        VALUES,
        st.sampled_from(list(Strength)),
        st.sampled_from(["one", "two", "three"]),
        st.sampled_from([AT, AT - timedelta(days=1)]),
    ),
    max_size=6,
)


@given(FACTS, st.randoms(use_true_random=False))
def test_the_order_in_which_things_were_said_decides_nothing(facts: list[SourcedFact], luck: Any) -> None:
    shuffled = list(facts)
    luck.shuffle(shuffled)
    assert chosen(OS, *facts) == chosen(OS, *shuffled, *facts[:1])


@given(FACTS)
def test_a_value_is_never_shown_against_something_stronger_or_equal(facts: list[SourcedFact]) -> None:
    value, conflict = chosen(OS, *facts)
    if value is None:
        assert not facts or conflict is not None
        return
    best = max(f.strength for f in facts)
    assert {f.value for f in facts if f.strength == best} == {value}
    assert [f for f in facts if supports(OS, value, f)]


# --- the same collector, later ---


def observation(collector: str, source: str, at: datetime, *facts: Fact, ids: str = "A") -> Observation:
    return Observation("host", collector, source, at, (code_id("host", ids),), facts)


def test_a_newer_look_of_the_same_probe_supersedes_its_older_one() -> None:
    old = observation(
        "nmap", "nmap", AT - timedelta(hours=1), Fact("os_name", "A", OUTSIDE), Fact("arch", "x", OUTSIDE)
    )
    new = observation("nmap", "nmap", AT, Fact("os_name", "B", OUTSIDE))
    said = Said([new, old])
    assert [f.value for f in said.live["os_name"]] == ["B"]
    # What the newer look does not speak of still stands, and nothing that was said is lost.
    assert [f.value for f in said.live["arch"]] == ["x"]
    assert len(said.facts()) == 3


def test_another_probe_or_another_thing_supersedes_nothing() -> None:
    old = observation("nmap", "nmap", AT - timedelta(hours=1), Fact("os_name", "A", OUTSIDE))
    other_probe = observation("snmp", "snmp", AT, Fact("os_name", "B", OUTSIDE))
    assert len(Said([old, other_probe]).live["os_name"]) == 2
    other_address = observation("nmap", "nmap", AT, Fact("os_name", "B", OUTSIDE), ids="B")
    assert len(Said([old, other_address]).live["os_name"]) == 2


def test_a_register_supersedes_itself_and_no_other_register() -> None:
    def row(source: str, at: datetime, value: str) -> Observation:
        return observation("register", source, at, Fact("os_name", value, SAID))

    march = row("registers/hosts.csv!2", AT - timedelta(days=9), "A")
    same = row("registers/hosts.csv!2", AT, "B")
    other = row("registers/assessments.csv!2", AT, "B")
    assert [f.value for f in Said([march, same]).live["os_name"]] == ["B"]
    assert len(Said([march, other]).live["os_name"]) == 2


# --- papers ---


def approval(make: Any, *parts: object) -> tuple[Value, list[str]]:
    found = make.reconciled(make.department("mzj"), *parts)
    (system,) = [a for a in found.assets if a.kind == "system"]
    return system.get("approval_absent"), [c.column for c in system.conflicts]


def test_a_paper_is_absent_only_where_it_was_asked_for_and_answered(make: Any) -> None:
    none = make.system("S-1", "救助系统", none=("approval_no",))
    assert approval(make, none) == (None, [])
    assert approval(make, none, make.submission("systems")) == (True, [])
    assert approval(make, none, make.submission("systems", "mzj", "approval_no")) == (True, [])
    # The form was received under the column's Chinese heading.
    assert approval(make, none, make.submission("systems", "mzj", "立项批复文号")) == (True, [])
    # Asked for something else; another register; another department.
    assert approval(make, none, make.submission("systems", "mzj", "go_live_on")) == (None, [])
    assert approval(make, none, make.submission("hosts")) == (None, [])
    assert approval(make, none, make.submission("systems", "jtj")) == (None, [])


def test_a_blank_cell_is_null(make: Any) -> None:
    assert approval(make, make.system("S-1", "救助系统"), make.submission("systems")) == (None, [])


def test_a_filled_cell_is_a_paper(make: Any) -> None:
    filled = make.system("S-1", "救助系统", approval_no="运审〔2024〕1号")
    assert approval(make, filled) == (False, [])
    # One row that has the date of an approval and says 无 to its number has the approval.
    half = make.system("S-1", "救助系统", approved_on=date(2024, 1, 1), none=("approval_no",))
    assert approval(make, half, make.submission("systems")) == (False, [])


def test_one_source_fills_what_another_denies(make: Any) -> None:
    none = make.system("S-1", "救助系统", none=("mlps_filing_no",))
    filled = make.system("S-1", "救助系统", source="registers/assessments.csv!3", mlps_filing_no="1408-1")
    found = make.reconciled(make.department("mzj"), none, filled, make.submission("systems"))
    (system,) = [a for a in found.assets if a.kind == "system"]
    assert (system.get("mlps_filing_no"), system.get("mlps_filing_absent")) == (None, None)
    assert {c.column for c in system.conflicts} == {"mlps_filing_no", "mlps_filing_absent"}


def test_the_companion_says_where_it_comes_from(make: Any) -> None:
    found = make.reconciled(
        make.department("mzj"), make.system("S-1", "救助系统", none=("approval_no",)), make.submission("systems")
    )
    (system,) = [a for a in found.assets if a.kind == "system"]
    (companion,) = [f for f in system.facts if f.column == "approval_absent"]
    assert (companion.value, companion.strength, companion.origin) == (True, SAID, Origin.INFERRED)
    assert (companion.source, companion.evidence) == ("registers/systems.xlsx!S-1", "批准文号：无")
    assert supports(COLUMNS["system"]["approval_absent"], True, companion)


def test_a_register_is_told_by_its_file() -> None:
    assert register_of("registers/systems.xlsx!B7") == "systems"
    assert register_of("registers/hosts.csv!3") == "hosts"
    assert register_of("nmap") == ""
    assert register_of("site.yaml") == ""


def test_a_register_of_which_rows_were_lost_shows_no_absence() -> None:
    received = Submission("mzj", "systems", date(2026, 2, 1)), Submission("jtj", "systems", date(2026, 2, 1))

    def whole(*failures: Failure) -> list[bool]:
        answers = Answers(received, failures)
        return [answers.whole("systems", department) is not None for department in ("mzj", "jtj")]

    def failure(*scope: str, collector: str = "register") -> Failure:
        return Failure(collector, "", scope, "bad_input", "rows were refused", AT)

    assert whole() == [True, True]
    assert whole(failure("systems", "mzj")) == [False, True]
    assert whole(failure("systems")) == [False, False]
    assert whole(failure("registers/systems.xlsx")) == [False, False]
    assert whole(failure("hosts")) == [True, True]
    assert whole(failure("mzj")) == [False, True]
    assert whole(failure("10.1.0.0/24", collector="nmap")) == [True, True]
    assert Answers(received).whole("systems", "") is None


def test_a_later_submission_takes_a_nil_return_back() -> None:
    nil = Submission("mzj", "rooms", date(2026, 1, 1), nil_return=True)
    rows = Submission("mzj", "rooms", date(2026, 2, 1))
    assert Answers([nil]).nil("rooms", "mzj") == nil
    assert Answers([nil, rows]).nil("rooms", "mzj") is None
    assert Answers([rows, nil]).nil("rooms", "mzj") is None


def test_a_machine_with_a_floating_address_has_one_through_the_whole_reconciliation(make: Any) -> None:
    def said(collector: str, value: bool) -> Observation:
        seen: Observation = make.seen("10.1.0.7", collector=collector)
        return replace(seen, facts=(*seen.facts, Fact("has_public_ip", value, INSIDE)))

    for order in ((True, False), (False, True)):
        found = make.inferred(*(said("openstack" if value else "ssh", value) for value in order))
        (host,) = [a for a in found.assets if a.kind == "host"]
        assert host.get("has_public_ip") is True and not host.conflicts
