"""What a login shows of a host: one read-only script, its answer as typed parts, and the observation made of them.

The script is the same for every system; what it prints is read with distrust. A host that has a current Python may
be read by Ansible instead, with :data:`EXTRAS` for what Ansible does not tell: both ways give the same facts.
"""

from __future__ import annotations

from probes.inside.ansible import from_ansible
from probes.inside.model import Inside
from probes.inside.observe import observation
from probes.inside.raw import from_raw
from probes.inside.script import EXTRAS, MARK_END, SCRIPT

__all__ = ["EXTRAS", "MARK_END", "SCRIPT", "Inside", "from_ansible", "from_raw", "observation"]
