"""What a host was seen, from inside, to serve to others: applications and data, not its own upkeep. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inventories.infer.draft import Ground
from inventories.infer.readings import Listener, listener
from inventories.infer.terms import SERVING, UPKEEP
from inventories.infer.world import facts_of, texts
from inventories.model import Asset, Origin, Strength

_BOUND = re.compile(r"^\[?([0-9a-fA-F.:]+?)\]?:(\d{1,5}/.*)$")


@dataclass(frozen=True, slots=True)
class Served:
    """A product that was read on the host itself, beside the ports on which something of its own listens."""

    category: str
    product: str
    ground: Ground


def listening(host: Asset) -> tuple[Listener, ...]:
    """The processes of a host that listen to others and are no upkeep, by port."""
    if not host.get("listeners"):
        return ()
    ips = frozenset(texts(host, "ips"))
    said = (_reachable(text, ips) for text in texts(host, "listeners"))
    return tuple(sorted({parsed for text in said if (parsed := listener(text)) and _serves(parsed)}))


def _reachable(text: str, ips: frozenset[str]) -> str:
    """Without the address where it is one at which others reach the host: that is no listening to itself alone."""
    found = _BOUND.match(text)
    return found[2] if found and found[1] in ips else text


def _serves(found: Listener) -> bool:
    return found.serves and found.process.split()[0].casefold().removesuffix(".exe") not in UPKEEP


def products_inside(host: Asset) -> tuple[Served, ...]:
    """The applications, databases and middleware that were read on the host itself, in a fixed order."""
    found: dict[tuple[str, str], Served] = {}
    for fact in facts_of(host, "products"):
        if fact.origin is not Origin.OBSERVED or fact.strength is not Strength.SEEN_INSIDE:
            continue
        for item in fact.value if isinstance(fact.value, tuple) else ():
            category, _, product = item.partition(":")
            if category in SERVING and product.strip():
                ground = Ground(fact.strength, fact.source, fact.observed_at, fact.evidence)
                found.setdefault((category, product.strip()), Served(category, product.strip(), ground))
    return tuple(found[key] for key in sorted(found))


def serves(host: Asset, port: int) -> str:
    """What a host serves to others, in words: on one port, or (0) on any; empty where nothing was read that does."""
    found = listening(host)
    if port:
        return next((f"登记的端口 {port}/tcp 由进程 {one.process} 监听" for one in found if one.port == port), "")
    products = products_inside(host) if found else ()
    if not products:
        return ""
    ports = "、".join(f"{one.port}/tcp {one.process}" for one in found[:3])
    return f"{products[0].product}，监听 {ports}"
