"""A small fictional city as the application would hand it over: departments, findings, coverage, papers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from policies.model import Basis, Consequence, Power, Reply
from reports.model import (
    AssetView,
    AuditView,
    Changes,
    CountView,
    DepartmentView,
    EventView,
    FactView,
    FindingView,
    NoticeView,
    ProbeView,
    RuleView,
    SystemView,
    UnknownView,
)

REGULATION = "运城市市级政务信息化项目建设应用管理规定"
NUMBER = "运政办发〔2021〕7号"
NOW = datetime(2026, 11, 22, 15, 5, tzinfo=UTC)  # 23:05 at the site
PACK = "yuncheng-2021"
BUREAU = "示例市审批服务管理局（市政务信息管理局）"

DEPARTMENTS = (
    DepartmentView("mzj", "示例市民政局", "140800", "civil_affairs", "city"),
    DepartmentView("jtj", "示例市交通运输局", "140800", "transport", "city"),
    DepartmentView("czj", "示例市财政局", "140800", "finance", "city"),
    DepartmentView("yx", "示例市远县行政审批服务管理局", "140829", "general", "county"),
)
NAMES = {d.id: d.name for d in DEPARTMENTS}

ASSESSMENT = Power(
    id="assessment",
    article="第二十四条",
    quote="项目实施单位应依据市审批服务管理局（市政务信息管理局）的效能评估整改任务书进行整改，"
    "并在接到整改通知的10个工作日内向市审批服务管理局（市政务信息管理局）报送整改结果",
    authority="市审批服务管理局（市政务信息管理局）",
    addressee="项目实施单位",
    form="效能评估整改任务书",
    reply=Reply(10, "working_days", "service"),
    report_to="示例市审批服务管理局（市政务信息管理局）",
)
BREACH = Power(
    id="breach-of-approval",
    article="第二十三条",
    quote="对于发生违反审批要求，擅自变更建设内容、调整资金额度、无申报长期拖延项目建设周期或不验收等情况的项目，"
    "将责令项目实施单位限期整改",
    authority="市审批服务管理局（市政务信息管理局）",
    addressee="项目实施单位",
    form="责令限期整改",
    if_refused=(Consequence("暂停拨付项目建设和运维资金，直至终止项目", "第二十三条", "市财政局"),),
)

#: rule → title, subject, severity, bite, article, quote, remedy
RULES: dict[str, tuple[str, str, str, str, str, str, str]] = {
    "migrate-to-cloud": (
        "非涉密应用系统未迁移至市级政务云平台",
        "system",
        "high",
        "order",
        "第三十三条",
        "项目实施单位已建、在建非涉密应用系统应向市级政务云平台迁移",
        "制定迁移计划，将系统迁移至市级政务云平台，原运行环境下线并报备",
    ),
    "use-cloud-catalogue": (
        "自建云服务目录已提供的机房",
        "room",
        "high",
        "order",
        "第二十八条",
        "市级政务信息化项目建设应使用《运城市市级政务云平台服务目录》中提供的服务，"
        "并利用一体化在线政务服务平台提供的公共应用支撑体系，不得重复建设",
        "停止自建机房的扩充，将所承载系统迁移后关停机房",
    ),
    "no-new-dedicated-network": (
        "未经批准新建业务专网",
        "network",
        "high",
        "order",
        "第八条",
        "除国家另有规定外，市直各部门不得新建业务专网；按照法律、法规和国家规定需要新建业务专网的，"
        "应报市审批服务管理局（市政务信息管理局）审批",
        "补办审批手续；不能取得批准的，并入电子政务外网",
    ),
    "registered": (
        "探测到未登记的信息系统",
        "system",
        "low",
        "lead",
        "第五条",
        "市审批服务管理局（市政务信息管理局）负责对市直各部门所有政务信息系统进行全口径统一管理",
        "核实归属并补充登记",
    ),
    "catalogue-filed": (
        "政务信息系统数据目录未报备",
        "system",
        "medium",
        "reminder",
        "第五条",
        "梳理政务信息系统的数据目录，报市审批服务管理局（市政务信息管理局）备案",
        "梳理数据目录并报备",
    ),
}


def basis(rule: str) -> Basis:
    return Basis(REGULATION, NUMBER, RULES[rule][4], RULES[rule][5])


def fact(column: str, title: str, value: object, shown: str, source: str, strength: str, **more: Any) -> FactView:
    days = more.pop("days", 0)
    return FactView(
        column, title, value, shown, source, NOW - timedelta(days=days), strength, more.get("evidence", "")
    )


def hosting(shown: str = "自建机房", evidence: str = "80/tcp nginx 1.22.1，页面标题“婚姻登记管理系统”") -> FactView:
    return fact("hosting", "部署位置", ["own_room"], shown, "nmap", "seen_outside", evidence=evidence)


def running(row: int = 3) -> FactView:
    return fact(
        "status", "系统状态", "running", "运行", f"registers/systems.xlsx!{row}", "declared", days=12, evidence="在用"
    )


def finding(number: int, rule: str, department: str, name: str, **more: Any) -> FindingView:
    title, subject, severity, bite, _, _, remedy = RULES[rule]
    facts = more.pop("facts", (hosting(), running()))
    made = FindingView(
        id=f"F-{number:04d}",
        rule=f"{PACK}/{rule}",
        title=title,
        subject=subject,
        asset_key=f"{subject[0]}-{number:06x}",
        asset_name=name,
        department_id=department,
        department_name=NAMES[department],
        verdict="violation",
        state="open",
        reason="",
        severity=severity,
        bite=bite,
        basis=(basis(rule),),
        facts=facts,
        opened_at=NOW,
        last_confirmed_at=NOW,
        resolved_at=None,
        snapshot="20261122T150500Z-7f3a",
        remedy=remedy,
        change="new",
        orderable=bite == "order",
        not_orderable_because=() if bite == "order" else ("属线索，须由人工核实后再定",),
    )
    return replace(made, **more)


ROOM_FACTS = (
    fact(
        "hosts_physical",
        "探测到的物理主机数",
        6,
        "6",
        "nmap",
        "seen_outside",
        evidence="127.20.1.10至127.20.1.15：SSH、iDRAC管理页面应答",
    ),
    fact("built_on", "建成日期", date(2023, 5, 1), "2023年5月1日", "registers/rooms.csv!2", "declared", days=12),
    fact("cloud_offers", "云服务目录是否提供", True, "是", "registers/rooms.csv!2", "declared", days=12),
)
NETWORK_FACTS = (
    fact("kind", "网络类型", "dedicated", "业务专网", "registers/networks.yaml!7", "declared", days=12),
    fact("built_on", "建设日期", date(2022, 9, 1), "2022年9月1日", "registers/networks.yaml!7", "declared", days=12),
    fact("approval_absent", "批准文号（明确答复为无）", True, "是", "registers/networks.yaml!7", "declared", days=12),
)


def findings() -> tuple[FindingView, ...]:
    return (
        finding(1, "migrate-to-cloud", "mzj", "婚姻登记管理系统"),
        finding(2, "migrate-to-cloud", "mzj", "社会救助家庭经济状况核对系统", facts=(hosting(), running(4))),
        finding(3, "use-cloud-catalogue", "mzj", "民政局三楼机房", facts=ROOM_FACTS),
        finding(4, "no-new-dedicated-network", "mzj", "救助管理业务专网", facts=NETWORK_FACTS),
        finding(5, "registered", "mzj", "127.20.1.33:8080", facts=(hosting("", "8080/tcp Apache Tomcat"),)),
        finding(
            6,
            "migrate-to-cloud",
            "jtj",
            "公路养护管理系统",
            state="stale",
            change="stale",
            reason="本次探测未覆盖其所在网络区域",
            orderable=False,
            not_orderable_because=("本次审计未能再次确认，依据已过时", "“部署位置”的依据已有45天，超过30天"),
            opened_at=NOW - timedelta(days=45),
        ),
        finding(7, "catalogue-filed", "jtj", "公交调度平台", change="still_open"),
        finding(8, "migrate-to-cloud", "jtj", "客运联网售票系统", change="reopened", state="reopened"),
        finding(
            9,
            "migrate-to-cloud",
            "czj",
            "非税收入管理系统",
            state="resolved",
            change="resolved",
            reason="已整改",
            resolved_at=NOW,
            orderable=False,
        ),
        finding(
            10,
            "catalogue-filed",
            "czj",
            "预算编制系统",
            verdict="waived",
            state="waived",
            change="waived",
            reason="豁免至2027年3月31日",
            orderable=False,
        ),
    )


def systems() -> tuple[SystemView, ...]:
    def one(number: int, name: str, department: str, on_cloud: bool | None, **more: Any) -> SystemView:
        places = {True: ("gov_cloud",), False: ("own_room",), None: ()}[on_cloud]
        made = SystemView(
            f"s-{number:06x}", name, department, NAMES[department], "running", places, on_cloud, None, None
        )
        return replace(made, **more)

    return (
        one(
            1,
            "婚姻登记管理系统",
            "mzj",
            False,
            planned_on=date(2027, 3, 31),
            addresses=("127.20.1.11",),
            mlps_level=3,
        ),
        one(2, "社会救助家庭经济状况核对系统", "mzj", False, addresses=("127.20.1.12",), mlps_level=2),
        one(11, "养老服务信息平台", "mzj", True, migrated_on=date(2025, 6, 30), addresses=("127.20.9.21",)),
        one(12, "殡葬管理系统", "mzj", None, status="trial"),
        one(6, "公路养护管理系统", "jtj", None),
        one(7, "公交调度平台", "jtj", True, migrated_on=date(2024, 2, 5)),
        one(8, "客运联网售票系统", "jtj", False, planned_on=date(2026, 12, 31)),
        one(9, "非税收入管理系统", "czj", True, migrated_on=date(2026, 11, 1)),
        one(10, "预算编制系统", "czj", True),
        one(13, "旧版公文系统", "czj", None, status="retired", excluded="retired_filed"),
        one(14, "远县政务公开平台", "yx", False, hosting=("gov_cloud",)),
    )


def assets() -> tuple[AssetView, ...]:
    def one(kind: str, number: int, name: str, department: str, zone: str, /, **values: object) -> AssetView:
        return AssetView(kind, f"{kind[0]}-{number:06x}", name, department, NAMES[department], zone, values)

    return (
        one(
            "room",
            3,
            "民政局三楼机房",
            "mzj",
            "mzj",
            code="JF-001",
            address="示例市民政大楼三楼",
            area=45.5,
            kind="own",
            built_on=date(2023, 5, 1),
            approval_absent=True,
            racks=4,
            servers_declared=2,
            hosts_physical=6,
            ups=1,
            yearly_power_cost=86000.0,
            is_observed=True,
            is_declared=True,
            sources=["nmap", "registers/rooms.csv"],
            first_seen_on=date(2026, 11, 22),
            last_seen_on=date(2026, 11, 22),
        ),
        one("room", 15, "交通运输局（推断机房）", "jtj", "jtj", is_inferred=True, hosts_physical=3, is_observed=True),
        one(
            "network",
            4,
            "救助管理业务专网",
            "mzj",
            "",
            kind="dedicated",
            prefixes=["10.66.0.0/16"],
            carrier="某运营商",
            bandwidth=100.0,
            built_on=date(2022, 9, 1),
            approval_absent=True,
            is_declared=True,
        ),
        one(
            "cloud", 16, "示例市政务云平台", "czj", "gov", kind="government", owner_level="city", platform="openstack"
        ),
        *(
            one(
                "host",
                number,
                f"服务器{number}",
                "mzj",
                "mzj",
                ips=[f"127.20.1.{number}"],
                open_services=["22/tcp ssh OpenSSH 9.2p1", "80/tcp http nginx 1.22.1"],
                answers=True,
                is_observed=True,
                is_declared=number % 2 == 0,
                platform="bare" if number % 2 else None,
            )
            for number in range(10, 16)
        ),
        one(
            "system",
            1,
            "婚姻登记管理系统",
            "mzj",
            "mzj",
            mlps_level=3,
            mlps_valid_to=date(2027, 1, 15),
            crypto_required=True,
            crypto_assessment_absent=True,
        ),
        one("system", 2, "社会救助家庭经济状况核对系统", "mzj", "mzj", mlps_level=2, mlps_filing_absent=True),
    )


def probes() -> tuple[ProbeView, ...]:
    limits = ("没有root权限：使用连接扫描，不探测UDP端口",)
    return (
        ProbeView("mzj", "民政局办公网", "nmap", True, 41.2, 1.0, NOW, (), limits),
        ProbeView(
            "jtj",
            "交通运输局办公网",
            "nmap",
            False,
            3.0,
            0.5,
            NOW - timedelta(days=45),
            ("127.20.2.128/25：超时，未取得完整结果",),
            limits,
        ),
        ProbeView(
            "czj", "财政局办公网", "nmap", False, 0.0, 0.0, None, ("没有有效授权：授权书已于2026年6月30日到期",)
        ),
        ProbeView("gov", "政务云", "nmap", True, 12.5, 1.0, NOW, (), limits),
    )


def counts() -> tuple[CountView, ...]:
    numbers = {
        ("migrate-to-cloud", "mzj"): {"violation": 2, "compliant": 1, "unknown": 1},
        ("migrate-to-cloud", "jtj"): {"violation": 1, "compliant": 1, "unknown": 1},
        ("migrate-to-cloud", "czj"): {"compliant": 2, "not_applicable": 1},
        ("use-cloud-catalogue", "mzj"): {"violation": 1},
        ("no-new-dedicated-network", "mzj"): {"violation": 1},
        ("registered", "mzj"): {"violation": 1, "compliant": 3},
        ("catalogue-filed", "jtj"): {"violation": 1, "unknown": 2},
        ("catalogue-filed", "czj"): {"waived": 1, "compliant": 1, "unknown": 0},
    }
    return tuple(
        CountView(f"{PACK}/{rule}", RULES[rule][0], PACK, RULES[rule][2], department, verdict, number)
        for (rule, department), verdicts in numbers.items()
        for verdict, number in verdicts.items()
    )


def unknowns() -> tuple[UnknownView, ...]:
    rule = f"{PACK}/migrate-to-cloud"
    title = RULES["migrate-to-cloud"][0]
    return (
        UnknownView(rule, title, "殡葬管理系统", "s-00000c", "mzj", NAMES["mzj"], ("is_on_recognised_cloud",)),
        UnknownView(rule, title, "公路养护管理系统", "s-000006", "jtj", NAMES["jtj"], ("hosting", "status")),
    )


def audit_view(**more: Any) -> AuditView:
    view = AuditView(
        site="示例市",
        region="140800",
        bureau=BUREAU,
        snapshot="20261122T150500Z-7f3a",
        run="r-0002",
        as_of=date(2026, 11, 22),
        started_at=NOW - timedelta(seconds=75),
        ended_at=NOW,
        complete=False,
        departments=DEPARTMENTS,
        findings=findings(),
        counts=counts(),
        unknowns=unknowns(),
        probes=probes(),
        systems=systems(),
        assets=assets(),
        changes=Changes(new=5, still_open=1, reopened=1, resolved=1, stale=1, waived=1),
        packs=((PACK, "3f" * 32),),
        stages={"collect": 61.5, "reconcile": 0.8, "evaluate": 0.3, "render": 1.9},
        conflicts=("信息系统 公交调度平台：部署位置 登记为政务云，探测所见为自建机房",),
        version="0.1.0",
        rules=tuple(
            RuleView(f"{PACK}/{rule}", PACK, row[0], row[1], row[2], row[3], (basis(rule),), row[6])
            for rule, row in RULES.items()
        ),
        last_complete_at=NOW - timedelta(days=30),
    )
    return replace(view, **more)


def notice_view(**more: Any) -> NoticeView:
    own = [f for f in findings() if f.department_id == "mzj"]
    view = NoticeView(
        site="示例市",
        bureau=BUREAU,
        department=DEPARTMENTS[0],
        power=ASSESSMENT,
        items=tuple(f for f in own if f.orderable),
        left_out=tuple(f for f in own if not f.orderable),
        drawn_up_on=date(2026, 11, 23),
        snapshot="20261122T150500Z-7f3a",
        contact="示例市审批服务管理局政务信息管理科，电话0359-0000000",
    )
    return replace(view, **more)


@dataclass(frozen=True)
class City:
    """The builders, for tests to take variants from."""

    audit: Callable[..., AuditView] = audit_view
    notice: Callable[..., NoticeView] = notice_view
    finding: Callable[..., FindingView] = finding
    fact: Callable[..., FactView] = fact
    breach: Power = BREACH
    now: datetime = NOW


@pytest.fixture
def city() -> City:
    return City()


@pytest.fixture
def audit(city: City) -> AuditView:
    return city.audit()


@pytest.fixture
def notice(city: City) -> NoticeView:
    return city.notice()


@pytest.fixture
def history() -> tuple[EventView, ...]:
    return (
        EventView(NOW - timedelta(days=45), "open", "", "r-0001"),
        EventView(NOW, "stale", "本次探测未覆盖其所在网络区域", "r-0002"),
    )
