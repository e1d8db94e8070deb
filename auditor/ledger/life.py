"""A finding's life: what becomes of it after each audit, as a table.

Pure: no store and no clock. :data:`TABLE` is read by :func:`next_life`; three conditions choose its row (the
count of absences, the end of a waiver, the end of a dismissal), and nothing else decides.

Three things are settled here that a table cannot say:

* *Absence.* Only an audit that fully covered the places where the asset could be counts toward "gone". An
  audit that did not cover them is skipped: it neither counts nor starts the count afresh. Any sign of the
  asset starts it afresh. Until the count is reached the finding is open and stale.
* *Stale* means "the last look did not confirm it". Waived and dismissed findings carry the mark too, without
  showing it, so that they come back as what they are: never orderable on old evidence.
* *A person's dismissal* is about the facts that the person saw. It ends on its date or when the facts differ,
  and in both cases only a new violation reopens the finding: an unknown accuses nobody.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date


class State(enum.StrEnum):
    """Where a finding stands. What people are shown is :attr:`Life.shown`, which also knows stale and reopened."""

    OPEN = "open"
    RESOLVED = "resolved"
    WAIVED = "waived"
    DISMISSED = "dismissed"


class Sight(enum.StrEnum):
    """What one audit can say about one finding."""

    VIOLATION = "violation"
    WAIVED = "waived"
    COMPLIANT = "compliant"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    #: The regulation's time, or the site's use of it, has ended.
    LAPSED = "lapsed"
    #: The asset is in no source, and everything that could have shown it was covered.
    ABSENT_COVERED = "absent_covered"
    #: The asset is in no source, but something that could have shown it was not covered.
    ABSENT_UNCOVERED = "absent_uncovered"
    #: The audit deliberately left the finding's zone out.
    NOT_ATTEMPTED = "not_attempted"


class Reason(enum.StrEnum):
    """Why a finding is in its state."""

    SEEN = "seen"
    MENDED = "mended"
    GONE = "gone"
    EXEMPT = "exempt"
    LAPSED = "lapsed"
    MERGED = "merged"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    UNCOVERED = "uncovered"
    WAIVED = "waived"
    WAIVER_ENDED = "waiver_ended"
    DISMISSED = "dismissed"
    RESTORED = "restored"
    CAME_BACK = "came_back"
    RETEST_DUE = "retest_due"
    FACTS_CHANGED = "facts_changed"
    #: The asset got a better key; the finding went with it.
    REKEYED = "rekeyed"
    #: The asset is another department's now.
    TRANSFERRED = "transferred"


class Change(enum.StrEnum):
    """What an audit made of a finding, in the word that the summary prints."""

    NEW = "new"
    STILL_OPEN = "still_open"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    STALE = "stale"
    WAIVED = "waived"
    DISMISSED = "dismissed"
    #: Not looked at (``--zone``), or long resolved and not seen again.
    UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True)
class Life:
    """How a finding stands.

    ``absences`` counts fully covered audits without the asset, since its last sign. ``reopenings`` counts how
    often it came back after it was resolved or dismissed. ``facts_digest`` stands for the facts it last rested
    on (those that the person saw, while dismissed). ``waiver`` is the waiver laid over it while waived.
    ``dismissed_until`` is the re-test date while dismissed; None is "until its facts change".
    """

    state: State
    stale: bool = False
    reason: Reason = Reason.SEEN
    absences: int = 0
    reopenings: int = 0
    facts_digest: str = ""
    waiver: str = ""
    dismissed_until: date | None = None

    @property
    def shown(self) -> str:
        """The state's published word: open, stale, reopened, resolved, waived or dismissed."""
        if self.state is not State.OPEN:
            return self.state.value
        if self.stale:
            return "stale"
        return "reopened" if self.reopenings else "open"


@dataclass(frozen=True, slots=True)
class Step:
    """The life after an audit, and the word for what happened. ``is_event``: history gets an entry."""

    after: Life
    change: Change
    is_event: bool


class Count(enum.Enum):
    """What a row does to the count of absences."""

    KEEP = "keep"
    AFRESH = "afresh"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Row:
    """A row's right side. None keeps what is; ``again`` counts a reopening."""

    state: State
    reason: Reason | None
    stale: bool | None = False
    absences: Count = Count.AFRESH
    again: bool = False


_STAY = Count.KEEP
_MENDED = Row(State.RESOLVED, Reason.MENDED)
_EXEMPT = Row(State.RESOLVED, Reason.EXEMPT)
_LAPSED = Row(State.RESOLVED, Reason.LAPSED)
_WAIVED = Row(State.WAIVED, Reason.WAIVED)
_GONE = Row(State.RESOLVED, Reason.GONE, absences=Count.ADD)


def _unconfirmed(
    state: State, unknown: Reason | None, absent: Reason | None, uncovered: Reason | None
) -> dict[Sight, Row]:
    """The rows of the four sights that confirm nothing; only the reasons differ between states."""
    return {
        Sight.UNKNOWN: Row(state, unknown, stale=True),
        Sight.ABSENT_COVERED: Row(state, absent, stale=True, absences=Count.ADD),
        Sight.ABSENT_UNCOVERED: Row(state, uncovered, stale=True, absences=_STAY),
        Sight.NOT_ATTEMPTED: Row(state, None, stale=None, absences=_STAY),
    }


_CLOSING = {Sight.COMPLIANT: _MENDED, Sight.NOT_APPLICABLE: _EXEMPT, Sight.LAPSED: _LAPSED}

#: Present state (None: no finding yet) → sight → what becomes. Rows that hold under a condition stand in
#: :func:`_row`.
TABLE: Mapping[State | None, Mapping[Sight, Row]] = {
    None: {
        Sight.VIOLATION: Row(State.OPEN, Reason.SEEN),
        Sight.WAIVED: _WAIVED,
    },
    State.OPEN: {
        Sight.VIOLATION: Row(State.OPEN, None),
        Sight.WAIVED: _WAIVED,
        **_CLOSING,
        **_unconfirmed(State.OPEN, Reason.UNKNOWN, Reason.ABSENT, Reason.UNCOVERED),
    },
    State.WAIVED: {
        Sight.VIOLATION: Row(State.OPEN, Reason.WAIVER_ENDED),
        Sight.WAIVED: Row(State.WAIVED, None),
        **_CLOSING,
        **_unconfirmed(State.WAIVED, None, None, None),
    },
    State.DISMISSED: {
        Sight.VIOLATION: Row(State.DISMISSED, None),
        Sight.WAIVED: Row(State.DISMISSED, None),
        **_CLOSING,
        **_unconfirmed(State.DISMISSED, None, None, None),
    },
    State.RESOLVED: {
        Sight.VIOLATION: Row(State.OPEN, Reason.CAME_BACK, again=True),
        Sight.WAIVED: Row(State.WAIVED, Reason.WAIVED, again=True),
        **{
            sight: Row(State.RESOLVED, None, stale=None, absences=_STAY)
            for sight in Sight
            if sight not in (Sight.VIOLATION, Sight.WAIVED)
        },
    },
}


def next_life(
    present: Life | None,
    sight: Sight,
    *,
    absences_needed: int,
    on: date,
    facts_digest: str = "",
    waiver: str = "",
    waivers_in_force: Collection[str] = (),
) -> Step:
    """What becomes of a finding that an audit saw as ``sight``.

    ``present`` is None where there is no finding yet; it begins with a violation or a waived one, and
    ValueError is raised for anything else. ``on`` is the audit's day. ``facts_digest`` and ``waiver`` belong
    to violations and waived ones; ``waivers_in_force`` are the ids of the waivers that hold on that day.
    """
    if present is None and sight not in TABLE[None]:
        raise ValueError(f"a finding does not begin with {sight.value}")
    row = _row(present, sight, absences_needed, on, facts_digest, waivers_in_force)
    seen = sight in (Sight.VIOLATION, Sight.WAIVED)
    before = present or Life(row.state, facts_digest=facts_digest)
    after = Life(
        state=row.state,
        stale=before.stale if row.stale is None else row.stale,
        reason=_reason(present, row),
        absences={Count.KEEP: before.absences, Count.AFRESH: 0, Count.ADD: before.absences + 1}[row.absences],
        reopenings=before.reopenings + row.again,
        facts_digest=facts_digest if seen else before.facts_digest,
        waiver=(waiver if seen else before.waiver) if row.state is State.WAIVED else "",
        dismissed_until=before.dismissed_until if row.state is State.DISMISSED else None,
    )
    return Step(after, _change(present, sight, after), present is None or _told(present) != _told(after))


def dismissed(present: Life, until: date | None) -> Life:
    """A person judged it false. ValueError where there is nothing to dismiss."""
    if present.state not in (State.OPEN, State.WAIVED):
        raise ValueError(f"it is {present.shown}")
    return replace(present, state=State.DISMISSED, reason=Reason.DISMISSED, waiver="", dismissed_until=until)


def restored(present: Life) -> Life:
    """A person takes a dismissal back: open again, and as stale as the last look left it."""
    if present.state is not State.DISMISSED:
        raise ValueError(f"it is {present.shown}")
    return replace(present, state=State.OPEN, reason=Reason.RESTORED, dismissed_until=None)


#: Which of two findings that turn out to be one tells how the other goes on.
_PRESSING = (State.OPEN, State.WAIVED, State.DISMISSED, State.RESOLVED)


def merged(older: Life, younger: Life) -> Life:
    """The life of a finding that takes in another, because their assets are one.

    Neither may hide the other: what is open stays open, whichever of the two it was. The absences start
    afresh, because the united asset was never looked for.
    """
    pressing = min((older, younger), key=lambda life: _PRESSING.index(life.state))
    return replace(pressing, absences=0, reopenings=max(older.reopenings, younger.reopenings))


def _row(
    present: Life | None,
    sight: Sight,
    absences_needed: int,
    on: date,
    facts_digest: str,
    waivers_in_force: Collection[str],
) -> Row:
    """The table's row, after the three conditions: waiver ended, dismissal ended, absent often enough."""
    if present is None:
        return TABLE[None][sight]
    if present.state is State.RESOLVED:
        return TABLE[State.RESOLVED][sight]
    if sight is Sight.ABSENT_COVERED and present.absences + 1 >= absences_needed:
        return _GONE
    if present.state is State.DISMISSED and sight in (Sight.VIOLATION, Sight.WAIVED):
        row = TABLE[State.RESOLVED][sight]
        if facts_digest != present.facts_digest:
            return replace(row, reason=Reason.FACTS_CHANGED) if sight is Sight.VIOLATION else row
        if present.dismissed_until is not None and on >= present.dismissed_until:
            return replace(row, reason=Reason.RETEST_DUE) if sight is Sight.VIOLATION else row
    row = TABLE[present.state][sight]
    ended = present.state is State.WAIVED and present.waiver not in waivers_in_force
    if ended and row.state is State.WAIVED and sight not in (Sight.WAIVED, Sight.NOT_ATTEMPTED):
        # The leave is over, and nobody has looked: open again, but not to be ordered before somebody has.
        return replace(row, state=State.OPEN, reason=Reason.WAIVER_ENDED)
    return row


def _reason(present: Life | None, row: Row) -> Reason:
    if row.reason is not None:
        return row.reason
    if present is None:
        return Reason.SEEN
    # An open finding that is confirmed keeps why it is open, unless that was "not confirmed".
    if row.state is State.OPEN and present.stale and row.stale is False:
        return Reason.SEEN
    return present.reason


def _change(present: Life | None, sight: Sight, after: Life) -> Change:
    if sight is Sight.NOT_ATTEMPTED:
        return Change.UNTOUCHED
    if after.state is State.WAIVED:
        return Change.WAIVED
    if after.state is State.DISMISSED:
        return Change.DISMISSED
    if after.state is State.RESOLVED:
        return Change.UNTOUCHED if present and present.state is State.RESOLVED else Change.RESOLVED
    if present is None:
        return Change.NEW
    if after.stale:
        return Change.STALE
    return Change.STILL_OPEN if present.state is State.OPEN else Change.REOPENED


def _told(life: Life) -> tuple[State, bool, Reason, str, int]:
    """What history must tell: a change of any of these is an event."""
    return life.state, life.stale, life.reason, life.waiver, life.reopenings
