"""Real SNMP agents: Debian's snmpd, one for each address, answering from tables that a test gives.

An agent's own modules are switched off but for the system group, users and views; everything else comes from
``python snmp_agents.py answer FILE``, which snmpd asks by its pass_persist protocol (snmpd.conf(5)).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Object number → (type as snmpd's pass protocol calls it, value).
Table = Mapping[str, tuple[str, str]]

_OWN = (
    "system_mib,sysORTable,pass,pass_persist,vacm_vars,vacm_conf,usmUser,usmConf,usmStats,snmpEngine,engine,"
    "setSerialNo,mibII/system_mib,snmpv3mibs"
)


@dataclass(frozen=True)
class User:
    """An SNMPv3 user with authentication (SHA) and privacy (AES)."""

    name: str
    auth: str
    privacy: str


@dataclass(frozen=True)
class Agent:
    address: str
    descr: str
    object_id: str
    name: str
    table: Table = field(default_factory=dict)
    community: str = ""
    users: tuple[User, ...] = ()


def ups(vendor: str, model: str) -> dict[str, tuple[str, str]]:
    """UPS-MIB (RFC 1628), upsIdent."""
    return {
        "1.3.6.1.2.1.33.1.1.1.0": ("string", vendor),
        "1.3.6.1.2.1.33.1.1.2.0": ("string", model),
    }


def ports(*rows: tuple[str, str, str, str]) -> dict[str, tuple[str, str]]:
    """IF-MIB and IP-MIB: (name, hardware address, address, mask) for each interface."""
    out: dict[str, tuple[str, str]] = {}
    for index, (name, mac, address, mask) in enumerate(rows, 1):
        base = "1.3.6.1.2.1.2.2.1"
        out[f"{base}.2.{index}"] = ("string", name)
        out[f"{base}.3.{index}"] = ("integer", "6")
        out[f"{base}.6.{index}"] = ("octet", mac.replace(":", " ").upper())
        out[f"{base}.8.{index}"] = ("integer", "1")
        if address:
            out[f"1.3.6.1.2.1.4.20.1.2.{address}"] = ("integer", str(index))
            out[f"1.3.6.1.2.1.4.20.1.3.{address}"] = ("ipaddress", mask)
    return out


def route(prefix: str, mask: str, hop: str, port: int) -> dict[str, tuple[str, str]]:
    """IP-FORWARD-MIB, ipCidrRouteIfIndex."""
    return {f"1.3.6.1.2.1.4.24.4.1.5.{prefix}.{mask}.0.{hop}": ("integer", str(port))}


def met(port: int, address: str, mac: str) -> dict[str, tuple[str, str]]:
    """IP-MIB, ipNetToMediaPhysAddress."""
    return {f"1.3.6.1.2.1.4.22.1.2.{port}.{address}": ("octet", mac.replace(":", " ").upper())}


def chassis(vendor: str, model: str, serial: str) -> dict[str, tuple[str, str]]:
    """ENTITY-MIB, one chassis."""
    base = "1.3.6.1.2.1.47.1.1.1.1"
    return {
        f"{base}.5.1": ("integer", "3"),
        f"{base}.11.1": ("string", serial),
        f"{base}.12.1": ("string", vendor),
        f"{base}.13.1": ("string", model),
    }


class SnmpAgents:
    """Starts an snmpd for every agent; a context manager that ends what it started by process id."""

    def __init__(self, agents: Sequence[Agent], directory: Path, *, port: int = 16161) -> None:
        self.agents, self.directory, self.port = agents, directory, port
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> SnmpAgents:
        program = shutil.which("snmpd") or "/usr/sbin/snmpd"
        try:
            for agent in self.agents:
                self._start(program, agent)
            for agent in self.agents:
                self._await(agent)
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.down()

    def _start(self, program: str, agent: Agent) -> None:
        home = self.directory / f"snmpd-{agent.address}"
        home.mkdir(parents=True)
        answers = home / "answers.tsv"
        answers.write_text("".join(f"{oid}\t{kind}\t{value}\n" for oid, (kind, value) in agent.table.items()))
        helper = f"{sys.executable} {Path(__file__).resolve()} answer {answers}"
        roots = sorted({_root(oid) for oid in agent.table})
        lines = [
            f"agentaddress udp:{agent.address}:{self.port}",
            f"sysdescr {agent.descr}",
            f"sysobjectid .{agent.object_id}",
            f"sysname {agent.name}",
            *([f"rocommunity {agent.community}"] if agent.community else []),
            *(f"pass_persist .{root} {helper}" for root in roots),
        ]
        for user in agent.users:
            lines += [f"createUser {user.name} SHA {user.auth} AES {user.privacy}", f"rouser {user.name} authpriv"]
        configuration = home / "snmpd.conf"
        configuration.write_text("\n".join(lines) + "\n")
        configuration.chmod(0o600)
        # -C: no other configuration file; -I: no module that would tell of this machine.
        argv = [program, "-f", "-Lf", str(home / "log"), "-C", "-c", str(configuration), "-p", str(home / "pid")]
        environment = {"PATH": os.environ["PATH"], "SNMP_PERSISTENT_DIR": str(home), "MIBS": ""}
        self.processes.append(
            subprocess.Popen([*argv, "-I", _OWN], env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        )

    def _await(self, agent: Agent) -> None:
        """Until the agent listens: its port can no longer be bound."""
        for _ in range(200):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind((agent.address, self.port))
                except OSError:
                    return
            if any(process.poll() is not None for process in self.processes):
                break
            time.sleep(0.05)
        raise RuntimeError(f"snmpd did not start on {agent.address}")

    def down(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            process.wait(timeout=10)
        self.processes.clear()


def _root(oid: str) -> str:
    """The subtree that an object is served under: short ones, so that a walk meets every table."""
    parts = oid.split(".")
    return ".".join(parts[:7]) if oid.startswith("1.3.6.1.2.1.") else ".".join(parts[:8])


def _answer(file: Path) -> None:
    """snmpd's pass_persist protocol on standard input and output."""
    table: dict[tuple[int, ...], tuple[str, str]] = {}
    for line in file.read_text().splitlines():
        oid, kind, value = line.split("\t", 2)
        table[tuple(map(int, oid.split(".")))] = (kind, value)
    order = sorted(table)
    while command := sys.stdin.readline().strip():
        if command == "PING":
            print("PONG", flush=True)
            continue
        asked: tuple[int, ...] | None = tuple(map(int, sys.stdin.readline().strip().strip(".").split(".")))
        if command == "getnext":
            asked = next((oid for oid in order if oid > asked), None)
        if asked in table:
            kind, value = table[asked]
            print("." + ".".join(map(str, asked)), kind, value, sep="\n", flush=True)
        else:
            print("NONE", flush=True)


if __name__ == "__main__" and sys.argv[1:2] == ["answer"]:
    _answer(Path(sys.argv[2]))
