"""What a killed or forgotten step left to be done, and what was lost of what people handed in."""

from __future__ import annotations

from auditor.cases import attachments
from auditor.cases.desk import Desk
from auditor.ledger import cases as stored
from auditor.ledger import trail
from inventories.faults import clean


def undrawn(desk: Desk) -> list[str]:
    """The numbers of issued papers that nobody has drawn: the program was killed after the number was taken."""
    with desk.ledger.reading() as connection:
        drawn = {number for step in trail.listing(connection) if step.act == "paper.draw" for number in step.detail}
        papers = stored.issued(connection)
    return [
        paper.number for paper in papers if paper.case and paper.withdrawn_on is None and paper.number not in drawn
    ]


def lost_files(desk: Desk) -> list[str]:
    """Every file that came with an objection or a reply and is not there any more as it came, in words."""
    with desk.ledger.reading() as connection:
        words = stored.words(connection)
    return [
        f"the file {clean(file.name, 100)} of {word.id}: {trouble}"
        for word in words
        for file in word.files
        if (trouble := attachments.trouble(desk.site, file))
    ]
