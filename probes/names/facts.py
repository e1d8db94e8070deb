"""From what name servers and pages showed to one observation for each system. Pure; every text made safe to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from inventories.faults import clean
from inventories.model import Fact, Identifier, Observation, Strength
from probes.http_ask import Answer
from probes.http_page import TITLE, title_of
from probes.names.lookup import Lookup, Outcome
from probes.names.pages import Page

NAME, EVIDENCE = 253, 300
_SEEN = Strength.SEEN_OUTSIDE


@dataclass(frozen=True, slots=True)
class Shown:
    """What was found for one system: its names (in order), each page that was asked, and why a name was not asked."""

    identifiers: tuple[Identifier, ...]
    department_id: str
    lookups: tuple[Lookup, ...]
    pages: tuple[Page, ...]
    unasked: Mapping[str, str]


def shared_addresses(lookups: Iterable[Lookup]) -> Counter[str]:
    """How many of these names lead to each address: where nearly all do, somebody answers for every name."""
    return Counter(address for lookup in lookups for address in set(lookup.addresses))


def observe(shown: Shown, *, shared: Mapping[str, int], zone: str, at: datetime) -> Observation | None:
    """One system's observation, or None where nothing was shown. ``shared``: see :func:`shared_addresses`."""
    facts = [
        *(fact for lookup in shown.lookups for fact in _lookup_facts(lookup, shared, shown.unasked)),
        *_resolves(shown.lookups),
        *(fact for page in shown.pages for fact in _page_facts(page)),
    ]
    if not facts:
        return None
    return Observation(
        kind="system",
        collector="names",
        source="names",
        observed_at=at,
        identifiers=shown.identifiers,
        facts=tuple(dict.fromkeys(facts)),
        zone=zone,
        department_id=shown.department_id,
    )


def _lookup_facts(lookup: Lookup, shared: Mapping[str, int], unasked: Mapping[str, str]) -> Iterator[Fact]:
    by = f"名称服务器 {lookup.server} 应答"
    if lookup.outcome in (Outcome.FOUND, Outcome.NO_ADDRESS) or len(lookup.chain) > 1:
        nothing = "" if lookup.addresses else "；没有地址记录"
        yield Fact("dns_names", (_chain(lookup),), _SEEN, by + nothing)
    if lookup.addresses:
        values = tuple(f"{clean(lookup.host, NAME)} {address}" for address in lookup.addresses)
        words = [f"{_chain(lookup)} → {'、'.join(lookup.addresses[:5])}", by]
        most = max(shared.get(address, 0) for address in lookup.addresses)
        if most > 1:
            words.append(f"本批登记域名中有 {most} 个指向同一地址")
        if lookup.host in unasked:
            words.append(unasked[lookup.host])
        yield Fact("dns_addresses", values, _SEEN, clean("；".join(words), EVIDENCE))


def _resolves(lookups: Iterable[Lookup]) -> Iterator[Fact]:
    """Whether any of a system's names leads somewhere; FALSE only where the name servers deny each of them."""
    known = list(lookups)
    found = [lookup for lookup in known if lookup.outcome is Outcome.FOUND]
    denied = [lookup for lookup in known if lookup.outcome is Outcome.NO_SUCH_NAME]
    if found:
        yield Fact("resolves", True, _SEEN, clean("、".join(_chain(lookup) for lookup in found), EVIDENCE))
    elif known and len(denied) == len(known):
        said = "、".join(f"{_chain(lookup)}（{lookup.server}）" for lookup in denied)
        yield Fact("resolves", False, _SEEN, clean(f"名称服务器答复域名不存在：{said}", EVIDENCE))


def _page_facts(page: Page) -> Iterator[Fact]:
    spoken = [answer for answer in page.answers if answer.spoke]
    if spoken:
        last = spoken[-1]
        title = clean(title_of(last), TITLE)
        shown = title or f"（HTTP {last.status}，无标题）"
        yield Fact("page_titles", (f"{clean(page.url, EVIDENCE)} {shown}",), _SEEN, _said(page, last))
    for answer in page.answers:
        yield from _certificate_facts(answer)


def _certificate_facts(answer: Answer) -> Iterator[Fact]:
    certificate = answer.certificate
    if certificate is None or not certificate.names:
        return
    words = [f"{answer.question.address} {answer.question.port}/tcp", certificate.subject]
    words += [f"签发 {certificate.issuer}" if certificate.issuer else "", f"有效期 {certificate.valid}"]
    evidence = clean("；".join(word for word in words if word), EVIDENCE)
    yield Fact("tls_names", tuple(clean(name, NAME) for name in certificate.names), _SEEN, evidence)


def _said(page: Page, last: Answer) -> str:
    asked = last.question
    words = [f"{asked.address} {asked.port}/tcp HTTP {last.status}", last.header("server")]
    if len(page.answers) > 1:
        words.append(f"转到 {asked.url}")
    if page.away:
        words.append(f"要转向 {page.away}，未跟随")
    if last.certificate is not None and last.certificate.valid:
        words.append(f"证书有效期 {last.certificate.valid}")
    return clean("；".join(word for word in words if word), EVIDENCE)


def _chain(lookup: Lookup) -> str:
    return clean(" → ".join(lookup.chain or (lookup.host,)), 2 * EVIDENCE)
