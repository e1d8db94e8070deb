"""The files of a deployment, as text: rules with the bureau's runbook address, examples with its scrape target. Pure.

Each file carries a mark in its first line, by which a later deployment tells whether somebody has edited it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from reports.prometheus.pages import runbook_page
from reports.prometheus.shipped import RULE_FILES, RUNBOOKS, alerts, text

_TARGET = "@TARGET@"
_WRITER = "auditor deploy prometheus"
#: How a comment begins and ends, by the end of the file's name.
_COMMENTS = {".yml": ("# ", ""), ".md": ("<!-- ", " -->"), ".tmpl": ("{{/* ", " */}}")}
_MARK = re.compile(rf"{_WRITER} sha256:([0-9a-f]{{64}})")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\]")
#: What may stand in a plain YAML scalar, and in an address that people click on.
_ADDRESS = re.compile(r"[A-Za-z0-9_./~%+@=-][A-Za-z0-9_./:~%+@=?&-]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """One file: its path within the folder, its whole text, and whether it is there for a bureau to edit."""

    path: str
    text: str
    editable: bool


def bundle(target: str, runbooks: str = RUNBOOKS) -> tuple[Piece, ...]:
    """Every file of a deployment, marked.

    ``target`` is the exporter's ``host:port``; ``runbooks`` the address under which the pages can be read, a URL or a
    path. ValueError, with words for a person, where one of them is not such.
    """
    fault = target_fault(target) or runbooks_fault(runbooks)
    if fault:
        raise ValueError(fault)
    base = runbooks.rstrip("/")
    pieces = [
        *((f"rules/auditor-{name}", _rules(name, base), name == "thresholds.yml") for name in RULE_FILES),
        ("prometheus.yml", text("prometheus.yml").replace(_TARGET, target), True),
        ("alertmanager.yml", text("alertmanager.yml"), True),
        ("auditor.tmpl", text("auditor.tmpl"), True),
        *((f"{RUNBOOKS}/{alert.runbook}", runbook_page(alert), False) for alert in alerts()),
    ]
    return tuple(Piece(path, marked(path, body), editable) for path, body, editable in pieces)


def _rules(name: str, base: str) -> str:
    return text(name).replace(f"runbook_url: {RUNBOOKS}/", f"runbook_url: {base}/")


def target_fault(target: str) -> str:
    """Why it is no ``host:port``; empty where it is one."""
    host, colon, port = target.rpartition(":")
    if "//" in target or "/" in target or "@" in target:
        return f"{target!r} is no target: write host:port without http:// and without a path, such as 127.0.0.1:9464"
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        return f"{target!r} is no target: it lacks a port between 1 and 65535; write one such as 127.0.0.1:9464"
    if len(host) > 255 or not _HOST.fullmatch(host):
        return f"{target!r} is no target: {host!r} is no host; write one such as 127.0.0.1:9464"
    return ""


def runbooks_fault(runbooks: str) -> str:
    """Why the address of the runbooks cannot be used; empty where it can."""
    if not _ADDRESS.fullmatch(runbooks) or len(runbooks) > 500:
        return f"{runbooks!r} is no address of runbooks: write one such as https://wiki.example.gov.cn/auditor"
    try:
        parts = urlsplit(runbooks)
    except ValueError as error:
        return f"{runbooks!r} is no address of runbooks: {error}"
    if parts.scheme not in ("", "http", "https") or (parts.scheme and not parts.hostname):
        return f"{runbooks!r} is no address of runbooks: it begins with http:// or https://, or is a path"
    if parts.username is not None or parts.query:
        return f"{runbooks!r} is no address of runbooks: no user, password or query belongs in it"
    return ""


def marked(path: str, body: str) -> str:
    """The text with its mark on a first line of its own."""
    begin, end = _comments(path)
    return f"{begin}{_WRITER} sha256:{_digest(body)}{end}\n{body}"


def untouched(path: str, found: str) -> bool:
    """Whether a file's text is just as some deployment wrote it, of whatever version."""
    first, newline, body = found.partition("\n")
    begin, end = _comments(path)
    mark = _MARK.fullmatch(first.removeprefix(begin).removesuffix(end))
    return bool(newline and mark and mark[1] == _digest(body))


def _comments(path: str) -> tuple[str, str]:
    return next(comment for ending, comment in _COMMENTS.items() if path.endswith(ending))


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
