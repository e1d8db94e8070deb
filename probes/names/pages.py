"""One declared page, asked once at one checked address; redirects only on the same name, at the same address."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from probes.http_ask import DEFAULT_PORTS, Answer, Asker, Question
from probes.http_page import refresh_of
from probes.names.hosts import plain_host

#: How often a page may send on.
MOST_HOPS = 3

_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Place:
    """What is asked: a URL as a register gives it. ``scheme`` empty: HTTPS, then HTTP. ``wire``: the host in DNS."""

    host: str
    wire: str
    port: int
    scheme: str
    path: str

    @property
    def tries(self) -> tuple[tuple[str, int], ...]:
        """Scheme and port of each try; a later one only where an earlier gave no answer in HTTP."""
        schemes = (self.scheme,) if self.scheme else ("https", "http")
        return tuple((scheme, self.port or DEFAULT_PORTS[scheme]) for scheme in schemes)

    def url(self, scheme: str, port: int) -> str:
        """As the register writes the host."""
        return Question(self.host, port, scheme, path=self.path).url


@dataclass(frozen=True, slots=True)
class Page:
    """What a place answered. ``answers`` are the hops, the last one last; ``away`` is where it wanted to send on.

    ``away`` has no query: what stands there may be somebody's token.
    """

    place: Place
    url: str
    answers: tuple[Answer, ...]
    away: str = ""

    @property
    def last(self) -> Answer:
        return self.answers[-1]


async def read_page(asker: Asker, place: Place, address: str) -> Page:
    """Asks a place at an address that was checked before. Never raises for what the world does."""
    page = None
    for scheme, port in place.tries:
        page = await _follow(asker, place, place.url(scheme, port), _question(place, address, scheme, port))
        if page.answers[0].spoke:
            break
    if page is None:
        raise ValueError("a place without a scheme has two tries, and one with a scheme has one")
    return page


def _question(place: Place, address: str, scheme: str, port: int) -> Question:
    host = "" if place.wire == address else place.wire
    return Question(address, port, scheme, host, _path(place.path))


async def _follow(asker: Asker, place: Place, url: str, question: Question) -> Page:
    answers = [await asker.ask(question)]
    while len(answers) <= MOST_HOPS:
        target = _target(answers[-1])
        if not target:
            return Page(place, url, tuple(answers))
        onward = _onward(answers[-1].question, target, place)
        if onward is None or onward in [answer.question for answer in answers]:
            return Page(place, url, tuple(answers), _shown(target))
        answers.append(await asker.ask(onward))
    return Page(place, url, tuple(answers), _shown(_target(answers[-1])))


def _shown(target: str) -> str:
    return target.partition("?")[0].partition("#")[0][:300]


def _target(answer: Answer) -> str:
    """Where an answer sends on: its Location header, or the refresh of its page."""
    if answer.status in _REDIRECTS:
        return answer.header("location")[:2048]
    return refresh_of(answer) if answer.status == 200 else ""


def _onward(asked: Question, target: str, place: Place) -> Question | None:
    """The next question, or None where it would lead to another name, or to a port that nobody named."""
    try:
        parts = urlsplit(urljoin(f"{asked.scheme}://{asked.authority}{asked.path}", target))
        host, port = plain_host(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or host not in (place.host, place.wire):
        return None
    port = port or DEFAULT_PORTS[parts.scheme]
    if port not in (asked.port, DEFAULT_PORTS[parts.scheme]):
        return None
    return Question(asked.address, port, parts.scheme, asked.host, _path(parts.path))


def _path(path: str) -> str:
    """A path for the wire: what a browser would send of it, cut where it is too long."""
    return quote(path.encode("utf-8", "replace"), safe="/%=+-_.~:@!$'()*,;")[:1024] or "/"
