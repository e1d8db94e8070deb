"""Reads one endpoint, from its certificate to the last page, and says what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from inventories.model import Collection, Coverage, Failure, Observation
from probes.access import VsphereAccess
from probes.base import Context
from probes.reach import pace
from probes.vsphere import reader
from probes.vsphere.answers import Item
from probes.vsphere.endpoint import locate, parse_endpoint
from probes.vsphere.fields import field, items, name, text
from probes.vsphere.frame import COLLECTOR, Frame, without_shared
from probes.vsphere.guard import Guard
from probes.vsphere.hosts import hardware_uuid, is_connected, observe_host
from probes.vsphere.machines import (
    device_macs,
    guest_cards,
    is_listed_whole,
    is_mute,
    is_template,
    observe_machine,
)
from probes.vsphere.patience import Patience
from probes.vsphere.platform import Inventory, observe_platform
from probes.vsphere.reader import Wanted
from probes.vsphere.rights import sees_everything
from probes.vsphere.session import Session
from probes.vsphere.soap import ServerFault
from probes.vsphere.tls import Trust
from probes.vsphere.tree import Tree
from probes.vsphere.trouble import Trouble
from probes.vsphere.wire import Wire

#: More objects of one kind than any vCenter manages (vSphere 8's own maximum is 45,000 registered machines).
MOST_OBJECTS = 200_000
#: How many names a message holds.
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Pass:
    wanted: Wanted
    take: Callable[[list[Item]], None]


class Survey:
    """One endpoint, once. ``page`` is how many objects one answer may hold."""

    def __init__(self, access: VsphereAccess, context: Context, *, page: int, patience: Patience) -> None:
        self._access, self._context, self._page, self._patience = access, context, page, patience
        self._zone = context.permit.zone
        self._began = self._now()
        self._scope = "endpoint"
        self._tree, self._inventory = Tree(), Inventory()
        self._attributes: dict[int, str] = {}
        self._cloud = access.cloud
        self._observations: list[Observation] = []
        self._failures: list[Failure] = []
        self._denied: dict[str, int] = {}
        self._silent: list[str] = []
        self._unsure = 0
        self._renewed = self._cards_refused = False
        self._session: Session

    def go(self) -> Collection:
        """Looks; never raises for what the server, the network or the site's secrets do."""
        coverage: tuple[Coverage, ...] = ()
        try:
            coverage = self._connected()
        except Trouble as trouble:
            self._failed(trouble.reason, trouble.message)
        return Collection(tuple(self._observations), coverage, tuple(self._failures))

    def _connected(self) -> tuple[Coverage, ...]:
        try:
            endpoint = parse_endpoint(self._access.endpoint)
        except ValueError as error:
            raise Trouble("unreachable", str(error), ends=True) from None
        self._scope = endpoint.url
        context = self._context
        address = locate(endpoint, context.permit.targets, context.stop)
        trust = Trust(self._access.ca, self._access.thumbprint)
        with Guard(context.stop) as guard:
            wire = Wire(endpoint, address, trust, guard, rate=pace(context), patience=self._patience)
            self._session = Session(wire, self._access)
            try:
                self._session.open()
                return self._read_everything()
            finally:
                self._session.leave()
                wire.close()

    def _read_everything(self) -> tuple[Coverage, ...]:
        about = self._session.about
        self._cloud = self._access.cloud or about.instance
        done: dict[str, bool] = {}
        rights: list[bool] = []
        knows_attributes = False
        try:
            self._to_the_end("rights", lambda: rights.append(sees_everything(self._session)))
            knows_attributes = self._to_the_end("custom attributes", self._read_attributes)
            for step in self._passes():
                done[step.wanted.title] = self._read(step)
        except Trouble as trouble:
            unread = [step.wanted.title for step in self._passes() if step.wanted.title not in done]
            self._failed(trouble.reason, f"{trouble.message} (not read to the end: {', '.join(unread)})")
        self._tell_gaps(rights)
        sees_all = rights == [True]
        is_whole = len(done) == len(self._passes()) and all(done.values())
        whole = sees_all and is_whole and knows_attributes and not self._denied and not self._silent
        self._finish(
            hosts=sees_all and done.get(reader.HOSTS.title, False),
            machines=sees_all and done.get(reader.MACHINES.title, False) and not self._unsure,
        )
        return (self._covered(),) if whole else ()

    def _passes(self) -> Sequence[_Pass]:
        """In this order: what machines are told by comes before the machines."""
        inventory = self._inventory
        return (
            _Pass(reader.TREE, lambda page: _each(self._tree.add, page)),
            _Pass(reader.HOSTS, self._take_hosts),
            _Pass(reader.CLUSTERS, lambda page: _each(inventory.add_cluster, page)),
            _Pass(reader.DATASTORES, lambda page: _each(inventory.add_datastore, page)),
            _Pass(reader.NETWORKS, lambda page: _each(inventory.add_network, page)),
            _Pass(reader.MACHINES, self._take_machines),
        )

    def _read(self, step: _Pass) -> bool:
        """One pass, to the end."""
        known: set[str] = set()
        return self._to_the_end(step.wanted.title, lambda: self._page_through(step, known), known)

    def _to_the_end(self, title: str, work: Callable[[], None], known: Set[str] | None = None) -> bool:
        """Whether ``work`` came to its end. Where the session ends in its midst it is begun again: once in all."""
        while True:
            try:
                work()
                return True
            except (ServerFault, Trouble) as problem:
                if _is_expired(problem):
                    self._renew(title)
                    continue
                reason, why = _left_out(problem)
            self._failed(reason, f"{title}: {why}" + ("" if known is None else f" after {len(known)} of them"))
            return False

    def _page_through(self, step: _Pass, known: set[str]) -> None:
        """``known`` are the ids that were taken, of an earlier attempt too: no object is taken twice."""
        stop, listed = self._context.stop, 0
        seen: set[str] = set()
        with closing(reader.pages(self._session, step.wanted, self._page)) as pages:
            for page in pages:
                if stop.is_set:
                    raise Trouble("stopped", stop.reason, ends=True)
                seen.update(item.id for item in page)
                if page and len(seen) == listed:
                    raise Trouble("looping", "the same page again")
                if (listed := len(seen)) > MOST_OBJECTS:
                    raise Trouble("too_much", f"more than {MOST_OBJECTS} objects")
                self._take(step, {item.id: item for item in page if item.id not in known}, known)

    def _take(self, step: _Pass, fresh: Mapping[str, Item], known: set[str]) -> None:
        """Objects are known once they have been taken: what a lost session cuts short is taken again."""
        step.take(list(fresh.values()))
        known.update(fresh)
        if denied := sum(item.is_denied for item in fresh.values()):
            self._denied[step.wanted.title] = self._denied.get(step.wanted.title, 0) + denied

    def _renew(self, title: str) -> None:
        if self._renewed:
            raise Trouble(
                "session_expired", f"the server ended the session again, in the midst of {title}", ends=True
            )
        self._renewed = True
        self._session.renew()

    def _take_hosts(self, page: list[Item]) -> None:
        frame = self._frame()
        for item in page:
            self._inventory.hosts += 1
            self._inventory.add_port_groups(item)
            self._observations.append(observe_host(item, frame))
            if not is_connected(item):
                self._silent.append(name(item.get("name")) or item.id)
            if not self._cloud and self._session.about.kind == "esxi":
                # An ESXi by itself has no UUID but its hardware's.
                self._cloud = hardware_uuid(item)

    def _take_machines(self, page: list[Item]) -> None:
        machines = [(item, guest_cards(item)) for item in page if not is_template(item)]
        mute = [item.id for item, cards in machines if is_mute(item, cards)]
        macs = self._macs_of(mute) if mute else {}
        frame = self._frame()
        for item, cards in machines:
            self._inventory.machines += 1
            self._unsure += not is_listed_whole(item)
            told = macs.get(item.id, ())
            self._observations.append(observe_machine(item, frame, self._tree, self._attributes, cards, told))
        self._context.report(f"{self._inventory.machines} virtual machines")

    def _macs_of(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """The hardware addresses of machines that tell nothing of themselves; a network may know them by these."""
        if self._cards_refused:
            return {}
        try:
            found = list(reader.ask_objects(self._session, reader.CARDS, ids))
        except (ServerFault, Trouble) as problem:
            if _is_expired(problem):
                raise
            reason, why = _left_out(problem)
            self._cards_refused = True
            self._failed(reason, f"network cards: {why}")
            return {}
        return {item.id: device_macs(item.get("config.hardware.device")) for item in found}

    def _read_attributes(self) -> None:
        """The names of custom attributes, by which a machine may be told to be somebody's. An ESXi has none."""
        if not self._session.has("customFieldsManager"):
            return
        for entry in items(self._session.service("customFieldsManager", "vim.CustomFieldsManager").field):
            key = field(entry, "key")
            if isinstance(key, int):
                self._attributes[key] = text(field(entry, "name"), 60)

    def _tell_gaps(self, rights: Sequence[bool]) -> None:
        """What was kept from us, though the server answered. ``rights`` is empty where it never came to that."""
        for title, count in self._denied.items():
            self._failed("forbidden", f"{title}: {count} may not be read, or not wholly, by this login")
        if self._silent:
            named = ", ".join(self._silent[:_MOST_NAMED]) + (" ..." if len(self._silent) > _MOST_NAMED else "")
            self._failed("unreachable", f"{len(self._silent)} hosts do not answer the platform: {named}")
        if False in rights:
            self._failed("forbidden", "this login is not shown the whole inventory from the top down")

    def _finish(self, *, hosts: bool, machines: bool) -> None:
        self._observations = without_shared(self._observations)
        self._observations.append(
            observe_platform(
                self._frame(),
                self._session.about,
                self._scope,
                self._access.cloud,
                self._inventory,
                hosts=hosts,
                machines=machines,
            )
        )

    def _covered(self) -> Coverage:
        zone = self._zone
        return Coverage(COLLECTOR, zone.id, zone.vantage, "resources", ("*",), self._began, self._now(), self._cloud)

    def _frame(self) -> Frame:
        today = self._context.now()
        return Frame(
            zone=self._zone,
            source=f"{COLLECTOR} {self._scope}",
            cloud=self._cloud,
            belongs=self._access.belongs,
            at=today.astimezone(UTC),
            today=today,
        )

    def _failed(self, reason: str, message: str) -> None:
        self._failures.append(Failure(COLLECTOR, self._zone.id, (self._scope,), reason, message, self._now()))

    def _now(self) -> datetime:
        return self._context.now().astimezone(UTC)


def _is_expired(problem: ServerFault | Trouble) -> bool:
    """A view that is gone went with the session that had made it."""
    return isinstance(problem, ServerFault) and any(
        problem.is_a(name) for name in ("NotAuthenticated", "ManagedObjectNotFound")
    )


def _left_out(problem: ServerFault | Trouble) -> tuple[str, str]:
    """The reason and the words for what is left out because of a problem; raises it again where all must end."""
    if isinstance(problem, ServerFault):
        return "forbidden" if problem.is_a("NoPermission") else "bad_output", problem.name
    if problem.ends:
        raise problem
    return problem.reason, problem.message


def _each(take: Callable[[Item], None], page: list[Item]) -> None:
    for item in page:
        take(item)
