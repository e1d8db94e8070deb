"""Cities of any size as the application would hand them over, all of it made up and always the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from policies.model import Basis
from reports.html.figures import Point
from reports.model import (
    AssetView,
    AuditView,
    CaseView,
    Changes,
    CountView,
    DepartmentView,
    FindingView,
    ProbeView,
    RegulationView,
    RuleView,
    SystemView,
    UnknownView,
    WaiverView,
)

AT = datetime(2026, 11, 22, 15, 5, tzinfo=UTC)  # 23:05 at the site
TODAY = date(2026, 11, 22)
_WORDS = ("民政", "交通运输", "财政", "教育", "卫生健康", "自然资源", "住房和城乡建设", "水务", "农业农村", "司法")
_SEVERITIES = ("high", "medium", "critical", "low", "advice")
_BITES = ("order", "reminder", "advice", "lead", "referral", "bureau")
_STATES = ("open", "open", "open", "stale", "resolved", "waived", "reopened", "dismissed")
_CASES = (
    "draft",
    "reviewed",
    "issued",
    "served",
    "replied",
    "inspected",
    "closed",
    "closed",
    "escalated",
    "withdrawn",
)
_LISTED = ("listed", "expiring", "expired", "superseded", "not_listed", None)
_VERDICTS = ("compliant", "violation", "unknown", "waived", "not_applicable")


def name(department: int) -> str:
    return f"示例市{_WORDS[department % len(_WORDS)]}局第{department}分局"


def made_up(
    departments: int = 60, findings: int = 800, *, rules: int = 40, systems: int = 6, components: int = 4
) -> AuditView:
    """``systems`` and ``components`` are those of each department."""
    told = tuple(
        DepartmentView(f"d{d}", name(d), "140800", "general", "city" if d % 5 else "county")
        for d in range(departments)
    )
    return AuditView(
        site="示例市",
        region="140800",
        bureau="示例市审批服务管理局（市政务信息管理局）",
        snapshot="20261122T150500Z",
        run="20261122T150500Z",
        as_of=TODAY,
        started_at=AT - timedelta(minutes=41),
        ended_at=AT,
        complete=False,
        departments=told,
        findings=tuple(_finding(n, n % departments, n % rules) for n in range(findings)),
        counts=tuple(
            CountView(f"pack-{r % 6}/rule-{r}", _title(r), f"pack-{r % 6}", _SEVERITIES[r % 5], one.id, verdict, n)
            for r in range(rules)
            for place, one in enumerate(told)
            for verdict in _VERDICTS
            if (n := (r * 7 + place * 3 + len(verdict)) % 4)
        ),
        unknowns=tuple(
            UnknownView(
                f"pack-0/rule-{n % rules}", _title(n % rules), f"系统{n}", f"s-{n:06x}", one.id, one.name, lacking
            )
            for n, one in enumerate(told)
            for lacking in (("等保级别",), ("系统状态", "部署位置"))
        ),
        probes=tuple(probe for d in range(departments) for probe in _probes(d)),
        systems=tuple(_system(d, s) for d in range(departments) for s in range(systems)),
        assets=tuple(asset for d in range(departments) for asset in _assets(d, systems, components)),
        changes=Changes(),
        packs=tuple((f"pack-{n}", f"{n}" * 64) for n in range(6)),
        stages={"collect": 2310.0, "reconcile": 21.0, "evaluate": 9.5, "record": 3.0, "render": 12.0},
        conflicts=tuple(f"信息系统 系统{n} 部署位置：登记为政务云，而 10.{n}.1.2 仍有应答" for n in range(7)),
        version="0.1.0",
        rules=tuple(_rule(r) for r in range(rules)),
        last_complete_at=AT - timedelta(days=34),
        cases=tuple(_case(n, n % departments) for n in range(departments * 2)),
        waivers=tuple(
            WaiverView(f"w{n}", f"d{n % departments}", TODAY - timedelta(90), TODAY + timedelta(20 * n))
            for n in range(5)
        ),
        regulations=(RegulationView("pack-0", "示例市政务信息化项目管理办法（虚构）", "示政发〔2024〕1号"),),
    )


def _title(rule: int) -> str:
    return f"第{rule}条所列事项未按规定办理，且未在规定期限内说明理由"


def _rule(rule: int) -> RuleView:
    basis = (Basis("示例市政务信息化项目管理办法（虚构）", "示政发〔2024〕1号", f"第{rule}条", "应当……"),)
    return RuleView(
        f"pack-{rule % 6}/rule-{rule}",
        f"pack-{rule % 6}",
        _title(rule),
        "system",
        _SEVERITIES[rule % 5],
        _BITES[rule % 6],
        basis,
    )


def _finding(number: int, department: int, rule: int) -> FindingView:
    told = _rule(rule)
    state = _STATES[number % len(_STATES)]
    return FindingView(
        id=f"F{number:010d}",
        rule=told.rule,
        title=told.title,
        subject="system",
        asset_key=f"s-{number:06x}",
        asset_name=f"业务系统{number}" if number % 4 else f"10.1.{number % 250}.9:8443",
        department_id=f"d{department}",
        department_name=name(department),
        verdict="waived" if state == "waived" else "violation",
        state=state,
        reason="seen",
        severity=told.severity,
        bite=told.bite,
        basis=told.basis,
        facts=(),
        opened_at=AT - timedelta(days=number % 200, minutes=50 if number % 9 else 0),
        last_confirmed_at=AT,
        resolved_at=AT if state == "resolved" else None,
        snapshot="20261122T150500Z",
    )


def _system(department: int, number: int) -> SystemView:
    seed = department * 5 + number
    on_cloud = (True, True, False, True, None, False, True)[seed % 7]
    excluded = ("", "", "", "", "", "retired_filed", "", "waived", "", "planned")[seed % 10]
    return SystemView(
        key=f"s-{department:04d}{number:04d}",
        name=f"{_WORDS[seed % len(_WORDS)]}业务系统{seed}",
        department_id=f"d{department}",
        department_name=name(department),
        status={"retired_filed": "retired", "planned": "planned"}.get(excluded, "running"),
        hosting={True: ("gov_cloud",), False: ("own_room",), None: ()}[on_cloud],
        on_cloud=on_cloud,
        migrated_on=TODAY - timedelta(days=seed * 11 % 900) if on_cloud and seed % 6 else None,
        planned_on=TODAY + timedelta(days=seed * 37 % 900 - 300) if seed % 3 else None,
        mlps_level=(3, 2, None, 1)[seed % 4],
        excluded=excluded,
    )


def _assets(department: int, systems: int, components: int) -> Iterator[AssetView]:
    def one(kind: str, number: int, what: str, /, **values: object) -> AssetView:
        key = f"{kind[0]}-{department:04d}{number:04d}"
        return AssetView(kind, key, what, f"d{department}", name(department), f"z{department}", values)

    for s in range(systems):
        seed = department * 5 + s
        values: dict[str, object] = {"mlps_level": (3, 2, None, 1)[seed % 4]}
        if seed % 5 == 0:
            values |= {"mlps_assessment_absent": True, "crypto_assessment_absent": True, "mlps_filing_absent": True}
        elif seed % 5 < 4:
            values |= {"mlps_filed_on": TODAY - timedelta(days=seed * 17 % 1400), "mlps_filing_no": f"备{seed}"}
            values |= {"mlps_assessed_on": TODAY - timedelta(days=seed * 13 % 420)}
            values |= {"crypto_assessed_on": TODAY - timedelta(days=seed * 29 % 420)}
        yield one("system", s, f"业务系统{seed}", **values)
    if department % 3:
        yield one("room", 0, f"{_WORDS[department % 10]}大楼机房", is_declared=True, built_on=date(2015, 5, 1))
    if department % 7 == 0:
        yield one("room", 1, "大楼机房（推断）", is_declared=False, is_inferred=True, hosts_physical=3)
    if department % 2:
        yield one("network", 2, f"业务专网{department}", kind="dedicated", is_declared=True, approval_absent=True)
    if department % 11 == 0:
        yield one("network", 3, f"10.{department % 250}.0.0/24（推断）", kind="dedicated", is_declared=False)
    for c in range(components):
        status = _LISTED[(department + c) % len(_LISTED)]
        listed: dict[str, object] = {"list_status": status} if status else {}
        if status in ("listed", "expiring", "expired"):
            day = {"listed": 400, "expiring": 45, "expired": -30}[status]
            listed |= {"list_valid_to": TODAY + timedelta(day), "list_announcement": "安全可靠测评结果公告（虚构）"}
        category = ("cpu", "os", "database", "middleware")[c % 4]
        yield one("component", 10 + c, f"产品{c}", category=category, product=f"示例产品{c}（虚构）", **listed)


def _probes(department: int) -> Iterator[ProbeView]:
    for probe in ("nmap", "endpoints"):
        failed = department % 8 == 0
        yield ProbeView(
            zone=f"z{department}",
            zone_name=f"{_WORDS[department % 10]}办公网{department}",
            probe=probe,
            success=not failed,
            seconds=40.0 + department,
            ratio=None if department % 16 == 0 else 0.4 if failed else 1.0,
            last_success=None if department % 16 == 0 else AT - timedelta(days=department % 50),
            problems=(f"10.{department % 250}.0.0/25：超时，未取得完整结果",) if failed else (),
        )


def _case(number: int, department: int) -> CaseView:
    state = _CASES[number % len(_CASES)]
    issued = TODAY - timedelta(days=20 + number * 7 % 300) if state not in ("draft", "reviewed") else None
    closed = issued + timedelta(days=5 + number * 13 % 200) if state == "closed" and issued else None
    return CaseView(
        id=f"C{number:06d}",
        state=state,
        form="order" if number % 2 else "task",
        department_id=f"d{department}",
        department_name=name(department),
        number=f"示管改〔2026〕{number}号" if issued else "",
        issued_on=issued,
        due=issued + timedelta(days=15) if issued else None,
        due_provisional=number % 9 == 0,
        closed_on=closed,
        items=3,
        mended=2 if state == "closed" else 0,
        not_mended=1 if state == "inspected" else 0,
        overdue=state in ("issued", "served") and number % 3 == 0,
    )


def trend() -> tuple[Point, ...]:
    return tuple(
        Point(date(2026, 1, 31) + timedelta(days=24 * step), 120 + 9 * step, 300, 40 - 2 * step) for step in range(13)
    )
