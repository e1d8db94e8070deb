"""``auditor case …`` and ``auditor notice …``: the rectification order's life, and its papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

case_app = typer.Typer(
    help="From findings to papers that a bureau signs, and what becomes of them.", no_args_is_help=True
)
notice_app = typer.Typer(help="The papers of cases.", no_args_is_help=True)

CaseArgument = Annotated[str, typer.Argument(help="A case's id, or the number of one of its papers.")]
FindingArgument = Annotated[str, typer.Argument(help="An item: its finding's id, or its number in the paper.")]
ByOption = Annotated[str, typer.Option("--by", help="The office that takes this step; kept for ever.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept for ever.")]
OnOption = Annotated[str | None, typer.Option("--on", help="The day, as 2026-12-01.", show_default="today")]
SecondLookOption = Annotated[
    str, typer.Option("--second-look", help="The office that looked at what the brake stopped.")
]
SecondReasonOption = Annotated[str, typer.Option("--reason", help="Why the run may go on all the same.")]
TextOption = Annotated[str, typer.Option("--text", help="What the department says.")]
FileOption = Annotated[
    list[Path] | None, typer.Option("--file", help="A file that came with it; kept by its SHA-256. May be repeated.")
]


@case_app.command("list")
def case_list(
    site: SiteOption = HERE,
    department: Annotated[str | None, typer.Option("--department", help="Only this department's.")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help="Only in this state; may be repeated.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose last day has passed.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Closed and withdrawn ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List cases with their state, number and deadline."""
    from auditor.commands import cases

    raise typer.Exit(
        cases.list_all(
            site, department=department, states=state or [], overdue=overdue, everything=everything, as_json=as_json
        )
    )


@case_app.command("show")
def case_show(case: CaseArgument, site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Show a case: its items, papers, what was said, and every step with who took it."""
    from auditor.commands import cases

    raise typer.Exit(cases.show(site, case, as_json=as_json))


@case_app.command("draft")
def case_draft(
    by: ByOption,
    site: SiteOption = HERE,
    department: Annotated[
        list[str] | None, typer.Option("--department", help="Only this department; may be repeated.")
    ] = None,
    form: Annotated[
        list[str] | None,
        typer.Option("--form", help="letter, order, reminder or referral.", show_default="whatever stands next"),
    ] = None,
    finding: Annotated[
        list[str] | None, typer.Option("--finding", help="Only this finding; may be repeated.")
    ] = None,
    second_look: SecondLookOption = "",
    reason: SecondReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Draft every paper that stands next: a letter first, and orders once the department was heard."""
    from auditor.commands import case_steps

    raise typer.Exit(
        case_steps.draft(
            site,
            by=by,
            departments=department or [],
            forms=form or [],
            findings=finding or [],
            second_look=second_look,
            reason=reason,
            as_json=as_json,
        )
    )


@case_app.command("review")
def case_review(
    case: CaseArgument,
    by: ByOption,
    site: SiteOption = HERE,
    reason: Annotated[str, typer.Option("--note", help="A remark; kept for ever.")] = "",
) -> None:
    """Hold a draft against the evidence; another office than the drafter's."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.review(site, case, by=by, note=reason))


@case_app.command("issue")
def case_issue(
    case: CaseArgument,
    by: ByOption,
    site: SiteOption = HERE,
    within: Annotated[
        str, typer.Option("--within", help="Time to answer where the regulation sets none: 30d, 10wd, 2m.")
    ] = "",
    start: Annotated[
        str, typer.Option("--from", help="What that time is counted from: service or issue.")
    ] = "service",
    pdf: Annotated[bool, typer.Option("--pdf", help="Pages too, by LibreOffice.")] = False,
) -> None:
    """Sign a reviewed paper: it gets its number and its date. A third office."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.issue(site, case, by=by, within=within, start=start, pdf=pdf))


@case_app.command("serve")
def case_serve(
    case: CaseArgument,
    by: ByOption,
    receiver: Annotated[str, typer.Option("--receiver", help="The office that received it.")],
    method: Annotated[
        str, typer.Option("--method", help="直接送达, 电子送达, 邮寄送达, 转交送达, 留置送达.")
    ] = "直接送达",
    on: OnOption = None,
    place: Annotated[str, typer.Option("--place", help="Where.")] = "",
    witness: Annotated[str, typer.Option("--witness", help="Who saw it, for 留置送达.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why it was not accepted, for 留置送达.")] = "",
    note: Annotated[str, typer.Option("--note", help="A remark on the receipt.")] = "",
    site: SiteOption = HERE,
) -> None:
    """Note that a paper reached its addressee; a deadline that runs from service begins."""
    from auditor.commands import case_steps

    service = {
        "method": method,
        "place": place,
        "receiver": receiver,
        "server": by,
        "witness": witness,
        "reason": reason,
        "note": note,
    }
    raise typer.Exit(case_steps.serve(site, case, on=on, service=service, by=by))


@case_app.command("reply")
def case_reply(
    case: CaseArgument,
    by: ByOption,
    text: TextOption = "",
    on: OnOption = None,
    file: FileOption = None,
    site: SiteOption = HERE,
) -> None:
    """Note the department's answer, with the files that came with it."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.reply(site, case, on=on, text=text, files=file or [], by=by))


@case_app.command("object")
def case_object(
    case: CaseArgument,
    finding: FindingArgument,
    by: ByOption,
    text: TextOption,
    on: OnOption = None,
    file: FileOption = None,
    site: SiteOption = HERE,
) -> None:
    """Note that the department says a finding is wrong; no order names it before somebody has answered."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.object_to(site, case, finding, on=on, text=text, files=file or [], by=by))


@case_app.command("answer")
def case_answer(
    case: CaseArgument,
    finding: FindingArgument,
    by: ByOption,
    reason: ReasonOption,
    accept: Annotated[bool, typer.Option("--accept/--reject", help="Whether the objection holds.")],
    until: Annotated[str | None, typer.Option("--until", help="Where it holds: judge again from this date.")] = None,
    site: SiteOption = HERE,
) -> None:
    """Answer an objection: accepted, the finding is set aside as false until its re-test date."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.answer(site, case, finding, accept=accept, reason=reason, until=until, by=by))


@case_app.command("inspect")
def case_inspect(
    case: CaseArgument,
    by: ByOption,
    decide: Annotated[str, typer.Option("--decide", help="An item that the evidence cannot tell.")] = "",
    mended: Annotated[
        bool | None, typer.Option("--mended/--not-mended", help="With --decide: what a person saw.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="With --decide: what was seen, and when.")] = "",
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Ask the newest audit, item by item, what was mended; or decide what it cannot tell."""
    from auditor.commands import case_steps

    raise typer.Exit(
        case_steps.inspect(site, case, by=by, decide=decide, mended=mended, reason=reason, as_json=as_json)
    )


@case_app.command("second")
def case_second(case: CaseArgument, by: ByOption, site: SiteOption = HERE) -> None:
    """Sign the opinion, and draft a second notice on what was not mended."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.second(site, case, by=by))


@case_app.command("escalate")
def case_escalate(
    case: CaseArgument,
    by: ByOption,
    consequence: Annotated[
        int | None, typer.Option("--consequence", help="Its number, where the regulation gives several.")
    ] = None,
    because: Annotated[str, typer.Option("--because", help="Why the condition holds that the regulation sets.")] = "",
    site: SiteOption = HERE,
) -> None:
    """Sign the opinion, and use the consequence that this regulation gives; others decide on a proposal."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.escalate(site, case, by=by, consequence=consequence, because=because))


@case_app.command("refer")
def case_refer(
    finding: Annotated[list[str], typer.Argument(help="Findings' ids.")],
    by: ByOption,
    second_look: SecondLookOption = "",
    reason: SecondReasonOption = "",
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Draft the letter that hands findings to the authority whose they are: police, cryptography bureau."""
    from auditor.commands import case_steps

    raise typer.Exit(
        case_steps.draft(
            site,
            by=by,
            departments=[],
            forms=["referral"],
            findings=finding,
            second_look=second_look,
            reason=reason,
            as_json=as_json,
        )
    )


@case_app.command("close")
def case_close(
    case: CaseArgument,
    by: ByOption,
    reason: Annotated[str, typer.Option("--reason", help="Why, where nothing was ordered.")] = "",
    site: SiteOption = HERE,
) -> None:
    """Close a case whose items are all mended, with a signed opinion."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.close(site, case, by=by, reason=reason))


@case_app.command("withdraw")
def case_withdraw(case: CaseArgument, by: ByOption, reason: ReasonOption, site: SiteOption = HERE) -> None:
    """Take a case back. Its numbers stay taken, with the reason beside them."""
    from auditor.commands import case_steps

    raise typer.Exit(case_steps.withdraw(site, case, by=by, reason=reason))


@notice_app.command("render")
def notice_render(
    case: CaseArgument,
    site: SiteOption = HERE,
    pdf: Annotated[bool, typer.Option("--pdf", help="Pages too, by LibreOffice.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="A folder.", show_default="out/cases in the site")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a case's papers: drafts, issued ones from the words that were signed, receipt and report forms."""
    from auditor.commands import notices

    raise typer.Exit(notices.render(site, case, pdf=pdf, out=out, as_json=as_json))


@notice_app.command("bulletin")
def notice_bulletin(
    month: Annotated[str, typer.Argument(help="The month it tells of, as 2026-11.")],
    site: SiteOption = HERE,
    issue: Annotated[bool, typer.Option("--issue", help="Number and date it.")] = False,
    by: Annotated[str, typer.Option("--by", help="With --issue: the office that signs.")] = "",
    pdf: Annotated[bool, typer.Option("--pdf", help="Pages too, by LibreOffice.")] = False,
) -> None:
    """Draw the monthly bulletin: migration and rectification by department."""
    from auditor.commands import notices

    raise typer.Exit(notices.bulletin(site, month, issue=issue, by=by, pdf=pdf))
