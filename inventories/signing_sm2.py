"""SM2 signatures with SM3, by the machine's own ``openssl`` program (3.0 or later, where it was built with SM2).

GM/T 0003.2—2012 (GB/T 32918.2—2016) with the curve of part 5. The signer's distinguishing id is the default of
GM/T 0009—2012, ``1234567812345678``: RFC 8998 has another for TLS, and nothing here is TLS. The ``cryptography``
package has no SM2. Keys are handed over in memory, as a file that has no name; nothing secret stands in an argument.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from inventories.faults import clean

#: GM/T 0009—2012, 10: the id where nothing else was agreed on.
USER_ID = "1234567812345678"
#: The curve of GM/T 0003.5—2012: y² = x³ + ax + b modulo P, with a group of order N.
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123

_SECONDS = 30
_SIGNING = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{USER_ID}")


class SigningError(ValueError):
    """A key cannot be used, or this machine cannot sign or check so. The text holds nothing of a key."""


@cache
def why_not() -> str:
    """Why this machine has no SM2 with SM3; empty where it has."""
    if shutil.which("openssl") is None:
        return "there is no openssl program: apt-get install openssl"
    try:
        pem = _openssl("genpkey", "-algorithm", "SM2")
        sign(pem, b"")
    except SigningError as error:
        return f"this machine's openssl has no SM2 with SM3: {error}"
    return ""


def new_pem() -> bytes:
    """A new private key, PKCS#8 PEM without a password."""
    if reason := why_not():
        raise SigningError(reason)
    return _openssl("genpkey", "-algorithm", "SM2")


def plain_pem(pem: bytes, password: bytes | None) -> bytes:
    """The key without its password. :class:`SigningError` where the password is another, or the key is no SM2 key."""
    with _handed(pem) as key, _handed((password or b"") + b"\n") as word:
        return _openssl("pkey", "-in", key.name, "-passin", f"fd:{word.number}", files=(key, word))


def public_point(pem: bytes) -> bytes:
    """The public key of a private one: 65 bytes, uncompressed."""
    with _handed(pem) as key:
        info = _openssl("pkey", "-in", key.name, "-pubout", "-outform", "DER", files=(key,))
    point = info[-65:]
    if b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d" not in info or not on_curve(point):
        raise SigningError("is a key of another kind than Ed25519 or SM2")
    return point


def on_curve(point: bytes) -> bool:
    """Whether 65 bytes are an uncompressed point of the curve."""
    if len(point) != 65 or point[0] != 4:
        return False
    x, y = int.from_bytes(point[1:33]), int.from_bytes(point[33:])
    return x < P and y < P and (y * y - (x * x * x + A * x + B)) % P == 0


def sign(pem: bytes, message: bytes) -> bytes:
    """r and s, 32 bytes each, big-endian. :class:`SigningError` where openssl does not do it."""
    with _handed(pem) as key:
        der = _openssl("pkeyutl", "-sign", *_SIGNING, "-inkey", key.name, said=message, files=(key,))
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(der)
    return r.to_bytes(32) + s.to_bytes(32)


def verify(public_pem: str, message: bytes, signature: bytes) -> bool:
    """Whether 64 bytes are this key's signature. :class:`SigningError` where this machine cannot tell."""
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if len(signature) != 64 or not (0 < r < N and 0 < s < N):
        return False
    if reason := why_not():
        raise SigningError(reason)
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    with _handed(public_pem.encode("ascii")) as key, _handed(encode_dss_signature(r, s)) as given:
        asked = ("pkeyutl", "-verify", *_SIGNING, "-pubin", "-inkey", key.name, "-sigfile", given.name)
        done = _run(asked, message, (key, given))
    if done.returncode == 0:
        return True
    if b"Verification Failure" in done.stdout:
        return False
    raise SigningError(_said(done))


class _File:
    """A file in memory that a child finds under a name of its own."""

    def __init__(self, number: int) -> None:
        self.number, self.name = number, f"/dev/fd/{number}"


@contextmanager
def _handed(content: bytes) -> Iterator[_File]:
    number = os.memfd_create("handed", os.MFD_CLOEXEC)
    try:
        os.write(number, content)
        os.lseek(number, 0, os.SEEK_SET)
        yield _File(number)
    finally:
        os.close(number)


def _openssl(*arguments: str, said: bytes = b"", files: Sequence[_File] = ()) -> bytes:
    done = _run(arguments, said, files)
    if done.returncode != 0:
        raise SigningError(_said(done))
    return done.stdout


def _run(arguments: Sequence[str], said: bytes, files: Sequence[_File]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["openssl", *arguments],
            input=said,
            capture_output=True,
            timeout=_SECONDS,
            pass_fds=[file.number for file in files],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            check=False,
        )
    except OSError as error:
        raise SigningError(f"openssl: {error.strerror or 'cannot be started'}") from None
    except subprocess.TimeoutExpired:
        raise SigningError(f"openssl did not answer within {_SECONDS} seconds") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    words = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
    return "openssl: " + (clean(words[0], 200) if words else f"ended with status {done.returncode}")
