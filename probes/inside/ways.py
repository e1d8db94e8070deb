"""Ways out of the machine that no cable shows: tunnels, and uplinks that it dials itself."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from probes.inside.links import FALLBACK
from probes.inside.model import Interface, Route, Tunnel, Uplink
from probes.inside.sections import Sections

#: Daemons of IPsec: they tell that tunnels are meant, not that one stands.
_IPSEC = ("charon", "charon-systemd", "pluto")
#: Drivers of USB cards that nothing but phones and modems have; of the others the product's name has to say so.
_PHONES = frozenset({"rndis_host", "ipheth"})
_PHONE_NAMES = re.compile(r"mobile|modem|phone|android|hilink|wwan|\blte\b|\b[45]g\b", re.IGNORECASE)
_DIALLERS = frozenset({"wvdial", "quectel-CM", "chat"})
_PPP = (("xl2tpd", "l2tp"), ("openl2tpd", "l2tp"), ("pptp", "pptp"), ("sstpc", "sstp"), ("openfortivpn", "sslvpn"))


def read_tunnels(
    sections: Sections, interfaces: Sequence[Interface], routes: Sequence[Route], processes: Sequence[str]
) -> tuple[Tunnel, ...]:
    """Tunnels in use: an interface with an address or a route, or a policy of IPsec with its other end."""
    used = {route.interface for route in routes}
    dialled = {uplink.name for uplink in read_uplinks(sections, interfaces, routes, processes)}
    out = [
        _tunnel(one, processes)
        for one in interfaces
        if one.kind in ("tunnel", "tun", "ppp")
        and one.name not in dialled
        and (_own(one) or (one.name in used and not FALLBACK.match(one.name)))
    ]
    ends = list(dict.fromkeys(_policies(sections.get("tunnels"))))
    out += [Tunnel(f"ipsec{i}" if i else "ipsec", "ipsec", end, "ip xfrm policy") for i, end in enumerate(ends[:50])]
    if not ends:
        daemon = next((name for name in _IPSEC if name in processes), "")
        out += [Tunnel(daemon, "ipsec", "", f"进程 {daemon}；未见其隧道", False)] if daemon else []
    return tuple(out)


def _own(one: Interface) -> str:
    return next((a.address for a in one.addresses if a.scope in ("global", "site")), "")


def _tunnel(one: Interface, processes: Sequence[str]) -> Tunnel:
    kind, why = one.detail or one.kind, f"接口 {one.name}"
    if one.kind == "tun":
        kind = "openvpn" if "openvpn" in processes else one.detail or "tun"
        why += f"；{one.detail or 'tun'} 设备" + ("、进程 openvpn" if kind == "openvpn" else "")
    elif one.kind == "ppp":
        daemon, kind = next(((name, kind) for name, kind in _PPP if name in processes), ("", "ppp"))
        why += f"；进程 {daemon}" if daemon else ""
    return Tunnel(one.name, kind, one.peer or _own(one), why)


def _policies(lines: Sequence[str]) -> Iterator[str]:
    """The other ends of IPsec policies: ``tmpl src OWN dst PEER``; transport policies have none."""
    for line in lines:
        found = re.match(r"^\s*tmpl src (\S+) dst (\S+)", line)
        if found:
            try:
                peer = ipaddress.ip_address(found[2])
            except ValueError:
                continue
            if not peer.is_unspecified:
                yield str(peer)


def _is_phone(one: Interface) -> bool:
    return one.detail in _PHONES or _PHONE_NAMES.search(one.product) is not None


def read_uplinks(
    sections: Sections, interfaces: Sequence[Interface], routes: Sequence[Route], processes: Sequence[str]
) -> tuple[Uplink, ...]:
    """What this machine dials itself, in use.

    A USB card counts only where the default route leads over it, and where it is a phone or a modem: management
    controllers show themselves to their own machine as one, and a small machine's only card may be one.
    """
    default = {route.interface for route in routes if route.prefix in ("0.0.0.0/0", "::/0")}
    sessions = [line for line in sections.get("tunnels") if re.match(r"^pppoe [0-9A-F]{8}\b", line)]
    dialler = next((name for name in processes if name in _DIALLERS), "")
    out = []
    for one in interfaces:
        is_used = bool(_own(one)) or one.name in default
        if one.kind == "cellular" and is_used:
            out.append(Uplink(one.name, "cellular", f"移动通信网卡 {one.detail or one.name}"))
        elif one.kind == "usb" and one.name in default and _is_phone(one):
            what = f"（{one.product}）" if one.product else ""
            out.append(Uplink(one.name, "usb-tether", f"默认路由经 USB 网卡 {one.detail}{what}"))
        elif one.kind == "ppp" and is_used and sessions:
            out.append(Uplink(one.name, "pppoe", "/proc/net/pppoe"))
        elif one.kind == "ppp" and is_used and dialler:
            out.append(Uplink(one.name, "dial-up", f"进程 {dialler}"))
    return tuple(out)
