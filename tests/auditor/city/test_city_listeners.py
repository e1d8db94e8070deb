"""The listeners of the example city: real protocols, own addresses only, and an end that is an end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
from cryptography import x509

from auditor.city.listeners import PID_FILE, TOUCHED_FILE, City, CityFault, LeftOut, describe
from auditor.city.plan import Host, Plan, Service, Signer, load_plan
from inventories.faults import Faults


def plan_of(own_network: str, *services: Service, watched: bool = False) -> Plan:
    return Plan((Host(address=f"{own_network}.1.10", watched=watched, services=services),))


async def ask(address: str, port: int, said: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(said)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def served(plan: Plan, said: bytes) -> bytes:
    """What the plan's one service answers to ``said``."""

    async def run() -> bytes:
        city = City(plan)
        try:
            await city.start()
            assert city.left_out == []
            return await ask(plan.hosts[0].address, plan.ports[0], said)
        finally:
            await city.stop()

    return asyncio.run(run())


def listening() -> set[tuple[str, int]]:
    """What this process listens on, as the kernel has it."""
    inodes = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            inodes.add(str(entry.readlink()))
        except OSError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                packed, port = fields[1].split(":")
                address = socket.inet_ntoa(bytes.fromhex(packed)[::-1]) if len(packed) == 8 else packed
                found.add((address, int(port, 16)))
    return found


def test_binds_its_own_addresses_and_nothing_else(own_network: str) -> None:
    plan = Plan(
        (
            Host(address=f"{own_network}.1.10", services=(Service(port=8080, service="http", title="一"),)),
            Host(
                address=f"{own_network}.1.11",
                services=(
                    Service(port=8080, service="http", title="二"),
                    Service(port=2222, service="ssh", version="OpenSSH_7.4"),
                    Service(port=8443, service="https", title="三", names=("a.example",)),
                ),
            ),
        )
    )

    async def run() -> tuple[set[tuple[str, int]], int]:
        before = listening()
        city = City(plan)
        await city.start()
        during = listening() - before
        await city.stop()
        assert listening() == before
        return during, city.listening

    during, left = asyncio.run(run())
    assert during == {
        (f"{own_network}.1.10", 8080),
        (f"{own_network}.1.11", 8080),
        (f"{own_network}.1.11", 2222),
        (f"{own_network}.1.11", 8443),
    }
    assert left == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((f"{own_network}.1.10", 8080), timeout=2)


def test_leaves_busy_ports_to_others(own_network: str) -> None:
    with socket.socket() as one, socket.socket() as everywhere:
        one.bind((f"{own_network}.1.10", 8081))
        one.listen()
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        busy = everywhere.getsockname()[1]
        plan = plan_of(
            own_network,
            Service(port=8080, service="http", title="自己的"),
            Service(port=8081, service="http", title="别人的"),
            Service(port=busy, service="http", title="别人的"),
        )

        async def run() -> tuple[list[LeftOut], bytes]:
            city = City(plan)
            try:
                await city.start()
                return city.left_out, await ask(f"{own_network}.1.10", 8080, b"GET / HTTP/1.0\r\n\r\n")
            finally:
                await city.stop()

        left_out, answer = asyncio.run(run())
    assert {(item.port, item.everywhere) for item in left_out} == {(8081, False), (busy, True)}
    assert "自己的" in answer.decode()
    told = list(describe([*left_out, LeftOut(f"{own_network}.1.11", busy, True, "x")]))
    assert len(told) == 2
    assert any(f"port {busy} of every address" in line for line in told)


def test_watched_host_tells_of_every_touch_and_of_nothing_else(own_network: str) -> None:
    services = (
        Service(port=2222, service="ssh", version="OpenSSH_5.3"),
        Service(port=8080, service="http", title="门禁"),
        Service(port=8443, service="https", title="门禁", names=("a.example",)),
    )
    lines: list[str] = []

    async def run() -> None:
        plan = Plan(
            (
                *plan_of(own_network, *services, watched=True).hosts,
                Host(address=f"{own_network}.1.11", services=(Service(port=8080, service="http", title="二"),)),
            )
        )
        city = City(plan, lines.append)
        try:
            await city.start()
            await ask(f"{own_network}.1.11", 8080, b"GET / HTTP/1.0\r\n\r\n")
            assert lines == []
            for service in services:
                await ask(f"{own_network}.1.10", service.port, b"\r\n\r\n")
        finally:
            await city.stop()

    asyncio.run(run())
    assert [line.split()[1] for line in lines] == [f"{own_network}.1.10:{service.port}" for service in services]
    assert all(re.fullmatch(r"\S+ \S+ from 127\.\S+:\d+", line) for line in lines)


# --- what they say ------------------------------------------------------------------------------------------


def test_page_has_its_title_escaped(own_network: str) -> None:
    plan = plan_of(own_network, Service(port=8080, service="http", server="nginx/1.20.1", title="救助<系统>"))
    answer = served(plan, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\nServer: nginx/1.20.1\r\n")
    assert "<title>救助&lt;系统&gt;</title>" in body
    assert f"Content-Length: {len(body.encode())}" in head


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (b"HEAD / HTTP/1.0\r\n\r\n", "200", False),
        (b"GET /nothing HTTP/1.0\r\n\r\n", "404", True),
        (b"\r\n\r\n", "400", True),
        (b"\x16\x03\x01\x00\x05garbage", "400", True),
        (b"GET " + b"x" * 20_000, "400", True),
        (b"POST / HTTP/1.0\r\n\r\n", "400", True),
    ],
)
def test_web_server_answers_what_is_no_page(own_network: str, said: bytes, status: str, body: bool) -> None:
    answer = served(plan_of(own_network, Service(port=8080, service="http", title="页")), said)
    assert answer.startswith(f"HTTP/1.1 {status}".encode())
    assert bool(answer.partition(b"\r\n\r\n")[2]) is body


def secured(plan: Plan, said: bytes) -> tuple[bytes, bytes]:
    """What a TLS service answers, and its certificate (DER)."""

    def talk() -> tuple[bytes, bytes]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        address = (plan.hosts[0].address, plan.ports[0])
        with socket.create_connection(address, timeout=10) as plain, context.wrap_socket(plain) as tls:
            certificate = tls.getpeercert(binary_form=True)
            assert certificate
            tls.sendall(said)
            answer = b""
            while more := tls.recv(65_536):
                answer += more
            return answer, certificate

    async def run() -> tuple[bytes, bytes]:
        city = City(plan)
        try:
            await city.start()
            return await asyncio.to_thread(talk)
        finally:
            await city.stop()

    return asyncio.run(run())


def test_https_names_itself_in_its_certificate(own_network: str) -> None:
    service = Service(
        port=8443,
        service="https",
        title="平台",
        names=("a.example", "b.example"),
        unit="科",
        organisation="局",
        issuer=Signer(name="证书", organisation="颁发"),
    )
    answer, der = secured(plan_of(own_network, service), b"GET / HTTP/1.0\r\n\r\n")
    assert "<title>平台</title>" in answer.decode()
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example", "b.example"]
    assert certificate.issuer.rfc4514_string() == "CN=证书,O=颁发,C=CN"
    assert certificate.subject.rfc4514_string() == "CN=a.example,OU=科,O=局,C=CN"


def test_management_controller_shows_its_redfish_root(own_network: str) -> None:
    service = Service(port=8444, service="https", look="controller", title="BMC", names=("bmc.example",))
    answer, _ = secured(plan_of(own_network, service), b"GET /redfish/v1/ HTTP/1.0\r\n\r\n")
    root = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert root["RedfishVersion"] == "1.6.0"
    assert root["@odata.id"] == "/redfish/v1/"
    other = Service(port=8444, service="https", title="网页", names=("web.example",))
    assert b" 404 " in secured(plan_of(own_network, other), b"GET /redfish/v1/ HTTP/1.0\r\n\r\n")[0]


def test_failed_handshake_gets_an_alert(own_network: str) -> None:
    """Without it, nmap would not tell that the port speaks TLS."""
    plan = plan_of(own_network, Service(port=8443, service="https", title="页", names=("a.example",)))
    # SSL 3.0, which no server of today takes: version, random, no session, one cipher, no compression.
    body = b"\x03\0" + bytes(32) + b"\0" + b"\0\x02\0\x0a" + b"\x01\0"
    ssl3_hello = b"\x16\x03\0" + (len(body) + 4).to_bytes(2) + b"\x01" + len(body).to_bytes(3) + body
    assert served(plan, ssl3_hello)[:1] == b"\x15"
    assert served(plan, b"GET / HTTP/1.0\r\n\r\n") == b""


def test_ssh_is_real_and_lets_nobody_in(own_network: str) -> None:
    plan = plan_of(own_network, Service(port=2222, service="ssh", version="OpenSSH_7.4"))

    async def run() -> str:
        city = City(plan)
        try:
            await city.start()
            reader, writer = await asyncio.open_connection(f"{own_network}.1.10", 2222)
            banner = (await reader.readline()).decode()
            writer.close()
            with pytest.raises(asyncssh.PermissionDenied):
                await asyncssh.connect(
                    f"{own_network}.1.10", 2222, username="root", password="root", known_hosts=None, config=None
                )
            return banner
        finally:
            await city.stop()

    assert asyncio.run(run()) == "SSH-2.0-OpenSSH_7.4\r\n"


def test_databases_speak_their_protocols(own_network: str) -> None:
    mysql = served(plan_of(own_network, Service(port=3306, service="mysql", version="5.7.44-log")), b"x")
    length = int.from_bytes(mysql[:3], "little")
    assert mysql[3:5] == b"\0\x0a"
    assert mysql[5:].startswith(b"5.7.44-log\0")
    assert mysql[4 + length + 4] == 0xFF  # the packet after the greeting is an error

    postgres = plan_of(own_network, Service(port=5432, service="postgres"))
    assert served(postgres, bytes.fromhex("00000008ff534d42"))[:1] == b"E"
    assert b"65363.19778" in served(postgres, bytes.fromhex("000000a4ff534d42"))
    assert b"no pg_hba.conf entry" in served(postgres, bytes.fromhex("0000000800030000"))
    assert served(postgres, b"GET / HTTP/1.0\r\n\r\n") == b""

    redis = plan_of(own_network, Service(port=6379, service="redis", version="5.0.14"))
    assert b"redis_version:5.0.14" in served(redis, b"*1\r\n$4\r\ninfo\r\n")
    assert served(redis, b"GET / HTTP/1.0\r\n\r\n").startswith(b"-ERR wrong number of arguments")
    assert served(plan_of(own_network, Service(port=5236, service="close")), b"hello") == b""


# --- the plan -----------------------------------------------------------------------------------------------


def test_plan_is_loopback_only_and_says_where_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "city.yaml"
    path.write_text(
        "hosts:\n"
        "  - address: 192.0.2.1\n    services: [{port: 8080, service: http}]\n"
        "  - address: 0.0.0.0\n    services: [{port: 70000, service: telnet}]\n",
        encoding="utf-8",
    )
    with pytest.raises(Faults) as caught:
        load_plan(path)
    said = [str(fault) for fault in caught.value.faults]
    assert any(":2:14:" in line and "loopback only" in line for line in said)
    assert any(":4:14:" in line for line in said)
    assert any("70000" in line or "65535" in line for line in said)

    path.write_text(
        "hosts:\n"
        "  - address: 127.1.1.1\n    services: [{port: 80, service: http}, {port: 80, service: ssh}]\n"
        "  - address: 127.1.1.1\n    services: [{port: 81, service: http}]\n",
        encoding="utf-8",
    )
    with pytest.raises(Faults, match=r"127\.1\.1\.1 stands twice") as caught:
        load_plan(path)
    assert len(caught.value.faults) == 2


# --- the process --------------------------------------------------------------------------------------------


@pytest.fixture
def small_site(tmp_path: Path, own_network: str) -> Path:
    site = tmp_path / "site"
    site.mkdir()
    (site / "city.yaml").write_text(
        f"hosts:\n  - address: {own_network}.9.1\n    watched: true\n"
        "    services: [{port: 8080, service: http, title: 页}]\n",
        encoding="utf-8",
    )
    return site


def start(*words: str, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "auditor.city", *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload, no-any-return]


def answers(address: str, port: int = 8080) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_tells_when_it_is_ready_and_ends_when_told(small_site: Path, own_network: str, number: int) -> None:
    ready, there = os.pipe()
    child = start("up", "--site", str(small_site), "--ready-fd", str(there), pass_fds=(there,))
    os.close(there)
    with os.fdopen(ready) as stream:
        assert json.loads(stream.readline()) == {"listening": 1, "left_out": []}
    assert answers(f"{own_network}.9.1")
    pid_file = small_site / "state" / PID_FILE
    assert int(pid_file.read_text()) == child.pid
    assert pid_file.stat().st_mode & 0o777 == 0o600

    second = start("up", "--site", str(small_site))
    assert second.wait(20) == 2
    assert second.stderr is not None
    assert f"runs already, as process {child.pid}" in second.stderr.read()

    child.send_signal(number)
    assert child.wait(20) == 0
    assert not pid_file.exists()
    assert not answers(f"{own_network}.9.1")
    assert len((small_site / "state" / TOUCHED_FILE).read_text().splitlines()) == 1  # ours


def test_a_killed_city_does_not_block_the_next(small_site: Path, own_network: str) -> None:
    first = start("up", "--site", str(small_site))
    wait_for(lambda: answers(f"{own_network}.9.1"))
    first.kill()
    first.wait(20)
    assert (small_site / "state" / PID_FILE).exists()
    second = start("up", "--site", str(small_site))
    wait_for(lambda: answers(f"{own_network}.9.1"))
    second.terminate()
    assert second.wait(20) == 0


def test_a_second_city_on_the_same_addresses_is_refused(small_site: Path, own_network: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "city.yaml").write_bytes((small_site / "city.yaml").read_bytes())
    first = start("up", "--site", str(small_site))
    wait_for(lambda: answers(f"{own_network}.9.1"))
    second = start("run", "--site", str(other), "--", "true")
    assert second.wait(30) == 2
    assert second.stderr is not None
    assert "does another example city run" in second.stderr.read()
    first.terminate()
    assert first.wait(20) == 0


def test_run_gives_the_status_of_its_command_and_ends_the_city(small_site: Path, own_network: str) -> None:
    probe = f"import socket,sys; socket.create_connection(('{own_network}.9.1', 8080)); print('seen'); sys.exit(7)"
    child = start("run", "--site", str(small_site), "--", sys.executable, "-c", probe)
    out, _ = child.communicate(timeout=60)
    assert (child.returncode, out) == (7, "seen\n")
    assert not answers(f"{own_network}.9.1")
    assert not (small_site / "state" / PID_FILE).exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_run_leaves_nothing_behind_when_ended(small_site: Path, own_network: str, number: int, status: int) -> None:
    command = [sys.executable, "-c", "import os,time; print(os.getpid(), flush=True); time.sleep(60)"]
    child = start("run", "--site", str(small_site), "--", *command, start_new_session=True)
    assert child.stdout is not None
    inner = int(child.stdout.readline())
    if number == signal.SIGINT:
        os.killpg(child.pid, number)  # as a terminal does
    else:
        child.send_signal(number)
    assert child.wait(40) == status
    wait_for(lambda: not answers(f"{own_network}.9.1"))
    if number == signal.SIGKILL:
        os.kill(inner, signal.SIGTERM)  # nobody was left to tell it
    wait_for(lambda: not Path(f"/proc/{inner}").exists() or "(zombie)" in Path(f"/proc/{inner}/status").read_text())


def test_missing_extra_is_said(small_site: Path) -> None:
    code = (
        "import sys; sys.modules['asyncssh'] = None; "
        "from auditor.city.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "up", "--site", str(small_site)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert "pip install 'gov-infra-auditor[demo]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_city_without_loopback_says_so() -> None:
    services = (Service(port=8080, service="http", title="页"),)
    nowhere = Host.model_construct(address="192.0.2.1", about="", watched=False, services=services)

    async def run() -> None:
        city = City(Plan((nowhere,)))
        try:
            await city.start()
        finally:
            await city.stop()

    with pytest.raises(CityFault, match="loopback interface"):
        asyncio.run(run())
