"""Keys: whose word on a bundle counts, and how it is given.

Ed25519 (RFC 8032) is the default. SM2 with SM3 (GM/T 0003, GB/T 32918) is there where the machine's ``openssl`` has
it (:mod:`inventories.signing_sm2`). A public key is one line of text, ``ed25519:BASE64`` or ``sm2-sm3:BASE64``, or
PEM; a private key is a PKCS#8 PEM file of its owner's only, in which a line ``auditor-key: ID`` before the key itself
names it. A key that has no such name is called after its fingerprint.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from inventories import signing_sm2
from inventories.bundle import BundleError, Signer
from inventories.bundle_head import ALGORITHMS, KEY_ID
from inventories.signing_keys import PublicKey
from inventories.signing_sm2 import SigningError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "ALGORITHMS",
    "KeySigner",
    "Keyring",
    "NewKey",
    "PublicKey",
    "SigningError",
    "TrustedKey",
    "load_signer",
    "new_key",
]

#: More than this is no key.
MOST_BYTES = 16_384
_PEM = re.compile(r"-----BEGIN ([A-Z ]{1,40})-----[\s\S]{1,16000}?-----END \1-----")
_NAMED = re.compile(r"^auditor-key:[ \t]*(\S{1,100})[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key and what its word is good for: these zones, from the first day to the last (both included).

    Days are the site's. From the day of ``revoked`` on nothing that it signed is taken, whenever that was.
    """

    id: str
    public: PublicKey
    zones: frozenset[str]
    valid_from: date | None = None
    valid_to: date | None = None
    revoked: date | None = None


class KeySigner(Signer, Protocol):
    """A private key that signs; ``public`` is its other half."""

    @property
    def public(self) -> PublicKey: ...


class Keyring:
    """The keys that are trusted, as of one day: a :class:`~inventories.bundle.Trust`."""

    def __init__(self, keys: Iterable[TrustedKey], *, today: date) -> None:
        self._keys: dict[str, TrustedKey] = {}
        for key in keys:
            self._keys[key.id] = key
            self._keys.setdefault(key.public.own_name, key)
        self._today = today

    def find(self, key_id: str) -> TrustedKey | None:
        """By its id, or by the name of a key that nobody named."""
        return self._keys.get(key_id)

    def verify(self, key_id: str, algorithm: str, message: bytes, signature: bytes, zone: str) -> None:
        """:class:`BundleError` unless this is the signature of a key that counts for the zone today."""
        key = self._keys.get(key_id)
        if key is None:
            raise BundleError("unknown_key", f"is signed by the key {key_id!r}, which is not among the site's keys")
        if key.public.algorithm != algorithm:
            raise BundleError(
                "wrong_key", f"says {algorithm}, and the site's key {key_id!r} is {key.public.algorithm}"
            )
        if zone not in key.zones:
            raise BundleError("wrong_zone", f"is of zone {zone!r}, for which the key {key_id!r} does not count")
        if key.revoked is not None and self._today >= key.revoked:
            raise BundleError("revoked_key", f"the key {key_id!r} was revoked on {key.revoked}")
        if key.valid_from is not None and self._today < key.valid_from:
            raise BundleError("key_not_yet", f"the key {key_id!r} counts from {key.valid_from} on")
        if key.valid_to is not None and self._today > key.valid_to:
            raise BundleError("expired_key", f"the key {key_id!r} counted until {key.valid_to}")
        try:
            right = key.public.verify(message, signature)
        except SigningError as error:
            raise BundleError("cannot_verify", str(error)) from None
        if not right:
            raise BundleError("bad_signature", f"the signature is not that of the key {key_id!r} over this content")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new pair: ``private`` is PEM that begins with a line that names the key."""

    id: str
    public: PublicKey
    private: bytes = field(repr=False)


def new_key(key_id: str = "", *, algorithm: str = "ed25519") -> NewKey:
    """A new pair of keys. :class:`SigningError` where this machine has no SM2; ValueError for a bad name."""
    if key_id and not KEY_ID.fullmatch(key_id):
        raise ValueError(f"{key_id!r} is no name of a key: lower case letters, digits, '.', '_' and '-'")
    if algorithm == "sm2-sm3":
        pem = signing_sm2.new_pem()
    elif algorithm == "ed25519":
        pem = _new_ed25519()
    else:
        raise ValueError(f"unknown algorithm {algorithm!r}: one of {', '.join(ALGORITHMS)}")
    public = load_signer(pem).public
    name = key_id or public.own_name
    return NewKey(name, public, f"auditor-key: {name}\n".encode("ascii") + pem)


def load_signer(
    secret: bytes | str | Path, *, key_id: str = "", password: bytes | None = None, owner_only: bool = True
) -> KeySigner:
    """A signer from PEM, or from the file that holds it.

    ``key_id`` outranks the name that stands in the file. A file that others may read is refused, unless
    ``owner_only`` is False (systemd's credentials lie in a folder of their own). :class:`SigningError` says what is
    wrong and holds nothing of the key.
    """
    text = _text(_owned(secret, owner_only) if isinstance(secret, Path) else secret)
    found = _PEM.search(text)
    if found is None or not found[1].endswith("PRIVATE KEY"):
        raise SigningError("holds no private key in PEM")
    named = _NAMED.search(text[: found.start()])
    name = key_id or (named[1] if named else "")
    if name and not KEY_ID.fullmatch(name):
        raise SigningError("names the key as no key can be named: lower case letters, digits, '.', '_' and '-'")
    return _signer(found[0].encode("ascii", "replace"), name, password)


@dataclass(frozen=True, slots=True)
class _Ed25519:
    key_id: str
    public: PublicKey
    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        return self.public.algorithm

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


@dataclass(frozen=True, slots=True)
class _Sm2:
    key_id: str
    public: PublicKey
    _pem: bytes = field(repr=False)

    @property
    def algorithm(self) -> str:
        return self.public.algorithm

    def sign(self, message: bytes) -> bytes:
        return signing_sm2.sign(self._pem, message)


def _new_ed25519() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _signer(pem: bytes, key_id: str, password: bytes | None) -> KeySigner:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(pem, password)
    except TypeError:
        raise SigningError("needs a password" if password is None else "has no password") from None
    except UnsupportedAlgorithm:
        plain = signing_sm2.plain_pem(pem, password)
        public = PublicKey("sm2-sm3", signing_sm2.public_point(plain))
        return _Sm2(key_id or public.own_name, public, plain)
    except ValueError:
        raise SigningError("is broken, or its password is another") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError("is a key of another kind than Ed25519 or SM2")
    public = PublicKey("ed25519", key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    return _Ed25519(key_id or public.own_name, public, key)


def _owned(path: Path, owner_only: bool) -> bytes:
    """A key's file, if it is one and nobody else may read it."""
    try:
        # A pipe would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise SigningError(error.strerror or "cannot be read") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise SigningError("is no file")
    with os.fdopen(handle, "rb") as stream:
        if owner_only and about.st_mode & 0o077:
            raise SigningError(f"may be used by others than its owner (mode {about.st_mode & 0o777:03o}): chmod 600")
        return stream.read(MOST_BYTES + 1)


def _text(secret: bytes | str) -> str:
    if len(secret) > MOST_BYTES:
        raise SigningError(f"is larger than {MOST_BYTES} bytes")
    return secret.decode("ascii", "replace") if isinstance(secret, bytes) else secret
