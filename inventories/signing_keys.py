"""Public keys: one line of text or PEM, and whether a signature is theirs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from inventories import signing_sm2
from inventories.bundle_head import ALGORITHMS

#: What stands before the key itself in a SubjectPublicKeyInfo (RFC 8410; RFC 5480 with the curve's own identifier).
_PREFIXES: Mapping[str, bytes] = {
    "ed25519": bytes.fromhex("302a300506032b6570032100"),
    "sm2-sm3": bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200"),
}
_LENGTHS: Mapping[str, int] = {"ed25519": 32, "sm2-sm3": 65}
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,1000})-----END PUBLIC KEY-----")
#: Points of low order: a signature that such a key "made" fits many messages.
_LOW_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``data`` is 32 bytes for Ed25519, and the uncompressed point (65 bytes) for SM2."""

    algorithm: str
    data: bytes

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """One line ``ALGORITHM:BASE64``, or PEM. ValueError for anything else."""
        stripped = text.strip()
        if "-----BEGIN" in stripped:
            return _from_pem(stripped)
        algorithm, _colon, packed = stripped.partition(":")
        if algorithm not in ALGORITHMS:
            raise ValueError(f"is no public key: write one such as {ALGORITHMS[0]}:BASE64, or PEM")
        return _checked(algorithm, _unbase(packed))

    def __str__(self) -> str:
        return f"{self.algorithm}:{base64.b64encode(self.data).decode('ascii')}"

    @property
    def info(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return _PREFIXES[self.algorithm] + self.data

    @property
    def pem(self) -> str:
        lines = re.findall(".{1,64}", base64.b64encode(self.info).decode("ascii"))
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over :attr:`info`, to be compared over the telephone."""
        return hashlib.sha256(self.info).hexdigest()

    @property
    def own_name(self) -> str:
        """What a key is called that nobody named."""
        return f"k-{self.fingerprint[:16]}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature (64 bytes) is this key's over the message.

        :class:`SigningError` where this machine cannot tell (no SM2).
        """
        if len(signature) != 64:
            return False
        if self.algorithm == "sm2-sm3":
            return signing_sm2.verify(self.pem, message, signature)
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.data).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def _from_pem(text: str) -> PublicKey:
    found = _PEM.fullmatch(text)
    if found is None:
        raise ValueError("holds more, or other, than one public key in PEM (BEGIN PUBLIC KEY)")
    info = _unbase("".join(found[1].split()))
    for algorithm, prefix in _PREFIXES.items():
        if info.startswith(prefix):
            return _checked(algorithm, info.removeprefix(prefix))
    raise ValueError("is a public key of another kind than Ed25519 or SM2")


def _unbase(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is no public key: its BASE64 is broken") from None


def _checked(algorithm: str, data: bytes) -> PublicKey:
    if len(data) != _LENGTHS[algorithm]:
        raise ValueError(f"is no public key: {algorithm} has {_LENGTHS[algorithm]} bytes, and this {len(data)}")
    if algorithm == "ed25519" and data in _LOW_ORDER:
        raise ValueError("is no public key: a point of low order vouches for anything")
    if algorithm == "sm2-sm3" and not signing_sm2.on_curve(data):
        raise ValueError("is no public key: the point does not lie on the curve of SM2")
    return PublicKey(algorithm, data)
