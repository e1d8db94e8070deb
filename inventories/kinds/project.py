"""Informatisation projects, for the clauses on approval, filing and acceptance."""

from inventories.kinds.declare import Kind, day, flag, integer, number, text, texts

PROJECT_KIND = {
    "construction": ("建设", "新建", "升级改造"),
    "operation": ("运维", "运维服务"),
    "service": ("购买服务", "第三方服务", "服务"),
    "purchase": ("货物采购", "采购"),
}

PROJECT = Kind(
    name="project",
    title="信息化项目",
    letter="j",
    register="projects",
    columns=(
        text("code", "项目编号", "编号", "项目编码"),
        text("name", "项目名称", "名称"),
        text("kind", "项目类型", "类型", values=PROJECT_KIND),
        number("budget", "项目预算", "预算金额", "投资额", "预算（元）", unit="元"),
        text("funding_source", "资金来源", "建设资金来源"),
        flag("is_county", "是否县级项目"),
        day("started_on", "开工日期", "开始建设日期", "建设开始日期"),
        day("approved_on", "批准日期", "立项审批日期", "批复日期", paper="approval"),
        text("approval_no", "批准文号", "立项批复文号", "批复文号", "审批文号", paper="approval"),
        day("plan_filed_on", "计划申报日期", paper="plan"),
        day("budget_reviewed_on", "预算评审日期", paper="budget_review"),
        day("tech_review_on", "技术论证日期", paper="tech_review"),
        day("contract_signed_on", "合同签订日期", "签约日期", paper="contract"),
        day("contract_filed_on", "合同备案日期", paper="contract_filing"),
        text("supervisor", "监理单位", paper="supervision"),
        day("supervisor_filed_on", "监理备案日期", paper="supervision_filing"),
        day("completed_on", "完工日期", "竣工日期", "建成日期"),
        day("first_accepted_on", "初验日期", paper="first_acceptance"),
        day("trial_from", "试运行开始日期"),
        day("trial_to", "试运行结束日期"),
        day("accepted_on", "竣工验收日期", "终验日期", "验收日期", paper="acceptance"),
        day("acceptance_filed_on", "验收备案日期", paper="acceptance_filing"),
        day("handed_over_on", "移交日期", paper="handover"),
        day("third_party_test_on", "第三方测试日期", paper="third_party_test"),
        texts("tester_standing", "测试机构资质"),
        texts("acceptance_reports", "验收材料", "验收报告材料"),
        day("self_evaluated_on", "自评价日期", paper="self_evaluation"),
        day("post_evaluated_on", "后评价日期", paper="post_evaluation"),
        integer("warranty_months", "质保期", "质保期（月）", unit="月"),
        number("budget_spent_ratio", "预算执行率"),
        day("budget_spent_as_of", "预算执行统计日期"),
        flag("in_yearly_plan", "是否列入年度计划"),
        texts("system_codes", "建设系统编号", "涉及系统"),
    ),
)
