"""The table ``systems`` of ``evidence.yaml``, as the conclusions on systems, migrations and ghosts use it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from inventories.identity import plain_name
from inventories.infer.evidence import UPKEEP_PROCESSES, sections

_SYSTEMS = sections()["systems"]


def _pattern(values: Iterable[str], *, whole: bool = False) -> re.Pattern[str]:
    text = "|".join(f"(?:{value})" for value in values)
    return re.compile(f"^(?:{text})$" if whole else text, re.IGNORECASE)


def _many(cell: object) -> tuple[str, ...]:
    return cell if isinstance(cell, tuple) else ()


#: So many systems, or systems of so many departments, behind one address: it is a door, and not where they run.
SHARED_SYSTEMS = int(_SYSTEMS.number("shared_systems"))
SHARED_DEPARTMENTS = int(_SYSTEMS.number("shared_departments"))
#: Registered systems whose pages stand at one address that no register gives: the same.
SHARED_PAGES = int(_SYSTEMS.number("shared_pages"))
#: After the declared day of a move both places may run side by side for so long.
GRACE_DAYS = int(_SYSTEMS.number("grace_days"))
#: What registers and clouds call a machine that stands in front of others.
PROXY_NAMES = _pattern(_SYSTEMS.texts("proxy_names"))
#: Pages that a provider shows in the place of a system.
PARKED_PAGES = _pattern(_SYSTEMS.texts("parked_pages"))
#: Pages that are no systems, and titles of copies of systems.
TEST_PAGES = _pattern(_SYSTEMS.texts("test_pages"), whole=True)
TEST_COPIES = _pattern(_SYSTEMS.texts("test_copies"))
AGENT_PAGES = _pattern(_SYSTEMS.texts("agent_pages"), whole=True)
#: What a server says that its system has left.
MOVED_PAGES = _pattern(_SYSTEMS.texts("moved_pages"))
#: Processes that show a machine's upkeep, and no service to people.
UPKEEP = UPKEEP_PROCESSES | frozenset(_SYSTEMS.texts("agent_processes"))
#: Categories of devices that show an address to be another machine's, and of products that serve people or data.
OTHER_DEVICES = frozenset(_SYSTEMS.texts("other_devices"))
SERVING = frozenset(_SYSTEMS.texts("serving_categories"))
#: Categories of devices whose pages may be those of what they stand in front of.
FRONT_DEVICES = frozenset(_SYSTEMS.texts("front_devices"))
#: What registers call hosts that are not in use, and hosts that are kept as a backup.
SPARE_WORDS = _pattern(_SYSTEMS.texts("spare_words"))
BACKUP_WORDS = _pattern(_SYSTEMS.texts("backup_words"))
#: Keys of tags whose value names the system, as they are compared.
SYSTEM_TAGS = frozenset(plain_name(word) for word in _SYSTEMS.texts("system_tags"))
#: Names of instances that a platform makes for itself, and of those that are no further host of a system.
PLATFORM_INSTANCES = _pattern(_SYSTEMS.texts("platform_instances"), whole=True)
STRAY_NAMES = _pattern(_SYSTEMS.texts("stray_names"))
#: Level of a government cloud → a register's own words for it.
LEVELS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (str(row["id"]), _pattern(_many(row["words"]))) for row in _SYSTEMS.rows("levels")
)
#: Category of a component → its title and whether a host has several.
COMPONENTS: Mapping[str, tuple[str, bool]] = {
    str(row["id"]): (str(row["title"]), row["many"] is True) for row in _SYSTEMS.rows("components")
}
#: A word of a product's name → the brand that it stands for, and words that tell no product from another.
BRANDS: Mapping[str, str] = {word: str(row["id"]) for row in _SYSTEMS.rows("brands") for word in _many(row["words"])}
GENERIC_WORDS = tuple(sorted(_SYSTEMS.texts("generic_words"), key=len, reverse=True))
