"""Workers behind a network that fails: a silent cut of a minute, and one of a few seconds, in namespaces."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.model import Collection

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent
BROKER = "192.0.2.100"
#: Longer than every lease and heartbeat, and shorter than all of them.
LONG, SHORT = 60.0, 6.0


class Lands:
    """The centre's namespace with the broker, and one for each zone, each on a link of its own. No way out."""

    def __init__(self, run: Callable[..., str], zones: tuple[str, ...]) -> None:
        self._run, self._zones = run, zones
        self._name = "aw" + secrets.token_hex(3)

    def __getitem__(self, place: str) -> str:
        return f"{self._name}{place}"

    def __enter__(self) -> Lands:
        for place in ("hub", *self._zones):
            self._run("ip", "netns", "add", self[place])
            self._run("ip", "-n", self[place], "link", "set", "lo", "up")
        self._run("ip", "-n", self["hub"], "addr", "add", f"{BROKER}/32", "dev", "lo")
        for number, zone in enumerate(self._zones):
            near, far, port = f"192.0.2.{4 * number + 1}", f"192.0.2.{4 * number + 2}", f"to-{zone}"
            peer = ("peer", "name", "up0", "netns", self[zone])
            self._run("ip", "link", "add", port, "netns", self["hub"], "type", "veth", *peer)
            for namespace, device, address in ((self["hub"], port, near), (self[zone], "up0", far)):
                self._run("ip", "-n", namespace, "addr", "add", f"{address}/30", "dev", device)
                self._run("ip", "-n", namespace, "link", "set", device, "up")
            self._run("ip", "-n", self[zone], "route", "add", f"{BROKER}/32", "via", near)
        return self

    def cut(self, zone: str) -> None:
        """Nothing passes any more, and nobody is told."""
        chains = "".join(
            f" chain {hook} {{ type filter hook {hook} priority 0; {side} up0 drop; }}\n"
            for hook, side in (("input", "iifname"), ("output", "oifname"))
        )
        self._run("ip", "netns", "exec", self[zone], "nft", "-f", "-", text=f"table inet cut {{\n{chains}}}\n")

    def mend(self, zone: str) -> None:
        self._run("ip", "netns", "exec", self[zone], "nft", "delete", "table", "inet", "cut")

    def scans(self, zone: str) -> int:
        """nmap processes in a zone's namespace."""
        pids = self._run("ip", "netns", "pids", self[zone]).split()
        names = (Path(f"/proc/{pid}/comm") for pid in pids)
        return sum(name.read_text().strip() == "nmap" for name in names if name.exists())

    def __exit__(self, *exc: object) -> None:
        for place in ("hub", *self._zones):
            self._run("ip", "netns", "del", self[place], check=False)


@pytest.fixture
def lands(netns: ModuleType) -> Iterator[Lands]:
    with Lands(netns.run, ("a", "b")) as made:
        yield made


@pytest.fixture
def fleet(load: Callable[[str], ModuleType], lands: Lands, tmp_path: Path) -> Iterator[Any]:
    rabbitmq, fleets = load("rabbitmq"), load("worker_fleet")
    assert rabbitmq.usable(), "these tests need root and rabbitmq-server"
    (tmp_path / "rabbit").mkdir()
    broker = rabbitmq.RabbitMQ(tmp_path / "rabbit", address=BROKER, namespace=lands["hub"])
    prefixes = {"a": "127.61.1.0/28", "b": "127.61.2.0/28"}
    fleet = fleets.Fleet(tmp_path, prefixes, rate=8, patience=10, broker=broker)
    fleet.write(broker.address, broker.port)
    listeners = [answer(fleets, lands, tmp_path, zone, prefix) for zone, prefix in prefixes.items()]
    try:
        broker.set_up(fleet.root, fleet.users)
        fleet.passwords(broker.passwords)
        yield fleet
    finally:
        fleet.down()
        broker.stop()
        for process in listeners:
            process.kill()
            process.wait()


def answer(fleets: ModuleType, lands: Lands, folder: Path, zone: str, prefix: str) -> subprocess.Popen[str]:
    """The zone's machines, on its own loopback."""
    net = prefix.rsplit(".", 1)[0]
    plan = [
        (f"{net}.{host}", port, "ssh" if port == 7022 else "page:x")
        for host, ports in fleets.LIVE.items()
        for port in ports
    ]
    file = folder / f"plan-{zone}.json"
    file.write_text(json.dumps(plan))
    command = ["ip", "netns", "exec", lands[zone], sys.executable, str(HERE / "netns.py"), "serve", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None and process.stdout.readline().strip() == "ready"
    return process


def of(found: Collection, zone: str) -> Collection:
    return Collection(
        tuple(o for o in found.observations if o.zone == zone),
        tuple(c for c in found.coverage if c.zone == zone),
        tuple(f for f in found.failures if f.zone == zone),
    )


def test_a_network_that_is_cut_for_a_minute_loses_nothing(
    load: Callable[[str], ModuleType], fleet: Any, lands: Lands
) -> None:
    fleets = load("worker_fleet")
    undisturbed = {zone: fleet.centre(f"own-{zone}", f"zone={zone}", "here", namespace=lands[zone]) for zone in "ab"}
    expected = {zone: fleets.essence(of(own.result(), zone)) for zone, own in undisturbed.items()}
    # A shard of this size takes some thirteen seconds: the lease must end within it.
    fleet.worker("a", "a", namespace=lands["a"], lease_seconds=8)
    fleet.worker("b", "b", namespace=lands["b"])
    fleets.wait_until(lambda: all("listening" in fleet.log(zone) for zone in "ab"))
    centre = fleet.centre("cut", namespace=lands["hub"])
    fleets.wait_until(lambda: all("looks at" in fleet.log(zone) for zone in "ab"))
    time.sleep(2)
    began = time.monotonic()
    for zone in "ab":
        lands.cut(zone)
    time.sleep(SHORT)
    lands.mend("b")
    # A worker that cannot hear a stop does not probe: it ends within its lease, while the network is still cut.
    silent = fleets.wait_until(lambda: "the centre is not heard" in fleet.log("a"), 25)
    assert silent + SHORT < 11
    fleets.wait_until(lambda: lands.scans("a") == 0, 3)
    time.sleep(max(0.0, began + LONG - time.monotonic()))
    assert lands.scans("a") == 0
    lands.mend("a")
    mended = time.monotonic()
    found = centre.result(90)
    print(f"answered {time.monotonic() - mended:.0f} s after the network was back")
    assert found.failures == ()
    assert {zone: fleets.essence(of(found, zone)) for zone in "ab"} == expected
    # The short cut broke nothing off; the long one did, and the shard was looked at anew, once.
    assert fleet.log("b").count("looks at") == 1 and "broken off" not in fleet.log("b")
    assert fleet.log("a").count("looks at") == 2
