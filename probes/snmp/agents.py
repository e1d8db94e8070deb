"""``agents.yaml``: which products announce themselves by which object number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inventories.documents import Document, read_yaml
from inventories.faults import Fault, Faults, did_you_mean
from inventories.kinds.host import ROLE
from inventories.model import Strength
from probes.snmp import oids

_NEEDED = frozenset({"object", "vendor", "product", "category", "strength", "source"})


@dataclass(frozen=True, slots=True)
class Agent:
    """A row: the object number's beginning under the enterprises, and a pattern of the agent's own words."""

    object: str
    descr: re.Pattern[str] | None
    vendor: str
    product: str
    category: str
    strength: Strength
    source: str

    def fits(self, object_id: str, descr: str) -> bool:
        own = oids.ENTERPRISES + self.object
        if object_id != own and not object_id.startswith(own + "."):
            return False
        return self.descr is None or bool(self.descr.search(descr))


@cache
def agents() -> tuple[Agent, ...]:
    """The rows, in their order. Raises :class:`Faults` with every fault of the file."""
    return read_agents(read_yaml(Path(__file__).parent / "agents.yaml"))


def read_agents(document: Document) -> tuple[Agent, ...]:
    faults: list[Fault] = []
    rows = tuple(_rows(document, faults))
    if faults:
        raise Faults(faults)
    return rows


def _rows(document: Document, faults: list[Fault]) -> Iterator[Agent]:
    entries = document.data.get("agents") if isinstance(document.data, dict) else None
    if not isinstance(entries, list):
        faults.append(document.fault((), "has no list 'agents'"))
        return
    for i, entry in enumerate(entries):
        at = ("agents", i)
        if not isinstance(entry, dict) or not _NEEDED <= set(entry) <= {*_NEEDED, "descr"}:
            mend = f"needs {', '.join(sorted(_NEEDED))}; may have descr; nothing else"
            faults.append(document.fault(at, "has not the keys of a row", mend))
        elif not re.fullmatch(r"\d+(\.\d+)*", str(entry["object"])):
            faults.append(document.fault((*at, "object"), f"{entry['object']!r} is no object number"))
        elif entry["category"] not in ROLE:
            mend = did_you_mean(str(entry["category"]), ROLE)
            faults.append(document.fault((*at, "category"), f"unknown category {entry['category']!r}", mend))
        else:
            try:
                pattern = re.compile(str(entry["descr"]), re.IGNORECASE) if "descr" in entry else None
                strength = Strength.parse(str(entry["strength"]))
            except (re.error, ValueError) as error:
                faults.append(document.fault(at, str(error)))
                continue
            words = (str(entry["vendor"]), str(entry["product"]), str(entry["category"]))
            yield Agent(str(entry["object"]), pattern, *words, strength, str(entry["source"]))
