"""What the two ends of the driver's pipe agree on."""

from __future__ import annotations

#: The inventory's name in the job's folder.
INVENTORY = "hosts.yaml"

#: Bytes of one line: what a connection lets through (``auditor_most``), and room for JSON's escapes.
LONGEST = 64 * 1024 * 1024
