"""The SNMP probe against Debian's snmpd: versions 2c and 3, a UPS, a switch, a host that has no agent."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inventories.model import Collection, Strength
from inventories.places import Zone
from probes.access import Access, SnmpLogin
from probes.base import Context, Stop
from probes.profiles import PROFILES
from probes.scope import Permit
from probes.secrets import Secret
from probes.snmp.probe import SnmpProbe
from tests.lab.snmp_agents import Agent, SnmpAgents, User, chassis, met, ports, route, ups

pytestmark = pytest.mark.lab

PREFIX = "127.77.4.0/26"
PORT = 16161
COMMUNITY, AUTH, PRIVACY = "canary-community-51", "canary-auth-pass-52", "canary-priv-pass-53"

UPS = Agent(
    "127.77.4.10",
    "APC Web/SNMP Management Card",
    "1.3.6.1.4.1.318.1.3.27",
    "ups-1",
    ups("APC", "Smart-UPS 3000"),
    COMMUNITY,
)
SWITCH = Agent(
    "127.77.4.11",
    "S5735-L48T4X-A Huawei Versatile Routing Platform Software",
    "1.3.6.1.4.1.2011.2.23.900",
    "sw-1",
    {
        **ports(("Vlanif1", "00:18:82:01:02:03", "127.77.4.11", "255.255.255.192")),
        **route("10.8.0.0", "255.255.0.0", "127.77.4.1", 1),
        **route("0.0.0.0", "0.0.0.0", "127.77.4.2", 1),
        **met(1, "127.77.4.50", "00:50:56:aa:bb:cc"),
        **met(1, "127.77.5.50", "00:50:56:aa:bb:cd"),
        **chassis("Huawei", "S5735-L48T4X-A", "2102TEST0001"),
    },
    users=(User("auditor", AUTH, PRIVACY),),
)


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnmpAgents]:
    with SnmpAgents([UPS, SWITCH], tmp_path_factory.mktemp("snmp"), port=PORT) as running:
        yield running


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_COMMUNITY", COMMUNITY)
    monkeypatch.setenv("LAB_AUTH", AUTH)
    monkeypatch.setenv("LAB_PRIVACY", PRIVACY)


V2C = SnmpLogin(community=Secret.parse("env:LAB_COMMUNITY"), port=PORT)
V3 = SnmpLogin(
    user="auditor",
    auth=Secret.parse("env:LAB_AUTH"),
    privacy=Secret.parse("env:LAB_PRIVACY"),
    port=PORT,
    prefixes=(ipaddress.ip_network("127.77.4.11/32"),),
)


def look(tmp_path: Path, *logins: SnmpLogin) -> Collection:
    prefix = ipaddress.ip_network(PREFIX)
    zone = Zone("a", "测试网", "v", "department", (prefix,))
    until = datetime.now(UTC) + timedelta(hours=1)
    permit = Permit(zone, (prefix,), (), PROFILES["fast"], ("示例授权书",), until, access=Access(snmp=logins))
    probe = SnmpProbe()
    (shard,) = probe.shards(permit)
    return probe.collect(shard, Context(permit, tmp_path, Stop(), lambda: datetime.now(UTC)))


def facts(found: Collection, address: str) -> dict[str, object]:
    (seen,) = [o for o in found.observations if any(i.value == address for i in o.identifiers) and len(o.facts) > 1]
    return {fact.column: fact.value for fact in seen.facts}


@pytest.mark.usefixtures("agents", "secrets")
def test_a_ups_and_a_switch_are_read_whole(tmp_path: Path) -> None:
    found = look(tmp_path, V3, V2C)
    assert not found.failures
    assert [c.scope for c in found.coverage] == [("127.77.4.10/31",)]
    assert facts(found, "127.77.4.10")["products"] == ("ups:APC Smart-UPS 3000",)
    switch = facts(found, "127.77.4.11")
    assert switch["products"] == ("network_device:华为网络设备 S5735-L48T4X-A",)
    assert switch["default_gateway"] == "127.77.4.2"
    assert "10.8.0.0/16 via 127.77.4.1 dev Vlanif1" in switch["routes"]  # type: ignore[operator]
    met_hosts = [o for o in found.observations if {f.column for f in o.facts} == {"macs"}]
    assert [str(o.identifiers[0]) for o in met_hosts] == ["ip:127.77.4.50@v"], "nothing outside the zone"
    assert all(f.strength is Strength.SEEN_OUTSIDE for o in met_hosts for f in o.facts)


@pytest.mark.usefixtures("agents", "secrets")
def test_a_key_that_does_not_fit_is_a_refused_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_AUTH", "wrong-canary-auth-9")
    found = look(tmp_path, V3, V2C)
    assert [(f.reason, f.scope) for f in found.failures] == [("login_refused", ("127.77.4.11/32",))]
    assert facts(found, "127.77.4.10")["hostname"] == "ups-1", "one wrong login costs nobody else"
    assert "wrong-canary" not in repr(found)


@pytest.mark.usefixtures("agents", "secrets")
def test_secrets_are_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    found = look(tmp_path, V3, V2C)
    everything = repr(found) + caplog.text
    assert not any(secret in everything for secret in (COMMUNITY, AUTH, PRIVACY))
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
