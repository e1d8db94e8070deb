"""A component's row names its host by the code that the host register gives it: codes become asset keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from inventories.answers import REGISTER
from inventories.facts import sourced
from inventories.identity import code_id, plain_code
from inventories.model import Conflict, Observation

COLUMN = "host_key"

UNKNOWN = "登记的主机编号在主机台账中查不到"
SEVERAL = "登记的主机编号对应多台主机，不能确定是哪一台"


class HostCodes:
    """Hosts by the codes, and by the addresses, that registers give them.

    A row that names a host without a code of its own names it by an address. Codes repeat between departments: a code
    that several hosts have means the one of the same department, if that is one.
    """

    def __init__(self, hosts: Iterable[tuple[str, Sequence[Observation]]]) -> None:
        #: Code or address → the keys of the hosts that have it; and those of which a department's register says so.
        self._hosts: dict[str, set[str]] = {}
        self._own: dict[tuple[str, str], set[str]] = {}
        for key, observations in hosts:
            for observation in observations:
                if observation.collector == REGISTER:
                    for name in _names(observation):
                        self._hosts.setdefault(name, set()).add(key)
                        self._own.setdefault((name, observation.department_id), set()).add(key)

    def translated(self, observations: Sequence[Observation]) -> tuple[list[Observation], list[Conflict]]:
        """A component's observations with the host's key in place of its code, which stays as the evidence.

        A code that means no host, or several, shows nothing and is a conflict: never a wrong host.
        """
        out: list[Observation] = []
        conflicts: list[Conflict] = []
        for observation in observations:
            facts = []
            for fact in observation.facts:
                word = fact.value
                if observation.collector != REGISTER or fact.column != COLUMN or not isinstance(word, str):
                    facts.append(fact)
                    continue
                keys = self._meant(word, observation.department_id)
                key = next(iter(keys)) if len(keys) == 1 else None
                said = replace(fact, value=key, evidence=fact.evidence or word)
                facts.append(said)
                if len(keys) != 1:
                    claims = sourced(replace(observation, facts=(said,)))
                    why = SEVERAL if keys else UNKNOWN
                    conflicts.append(Conflict(COLUMN, None, f"{why}：{fact.evidence or word}", tuple(claims)))
            out.append(replace(observation, facts=tuple(facts)))
        return out, conflicts

    def _meant(self, word: str, department_id: str) -> set[str]:
        """The keys of the hosts that a word may mean."""
        for name in (code_id("host", word).value, code_id("host", f"{department_id}/{word}").value, word.strip()):
            found = self._hosts.get(name, set())
            if len(found) > 1:
                own = self._own.get((name, department_id), set())
                found = own if len(own) == 1 else found
            if found:
                return found
        return set()


def _names(row: Observation) -> set[str]:
    names = {plain_code(i.value) for i in row.identifiers if i.scheme == "host-code"}
    for fact in row.facts:
        if fact.column == "ips" and isinstance(fact.value, tuple):
            names.update(fact.value)
    return names
