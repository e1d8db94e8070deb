"""A bureau's office without a network: real packs, real rules' facts, a real ledger and snapshot, a clock of its own.

What violates which rule is said by the test; :meth:`Office.violation` writes down the facts as an audit would, and
``test_office.py`` holds the standard city against the engine: what is said here is what it finds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from auditor import clock, ending
from auditor.cases import choosing, concluding, drafting, issuing, serving
from auditor.cases.choosing import Wanted
from auditor.cases.desk import Desk
from auditor.cases.drafting import Drafted
from auditor.cases.issuing import Time
from auditor.cases.model import Case, Paper, Word
from auditor.evidence import facts_of
from auditor.intake import packs_in_force
from auditor.judging import Judged, judge
from auditor.ledger import cases as stored
from auditor.ledger import trail
from auditor.ledger.life import Sight
from auditor.ledger.records import FindingRow, Opening, Present, Seen, Terms
from auditor.ledger.store import Ledger
from auditor.site import Site, load_site
from auditor.views import rules_of
from inventories.kinds import KINDS
from inventories.model import Asset, Collection, KeyMap, Origin, SourcedFact, Strength, Value, plain
from inventories.reconcile import Reconciled
from inventories.snapshot import Draft
from policies.calendars import load_calendar
from policies.model import Outcome, Pack, Verdict
from policies.subjects import derived
from reports.papers.view import Form
from tests.auditor.commands import typed
from tests.auditor.ledgers import copy_site, dump, section, site_ledger

DRAFTER, REVIEWER, SIGNER = "政务信息科", "法规科", "分管领导"
#: A Monday, nine in the morning in Shanxi.
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

#: Somebody held the packs' wording against the official text.
CONFIRMED = {"by": "法规科", "on": "2026-10-08", "document": "核对记录1号"}
SITE: dict[str, Any] = {
    "site": "tiny",
    "name": "小市",
    "bureau": "小市审批服务管理局",
    "contact": "政务信息科，0359-0000000",
    "region": "140800",
    "packs": ["yuncheng-2021", "national"],
    "pack_settings": {"national": {"confirmed_wording": CONFIRMED}},
    "people": {"draft": ["政务信息科", "信息中心"], "review": ["法规科", "督查科"], "sign": ["分管领导", "主要领导"]},
    "documents": {
        "words": {
            "letter": "运审管函",
            "reminder": "运审管函",
            "task": "运审管改",
            "order": "运审管改",
            "order-notice": "运审管改",
            "referral": "运审管移",
            "proposal": "运审管建",
            "inspection": "运审管复",
            "bulletin": "运审管通",
        }
    },
    "brake": {"departments": 1.0, "systems": 1.0, "findings": 1000},
}

MIGRATE = "yuncheng-2021/migrate-to-cloud"
UNAPPROVED = "yuncheng-2021/no-build-before-approval"
CATALOGUE = "yuncheng-2021/catalogue-filed"
FILING = "national/mlps-filing"
UNREGISTERED = "yuncheng-2021/registered"

#: What a rule's facts look like on a thing that violates it.
WRONG: Mapping[str, Mapping[str, Value]] = {
    MIGRATE: {"status": "running", "hosting": ("own_room",)},
    UNAPPROVED: {"status": "running", "construction_from": date(2025, 1, 1), "approval_absent": True},
    CATALOGUE: {"status": "running", "catalogue_absent": True},
    FILING: {
        "mlps_level": 3,
        "status": "running",
        "mlps_filing_absent": True,
        "mlps_graded_on": date(2025, 1, 1),
        "go_live_on": date(2025, 6, 1),
    },
    UNREGISTERED: {"is_observed": True, "is_registered": False},
    "xianyang/warranty": {"kind": "construction", "contract_signed_on": date(2025, 3, 1), "warranty_months": 12},
    "xianyang/in-use-unaccepted": {"in_use_from": date(2025, 3, 1), "acceptance_absent": True},
    "luohu-2024/failed-acceptance-in-use": {
        "in_use_from": date(2025, 3, 1),
        "exemption_absent": True,
        "acceptance_result": "failed",
    },
    "erenhot/on-city-cloud": {
        "status": "running",
        "construction_from": date(2025, 1, 1),
        "hosting": ("own_room",),
    },
    "erenhot/change-approved": {
        "change_absent": False,
        "changed_on": date(2025, 6, 1),
        "change_ratio": 0.2,
        "change_approval_absent": True,
    },
}
#: Columns that the engine computes.
COMPUTED: Mapping[str, Value] = {"is_on_recognised_cloud": False}


#: What the program's own packs are under a site's settings.
_PACKS: dict[str, tuple[Pack, ...]] = {}


@dataclass
class Office:
    """One site folder; ``now`` is what the clock says until it is moved."""

    root: Path
    now: datetime = START
    things: dict[str, Asset] = field(default_factory=dict)
    _read: dict[str, Any] = field(default_factory=dict)
    _ledger: Ledger | None = None

    # The site

    def write_site(self, site: Mapping[str, Any] = SITE, **changes: Any) -> None:
        """``changes`` replace whole top-level keys: ``consultation=False``."""
        text = json.dumps({**section(self.root), **site, **changes}, ensure_ascii=False, indent=1)
        (self.root / "site.yaml").write_text(text, encoding="utf-8")

    @property
    def site(self) -> Site:
        text = (self.root / "site.yaml").read_text(encoding="utf-8")
        if self._read.get("site", ("",))[0] != text:
            self._read["site"] = (text, load_site(self.root))
        made: Site = self._read["site"][1]
        return made

    @property
    def ledger(self) -> Ledger:
        if self._ledger is None:
            (self.root / "state").mkdir(mode=0o700, exist_ok=True)
            self._ledger = Ledger.open(site_ledger(self.root))
        return self._ledger

    @property
    def packs(self) -> tuple[Pack, ...]:
        config = self.site.config
        said = repr((config.region, config.packs, config.pack_settings))
        if said not in _PACKS:
            _PACKS[said] = packs_in_force(self.site)
        return _PACKS[said]

    def desk(self) -> Desk:
        made = Desk(self.site, self.ledger, self.now)
        # What a fixed folder says need not be read again for every step of a test.
        vars(made)["packs"] = self.packs
        audits = self.ledger.audits(limit=1)
        if audits and audits[0].recorded_at is not None:
            if audits[0].id not in self._read:
                self._read[audits[0].id] = made.newest
            vars(made)["newest"] = self._read[audits[0].id]
        if not (self.root / "calendars").exists():
            vars(made)["calendar"] = load_calendar()
        return made

    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def later(self, **more: float) -> None:
        self.now += timedelta(**more)

    # What there is

    def department(self, name: str, title: str, level: str = "city") -> None:
        region = self.site.config.region
        key = f"d-{name}"
        values = {"key": key, "department_id": name, "name": title, "level_of_government": level, "region": region}
        self._add(Asset("department", key, (), values))

    def thing(
        self,
        key: str,
        department: str,
        name: str,
        *,
        subject: str = "system",
        strength: str = "declared",
        level: str = "city",
        source: str = "",
        at: datetime | None = None,
        **values: Value,
    ) -> Asset:
        """An asset with its facts. ``strength`` and ``source`` are those of ``hosting``; the rest is declared."""
        register = f"registers/{subject}s.csv!{len(self.things) + 2}"
        moment = at or self.now - timedelta(days=3)
        facts = []
        for column, value in {"name": name, "level_of_government": level, **values}.items():
            seen = column == "hosting" and strength != "declared"
            facts.append(
                SourcedFact(
                    column,
                    value,
                    Strength.parse(strength) if seen else Strength.DECLARED,
                    Origin.OBSERVED if seen else _origin(subject, column),
                    (source or "nmap") if seen else register,
                    moment,
                    "210.0.0.1:8080 “登录”" if seen else str(value),
                )
            )
        made: dict[str, Value] = {
            "key": key,
            "name": name,
            "department_id": department,
            "level_of_government": level,
            "region": self.site.config.region,
        }
        return self._add(Asset(subject, key, (), {**made, **values}, tuple(facts)))

    def _add(self, asset: Asset) -> Asset:
        self.things[asset.key] = asset
        return asset

    def wrong(self, rule: str, key: str, department: str, name: str, **more: Any) -> Asset:
        """A thing that violates a rule, seen as strongly as an order needs."""
        subject = rules_of(self.packs)[rule].subject
        known = dict(self.things[key].values) if key in self.things else {}
        before = {k: v for k, v in known.items() if k in {c.name for c in KINDS[subject].all_columns}}
        for given in ("key", "name", "department_id", "level_of_government", "region"):
            before.pop(given, None)
        return self.thing(
            key, department, name, **{"subject": subject, "strength": "seen_outside", **before, **WRONG[rule], **more}
        )

    def violation(self, rule: str, key: str, waiver: str = "") -> Seen:
        """A violation as an audit notes it, with the facts that the asset has."""
        found, asset = rules_of(self.packs)[rule], self.things[key]
        values = {}
        for column in found.columns:
            known = COMPUTED.get(column) if derived(found.subject, column) or column in COMPUTED else None
            value = plain(asset.get(column)) if known is None else known
            if value is not None:
                values[column] = value
        department = asset.text("department_id")
        name = self.things[f"d-{department}"].text("name")
        outcome = Outcome(rule, asset.kind, key, asset.text("name"), department, "", Verdict.VIOLATION, values)
        return Seen(
            rule=rule,
            kind=asset.kind,
            asset_key=key,
            asset_name=asset.text("name"),
            department_id=department,
            department_name=name,
            zone="",
            severity=found.severity.value,
            bite=found.bite.value,
            facts=facts_of(found, outcome, asset),
            waiver=waiver,
        )

    def audit(
        self, *pairs: tuple[str, str], waived: Mapping[tuple[str, str], str] | None = None, **sights: Sight
    ) -> str:
        """Records an audit at this moment that saw these (rule, asset key) violated.

        What was found earlier and is not among them is as ``sights`` says, by asset key; else it stays unknown.
        """
        waivers = waived or {}
        seen = [self.violation(rule, key, waivers.get((rule, key), "")) for rule, key in pairs]
        ledger = self.ledger
        run = ledger.begin_audit(Opening(), at=self.now)
        with Draft(self.root / "state" / "snapshots", run) as draft:
            assets = tuple(sorted(self.things.values(), key=lambda asset: (asset.kind, asset.key)))
            draft.write(assets=assets, collection=Collection(), keymap=KeyMap(), context={}, packs={})
            draft.commit()

        def sight_of(present: Sequence[Present]) -> Mapping[str, Sight]:
            return {one.id: sights.get(one.asset_key, Sight.UNKNOWN) for one in present}

        ledger.record(
            run,
            snapshot=run,
            at=self.now,
            seen=seen,
            sight_of=sight_of,
            terms=Terms(self.site.today(self.now), waivers_in_force=frozenset(waivers.values())),
        )
        ledger.finish_audit(run, at=self.now, exit_status=0)
        return run

    def judged(self) -> Judged:
        """What the engine makes of the things as they are; its snapshot is sealed like any other."""
        return judge(
            self.site,
            f"judged-{self.now:%Y%m%dT%H%M%SZ}",
            packs=self.packs,
            reconciled=Reconciled(tuple(sorted(self.things.values(), key=lambda a: (a.kind, a.key))), KeyMap()),
            collected=Collection(),
            at=self.now,
        )

    def judged_audit(self) -> str:
        """Records what the engine finds."""
        run = self.ledger.begin_audit(Opening(), at=self.now)
        judged = self.judged()
        self.ledger.record(
            run,
            snapshot=judged.snapshot,
            at=self.now,
            seen=judged.seen(),
            sight_of=lambda present: {one.id: Sight.COMPLIANT for one in present},
            terms=Terms(self.site.today(self.now)),
        )
        self.ledger.finish_audit(run, at=self.now, exit_status=0)
        return run

    def again(self, *pairs: tuple[str, str], **sights: Sight) -> str:
        """An audit whose sources all spoke just now."""
        for key, asset in self.things.items():
            facts = tuple(replace(fact, observed_at=self.now) for fact in asset.facts)
            self.things[key] = replace(asset, facts=facts)
        return self.audit(*pairs, waived=None, **sights)

    # The steps, by whoever takes them where the test names nobody

    def draft(self, *, by: str = DRAFTER, forms: Sequence[str] = (), **more: Any) -> Drafted:
        look = more.pop("second_look", None)
        wanted = Wanted(choosing.forms_named(forms), **{name: frozenset(value) for name, value in more.items()})
        return drafting.draft(self.desk(), wanted, by=by, second_look=look)

    def review(self, case: str, by: str = REVIEWER, note: str = "") -> Case:
        return issuing.review(self.desk(), case, by=by, note=note)

    def issue(self, case: str, within: str = "", start: Any = "service", by: str = SIGNER) -> Paper:
        return issuing.issue(self.desk(), case, by=by, time=Time(within, start))[1]

    def out(self, case: str, within: str = "", start: Any = "service") -> Paper:
        """Reviewed and issued."""
        self.review(case)
        return self.issue(case, within, start)

    def serve(self, case: str, on: date | None = None, by: str = DRAFTER, **service: str) -> Case:
        told = {"method": "直接送达", "receiver": "办公室", "server": by, **service}
        desk = self.desk()
        return serving.serve(desk, case, on=on or desk.today, service=told, by=by)

    def reply(self, case: str, text: str = "已办理", files: Sequence[Path] = (), on: date | None = None) -> Word:
        desk = self.desk()
        return serving.reply(desk, case, on=on or desk.today, text=text, files=files, by=DRAFTER)[1]

    def object_to(self, case: str, finding: str, text: str = "与事实不符", files: Sequence[Path] = ()) -> Word:
        desk = self.desk()
        return serving.object_to(desk, case, finding, on=desk.today, text=text, files=files, by=DRAFTER)[1]

    def answer(
        self,
        case: str,
        finding: str,
        accept: bool,
        until: date | None = None,
        by: str = REVIEWER,
        why: str = "已核实",
    ) -> Case:
        return serving.answer(self.desk(), case, finding, accept=accept, reason=why, by=by, until=until)

    def withdraw(self, case: str, why: str = "依据有误", by: str = SIGNER) -> Case:
        return serving.withdraw(self.desk(), case, reason=why, by=by)

    def inspect(self, case: str, by: str = DRAFTER) -> Case:
        return concluding.inspect(self.desk(), case, by=by)

    def decide(self, case: str, finding: str, mended: bool, by: str = REVIEWER, why: str = "现场查看") -> Case:
        return concluding.decide(self.desk(), case, finding, mended=mended, reason=why, by=by)

    def close_case(self, case: str, by: str = SIGNER, why: str = "") -> tuple[Case, Paper | None]:
        return concluding.close(self.desk(), case, by=by, reason=why)

    def second(self, case: str, by: str = SIGNER) -> tuple[Case, Paper]:
        return concluding.second(self.desk(), case, by=by)

    def escalate(
        self, case: str, choice: int | None = None, because: str = "", by: str = SIGNER
    ) -> tuple[Case, Paper, Case | None]:
        return concluding.escalate(self.desk(), case, by=by, choice=choice, condition_met=because)

    # Looking

    def case(self, name: str) -> Case:
        with self.ledger.reading() as connection:
            return stored.one(connection, name)

    def cases(self) -> tuple[Case, ...]:
        with self.ledger.reading() as connection:
            return stored.listing(connection)

    def only(self, form: Form) -> Case:
        (found,) = [case for case in self.cases() if case.form is form and case.active]
        return found

    def papers(self, case: str = "") -> tuple[Paper, ...]:
        with self.ledger.reading() as connection:
            return stored.issued(connection, case)

    def steps(self, subject: str = "") -> list[trail.TrailRow]:
        with self.ledger.reading() as connection:
            return trail.listing(connection, subject)

    def faults(self) -> list[str]:
        with self.ledger.reading() as connection:
            return trail.verify(connection)

    def finding(self, rule: str, key: str) -> FindingRow:
        (found,) = [row for row in self.ledger.findings() if (row.rule, row.asset_key) == (rule, key)]
        return found

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        return dump(site_ledger(self.root))

    # Commands

    @property
    def python(self) -> list[str]:
        """What runs a few lines of code, to be followed by them and their arguments."""
        return [sys.executable, "-c"]

    def command(self, *arguments: str) -> list[str]:
        """A command as a process of its own, with the clock at ``now``."""
        code = (
            "import sys; from datetime import datetime; from auditor import clock; "
            "at = datetime.fromisoformat(sys.argv[1]); clock.utc_now = lambda: at; "
            "from auditor.ending import main; sys.exit(main(sys.argv[2:]))"
        )
        return [sys.executable, "-c", code, self.now.isoformat(), *arguments, "--site", str(self.root)]

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command and what it prints; in a process of its own where that is to be any different (``env=…``)."""
        if not more:
            with self.clock_set():
                return typed(*arguments, "--site", str(self.root))
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=120, check=False, **more
        )

    def type(self, *arguments: str) -> int:
        """A command in this process, with the clock at ``now``; returns its exit status."""
        with self.clock_set():
            return ending.main([*arguments, "--site", str(self.root)])

    @contextmanager
    def clock_set(self) -> Iterator[None]:
        before = clock.utc_now
        clock.utc_now = lambda: self.now
        try:
            yield
        finally:
            clock.utc_now = before

    def copy_to(self, root: Path) -> Office:
        """The same office in a folder of its own."""
        self.close()
        copy_site(self.root, root)
        return Office(root, self.now, dict(self.things), dict(self._read) | {"site": ("",)})


def _origin(kind: str, column: str) -> Origin:
    allowed = KINDS[kind].column(column).origins
    return Origin.DECLARED if Origin.DECLARED in allowed else Origin.INFERRED


def small_city(root: Path, site: Mapping[str, Any] = SITE) -> Office:
    """Two departments in violation and six that are not, with a system each; an audit of just now."""
    office = Office(root)
    office.write_site(site)
    names = {"mzj": "市民政局", "jtj": "市交通局", "czj": "市财政局", "jyj": "市教育局"}
    names |= {"wjw": "市卫健委", "slj": "市水利局", "nyj": "市农业局", "whj": "市文化局"}
    for name, title in names.items():
        office.department(name, title)
        office.thing(f"S-{name}", name, f"{title}门户", status="running", hosting=("gov_cloud",))
    office.wrong(MIGRATE, "S1", "mzj", "救助系统")
    office.wrong(MIGRATE, "S2", "mzj", "婚姻登记系统")
    office.wrong(UNAPPROVED, "S3", "mzj", "低保系统")
    office.wrong(CATALOGUE, "S4", "jtj", "运政系统")
    office.wrong(FILING, "S4", "jtj", "运政系统")
    office.wrong(MIGRATE, "S5", "jtj", "客运系统")
    office.audit(*WRONGS)
    office.desk()
    return office


WRONGS = ((MIGRATE, "S1"), (MIGRATE, "S2"), (UNAPPROVED, "S3"), (CATALOGUE, "S4"), (FILING, "S4"), (MIGRATE, "S5"))
