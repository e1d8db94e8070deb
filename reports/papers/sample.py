"""A complete paper of each form about a city that does not exist: templates are tried on it, and tests start from it.

Offices only, and every name says 示例: nobody takes a sample for a paper.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from policies.calendars import Due
from policies.model import Basis, Consequence, Power, Reply
from reports.model import DepartmentView, FactView, FindingView
from reports.papers.bulletin import CountedRow, rate_words
from reports.papers.inspections import CLOSED
from reports.papers.phrases import INSPECTION_NAME, ORDERS, OUTWARD, form_name
from reports.papers.view import EarlierPaper, Form, ItemResult, PaperView, Result, Service

BUREAU = "示例市审批服务管理局（示例市政务信息管理局）"
DEPARTMENT = DepartmentView("example", "示例市民政局", "000000", "civil_affairs", "city")
REGULATION = "示例市政务信息化项目管理规定"
NUMBER = "示政办发〔2021〕0号"
SNAPSHOT = "20261122T150500Z-0000"
DIGEST = "0123456789abcdef" * 4
SEEN_AT = datetime(2026, 11, 22, 15, 5, tzinfo=UTC)

ASSESSMENT = Power(
    id="assessment",
    article="第二十四条",
    quote="项目实施单位应依据效能评估整改任务书进行整改，并在接到整改通知的10个工作日内报送整改结果",
    authority="示例市审批服务管理局",
    addressee="项目实施单位",
    form="效能评估整改任务书",
    reply=Reply(10, "working_days", "service"),
    report_to=BUREAU,
)
BREACH = Power(
    id="breach-of-approval",
    article="第二十三条",
    quote="对于发生违反审批要求，擅自变更建设内容的项目，将责令项目实施单位限期整改",
    authority="示例市审批服务管理局",
    addressee="项目实施单位",
    form="责令限期整改",
    report_to=BUREAU,
    if_refused=(
        Consequence("暂停拨付项目建设和运维资金", "第二十三条", "示例市财政局"),
        Consequence("终止项目", "第二十三条"),
    ),
)
_BUREAUS_OWN = Reply(15, "working_days", "service")


def sample(form: Form, *, issued: bool = True, round: int = 1, provisional: bool = False) -> PaperView:
    """A view of this form that composes without fault.

    ``issued`` False gives the draft: no number, no day, no time to answer but the article's. ``round`` 2 is a
    second notice (for forms that have one). ``provisional`` lets the time to answer end in a year without calendar.
    """
    view = _by_form(form)
    if form in (*ORDERS, Form.REMINDER) and round > 1:
        view = _second(view, round)
    if provisional:
        view = replace(view, due=Due(date(2027, 1, 6), True))
    return view if issued else _draft(view)


def _draft(view: PaperView) -> PaperView:
    own = view.reply if view.power and view.reply == view.power.reply else None
    earlier = tuple(replace(paper, number="") for paper in view.earlier)
    if view.form not in (Form.RECEIPT, Form.REPLY):
        earlier = view.earlier
    return replace(
        view,
        number="",
        issued_on=None,
        reply=own,
        reply_set_by_bureau=False,
        due=None,
        earlier=earlier,
        contact="",
        addressee="" if view.form in OUTWARD else view.addressee,
        decision="",
    )


def _by_form(form: Form) -> PaperView:
    common = PaperView(
        form=form,
        site="示例市",
        bureau=BUREAU,
        contact="示例市审批服务管理局政务信息科，电话0000-0000000",
        department=DEPARTMENT,
        drawn_up_on=date(2026, 11, 23),
        data_as_of=date(2026, 11, 22),
        snapshot=SNAPSHOT,
        snapshot_digest=DIGEST,
        case="C-0000",
        regulation=REGULATION,
        regulation_number=NUMBER,
        number="示审管函〔2026〕0号",
        issued_on=date(2026, 11, 24),
    )
    timed = replace(common, reply=_BUREAUS_OWN, reply_set_by_bureau=True)
    match form:
        case Form.LETTER:
            return replace(timed, power=ASSESSMENT, items=_problems())
        case Form.REMINDER:
            return replace(timed, items=(_item(5, _REMINDER),))
        case Form.TASK:
            return replace(common, power=ASSESSMENT, items=_problems(), reply=ASSESSMENT.reply)
        case Form.ORDER | Form.ORDER_NOTICE:
            return replace(timed, power=BREACH, items=_breaches(), copies=("示例市财政局",))
        case Form.REFERRAL:
            return replace(common, addressee="示例市公安局", items=(_item(6, _REFERRAL),), regulation="")
        case Form.PROPOSAL:
            return _proposal(common)
        case Form.INSPECTION:
            return _inspection(common)
        case Form.RECEIPT:
            service = Service(
                date(2026, 11, 25), "直接送达", "示例市民政局办公室", server="示例市审批服务管理局政务信息科"
            )
            return replace(common, number="", power=BREACH, earlier=(_notice(BREACH),), service=service)
        case Form.REPLY:
            return replace(common, number="", power=BREACH, items=_breaches(), earlier=(_notice(BREACH),))
        case Form.BULLETIN:
            return replace(common, month=date(2026, 11, 1), rows=_rows())


# --- parts --------------------------------------------------------------------------------------------------

_ORDER = ("yuncheng/migrate", "非涉密系统未迁移至政务云平台", "system", "order", "第三十三条", "应向政务云平台迁移")
_BREACH = ("yuncheng/changed", "擅自变更项目建设内容", "project", "order", "第二十三条", "擅自变更建设内容")
_REMINDER = ("yuncheng/catalogue", "数据目录未报备", "system", "reminder", "第五条", "梳理数据目录，报备案")
_REFERRAL = ("national/filing", "第二级以上系统未备案", "system", "referral", "第十五条", "应当办理备案手续")
_REMEDIES = {
    _ORDER: "制定迁移计划，将系统迁移至政务云平台，原运行环境下线并报备",
    _BREACH: "就变更的内容补办审批；未获批准的，恢复原批准内容",
    _REMINDER: "梳理数据目录并报备",
    _REFERRAL: "向公安机关办理等级保护备案",
}
_PAPER_FACTS = {
    _ORDER: ("approval_absent", "批准文号（明确答复为无）"),
    _BREACH: ("change_unapproved", "变更建设内容未经批准"),
    _REMINDER: ("catalogue_absent", "数据目录备案号（明确答复为无）"),
    _REFERRAL: ("mlps_filing_absent", "等级保护备案证明编号（明确答复为无）"),
}


def _item(number: int, rule: tuple[str, str, str, str, str, str]) -> FindingView:
    id_, title, subject, bite, article, quote = rule
    return FindingView(
        id=f"F-{number:04d}",
        rule=id_,
        title=title,
        subject=subject,
        asset_key=f"{subject[0]}-{number:06x}",
        asset_name=f"示例{'业务系统' if subject == 'system' else '建设项目'}{number}",
        department_id=DEPARTMENT.id,
        department_name=DEPARTMENT.name,
        verdict="violation",
        state="open",
        reason="",
        severity="high",
        bite=bite,
        basis=(Basis(REGULATION, NUMBER, article, quote),),
        facts=_facts(number, rule),
        opened_at=SEEN_AT,
        last_confirmed_at=SEEN_AT,
        resolved_at=None,
        snapshot=SNAPSHOT,
        remedy=_REMEDIES[rule],
        orderable=bite == "order",
        sendable=bite in ("reminder", "referral"),
        refer_to="公安机关网安部门" if bite == "referral" else "",
    )


def _facts(row: int, rule: tuple[str, str, str, str, str, str]) -> tuple[FactView, ...]:
    seen = FactView(
        "hosting",
        "部署位置",
        ["own_room"],
        "自建机房",
        "nmap",
        SEEN_AT,
        "seen_outside",
        "80/tcp nginx，页面标题“示例业务系统”",
    )
    column, title = _PAPER_FACTS[rule]
    table = "projects" if rule is _BREACH else "systems"
    declared = FactView(column, title, True, "是", f"registers/{table}.xlsx!{row}", SEEN_AT, "declared")
    return (seen, declared) if rule is _ORDER else (declared,)


def _problems() -> tuple[FindingView, ...]:
    return tuple(_item(number, _ORDER) for number in (1, 2, 3))


def _breaches() -> tuple[FindingView, ...]:
    return (_item(4, _BREACH),)


def _notice(power: Power) -> EarlierPaper:
    return EarlierPaper(
        number="示审管改〔2026〕0号",
        title=form_name(power),
        issued_on=date(2026, 11, 24),
        served_on=date(2026, 11, 25),
        due=Due(date(2026, 12, 9), False),
    )


def _opinion() -> EarlierPaper:
    return EarlierPaper("示审管复〔2026〕0号", INSPECTION_NAME, date(2026, 12, 11))


def _later(view: PaperView) -> PaperView:
    """The same case after the time to answer has passed and somebody has looked again."""
    return replace(
        view,
        drawn_up_on=date(2026, 12, 14),
        data_as_of=date(2026, 12, 10),
        issued_on=date(2026, 12, 15),
        inspected_on=date(2026, 12, 10),
    )


def _ground(number: int, result: Result, ground: str, by: str = "") -> ItemResult:
    return ItemResult(f"F-{number:04d}", result, ground, by)


_STILL = "2026年12月10日网络探测所见与整改前一致"


def _second(view: PaperView, number: int) -> PaperView:
    earlier = [replace(_notice(view.power), number=f"示审管改〔2026〕{n}号") for n in range(number - 1) if view.power]
    if view.power is None:
        earlier = [EarlierPaper("示审管函〔2026〕0号", "提示函", date(2026, 11, 24), date(2026, 11, 25))]
    results = tuple(ItemResult(one.id, Result.NOT_MENDED, _STILL) for one in view.items)
    return replace(_later(view), round=number, earlier=(*earlier, _opinion()), results=results)


def _proposal(view: PaperView) -> PaperView:
    return replace(
        _later(view),
        addressee="示例市财政局",
        power=BREACH,
        items=_breaches(),
        earlier=(_notice(BREACH), _opinion()),
        results=(_ground(4, Result.NOT_MENDED, _STILL),),
        consequence=BREACH.if_refused[0],
        copies=(DEPARTMENT.name,),
    )


def _inspection(view: PaperView) -> PaperView:
    return replace(
        _later(view),
        power=ASSESSMENT,
        items=_problems(),
        earlier=(_notice(ASSESSMENT),),
        results=(
            _ground(1, Result.MENDED, "2026年12月10日云平台接口显示该系统已在政务云运行，原址不再应答"),
            _ground(2, Result.MENDED, "提交的下线报备材料齐全，现场核对一致", "政务信息科"),
            _ground(3, Result.DROPPED, "经批准豁免至2027年3月31日"),
        ),
        decision=CLOSED,
    )


def _rows() -> tuple[CountedRow, ...]:
    figures = (("示例市民政局", 5, 3, 1, 2, 1, 1, 1), ("示例市财政局", 4, 4, 0, 0, 0, 0, 2))
    return tuple(
        CountedRow(name, scope, on, rate_words(on, apart, scope), live, open_, overdue, closed, apart)
        for name, scope, on, apart, live, open_, overdue, closed in figures
    )
