"""Networks: dedicated networks (业务专网), vertical networks, internet exits, the government network."""

from inventories.kinds.declare import ANY, INFERRED, Kind, day, flag, number, text, texts

NETWORK_KIND = {
    "dedicated": ("业务专网", "专网", "部门专网"),
    "vertical": ("垂直专网", "纵向专网", "垂直专业网"),
    "internet_exit": ("互联网出口", "互联网"),
    "government": ("政务外网", "政务网", "电子政务外网"),
}

NETWORK = Kind(
    name="network",
    title="网络",
    letter="n",
    register="networks",
    columns=(
        text("code", "网络编号", "编号", "专网编号"),
        text("name", "网络名称", "专网名称", "名称"),
        text("kind", "网络类型", "类型", values=NETWORK_KIND, origins=ANY),
        texts("prefixes", "地址段", "IP地址段", "网段", "业务专网地址", origins=ANY),
        text("carrier", "运营商", "线路运营商"),
        text("line_type", "线路类型", "接入方式"),
        number("bandwidth", "带宽", "带宽（Mbps）", unit="Mbit/s"),
        text("uplink", "上联单位", "上级专网", "上联网络"),
        number("yearly_rent", "年租费", "年租金", unit="元"),
        day("built_on", "建设日期", "建设时间", "建成日期", "建设年份", "建成时间", "启用日期"),
        day("expanded_on", "扩建日期"),
        text("approval_no", "批准文号", "审批文号", "批复文号", paper="approval"),
        day("approved_on", "批准日期", "审批日期", paper="approval"),
        text("legal_basis", "依据文件", "法律法规依据", "建设依据", paper="legal_basis"),
        texts("levels_covered", "覆盖层级"),
        day("merge_due_on", "计划整合日期", "整合计划日期"),
        flag("is_unified_exit", "是否统一出口"),
        texts("endpoints_observed", "探测到的端点", origins=ANY),
        texts("gateways_observed", "探测到的网关", origins=ANY),
        flag("is_inferred", "是否推断", origins=INFERRED),
        number("inference_confidence", "推断置信度", origins=INFERRED),
        texts("inference_evidence", "推断依据", origins=INFERRED),
    ),
)
