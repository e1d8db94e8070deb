"""Where a site's ledger lies: a file of SQLite's, or a database of PostgreSQL's. Plain: SQLAlchemy is not loaded."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from inventories.faults import did_you_mean
from probes.secrets import Secret

#: What a URL may ask of libpq (PostgreSQL's manual, 34.1.2); a password is not among it.
OPTIONS = (
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "host",
    "port",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
)
_SCHEMES = ("postgresql+psycopg", "postgresql")
_EXAMPLE = "postgresql+psycopg://auditor@192.0.2.5:5432/auditor?sslmode=verify-full&sslrootcert=/etc/auditor/ca.crt"
_VALUES = {"host": r"/[^,]*", "port": r"\d{1,5}", "connect_timeout": r"\d{1,4}"}
_FILES = ("sslcert", "sslcrl", "sslkey", "sslrootcert")
#: With less, whoever stands between reads every finding, or answers in the database's name.
_VERIFIED = ("verify-full", "verify-ca")


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Either a file, or a URL without a password: that is revealed when a connection is made."""

    file: Path | None = None
    url: str = ""
    password: Secret | None = None

    @classmethod
    def parse(cls, text: str, password: Secret | None = None) -> LedgerPlace:
        """A path, or a URL as :func:`checked_url` has it. ValueError, which does not repeat what may be a secret."""
        if "://" in text:
            return cls(url=checked_url(text), password=password)
        if password is not None:
            raise ValueError("a file has no password")
        return cls(file=Path(text))

    @property
    def shown(self) -> str:
        """What people are shown: the file, or the URL."""
        return self.url or str(self.file)

    def __str__(self) -> str:
        return self.shown

    def generation(self) -> int:
        """Changes where the file is replaced by another; 0 where there is none, and for a database."""
        try:
            return self.file.stat().st_ino if self.file is not None else 0
        except OSError:
            return 0

    def traces(self) -> tuple[tuple[int, int, int], ...]:
        """By what a change shows at once without asking: inode, bytes and time of the files; empty for a database."""
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in self._files())

    def size(self) -> int | None:
        """Bytes of the files; None for a database, which has to be asked, and where the file is not there."""
        if self.file is None or not self.file.exists():
            return None
        return sum(one.st_size for one in self._files())

    def _files(self) -> list[os.stat_result]:
        found = []
        if self.file is not None:
            for path in (self.file, self.file.with_name(f"{self.file.name}-wal")):
                with contextlib.suppress(OSError):
                    found.append(path.stat())
        return found


def checked_url(text: str) -> str:
    """A URL of PostgreSQL's in the spelling that SQLAlchemy reads.

    Over a network the server has to show a certificate: ``sslmode=verify-full`` is added where none is named.
    ValueError for what is none, for a password in it, and for a weaker ``sslmode``; the text is never repeated.
    """
    if not text.isprintable() or " " in text:
        raise ValueError(f"is no address of a database: write one such as {_EXAMPLE}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"is no address of a database: write one such as {_EXAMPLE}") from None
    if parts.password is not None:
        raise ValueError("the address holds a password: write a reference to it under 'password'")
    if parts.scheme not in _SCHEMES or not re.fullmatch(r"/[^/]+", parts.path) or parts.fragment:
        raise ValueError(f"is no address of a PostgreSQL database: write one such as {_EXAMPLE}")
    options = _options(parts.query)
    if "," in (parts.hostname or "") or ("host" in options and parts.hostname):
        raise ValueError("the address names several hosts")
    if not _is_near(options.get("host", "") or parts.hostname or ""):
        mode = options.setdefault("sslmode", "verify-full")
        if mode not in _VERIFIED:
            raise ValueError("over a network the ledger needs sslmode=verify-full, with the server's sslrootcert")
    user = f"{parts.username}@" if parts.username else ""
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    where = f"{user}{name}{f':{port}' if port else ''}{parts.path}"
    asked = f"?{urlencode(options, quote_via=quote, safe='/:')}" if options else ""
    return f"{_SCHEMES[0]}://{where}{asked}"


def _options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    for key, value in pairs:
        if "pass" in key.lower():
            raise ValueError("the address holds a password: write a reference to it under 'password'")
        if key not in OPTIONS:
            shown = key if re.fullmatch(r"[a-z_]{1,40}", key) else ""
            hint = did_you_mean(shown, OPTIONS) or f"one of {', '.join(OPTIONS)}"
            raise ValueError(f"the address has an unknown option {shown!r}: {hint}")
        if not re.fullmatch(_VALUES.get(key, r".+"), value):
            raise ValueError(f"the address's {key} is none")
        if key in _FILES and not value.startswith("/") and (key, value) != ("sslrootcert", "system"):
            raise ValueError(f"the address's {key} has to be an absolute path")
    if len(dict(pairs)) != len(pairs):
        raise ValueError("the address names an option twice")
    return dict(pairs)


def _is_near(host: str) -> bool:
    """This machine: a socket's folder, or a loopback address."""
    if host.startswith("/") or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
