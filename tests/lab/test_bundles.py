"""A network that nothing may connect to: looked at from inside, carried out by hand, judged at the bureau."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.lab

PREFIX = "10.77.9.0/28"
SITE = """\
site: lab-city
name: 试验市
bureau: 试验市数据局
region: "140800"
packs: [yuncheng-2021]
profiles: {{quick: {{base: fast, ports: [22, 80]}}}}
keys:
  - {{id: carrier, public: "{public}", zones: [mzj]}}
zones:
  - id: mzj
    name: 民政局办公网
    vantage: inside
    department: mzj
    by: bundle
    prefixes: [{prefix}]
    profile: quick
    authorisations:
      - {{document: 授权1号, approver: 分管领导, from: 2020-01-01, to: 2099-12-31}}
"""


KNOCK = "import socket; socket.create_connection(('10.77.9.3', 22), timeout=1)"


def run(namespace: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
    whole = ["ip", "netns", "exec", namespace, *map(str, command)]
    return subprocess.run(whole, capture_output=True, text=True, timeout=120, check=False)


def auditor(namespace: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(namespace, sys.executable, "-m", "auditor", *arguments)


@pytest.fixture
def office(netns: ModuleType) -> Iterator[str]:
    """The bureau's own network: not one link leads out of it."""
    name = "au" + secrets.token_hex(4) + "b"
    netns.run("ip", "netns", "add", name)
    netns.run("ip", "-n", name, "link", "set", "lo", "up")
    yield name
    netns.run("ip", "netns", "del", name)


def document(done: subprocess.CompletedProcess[str], status: int = 0) -> Any:
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def folder(at: Path, public: str) -> Path:
    asked = date.today() - timedelta(days=3)
    (at / "registers").mkdir(parents=True)
    (at / "site.yaml").write_text(SITE.format(public=public, prefix=PREFIX), encoding="utf-8")
    for name, rows in {
        "departments": "部门编号,部门名称,行政区划代码,政府层级\nmzj,市民政局,140800,市级\n",
        "systems": "所属部门,系统编号,系统名称,系统状态,IP地址\n市民政局,S-1,低保系统,在用,10.77.9.3\n",
        "submissions": f"所属部门,登记表,收到日期,是否零报告\n市民政局,信息系统,{asked},否\n",
    }.items():
        (at / "registers" / f"{name}.csv").write_text(rows, encoding="utf-8")
    return at


@pytest.mark.parametrize("sm2", [False, True], ids=["ed25519", "sm2-sm3"])
def test_the_whole_road(
    netns: ModuleType, network: Callable[..., Any], office: str, tmp_path: Path, sm2: bool
) -> None:
    hosts = [netns.Host("10.77.9.3", {22: "ssh", 80: "page:低保系统"}), netns.Host("10.77.9.5", {22: "ssh"})]
    net = network(PREFIX, hosts)
    there = net.scanner
    # Keys are made where they are used; only the public half leaves.
    key = tmp_path / "inside.key"
    more = ["--sm2"] if sm2 else []
    made = document(auditor(there, "bundle", "key", key, "--id", "carrier", "--zone", "mzj", "--json", *more))
    inside, bureau = (folder(tmp_path / name, made["public"]) for name in ("inside", "bureau"))

    # The bureau cannot reach it, and does not even try: the zone is another's to look at.
    assert run(office, sys.executable, "-c", KNOCK).returncode != 0
    refused = auditor(office, "probe", "--zone", "mzj", "--site", bureau)
    assert refused.returncode == 2 and "is looked at from inside" in refused.stderr
    assert net.met() == {}

    stick = tmp_path / "stick"
    stick.mkdir()
    signed = ("--bundle", stick / "mzj.bundle", "--key", f"file:{key}")
    probed = document(auditor(there, "probe", "--site", inside, "--zone", "mzj", "--json", *signed))
    (look,) = probed["looks"]
    assert look["complete"]
    sent = net.met()
    assert set(sent) >= {"10.77.9.3", "10.77.9.5"}

    # On the way somebody changes a byte of one copy.
    whole = (stick / "mzj.bundle").read_bytes()
    (stick / "changed.bundle").write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    files = sorted(stick.iterdir())
    told = document(auditor(office, "bundle", "import", "--json", "--site", bureau, *files), status=4)
    assert [(one["status"], one["reason"]) for one in told] == [("refused", "changed_byte"), ("taken", "")]
    assert Path(told[0]["quarantined"]).is_file()
    assert (told[1]["signed_by"], told[1]["id"]) == ("carrier", look["id"])

    audited = document(auditor(office, "audit", "--collected", "--json", "--site", bureau))
    assert audited
    seen = json.dumps(document(auditor(office, "assets", "--kind", "host", "--json", "--site", bureau)))
    assert "10.77.9.3" in seen and "10.77.9.5" in seen
    assert net.met() == sent, "from the bureau nothing was sent"

    # The same stick again: nothing new, nothing confirmed a second time.
    (again,) = document(auditor(office, "bundle", "import", "--json", "--site", bureau, stick / "mzj.bundle"))
    assert again["status"] == "already"
    (listed,) = document(auditor(office, "bundle", "list", "--json", "--site", bureau))
    assert (listed["id"], listed["state"]) == (look["id"], "newest")
