"""Network interfaces: which are cards, which lead out over one, which exist inside the machine alone.

Containers and guests bring their own networks, and firmware a USB card to its own controller: to take one of those
for a department's network would accuse somebody of a network that does not exist. What leads nowhere but into the
machine is therefore told apart by how the kernel built it, and only then by its name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from probes.inside.model import Address, Interface
from probes.inside.sections import Sections

MAX_INTERFACES = 300

#: Names that container engines, hypervisors and the kernel give to what lies inside the machine.
_INTERNAL = re.compile(
    r"^(docker(\d+|_gwbridge)|br-[0-9a-f]{12}|virbr\d+(-nic)?|vnet\d+|cni(-podman)?\d+|cbr0|podman\d+|lxc(br)?\w*|lxdbr\d+"
    r"|flannel[\w.-]*|cali[0-9a-f]{11}|vxlan\.calico|cilium_\w+|kube-(ipvs0|bridge|dummy-if)|nodelocaldns|weave|datapath"
    r"|antrea-\w+|ovn-k8s-\w+|veth[0-9a-f]{5,}|tap[0-9a-f]{8}-\w+|q(br|vo|vb)[0-9a-f]{8}-\w+|dummy\d+|ifb\d+|nlmon\d+)$"
)
#: What the kernel makes as soon as a module is loaded; a tunnel only once somebody uses it.
FALLBACK = re.compile(r"^(tunl0|gre0|gretap0|erspan0|sit0|ip6tnl0|ip6gre0|ip_vti0|ip6_vti0)$")

#: Drivers of modems that dial by themselves, and of USB cards that phones, but also management controllers, show.
_CELLULAR = frozenset({"qmi_wwan", "cdc_mbim", "huawei_cdc_ncm", "sierra_net", "hso", "option", "mhi_net", "iosm"})
_USB_NET = frozenset({"rndis_host", "cdc_ether", "cdc_ncm", "cdc_eem", "cdc_subset", "ipheth"})

_TUNNELS = frozenset({"wireguard", "gre", "gretap", "ip6gre", "ip6gretap", "erspan", "ipip", "sit", "vti", "vti6"})
_TUNNELS |= frozenset({"ip6tnl", "xfrm", "vxlan", "geneve", "l2tp", "l2tpeth"})
_OVER = frozenset({"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "bond", "team", "bridge", "vrf", "hsr"})
_PLAIN = frozenset({"veth", "tun", "dummy", "ifb", "openvswitch", "ppp", "can", "netdevsim"})
_KINDS = _TUNNELS | _OVER | _PLAIN

#: ARPHRD numbers of /sys/class/net/*/type.
_BY_TYPE = {
    "512": "ppp",
    "768": "ipip",
    "769": "ip6tnl",
    "772": "loopback",
    "776": "sit",
    "778": "gre",
    "823": "ip6gre",
}

_ADDRESS = re.compile(
    r"^\d+:\s+([^\s@]+)(?:@\S+)?\s+inet6?\s+([0-9A-Fa-f:.]+)(?:\s+peer\s+([0-9A-Fa-f:.]+))?(?:/(\d+))?(.*)$"
)
_LINK = re.compile(r"^\d+:\s+([^:@\s]+)(?:@([^:\s]+))?:\s+<([^>]*)>(.*)$")


@dataclass(slots=True)
class _Link:
    """What is known of one interface before it is judged."""

    name: str
    kind: str = ""
    mac: str = ""
    detail: str = ""
    peer: str = ""
    product: str = ""
    lowers: set[str] = field(default_factory=set)
    addresses: list[Address] = field(default_factory=list)


def read_interfaces(sections: Sections) -> tuple[Interface, ...]:
    """Every interface that has an address or a card, by name."""
    links: dict[str, _Link] = {}
    for name, values in _net(sections.get("net")):
        links[name] = _from_sysfs(name, values)
    _add_links(links, sections.get("links"))
    _add_addresses(links, sections.get("addresses"))
    _add_peers(links, sections.get("tunnels"))
    has_card = any(link.kind in ("device", "wireless") for link in links.values())
    has_pods = any(re.match(r"^(cali[0-9a-f]{11}|flannel)", name) for name in links)
    out = []
    for link in links.values():
        is_inside = _INTERNAL.match(link.name) or (has_pods and link.name == "tunl0")
        is_real = not is_inside and _is_real(link, links, has_card, set())
        kind = link.kind or "other"
        if is_inside or (kind == "bridge" and not is_real) or (kind == "veth" and has_card):
            kind, is_real = "internal", False
        out.append(
            Interface(link.name, kind, link.detail, link.mac, tuple(link.addresses), is_real, link.peer, link.product)
        )
    kept = [
        one
        for one in out
        if one.addresses
        or (one.kind not in ("internal", "other", "veth") and not FALLBACK.match(one.name))
        or re.match(r"^cali[0-9a-f]{11}$", one.name)
    ]
    return tuple(sorted(kept, key=lambda one: one.name)[:MAX_INTERFACES])


def _is_real(link: _Link, links: Mapping[str, _Link], has_card: bool, seen: set[str]) -> bool:
    """Whether it is a card, or lies over one. Where there is no card at all (a namespace), a veth stands for it."""
    if link.kind in ("device", "wireless", "cellular"):
        return True
    if link.kind == "veth":
        return not has_card
    if link.kind not in _OVER or link.name in seen:
        return False
    seen.add(link.name)
    return any(_is_real(links[low], links, has_card, seen) for low in link.lowers if low in links)


def _net(lines: Sequence[str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for line in lines:
        pairs = [(key, value) for key, found, value in (part.partition("=") for part in line.split("\t")) if found]
        name = next((value for key, value in pairs if key == "name"), "")
        if name:
            yield name, pairs


def _from_sysfs(name: str, pairs: Sequence[tuple[str, str]]) -> _Link:
    values = dict(pairs)
    link = _Link(name, mac=values.get("address", ""), detail=values.get("driver", ""))
    link.lowers = {value for key, value in pairs if key == "lower"} | set(values.get("slaves", "").split())
    link.product = " ".join(values[key] for key in ("manufacturer", "product") if key in values)
    kind, driver = values.get("devtype", ""), values.get("driver", "")
    if values.get("type") == "772":
        link.kind = "loopback"
    elif kind == "wwan" or driver in _CELLULAR or name.startswith("wwan"):
        link.kind = "cellular"
    elif values.get("wireless") or kind == "wlan":
        link.kind = "wireless"
    elif values.get("device"):
        link.kind = "usb" if driver in _USB_NET else "device"
    elif values.get("bridge") or kind == "bridge":
        link.kind = "bridge"
    elif values.get("bond") or kind == "bond":
        link.kind = "bond"
    elif values.get("tun_flags"):
        link.kind, link.detail = "tun", "tap" if _is_tap(values["tun_flags"]) else "tun"
    else:
        link.kind, link.detail = _judged(kind or _BY_TYPE.get(values.get("type", ""), ""), link.detail)
    return link


def _is_tap(flags: str) -> bool:
    return re.fullmatch(r"0x[0-9a-fA-F]{1,8}", flags) is not None and bool(int(flags, 16) & 2)


def _judged(kind: str, detail: str) -> tuple[str, str]:
    """The kernel's word for a kind of link → ours, with the tunnel's kind."""
    if kind in _TUNNELS:
        return "tunnel", "l2tp" if kind == "l2tpeth" else kind
    if kind in _OVER | {"veth", "ppp", "tun", "loopback"}:
        return kind, detail
    return ("other" if kind else ""), detail


def _add_links(links: dict[str, _Link], lines: Sequence[str]) -> None:
    """``ip -o -d link``: kinds, ends of tunnels and what lies under what, where sysfs did not tell."""
    for line in lines:
        found = _LINK.match(line)
        if found is None:
            continue
        name, under, flags, rest = found.groups()
        link = links.setdefault(name, _Link(name))
        segments = [part.split() for part in rest.split("\\")]
        kind = next((words[0] for words in segments if words and words[0] in _KINDS), "")
        ether = re.search(r"link/ether ([0-9a-f:]{17})", rest)
        link.mac = link.mac or (ether[1] if ether else "")
        if under:
            link.lowers.add(under)
        master = re.search(r"\smaster (\S+)", rest)
        if master and master[1] != name:
            links.setdefault(master[1], _Link(master[1])).lowers.add(name)
        if link.kind in ("", "other") or (kind in _TUNNELS and link.kind == "tunnel"):
            link.kind, link.detail = _judged(kind, link.detail)
        if not link.kind:
            # No sysfs and no kind: an Ethernet of no special make is a card.
            link.kind = "loopback" if "LOOPBACK" in flags else "device" if ether else "other"
        end = re.search(r"\sremote (\S+)", rest)
        if kind in _TUNNELS and end and end[1] != "any":
            link.peer = end[1]


def _add_addresses(links: dict[str, _Link], lines: Sequence[str]) -> None:
    for name, address in _addresses(lines):
        # An alias (eth0:1) is an address of its interface.
        link = links.setdefault(name.partition(":")[0], _Link(name.partition(":")[0]))
        if not link.kind and re.match(r"^(eth|en[opsx]|em|bond|team)\w*", link.name):
            link.kind = "device"
        own = replace(address, is_extra=True) if ":" in name else address
        if own not in link.addresses and len(link.addresses) < 64:
            link.addresses.append(own)


def _addresses(lines: Sequence[str]) -> Iterator[tuple[str, Address]]:
    """``ip -o addr``, or ``ifconfig -a`` where there is no ip."""
    name = ""
    for line in lines:
        found = _ADDRESS.match(line)
        if found is not None:
            own, peer, length, rest = found[2], found[3], found[4], found[5]
            address = _address(own, length, peer, rest)
            if address is not None:
                yield found[1], address
            continue
        head = re.match(r"^([A-Za-z0-9][\w.:-]*?):?\s+(?:Link encap|flags=)", line)
        name = head[1] if head else name
        old = re.search(r"inet (?:addr:)?(\d+\.\d+\.\d+\.\d+).*?(?:[Mm]ask[: ]|netmask )(\d+\.\d+\.\d+\.\d+)", line)
        if old and name:
            try:
                length = str(ipaddress.ip_network(f"0.0.0.0/{old[2]}").prefixlen)
            except ValueError:
                continue
            address = _address(old[1], length, None, "scope global")
            if address is not None:
                yield name, address


def _address(own: str, length: str | None, peer: str | None, rest: str) -> Address | None:
    try:
        parsed = ipaddress.ip_address(own)
    except ValueError:
        return None
    bits = int(length) if length is not None else parsed.max_prefixlen
    if bits > parsed.max_prefixlen:
        return None
    scope = re.search(r"\bscope (\w+)", rest)
    kind = "link" if parsed.is_link_local else "host" if parsed.is_loopback else scope[1] if scope else "global"
    # keepalived's addresses are single ones, secondary ones, or say so.
    laid_over = " secondary" in f" {rest}" or "proto keepalived" in rest or " deprecated" in rest
    is_single = bits == parsed.max_prefixlen and peer is None
    return Address(str(parsed), bits, kind, laid_over or is_single)


def _add_peers(links: dict[str, _Link], lines: Sequence[str]) -> None:
    """``ip tunnel show``: old systems tell a tunnel's kind and ends only there."""
    for line in lines:
        found = re.match(r"^([^\s:]+): (\w+)/ip(?:v6)?\s+remote (\S+)", line)
        if found is None or found[1] not in links:
            continue
        link = links[found[1]]
        if link.kind in ("", "other", "tunnel"):
            link.kind = "tunnel"
            link.detail = (
                link.detail if link.detail in _TUNNELS else {"ip": "ipip", "ipv6": "sit"}.get(found[2], found[2])
            )
        link.peer = link.peer or ("" if found[3] == "any" else found[3])
