"""What one answer names: pure, with every text bounded and made safe to show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from inventories.faults import clean
from inventories.model import Strength
from probes.endpoints.table import Ask, Reply, Table, Version
from probes.fingerprints import Fingerprints
from probes.http_ask import Answer
from probes.http_page import text_of, title_of

#: How much of a name, of a version and of the words that it rests on is kept.
NAME, VERSION, EVIDENCE = 100, 40, 200
_MOST_MEMBERS = 200


@dataclass(frozen=True, slots=True)
class Named:
    """A product that an answer names: ``category:product`` as a fact has it, how well, and by which words."""

    category: str
    product: str
    strength: Strength
    evidence: str


def recognise(answer: Answer, ask: Ask, table: Table, fingerprints: Fingerprints) -> tuple[Named, ...]:
    """Everything that an answer names, the precise rows first; one product for each category and answer."""
    found: dict[str, Named] = {}
    for named in _all(answer, ask, table, fingerprints):
        before = found.get(named.category)
        if before is None or named.strength > before.strength:
            found[named.category] = named
    return tuple(found.values())


def _all(answer: Answer, ask: Ask, table: Table, fingerprints: Fingerprints) -> Iterator[Named]:
    place = f"{answer.question.port}/tcp {ask.path}"
    body = _json(answer)
    for reply in ask.replies:
        words = _fits(reply, answer, body)
        if words is not None:
            version = _version(reply.version, answer, body)
            product = f"{reply.product} {version}" if version else reply.product
            evidence = clean(f"{place} HTTP {answer.status} {words}", EVIDENCE)
            yield Named(reply.category, clean(product, NAME), reply.strength, evidence)
    if ask.redfish:
        parts = [text for path in ask.redfish for text in _texts_at(body, path)]
        if isinstance(body, dict) and "RedfishVersion" in body:
            yield from _known(place, {"redfish": [" ".join(parts)[:EVIDENCE]]}, fingerprints)
    if ask.page:
        texts = page_texts(answer)
        for row in table.pages:
            for text in texts[row.text]:
                if row.pattern.search(text):
                    yield Named(row.category, row.product, row.strength, clean(f"{place} {text}", EVIDENCE))
                    break
        yield from _known(place, texts, fingerprints)


def _known(place: str, texts: dict[str, list[str]], fingerprints: Fingerprints) -> Iterator[Named]:
    for match in fingerprints.match(texts):
        yield Named(match.category, match.product, match.strength, clean(f"{place} {match.words}", EVIDENCE))


def page_texts(answer: Answer) -> dict[str, list[str]]:
    """The texts of an answer that rows look at, by their names in ``products.yaml``."""
    certificate = answer.certificate
    headers = [answer.header(name)[:400] for name in ("server", "x-powered-by", "www-authenticate")]
    texts = {
        "title": [title_of(answer)],
        "server": headers,
        "certificate": [certificate.subject if certificate else ""],
        "issuer": [certificate.issuer if certificate else ""],
    }
    return {key: [text for text in found if text] for key, found in texts.items()}


def _fits(reply: Reply, answer: Answer, body: Any) -> str | None:
    """The words that a row rests on, or None where one of its conditions does not hold."""
    if reply.status and answer.status not in reply.status:
        return None
    words = []
    for name, pattern in reply.headers:
        if not pattern.search(answer.header(name)[:400]):
            return None
        words.append(f"{name}: {answer.header(name)}")
    for wanted, text in ((reply.title, title_of), (reply.body, text_of)):
        if wanted is not None:
            found = wanted.search(text(answer))
            if found is None:
                return None
            words.append(found[0])
    for path, pattern in reply.json:
        fitting = [text for text in _texts_at(body, path) if pattern.search(text[:EVIDENCE])]
        if not fitting:
            return None
        words.append(f"{path}={fitting[0]}")
    return " ".join(words)


def _version(place: Version | None, answer: Answer, body: Any) -> str:
    if place is None:
        return ""
    if place.json:
        return next((text for text in _texts_at(body, place.json) if text), "")[:VERSION].strip()
    if place.body is not None:
        found = place.body.search(text_of(answer))
    else:
        found = place.match.search(answer.header(place.header)[:400]) if place.match else None
    return found[1][:VERSION] if found else ""


def _json(answer: Answer) -> Any:
    """The body as JSON, or None where it is none, or was not read to its end."""
    if answer.body.lstrip()[:1] != b"{":
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _texts_at(body: Any, path: str) -> list[str]:
    """The texts at a path of keys: ``*`` is every member of a list, ``#keys`` the names of an object's keys."""
    level = [body]
    for key in path.split("."):
        if key == "*":
            level = [member for value in level if isinstance(value, list) for member in value[:_MOST_MEMBERS]]
        elif key == "#keys":
            level = [name for value in level if isinstance(value, dict) for name in list(value)[:_MOST_MEMBERS]]
        else:
            level = [value[key] for value in level if isinstance(value, dict) and key in value]
    return [str(value)[:EVIDENCE] for value in level if isinstance(value, (str, int))]
