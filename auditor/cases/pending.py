"""What a killed or forgotten step left to be done."""

from __future__ import annotations

from auditor.cases.desk import Desk
from auditor.ledger import cases as stored
from auditor.ledger import trail


def undrawn(desk: Desk) -> list[str]:
    """The numbers of issued papers that nobody has drawn: the program was killed after the number was taken."""
    with desk.ledger.reading() as connection:
        drawn = {number for step in trail.listing(connection) if step.act == "paper.draw" for number in step.detail}
        papers = stored.issued(connection)
    return [
        paper.number for paper in papers if paper.case and paper.withdrawn_on is None and paper.number not in drawn
    ]
