"""What must not happen: nothing outside the permit is touched, nothing secret leaves, nothing is changed."""

from __future__ import annotations

import ipaddress
import json
import logging
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from probes.openstack_cloud import wire
from probes.openstack_cloud.probe import OpenstackProbe

SERVERS = {"mzj-web-01", "mzj-db-01", "mzj-old", "rsj-app-01", "jtj-01"}
LISTING = "compute/.*/servers/detail"
Some = Callable[..., Any]


# --- addresses ----------------------------------------------------------------------------------------------


def test_a_cloud_outside_the_permit_is_not_touched(replay: Some, look: Some, said: Some, canary: Any) -> None:
    url = f"http://{canary.address}:{canary.port}/v3"
    got = look(replay(), auth_url=url)
    assert said(got) == [("out_of_scope", (url,))]
    assert canary.met == 0


def test_an_excluded_address_is_not_touched(replay: Some, look: Some, said: Some) -> None:
    cloud = replay()
    got = look(cloud, prefixes=("127.0.0.0/32", "127.0.0.2/31"))
    assert said(got) == [("out_of_scope", (cloud.auth_url,))]
    assert cloud.asked == []


@pytest.mark.parametrize("service", ["compute", "network", "image", "volume"])
def test_a_catalogue_leads_nowhere_else(
    replay: Some, look: Some, hosts: Some, said: Some, canary: Any, service: str
) -> None:
    cloud = replay()
    endpoint = cloud.endpoint
    outside = f"http://{canary.address}:{canary.port}/{service}"
    cloud.endpoint = lambda region, kind: outside if kind == service else endpoint(region, kind)
    got = look(cloud)
    assert said(got) == [("out_of_scope", ("region:gov-1",))]
    assert canary.address in got.failures[0].message
    assert canary.met == 0 and got.coverage == ()
    assert set(hosts(got)) >= (set() if service == "compute" else SERVERS), "the rest was read"


@pytest.mark.parametrize(
    "url, word",
    [
        ("ftp://127.0.0.1/compute", "bad_output"),
        ("http:///compute", "bad_output"),
        ("http://[::1", "bad_output"),
        ("http://127.0.0.1:port/x", "bad_output"),
        ("http://root:secret@127.0.0.1/compute", "bad_output"),
        ("http://nowhere.invalid/compute", "unavailable"),
        ("http://0.0.0.0/compute", "out_of_scope"),
        ("http://[::ffff:127.0.0.1]/compute", "out_of_scope"),
        ("file:///etc/passwd", "bad_output"),
    ],
)
def test_endpoints_that_are_none(
    replay: Some, look: Some, said: Some, monkeypatch: pytest.MonkeyPatch, url: str, word: str
) -> None:
    monkeypatch.setattr(wire, "_addresses_of", lambda _host: [])
    cloud = replay()
    cloud.endpoint = lambda _region, _kind: url
    got = look(cloud)
    assert {reason for reason, _ in said(got)} == {word}
    assert all("secret" not in failure.message for failure in got.failures)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    replay: Some, replays: Any, look: Some, said: Some, canary: Any, status: int
) -> None:
    cloud = replay()
    there = {"Location": f"http://{canary.address}:{canary.port}/v2.1/servers/detail"}
    cloud.on(LISTING, replays.Answer(status, {}, there))
    got = look(cloud)
    assert said(got) == [("out_of_scope", ("region:gov-1",))]
    assert canary.met == 0
    cloud.on("auth/tokens", replays.Answer(status, {}, there))
    assert [reason for reason, _ in said(look(cloud))] == ["bad_output"]
    assert canary.met == 0, "a password is not sent after a redirect either"


def test_a_name_is_resolved_once_and_its_checked_address_is_used(
    replay: Some, look: Some, hosts: Some, canary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def rebind(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [canary.address]

    monkeypatch.setattr(wire, "_addresses_of", rebind)
    cloud = replay(name="cloud.example.gov.cn")
    got = look(cloud)
    assert got.failures == () and set(hosts(got)) >= SERVERS
    assert asked == ["cloud.example.gov.cn"]
    assert {one.headers["Host"] for one in cloud.asked} == {f"cloud.example.gov.cn:{cloud.port}"}
    assert canary.met == 0


def test_of_several_addresses_only_an_authorised_one_is_used(
    replay: Some, look: Some, canary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_addresses_of", lambda _host: ["::1", canary.address, "127.0.0.1"])
    assert look(replay(name="cloud.example.gov.cn")).failures == ()
    assert canary.met == 0


def test_the_operators_environment_is_not_used(
    replay: Some, look: Some, hosts: Some, canary: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there = f"http://{canary.address}:{canary.port}"
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, there)
        monkeypatch.setenv(name.upper(), there)
    for name, value in {
        "OS_AUTH_URL": there,
        "OS_CLOUD": "elsewhere",
        "OS_USERNAME": "x",
        "OS_PASSWORD": "x",
        "OS_REGION_NAME": "x",
        "OS_INTERFACE": "internal",
        "OS_COMPUTE_API_VERSION": "2.1",
        "OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml"),
        "STATSD_HOST": canary.address,
        "REQUESTS_CA_BUNDLE": "/nowhere",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    file = {"clouds": {"elsewhere": {"auth": {"auth_url": there}}}, "metrics": {"statsd": {"host": canary.address}}}
    (tmp_path / "clouds.yaml").write_text(json.dumps(file))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login netrc password netrc\n")
    monkeypatch.chdir(tmp_path)
    cloud = replay()
    got = look(cloud)
    assert got.failures == () and set(hosts(got)) >= SERVERS
    assert canary.met == 0
    assert not any("Authorization" in asked.headers for asked in cloud.asked)


# --- certificates -------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS and the file with its own certificate, which nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cloud")])
    try:
        also: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        also = x509.DNSName(name)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([also]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


def test_a_certificate_that_nobody_vouches_for_is_refused(
    replay: Some, look: Some, said: Some, tmp_path: Path
) -> None:
    context, _file = certificate(tmp_path, "127.0.0.1")
    cloud = replay(tls=context)
    got = look(cloud)
    assert said(got) == [("certificate", (cloud.auth_url,))]
    assert "self-signed" in got.failures[0].message
    assert cloud.asked == [], "no password is sent there"


def test_a_certificate_of_the_sites_own_authority_is_taken(
    replay: Some, look: Some, hosts: Some, tmp_path: Path
) -> None:
    context, file = certificate(tmp_path, "127.0.0.1")
    got = look(replay(tls=context), ca=file)
    assert got.failures == () and set(hosts(got)) >= SERVERS


def test_the_name_is_what_the_certificate_is_checked_for(
    replay: Some, look: Some, said: Some, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_addresses_of", lambda _host: ["127.0.0.1"])
    context, file = certificate(tmp_path, "cloud.example.gov.cn")
    names: list[str] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    assert look(replay(tls=context, name="cloud.example.gov.cn"), ca=file).failures == ()
    assert set(names) == {"cloud.example.gov.cn"}
    wrong = look(replay(tls=context, name="other.example.gov.cn"), ca=file)
    assert [reason for reason, _ in said(wrong)] == ["certificate"]


@pytest.mark.parametrize("content", [None, "no certificate", ""])
def test_a_ca_file_that_is_none(replay: Some, look: Some, said: Some, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    cloud = replay()
    got = look(cloud, ca=file)
    assert said(got) == [("certificate", (cloud.auth_url,))]
    assert cloud.asked == []


def test_a_token_is_not_sent_unencrypted_after_an_encrypted_login(
    replay: Some, look: Some, said: Some, tmp_path: Path
) -> None:
    context, file = certificate(tmp_path, "127.0.0.1")
    plain, cloud = replay(), replay(tls=context)
    cloud.regions["gov-1"] = plain.base
    got = look(cloud, ca=file)
    assert said(got) == [("certificate", ("region:gov-1",))]
    assert plain.asked == []


# --- secrets ------------------------------------------------------------------------------------------------


def test_no_secret_is_told(
    replay: Some, replays: Any, look: Some, permit: Some, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    every = [logging.getLogger(name) for name in ("", *logging.root.manager.loggerDict)]
    levels = [(logger, logger.level, logger.propagate) for logger in every]
    for name in ("keystoneauth", "keystoneauth.session", "keystoneauth.identity", "openstack", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    cloud = replay()
    cloud.lasts = 5
    got = look(cloud)
    cloud.on(LISTING, replays.Answer(500, {"error": {"message": "canary-admin-91c4"}}, {"Retry-After": "0"}))
    broken = look(cloud)
    cloud.users = {"city-admin": "canary-other"}
    refused = look(cloud)
    for logger, level, propagate in levels:
        logger.setLevel(level)
        logger.propagate = propagate
    assert {"keystoneauth.session", "urllib3.connectionpool"} <= {record.name for record in caplog.records}
    assert len(cloud.tokens) > 2
    told = "\n".join((caplog.text, repr(got), repr(broken), repr(refused), repr(permit(cloud))))
    for secret in ("canary-admin-91c4", *cloud.tokens):
        assert secret not in told
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["city-admin.secret"]


def test_nothing_is_changed(replay: Some, look: Some) -> None:
    cloud = replay()
    look(cloud)
    look(cloud, "city-reader")
    posts = {asked.path for asked in cloud.asked if asked.method != "GET"}
    assert posts == {"/identity/v3/auth/tokens"}
    assert {asked.method for asked in cloud.asked} == {"GET", "POST"}


def test_nothing_stays_behind(replay: Some, look: Some) -> None:
    cloud = replay()
    look(cloud)
    assert not any(thread.name == "openstack-guard" for thread in threading.enumerate())


# --- shards -------------------------------------------------------------------------------------------------


def test_shards_are_stable_and_know_no_secret(replay: Some, permit: Some) -> None:
    cloud, probe = replay(), OpenstackProbe()
    (one,) = probe.shards(permit(cloud))
    (again,) = probe.shards(permit(cloud))
    (other,) = probe.shards(permit(cloud, projects=("人社局",)))
    (outside,) = probe.shards(permit(cloud, auth_url="https://127.0.0.66:5000"))
    (named,) = probe.shards(permit(cloud, auth_url="https://cloud.example.gov.cn:5000"))
    assert one == again and len({one.id, other.id, outside.id, named.id}) == 4
    assert one.targets == (ipaddress.ip_network("127.0.0.1/32"),)
    assert outside.targets == named.targets == ()
    assert probe.limits() == ()


def test_a_zone_without_a_cloud_has_no_shards(permit_of: Some) -> None:
    assert OpenstackProbe().shards(permit_of("10.0.0.0/24")) == ()


def test_importing_the_probe_imports_no_sdk() -> None:
    code = (
        "import sys, probes.openstack_cloud.probe; "
        "print({name.partition('.')[0] for name in sys.modules} & "
        "{'openstack', 'keystoneauth1', 'requests', 'urllib3', 'yaml'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
