"""What a site gives the probes to look closer with: logins, endpoints and names, per zone. No secrets: references."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from inventories.model import Identifier
from inventories.places import Network
from probes.secrets import Secret


@dataclass(frozen=True, slots=True)
class Bastion:
    """The host through which a zone's SSH logins go. ``document``: by whose leave, where it lies outside the zone."""

    address: str
    user: str
    port: int = 22
    key: Secret | None = None
    known_hosts: Path | None = None
    document: str = ""


@dataclass(frozen=True, slots=True)
class SshLogin:
    """How to log in to hosts of a zone. ``prefixes``: only there (empty: everywhere in the zone); first match wins.

    ``key`` refers to a private key; ``passphrase`` opens it. ``known_hosts`` is the file that host keys are checked
    against. ``python`` is the interpreter on the targets (empty: found by itself). ``path``: ``auto`` chooses per
    host, ``ansible`` and ``raw`` force one way of gathering.
    """

    user: str
    key: Secret | None = None
    passphrase: Secret | None = None
    password: Secret | None = None
    port: int = 22
    known_hosts: Path | None = None
    bastion: Bastion | None = None
    prefixes: tuple[Network, ...] = ()
    path: str = "auto"


@dataclass(frozen=True, slots=True)
class WindowsLogin:
    """How to log in to Windows servers: ``transport`` is ``winrm`` (HTTPS, port 5986) or ``ssh``."""

    user: str
    password: Secret | None = None
    key: Secret | None = None
    transport: str = "winrm"
    port: int = 5986
    ca: Path | None = None
    known_hosts: Path | None = None
    prefixes: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class SnmpLogin:
    """SNMP v2c (``community``) or v3 (``user`` and what goes with it). ``prefixes`` as in :class:`SshLogin`.

    ``auth_protocol``: md5, sha, sha224, sha256, sha384, sha512. ``privacy_protocol``: des, aes, aes192, aes256.
    """

    community: Secret | None = None
    user: str = ""
    auth: Secret | None = None
    auth_protocol: str = "sha"
    privacy: Secret | None = None
    privacy_protocol: str = "aes"
    port: int = 161
    prefixes: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Belongs:
    """One row of the site's table of whose a cloud's resources are.

    ``where``: ``project``, ``name``, ``tag``, ``folder``, or ``metadata:KEY``. ``match`` is a shell pattern, matched
    with case. ``system`` is the register's code; ``{value}`` in it stands for the text that matched.
    """

    where: str
    match: str
    department: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class VsphereAccess:
    """A vCenter or a lone ESXi host. ``endpoint`` is ``https://host[:port]``.

    Its certificate is checked against ``ca`` (a file; None: the system's), or must have ``thumbprint`` (SHA-256 or
    SHA-1, hex). ``cloud`` is the code of the cloud in the registers (empty: the zone's).
    """

    endpoint: str
    user: str
    password: Secret
    ca: Path | None = None
    thumbprint: str = ""
    cloud: str = ""
    belongs: tuple[Belongs, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenstackAccess:
    """An OpenStack cloud. ``projects``: only these (empty: all that the user may see). ``regions`` likewise."""

    auth_url: str
    user: str = ""
    password: Secret | None = None
    credential_id: str = ""
    credential_secret: Secret | None = None
    user_domain: str = "Default"
    project_domain: str = "Default"
    projects: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    interface: str = "public"
    ca: Path | None = None
    cloud: str = ""
    belongs: tuple[Belongs, ...] = ()


@dataclass(frozen=True, slots=True)
class NameRules:
    """Which declared names may be looked up and asked, and how.

    ``patterns`` are shell patterns of host names or addresses. ``resolvers`` are name servers' addresses (empty:
    the system's). ``follow``: an authorised name may be asked at whatever public address it resolves to; without it
    only within the zone's authorised prefixes. Excluded addresses are never asked, nor private ones outside the zone.
    """

    patterns: tuple[str, ...]
    resolvers: tuple[str, ...] = ()
    follow: bool = False

    def allows(self, host: str) -> bool:
        name = host.rstrip(".").casefold()
        return any(fnmatchcase(name, pattern.rstrip(".").casefold()) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Asked:
    """A name, address or URL that a register gives to a system. ``port`` 0: the scheme's own."""

    host: str
    port: int
    scheme: str
    path: str
    identifiers: tuple[Identifier, ...]
    department_id: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that a zone gives."""

    ssh: tuple[SshLogin, ...] = ()
    windows: tuple[WindowsLogin, ...] = ()
    snmp: tuple[SnmpLogin, ...] = ()
    vsphere: tuple[VsphereAccess, ...] = ()
    openstack: tuple[OpenstackAccess, ...] = ()
    names: NameRules | None = None

    def gives(self, probe: str) -> bool:
        """Whether a probe has something to work with: the field of its name, or no need of any login or name."""
        return bool(getattr(self, probe, True))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every reference, for checking that they lead somewhere."""
        out: list[Secret | None] = []
        for ssh in self.ssh:
            out += [ssh.key, ssh.passphrase, ssh.password, ssh.bastion.key if ssh.bastion else None]
        for windows in self.windows:
            out += [windows.password, windows.key]
        for snmp in self.snmp:
            out += [snmp.community, snmp.auth, snmp.privacy]
        out += [v.password for v in self.vsphere]
        for openstack in self.openstack:
            out += [openstack.password, openstack.credential_secret]
        return tuple(dict.fromkeys(secret for secret in out if secret is not None))

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is named: known hosts and authorities."""
        out: list[Path | None] = []
        for ssh in self.ssh:
            out += [ssh.known_hosts, ssh.bastion.known_hosts if ssh.bastion else None]
        for windows in self.windows:
            out += [windows.ca, windows.known_hosts]
        out += [vsphere.ca for vsphere in self.vsphere] + [openstack.ca for openstack in self.openstack]
        return tuple(dict.fromkeys(file for file in out if file is not None))
