"""Registers: what departments have written down about themselves, read from CSV, XLSX and YAML.

:func:`load_registers` reads a folder, :func:`write_quarantine` writes the rows that it refused,
:func:`write_forms` writes the blank forms. All three follow the declarations in
:mod:`inventories.registers.declare` and :mod:`inventories.kinds`.
"""

from __future__ import annotations

from inventories.registers.declare import REGISTERS, Register
from inventories.registers.departments import Department
from inventories.registers.forms import write_forms
from inventories.registers.load import RegisterResult, load_registers
from inventories.registers.quarantine import write_quarantine
from inventories.registers.records import Refused

__all__ = [
    "REGISTERS",
    "Department",
    "Refused",
    "Register",
    "RegisterResult",
    "load_registers",
    "write_forms",
    "write_quarantine",
]
