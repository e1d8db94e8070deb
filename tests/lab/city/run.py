"""Audits the laboratory's city, within the namespace from which its hosts are reached.

``python run.py FOLDER KEY KNOWN_HOSTS`` writes the site, lets everything answer, audits twice while every packet and
every process argument is watched, and leaves ``result.json`` in the folder.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from auditor.city.children import answering  # noqa: E402
from auditor.city.example import dates, fill, write_example  # noqa: E402
from tests.lab.capture import Capture  # noqa: E402
from tests.lab.city.plan import AGENTS, CANARIES, CLOUD, VCENTER  # noqa: E402
from tests.lab.cloud import Cloud  # noqa: E402
from tests.lab.snmp_agents import SnmpAgents  # noqa: E402
from tests.lab.vcenter import VCenter  # noqa: E402


def write_site(folder: Path, key: Path, known_hosts: Path) -> None:
    """The example city's site with the two departments of the laboratory added."""
    today = dt.datetime.now(dt.UTC).astimezone().date()
    # "{value}" is the site's own word, and stays.
    words = {**dates(today), "key": str(key), "value": "{value}"}
    write_example(folder, today)

    def text(file: Path) -> str:
        return fill(file.read_text("utf-8"), words)

    for file in sorted((HERE / "registers").iterdir()):
        encoding = "utf-8-sig" if file.suffix == ".csv" else "utf-8"
        (folder / "registers" / file.name).write_text(text(file), encoding)
    for name in ("site.yaml", "city.yaml"):
        with (folder / name).open("a", encoding="utf-8") as stream:
            stream.write(text(HERE / name))
    (folder / "known_hosts").write_text(known_hosts.read_text())


class Watch:
    """Looks at every process's arguments, over and over, for secrets."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        secrets = [value.encode() for value in CANARIES.values()]
        while not self._end.wait(0.05):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    arguments = entry.read_bytes()
                    self.seen.update(secret.decode() for secret in secrets if secret in arguments)


def auditor(folder: Path, *words: str) -> dict[str, Any]:
    """Runs a command of the program; its status and what it said."""
    environ = {**os.environ, **CANARIES, "PYTHONPATH": str(HERE.parents[2]), "AUDITOR_SITE": str(folder)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "auditor", *words], env=environ, capture_output=True, text=True, check=False
    )
    return {
        "words": words,
        "status": done.returncode,
        "out": done.stdout,
        "err": done.stderr,
        "seconds": round(time.monotonic() - began, 1),
    }


@contextlib.contextmanager
def everything(folder: Path) -> Iterator[None]:
    """The city answers: the example's listeners, agents, a vCenter and a cloud."""
    work = folder.parent / "servers"
    work.mkdir()
    with (
        Cloud("127.20.100.5", plan=CLOUD, directory=work),
        SnmpAgents(AGENTS, work),
        VCenter(
            "127.20.9.20", inventory=VCENTER, port=9443, password=CANARIES["LAB_VCENTER"], directory=work
        ) as vcenter,
        answering(folder) as city,
    ):
        assert city.left_out == (), city.left_out
        (folder / "vcenter-ca.pem").write_bytes(vcenter.ca.read_bytes())
        yield


def main(folder: Path, key: Path, known_hosts: Path) -> None:
    site = folder / "site"
    write_site(site, key, known_hosts)
    result: dict[str, Any] = {"runs": []}
    with everything(site), Capture(folder) as capture, Watch() as watch:
        result["runs"].append(auditor(site, "check"))
        for _ in range(2):
            result["runs"].append(auditor(site, "audit", "--json"))
    result["runs"].append(auditor(site, "assets", "--json"))
    result["spoken"] = [astuple(flow) for flow in capture.spoken]
    result["arguments"] = sorted(watch.seen)
    result["touched"] = (
        (site / "state" / "city-touched.log").read_text() if (site / "state" / "city-touched.log").exists() else ""
    )
    result["found_in"] = sorted(
        {str(file.relative_to(site)) for file in site.rglob("*") if file.is_file() and _holds_secret(file)}
    )
    (folder / "result.json").write_text(json.dumps(result, ensure_ascii=False, indent=1))


def _holds_secret(file: Path) -> bool:
    content = file.read_bytes()
    return bool(re.search(b"canary-(community|auth|privacy|cloud|vcenter)", content))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
