"""The Windows probe: servers read from inside by one PowerShell script, over SSH or WinRM.

No Windows machine was to be had for its tests: what they read is synthetic.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from inventories.model import Collection
from probes.base import Context, Limit, Shard
from probes.scope import Permit


@dataclass(frozen=True)
class WindowsProbe:
    """Reads Windows servers from inside."""

    name: str = "windows"

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        """The addresses that the zone has a login for, in shards of at most 256; sends nothing."""
        from probes.ssh.sharing import shards_for

        return shards_for(permit, self.name, permit.access.windows)

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Logs in to every server of a shard that accepts a connection, and reads it; writes nothing there."""
        from probes.ansible_run.folder import private_folder
        from probes.ssh.sharing import by_login, collection_of, not_here
        from probes.ssh.visit import Found, Login, Visit
        from probes.windows.reading import WindowsReading
        from probes.windows.visit import WinrmVisit

        began, found = context.now().astimezone(UTC), Found()
        with private_folder(context.workdir) as folder:
            for number, (login, targets) in enumerate(by_login(shard.targets, context.permit.access.windows)):
                by_ssh = login.transport == "ssh"
                refused = not_here("ssh" if by_ssh else "", login.port, targets)
                if refused is not None:
                    found.refuse(targets, refused)
                elif by_ssh:
                    plain = Login(
                        user=login.user,
                        port=login.port,
                        key=login.key,
                        password=login.password,
                        known_hosts=login.known_hosts,
                    )
                    found.add(Visit(plain, number, WindowsReading(), context, folder).go(targets))
                else:
                    found.add(WinrmVisit(login, number, context, folder).go(targets))
        return collection_of(self.name, found.read, found.refused, context, began)

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """What this probe cannot see here, where a zone has a login at all."""
        from probes.windows.visit import has_winrm

        transports = {login.transport for permit in permits for login in permit.access.windows}
        out: list[Limit] = []
        if "winrm" in transports and not has_winrm():
            message = (
                "Windows servers over WinRM: pywinrm is not installed (pip install 'gov-infra-auditor[windows]')"
            )
            out.append(Limit("not_installed", message))
        if "ssh" in transports and shutil.which("ssh") is None:
            out.append(Limit("not_installed", "Windows servers over SSH: no ssh (apt-get install openssh-client)"))
        return tuple(out)
