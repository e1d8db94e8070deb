"""What an audit writes for people: metrics, workbook, and a draft paper for each department that is concerned.

Drafts only: nothing here numbers, signs or sends. Each file takes its place whole.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from auditor.site import Site
from inventories.kinds import KINDS
from inventories.snapshot import digest_of
from policies.model import CONTRACTOR, Pack, Power, Rule
from reports.late import of_kind
from reports.model import AssetView, AuditView, DepartmentView, FindingView, NoticeView, Written

if TYPE_CHECKING:
    from auditor.judging import Judged
    from inventories.registers import RegisterResult
    from reports.papers.templates import Templates

_LIVE = ("open", "reopened", "stale")
#: Kinds of things that are built: projects, and what may name one.
_BUILT = tuple(kind.name for kind in KINDS.values() if any(c.name == "project_code" for c in kind.columns))


def write_papers(site: Site, view: AuditView, judged: Judged, registers: RegisterResult) -> Written:
    """Writes everything into the site's ``out`` folder; papers of the audit before are replaced."""
    from inventories.registers import write_quarantine
    from reports.fonts import missing_fonts
    from reports.ledgers import write_ledger
    from reports.metrics import render_metrics, write_textfile
    from reports.notice import render_drafter_note, render_notice

    site.out.mkdir(mode=0o700, parents=True, exist_ok=True)
    notices, notes = [], []
    fresh = site.out / ".notices"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    fonts, templates = missing_fonts(), templates_of(site)
    digest = digest_of(judged.path)
    final = site.out / "notices"
    for name, notice in _named(notices_of(site, view, judged.packs, digest=digest)):
        if notice.items:
            render_notice(notice, fresh / f"{name}.docx", templates)
            notices.append(final / f"{name}.docx")
        render_drafter_note(notice, fresh / f"{name}-drafter.docx", fonts=fonts)
        notes.append(final / f"{name}-drafter.docx")
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
    ledger = site.out / "ledger.xlsx"
    if site.config.documents.workbook == "asked":
        # One that an earlier audit wrote would pass for this one's.
        ledger.unlink(missing_ok=True)
    else:
        write_ledger(view, ledger)
    write_textfile(render_metrics(view), site.out / "metrics.prom")
    return Written(
        notices=tuple(notices),
        drafter_notes=tuple(notes),
        ledger=ledger if ledger.exists() else None,
        metrics=site.out / "metrics.prom",
        quarantine=tuple(write_quarantine(registers, site.out / "quarantine")),
    )


def templates_of(site: Site) -> Templates:
    """The papers' templates, the bureau's own first. Raises Faults for those that cannot be used."""
    from reports.papers.templates import Templates

    own = site.root / site.config.documents.templates
    return Templates.load(own if own.is_dir() else None)


def notices_of(site: Site, view: AuditView, packs: tuple[Pack, ...], *, digest: str = "") -> Iterator[NoticeView]:
    """One paper per department, authority, addressee and form.

    A power over contractors has one for each of them that the registers name, and one for those that they do not.
    What may not go into it goes, with the reasons, to whoever drafts; a department with nothing that could ever
    be ordered under a power has no paper under it.
    """
    rules = {rule.full_id: rule for pack in packs for rule in pack.rules}
    over_contractors = any(power.over == CONTRACTOR for pack in packs for power in pack.powers.values())
    builders = contractors(view.assets) if over_contractors else {}
    found = _under_powers(view, rules)
    for pack in packs:
        for power in pack.powers.values():
            for department in view.departments:
                under = found.get((department.id, pack.id, power.id), [])
                for addressee, theirs in _by_addressee(builders, power, under):
                    notice = _notice(site, view, pack, power, department, theirs, addressee)
                    yield replace(notice, snapshot_digest=digest)


def _named(notices: Iterable[NoticeView]) -> Iterator[tuple[str, NoticeView]]:
    """Each paper with a file name of its own: packs may call their powers alike, and a contractor is no file name."""
    used: Counter[str] = Counter()
    for notice in notices:
        name = f"{notice.department.id}-{notice.power.id}"
        used[name] += 1
        yield name if used[name] == 1 else f"{name}-{used[name]}", notice


def _by_addressee(
    builders: Mapping[str, str], power: Power, found: Sequence[FindingView]
) -> Iterator[tuple[str, list[FindingView]]]:
    """The findings by whom a paper on them addresses: the department itself (empty), or a contractor by name."""
    groups: dict[str, list[FindingView]] = {}
    for finding in found:
        name = builders.get(finding.asset_key, "") if power.over == CONTRACTOR else ""
        groups.setdefault(name, []).append(finding)
    # Whom nobody knows comes last.
    yield from sorted(groups.items(), key=lambda group: (not group[0], group[0]))


def contractors(assets: Sequence[AssetView]) -> Mapping[str, str]:
    """Key of a project, or of a system that names one, → its contractor as the register of projects gives it."""
    projects = {(one.department_id, str(one.values.get("code") or "")): one for one in of_kind(assets, "project")}
    out: dict[str, str] = {}
    for one in chain.from_iterable(of_kind(assets, kind) for kind in ("project", *_BUILT)):
        code = str(one.values.get("project_code") or "")
        project = one if one.kind == "project" else projects.get((one.department_id, code)) if code else None
        name = str(project.values.get("contractor") or "").strip() if project is not None else ""
        if name:
            out[one.key] = name
    return out


def _under_powers(view: AuditView, rules: Mapping[str, Rule]) -> dict[tuple[str, str, str], list[FindingView]]:
    """The living findings that a power may order mended, by department, pack and power."""
    out: dict[tuple[str, str, str], list[FindingView]] = {}
    for finding in view.findings:
        rule = rules.get(finding.rule)
        if rule is not None and rule.power is not None and finding.state in _LIVE:
            out.setdefault((finding.department_id, rule.pack, rule.power.id), []).append(finding)
    return out


def _notice(
    site: Site,
    view: AuditView,
    pack: Pack,
    power: Power,
    department: DepartmentView,
    found: list[FindingView],
    addressee: str,
) -> NoticeView:
    return NoticeView(
        site=site.config.name,
        bureau=site.config.bureau,
        department=department,
        power=power,
        items=tuple(finding for finding in found if finding.orderable),
        left_out=tuple(finding for finding in found if not finding.orderable),
        drawn_up_on=view.as_of,
        snapshot=view.snapshot,
        consultation=site.config.consultation,
        contact=site.config.contact,
        regulation=pack.title,
        regulation_number=pack.number,
        addressee_name=addressee,
        timezone=site.config.timezone,
    )
