"""The page on packs: its example loads, its cases pass, its table of functions is whole."""

from __future__ import annotations

import re
from pathlib import Path

from policies.casetest import test_packs as run_cases
from policies.functions import FUNCTIONS
from policies.model import Bite
from policies.pack import BUILTIN, load_pack

PAGE = (BUILTIN / "README.md").read_text(encoding="utf-8")
PACK, CASES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)

WARRANTY = """\
rule: warranty
as_of: 2026-06-30
baseline: {project: {warranty_months: 24}}
cases:
  - {name: 二十三个月, project: {warranty_months: 23}, expect: violation}
  - {name: 二十四个月, expect: compliant}
  - {name: 未约定, project: {warranty_months: null}, expect: unknown}
  - {name: 外市, project: {region: "440303"}, expect: not_applicable}
"""


def test_the_example_is_a_pack_whose_cases_pass(tmp_path: Path) -> None:
    folder = tmp_path / "example-2024"
    (folder / "cases").mkdir(parents=True)
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    (folder / "cases" / "shared-platform.yaml").write_text(CASES, encoding="utf-8")
    (folder / "cases" / "warranty.yaml").write_text(WARRANTY, encoding="utf-8")
    pack = load_pack(folder)
    assert [rule.bite for rule in pack.rules] == [Bite.ORDER, Bite.ADVICE]
    assert pack.rules[0].waits_for == ("in_force_from",)
    report = run_cases([pack])
    assert report.passed, "\n".join(report.lines())


def test_every_function_is_explained() -> None:
    rows = dict(re.findall(r"^\| `(\w+\(.*?\))` \| (.*?) \|$", PAGE, re.M))
    assert rows == {function.signature: function.doc for function in FUNCTIONS.values()}


def test_every_bite_is_explained() -> None:
    assert [bite for bite in Bite if f"`{bite.value}`" not in PAGE] == []
