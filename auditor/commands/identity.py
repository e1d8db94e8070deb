"""A person's word on identity: ``asset pin``, ``asset merge`` and ``asset split``."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from auditor import clock
from auditor.commands.dossier import family, in_a_line, inventory_of, newest_snapshot, word_json
from auditor.errors import Exit, Refused
from auditor.intake import open_ledger
from auditor.ledger.records import Act, WordRow
from auditor.lookup import Inventory, read_identifier
from auditor.output import print_json, say
from auditor.site import Site, load_site
from inventories import told
from inventories.keymap import resolve
from inventories.model import Identifier, KeyMap
from inventories.told import Moved, Nonsense, Told

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger
    from inventories.snapshot import Snapshot

T = TypeVar("T")


def pin(root: Path, name: str, named: Sequence[str], *, reason: str, by: str, undo: bool, as_json: bool) -> int:
    """Identifiers that belong to an asset whatever else is seen."""
    with _speaking(root, reason, by) as speech:
        key, identifiers = speech.about(name, named)
        if undo:
            return speech.take_back(Act.PIN, key, told.unpin, as_json, identifiers=identifiers)
        made = _sense(lambda: told.pin(speech.keymap, key, identifiers))
        listed = ", ".join(str(i) for i in identifiers)
        then = f"the next audit takes whatever has {listed} for {key}, and joins it with what {key} is known by"
        return speech.say(Act.PIN, made, identifiers, then, as_json)


def merge(root: Path, name: str, other_name: str, *, reason: str, by: str, undo: bool, as_json: bool) -> int:
    """Two assets that are one."""
    with _speaking(root, reason, by) as speech:
        key = speech.inventory.find(name)
        if undo:
            return speech.take_back(Act.MERGE, key, told.unmerge, as_json, other=other_name.strip())
        other = speech.inventory.find(other_name)
        made = _sense(lambda: told.merge(speech.keymap, key, other))
        theirs = {row.rule: row for row in speech.ledger.findings(assets=[other]) if not row.merged_into}
        ours = {row.rule: row for row in speech.ledger.findings(assets=[key]) if not row.merged_into}
        both = len(theirs.keys() & ours.keys())
        then = f"the next audit takes both for {key}, and {other} leads there; findings moved there: {len(theirs)}"
        if both:
            then += f"; under the rules where both had one ({both}), the older goes on and takes the other in"
        then += "".join(f"; {warning}" for warning in _differences(speech.inventory, key, other))
        return speech.say(Act.MERGE, made, (), then, as_json)


def split(root: Path, name: str, named: Sequence[str], *, reason: str, by: str, undo: bool, as_json: bool) -> int:
    """Identifiers of an asset that are another thing's."""
    with _speaking(root, reason, by) as speech:
        key, identifiers = speech.about(name, named)
        if undo:
            return speech.take_back(Act.SPLIT, key, told.unsplit, as_json, identifiers=identifiers)
        together = speech.snapshot.together(_sense(lambda: told.kind_of(key)))
        made = _sense(lambda: told.split(speech.keymap, key, identifiers, seen=together, site=speech.site.id))
        then = f"the next audit gives what has them to {made.other}; what {key} is accused of stays with {key}"
        return speech.say(Act.SPLIT, made, identifiers, then, as_json)


def _differences(inventory: Inventory, key: str, other: str) -> Iterator[str]:
    """What a person who says that two things are one should know: it may be so, and it changes whose they are."""
    one, two = inventory.assets.get(key), inventory.assets.get(other)
    if one is None or two is None:
        return
    if one.zones and two.zones and set(one.zones).isdisjoint(two.zones):
        yield f"mind that they were seen in different zones ({', '.join(one.zones)}; {', '.join(two.zones)})"
    owners = [asset.text("department_id") for asset in (one, two)]
    if all(owners) and owners[0] != owners[1]:
        yield f"mind that {owners[0]} has the one and {owners[1]} the other: whose it is then stays open"


@dataclass(frozen=True, slots=True)
class _Speech:
    """Somebody speaks: with the audit's lock held, on the newest snapshot and the ledger's key map."""

    site: Site
    snapshot: Snapshot
    ledger: Ledger
    inventory: Inventory
    reason: str
    by: str
    at: datetime

    @property
    def keymap(self) -> KeyMap:
        return self.inventory.keymap

    def about(self, name: str, named: Sequence[str]) -> tuple[str, tuple[Identifier, ...]]:
        """The asset's key, and the identifiers that were named, each once."""
        key = self.inventory.find(name)
        kind = _sense(lambda: told.kind_of(key))
        return key, tuple(dict.fromkeys(read_identifier(t, kind, self.inventory, self.site.places) for t in named))

    def say(
        self,
        act: Act,
        made: Told,
        identifiers: Sequence[Identifier],
        then: str,
        as_json: bool,
        undoes: WordRow | None = None,
    ) -> int:
        row = self.ledger.tell(
            act, made, named=identifiers, reason=self.reason, by=self.by, at=self.at, undoes=undoes
        )
        if as_json:
            print_json(word_json(row) | {"next_audit": then})
        say(f"word {row.id}, {act.value}{' taken back' if undoes else ''}: {self.inventory.line(row.key)}")
        say(then)
        if not undoes:
            say(f"it holds until the same command with --undo takes it back: 'auditor asset show {row.key}' tells")
        return Exit.DONE

    def take_back(
        self,
        act: Act,
        key: str,
        undone: Callable[[KeyMap, Told], KeyMap],
        as_json: bool,
        *,
        identifiers: Sequence[Identifier] = (),
        other: str = "",
    ) -> int:
        """Undoes the word that said just this; nothing else of what was said since changes."""
        told_before = [
            row
            for row in self.ledger.words(*family(self.keymap, key))
            if row.act is act and row.holds and resolve(self.keymap.aliases, row.key) == key
        ]
        fitting = [
            row
            for row in told_before
            if set(row.identifiers) == set(identifiers) and row.other.startswith(other if act is Act.MERGE else "")
        ]
        if len(fitting) != 1:
            raise Refused(
                f"nobody said just this of {key}" if not fitting else f"{other!r} begins the keys of several",
                *(f"{in_a_line(row)} ({row.by}, {row.at:%Y-%m-%d}: {row.reason})" for row in told_before),
            )
        (row,) = fitting
        before = Told(self.keymap, row.kind, row.key, row.other, row.pins, row.keys, row.first_seen)
        after = Told(
            _sense(lambda: undone(self.keymap, before)),
            row.kind,
            key,
            row.other,
            _reversed(row.pins),
            _reversed(row.keys),
        )
        then = {
            Act.PIN: "the next audit decides by what it sees",
            Act.MERGE: f"the next audit decides by what it sees; {row.other} has its findings back where it had any",
            Act.SPLIT: f"the next audit decides by what it sees; {row.other} leads to {key}, and so do its findings",
        }[act]
        return self.say(act, after, identifiers, then, as_json, undoes=row)


@contextmanager
def _speaking(root: Path, reason: str, by: str) -> Iterator[_Speech]:
    from auditor.ledger.holding import hold

    site, now = load_site(root), clock.utc_now()
    if not reason.strip():
        raise Refused("--reason is empty: say it in words")
    with (
        open_ledger(site) as ledger,
        hold(site, "audit", command="auditor asset", now=now),
    ):
        snapshot = newest_snapshot(site)
        yield _Speech(
            site, snapshot, ledger, inventory_of(snapshot, ledger.key_map()), reason, by.strip() or _user(), now
        )


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _sense(speak: Callable[[], T]) -> T:
    try:
        return speak()
    except Nonsense as error:
        raise Refused(str(error)) from error


def _reversed(moved: Sequence[Moved]) -> tuple[Moved, ...]:
    return tuple(Moved(one.identifier, one.after, one.before) for one in moved)
