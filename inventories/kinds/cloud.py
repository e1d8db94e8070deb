"""Clouds and virtualisation platforms: the government's, an industry's, a county's, a department's own."""

from inventories.kinds.declare import (
    ANY,
    CLOUD_LEVELS,
    INFERRED,
    OBSERVED,
    Kind,
    day,
    flag,
    integer,
    number,
    text,
    texts,
)

CLOUD_KIND = {
    "government": ("政务云", "政务云平台"),
    "industry": ("行业云",),
    "county": ("县级政务云", "区县云"),
    "public": ("公有云",),
    "virtualisation": ("虚拟化平台", "私有云", "自建虚拟化"),
}

CLOUD = Kind(
    name="cloud",
    title="云平台",
    letter="c",
    register="clouds",
    columns=(
        text("code", "云平台编号", "编号"),
        text("name", "云平台名称", "平台名称", "名称"),
        text("kind", "云类型", "类型", values=CLOUD_KIND, origins=ANY),
        text("platform", "平台软件", "技术平台", origins=ANY, note="openstack, vcenter, esxi, proxmox, ..."),
        text("endpoint", "管理地址", "平台地址", origins=ANY),
        texts("prefixes", "地址段", "IP地址段", "网段"),
        text("software_version", "平台版本", origins=OBSERVED),
        texts("clusters", "集群", origins=OBSERVED),
        texts("datastores", "存储", origins=OBSERVED, note="NAME KIND CAPACITY in GB"),
        texts("networks_observed", "平台内网络", origins=OBSERVED, note="NAME PREFIX or VLAN"),
        texts("projects_observed", "平台内项目", origins=OBSERVED),
        text("owner_level", "平台层级", "所属层级", "建设层级", values=CLOUD_LEVELS),
        day("built_on", "建成日期", "建设时间", "建成时间", "启用日期"),
        day("expanded_on", "扩容日期", "扩建日期", paper="expansion"),
        text("approval_no", "批准文号", "审批文号", "批复文号", paper="approval"),
        text("legal_basis", "依据文件", "法律法规依据", paper="legal_basis"),
        flag("is_merged_under_city", "是否纳入市级统一管理", "是否纳入市级政务云"),
        text("mlps_filing_no", "等保备案编号", "备案证明编号", paper="mlps_filing"),
        integer("hosts_total", "物理主机数", origins=ANY),
        integer("vms_total", "虚拟机数", origins=ANY),
        flag("is_inferred", "是否推断", origins=INFERRED),
        number("inference_confidence", "推断置信度", origins=INFERRED),
        texts("inference_evidence", "推断依据", origins=INFERRED),
    ),
)
