"""One session with a vCenter or an ESXi host: agree on a version, log in once, log out always."""

from __future__ import annotations

import re
from collections.abc import Callable

from probes.access import VsphereAccess
from probes.secrets import SecretMissing
from probes.vsphere.answers import About
from probes.vsphere.fields import field, kind_of, reference, text, word
from probes.vsphere.soap import OLDEST, ManagedObject, ServerFault, Stub, best_version, object_of
from probes.vsphere.trouble import Trouble
from probes.vsphere.wire import Wire

#: The document in which a server lists the versions it understands; nobody has to be logged in to read it.
_VERSIONS = "/sdk/vimServiceVersions.xml"
_MOST_VERSIONS_BYTES = 262_144
_VERSION = re.compile(rb"<version>\s*([A-Za-z0-9.]{1,40})\s*</version>")


class Session:
    """Opened by :meth:`open`, closed by :meth:`leave`, in between renewed at most once by :meth:`renew`.

    The password is looked up when it is sent, and is kept nowhere.
    """

    def __init__(self, wire: Wire, access: VsphereAccess) -> None:
        self._wire, self._access = wire, access
        self._stub = Stub(wire, OLDEST)
        self._content: object = None
        self._logged_in = False
        #: The key of our session, by which the server can be asked what it may do.
        self.key = ""
        self.user = ""
        self.about = About()

    def open(self) -> None:
        """:class:`Trouble`: ``login_refused``, ``no_credentials``, or whatever went wrong on the way."""
        try:
            self._stub = Stub(self._wire, self._agree())
            self._content = object_of("vim.ServiceInstance", "ServiceInstance", self._stub).RetrieveContent()
        except ServerFault as fault:
            raise Trouble("bad_output", f"says nothing of itself: {fault.name}", ends=True) from None
        if kind_of(field(self._content, "rootFolder")) != "Folder":
            raise Trouble("bad_output", "is no vCenter and no ESXi", ends=True)
        self.about = _about(field(self._content, "about"))
        self._log_in()

    def renew(self) -> None:
        """Logs in again after the server has ended the session."""
        self._wire.forget_session()
        self._logged_in = False
        self._log_in()

    def leave(self) -> None:
        """Logs out, if it can be done soon. Never raises."""
        if self._logged_in:
            self._logged_in = False
            self.quietly(self.service("sessionManager", "vim.SessionManager").Logout)
        self._wire.forget_session()

    def quietly(self, call: Callable[[], object]) -> None:
        """A call of which nothing hangs: it tidies up. In a hurry where probing was stopped or the line was lost."""
        if self._wire.is_lost or self._wire.guard.is_stopped:
            self._wire.hurry()
        try:
            call()
        except (ServerFault, Trouble):
            return

    def service(self, name: str, kind: str) -> ManagedObject:
        """One of the server's services (``viewManager``); :class:`Trouble` where it has none of that name."""
        identifier = reference(field(self._content, name))
        if not identifier:
            raise Trouble("bad_output", f"the server has no {name}")
        return self.refer(kind, identifier)

    def has(self, name: str) -> bool:
        return bool(reference(field(self._content, name)))

    def refer(self, kind: str, identifier: str) -> ManagedObject:
        return object_of(kind, identifier, self._stub)

    @property
    def root(self) -> ManagedObject:
        return self.service("rootFolder", "vim.Folder")

    def _agree(self) -> str:
        """The version to speak. A server without a list of versions is spoken to in the oldest."""
        with self._wire.asked("GET", _VERSIONS, most=_MOST_VERSIONS_BYTES, missing_is_fine=True) as answer:
            return best_version({found.decode("ascii") for found in _VERSION.findall(answer.whole())})

    def _log_in(self) -> None:
        try:
            password = self._access.password.reveal()
        except SecretMissing as missing:
            raise Trouble("no_credentials", str(missing), ends=True) from None
        manager = self.service("sessionManager", "vim.SessionManager")
        try:
            session = manager.Login(self._access.user, password, None)
        except ServerFault as fault:
            if fault.is_a("InvalidLogin"):
                raise Trouble("login_refused", f"the login is refused: {fault.name}", ends=True) from None
            reason = "forbidden" if fault.is_a("NoPermission") else "bad_output"
            raise Trouble(reason, f"the login ended in {fault.name}", ends=True) from None
        self._logged_in = True
        self.key, self.user = text(field(session, "key"), 200), text(field(session, "userName"), 200)


def _about(said: object) -> About:
    kinds = {"VirtualCenter": "vcenter", "HostAgent": "esxi"}
    version = " ".join(part for part in (text(field(said, "version"), 40), text(field(said, "build"), 40)) if part)
    return About(
        kind=kinds.get(word(field(said, "apiType")), ""),
        product=text(field(said, "fullName")),
        version=version,
        instance=text(field(said, "instanceUuid"), 60),
    )
