"""PowerShell on Windows servers over WinRM: HTTPS with a checked certificate, nothing written, nothing followed."""

from __future__ import annotations

from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

from probes.ansible_run.secrets_socket import ask
from probes.windows.winrm import Server, Wrong, run_script

DOCUMENTATION = """
    name: auditor_winrm
    short_description: PowerShell over WinRM
    description:
        - Runs one script on a Windows server. Transfers no files, follows no redirect, uses no proxy.
        - The password is asked for on a socket in the run's private folder; it stands in no variable and no file.
    options:
        folder:
            description: the private folder of the run
            vars: [{name: auditor_folder}]
            required: true
        address:
            description: the literal address
            vars: [{name: auditor_address}]
            required: true
        port:
            description: the port of WinRM over HTTPS
            type: int
            vars: [{name: auditor_port}]
            required: true
        user:
            description: who logs in
            vars: [{name: auditor_user}]
            required: true
        ca:
            description: the file of certificates to trust; empty for the system's
            vars: [{name: auditor_ca}]
            default: ''
        seconds:
            description: how long the script may take
            type: float
            vars: [{name: auditor_seconds}]
            required: true
        most:
            description: bytes of output that the script may give
            type: int
            vars: [{name: auditor_most}]
            required: true
"""


class Connection(ConnectionBase):  # type: ignore[misc]  # ansible has no types
    """One Windows server."""

    transport = "auditor_winrm"
    allow_executable = False

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Runs a PowerShell script; AnsibleConnectionFailure's text begins with ``auditor:`` and a reason."""
        if in_data is not None:
            raise AnsibleError("auditor:forbidden: no modules are run on Windows servers")
        ca = str(self.get_option("ca"))
        try:
            password = ask(Path(str(self.get_option("folder"))))
        except OSError:
            raise AnsibleConnectionFailure("auditor:no_credentials: the password is not handed over") from None
        server = Server(
            address=str(self.get_option("address")),
            port=int(self.get_option("port")),
            user=str(self.get_option("user")),
            ca=Path(ca) if ca else None,
            seconds=float(self.get_option("seconds")),
            most=int(self.get_option("most")),
            password=password,
        )
        try:
            return run_script(server, cmd)
        except Wrong as wrong:
            raise AnsibleConnectionFailure(f"auditor:{wrong.reason}: {wrong.message}") from None

    def put_file(self, in_path: str, out_path: str) -> None:
        raise AnsibleError("auditor:forbidden: nothing is written on a target")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise AnsibleError("auditor:forbidden: no file is fetched from a target")

    def close(self) -> None:
        self._connected = False
