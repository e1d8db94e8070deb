"""Registers: what departments have written down about themselves, read from CSV, XLSX and YAML.

:func:`load_registers` reads a folder, :func:`write_quarantine` writes the rows that it refused,
:func:`write_forms` writes the blank forms. :func:`read_current` reads a folder for those who ask departments:
:func:`write_prefilled` writes a form with what a department has declared, :func:`read_returned` reads what came back
and sets it against that, :func:`take_in` makes it part of the folder. All follow the declarations in
:mod:`inventories.registers.declare` and :mod:`inventories.kinds`.
"""

from __future__ import annotations

from inventories.registers.declare import REGISTERS, Register
from inventories.registers.departments import Department
from inventories.registers.difference import Difference, difference_text
from inventories.registers.forms import FormRow, write_forms
from inventories.registers.load import RegisterResult, load_registers
from inventories.registers.prefilled import Current, read_current, write_prefilled
from inventories.registers.quarantine import write_quarantine
from inventories.registers.records import Refused
from inventories.registers.returned import Returned, read_returned
from inventories.registers.taking import Taken, take_in

__all__ = [
    "REGISTERS",
    "Current",
    "Department",
    "Difference",
    "FormRow",
    "Refused",
    "Register",
    "RegisterResult",
    "Returned",
    "Taken",
    "difference_text",
    "load_registers",
    "read_current",
    "read_returned",
    "take_in",
    "write_forms",
    "write_prefilled",
    "write_quarantine",
]
