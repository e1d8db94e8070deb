"""``python -m tests.chaos --runs N``: the example city, run after run while things are killed; then all must be well.

An undisturbed city comes first: what it finds is the truth. Then the same city is looked at and judged N times by a
scheduler, a worker behind a broker and audits of which one is hit each time, on SQLite and on PostgreSQL in turn.
Bounded: every wait has an end, and the whole stops at ``--minutes``. Exit 0 only where nothing was wrong.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.checks import Truth, truth, wrong
from tests.chaos.faults import FAULTS
from tests.chaos.world import DRAFTS, FAR, NEAR, REVIEWS, ZONES, World, world

NETWORK = "127.62"
#: A run that cannot be finished after so many attempts is a failure of the program.
ATTEMPTS = 8
JUDGED = (0, 4)


@dataclass
class Tally:
    runs: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    again: int = 0
    faults: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    random.seed(options.seed)
    until = time.monotonic() + 60 * options.minutes
    ledgers = ("sqlite", "postgresql") if options.ledger == "both" else (options.ledger,)
    tally = Tally()
    say(f"seed {options.seed}; {options.runs} runs on {' and '.join(ledgers)}")
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        with world(Path(scratch) / "truth", NETWORK, ledger="sqlite") as calm:
            reference = undisturbed(calm)
        say(f"undisturbed: {len(reference.findings)} findings, {len(reference.cases)} cases")
        for number, ledger in enumerate(ledgers):
            share = options.runs // len(ledgers) + (number < options.runs % len(ledgers))
            with world(Path(scratch) / ledger, NETWORK, ledger=ledger) as made:
                disturb(made, reference, share, tally, until)
    return report(tally, options.runs)


def undisturbed(calm: World) -> Truth:
    """Everything looked at and judged, a letter drafted and reviewed, and all once more."""
    begin(calm)
    everything(calm)
    found = truth(calm)
    assert len(found.findings) > 5 and found.cases, found
    return found


def begin(made: World) -> None:
    everything(made)
    made.run("case", "draft", "--by", DRAFTS)
    first = min(case["id"] for case in made.json("case", "list"))
    made.run("case", "review", first, "--by", REVIEWS)


def everything(made: World) -> None:
    made.serve()
    made.work()
    look_until_seen(made, ZONES, Tally())
    judge_until_recorded(made, Tally())


def disturb(made: World, reference: Truth, runs: int, tally: Tally, until: float) -> None:
    begin(made)
    before = truth(made)
    for _ in range(runs):
        if time.monotonic() > until:
            return
        one_run(made, reference, tally)
    everything(made)
    after = truth(made)
    for name in Truth.__dataclass_fields__:
        here, there = getattr(after, name), getattr(reference, name)
        if here != there:
            odd = sorted(here ^ there)[:6] if isinstance(here, frozenset) else (here, there)
            tally.faults.append(f"{name} differ from an undisturbed run's: {odd}")
    if after.cases != before.cases:
        tally.faults.append("the cases changed, and nobody had touched them")


def one_run(made: World, reference: Truth, tally: Tally) -> None:
    """Two zones are looked at and all is judged, while something happens."""
    name = random.choice([name for name in FAULTS if name != "database connections cut" or made.postgresql])
    hit = Disturbance(made, name, random.uniform(0.0, 8.0))
    hit.start()
    try:
        look_until_seen(made, (FAR, random.choice(NEAR)), tally)
        judge_until_recorded(made, tally)
    finally:
        hit.join()
    if hit.whom:
        tally.hits[name] += 1
    tally.runs += 1
    faults = wrong(made, reference)
    tally.faults += [f"run {tally.runs} ({name}): {fault}" for fault in faults]
    say(f"{tally.runs}: {name} after {hit.after:.1f} s: {hit.whom or 'nobody was there'}{' WRONG' if faults else ''}")


class Disturbance(threading.Thread):
    def __init__(self, made: World, name: str, after: float) -> None:
        super().__init__(daemon=True)
        self.made, self.what, self.after, self.whom = made, name, after, ""

    def run(self) -> None:
        end = time.monotonic() + self.after + 4
        time.sleep(self.after)
        # What is to be hit may come a moment later.
        while not self.whom and time.monotonic() < end:
            self.whom = FAULTS[self.what](self.made)
            time.sleep(0.02)


def look_until_seen(made: World, zones: Sequence[str], tally: Tally) -> None:
    """As a person or the next due time would: started again until a new look of each zone is kept."""
    before = {zone: made.looks(zone) for zone in zones}
    for attempt in range(ATTEMPTS + 1):
        unseen = [zone for zone in zones if made.looks(zone) == before[zone]]
        if not unseen:
            return
        tally.again += len(unseen) if attempt else 0
        made.serve()
        made.work()
        made.look(unseen)
    raise AssertionError(f"not seen in {ATTEMPTS} attempts: {zones}\n{made.told()}")


def judge_until_recorded(made: World, tally: Tally) -> None:
    said = ""
    for _ in range(ATTEMPTS):
        done = made.judge()
        if done.returncode in JUDGED:
            return
        if "Traceback" in done.stderr:
            tally.faults.append(f"a traceback: {done.stderr[-600:]}")
        said = done.stderr[-600:]
        tally.again += 1
        time.sleep(0.3)
    raise AssertionError(f"not judged in {ATTEMPTS} attempts: {said}")


def report(tally: Tally, wanted: int) -> int:
    say("")
    for name, number in sorted(tally.hits.items()):
        say(f"{number:5}  {name}")
    say(f"{tally.again:5}  attempts made again")
    for fault in tally.faults[:40]:
        say(f"WRONG: {fault}")
    say(f"{tally.runs} of {wanted} runs, {sum(tally.hits.values())} disturbed, {len(tally.faults)} faults")
    return 0 if tally.runs == wanted and not tally.faults else 1


def say(line: str) -> None:
    print(line, flush=True)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=(__doc__ or "").replace("``", ""))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--ledger", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--minutes", type=float, default=120, help="stop beginning new runs after this long")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    for program in ("nmap", "mount", "umount"):
        if shutil.which(program) is None:
            sys.exit(f"chaos needs {program}, and root")
    # Told to end, it takes down what it built, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
