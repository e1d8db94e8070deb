"""What a login needs, laid out in a private folder: known hosts as a copy, the key as a link, no secret at all."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from inventories.faults import clean
from probes.base import Stop
from probes.secrets import Secret, SecretMissing
from probes.ssh.process import start, watch
from probes.ssh.said import Refused

#: More than this is no file of host keys: a million hosts have less.
MOST_KNOWN_HOSTS = 64 * 1024 * 1024

#: What ssh reads of a password or a passphrase.
MOST_SECRET = 1_000
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

#: Opening a key that is protected by a costly passphrase takes a second or so.
_KEY_SECONDS = 20.0


class Missing(Exception):
    """A credential that is not there, or cannot be used. The text says which; no secret is in it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.refused = Refused(reason, message)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Names in the private folder, and the secret that ssh will ask for (in memory, and nowhere else)."""

    known_hosts: str
    key: str = ""
    secret: str = field(default="", repr=False)


async def lay_out(
    folder: Path,
    name: str,
    *,
    known_hosts: Path | None,
    key: Secret | None,
    passphrase: Secret | None,
    password: Secret | None,
    stop: Stop,
) -> Credentials:
    """Prepares one login; :class:`Missing` where something is not to be had. ``name`` is a plain word."""
    known = f"{name}-known"
    (folder / known).write_bytes(_known_hosts(known_hosts))
    if key is None:
        if password is None:
            raise Missing("no_credentials", "this login has neither a key nor a password")
        return Credentials(known, secret=_reveal(password))
    link = f"{name}-key"
    (folder / link).symlink_to(_key_file(key))
    secret = _reveal(passphrase) if passphrase else ""
    await _try_key(folder, link, key, secret, stop)
    return Credentials(known, link, secret)


def _known_hosts(path: Path | None) -> bytes:
    """The site's known hosts; none where the login names no file: then every key is unknown."""
    if path is None:
        return b""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_KNOWN_HOSTS + 1)
    except OSError as error:
        words = f"known_hosts {clean(str(path), 120)}: {error.strerror or 'cannot be read'}"
        raise Missing("no_credentials", words) from None
    if len(content) > MOST_KNOWN_HOSTS:
        raise Missing("no_credentials", f"known_hosts {clean(str(path), 120)}: larger than {MOST_KNOWN_HOSTS} bytes")
    return content


def _reveal(secret: Secret) -> str:
    try:
        text = secret.reveal()
    except SecretMissing as error:
        raise Missing("no_credentials", clean(str(error), 200)) from None
    # It goes over a terminal, where control characters are commands, to a reader that takes so many bytes.
    if _CONTROL.search(text):
        raise Missing("no_credentials", f"{secret}: is no single line of text (it holds control characters)")
    if len(text.encode("utf-8", "surrogateescape")) > MOST_SECRET:
        raise Missing("no_credentials", f"{secret}: is longer than {MOST_SECRET} bytes, which ssh does not take")
    return text


def _key_file(key: Secret) -> Path:
    try:
        path = key.path()
    except SecretMissing as error:
        raise Missing("no_credentials", clean(str(error), 200)) from None
    if path is None:
        raise Missing("no_credentials", f"{key}: a private key lies in a file: write file:/path or systemd:NAME")
    if not path.is_file() or not os.access(path, os.R_OK):
        raise Missing("no_credentials", f"{key}: there is no such file, or it cannot be read")
    return path.absolute()


async def _try_key(folder: Path, link: str, key: Secret, secret: str, stop: Stop) -> None:
    """Whether the key can be used, asked here once and not on every host, where it would be a failed login."""
    argv = ["ssh-keygen", "-y", "-f", link]
    try:
        running = start(argv, folder, asks=True)
    except OSError as error:
        raise Missing("not_installed", f"ssh-keygen: {error.strerror or clean(str(error), 80)}") from None
    try:
        how, said = await watch(running, seconds=_KEY_SECONDS, stop=stop, done=lambda: False, secret=secret)
    finally:
        running.end()
    if how == "stopped":
        raise Missing("stopped", stop.reason)
    if how == "ended" and running.process.returncode == 0:
        return
    words = "is protected by a passphrase" if how == "asked_again" and not secret else "cannot be used"
    if how == "asked_again" and secret:
        words = "is not opened by this passphrase"
    for known in ("bad permissions", "incorrect passphrase", "invalid format"):
        if known in said.text:
            words = {"incorrect passphrase": "is not opened by this passphrase"}.get(
                known, f"cannot be used: {known}"
            )
    raise Missing("no_credentials", f"{key}: {words}")
