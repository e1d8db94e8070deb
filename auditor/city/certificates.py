"""Certificates of the example city, made at each start and kept nowhere.

``cryptography`` is part of the optional ``demo`` extra.
"""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs the certificates of one run of the city. ``now`` is the clock, in UTC."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}

    def context(self, names: tuple[str, ...], organisation: str, issuer: str) -> ssl.SSLContext:
        """A server's TLS context with a certificate for ``names``; self-signed where ``issuer`` is empty."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0] if names else "localhost", organisation)
        signer = self._keys.setdefault(issuer, ec.generate_private_key(ec.SECP256R1())) if issuer else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name(issuer, issuer) if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - dt.timedelta(days=200))
            .not_valid_after(self._now + dt.timedelta(days=530))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        certificate = builder.sign(signer, hashes.SHA256())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The ssl module loads from files only; the folder is its owner's alone and gone at once.
        with tempfile.TemporaryDirectory(prefix="auditor-city-") as folder:
            path = Path(folder, "pair.pem")
            path.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                + certificate.public_bytes(serialization.Encoding.PEM)
            )
            context.load_cert_chain(path)
        return context


def _name(common: str, organisation: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN")]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common))
    return x509.Name(parts)
