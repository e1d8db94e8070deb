"""Which registers there are, what their columns are called, and which cells a row cannot do without.

The registers of assets come from the declarations in :mod:`inventories.kinds`; assessments add facts to
systems; exemptions and submissions have no asset of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inventories.kinds import KINDS, Column, Kind, Type
from inventories.registers.words import key

#: A department may be named by its id, its name, its short name or its credit code.
DEPARTMENT = Column(
    "department",
    Type.TEXT,
    "所属部门",
    ("部门", "部门名称", "单位", "单位名称", "所属单位", "责任部门", "责任单位", "系统所属部门", "department_name"),
    note="部门编号、全称、简称或统一社会信用代码，须与部门登记表一致",
)
DEPARTMENT_CODE = Column("department_id", Type.TEXT, "部门编号", ("部门代码", "单位编号", "单位代码", "所属部门编号"))

#: Not in any form: rows that answer 是 here are dropped at intake, before anything is kept of them.
CLASSIFIED = Column(
    "classified",
    Type.TEXT,
    "是否涉密",
    ("密级", "涉密", "涉密等级", "涉密级别", "涉密情况", "是否为涉密系统", "是否涉密系统", "保密级别", "保密等级"),
)


@dataclass(frozen=True, slots=True)
class Register:
    """One register: ``name`` is the stem of its files.

    ``needs`` lists groups of columns of which at least one must have a heading, and a value in every row.
    ``kind`` names the asset kind that a row describes, empty where a row describes none.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    needs: tuple[tuple[str, ...], ...]
    kind: str = ""
    aliases: tuple[str, ...] = ()
    by_name: Mapping[str, Column] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {c.name: c for c in (*self.columns, CLASSIFIED)})

    @property
    def form_title(self) -> str:
        return f"{self.title}登记表"

    def required(self, column: str) -> bool:
        return any(column in group for group in self.needs)

    def titles(self, group: tuple[str, ...]) -> str:
        """``'系统名称' or '系统编号'``, for errors."""
        return " or ".join(repr(self.by_name[name].title) for name in group)


_OWNER = ("department", "department_id")


def _of_kind(kind: Kind, *needs: tuple[str, ...], aliases: tuple[str, ...] = ()) -> Register:
    own = tuple(c for c in kind.columns if c.declarable)
    owner = () if kind.name == "department" else (DEPARTMENT, DEPARTMENT_CODE)
    groups = needs if kind.name == "department" else (_OWNER, *needs)
    return Register(kind.register, kind.title, owner + own, groups, kind.name, aliases)


def _assessments() -> Register:
    """等保, 密评 and the other assessments of systems: columns of the system kind from ``mlps_level`` on."""
    system = KINDS["system"]
    taken = tuple(
        c
        for c in system.columns
        if c.declarable
        and (
            c.name.startswith(("mlps_", "crypto_", "risk_", "vulnerability_"))
            or c.name in ("source_reviewed_on", "open_high_vulnerabilities", "emergency_plan_on", "drilled_on")
        )
    )
    subject = (
        Column("system_code", Type.TEXT, "系统编号", ("系统编码", "系统代码", "所属系统编号")),
        Column("system_name", Type.TEXT, "系统名称", ("信息系统名称", "应用系统名称", "信息系统")),
    )
    return Register(
        "assessments",
        "等保密评",
        (DEPARTMENT, DEPARTMENT_CODE, *subject, *taken),
        (("system_code", "system_name"),),
        "system",
        ("等级保护", "密码应用安全性评估", "测评"),
    )


_EXEMPTIONS = Register(
    "exemptions",
    "豁免事项",
    (
        Column("code", Type.TEXT, "豁免编号", ("编号",)),
        DEPARTMENT,
        DEPARTMENT_CODE,
        Column("asset_name", Type.TEXT, "资产名称", ("豁免对象", "系统名称", "对象名称", "名称")),
        Column("asset_code", Type.TEXT, "资产编号", ("对象编号", "系统编号", "机房编号")),
        Column(
            "rules",
            Type.TEXTS,
            "豁免规则",
            ("规则", "规则编号", "豁免条款"),
            note="规则编号，如 yuncheng-2021/registered",
        ),
        Column("legal_basis", Type.TEXT, "豁免依据", ("依据", "豁免理由", "理由", "法律依据")),
        Column("approver", Type.TEXT, "批准人", ("审批人", "批准单位", "审批单位", "批准机关")),
        Column("document", Type.TEXT, "批准文件", ("批准文号", "文号", "审批文号", "文件")),
        Column("valid_from", Type.DATE, "起始日期", ("开始日期", "生效日期", "有效期起", "自")),
        Column("valid_to", Type.DATE, "截止日期", ("结束日期", "终止日期", "有效期至", "到期日期", "失效日期")),
        Column("conditions", Type.TEXT, "附加条件", ("条件", "豁免条件")),
    ),
    (
        _OWNER,
        ("asset_name", "asset_code"),
        ("rules",),
        ("legal_basis",),
        ("approver",),
        ("document",),
        ("valid_from",),
        ("valid_to",),
    ),
    aliases=("豁免",),
)

_SUBMISSIONS = Register(
    "submissions",
    "报送情况",
    (
        DEPARTMENT,
        DEPARTMENT_CODE,
        Column("register", Type.TEXT, "登记表", ("台账", "报送台账", "登记册", "报送内容", "表名")),
        Column("received_on", Type.DATE, "收到日期", ("报送日期", "接收日期", "收表日期")),
        Column("period", Type.TEXT, "报送周期", ("周期", "期间", "报送期次")),
        Column("columns", Type.TEXTS, "要求填报栏目", ("填报栏目", "栏目", "要求栏目"), note="空白表示全部栏目"),
        Column("nil_return", Type.BOOLEAN, "是否零报告", ("零报告", "是否零报送", "零报送")),
        Column("digest", Type.TEXT, "文件摘要", ("SHA256", "文件SHA256", "摘要"), note="所报文件的 SHA-256"),
    ),
    (_OWNER, ("register",), ("received_on",)),
    aliases=("报送", "填报情况"),
)

_HOST_NEEDS = ("code", "ips", "serial", "hardware_uuid", "macs")

#: In the order in which they are read: departments and submissions first, what refers to systems after them.
REGISTERS: Mapping[str, Register] = {
    register.name: register
    for register in (
        _of_kind(KINDS["department"], ("department_id",), ("name",), aliases=("单位",)),
        _SUBMISSIONS,
        _of_kind(KINDS["cloud"], ("name",), aliases=("云平台", "政务云")),
        _of_kind(KINDS["room"], ("name",), aliases=("机房",)),
        _of_kind(KINDS["project"], ("name",), aliases=("项目",)),
        _of_kind(KINDS["system"], ("name",), aliases=("系统",)),
        _of_kind(KINDS["host"], _HOST_NEEDS, aliases=("服务器", "设备", "主机")),
        _of_kind(KINDS["network"], ("name",), aliases=("专网", "网络")),
        _of_kind(KINDS["component"], ("category",), ("product", "name"), aliases=("软硬件", "产品", "信创")),
        _assessments(),
        _EXEMPTIONS,
    )
}


def by_title(word: str) -> Register | None:
    """A register by its file stem or any of its Chinese titles (信息系统, 信息系统登记表, 系统台账)."""
    wanted = key(word)
    for register in REGISTERS.values():
        bases = {key(name) for name in (register.title, *register.aliases)}
        names = {
            register.name,
            *bases,
            *(f"{b}{tail}" for b in bases for tail in ("登记表", "台账", "清单", "情况表")),
        }
        if wanted in names:
            return register
    return None
