"""One script on one Windows server over WinRM, by pywinrm, with what that leaves open closed.

Its HTTP session follows redirects, reads answers of any size and takes proxies from the environment; this one does
not. The certificate is checked against the site's authority, also for the address. NTLM serves local and domain
accounts alike, and the password never crosses the line.
"""

from __future__ import annotations

import binascii
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from ssl import get_default_verify_paths
from typing import Any
from xml.etree.ElementTree import ParseError

from inventories.faults import clean
from probes.ansible_run.powershell import COMMAND, on_standard_input

#: Bytes of one HTTP answer: an envelope of WinRM has 500 kB at most, unless somebody raised that.
MOST_ANSWER = 4 * 1024 * 1024

#: Seconds that a server may keep one request; a script that says nothing meanwhile is asked again.
OPERATION_SECONDS = 10
READ_SECONDS = 15

#: Bytes of input in one request: well below the smallest envelope that servers take (150 kB), after Base64 twice.
CHUNK = 48_000


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
    import requests
    from spnego.exceptions import SpnegoError
    from winrm.exceptions import WinRMError, WinRMOperationTimeoutError, WinRMTransportError

    try:
        return _run(server, script)
    except WinRMOperationTimeoutError:
        raise Wrong("timed_out", "no answer in time") from None
    except (WinRMError, WinRMTransportError) as error:
        raise _of_winrm(error) from None
    except requests.RequestException as error:
        raise _of_http(error) from None
    except SpnegoError:
        raise Wrong("login_refused", "the server takes no NTLM login") from None
    except (ParseError, ValueError, KeyError, StopIteration, AssertionError, TypeError, binascii.Error):
        # What pywinrm lets through when an answer is not what it takes for granted.
        raise Wrong("bad_output", "what answers there speaks no proper WinRM") from None
    except OSError as error:
        raise Wrong("unreachable", clean(error.strerror or "the connection broke off", 80)) from None


def _run(server: Server, script: str) -> tuple[int, bytes, bytes]:
    from winrm.exceptions import WinRMOperationTimeoutError
    from winrm.protocol import Protocol

    end = time.monotonic() + server.seconds
    make: Any = Protocol
    protocol = make(
        endpoint=server.url,
        transport="ntlm",
        username=server.user,
        password=server.password,
        # Left to itself, requests trusts its own list and not the system's.
        ca_trust_path=str(server.ca) if server.ca else get_default_verify_paths().cafile,
        server_cert_validation="validate",
        read_timeout_sec=READ_SECONDS,
        operation_timeout_sec=OPERATION_SECONDS,
        message_encryption="auto",
        proxy=None,
    )
    _close_up(protocol.transport.build_session())
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
                continue
            stdout += said
            stderr = (stderr + complained)[:16_384]
            if len(stdout) > server.most:
                raise Wrong("too_much", f"the script gave more than {server.most} bytes")
        return code, bytes(stdout), bytes(stderr)
    finally:
        _leave(protocol, shell)


def _give(protocol: Any, shell: str, command: str, content: bytes) -> None:
    pieces = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    for number, piece in enumerate(pieces):
        protocol.send_command_input(shell, command, piece, end=number == len(pieces) - 1)


def _leave(protocol: Any, shell: str) -> None:
    """Closes the shell on the server. Whether that works changes nothing in what was read."""
    import requests
    from winrm.exceptions import WinRMError, WinRMOperationTimeoutError, WinRMTransportError

    closing = (WinRMError, WinRMTransportError, WinRMOperationTimeoutError, requests.RequestException, OSError)
    try:
        protocol.close_shell(shell)
    except (*closing, ParseError, ValueError, AssertionError, StopIteration, AttributeError):
        return


def _close_up(session: Any) -> None:
    """No redirects, no proxies, no credentials of this machine's, and no answer without end."""
    session.max_redirects = 0
    session.trust_env = False
    session.mount("https://", _bounded())


def _bounded() -> Any:
    import requests
    from requests.adapters import HTTPAdapter

    class Answer(requests.Response):
        """Read whole, up to a limit: not before NTLM has looked at the connection that it came over."""

        def iter_content(self, *args: Any, **more: Any) -> Iterator[Any]:
            size = 0
            for piece in super().iter_content(*args, **more):
                size += len(piece)
                if size > MOST_ANSWER:
                    self.close()
                    raise requests.exceptions.ContentDecodingError("auditor: too much")
                yield piece

    class Bounded(HTTPAdapter):
        def send(self, *args: Any, **more: Any) -> Any:
            response = super().send(*args, **more)
            response.__class__ = Answer
            return response

    return Bounded()


def _of_http(error: Exception) -> Wrong:
    import requests

    kinds: tuple[tuple[type[Exception], str, str], ...] = (
        (requests.exceptions.SSLError, "certificate", _certificate(str(error))),
        (requests.exceptions.TooManyRedirects, "out_of_scope", "it sends us elsewhere, which is not followed"),
        (requests.exceptions.Timeout, "timed_out", "no answer in time"),
        (requests.exceptions.ContentDecodingError, "too_much", f"an answer of more than {MOST_ANSWER} bytes"),
        (requests.exceptions.InvalidHeader, "bad_output", "what answers there speaks no proper HTTP"),
        (requests.exceptions.ChunkedEncodingError, "bad_output", "an answer broke off"),
        (requests.exceptions.ConnectionError, "unreachable", "the connection broke off"),
    )
    for kind, reason, message in kinds:
        if isinstance(error, kind):
            return Wrong(reason, message)
    return Wrong("bad_output", "what answers there speaks no proper HTTP")


def _certificate(text: str) -> str:
    if "match" in text:
        return "its certificate is not for this address"
    found = re.search(r"certificate verify failed: ([\w' -]{3,80})", text)
    return f"its certificate is not trusted: {clean(found[1].strip(), 80)}" if found else "TLS fails"


def _of_winrm(error: Exception) -> Wrong:
    from winrm.exceptions import AuthenticationError, WSManFaultError

    if isinstance(error, AuthenticationError):
        return Wrong("login_refused", "the login is refused")
    if isinstance(error, WSManFaultError):
        # 5 is Windows' "access denied": logged in, and not allowed to use WinRM.
        if getattr(error, "wsman_fault_code", None) == 5:
            return Wrong("forbidden", "the account may not use WinRM")
        return Wrong("unavailable", f"WinRM says no: {clean(str(getattr(error, 'reason', '')), 80)}")
    code = getattr(error, "code", None)
    return Wrong(
        "bad_output", f"what answers there speaks no WinRM (HTTP {code})" if isinstance(code, int) else "no WinRM"
    )
