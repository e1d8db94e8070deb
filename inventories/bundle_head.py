"""A bundle's first three lines: what it is, what it says of itself, and who vouches for that.

::

    gov-infra-auditor bundle 1
    {"answers":"","body":{"bytes":…,"lines":…,"plain_bytes":…,"sha256":"…"},"documents":[…],…}
    {"algorithm":"ed25519","key":"mzj-carrier","signature":"…"}

Both JSON lines are canonical: sorted keys, ASCII, no spare white space, nothing twice, nothing unknown. A line that
this program would not have written itself is refused, so that no byte can change without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

FORMAT = 1
MAGIC = b"gov-infra-auditor bundle %d\n" % FORMAT
KINDS = ("look", "offline", "result")
#: The head's line is no longer than this, its end included; the signature's line neither.
HEAD_BYTES = 65_536
SIGNATURE_BYTES = 1024

#: What a signature is for, so that it can stand for nothing else.
_DOMAIN = b"gov-infra-auditor bundle signature 1\n"
_FORMATS = re.compile(rb"gov-infra-auditor bundle (\d{1,6})\n")
_ID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

_SIGNATURE = re.compile(r"[0-9a-f]{128}")
ALGORITHMS = ("ed25519", "sm2-sm3")
KEY_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")

#: Why a bundle is refused, as :class:`BundleError` says it.
REASONS: Mapping[str, str] = {
    "unreadable": "the file cannot be read",
    "not_a_file": "a link, a pipe, a device or a folder, and no file",
    "bad_format": "no bundle, or not as this program writes it",
    "newer_format": "made by a newer program",
    "too_large": "larger than is allowed",
    "truncated": "the end is missing",
    "changed_byte": "the content is not what was signed",
    "bomb": "unpacks to more than it says",
    "unsigned": "nobody vouches for it",
    "unknown_key": "signed by a key that the site does not have",
    "wrong_key": "the key's name is known, the key is another kind",
    "wrong_zone": "the key's word does not count for this zone, or there is no such zone",
    "revoked_key": "signed by a key that was revoked",
    "expired_key": "signed by a key whose time is over",
    "key_not_yet": "signed by a key whose time has not begun",
    "bad_signature": "the signature is not this key's over this content",
    "cannot_verify": "this machine cannot check such a signature",
    "foreign_site": "made for another site",
    "foreign": "says something about what is not its zone's",
    "bad_time": "says to have been seen when it cannot have been",
    "unknown_word": "uses a word that this program does not know",
    "not_authorised": "seen when nobody had allowed it",
    "replayed": "offered as what it is not, or in another's place",
}


class BundleError(Exception):
    """A bundle is refused: ``reason`` is one of :data:`REASONS`, the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(f"{reason}: {message}")


@dataclass(frozen=True, slots=True)
class Head:
    """What a bundle says of itself. Times are aware, in UTC.

    ``kind`` is one of :data:`KINDS`; ``id`` 32 hexadecimal digits, new for every bundle; ``site``, ``zone`` and
    ``vantage`` are ids of the site's configuration; ``probes`` are those that looked. Everything in it was seen
    between ``seen_from`` and ``seen_until``. ``program`` names the program and its version. ``documents`` are the
    authorisations that were in force. ``answers`` is the id of the job that this is the result of, or empty.
    ``limits`` are (probe, text): what could not be seen from where it was looked.
    """

    kind: str
    id: str
    site: str
    zone: str
    vantage: str
    probes: tuple[str, ...]
    seen_from: datetime
    seen_until: datetime
    made_at: datetime
    program: str
    documents: tuple[str, ...] = ()
    answers: str = ""
    limits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """Sizes and digest of what follows the three lines: ``bytes`` packed, ``plain_bytes`` unpacked."""

    bytes: int
    lines: int
    plain_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The third line: who signed, and how. All empty where nobody did."""

    algorithm: str = ""
    key: str = ""
    signature: bytes = b""


def message(head_line: bytes, algorithm: str, key: str) -> bytes:
    """What is signed: the purpose, who signs, the format and the head with the body's digest."""
    return b"".join((_DOMAIN, algorithm.encode("ascii"), b"\n", key.encode("ascii"), b"\n", MAGIC, head_line))


def check_magic(line: bytes) -> None:
    """:class:`BundleError` where the first line is not this format's."""
    if line == MAGIC:
        return
    found = _FORMATS.fullmatch(line)
    if found and int(found[1]) > FORMAT:
        raise BundleError("newer_format", f"is of format {int(found[1])}: this program reads {FORMAT}: update it")
    raise BundleError("bad_format", "is no bundle")


def head_line(head: Head, body: Body) -> bytes:
    """ValueError for a head that no reader would take."""
    line = _canonical(
        {
            "answers": head.answers,
            "body": {
                "bytes": body.bytes,
                "lines": body.lines,
                "plain_bytes": body.plain_bytes,
                "sha256": body.sha256,
            },
            "documents": head.documents,
            "id": head.id,
            "kind": head.kind,
            "limits": head.limits,
            "made_at": _iso(head.made_at),
            "probes": head.probes,
            "program": head.program,
            "seen_from": _iso(head.seen_from),
            "seen_until": _iso(head.seen_until),
            "site": head.site,
            "vantage": head.vantage,
            "zone": head.zone,
        }
    )
    if len(line) > HEAD_BYTES:
        raise ValueError(f"a bundle's head of {len(line)} bytes is larger than {HEAD_BYTES}")
    try:
        read_head(line)
    except BundleError as error:
        raise ValueError(error.message) from None
    return line


def read_head(line: bytes) -> tuple[Head, Body]:
    body = _object(line, "the head", 14)
    inner = _Fields(body.get("body"), "the head's body", 4)
    said = _Fields(body, "the head", 14)
    head = Head(
        kind=said.text("kind", lambda text: text in KINDS),
        id=said.text("id", _ID.fullmatch),
        site=said.text("site", SLUG.fullmatch),
        zone=said.text("zone", SLUG.fullmatch),
        vantage=said.text("vantage", SLUG.fullmatch),
        probes=said.texts("probes", SLUG.fullmatch),
        seen_from=said.time("seen_from"),
        seen_until=said.time("seen_until"),
        made_at=said.time("made_at"),
        program=said.text("program"),
        documents=said.texts("documents"),
        answers=said.text("answers", lambda text: not text or _ID.fullmatch(text)),
        limits=said.pairs("limits"),
    )
    if head.seen_from > head.seen_until:
        raise BundleError("bad_format", "the head: seen_from is after seen_until")
    return head, Body(
        inner.size("bytes"),
        inner.size("lines"),
        inner.size("plain_bytes"),
        inner.text("sha256", _SHA256.fullmatch),
    )


def seal_line(seal: Seal) -> bytes:
    line = _canonical({"algorithm": seal.algorithm, "key": seal.key, "signature": seal.signature.hex()})
    try:
        read_seal(line)
    except BundleError as error:
        raise ValueError(error.message) from None
    return line


def read_seal(line: bytes) -> Seal:
    said = _Fields(_object(line, "the signature", 3), "the signature", 3)
    algorithm = said.text("algorithm", lambda text: not text or text in ALGORITHMS)
    key = said.text("key", lambda text: not text or KEY_ID.fullmatch(text))
    signature = said.text("signature", lambda text: not text or _SIGNATURE.fullmatch(text))
    if len({bool(algorithm), bool(key), bool(signature)}) > 1:
        raise BundleError("bad_format", "the signature: is there in part")
    return Seal(algorithm, key, bytes.fromhex(signature))


def _canonical(body: object) -> bytes:
    text = json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + b"\n"


def _iso(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a bundle's times need a time zone")
    return moment.astimezone(UTC).isoformat()


def _object(line: bytes, what: str, width: int) -> dict[str, Any]:
    """The line's object, which is exactly what this program would have written."""
    try:
        body = json.loads(line, parse_constant=_refuse)
        if isinstance(body, dict) and len(body) == width and _canonical(body) == line:
            return body
    except (ValueError, RecursionError):
        pass
    raise BundleError("bad_format", f"{what} is not as this program writes it")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


class _Fields:
    """An object's fields, each of a known type; what is not named makes the width wrong."""

    def __init__(self, body: object, what: str, width: int) -> None:
        if not isinstance(body, dict) or len(body) != width:
            raise BundleError("bad_format", f"{what} has other fields than this format's")
        self._body, self._what = body, what

    def _bad(self, name: str) -> BundleError:
        return BundleError("bad_format", f"{self._what}: {name} is missing or is not as it should be")

    def text(self, name: str, fits: Callable[[str], object] = lambda _text: True) -> str:
        value = self._body.get(name)
        if not isinstance(value, str) or not fits(value):
            raise self._bad(name)
        return value

    def texts(self, name: str, fits: Callable[[str], object] = lambda _text: True) -> tuple[str, ...]:
        value = self._body.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) and fits(item) for item in value):
            raise self._bad(name)
        return tuple(value)

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        value = self._body.get(name)
        if not isinstance(value, list):
            raise self._bad(name)
        out: list[tuple[str, str]] = []
        for item in value:
            if not isinstance(item, list) or len(item) != 2 or not all(isinstance(text, str) for text in item):
                raise self._bad(name)
            out.append((item[0], item[1]))
        return tuple(out)

    def size(self, name: str) -> int:
        value = self._body.get(name)
        if type(value) is not int or not 0 <= value < 2**53:
            raise self._bad(name)
        return value

    def time(self, name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise self._bad(name) from None
        if moment.tzinfo is None or moment.isoformat() != self._body[name] or moment.utcoffset():
            raise self._bad(name)
        return moment.astimezone(UTC)
