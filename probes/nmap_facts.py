"""From one host as nmap reports it to one observation: pure, and with every text made safe to show."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from inventories.faults import clean
from inventories.identity import ip_id, mac_id
from inventories.model import Fact, Observation, Strength
from inventories.places import Zone
from probes.fingerprints import Fingerprints, PortHint
from probes.nmap_command import SCRIPT
from probes.nmap_windows import windows_facts
from probes.nmap_xml import Host, Port

#: How much of a title, a name, a banner is kept.
TITLE, NAME, EVIDENCE = 120, 100, 200

#: Said beside whatever rests on a port's number alone.
BY_PORT = "按端口推断"

#: nmap's reasons for calling a host up that somebody on the way may have given in its place.
REFUSALS = frozenset({"reset", "conn-refused"})

_PAGE = SCRIPT.removesuffix(".nse")
_HOST_NAME = re.compile(r"[A-Za-z0-9*_]([A-Za-z0-9_.*-]{0,250}[A-Za-z0-9_])?")


def observe(host: Host, *, zone: Zone, at: datetime, reason: str, fingerprints: Fingerprints) -> Observation:
    """What one host that answered shows. ``at`` is UTC; ``reason`` is nmap's word for how it answered.

    A refusal alone is weak: firewalls refuse in the name of addresses behind which nothing is.
    """
    address = ip_id(host.address, zone.vantage)
    mac = mac_id(host.mac, zone.vantage) if host.mac else None
    opened = any(port.state == "open" for port in host.ports)
    sure = opened or reason not in REFUSALS
    answered = Strength.SEEN_OUTSIDE if sure else Strength.HINTED
    facts = [
        Fact("ips", (address.value,), Strength.SEEN_OUTSIDE),
        Fact("answers", True, answered, "open port" if opened else clean(reason, NAME)),
    ]
    if mac is not None:
        facts.append(Fact("macs", (mac.value,), Strength.SEEN_OUTSIDE, clean(host.mac_vendor, NAME)))
    if host.name:
        facts.append(Fact("hostname", clean(host.name, NAME), Strength.HINTED, "PTR"))
    for port in host.ports:
        if port.state == "open":
            facts += _service_facts(port, fingerprints)
    facts += windows_facts(host)
    return Observation(
        kind="host",
        collector="nmap",
        source="nmap",
        observed_at=at,
        identifiers=(address,) if mac is None else (address, mac),
        facts=tuple(dict.fromkeys(facts)),
        zone=zone.id,
    )


def _service_facts(port: Port, fingerprints: Fingerprints) -> Iterator[Fact]:
    place = f"{port.number}/{port.protocol}"
    texts = service_texts(port)
    protocol = spoken(port)
    spoke = bool(protocol)
    hint = fingerprints.hint(port.number, protocol or port.name, spoke) if port.protocol == "tcp" else None
    banner = next((text for key in ("service", "server", "banner") for text in texts[key]), "")
    if spoke:
        name = f"ssl/{protocol}" if port.tunnel == "ssl" and protocol not in ("https", "ssl") else protocol
        software = " ".join(part for part in (port.product, port.version) if part)
        header = next(iter(texts["server"]), "") if not software else ""
        shown = clean(" ".join(part for part in (place, name, software, header) if part), NAME)
        yield Fact("open_services", (shown,), Strength.SEEN_OUTSIDE, clean(banner or name, EVIDENCE))
    else:
        yield _unnamed(port, place, hint, fingerprints, banner)
    for title in texts["title"]:
        yield Fact("page_titles", (clean(title, TITLE),), Strength.SEEN_OUTSIDE, place)
    for name in tls_names(port):
        yield Fact("tls_names", (clean(name, NAME),), Strength.SEEN_OUTSIDE, place)
    yield from _products(place, texts, hint, spoke, fingerprints)


def spoken(port: Port) -> str:
    """The protocol in which a service answered, by nmap's name; the empty string where none was recognised."""
    if port.named_by == "probed" and port.name not in ("", "unknown", "tcpwrapped"):
        return port.name
    if port.tables.get(_PAGE, {}).get("status"):
        return "http"
    return "ssl" if port.tunnel == "ssl" else ""


def _unnamed(port: Port, place: str, hint: PortHint | None, fingerprints: Fingerprints, banner: str) -> Fact:
    """An open port whose service did not say what it is: the fact is the port, its name a guess."""
    row = fingerprints.ports.get(port.number)
    guess = hint.product if hint else row.name if row else port.name if port.name != "unknown" else ""
    shown = f"{place} {clean(guess, NAME)}（{BY_PORT}）" if guess else place
    said = f"没有应答服务名称；{BY_PORT}" if not banner else f"应答未能识别：{clean(banner, EVIDENCE)}"
    return Fact("open_services", (shown,), Strength.HINTED, said)


def _products(
    place: str,
    texts: Mapping[str, Sequence[str]],
    hint: PortHint | None,
    spoke: bool,
    fingerprints: Fingerprints,
) -> Iterator[Fact]:
    """Products that the service names itself, and the one that usually stands behind its port."""
    matches = fingerprints.match(texts)
    for match in matches:
        evidence = f"{place} {clean(match.words, EVIDENCE)}"
        yield Fact("products", (f"{match.category}:{match.product}",), match.strength, evidence)
    named = {match.category for match in matches if match.strength > Strength.HINTED}
    known = {match.product for match in matches}
    if hint is not None and hint.category not in named and hint.product not in known:
        why = f"端口 {place}，应答协议 {hint.speaks}" if spoke else f"仅凭端口 {place}"
        yield Fact("products", (f"{hint.category}:{hint.product}",), Strength.HINTED, f"{why}；{BY_PORT}")


def service_texts(port: Port) -> dict[str, list[str]]:
    """The texts of a service that fingerprints look at, by their names in ``products.yaml``."""
    page = port.tables.get(_PAGE, {})
    certificate = port.tables.get("ssl-cert", {})
    charset = _decoded(page.get("charset", ""), "ascii")
    software = " ".join(part for part in (port.product, port.version, port.extra) if part)
    headers = [_decoded(page.get(key, ""), charset) for key in ("server", "powered", "realm")]
    redfish = " ".join(_decoded(page.get(f"redfish.{key}", ""), "utf-8") for key in ("vendor", "product", "version"))
    texts = {
        "title": [_one_line(_decoded(page.get("title", ""), charset))],
        "server": headers,
        "service": [software if port.named_by == "probed" else ""],
        "banner": [first_answer(port.fingerprint)],
        "certificate": [_name_of(certificate, "subject")],
        "issuer": [_name_of(certificate, "issuer")],
        "device": [port.device],
        "redfish": [redfish.strip()],
    }
    return {key: [text for text in found if text] for key, found in texts.items()}


def tls_names(port: Port) -> list[str]:
    """The names that a certificate was made for: the subject's common name and the DNS names beside it."""
    certificate = port.tables.get("ssl-cert", {})
    found = [certificate.get("subject.commonName", "")]
    for key, value in certificate.items():
        if key.startswith("extensions.") and value == "X509v3 Subject Alternative Name":
            found += re.findall(r"DNS:([^,\s]+)", certificate.get(key.removesuffix("name") + "value", ""))
    return [name for name in dict.fromkeys(found) if _HOST_NAME.fullmatch(name)][:20]


def _name_of(certificate: Mapping[str, str], whose: str) -> str:
    """``CN=…, OU=…, O=…`` of a certificate's subject or issuer."""
    short = {"commonName": "CN", "organizationalUnitName": "OU", "organizationName": "O"}
    parts = [
        f"{tag}={_from_escapes(certificate[f'{whose}.{key}'])}"
        for key, tag in short.items()
        if f"{whose}.{key}" in certificate
    ]
    return ", ".join(parts)[:400]


def _from_escapes(text: str) -> str:
    """nmap writes bytes beyond ASCII as ``\\xE5``; here they are characters again."""
    raw = re.sub(rb"\\x([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), text.encode())
    return raw.decode("utf-8", "replace")


def first_answer(fingerprint: str) -> str:
    """The bytes that a service sent first, out of nmap's ``servicefp``; the empty string where there are none."""
    found = re.search(r'%r\(\w+,[0-9A-Fa-f]+,"((?:[^"\\]|\\.)*)', fingerprint)
    if not found:
        return ""
    return re.sub(r"\\(x[0-9A-Fa-f]{2}|.)", _unescaped, found[1])[:EVIDENCE]


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 3:
        return chr(int(code[1:], 16))
    return {"r": "\r", "n": "\n", "t": "\t", "0": "\0"}.get(code, code)


def _decoded(text: str, charset: str) -> str:
    """Hexadecimal bytes of a page as text: in its own character set, else UTF-8, else that of old Chinese pages."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return ""
    names = ("gb18030" if charset.lower() in ("gb2312", "gbk", "gb18030") else charset, "utf-8", "gb18030")
    for name in names:
        if name not in ("utf-8", "gb18030", "big5", "ascii", "UTF-8"):
            continue
        # A text cut in the middle of a character is still that text.
        for end in (len(raw), len(raw) - 1, len(raw) - 2, len(raw) - 3):
            try:
                return raw[: max(0, end)].decode(name)
            except UnicodeDecodeError:
                continue
    return raw.decode("latin-1")


def _one_line(text: str) -> str:
    return " ".join(html.unescape(text).split())
