"""Why a cloud's instance may be a registered system's, or a registered project's. Pure.

A claim is *sure* where a code or an address says it: the cloud's own mapping or tags, a register's row of the very
machine, an address that a register gives to a system and that the instance has. A likeness of names is a hint, and so
is a code that several systems bear: it accuses nobody and clears nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from inventories.answers import REGISTER
from inventories.identity import plain_code, plain_name
from inventories.infer.evidence import LEAST_NAME
from inventories.infer.instances import names_of, tags_of
from inventories.infer.sightings import Names
from inventories.infer.terms import SYSTEM_TAGS
from inventories.infer.world import World, facts_of, identifiers, texts
from inventories.model import Asset, Origin

#: Of so many that may have an instance alike, each is a claim of its own.
MANY = 8


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Why a resource may be a system's, or a registered project's (``kind``). ``address``: by that address alone."""

    kind: str
    key: str
    words: str
    is_sure: bool
    address: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Bearers:
    """Systems that bear one word, or whose hosts do. Asked for once: whoever meets the word shares them."""

    keys: tuple[str, ...]
    members: frozenset[str]

    @classmethod
    def of(cls, keys: Iterable[str]) -> Bearers:
        members = frozenset(keys)
        return cls(tuple(sorted(members)), members)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Very many systems that may have an instance for the same reason, none of them surely.

    Claims one by one would be as many as instances times systems. ``without``: those that only the instance's own
    row would claim it for.
    """

    bearers: Bearers
    words: str
    without: frozenset[str] = frozenset()

    def holds(self, key: str) -> bool:
        return key in self.bearers.members and key not in self.without


@dataclass(slots=True)
class _Words:
    """What registers say, by the words under which an instance may meet it. Hosts are those that carry systems."""

    addresses: dict[tuple[str, str], list[tuple[Asset, bool]]] = field(default_factory=dict)
    unplaced: dict[str, list[Asset]] = field(default_factory=dict)
    hosts: dict[str, list[Asset]] = field(default_factory=dict)
    hosts_of: dict[tuple[str, str], list[Asset]] = field(default_factory=dict)
    hosts_at: dict[tuple[str, str], list[Asset]] = field(default_factory=dict)
    unplaced_hosts: dict[str, list[Asset]] = field(default_factory=dict)
    projects: dict[str, list[Asset]] = field(default_factory=dict)
    project_names: Names = field(default_factory=lambda: Names((), LEAST_NAME))


class Bonds:
    """Finds whatever may claim an instance. ``owner`` is the department that is named for it, or the empty string."""

    def __init__(self, world: World) -> None:
        self.world, self._words = world, _words(world)
        self._bearers: dict[tuple[str, ...], Bearers] = {}
        #: By identity, which stays theirs as long as they are kept here.
        self._named: dict[int, tuple[tuple[str, ...], Bearers]] = {}
        self._carriers: dict[tuple[str, ...], tuple[frozenset[str], Counter[str]]] = {}
        self._exact: dict[str, dict[str, list[Asset]]] = {}

    def of(self, host: Asset, owner: str) -> Iterator[Claim | Crowd]:
        """Every reason, some of them more than once."""
        yield from self._by_code(host, owner)
        yield from self._by_address(host)
        yield from self._by_names(host, owner)
        yield from self._by_project(host, owner)

    def _by_code(self, host: Asset, owner: str) -> Iterator[Claim | Crowd]:
        """Systems that the cloud's mapping, a register's row of this machine, or a tag names by code."""
        for fact in facts_of(host, "system_codes"):
            for code in fact.value if isinstance(fact.value, tuple) else ():
                said = "主机台账：承载系统" if fact.origin is Origin.DECLARED else "按云资源归属对应表属于系统"
                system = self.world.referred("system", code, owner)
                if system is not None:
                    yield Claim("system", system.key, f"（{said} {code}）", True)
                else:
                    yield from self._meant(code, f"（{said} {code}）")
        for key, value in (*tags_of(host), ("", host.text("cloud_project"))):
            words = f"（云资源标签 {key}={value}）" if key else f"（云上项目或标签为 {value}）"
            system = self.world.referred("system", value, owner) if value else None
            if system is not None:
                is_code = plain_code(system.text("code")) == plain_code(value)
                told = key in SYSTEM_TAGS or (is_code and len(plain_code(value)) >= LEAST_NAME)
                yield Claim("system", system.key, words, told)
            else:
                yield from self._meant(value, words)

    def _meant(self, word: str, words: str) -> Iterator[Claim | Crowd]:
        """A code that several systems bear claims for each of them, and surely for none."""
        if not self.world.is_known("system", word):
            return
        mark = ("word", word)
        if mark not in self._bearers:
            self._bearers[mark] = Bearers.of(system.key for system in self.world.meant("system", word))
        yield from _unsure(self._bearers[mark], words)

    def _by_address(self, host: Asset) -> Iterator[Claim | Crowd]:
        for identifier in identifiers(host, "ip"):
            where = (identifier.vantage, identifier.value)
            for system, is_sure in self._words.addresses.get(where, ()):
                words = f"（系统台账地址 {identifier.value}）"
                yield Claim("system", system.key, words, is_sure, identifier.value)
            # A row that reconciliation kept apart from the instance, though it gives the same address.
            others = self._words.hosts_at.get(where, ())
            yield from self._carried(others, ("at", *where), f"（主机台账同一地址 {identifier.value}）", host)
        for address in texts(host, "ips"):
            if systems := self._words.unplaced.get(address):
                mark = ("address", address)
                if mark not in self._bearers:
                    self._bearers[mark] = Bearers.of(system.key for system in systems)
                yield from _unsure(self._bearers[mark], f"（系统台账地址 {address}，所在网络不明）")
            others, words = self._words.unplaced_hosts.get(address, ()), f"（主机台账地址 {address}，所在网络不明）"
            yield from self._carried(others, ("hosts", address), words)

    def _by_names(self, host: Asset, owner: str) -> Iterator[Claim | Crowd]:
        """Names that resemble each other: hints all of them."""
        called, same = names_of(host), "（主机台账有同名主机）"
        for name in map(plain_name, called):
            if not owner:
                yield from self._carried(self._words.hosts.get(name, ()), ("name", name), same, host)
            for department in ("", owner) if owner else ():
                others = self._words.hosts_of.get((name, department), ())
                yield from self._carried(others, ("name", name, department), same, host)
        for text in (*called, host.text("cloud_project"), *texts(host, "cloud_tags")):
            if found := self.world.system_names.within(text):
                if id(found) not in self._named:
                    self._named[id(found)] = found, Bearers.of(found)
                yield from _unsure(self._named[id(found)][1], f"（“{text}”中有系统名称）")

    def _by_project(self, host: Asset, owner: str) -> Iterator[Claim | Crowd]:
        """Registered projects by code or name, and the systems that they say they build.

        Of projects that are not surely meant one is told: no more is asked than whether there is any.
        """
        for word in (
            host.text("cloud_project"),
            host.text("project_code"),
            *(value for _key, value in tags_of(host)),
        ):
            for key in self._words.project_names.within(word)[:1]:
                yield Claim("project", key, f"（“{word}”中有项目名称）", False)
            exact, mark = self._projects(word, owner)
            if not exact:
                continue
            yield Claim("project", exact[0].key, f"（登记项目 {word}）", len(exact) == 1)
            if mark not in self._bearers:
                self._bearers[mark] = Bearers.of(key for project in exact for key in self._of(project))
            yield from _unsure(self._bearers[mark], f"（登记项目 {word} 的系统）")

    def _projects(self, word: str, owner: str) -> tuple[list[Asset], tuple[str, ...]]:
        """The registered projects of which a word is the code or the whole name, and the word as they are met by it.

        Of several, those of the owner, if one is named.
        """
        if word not in self._exact:
            found = {
                project.key: project
                for text in (plain_code(word), plain_name(word))
                for project in self._words.projects.get(text, ())
            }
            by_owner = {"": list(found.values())}
            for project in found.values() if len(found) > 1 else ():
                if department := project.text("department_id"):
                    by_owner.setdefault(department, []).append(project)
            self._exact[word] = by_owner
        by_owner = self._exact[word]
        if owner and len(by_owner[""]) > 1:
            return by_owner.get(owner, []), ("project", word, owner)
        return by_owner[""], ("project", word)

    def _carried(
        self, hosts: Sequence[Asset], mark: tuple[str, ...], words: str, but: Asset | None = None
    ) -> Iterator[Claim | Crowd]:
        """The systems that hosts (``but`` one of them) carry. ``mark``: under which they are met."""
        if len(hosts) <= MANY:
            for host in hosts:
                if but is None or host.key != but.key:
                    for key in self._of(host):
                        yield Claim("system", key, words, False)
            return
        if mark not in self._carriers:
            told = Counter(key for host in hosts for key in set(self._of(host)))
            self._carriers[mark] = frozenset(host.key for host in hosts), told
            self._bearers[mark] = Bearers.of(told)
        keys, told = self._carriers[mark]
        own = set(self._of(but)) if but is not None and but.key in keys else ()
        yield from _unsure(self._bearers[mark], words, frozenset(key for key in own if told[key] == 1))

    def _of(self, asset: Asset) -> Iterator[str]:
        """The systems that a host or a project names."""
        for code in texts(asset, "system_codes"):
            system = self.world.referred("system", code, asset.text("department_id"))
            if system is not None:
                yield system.key


def _unsure(bearers: Bearers, words: str, without: frozenset[str] = frozenset()) -> Iterator[Claim | Crowd]:
    if len(bearers.keys) > MANY:
        yield Crowd(bearers, words, without)
    else:
        for key in bearers.keys:
            if key not in without:
                yield Claim("system", key, words, False)


def strange_codes(world: World, host: Asset) -> tuple[str, ...]:
    """Codes by which a cloud's mapping or tags name systems that no register knows."""
    said = {code for fact in facts_of(host, "system_codes") if isinstance(fact.value, tuple) for code in fact.value}
    said |= {value for key, value in tags_of(host) if key in SYSTEM_TAGS and value}
    return tuple(sorted(code for code in said if not world.is_known("system", code)))


def _words(world: World) -> _Words:
    out = _Words()
    for system in world.systems:
        for claim in world.claims(system):
            for spot in claim.spots:
                said = out.addresses.setdefault((spot.zone.vantage, claim.address), [])
                said.append((system, claim.spot is not None))
            if not claim.spots:
                out.unplaced.setdefault(claim.address, []).append(system)
    for host in world.kinds["host"]:
        if host.get("system_codes"):
            if REGISTER in host.collectors:
                for name in {plain_name(host.text("name")), plain_name(host.text("code"))} - {""}:
                    out.hosts.setdefault(name, []).append(host)
                    out.hosts_of.setdefault((name, host.text("department_id")), []).append(host)
            if host.get("is_declared") is True:
                for where in {(identifier.vantage, identifier.value) for identifier in identifiers(host, "ip")}:
                    out.hosts_at.setdefault(where, []).append(host)
    for address, hosts in world.unplaced_addresses.items():
        if carrying := [host for host in hosts if host.get("system_codes")]:
            out.unplaced_hosts[address] = carrying
    for project in world.kinds["project"]:
        for word in {plain_code(project.text("code")), plain_name(project.text("name"))} - {""}:
            out.projects.setdefault(word, []).append(project)
    out.project_names = Names(((p.text("name"), p.key) for p in world.kinds["project"]), LEAST_NAME)
    return out
