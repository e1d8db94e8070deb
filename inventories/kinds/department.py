"""Departments: who owns what, and at which level of government."""

from inventories.kinds.declare import LEVELS, Kind, day, text

SECTORS = {
    "general": ("综合", "一般"),
    "police": ("公安",),
    "health": ("医疗卫生", "医疗", "卫生健康"),
    "teaching": ("教育教学", "教学", "教育"),
    "civil_affairs": ("民政",),
    "finance": ("财政",),
    "transport": ("交通运输", "交通"),
    "natural_resources": ("自然资源",),
    "human_resources": ("人力资源社会保障", "人社"),
    "housing": ("住房城乡建设", "住建"),
    "water": ("水利", "水务"),
    "emergency": ("应急管理", "应急"),
    "data": ("数据管理", "数据"),
}

DEPARTMENT = Kind(
    name="department",
    title="部门",
    letter="d",
    register="departments",
    columns=(
        text("department_id", "部门编号", "编号", "单位编号", "部门代码"),
        text("name", "部门名称", "单位名称", "单位", "部门", "单位全称", "部门全称"),
        text("short_name", "简称", "单位简称", "部门简称"),
        text("credit_code", "统一社会信用代码", "社会信用代码", "信用代码"),
        text("parent_id", "上级部门编号", "主管部门编号"),
        text("region", "行政区划代码", "区划代码", "行政区划"),
        text("level_of_government", "政府层级", "层级", "级别", values=LEVELS),
        text("sector", "行业", "行业类别", "领域", values=SECTORS),
        text("contact", "联系人及电话", "联系方式", "联系人"),
        day("valid_from", "设立日期", "成立日期"),
        day("valid_to", "撤并日期", "撤销日期"),
    ),
)
