"""One shard's Windows servers over WinRM: a sweep, and one run of Ansible over those that accept connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from inventories.faults import clean
from probes.access import WindowsLogin
from probes.ansible_run.process import Ended, Happened, Job, run
from probes.ansible_run.secrets_socket import handing_out
from probes.base import Context
from probes.inside.model import Inside
from probes.reach import pace, reach
from probes.secrets import SecretMissing
from probes.ssh.reading import MOST_OUTPUT
from probes.ssh.said import Refused
from probes.ssh.visit import FORKS, START_SECONDS, Found, at_work
from probes.windows.reading import WindowsReading, WinrmAnswers

#: What pywinrm needs beyond its own time for one script: opening and closing a shell, and NTLM's three messages.
_AROUND_SECONDS = 60.0

#: What one request may take: the last one that is asked in time, and the one that closes the shell, come on top.
_REQUEST_SECONDS = 15.0

#: Servers that a domain's account is tried on before it is tried on all: domains lock after five wrong tries or more.
TRIES = 3


def has_winrm() -> bool:
    """Whether pywinrm is installed (the optional extra ``windows``)."""
    return find_spec("winrm") is not None


@dataclass(frozen=True, slots=True)
class WinrmVisit:
    """The servers of one login in one shard. ``folder`` is private, ``number`` tells the shard's logins apart."""

    login: WindowsLogin
    number: int
    context: Context
    folder: Path

    def go(self, addresses: Sequence[str]) -> Found:
        """Reads every server that accepts a connection. Closed and silent addresses are neither read nor refused."""
        found, stop = Found(), self.context.stop
        refused = self._unusable()
        if refused is not None:
            found.refuse(addresses, refused)
            return found
        with at_work(stop) as may:
            swept = reach(addresses if may else (), [self.login.port], rate=pace(self.context), stop=stop)
            asked = set(swept.asked)
            found.refuse((a for a in addresses if a not in asked), Refused("stopped", stop.reason))
            for address, said in swept.unreached.items():
                found.refuse([address], Refused("unreachable", said))
            opened = [address for address in addresses if address in swept.open]
            if opened:
                self._read(opened, found)
        return found

    def _unusable(self) -> Refused | None:
        if not has_winrm():
            return Refused("not_installed", "pywinrm is not installed: pip install 'gov-infra-auditor[windows]'")
        if self.login.password is None:
            return Refused("no_credentials", "a login over WinRM needs a password")
        ca = self.login.ca
        if ca is not None:
            try:
                ssl.create_default_context(cafile=str(ca))
            except (ssl.SSLError, ValueError):
                return Refused("no_credentials", f"ca {clean(str(ca), 120)}: holds no certificates (PEM)")
            except OSError as error:
                return Refused("no_credentials", f"ca {clean(str(ca), 120)}: {error.strerror or 'cannot be read'}")
        return None

    def _read(self, addresses: Sequence[str], found: Found) -> None:
        try:
            password = self.login.password.reveal() if self.login.password else ""
        except SecretMissing as error:
            found.refuse(addresses, Refused("no_credentials", clean(str(error), 200)))
            return
        for number, part in enumerate(self._parts(addresses)):
            if (
                number
                and not found.read
                and all(found.refused[a].reason == "login_refused" for a in addresses[:TRIES])
            ):
                said = f"not tried: {TRIES} servers refused the domain's account, and more tries might lock it"
                found.refuse(part, Refused("login_refused", said))
            else:
                self._read_part(part, number, password, found)

    def _parts(self, addresses: Sequence[str]) -> Iterator[Sequence[str]]:
        """A wrong password is wrong on every server of a domain, and a few tries lock its account: so a few first."""
        is_domains = "\\" in self.login.user or "@" in self.login.user
        tries = TRIES if is_domains and len(addresses) > TRIES else len(addresses)
        yield from (part for part in (addresses[:tries], addresses[tries:]) if part)

    def _read_part(self, addresses: Sequence[str], number: int, password: str, found: Found) -> None:
        answers = {f"h{place}": WinrmAnswers() for place in range(len(addresses))}
        self.context.report(f"reading {len(addresses)} Windows servers")
        ended = asyncio.run(self._run(addresses, answers, number, password))
        for address, answer in zip(addresses, answers.values(), strict=True):
            got = WindowsReading().read(answer, "", ended)
            if isinstance(got, Inside):
                found.read[address] = got
            else:
                found.refuse([address], got)

    async def _run(
        self, addresses: Sequence[str], answers: dict[str, WinrmAnswers], number: int, password: str
    ) -> Ended:
        def take(happened: Happened) -> None:
            if happened.host in answers:
                answers[happened.host].take(happened)

        folder = self.folder / f"w{self.number}-{number}"
        folder.mkdir(mode=0o700)
        async with handing_out(folder, password):
            return await run(self.job(addresses, list(answers), folder), self.folder, self.context.stop, take)

    def job(self, addresses: Sequence[str], names: Sequence[str], folder: Path) -> Job:
        """What Ansible is given: everything but the password."""
        login, profile = self.login, self.context.permit.profile
        seconds = max(1.0, profile.host_timeout_seconds - _AROUND_SECONDS)
        forks = 1 if profile.paced else max(1, min(FORKS, int(pace(self.context)), len(addresses)))
        hosts = {
            name: {
                "ansible_connection": "auditor_winrm",
                "auditor_folder": str(folder),
                "auditor_address": address,
                "auditor_port": login.port,
                "auditor_user": login.user,
                "auditor_ca": str(login.ca.absolute()) if login.ca else "",
                "auditor_seconds": seconds,
                "auditor_limit": int(seconds + 2 * min(_REQUEST_SECONDS, seconds)) + 2,
                "auditor_most": MOST_OUTPUT,
            }
            for name, address in zip(names, addresses, strict=True)
        }
        rounds = -(-len(hosts) // forks)
        return Job(
            playbook=WindowsReading().playbook,
            hosts=hosts,
            groups={"windows": tuple(hosts)},
            forks=forks,
            seconds=START_SECONDS + rounds * profile.host_timeout_seconds,
            texts=WindowsReading().texts(),
        )
