"""The logins, endpoints and names of a site's zones."""

from __future__ import annotations

import ipaddress
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditor.site import Site, load_site
from inventories.faults import Faults
from probes.access import Asked
from probes.scope import Permit, Refusal, ZoneScope, permit
from probes.secrets import Secret

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(access: str, *, prefixes: str = "[192.0.2.0/24]", kind: str = "department") -> Path:
        head = textwrap.dedent(
            f"""\
            site: a
            name: 某市
            bureau: 某市数据局
            region: "140800"
            packs: [yuncheng-2021]
            zones:
              - id: mzj
                name: 民政局
                vantage: v
                kind: {kind}
                department: mzj
                prefixes: {prefixes}
                authorisations: [{{document: 甲, approver: 乙, from: 2026-01-01, to: 2026-12-31}}]
                access:
            """
        )
        (tmp_path / "site.yaml").write_text(head + textwrap.indent(textwrap.dedent(access), " " * 6))
        return tmp_path

    return make


def faults_of(root: Path) -> str:
    with pytest.raises(Faults) as caught:
        load_site(root)
    return str(caught.value)


def test_everything_reaches_the_permit(write: Write) -> None:
    root = write(
        """
        ssh:
          - user: audit
            key: file:/etc/keys/a
            known_hosts: known_hosts/mzj
            prefixes: [192.0.2.0/25]
            bastion: {address: 198.51.100.9, user: jump, key: file:/etc/keys/j, document: 堡垒机使用授权}
        snmp: [{community: env:C}, {user: u, auth: env:A, privacy: env:P}]
        windows: [{user: w, password: env:W}]
        vsphere:
          - endpoint: https://192.0.2.9
            user: v
            password: env:V
            thumbprint: "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD"
        openstack:
          - auth_url: http://192.0.2.10:5000/v3
            user: o
            password: env:O
            belongs:
              - {where: project, match: "mzj-*", department: mzj}
              - {where: "metadata:system", system: "{value}"}
        """
    )
    access = load_site(root).scopes[0].access
    assert access.ssh[0].known_hosts == root / "known_hosts/mzj"
    assert access.ssh[0].prefixes == (ipaddress.ip_network("192.0.2.0/25"),)
    assert access.ssh[0].bastion is not None and access.ssh[0].bastion.port == 22
    assert access.snmp[1].privacy == Secret.parse("env:P")
    assert access.windows[0].port == 5986
    assert access.vsphere[0].thumbprint == "aabbccddeeff00112233445566778899aabbccdd"
    assert access.openstack[0].belongs[1].system == "{value}"
    answer = permit(load_site(root).scopes[0], NOW)
    assert isinstance(answer, Permit) and answer.access == access


def test_every_fault_is_told_at_its_place_and_no_secret_repeated(write: Write) -> None:
    said = faults_of(
        write(
            """
            ssh:
              - {user: audit, key: hunter2-secret}
              - {user: "-oProxyCommand=x", key: file:/k}
              - {user: audit, key: env:K}
              - {user: audit}
            snmp: [{community: public}]
            vsphere: [{endpoint: "http://192.0.2.9", user: v, password: env:V}]
            openstack: [{auth_url: "https://u:hunter3-secret@192.0.2.10", user: o, password: env:O}]
            names: {patterns: ["*"]}
            sssh: []
            """
        )
    )
    for words in (
        "is no reference to a secret",
        "is no user name",
        "a private key lies in a file",
        "give either 'key' or 'password'",
        "a password is sent over https only",
        "an endpoint holds no user and no password",
        "unknown key 'sssh': did you mean 'ssh'?",
    ):
        assert words in said
    assert said.count("site.yaml:") >= 8
    assert "hunter" not in said


def test_logins_stay_in_their_zone(write: Write) -> None:
    said = faults_of(
        write(
            """
            ssh:
              - {user: audit, key: file:/k, prefixes: [198.51.100.0/24]}
              - {user: audit, key: file:/k, bastion: {address: 198.51.100.9, user: j}}
            """
        )
    )
    assert "198.51.100.0/24 lies in none of the zone's prefixes" in said
    assert "the bastion 198.51.100.9 lies outside the zone" in said


def named(site: Site, *hosts: str) -> Permit | Refusal:
    scope = site.scopes[0]
    asked = tuple(Asked(host, 0, "", "/", ()) for host in hosts)
    return permit(
        ZoneScope(
            scope.zone, scope.authorisations, scope.excluded, scope.profile, access=scope.access, declared=asked
        ),
        NOW,
    )


def test_a_zone_of_names_alone_asks_only_the_names_it_lists(write: Write) -> None:
    root = write("names: {patterns: ['*.example.gov.cn', 203.0.113.7]}", prefixes="[]", kind="public")
    answer = named(
        load_site(root), "a.example.gov.cn", "A.EXAMPLE.gov.cn", "example.com", "203.0.113.7", "203.0.113.8"
    )
    assert isinstance(answer, Permit)
    assert answer.targets == ()
    assert [asked.host for asked in answer.names] == ["a.example.gov.cn", "A.EXAMPLE.gov.cn", "203.0.113.7"]


def test_a_zone_with_nothing_to_look_at_is_a_fault(write: Write) -> None:
    assert "has no prefixes" in faults_of(write("snmp: [{community: env:C}]", prefixes="[]"))


def test_check_tells_references_that_lead_nowhere(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.cli import app

    root = write(
        """
        ssh: [{user: audit, password: env:LEADS_NOWHERE, known_hosts: known_hosts/none}]
        snmp: [{community: env:LEADS_SOMEWHERE}]
        """
    )
    monkeypatch.setenv("LEADS_SOMEWHERE", "canary-words")
    shown = CliRunner().invoke(app, ["check", "--site", str(root)])
    assert shown.exit_code == 2
    assert "env:LEADS_NOWHERE: the environment has no such variable" in shown.stderr
    assert "there is no file" in shown.stderr
    assert "LEADS_SOMEWHERE" not in shown.output and "canary-words" not in shown.output


def test_plan_tells_the_closer_looks_by_their_references(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.cli import app

    root = write(
        """
        ssh: [{user: audit, password: env:P, known_hosts: known_hosts/none}]
        snmp: [{community: env:C}]
        """
    )
    monkeypatch.setenv("P", "canary-words")
    (root / "registers").mkdir()
    shown = CliRunner().invoke(app, ["plan", "--site", str(root)])
    assert "ssh: audit by env:P, port 22" in shown.stdout
    assert "snmp: community env:C" in shown.stdout
    assert "canary-words" not in shown.output
