"""Workers on a real RabbitMQ over TLS: killed, doubled, late, old, wrong, stolen. Nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from auditor import clock
from auditor.site import load_site
from auditor.workers import answered
from auditor.workers import centre as far_away
from auditor.workers.broker import Broker, celery_app, trouble
from auditor.workers.names import JOBS, RESULTS, centre_user, vhost, worker_user
from inventories.codec import collection_from_json
from inventories.model import Collection
from probes.secrets import Secret

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent
#: One shard of 16 addresses takes some six seconds at the first, some ten at the second.
FAST, SLOW = 1000, 12


@pytest.fixture(scope="module")
def fleet(load: Callable[[str], ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two zones, their broker and listeners; workers and centres belong to each test."""
    rabbitmq, fleets = load("rabbitmq"), load("worker_fleet")
    assert rabbitmq.usable(), "these tests need root and rabbitmq-server"
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "rabbit").mkdir()
    broker = rabbitmq.RabbitMQ(folder / "rabbit")
    fleet = fleets.Fleet(folder, {"a": "127.61.1.0/28", "b": "127.61.2.0/28"}, broker=broker)
    fleet.write(broker.address, broker.port)
    plan = [
        (f"127.61.{net}.{host}", port, "ssh" if port == 7022 else "page:x")
        for net in (1, 2)
        for host, ports in fleets.LIVE.items()
        for port in ports
    ]
    (folder / "plan.json").write_text(json.dumps(plan))
    serve = [sys.executable, str(HERE / "netns.py"), "serve", str(folder / "plan.json")]
    listeners = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert listeners.stdout is not None and listeners.stdout.readline().strip() == "ready"
        broker.set_up(fleet.root, fleet.users)
        fleet.passwords(broker.passwords)
        yield fleet
    finally:
        fleet.down()
        broker.stop()
        listeners.kill()
        listeners.wait()


@pytest.fixture
def run(fleet: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """A name for what a test starts, all of which ends with it."""
    yield re.sub(r"\W", "-", request.node.name)[:40]
    fleet.down()
    fleet.processes.clear()
    (fleet.root / "state" / "STOP").unlink(missing_ok=True)
    # What a test left in the queues is no other's business.
    fleet.broker.purge([vhost("lab-city", zone) for zone in fleet.prefixes], ["jobs", "inbox", "dead"])


@pytest.fixture(scope="module")
def undisturbed(fleet: Any) -> Any:
    """What zone a looks like when nothing goes wrong, seen by this machine itself."""
    out = fleet.folder / "undisturbed.json"
    program = [sys.executable, str(HERE / "far_centre.py"), str(fleet.root), str(fleet.folder / "own"), str(out)]
    subprocess.run([*program, "zone=a", "here"], check=True, timeout=60, capture_output=True)
    return collection_from_json(out.read_text(encoding="ascii"))


def rate(fleet: Any, packets: int, parallel: int = 2) -> None:
    fleet.rate, fleet.parallel = packets, parallel
    fleet.write(fleet.broker.address, fleet.broker.port)


def ready(fleets: ModuleType, fleet: Any, *names: str) -> None:
    fleets.wait_until(lambda: all("listening" in fleet.log(name) for name in names), 30)


def looked(fleet: Any, *names: str) -> int:
    return sum(fleet.log(name).count("looks at") for name in names)


@pytest.fixture
def fleets(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("worker_fleet")


def same(fleets: ModuleType, found: Collection, undisturbed: Collection) -> None:
    """The result of zone a: once, and as if nothing had happened."""
    own = Collection(
        tuple(o for o in found.observations if o.zone == "a"),
        tuple(c for c in found.coverage if c.zone == "a"),
        tuple(f for f in found.failures if f.zone == "a"),
    )
    assert own.failures == ()
    assert fleets.essence(own) == fleets.essence(undisturbed)
    assert len(own.observations) == 4


def test_two_zones_are_seen_as_if_from_here(fleet: Any, run: str, fleets: ModuleType, undisturbed: Any) -> None:
    rate(fleet, FAST)
    fleet.worker("a", f"{run}-a")
    fleet.worker("b", f"{run}-b")
    found = fleet.centre(run).result()
    same(fleets, found, undisturbed)
    assert {o.zone for o in found.observations} == {"a", "b"}
    assert looked(fleet, f"{run}-a") == looked(fleet, f"{run}-b") == 1
    # Nothing waits on the broker any more, for anybody.
    fleets.wait_until(lambda: all(q[:2] == (0, 0) for n, q in queues(fleet, "a").items() if n != "beats"), 15)
    everything = "".join(path.read_text(errors="replace") for path in fleet.folder.glob("*.log"))
    everything += "".join(
        path.read_text(errors="replace") for path in (fleet.folder / "rabbit" / "log").glob("*.log")
    )
    for password in fleet.broker.passwords.values():
        assert password not in everything
        for settings in fleet.broker.settings.iterdir():
            assert settings.is_dir() or password not in settings.read_text()
    arguments = [path.read_bytes() for path in processes("cmdline")]
    assert not any(p.encode() in a for p in fleet.broker.passwords.values() for a in arguments)


def queues(fleet: Any, zone: str) -> dict[str, tuple[int, int, int]]:
    found: dict[str, tuple[int, int, int]] = fleet.broker.queues(vhost("lab-city", zone))
    return found


def processes(name: str) -> list[Path]:
    return [p / name for p in Path("/proc").iterdir() if p.name.isdigit() and (p / name).exists()]


def test_a_killed_worker_is_replaced_by_another(fleet: Any, run: str, fleets: ModuleType, undisturbed: Any) -> None:
    rate(fleet, SLOW)
    first = fleet.worker("a", f"{run}-1")
    centre = fleet.centre(run, "zone=a")
    fleets.wait_until(lambda: looked(fleet, f"{run}-1"))
    time.sleep(3)
    assert scans("127.61.1.") > 0
    fleets.end(first, signal.SIGKILL)
    # The kernel ends what it had started: nobody scans on without a worker.
    fleets.wait_until(lambda: scans("127.61.1.") == 0, 3)
    fleet.worker("a", f"{run}-2")
    same(fleets, centre.result(), undisturbed)
    assert looked(fleet, f"{run}-2") == 1


def scans(text: str) -> int:
    """nmap processes whose targets (a file in their folder) hold this text."""
    found = 0
    for path in processes("comm"):
        try:
            if path.read_text().strip() != "nmap":
                continue
            folder = path.with_name("cwd").readlink()
            found += any(text in file.read_text(errors="replace") for file in folder.glob("*.txt"))
        except OSError:
            continue
    return found


def test_a_worker_that_is_told_to_end_gives_its_shard_back(
    fleet: Any, run: str, fleets: ModuleType, undisturbed: Any
) -> None:
    rate(fleet, SLOW)
    first = fleet.worker("a", f"{run}-1")
    centre = fleet.centre(run, "zone=a")
    fleets.wait_until(lambda: looked(fleet, f"{run}-1"))
    time.sleep(2)
    fleet.worker("a", f"{run}-2")
    ready(fleets, fleet, f"{run}-2")
    began = time.monotonic()
    assert fleets.end(first, signal.SIGTERM) == 0
    assert time.monotonic() - began < 10
    same(fleets, centre.result(), undisturbed)
    assert looked(fleet, f"{run}-1", f"{run}-2") == 2


def test_a_broker_that_loses_its_power_loses_nothing(
    fleet: Any, run: str, fleets: ModuleType, undisturbed: Any
) -> None:
    """Once while the job lies there and nobody has taken it, once while it is worked on."""
    rate(fleet, SLOW)
    centre = fleet.centre(run, "zone=a")
    fleets.wait_until(lambda: queues(fleet, "a")["jobs"][0] == 1)
    fleet.broker.kill()
    fleet.broker.start()
    fleets.wait_until(lambda: queues(fleet, "a")["jobs"][0] == 1, 15)
    fleet.worker("a", run)
    fleets.wait_until(lambda: looked(fleet, run))
    fleet.broker.kill()
    fleet.broker.start()
    same(fleets, centre.result(), undisturbed)
    # It was away for less than the lease: what was begun was finished, and the second copy answered from memory.
    assert looked(fleet, run) == 1
    assert "broken off" not in fleet.log(run)


def test_a_job_that_comes_twice_is_done_once(fleet: Any, run: str, fleets: ModuleType, undisturbed: Any) -> None:
    rate(fleet, FAST)
    fleet.worker("a", run)
    centre = fleet.centre(run, "zone=a", "twice")
    same(fleets, centre.result(), undisturbed)
    fleets.wait_until(lambda: "was done before" in fleet.log(run) or "nobody waits" in fleet.log(run), 10)
    assert looked(fleet, run) == 1


def test_two_workers_share_a_zone_and_keep_its_rate(fleet: Any, run: str, fleets: ModuleType) -> None:
    prefixes = dict(fleet.prefixes)
    fleet.prefixes = {**prefixes, "a": "127.61.4.0/22"}
    try:
        rate(fleet, 2500, parallel=2)
        fleet.worker("a", f"{run}-1")
        fleet.worker("a", f"{run}-2")
        ready(fleets, fleet, f"{run}-1", f"{run}-2")
        found = fleet.centre(run, "zone=a").result()
    finally:
        fleet.prefixes = prefixes
        fleet.write(fleet.broker.address, fleet.broker.port)
    assert found.failures == ()
    covered = sorted(scope for c in found.coverage if c.aspect == "ports" for scope in c.scope)
    assert covered == ["127.61.4.0/24", "127.61.5.0/24", "127.61.6.0/24", "127.61.7.0/24"]
    one, other = looked(fleet, f"{run}-1"), looked(fleet, f"{run}-2")
    assert one + other == 4 and one and other
    assert at_once(fleet.log(f"{run}-1") + fleet.log(f"{run}-2")) == 2


def at_once(logs: str) -> int:
    """The most jobs that were worked on at any time, by several workers' logs together."""
    running = most = 0
    for line in sorted(line for line in logs.splitlines() if "looks at" in line or "is answered" in line):
        running += 1 if "looks at" in line else -1
        most = max(most, running)
    return most


def test_a_killed_centre_takes_its_run_up_again(fleet: Any, run: str, fleets: ModuleType, undisturbed: Any) -> None:
    rate(fleet, SLOW)
    fleet.worker("a", run)
    first = fleet.centre(run, "zone=a")
    fleets.wait_until(lambda: looked(fleet, run))
    fleets.end(first.process, signal.SIGKILL)
    # The lease is longer than the shard: the worker finishes, and its result waits on the broker.
    fleets.wait_until(lambda: "is answered" in fleet.log(run), 40)
    same(fleets, fleet.centre(run, "zone=a").result(), undisturbed)
    assert looked(fleet, run) == 1


def test_a_worker_that_hears_nothing_stops_and_gives_back(
    fleet: Any, run: str, fleets: ModuleType, undisturbed: Any
) -> None:
    rate(fleet, SLOW)
    fleet.worker("a", run, lease_seconds=4)
    centre = fleet.centre(run, "zone=a")
    fleets.wait_until(lambda: looked(fleet, run))
    os.kill(centre.process.pid, signal.SIGSTOP)
    try:
        took = fleets.wait_until(lambda: "the centre is not heard" in fleet.log(run), 12)
        assert scans("127.61.1.") == 0
    finally:
        os.kill(centre.process.pid, signal.SIGCONT)
    assert took < 8
    same(fleets, centre.result(), undisturbed)
    assert looked(fleet, run) == 2


def test_the_emergency_stop_reaches_every_worker_within_seconds(fleet: Any, run: str, fleets: ModuleType) -> None:
    prefixes = dict(fleet.prefixes)
    fleet.prefixes = {**prefixes, "a": "127.61.4.0/22"}
    try:
        rate(fleet, 100, parallel=4)
        names = (f"{run}-1", f"{run}-2")
        for name in names:
            fleet.worker("a", name)
        ready(fleets, fleet, *names)
        centre = fleet.centre(run, "zone=a")
        fleets.wait_until(lambda: all(looked(fleet, name) for name in names))
        fleets.wait_until(lambda: scans("127.61.") >= 4, 15)
        (fleet.root / "state").mkdir(exist_ok=True)
        (fleet.root / "state" / "STOP").touch()
        took = fleets.wait_until(lambda: scans("127.61.") == 0, 10)
        fleets.wait_until(lambda: all("broken off" in fleet.log(name) for name in names), 10)
        found = centre.result()
    finally:
        fleet.prefixes = prefixes
        fleet.write(fleet.broker.address, fleet.broker.port)
    print(f"the last nmap of two workers was gone {took:.2f} s after the stop")
    assert took < 5
    assert set(fleets.reasons(found)) == {"stopped"}
    assert not found.coverage
    # Nothing of it comes back by itself.
    fleets.wait_until(lambda: queues(fleet, "a")["jobs"][:2] == (0, 0), 15)


def test_a_stop_is_heard_also_where_the_centre_s_run_is_not(fleet: Any, run: str, fleets: ModuleType) -> None:
    """``auditor stop`` on the centre tells the workers itself: the run that sent the jobs may hang."""
    rate(fleet, SLOW)
    fleet.worker("a", run)
    centre = fleet.centre(run, "zone=a")
    fleets.wait_until(lambda: looked(fleet, run))
    os.kill(centre.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    assert far_away.halt(load_site(fleet.root), reason="drill", now=clock.utc_now) == ()
    fleets.wait_until(lambda: scans("127.61.1.") == 0, 6)
    assert time.monotonic() - began < 6
    fleets.wait_until(lambda: "broken off" in fleet.log(run), 5)
    assert "drill" in fleet.log(run)


def test_a_clock_that_is_far_off_sees_nothing_and_one_a_little_off_does(
    fleet: Any, run: str, fleets: ModuleType, undisturbed: Any
) -> None:
    rate(fleet, FAST)
    wrong = fleet.worker("a", f"{run}-1", shift=600)
    found = fleet.centre(run, "zone=a").result()
    assert fleets.reasons(found) == ["clock_skewed"]
    assert found.failures[0].scope == ("127.61.1.0/28",)
    assert "600 s" in found.failures[0].message
    assert looked(fleet, f"{run}-1") == 0
    fleets.end(wrong, signal.SIGTERM)
    fleet.worker("a", f"{run}-2", shift=-45)
    same(fleets, fleet.centre(f"{run}-again", "zone=a").result(), undisturbed)


def test_an_old_worker_says_so(fleet: Any, run: str, fleets: ModuleType) -> None:
    rate(fleet, FAST)
    fleet.worker("a", run)
    found = fleet.centre(run, "zone=a", "format=2").result()
    assert fleets.reasons(found) == ["worker_too_old"]
    assert found.failures[0].scope == ("127.61.1.0/28",)
    assert found.failures[0].collector == "nmap"
    assert looked(fleet, run) == 0


def test_without_a_worker_a_zone_is_given_up(fleet: Any, run: str, fleets: ModuleType) -> None:
    fleet.patience = 0.1
    rate(fleet, FAST)
    found = fleet.centre(run, "zone=b").result(90)
    fleet.patience = 0.5
    assert fleets.reasons(found) == ["no_worker"]
    assert found.failures[0].scope == ("127.61.2.0/28",)
    noted = answered.read(fleet.root / "state", "b")
    assert noted.unanswered is not None


def test_a_forged_job_is_not_obeyed(fleet: Any, run: str, fleets: ModuleType) -> None:
    """Whoever has the centre's password, and not its key, makes no worker do anything."""
    rate(fleet, FAST)
    fleet.worker("a", run)
    found = fleet.centre(run, "zone=a", f"key={fleet.folder / 'thief.pem'}").result()
    assert fleets.reasons(found) == ["not_read"]
    assert looked(fleet, run) == 0
    assert "unknown_key" in fleet.log(run)


def test_a_job_that_kills_workers_is_given_up(fleet: Any, run: str, fleets: ModuleType) -> None:
    rate(fleet, FAST)
    centre = fleet.centre(run, "zone=a")
    fleets.wait_until(lambda: queues(fleet, "a")["jobs"][0] == 1)
    thief = Thief(fleet, "a")
    for _ in range(6):
        # Taken, and gone without a word, like a worker whose machine fails.
        thief.attempt(lambda channel: channel.basic_get(JOBS))
        thief.leave()
    found = centre.result(60)
    assert fleets.reasons(found) == ["given_up"]
    assert found.failures[0].scope == ("127.61.1.0/28",)


class Thief:
    """Somebody with a zone's password and a place from which the broker can be reached."""

    def __init__(self, fleet: Any, zone: str, *, host: str = "", user: str = "") -> None:
        user = user or worker_user("lab-city", zone)
        password = Secret("file", str(fleet.folder / f"worker-{zone}.password"))
        broker = fleet.broker
        self._broker = Broker(
            broker.address, broker.port, user, password, host or vhost("lab-city", zone), str(broker.ca)
        )
        self._app = celery_app(self._broker)
        self._connection: Any = None

    def attempt(self, act: Callable[[Any], Any]) -> str:
        """``done``, or what the broker said."""
        if self._connection is None or not self._connection.connected:
            self._connection = self._broker.connection(self._app)
        try:
            act(
                self._connection.connect().channel() if not self._connection.connected else self._connection.channel()
            )
        except trouble(self._connection) as error:
            said = f"{type(error).__name__} {error}"
            self.leave()
            return said
        return "done"

    def leave(self) -> None:
        if self._connection is not None:
            self._connection.collect(socket_timeout=1)
            self._connection = None

    def say(self, channel: Any, exchange: str, key: str = "", body: bytes = b"x") -> None:
        message = channel.prepare_message(body, content_type="application/octet-stream", content_encoding="binary")
        channel.basic_publish_confirm(message, exchange=exchange, routing_key=key, mandatory=True, timeout=5)


def test_a_stolen_credential_gets_nothing_else(fleet: Any, run: str) -> None:
    """What zone a's password is good for: zone a's jobs and beats to read, zone a's results to write. No more."""
    thief = Thief(fleet, "a")
    assert thief.attempt(lambda c: c.basic_get("jobs")) == "done"
    assert thief.attempt(lambda c: thief.say(c, RESULTS)) == "done"
    refused: dict[str, Callable[[Any], Any]] = {
        "read the results": lambda c: c.basic_get("inbox"),
        "consume the results": lambda c: c.basic_consume("inbox"),
        "read what was put aside": lambda c: c.basic_get("dead"),
        "empty the results": lambda c: c.queue_purge("inbox"),
        "say stop, or beat": lambda c: thief.say(c, "control"),
        "send jobs": lambda c: thief.say(c, "", "jobs"),
        "write to the results' queue itself": lambda c: thief.say(c, "", "inbox"),
        "amq.direct": lambda c: thief.say(c, "amq.direct", "jobs"),
        "amq.topic": lambda c: thief.say(c, "amq.topic", "jobs"),
        "amq.fanout": lambda c: thief.say(c, "amq.fanout"),
        "amq.headers": lambda c: thief.say(c, "amq.headers"),
        "amq.rabbitmq.trace": lambda c: c.exchange_bind("amq.rabbitmq.trace", "results"),
        "put things aside": lambda c: thief.say(c, "unwanted"),
        "declare a queue": lambda c: c.queue_declare("mine", durable=False),
        "declare a queue that the broker names": lambda c: c.queue_declare("", exclusive=True),
        "declare its own queue otherwise": lambda c: c.queue_declare("jobs", durable=False),
        "declare an exchange": lambda c: c.exchange_declare("mine", "fanout"),
        "bind its jobs": lambda c: c.queue_bind("jobs", "control"),
        "bind its results": lambda c: c.queue_bind("inbox", "results"),
        "bind beats to results": lambda c: c.queue_bind("beats", "results"),
        "bind exchanges": lambda c: c.exchange_bind("results", "control"),
        "unbind the results": lambda c: c.queue_unbind("inbox", "results"),
        "delete its jobs": lambda c: c.queue_delete("jobs"),
        "delete the beats": lambda c: c.queue_delete("beats"),
        "empty the beats": lambda c: c.queue_purge("beats"),
        "delete its results": lambda c: c.exchange_delete("results"),
        "read the log": lambda c: c.queue_declare("amq.rabbitmq.log", durable=False),
    }
    said = {what: thief.attempt(act) for what, act in refused.items()}
    allowed = {what: answer for what, answer in said.items() if "ACCESS_REFUSED" not in answer}
    # A stream cannot be emptied by anybody.
    assert allowed.pop("empty the beats", "NOT_IMPLEMENTED").find("NOT_IMPLEMENTED") >= 0
    assert allowed == {}
    thief.leave()
    for host in (vhost("lab-city", "b"), "/", vhost("lab-city", "no-such-zone")):
        # Whether there is such a zone at all is not told either.
        assert "NOT_ALLOWED" in Thief(fleet, "a", host=host).attempt(lambda c: c.queue_declare("jobs", passive=True))
    for user in (centre_user("lab-city"), worker_user("lab-city", "b"), "guest"):
        assert "AccessRefused" in Thief(fleet, "a", user=user).attempt(lambda c: c.basic_get("jobs"))
    # No other door: neither the management pages nor plain AMQP listen anywhere.
    listening = fleet.broker.ctl("eval", "[P || {listener,_,P,_,_,_,_} <- rabbit_networking:active_listeners()].")
    assert sorted(re.findall(r"[\w/]+", listening)) == ["amqp/ssl", "clustering"]


def test_forged_and_foreign_results_count_for_nothing(
    fleet: Any, run: str, fleets: ModuleType, undisturbed: Any
) -> None:
    """With zone a's password, and every bundle that was ever seen, but no key."""
    rate(fleet, FAST)
    fleet.worker("b", f"{run}-b")
    fleet.centre(f"{run}-b-run", "zone=b").result()
    (kept,) = (fleet.folder / f"state-{run}-b" / "results").glob("*.bundle")
    foreign = kept.read_bytes()
    fleet.worker("a", run)
    centre = fleet.centre(run, "zone=a")
    fleets.wait_until(lambda: looked(fleet, run))
    job = re.search(r"job ([0-9a-f]{32})", fleet.log(run))
    assert job is not None
    answered = re.search(rb'"answers":"([0-9a-f]{32})"', foreign)
    assert answered is not None
    forged = foreign.replace(answered[1], job[1].encode())
    thief = Thief(fleet, "a")
    for data in (b"", b"{}", b"\x00" * 5000, foreign, forged, foreign.replace(b'"zone":"b"', b'"zone":"a"')):
        assert thief.attempt(lambda c, data=data: thief.say(c, RESULTS, body=data)) == "done"
    thief.leave()
    same(fleets, centre.result(), undisturbed)
    assert "post a refused 6" in centre.said()


def test_a_wrong_certificate_or_password_is_not_worked_with(fleet: Any, run: str, fleets: ModuleType) -> None:
    rate(fleet, FAST)
    config = fleet.configure("a", run, "localhost", fleet.broker.port)
    # The certificate is for 127.0.0.1: another name for the same machine is refused by the client.
    command = [sys.executable, str(HERE / "lab_worker.py"), "0", "worker", "--zone", "a", "--config", str(config)]
    with (fleet.folder / f"{run}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    fleet.processes.append(process)
    fleets.wait_until(lambda: "certificate verify failed" in fleet.log(run) or "ertificate" in fleet.log(run), 20)
    assert "listening" not in fleet.log(run)
    assert process.poll() is None
    began = time.monotonic()
    assert fleets.end(process, signal.SIGTERM) == 0
    assert time.monotonic() - began < 10
