"""Machine rooms (机房), declared or inferred."""

from inventories.kinds.declare import INFERRED, Kind, day, flag, integer, number, text, texts

ROOM_KIND = {
    "own": ("自建", "自有", "自用"),
    "gov": ("政务云机房", "市级机房", "集中机房"),
    "hosted": ("托管", "租用", "租赁"),
}
DISPOSAL = {"keep": ("保留",), "merge": ("整合", "合并"), "close": ("关停", "关闭", "撤销")}

ROOM = Kind(
    name="room",
    title="机房",
    letter="r",
    register="rooms",
    columns=(
        text("code", "机房编号", "编号"),
        text("name", "机房名称", "名称"),
        text("address", "机房地址", "地址", "机房位置", "位置"),
        number("area", "面积", "机房面积", "面积（平方米）", "面积(㎡)", "面积㎡", unit="㎡"),
        text("kind", "机房类型", "类型", "机房性质", values=ROOM_KIND),
        day("built_on", "建成日期", "建设时间", "建成时间", "建成年份", "投用日期"),
        day("expanded_on", "扩建日期", "扩建时间"),
        text("approval_no", "批准文号", "审批文号", "批复文号", paper="approval"),
        day("approved_on", "批准日期", "审批日期", paper="approval"),
        flag("is_recognised", "是否认定机房", "是否认定"),
        flag("is_exempt", "是否豁免", "法定保留"),
        text("exemption_basis", "豁免依据", "保留依据"),
        integer("racks", "机柜数", "机柜数量", unit="个"),
        integer("servers_declared", "服务器数量", "服务器台数", "物理服务器数", unit="台"),
        integer("hosts_physical", "探测到的物理主机数", origins=INFERRED),
        integer("hypervisors", "探测到的虚拟化主机数", origins=INFERRED),
        integer("management_controllers", "探测到的管理控制器数", origins=INFERRED),
        integer("ups", "UPS数量", "UPS台数", unit="台"),
        integer("air_conditioners", "精密空调数量", "空调数量", unit="台"),
        number("ups_kw", "UPS容量", unit="kW"),
        number("yearly_power_cost", "年电费", "年度电费", unit="元"),
        number("yearly_upkeep_cost", "年运维费", "年度运维费", unit="元"),
        day("surveyed_on", "普查日期", "调查日期", paper="survey"),
        text("disposal", "处置意见", "处置方式", values=DISPOSAL, paper="disposal"),
        day("disposal_due_on", "计划处置日期", "计划日期", paper="disposal"),
        texts("systems_housed", "承载系统", "承载信息系统"),
        flag("cloud_offers", "云服务目录是否提供", "云目录可替代"),
        flag("is_inferred", "是否推断", origins=INFERRED),
        number("inference_confidence", "推断置信度", origins=INFERRED),
        texts("inference_evidence", "推断依据", origins=INFERRED),
    ),
)
