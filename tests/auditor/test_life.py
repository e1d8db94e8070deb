"""The table of a finding's life, each row, and what must not happen."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.ledger.life import (
    TABLE,
    Change,
    Life,
    Reason,
    Sight,
    State,
    Step,
    dismissed,
    merged,
    next_life,
    restored,
)
from reports import words

TODAY = date(2026, 3, 1)
OPEN = Life(State.OPEN, facts_digest="a")
STALE = Life(State.OPEN, stale=True, reason=Reason.UNKNOWN, facts_digest="a")
RESOLVED = Life(State.RESOLVED, reason=Reason.MENDED, facts_digest="a")
WAIVED = Life(State.WAIVED, reason=Reason.WAIVED, facts_digest="a", waiver="W1")
DISMISSED = Life(
    State.DISMISSED, reason=Reason.DISMISSED, facts_digest="a", dismissed_until=TODAY + timedelta(days=30)
)


def step(
    present: Life | None,
    sight: Sight,
    *,
    needed: int = 2,
    on: date = TODAY,
    facts: str = "a",
    waiver: str = "",
    in_force: frozenset[str] = frozenset({"W1"}),
) -> Step:
    if sight is Sight.WAIVED:
        waiver = waiver or "W1"
    return next_life(
        present,
        sight,
        absences_needed=needed,
        on=on,
        facts_digest=facts,
        waiver=waiver,
        waivers_in_force=in_force,
    )


#: Present, verdict → published state, reason, the summary's word, whether history gets an entry.
ROWS = [
    # – / violation → open
    (None, Sight.VIOLATION, "open", Reason.SEEN, Change.NEW, True),
    (None, Sight.WAIVED, "waived", Reason.WAIVED, Change.WAIVED, True),
    # open / violation → open (confirmed again)
    (OPEN, Sight.VIOLATION, "open", Reason.SEEN, Change.STILL_OPEN, False),
    (STALE, Sight.VIOLATION, "open", Reason.SEEN, Change.STILL_OPEN, True),
    # open / compliant → resolved: mended
    (OPEN, Sight.COMPLIANT, "resolved", Reason.MENDED, Change.RESOLVED, True),
    (STALE, Sight.COMPLIANT, "resolved", Reason.MENDED, Change.RESOLVED, True),
    # open / asset absent in fully covered audits → resolved: gone, but not before the count is reached
    (OPEN, Sight.ABSENT_COVERED, "stale", Reason.ABSENT, Change.STALE, True),
    (
        Life(State.OPEN, True, Reason.ABSENT, absences=1, facts_digest="a"),
        Sight.ABSENT_COVERED,
        "resolved",
        Reason.GONE,
        Change.RESOLVED,
        True,
    ),
    # open / unknown → open, stale; never resolved
    (OPEN, Sight.UNKNOWN, "stale", Reason.UNKNOWN, Change.STALE, True),
    (STALE, Sight.UNKNOWN, "stale", Reason.UNKNOWN, Change.STALE, False),
    (OPEN, Sight.ABSENT_UNCOVERED, "stale", Reason.UNCOVERED, Change.STALE, True),
    # open / not applicable → resolved: exempt, or lapsed
    (OPEN, Sight.NOT_APPLICABLE, "resolved", Reason.EXEMPT, Change.RESOLVED, True),
    (OPEN, Sight.LAPSED, "resolved", Reason.LAPSED, Change.RESOLVED, True),
    # open / waived → waived; waiver ends → open again
    (OPEN, Sight.WAIVED, "waived", Reason.WAIVED, Change.WAIVED, True),
    (WAIVED, Sight.WAIVED, "waived", Reason.WAIVED, Change.WAIVED, False),
    (WAIVED, Sight.VIOLATION, "open", Reason.WAIVER_ENDED, Change.REOPENED, True),
    (WAIVED, Sight.COMPLIANT, "resolved", Reason.MENDED, Change.RESOLVED, True),
    (WAIVED, Sight.NOT_APPLICABLE, "resolved", Reason.EXEMPT, Change.RESOLVED, True),
    (WAIVED, Sight.UNKNOWN, "waived", Reason.WAIVED, Change.WAIVED, True),
    # dismissed until the date or until its facts change
    (DISMISSED, Sight.VIOLATION, "dismissed", Reason.DISMISSED, Change.DISMISSED, False),
    (DISMISSED, Sight.WAIVED, "dismissed", Reason.DISMISSED, Change.DISMISSED, False),
    (DISMISSED, Sight.UNKNOWN, "dismissed", Reason.DISMISSED, Change.DISMISSED, True),
    (DISMISSED, Sight.COMPLIANT, "resolved", Reason.MENDED, Change.RESOLVED, True),
    # resolved, dismissed / violation → reopened
    (RESOLVED, Sight.VIOLATION, "reopened", Reason.CAME_BACK, Change.REOPENED, True),
    (RESOLVED, Sight.WAIVED, "waived", Reason.WAIVED, Change.WAIVED, True),
    # what is resolved stays so without a violation
    *(
        (RESOLVED, sight, "resolved", Reason.MENDED, Change.UNTOUCHED, False)
        for sight in Sight
        if sight not in (Sight.VIOLATION, Sight.WAIVED)
    ),
    # a zone that was left out leaves everything as it is
    *(
        (life, Sight.NOT_ATTEMPTED, life.shown, life.reason, Change.UNTOUCHED, False)
        for life in (OPEN, STALE, WAIVED, DISMISSED)
    ),
]


@pytest.mark.parametrize(("present", "sight", "shown", "reason", "change", "is_event"), ROWS)
def test_row(present: Life | None, sight: Sight, shown: str, reason: Reason, change: Change, is_event: bool) -> None:
    result = step(present, sight)
    assert (result.after.shown, result.after.reason, result.change, result.is_event) == (
        shown,
        reason,
        change,
        is_event,
    )


def test_the_table_answers_every_sight_in_every_state() -> None:
    assert {state for state in TABLE if state is not None} == set(State)
    for state in State:
        assert set(TABLE[state]) == set(Sight)


@pytest.mark.parametrize("sight", [s for s in Sight if s not in (Sight.VIOLATION, Sight.WAIVED)])
def test_nothing_but_a_violation_begins_a_finding(sight: Sight) -> None:
    with pytest.raises(ValueError, match="does not begin"):
        step(None, sight)


def test_gone_needs_consecutive_fully_covered_audits() -> None:
    life = OPEN
    for _ in range(2):
        life = step(life, Sight.ABSENT_COVERED, needed=3).after
    assert (life.shown, life.absences) == ("stale", 2)
    # Not fully covered: neither counts nor starts the count afresh; left out: likewise.
    life = step(life, Sight.ABSENT_UNCOVERED, needed=3).after
    life = step(life, Sight.NOT_ATTEMPTED, needed=3).after
    assert (life.shown, life.absences) == ("stale", 2)
    assert step(life, Sight.ABSENT_COVERED, needed=3).after.reason is Reason.GONE


@pytest.mark.parametrize("sign", [Sight.VIOLATION, Sight.WAIVED, Sight.UNKNOWN])
def test_any_sign_of_the_asset_starts_the_count_of_absences_afresh(sign: Sight) -> None:
    once = step(OPEN, Sight.ABSENT_COVERED).after
    assert once.absences == 1
    seen = step(once, sign).after
    assert seen.absences == 0
    assert step(seen, Sight.ABSENT_COVERED).after.state is not State.RESOLVED


def test_uncovered_absence_never_resolves_however_often() -> None:
    life = OPEN
    for _ in range(50):
        life = step(life, Sight.ABSENT_UNCOVERED).after
    assert (life.shown, life.absences) == ("stale", 0)


def test_one_absence_is_enough_where_the_site_says_so() -> None:
    assert step(OPEN, Sight.ABSENT_COVERED, needed=1).after.reason is Reason.GONE


def test_reopened_is_said_until_it_is_resolved_again_and_counts() -> None:
    life = step(RESOLVED, Sight.VIOLATION).after
    again = step(life, Sight.VIOLATION)
    assert (again.after.shown, again.is_event, again.change) == ("reopened", False, Change.STILL_OPEN)
    stale = step(again.after, Sight.UNKNOWN).after
    assert stale.shown == "stale"
    assert step(stale, Sight.VIOLATION).after.shown == "reopened"
    mended = step(life, Sight.COMPLIANT).after
    assert step(mended, Sight.VIOLATION).after.reopenings == 2


def test_a_dismissal_ends_on_its_day() -> None:
    last = step(DISMISSED, Sight.VIOLATION, on=TODAY + timedelta(days=29))
    assert last.after.shown == "dismissed"
    due = step(DISMISSED, Sight.VIOLATION, on=TODAY + timedelta(days=30))
    assert (due.after.shown, due.after.reason, due.change) == ("reopened", Reason.RETEST_DUE, Change.REOPENED)
    assert due.after.dismissed_until is None


def test_a_dismissal_ends_when_its_facts_change() -> None:
    changed = step(DISMISSED, Sight.VIOLATION, facts="b")
    assert (changed.after.shown, changed.after.reason, changed.after.facts_digest) == (
        "reopened",
        Reason.FACTS_CHANGED,
        "b",
    )
    forever = Life(State.DISMISSED, reason=Reason.DISMISSED, facts_digest="a")
    assert step(forever, Sight.VIOLATION, on=date(2099, 1, 1)).after.shown == "dismissed"


def test_an_unknown_after_the_re_test_date_accuses_nobody() -> None:
    late = step(DISMISSED, Sight.UNKNOWN, on=TODAY + timedelta(days=300), facts="")
    assert late.after.shown == "dismissed"
    # And the facts that the person saw are still the ones compared.
    assert late.after.facts_digest == "a"


def test_a_waiver_that_ended_unseen_leaves_the_finding_open_but_stale() -> None:
    none: frozenset[str] = frozenset()
    for sight in (Sight.UNKNOWN, Sight.ABSENT_COVERED, Sight.ABSENT_UNCOVERED):
        result = step(WAIVED, sight, in_force=none)
        assert (result.after.shown, result.after.reason, result.after.waiver) == ("stale", Reason.WAIVER_ENDED, "")
    assert step(WAIVED, Sight.NOT_ATTEMPTED, in_force=none).after == WAIVED


def test_a_waived_finding_that_was_not_confirmed_comes_back_stale() -> None:
    unknown = step(WAIVED, Sight.UNKNOWN).after
    assert (unknown.shown, unknown.stale) == ("waived", True)
    assert step(unknown, Sight.WAIVED).after.stale is False


def test_another_waiver_is_told_in_the_history() -> None:
    result = step(WAIVED, Sight.WAIVED, waiver="W2", in_force=frozenset({"W2"}))
    assert (result.after.waiver, result.is_event) == ("W2", True)


def test_a_person_dismisses_and_restores() -> None:
    life = dismissed(STALE, TODAY)
    assert (life.shown, life.dismissed_until, life.reason) == ("dismissed", TODAY, Reason.DISMISSED)
    assert restored(life).shown == "stale"
    assert restored(dismissed(OPEN, None)).shown == "open"
    for life in (RESOLVED, DISMISSED):
        with pytest.raises(ValueError, match=life.shown):
            dismissed(life, None)
    for life in (OPEN, WAIVED, RESOLVED):
        with pytest.raises(ValueError, match=life.shown):
            restored(life)


@pytest.mark.parametrize(
    ("older", "younger", "shown"),
    [
        (RESOLVED, OPEN, "open"),
        (OPEN, RESOLVED, "open"),
        (DISMISSED, OPEN, "open"),
        (OPEN, DISMISSED, "open"),
        (WAIVED, OPEN, "open"),
        (RESOLVED, STALE, "stale"),
        (RESOLVED, WAIVED, "waived"),
        (RESOLVED, DISMISSED, "dismissed"),
        (RESOLVED, RESOLVED, "resolved"),
    ],
)
def test_a_merger_hides_nothing_that_is_open(older: Life, younger: Life, shown: str) -> None:
    assert merged(older, younger).shown == shown


def test_every_word_has_its_chinese() -> None:
    assert set(words.REASONS) == {reason.value for reason in Reason}
    lives = [OPEN, STALE, RESOLVED, WAIVED, DISMISSED, Life(State.OPEN, reopenings=1)]
    assert {life.shown for life in lives} == set(words.STATES)


SIGHTS = st.lists(st.sampled_from(list(Sight)), max_size=20)


@given(SIGHTS, st.integers(1, 4), st.booleans())
def test_a_finding_resolves_only_on_positive_evidence(sights: list[Sight], needed: int, waiver_holds: bool) -> None:
    life = step(None, Sight.VIOLATION).after
    in_force = frozenset({"W1"}) if waiver_holds else frozenset()
    absences = 0
    for sight in sights:
        before, life = life, step(life, sight, needed=needed, in_force=in_force).after
        if sight is Sight.ABSENT_COVERED:
            absences += 1
        elif sight not in (Sight.ABSENT_UNCOVERED, Sight.NOT_ATTEMPTED):
            absences = 0
        if life.state is State.RESOLVED and before.state is not State.RESOLVED:
            assert sight in (Sight.COMPLIANT, Sight.NOT_APPLICABLE, Sight.LAPSED, Sight.ABSENT_COVERED)
            assert sight is not Sight.ABSENT_COVERED or absences >= needed
            absences = 0
        if sight is Sight.NOT_ATTEMPTED:
            assert life == before
        if sight is Sight.UNKNOWN:
            assert life.state is not State.RESOLVED or before.state is State.RESOLVED
            assert life.shown not in ("open", "reopened")
        assert bool(life.waiver) == (life.state is State.WAIVED)
