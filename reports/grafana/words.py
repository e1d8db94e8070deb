"""The Chinese words of labels' values, and of the values that are no figures."""

from __future__ import annotations

from collections.abc import Mapping

from inventories.kinds import KINDS
from policies.subjects import columns_of
from reports.grafana.model import NOT_TOLD
from reports.grafana.promql import NOT_EVER, OF_NOTHING
from reports.ledger_cases import STATES as CASE_WORDS
from reports.metrics_names import CASE_STATES, HOSTING, NOT_KNOWN, Part
from reports.words import EXCLUSIONS, SEVERITIES, source_words

CANNOT_TELL = "无法判定"

#: Where a system runs, as ``auditor_systems`` counts it: each system once.
HOSTING_WORDS: Mapping[str, str] = {
    "gov_cloud": "认可的政务云",
    "unrecognised_gov_cloud": "层级不符的政务云",
    **{code: KINDS["system"].column("hosting").label(code) for code in HOSTING if code != "gov_cloud"},
    "several": "多处部署",
    NOT_KNOWN: CANNOT_TELL,
}
EXCLUSION_WORDS = EXCLUSIONS
SEVERITY_WORDS = SEVERITIES
ORIGINS: Mapping[str, str] = {"declared": "已登记", "inferred": "未登记（探测推断）", "unknown": "来源不详"}
NETWORKS: Mapping[str, str] = {
    **{code: words[0] for code, words in KINDS["network"].column("kind").values.items()},
    NOT_KNOWN: "类型不详",
}
CATEGORIES: Mapping[str, str] = {
    **{code: words[0] for code, words in KINDS["component"].column("category").values.items()},
    NOT_KNOWN: "类别不详",
}
_LIST_STATUS = columns_of("component")["list_status"]
LIST_WORDS: Mapping[str, str] = {code: _LIST_STATUS.label(code) for code in _LIST_STATUS.values}
#: How long a paper or a list's entry stands; the days are disjoint.
STANDING_WORDS: Mapping[str, str] = {
    "valid": "有效（90日以上）",
    "expiring_90d": "61～90日内到期",
    "expiring_60d": "31～60日内到期",
    "expiring_30d": "30日内到期",
    "expired": "已到期",
    "missing": "没有",
    NOT_KNOWN: NOT_TOLD,
}
CASE_STATE_WORDS: Mapping[str, str] = {code: CASE_WORDS[code] for code in CASE_STATES}
KIND_WORDS: Mapping[str, str] = {name: kind.title for name, kind in KINDS.items()}
STAGES: Mapping[str, str] = {
    "collect": "采集",
    "reconcile": "归并",
    "evaluate": "判定",
    "record": "入账",
    "render": "出具文书和台账",
}
PARTS: Mapping[Part, str] = {
    Part.INVENTORY: "资产",
    Part.MIGRATION: "上云",
    Part.RULES: "规则",
    Part.FINDINGS: "问题",
    Part.PROBES: "探测",
    Part.CASES: "整改案件",
    Part.TRAIL: "审计轨迹",
    Part.STORE: "存储",
    Part.SCHEDULE: "计划任务",
    Part.LOOKS: "各区域的核查",
}
PROBES: Mapping[str, str] = {
    code: source_words(code)
    for code in ("nmap", "endpoints", "names", "ssh", "windows", "vsphere", "openstack", "snmp")
}

#: A share of nothing; see :mod:`reports.grafana.promql`.
NO_SYSTEMS: Mapping[str, str] = {str(OF_NOTHING): "无应上云系统"}
NO_PRODUCTS: Mapping[str, str] = {str(OF_NOTHING): "无可对照产品"}
YES_NO: Mapping[str, str] = {"1": "正常", "0": "失败"}
NEVER: Mapping[str, str] = {str(NOT_EVER): "从未"}
NOT_DUE: Mapping[str, str] = {str(NOT_EVER): "没有计划"}
NO_LOOK: Mapping[str, str] = {str(NOT_EVER): "没有"}
BY_WORDS: Mapping[str, str] = {"centre": "中心", "worker": "核查节点", "bundle": "带回核查包"}
COMPLETE: Mapping[str, str] = {"1": "全部覆盖", "0": "部分未覆盖"}
