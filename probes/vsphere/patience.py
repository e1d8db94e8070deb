"""How long the vSphere probe waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: to connect, through silence, for one whole answer, and to take leave."""

    connect: float = 10.0
    silence: float = 60.0
    answer: float = 300.0
    leave: float = 0.8
