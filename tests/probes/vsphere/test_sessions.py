"""Logging in, sessions that end in the midst of a page, and logins that are not shown everything."""

from __future__ import annotations

from typing import Any

import pytest

from inventories.model import Collection

MACHINES = ("RetrievePropertiesEx", "VirtualMachine")


def reasons(got: Collection) -> list[str]:
    return [failure.reason for failure in got.failures]


# --- logging in -----------------------------------------------------------------------------------------------------


def test_a_refused_login(lab: Any) -> None:
    server = lab.start()
    server.answers = lab.only("Login", "", lab.fault("InvalidLogin"))
    got = lab.look(server)
    assert reasons(got) == ["login_refused"]
    assert (got.observations, got.coverage) == ((), ())
    assert got.failures[0].scope == (server.url,)
    # Once: a directory locks an account after a few attempts. And who is not logged in has nothing to end.
    assert server.methods.count("Login") == 1
    assert "Logout" not in server.methods


@pytest.mark.parametrize(("fault", "reason"), [("NoPermission", "forbidden"), ("NotSupported", "bad_output")])
def test_a_login_that_ends_otherwise(lab: Any, fault: str, reason: str) -> None:
    server = lab.start()
    server.answers = lab.only("Login", "", lab.fault(fault))
    assert reasons(lab.look(server)) == [reason]


def test_a_password_that_is_not_there(lab: Any, tmp_path: Any) -> None:
    from probes.secrets import Secret

    server = lab.start()
    got = lab.look(server, password=Secret("file", str(tmp_path / "nothing")))
    assert reasons(got) == ["no_credentials"]
    assert "Login" not in server.methods


# --- the session ends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "about"),
    [
        ("HasPrivilegeOnEntities", ""),
        ("Fetch", ""),
        ("CreateContainerView", "HostSystem"),
        ("RetrievePropertiesEx", "Datastore"),
        MACHINES,
        ("ContinueRetrievePropertiesEx", "3"),
        ("ContinueRetrievePropertiesEx", "4"),
        ("RetrievePropertiesEx", "VirtualMachine devices"),
    ],
)
def test_a_session_that_ends_is_opened_once_more(lab: Any, method: str, about: str) -> None:
    server = lab.start()
    whole = lab.look(lab.start())
    server.answers = lab.only(method, about, lab.expired(), times=1)
    got = lab.look(server)
    assert got.failures == ()
    assert server.methods.count("Login") == 2
    assert len(got.coverage) == 1
    # Nothing twice and nothing lost, whichever page it was.
    assert lab.names(got) == lab.names(whole) and len(got.observations) == len(whole.observations)
    assert (lab.cloud(got)["hosts_total"], lab.cloud(got)["vms_total"]) == (2, 6)


def test_a_session_that_ends_again(lab: Any) -> None:
    server = lab.start()
    server.answers = lab.only("ContinueRetrievePropertiesEx", "3", lab.expired())
    got = lab.look(server)
    assert reasons(got) == ["session_expired"]
    assert "virtual machines" in got.failures[0].message
    assert got.coverage == ()
    assert {"cz-web-01", "esx-1.example"} <= lab.names(got) and "no-tools" not in lab.names(got)
    assert lab.cloud(got)["hosts_total"] == 2 and "vms_total" not in lab.cloud(got)
    assert server.methods.count("Login") == 2


def test_a_login_that_is_refused_the_second_time(lab: Any) -> None:
    server = lab.start()

    def answers(asked: Any) -> Any:
        if asked.method == "ContinueRetrievePropertiesEx":
            return lab.expired()
        return lab.fault("InvalidLogin") if asked.method == "Login" and server.methods.count("Login") > 1 else None

    server.answers = answers
    assert reasons(lab.look(server)) == ["login_refused"]


def test_a_server_that_hides_every_property_because_nobody_is_logged_in(lab: Any) -> None:
    """The session's end may also be said of each property of each object."""
    server = lab.start()
    missing = (
        "<missingSet><path>name</path><fault><fault xsi:type='NotAuthenticated'><object type='Datastore'>ds</object>"
        "<privilegeId>System.Read</privilegeId></fault><localizedMessage></localizedMessage></fault></missingSet></objects>"
    )

    def nobody(asked: Any) -> Any:
        return server.changed(asked, ("</objects>", missing))

    server.answers = lab.only("RetrievePropertiesEx", "Datastore", nobody, times=1)
    got = lab.look(server)
    assert got.failures == () and server.methods.count("Login") == 2


# --- rights ---------------------------------------------------------------------------------------------------------


def denied(*paths: str) -> str:
    """Properties that a login may not read, as they stand in an object of a page."""
    why = (
        "<fault><fault xsi:type='NoPermission'><object type='VirtualMachine'>vm-1</object>"
        "<privilegeId>System.Read</privilegeId></fault><localizedMessage></localizedMessage></fault>"
    )
    return "".join(f"<missingSet><path>{path}</path>{why}</missingSet>" for path in paths)


def test_objects_that_may_not_be_read(lab: Any) -> None:
    server = lab.start()

    def answers(asked: Any) -> Any:
        reply = server.recorded(asked)
        text = reply.body.decode()
        if asked.key != ("ContinueRetrievePropertiesEx", "4"):
            return reply
        head, start, rest = text.partition("<propSet>")
        cut = head + denied("config.uuid", "config.instanceUuid") + rest[rest.rindex("</propSet>") + 10 :]
        assert start
        return lab.Reply(cut.encode())

    server.answers = answers
    got = lab.look(server)
    assert reasons(got) == ["forbidden"]
    assert "virtual machines: 1 " in got.failures[0].message
    assert got.coverage == ()
    assert "cz-web-01" in lab.names(got) and "vms_total" not in lab.cloud(got)
    assert lab.cloud(got)["hosts_total"] == 2


def test_a_kind_that_may_not_be_listed(lab: Any) -> None:
    server = lab.start()
    server.answers = lab.only("RetrievePropertiesEx", "Datastore", lab.fault("NoPermission"))
    got = lab.look(server)
    assert reasons(got) == ["forbidden"] and got.coverage == ()
    assert "datastores" not in lab.cloud(got) and lab.cloud(got)["vms_total"] == 6
    assert "off" in lab.names(got)


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("HasPrivilegeOnEntities", ("<isGranted>true</isGranted>", "<isGranted>false</isGranted>")),
        ("RetrieveEntityPermissions", ("<propagate>true</propagate>", "<propagate>false</propagate>")),
    ],
)
def test_a_login_that_is_not_shown_everything(lab: Any, method: str, change: tuple[str, str]) -> None:
    server = lab.start()
    server.answers = lambda asked: server.changed(asked, change) if asked.method == method else None
    got = lab.look(server)
    assert reasons(got) == ["forbidden"] and got.coverage == ()
    assert "cz-web-01" in lab.names(got)
    # So many at least; how many in all, nobody can tell.
    assert not {"hosts_total", "vms_total"} & lab.cloud(got).keys()


@pytest.mark.parametrize("method", ["HasPrivilegeOnEntities", "RetrieveEntityPermissions"])
def test_a_server_that_does_not_say_what_it_shows(lab: Any, method: str) -> None:
    server = lab.start()
    server.answers = lambda asked: lab.fault("NotSupported") if asked.method == method else None
    got = lab.look(server)
    assert reasons(got) == ["forbidden"] and got.coverage == ()
