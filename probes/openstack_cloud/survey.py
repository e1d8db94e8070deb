"""The whole run over one cloud: every project and region that may be read, and what could not be.

An administrator's token lists every project at once. Where the cloud forbids that, each project is listed with a
token of its own, and the projects that no token reaches are said to be uncovered. What is listed only in part
is never covered, and what was seen of it stands all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from urllib.parse import urlsplit

from inventories.faults import clean
from inventories.identity import code_id, service_id
from inventories.model import Collection, Coverage, Failure, Observation, Value
from probes.access import OpenstackAccess
from probes.base import Context
from probes.openstack_cloud.ask import Asker, Row
from probes.openstack_cloud.facts import Joined, Teller, hypervisors_of, shown, unshared
from probes.openstack_cloud.keystone import Known, Login, Project, Token, checked
from probes.openstack_cloud.region import OF_SERVICE, Region
from probes.openstack_cloud.trouble import Trouble
from probes.openstack_cloud.wire import Wire, trust
from probes.secrets import SecretMissing

#: Alone in a scope: all that there is.
_EVERYTHING = ("*",)

#: Names of projects in a failure's text.
_MOST_NAMES = 20


class Survey:
    """One cloud, asked by one login. ``name`` is the collector's."""

    def __init__(self, access: OpenstackAccess, context: Context, name: str) -> None:
        self.access, self.context, self.name = access, context, name
        self.zone = context.permit.zone
        self.began = self._now()
        parts = urlsplit(access.auth_url)
        # A user and a password have no place in an address, and so none in what is told of it.
        self.endpoint = clean(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), 200)
        self.asker = Asker(context)
        self.observations: list[Observation] = []
        self.failures: list[Failure] = []
        #: How often something failed; the same failure is told once only.
        self.failed = 0
        self.networks: set[str] = set()
        self.projects: dict[str, str] = {}
        self.seen: set[str] = set()
        #: Hypervisors counted so far; None where one region at least did not show them.
        self.hypervisors: int | None = 0
        self.versions: dict[str, str] = {}
        self.broken: dict[str, Trouble] = {}
        #: Regions whose nova does not answer: they are asked once, not for each project.
        self.down: set[str] = set()
        self.covered: tuple[str, ...] = ()

    def go(self) -> Collection:
        """Everything that was seen, what that covers, and what went wrong; never raises for what the cloud does."""
        try:
            secret = self.access.credential_secret if self.access.credential_id else self.access.password
            if secret is None:
                raise SecretMissing("the site gives neither a password nor an application credential")
            with closing(Wire(self.context.permit.targets, self.context.stop)) as wire:
                checked(self.access.auth_url, "", wire)
                login = Login(self.access, secret.reveal(), wire, self.asker, trust(self.access.ca))
                self._survey(login)
                self._cloud_itself(wire)
        except SecretMissing as missing:
            self._failed((self.endpoint,), "no_credentials", str(missing))
        except Trouble as trouble:
            self._failed((self.endpoint,), trouble.reason, trouble.text)
        return Collection(tuple(unshared(self.observations)), self._coverage(), tuple(self.failures))

    # --- projects and regions -------------------------------------------------------------------------------

    def _survey(self, login: Login) -> None:
        known = login.projects()
        if known.trouble is not None:
            self._failed((self.endpoint,), known.trouble.reason, known.trouble.text)
        wanted = self._wanted(known)
        tokens = [token for project in wanted if (token := self._token(login, project)) is not None]
        self.projects = {project.id: project.name for project in known.projects}
        if not tokens:
            if not wanted and not self.access.projects and known.trouble is None:
                self._failed(_EVERYTHING, "forbidden", "the user has no role in any project: nothing can be listed")
            return
        regions = self._regions(tokens)
        # Projects are covered where nothing of the cloud is left out for another reason than leave.
        complete = not self._limited(tokens)
        if self.access.projects:
            done = self._each(login, regions, tokens)
            self.covered = self._names(done, known) if complete else ()
            return
        everyone = self._everyone(login, tokens)
        refused = [name for name in regions if not self._whole(login, name, tokens)]
        done = self._each(login, refused, tokens) if refused else frozenset()
        if refused:
            self._uncovered(everyone, tokens)
        if complete and refused == regions:
            self.covered = self._names(done, known)
        elif complete and not refused and not self.failures:
            self.covered = _EVERYTHING

    def _everyone(self, login: Login, tokens: Sequence[Token]) -> Known:
        """The projects that there are, beyond those of the user, as far as the cloud tells."""
        known = login.everyone(_leading(tokens))
        self.projects.update({project.id: project.name for project in known.projects})
        if known.trouble is not None and known.trouble.status != 403:
            self._failed((self.endpoint,), known.trouble.reason, known.trouble.text)
        return known

    def _wanted(self, known: Known) -> list[Project]:
        """The projects to read: all, or those that the site names, of which some may not be there for the user."""
        if not self.access.projects:
            return list(known.projects)
        found = [project for project in known.projects if project.name in self.access.projects]
        for name in self.access.projects:
            if any(project.name == name for project in found):
                continue
            if known.trouble is not None:
                self._failed((_project(name),), known.trouble.reason, known.trouble.text)
            else:
                self._failed((_project(name),), "forbidden", f"the user has no role in project {clean(name, 80)}")
        return found

    def _token(self, login: Login, project: Project) -> Token | None:
        try:
            token = login.token(project)
        except Trouble as trouble:
            if trouble.reason == "stopped":
                raise
            self._failed((_project(project.name),), trouble.reason, trouble.text)
            return None
        same = [name for name in self.access.projects if name == project.name]
        if same and self.access.project_domain.casefold() not in ("", token.project.domain.casefold()):
            text = f"project {clean(project.name, 80)} lies in the domain {clean(token.project.domain, 60)}"
            self._failed((_project(project.name),), "forbidden", f"{text}, not in the one that the site names")
            return None
        return token

    def _regions(self, tokens: Sequence[Token]) -> list[str]:
        there = sorted({region for token in tokens for region in token.regions})
        for name in self.access.regions:
            if name not in there:
                self._failed((_region(name),), "unavailable", f"the catalogue has no region {clean(name, 60)}")
        if not there:
            self._failed(_EVERYTHING, "bad_output", "the catalogue has no region with a compute service")
        return [name for name in there if not self.access.regions or name in self.access.regions]

    def _limited(self, tokens: Sequence[Token]) -> bool:
        """Whether the site's limit leaves regions of the cloud unread."""
        there = {region for token in tokens for region in token.regions}
        return bool(self.access.regions) and not there <= set(self.access.regions)

    def _whole(self, login: Login, name: str, tokens: Sequence[Token]) -> bool:
        """Lists everything of one region; False where the cloud does not let this user."""
        token = _leading([token for token in tokens if name in token.regions])
        region = self._region(login, name, token, whole=True)
        try:
            pages = region.servers()
            first = next(pages, [])
        except Trouble as trouble:
            if trouble.status == 403:
                return False
            self._troubled(name, None, trouble)
            return True
        self._read(region, chain([first], pages))
        return True

    def _each(self, login: Login, regions: Sequence[str], tokens: Sequence[Token]) -> frozenset[Project]:
        """Lists project by project; the projects that were listed to the end in each of the regions."""
        done = {token.project for token in tokens}
        for name in regions:
            for token in tokens:
                if name not in token.regions:
                    continue
                region = self._region(login, name, token)
                if not self._read(region, region.servers()):
                    done.discard(token.project)
                if name in self.down:
                    # For every project alike: nobody is asked a second time.
                    done.clear()
                    break
        return frozenset(done)

    def _uncovered(self, everyone: Known, tokens: Sequence[Token]) -> None:
        """Says which projects nobody could read."""
        read = {token.project.id for token in tokens}
        others = sorted({project.name for project in everyone.projects if project.id not in read})
        if others:
            names = ", ".join(clean(name, 40) for name in others[:_MOST_NAMES])
            self._failed(
                tuple(map(_project, others)), "forbidden", f"the user may not list all projects: not {shown}"
            )
        elif everyone.trouble is not None:
            names = ", ".join(sorted(clean(token.project.name, 40) for token in tokens)[:_MOST_NAMES])
            text = f"the user may not list all projects, nor know which there are: only {names}"
            self._failed(_EVERYTHING, "forbidden", text)

    def _names(self, done: Iterable[Project], known: Known) -> tuple[str, ...]:
        """The names of projects that were read; a name that several bear, only where all of them were."""
        read = {project.id for project in done}
        left = {project.name for project in known.projects if project.id not in read}
        # A project that is called like everything covers nothing.
        names = {project.name for project in done} - left - set(_EVERYTHING)
        return tuple(sorted(shown(name) for name in names))

    # --- one region under one token -------------------------------------------------------------------------

    def _region(self, login: Login, name: str, token: Token, *, whole: bool = False) -> Region:
        return Region(name, token, self.asker, login.wire, self.access.auth_url, whole, self.versions, self.broken)

    def _read(self, region: Region, pages: Iterable[Sequence[Row]]) -> bool:
        """Reads a region to the end; False where something in it could not be read."""
        before = self.failed
        project = None if region.whole else region.token.project
        try:
            self.networks.update(region.networks())
            joined = region.joined()
            self._hosts(region)
            self._servers(region, pages, joined)
        except Trouble as trouble:
            if trouble.reason in OF_SERVICE:
                self.down.add(region.name)
            self._troubled(region.name, project, trouble)
        for beside in region.troubles:
            self._troubled(region.name, project, beside)
        return self.failed == before

    def _servers(self, region: Region, pages: Iterable[Sequence[Row]], joined: Joined) -> None:
        teller, lost = self._teller(), 0
        odd: dict[str, set[str]] = {}
        try:
            for rows in pages:
                for row in rows:
                    if row["id"] in self.seen:
                        continue
                    self.seen.add(row["id"])
                    owner = row.get("tenant_id")
                    own = "" if region.whole else region.token.project.name
                    project = self.projects.get(owner, own) if isinstance(owner, str) else own
                    found, wrong = teller.server(row, project, joined)
                    self.observations.append(found)
                    lost += "flavor" not in row
                    if wrong:
                        odd.setdefault(project, set()).update(wrong)
                self.context.report(f"{region.name}: {len(self.seen)} servers")
        finally:
            for project, names in sorted(odd.items()):
                scope = _project(project) if project else _region(region.name)
                text = f"region {clean(region.name, 60)}: servers with odd fields: {', '.join(sorted(names))}"
                self._failed((scope,), "bad_output", text)
        if lost:
            text = f"{lost} servers lie in a cell that does not answer: only their ids are known"
            self._failed((_region(region.name),), "unavailable", text)

    def _hosts(self, region: Region) -> None:
        """Hypervisors, where the user may see them; asked for once in each region."""
        mark = f"hypervisors of {region.name}"
        if mark in self.seen:
            return
        self.seen.add(mark)
        rows = region.hypervisors()
        if rows is None:
            self.hypervisors = None
            return
        many = Counter(str(row.get("host_ip")) for row in rows)
        shared = frozenset(address for address, count in many.items() if count > 1)
        for row in rows:
            found, wrong = self._teller().hypervisor(row, shared)
            self.observations.append(found)
            if wrong:
                self._failed((_region(region.name),), "bad_output", f"a hypervisor's odd fields: {', '.join(wrong)}")
        if self.hypervisors is not None:
            self.hypervisors += len(rows)

    # --- what comes home ------------------------------------------------------------------------------------

    def _teller(self) -> Teller:
        return Teller(
            zone=self.zone,
            source=f"openstack {self.endpoint}",
            cloud=self._code(),
            at=self._now(),
            local=self.context.now().tzinfo,
            belongs=self.access.belongs,
            collector=self.name,
        )

    def _code(self) -> str:
        return self.access.cloud or urlsplit(self.access.auth_url).netloc.rpartition("@")[2]

    def _cloud_itself(self, wire: Wire) -> None:
        if not self.projects:
            return
        parts = urlsplit(self.access.auth_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        where = service_id(wire.admit(parts.hostname or ""), port, "tcp", self.zone.vantage)
        whole = self.covered == _EVERYTHING
        hypervisors = [mark for mark in self.seen if mark.startswith("hypervisors of ")]
        facts: dict[str, Value] = {
            "platform": "openstack",
            "endpoint": self.endpoint,
            "projects_observed": tuple(sorted({shown(name) for name in self.projects.values()})),
            "networks_observed": tuple(sorted(self.networks)),
            "vms_total": len(self.seen) - len(hypervisors) if whole else None,
            "hosts_total": self.hypervisors if whole else None,
        }
        identifier = code_id("cloud", self.access.cloud) if self.access.cloud else where
        self.observations.append(self._teller().cloud_itself(identifier, facts))

    def _coverage(self) -> tuple[Coverage, ...]:
        code, whole = self._code(), self.covered == _EVERYTHING
        scopes = {code: self.covered}
        if whole and self.hypervisors is not None:
            scopes[hypervisors_of(code)] = _EVERYTHING
        times = (self.began, self._now())
        zone = self.zone
        return tuple(
            Coverage(self.name, zone.id, zone.vantage, "resources", scope, *times, detail)
            for detail, scope in scopes.items()
            if scope
        )

    def _troubled(self, region: str, project: Project | None, trouble: Trouble) -> None:
        """A failure on the narrowest scope that the trouble concerns."""
        if trouble.reason == "stopped":
            raise trouble
        reason = "unavailable" if trouble.reason == "unreachable" else trouble.reason
        scope = _region(region) if project is None or trouble.reason in OF_SERVICE else _project(project.name)
        self._failed((scope,), reason, trouble.text)

    def _failed(self, scope: tuple[str, ...], reason: str, text: str) -> None:
        self.failed += 1
        failure = Failure(self.name, self.zone.id, scope, reason, clean(text, 300), self._now())
        if not any((f.scope, f.reason, f.message) == (scope, reason, failure.message) for f in self.failures):
            self.failures.append(failure)

    def _now(self) -> datetime:
        return self.context.now().astimezone(UTC)


def _leading(tokens: Sequence[Token]) -> Token:
    """The token that is likeliest to list everything."""
    return next((token for token in tokens if token.administers), tokens[0])


def _project(name: str) -> str:
    return f"project:{shown(name)}"


def _region(name: str) -> str:
    return f"region:{shown(name)}"
