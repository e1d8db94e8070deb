"""One question to a cloud, asked with patience: waits where it is told to, and follows pages to their end.

Whatever comes back is somebody else's text: it is JSON of the expected shape, or :class:`Trouble`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import requests
from keystoneauth1 import exceptions

from inventories.faults import clean
from probes.base import Context
from probes.openstack_cloud.trouble import Trouble
from probes.reach import pace

Row: TypeAlias = Mapping[str, Any]

#: How often a question is asked again, and the longest single wait (seconds) that is still worth it.
TRIES = 5
LONGEST_WAIT = 120.0
#: Rows in a page that is taken to be full, where no earlier page tells: what services give at most by default.
FULL = 1000
#: Rows in one listing; a cloud of a city has some ten thousand.
MOST_ROWS = 200_000
#: Answers that a later try may mend, by the failure's word.
_PASSING = {429: "throttled", 500: "unavailable", 502: "unavailable", 503: "unavailable", 504: "unavailable"}


class Asker:
    """Sends requests one after another, at the zone's rate, while leave lasts."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._interval = 1.0 / pace(context)
        self._last = 0.0

    def ask(self, send: Callable[[], requests.Response], what: str) -> Row:
        """The JSON object that ``send`` brings; ``what`` names the question in failures."""
        response = self.sent(send, what)
        status = response.status_code
        if status == 401:
            raise Trouble("session_expired", f"{what}: the token is refused, a fresh one too", status)
        if status == 403:
            raise Trouble("forbidden", f"{what}: the user may not see this", status)
        if 300 < status < 400:
            raise _redirected(response, what)
        if status not in (200, 203, 300):
            raise Trouble("bad_output", f"{what}: HTTP status {status}", status)
        return _object(response.content, what)

    def sent(self, send: Callable[[], requests.Response], what: str) -> requests.Response:
        """An answer that no later try would mend."""
        for attempt in range(1, TRIES + 1):
            self._turn()
            response = _answer(send, what)
            reason = _PASSING.get(response.status_code)
            if reason is None:
                return response
            told = _told(response, self.context.now())
            wait = told if told is not None else float(2 ** (attempt - 1))
            text = f"{what}: HTTP status {response.status_code}"
            if attempt == TRIES or (told is None and attempt == 3):
                raise Trouble(reason, f"{text}, {attempt} times", response.status_code)
            if wait > LONGEST_WAIT:
                raise Trouble(reason, f"{text}, and asks for {wait:.0f} s of patience", response.status_code)
            self._wait(wait, reason, text)
        raise AssertionError("the last try returns or raises")

    def pages(self, get: Callable[[Row], requests.Response], key: str, params: Row, what: str) -> Iterator[list[Row]]:
        """The rows under ``key``, page by page, each row once.

        Only the marker of a cloud's link to the next page is used, never its address. Rows that are no objects with
        an ``id`` are left out, and :class:`Trouble` says so after the last page.
        """
        seen: set[str] = set()
        markers: set[str] = set()
        query, odd, fullest, promised = dict(params), 0, FULL, True
        while True:
            body = self.ask(lambda query=query: get(query), what)  # type: ignore[misc]
            rows = body.get(key)
            if not isinstance(rows, list):
                raise Trouble("bad_output", f"{what}: the answer has no list of {key}")
            good = [row for found in rows if (row := _identified(found)) is not None]
            odd += len(rows) - len(good)
            fresh = {row["id"]: row for row in good if row["id"] not in seen}
            if not fresh and not promised:
                break
            seen.update(fresh)
            yield list(fresh.values())
            marker = _marker(body, key, good)
            promised = bool(marker)
            if promised:
                fullest = min(fullest, len(rows))
            elif good and len(rows) >= fullest:
                # A full page that promises no other one: something on the way may have lost the link.
                marker = str(good[-1]["id"])
            if not marker:
                break
            if marker in markers or not fresh:
                raise Trouble("looping", f"{what}: the pages repeat themselves after {len(seen)} rows")
            if len(seen) > MOST_ROWS:
                raise Trouble("too_much", f"{what}: more than {MOST_ROWS} rows")
            markers.add(marker)
            query = {**params, "marker": marker}
        if body.get("truncated") is True or (isinstance(body.get("links"), dict) and body["links"].get("truncated")):
            raise Trouble("too_much", f"{what}: the cloud itself cuts the list off after {len(seen)} rows")
        if odd:
            raise Trouble("bad_output", f"{what}: {odd} rows are not what they should be")

    def _turn(self) -> None:
        ahead = self._last + self._interval - time.monotonic()
        if self.context.stop.event.wait(max(0.0, ahead)):
            raise Trouble("stopped", self.context.stop.reason)
        self._last = time.monotonic()

    def _wait(self, seconds: float, reason: str, text: str) -> None:
        if self.context.now() + timedelta(seconds=seconds) >= self.context.permit.until:
            raise Trouble(reason, f"{text}, and leave to probe ends before it may be asked again")
        self.context.report(f"{text}: waits {seconds:.0f} s")
        if self.context.stop.event.wait(seconds):
            raise Trouble("stopped", self.context.stop.reason)


def _answer(send: Callable[[], requests.Response], what: str) -> requests.Response:
    """What was answered, also where keystoneauth makes an exception of it."""
    try:
        return send()
    except exceptions.HttpError as error:
        # Only logging in raises these: every other question is asked with raise_exc=False.
        if isinstance(error.response, requests.Response) and error.http_status in _PASSING:
            return error.response
        raise refused(error, what) from None
    except exceptions.ClientException as error:
        raise Trouble("bad_output", f"{what}: {type(error).__name__}") from None
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        # keystoneauth takes a token's shape for granted.
        raise Trouble("bad_output", f"{what}: the token is not what it should be") from None


def refused(error: exceptions.HttpError, what: str) -> Trouble:
    """Why no token was given."""
    if error.http_status in (401, 403):
        return Trouble("login_refused", f"{what}: the login is refused", error.http_status)
    return Trouble("bad_output", f"{what}: HTTP status {error.http_status} at the login", error.http_status)


def _object(content: bytes, what: str) -> Row:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        kind = "HTML" if content.lstrip()[:1] == b"<" else "no JSON"
        raise Trouble("bad_output", f"{what}: the answer is {kind}") from None
    if not isinstance(body, dict):
        raise Trouble("bad_output", f"{what}: the answer is no object")
    return body


def _identified(row: object) -> Row | None:
    """A row with its ``id`` as text (old novas number their hypervisors), or None where it is none."""
    if not isinstance(row, dict):
        return None
    ident = row.get("id")
    if isinstance(ident, int) and not isinstance(ident, bool):
        return {**row, "id": str(ident)}
    return row if isinstance(ident, str) and ident else None


def _redirected(response: requests.Response, what: str) -> Trouble:
    host = ""
    with suppress(ValueError):
        host = urlsplit(response.headers.get("Location", "")).netloc.rpartition("@")[2]
    here = urlsplit(response.url).netloc
    reason = "out_of_scope" if host and host != here else "bad_output"
    return Trouble(reason, f"{what}: redirected to {clean(host or here, 80)}, which is not followed", 0)


def _told(response: requests.Response, now: datetime) -> float | None:
    """Seconds of ``Retry-After``, which is a number or a date; None where it says neither."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _marker(body: Row, key: str, rows: list[Row]) -> str:
    """Where the next page begins; the empty string where none is promised."""
    links = body.get(f"{key}_links")
    hrefs = (
        [link.get("href") for link in links if isinstance(link, dict) and link.get("rel") == "next"]
        if (isinstance(links, list))
        else []
    )
    above = body.get("links")
    hrefs.append(above.get("next") if isinstance(above, dict) else None)
    hrefs.append(body.get("next"))
    for href in hrefs:
        if isinstance(href, str) and href:
            try:
                query = parse_qs(urlsplit(href).query)
            except ValueError:
                query = {}
            last = str(rows[-1]["id"]) if rows else ""
            return query.get("marker", [last])[0] or last
    return ""
