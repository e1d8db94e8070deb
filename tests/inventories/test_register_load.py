"""A folder of registers: what becomes an observation, what is refused, and what may never be seen again."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import ipaddress
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from inventories import identity
from inventories.model import Fact, Identifier, Observation, Strength
from inventories.places import Places, Zone
from inventories.registers import RegisterResult, load_registers, write_quarantine

NOW = dt.datetime(2026, 9, 1, 4, 0, tzinfo=dt.UTC)
CHANGED = dt.datetime(2026, 8, 20, 8, 30, tzinfo=dt.UTC)
DEPARTMENTS = """部门编号,部门名称,简称,统一社会信用代码,上级部门编号,层级,行业
mzj,示例市民政局,民政局,11140800000000001A,,市级,民政
czj,示例市财政局,财政局,,,市级,财政
slx,示例县审批局,,,民政局,县,综合
"""


def zone(name: str, prefix: str, vantage: str = "scanner", kind: str = "department", department: str = "") -> Zone:
    return Zone(name, name, vantage, kind, (ipaddress.ip_network(prefix),), department)


PLACES = Places(
    [
        zone("mzj", "192.168.1.0/24", department="mzj"),
        zone("czj", "192.168.1.0/24", vantage="inner", department="czj"),
        zone("cloud", "10.0.0.0/16", kind="government_cloud"),
        zone("twin-a", "172.16.0.0/24", kind="government_cloud"),
        zone("twin-b", "172.16.0.0/24", vantage="inner", kind="government_cloud"),
    ]
)

Load = Callable[..., RegisterResult]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes files (name without its dot → text) into a folder and reads it."""

    def run(departments: str = DEPARTMENTS, **files: str | bytes) -> RegisterResult:
        folder = tmp_path / "registers"
        folder.mkdir(exist_ok=True)
        for name, content in {"departments_csv": departments, **files}.items():
            path = folder / ".".join(name.rsplit("_", 1))
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            os.utime(path, (CHANGED.timestamp(), CHANGED.timestamp()))
        return load_registers(folder, places=PLACES, now=NOW)

    return run


def of(result: RegisterResult, kind: str) -> list[Observation]:
    return [o for o in result.collection.observations if o.kind == kind]


def values(observation: Observation) -> dict[str, Any]:
    return {fact.column: fact.value for fact in observation.facts}


def ids(observation: Observation) -> set[str]:
    return {str(identifier) for identifier in observation.identifiers}


def faults(result: RegisterResult) -> list[str]:
    return [str(fault) for fault in result.faults]


def notes(result: RegisterResult) -> list[str]:
    return [str(note) for note in result.notes]


def everything(result: RegisterResult) -> str:
    return repr(result) + "".join(map(str, (*result.faults, *result.notes)))


# --- departments -----------------------------------------------------------------------------------------------


def test_departments(load: Load) -> None:
    result = load()
    assert not result.faults
    assert not result.notes
    assert list(result.departments) == ["mzj", "czj", "slx"]
    assert result.departments["slx"].parent_id == "mzj"
    assert result.departments["slx"].level_of_government == "county"
    first = of(result, "department")[0]
    assert first.identifiers == (Identifier("department", "mzj"),)
    assert first.department_id == "mzj"
    assert first.source == "registers/departments.csv!2"
    assert first.collector == "register"
    assert first.observed_at == CHANGED
    assert values(first)["sector"] == "civil_affairs"
    assert values(of(result, "department")[2])["parent_id"] == "mzj"


def test_a_department_is_found_by_every_name_it_has(load: Load) -> None:
    names = ["mzj", "MZJ", "示例市民政局", " 民政局 ", "示例市 民政局", "11140800000000001a"]
    rows = "".join(f"{name},系统{i}\n" for i, name in enumerate(names))
    result = load(systems_csv="部门,系统名称\n" + rows)
    assert not result.faults
    assert {o.department_id for o in of(result, "system")} == {"mzj"}


def test_bad_departments(load: Load) -> None:
    result = load(
        "部门编号,部门名称,上级部门编号\nmzj,民政局,\nmzj,民政二局,\n../x,甲局,\nczj,民政局,不存在局\nx y,乙局,\n"
    )
    assert faults(result) == [
        "registers/departments.csv!A3: 部门编号 'mzj' is already that of registers/departments.csv!A2:"
        " give each department its own",
        "registers/departments.csv!A4: 部门编号 '../x' cannot serve as an id:"
        " up to 32 letters a-z, digits, '-' and '_', as mzj",
    ]
    # White space inside a code is no part of it.
    assert list(result.departments) == ["mzj", "czj", "xy"]
    assert any("unknown department '不存在局': left empty" in note for note in notes(result))
    assert any("'民政局' may also mean the department at registers/departments.csv!2" in n for n in notes(result))


def test_an_ambiguous_name_assigns_nothing(load: Load) -> None:
    result = load("部门编号,部门名称\na1,民政局\na2,民政局\n", systems_csv="部门,系统名称\n民政局,甲\na2,乙\n")
    assert faults(result) == [
        "registers/systems.csv!A2: '民政局' may mean any of a1, a2: write the department's id (部门编号)"
    ]
    assert [o.department_id for o in of(result, "system")] == ["a2"]


def test_without_departments_nothing_loads(tmp_path: Path) -> None:
    (tmp_path / "systems.csv").write_text("部门,系统名称\n民政局,甲\n", "utf-8")
    result = load_registers(tmp_path, places=PLACES, now=NOW)
    assert [str(f) for f in result.faults] == [
        "registers: no department could be read, so no row of any register can be assigned to one:"
        " fill in departments.csv, departments.xlsx or departments.yaml first"
    ]
    assert result.collection.observations == ()


def test_an_unreadable_folder_is_a_fault(tmp_path: Path) -> None:
    result = load_registers(tmp_path / "none", places=PLACES, now=NOW, shown="city/registers")
    assert str(result.faults[0]).startswith("city/registers: cannot be read")


# --- rows ------------------------------------------------------------------------------------------------------


def test_a_system_with_its_facts_and_their_evidence(load: Load) -> None:
    text = "部门,系统编号,系统名称,立项审批日期,批准文号,部署位置,等保级别,功能\n"
    text += "民政局,ＭＺ-001,救助系统,2024年2月5日,无,自建机房,三级,\n"
    result = load(systems_csv=text)
    (system,) = of(result, "system")
    assert not result.faults
    assert system.source == "registers/systems.csv!2"
    assert ids(system) == {"system-code:MZ-001", "system-name:mzj/救助系统"}
    assert {fact.column: fact for fact in system.facts} == {
        "code": Fact("code", "MZ-001", Strength.DECLARED, "ＭＺ-001"),
        "name": Fact("name", "救助系统", Strength.DECLARED, "救助系统"),
        "approved_on": Fact("approved_on", dt.date(2024, 2, 5), Strength.DECLARED, "2024年2月5日"),
        "approval_no": Fact("approval_no", None, Strength.DECLARED, "无", absent=True),
        "hosting": Fact("hosting", ("own_room",), Strength.DECLARED, "自建机房"),
        "mlps_level": Fact("mlps_level", 3, Strength.DECLARED, "三级"),
    }


def test_every_fault_is_named_with_its_cell_and_good_rows_load(load: Load) -> None:
    result = load(
        systems_csv=(
            "部门,系统编号,系统名称,建成日期,部署位置\n"
            "财政居,A1,甲,2024.2.5,政务云\n"
            "财政局,A2,乙,2024年2月30日,月球\n"
            "财政局,A3,丙,2024年2月,政务云\n"
            "财政局,A4,,,\n"
            ",A5,戊,,\n"
            "财政局,A6,己,,,多余\n"
        )
    )
    assert faults(result) == [
        "registers/systems.csv!A2: unknown department '财政居': did you mean '财政局'?",
        "registers/systems.csv!D3: 建成日期: '2024年2月30日' is no day of the calendar:"
        " write the day as 2024-02-05 or 2024年2月5日",
        "registers/systems.csv!E3: 部署位置: '月球' is not among the choices:"
        " choose from 政务云、行业云、公有云、自建机房、私有云",
        "registers/systems.csv!C5: '系统名称' is empty: fill it in",
        "registers/systems.csv!A6: '所属部门' or '部门编号' is empty: fill it in",
        "registers/systems.csv!F7: the row has 6 cells where the headings have 5:"
        " put text that holds a comma into double quotes",
    ]
    (good,) = of(result, "system")
    assert values(good) == {"code": "A3", "name": "丙", "hosting": ("gov_cloud",)}
    assert notes(result) == [
        "registers/systems.csv!D4: 建成日期: '2024年2月' names no day, and a day may decide: left empty;"
        " write the day as 2024-02-05 or 2024年2月5日"
    ]
    assert len(result.refused) == 5


def test_rows_of_yaml_say_where_they_stand(load: Load) -> None:
    result = load(
        rooms_yaml=(
            "- 部门: 民政局\n  机房名称: 一楼机房\n  面积: 200㎡\n- 部门: 民政局\n  机房名称: 二楼\n  面积: 大\n"
        )
    )
    assert faults(result) == ["registers/rooms.yaml:6:7: 面积: '大' is no number: write a figure in ㎡"]
    (room,) = of(result, "room")
    assert room.source == "registers/rooms.yaml:1:3"
    assert values(room)["area"] == 200.0


def test_several_files_of_one_register(load: Load) -> None:
    result = load(
        **{
            "systems_csv": "部门,系统名称\n民政局,甲\n",
            "systems-czj_csv": "部门,系统名称\n财政局,乙\n".encode("gb18030"),
            "systems_3_yaml": "- 部门: 县\n  系统名称: 丙\n",
        }
    )
    assert [o.source for o in of(result, "system")] == [
        "registers/systems-czj.csv!2",
        "registers/systems.csv!2",
    ]
    assert faults(result) == [
        "registers/systems_3.yaml:1:7: unknown department '县': add it to the departments register"
    ]


def test_one_bad_file_does_not_keep_the_others_from_loading(load: Load) -> None:
    result = load(
        systems_xlsx=bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
        rooms_csv="机房名称,地址\n甲,一楼\n",
        hosts_csv="部门,资产编号\n民政局,H1\n",
    )
    assert faults(result) == [
        "registers/rooms.csv!1: has no heading '所属部门' or '部门编号': add the column",
        "registers/systems.xlsx: is protected by a password: save it without",
    ]
    assert len(of(result, "host")) == 1


def test_sums_signatures_and_blank_rows_are_no_rows(load: Load) -> None:
    result = load(
        rooms_csv=(
            "序号,部门,机房名称,面积,备注\n1,民政局,甲,20,\n,,,,\n2,民政局,,,\n3,,,,没有了\n合计,,,20,\n填表人：张三,,,,审核人：李四\n"
        )
    )
    assert not result.faults
    assert [values(o)["name"] for o in of(result, "room")] == ["甲"]
    assert [n.partition(": ")[0] for n in notes(result)] == ["registers/rooms.csv!6"]


def test_the_same_code_twice(load: Load) -> None:
    result = load(
        systems_csv="部门,系统编号,系统名称\n民政局,X-1,甲\n财政局,x-1,乙\n民政局,X-2,丙\n民政局,,丙\n民政局,X-3,丙\n财政局,,丙\n",
        hosts_csv="部门,资产编号,承载系统编号\n民政局,H1,X-1\n民政局,H2,X-1、丙\n财政局,H3,丙\n",
    )
    assert faults(result) == [
        "registers/systems.csv!B3: 系统编号 'x-1' is already that of registers/systems.csv!B2:"
        " give each its own, or keep one of the two rows",
        "registers/systems.csv!C5: 系统名称 '丙' is already that of registers/systems.csv!C4:"
        " give each its own, or keep one of the two rows",
    ]
    assert [values(o).get("code", "") for o in of(result, "system")] == ["X-1", "X-2", "X-3", ""]
    # A code that two rows gave is followed by no reference.
    assert [values(o).get("system_codes") for o in of(result, "host")] == [None, ("丙",), ("丙",)]
    assert sum("two rows have the code" in note for note in notes(result)) == 2


def test_references_are_written_as_codes(load: Load) -> None:
    result = load(
        rooms_csv="部门,机房编号,机房名称\n民政局,R-1,一楼机房\n财政局,R-2,一楼机房\n财政局,,无号机房\n",
        clouds_csv="部门,编号,名称\n民政局,GC-1,市政务云\n",
        systems_csv="部门,系统编号,系统名称,所在云平台,所在机房\n财政局,S-1,预算系统,市政务云,\n民政局,S-2,救助系统,,一楼机房\n",
        hosts_csv="部门,资产编号,所在机房,承载系统\n财政局,H1,一楼机房,预算系统、S-2\n财政局,H2,无号机房,救助系绕\n",
        components_csv="部门,类别,产品,所在主机\n财政局,操作系统,示例系统,h1\n",
    )
    assert not result.faults
    assert [values(o).get("cloud_codes") or values(o)["room_code"] for o in of(result, "system")] == [
        ("GC-1",),
        "R-1",
    ]
    first, second = of(result, "host")
    assert values(first)["room_code"] == "R-2"
    assert values(first)["system_codes"] == ("S-1", "S-2")
    assert values(second)["room_code"] == "无号机房"
    assert values(second)["system_codes"] == ("救助系绕",)
    assert notes(result) == [
        "registers/hosts.csv!D3: no system (信息系统) with the code or name '救助系绕' stands in the registers:"
        " did you mean '救助系统'?"
    ]
    (component,) = of(result, "component")
    assert values(component)["host_key"] == "H1"
    assert ids(component) == {str(identity.name_id("component", "czj", "H1||os||示例系统||"))}


# --- hosts -----------------------------------------------------------------------------------------------------


def test_identifiers_of_hosts(load: Load) -> None:
    result = load(
        hosts_csv=(
            "部门,资产编号,IP地址,MAC地址,品牌,序列号,UUID\n"
            "民政局,H1,192.168.1.10,00-1B-21-AA-BB-CC,示例牌,SN12345678,4c4c4544-0051-3510-8052-b4c04f4a3132\n"
            "财政局,H2,192.168.1.10,00-1B-21-AA-BB-CC,,,\n"
            "民政局,H3,10.0.3.4,,,,\n"
            "民政局,,203.0.113.9,,,,\n"
            "民政局,H5,172.16.0.5,,,To be filled by O.E.M.,\n"
        )
    )
    assert not result.faults
    found = [ids(o) for o in of(result, "host")]
    assert found[0] >= {
        "host-code:H1",
        "ip:192.168.1.10@scanner",
        "mac:00:1b:21:aa:bb:cc@scanner",
        "serial:示例牌|SN12345678",
    }
    assert any(i.startswith("uuid:") for i in found[0])
    # The same private address in another department's zone is seen from another point.
    assert found[1] == {"host-code:H2", "ip:192.168.1.10@inner", "mac:00:1b:21:aa:bb:cc@inner"}
    assert found[2] == {"host-code:H3", "ip:10.0.3.4@scanner"}
    # No zone, or two: the address stays a fact and joins nothing.
    assert found[3] == {str(identity.code_id("host", "mzj/203.0.113.9"))}
    assert found[4] == {"host-code:H5"}
    assert [values(o)["ips"] for o in of(result, "host")][3:] == [("203.0.113.9",), ("172.16.0.5",)]
    assert notes(result) == [
        "registers/hosts.csv: 2 addresses lie in no zone of the site, or in several, and join nothing seen:"
        " registers/hosts.csv!C5, registers/hosts.csv!C6: add the prefix to a zone, or an owner to it"
    ]


def test_a_host_with_only_a_name_is_refused(load: Load) -> None:
    result = load(hosts_csv="部门,资产编号,设备名称,IP地址\n民政局,,某服务器,\n")
    assert "is empty" in faults(result)[0]
    assert not of(result, "host")
    assert not any("host-name" in i for o in result.collection.observations for i in ids(o))


# --- submissions, absence, coverage ----------------------------------------------------------------------------


def test_submissions_date_what_they_brought(load: Load) -> None:
    result = load(
        systems_csv="部门,系统名称,批准文号\n民政局,甲,无\n财政局,乙,\n",
        submissions_csv=(
            "部门,登记表,收到日期,报送周期,要求填报栏目,是否零报告\n"
            "民政局,信息系统台账,2025年1月6日,2024年度,,否\n"
            "民政局,systems,2026年1月6日,2025年度,审批文号、系统名称,否\n"
            "财政局,机房,2026.8.31,2025年度,全部,是\n"
        ),
    )
    assert not result.faults
    first, second = of(result, "system")
    assert first.observed_at == dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
    assert second.observed_at == CHANGED
    received = result.collection.submissions
    assert [(s.department_id, s.register, s.columns, s.nil_return) for s in received] == [
        ("mzj", "systems", (), False),
        ("mzj", "systems", ("approval_no", "name"), False),
        ("czj", "rooms", (), True),
    ]
    assert {c.detail: c.scope for c in result.collection.coverage} == {"systems": ("mzj",), "rooms": ("czj",)}
    assert all(c.aspect == "register" and c.collector == "register" for c in result.collection.coverage)
    assert result.collection.failures == ()


def test_bad_submissions(load: Load) -> None:
    result = load(
        rooms_csv="部门,机房名称\n民政局,甲\n",
        submissions_csv=(
            "部门,登记表,收到日期,要求填报栏目,是否零报告,文件摘要\n"
            "民政局,机方,2026-01-06,,,\n"
            "民政局,机房,2027-01-06,,,\n"
            "民政局,机房,2026年1月,,,\n"
            "民政局,机房,2026-01-06,面积、没有这栏,,\n"
            "民政局,机房,2026-01-06,,,abc\n"
            "民政局,机房,2026-01-06,,是,\n"
            "民政局,submissions,2026-01-06,,,\n"
        ),
    )
    assert [f.partition("csv!")[2] for f in faults(result)] == [
        "B2: unknown register '机方': did you mean '机房'?",
        "C3: 2027-01-06 has not come yet: give the day of receipt",
        "C4: 收到日期: '2026年1月' names no day, and a day may decide: left empty;"
        " write the day as 2024-02-05 or 2024年2月5日",
        "D5: '没有这栏' is no column of 机房",
        "F6: is no SHA-256: 64 hexadecimal digits, as sha256sum prints them",
        "E7: 零报告 although rows of mzj stand in the register rooms: remove the rows, or write 否",
        "B8: unknown register 'submissions'",
    ]
    assert result.collection.submissions == ()
    assert result.collection.coverage == ()


def test_the_digest_of_what_was_submitted(load: Load) -> None:
    rooms = "部门,机房名称\n民政局,甲\n"
    digest = hashlib.sha256(rooms.encode()).hexdigest()
    head = "部门,登记表,收到日期,SHA256\n"
    same = load(rooms_csv=rooms, submissions_csv=f"{head}民政局,机房,2026-01-06,{digest.upper()}\n")
    assert same.collection.submissions[0].digest == digest
    assert not same.notes
    other = load(rooms_csv=rooms, submissions_csv=f"{head}民政局,机房,2026-01-06,{'0' * 64}\n")
    assert "no file of the register rooms has this digest" in notes(other)[0]
    assert {file.digest for file in other.files} >= {digest}


def test_a_refused_row_takes_its_department_out_of_what_is_covered(load: Load) -> None:
    received = (
        "部门,登记表,收到日期\n民政局,信息系统,2026-01-06\n财政局,信息系统,2026-01-06\nslx,信息系统,2026-01-06\n"
    )
    one = load(systems_csv="部门,系统名称,建成日期\n民政局,甲,x\n财政局,乙,\n", submissions_csv=received)
    assert {c.detail: c.scope for c in one.collection.coverage} == {"systems": ("czj", "slx")}
    (failure,) = one.collection.failures
    assert failure.scope == ("systems", "mzj")
    assert failure.reason == "bad_input"
    # A misspelt name may be any that is near it, a missing one anybody's.
    near = load(systems_csv="部门,系统名称\n财政居,甲\n", submissions_csv=received)
    assert {c.detail: c.scope for c in near.collection.coverage} == {"systems": ("mzj", "slx")}
    whose = load(systems_csv="部门,系统名称\n,甲\n", submissions_csv=received)
    assert whose.collection.coverage == ()
    broken = load(systems_csv="系统名称,批准文号\n甲,\n", submissions_csv=received)
    assert broken.collection.coverage == ()
    assert broken.collection.failures[0].scope == ("systems", "czj", "mzj", "slx")


def test_a_book_that_could_not_be_read_covers_nothing(load: Load) -> None:
    received = "部门,登记表,收到日期\n民政局,信息系统,2026-01-06\n"
    result = load(systems_csv="部门,系统名称\n民政局,甲\n", systems_xls=b"x", submissions_csv=received)
    assert result.collection.coverage == ()


def test_the_clock_bounds_what_a_file_claims(load: Load, tmp_path: Path) -> None:
    load()
    path = tmp_path / "registers" / "departments.csv"
    os.utime(path, (NOW.timestamp() + 10_000_000, NOW.timestamp() + 10_000_000))
    result = load_registers(path.parent, places=PLACES, now=NOW)
    assert {o.observed_at for o in result.collection.observations} == {NOW}


# --- assessments and exemptions --------------------------------------------------------------------------------


def test_assessments_add_facts_to_their_systems(load: Load) -> None:
    result = load(
        systems_csv="部门,系统编号,系统名称\n民政局,S-1,救助系统\n财政局,,预算系统\n",
        assessments_csv=(
            "部门,系统编号,系统名称,等保级别,测评日期,密评结论\n"
            ",s-1,,三级,2026.1.5,无\n"
            "财政局,,预算系统,二级,,\n"
            "财政局,,预算系绕,二级,,\n"
            "财政局,S-1,,二级,,\n"
            "财政局,S-9,,二级,,\n"
        ),
    )
    added = [o for o in of(result, "system") if "assessments" in o.source]
    assert ids(added[0]) == {"system-code:S-1", "system-name:mzj/救助系统"}
    assert added[0].department_id == "mzj"
    assert values(added[0]) == {"mlps_level": 3, "mlps_assessed_on": dt.date(2026, 1, 5), "crypto_conclusion": None}
    assert [f.column for f in added[0].facts if f.absent] == ["crypto_conclusion"]
    assert ids(added[1]) == {"system-name:czj/预算系统"}
    assert [f.partition("csv!")[2] for f in faults(result)] == [
        "C4: no system '预算系绕' stands in the systems register: did you mean '预算系统'?",
        "A5: the system at registers/systems.csv!2 is of mzj: correct one",
        "B6: no system 'S-9' stands in the systems register: did you mean 'S-1'?",
    ]


EXEMPTIONS = "豁免编号,部门,对象名称,对象编号,豁免规则,依据,批准人,批准文件,起始日期,截止日期,附加条件\n"


def test_exemptions_become_waivers(load: Load) -> None:
    row = "HM-1,民政局,救助系统,S-1,yuncheng-2021/migrate-to-cloud、yuncheng-2021/registered,同步改造,分管领导,"
    row += "纪要8号,2026-01-01,2026年12月31日,按期\n"
    result = load(exemptions_csv=EXEMPTIONS + row + row.replace("HM-1", "").replace("2026年12月31日", "2027-12-31"))
    assert not result.faults
    first, second = result.collection.waivers
    assert first.id == "HM-1"
    assert first.rules == ("yuncheng-2021/migrate-to-cloud", "yuncheng-2021/registered")
    assert (first.department_id, first.asset_name, first.asset_code) == ("mzj", "救助系统", "S-1")
    assert (first.legal_basis, first.approver, first.document) == ("同步改造", "分管领导", "纪要8号")
    assert (first.valid_from, first.valid_to) == (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    assert (first.conditions, first.source) == ("按期", "registers/exemptions.csv!2")
    assert second.id.startswith("W-")
    assert first.in_force(dt.date(2026, 12, 31))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("2026-12-31", ""), "J2: '截止日期' is empty"),
        (("2026-12-31", "长期"), "J2: 截止日期: '长期' is no date"),
        (("2026-12-31", "2026年12月"), "J2: 截止日期: '2026年12月' names no day"),
        (("2026-12-31", "2025-12-31"), "J2: 2025-12-31 lies before 2026-01-01"),
        (("分管领导", ""), "G2: '批准人' is empty"),
        (("纪要8号", "无"), "H2: '批准文件' is empty"),
        (("同步改造", ""), "F2: '豁免依据' is empty"),
        (("p/r", ""), "E2: '豁免规则' is empty"),
        (("p/r", "全部"), "E2: '全部' is no rule's name"),
        (("救助系统,S-1", ","), "C2: '资产名称' or '资产编号' is empty"),
        (("民政局", "民整局"), "B2: unknown department '民整局': did you mean '民政局'?"),
    ],
)
def test_an_exemption_lacks_nothing(load: Load, change: tuple[str, str], words: str) -> None:
    row = "HM-1,民政局,救助系统,S-1,p/r,同步改造,分管领导,纪要8号,2026-01-01,2026-12-31,\n"
    result = load(exemptions_csv=EXEMPTIONS + row.replace(*change))
    assert result.collection.waivers == ()
    assert any(words in fault for fault in faults(result)), faults(result)


def test_the_same_exemption_twice(load: Load) -> None:
    row = "HM-1,民政局,救助系统,S-1,p/r,同步改造,分管领导,纪要8号,2026-01-01,2026-12-31,\n"
    result = load(exemptions_csv=EXEMPTIONS + row + row)
    assert len(result.collection.waivers) == 1
    assert "the exemption 'HM-1' is already that of registers/exemptions.csv!2" in faults(result)[0]


# --- classified ------------------------------------------------------------------------------------------------

SECRET = "绝密甲系统"


@pytest.mark.parametrize("answer", ["是", "秘密", "机密", "绝密", "涉密", "待定级", "√"])
def test_classified_rows_leave_no_trace(load: Load, tmp_path: Path, answer: str) -> None:
    result = load(
        systems_csv=f"部门,系统编号,系统名称,服务器地址,建成日期,密级\n民政局,JM-9,{SECRET},192.168.1.77,不是日期,{answer}\n民政局,S-1,甲,,,非涉密\n",
        hosts_csv=f"部门,资产编号,IP地址,承载系统,购置日期\n民政局,H1,192.168.1.78,JM-9,坏\n民政局,H2,,{SECRET}、甲,坏\n民政局,H3,,{SECRET}、甲,\n",
        assessments_csv=f"部门,系统名称,等保级别\n民政局,{SECRET},三级\n",
        rooms_csv=f"部门,机房名称,承载系统\n民政局,一楼,{SECRET}、甲\n",
        exemptions_csv=EXEMPTIONS + f"HM-1,民政局,{SECRET},,p/r,同步改造,分管领导,纪要8号,2026-01-01,2026-12-31,\n",
        projects_csv="部门,项目名称,涉及系统\n民政局,项目一,JM-9、S-1\n",
    )
    written = "".join(path.read_text("utf-8") for path in write_quarantine(result, tmp_path / "q"))
    told = everything(result) + written
    for word in (SECRET, "JM-9", "192.168.1.77", "192.168.1.78"):
        assert word not in told
    assert result.dropped_classified == 4
    # In memory only: what the scan must leave alone.
    assert result.withheld == {"192.168.1.77"}
    assert [values(o)["name"] for o in of(result, "system")] == ["甲"]
    assert values(of(result, "host")[0])["system_codes"] == ("S-1",)
    assert values(of(result, "room")[0])["systems_housed"] == ("甲",)
    assert values(of(result, "project")[0])["system_codes"] == ("S-1",)
    assert result.collection.waivers == ()


@pytest.mark.parametrize("answer", ["否", "非涉密", "公开", "内部", "无", "", "不涉密", "／"])
def test_open_rows_stay(load: Load, answer: str) -> None:
    result = load(systems_csv=f"部门,系统名称,是否涉密\n民政局,甲,{answer}\n")
    assert result.dropped_classified == 0
    assert len(of(result, "system")) == 1


def test_another_departments_system_of_the_same_name_stays(load: Load) -> None:
    result = load(
        systems_csv="部门,系统编号,系统名称,是否涉密\n民政局,1,办公系统,是\n财政局,2,办公系统,否\n财政局,3,其他,\n",
        hosts_csv="部门,资产编号,承载系统\n财政局,H1,办公系统\n民政局,H2,办公系统\n",
    )
    assert result.dropped_classified == 2
    assert [o.department_id for o in of(result, "system")] == ["czj", "czj"]
    assert [values(o)["code"] for o in of(result, "host")] == ["H1"]


# --- quarantine ------------------------------------------------------------------------------------------------


def quarantine(result: RegisterResult, folder: Path) -> Mapping[str, list[list[str]]]:
    paths = write_quarantine(result, folder)
    return {path.name: list(csv.reader(path.read_text("utf-8-sig").splitlines(keepends=True))) for path in paths}


def test_refused_rows_are_kept_whole(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "quarantine"
    bad = load(
        systems_csv='部门,系统名称,功能,建成日期\n财政居,甲,"=HYPERLINK(""http://x"")",2024.2.5\n民政局,乙,"@x\n+y",昨天\n民政局,丙,\x1b[31m-,\n',
        rooms_yaml="- 部门: 无此局\n  机房名称: 一楼\n  面积: 20\n",
    )
    files = quarantine(bad, folder)
    assert files == {
        "rooms.yaml.csv": [
            ["位置", "原因", "部门", "机房名称", "面积"],
            [
                "registers/rooms.yaml:1:3",
                "unknown department '无此局': add it to the departments register",
                "无此局",
                "一楼",
                "20",
            ],
        ],
        "systems.csv.csv": [
            ["位置", "原因", "部门", "系统名称", "功能", "建成日期"],
            [
                "registers/systems.csv!2",
                "unknown department '财政居': did you mean '财政局'?",
                "财政居",
                "甲",
                '\'=HYPERLINK("http://x")',
                "2024.2.5",
            ],
            [
                "registers/systems.csv!3",
                "建成日期: '昨天' is no date: write the day as 2024-02-05 or 2024年2月5日",
                "民政局",
                "乙",
                "'@x\n+y",
                "昨天",
            ],
        ],
    }
    assert (folder / "systems.csv.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (folder / "systems.csv.csv").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    # What was mended leaves no file behind, and what is not ours stays.
    (folder / "notes.csv").write_text("mine\n", "utf-8")
    good = load(systems_csv="部门,系统名称\n民政局,甲\n", rooms_yaml="")
    assert quarantine(good, folder) == {}
    assert sorted(path.name for path in folder.iterdir()) == ["notes.csv"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "＝", "'=", "|"])
def test_no_cell_of_the_quarantine_is_a_formula(load: Load, tmp_path: Path, start: str) -> None:
    result = load(
        systems_yaml=f"- 部门: 民政局\n  系统名称: x\n  建成日期: \"{start}cmd|'/c calc'!A1\"\n".replace("\t", "\\t")
    )
    (rows,) = quarantine(result, tmp_path / "q").values()
    assert rows[1][4].startswith("'")


def test_a_quarantined_row_can_be_mended_and_read_again(load: Load, tmp_path: Path) -> None:
    bad = load(systems_csv="部门,系统名称,功能\n财政居,甲,管钱\n")
    (path,) = write_quarantine(bad, tmp_path / "q")
    mended = path.read_bytes().replace("财政居,".encode(), "财政局,".encode())
    result = load(systems_csv="部门,系统名称\n", **{"systems-mended_csv": mended})
    assert not result.faults
    assert [values(o)["name"] for o in of(result, "system")] == ["甲"]


# --- whole -----------------------------------------------------------------------------------------------------


def test_reading_twice_gives_the_same(load: Load) -> None:
    files: dict[str, str | bytes] = {
        "systems_csv": "部门,系统名称,批准文号\n民政局,甲,无\n财政居,乙,\n",
        "hosts_csv": "部门,资产编号,IP地址\n民政局,H1,192.168.1.10\n",
    }
    first, second = load(**files), load(**files)
    assert first == second
    assert [o.digest() for o in first.collection.observations] == [o.digest() for o in second.collection.observations]


def test_what_the_cells_say_is_safe_to_show(load: Load) -> None:
    result = load(systems_csv="部门,系统名称,部署位置\n\x1b]0;x\x07局,甲\u202e,\x1b[2J\n民政局,乙\u202e丙,\n")
    told = "".join([*faults(result), *notes(result), *(f.evidence for o in of(result, "system") for f in o.facts)])
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert values(of(result, "system")[0])["name"] == "乙\\u202e丙"


def test_misspelt_words_are_not_all_compared_with_everything(load: Load) -> None:
    departments = "部门编号,部门名称\n" + "".join(f"d{i},示例市第{i}局\n" for i in range(300))
    systems = "部门,系统名称\n" + "".join(f"示例市第{i}司,甲{i}\n" for i in range(1000))
    hosts = "部门,资产编号,承载系统\n" + "".join(f"d1,H{i},没有{i}\n" for i in range(1000))
    started = time.process_time()
    result = load(departments, systems_csv=systems + "d1,有\n", hosts_csv=hosts)
    assert time.process_time() - started < 10
    assert len(result.faults) == 1000
    assert "did you mean" in str(result.faults[0])


def test_ten_thousand_rows_load_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "departments.csv").write_text(DEPARTMENTS, "utf-8")
    book = xlsxwriter.Workbook(str(tmp_path / "hosts.xlsx"), {"constant_memory": True})
    sheet = book.add_worksheet()
    head = [
        "部门",
        "资产编号",
        "设备名称",
        "IP地址",
        "是否物理机",
        "运行平台",
        "购置日期",
        "批准文号",
        "内存",
        "操作系统",
    ]
    sheet.write_row(0, 0, head)
    for i in range(10_000):
        address = f"192.168.1.{i % 250 + 1}"
        row = ["民政局", f"H-{i}", f"服务器{i}", address, "是", "物理机", "2023年5月6日", "无", "64GB", "示例系统"]
        sheet.write_row(i + 1, 0, row)
    book.close()
    started = time.process_time()
    result = load_registers(tmp_path, places=PLACES, now=NOW)
    assert time.process_time() - started < 10
    assert len(of(result, "host")) == 10_000
    assert not result.faults
