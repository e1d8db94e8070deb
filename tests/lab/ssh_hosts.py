"""Hosts that answer over real SSH: one sshd each, in mount, UTS and process namespaces of its own.

A host has its own release files, processor, firmware table, users, home folders and process list, laid over this
machine's by overlays that are never written to. On loopback addresses hosts share this machine's network; with a
``prefix`` each has a network namespace of its own, all of them joined by a bridge to a scanner's. Needs root,
Debian's openssh-server and util-linux, with a prefix iproute2 too. What it imitates (a kernel's cpuinfo, firmware)
is synthetic.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SSHD = "/usr/sbin/sshd"
USER, UID = "auditor", 20001
#: Under which users' folders lie on a host.
HOMES = "/home"

#: What listens inside a host, under another name, and hangs up on everybody; everything is loaded before the files
#: are laid over.
_LISTEN = (
    "import socket, sys\nkept = socket.create_server((sys.argv[1], int(sys.argv[2])))\n"
    "while True:\n    kept.accept()[0].close()\n"
)

#: A stand-in for an interpreter that is too old: it runs nothing.
_OLD_PYTHON = '#!/bin/sh\ncase $1 in --version|-V) echo "Python 3.6.8" ;; *) exit 1 ;; esac\n'
_REAL_OLD_PYTHON = '#!/bin/sh\nLD_LIBRARY_PATH=/opt/python/lib exec /opt/python/bin/python3 "$@"\n'
#: Where this machine has real ones that are too old.
_PYENV = Path("~/.pyenv/versions").expanduser()


@dataclass(frozen=True)
class Host:
    """One host.

    - ``os_release``, ``cpuinfo``: None is this machine's own, an empty text: there is none.
    - ``dmi`` maps names of ``/sys/class/dmi/id`` to their text.
    - ``python``: ``own`` (this machine's), ``old`` or ``none``.
    - ``files`` maps paths under ``/etc``, ``/root`` or ``/home`` to content.
    - ``listeners`` maps TCP ports to the name of the process there.
    - ``sshd`` are more lines of its configuration; ``server`` runs in its place, with address and port after it.
    - ``read_only``: nothing can be written. ``full_tmp``: no space in ``/tmp``, ``/var/tmp`` and ``/dev/shm``.
    - With a network of its own: ``interfaces`` maps names to ``address/length``, ``routes`` are ``ip route add``'s
      words, and ``crowd`` is another prefix, of which every address is this host too.
    """

    address: str
    port: int = 2222
    hostname: str = "host"
    os_release: str | None = None
    cpuinfo: str | None = None
    dmi: Mapping[str, str] = field(default_factory=dict)
    python: str = "own"
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    listeners: Mapping[int, str] = field(default_factory=dict)
    shell: str = "/bin/sh"
    sshd: Sequence[str] = ()
    read_only: bool = False
    full_tmp: bool = False
    server: Sequence[str] = ()
    gateway: str = ""
    interfaces: Mapping[str, str] = field(default_factory=dict)
    routes: Sequence[str] = ()
    crowd: str = ""


def usable() -> bool:
    """Whether hosts can be built here."""
    return os.geteuid() == 0 and Path(SSHD).exists() and all(map(shutil.which, ("unshare", "ssh-keygen", "setpriv")))


def run(*command: str, text: str | None = None, check: bool = True) -> str:
    done = subprocess.run(command, input=text, text=True, capture_output=True, timeout=60)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def new_key(path: Path, passphrase: str = "") -> Path:
    run("ssh-keygen", "-q", "-t", "ed25519", "-C", "lab", "-N", passphrase, "-f", str(path))
    return path


@dataclass
class SshHosts:
    """Starts hosts, and ends everything at exit, by process id. ``folder`` is a test's own."""

    hosts: Sequence[Host]
    folder: Path
    prefix: str = ""
    password: str = ""
    name: str = field(default_factory=lambda: "as" + secrets.token_hex(4))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert usable(), "these tests need root, openssh-server and util-linux"

    @property
    def key(self) -> Path:
        """The private key that every host accepts, for :data:`USER` and root."""
        return self.folder / "id"

    @property
    def scanner(self) -> str:
        """The namespace from which hosts with a network of their own are reached."""
        return f"{self.name}s"

    def __enter__(self) -> SshHosts:
        Path("/run/sshd").mkdir(exist_ok=True)
        new_key(self.key)
        try:
            if self.prefix:
                self._network()
            for number, host in enumerate(self.hosts):
                self._lay_out(number, host)
                self.start(host.address)
            for host in self.hosts:
                self._wait(host)
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.down()

    def home(self, address: str) -> Path:
        """Where a host's own files lie."""
        return self.folder / f"h{self._number(address)}"

    def _number(self, address: str) -> int:
        return next(n for n, host in enumerate(self.hosts) if host.address == address)

    def host(self, address: str) -> Host:
        return self.hosts[self._number(address)]

    def known_hosts(self, *addresses: str) -> str:
        """Lines of known_hosts for these hosts, or all."""
        lines = []
        for host in self.hosts:
            if not addresses or host.address in addresses:
                kind, key = (self.home(host.address) / "key.pub").read_text().split()[:2]
                names = [host.address, *map(str, ipaddress.ip_network(host.crowd) if host.crowd else ())]
                named = names if host.port == 22 else [f"[{name}]:{host.port}" for name in names]
                lines.append(f"{','.join(named)} {kind} {key}\n")
        return "".join(lines)

    def start(self, address: str) -> None:
        """Starts a host that does not run."""
        home = self.home(address)
        command = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
        if self.prefix:
            command = ["ip", "netns", "exec", self._namespace(address), *command]
        with (home / "log").open("wb") as log:
            self.processes[address] = subprocess.Popen(
                [*command, "sh", "-eu", str(home / "boot")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
                start_new_session=True,
            )

    def stop(self, address: str) -> None:
        """Ends a host with everything that runs on it: all of it lives in one process namespace."""
        process = self.processes.pop(address)
        process.kill()
        process.wait()

    def change_key(self, address: str) -> None:
        """The host comes back with another host key."""
        self.stop(address)
        for name in ("key", "key.pub"):
            (self.home(address) / name).unlink()
        new_key(self.home(address) / "key")
        shutil.copy(self.home(address) / "key", self.home(address) / "etc/ssh/lab_key")
        self.start(address)
        self._wait(self.host(address))

    def down(self) -> None:
        for address in list(self.processes):
            self.stop(address)
        if self.prefix:
            for namespace in (self.scanner, *(self._namespace(host.address) for host in self.hosts), f"{self.name}b"):
                run("ip", "netns", "del", namespace, check=False)

    def _wait(self, host: Host) -> None:
        """Waits until it listens: sshd says so, other servers are asked."""
        log, end = self.home(host.address) / "log", time.monotonic() + 20
        while time.monotonic() < end:
            if self.processes[host.address].poll() is not None:
                break
            said = log.read_bytes()
            if b"Server listening" in said or b"ready" in said:
                return
            time.sleep(0.02)
        raise RuntimeError(f"{host.address} did not start: {log.read_text(errors='replace')[-500:]}")

    # What a host's files are.

    def _lay_out(self, number: int, host: Host) -> None:
        home = self.folder / f"h{number}"
        for name in ("etc/ssh", "root", f"home/{USER}", "bin", "usr", "sys/devices/dmi/id", "sys/class/dmi"):
            (home / name).mkdir(parents=True)
        new_key(home / "key")
        self._users(home, host)
        self._files(home, host)
        self._python(home, host)
        for key, text in host.dmi.items():
            file = home / "sys/devices/dmi/id" / key
            file.write_text(text + "\n")
            # The kernel shows these two to root alone.
            file.chmod(0o400 if key in ("product_serial", "product_uuid", "chassis_serial") else 0o444)
        (home / "sys/class/dmi/id").symlink_to("../../devices/virtual/dmi/id")
        for folder in (home, home / "etc", home / "etc/ssh", home / "home"):
            folder.chmod(0o755)
        (home / "boot").write_text(self._boot(home, host))

    def _users(self, home: Path, host: Host) -> None:
        secret = run("openssl", "passwd", "-6", "-stdin", text=self.password).strip() if self.password else "*"
        passwd = (
            "root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
            f"{USER}:x:{UID}:{UID}:audit:{Path('/home') / USER}:{host.shell}\n"
        )
        etc = home / "etc"
        (etc / "passwd").write_text(passwd)
        (etc / "group").write_text(f"root:x:0:\nnogroup:x:65534:\n{USER}:x:{UID}:\n")
        (etc / "shadow").write_text(f"root:{secret}:19000:0:99999:7:::\n{USER}:{secret}:19000:0:99999:7:::\n")
        (etc / "shadow").chmod(0o600)
        shutil.copy(self.key.with_suffix(".pub"), etc / "ssh/lab_users")
        shutil.copy(home / "key", etc / "ssh/lab_key")
        os.chown(home / "home" / USER, UID, UID)
        lines = (
            f"ListenAddress {'0.0.0.0' if host.crowd else host.address}:{host.port}",
            "HostKey /etc/ssh/lab_key",
            "AuthorizedKeysFile /etc/ssh/lab_users",
            "StrictModes no",
            "UsePAM no",
            "UseDNS no",
            "PidFile none",
            "PermitRootLogin yes",
            "MaxStartups 400:30:1000",
            "KbdInteractiveAuthentication no",
            f"PasswordAuthentication {'yes' if self.password else 'no'}",
        )
        # The first value counts, so a host's own lines come first.
        (etc / "ssh/lab_config").write_text("\n".join((*host.sshd, *lines)) + "\n")

    def _files(self, home: Path, host: Host) -> None:
        etc = home / "etc"
        (etc / "hostname").write_text(host.hostname + "\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {host.hostname}\n")
        # Asking a name server that does not answer would take ten seconds a host.
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        if host.os_release is not None:
            _replace(etc / "os-release", host.os_release)
            _gone(etc / "debian_version")
        for path, content in host.files.items():
            file = home / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
            if Path(path).is_relative_to(Path("/home") / USER):
                os.chown(file, UID, UID)

    def _python(self, home: Path, host: Host) -> None:
        if host.python == "own":
            return
        for file in Path("/usr/bin").glob("python3*"):
            _gone(home / "usr" / file.name)
        if host.python == "old":
            real = next(iter(sorted(_PYENV.glob("3.6.*/bin/python3"))), None)
            script = _REAL_OLD_PYTHON if real else _OLD_PYTHON
            (home / "usr/python3").unlink(missing_ok=True)
            (home / "usr/python3").write_text(script)
            (home / "usr/python3").chmod(0o755)

    def _boot(self, home: Path, host: Host) -> str:
        """The script that lays the files over this machine's, and becomes the host's first process."""
        real = next(iter(sorted(_PYENV.glob("3.6.*"))), None)
        lines = [f"hostname '{host.hostname}'"]
        for port, process in host.listeners.items():
            link = home / "bin" / process
            if not link.exists():
                link.symlink_to(Path("/usr/bin/python3").resolve())
            lines.append(f"'{link}' -Ic '{_LISTEN}' {host.address} {port} &")
            lines.append(f"until ss -Hltn 'src {host.address} and sport = :{port}' | grep -q .; do sleep 0.02; done")
        lines.append(f"mount -t overlay overlay -o lowerdir='{home}/etc':/etc /etc")
        if host.os_release is not None:
            # A place of its own that distributions put it to; no file at all is what a device is to who reads it.
            own = f"{home}/etc/os-release" if host.os_release else "/dev/null"
            lines.append(f"mount --bind '{own}' /usr/lib/os-release")
        if host.python != "own":
            if host.python == "old" and real:
                lines += ["mount -t tmpfs tmpfs /opt", "mkdir /opt/python", f"mount --bind '{real}' /opt/python"]
            lines.append(f"mount -t overlay overlay -o lowerdir='{home}/usr':/usr/bin /usr/bin")
        if host.cpuinfo is not None:
            (home / "cpuinfo").write_text(host.cpuinfo)
            lines.append(f"mount --bind '{home}/cpuinfo' /proc/cpuinfo")
        if host.dmi:
            for place, own in (("devices/virtual", "devices"), ("class", "class")):
                lines.append(f"mount -t overlay overlay -o lowerdir='{home}/sys/{own}':/sys/{place} /sys/{place}")
        lines += [f"mount --bind '{home}/root' /root", f"mount --bind '{home}/home' /home"]
        if host.full_tmp:
            for place in ("/tmp", "/var/tmp", "/dev/shm"):
                lines.append(f"mount -t tmpfs -o size=4k,mode=1777 tmpfs {place}")
                lines.append(f"head -c 4096 /dev/zero > {place}/full")
        elif not host.read_only:
            lines += [f"mount -t tmpfs -o mode=1777 tmpfs {place}" for place in ("/tmp", "/var/tmp", "/dev/shm")]
        if host.read_only:
            lines.append("for m in / /root /home /dev /dev/shm; do mount -o remount,bind,ro $m || true; done")
        command = (
            " ".join([*host.server, host.address, str(host.port)])
            if host.server
            else f"{SSHD} -D -e -f /etc/ssh/lab_config"
        )
        return "\n".join([*lines, f"exec {command}\n"])

    # A network for hosts that have their own.

    def _namespace(self, address: str) -> str:
        return f"{self.name}{self._number(address)}"

    def _network(self) -> None:
        network = ipaddress.ip_network(self.prefix)
        hub = f"{self.name}b"
        run("ip", "netns", "add", hub)
        run("ip", "-n", hub, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", hub, "link", "set", "br0", "up")
        self._join(self.scanner, hub, "s", {"eth0": f"{network[1]}/{network.prefixlen}"})
        for number, host in enumerate(self.hosts):
            namespace = self._namespace(host.address)
            links = {"eth0": f"{host.address}/{network.prefixlen}", **host.interfaces}
            self._join(namespace, hub, f"h{number}", links)
            if host.gateway:
                run("ip", "-n", namespace, "route", "add", "default", "via", host.gateway)
            if host.crowd:
                run("ip", "-n", namespace, "route", "add", "local", host.crowd, "dev", "lo")
                run("ip", "-n", self.scanner, "route", "add", host.crowd, "via", host.address)
            for route in host.routes:
                run("ip", "-n", namespace, "route", "add", *route.split())

    def _join(self, namespace: str, hub: str, name: str, links: Mapping[str, str]) -> None:
        """A namespace with its interfaces; the first is joined to the bridge, the others end in the air."""
        run("ip", "netns", "add", namespace)
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        for number, (link, address) in enumerate(links.items()):
            peer = f"{name}x{number}"
            made = ("link", "add", link, "netns", namespace, "type", "veth", "peer", "name", peer, "netns", hub)
            run("ip", *made)
            if number == 0:
                run("ip", "-n", hub, "link", "set", peer, "master", "br0")
            run("ip", "-n", hub, "link", "set", peer, "up")
            run("ip", "-n", namespace, "addr", "add", address, "dev", link)
            run("ip", "-n", namespace, "link", "set", link, "up")


def _replace(path: Path, text: str) -> None:
    if text:
        path.write_text(text)
    else:
        _gone(path)


def _gone(path: Path) -> None:
    """In an overlay, a device 0/0 in an upper layer hides what lies below."""
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(0, 0))


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread, and whatever it starts, in a network namespace for a while."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    clone_newnet = 0x40000000
    try:
        if libc.setns(there, clone_newnet):
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(before, clone_newnet)
        os.close(before)
        os.close(there)
