"""Logs in to a cloud: which projects the user may see, a token for each, and the endpoints of its regions.

Only the login's own address is asked about identity. Endpoints come from the token's catalogue; nothing is
discovered elsewhere, and no file or variable of the operator's is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from keystoneauth1 import session as ks
from keystoneauth1.identity import v3

from inventories.faults import clean
from probes.access import OpenstackAccess
from probes.openstack_cloud.ask import Asker, Row
from probes.openstack_cloud.trouble import Trouble
from probes.openstack_cloud.wire import SILENT_SECONDS, Wire

#: What a catalogue may call a service; the first that it has counts.
TYPES: Mapping[str, tuple[str, ...]] = {
    "compute": ("compute",),
    "network": ("network",),
    "image": ("image",),
    "volume": ("block-storage", "volumev3", "block-store", "volumev2"),
}


@dataclass(frozen=True, slots=True, order=True)
class Project:
    """A project by its name, which is unique only within its domain."""

    name: str
    id: str
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """Leave to ask in the name of one project. ``regions`` maps a region to its endpoints by service."""

    project: Project
    session: ks.Session = field(repr=False)
    roles: tuple[str, ...] = ()
    regions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def administers(self) -> bool:
        """Whether a role's name promises that everything may be listed; the cloud itself decides."""
        return any("admin" in role.casefold() for role in self.roles)


def base_of(auth_url: str) -> str:
    """The identity service's version 3, whichever way the site wrote its address."""
    plain = auth_url.rstrip("/")
    for ending in ("/v2.0", "/v3"):
        plain = plain.removesuffix(ending)
    return f"{plain}/v3"


@dataclass(frozen=True, slots=True)
class Known:
    """Projects by name; ``trouble`` says why they are not all."""

    projects: tuple[Project, ...]
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """A token's own words."""

    project: Project | None
    roles: tuple[str, ...]
    catalogue: object


class Login:
    """One user of one cloud. ``word`` is the password, or the application credential's secret."""

    def __init__(self, access: OpenstackAccess, word: str, wire: Wire, asker: Asker, verify: str | bool) -> None:
        self.access, self.wire, self.asker = access, wire, asker
        self.base = base_of(access.auth_url)
        self._word, self._verify = word, verify

    def projects(self) -> Known:
        """The projects in which the user has a role. :class:`Trouble` where the login is refused."""
        session = self._session(self._plugin(None))
        self._enter(session, "login")
        if self.access.credential_id:
            # An application credential speaks for one project, and gives no token for another.
            return Known((self._own(session),))
        return self._listed(session, "/auth/projects", "projects of the user")

    def token(self, project: Project) -> Token:
        """A token for one project. :class:`Trouble` ``forbidden`` where the cloud gives none."""
        session = self._session(self._plugin(project))
        try:
            self._enter(session, f"project {clean(project.name, 60)}")
        except Trouble as trouble:
            if trouble.reason != "login_refused":
                raise
            raise Trouble("forbidden", f"{trouble.text}: no token for this project", trouble.status) from None
        said = self._said(session)
        # The token names the project's domain, where lists have only the domain's id.
        domain = said.project.domain if said.project and said.project.id == project.id else project.domain
        known = Project(project.name, project.id, domain)
        return Token(known, session, said.roles, dict(self._regions(said.catalogue)))

    def everyone(self, token: Token) -> Known:
        """Every project of the cloud, as far as the user may know of them."""
        return self._listed(token.session, "/projects", "all projects")

    def _plugin(self, project: Project | None) -> v3.Password | v3.ApplicationCredential:
        access = self.access
        if access.credential_id:
            return v3.ApplicationCredential(
                self.base,
                application_credential_id=access.credential_id,
                application_credential_secret=self._word,
            )
        return v3.Password(
            self.base,
            username=access.user,
            password=self._word,
            user_domain_name=access.user_domain,
            project_id=project.id if project else None,
            unscoped=project is None,
        )

    def _session(self, plugin: Any) -> ks.Session:
        return ks.Session(
            auth=plugin,
            session=self.wire.session,
            verify=self._verify,
            timeout=SILENT_SECONDS,
            redirect=False,
            app_name="auditor",
        )

    def _enter(self, session: ks.Session, what: str) -> None:
        """Gets the token, with the patience of any other question."""

        def send() -> requests.Response:
            plugin: Any = session.auth
            if not plugin.get_token(session):
                raise ValueError("no token")
            done = requests.Response()
            done.status_code = 200
            return done

        self.asker.sent(send, what)

    def _said(self, session: ks.Session) -> _Said:
        """What the token says; keystoneauth takes its shape for granted."""
        plugin: Any = session.auth
        try:
            access = plugin.get_access(session)
            project = None
            if access.project_id:
                project = Project(str(access.project_name), str(access.project_id), str(access.project_domain_name))
            return _Said(project, tuple(map(str, access.role_names)), access.service_catalog.catalog)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise Trouble("bad_output", "login: the token is not what it should be") from None

    def _own(self, session: ks.Session) -> Project:
        found = self._said(session).project
        if found is None:
            raise Trouble("bad_output", "login: the application credential names no project")
        return found

    def _listed(self, session: ks.Session, path: str, what: str) -> Known:
        def get(query: Row) -> requests.Response:
            return session.get(self.base + path, params=dict(query), raise_exc=False, log=False)

        found: list[Project] = []
        try:
            for rows in self.asker.pages(get, "projects", {}, what):
                found += filter(None, map(_project, rows))
        except Trouble as trouble:
            if trouble.reason == "stopped":
                raise
            return Known(tuple(sorted(found)), trouble)
        return Known(tuple(sorted(found)))

    def _regions(self, catalogue: object) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Region → service → endpoint, of those regions in which servers may be."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for service in _rows(catalogue):
            for endpoint in _rows(service.get("endpoints")):
                region, url = endpoint.get("region_id") or endpoint.get("region"), endpoint.get("url")
                kind, face = service.get("type"), endpoint.get("interface")
                if all(isinstance(text, str) and text for text in (region, url, kind, face)):
                    url_of = found.setdefault(str(region), {}).setdefault(str(kind), {})
                    url_of[str(face)] = str(url)
        for region, by_type in sorted(found.items()):
            if "compute" in by_type:
                yield region, {service: self._endpoint(by_type, names) for service, names in TYPES.items()}

    def _endpoint(self, by_type: Mapping[str, Mapping[str, str]], names: tuple[str, ...]) -> str:
        """The endpoint of a service, or the empty string."""
        for name in names:
            if self.access.interface in by_type.get(name, {}):
                return by_type[name][self.access.interface]
        return ""


def checked(url: str, auth_url: str, wire: Wire) -> str:
    """An endpoint that may be asked, without a closing slash; :class:`Trouble` for every other one."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    shown = f"{parts.scheme}://{clean(parts.netloc.rpartition('@')[2], 100)}"
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise Trouble("bad_output", f"the catalogue's endpoint {clean(shown, 120)} is none")
    if parts.scheme == "http" and auth_url.startswith("https:"):
        raise Trouble("certificate", f"the endpoint {shown} is not encrypted: no token is sent there")
    wire.admit(host)
    return url.rstrip("/")


def _rows(value: object) -> list[Row]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _project(row: object) -> Project | None:
    if not isinstance(row, dict):
        return None
    name, ident = row.get("name"), row.get("id")
    if not isinstance(name, str) or not isinstance(ident, str) or not ident or row.get("is_domain") is True:
        return None
    domain = row.get("domain_id")
    return Project(name, ident, domain if isinstance(domain, str) else "")
