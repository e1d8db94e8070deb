"""``policy show``: a pack at a glance, or one rule as a page that a lawyer can check."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from auditor import clock
from auditor.commands.policy import in_force, pack_json
from auditor.errors import Exit, Refused
from auditor.output import print_json, print_table, stdout
from auditor.pack_names import is_site, named_packs
from inventories.faults import clean, did_you_mean
from policies.calendars import Calendar, load_calendar
from policies.cases import Case, read_cases
from policies.model import Pack, Power, Rule
from policies.source import pack_files
from policies.trees import trees_of
from reports.clauses import (
    CASE_HEADINGS,
    case_facts,
    case_rows,
    citations,
    cited_as,
    rule_lines,
    wording,
)
from reports.conditions import in_words, title

#: Headings stand in a column of this many cells; a Chinese character takes two.
_MARGIN = 10
#: The longest that a page may be told in one line: an article is told whole.
_LINE = 20_000


def show(name: str, root: Path, *, as_json: bool) -> int:
    pack_name, rule_id = _parted(name)
    (pack,) = named_packs([pack_name], root, settled=True)
    if not rule_id:
        if as_json:
            print_json(pack_json(pack))
        else:
            _draw_pack(pack)
        return Exit.DONE
    known = [rule.id for rule in pack.rules]
    if rule_id not in known:
        mend = did_you_mean(rule_id, known) or ("one of " + ", ".join(known) if known else "it has none yet")
        raise Refused(f"{pack.id} has no rule '{clean(rule_id, 80)}': {mend}")
    rule = pack.rule(rule_id)
    cases = cases_of(pack, rule)
    if as_json:
        print_json(_rule_json(pack, rule, cases))
    else:
        _draw_rule(pack, rule, cases, _calendar(root))
    return Exit.DONE


def _parted(name: str) -> tuple[str, str]:
    """Pack and rule of ``<pack>/<rule>``, where a pack may be a folder with slashes of its own."""
    if name in (".", "..") or (Path(name) / "pack.yaml").is_file():
        return (name if "/" in name or name.startswith(".") else f"./{name}"), ""
    pack, slash, rule = name.rpartition("/")
    if not slash:
        return name, ""
    inside = (Path(pack) / "pack.yaml").is_file()
    return (f"./{pack}" if inside and "/" not in pack and not pack.startswith(".") else pack), rule


def _calendar(root: Path) -> Calendar:
    return load_calendar(root / "calendars" if is_site(root) else None)


def cases_of(pack: Pack, rule: Rule) -> tuple[Case, ...]:
    """A rule's own cases, from the folder that its pack was loaded from."""
    subjects = {r.id: r.subject for r in pack.rules}
    files = read_cases(pack_files(Path(pack.folder)), pack.folder, subjects)
    return tuple(case for file in files if file.rule == rule.id for case in file.cases)


def _draw_pack(pack: Pack) -> None:
    console = stdout()
    console.print(clean(cited_as(pack), 400), markup=False)
    console.print(clean(f"{pack.issuer}；区划 {pack.region}；施行 {in_force(pack)}", 400), markup=False)
    print_table(
        ("rule", "article", "subject", "severity", "bite", "title"),
        ((r.id, r.article, r.subject, r.severity, r.bite, r.title) for r in pack.rules),
    )
    print_table(
        ("power", "article", "authority", "addressee", "form"),
        ((p.id, p.article, p.authority, p.addressee, p.form) for p in pack.powers.values()),
    )
    print_table(
        ("manual", "question", "why no machine can tell"), ((m.article, m.question, m.why) for m in pack.manual)
    )
    print_table(("out of scope", "why"), ((o.article, o.why) for o in pack.out_of_scope))


def _draw_rule(pack: Pack, rule: Rule, cases: Iterable[Case], calendar: Calendar) -> None:
    today = clock.utc_now().astimezone().date()
    out = [f"{cited_as(pack)}", f"{rule.full_id}  {rule.title}", ""]
    for line in rule_lines(pack, rule, today=today, calendar=calendar):
        body = [*line.words.splitlines(), *([line.code] if line.code else [])]
        heading = line.heading + " " * (_MARGIN - 2 * len(line.heading))
        out += [(" " * _MARGIN if i else heading) + text for i, text in enumerate(body)]
    stdout().print("\n".join(clean(text, _LINE) for text in out), markup=False)
    print_table(CASE_HEADINGS, case_rows(rule, cases))


def _rule_json(pack: Pack, rule: Rule, cases: Iterable[Case]) -> dict[str, object]:
    applies, violation = trees_of(pack, rule)
    return {
        "id": rule.full_id,
        "title": rule.title,
        "article": rule.article,
        "quote": rule.quote,
        "cites": [
            {
                "regulation": citation.basis.regulation,
                "number": citation.basis.number,
                "article": citation.basis.article,
                "quote": citation.basis.quote,
                "text": wording(pack, citation),
                "verified": citation.basis.verified,
                "valid_from": citation.valid_from,
                "valid_to": citation.valid_to,
            }
            for citation in citations(rule)
        ],
        "subject": rule.subject,
        "applies": rule.applies,
        "applies_words": in_words(applies, rule.subject, pack),
        "violation": rule.violation,
        "violation_words": in_words(violation, rule.subject, pack),
        "columns": list(rule.columns),
        "column_titles": {name: title(rule.subject, name) for name in rule.columns},
        "waits_for": list(rule.waits_for),
        "severity": rule.severity,
        "bite": rule.bite,
        "remedy": rule.remedy,
        "power": rule.power.id if rule.power else None,
        "power_terms": _power_json(rule.power) if rule.power else None,
        "order_needs": {"fresh_days": rule.order_needs.fresh_days, "strength": rule.order_needs.strength.label}
        if rule.order_needs
        else None,
        "deadline": rule.deadline,
        "consequence": rule.consequence,
        "refer_to": rule.refer_to,
        "note": rule.note,
        "cases": [
            {
                "name": case.name,
                "facts": case_facts(rule, case),
                "expect": case.expect,
                "as_of": case.as_of,
                "also": list(case.also),
                "where": case.where,
            }
            for case in cases
        ],
    }


def _power_json(power: Power) -> dict[str, object]:
    reply = power.reply
    return {
        "article": power.article,
        "quote": power.quote,
        "authority": power.authority,
        "addressee": power.addressee,
        "form": power.form,
        "reply": {"amount": reply.amount, "unit": reply.unit, "from": reply.start} if reply else None,
        "report_to": power.report_to,
        "if_refused": [
            {"action": step.action, "article": step.article, "propose_to": step.propose_to}
            for step in power.if_refused
        ],
    }
