"""The table of questions: which paths are asked on which ports, and what in an answer names which platform."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inventories.documents import Document, decode_yaml, parse_yaml
from inventories.faults import Fault, Faults, did_you_mean
from inventories.kinds.host import ROLE
from inventories.model import Strength
from probes.fingerprints import CATEGORIES, Row

#: How a port speaks, in the order in which it is tried: a server of TLS refuses a plain question at once, while one
#: without TLS may wait long for the end of what it takes for a question.
SPEAKS: Mapping[str, tuple[str, ...]] = {"http": ("http",), "https": ("https",), "either": ("http", "https")}
#: The texts of a start page that a row of ``pages`` may look at.
PAGE_TEXTS = ("title", "server", "certificate", "issuer")

_PATH = re.compile(r"/[A-Za-z0-9._/-]{0,100}")


@dataclass(frozen=True, slots=True)
class Version:
    """Where an answer says a version: a JSON path, or a pattern with one group in the body or in a header."""

    json: str = ""
    body: re.Pattern[str] | None = None
    header: str = ""
    match: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One row: when all of its conditions hold, the answer names the product."""

    product: str
    category: str
    strength: Strength
    source: str
    status: tuple[int, ...] = ()
    headers: tuple[tuple[str, re.Pattern[str]], ...] = ()
    body: re.Pattern[str] | None = None
    title: re.Pattern[str] | None = None
    json: tuple[tuple[str, re.Pattern[str]], ...] = ()
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One path, the ports it is asked on, and what may come back."""

    path: str
    ports: tuple[int, ...]
    source: str
    page: bool = False
    redfish: tuple[str, ...] = ()
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """All of it. Pure and immutable. ``digest`` changes whenever what is asked or concluded does."""

    speaks: Mapping[int, tuple[str, ...]]
    asks: tuple[Ask, ...]
    pages: tuple[Row, ...]
    digest: str

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(sorted(self.speaks))

    def paths(self, port: int) -> tuple[Ask, ...]:
        """What is asked on an open port, the start page first, each path once."""
        first = Ask("/", (port,), "", page=True)
        merged: dict[str, Ask] = {"/": first}
        for ask in self.asks:
            if port in ask.ports:
                before = merged.get(ask.path, Ask(ask.path, (port,), ask.source))
                merged[ask.path] = Ask(
                    ask.path,
                    (port,),
                    ask.source,
                    before.page or ask.page,
                    before.redfish or ask.redfish,
                    before.replies + ask.replies,
                )
        return tuple(merged.values())


@functools.lru_cache(maxsize=1)
def load() -> Table:
    """The table that this program ships. Raises :class:`Faults` with every fault in it."""
    return read(Path(__file__).with_name("questions.yaml"))


def read(path: Path) -> Table:
    """Reads a table. Raises :class:`Faults`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Faults([Fault(path.name, f"cannot be read: {error.strerror or error}")]) from error
    reading = _Reading(parse_yaml(decode_yaml(raw, name=path.name), name=path.name), [])
    speaks = dict(reading.ports())
    asks = tuple(reading.asks(speaks))
    pages = tuple(reading.pages())
    if reading.faults:
        raise Faults(reading.faults)
    return Table(speaks, asks, pages, hashlib.sha256(raw).hexdigest()[:16])


class _Reading:
    """A document on its way to a table; every fault in it is gathered."""

    def __init__(self, document: Document, faults: list[Fault]) -> None:
        self.document, self.faults = document, faults

    def ports(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        for at, row in self._list("ports", {"port", "speaks", "source"}, {"port", "speaks", "source"}):
            port = row["port"]
            if type(port) is not int or not 0 < port < 65536:
                self._fault((*at, "port"), f"{port!r} is no TCP port")
            elif row["speaks"] not in SPEAKS:
                self._fault((*at, "speaks"), f"{row['speaks']!r} is not one of {', '.join(SPEAKS)}")
            else:
                yield port, SPEAKS[row["speaks"]]

    def asks(self, speaks: Mapping[int, tuple[str, ...]]) -> Iterator[Ask]:
        known = {"path", "ports", "source", "page", "redfish", "answers"}
        for at, row in self._list("questions", known, {"path", "ports", "source"}):
            path, ports = row["path"], row["ports"]
            if not isinstance(path, str) or not _PATH.fullmatch(path):
                self._fault((*at, "path"), f"{path!r} is no plain path")
                continue
            if not isinstance(ports, list) or not set(ports) <= set(speaks):
                self._fault((*at, "ports"), "names a port that is not among 'ports'")
                continue
            answers = row.get("answers", [])
            replies = [
                reply
                for i, answer in enumerate(answers if isinstance(answers, list) else [])
                if (reply := self._reply((*at, "answers", i), answer)) is not None
            ]
            redfish = tuple(str(part) for part in row.get("redfish", []))
            if not (replies or redfish or row.get("page") is True):
                self._fault(at, "asks, and concludes nothing from any answer")
            yield Ask(path, tuple(ports), str(row["source"]), row.get("page") is True, redfish, tuple(replies))

    def pages(self) -> Iterator[Row]:
        needed = {"in", "match", "product", "category", "strength", "source"}
        for at, row in self._list("pages", needed, needed):
            pattern, strength = self._pattern((*at, "match"), row["match"]), self._strength(at, row)
            if row["in"] not in PAGE_TEXTS:
                self._fault((*at, "in"), f"{row['in']!r} is not one of {', '.join(PAGE_TEXTS)}")
            elif pattern is not None and strength is not None and self._category(at, row):
                words = (str(row["product"]), str(row["category"]), strength, str(row["source"]))
                yield Row(str(row["in"]), pattern, *words)

    def _reply(self, at: tuple[str | int, ...], row: Any) -> Reply | None:
        needed = {"product", "category", "strength", "source"}
        if not self._keys(at, row, needed | {"status", "header", "body", "title", "json", "version"}, needed):
            return None
        strength = self._strength(at, row)
        if strength is None or not self._category(at, row):
            return None
        conditions = [key for key in ("header", "body", "title", "json") if key in row]
        if not conditions:
            self._fault(at, "has no condition", "a status alone names nothing")
        return Reply(
            product=str(row["product"]),
            category=str(row["category"]),
            strength=strength,
            source=str(row["source"]),
            status=tuple(row.get("status", ())),
            headers=self._patterns((*at, "header"), row.get("header", {})),
            body=self._pattern((*at, "body"), row["body"]) if "body" in row else None,
            title=self._pattern((*at, "title"), row["title"]) if "title" in row else None,
            json=self._patterns((*at, "json"), row.get("json", {})),
            version=self._version((*at, "version"), row["version"]) if "version" in row else None,
        )

    def _version(self, at: tuple[str | int, ...], row: Any) -> Version | None:
        if not self._keys(at, row, {"json", "body", "header", "match"}, set()):
            return None
        found = Version(
            json=str(row.get("json", "")),
            body=self._pattern((*at, "body"), row["body"]) if "body" in row else None,
            header=str(row.get("header", "")),
            match=self._pattern((*at, "match"), row["match"]) if "match" in row else None,
        )
        patterns = [pattern for pattern in (found.body, found.match) if pattern is not None]
        if (not found.json and not patterns) or any(pattern.groups != 1 for pattern in patterns):
            self._fault(at, "says no place for a version", "a JSON path, or a pattern with one group")
        return found

    def _patterns(self, at: tuple[str | int, ...], rows: Any) -> tuple[tuple[str, re.Pattern[str]], ...]:
        if not isinstance(rows, dict):
            self._fault(at, "is no table of patterns")
            return ()
        made = [(str(key), self._pattern((*at, key), text)) for key, text in rows.items()]
        return tuple((key, pattern) for key, pattern in made if pattern is not None)

    def _pattern(self, at: tuple[str | int, ...], text: Any) -> re.Pattern[str] | None:
        try:
            return re.compile(str(text))
        except re.error as error:
            self._fault(at, f"is no pattern: {error}")
            return None

    def _strength(self, at: tuple[str | int, ...], row: Mapping[str, Any]) -> Strength | None:
        try:
            strength = Strength.parse(str(row["strength"]))
        except ValueError as error:
            self._fault((*at, "strength"), str(error))
            return None
        if strength not in (Strength.HINTED, Strength.SEEN_OUTSIDE):
            self._fault((*at, "strength"), "from outside a platform is hinted or seen_outside")
            return None
        return strength

    def _category(self, at: tuple[str | int, ...], row: Mapping[str, Any]) -> bool:
        known = {*CATEGORIES, *ROLE}
        if row["category"] in known:
            return True
        self._fault((*at, "category"), f"unknown category {row['category']!r}", did_you_mean(row["category"], known))
        return False

    def _list(
        self, key: str, allowed: set[str], needed: set[str]
    ) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
        whole = self.document.data
        rows = whole.get(key) if isinstance(whole, dict) else None
        if not isinstance(rows, list):
            self._fault((), f"has no list {key!r}")
            return
        for i, row in enumerate(rows):
            if self._keys((key, i), row, allowed, needed):
                yield (key, i), row

    def _keys(self, at: tuple[str | int, ...], row: Any, allowed: set[str], needed: set[str]) -> bool:
        if not isinstance(row, dict):
            self._fault(at, "is no row of keys and values")
            return False
        for key in sorted(set(row) - allowed, key=str):
            self._fault((*at, key), f"unknown key {key!r}", did_you_mean(str(key), allowed))
        missing = sorted(key for key in needed if row.get(key) in (None, "", []))
        if missing:
            self._fault(at, f"lacks {', '.join(missing)}")
        return not missing and set(row) <= allowed

    def _fault(self, at: tuple[str | int, ...], what: str, mend: str = "") -> None:
        self.faults.append(self.document.fault(at, what, mend))
