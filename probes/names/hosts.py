"""Host names as registers write them, and as they go over the wire. Pure."""

from __future__ import annotations

import ipaddress
import re
import unicodedata

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class BadName(Exception):
    """A text that is no host name. The message says why."""


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def plain_host(host: str) -> str:
    """As two names are compared, and as coverage and facts call them: small letters, no dot at the end."""
    return host.strip().rstrip(".").casefold()


def wire_name(host: str) -> str:
    """The name in letters that DNS and HTTP take: Chinese labels as ``xn--…``. :class:`BadName` for anything else.

    A name that means another one once its characters are folded (full-width letters, a slash in disguise) is
    refused: what the site allowed is what was written, and nothing else.
    """
    plain = plain_host(host)
    if unicodedata.normalize("NFKC", plain) != plain:
        raise BadName("holds characters that stand for others")
    try:
        name = plain.encode("idna").decode("ascii").lower() if not plain.isascii() else plain
    except UnicodeError:
        raise BadName("cannot be written as a name in DNS") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadName("holds characters that no host name has")
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        raise BadName("ends in a number, as only addresses do")
    return name
