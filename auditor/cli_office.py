"""``auditor waiver …``, ``department …`` and ``register …``: people's words that bear on audits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_options import HERE, JsonOption, SiteOption

waiver_app = typer.Typer(help="Exemptions granted by a person: drafted, approved, ended.", no_args_is_help=True)
department_app = typer.Typer(
    help="What became of departments: renamed, united, things handed over.", no_args_is_help=True
)
register_app = typer.Typer(help="The registers that departments fill.", no_args_is_help=True)

ByOption = Annotated[str, typer.Option("--by", help="The office that says so; kept for ever.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept for ever.")]
OnOption = Annotated[str, typer.Option("--on", help="The day from which it holds, as 2026-01-31.")]
DocumentOption = Annotated[str, typer.Option("--document", help="Number of the paper that decides it.")]
WaiverArgument = Annotated[str, typer.Argument(help="A waiver's number, as 'waiver list' shows it.")]
DepartmentArgument = Annotated[str, typer.Argument(metavar="DEPARTMENT", help="Its id, name or short name.")]


@waiver_app.command("list")
def waiver_list(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """List exemptions of the ledger and of the register: how each stands, and which end soon."""
    from auditor.commands import waivers

    raise typer.Exit(waivers.listing(site, as_json=as_json))


@waiver_app.command("add")
def waiver_add(
    rule: Annotated[list[str], typer.Option("--rule", help="pack/rule, or pack/*; may be repeated.")],
    basis: Annotated[str, typer.Option("--basis", help="On what law or decision it rests.")],
    approver: Annotated[str, typer.Option("--approver", help="Who granted it: an office.")],
    document: Annotated[str, typer.Option("--document", help="Number of the paper that grants it.")],
    start: Annotated[str, typer.Option("--from", help="Its first day, as 2026-01-31.")],
    end: Annotated[str, typer.Option("--to", help="Its last day, which counts.")],
    by: ByOption,
    asset: Annotated[str, typer.Option("--asset", help="The thing's code, or its name in the department.")] = "",
    department: Annotated[str, typer.Option("--department", help="Whose; without --asset, all that it has.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="The paper itself; its SHA-256 is kept, nothing else.")
    ] = None,
    conditions: Annotated[str, typer.Option("--conditions", help="What the exempt must do meanwhile.")] = "",
    number: Annotated[
        str,
        typer.Option("--id", help="Its number, as that of an exemption of the register.", show_default="the next"),
    ] = "",
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Draft an exemption. Another office approves it before it counts."""
    from auditor.commands import waivers
    from auditor.commands.waiver_typed import Typed

    typed = Typed(
        rules=rule,
        asset=asset,
        department=department,
        basis=basis,
        approver=approver,
        document=document,
        file=file,
        start=start,
        end=end,
        conditions=conditions,
        by=by,
        number=number,
    )
    raise typer.Exit(waivers.add(site, typed, as_json=as_json))


@waiver_app.command("approve")
def waiver_approve(
    waiver: WaiverArgument, by: ByOption, site: SiteOption = HERE, as_json: JsonOption = False
) -> None:
    """Put a drafted exemption in force. Not the office that drafted it."""
    from auditor.commands import waivers

    raise typer.Exit(waivers.approve(site, waiver, by=by, as_json=as_json))


@waiver_app.command("revoke")
def waiver_revoke(
    waiver: WaiverArgument, reason: ReasonOption, by: ByOption, site: SiteOption = HERE, as_json: JsonOption = False
) -> None:
    """End an exemption before its day, or take a draft back."""
    from auditor.commands import waivers

    raise typer.Exit(waivers.revoke(site, waiver, reason=reason, by=by, as_json=as_json))


@department_app.command("list")
def department_list(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """List departments with what became of them."""
    from auditor.commands import departments

    raise typer.Exit(departments.listing(site, as_json=as_json))


@department_app.command("rename")
def department_rename(
    department: DepartmentArgument,
    name: Annotated[str, typer.Option("--to", help="Its new name.")],
    on: OnOption,
    document: DocumentOption,
    by: ByOption,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say that a department has a new name from a day on. Its id stays."""
    from auditor.commands import departments

    raise typer.Exit(
        departments.rename(site, department, name=name, on=on, document=document, by=by, as_json=as_json)
    )


@department_app.command("merge")
def department_merge(
    department: DepartmentArgument,
    into: Annotated[str, typer.Option("--into", help="The department that takes it in.")],
    on: OnOption,
    document: DocumentOption,
    by: ByOption,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say that a department becomes part of another from a day on, with all that it has."""
    from auditor.commands import departments

    raise typer.Exit(departments.merge(site, department, into=into, on=on, document=document, by=by, as_json=as_json))


@department_app.command("transfer")
def department_transfer(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The thing's code in its register.")],
    giver: Annotated[str, typer.Option("--from", help="The department that has it.")],
    taker: Annotated[str, typer.Option("--to", help="The department that gets it.")],
    on: OnOption,
    document: DocumentOption,
    by: ByOption,
    kind: Annotated[str, typer.Option("--kind", help="What it is: system, host, room …")] = "system",
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say that one thing is another department's from a day on."""
    from auditor.commands import departments

    raise typer.Exit(
        departments.transfer(
            site, code, kind=kind, giver=giver, taker=taker, on=on, document=document, by=by, as_json=as_json
        )
    )


@department_app.command("undo")
def department_undo(
    change: Annotated[str, typer.Argument(metavar="CHANGE", help="Its number, as 'department list' shows it.")],
    reason: ReasonOption,
    by: ByOption,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take a change back that was written down by mistake."""
    from auditor.commands import departments

    raise typer.Exit(departments.undo(site, change, reason=reason, by=by, as_json=as_json))


@register_app.command("status")
def register_status(site: SiteOption = HERE, as_json: JsonOption = False) -> None:
    """Tell who was asked for which register, by when, and what came of it."""
    from auditor.commands import registers

    raise typer.Exit(registers.status(site, as_json=as_json))


@register_app.command("request")
def register_request(
    register: Annotated[str, typer.Option("--register", help="Its name or title: systems, 信息系统 …")],
    period: Annotated[str, typer.Option("--period", help="Of which period, as 2026年度.")],
    due: Annotated[str, typer.Option("--due", help="The last day to answer, as 2026-01-31.")],
    by: ByOption,
    department: Annotated[list[str] | None, typer.Option("--department", help="Whom; may be repeated.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Every department that was not asked yet.")] = False,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="Only this column of the form; may be repeated.")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="A remark, such as the letter's number.")] = "",
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Note that departments were asked for a register. Sends nothing."""
    from auditor.commands import registers

    ask = registers.Ask(department or [], everybody, register, column or [], period, due, by, note)
    raise typer.Exit(registers.request(site, ask, as_json=as_json))


@register_app.command("remind")
def register_remind(
    by: ByOption,
    request: Annotated[list[str] | None, typer.Argument(metavar="[REQUEST]...", help="Numbers of requests.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="All that are past their day.")] = False,
    department: Annotated[str, typer.Option("--department", help="Only this department's.")] = "",
    register: Annotated[str, typer.Option("--register", help="Only of this register.")] = "",
    note: Annotated[str, typer.Option("--note", help="A remark, such as how it was told.")] = "",
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Note that departments were reminded; names those that are overdue. Sends nothing."""
    from auditor.commands import registers

    raise typer.Exit(
        registers.remind(
            site,
            request or [],
            overdue=overdue,
            department=department,
            register=register,
            by=by,
            note=note,
            as_json=as_json,
        )
    )


@register_app.command("export")
def register_export(
    directory: Annotated[Path, typer.Argument(help="A folder for the forms.")],
    department: Annotated[
        list[str] | None,
        typer.Option("--department", help="Whose; may be repeated.", show_default="all that were asked"),
    ] = None,
    register: Annotated[
        list[str] | None,
        typer.Option("--register", help="Which; may be repeated.", show_default="those that were asked for"),
    ] = None,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write forms with what departments have declared so far, for them to correct."""
    from auditor.commands import register_files

    raise typer.Exit(register_files.export(site, directory, department or [], register or [], as_json=as_json))


@register_app.command("import")
def register_import(
    file: Annotated[Path, typer.Argument(help="The corrected form, an .xlsx file.")],
    department: Annotated[str, typer.Option("--department", help="Whose it is.")],
    register: Annotated[str, typer.Option("--register", help="Of which register.")],
    by: ByOption,
    period: Annotated[str, typer.Option("--period", help="Which request it answers, where there are several.")] = "",
    nil: Annotated[
        bool, typer.Option("--nil", help="An empty form that is meant so: there is none (零报告).")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it would change.")] = False,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take a corrected form in, whole or not at all, and tell what it changes."""
    from auditor.commands import register_files

    typed = register_files.Import(file, department, register, period, nil, dry_run, by)
    raise typer.Exit(register_files.take(site, typed, as_json=as_json))


@register_app.command("withdraw")
def register_withdraw(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Its number, as 'register status' shows it.")],
    reason: ReasonOption,
    by: ByOption,
    site: SiteOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take a request back that nobody has answered."""
    from auditor.commands import registers

    raise typer.Exit(registers.withdraw(site, request, reason=reason, by=by, as_json=as_json))
