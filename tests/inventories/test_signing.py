"""Keys: what they sign is theirs alone, what they are never shows, and when they count."""

from __future__ import annotations

import os
import subprocess
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from inventories import signing_sm2
from inventories.bundle import BundleError
from inventories.signing import ALGORITHMS, Keyring, PublicKey, SigningError, TrustedKey, load_signer, new_key

TODAY = date(2026, 11, 2)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_new_pair_signs_and_is_checked(algorithm: str) -> None:
    made = new_key("mzj-carrier", algorithm=algorithm)
    signer = load_signer(made.private)
    assert (signer.key_id, signer.algorithm, signer.public) == ("mzj-carrier", algorithm, made.public)
    signature = signer.sign(b"words")
    assert len(signature) == 64
    assert made.public.verify(b"words", signature)
    assert not made.public.verify(b"other words", signature)
    assert not made.public.verify(b"words", signature[:-1])
    assert not made.public.verify(b"words", bytes(64)) and not made.public.verify(b"words", b"\xff" * 64)
    for at in range(64):
        assert algorithm != "ed25519" or not made.public.verify(
            b"words", signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_public_keys_are_read_as_they_are_written(algorithm: str) -> None:
    public = new_key(algorithm=algorithm).public
    assert PublicKey.parse(f"  {public}\n") == PublicKey.parse(public.pem) == public
    told = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.pem.encode(), capture_output=True, check=True
    )
    assert told.stdout == public.info


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_of_a_private_key_shows(algorithm: str) -> None:
    made = new_key(algorithm=algorithm)
    inner = made.private.split(b"-----")[2].split()
    shown = repr(made) + repr(load_signer(made.private)) + str(load_signer(made.private))
    assert not any(line.decode() in shown for line in inner)


# --- SM2 ----------------------------------------------------------------------------------------------------

# The example of GM/T 0003.5—2012, annex A.2 (GB/T 32918.5—2017): message, id 1234567812345678, key, signature.
SM2_MESSAGE = b"message digest"
SM2_PRIVATE = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
SM2_PUBLIC = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
SM2_SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)


def test_the_published_example_of_sm2_is_checked() -> None:
    public = PublicKey("sm2-sm3", SM2_PUBLIC)
    assert PublicKey.parse(str(public)) == public
    assert public.verify(SM2_MESSAGE, SM2_SIGNATURE)
    assert not public.verify(b"message digesT", SM2_SIGNATURE)
    for at in (0, 31, 32, 63):
        assert not public.verify(
            SM2_MESSAGE, SM2_SIGNATURE[:at] + bytes([SM2_SIGNATURE[at] ^ 1]) + SM2_SIGNATURE[at + 1 :]
        )


def test_the_published_key_signs_for_its_public_half() -> None:
    """PKCS#8 around the example's private key, as RFC 5958 has it, without its public half."""
    inner = bytes.fromhex("30250201010420") + SM2_PRIVATE.to_bytes(32)
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
    whole = b"\x02\x01\x00" + algorithm + b"\x04" + bytes([len(inner)]) + inner
    der = b"\x30" + bytes([len(whole)]) + whole
    pem = subprocess.run(["openssl", "pkey", "-inform", "DER"], input=der, capture_output=True, check=True).stdout
    signer = load_signer(pem)
    assert signer.public.data == SM2_PUBLIC
    assert PublicKey("sm2-sm3", SM2_PUBLIC).verify(b"words", signer.sign(b"words"))


def test_numbers_outside_the_group_are_no_signature() -> None:
    public = PublicKey("sm2-sm3", SM2_PUBLIC)
    for r, s in ((0, 1), (1, 0), (signing_sm2.N, 1), (1, signing_sm2.N), (2**256 - 1, 1)):
        assert not public.verify(SM2_MESSAGE, r.to_bytes(32) + s.to_bytes(32))


def test_points_off_the_curve_are_no_keys() -> None:
    moved = SM2_PUBLIC[:-1] + bytes([SM2_PUBLIC[-1] ^ 1])
    with pytest.raises(ValueError, match="does not lie on the curve"):
        PublicKey.parse(str(PublicKey("sm2-sm3", moved)))


def test_a_machine_without_sm2_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = new_key(algorithm="sm2-sm3")
    signature = load_signer(made.private).sign(b"words")
    trusted = TrustedKey("x", made.public, frozenset({"z"}))
    signing_sm2.why_not.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        assert "openssl" in signing_sm2.why_not()
        with pytest.raises(SigningError, match="no openssl program"):
            new_key(algorithm="sm2-sm3")
        with pytest.raises(BundleError, match="cannot_verify"):
            Keyring([trusted], today=TODAY).verify("x", "sm2-sm3", b"words", signature, "z")
        signing_sm2.why_not.cache_clear()
        (tmp_path / "openssl").write_text("#!/bin/sh\necho 'no such algorithm' >&2\nexit 1\n")
        (tmp_path / "openssl").chmod(0o755)
        assert signing_sm2.why_not() == "this machine's openssl has no SM2 with SM3: openssl: no such algorithm"
    finally:
        signing_sm2.why_not.cache_clear()


def test_no_secret_stands_in_an_argument_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """openssl is told names of files only, and these have no name on any disk."""
    signer = load_signer(new_key(algorithm="sm2-sm3").private)
    real = subprocess.run(["which", "openssl"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "openssl").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\nexec {real} "$@"\n')
    (tmp_path / "openssl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    signer.sign(b"words")
    said = (tmp_path / "said").read_text()
    assert said.startswith("pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:1234567812345678 -inkey /dev/fd/")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["openssl", "said"]


# --- files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_bytes(new_key("x").private)
    file.chmod(mode)
    with pytest.raises(SigningError, match="chmod 600"):
        load_signer(file)
    assert load_signer(file, owner_only=False).key_id == "x"
    file.chmod(0o400)
    assert load_signer(file).key_id == "x"


def test_files_that_hold_no_key_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 20_000)
    (tmp_path / "empty").write_bytes(b"")
    for path in tmp_path.iterdir():
        path.chmod(0o600)
    for name in ("pipe", "large", "empty", "nothing", "."):
        with pytest.raises(SigningError):
            load_signer(tmp_path / name)


def test_keys_of_other_kinds_are_refused() -> None:
    keys = (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1()))
    for key in keys:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(SigningError, match="another kind"):
            load_signer(pem)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(ValueError, match=r"another kind|no public key"):
            PublicKey.parse(public.decode())


def test_a_key_with_a_password() -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret words"))
    assert load_signer(pem, password=b"secret words").sign(b"x") == key.sign(b"x")
    for password in (None, b"other words"):
        with pytest.raises(SigningError) as caught:
            load_signer(pem, password=password)
        assert "words" not in str(caught.value)


def test_an_sm2_key_with_a_password() -> None:
    made = new_key(algorithm="sm2-sm3")
    sealed = subprocess.run(
        ["openssl", "pkey", "-aes256", "-passout", "pass:secret words"],
        input=made.private,
        capture_output=True,
        check=True,
    ).stdout
    assert b"ENCRYPTED" in sealed
    assert load_signer(sealed, password=b"secret words").public == made.public
    with pytest.raises(SigningError):
        load_signer(sealed, password=b"other words")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519",
        "ed25519:",
        "ed25519:!!!!",
        "ed25519:AAAA",
        "ed25519:" + "A" * 43 + "=",
        "rsa:AAAA",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "\x1b[2J",
    ],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"public key|PEM"):
        PublicKey.parse(text)


def test_a_private_key_in_the_wrong_place_is_not_repeated() -> None:
    made = new_key("x")
    with pytest.raises(ValueError) as caught:
        PublicKey.parse(made.private.decode())
    assert made.private.split(b"-----")[2].strip().decode() not in str(caught.value)


@pytest.mark.parametrize("name", ["../x", "-rf", "X", "a b", "", "a\nb", "x" * 65])
def test_names_of_keys_are_plain_words(name: str) -> None:
    pem = new_key("plain").private.replace(b"auditor-key: plain", f"auditor-key: {name}".encode())
    if name:
        with pytest.raises(ValueError, match="name"):
            new_key(name)
        with pytest.raises(SigningError, match="name"):
            load_signer(pem, key_id=name)
    if name not in ("", "a b", "a\nb"):
        with pytest.raises(SigningError, match="name"):
            load_signer(pem)
    assert load_signer(pem, key_id="other").key_id == "other"


# --- whose word counts --------------------------------------------------------------------------------------


def refused(*keys: TrustedKey, zone: str = "mzj", key: str = "", today: date = TODAY) -> str:
    signature = SIGNER.sign(b"words")
    try:
        Keyring(keys, today=today).verify(key or "carrier", "ed25519", b"words", signature, zone)
    except BundleError as error:
        return error.reason
    return ""


MADE = new_key("carrier")
SIGNER = load_signer(MADE.private)
KEY = TrustedKey("carrier", MADE.public, frozenset({"mzj", "jtj"}))


def test_a_key_counts_for_its_zones_in_its_time() -> None:
    assert refused(KEY) == refused(KEY, zone="jtj") == ""
    assert refused(KEY, zone="sjj") == "wrong_zone"
    assert refused() == refused(KEY, key="other") == "unknown_key"
    timed = TrustedKey("carrier", MADE.public, frozenset({"mzj"}), date(2026, 11, 1), date(2026, 11, 30))
    told = [refused(timed, today=date(2026, *day)) for day in ((10, 31), (11, 1), (11, 30), (12, 1))]
    assert told == ["key_not_yet", "", "", "expired_key"]
    gone = TrustedKey("carrier", MADE.public, frozenset({"mzj"}), revoked=date(2026, 11, 2))
    assert [refused(gone, today=date(2026, 11, day)) for day in (1, 2, 3)] == ["", "revoked_key", "revoked_key"]


def test_another_key_of_the_same_name_is_not_it() -> None:
    other = TrustedKey("carrier", new_key().public, frozenset({"mzj"}))
    assert refused(other) == "bad_signature"
    sm2 = TrustedKey("carrier", PublicKey("sm2-sm3", SM2_PUBLIC), frozenset({"mzj"}))
    assert refused(sm2) == "wrong_key"


def test_a_key_that_nobody_named_is_known_by_its_fingerprint() -> None:
    nameless = load_signer(b"".join(MADE.private.partition(b"-----BEGIN")[1:]))
    assert nameless.key_id == f"k-{MADE.public.fingerprint[:16]}" == MADE.public.own_name
    assert refused(KEY, key=nameless.key_id) == ""
