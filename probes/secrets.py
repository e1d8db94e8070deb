"""Secrets as references: where a password lies, never the password itself.

``env:NAME`` is an environment variable, ``file:/path`` a file, ``systemd:NAME`` a credential that systemd handed
to the service (``LoadCredential=``, systemd.exec(5)). A reference is resolved as late as possible, by the probe
that logs in, and what it gives is never written, logged or put into an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: More than this is no password and no key.
MOST_BYTES = 65_536

_ENV = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")
_CREDENTIAL = re.compile(r"^[A-Za-z0-9_.@-]{1,255}$")


class SecretMissing(Exception):
    """A reference that leads nowhere. The text names the reference and how to mend it, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference such as ``env:MZJ_SSH``. Its text and ``repr`` are the reference."""

    scheme: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Secret:
        """ValueError for what is no reference; its text does not repeat what was written, which may be a secret."""
        scheme, colon, name = text.strip().partition(":")
        fits = {
            "env": lambda: bool(_ENV.match(name)),
            "file": lambda: name.startswith("/") and "\0" not in name,
            "systemd": lambda: bool(_CREDENTIAL.match(name)) and name not in (".", ".."),
        }
        if not colon or scheme not in fits or not fits[scheme]():
            raise ValueError("is no reference to a secret: write env:NAME, file:/path or systemd:NAME")
        return cls(scheme, name)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"

    def path(self, environ: Mapping[str, str] = os.environ) -> Path | None:
        """The file that holds it, where it is a file; :class:`SecretMissing` where systemd handed nothing over."""
        if self.scheme == "file":
            return Path(self.name)
        if self.scheme == "systemd":
            folder = environ.get("CREDENTIALS_DIRECTORY", "")
            if not folder:
                raise SecretMissing(f"{self}: systemd handed no credentials over: add LoadCredential={self.name}:…")
            return Path(folder) / self.name
        return None

    def reveal(self, environ: Mapping[str, str] = os.environ) -> str:
        """The secret, without a line's end. :class:`SecretMissing` where it is not to be had, or is empty."""
        file = self.path(environ)
        if file is None:
            text = environ.get(self.name, "")
            if not text:
                raise SecretMissing(f"{self}: the environment has no such variable")
            return text
        try:
            with file.open("rb") as stream:
                content = stream.read(MOST_BYTES + 1)
            text = content.decode("utf-8")
        except OSError as error:
            raise SecretMissing(f"{self}: {error.strerror or 'cannot be read'}") from None
        except UnicodeDecodeError:
            raise SecretMissing(f"{self}: is not UTF-8 text") from None
        if len(content) > MOST_BYTES:
            raise SecretMissing(f"{self}: is larger than {MOST_BYTES} bytes")
        if not text.strip():
            raise SecretMissing(f"{self}: is empty")
        return text.removesuffix("\n").removesuffix("\r")
