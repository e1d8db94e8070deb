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

from auditor.city.plan import Service


class Authority:
    """Signs the certificates of one run of the city. ``now`` is the clock, in UTC."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}

    def context(self, service: Service) -> ssl.SSLContext:
        """A server's TLS context with the certificate that the plan gives a service."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(service.names[0] if service.names else "localhost", service.unit, service.organisation)
        signer, issuer = key, subject
        if service.issuer is not None:
            issuer = _name(service.issuer.name, service.issuer.unit, service.issuer.organisation)
            signer = self._keys.setdefault(issuer.rfc4514_string(), ec.generate_private_key(ec.SECP256R1()))
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - dt.timedelta(days=200))
            .not_valid_after(self._now + dt.timedelta(days=530))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        if service.names:
            names = [x509.DNSName(name) for name in service.names]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
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


def _name(common: str, unit: str, organisation: str) -> x509.Name:
    parts = (
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])
