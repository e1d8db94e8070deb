"""What ssh says on standard error when a login fails, as a reason and a sentence.

The text holds lines of the server's making too (its greeting, its banner). What ssh itself says of host keys stands
before the key exchange ends, and a server's banner can only follow that: so no host can claim that its key was fine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from inventories.faults import clean

_KEYS_DONE = re.compile(r"^debug1: SSH2_MSG_NEWKEYS (?:sent|received)", re.MULTILINE)
_OFFERED = re.compile(r"^debug1: Server host key: (\S{1,60}) (SHA256:[A-Za-z0-9+/=]{43,44})", re.MULTILINE)
_GREETED = re.compile(r"^debug1: Remote protocol version", re.MULTILINE)
_CHATTER = re.compile(r"^debug1: kex_exchange_identification: banner line \d+: .*\n?", re.MULTILINE)
#: The reason that a server gives for hanging up may be many lines of anything; it is the last that ssh tells of.
_THEIR_FAREWELL = re.compile(r"^(Received disconnect from) .*", re.MULTILINE | re.DOTALL)
_THEIR_NAME = re.compile(r"^debug1: (?:Remote protocol version|compat_banner: ).*\n?", re.MULTILINE)

#: While keys are exchanged: what ssh says → reason, and what it means. The first that fits counts.
_BEFORE = (
    # This line repeats what the server offers, which may be any words at all.
    (r"^Unable to negotiate with", "unavailable", "no algorithm in common"),
    (r"^@ +WARNING: REVOKED HOST KEY DETECTED", "changed_host_key", "the host key is marked as revoked"),
    (r"^@ +WARNING: REMOTE HOST IDENT|^Host key for .* has changed", "changed_host_key", "the host key has changed"),
    (r"^No .* host key is known for|^Host key verification failed", "unknown_host_key", "the host key is not known"),
    (r"No SSH version received in first|banner line too long", "too_much", "text without end, and no greeting"),
    (r"Connection refused", "unreachable", "the port is closed now"),
    (r"No route to host|Network is unreachable", "unreachable", "there is no way to this address"),
    (r"open failed: administratively prohibited", "forbidden", "the bastion passes nothing on to this address"),
    (r"open failed: connect failed|^Stdio forwarding request failed", "unreachable", "the bastion cannot reach it"),
    (r"timed out", "timed_out", "no answer in time"),
    (r"^Protocol major versions differ", "bad_output", "speaks an SSH that is no longer spoken (version 1)"),
    (r"Bad packet length|invalid format|message authentication code|Corrupted", "bad_output", "speaks no proper SSH"),
)

#: After it.
_AFTER = (
    (r'^Load key ".*": |^no such identity: ', "no_credentials", "the private key cannot be used"),
    (r"Permission denied|Too many authentication failures", "login_refused", "the login is refused"),
    (r"No more authentication methods to try|Authentication failed", "login_refused", "the login is refused"),
    (r"timed out|Timeout, server", "timed_out", "no answer in time"),
    (r"Bad packet length|message authentication code|Corrupted", "bad_output", "speaks no proper SSH"),
    (r"Connection .*closed|Connection .*reset|Broken pipe|disconnect", "login_refused", "it hangs up in the login"),
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no way in: a failure's reason and message."""

    reason: str
    message: str


def why(stderr: str, *, late: float | None = None) -> Refused:
    """What ended a login. ``late``: it was ended by us after that many seconds."""
    text = _THEIR_FAREWELL.sub(r"\1 it", _CHATTER.sub("", stderr.replace("\r", "")))
    done = _KEYS_DONE.search(text)
    table = _AFTER if done else _BEFORE
    part = _THEIR_NAME.sub("", text[done.end() :] if done else text)
    if late is not None:
        return Refused("timed_out", f"{_stage(text, done is not None)}, and nothing more in {late:.0f} s")
    for pattern, reason, words in table:
        if re.search(pattern, part, re.MULTILINE):
            return Refused(reason, _full(reason, words, text, part))
    if not done and not _GREETED.search(text):
        if text == stderr.replace("\r", "") and re.search(r"closed|reset", part):
            return Refused("unavailable", "it hangs up before SSH's greeting")
        return Refused("bad_output", "what answers there speaks no SSH")
    if not done and re.search(r"closed|reset|disconnect", part):
        return Refused("unavailable", "it hangs up while keys are exchanged")
    return Refused("bad_output", f"ssh gave up: {_last(part)}")


def offered_key(stderr: str) -> tuple[str, str] | None:
    """Type and fingerprint of the key that the server offered."""
    found = _OFFERED.search(stderr)
    return (found[1], found[2]) if found else None


def _full(reason: str, words: str, text: str, part: str) -> str:
    if reason in ("unknown_host_key", "changed_host_key"):
        key = offered_key(text)
        offered = f": it offers {clean(key[0], 40)} {key[1]}" if key else ""
        mend = "compare it at the machine, then correct known_hosts" if key else "see known_hosts"
        return f"{words}{offered} ({mend})"
    if reason == "no_credentials":
        found = re.search(r'^Load key ".*": (.*)$', part, re.MULTILINE)
        return f"{words}: {clean(found[1], 80)}" if found else words
    if reason == "unavailable":
        found = re.search(r"Unable to negotiate with .*: (no matching [a-z ]+ found)", part)
        return clean(found[1], 80) if found else words
    return words


def _stage(text: str, keys_done: bool) -> str:
    if keys_done:
        return "keys were exchanged"
    return "it greeted" if _GREETED.search(text) else "it accepted the connection"


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("debug1: ")]
    return clean(lines[-1], 120) if lines else "it does not say why"
