"""What people ask of a scheduler that runs elsewhere: pauses, and runs now. Plain files, so that no ledger is needed.

A pause is a file that is there: one that is torn or empty still pauses, since not looking does no harm. A request is
taken away before it is carried out, so that it is never carried out twice, and answered in a file of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.schedule.logs import private
from inventories.faults import clean
from reports.files import write_whole

#: No zone's id begins so.
EVERYTHING = "_everything"
#: A request that nobody took is none any more: who asked has gone.
LASTS = timedelta(minutes=2)
_ANSWERS_LAST = timedelta(hours=1)
_ID = re.compile(r"[0-9a-f]{32}")
_ZONE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}|" + EVERYTHING)
_MAX_BYTES = 8192
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Pause:
    """``zone`` is :data:`EVERYTHING` for the whole schedule. ``since`` is None where the file does not tell."""

    zone: str
    since: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Request:
    """A person's wish for a run now; no probes: all that the zone gives."""

    id: str
    zone: str
    probes: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    started: bool
    message: str
    log: str = ""


class Desk:
    """The files under a site's ``state/schedule``. OSError where they cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paused, self._requests = folder / "paused", folder / "requests"
        self._answers = folder / "answers"

    # --- pauses

    def pause(self, zone: str, *, at: datetime, reason: str = "") -> None:
        private(self._paused)
        body = {"since": at.isoformat(timespec="seconds"), "reason": clean(reason, 300)}
        write_whole(self.file(zone), json.dumps(body, ensure_ascii=False).encode())

    def resume(self, zone: str) -> bool:
        """Whether there was a pause to end."""
        try:
            self.file(zone).unlink()
        except FileNotFoundError:
            return False
        return True

    def pauses(self) -> tuple[Pause, ...]:
        """OSError where the folder is there and cannot be read: the caller pauses."""
        names = sorted(entry.name for entry in _entries(self._paused) if _ZONE.fullmatch(entry.name))
        return tuple(Pause(name, *self._told(self._paused / name)) for name in names)

    def file(self, zone: str) -> Path:
        """The file that is a zone's pause."""
        return self._paused / zone

    def _told(self, path: Path) -> tuple[datetime | None, str]:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            body = _read(path)
            return _moment(body["since"]), clean(str(body.get("reason", "")), 300)
        return None, ""

    # --- runs now

    def ask(self, zone: str, probes: tuple[str, ...], *, at: datetime) -> Request:
        private(self._requests)
        request = Request(secrets.token_hex(16), zone, probes, at)
        body = {"zone": zone, "probes": list(probes), "at": at.isoformat()}
        write_whole(self._requests / f"{request.id}.json", json.dumps(body).encode())
        return request

    def take(self, now: datetime) -> tuple[Request, ...]:
        """The requests that are waiting, oldest first; each is handed out once. What is none is taken away."""
        found = []
        for entry in _entries(self._requests)[:_MOST]:
            name = entry.name.removesuffix(".json")
            if not _ID.fullmatch(name):
                continue
            request = None
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                request = _request(name, _read(entry))
            with contextlib.suppress(FileNotFoundError):
                entry.unlink()
            if request is not None and abs(now - request.at) <= LASTS:
                found.append(request)
        return tuple(sorted(found, key=lambda request: (request.at, request.id)))

    def withdraw(self, request: Request) -> bool:
        """Whether nobody had taken it."""
        try:
            (self._requests / f"{request.id}.json").unlink()
        except FileNotFoundError:
            return False
        return True

    def answer(self, request: Request, answer: Answer) -> None:
        private(self._answers)
        body = {"started": answer.started, "message": clean(answer.message, 500), "log": clean(answer.log, 500)}
        write_whole(self._answers / f"{request.id}.json", json.dumps(body, ensure_ascii=False).encode())

    def wait(self, request: Request, seconds: float) -> Answer | None:
        """The answer, or None where none came in that time."""
        path, until = self._answers / f"{request.id}.json", time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                body = _read(path)
                path.unlink(missing_ok=True)
                return Answer(body["started"] is True, clean(str(body["message"]), 500), clean(str(body["log"]), 500))
            if time.monotonic() >= until:
                return None
            time.sleep(0.05)

    def tidy(self, now: datetime) -> None:
        """Takes answers away that nobody fetched."""
        for entry in _entries(self._answers):
            with contextlib.suppress(OSError):
                if now.timestamp() - entry.lstat().st_mtime > _ANSWERS_LAST.total_seconds():
                    entry.unlink()


def _request(name: str, body: dict[str, object]) -> Request:
    zone, probes = body["zone"], body["probes"]
    if not isinstance(zone, str) or not isinstance(probes, list) or len(probes) > 50:
        raise ValueError("no request")
    if not _ZONE.fullmatch(zone) or not all(isinstance(probe, str) for probe in probes):
        raise ValueError("no request")
    return Request(name, zone, tuple(probes), _moment(body["at"]))


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("no time")
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("no time zone")
    return found.astimezone(UTC)


def _read(path: Path) -> dict[str, object]:
    """A small file's JSON object; no link is followed, and nothing is waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        body = json.loads(stream.read(_MAX_BYTES))
    if not isinstance(body, dict):
        raise ValueError("no object")
    return body


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
