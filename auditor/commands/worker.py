"""``worker``: looks where the centre asks, inside one zone. Imports neither the ledger nor policies nor reports."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from auditor.errors import Refused
from auditor.workers.config import load_worker
from auditor.workers.process import run_worker
from inventories.faults import clean


def worker(config: Path, *, zone: str, verbose: bool = False) -> int:
    """Works until it is told to end. Raises Faults or :class:`Refused` before it has begun."""
    loaded = load_worker(config)
    if loaded.config.zone != zone:
        raise Refused(f"{config} is the configuration of zone {clean(loaded.config.zone)}, and not of {clean(zone)}")
    _log(verbose)
    return run_worker(loaded)


class _OneLine(logging.Formatter):
    """Lines for the journal; nothing that was said elsewhere can break one, or move a terminal's cursor."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(clean(line, 2000) for line in super().format(record).splitlines())


def _log(verbose: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Celery tells of every message, and of every bootstep.
    for name in ("celery", "kombu", "amqp"):
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.WARNING)
