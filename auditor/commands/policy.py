"""``policy list``, ``show``, ``test`` and ``coverage``."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.errors import Exit, Refused
from auditor.output import print_json, print_table, say, stdout
from inventories.faults import did_you_mean
from policies.articles import article_number
from policies.model import Pack, Power, Rule


def _packs(names: Sequence[str]) -> tuple[Pack, ...]:
    from policies.pack import builtin_packs, load_packs

    known = builtin_packs()
    for name in names:
        if name not in known:
            raise Refused(f"unknown pack {name!r}: {did_you_mean(name, known) or 'one of ' + ', '.join(known)}")
    return tuple(load_packs(names or known))


def list_packs(*, as_json: bool) -> int:
    packs = _packs([])
    if as_json:
        print_json([_pack_json(pack) for pack in packs])
        return Exit.DONE
    print_table(
        ("pack", "number", "title", "region", "in force", "rules", "manual"),
        ((p.id, p.number, p.title, p.region, _in_force(p), len(p.rules), len(p.manual)) for p in packs),
    )
    return Exit.DONE


def _in_force(pack: Pack) -> str:
    start = pack.in_force_from.isoformat() if pack.in_force_from else "set by the site"
    return f"{start} to {pack.in_force_to}" if pack.in_force_to else f"from {start}"


def _pack_json(pack: Pack) -> dict[str, object]:
    return {
        "id": pack.id,
        "title": pack.title,
        "number": pack.number,
        "issuer": pack.issuer,
        "region": pack.region,
        "in_force_from": pack.in_force_from,
        "in_force_to": pack.in_force_to,
        "rules": [rule.id for rule in pack.rules],
        "manual": [clause.article for clause in pack.manual],
        "digest": pack.digest,
    }


def show(name: str, *, as_json: bool) -> int:
    pack_id, _, rule_id = name.partition("/")
    (pack,) = _packs([pack_id])
    if not rule_id:
        if as_json:
            print_json(_pack_json(pack))
        else:
            _draw_pack(pack)
        return Exit.DONE
    known = [rule.id for rule in pack.rules]
    if rule_id not in known:
        raise Refused(
            f"{pack.id} has no rule {rule_id!r}: {did_you_mean(rule_id, known) or 'one of ' + ', '.join(known)}"
        )
    rule = pack.rule(rule_id)
    if as_json:
        print_json(_rule_json(rule))
    else:
        _draw_rule(pack, rule)
    return Exit.DONE


def _draw_pack(pack: Pack) -> None:
    console = stdout()
    console.print(f"{pack.title}（{pack.number}）", markup=False)
    console.print(f"{pack.issuer}；区划 {pack.region}；施行 {_in_force(pack)}", markup=False)
    print_table(
        ("rule", "article", "subject", "severity", "bite", "title"),
        ((r.id, r.article, r.subject, r.severity, r.bite, r.title) for r in pack.rules),
    )
    print_table(
        ("manual", "question", "why no machine can tell"), ((m.article, m.question, m.why) for m in pack.manual)
    )
    print_table(("out of scope", "why"), ((o.article, o.why) for o in pack.out_of_scope))


def _draw_rule(pack: Pack, rule: Rule) -> None:
    lines = [
        f"{rule.full_id}: {rule.title}",
        "",
        f"依据    {pack.title}（{pack.number}）{rule.article}",
        f"原文    “{rule.quote}”",
        f"对象    {rule.subject}",
        f"适用    {rule.applies}",
        f"违反    {rule.violation}",
        f"依据事实 {', '.join(rule.columns)}",
        f"程度    {rule.severity}；性质 {rule.bite}",
        f"整改    {rule.remedy}",
    ]
    if rule.power:
        lines += _power_lines(rule.power)
    if rule.order_needs:
        lines.append(f"列入文书须 {rule.order_needs.fresh_days} 天内、{rule.order_needs.strength.label} 以上的依据")
    if rule.consequence:
        lines.append(f"后果    {rule.consequence}")
    if rule.refer_to:
        lines.append(f"移送    {rule.refer_to}")
    if rule.note:
        lines.append(f"说明    {rule.note}")
    stdout().print("\n".join(lines), markup=False)


def _power_lines(power: Power) -> list[str]:
    lines = [
        f"权力    {power.authority}依{power.article}向{power.addressee}发{power.form}",
        f"        “{power.quote}”",
    ]
    if power.reply:
        lines.append(f"        答复 {power.reply.amount} {power.reply.unit}，自 {power.reply.start} 起，首日不计")
    lines += [f"        拒不整改：{step.action}" for step in power.if_refused]
    return lines


def _rule_json(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.full_id,
        "title": rule.title,
        "article": rule.article,
        "quote": rule.quote,
        "subject": rule.subject,
        "applies": rule.applies,
        "violation": rule.violation,
        "columns": list(rule.columns),
        "severity": rule.severity,
        "bite": rule.bite,
        "remedy": rule.remedy,
        "power": rule.power.id if rule.power else None,
        "consequence": rule.consequence,
        "refer_to": rule.refer_to,
    }


def coverage(names: Sequence[str], *, as_json: bool) -> int:
    """Article by article: rule, manual or out of scope. Fails where an article is accounted for nowhere."""
    body: dict[str, list[dict[str, object]]] = {}
    missing = 0
    for pack in _packs(names):
        rows: list[dict[str, object]] = []
        for number in range(1, pack.articles + 1):
            rules = [rule.id for rule in pack.rules if article_number(rule.article) == number]
            manual = [clause.question for clause in pack.manual if article_number(clause.article) == number]
            outside = [clause.why for clause in pack.out_of_scope if article_number(clause.article) == number]
            missing += not (rules or manual or outside)
            rows.append({"article": number, "rules": rules, "manual": manual, "out_of_scope": outside})
        body[pack.id] = rows
    if as_json:
        print_json(body)
    else:
        for pack_id, rows in body.items():
            print_table((pack_id, "rules", "manual", "out of scope"), (_coverage_row(row) for row in rows))
        say(f"{missing} articles are accounted for nowhere" if missing else "every article is accounted for")
    return Exit.FAILED if missing else Exit.DONE


def _coverage_row(row: dict[str, object]) -> tuple[object, ...]:
    def joined(key: str) -> str:
        values = row[key]
        return "; ".join(map(str, values)) if isinstance(values, list) else ""

    return (f"第{row['article']}条", joined("rules"), joined("manual"), joined("out_of_scope"))


def test(names: Sequence[str], *, as_json: bool) -> int:
    """Runs the packs' own cases through the engine that judges a city."""
    from policies.casetest import test_packs

    report = test_packs(_packs(names))
    if as_json:
        print_json(report.as_json())
    else:
        for line in report.lines():
            say(line)
    return Exit.DONE if report.passed else Exit.FAILED
