"""What must hold whatever went wrong: nothing lost or doubled, nobody accused of what a calm run does not find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.chaos.world import World


@dataclass(frozen=True, slots=True)
class Truth:
    """What an undisturbed run of the same city comes to, by name: keys and ids follow from what was seen."""

    findings: frozenset[tuple[str, str, str, str]]
    unknowns: int
    verdicts: frozenset[tuple[str, str, str, int]]
    assets: frozenset[tuple[str, str, str]]
    cases: frozenset[tuple[str, str, str]]


def truth(world: World) -> Truth:
    """As things stand in a world now."""
    judged = world.json("evaluate")
    return Truth(
        findings=frozenset(_finding(f) for f in world.json("findings", "--all")),
        unknowns=len(world.json("findings", "--unknown")),
        verdicts=frozenset((c["rule"], c["department_id"], c["verdict"], c["number"]) for c in judged["counts"]),
        assets=frozenset((a["kind"], a["key"], a["name"]) for a in world.json("assets")),
        cases=frozenset((c["id"], c["department_id"], c["state"]) for c in world.json("case", "list")),
    )


def _finding(f: dict[str, Any]) -> tuple[str, str, str, str]:
    return f["id"], f["rule"], f["asset_name"], f["state"]


def wrong(world: World, reference: Truth) -> list[str]:
    """What does not hold after a run, whatever it was disturbed by; empty where all is well."""
    out = []
    known = {finding[:3] for finding in reference.findings}
    here = world.json("findings", "--all")
    out += [f"accused by chaos: {_finding(f)}" for f in here if _finding(f)[:3] not in known]
    # Nothing was mended in the city, so nothing may have been closed, and nothing come back.
    out += [f"closed by chaos: {_finding(f)}" for f in here if f["state"] in ("resolved", "reopened")]
    names = [(f["rule"], f["asset_key"]) for f in here]
    out += [f"doubled: {name}" for name in set(names) if names.count(name) > 1]
    for words in (("snapshot", "verify"), ("ledger", "verify")):
        done = world.run(*words, check=None)
        if done.returncode:
            out.append(f"{' '.join(words)}: {done.returncode} {done.stdout[-300:]}{done.stderr[-300:]}")
    out += [f"left behind: {path}" for path in (world.root / "state" / "snapshots").glob(".*.partial")]
    return out + _database(world)


def _database(world: World) -> list[str]:
    if world.postgresql is not None:
        return []
    import sqlite3

    with sqlite3.connect(f"file:{world.root}/state/ledger.sqlite?mode=ro", uri=True) as ledger:
        said = ledger.execute("PRAGMA integrity_check").fetchone()[0]
    return [] if said == "ok" else [f"ledger: {said}"]
