"""The part of ``site.yaml`` about whose word is believed: the public keys of those who send or carry observations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field, model_validator

from auditor.site_access import FileName, Strict
from inventories.bundle import BundleError, open_plain
from inventories.documents import Document
from inventories.faults import Fault, Faults, did_you_mean
from inventories.signing import Keyring, KeySigner, PublicKey, SigningError, TrustedKey, load_signer
from probes.secrets import Secret, SecretMissing

if TYPE_CHECKING:
    from auditor.site import Site, SiteConfig

_MOST_BYTES = 16_384


class KeyConfig(Strict):
    """A public key (``public``, or the ``file`` beside ``site.yaml`` that holds it) and what its word is good for.

    ``from`` and ``to`` are days of the site, both included. From the day of ``revoked`` on nothing that the key
    signed is taken any more, whenever that was.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    public: Annotated[str, Field(max_length=2000)] = ""
    file: FileName | None = None
    zones: Annotated[tuple[str, ...], Field(min_length=1)]
    valid_from: date | None = Field(default=None, alias="from")
    valid_to: date | None = Field(default=None, alias="to")
    revoked: date | None = None

    @model_validator(mode="after")
    def _whole(self) -> KeyConfig:
        if bool(self.public) == (self.file is not None):
            raise ValueError("give either 'public' (the key's text) or 'file'")
        return self


TRUST_MODELS: dict[str, type[BaseModel]] = {"keys": KeyConfig}


def check_keys(document: Document, config: SiteConfig, root: Path) -> Iterator[Fault]:
    """Keys that are none, that stand twice, that end before they begin, that count for zones which are not there."""
    zones = [zone.id for zone in config.zones]
    ids: set[str] = set()
    held: dict[PublicKey, str] = {}
    for i, key in enumerate(config.keys):
        at: tuple[str | int, ...] = ("keys", i)
        if key.id in ids:
            yield document.fault((*at, "id"), f"a second key with the id {key.id!r}", "give each key its own id")
        ids.add(key.id)
        for j, zone in enumerate(key.zones):
            if zone not in zones:
                yield document.fault((*at, "zones", j), f"unknown zone {zone!r}", did_you_mean(zone, zones))
        if key.valid_from and key.valid_to and key.valid_to < key.valid_from:
            yield document.fault((*at, "to"), "ends before it begins")
        place = (*at, "public" if key.public else "file")
        try:
            public = _public(key, root)
        except ValueError as error:
            yield document.fault(place, str(error), "'auditor bundle key' prints one as it is written here")
            continue
        if public in held:
            yield document.fault(
                place, f"is the key {held[public]!r} once more", "give it one entry with all its zones"
            )
        held[public] = key.id


def keyring(site: Site, today: date) -> Keyring:
    """The site's keys as of a day. :class:`Faults` where a key's file has changed since the site was read."""
    keys = []
    for key in site.config.keys:
        try:
            public = _public(key, site.root)
        except ValueError as error:
            raise Faults([Fault(f"key {key.id}", str(error))]) from None
        keys.append(TrustedKey(key.id, public, frozenset(key.zones), key.valid_from, key.valid_to, key.revoked))
    return Keyring(keys, today=today)


def signer(reference: Secret, *, key_id: str = "") -> KeySigner:
    """The private key behind a reference. :class:`SecretMissing` where it cannot be had; it tells nothing of the key.

    A file that others may read is refused. What systemd hands over lies in a folder of the service's own.
    """
    path = reference.path()
    try:
        if path is None:
            return load_signer(reference.reveal(), key_id=key_id)
        return load_signer(path, key_id=key_id, owner_only=reference.scheme != "systemd")
    except SigningError as error:
        raise SecretMissing(f"{reference}: {error}") from None


def _public(key: KeyConfig, root: Path) -> PublicKey:
    """ValueError for what is no public key, or a file that is none."""
    if key.file is None:
        return PublicKey.parse(key.public)
    # As for every file that the site names, a link is followed.
    path = Path(os.path.realpath(root / key.file))
    try:
        with open_plain(path) as stream:
            content = stream.read(_MOST_BYTES)
    except BundleError as error:
        raise ValueError(f"the file {key.file!r} {error.message}") from None
    return PublicKey.parse(content.decode("ascii", "replace"))
