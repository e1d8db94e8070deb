"""Departments united where networks were looked at: everything stays what it was, and is the successor's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from auditor.spoken import Words, under
from auditor.successions import DepartmentChange, Kind
from inventories.identity import ip_id
from inventories.infer import infer
from inventories.model import Asset, Collection, Fact, KeyMap, Observation, Strength
from inventories.places import Places
from inventories.reconcile import Reconciled, reconcile
from tests.inventories.conftest import Make, only

MAKE = Make()
MERGED = DepartmentChange(
    *("D2026-001", Kind.MERGE, "mzj", "mzj局", "sgb", "sgb局", "", ""),
    effective_on=MAKE.today,
    document="机构改革方案（虚构）",
    at=datetime(2026, 3, 1, tzinfo=UTC),
    by="政务信息科",
)
RUNNING: dict[str, Any] = {"hosting": ("own_room",), "status": "running"}
WHOLE = ("systems", "hosts", "rooms", "networks", "clouds")


def device(ip: str, *products: str, **values: Any) -> Observation:
    inside = Strength.SEEN_INSIDE
    facts = [Fact("answers", True, inside), Fact("ips", (ip,), inside)]
    facts += [Fact("products", (product,), inside, f"443/tcp {product}") for product in products]
    facts += [Fact(column, value, inside, str(value)) for column, value in values.items()]
    return Observation("host", "snmp", "snmp", MAKE.at, (ip_id(ip, "scanner"),), tuple(facts), zone="mzj")


def city() -> Collection:
    """A system with a page of its own name in the department's network, a stranger beside it, and a machine room."""
    servers = [device(f"10.1.0.{n}", is_physical=True, os_name="CentOS Linux 7") for n in range(100, 112)]
    return MAKE.collection(
        *(MAKE.department(name) for name in ("mzj", "sgb", "jtj", "czj", "bureau")),
        MAKE.system(
            "MZ-001", "社会救助系统", "mzj", addresses=("10.1.0.5",), hosting=("own_room",), status="running"
        ),
        MAKE.host_row("MZ-H1", "mzj", "10.1.0.5"),
        MAKE.seen("10.1.0.5", "8080/tcp http", titles=(("8080/tcp", "社会救助系统"),)),
        MAKE.seen("10.1.0.77", "8080/tcp http", titles=(("8080/tcp", "婚姻登记系统"),)),
        *servers,
        device("10.1.0.120", "ups:SANTAK 3C20KS"),
        device("10.1.0.121", "air_conditioner:Stulz 机房空调"),
        device("10.1.0.122", "pdu:APC 机柜配电单元"),
        *(MAKE.submission(register, "mzj") for register in WHOLE),
        MAKE.covered("mzj"),
        MAKE.covered("gov-cloud"),
    )


def judged(
    *changes: DepartmentChange, keymap: KeyMap | None = None, day: date = MAKE.today, what: Collection | None = None
) -> Reconciled:
    told = under(Words(changes=changes), what or city(), MAKE.places(), day, lost={}, keymap=keymap or KeyMap())
    found = reconcile(told.collection, places=told.places, keymap=told.keymap, today=day, site="example")
    return infer(found, told.collection, places=told.places, today=day, site="example")


def shown(asset: Asset, *columns: str) -> list[object]:
    return [asset.get(column) for column in columns]


@pytest.fixture(scope="module")
def before() -> Reconciled:
    return judged()


@pytest.fixture(scope="module")
def after(before: Reconciled) -> Reconciled:
    return judged(MERGED, keymap=before.keymap)


def test_nothing_is_mzjs_any_more_and_every_key_stays(before: Reconciled, after: Reconciled) -> None:
    assert {a.text("department_id") for a in before.assets if a.kind != "department"} == {"mzj"}
    assert {a.text("department_id") for a in after.assets if a.kind != "department"} == {"sgb"}
    gone = {a.key for a in before.assets} - {a.key for a in after.assets}
    assert gone == {only(before, "department", department_id="mzj").key}
    assert {a.key for a in after.assets} < {a.key for a in before.assets}, "nothing is new"
    assert {a.text("department_name") for a in after.assets if a.kind == "system"} == {"sgb局"}
    assert after.doubts == before.doubts
    assert [c for a in after.assets for c in a.conflicts] == [c for a in before.assets for c in a.conflicts]


@pytest.mark.parametrize("kind", ["system", "host", "room"])
def test_what_was_shown_of_a_thing_is_shown_still(kind: str, before: Reconciled, after: Reconciled) -> None:
    """The network is the successor's too: its systems are no guests there, and its machines are no strangers."""
    mine = {"department_id", "department_name", "inference_evidence"}
    was = {a.key: {k: v for k, v in a.values.items() if k not in mine} for a in before.assets if a.kind == kind}
    now = {a.key: {k: v for k, v in a.values.items() if k not in mine} for a in after.assets if a.kind == kind}
    assert was
    assert now == was


def test_there_is_something_to_lose(before: Reconciled) -> None:
    system = only(before, "system", code="MZ-001")
    assert shown(system, "hosting", "is_observed") == [("own_room",), True]
    assert any(f.strength is Strength.SEEN_OUTSIDE for f in system.facts if f.column == "hosting")
    assert only(before, "host", code="MZ-H1").get("in_asset_register") is True
    assert only(before, "system", is_registered=False).text("name")
    assert [a for a in before.assets if a.kind == "room"]


def test_a_successor_that_never_answered_is_accused_of_nothing(before: Reconciled) -> None:
    """Rows of its own, and no answer: nobody knows what of the network that it took over is unregistered."""
    own = MAKE.system("SG-001", "志愿服务系统", "sgb")
    found = judged(MERGED, keymap=before.keymap, what=city() + Collection((own,)))
    assert [a for a in found.assets if a.kind == "system" and a.get("is_registered") is False] == []
    answered = city() + Collection((own,), submissions=(MAKE.submission("systems", "sgb"),))
    found = judged(MERGED, keymap=before.keymap, what=answered)
    assert only(found, "system", is_registered=False).text("department_id") == "sgb"


def test_corrected_registers_and_networks_change_nothing_more(before: Reconciled, after: Reconciled) -> None:
    """Later the rows name the successor, and site.yaml still does not: what is seen and what is declared stay one."""
    corrected = MAKE.collection(
        *(MAKE.department(name) for name in ("sgb", "jtj", "czj", "bureau")),
        MAKE.system(
            "MZ-001", "社会救助系统", "sgb", addresses=("10.1.0.5",), hosting=("own_room",), status="running"
        ),
        # The register's reader found no network of sgb's at this address.
        MAKE.host_row("MZ-H1", "sgb", "10.1.0.5", placed=False),
        *(o for o in city().observations if o.collector != "register"),
        *(replace(s, department_id="sgb", received_on=MAKE.today) for s in city().submissions),
        MAKE.covered("mzj"),
        MAKE.covered("gov-cloud"),
    )
    later = judged(MERGED, keymap=after.keymap, what=corrected)
    assert {a.key for a in later.assets} == {a.key for a in after.assets}
    assert only(later, "host", code="MZ-H1").get("is_observed") is True
    assert only(later, "system", code="MZ-001").get("hosting") == ("own_room",)
    without = reconcile(corrected, places=Places(MAKE.zones()), keymap=after.keymap, today=MAKE.today, site="example")
    assert only(without, "host", code="MZ-H1").get("is_observed") is False, "the merger is what brings them together"
