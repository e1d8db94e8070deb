"""``python frozen.py MOMENT WORDS…``: the program at another time; its clock runs on from there."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta

from auditor import clock, ending

if __name__ == "__main__":
    begin, started = datetime.fromisoformat(sys.argv[1]), time.monotonic()
    clock.utc_now = lambda: begin + timedelta(seconds=time.monotonic() - started)
    ending.run(sys.argv[2:])
