"""What was read on one host, in typed parts: the same whether it came from a shell, from Ansible or from Windows.

Every text is as the host gave it, bounded and freed of control characters; nothing here is a conclusion except where
a field says so. An empty text, an empty tuple or None means "not read", never "there is none": that something was
read to the end stands in :attr:`Inside.whole`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from inventories.model import Strength


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor. ``text`` is what the machine calls it, ``vendor`` and ``product`` what fingerprints make of it.

    ``view``: ``host`` (read on the machine itself), ``bios`` (firmware's own table), ``guest`` (what a hypervisor
    shows its guest), ``container`` (the machine under a container). Each of the three has its own strength.
    """

    arch: str = ""
    vendor: str = ""
    vendor_strength: Strength = Strength.HINTED
    product: str = ""
    product_strength: Strength = Strength.HINTED
    text: str = ""
    text_strength: Strength = Strength.HINTED
    view: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Os:
    """An operating system. ``id`` is our code for it (``kylin-server``), or its own ``ID``; ``family`` rpm or deb."""

    id: str = ""
    name: str = ""
    version: str = ""
    vendor: str = ""
    family: str = ""
    kernel: str = ""
    strength: Strength = Strength.HINTED
    evidence: str = ""

    @property
    def product(self) -> str:
        """Name and version as one text; the version of Windows stands in its name."""
        return self.name if self.family == "windows" else f"{self.name} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Machine:
    """What firmware says of the machine (SMBIOS); ``serial`` and ``uuid`` are as a rule readable to root alone."""

    vendor: str = ""
    product: str = ""
    board_vendor: str = ""
    board: str = ""
    serial: str = ""
    uuid: str = ""
    bios: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the system runs on. ``is_physical`` is None where nothing shows it.

    ``guest_of`` is the kind of hypervisor (kvm, vmware, microsoft, xen … or ``vm`` where it is not told), also of
    the machine under a container; ``container`` the kind of container; ``platform`` the code of
    :data:`inventories.kinds.host.PLATFORM`, which ``is_named`` says to be a product's and not only a technology's.
    """

    is_physical: bool | None = None
    guest_of: str = ""
    container: str = ""
    platform: str = ""
    is_named: bool = False
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """An address of an interface. ``is_extra``: laid over it (secondary, a service's, a single address of /32)."""

    address: str
    length: int
    scope: str = "global"
    is_extra: bool = False

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface.

    ``kind``: ``device`` (a card, real or virtio), ``usb``, ``wireless``, ``cellular``, ``bond``, ``vlan``,
    ``bridge``, ``macvlan``, ``veth``, ``tunnel``, ``tun``, ``ppp``, ``loopback``, ``internal`` (networks inside this
    machine: containers, guests), ``other``. ``detail`` is the tunnel's kind, or the driver; ``peer`` a tunnel's end.
    ``is_real``: leads out of the machine over a card, directly or through bonds, VLANs and bridges.
    """

    name: str
    kind: str = "other"
    detail: str = ""
    mac: str = ""
    addresses: tuple[Address, ...] = ()
    is_real: bool = False
    peer: str = ""
    product: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A route. ``prefix`` in CIDR form (``0.0.0.0/0`` is the default); ``table`` empty for the main one."""

    prefix: str
    gateway: str = ""
    interface: str = ""
    metric: int = 0
    table: str = ""
    is_connected: bool = False

    def __str__(self) -> str:
        via = f" via {self.gateway}" if self.gateway else ""
        dev = f" dev {self.interface}" if self.interface else ""
        return f"{self.prefix}{via}{dev}"


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that something listens on; ``process`` is empty where this account may not see it."""

    port: int
    protocol: str
    address: str = ""
    process: str = ""

    @property
    def is_local(self) -> bool:
        """Reachable from this machine alone."""
        return self.address.startswith("127.") or self.address == "::1"

    def __str__(self) -> str:
        local = f"[{self.address}]" if ":" in self.address else self.address
        place = f"{local}:{self.port}" if self.is_local else f"{self.port}"
        return f"{place}/{self.protocol} {self.process}".strip()


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A tunnel in use. ``end`` is its peer's address, or its own. ``is_seen`` is False where only its daemon runs."""

    name: str
    kind: str
    end: str = ""
    evidence: str = ""
    is_seen: bool = True

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.kind, self.end) if part)


@dataclass(frozen=True, slots=True)
class Uplink:
    """A way to the internet that this machine dials itself: ``cellular``, ``pppoe``, ``dial-up``, ``usb-tether``."""

    name: str
    kind: str
    evidence: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.kind}"


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system; ``size_gb`` (10⁹ bytes) is 0 where it is not known."""

    source: str
    type: str
    directory: str
    size_gb: int = 0
    is_network: bool = False

    def __str__(self) -> str:
        return f"{self.source} {self.type} {self.directory}"


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package; ``manager`` is rpm or dpkg (windows: ``registry``)."""

    name: str
    version: str = ""
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Inside:
    """Everything that was read on one host. ``whole`` names the parts that were read to the end.

    ``is_complete`` says that the text ended as it should: what a caller asks before it calls a host covered.
    ``words`` are fixed words of ours that were found in what runs (a server's main class), never its arguments.
    ``folders`` are names of directories in which software is installed by hand.
    """

    is_complete: bool = False
    whole: frozenset[str] = frozenset()
    hostname: str = ""
    memory_mb: int = 0
    cpu: Cpu = field(default_factory=Cpu)
    os: Os = field(default_factory=Os)
    machine: Machine = field(default_factory=Machine)
    standing: Standing = field(default_factory=Standing)
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()
    listeners: tuple[Listener, ...] = ()
    processes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    uplinks: tuple[Uplink, ...] = ()
    mounts: tuple[Mount, ...] = ()
    name_servers: tuple[str, ...] = ()

    @property
    def gateway(self) -> str:
        """The default gateway of the main table: of IPv4, else of IPv6; that of the smallest metric."""
        for default in ("0.0.0.0/0", "::/0"):
            ways = [r for r in self.routes if r.prefix == default and not r.table and (r.gateway or r.interface)]
            if ways:
                best = min(ways, key=lambda r: r.metric)
                if best.gateway:
                    return best.gateway
        return ""
