"""Components: what a host or system is made of, for the domestic-control (信创) clauses."""

from inventories.kinds.declare import ANY, INFERRED, SEEN, Kind, day, text, texts

CATEGORY = {
    "cpu": ("CPU", "处理器"),
    "os": ("操作系统",),
    "database": ("数据库",),
    "middleware": ("中间件",),
    "office": ("办公软件",),
    "security_device": ("安全设备", "信息安全设备"),
    "network_device": ("网络设备", "核心网络设备"),
    "application": ("应用软件", "业务应用软件"),
}

COMPONENT = Kind(
    name="component",
    title="软硬件产品",
    letter="p",
    register="components",
    columns=(
        text("code", "产品编号", "编号"),
        text("name", "产品名称", "名称", origins=SEEN),
        text("category", "产品类别", "类别", values=CATEGORY, origins=ANY),
        text("vendor", "厂商", "供应商", "生产厂商", origins=SEEN),
        text("product", "产品", "产品型号", "型号", origins=SEEN),
        text("version", "版本", "版本号", origins=SEEN),
        text("host_key", "所在主机", origins=ANY),
        texts("system_keys", "所属系统标识", origins=INFERRED),
        text("system_code", "所属系统编号", "所属系统"),
        day("bought_on", "采购日期", "购置日期"),
        text("approval_no", "批准文号", "审批文号", paper="approval"),
        text("legal_basis", "依据文件", "法律法规依据", paper="legal_basis"),
    ),
)
