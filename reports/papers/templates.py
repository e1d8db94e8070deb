"""The papers' templates: those that come with the program, and a bureau's own in their place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from inventories.faults import Fault, Faults, clean, did_you_mean
from reports.papers import opening
from reports.papers.view import Form

if TYPE_CHECKING:
    from reports.papers.filling import Compiled

_SHIPPED = Path(__file__).with_name("shipped")


def shipped(form: Form) -> bytes:
    """The template that comes with the program, for a bureau to copy and edit."""
    return (_SHIPPED / f"{form}.docx").read_bytes()


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """Every paper's template. ``own`` are the bureau's, checked; the program's are read when first needed."""

    own: Mapping[Form, Compiled] = field(default_factory=dict)
    _ours: dict[Form, Compiled] = field(default_factory=dict)

    @classmethod
    def load(cls, own: Path | None = None) -> Templates:
        """The program's templates, and in place of them what the folder ``own`` holds: ``order.docx`` and its like.

        Raises :class:`Faults` with everything that is wrong in any of them: a file that is no paper's, that holds
        macros or takes something from outside, that names an unknown field, that would print a draft without its
        mark. A folder that is not there is a fault too; None is no folder.
        """
        if own is None:
            return cls()
        from reports.papers.reading import compiled

        made: dict[Form, Compiled] = {}
        faults: list[Fault] = []
        for path in _files(own):
            try:
                form = _form(path)
                shown = clean(path.name, 80)
                data = opening.read(path)
                opening.check(data, shown)
                made[form] = compiled(form, data, shown)
            except Faults as error:
                faults += error.faults
        if faults:
            raise Faults(faults)
        return cls(made)

    def fill(self, form: Form, fields: Mapping[str, object]) -> bytes:
        """A paper as .docx; the same fields give the same bytes. Raises :class:`Faults` where fields are missing."""
        return self._compiled(form).fill(fields)

    def digest(self, form: Form) -> str:
        """SHA-256 of the template that is used, 64 hexadecimal digits."""
        made = self.own.get(form)
        return made.digest if made else hashlib.sha256(shipped(form)).hexdigest()

    def _compiled(self, form: Form) -> Compiled:
        if form in self.own:
            return self.own[form]
        if form not in self._ours:
            from reports.papers.reading import compiled

            self._ours[form] = compiled(form, shipped(form), f"{form}.docx")
        return self._ours[form]


def _files(own: Path) -> list[Path]:
    """What the folder holds, without the files that a word processor keeps beside an open one."""
    try:
        found = sorted(own.iterdir())
    except OSError as error:
        what = f"the folder of templates cannot be read: {error.strerror}"
        raise Faults([Fault(clean(str(own), 120), what, "make it, or take it out of the settings")]) from error
    return [path for path in found if not path.name.startswith((".", "~$"))]


def _form(path: Path) -> Form:
    shown = clean(path.name, 80)
    stem, dot, suffix = path.name.rpartition(".")
    if dot and suffix.lower() == "docx" and stem in list(Form):
        return Form(stem)
    if suffix.lower() in ("docm", "dotm", "doc", "dot", "dotx", "wps", "wpt"):
        raise Faults([Fault(shown, "is no .docx", "save it as .docx, without macros")])
    # Compared without what follows the point: that is alike in all of them.
    near = did_you_mean(path.name.partition(".")[0], [form.value for form in Form]).replace("'?", ".docx'?")
    mend = near or f"templates are called {', '.join(f'{form}.docx' for form in Form)}"
    raise Faults([Fault(shown, "is no paper's template", mend)])
