"""Inventories that a vCenter tells only in part, or without end: a named failure each, and what was read stays."""

from __future__ import annotations

from typing import Any

import pytest

from inventories.model import Collection, Strength

MACHINES = ("RetrievePropertiesEx", "VirtualMachine")


def reasons(got: Collection) -> list[str]:
    return [failure.reason for failure in got.failures]


def test_a_host_that_does_not_answer_the_platform(lab: Any) -> None:
    server = lab.start()

    def answers(asked: Any) -> Any:
        reply = server.recorded(asked)
        if asked.key != ("RetrievePropertiesEx", "HostSystem"):
            return reply
        head, _between, tail = reply.body.decode().partition(">connected<")
        return lab.Reply(f"{head}>notResponding<{tail}".encode())

    server.answers = answers
    got = lab.look(server)
    assert reasons(got) == ["unreachable"]
    assert "esx-1.example" in got.failures[0].message
    assert got.coverage == ()
    (host,) = [o for o in got.observations if ("name", "esx-1.example") in {(f.column, f.value) for f in o.facts}]
    columns = {fact.column for fact in host.facts}
    assert "power_state" not in columns and {"vendor", "serial", "is_physical"} <= columns
    # Perhaps it was scrapped years ago: that it stands somewhere is nothing that was seen.
    assert {fact.strength for fact in host.facts} == {Strength.HINTED}
    assert all("last known" in fact.evidence for fact in host.facts)


def test_a_property_that_an_old_version_does_not_know(lab: Any) -> None:
    server = lab.start()
    unknown = {
        "config.createDate": "VirtualMachine",
        "hardware.systemInfo.serialNumber": "HostSystem",
        "guest.net": "VirtualMachine",
    }

    def answers(asked: Any) -> Any:
        for path, kind in unknown.items():
            if asked.key == ("RetrievePropertiesEx", kind) and f">{path}<".encode() in asked.body:
                return lab.fault("InvalidProperty", f"<name>{path}</name>")
        return None

    server.answers = answers
    got = lab.look(server)
    assert got.failures == () and len(got.coverage) == 1
    assert "cz-web-01" in lab.names(got)
    assert len([a for a in server.seen if a.key == MACHINES]) == 3


def test_a_server_that_knows_no_property_at_all(lab: Any) -> None:
    server = lab.start()
    server.answers = lambda asked: (
        lab.fault("InvalidProperty", "<name>name</name>") if asked.method == "RetrievePropertiesEx" else None
    )
    got = lab.look(server)
    assert set(reasons(got)) == {"bad_output"} and got.coverage == ()


def test_pages_that_never_end(lab: Any) -> None:
    server = lab.start()
    first: list[Any] = []

    def answers(asked: Any) -> Any:
        if asked.key == MACHINES:
            first.append(server.recorded(asked))
            return first[0]
        if asked.key == ("ContinueRetrievePropertiesEx", "3"):
            body = first[0].body.replace(b"RetrievePropertiesExResponse", b"ContinueRetrievePropertiesExResponse")
            return lab.Reply(body)
        return None

    server.answers = answers
    got = lab.look(server)
    assert reasons(got) == ["looping"] and "virtual machines" in got.failures[0].message
    assert len(server.asked("ContinueRetrievePropertiesEx")) == 3
    assert {"cz-web-01", "cz-web-02"} <= lab.names(got) and got.coverage == ()
    # What was left open is taken back.
    assert "CancelRetrievePropertiesEx" in server.methods


def test_attributes_that_may_not_be_read(lab: Any) -> None:
    """By them a machine may be told to be somebody's: without them nobody can say that it is nobody's."""
    server = lab.start()
    server.answers = lambda asked: lab.fault("NoPermission") if asked.method == "Fetch" else None
    got = lab.look(server)
    assert reasons(got) == ["forbidden"] and "custom attributes" in got.failures[0].message
    assert got.coverage == ()
    assert "cz-web-01" in lab.names(got) and lab.cloud(got)["vms_total"] == 6


@pytest.mark.parametrize(("said", "reason"), [("fault", "forbidden"), ("torn", "bad_output")])
def test_network_cards_that_may_not_be_read(lab: Any, said: str, reason: str) -> None:
    """The machine is there all the same."""
    server = lab.start()
    reply = lab.fault("NoPermission") if said == "fault" else lab.Reply(b"<soapenv")
    server.answers = lab.only("RetrievePropertiesEx", "VirtualMachine devices", reply)
    got = lab.look(server)
    assert reasons(got) == [reason] and "network cards" in got.failures[0].message
    assert "no-tools" in lab.names(got) and lab.cloud(got)["vms_total"] == 6
