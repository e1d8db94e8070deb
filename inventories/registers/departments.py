"""Who is meant by a department's name: by id, full name, short name or credit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from inventories.registers.errors import CellError
from inventories.registers.words import Hints, evidence, fold, key


@dataclass(frozen=True, slots=True)
class Department:
    """One row of the departments register. Dates bound its existence; both are None for one that stands."""

    id: str
    name: str
    short_name: str = ""
    credit_code: str = ""
    parent_id: str = ""
    region: str = ""
    level_of_government: str = ""
    sector: str = ""
    contact: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(word for word in (self.id, self.name, self.short_name, self.credit_code) if word)


class DepartmentBook:
    """Looks departments up. A word that means two departments means neither."""

    def __init__(self, departments: Iterable[Department] = ()) -> None:
        self._by_id: dict[str, Department] = {}
        self._by_word: dict[str, set[str]] = {}
        for department in departments:
            self._by_id[department.id] = department
            for word in department.words:
                self._by_word.setdefault(key(word), set()).add(department.id)
        self._hints = Hints(word for department in self for word in department.words)
        self._near: dict[str, frozenset[str]] = {}

    def remember(self, former: Mapping[str, str]) -> None:
        """Lets words that no department has any more (a merged one's id or name) mean the one that it became.

        ``former`` maps a word to a department's id; words that a department has, and ids that there are not, stay
        as they are.
        """
        for word, successor in former.items():
            if successor in self._by_id and word not in self._by_id and not self._by_word.get(key(word)):
                self._by_word[key(word)] = {successor}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Department]:
        return iter(self._by_id.values())

    @property
    def by_id(self) -> Mapping[str, Department]:
        return dict(self._by_id)

    def find(self, text: str) -> Department:
        """The department that a cell names; :class:`CellError` for an unknown or an ambiguous one."""
        word = fold(text)
        exact = self._by_id.get(word)
        if exact is not None:
            return exact
        ids = self._by_word.get(key(word), set())
        if len(ids) == 1:
            return self._by_id[next(iter(ids))]
        if ids:
            raise CellError(
                f"{evidence(word)!r} may mean any of {', '.join(sorted(ids))}", "write the department's id (部门编号)"
            )
        mend = self._hints(word) or "add it to the departments register"
        raise CellError(f"unknown department {evidence(word)!r}", mend)

    def near(self, text: str) -> frozenset[str]:
        """Ids of the departments that a misspelt name may mean; all of them where none is near."""
        word = fold(text)
        if not word or (word not in self._near and len(self._near) >= 100):
            return frozenset(self._by_id)
        if word not in self._near:
            ids = {w: d.id for d in self for w in d.words}
            found = difflib.get_close_matches(word, list(ids), n=10, cutoff=0.5)
            self._near[word] = frozenset(ids[w] for w in found) or frozenset(self._by_id)
        return self._near[word]
