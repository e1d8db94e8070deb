"""What the centre says to workers: jobs, and beats. Every message is signed; nothing in it is a secret.

::

    {"algorithm":"ed25519","body":"{…}","format":1,"id":"…","key":"…","kind":"job","signature":"…"}

The signature covers everything else, ``body`` as the text that it is. The outer form is for all formats to come: a
worker that is too old for a job's body can still tell that it is the centre's, and say so.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditor.workers.wire import WireError, decode, encode
from inventories.bundle import BundleError, Signer, Trust
from inventories.faults import clean
from inventories.places import Network
from probes.scope import Permit

#: What this program writes, and the newest that it reads.
FORMAT = 1
#: A permit of ten thousand prefixes with a few large files of known hosts lies below this.
MOST_BYTES = 8 * 1024 * 1024

_DOMAIN = b"gov-infra-auditor message signature 1\n"
_ID = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_FIELDS = {"algorithm", "body", "format", "id", "key", "kind", "signature"}


class MessageError(Exception):
    """A message that is not obeyed: ``reason`` is a short word, the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(f"{reason}: {message}")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of the centre's that a probe checks others against (known hosts, authorities): never a secret.

    ``content`` is base64; None where the centre could not read it.
    """

    path: str
    content: str | None


@dataclass(frozen=True, slots=True)
class Job:
    """One shard for a worker to look at.

    ``id`` is the same for the same shard of the same run, however often it is sent; ``nonce`` is new each time.
    ``session`` is the centre's process that waits for it. ``ordinal`` is the shard's place in the probe's plan for
    ``permit``, which holds only the logins and names of this probe. ``beside`` is how many shards of the zone run at
    once: the rate is divided by it. What was kept from before ``since`` is no answer.
    """

    id: str
    nonce: str
    site: str
    zone: str
    session: str
    probe: str
    ordinal: int
    targets: tuple[Network, ...]
    permit: Permit
    beside: int
    since: datetime
    sent_at: datetime
    not_after: datetime
    program: str
    files: tuple[Attached, ...] = ()

    @property
    def answer_id(self) -> str:
        """The id of the bundle that answers this very sending."""
        return hashlib.sha256(f"{self.id}:{self.nonce}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Beat:
    """The centre is there and waits, or (``stop``) all probing ends now.

    ``count`` rises within a session, ``at`` over all sessions. A stop with an empty ``session`` is for every job that
    was sent before it.
    """

    site: str
    zone: str
    session: str
    count: int
    at: datetime
    stop: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message whose signature is right; its body is not yet read."""

    kind: str
    id: str
    format: int
    body: str

    def job(self) -> Job:
        """Raises :class:`MessageError` (``newer_format``, ``bad_message``)."""
        job: Job = self._read(Job, "job")
        if not (_ID.fullmatch(job.id) and _ID.fullmatch(job.nonce)) or job.id != self.id:
            raise MessageError("bad_message", "the job's id is none, or not its envelope's")
        return job

    def beat(self) -> Beat:
        """Raises :class:`MessageError` (``newer_format``, ``bad_message``)."""
        beat: Beat = self._read(Beat, "beat")
        return beat

    def _read(self, kind: type[Any], name: str) -> Any:
        if self.kind != name:
            raise MessageError("bad_message", f"is a {clean(self.kind, 20)} and no {name}")
        if self.format > FORMAT:
            raise MessageError(
                "newer_format", f"is of format {self.format}, and this program reads {FORMAT}: update it"
            )
        try:
            return decode(kind, json.loads(self.body))
        except (WireError, ValueError, RecursionError) as error:
            raise MessageError("bad_message", clean(str(error), 200)) from None


def seal(message: Job | Beat, signer: Signer) -> str:
    """The message as text for the broker, pure ASCII."""
    kind, name = ("job", message.id) if isinstance(message, Job) else ("beat", message.session)
    body = json.dumps(encode(message), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return enclose(kind, name, FORMAT, body, signer)


def enclose(kind: str, name: str, number: int, body: str, signer: Signer) -> str:
    """A signed envelope of any format."""
    outer = {"algorithm": signer.algorithm, "body": body, "format": number, "id": name, "key": signer.key_id}
    outer["kind"] = kind
    signature = signer.sign(_signed(outer)).hex()
    return json.dumps({**outer, "signature": signature}, ensure_ascii=True, separators=(",", ":"))


def unseal(text: str | bytes, trust: Trust, zone: str) -> Envelope:
    """Checks size, outer form and signature, in this order. Raises :class:`MessageError`."""
    if len(text) > MOST_BYTES:
        raise MessageError("too_large", f"has {len(text)} bytes, more than {MOST_BYTES}")
    try:
        outer = json.loads(text)
    except (ValueError, RecursionError):
        raise MessageError("bad_message", "is no JSON") from None
    if not isinstance(outer, dict) or set(outer) != _FIELDS:
        raise MessageError("bad_message", "is no message of the centre's")
    number = outer.pop("format")
    if type(number) is not int or not 0 < number < 1_000_000 or not all(isinstance(v, str) for v in outer.values()):
        raise MessageError("bad_message", "is no message of the centre's")
    signature = outer.pop("signature")
    outer["format"] = number
    if not re.fullmatch(r"[0-9a-f]{2,1024}", signature) or len(signature) % 2 or not _KEY.fullmatch(outer["key"]):
        raise MessageError("bad_message", "carries no signature")
    try:
        trust.verify(outer["key"], outer["algorithm"], _signed(outer), bytes.fromhex(signature), zone)
    except BundleError as error:
        raise MessageError(error.reason, clean(error.message, 200)) from None
    return Envelope(outer["kind"], outer["id"], number, outer["body"])


def _signed(outer: dict[str, Any]) -> bytes:
    """What is signed: the purpose, then every field, none of which can be taken for a part of another."""
    return _DOMAIN + json.dumps(outer, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii")
