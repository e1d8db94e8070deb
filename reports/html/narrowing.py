"""A view of one department only: nothing in it tells of another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reports.account import owners
from reports.model import AuditView, Changes, DepartmentView, ProbeView


def narrowed(view: AuditView, department: str, zones: Mapping[str, str]) -> AuditView:
    """What concerns a department: its things, findings and cases, and the probing of its zones.

    ``zones`` maps the zones that hold something of the department to the words for them: a zone's own name may be
    another department's, and so may be what went wrong in it. What the audit as a whole changed or doubted is left
    out, but for doubts about own things.
    """
    own = tuple(d for d in view.departments if d.id == department)
    assets = tuple(a for a in view.assets if a.department_id == department)
    return replace(
        view,
        departments=own or (DepartmentView(department, name_of(view, department)),),
        findings=tuple(f for f in view.findings if f.department_id == department),
        counts=tuple(c for c in view.counts if c.department_id == department),
        unknowns=tuple(u for u in view.unknowns if u.department_id == department),
        probes=tuple(_told_as(p, zones[p.zone]) for p in view.probes if p.zone in zones),
        systems=tuple(s for s in view.systems if s.department_id == department),
        assets=assets,
        changes=Changes(),
        conflicts=tuple(f"{asset.name}：{words}" for asset in assets for words in asset.conflicts),
        waivers=tuple(w for w in view.waivers if w.department_id == department),
        cases=tuple(c for c in view.cases if c.department_id == department),
    )


def _told_as(probe: ProbeView, words: str) -> ProbeView:
    if words == probe.zone_name:
        return probe
    return replace(probe, zone_name=words, problems=("部分范围未覆盖",) if probe.problems else (), limits=())


def name_of(view: AuditView, department: str) -> str:
    """A department's name; of one that the register lists no more, what its things and cases call it."""
    listed = dict(owners(view))
    for case in view.cases:
        listed.setdefault(case.department_id, case.department_name)
    return listed.get(department) or department
