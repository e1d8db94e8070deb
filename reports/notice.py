"""An audit's drafts: the letter that asks to check the facts, or the order, with a note for who drafts.

A thin layer over :mod:`reports.papers`: an audit knows one department, power and addressee at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reports.files import write_whole
from reports.fonts import missing_fonts
from reports.model import NoticeView
from reports.papers.compose import compose
from reports.papers.drafter import render_drafter_note as render_note
from reports.papers.phrases import order_form
from reports.papers.view import Form, PaperView

if TYPE_CHECKING:
    from reports.papers.templates import Templates

__all__ = ["missing_fonts", "paper_of", "render_drafter_note", "render_notice"]


def paper_of(notice: NoticeView) -> PaperView:
    """The paper that an audit's draft is: a letter in the shadow period, the order afterwards."""
    return PaperView(
        form=Form.LETTER if notice.consultation else order_form(notice.power),
        site=notice.site,
        bureau=notice.bureau,
        contact=notice.contact,
        department=notice.department,
        drawn_up_on=notice.drawn_up_on,
        data_as_of=notice.drawn_up_on,
        snapshot=notice.snapshot,
        snapshot_digest=notice.snapshot_digest,
        addressee=notice.addressee_name,
        power=notice.power,
        regulation=notice.regulation,
        regulation_number=notice.regulation_number,
        items=notice.items,
        number=notice.number,
        timezone=notice.timezone,
    )


def render_notice(notice: NoticeView, path: Path, templates: Templates | None = None) -> None:
    """Writes one draft paper as docx: only ``notice.items`` stand in it, and the file is its owner's only.

    ``templates`` are the bureau's (None: those that come with the program). Raises ValueError where an item is no
    orderable violation, :class:`~inventories.faults.Faults` where a template does not fit, OSError where the file
    cannot be written.
    """
    view = paper_of(notice)
    fields = compose(view)
    write_whole(path, (templates or _shipped()).fill(view.form, fields))


def render_drafter_note(notice: NoticeView, path: Path, *, fonts: Sequence[str] = ()) -> None:
    """Writes the note on a draft, see :func:`reports.papers.drafter.render_drafter_note`."""
    render_note(paper_of(notice), notice.left_out, path, fonts=fonts, for_whom=notice.for_whom)


@cache
def _shipped() -> Templates:
    """The program's own templates, each read and compiled once however many papers an audit writes."""
    from reports.papers.templates import Templates

    return Templates()
