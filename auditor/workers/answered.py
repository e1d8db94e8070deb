"""When a zone's workers last answered the centre, and since when they do not: a small file a zone, for metrics.

Workers are heard only while a run waits for them. Whoever waits holds the zone's lock, so one process writes at a
time. What cannot be written or read is not told: no verdict rests on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inventories.model import Collection
from reports.files import write_whole

#: Answers that come sooner after each other are noted as one.
_OFTEN = timedelta(minutes=1)
_MAX_BYTES = 4096
#: Why a shard failed that nobody took; and why one did that may have been one too many for a worker that is there.
_NOBODY, _PERHAPS = frozenset({"no_worker", "broker_refused"}), frozenset({"timed_out"})


@dataclass(frozen=True, slots=True)
class Answered:
    """``answered`` is when a worker last did, ``unanswered`` since when shards are given up because none does."""

    answered: datetime | None = None
    unanswered: datetime | None = None


class Listening:
    """Notes for one site's state folder what came of shards that workers were asked for. Several threads may."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._heard: set[str] = set()
        self._lock = threading.Lock()

    def note(self, zone: str, found: Collection, *, by_worker: bool, at: datetime) -> None:
        """What a shard came to. A run that was stopped tells nothing of its workers."""
        reasons = {failure.reason for failure in found.failures}
        with self._lock:
            if by_worker:
                self._heard.add(zone)
            elif not reasons & (_NOBODY if zone in self._heard else _NOBODY | _PERHAPS):
                return
            before = read(self._state, zone)
            after = heard(before, at) if by_worker else silent(before, at)
            if after != before:
                with contextlib.suppress(OSError):
                    _write(self._state, zone, after)


def heard(before: Answered, at: datetime) -> Answered:
    """A worker answered."""
    recent = before.answered is not None and timedelta() <= at - before.answered < _OFTEN
    return before if recent and before.unanswered is None else Answered(answered=at)


def silent(before: Answered, at: datetime) -> Answered:
    """A shard was given up unanswered."""
    return before if before.unanswered is not None else replace(before, unanswered=at)


def read(state: Path, zone: str) -> Answered:
    """What is noted of a zone; nothing where nothing readable is."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        handle = os.open(_file(state, zone), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            body = json.loads(stream.read(_MAX_BYTES))
        return Answered(_moment(body["answered"]), _moment(body["unanswered"]))
    return Answered()


def _write(state: Path, zone: str, said: Answered) -> None:
    path = _file(state, zone)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = {
        "answered": said.answered.isoformat() if said.answered else None,
        "unanswered": said.unanswered.isoformat() if said.unanswered else None,
    }
    write_whole(path, json.dumps(body).encode("ascii"))


def _file(state: Path, zone: str) -> Path:
    """``zone`` is one of the site's, so a plain word."""
    return state / "workers" / f"{zone}.json"


def _moment(said: object) -> datetime | None:
    if said is None:
        return None
    if not isinstance(said, str):
        raise ValueError("no time")
    found = datetime.fromisoformat(said)
    if found.tzinfo is None:
        raise ValueError("no time zone")
    return found.astimezone(UTC)
