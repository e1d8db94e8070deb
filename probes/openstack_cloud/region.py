"""One region of a cloud under one token: what its services list, each listing followed to its end.

The listings that servers are joined with (ports, floating addresses, images, volumes, flavors) are kept as small
maps; servers themselves pass page by page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from openstack.connection import Connection

from inventories.faults import clean
from probes.openstack_cloud.ask import Asker, Row
from probes.openstack_cloud.facts import Fields, Image, Joined, Port
from probes.openstack_cloud.keystone import Token, checked
from probes.openstack_cloud.trouble import Trouble
from probes.openstack_cloud.wire import Wire

#: Nova's versions that add something: cells that do not answer (2.69; they are passed over in silence before),
#: the flavor's memory in the server (2.47), tags (2.26). The newest that the cloud has is spoken.
MICROVERSIONS = ((2, 69), (2, 47), (2, 26))

#: Rows in a page, where a service would otherwise give all at once or very few. Nova and cinder are not told:
#: with a limit nova leaves out what lies in cells that do not answer, and some clouds refuse a limit above theirs.
PAGE = 1000

#: Reasons that concern a service itself, whichever project asks it.
OF_SERVICE = frozenset({"unreachable", "unavailable", "timed_out", "certificate", "out_of_scope", "throttled"})

_VERSIONED = re.compile(r"^(?P<root>.*/v\d+(?:\.\d+)?)(?:/.*)?$")


@dataclass
class Region:
    """A region as one token sees it. ``whole``: the token may list what belongs to every project."""

    name: str
    token: Token
    asker: Asker
    wire: Wire
    auth_url: str
    whole: bool = False
    #: Nova's endpoint → the version that it is spoken to in; shared by every token.
    versions: dict[str, str] = field(default_factory=dict)
    #: Services that do not answer, for every token alike: they are asked once.
    broken: dict[str, Trouble] = field(default_factory=dict)
    #: What went wrong beside the servers themselves.
    troubles: list[Trouble] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._urls = dict(self.token.regions.get(self.name, {}))
        self._clients: dict[str, Any] = {}
        self._connection: Connection | None = None

    def servers(self) -> Iterator[list[Row]]:
        """Pages of servers. :class:`Trouble` ``forbidden`` on the first where the token may not list all projects."""
        yield from self._list("compute", "/servers/detail", "servers", "servers", self._everybody())

    def hypervisors(self) -> list[Row] | None:
        """The hypervisors, or None where the user may not see them."""
        try:
            return [
                row
                for page in self._list("compute", "/os-hypervisors/detail", "hypervisors", "hypervisors", {})
                for row in page
            ]
        except Trouble as trouble:
            if trouble.status in (403, 404):
                return None
            self._note(trouble)
            return None

    def networks(self) -> tuple[str, ...]:
        """``NAME PREFIX`` of every subnet, ``NAME VLAN n`` of a network without one."""
        found: set[str] = set()
        self._attempt("network", lambda: self._networks(found))
        return tuple(sorted(found))

    def joined(self) -> Joined:
        """Everything that servers are joined with, as far as it can be had."""
        found = Joined()
        self._attempt("network", lambda: self._ports(found))
        self._attempt("image", lambda: self._images(found))
        self._attempt("volume", lambda: self._volumes(found))
        if self.microversion() not in ("2.69", "2.47"):
            self._attempt("compute", lambda: self._flavors(found))
        return found

    def _networks(self, out: set[str]) -> None:
        names: dict[str, str] = {}
        bare: dict[str, str] = {}
        for row in self._rows("network", "/networks", "networks"):
            read = Fields(row)
            names[row["id"]] = bare[row["id"]] = name = clean(read.text("name") or row["id"], 80)
            if read.text("provider:network_type") == "vlan":
                bare[row["id"]] = f"{name} VLAN {read.number('provider:segmentation_id')}"
        for row in self._rows("network", "/subnets", "subnets"):
            read = Fields(row)
            network, prefix = read.text("network_id"), read.text("cidr")
            if prefix:
                out.add(f"{names.get(network, clean(network, 80))} {clean(prefix, 50)}".strip())
                bare.pop(network, None)
        out.update(bare.values())

    def _ports(self, found: Joined) -> None:
        for row in self._rows("network", "/ports", "ports"):
            read = Fields(row)
            if device := read.text("device_id"):
                found.ports.setdefault(device, []).append(Port.of(read))
        for row in self._rows("network", "/floatingips", "floatingips"):
            read = Fields(row)
            if (port := read.text("port_id")) and (address := read.text("floating_ip_address")):
                found.floating.setdefault(port, []).append(address)

    def _images(self, found: Joined) -> None:
        for row in self._rows("image", "/images", "images"):
            found.images[row["id"]] = Image.of(Fields(row))

    def _volumes(self, found: Joined) -> None:
        for page in self._list("volume", "/volumes/detail", "volumes", "volumes", self._everybody()):
            for row in page:
                _volume(row, found)

    def _flavors(self, found: Joined) -> None:
        """Flavor → memory in MB: old servers name their flavor only."""
        public = {"is_public": "None"} if self.whole else {}
        for page in self._list("compute", "/flavors/detail", "flavors", "flavors", public):
            found.flavors.update({row["id"]: Fields(row).number("ram") for row in page})

    def microversion(self) -> str:
        """The newest of :data:`MICROVERSIONS` that this nova speaks; empty where it is older than all of them."""
        found = _VERSIONED.match(url := self._url("compute"))
        root = f"{found['root'] if found else url}/"
        if root not in self.versions:
            self.versions[root] = self._negotiated(root)
        return self.versions[root]

    def _negotiated(self, root: str) -> str:
        try:
            body = self.asker.ask(
                lambda: self.token.session.get(root, raise_exc=False, log=False),
                f"region {self._shown}: nova's version",
            )
        except Trouble as trouble:
            # A nova that does not say what it speaks is spoken to in the oldest version.
            if trouble.reason in ("bad_output", "forbidden"):
                return ""
            raise
        about = body.get("version")
        highest = _version(about.get("version")) if isinstance(about, dict) else (0, 0)
        lowest = _version(about.get("min_version")) if isinstance(about, dict) else (0, 0)
        return next((f"{a}.{b}" for a, b in MICROVERSIONS if lowest <= (a, b) <= highest), "")

    def _everybody(self) -> dict[str, str]:
        return {"all_tenants": "1"} if self.whole else {}

    def _rows(self, service: str, path: str, key: str) -> Iterator[Row]:
        query: dict[str, str] = {"limit": str(PAGE)}
        if service == "image":
            query["visibility"] = "all"
        for page in self._list(service, path, key, key, query):
            yield from page

    def _list(self, service: str, path: str, key: str, what: str, query: Mapping[str, str]) -> Iterator[list[Row]]:
        client = self._client(service)
        microversion = self.microversion() if service == "compute" else ""

        def get(params: Row) -> requests.Response:
            more = {"microversion": microversion} if microversion else {}
            # The SDK would try some services again by itself, and sleep as long as it is told to.
            answer: requests.Response = client.get(
                path,
                params=dict(params),
                raise_exc=False,
                log=False,
                connect_retries=0,
                status_code_retries=0,
                **more,
            )
            return answer

        yield from self.asker.pages(get, key, query, f"region {self._shown}: {what}")

    def _client(self, service: str) -> Any:
        """openstacksdk's client for a service, at the endpoint that was checked: it discovers nothing."""
        if service not in self._clients:
            kind = {"volume": "block-storage"}.get(service, service)
            if self._connection is None:
                self._connection = Connection(session=self.token.session, region_name=self.name, force_ipv4=True)
                # The clients find their connection by the session, which learns of it when it is first looked at.
                _ = self._connection.session
            self._connection.config.config[f"{kind.replace('-', '_')}_endpoint_override"] = self._url(service)
            self._clients[service] = self._connection.config.get_session_client(kind)
        return self._clients[service]

    def _url(self, service: str) -> str:
        url = self._urls.get(service, "")
        if not url:
            raise Trouble("unavailable", f"region {self._shown}: the catalogue has no endpoint for {service}")
        url = checked(url, self.auth_url, self.wire)
        missing = {"network": "/v2.0", "image": "/v2", "compute": "/v2.1"}.get(service, "")
        return url if _VERSIONED.match(url) or not missing else url + missing

    def _attempt(self, service: str, work: Callable[[], None]) -> None:
        """Listings of a service that a cloud may lack altogether, and whose failure does not end the others."""
        url = self._urls.get(service)
        if not url:
            return
        try:
            if url in self.broken:
                raise self.broken[url]
            work()
        except Trouble as trouble:
            if trouble.reason in OF_SERVICE:
                self.broken[url] = trouble
            self._note(trouble)

    def _note(self, trouble: Trouble) -> None:
        if trouble.reason == "stopped":
            raise trouble
        self.troubles.append(trouble)

    @property
    def _shown(self) -> str:
        return clean(self.name, 60)


def _volume(row: Row, found: Joined) -> None:
    """Notes at which servers a volume hangs, and from which image it was made where they boot from it."""
    read = Fields(row)
    size, name = read.number("size"), clean(read.text("name") or row["id"], 80)
    image = read.mapping("volume_image_metadata")
    for attachment in read.rows("attachments"):
        if server := Fields(attachment).text("server_id"):
            found.volumes.setdefault(server, []).append(f"volume {name} {size} GB" if size else f"volume {name}")
            if image and row.get("bootable") in ("true", True):
                found.booted.setdefault(server, Image.of(Fields({**image, "name": image.get("image_name")})))


def _version(text: object) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,4})", text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2])) if found else (0, 0)
