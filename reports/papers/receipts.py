"""The forms that people fill in by hand: the receipt of service, and the department's rectification report. Pure.

Both belong to other papers, those in ``earlier``: what is served, or what is answered.
"""

from __future__ import annotations

from reports.papers.content import Content
from reports.papers.evidence import REPORT, report
from reports.papers.fields import Line, Pair
from reports.papers.phrases import (
    BLANK_DATE,
    NAME,
    TEXT,
    addressee,
    answerer,
    article,
    break_title,
    bureau,
    cite_paper,
    item,
    notices,
    regulation,
    text,
)
from reports.papers.view import PaperView
from reports.words import chinese_date, tidy


def receipt(view: PaperView) -> Content:
    """送达回证: what is known of the service stands in it, the rest is for the people who serve and sign."""
    service = view.service
    papers = "\n".join(f"{cite_paper(paper)}" for paper in view.earlier)
    instead = "；".join(filter(None, (tidy(service.receiver, NAME), tidy(service.reason, TEXT))))
    rows = (
        ("送达机关", bureau(view)),
        ("送达文书名称及文号", papers),
        ("件数", f"{len(view.earlier)}件" if view.earlier else ""),
        ("受送达人", addressee(view)),
        ("送达地点", tidy(service.place, NAME)),
        ("送达方式", tidy(service.method, NAME)),
        ("送达人", tidy(service.server, NAME)),
        ("受送达人签名或者盖章", ""),
        ("收到日期", chinese_date(service.on) if service.on else BLANK_DATE),
        ("代收人及代收（拒收、留置）理由", instead),
        ("见证人（留置送达）", tidy(service.witness, NAME)),
        ("备考", tidy(service.note, TEXT)),
    )
    pairs = [Pair(name=name, value=value) for name, value in rows]
    return Content(["送达回证"], [], [], {"receipt": pairs})


def reply(view: PaperView) -> Content:
    """Blank 整改情况报告: everything that is asked stands in it, nothing that only the department knows."""
    paper = "".join(cite_paper(one) for one in notices(view)[-1:])
    ground = f"根据{regulation(view)}{article(view)}和{paper}" if view.power and paper else f"根据{paper}"
    body = [
        text(f"{ground}，现将我单位整改情况报告如下："),
        Line(style="h1", lead="", text="一、总体情况"),
        text(f"共需整改{len(view.items)}项，截至{BLANK_DATE}，已完成　　　项，正在整改　　　项，未完成　　　项。"),
        Line(style="h1", lead="", text="二、逐项整改情况"),
        text("各项问题的整改措施、完成时间、责任科室和佐证材料见附表。"),
        Line(style="h1", lead="", text="三、未完成的原因和下一步计划"),
        item("　"),
        Line(style="h1", lead="", text="四、其他需要说明的情况"),
        item("　"),
    ]
    title = break_title((answerer(view), REPORT))
    return Content(title, body, [], {"report": report(view, "")})
