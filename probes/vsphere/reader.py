"""Pages through an inventory: one pass per kind, with the properties that are needed and no others."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probes.vsphere.answers import Item
from probes.vsphere.fields import field, kind_of, reference
from probes.vsphere.session import Session
from probes.vsphere.soap import ManagedObject, ServerFault, type_of
from probes.vsphere.trouble import Trouble

_COLLECTOR = "vmodl.query.PropertyCollector"
_LONGEST_TOKEN = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pass: ``title`` for people, and of each type of object the properties that are asked of it."""

    title: str
    properties: Mapping[str, tuple[str, ...]]


TREE = Wanted(
    "folders",
    {
        "vim.Folder": ("name", "parent"),
        "vim.Datacenter": ("name", "parent"),
        "vim.VirtualApp": ("name", "parentFolder"),
    },
)
HOSTS = Wanted(
    "hosts",
    {
        "vim.HostSystem": (
            "name",
            "runtime.connectionState",
            "runtime.powerState",
            "summary.hardware",
            "summary.config.product",
            "hardware.systemInfo.serialNumber",
            "config.network.vnic",
            "config.network.pnic",
            "config.network.portgroup",
        )
    },
)
CLUSTERS = Wanted("clusters", {"vim.ClusterComputeResource": ("name",)})
DATASTORES = Wanted("datastores", {"vim.Datastore": ("name", "summary.type", "summary.capacity")})
NETWORKS = Wanted(
    "networks",
    {
        "vim.Network": ("name",),
        "vim.dvs.DistributedVirtualPortgroup": ("name", "tag", "config.defaultPortConfig"),
    },
)
MACHINES = Wanted(
    "virtual machines",
    {
        "vim.VirtualMachine": (
            "name",
            "parent",
            "parentVApp",
            "customValue",
            "runtime.powerState",
            "runtime.connectionState",
            "config.template",
            "config.uuid",
            "config.instanceUuid",
            "config.guestFullName",
            "config.createDate",
            "config.hardware.memoryMB",
            "guest.guestFullName",
            "guest.hostName",
            "guest.net",
            "guest.toolsRunningStatus",
        )
    },
)
#: Asked only of machines whose own system tells no addresses: a list of devices is longer than all of the above.
CARDS = Wanted("network cards", {"vim.VirtualMachine": ("config.hardware.device",)})


def pages(session: Session, wanted: Wanted, size: int) -> Generator[list[Item], None, None]:
    """Every object of a kind, ``size`` at a time; no more than one page is held, and a page is empty once the next
    is asked for.

    Raises :class:`ServerFault` and :class:`Trouble`. What the server keeps for us is given back, also where the
    caller goes away in the middle: close the iterator.
    """
    types = [type_of(name) for name in wanted.properties]
    made = session.service("viewManager", "vim.view.ViewManager").CreateContainerView(session.root, types, True)
    view = session.refer("vim.view.ContainerView", reference(made))
    try:
        yield from _retrieved(session, wanted, _over_view(view), size)
    finally:
        session.quietly(view.DestroyView)


def ask_objects(session: Session, wanted: Wanted, ids: Sequence[str]) -> Iterator[Item]:
    """The same of objects whose ids are known; such as are gone by now are left out."""
    kind = next(iter(wanted.properties))
    specs = [_spec("ObjectSpec")(obj=session.refer(kind, identifier), skip=False) for identifier in ids]
    for page in _retrieved(session, wanted, specs, len(ids)):
        yield from page


def _retrieved(session: Session, wanted: Wanted, objects: list[Any], size: int) -> Iterator[list[Item]]:
    collector = session.service("propertyCollector", _COLLECTOR)
    token = ""
    try:
        result = _first(collector, wanted, objects, size)
        if result is None:
            # So a server says that it has none of the kind.
            return
        while True:
            token = _token(result)
            read = _items(result)
            yield read
            if not token:
                return
            # One page at a time: this one goes before the next comes, from the caller's hands too.
            read.clear()
            result = None
            result, token = collector.ContinueRetrievePropertiesEx(token), ""
    finally:
        if token:
            session.quietly(lambda: collector.CancelRetrievePropertiesEx(token))


def _first(collector: ManagedObject, wanted: Wanted, objects: list[Any], size: int) -> object:
    """The first page. A property that this server's version does not know is left out, and the rest asked again."""
    properties = dict(wanted.properties)
    options = _spec("RetrieveOptions")(maxObjects=size)
    while True:
        spec = _spec("FilterSpec")(
            objectSet=objects,
            propSet=[
                _spec("PropertySpec")(type=type_of(kind), pathSet=list(paths), all=False)
                for kind, paths in properties.items()
            ],
            reportMissingObjectsInResults=True,
        )
        try:
            return collector.RetrievePropertiesEx([spec], options)
        except ServerFault as fault:
            if not fault.is_a("InvalidProperty"):
                raise
            fewer = {kind: tuple(p for p in paths if p != fault.about) for kind, paths in properties.items()}
            if fewer == properties or not all(fewer.values()):
                raise
            properties = fewer


def _token(result: object) -> str:
    """By which the next page is asked for; empty where this was the last."""
    token = field(result, "token")
    if (
        kind_of(result) != "RetrieveResult"
        or not (token is None or isinstance(token, str))
        or len(token or "") > _LONGEST_TOKEN
    ):
        raise Trouble("bad_output", "no page of objects")
    if token and not _list(result, "objects"):
        # More of it could be promised for ever.
        raise Trouble("looping", "an empty page that is not the last")
    return token or ""


def _items(result: object) -> list[Item]:
    """The objects of a page. One that has no id cannot be told from those that were read: then it is no page."""
    read = [_item(entry) for entry in _list(result, "objects")]
    if not all(item.id for item in read):
        raise Trouble("bad_output", "an object without an id")
    return read


def _item(entry: object) -> Item:
    """One object of a page. :class:`ServerFault` where the server says, property by property, that we are nobody."""
    about = field(entry, "obj")
    values = {
        path: field(said, "val") for said in _list(entry, "propSet") if isinstance(path := field(said, "name"), str)
    }
    denied = False
    for missing in _list(entry, "missingSet"):
        why = field(missing, "fault")
        if isinstance(why, Exception):
            fault = ServerFault(why)
            if fault.is_a("NotAuthenticated"):
                raise fault
            denied = denied or fault.is_a("NoPermission")
    return Item(reference(about), kind_of(about), values, denied)


def _list(thing: object, name: str) -> list[object]:
    found = field(thing, name)
    return found if isinstance(found, list) else []


def _over_view(view: ManagedObject) -> list[Any]:
    """Everything that a view shows, and not the view itself."""
    step = _spec("TraversalSpec")(name="view", path="view", skip=False, type=type_of("vim.view.ContainerView"))
    return [_spec("ObjectSpec")(obj=view, skip=True, selectSet=[step])]


def _spec(name: str) -> Any:
    return type_of(f"{_COLLECTOR}.{name}")
