"""Why a cloud's instance may be a registered system's, or a registered project's. Pure.

A claim is *sure* where a code or an address says it: the cloud's own mapping or tags, a register's row of the very
machine, an address that a register gives to a system and that the instance has. A likeness of names is a hint, and so
is a code that several systems bear: it accuses nobody and clears nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from inventories.answers import REGISTER
from inventories.identity import plain_code, plain_name
from inventories.infer.evidence import LEAST_NAME
from inventories.infer.instances import names_of, tags_of
from inventories.infer.sightings import Names
from inventories.infer.terms import SYSTEM_TAGS
from inventories.infer.world import World, facts_of, identifiers, texts
from inventories.model import Asset, Origin


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Why a resource may be a system's, or a registered project's (``kind``). ``address``: by that address alone."""

    kind: str
    key: str
    words: str
    is_sure: bool
    address: str = ""


@dataclass(slots=True)
class _Words:
    """What registers say, by the words under which an instance may meet it."""

    addresses: dict[tuple[str, str], list[tuple[Asset, bool]]] = field(default_factory=dict)
    unplaced: dict[str, list[Asset]] = field(default_factory=dict)
    hosts: dict[str, list[Asset]] = field(default_factory=dict)
    projects: dict[str, list[Asset]] = field(default_factory=dict)
    project_names: Names = field(default_factory=lambda: Names((), LEAST_NAME))


class Bonds:
    """Finds whatever may claim an instance. ``owner`` is the department that is named for it, or the empty string."""

    def __init__(self, world: World) -> None:
        self.world, self._words = world, _words(world)

    def of(self, host: Asset, owner: str) -> Iterator[Claim]:
        """Every reason, some of them more than once."""
        yield from self._by_code(host, owner)
        yield from self._by_address(host)
        yield from self._by_names(host, owner)
        yield from self._by_project(host, owner)

    def _by_code(self, host: Asset, owner: str) -> Iterator[Claim]:
        """Systems that the cloud's mapping, a register's row of this machine, or a tag names by code."""
        for fact in facts_of(host, "system_codes"):
            for code in fact.value if isinstance(fact.value, tuple) else ():
                system = self.world.referred("system", code, owner)
                said = "主机台账：承载系统" if fact.origin is Origin.DECLARED else "按云资源归属对应表属于系统"
                # A code that several systems bear claims for each of them, and surely for none.
                for one in (system,) if system is not None else self.world.meant("system", code):
                    yield Claim("system", one.key, f"（{said} {code}）", system is not None)
        for key, value in (*tags_of(host), ("", host.text("cloud_project"))):
            system = self.world.referred("system", value, owner) if value else None
            words = f"（云资源标签 {key}={value}）" if key else f"（云上项目或标签为 {value}）"
            for one in (system,) if system is not None else self.world.meant("system", value):
                is_code = plain_code(one.text("code")) == plain_code(value)
                told = key in SYSTEM_TAGS or (is_code and len(plain_code(value)) >= LEAST_NAME)
                yield Claim("system", one.key, words, told and system is not None)

    def _by_address(self, host: Asset) -> Iterator[Claim]:
        for identifier in identifiers(host, "ip"):
            where = (identifier.vantage, identifier.value)
            for system, is_sure in self._words.addresses.get(where, ()):
                words = f"（系统台账地址 {identifier.value}）"
                yield Claim("system", system.key, words, is_sure, identifier.value)
            # A row that reconciliation kept apart from the instance, though it gives the same address.
            for other in self.world.hosts_at.get(where, ()):
                if other.key != host.key and other.get("is_declared") is True:
                    yield from self._carried(other, f"（主机台账同一地址 {identifier.value}）")
        for address in texts(host, "ips"):
            for system in self._words.unplaced.get(address, ()):
                yield Claim("system", system.key, f"（系统台账地址 {address}，所在网络不明）", False)
            for other in self.world.unplaced_addresses.get(address, ()):
                yield from self._carried(other, f"（主机台账地址 {address}，所在网络不明）")

    def _by_names(self, host: Asset, owner: str) -> Iterator[Claim]:
        """Names that resemble each other: hints all of them."""
        called = names_of(host)
        for name in called:
            for other in self._words.hosts.get(plain_name(name), ()):
                if other.key != host.key and (not owner or other.text("department_id") in ("", owner)):
                    yield from self._carried(other, "（主机台账有同名主机）")
        for text in (*called, host.text("cloud_project"), *texts(host, "cloud_tags")):
            for key in self.world.system_names.within(text):
                yield Claim("system", key, f"（“{text}”中有系统名称）", False)

    def _by_project(self, host: Asset, owner: str) -> Iterator[Claim]:
        """Registered projects by code or name, and the systems that they say they build."""
        for word in (
            host.text("cloud_project"),
            host.text("project_code"),
            *(value for _key, value in tags_of(host)),
        ):
            for key in self._words.project_names.within(word):
                yield Claim("project", key, f"（“{word}”中有项目名称）", False)
            exact = self._projects(word)
            if len(exact) > 1 and owner:
                exact = [project for project in exact if project.text("department_id") == owner]
            for project in exact:
                yield Claim("project", project.key, f"（登记项目 {word}）", len(exact) == 1)
                for code in texts(project, "system_codes"):
                    system = self.world.referred("system", code, project.text("department_id"))
                    if system is not None:
                        yield Claim("system", system.key, f"（登记项目 {word} 的系统）", False)

    def _projects(self, word: str) -> list[Asset]:
        """The registered projects of which a word is the code or the whole name."""
        found = {
            project.key: project
            for text in (plain_code(word), plain_name(word))
            for project in self._words.projects.get(text, ())
        }
        return [found[key] for key in sorted(found)]

    def _carried(self, host: Asset, words: str) -> Iterator[Claim]:
        for code in texts(host, "system_codes"):
            system = self.world.referred("system", code, host.text("department_id"))
            if system is not None:
                yield Claim("system", system.key, words, False)


def strange_codes(world: World, host: Asset) -> tuple[str, ...]:
    """Codes by which a cloud's mapping or tags name systems that no register knows."""
    said = {code for fact in facts_of(host, "system_codes") if isinstance(fact.value, tuple) for code in fact.value}
    said |= {value for key, value in tags_of(host) if key in SYSTEM_TAGS and value}
    return tuple(sorted(code for code in said if not world.meant("system", code)))


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
        if REGISTER in host.collectors and host.get("system_codes"):
            for name in {plain_name(host.text("name")), plain_name(host.text("code"))} - {""}:
                out.hosts.setdefault(name, []).append(host)
    for project in world.kinds["project"]:
        for word in {plain_code(project.text("code")), plain_name(project.text("name"))} - {""}:
            out.projects.setdefault(word, []).append(project)
    out.project_names = Names(((p.text("name"), p.key) for p in world.kinds["project"]), LEAST_NAME)
    return out
