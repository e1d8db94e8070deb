"""The SSH probe: what hosts are, read on the hosts themselves, through the logins that a zone gives."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from inventories.model import Collection
from probes.base import Context, Limit, Shard
from probes.scope import Permit

#: What a login without privilege does not show.
PRIVILEGE = (
    "hosts are read without privilege: with it, also serial numbers and UUIDs of the firmware table (DMI), and which "
    "process of another user is behind an open port"
)


@dataclass(frozen=True)
class SshProbe:
    """Reads hosts from inside over SSH."""

    name: str = "ssh"

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        """The addresses that the zone has a login for, in shards of at most 256; sends nothing."""
        from probes.ssh.sharing import shards_for

        return shards_for(permit, self.name, permit.access.ssh)

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Logs in to every host of a shard that accepts a connection, and reads it; writes nothing there."""
        from probes.ansible_run.folder import private_folder
        from probes.ssh.reading import ShellReading
        from probes.ssh.sharing import by_login, collection_of, not_here
        from probes.ssh.visit import Found, Login, Visit

        began, found = context.now().astimezone(UTC), Found()
        with private_folder(context.workdir) as folder:
            for number, (login, targets) in enumerate(by_login(shard.targets, context.permit.access.ssh)):
                refused = not_here("ssh", login.port, targets)
                if refused is not None:
                    found.refuse(targets, refused)
                    continue
                mine = Login(
                    user=login.user,
                    port=login.port,
                    key=login.key,
                    passphrase=login.passphrase,
                    password=login.password,
                    known_hosts=login.known_hosts,
                    bastion=login.bastion,
                    path=login.path,
                )
                found.add(Visit(mine, number, ShellReading(), context, folder).go(targets))
        return collection_of(self.name, found.read, found.refused, context, began)

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """What this probe cannot see here, where a zone has a login at all."""
        if not any(permit.access.ssh for permit in permits):
            return ()
        if shutil.which("ssh") is None:
            return (
                Limit("not_installed", "hosts from inside: ssh is not installed (apt-get install openssh-client)"),
            )
        return (Limit("unprivileged_logins", PRIVILEGE),)
