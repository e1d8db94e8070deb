"""What is known of one asset, and a person's word on which it is, as a person types it.

The network is looked at by a probe that already knows what is there: the real ones have tests of their own.
"""

from __future__ import annotations

import getpass
import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditor.ending import main
from auditor.ledger import Ledger
from auditor.lock import AuditLock
from inventories.model import Collection, Coverage, Fact, Observation, Strength
from probes.base import Context, Limit, Shard
from probes.scope import Permit
from probes.shards import shards_of
from reports.model import Written
from tests.auditor.ledgers import forbid_inserts, site_ledger
from tests.inventories.test_joining import UUID, machine, wire

if TYPE_CHECKING:
    from tests.auditor.conftest import City

RULE = "yuncheng-2021/migrate-to-cloud"


@dataclass
class Eyes:
    """Sees what it is told to see, and covers all of the zone."""

    seen: list[Observation] = field(default_factory=list)
    name: str = "nmap"

    def shards(self, permit: Permit) -> Sequence[Shard]:
        return shards_of(permit, self.name, "")

    def collect(self, shard: Shard, context: Context) -> Collection:
        at, zone = context.now(), context.permit.zone
        scope = tuple(str(network) for network in shard.targets)
        aspects = ("hosts", "ports", "services")
        return Collection(
            tuple(replace(observation, observed_at=at) for observation in self.seen),
            tuple(Coverage(self.name, zone.id, zone.vantage, a, scope, at, at, "tcp:18080") for a in aspects),
        )

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        return ()


def page(ip: str, title: str) -> Observation:
    """A web page at an address."""
    seen = wire(ip)
    strength = Strength.SEEN_OUTSIDE
    facts = (
        Fact("answers", True, strength, "18080/tcp open"),
        Fact("open_services", ("18080/tcp http Example",), strength, "18080/tcp http Example"),
        Fact("page_titles", (title,), strength, "18080/tcp"),
    )
    return replace(seen, source="nmap", facts=(*seen.facts, *facts))


@dataclass
class Town:
    """Two servers that answer; two systems and one server that a register names. Audited once."""

    city: City
    eyes: Eyes

    @property
    def net(self) -> str:
        return self.city.net

    def see(self, *seen: Observation) -> None:
        """From here on, this is what is there."""
        here = [tuple(replace(i, vantage="here") if i.vantage else i for i in o.identifiers) for o in seen]
        self.eyes.seen = [replace(o, identifiers=ids, zone="mzj") for o, ids in zip(seen, here, strict=True)]

    def usual(self) -> list[Observation]:
        return [page(f"{self.net}.3", "救助系统"), page(f"{self.net}.4", "查询")]

    def audit(self) -> None:
        assert main(["audit", "--json", "--site", str(self.city.root)]) == 0


@pytest.fixture
def town(city: City, monkeypatch: pytest.MonkeyPatch) -> Town:
    city.site(city.zone())
    city.registers(
        f"市民政局,MZ-1,救助系统,运行,自建机房,{city.net}.3",
        f"市民政局,MZ-2,救助系统（旧）,运行,自建机房,{city.net}.4",
    )
    city.register("hosts", "所属部门,资产编号,主机名称,IP地址", f"市民政局,ZC-1,网站服务器,{city.net}.3")
    made = Town(city, Eyes())
    monkeypatch.setattr("probes.registry.PROBES", {"nmap": lambda: made.eyes})
    # What an audit draws is other tests' concern, and takes a third of its time.
    monkeypatch.setattr("auditor.papers.write_papers", lambda *_: Written())
    made.see(*made.usual())
    made.audit()
    return made


class Told:
    """What commands say, in this process."""

    def __init__(self, town: Town, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys, self.err = town.city.root, capsys, ""

    def __call__(self, *words: str, status: int = 0) -> str:
        self.capsys.readouterr()
        assert main([*words, "--site", str(self.root)]) == status, self.capsys.readouterr().err
        captured = self.capsys.readouterr()
        self.err = captured.err
        return captured.out

    def json(self, *words: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self(*words, "--json"))
        return body

    def refused(self, *words: str) -> str:
        assert self(*words, status=2) == ""
        return self.err

    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self("findings", "--json", "--rule", RULE))
        return found

    def key(self, word: str) -> str:
        return str(self.json("asset", "show", word)["key"])


@pytest.fixture
def told(town: Town, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(town, capsys)


def test_an_asset_is_found_by_whatever_is_at_hand(told: Told, town: Town) -> None:
    host = told.key("ZC-1")
    assert host.startswith("h-")
    for word in (host, host[:8], "ｚｃ－１", f"ip:{town.net}.3@here", "网站服务器", "网站服"):
        assert told.key(word) == host, word
    assert told.key("救助系统") == told.key("mz-1") != told.key("MZ-2")
    assert told.key("（旧") == told.key("MZ-2")
    said = told.refused("asset", "show", "救助")
    assert "may be any of 2 assets" in said and told.key("MZ-1") in said and told.key("MZ-2") in said
    assert "信息系统" in said and "市民政局" in said
    assert told.key(f"{town.net}.4").startswith("h-")
    assert "no asset has the key, code, address or name '查无此物'" in told.refused("asset", "show", "查无此物")
    assert "no asset" in told.refused("asset", "show", " ")


def test_who_said_it_when_and_who_disagreed(told: Told, town: Town) -> None:
    body = told.json("asset", "show", "ZC-1")
    attributes = {a["column"]: a for a in body["attributes"]}
    ips = attributes["ips"]
    assert (ips["title"], ips["value"], ips["disagree"]) == ("IP地址", [f"{town.net}.3"], [])
    said = {s["source"]: s for s in ips["said"]}
    assert {s.partition("!")[0] for s in said} == {"nmap", "registers/hosts.csv"}
    assert said["nmap"]["strength"] == "seen_outside" and said["nmap"]["stands"]
    assert datetime.fromisoformat(said["nmap"]["observed_at"]).tzinfo is not None
    assert body["history"]["aliases"] == body["history"]["words"] == []
    assert body["history"]["first_seen"] == body["history"]["last_seen"] is not None
    (finding,) = [f for f in told.json("asset", "show", "MZ-1")["findings"] if f["rule"] == RULE]
    assert finding["state"] == "open"
    shown = told("asset", "show", "ZC-1")
    for words in ("主机 网站服务器", "IP地址", "registers/hosts.csv!", "外部可见", "采信", f"ip:{town.net}.3@here"):
        assert words in shown, words
    assert "救助系统" in told("asset", "show", "MZ-1") and "未整改" in told("asset", "show", "MZ-1")


def test_a_disagreement_is_told_with_both_sides(told: Told, town: Town) -> None:
    town.city.register(
        "hosts",
        "所属部门,资产编号,主机名称,IP地址,操作系统",
        f"市民政局,ZC-1,网站服务器,{town.net}.3,统信UOS",
    )
    inside = machine(f"{town.net}.3", macs=[1], uuid=UUID, os_name="银河麒麟", hostname="web1")
    town.see(*town.usual(), replace(inside, source="ssh"), page(f"{town.net}.3", "救助"))
    town.audit()
    os_name = next(a for a in told.json("asset", "show", "ZC-1")["attributes"] if a["column"] == "os_name")
    (row,) = os_name["disagree"]
    assert os_name["value"] == "银河麒麟" and row.startswith("registers/hosts.csv!")
    assert os_name["why"] == "以依据更强的来源为准"
    assert [(s["source"].partition("!")[0], s["stands"]) for s in os_name["said"]] == [
        ("ssh", True),
        ("registers/hosts.csv", False),
    ]
    shown = told("asset", "show", "ZC-1")
    assert "未采信" in shown and "以依据更强的来源为准" in shown and "内部核实" in shown
    assert told.key("web1") == told.key(UUID) == told.key("ZC-1")


def test_a_pin_is_kept_applied_and_taken_back(told: Told, town: Town) -> None:
    host, lone = told.key("ZC-1"), told.key(f"{town.net}.4")
    said = told.refused("asset", "pin", "ZC-1", f"{town.net}.4", "--reason", "同一台")
    assert f"'asset merge {host} {lone}'" in said
    assert "--reason is empty" in told.refused("asset", "pin", "ZC-1", f"{town.net}.5", "--reason", " ")
    assert "is no identifier" in told.refused("asset", "pin", "ZC-1", "什么", "--reason", "x")
    assert "identifies nothing" in told.refused("asset", "pin", "ZC-1", "mac:00:00:5e:00:01:01@here", "--reason", "x")
    assert "no vantage 'there'" in told.refused("asset", "pin", "ZC-1", "ip:10.0.0.1@there", "--reason", "x")
    assert "several vantages, or none" in told.refused("asset", "pin", "ZC-1", "10.0.0.1", "--reason", "x")

    word = told.json("asset", "pin", "ZC-1", f"{town.net}.5", "--reason", "机柜上的标签", "--by", "王工")
    assert (word["act"], word["key"], word["by"], word["reason"]) == ("pin", host, "王工", "机柜上的标签")
    assert {"identifier": f"ip:{town.net}.5@here", "before": None, "after": host} in word["pins"]
    assert "the next audit takes whatever has" in word["next_audit"]
    town.see(*town.usual(), page(f"{town.net}.5", "救助系统"))
    town.audit()
    assert told.key(f"{town.net}.5") == host
    assert told.json("asset", "show", host)["values"]["ips"] == [f"{town.net}.3", f"{town.net}.5"]
    shown = told("asset", "show", host)
    assert "机柜上的标签" in shown and "王工" in shown and "人工指定" in shown

    undone = told.json("asset", "pin", "ZC-1", f"{town.net}.5", "--reason", "看错了", "--undo")
    assert (undone["undoes"], undone["by"]) == (word["word"], getpass.getuser())
    assert "nobody said just this" in told.refused("asset", "pin", "ZC-1", f"{town.net}.5", "--reason", "x", "--undo")
    history = told.json("asset", "show", host)["history"]
    assert history["pins"] == []
    assert [(w["word"], w["undone_by"]) for w in history["words"]] == [(1, 2), (2, None)]
    town.audit()
    assert told.key(f"{town.net}.3") == host


def test_two_systems_that_are_one_and_two_again(told: Told, town: Town) -> None:
    one, other = told.key("MZ-1"), told.key("MZ-2")
    before = {f["asset_key"]: f["id"] for f in told.findings()}
    assert set(before) == {one, other}
    assert "a department is who" in told.refused("asset", "merge", "mzj", "MZ-1", "--reason", "x")
    assert "only things of one kind" in told.refused("asset", "merge", "ZC-1", "MZ-1", "--reason", "x")

    word = told.json("asset", "merge", "MZ-1", "MZ-2", "--reason", "旧系统已并入", "--by", "王工")
    assert (word["key"], word["other"]) == (one, other)
    assert "the older goes on and takes the other in" in word["next_audit"]
    assert before[other] in word["findings"]
    # The findings are one at once; the inventory follows with the next audit.
    assert {f["asset_key"] for f in told.findings()} == {one}
    assert told.key(other) == one
    town.audit()
    (finding,) = told.findings()
    assert finding["asset_key"] == one
    assert told.json("asset", "show", "MZ-2")["history"]["aliases"] == [other]
    assert f"both are {one} already" in told.refused("asset", "merge", one, other, "--reason", "x")

    told("asset", "merge", "MZ-1", other, "--reason", "仍在运行", "--undo")
    town.audit()
    assert {told.key("MZ-1"), told.key("MZ-2")} == {one, other}
    assert {f["asset_key"] for f in told.findings()} == {one, other}


def test_one_host_that_is_two(told: Told, town: Town) -> None:
    host = told.key("ZC-1")
    said = told.refused("asset", "split", "ZC-1", f"{town.net}.4", "--reason", "x")
    assert f"not {host}'s" in said
    assert "nothing would tell the rest" in told.refused(
        "asset", "split", "ZC-1", f"{town.net}.3", "host-code:ZC-1", "--reason", "x"
    )
    word = told.json("asset", "split", "ZC-1", f"{town.net}.3", "--reason", "地址登记有误")
    new = word["other"]
    assert {p["after"] for p in word["pins"]} == {host, new}
    assert told.json("asset", "show", new)["in_snapshot"] is False
    assert "最近一次检查未见" in told("asset", "show", new)
    town.audit()
    assert told.json("asset", "show", "ZC-1")["key"] == host
    assert told.key(new) == new
    assert told.json("asset", "show", new)["collectors"] == ["nmap"]
    told("asset", "split", "ZC-1", f"{town.net}.3", "--reason", "地址无误", "--undo")
    town.audit()
    assert told.key("ZC-1") == told.key(new) == host
    assert told.json("asset", "show", host)["history"]["aliases"] == [new]


def test_the_page_shows_what_the_command_prints(told: Told, town: Town) -> None:
    """The rows of docs/identity.md, but for the address of the day, the key and the time."""
    town.city.register(
        "hosts", "所属部门,资产编号,主机名称,IP地址,操作系统", f"市民政局,ZC-1,网站服务器,{town.net}.3,CentOS 7"
    )
    inside = machine(f"{town.net}.3", macs=[1], uuid=UUID, os_name="openEuler 22.03", hostname="web1")
    town.see(*town.usual(), replace(inside, source="ssh", collector="ssh"))
    town.audit()
    told("asset", "pin", "ZC-1", f"{town.net}.5", "--reason", "机柜标签", "--by", "王工")
    page = (Path(__file__).parents[2] / "docs" / "identity.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```text\n(.*?)^```", page, re.M | re.S)
    printed = {_plain(line, town.net) for line in told("asset", "show", "ZC-1").splitlines()}
    for line in example.splitlines():
        assert _plain(line, "10.1.0") in printed, line


def _plain(line: str, net: str) -> str:
    line = re.sub(r"h-[a-z2-7]{12}", "KEY", line.replace(f"{net}.", "NET."))
    return " ".join(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", line).split())


def test_wrong_words_are_refused_and_change_nothing(told: Told, town: Town) -> None:
    host, lone = told.key("ZC-1"), told.key(f"{town.net}.4")
    with Ledger.open(site_ledger(town.city.root)) as opened:
        before = opened.key_map()
    for words in (
        ("pin", "查无此物", f"{town.net}.5"),
        ("merge", host, "查无此物"),
        ("merge", "查无此物", host),
        ("split", "查无此物", f"{town.net}.3"),
    ):
        assert "no asset has the key, code, address or name '查无此物'" in told.refused(
            "asset", *words, "--reason", "x"
        )
    said = told.refused("asset", "merge", "救助", lone, "--reason", "x")
    assert "may be any of 2 assets: name one by its key" in said and told.key("MZ-1") in said
    # One letter begins every host's key: too little to mean one, and no name.
    assert "no asset has" in told.refused("asset", "show", "h-")
    # What was not joined cannot be split, and a thing is not merged with itself.
    assert f"ip:{town.net}.4@here is {lone}'s, not {host}'s" in told.refused(
        "asset", "split", host, f"{town.net}.4", "--reason", "x"
    )
    assert f"ip:{town.net}.9@here is nobody's, not {host}'s" in told.refused(
        "asset", "split", host, f"{town.net}.9", "--reason", "x"
    )
    assert f"both are {host} already" in told.refused("asset", "merge", host, "ZC-1", "--reason", "x")
    assert "nobody said just this" in told.refused("asset", "split", host, f"{town.net}.3", "--reason", "x", "--undo")
    assert "nobody said just this" in told.refused("asset", "merge", host, lone, "--reason", "x", "--undo")
    too_long = told("asset", "pin", host, f"{town.net}.5", "--reason", "因" * 501, status=3)
    assert too_long == "" and "501 characters long, and may have 500" in told.err
    with Ledger.open(site_ledger(town.city.root)) as opened:
        assert opened.key_map() == before
        assert opened.words() == []


def test_without_its_arguments_a_command_says_what_it_wants(told: Told) -> None:
    for words in (("pin", "ZC-1"), ("merge", "ZC-1", "--reason", "x"), ("split", "ZC-1", "--reason", "x")):
        assert "Missing argument" in told.refused("asset", *words) or "Missing option" in told.err
    assert "Missing option '--reason'" in told.refused("asset", "merge", "MZ-1", "MZ-2")


def test_before_the_first_audit_there_is_nothing_to_speak_of(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    city.site(city.zone())
    city.registers()
    for words in (("show", "x"), ("pin", "x", "10.0.0.1", "--reason", "x"), ("merge", "x", "y", "--reason", "x")):
        assert main(["asset", *words, "--site", str(city.root)]) == 2
        assert "nothing was audited yet" in capsys.readouterr().err


def test_words_that_contradict_each_other_the_latest_holds_and_all_are_kept(told: Told, town: Town) -> None:
    """First a card is the web server's, then somebody looks again and says that it is another machine's."""
    host, new = told.key("ZC-1"), f"{town.net}.5"
    told("asset", "pin", host, new, "--reason", "机柜标签", "--by", "王工")
    town.see(*town.usual(), page(new, "救助系统"))
    town.audit()
    assert told.key(new) == host
    word = told.json("asset", "split", host, new, "--reason", "实为另一台", "--by", "李工")
    town.audit()
    assert told.key(new) == word["other"] != host
    with Ledger.open(site_ledger(town.city.root)) as opened:
        kept = opened.words()
    assert [(w.act.value, w.by, w.reason, w.key, w.holds) for w in kept] == [
        ("pin", "王工", "机柜标签", host, True),
        ("split", "李工", "实为另一台", host, True),
    ]
    assert all(w.at.tzinfo is not None for w in kept)
    # The earlier word cannot be taken back from under the later one.
    said = told.refused("asset", "pin", host, new, "--reason", "x", "--undo")
    assert f"a later word says otherwise about ip:{new}@here: take that back first" in said
    history = told.json("asset", "show", host)["history"]
    assert [(w["act"], w["by"], w["reason"]) for w in history["words"]] == [
        ("pin", "王工", "机柜标签"),
        ("split", "李工", "实为另一台"),
    ]
    shown = told("asset", "show", word["other"])
    assert "李工" in shown and "实为另一台" in shown and "王工" not in shown


def test_two_hosts_of_two_zones_may_be_one_and_the_person_is_told(city: City, monkeypatch: Any, capsys: Any) -> None:
    """A server with a leg in each: no scan can see that, and a person may know it."""
    other = city.zone("jtj", f"{city.net}.16/28").replace("department: mzj", "department: jtj")
    city.site(city.zone() + other.replace("name: 民政局", "name: 交通局"))
    city.registers()
    city.register(
        "departments",
        "部门编号,部门名称,行政区划代码,政府层级",
        "mzj,市民政局,140800,市级",
        "jtj,市交通局,140800,市级",
    )
    town = Town(city, Eyes())
    monkeypatch.setattr("probes.registry.PROBES", {"nmap": lambda: town.eyes})
    town.see(page(f"{city.net}.3", "一"), page(f"{city.net}.20", "二"))
    town.eyes.seen = [replace(o, zone=zone) for o, zone in zip(town.eyes.seen, ("mzj", "jtj"), strict=True)]
    town.audit()
    told = Told(town, capsys)
    keep, gone = told.key(f"{city.net}.3"), told.key(f"{city.net}.20")
    assert keep != gone
    word = told.json("asset", "merge", keep, gone, "--reason", "双网卡，机柜核实", "--by", "王工")
    assert "seen in different zones (mzj; jtj)" in word["next_audit"]
    assert "mzj has the one and jtj the other" in word["next_audit"]
    town.audit()
    body = told.json("asset", "show", gone)
    assert body["key"] == keep and body["history"]["aliases"] == [gone]
    # Whose it is stays open: nobody is accused of it.
    assert body["values"].get("department_id") is None and body["values"].get("zone") is None
    owner = next(a for a in body["attributes"] if a["column"] == "department_id")
    assert owner["value"] is None and {s["value"] for s in owner["said"]} == {"mzj", "jtj"}


def test_two_who_speak_at_once_are_both_heard_or_told_to_wait(told: Told, town: Town) -> None:
    """Two processes: whoever comes second is refused, and nothing of either is half kept."""
    commands = [
        town.city.command("asset", "pin", "ZC-1", f"{town.net}.{n}", "--reason", f"标签{n}", "--by", f"工{n}")
        for n in (5, 6, 7)
    ]
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
    ended = [(process.communicate(timeout=120), process.returncode) for process in running]
    with Ledger.open(site_ledger(town.city.root)) as opened:
        words, pins = opened.words(), opened.key_map().pins
    assert {code for _said, code in ended} <= {0, 2}
    assert len(words) == [code for _said, code in ended].count(0) >= 1
    for ((_out, err), code), number in zip(ended, (5, 6, 7), strict=True):
        is_pinned = any(identifier.value == f"{town.net}.{number}" for _kind, identifier in pins)
        assert is_pinned == (code == 0) == any(word.by == f"工{number}" for word in words)
        assert code == 0 or "is running" in err, err


def test_nobody_speaks_while_an_audit_runs_and_no_word_is_half_kept(told: Told, town: Town) -> None:
    ledger = site_ledger(town.city.root)
    with AuditLock(town.city.root / "state" / "lock", command="auditor audit", now=datetime.now().astimezone()):
        said = told.refused("asset", "pin", "ZC-1", f"{town.net}.5", "--reason", "x")
        assert "another audit is running" in said
        assert told.key("ZC-1")
    with Ledger.open(ledger) as opened:
        before = opened.key_map()
    forbid_inserts(ledger, "identity_words")
    told("asset", "pin", "ZC-1", f"{town.net}.5", "--reason", "x", status=3)
    with Ledger.open(ledger) as opened:
        assert opened.key_map() == before
        assert opened.words() == []
