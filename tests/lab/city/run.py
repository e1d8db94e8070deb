"""Audits the laboratory's city, within the namespace from which its hosts are reached.

``python run.py FOLDER KEY KNOWN_HOSTS`` writes the site, lets everything answer, audits twice while every packet and
every process argument is watched, and leaves ``result.json`` in the folder.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

from pyarrow import parquet

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from auditor.city.children import answering  # noqa: E402
from auditor.city.example import dates, fill, write_example  # noqa: E402
from tests.lab.capture import Capture  # noqa: E402
from tests.lab.city.plan import AGENTS, CANARIES, CLOUD, VCENTER  # noqa: E402
from tests.lab.cloud import Cloud  # noqa: E402
from tests.lab.snmp_agents import SnmpAgents  # noqa: E402
from tests.lab.vcenter import VCenter  # noqa: E402

#: What the program is asked to account for, attribute by attribute.
SHOWN = ("防汛值班数据库", "票务数据库")


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
    """Looks for secrets, over and over: in every process's arguments, and in short-lived files under ``places``."""

    def __init__(self, *places: Path) -> None:
        self.seen: set[str] = set()
        self.places = places
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

        def name(secret: bytes) -> str:
            return next(key for key, value in CANARIES.items() if value.encode() == secret)

        while not self._end.wait(0.05):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    arguments = entry.read_bytes()
                    self.seen.update(f"argument {name(secret)}" for secret in secrets if secret in arguments)
            for file in (file for place in self.places for file in place.rglob("*")):
                with contextlib.suppress(OSError):
                    if file.is_file() and file.stat().st_size < 4_000_000:
                        content = file.read_bytes()
                        self.seen.update(f"{file} {name(secret)}" for secret in secrets if secret in content)


def auditor(folder: Path, *words: str, **other: str) -> dict[str, Any]:
    """Runs a command of the program; its status and what it said."""
    environ = {
        **os.environ,
        **CANARIES,
        "PYTHONPATH": str(HERE.parents[2]),
        "AUDITOR_SITE": str(folder),
        "TMPDIR": str(folder.parent / "tmp"),
        **other,
    }
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
    tmp, memory = folder / "tmp", Path("/dev/shm")
    tmp.mkdir()
    before = set(memory.iterdir())
    with everything(site), Capture(folder) as capture, Watch(tmp, memory, site / "state" / "runs") as watch:
        result["runs"].append(auditor(site, "check"))
        for _ in range(2):
            result["runs"].append(auditor(site, "audit", "--json"))
        result["runs"].append(auditor(site, "assets", "--json"))
        assets = json.loads(result["runs"][-1]["out"])
        # What a department would ask: who said what of this, and who disagreed?
        result["shown"] = {
            asset["name"]: json.loads(auditor(site, "asset", "show", asset["key"], "--json")["out"])
            for asset in assets
            if asset["name"] in SHOWN
        }
        result["wrong_login"] = auditor(site, "audit", "--probe", "snmp", "--json", LAB_AUTH="another-canary-words")
    result["left_behind"] = sorted(str(path) for path in {*tmp.iterdir(), *(set(memory.iterdir()) - before)})
    result["spoken"] = [astuple(flow) for flow in capture.spoken]
    result["arguments"] = sorted(watch.seen)
    result["touched"] = (
        (site / "state" / "city-touched.log").read_text() if (site / "state" / "city-touched.log").exists() else ""
    )
    secrets = [value.encode() for value in CANARIES.values()] + [key.read_bytes().splitlines()[1]]
    files = [file for file in site.rglob("*") if file.is_file()]
    result["searched"] = len(files)
    result["found_in"] = sorted(
        str(file.relative_to(site))
        for file in files
        if any(secret in content for content in contents(file) for secret in secrets)
    )
    (folder / "result.json").write_text(json.dumps(result, ensure_ascii=False, indent=1))


def contents(file: Path) -> Iterator[bytes]:
    """What a file holds, as it lies there and unpacked."""
    yield file.read_bytes()
    if file.suffix == ".parquet":
        yield repr(parquet.read_table(file).to_pylist()).encode()
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif file.suffix == ".gz":
        yield gzip.decompress(file.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
