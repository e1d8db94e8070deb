"""``python far_centre.py SITE HOME OUT [WORDS…]``: the centre's side of a run, as a process that can be killed.

Looks at every zone of the site with nmap through its workers, and writes what came home to OUT, as JSON of
:mod:`inventories.codec`. Words: ``format=2`` writes jobs of a later format; ``key=FILE`` signs with another key;
``twice`` sends every job two times; ``zone=ID`` looks at this zone alone; ``here`` asks no worker;
``shift=SECONDS`` moves the clock.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from auditor import clock
from auditor.authorise import authorise
from auditor.intake import read_registers
from auditor.site import load_site
from auditor.workers import centre, messages, post
from inventories.codec import collection_to_json
from inventories.signing import load_signer
from probes.base import Stop
from probes.nmap_scan import NmapProbe
from probes.run import Event, FileShardStore, run_probes


def main(root: Path, home: Path, out: Path, words: dict[str, str]) -> None:
    shift = timedelta(seconds=float(words.get("shift", 0)))
    clock.utc_now = lambda: datetime.now(UTC) + shift
    if "format" in words:
        messages.FORMAT = int(words["format"])
    if "key" in words:
        centre._signer = lambda _config: load_signer(Path(words["key"]))  # type: ignore[assignment]
    if "twice" in words:
        _send_twice()
    site = load_site(root)
    now = clock.utc_now
    zones = (words["zone"],) if "zone" in words else ()
    leave = authorise(site, zones, now(), registers=read_registers(site, now()))
    assert leave.permits, [refusal.message for refusal in leave.refusals]
    (home / "work").mkdir(parents=True, exist_ok=True)

    def say(event: Event) -> None:
        print(event.happening.value, event.zone, event.shard, event.text, flush=True)

    with centre.far(site, () if "here" in words else leave.permits, home=home, now=now) as there:
        seen = run_probes(
            [there.wrap(NmapProbe())],
            leave.permits,
            workdir=home / "work",
            stop=Stop(),
            now=now,
            on_event=say,
            store=FileShardStore(home / "shards"),
            stop_file=site.stop_file,
            far=frozenset(there.posts),
        )
    for zone, line in there.posts.items():
        print("post", zone, "refused", line.refused, line.last_refusal, flush=True)
    out.write_text(collection_to_json(seen), encoding="ascii")


def _send_twice() -> None:
    once = post.Post._send

    def twice(self: Any, producer: Any) -> None:
        unsent = [waiting for waiting in self._waiting.values() if not waiting.sent]
        once(self, producer)
        for waiting in unsent:
            waiting.sent = False
        once(self, producer)

    post.Post._send = twice  # type: ignore[method-assign]


if __name__ == "__main__":
    said = dict(word.partition("=")[::2] for word in sys.argv[4:])
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), said)
