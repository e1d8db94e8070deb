"""The SSH probe over 100 hosts, against ``ansible-playbook`` by itself, and its shell path against its Ansible path.

Needs root, openssh-server and iproute2. One sshd in a network namespace answers on 100 addresses; clients and targets
share this machine, so most of what is measured is the targets' own work. Every case asks the same of the hosts, with
as many forks. What is measured:

- *bare*: ``ansible-playbook`` with the same modules and script, its own ssh connections (multiplexed, pipelined, the
  same key exchange), the interpreter named, and no result looked at: what Ansible itself takes;
- *Ansible path*: the whole probe from sweep to observations, logins that name the path ``auto``;
- *shell path*: the same hosts with the path ``raw``, as hosts without a current Python are read.

Probe and bare take turns; of each the least of :data:`ROUNDS` counts.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import Line
from inventories.model import Collection
from inventories.places import Zone
from probes.access import Access, SshLogin
from probes.base import Stop
from probes.profiles import PROFILES
from probes.run import run_probes
from probes.scope import Permit
from probes.secrets import Secret
from probes.ssh.options import KEX
from probes.ssh.probe import SshProbe
from probes.ssh.reading import ShellReading
from probes.ssh.visit import FORKS

HOSTS = 100
ROUNDS = 2
PREFIX, CROWD = "10.66.0.0/24", "10.66.1.0/25"

_PLAYBOOK = """
- hosts: all
  gather_facts: false
  vars:
    extras: "{{ lookup('ansible.builtin.file', 'extras', rstrip=False) }}"
  tasks:
    - ansible.builtin.setup:
        gather_subset: ["!all", "!min", "distribution", "hardware", "network", "platform", "virtual", "dns"]
        gather_timeout: 5
    - ansible.builtin.raw: "{{ extras }}"
"""


def ssh_hosts() -> ModuleType:
    """The laboratory's builder of hosts."""
    path = Path(__file__).resolve().parent.parent / "tests" / "lab" / "ssh_hosts.py"
    spec = importlib.util.spec_from_file_location("ssh_hosts", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules.setdefault("ssh_hosts", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


def clock() -> datetime:
    return datetime.now(UTC)


def targets() -> list[str]:
    return [str(address) for address in ipaddress.ip_network(CROWD)][:HOSTS]


def probe(lab: Any, folder: Path, path: str) -> tuple[float, Collection]:
    """Seconds of the whole probe, and what it brought home."""
    prefixes = tuple(ipaddress.collapse_addresses(map(ipaddress.ip_network, targets())))
    login = SshLogin(user="auditor", key=Secret("file", str(lab.key)), known_hosts=folder / "known", path=path)
    zone = Zone("bench", "测速网", "bench", "department", prefixes)
    until = clock() + timedelta(hours=1)
    profile = replace(PROFILES["fast"], ports=(22,))
    permit = Permit(zone, prefixes, (), profile, ("bench",), until, access=Access(ssh=(login,)))
    began = time.perf_counter()
    got = run_probes([SshProbe()], [permit], workdir=folder, stop=Stop(), now=clock)
    return time.perf_counter() - began, got


def bare(lab: Any, folder: Path) -> tuple[float, int]:
    """Seconds of Ansible by itself, and the hosts that it read."""
    home = folder / "bare"
    home.mkdir(exist_ok=True)
    (home / "extras").write_text(ShellReading().texts()["extras"])
    (home / "playbook.yaml").write_text(_PLAYBOOK)
    (home / "hosts").write_text("\n".join(targets()) + "\n")
    options = (
        f"-F none -o ControlMaster=auto -o ControlPersist=60s -o KexAlgorithms={KEX} -o IdentitiesOnly=yes "
        f"-o UserKnownHostsFile={folder / 'known'} -o IdentityFile={lab.key}"
    )
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="bench-") as sockets:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_SSH_ARGS": options,
            "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
            "ANSIBLE_REMOTE_USER": "auditor",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
            "ANSIBLE_NOCOLOR": "1",
        }
        argv = ["ansible-playbook", "-i", "hosts", "--forks", str(FORKS), "playbook.yaml"]
        began = time.perf_counter()
        done = subprocess.run(argv, cwd=home, env=environment, capture_output=True, check=False)
        took = time.perf_counter() - began
        for socket in Path(sockets).iterdir():
            subprocess.run(
                ["ssh", "-F", "none", "-O", "exit", "-S", str(socket), "x"], capture_output=True, check=False
            )
    return took, len(re.findall(rb" ok=2 ", done.stdout))


def main() -> list[Line]:
    """Measures; RuntimeError where hosts cannot be built here."""
    built = ssh_hosts()
    if not built.usable():
        raise RuntimeError("needs root, openssh-server, util-linux and iproute2")
    host = built.Host("10.66.0.5", port=22, hostname="bench", crowd=CROWD)
    with tempfile.TemporaryDirectory(prefix="ssh-bench-") as name:
        folder = Path(name)
        with built.SshHosts([host], folder, prefix=PREFIX) as lab, built.inside(lab.scanner):
            (folder / "known").write_text(lab.known_hosts())
            return _measure(lab, folder)


def _measure(lab: Any, folder: Path) -> list[Line]:
    alone: list[tuple[float, int]] = []
    ansible: list[tuple[float, int]] = []
    shell: list[tuple[float, int]] = []
    for _ in range(ROUNDS):
        alone.append(bare(lab, folder))
        for path, into in (("auto", ansible), ("raw", shell)):
            took, got = probe(lab, folder, path)
            into.append((took, len(got.observations)))
    (floor, read), (by_ansible, seen), (by_shell, also) = min(alone), min(ansible), min(shell)
    ratio, times = by_ansible / floor, by_ansible / by_shell
    return [
        Line(f"SSH facts of {HOSTS} hosts: ansible-playbook by itself", f"{floor:.1f} s, {read} hosts"),
        Line(
            f"SSH facts of {HOSTS} hosts: the probe",
            f"{by_ansible:.1f} s, {seen} hosts",
            f"{HOSTS}",
            seen == read == HOSTS,
        ),
        Line("  over ansible-playbook by itself", f"{ratio:.2f}", "<= 1.25", ratio <= 1.25),
        Line(f"SSH facts of {HOSTS} hosts: the probe, by shell", f"{by_shell:.1f} s, {also} hosts", "", None),
        Line("  faster than by Ansible", f"{times:.1f} times", ">= 3", times >= 3),
    ]


if __name__ == "__main__":
    for line in main():
        print(line.name, line.measured, line.promised, line.met, sep="  ")
