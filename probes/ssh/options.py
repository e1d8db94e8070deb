"""The ssh command lines. Only literal addresses and checked user names get into them, and nobody's configuration.

Every path is relative to the private folder in which ssh is started, so that none of the operator's stands in a
process list, and none needs quoting.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

#: curve25519 first: the default of newer clients (sntrup761) costs five times the processor time for each connection.
#: What follows serves servers that lack it; nothing here rests on SHA-1.
KEX = (
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
    "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
    "diffie-hellman-group14-sha256"
)

#: What a user name may be; one that begins with ``-`` would be an option, ``%`` and ``$`` are ssh's own.
_USER = re.compile(r"[\w.][\w.@\\+-]{0,127}")

#: Without agents, tunnels, passwords typed by people, or files that ssh would write.
_ALWAYS = (
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "CheckHostIP=no",
    "VerifyHostKeyDNS=no",
    "CanonicalizeHostname=no",
    f"KexAlgorithms={KEX}",
    # Servers of the age of CentOS 6 sign with SHA-1 alone. Their key is still the one that known_hosts names.
    "HostKeyAlgorithms=+ssh-rsa",
    "PubkeyAcceptedKeyTypes=+ssh-rsa",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "AddKeysToAgent=no",
    "GSSAPIAuthentication=no",
    "HostbasedAuthentication=no",
    "EnableSSHKeysign=no",
    "NumberOfPasswordPrompts=1",
    "ForwardAgent=no",
    "ForwardX11=no",
    "Tunnel=no",
    "PermitLocalCommand=no",
    "EscapeChar=none",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "ControlPersist=no",
    # What was offered and why it ended stands there; it is read, bounded and never shown as it is.
    "LogLevel=DEBUG1",
)


class Unsafe(ValueError):
    """A user name or an address that must not get into a command line; the text says which, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where to log in, and with what. ``key`` and ``known_hosts`` are names in the private folder.

    ``asks``: ssh will ask for a password or a passphrase. ``through`` is the control socket of a bastion.
    """

    address: str
    port: int
    user: str
    known_hosts: str
    key: str = ""
    asks: bool = False
    through: str = ""


def login(door: Door, socket: str, seconds: int) -> list[str]:
    """ssh that logs in and holds the connection open at ``socket`` until it is ended; runs nothing there."""
    options = [
        *_ALWAYS,
        f"BatchMode={'no' if door.asks else 'yes'}",
        f"ConnectTimeout={seconds}",
        f"UserKnownHostsFile={door.known_hosts or '/dev/null'}",
        *_identity(door),
    ]
    if door.through:
        options.append(f"ProxyCommand={' '.join(through(door.through, '%h', '%p'))}")
    where = ("-l", _user(door.user), "-p", str(int(door.port)), "--", _literal(door.address))
    return ["ssh", "-F", "none", "-N", "-T", "-a", "-x", "-M", "-S", socket, *_flags(options), *where]


def through(socket: str, address: str, port: str) -> list[str]:
    """ssh that passes bytes on to an address, through a bastion's open connection and no other way."""
    options = ["BatchMode=yes", "ControlMaster=no", "ProxyCommand=false"]
    return ["ssh", "-F", "none", "-T", "-S", socket, *_flags(options), "-W", f"[{address}]:{port}", "--", "bastion"]


def _identity(door: Door) -> tuple[str, ...]:
    if door.key:
        # Named as an option, the file stands alone: with -i, ssh would take the operator's own where it is missing.
        offered = ("PubkeyAuthentication=yes", "PreferredAuthentications=publickey", f"IdentityFile={door.key}")
        return (*offered, "PasswordAuthentication=no", "KbdInteractiveAuthentication=no")
    return (
        "PubkeyAuthentication=no",
        "IdentityFile=none",
        "PreferredAuthentications=password,keyboard-interactive",
        "PasswordAuthentication=yes",
        "KbdInteractiveAuthentication=yes",
    )


def _flags(options: list[str]) -> list[str]:
    return [part for option in options for part in ("-o", option)]


def _user(name: str) -> str:
    if not _USER.fullmatch(name):
        raise Unsafe("the login's user name holds characters that no command line takes")
    return name


def _literal(address: str) -> str:
    # A zone index (``%eth0``) may hold any text, and ``%`` is ssh's own.
    try:
        if "%" in address:
            raise ValueError
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise Unsafe("the address is no literal address: names are not looked up") from None
