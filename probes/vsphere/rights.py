"""Whether this login is shown everything: an inventory that hides what one may not see looks whole all the same."""

from __future__ import annotations

from probes.vsphere.fields import field, items, kind_of, reference, text
from probes.vsphere.session import Session
from probes.vsphere.soap import ServerFault
from probes.vsphere.trouble import Trouble

_READ = "System.Read"


def sees_everything(session: Session) -> bool:
    """Whether the login may read the top of the inventory, by a permission that reaches down from there.

    What is taken away again from a branch below cannot be seen from inside: the site has to give a login that may
    read everything. Where the server does not answer the question, the answer is no. :class:`ServerFault` where the
    session has ended.
    """
    try:
        return _may_read_root(session) and _reaches_down(session)
    except ServerFault as fault:
        if fault.is_a("NotAuthenticated"):
            raise
        return False
    except Trouble as trouble:
        if trouble.ends:
            raise
        return False


def _may_read_root(session: Session) -> bool:
    manager = session.service("authorizationManager", "vim.AuthorizationManager")
    told = items(manager.HasPrivilegeOnEntities([session.root], session.key, [_READ]))
    granted = [
        field(privilege, "isGranted") is True
        for entity in told
        if kind_of(field(entity, "entity")) == "Folder"
        for privilege in items(field(entity, "privAvailability"))
        if field(privilege, "privId") == _READ
    ]
    return granted == [True]


def _reaches_down(session: Session) -> bool:
    """No permission at the top stops there, or this very login's own does not.

    Whose group a permission is given to cannot be told here: where any of them stops at the top, ours may be it.
    """
    manager = session.service("authorizationManager", "vim.AuthorizationManager")
    told = items(manager.RetrieveEntityPermissions(session.root, False))
    ours = [entry for entry in told if text(field(entry, "principal"), 200).casefold() == session.user.casefold()]
    here = [entry for entry in (ours or told) if reference(field(entry, "entity"))]
    return bool(here) and all(field(entry, "propagate") is True for entry in here)
