"""Commands over an SSH connection that stands already. It cannot log in, and it cannot write a file on a target."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

from probes.ansible_run.powershell import COMMAND, on_standard_input
from probes.ansible_run.tree import leashed

DOCUMENTATION = """
    name: auditor_mux
    short_description: commands over a control socket of OpenSSH
    description:
        - Runs commands over a connection that the audit opened, checked and authenticated itself.
        - Knows no credentials, transfers no files, and takes an answer of bounded size in bounded time.
    options:
        folder:
            description: the private folder of the run
            vars: [{name: auditor_folder}]
            required: true
        socket:
            description: the control socket's name in that folder
            vars: [{name: auditor_socket}]
            required: true
        seconds:
            description: how long one command may take
            type: float
            vars: [{name: auditor_seconds}]
            required: true
        most:
            description: bytes of output that one command may give
            type: int
            vars: [{name: auditor_most}]
            required: true
        texts:
            description: the folder of the run's texts, which commands may name
            vars: [{name: auditor_texts}]
            required: true
        system:
            description: what runs commands there, sh or powershell
            vars: [{name: auditor_system}]
            default: sh
"""

#: Bytes of what a command says on standard error that are kept.
_STDERR = 16_384

#: A command that names a text: a playbook's own words, no host's.
_TEXT = re.compile(r"auditor-text ([a-z]{1,20})")

#: Every login shell understands this: the script itself comes on standard input, and no length limits it.
_SH = "exec /bin/sh"

#: Ansible's payload unpacks itself into a temporary folder of the target. This puts it into a file that exists in
#: memory alone (memfd_create(2)), and leaves no other way to a temporary folder.
_IN_MEMORY = """
def _auditor_in_memory():
    import os
    import tempfile

    folder = "/nonexistent/auditor"
    file = "/proc/%d/fd/%d" % (os.getpid(), os.memfd_create("ansible"))
    join = os.path.join
    os.path.join = lambda *parts: file if parts[0] == folder else join(*parts)
    tempfile.mkdtemp = lambda *_args, **_more: folder


"""
_MAIN = 'if __name__ == "__main__":\n    _ansiballz_main('


class Connection(ConnectionBase):  # type: ignore[misc]  # ansible has no types
    """One host, through its control socket."""

    transport = "auditor_mux"
    has_pipelining = True
    # Without it Ansible would copy its modules to the target.
    always_pipeline_modules = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """A command with what goes to its standard input; without that, ``cmd`` is a script for the target's shell.

        A module that fails may be gone round (AnsibleError); without a shell there is no way on
        (AnsibleConnectionFailure, whose text begins with ``auditor:`` and a reason).
        """
        if in_data is not None:
            return self._run(cmd, in_memory(bytes(in_data)), AnsibleError)
        if named := _TEXT.fullmatch(cmd):
            cmd = Path(str(self.get_option("texts")), named[1]).read_text("utf-8")
        if self.get_option("system") == "powershell":
            return self._run(" ".join(COMMAND), on_standard_input(cmd), AnsibleConnectionFailure)
        # The shell reads all of it before it starts, so half a script is never run.
        script = f"{{\n{cmd}\n}} </dev/null\n".encode()
        return self._run(_SH, script, AnsibleConnectionFailure)

    def put_file(self, in_path: str, out_path: str) -> None:
        raise AnsibleError("auditor:forbidden: nothing is written on a target")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise AnsibleError("auditor:forbidden: no file is fetched from a target")

    def close(self) -> None:
        self._connected = False

    def _run(self, command: str, stdin: bytes, wrong: type[Exception]) -> tuple[int, bytes, bytes]:
        folder, socket = str(self.get_option("folder")), str(self.get_option("socket"))
        # A connection that is gone is not made anew: there is no other way than the socket.
        options = ["BatchMode=yes", "ProxyCommand=false", "ControlMaster=no", f"ControlPath={socket}"]
        argv = [
            "ssh",
            "-F",
            "none",
            "-T",
            *[part for option in options for part in ("-o", option)],
            "target",
            command,
        ]
        process = subprocess.Popen(
            leashed(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # The socket's whole path might be longer than a socket's may be.
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )
        try:
            end = time.monotonic() + float(self.get_option("seconds"))
            why, stdout, stderr = pump(process, stdin, int(self.get_option("most")), end)
        finally:
            process.kill()
            process.wait()
        if why:
            raise wrong(why)
        if process.returncode == 255 and b"Session open refused by peer" in stderr:
            raise AnsibleConnectionFailure("auditor:no_shell: the server opens no session")
        if process.returncode == 255 and not Path(folder, socket).exists():
            raise AnsibleConnectionFailure("auditor:unreachable: the connection broke off")
        return process.returncode, stdout, stderr


def in_memory(payload: bytes) -> bytes:
    """Ansible's payload, changed so that it writes nothing; AnsibleError where it is not as we know it."""
    text = payload.decode("utf-8")
    if text.count(_MAIN) != 1:
        raise AnsibleError("auditor:forbidden: this payload would be written on the target")
    return text.replace(_MAIN, _IN_MEMORY + _MAIN.replace("    _", "    _auditor_in_memory()\n    _")).encode("utf-8")


def pump(process: Any, stdin: bytes, most: int, end: float) -> tuple[str, bytes, bytes]:
    """Gives a process its input and takes its output, until it ends, says too much or takes too long (and why)."""
    stdout, stderr = bytearray(), bytearray()
    left = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        for stream, event in ((process.stdin, selectors.EVENT_WRITE), (process.stdout, selectors.EVENT_READ)):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, event)
        os.set_blocking(process.stderr.fileno(), False)
        selector.register(process.stderr, selectors.EVENT_READ)
        while selector.get_map():
            seconds = end - time.monotonic()
            if seconds <= 0:
                return "auditor:timed_out: a command did not end in time", bytes(stdout), bytes(stderr)
            for key, _ in selector.select(min(seconds, 1.0)):
                stream = key.fileobj
                if stream is process.stdin:
                    left = _give(stream, left)
                    if not left:
                        selector.unregister(stream)
                        stream.close()
                    continue
                piece = os.read(key.fd, 65_536)
                if not piece:
                    selector.unregister(stream)
                elif stream is process.stdout:
                    stdout += piece
                elif len(stderr) < _STDERR:
                    stderr += piece
            if len(stdout) > most:
                return f"auditor:too_much: a command gave more than {most} bytes", b"", bytes(stderr)
    while process.poll() is None:
        if time.monotonic() >= end:
            return "auditor:timed_out: a command did not end in time", bytes(stdout), bytes(stderr)
        time.sleep(0.005)
    return "", bytes(stdout), bytes(stderr)


def _give(stream: Any, left: memoryview) -> memoryview:
    try:
        return left[os.write(stream.fileno(), left[:65_536]) :]
    except BlockingIOError:
        return left
    except BrokenPipeError:
        return left[:0]
