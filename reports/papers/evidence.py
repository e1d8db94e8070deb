"""How we know: the annex that lists every fact with its source, its day, how strong it is, and the snapshot. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reports.model import FindingView
from reports.papers.facts import by_rule, cited, fact_words, in_order, name, object_cell
from reports.papers.fields import Annex, Blank, EvidenceGroup, EvidenceRow, FormRow
from reports.papers.phrases import BLANK_DATE, NAME, TEXT, bureau, stop
from reports.papers.view import PaperView
from reports.words import STRENGTH_MEANINGS, STRENGTHS, moment, source_words, tidy, word

EVIDENCE = "核查情况明细表"
ANSWERS = "核实意见反馈表"
REPORT = "整改情况报告"
RESULTS = "复查结果明细表"


def evidence(view: PaperView, label: str) -> Annex:
    """The facts behind a paper's items: a row for each, under the rule that they break."""
    groups: list[EvidenceGroup] = []
    place = 0
    for first, group in by_rule(view.items):
        rows: list[EvidenceRow] = []
        for one in group:
            place += 1
            rows += _facts(one, place, view)
        groups.append(EvidenceGroup(heading=_heading(first), rows=rows))
    return Annex(label=label, title=EVIDENCE, groups=groups, note=_note(view))


def _heading(rule: FindingView) -> str:
    where = "、".join(cited(basis) for basis in rule.basis)
    return f"{tidy(rule.title, NAME)}——{where}" if where else tidy(rule.title, NAME)


def _facts(finding: FindingView, place: int, view: PaperView) -> list[EvidenceRow]:
    no, cell = str(place), object_cell(finding)
    if finding.snapshot and view.snapshot and finding.snapshot != view.snapshot:
        # The note below the table speaks of one snapshot only.
        cell += f"\n数据快照：{tidy(finding.snapshot, 80)}"
    rows: list[EvidenceRow] = []
    for fact in finding.facts:
        told = fact_words(fact)
        if fact.evidence:
            told += f"\n佐证：{tidy(fact.evidence, 200)}"
        source = f"{source_words(fact.source)}\n{moment(fact.observed_at, view.timezone)}".rstrip()
        strength = word(STRENGTHS, fact.strength) if fact.strength else ""
        rows.append(EvidenceRow(no=no, object=cell, seen=told, source=source, strength=strength))
        no = cell = ""
    return rows or [EvidenceRow(no=no, object=cell, seen="（无明细）", source="", strength="")]


def _note(view: PaperView) -> str:
    meanings = "；".join(f"{STRENGTHS[s.label]}：{words}" for s, words in STRENGTH_MEANINGS.items())
    snapshot = ""
    if view.snapshot:
        snapshot = f"核查数据快照：{tidy(view.snapshot, 80)}"
        snapshot += f"，SHA-256摘要：{tidy(view.snapshot_digest, 80)}。" if view.snapshot_digest else "。"
        snapshot += f"对来源有疑问的，可凭快照编号向{bureau(view)}查询。"
    return f"注：依据强度由强到弱为{meanings}。{snapshot}"


# --- forms to fill in ---------------------------------------------------------------------------------------

_FILLED_IN = f"填报单位（盖章）：{'　' * 14}填报日期：{BLANK_DATE}"


def answers(view: PaperView, label: str) -> Blank:
    """The department's answer to a letter: true, partly true, or not, item by item. Nothing is demanded yet."""
    choices = "□属实\n□部分属实\n□不属实"
    rows = [_row(place, one, result=choices, demands=False) for place, one in in_order(view.items)]
    note = (
        "注：部分属实、不属实的，请说明理由并附证明材料，如批准文件、迁移上云证明、停用报备材料、现场照片等；"
        "属实的，请说明原因、拟采取的措施和完成时间。"
    )
    return Blank(label=label, title=ANSWERS, head=_FILLED_IN, rows=rows, note=note)


def report(view: PaperView, label: str) -> Blank:
    """The rectification report to send back: what was asked stands in it, what was done does not."""
    rows = [_row(place, one) for place, one in in_order(view.items)]
    note = "注：逐项填写整改措施、完成时间和责任科室，附佐证材料；未完成的，写明原因、下一步计划和完成时间。"
    return Blank(label=label, title=REPORT, head=_FILLED_IN, rows=rows, note=note)


def results(items: Iterable[FindingView], told: Mapping[str, tuple[str, str]], label: str) -> Blank:
    """A re-inspection, item by item: ``told`` gives each finding's result and its ground in words."""
    rows = [_row(place, one, *told[one.id]) for place, one in in_order(items)]
    return Blank(
        label=label,
        title=RESULTS,
        head="",
        rows=rows,
        note="注：按复查数据截至之日的情况记载；不再列入的，已注明原因。",
    )


def _row(place: int, finding: FindingView, result: str = "", remark: str = "", *, demands: bool = True) -> FormRow:
    return FormRow(
        no=str(place),
        object=f"{name(finding)}\n{tidy(finding.id, 40)}",
        problem=tidy(finding.title, NAME),
        demand=stop(tidy(finding.remedy, TEXT)) if demands and finding.remedy else "",
        result=result,
        remark=remark,
    )
