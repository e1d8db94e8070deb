"""Audits of what was brought home: each look is judged once, dated by when it was seen, and stands until it is old.

One real look is made by ``auditor probe``; the later ones are the same, moved in time and changed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from auditor import looks
from auditor.errors import Exit, Refused
from auditor.ledger.records import FindingRow
from auditor.ledger.store import Ledger
from auditor.pipeline import Audited, audit
from auditor.running import Request
from auditor.site import Site, load_site
from inventories.bundle import BundleError
from inventories.model import Collection
from inventories.snapshot import Snapshot
from tests.auditor.conftest import City, Listener

OWN = "市民政局,MZ-1,救助系统,运行,自建机房,{net}.3"
TITLE = "没有登记的系统"
DAY = timedelta(days=1)


@dataclass
class Town:
    """A site of one zone that is looked at by looks, and the first look of it."""

    city: City
    first: Collection
    seen: datetime

    @property
    def site(self) -> Site:
        return load_site(self.city.root)

    def look(self, at: datetime, *, without: str = "", zone: str = "mzj", failed: bool = False) -> looks.Look:
        """The first look again, as if it had been made at ``at``; perhaps with an address that fell silent."""
        site, moved = self.site, at - self.seen

        def gone(value: str) -> bool:
            return bool(without) and value in (without, f"{without}/32")

        found = Collection(
            tuple(
                replace(o, observed_at=o.observed_at + moved)
                for o in self.first.observations
                if not any(gone(i.value.split("/")[0]) for i in o.identifiers)
            ),
            tuple(
                replace(c, started_at=c.started_at + moved, ended_at=c.ended_at + moved)
                for c in self.first.coverage
                if not failed
            ),
            tuple(replace(f, at=f.at + moved) for f in self.first.failures),
        )
        head = looks.head(
            site.id, site.places.zones[zone], ["nmap", "endpoints"], seen=(at - timedelta(minutes=1), at), at=at
        )
        return looks.save(site, head, found)

    def judge(self, now: datetime, **more: object) -> Audited:
        return audit(self.site, Request(collected=True, **more), clock=lambda: now)  # type: ignore[arg-type]

    def findings(self) -> dict[str, FindingRow]:
        with Ledger.open(self.site.state / "ledger.sqlite") as ledger:
            return {f"{row.rule.split('/')[1]} {row.asset_name}": row for row in ledger.findings()}

    def lead(self) -> FindingRow:
        """The finding that rests on sight alone: a service that no register names."""
        (row,) = [row for name, row in self.findings().items() if name.endswith(TITLE)]
        return row


SCHEDULED = "schedule: {judge: '30 6 * * *'}\n"


@dataclass
class Street:
    """Two servers that answer as long as this module's tests run, and what one real look saw of them."""

    net: str
    listeners: list[Listener]
    seen: datetime
    first: Collection


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, worker_id: str, hasty_probes: Path) -> Iterator[Street]:
    worker = 100 + (int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0)
    city = City(tmp_path_factory.mktemp("street"), f"127.{worker}.252")
    try:
        _furnish(city)
        city.listen(3, "救助系统")
        city.listen(5, TITLE)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("NMAPDIR", str(hasty_probes))
            done = city.run("probe", "--json")
        assert done.returncode == 0, done.stderr
        (told,) = json.loads(done.stdout)["looks"]
        (look,) = looks.kept(load_site(city.root), ["mzj"])
        assert (told["id"], told["file"], told["complete"]) == (look.id, str(look.path), True)
        yield Street(city.net, city.listeners, look.seen_until, look.collection())
    finally:
        for listener in city.listeners:
            listener.close()


def _furnish(city: City) -> None:
    city.site(city.zone(more="    valid_days: 30\n"), more=SCHEDULED)
    city.registers(OWN.format(net=city.net))


@pytest.fixture
def town(street: Street, tmp_path: Path, hasty_probes: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A new site on that street, to which the look was brought."""
    monkeypatch.setenv("NMAPDIR", str(hasty_probes))
    town = Town(City(tmp_path, street.net, street.listeners), street.first, street.seen)
    _furnish(town.city)
    town.look(town.seen)
    return town


def test_what_was_collected_is_judged_as_an_audit_would(town: Town) -> None:
    collected = town.judge(town.seen + timedelta(hours=1))
    assert collected.status is Exit.DONE
    there = town.findings()
    shutil.rmtree(town.site.state)
    direct = town.city.audit()
    assert direct["exit"] == 0
    assert {f["id"] for f in direct["findings"]} == {row.id for row in there.values()}
    assert {f"{f['rule'].split('/')[1]} {f['asset_name']}" for f in direct["findings"]} == set(there)


def test_nothing_is_probed_and_leave_to_probe_is_not_asked_for(town: Town) -> None:
    calls = [listener.calls for listener in town.city.listeners]
    town.city.site(town.city.zone(to="2020-12-31"))
    town.site.stop_file.touch()
    assert town.judge(town.seen + DAY).status is Exit.DONE
    assert [listener.calls for listener in town.city.listeners] == calls


def test_findings_are_dated_by_when_they_were_seen(town: Town) -> None:
    """Three weeks on the road: the evidence is as old as it is."""
    now = town.seen + 21 * DAY
    town.judge(now)
    lead = town.lead()
    assert lead.opened_at == now
    assert lead.last_confirmed_at <= town.seen


def test_a_look_is_judged_once_and_stands_until_there_is_a_newer_one(town: Town) -> None:
    town.judge(town.seen + timedelta(hours=1))
    before = town.lead()
    again = town.judge(town.seen + DAY)
    assert again.looked.carried == {("mzj", "nmap"), ("mzj", "endpoints")}
    assert again.looked.left_out == {"mzj"}
    assert town.lead().last_confirmed_at == before.last_confirmed_at
    assert town.lead().state == "open"
    # The zone is whole in the snapshot of that day all the same.
    hosts = [a for a in Snapshot(town.site.snapshots / again.view.snapshot).assets() if a.kind == "host"]
    assert len(hosts) == 2


def test_one_silence_counts_once_however_often_it_is_judged(town: Town) -> None:
    """Two absences resolve a finding: they must be two looks, not two judgements of one."""
    town.judge(town.seen + timedelta(hours=1))
    town.look(town.seen + DAY, without=f"{town.city.net}.5")
    for hours in (1, 2, 3, 30):
        town.judge(town.seen + DAY + timedelta(hours=hours))
        assert town.lead().state != "resolved", hours
    assert town.lead().life.absences == 1
    town.look(town.seen + 3 * DAY, without=f"{town.city.net}.5")
    town.judge(town.seen + 3 * DAY + timedelta(hours=1))
    assert town.lead().state == "resolved"


def test_an_older_look_that_comes_late_undoes_nothing(town: Town) -> None:
    """Seen before, brought after: neither does it bring a finding back, nor close one."""
    town.judge(town.seen + timedelta(hours=1))
    gone = f"{town.city.net}.5"
    for day in (4, 6):
        town.look(town.seen + day * DAY, without=gone)
        town.judge(town.seen + day * DAY + timedelta(hours=1))
    closed = town.lead()
    assert closed.state == "resolved"
    town.look(town.seen + 2 * DAY)
    late = town.judge(town.seen + 7 * DAY)
    assert late.changes.reopened == late.changes.new == 0
    assert town.lead() == closed


def test_a_look_older_than_an_audit_s_own_is_passed_over(town: Town) -> None:
    """The zone was audited directly since, by an installation that keeps no looks."""
    city = town.city
    shutil.rmtree(town.site.state / "looks")
    city.site(city.zone(prefix=f"{city.net}.0/30"))
    direct = city.audit()
    _furnish(city)
    assert TITLE not in {f["asset_name"] for f in direct["findings"]}
    town.look(town.seen)
    done = town.judge(town.seen + DAY)
    assert done.looked.left_out == {"mzj"}
    assert done.changes.new == 0
    assert not any(name.endswith(TITLE) for name in town.findings())


def test_too_old_a_look_leaves_the_zone_uncovered_and_says_so(town: Town) -> None:
    town.judge(town.seen + timedelta(hours=1))
    late = town.judge(town.seen + 31 * DAY)
    assert late.status is Exit.PARTIAL
    assert {probe.problems for probe in late.view.probes} == {("期限内没有收到探测结果",)}
    assert town.lead().state == "stale"
    assert late.changes.resolved == 0


def test_a_zone_that_was_never_seen_is_uncovered_and_nobody_is_accused(city: City) -> None:
    city.site(city.zone())
    city.registers()
    done = city.audit("--collected")
    assert done["exit"] == 4
    assert done["findings"] == []
    assert {row["covered_ratio"] for row in done["zones"]} <= {0, None}


def test_a_failed_look_is_the_newest_look(town: Town) -> None:
    """What failed last night must not be hidden behind what was seen the night before."""
    town.judge(town.seen + timedelta(hours=1))
    town.look(town.seen + DAY, without=f"{town.city.net}.5", failed=True)
    town.judge(town.seen + DAY + timedelta(hours=1))
    assert town.lead().state == "stale"
    assert town.lead().life.absences == 0


def test_what_is_excluded_today_is_in_no_snapshot_however_it_was_seen(town: Town) -> None:
    fragile = f"    fragile: [{{prefix: {town.city.net}.5/32, reason: 老旧设备}}]\n    valid_days: 30\n"
    town.city.site(town.city.zone(more=fragile), more=SCHEDULED)
    done = town.judge(town.seen + DAY)
    assets = Snapshot(town.site.snapshots / done.view.snapshot).assets()
    addresses = {i.value for asset in assets for i in asset.identifiers if i.scheme == "ip"}
    assert addresses == {f"{town.city.net}.3"}


def test_a_classified_system_s_address_in_a_look_is_left_out(town: Town) -> None:
    town.city.register(
        "systems",
        "所属部门,系统编号,系统名称,系统状态,部署位置,IP地址,是否涉密",
        OWN.format(net=town.city.net) + ",否",
        f"市民政局,MZ-9,甲系统,运行,自建机房,{town.city.net}.5,是",
    )
    done = town.judge(town.seen + DAY)
    text = (town.site.snapshots / done.view.snapshot / "collection.json").read_text(encoding="utf-8")
    assets = Snapshot(town.site.snapshots / done.view.snapshot).assets()
    assert not any(f"{town.city.net}.5" in str(i) for asset in assets for i in asset.identifiers)
    assert TITLE not in text
    assert not any(name.endswith(TITLE) for name in town.findings())


def test_an_audit_s_own_look_is_kept_for_the_next_judgement(town: Town) -> None:
    shutil.rmtree(town.site.state / "looks")
    direct = town.city.audit()
    (look,) = looks.kept(town.site, ["mzj"])
    done = town.judge(look.seen_until + timedelta(hours=1))
    assert done.looked.carried >= {("mzj", "nmap"), ("mzj", "endpoints")}
    assert (done.changes.new, done.changes.resolved) == (0, 0)
    assert {row.id for row in town.findings().values()} == {f["id"] for f in direct["findings"]}


def test_a_zone_carried_by_hand_is_not_probed_by_an_audit(town: Town) -> None:
    calls = [listener.calls for listener in town.city.listeners]
    town.city.site(town.city.zone(more="    by: bundle\n    valid_days: 30\n"))
    done = town.city.audit()
    assert done["exit"] == 0
    assert {f["asset_name"] for f in done["findings"]} >= {TITLE}
    refused = town.city.run("probe", "--zone", "mzj")
    assert refused.returncode == 2
    assert "brought here as a bundle" in refused.stderr
    one_probe = town.city.audit("--probe", "nmap")
    assert one_probe["left_out"] == ["mzj"]
    assert [listener.calls for listener in town.city.listeners] == calls


def test_a_damaged_look_is_a_failure_and_no_absence(town: Town) -> None:
    (look,) = looks.kept(town.site, ["mzj"])
    data = bytearray(look.path.read_bytes())
    data[-20] ^= 1
    look.path.write_bytes(data)
    (damaged,) = looks.kept(town.site, ["mzj"])
    with pytest.raises(BundleError):
        damaged.collection()
    done = town.city.run("audit", "--collected")
    assert done.returncode == 3
    assert "a kept look cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("more", [("--probe", "nmap"), ("--resume",)])
def test_collected_goes_with_neither_a_probe_nor_a_resumption(town: Town, more: tuple[str, ...]) -> None:
    done = town.city.run("audit", "--collected", *more)
    assert done.returncode == 2
    assert "goes with neither" in done.stderr


def test_the_snapshot_of_a_collected_audit_replays(town: Town) -> None:
    town.judge(town.seen + DAY)
    replay = json.loads(town.city.run("snapshot", "replay", "--json").stdout)
    assert replay["same"]


def test_a_stopped_look_goes_on_and_keeps_nothing_half_done(town: Town) -> None:
    shutil.rmtree(town.site.state / "looks")
    town.site.stop_file.touch()
    refused = town.city.run("probe")
    assert refused.returncode == 2
    assert "all probing of this site is stopped" in refused.stderr
    assert looks.kept(town.site, ["mzj"]) == ()


def test_looks_are_their_owners_only(town: Town) -> None:
    for path in (town.site.state).rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_bundle_is_refused_before_a_packet_is_sent(town: Town, tmp_path: Path) -> None:
    calls = [listener.calls for listener in town.city.listeners]
    to = str(tmp_path / "mzj.bundle")
    for arguments, said in (
        (("--bundle", to), "add --key"),
        (("--bundle", to, "--key", "file:/nowhere"), "name it with --zone"),
        (("--zone", "mzj", "--bundle", to, "--key", "file:/nowhere"), "--key:"),
        (("--zone", "mzj", "--bundle", to, "--key", "hunter2"), "is no reference"),
        (("--key", "file:/nowhere"), "--bundle"),
    ):
        done = town.city.run("probe", *arguments)
        assert done.returncode == 2, arguments
        assert said in done.stderr
        assert "hunter2" not in done.stderr
    assert [listener.calls for listener in town.city.listeners] == calls
    assert not Path(to).exists()


def test_zones_of_others_are_unknown(town: Town) -> None:
    with pytest.raises(Refused, match="unknown zone"):
        town.judge(town.seen + DAY, zones=("elsewhere",))
