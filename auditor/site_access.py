"""The part of ``site.yaml`` that gives probes their logins, endpoints and names: secrets only by reference."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from inventories.places import Network
from probes.access import (
    Access,
    Bastion,
    Belongs,
    NameRules,
    OpenstackAccess,
    SnmpLogin,
    SshLogin,
    VsphereAccess,
    WindowsLogin,
)
from probes.secrets import Secret


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True)


def _secret(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("write a reference to a secret: env:NAME, file:/path or systemd:NAME")
    return Secret.parse(value)


def _network(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("write a prefix such as 192.0.2.0/24")
    try:
        return ipaddress.ip_network(value, strict=True)
    except ValueError:
        try:
            loose = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise ValueError(f"{value!r} is no prefix: write one such as 192.0.2.0/24") from None
        raise ValueError(f"{value!r} has bits set beyond its length: did you mean {loose}?") from None


def _address(value: object) -> object:
    try:
        return str(ipaddress.ip_address(str(value)))
    except ValueError:
        raise ValueError(f"{value!r} is no address: names are not looked up here") from None


def _endpoint(value: object) -> object:
    parts = urlsplit(str(value))
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"{value!r} is no endpoint: write one such as https://192.0.2.10:5000/v3")
    if parts.username or parts.password:
        raise ValueError("an endpoint holds no user and no password: write them under their own keys")
    return str(value)


def _thumbprint(value: object) -> object:
    plain = re.sub(r"[:\s]", "", str(value)).lower()
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", plain):
        raise ValueError("is no thumbprint: write the certificate's SHA-256 (or SHA-1) in hexadecimal")
    return plain


def _user(value: object) -> object:
    # A name that begins with '-' would be an option of ssh.
    if not isinstance(value, str) or not re.fullmatch(r"[^\s\-'\"\x00-\x1f][^'\"\x00-\x1f]{0,127}", value):
        raise ValueError(f"{value!r} is no user name")
    return value


def _pattern(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[\w.*?\[\]:/-]{3,253}", value) or not re.search(r"\w", value):
        raise ValueError(f"{value!r} is no pattern of names: write one such as *.example.gov.cn")
    if not re.search(r"\w", value.replace("*", "").replace("?", "")):
        raise ValueError(f"{value!r} would allow everything")
    return value


Prefix: TypeAlias = Annotated[Any, BeforeValidator(_network)]
Port: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
Reference: TypeAlias = Annotated[Any, BeforeValidator(_secret)]
AddressText: TypeAlias = Annotated[str, BeforeValidator(_address)]
Endpoint: TypeAlias = Annotated[str, BeforeValidator(_endpoint)]
Thumbprint: TypeAlias = Annotated[str, BeforeValidator(_thumbprint)]
User: TypeAlias = Annotated[str, BeforeValidator(_user)]
NamePattern: TypeAlias = Annotated[str, BeforeValidator(_pattern)]
#: Files are named from the site's folder.
FileName: TypeAlias = Annotated[str, Field(min_length=1)]


def _key_file(secret: Secret | None) -> None:
    if secret is not None and secret.scheme == "env":
        raise ValueError("a private key lies in a file: write file:/path or systemd:NAME")


class BastionConfig(Strict):
    address: AddressText
    user: User
    port: Port = 22
    key: Reference | None = None
    known_hosts: FileName | None = None
    document: str = ""

    @model_validator(mode="after")
    def _whole(self) -> BastionConfig:
        _key_file(self.key)
        return self


class SshConfig(Strict):
    user: User
    key: Reference | None = None
    passphrase: Reference | None = None
    password: Reference | None = None
    port: Port = 22
    known_hosts: FileName | None = None
    bastion: BastionConfig | None = None
    prefixes: tuple[Prefix, ...] = ()
    path: Literal["auto", "ansible", "raw"] = "auto"

    @model_validator(mode="after")
    def _whole(self) -> SshConfig:
        _key_file(self.key)
        if (self.key is None) == (self.password is None):
            raise ValueError("give either 'key' or 'password'")
        return self


class WindowsConfig(Strict):
    user: User
    password: Reference | None = None
    key: Reference | None = None
    transport: Literal["winrm", "ssh"] = "winrm"
    port: Port | None = None
    ca: FileName | None = None
    known_hosts: FileName | None = None
    prefixes: tuple[Prefix, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> WindowsConfig:
        _key_file(self.key)
        if (self.key is None) == (self.password is None):
            raise ValueError("give either 'key' or 'password'")
        if self.transport == "winrm" and self.password is None:
            raise ValueError("winrm needs a password")
        return self


class SnmpConfig(Strict):
    community: Reference | None = None
    user: str = ""
    auth: Reference | None = None
    auth_protocol: Literal["md5", "sha", "sha224", "sha256", "sha384", "sha512"] = "sha"
    privacy: Reference | None = None
    privacy_protocol: Literal["des", "aes", "aes192", "aes256"] = "aes"
    port: Port = 161
    prefixes: tuple[Prefix, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> SnmpConfig:
        if (self.community is None) == (not self.user):
            raise ValueError("give either 'community' (v2c) or 'user' (v3)")
        if self.privacy is not None and self.auth is None:
            raise ValueError("'privacy' needs 'auth'")
        return self


class BelongsConfig(Strict):
    where: Annotated[str, Field(pattern=r"^(project|name|tag|folder|metadata:.{1,100})$")]
    match: Annotated[str, Field(min_length=1, max_length=200)] = "*"
    department: str = ""
    system: str = ""

    @model_validator(mode="after")
    def _whole(self) -> BelongsConfig:
        if not self.department and not self.system:
            raise ValueError("says neither whose ('department') nor what ('system')")
        return self


class VsphereConfig(Strict):
    endpoint: Endpoint
    user: User
    password: Reference
    ca: FileName | None = None
    thumbprint: Thumbprint = ""
    cloud: str = ""
    belongs: tuple[BelongsConfig, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> VsphereConfig:
        if not self.endpoint.startswith("https://"):
            raise ValueError("a password is sent over https only")
        return self


class OpenstackConfig(Strict):
    auth_url: Endpoint
    user: str = ""
    password: Reference | None = None
    credential_id: str = ""
    credential_secret: Reference | None = None
    user_domain: str = "Default"
    project_domain: str = "Default"
    projects: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    interface: Literal["public", "internal", "admin"] = "public"
    ca: FileName | None = None
    cloud: str = ""
    belongs: tuple[BelongsConfig, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> OpenstackConfig:
        by_password = bool(self.user) and self.password is not None
        by_credential = bool(self.credential_id) and self.credential_secret is not None
        if by_password == by_credential:
            raise ValueError("give either 'user' and 'password', or 'credential_id' and 'credential_secret'")
        return self


class NamesConfig(Strict):
    patterns: Annotated[tuple[NamePattern, ...], Field(min_length=1)]
    resolvers: tuple[AddressText, ...] = ()
    follow: bool = False


class AccessConfig(Strict):
    """What stands under a zone's ``access``."""

    ssh: tuple[SshConfig, ...] = ()
    windows: tuple[WindowsConfig, ...] = ()
    snmp: tuple[SnmpConfig, ...] = ()
    vsphere: tuple[VsphereConfig, ...] = ()
    openstack: tuple[OpenstackConfig, ...] = ()
    names: NamesConfig | None = None


#: Key in ``site.yaml`` → the model under it, for naming the keys that there are.
ACCESS_MODELS: Mapping[str, type[BaseModel]] = {
    "access": AccessConfig,
    "ssh": SshConfig,
    "bastion": BastionConfig,
    "windows": WindowsConfig,
    "snmp": SnmpConfig,
    "vsphere": VsphereConfig,
    "openstack": OpenstackConfig,
    "belongs": BelongsConfig,
    "names": NamesConfig,
}


def access(config: AccessConfig, root: Path, cloud: str) -> Access:
    """The probes' own words. Relative files lie under ``root``; ``cloud`` is the zone's own."""

    def file(name: str | None) -> Path | None:
        return None if name is None else root / name

    return Access(
        ssh=tuple(_ssh(entry, file) for entry in config.ssh),
        windows=tuple(
            WindowsLogin(
                entry.user,
                entry.password,
                entry.key,
                entry.transport,
                entry.port or (5986 if entry.transport == "winrm" else 22),
                file(entry.ca),
                file(entry.known_hosts),
                _networks(entry.prefixes),
            )
            for entry in config.windows
        ),
        snmp=tuple(
            SnmpLogin(
                entry.community,
                entry.user,
                entry.auth,
                entry.auth_protocol,
                entry.privacy,
                entry.privacy_protocol,
                entry.port,
                _networks(entry.prefixes),
            )
            for entry in config.snmp
        ),
        vsphere=tuple(
            VsphereAccess(
                entry.endpoint,
                entry.user,
                entry.password,
                file(entry.ca),
                entry.thumbprint,
                entry.cloud or cloud,
                _belongs(entry.belongs),
            )
            for entry in config.vsphere
        ),
        openstack=tuple(
            OpenstackAccess(
                auth_url=entry.auth_url,
                user=entry.user,
                password=entry.password,
                credential_id=entry.credential_id,
                credential_secret=entry.credential_secret,
                user_domain=entry.user_domain,
                project_domain=entry.project_domain,
                projects=entry.projects,
                regions=entry.regions,
                interface=entry.interface,
                ca=file(entry.ca),
                cloud=entry.cloud or cloud,
                belongs=_belongs(entry.belongs),
            )
            for entry in config.openstack
        ),
        names=NameRules(config.names.patterns, config.names.resolvers, config.names.follow) if config.names else None,
    )


def _ssh(entry: SshConfig, file: Any) -> SshLogin:
    bastion = entry.bastion
    return SshLogin(
        user=entry.user,
        key=entry.key,
        passphrase=entry.passphrase,
        password=entry.password,
        port=entry.port,
        known_hosts=file(entry.known_hosts),
        bastion=Bastion(
            bastion.address, bastion.user, bastion.port, bastion.key, file(bastion.known_hosts), bastion.document
        )
        if bastion
        else None,
        prefixes=_networks(entry.prefixes),
        path=entry.path,
    )


def _networks(prefixes: tuple[Any, ...]) -> tuple[Network, ...]:
    return tuple(prefixes)


def _belongs(rows: tuple[BelongsConfig, ...]) -> tuple[Belongs, ...]:
    return tuple(Belongs(row.where, row.match, row.department, row.system) for row in rows)
