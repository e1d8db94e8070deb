"""One script on one Windows server over WinRM, by pywinrm. Imported in Ansible's processes alone.

The certificate is checked against the site's authority, also for the address, or is itself the one that the site
trusts; see :mod:`probes.windows.wire`. NTLM serves local and domain accounts alike, and the password never crosses
the line.
"""

from __future__ import annotations

import binascii
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from ssl import get_default_verify_paths
from typing import Any
from xml.etree.ElementTree import ParseError

import requests
from spnego.exceptions import SpnegoError
from winrm.exceptions import (
    AuthenticationError,
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)
from winrm.protocol import Protocol

from inventories.faults import clean
from probes.ansible_run.powershell import COMMAND, on_standard_input
from probes.windows.wire import MOST_ANSWER, NotPlain, TooMuch, close_up, pin_of

#: Seconds that one request may take, at most, and how many less a server is asked to take for "nothing yet".
READ_SECONDS = 15
SPARE_SECONDS = 5

#: Seconds between two questions to a server that says at once that it has nothing yet.
PAUSE_SECONDS = 0.2

#: Bytes of input in one request: well below the smallest envelope that servers take (150 kB), after Base64 twice.
CHUNK = 48_000

#: What pywinrm lets through when an answer is not what it takes for granted.
_UNEXPECTED = (
    *(ParseError, ValueError, KeyError, StopIteration, AssertionError, TypeError, AttributeError),
    *(binascii.Error, RecursionError),
)


class Wrong(Exception):
    """Why a server was not read: a failure's reason and message; no secret is in it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


@dataclass(frozen=True, slots=True)
class Server:
    """Where to log in. ``address`` is literal; ``ca`` None trusts the system's authorities. Times are in seconds."""

    address: str
    port: int
    user: str
    ca: Path | None
    seconds: float
    most: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"https://{host}:{self.port}/wsman"


def run_script(server: Server, script: str) -> tuple[int, bytes, bytes]:
    """Exit status, output and errors of a PowerShell script. :class:`Wrong` for whatever the world does to it."""
    try:
        return _run(server, script)
    except WinRMOperationTimeoutError:
        raise Wrong("timed_out", "no answer in time") from None
    except (WinRMError, WinRMTransportError) as error:
        raise _of_winrm(error) from None
    except requests.RequestException as error:
        raise _of_http(error) from None
    except (SpnegoError, PermissionError):
        raise Wrong("login_refused", "the server takes no NTLM login") from None
    except _UNEXPECTED:
        raise Wrong("bad_output", "what answers there speaks no proper WinRM") from None
    except OSError as error:
        raise Wrong("unreachable", clean(error.strerror or "the connection broke off", 80)) from None


def _run(server: Server, script: str) -> tuple[int, bytes, bytes]:
    end = time.monotonic() + server.seconds
    protocol = _protocol(server)
    shell = protocol.open_shell(codepage=65001)
    try:
        command = protocol.run_command(shell, COMMAND[0], COMMAND[1:], console_mode_stdin=False)
        _give(protocol, shell, command, on_standard_input(script))
        stdout, stderr = bytearray(), bytearray()
        done, code = False, 0
        while not done:
            if time.monotonic() >= end:
                raise Wrong("timed_out", "the script did not end in time")
            try:
                said, complained, code, done = protocol.get_command_output_raw(shell, command)
            except WinRMOperationTimeoutError:
                said = complained = b""
            stdout += said
            stderr = (stderr + complained)[:16_384]
            if len(stdout) > server.most:
                raise Wrong("too_much", f"the script gave more than {server.most} bytes")
            if not (done or said or complained):
                time.sleep(PAUSE_SECONDS)
        return code, bytes(stdout), bytes(stderr)
    finally:
        _leave(protocol, shell)


def _protocol(server: Server) -> Any:
    """A session that nothing was sent over yet."""
    read_seconds = max(2, min(READ_SECONDS, int(server.seconds)))
    pin = pin_of(server.address, server.port, server.ca, read_seconds) if server.ca else ""
    system = get_default_verify_paths()
    make: Any = Protocol
    protocol = make(
        endpoint=server.url,
        transport="ntlm",
        username=server.user,
        password=server.password,
        # Left to itself, requests trusts its own list and not the system's.
        ca_trust_path=str(server.ca) if server.ca else system.cafile or system.capath,
        server_cert_validation="validate",
        read_timeout_sec=read_seconds,
        operation_timeout_sec=max(1, read_seconds - SPARE_SECONDS),
        message_encryption="auto",
        proxy=None,
    )
    close_up(protocol.transport.build_session(), pin)
    return protocol


def _give(protocol: Any, shell: str, command: str, content: bytes) -> None:
    pieces = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    for number, piece in enumerate(pieces):
        protocol.send_command_input(shell, command, piece, end=number == len(pieces) - 1)


def _leave(protocol: Any, shell: str) -> None:
    """Closes the shell on the server. Whether that works changes nothing in what was read."""
    closing = (WinRMError, WinRMTransportError, WinRMOperationTimeoutError, requests.RequestException, OSError)
    try:
        protocol.close_shell(shell)
    except (*closing, *_UNEXPECTED):
        return


def _of_http(error: Exception) -> Wrong:
    kinds: tuple[tuple[type[Exception], str, str], ...] = (
        (requests.exceptions.SSLError, *_tls(str(error))),
        (requests.exceptions.TooManyRedirects, "out_of_scope", "it sends us elsewhere, which is not followed"),
        (requests.exceptions.Timeout, "timed_out", "no answer in time"),
        (TooMuch, "too_much", f"an answer of more than {MOST_ANSWER} bytes"),
        (NotPlain, "bad_output", "what answers there is no envelope of WinRM's"),
        (requests.exceptions.ContentDecodingError, "bad_output", "what answers there speaks no proper HTTP"),
        (requests.exceptions.InvalidHeader, "bad_output", "what answers there speaks no proper HTTP"),
        (requests.exceptions.ChunkedEncodingError, "bad_output", "an answer broke off"),
        (requests.exceptions.ConnectionError, "unreachable", "the connection broke off"),
    )
    for kind, reason, message in kinds:
        if isinstance(error, kind):
            return Wrong(reason, message)
    return Wrong("bad_output", "what answers there speaks no proper HTTP")


def _tls(text: str) -> tuple[str, str]:
    """What TLS says on failing: about the certificate, or before there was one."""
    if "match" in text:
        return "certificate", "its certificate is not for this address"
    found = re.search(r"certificate verify failed: ([\w' -]{3,80})", text)
    if found:
        return "certificate", f"its certificate is not trusted: {clean(found[1].strip(), 80)}"
    return "unavailable", "no TLS there, or none in common: this machine speaks no version before 1.2"


def _of_winrm(error: Exception) -> Wrong:
    if isinstance(error, AuthenticationError):
        return Wrong("login_refused", "the login is refused")
    if isinstance(error, WSManFaultError):
        # 5 is Windows' "access denied": logged in, and not allowed to use WinRM.
        if getattr(error, "wsman_fault_code", None) == 5:
            return Wrong("forbidden", "the account may not use WinRM")
        return Wrong("unavailable", f"WinRM says no: {clean(str(getattr(error, 'reason', '')), 80)}")
    code = getattr(error, "code", None)
    if code == requests.codes["service_unavailable"]:
        return Wrong("unavailable", "the server says that it is not available (HTTP 503)")
    return Wrong(
        "bad_output", f"what answers there speaks no WinRM (HTTP {code})" if isinstance(code, int) else "no WinRM"
    )
