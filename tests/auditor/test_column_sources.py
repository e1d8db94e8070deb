"""Which columns a site can fill: the tables are true to the probes' code, and ``check`` tells what has no source."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import probes
from auditor.column_sources import GIVEN_BY, RESTS_ON
from auditor.ending import main
from inventories.kinds import KINDS
from inventories.model import Origin
from probes.registry import PROBES

CODE = Path(probes.__file__).parent
#: Where each probe makes its facts.
MADE_IN = {
    "nmap": ("nmap_facts.py", "nmap_windows.py"),
    "endpoints": ("endpoints/*.py",),
    "ssh": ("inside/*.py",),
    "windows": ("inside/*.py",),
    "names": ("names/*.py",),
    "snmp": ("snmp/*.py",),
    "vsphere": ("vsphere/*.py",),
    "openstack": ("openstack_cloud/*.py",),
}


def words_of(probe: str) -> set[str]:
    """Every quoted word in the code that makes a probe's facts."""
    text = "".join(p.read_text(encoding="utf-8") for pattern in MADE_IN[probe] for p in CODE.glob(pattern))
    return set(re.findall(r'"([a-z_]+)"', text))


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_gives_what_its_code_names(probe: str) -> None:
    for kind, columns in GIVEN_BY[probe].items():
        assert columns <= {c.name for c in KINDS[kind].all_columns if c.seeable or c.name == "name"}
        assert columns <= words_of(probe), f"{probe} makes no such fact"


def test_every_column_that_probes_alone_can_show_is_given_by_one() -> None:
    """What is declared to be observed, and by no probe, would wrongly seem to have no source."""
    given = {(kind, name) for kinds in GIVEN_BY.values() for kind, names in kinds.items() for name in names}
    left = {
        (kind.name, column.name)
        for kind in KINDS.values()
        for column in kind.all_columns
        if Origin.OBSERVED in column.origins and Origin.INFERRED not in column.origins
    } - given
    # A component's are read out of its host's; nothing looks for the last one yet.
    assert {pair for pair in left if pair[0] != "component" and pair[1] != "name"} == {("host", "extra_networks")}


def test_what_conclusions_rest_on_exists() -> None:
    for (kind, name), ways in RESTS_ON.items():
        assert KINDS[kind].column(name)
        for need in (need for way in ways for need in way.split("+")):
            subject, dot, column = need.partition(".")
            if dot:
                assert column == "*" or KINDS[subject].column(column), need
            else:
                assert need == "probe" or need in PROBES, need


# --- check --------------------------------------------------------------------------------------------------


@pytest.fixture
def example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path / "city"), "--example"]) == 0
    capsys.readouterr()
    return tmp_path / "city"


def checked(root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    main(["check", "--json", "--site", str(root)])
    body: dict[str, Any] = json.loads(capsys.readouterr().out)
    return body


def gaps(body: dict[str, Any]) -> set[str]:
    return {f"{gap['kind']}.{gap['column']}" for gap in body["columns_without_source"]}


def test_every_rule_of_the_example_city_can_be_decided(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = checked(example, capsys)
    assert body["rules_that_stay_unknown"] == []
    assert gaps(body) == {"system.built_on"}


def test_a_register_that_is_not_there_is_told_with_the_rules_that_need_it(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = example.glob("registers/rooms.*")
    path.unlink()
    body = checked(example, capsys)
    (room,) = (gap for gap in body["columns_without_source"] if gap["column"] == "cloud_offers")
    assert room["rules"] == ["yuncheng-2021/use-cloud-catalogue-room"]
    assert (room["register"], room["headings"], room["probes"]) == ("rooms", "云服务目录是否提供", [])
    unknown = [rule["rule"] for rule in body["rules_that_stay_unknown"]]
    assert unknown == ["yuncheng-2021/use-cloud-catalogue-room"]
    main(["check", "--site", str(example)])
    err = capsys.readouterr().err
    assert "no source: room.cloud_offers (云服务目录是否提供): no row of the register rooms fills" in err
    assert "stays unknown: yuncheng-2021/use-cloud-catalogue-room" in err


def test_an_access_is_a_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether a machine is a physical one: nobody declares it, and only a login shows it."""
    (tmp_path / "registers").mkdir()
    (tmp_path / "registers" / "departments.csv").write_text(
        "部门编号,部门名称,行政区划代码,政府层级\nmzj,市民政局,140800,市级\n", encoding="utf-8"
    )
    (tmp_path / "registers" / "hosts.csv").write_text(
        "所属部门,主机编号,主机名称,IP地址,购置日期,云服务目录是否提供,批准文号\n"
        "市民政局,H1,服务器,192.0.2.1,2024-01-01,是,无\n",
        encoding="utf-8",
    )
    zone = (
        "site: tiny\nname: 小市\nbureau: 小市数据局\nregion: '140800'\npacks: [yuncheng-2021]\nzones:\n"
        "  - id: mzj\n    name: 民政局\n    vantage: here\n    department: mzj\n    prefixes: [192.0.2.0/28]\n"
        "    authorisations: [{document: 甲, approver: 乙, from: 2020-01-01, to: 2099-12-31}]\n"
    )
    (tmp_path / "site.yaml").write_text(zone, encoding="utf-8")
    rule = "yuncheng-2021/use-cloud-catalogue"
    before = checked(tmp_path, capsys)
    (gap,) = (gap for gap in before["columns_without_source"] if gap["column"] == "is_physical")
    assert gap["rules"] == [rule] and {"ssh", "windows", "vsphere"} <= set(gap["probes"])
    assert rule in [one["rule"] for one in before["rules_that_stay_unknown"]]
    with_login = "    access: {ssh: [{user: audit, password: 'env:NONE'}]}\n"
    (tmp_path / "site.yaml").write_text(zone + with_login, encoding="utf-8")
    after = checked(tmp_path, capsys)
    assert "host.is_physical" not in gaps(after)
    assert rule not in [one["rule"] for one in after["rules_that_stay_unknown"]]
