"""What a TLS certificate says, whoever signed it. Nothing is checked here, and no name in it is trusted."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

_HOST_NAME = re.compile(r"[A-Za-z0-9*_]([A-Za-z0-9_.*-]{0,250}[A-Za-z0-9_])?")
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Certificate:
    """``subject`` and ``issuer`` are written ``CN=…, OU=…, O=…``, as fingerprints expect them.

    ``names`` are those it was made for: the common name and the DNS names beside it. Times are in UTC. Texts are as
    the certificate has them: whoever shows them cleans them. Everything but ``sha256`` is empty where the
    certificate cannot be read.
    """

    sha256: str
    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None

    @property
    def valid(self) -> str:
        """``2026-01-01 至 2027-01-01``, or the empty string."""
        if self.not_before is None or self.not_after is None:
            return ""
        return f"{self.not_before:%Y-%m-%d} 至 {self.not_after:%Y-%m-%d}"


def read_certificate(der: bytes) -> Certificate:
    """Reads one certificate in DER form; never raises for what is in it."""
    from cryptography import x509

    digest = hashlib.sha256(der).hexdigest()
    try:
        parsed = x509.load_der_x509_certificate(der)
        return Certificate(
            sha256=digest,
            subject=_name(parsed.subject),
            issuer=_name(parsed.issuer),
            names=_names(parsed),
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
        )
    except (ValueError, x509.InvalidVersion):
        return Certificate(digest)


def _name(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    tags = (
        (NameOID.COMMON_NAME, "CN"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "OU"),
        (NameOID.ORGANIZATION_NAME, "O"),
    )
    found = [(tag, name.get_attributes_for_oid(oid)) for oid, tag in tags]
    return ", ".join(f"{tag}={_text(some[0].value)}" for tag, some in found if some)[:400]


def _names(parsed: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    common = [_text(one.value) for one in parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        beside = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        others = list(beside.get_values_for_type(x509.DNSName))
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        others = []
    return tuple(name for name in dict.fromkeys([*common, *others]) if _HOST_NAME.fullmatch(name))[:MOST_NAMES]


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
