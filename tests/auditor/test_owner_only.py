"""Whatever the program makes is a map of weak government hosts: every file and folder of a site is its owner's only.

Also where the account's own umask would let everybody read, and where no command line set another.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

COMMANDS = (
    ("audit",),
    ("case", "draft", "--by", "政务信息科"),
    ("metrics", "--textfile", "{site}/out/again.prom"),
    ("ledger", "export", "{site}/out/again.xlsx"),
    ("snapshot", "thin"),
    ("stop",),
)


#: Each command begins as one in a process of its own would that lets everybody read what it writes.
IN_TURN = """
import json, os, sys
from auditor.ending import main
for words in json.loads(sys.argv[1]):
    os.umask(0)
    status = main(words)
    if status not in (0, 4):
        sys.exit(f"{words} ended with {status}")
"""


def run(*commands: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Commands one after another in a process that would let everybody read what it writes."""
    code = [sys.executable, "-c", IN_TURN, json.dumps(commands)]
    return subprocess.run(code, capture_output=True, text=True, timeout=240)


def test_every_file_of_a_site_is_its_owners_only(tmp_path: Path) -> None:
    site = tmp_path / "site"
    first = run(("init", str(site), "--example"))
    assert first.returncode == 0, first.stderr
    text = (site / "site.yaml").read_text(encoding="utf-8")
    # On paper only: no network is needed to write everything that an audit writes.
    (site / "site.yaml").write_text(re.sub(r"(?ms)^zones:.*?(?=^\w|\Z)", "zones: []\n", text), encoding="utf-8")
    done = run(*([*(word.format(site=site) for word in words), "--site", str(site)] for words in COMMANDS))
    assert done.returncode == 0, done.stderr
    paths = [site, *site.rglob("*")]
    kinds = {path.suffix for path in paths}
    assert {".sqlite", ".parquet", ".docx", ".xlsx", ".prom", ".yaml"} <= kinds, "it really wrote all of them"
    open_ones = sorted(
        f"{path.relative_to(tmp_path)} {stat.filemode(path.lstat().st_mode)}"
        for path in paths
        if not path.is_symlink() and path.lstat().st_mode & 0o077
    )
    # Figures, which name no host, for the node exporter; the folders above them let nobody in.
    assert open_ones == ["site/out/again.prom -rw-r--r--", "site/out/metrics.prom -rw-r--r--"]
    assert all(path.lstat().st_uid == os.geteuid() for path in paths)
