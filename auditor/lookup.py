"""What a person means: an asset by whatever name is at hand, an identifier by what stands on the machine's label.

Pure: assets, key map and places are handed in. What cannot be decided is :class:`Refused`, with the candidates.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from auditor.errors import Refused
from inventories import identity
from inventories.identity import plain_code, plain_name
from inventories.keymap import keys_in_use, resolve
from inventories.kinds import KINDS
from inventories.model import Asset, Identifier, KeyMap
from inventories.places import Places

#: How many candidates an ambiguous word is answered with.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Inventory:
    """The newest snapshot's assets by key, and what all audits called things."""

    assets: Mapping[str, Asset]
    keymap: KeyMap = field(default_factory=KeyMap)

    def find(self, word: str) -> str:
        """The living key of the asset that a word means.

        Tried in this order, and decided by the first that fits anything: a key (also one that was merged away), a
        code, an address or another identifier, a name, the beginning of a key or of a name, a part of a name.
        """
        for found in self._ways(word.strip()):
            keys = sorted({resolve(self.keymap.aliases, key) for key in found})
            if len(keys) == 1:
                return keys[0]
            if keys:
                more = [f"and {len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
                shown = [self.line(key) for key in keys[:_SHOWN]]
                raise Refused(f"{word!r} may be any of {len(keys)} assets: name one by its key", *shown, *more)
        raise Refused(f"no asset has the key, code, address or name {word!r}: 'auditor assets' lists them")

    def line(self, key: str) -> str:
        """A few words that tell an asset from others."""
        asset = self.assets.get(key)
        if asset is None:
            return f"{key}  （最近一次检查未见）"
        place = asset.text("department_name") or asset.text("department_id")
        return "  ".join(part for part in (key, KINDS[asset.kind].title, display_name(asset), place) if part)

    def identifiers(self, kind: str) -> Iterator[Identifier]:
        """Every identifier by which things of a kind are or were known."""
        yield from (i for (of, i) in self.keymap.keys if of == kind)
        yield from (i for (of, i) in self.keymap.pins if of == kind)
        for asset in self.assets.values():
            if asset.kind == kind:
                yield from asset.identifiers

    def _ways(self, word: str) -> Iterator[Iterable[str]]:
        if not word:
            return
        code, name, address = plain_code(word), plain_name(word), _address(word)
        known = keys_in_use(self.keymap) | self.assets.keys()
        yield [word] if word in known else []
        yield self._those(lambda asset: plain_code(asset.text("code")) == code)
        yield [key for key, found in self._identified() if word == str(found) or found.value in (word, address)]
        yield self._those(lambda asset: bool({word, address}.intersection(_texts(asset, "ips"))))
        yield self._those(lambda asset: name in _names(asset))
        yield [key for key in known if key.startswith(word)] if len(word) > 2 else []
        yield self._those(lambda asset: any(own.startswith(name) for own in _names(asset)))
        yield self._those(lambda asset: any(name in own for own in _names(asset)))

    def _identified(self) -> Iterator[tuple[str, Identifier]]:
        yield from ((key, identifier) for (_kind, identifier), key in self.keymap.keys.items())
        yield from ((asset.key, identifier) for asset in self.assets.values() for identifier in asset.identifiers)

    def _those(self, fits: Callable[[Asset], bool]) -> list[str]:
        return [asset.key for asset in self.assets.values() if fits(asset)]


def display_name(asset: Asset) -> str:
    return asset.text("name") or " ".join(_texts(asset, "ips"))


def read_identifier(word: str, kind: str, inventory: Inventory, places: Places) -> Identifier:
    """The identifier that a person names: one that is known by its text, else what the words say.

    ``uuid:…``, ``serial:VENDOR|NUMBER``, ``instance:CLOUD/ID``, ``code:…``, ``mac:…[@VANTAGE]``, ``ip:…[@VANTAGE]``;
    a bare address, MAC address or UUID needs no scheme. :class:`Refused` says what is missing.
    """
    text = word.strip()
    address = _address(text)
    known = {i for i in inventory.identifiers(kind) if text in (str(i), i.value) or i.value == address}
    if len(known) == 1:
        return known.pop()
    if known:
        raise Refused(f"{word!r} may be any of these: name one in full", *(str(i) for i in sorted(known)))
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in _READERS:
        scheme, rest = _guessed(text), text
    reader = _READERS.get(scheme)
    if reader is None:
        raise Refused(f"{word!r} is no identifier: write one as 'auditor asset show' does, or as {', '.join(_FORMS)}")
    found = reader(rest, kind, places)
    if found is None:
        raise Refused(f"{word!r} identifies nothing: malformed, a placeholder, or shared by many machines")
    return found


_FORMS = ("uuid:…", "serial:VENDOR|NUMBER", "instance:CLOUD/ID", "code:…", "mac:…@VANTAGE", "ip:…@VANTAGE")


def _uuid(text: str, _kind: str, _places: Places) -> Identifier | None:
    return identity.uuid_id(text)


def _serial(text: str, _kind: str, _places: Places) -> Identifier | None:
    vendor, _bar, number = text.partition("|")
    return identity.serial_id(vendor, number)


def _instance(text: str, _kind: str, _places: Places) -> Identifier | None:
    cloud, _slash, name = text.rpartition("/")
    return identity.instance_id(cloud, name) if cloud.strip() and name.strip() else None


def _code(text: str, kind: str, _places: Places) -> Identifier | None:
    return identity.code_id(kind, text) if text.strip() else None


def _mac(text: str, _kind: str, places: Places) -> Identifier | None:
    mac, vantage = _seen_from(text, places, _vantages(places))
    return identity.mac_id(mac, vantage)


def _ip(text: str, _kind: str, places: Places) -> Identifier | None:
    bare = text.rpartition("@")[0] or text
    address, vantage = _seen_from(text, places, sorted({zone.vantage for zone in places.candidates(bare)}))
    try:
        return identity.ip_id(address, vantage)
    except ValueError:
        return None


_READERS: Mapping[str, Callable[[str, str, Places], Identifier | None]] = {
    "uuid": _uuid,
    "serial": _serial,
    "instance": _instance,
    "code": _code,
    "mac": _mac,
    "ip": _ip,
}


def _seen_from(text: str, places: Places, possible: Sequence[str]) -> tuple[str, str]:
    """The address and its vantage: the one named after ``@``, or the only one that is possible."""
    address, at, vantage = text.rpartition("@")
    known = _vantages(places)
    if not at:
        address = text
        if len(possible) != 1:
            where = ", ".join(possible or known)
            raise Refused(f"{text!r} may be seen from several vantages, or none: add @ and one of {where}")
        vantage = possible[0]
    elif vantage not in known:
        raise Refused(f"there is no vantage {vantage!r}: one of {', '.join(known)}")
    return address, vantage


def _vantages(places: Places) -> list[str]:
    return sorted({zone.vantage for zone in places.zones.values()})


def _guessed(text: str) -> str:
    bare = text.rpartition("@")[0] or text
    if _address(bare):
        return "ip"
    if identity.mac_id(bare, "any") is not None:
        return "mac"
    return "uuid" if identity.uuid_id(text) is not None else ""


def _address(text: str) -> str:
    """An address in its one spelling; the empty string for what is none."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _texts(asset: Asset, column: str) -> tuple[str, ...]:
    value = asset.get(column)
    return value if isinstance(value, tuple) else ()


def _names(asset: Asset) -> set[str]:
    return {plain_name(asset.text(column)) for column in ("name", "hostname")} - {""}
