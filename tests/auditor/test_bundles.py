"""Bundles at the bureau: taken in whole, dated by when they were seen, or refused, named and put aside."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import bundle_records, bundles, looks
from auditor.bundles import Outcome, take_in, verify
from auditor.commands import bundles as commands
from auditor.errors import Failed, Refused
from auditor.site import Site, load_site
from auditor.site_trust import signer
from inventories.bundle import Head, pack
from inventories.faults import Faults
from inventories.model import Collection, Coverage, Fact, Failure, Identifier, Observation, Strength
from inventories.signing import KeySigner, NewKey, load_signer, new_key
from probes.secrets import Secret, SecretMissing
from tests.auditor.commands import typed

#: 22:30 in Shanghai.
SEEN = datetime(2026, 11, 1, 14, 30, tzinfo=UTC)
NOW = SEEN + timedelta(days=3)


@dataclass
class Bureau:
    """A site that trusts keys, and the hands that carry files to it."""

    root: Path
    keys: dict[str, NewKey]

    @property
    def site(self) -> Site:
        return load_site(self.root)

    @property
    def state(self) -> Path:
        return self.root / "state"

    def signer(self, name: str = "carrier") -> KeySigner:
        return load_signer(self.keys[name].private)

    def write(self, *, more: str = "", zones: str = "[mzj]", until: str = "2026-12-31", window: str = "") -> None:
        carrier = self.keys["carrier"].public
        text = f"""\
site: city
name: 测试市
bureau: 测试市数据局
region: "140800"
packs: [yuncheng-2021]
keys:
  - {{id: carrier, public: "{carrier}", zones: {zones}{more}}}
  - {{id: other, public: "{self.keys["other"].public}", zones: [jtj]}}
zones:
  - id: mzj
    name: 民政局
    vantage: stick
    department: mzj
    by: bundle
    prefixes: [10.1.0.0/24]
    authorisations:
      - {{document: 授权1号, approver: 分管领导, from: 2026-10-01, to: {until}{window}}}
    freeze: [{{from: 2026-10-10, to: 2026-10-12}}]
  - id: jtj
    name: 交通局
    vantage: stick
    department: jtj
    prefixes: [10.2.0.0/24]
    authorisations:
      - {{document: 授权2号, approver: 分管领导, from: 2026-10-01, to: 2026-12-31, prefixes: [10.2.0.0/25]}}
"""
        (self.root / "site.yaml").write_text(text, encoding="utf-8")

    def file(
        self,
        name: str = "mzj.bundle",
        *,
        key: str | None = "carrier",
        at: datetime = SEEN,
        content: Sequence[Collection] | None = None,
        **head: Any,
    ) -> Path:
        path = self.root / name
        path.write_bytes(self.bundle(key=key, at=at, content=content, **head))
        return path

    def bundle(
        self,
        *,
        key: str | None = "carrier",
        at: datetime = SEEN,
        content: Sequence[Collection] | None = None,
        **head: Any,
    ) -> bytes:
        given = {"id": f"{max(0, int(at.timestamp())):032x}", "zone": "mzj", "probes": ("nmap",)} | head
        whole = Head(
            **{
                "kind": "offline",
                "site": "city",
                "vantage": "stick",
                "seen_from": at,
                "seen_until": at + timedelta(hours=1),
                "made_at": at + timedelta(hours=2),
                "program": "0.1.0",
                **given,
            }
        )
        sign = self.signer(key) if key else None
        return pack(whole, [collection(at)] if content is None else content, sign)

    def take(self, *files: Path, now: datetime = NOW) -> list[Outcome]:
        return [take_in(self.site, file, now=now) for file in files]

    def refused(self, file: Path, now: datetime = NOW) -> str:
        """Why it was refused; nothing was kept but in quarantine."""
        before = self.looks()
        told = verify(self.site, file, now=now)
        (outcome,) = self.take(file, now=now)
        assert outcome.is_refused and (told.status, told.reason) == (outcome.status, outcome.reason)
        assert self.looks() == before and bundle_records.records(self.site) == []
        assert list((self.state / "bundles" / "incoming").glob("*")) == []
        return outcome.reason

    def looks(self) -> list[str]:
        return sorted(path.name for path in (self.state / "looks").rglob("*.bundle"))

    def shelf(self) -> list[str]:
        return sorted(path.name for path in (self.state / "quarantine").glob("*"))

    def run(self, *arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        words = ["bundle", *map(str, arguments), "--site", str(self.root)]
        if not more:
            return typed(*words)
        command = [sys.executable, "-m", "auditor", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def seen(address: str = "10.1.0.7", at: datetime = SEEN, zone: str = "mzj") -> Observation:
    fact = Fact("answers", True, Strength.SEEN_OUTSIDE, "开放端口")
    return Observation("host", "nmap", "nmap", at, (Identifier("ip", address, "stick"),), (fact,), zone)


def collection(at: datetime = SEEN) -> Collection:
    covered = Coverage("nmap", "mzj", "stick", "hosts", ("10.1.0.0/25",), at, at + timedelta(minutes=5))
    failed = Failure("nmap", "mzj", ("10.1.0.128/25",), "timed_out", "超时", at + timedelta(minutes=6))
    return Collection((seen(at=at),), (covered,), (failed,))


@pytest.fixture(autouse=True)
def _owners_only() -> Iterator[None]:
    """As every command has it."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    made = Bureau(tmp_path, {name: new_key(name) for name in ("carrier", "other", "stranger")})
    made.write()
    return made


# --- taken in -----------------------------------------------------------------------------------------------


def test_a_good_bundle_becomes_the_newest_look_dated_by_when_it_was_seen(bureau: Bureau) -> None:
    file = bureau.file()
    assert verify(bureau.site, file, now=NOW).status == "good"
    assert not bureau.state.exists()
    (outcome,) = bureau.take(file)
    assert (outcome.status, outcome.message) == ("taken", "")
    assert outcome.examined is not None and outcome.examined.bundle.signed_by == "carrier"
    (look,) = looks.kept(bureau.site, ["mzj"])
    assert look.seen_until == SEEN + timedelta(hours=1) and look.collection() == collection()
    assert look.path.read_bytes() == file.read_bytes()
    (record,) = bundle_records.records(bureau.site)
    assert (record.zone, record.signed_by, record.observations) == ("mzj", "carrier", 1)
    for path in bureau.state.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_twice_changes_nothing(bureau: Bureau) -> None:
    file = bureau.file()
    bureau.take(file)
    before = {path: path.stat().st_mtime_ns for path in bureau.state.rglob("*") if path.is_file()}
    (again,) = bureau.take(file, now=NOW + timedelta(days=1))
    assert again.status == "already" and again.imported_at == NOW.isoformat(timespec="seconds")
    assert {path: path.stat().st_mtime_ns for path in bureau.state.rglob("*") if path.is_file()} == before
    done = bureau.run("import", file, file)
    assert done.returncode == 0 and done.stdout.count("nothing changed") == 2


def test_one_that_was_thinned_out_does_not_come_back(bureau: Bureau) -> None:
    file = bureau.file()
    bureau.take(file)
    (look,) = looks.kept(bureau.site, ["mzj"])
    look.path.unlink()
    assert bureau.take(file)[0].status == "already" and bureau.looks() == []


def test_out_of_order_the_newest_stays_the_newest(bureau: Bureau) -> None:
    times = [SEEN + timedelta(days=day) for day in (0, 1, 2)]
    files = [bureau.file(f"{i}.bundle", at=at) for i, at in enumerate(times)]
    told = [bureau.take(files[i])[0].status for i in (1, 0, 2)]
    assert told == ["taken", "history", "taken"]
    newest = looks.newest(looks.kept(bureau.site, ["mzj"]))
    assert newest["mzj", "nmap"].seen_until == times[2] + timedelta(hours=1)


def test_what_is_old_for_one_probe_may_be_new_for_another(bureau: Bureau) -> None:
    both = bureau.file("both", probes=("nmap", "ssh"))
    later = bureau.file("later", at=SEEN + timedelta(days=1))
    first, second = bureau.take(later, both)
    assert (first.status, second.status) == ("taken", "taken")
    assert second.message == "a newer look is there for nmap"


def test_after_weeks_it_is_dated_by_when_it_was_seen(bureau: Bureau) -> None:
    file = bureau.file()
    (outcome,) = bureau.take(file, now=SEEN + timedelta(days=45))
    assert outcome.status == "taken" and outcome.examined is not None
    assert outcome.examined.notes == ("seen 44 days ago: it stands for its zone for 8 days only (valid_days)",)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([0, 1, 2, 3, 0, 2]))
def test_in_whatever_order_and_however_often_the_same_stands_in_the_end(
    bureau: Bureau, tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    fresh = Bureau(tmp_path_factory.mktemp("site"), bureau.keys)
    fresh.write()
    files = [fresh.file(f"{i}", at=SEEN + timedelta(hours=3 * i)) for i in range(4)]
    assert not any(outcome.is_refused for outcome in fresh.take(*(files[i] for i in order)))
    assert len(fresh.looks()) == 4
    newest = looks.newest(looks.kept(fresh.site, ["mzj"]))
    assert newest["mzj", "nmap"].id == f"{int((SEEN + timedelta(hours=9)).timestamp()):032x}"


# --- refused ------------------------------------------------------------------------------------------------


def test_wrong_keys_are_refused(bureau: Bureau) -> None:
    assert bureau.refused(bureau.file(key="stranger")) == "unknown_key"
    assert bureau.refused(bureau.file(key="other")) == "wrong_zone"
    assert bureau.refused(bureau.file(key=None)) == "unsigned"
    impostor = new_key("carrier")
    bureau.keys["impostor"] = impostor
    assert bureau.refused(bureau.file(key="impostor")) == "bad_signature"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (", revoked: 2026-11-04", "revoked_key"),
        (", from: 2026-11-05", "key_not_yet"),
        (", to: 2026-11-03", "expired_key"),
        (", from: 2026-11-04, to: 2026-11-04", ""),
        (", revoked: 2026-11-05", ""),
    ],
)
def test_keys_count_in_their_time(bureau: Bureau, more: str, told: str) -> None:
    """By the day of the import, which nobody who holds a key can set back."""
    bureau.write(more=more)
    file = bureau.file()
    if told:
        assert bureau.refused(file) == told
    else:
        assert bureau.take(file)[0].status == "taken"


def test_a_key_may_count_for_a_zone_and_the_bundle_be_of_none(bureau: Bureau) -> None:
    bureau.write(zones="[mzj, jtj]")
    assert bureau.refused(bureau.file(zone="jtj")) == "foreign"
    assert bureau.refused(bureau.file(vantage="elsewhere")) == "wrong_zone"
    assert bureau.refused(bureau.file(site="other")) == "foreign_site"


def test_what_is_no_offline_bundle_is_a_replay(bureau: Bureau) -> None:
    assert bureau.refused(bureau.file(kind="look")) == "replayed"
    assert bureau.refused(bureau.file(kind="result", answers="1" * 32)) == "replayed"
    assert bureau.refused(bureau.file(answers="1" * 32)) == "replayed"


def test_another_content_under_a_known_id_is_a_replay(bureau: Bureau) -> None:
    bureau.take(bureau.file())
    other = bureau.file("other", content=[Collection((seen("10.1.0.8"),))])
    (outcome,) = bureau.take(other)
    assert (outcome.status, outcome.reason) == ("refused", "replayed")
    for path in (bureau.state / "bundles").glob("*.json"):
        path.unlink()
    assert bureau.take(other)[0].reason == "replayed"
    (look,) = looks.kept(bureau.site, ["mzj"])
    assert look.collection() == collection()


def test_another_zones_addresses_are_foreign(bureau: Bureau) -> None:
    for foreign in (
        Collection((seen("10.2.0.1"),)),
        Collection((seen(zone="jtj"),)),
        Collection((), (replace(collection().coverage[0], scope=("10.2.0.0/24",)),)),
        Collection((replace(seen(), collector="register", source="registers/hosts.xlsx!B7"),)),
    ):
        assert bureau.refused(bureau.file(content=[collection(), foreign])) == "foreign"


def test_the_future_is_refused_beyond_some_minutes(bureau: Bureau) -> None:
    assert bureau.refused(bureau.file(), now=SEEN + timedelta(minutes=49)) == "bad_time"
    assert bureau.refused(bureau.file(made_at=NOW + timedelta(minutes=11))) == "bad_time"
    assert bureau.refused(bureau.file(at=datetime(9999, 12, 30, tzinfo=UTC))) == "bad_time"
    for past in (datetime.min, datetime(1970, 1, 1), datetime(2025, 12, 31)):
        assert bureau.refused(bureau.file(id="4" * 32, at=past.replace(tzinfo=UTC))) == "bad_time"
    assert bureau.take(bureau.file(made_at=NOW + timedelta(minutes=9)))[0].status == "taken"


def test_what_nobody_had_allowed_then_is_refused(bureau: Bureau) -> None:
    """Days in Shanghai: October begins at 16:00 UTC the day before."""
    before = datetime(2026, 9, 30, 15, 0, tzinfo=UTC)
    assert bureau.refused(bureau.file(at=before)) == "not_authorised"
    assert bureau.refused(bureau.file(at=datetime(2026, 10, 11, tzinfo=UTC))) == "not_authorised"
    assert bureau.refused(bureau.file(at=before, content=[])) == "not_authorised"
    bureau.write(until="2026-10-31")
    assert bureau.refused(bureau.file()) == "not_authorised"
    just = datetime(2026, 10, 31, 15, 54, tzinfo=UTC)
    assert bureau.take(bureau.file(at=just))[0].status == "taken"


def test_prefixes_that_were_not_allowed_are_refused(bureau: Bureau) -> None:
    covered = Coverage("nmap", "jtj", "stick", "hosts", ("10.2.0.0/25",), SEEN, SEEN)
    good = [Collection((seen("10.2.0.1", zone="jtj"),), (covered,))]
    assert bureau.take(bureau.file(key="other", zone="jtj", content=good))[0].status == "taken"
    for bad in (
        Collection((seen("10.2.0.200", zone="jtj"),)),
        Collection((), (replace(covered, scope=("10.2.0.0/24",)),)),
    ):
        (outcome,) = bureau.take(bureau.file("bad", key="other", zone="jtj", id="2" * 32, content=[bad]))
        assert outcome.reason == "not_authorised" and "10.2.0." in outcome.message


def test_other_hours_are_noted_and_left_to_a_person(bureau: Bureau) -> None:
    bureau.write(window=', window: "01:00-05:00"')
    (outcome,) = bureau.take(bureau.file())
    assert outcome.status == "taken" and outcome.examined is not None
    assert "1 observations were made outside the hours" in outcome.examined.notes[0]


def test_every_byte_changed_is_refused_and_nothing_is_taken_in(bureau: Bureau) -> None:
    data = bureau.bundle()
    site, file = bureau.site, bureau.root / "x"
    for at in range(0, len(data), 7):
        file.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        assert take_in(site, file, now=NOW).is_refused
    assert bureau.looks() == [] and bundle_records.records(site) == []


def test_what_is_no_file_is_refused_without_waiting(bureau: Bureau) -> None:
    (bureau.root / "link").symlink_to(bureau.file())
    os.mkfifo(bureau.root / "pipe")
    for name in ("link", "pipe", "/dev/zero", "."):
        assert bureau.refused(bureau.root / name) == "not_a_file"
    for name in ("nothing", "x" * 5000, "/proc/self/mem"):
        assert bureau.refused(bureau.root / name) == "unreadable"
    assert bureau.shelf() == []


# --- put aside ----------------------------------------------------------------------------------------------


ODD = ("../../x", "-rf", "a\nb", "\x1b[2J", "坏", "a b;c", "x" * 255, b"\xff\xfe")


@pytest.mark.parametrize("name", ODD, ids=lambda name: ascii(name)[:12])
def test_names_of_files_name_nothing_here(
    bureau: Bureau, name: str | bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is put aside is called after its bytes, and what is printed is safe to show."""
    folder = bureau.root / "deep" / "er"
    folder.mkdir(parents=True)
    file = folder / os.fsdecode(name)
    file.write_bytes(b"junk of %d bytes" % len(name))
    before = sorted(path for path in bureau.root.rglob("*") if bureau.state not in (path, *path.parents))
    assert commands.take_in(bureau.root, [file], as_json=True) == 4
    (told,) = json.loads(capsys.readouterr().out)
    assert told["reason"] == "bad_format"
    assert sorted(path for path in bureau.root.rglob("*") if bureau.state not in (path, *path.parents)) == before
    bundle, note = bureau.shelf()
    assert Path(told["quarantined"]) == bureau.state / "quarantine" / bundle
    assert Path(told["quarantined"]).read_bytes() == file.read_bytes()
    assert len(bundle) == 32 + len(".bundle") and note == bundle.replace(".bundle", ".json")
    commands.take_in(bureau.root, [file], as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 1
    commands.list_all(bureau.root, refused=True, as_json=False)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and shown.count("bad_format") == 1
    assert len(bureau.shelf()) == 2, "the same bytes lie there once"


def test_words_inside_are_made_safe_to_show(bureau: Bureau, capsys: pytest.CaptureFixture[str]) -> None:
    """Who has a key can still write what he likes: nothing of it reaches a terminal as it is."""
    bureau.write(until="2099-12-31")
    start, odd = recent(), "\x1b[2J\u202e"
    bureau.file("good", at=start, program=odd, documents=(odd,), limits=(("nmap", odd),))
    strange = replace(seen(at=start), kind=odd)
    address = replace(seen(at=start), identifiers=(Identifier("ip", odd, "stick"),))
    failed = Failure(odd, "mzj", (), odd, odd, start)
    for i, content in enumerate((Collection((strange,)), Collection((address,)), Collection(failures=(failed,)))):
        bureau.file(f"bad{i}", at=start, id=f"{i}" * 32, content=[content])
    files = [*sorted(bureau.root.glob("bad*")), bureau.root / "good"]
    for as_json in (False, True):
        assert commands.take_in(bureau.root, files, as_json=as_json) == 4
        commands.list_all(bureau.root, refused=True, as_json=as_json)
        commands.list_all(bureau.root, refused=False, as_json=as_json)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\u202e" not in shown and "x1b[2J" in shown
    assert not any("\x1b" in path.read_text() for path in bureau.state.rglob("*.json"))


def test_of_what_is_huge_only_the_beginning_is_kept(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = bureau.root / "huge"
    with huge.open("wb") as stream:
        stream.truncate(1 << 41)
    assert bureau.refused(huge) == "too_large"
    (name, note), *rest = bundle_records.notes(bureau.site)
    assert rest == [] and (note.bytes, note.kept_bytes) == (1 << 41, 65_536)
    monkeypatch.setattr(bundle_records, "_KEPT_OF_ALL", 70_000)
    large = bureau.root / "large"
    large.write_bytes(b"x" * 200_000)
    assert bureau.refused(large) == "bad_format"
    assert [note.kept_bytes for _name, note in bundle_records.notes(bureau.site)] == [65_536, 65_536]
    large.write_bytes(b"y" * 200_000)
    bureau.refused(large)
    assert [note.kept_bytes for _name, note in bundle_records.notes(bureau.site)][-1] in (0, 65_536)
    assert sum(path.stat().st_size for path in (bureau.state / "quarantine").glob("*.bundle")) <= 3 * 65_536
    assert name


def test_what_this_machine_cannot_check_is_left_where_it_is(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from inventories import signing_sm2

    bureau.keys["carrier"] = new_key("carrier", algorithm="sm2-sm3")
    bureau.write()
    file = bureau.file()
    with monkeypatch.context() as without:
        signing_sm2.why_not.cache_clear()
        without.setenv("PATH", str(tmp_path / "nowhere"))
        try:
            assert bureau.refused(file) == "cannot_verify"
        finally:
            signing_sm2.why_not.cache_clear()
    assert bureau.shelf() == []
    assert bureau.take(file)[0].status == "taken"


# --- commands -----------------------------------------------------------------------------------------------


def recent() -> datetime:
    """Commands go by the true clock; the authorisation of these tests has no end then."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)


def test_all_files_of_one_command_are_judged(bureau: Bureau, capsys: pytest.CaptureFixture[str]) -> None:
    def told() -> Any:
        return json.loads(capsys.readouterr().out)

    bureau.write(until="2099-12-31")
    start = recent()
    good, bad = bureau.file("good", at=start), bureau.file("bad", at=start, key="stranger", id="3" * 32)
    assert commands.take_in(bureau.root, [bad, good, bureau.root / "nothing"], as_json=True) == 4
    taken = told()
    assert [(one["status"], one["reason"]) for one in taken] == [
        ("refused", "unknown_key"),
        ("taken", ""),
        ("refused", "unreadable"),
    ]
    assert (taken[1]["zone"], taken[1]["observations"], taken[1]["signed_by"]) == ("mzj", 1, "carrier")
    commands.list_all(bureau.root, refused=False, as_json=True)
    assert [(one["id"], one["state"], one["key_revoked"]) for one in told()] == [(taken[1]["id"], "newest", False)]
    commands.list_all(bureau.root, refused=True, as_json=True)
    assert [(one["reason"], one["file"]) for one in told()] == [("unknown_key", str(bad))]
    plain = bureau.run("import", good)
    assert plain.returncode == 0 and "is here already, and nothing changed: zone mzj, nmap" in plain.stdout
    assert commands.verify(bureau.root, [good], as_json=False) == 0
    assert commands.verify(bureau.root, [good, bad], as_json=False) == 4
    bureau.write(until="2099-12-31", more=", revoked: 2026-01-01")
    assert "carrier (revoked)" in bureau.run("list").stdout


def test_without_a_site_nothing_is_done(bureau: Bureau) -> None:
    (bureau.root / "site.yaml").unlink()
    done = bureau.run("import", bureau.file())
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert not bureau.state.exists()


@pytest.mark.parametrize("sm2", [False, True], ids=["ed25519", "sm2-sm3"])
def test_a_new_key_is_its_owners_only_and_never_overwrites(
    tmp_path: Path, sm2: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def key(file: Path, *zones: str, key_id: str = "", as_json: bool = False) -> str:
        assert commands.make_key(file, key_id=key_id, zones=zones, sm2=sm2, as_json=as_json) == 0
        return capsys.readouterr().out

    file = tmp_path / "mzj-2026.key"
    shown = key(file, "mzj", as_json=True)
    told = json.loads(shown)
    assert file.stat().st_mode & 0o777 == 0o600
    loaded = signer(Secret.parse(f"file:{file}"))
    assert loaded.key_id == told["id"] == "mzj-2026" and str(loaded.public) == told["public"]
    private = file.read_text().split("-----")[2].strip()
    assert private not in shown
    with pytest.raises(Refused, match="is there already"):
        key(file)
    assert private in file.read_text()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(Refused, match="is there already"):
        key(tmp_path / "link")
    with pytest.raises(Refused, match="is no name of a key"):
        key(tmp_path / "x", key_id="../x")
    with pytest.raises(Refused, match="is no zone's id"):
        key(tmp_path / "x", "a b]")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "mzj-2026.key"]
    shown = key(tmp_path / "y", "mzj", "jtj")
    assert "  - id: y\n    public: " in shown and shown.endswith("    zones: [mzj, jtj]\n")


# --- keys in site.yaml --------------------------------------------------------------------------------------


def faults(bureau: Bureau, old: str, new: str) -> list[str]:
    bureau.write()
    path = bureau.root / "site.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        load_site(bureau.root)
    except Faults as error:
        return [str(fault).replace(f"{bureau.root}/", "") for fault in error.faults]
    return []


def test_keys_are_checked_at_their_place(bureau: Bureau) -> None:
    carrier = str(bureau.keys["carrier"].public)
    told = faults(bureau, carrier, "ed25519:AAAA")
    assert told[0].startswith("site.yaml:7:27: is no public key: ed25519 has 32 bytes")
    told = faults(bureau, "zones: [mzj]", "zones: [mjz]")
    assert told == ["site.yaml:7:" + told[0].split(":")[2] + ": unknown zone 'mjz': did you mean 'mzj'?"]
    assert "a second key with the id 'carrier'" in faults(bureau, "id: other", "id: carrier")[0]
    assert "is the key 'carrier' once more" in faults(bureau, str(bureau.keys["other"].public), carrier)[0]
    assert "ends before it begins" in faults(bureau, "[jtj]}", "[jtj], from: 2026-02-01, to: 2026-01-01}")[0]
    assert "either 'public'" in faults(bureau, "[jtj]}", "[jtj], file: x}")[0]
    assert (
        "unknown key 'revokd': did you mean 'revoked'?" in faults(bureau, "[jtj]}", "[jtj], revokd: 2026-01-01}")[0]
    )
    assert "'file'" not in faults(bureau, "zones: [mzj]", "zones: []")[0]


def test_a_key_may_lie_in_a_file(bureau: Bureau) -> None:
    public = bureau.keys["other"].public
    (bureau.root / "keys").mkdir()
    (bureau.root / "keys" / "real.pub").write_text(public.pem)
    (bureau.root / "keys" / "other.pub").symlink_to("real.pub")
    assert faults(bureau, f'public: "{public}"', "file: keys/other.pub") == []
    assert "cannot be read" in faults(bureau, f'public: "{public}"', "file: keys/none")[0].replace(
        "No such file or directory", "cannot be read"
    )
    assert "a device" in faults(bureau, f'public: "{public}"', "file: /dev/zero")[0]
    (bureau.root / "keys" / "private").write_bytes(bureau.keys["other"].private)
    (told,) = faults(bureau, f'public: "{public}"', "file: keys/private")
    assert bureau.keys["other"].private.split(b"-----")[2].strip().decode() not in told


def test_a_private_key_is_found_by_reference_alone(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bureau.keys["carrier"]
    file = bureau.root / "key"
    file.write_bytes(made.private)
    file.chmod(0o640)
    with pytest.raises(SecretMissing, match="chmod 600"):
        signer(Secret.parse(f"file:{file}"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(bureau.root))
    assert signer(Secret.parse("systemd:key")).public == made.public
    monkeypatch.setenv("A_KEY", made.private.decode())
    assert signer(Secret.parse("env:A_KEY")).public == made.public
    monkeypatch.setenv("A_KEY", "no key, but a secret")
    with pytest.raises(SecretMissing) as caught:
        signer(Secret.parse("env:A_KEY"))
    assert str(caught.value) == "env:A_KEY: holds no private key in PEM"


# --- killed, crowded, full ----------------------------------------------------------------------------------


def test_many_imports_at_once_take_everything_in_once(bureau: Bureau) -> None:
    bureau.write(until="2099-12-31")
    start = recent()
    files = [bureau.file(f"{i}", at=start + timedelta(minutes=i)) for i in range(4)]
    command = [sys.executable, "-m", "auditor", "bundle", "import", "--json", "--site", str(bureau.root)]
    crowd = [
        subprocess.Popen([*command, *map(str, files if i % 2 else reversed(files))], stdout=subprocess.PIPE)
        for i in range(4)
    ]
    told = [json.loads(one.communicate(timeout=60)[0]) for one in crowd]
    assert [one.returncode for one in crowd] == [0] * 4
    statuses = [outcome["status"] for answer in told for outcome in answer]
    assert statuses.count("already") == 12 and statuses.count("refused") == 0
    assert len(bureau.looks()) == 4 == len(bundle_records.records(bureau.site))


@pytest.mark.parametrize("after", [0.02, 0.1, 0.2])
def test_killed_in_the_middle_it_has_happened_whole_or_not_at_all(bureau: Bureau, after: float) -> None:
    """A large one, killed some moments after its copy is begun; the next import finishes and tidies up."""
    bureau.write(until="2099-12-31")
    start = recent()
    many = tuple(seen(f"10.1.0.{i % 200}", start) for i in range(12_000))
    file = bureau.file(at=start, content=[Collection(many)])
    command = [sys.executable, "-m", "auditor", "bundle", "import", str(file), "--site", str(bureau.root)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    incoming = bureau.state / "bundles" / "incoming"
    until = time.monotonic() + 30
    while not (incoming.is_dir() and any(incoming.iterdir())) and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    child.wait()
    for name in bureau.looks():
        assert (bureau.state / "looks" / "mzj" / name).read_bytes() == file.read_bytes()
    assert take_in(bureau.site, file, now=datetime.now(UTC)).status in ("taken", "already")
    assert len(bureau.looks()) == 1 == len(bundle_records.records(bureau.site))
    assert list(incoming.iterdir()) == []


def test_a_full_disk_keeps_nothing(bureau: Bureau) -> None:
    """The limit on a file's size stands for the disk: the copy does not fit."""
    bureau.write(until="2099-12-31")
    start = recent()
    many = tuple(seen(f"10.1.0.{i % 200}", start + timedelta(microseconds=i * i)) for i in range(3000))
    file = bureau.file(at=start, content=[Collection(many)])
    assert file.stat().st_size > 10_000

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    done = bureau.run("import", file, preexec_fn=small)
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert bureau.looks() == [] and bundle_records.records(bureau.site) == [] and bureau.shelf() == []
    assert list((bureau.state / "bundles" / "incoming").iterdir()) == []
    assert bureau.run("import", file).returncode == 0


def test_a_damaged_look_is_no_fault_of_the_bundle(bureau: Bureau) -> None:
    bureau.take(bureau.file())
    (bureau.state / "looks" / "mzj" / bureau.looks()[0]).write_bytes(b"junk")
    with pytest.raises(Failed, match="kept here cannot be read"):
        take_in(bureau.site, bureau.file("next", at=SEEN + timedelta(hours=5)), now=NOW)
    assert bureau.shelf() == []


def test_a_broken_record_is_no_record(bureau: Bureau) -> None:
    file = bureau.file()
    bureau.take(file)
    (path,) = (bureau.state / "bundles").glob("*.json")
    for junk in (b"", b"[]", b'{"id":1}', b"[" * 100_000, b"\xff"):
        path.write_bytes(junk)
        assert bundle_records.records(bureau.site) == []
    assert bureau.take(file)[0].status == "already" and len(bundle_records.records(bureau.site)) == 1


def test_days_are_the_sites(bureau: Bureau) -> None:
    """A key that counts from a day on counts from its midnight in Shanghai."""
    bureau.write(more=", from: 2026-11-05")
    file = bureau.file()
    assert bureau.refused(file, now=datetime(2026, 11, 4, 15, 59, tzinfo=UTC)) == "key_not_yet"
    assert bureau.site.today(datetime(2026, 11, 4, 16, 0, tzinfo=UTC)) == date(2026, 11, 5)
    assert bureau.take(file, now=datetime(2026, 11, 4, 16, 0, tzinfo=UTC))[0].status == "taken"
    assert timedelta(minutes=10) == bundles.SKEW
