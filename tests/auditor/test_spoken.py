"""People's words laid over what was collected: pure, and never to anybody's harm beyond what was said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.chasing import RegisterRequest, State
from auditor.joint_answers import NOT_ANSWERED
from auditor.ledger import departments, requests, trail, waivers
from auditor.ledger.store import Ledger
from auditor.ledger.trail import Entry
from auditor.spoken import Spoken, Words, digests_of, lost_rows, spoken, under
from auditor.successions import (
    DepartmentChange,
    Kind,
    Successions,
    contradictions,
    former_words,
    moved_assets,
    successor_of,
)
from auditor.waiving import OwnWaiver
from auditor.waiving import State as WaiverState
from inventories.answers import Answers
from inventories.identity import code_id, department_id, ip_id, name_id
from inventories.kinds import KINDS
from inventories.model import (
    Collection,
    Coverage,
    Fact,
    Failure,
    Identifier,
    KeyMap,
    Observation,
    Strength,
    Submission,
    Waiver,
)
from inventories.places import Places, Zone
from inventories.reconcile import reconcile
from inventories.registers import load_registers
from tests.auditor.ledgers import ledger_of

TODAY = date(2027, 1, 4)
DAY = date(2027, 1, 1)
AT = datetime(2027, 1, 4, 1, tzinfo=UTC)


def change(kind: Kind, giver: str, taker: str, on: date = DAY, **more: Any) -> DepartmentChange:
    values: dict[str, Any] = {
        "id": more.pop("id", f"D-{kind}-{giver}-{taker}"),
        "kind": kind,
        "department_id": giver,
        "department_name": f"原{giver}",
        "successor_id": taker,
        "successor_name": f"新{taker}",
        "asset_kind": "",
        "asset_code": "",
        "effective_on": on,
        "document": "文",
        "at": AT,
        "by": "科室",
    }
    return DepartmentChange(**values | more)


def merge(giver: str, taker: str, on: date = DAY, **more: Any) -> DepartmentChange:
    return change(Kind.MERGE, giver, taker, on, **more)


def transfer(
    code: str, giver: str, taker: str, on: date = DAY, kind: str = "system", **more: Any
) -> DepartmentChange:
    return change(Kind.TRANSFER, giver, taker, on, asset_kind=kind, asset_code=code, id=f"T-{code}-{giver}", **more)


def rename(department: str, name: str, old: str, on: date = DAY) -> DepartmentChange:
    return change(Kind.RENAME, department, department, on, successor_name=name, department_name=old)


def row(kind: str, department: str, code: str = "", name: str = "", **facts: Any) -> Observation:
    """A register's row; a fact of None is an answer of 无."""
    ids: list[Identifier] = [code_id(kind, code)] if code else []
    if name and kind != "host":
        ids.append(name_id(kind, department, name))
    if kind == "department":
        ids = [department_id(department)]
    said = {"code": code, "name": name, **facts}
    values = tuple(
        Fact(column, value, Strength.DECLARED, "无" if value is None else str(value), value is None)
        for column, value in said.items()
        if value != ""
    )
    source = f"registers/{KINDS[kind].register}.csv!B{len(code + name)}"
    return Observation(kind, "register", source, AT, tuple(ids), values, department_id=department)


def answer(department: str, register: str = "systems", on: date = date(2026, 12, 1), **more: Any) -> Submission:
    return Submission(department, register, on, **more)


def heard(collection: Collection, *changes: DepartmentChange, places: Places | None = None, **more: Any) -> Spoken:
    words = Words(changes=changes, **more)
    return under(words, collection, places or Places(()), TODAY, lost={}, keymap=KeyMap())


def of(told: Spoken, kind: str = "system") -> list[tuple[str, str]]:
    """(code or name, department) of what is of a kind."""
    out = []
    for o in told.collection.observations:
        if o.kind == kind:
            said = {f.column: f.value for f in o.facts}
            out.append((str(said.get("code") or said.get("name")), o.department_id))
    return sorted(out)


# --- successions --------------------------------------------------------------------------------------------


def test_whose_things_are_day_by_day() -> None:
    changes = [
        rename("a", "甲二局", "甲局", date(2026, 12, 1)),
        merge("a", "b", DAY),
        merge("b", "c", date(2027, 2, 1)),
        transfer("S-1", "a", "d", date(2026, 12, 15)),
    ]
    assert successor_of(changes, "a", date(2026, 11, 30)).id == "a"
    assert successor_of(changes, "a", date(2026, 11, 30)).formerly == ""
    renamed = successor_of(changes, "a", date(2026, 12, 1))
    assert (renamed.id, renamed.name, renamed.formerly) == ("a", "甲二局", "甲局")
    merged = successor_of(changes, "a", DAY)
    assert (merged.id, merged.name, merged.formerly) == ("b", "新b", "原a")
    assert successor_of(changes, "a", date(2027, 2, 1)).id == "c"
    assert successor_of(changes, "b", DAY).id == "b"
    assert successor_of(changes, "a", DAY, kind="system", code="s-１").id == "d"
    assert successor_of(changes, "a", DAY, kind="room", code="S-1").id == "b"
    (moved,) = moved_assets(changes, DAY)
    assert (moved.kind, moved.code, moved.before, moved.id) == ("system", "S-1", "a", "d")
    assert former_words(changes, DAY) == {"甲局": "b", "原a": "b", "a": "b"}
    assert Successions(changes, date(2027, 2, 1)).gone == {"a": "c", "b": "c"}


def test_the_name_is_the_one_of_the_day() -> None:
    """The successor was renamed before the merger was written down, and again after it."""
    changes = [merge("a", "b", DAY), rename("b", "乙二局", "乙局", DAY + timedelta(days=30))]
    assert successor_of(changes, "a", DAY).name == "新b"
    assert successor_of(changes, "a", DAY + timedelta(days=30)).name == "乙二局"
    assert successor_of(changes, "a", DAY + timedelta(days=30)).formerly == "乙局"


def test_what_was_taken_back_never_happened() -> None:
    changes = [merge("a", "b", undone=True), replace(transfer("S-1", "a", "c"), undone=True)]
    assert successor_of(changes, "a", TODAY).id == "a"
    assert not Successions(changes, TODAY)
    assert moved_assets(changes, TODAY) == ()
    assert list(contradictions(merge("b", "a", id="new"), changes)) == []


def test_there_and_back() -> None:
    changes = [transfer("S-1", "a", "b", DAY), transfer("S-1", "b", "a", TODAY)]
    assert successor_of(changes, "a", TODAY, kind="system", code="S-1").id == "a"
    assert [(moved.before, moved.id) for moved in moved_assets(changes, TODAY)] == [("b", "a")]


departments_of_a_city = st.sampled_from("abcdef")
days = st.integers(0, 6).map(lambda n: DAY + timedelta(days=n))


@given(
    st.lists(st.tuples(st.sampled_from(list(Kind)), departments_of_a_city, departments_of_a_city, days), max_size=12)
)
def test_whatever_is_accepted_leads_somewhere(said: list[tuple[Kind, str, str, date]]) -> None:
    """However changes are written down one after another: no circle, and one that is gone is never a successor."""
    accepted: list[DepartmentChange] = []
    for number, (kind, giver, taker, on) in enumerate(said):
        code = "S-1" if kind is Kind.TRANSFER else ""
        new = change(
            kind,
            giver,
            giver if kind is Kind.RENAME else taker,
            on,
            id=f"D-{number:03d}",
            at=AT + timedelta(minutes=number),
            asset_kind="system" if code else "",
            asset_code=code,
        )
        if not list(contradictions(new, accepted)):
            accepted.append(new)
    for offset in range(8):
        on = DAY + timedelta(days=offset)
        now = Successions(accepted, on)
        for department in "abcdef":
            head = now.of(department)
            assert head not in now.gone
            assert now.of(head) == head
            assert (head == department) == (department not in now.gone)
            assert now.of(department, "system", ("S-1",)) not in now.gone
        assert all(old != head for old, head in now.gone.items())


# --- what registers say -------------------------------------------------------------------------------------


def test_everything_that_names_the_old_department_is_the_successors() -> None:
    collection = Collection(
        observations=(
            row("department", "a", name="甲局"),
            row("department", "b", name="乙局", parent_id="a"),
            row("system", "a", "A-1", "图书"),
            row("system", "b", "B-1", "景区"),
            row("system", "c", "C-1", "公交"),
        ),
        submissions=(answer("a"), answer("b"), answer("c")),
        waivers=(Waiver("W", ("p/*",), "a", "", "A-1", "", "", "", DAY, TODAY),),
    )
    told = heard(collection, merge("a", "b"))
    assert of(told) == [("A-1", "b"), ("B-1", "b"), ("C-1", "c")]
    assert [o.department_id for o in told.collection.observations if o.kind == "department"] == ["b"]
    parent = {f.column: f.value for f in told.collection.observations[0].facts}["parent_id"]
    assert parent == "b"
    assert {s.department_id for s in told.collection.submissions} == {"b", "c"}
    assert [w.department_id for w in told.collection.waivers] == ["b"]
    assert told.collection.failures == ()
    before = heard(collection, merge("a", "b", TODAY + timedelta(days=1)))
    assert before.collection == collection


def test_a_things_names_of_before_stay_and_those_of_now_come() -> None:
    collection = Collection(
        (row("system", "a", name="图书"), row("system", "a", name="门户"), row("system", "b", name="门户"))
    )
    told = heard(collection, merge("a", "b"))
    ids = [[str(i) for i in o.identifiers] for o in told.collection.observations]
    assert ids == [
        ["system-name:a/图书", "system-name:b/图书"],
        ["system-name:a/门户"],
        ["system-name:b/门户"],
    ]
    keys = KeyMap()
    first = reconcile(collection, places=Places(()), keymap=keys, today=TODAY, site="x")
    second = reconcile(told.collection, places=Places(()), keymap=first.keymap, today=TODAY, site="x")
    assert {a.key for a in first.assets} == {a.key for a in second.assets}
    corrected = Collection((row("system", "b", name="图书"),))
    third = reconcile(corrected, places=Places(()), keymap=second.keymap, today=TODAY, site="x")
    assert third.assets[0].key == next(a.key for a in first.assets if a.text("name") == "图书")


def test_a_new_name_stands_where_the_register_has_the_old_one() -> None:
    collection = Collection((row("department", "a", name="甲 局"), row("department", "b", name="乙局")))
    told = heard(collection, rename("a", "甲二局", "甲局"), rename("b", "乙二局", "别的局"))
    names = [f.value for o in told.collection.observations for f in o.facts if f.column == "name"]
    assert names == ["甲二局", "乙局"], "what the register says otherwise is its own word"


def test_one_thing_handed_over_and_nothing_else() -> None:
    rows = (
        row("system", "a", "A-1", "图书"),
        row("system", "a", "A-2", "档案"),
        row("room", "a", "A-1", "机房"),
        row("system", "b", "A-1", "同号"),
    )
    told = heard(Collection(rows), transfer("a-1", "a", "c"))
    assert of(told) == [("A-1", "b"), ("A-1", "c"), ("A-2", "a")]
    assert of(told, "room") == [("A-1", "a")]
    names = [str(i) for o in told.collection.observations for i in o.identifiers if o.department_id == "c"]
    assert "system-name:c/图书" in names
    assert "system-name:a/图书" in names


def test_waivers_are_never_widened() -> None:
    def waiver(name: str, department: str, code: str = "", asset: str = "") -> Waiver:
        return Waiver(name, ("p/*",), department, asset, code, "", "", "", DAY, TODAY)

    rows = (
        row("system", "a", "A-1", "图书"),
        row("system", "a", name="门户"),
        row("system", "a", name="档案"),
        row("system", "b", "B-1", "景区"),
        row("system", "b", name="门户"),
        # Things without a name share none.
        row("host", "a", "A-H"),
        row("host", "b", "B-H"),
    )
    named = (waiver("twin", "a", asset="门户"), waiver("one", "a", asset="档案"))
    told = heard(Collection(rows, waivers=(waiver("all", "a"), *named, waiver("b", "b"))), merge("a", "b"))
    covered = [(w.id, w.department_id, w.asset_code, w.asset_name) for w in told.collection.waivers]
    assert covered == [
        ("all", "b", "A-1", ""),
        ("all", "b", "", "档案"),
        ("all", "b", "A-H", ""),
        ("one", "b", "", "档案"),
        ("b", "b", "", ""),
    ]
    moved = heard(Collection(rows, waivers=(waiver("x", "a", "A-1"), waiver("y", "a"))), transfer("A-1", "a", "c"))
    assert [(w.id, w.department_id) for w in moved.collection.waivers] == [("x", "c"), ("y", "a")]
    # The register was corrected already: the code still tells where the waiver went.
    late = heard(
        Collection((row("system", "c", "A-1"),), waivers=(waiver("x", "a", "A-1"),)), transfer("A-1", "a", "c")
    )
    assert [w.department_id for w in late.collection.waivers] == ["c"]


# --- who has answered ---------------------------------------------------------------------------------------


def both(*said: Submission, coverage: Iterable[str] = (), failures: tuple[Failure, ...] = ()) -> Collection:
    whole = tuple(coverage)
    return Collection(
        observations=(row("system", "a", "A-1", "图书", approval_no=None), row("system", "b", "B-1", "景区")),
        submissions=said,
        coverage=(Coverage("register", "", "", "register", whole, AT, AT, "systems"),) if whole else (),
        failures=failures,
    )


def answers(told: Spoken) -> Answers:
    return Answers(told.collection.submissions, told.collection.failures)


def test_a_part_that_never_answered_keeps_the_whole_from_being_known() -> None:
    """Else what the successor's own register does not name would count against it, though nobody had asked it."""
    told = heard(both(answer("a"), coverage=["a"]), merge("a", "b"))
    assert answers(told).received("systems", "b") is not None
    assert answers(told).whole("systems", "b") is None
    (failure,) = told.collection.failures
    assert (failure.reason, failure.scope) == (NOT_ANSWERED, ("systems", "b"))
    assert told.collection.coverage[0].scope == ("a",)
    # The department whose part is known was asked for its papers, and its own 无 stays its word.
    kept = [f for o in told.collection.observations for f in o.facts if f.absent]
    assert len(kept) == 1


def test_an_answer_since_the_merger_is_the_whole_ones() -> None:
    told = heard(both(answer("b", on=DAY), coverage=["b"]), merge("a", "b"))
    assert answers(told).whole("systems", "b") is not None
    assert told.collection.failures == ()
    assert told.collection.coverage[0].scope == ("a", "b")
    early = heard(both(answer("b", on=DAY - timedelta(days=1)), coverage=["b"]), merge("a", "b"))
    assert answers(early).whole("systems", "b") is None


def test_a_new_department_that_has_nothing_of_its_own_need_not_answer() -> None:
    rows = Collection(
        (row("system", "a", "A-1"), row("system", "c", "C-1")),
        submissions=(answer("a"), answer("c")),
        coverage=(Coverage("register", "", "", "register", ("a", "c"), AT, AT, "systems"),),
    )
    told = heard(rows, merge("a", "b"), merge("c", "b"))
    assert answers(told).whole("systems", "b") is not None
    assert told.collection.coverage[0].scope == ("a", "b", "c")
    # Networks of its own are something that can be missed.
    zone = Zone("z", "z", "here", "department", (ip_network("10.0.0.0/24"),), "b")
    told = heard(rows, merge("a", "b"), merge("c", "b"), places=Places([zone]))
    assert answers(told).whole("systems", "b") is None


def test_a_nil_return_of_one_part_is_none_of_the_whole() -> None:
    told = heard(
        Collection((row("system", "b", "B-1"),), submissions=(answer("a", nil_return=True), answer("b"))),
        merge("a", "b"),
    )
    assert answers(told).nil("systems", "b") is None
    assert answers(told).whole("systems", "b") is not None
    nothing = Collection(submissions=(answer("a", nil_return=True), answer("b", nil_return=True)))
    assert answers(heard(nothing, merge("a", "b"))).nil("systems", "b") is not None


def test_a_none_of_what_was_not_asked_stays_unknown() -> None:
    """The successor was asked for the paper; the department whose row says 无 was asked for other columns only."""
    asked = answer("a", columns=("name",))
    told = heard(both(asked, answer("b"), coverage=["a", "b"]), merge("a", "b"))
    assert [f for o in told.collection.observations for f in o.facts if f.absent] == []
    unchanged = heard(both(asked, answer("b"), coverage=["a", "b"]))
    assert len([f for o in unchanged.collection.observations for f in o.facts if f.absent]) == 1
    moved = heard(both(asked, answer("b")), transfer("A-1", "a", "b"))
    assert [f for o in moved.collection.observations for f in o.facts if f.absent] == []
    moved = heard(both(answer("a"), answer("b")), transfer("A-1", "a", "b"))
    assert len([f for o in moved.collection.observations for f in o.facts if f.absent]) == 1


def test_refused_rows_break_the_successors_register_and_nobody_elses() -> None:
    broken = Failure("register", "", ("systems", "a"), "bad_input", "x", AT)
    told = heard(both(answer("a"), answer("b"), answer("c"), failures=(broken,)), merge("a", "b"))
    assert answers(told).whole("systems", "b") is None
    assert answers(told).whole("systems", "c") is not None


def test_in_a_chain_everybody_speaks_for_those_before() -> None:
    later = DAY + timedelta(days=2)
    rows = Collection(
        (row("system", "a", "A-1"), row("system", "b", "B-1"), row("system", "c", "C-1")),
        submissions=(answer("b", on=DAY), answer("c", on=date(2026, 12, 1))),
    )
    told = heard(rows, merge("a", "b"), merge("b", "c", later))
    assert answers(told).whole("systems", "c") is not None
    told = heard(rows, merge("a", "b", DAY + timedelta(days=1)), merge("b", "c", later))
    assert answers(told).whole("systems", "c") is None, "b answered before it had a"


# --- networks -----------------------------------------------------------------------------------------------


def zone(name: str, prefix: str, department: str, **owners: str) -> Zone:
    named = {ip_network(p.replace("_", ".").replace("x", "/")): d for p, d in owners.items()}
    return Zone(name, name, "here", "department", (ip_network(prefix),), department, named)


def host(department: str, code: str, *addresses: str, placed: bool = True) -> Observation:
    made = row("host", department, code, ips=addresses)
    ids = (*made.identifiers, *(ip_id(a, "here") for a in addresses if placed))
    return Observation("host", "register", made.source, AT, ids, made.facts, department_id=department)


def test_networks_are_the_successors() -> None:
    places = Places([zone("za", "10.1.0.0/24", "a"), zone("zc", "10.3.0.0/24", "c", **{"10_3_0_0x28": "a"})])
    told = heard(Collection(), merge("a", "b"), places=places)
    assert told.places.owner("here", "10.1.0.9") == "b"
    assert told.places.owner("here", "10.3.0.9") == "b"
    assert told.places.owner("here", "10.3.0.99") == "c"
    assert places.owner("here", "10.1.0.9") == "a", "what was handed in stays as it was"


def test_rows_are_placed_whichever_of_the_two_names_they_and_the_zone_bear() -> None:
    """The register was corrected and the site's configuration was not, or the other way round."""
    for owner, department in (("a", "b"), ("b", "a")):
        places = Places([zone("z", "10.1.0.0/24", owner)])
        told = heard(Collection((host(department, "H", "10.1.0.9", placed=False),)), merge("a", "b"), places=places)
        (moved,) = told.collection.observations
        assert moved.department_id == "b"
        assert ip_id("10.1.0.9", "here") in moved.identifiers
    untouched = heard(Collection((host("c", "H", "10.1.0.9", placed=False),)), merge("a", "b"), places=places)
    assert ip_id("10.1.0.9", "here") not in untouched.collection.observations[0].identifiers


def test_the_addresses_of_what_was_handed_over_go_with_it() -> None:
    places = Places([zone("z", "10.1.0.0/24", "a")])
    rows = (
        host("a", "H-1", "10.1.0.1"),
        host("a", "H-2", "10.1.0.2"),
        row("system", "a", "S-1", addresses=("10.1.0.1:8080", "10.1.0.3", "不详")),
    )
    told = heard(Collection(rows), transfer("H-1", "a", "c", kind="host"), places=places)
    assert told.places.owner("here", "10.1.0.1") == "a", "a system that stays has it too"
    told = heard(Collection(rows[:2]), transfer("H-1", "a", "c", kind="host"), places=places)
    assert [told.places.owner("here", f"10.1.0.{n}") for n in (1, 2, 3)] == ["c", "a", "a"]
    told = heard(Collection(rows), transfer("S-1", "a", "c"), places=places)
    assert [told.places.owner("here", f"10.1.0.{n}") for n in (1, 2, 3)] == ["a", "a", "c"]


def test_what_was_concluded_of_a_place_keeps_its_key() -> None:
    keys = KeyMap(
        {("room", Identifier("place", "a/z/大楼/room")): "r-1", ("room", Identifier("place", "c/z/x/room")): "r-2"}
    )
    told = under(Words(changes=(merge("a", "b"),)), Collection(), Places(()), TODAY, lost={}, keymap=keys)
    assert told.keymap.keys[("room", Identifier("place", "b/z/大楼/room"))] == "r-1"
    assert told.keymap.keys[("room", Identifier("place", "a/z/大楼/room"))] == "r-1"
    assert len(told.keymap.keys) == 3


# --- requests and waivers -----------------------------------------------------------------------------------


def request(department: str = "a", **more: Any) -> RegisterRequest:
    values: dict[str, Any] = {
        "id": "R2026-0001",
        "state": State.ANSWERED,
        "department_id": department,
        "register": "systems",
        "period": "2026年度",
        "columns": ("approval_no",),
        "asked_on": date(2026, 12, 1),
        "asked_by": "科室",
        "due": date(2026, 12, 20),
        "answered_on": date(2026, 12, 10),
        "digest": "ab" * 32,
    }
    return RegisterRequest(**values | more)


def test_an_answer_to_a_request_is_a_submission() -> None:
    told = heard(Collection((row("system", "a", "A-1", approval_no=None),)), requests=(request(),))
    (submission,) = told.collection.submissions
    assert submission == Submission(
        "a", "systems", date(2026, 12, 10), "2026年度", ("approval_no",), False, "ab" * 32
    )
    assert told.collection.coverage[0].scope == ("a",)
    asked = answers(told)
    assert asked.asked("systems", "a", KINDS["system"].column("approval_no")) is not None
    assert asked.asked("systems", "a", KINDS["system"].column("built_on")) is None
    for state in (State.OPEN, State.WITHDRAWN):
        assert heard(Collection(), requests=(request(state=state, answered_on=None),)).collection == Collection()


def test_an_answer_whose_rows_were_refused_does_not_make_the_register_whole() -> None:
    words = Words(requests=(request(),))
    told = under(words, Collection(), Places(()), TODAY, lost={"systems": frozenset({"a"})}, keymap=KeyMap())
    assert answers(told).received("systems", "a") is not None
    assert answers(told).whole("systems", "a") is None
    assert told.collection.coverage == ()


def test_a_nil_return_beside_rows_is_no_answer() -> None:
    told = heard(Collection((row("system", "a", "A-1"),)), requests=(request(nil_return=True, digest=""),))
    assert told.collection.submissions == ()
    told = heard(Collection(), requests=(request(nil_return=True, digest=""),))
    assert answers(told).nil("systems", "a") is not None


def own(name: str, state: WaiverState = WaiverState.APPROVED) -> OwnWaiver:
    return OwnWaiver(
        name, state, ("p/r",), "a", "A-1", "", "依据", "市政府", "文", "", DAY, TODAY, "", "甲科", AT, "乙科"
    )


def test_only_approved_waivers_count_and_the_ledgers_take_the_place_of_the_registers() -> None:
    there = Waiver("HM", ("p/*",), "a", "", "A-1", "", "", "", DAY, TODAY, source="registers/exemptions.csv!A2")
    for state, wanted in (
        (WaiverState.APPROVED, [("HM", "ledger")]),
        (WaiverState.DRAFT, [("HM", there.source)]),
        (WaiverState.REVOKED, []),
    ):
        told = heard(Collection(waivers=(there,)), waivers=(own("HM", state),))
        assert [(w.id, w.source) for w in told.collection.waivers] == wanted
        assert bool(told.notes) == (state is not WaiverState.DRAFT)


def test_read_from_a_ledger_it_is_the_same(tmp_path: Path) -> None:
    """Rows go into the ledger and come out as they were, each through the trail."""
    asked = (request(), request("b", id="R2026-0002", nil_return=True, digest=""))
    kept = Words((own("W-1"),), (merge("a", "b"), transfer("S", "b", "c")), asked)
    with Ledger.open(ledger_of(tmp_path / "ledger.sqlite")) as ledger:
        with ledger.writing() as connection:
            writes = [
                *(waivers.write(w) for w in kept.waivers),
                *(departments.write(c) for c in kept.changes),
                *(requests.write(r) for r in kept.requests),
            ]
            trail.write(connection, Entry(AT, "科室", "test", "x"), writes)
        registers = load_registers(tmp_path / "none", places=Places(()), now=AT)
        collection = both(answer("a"))
        told = spoken(ledger, collection, Places(()), TODAY, registers=registers)
        lost, files = lost_rows(registers), digests_of(registers)
        again = under(kept, collection, Places(()), TODAY, lost=lost, keymap=KeyMap(), files=files)
        assert told.collection == again.collection
        assert told.notes == again.notes
        assert "what a answered for the register systems is not among the registers any more" in told.notes[0]
        assert told.collection.waivers
        with ledger.reading() as connection:
            assert trail.verify(connection) == []


def test_rows_that_were_refused_are_known_by_department(tmp_path: Path) -> None:
    (tmp_path / "departments.csv").write_text("部门编号,部门名称\na,甲局\nb,乙局\nc,丙局\n", encoding="utf-8")
    rows = ("所属部门,系统编号,系统名称,投入运行日期", "a,A-1,图书,2024-13-45", "b,B-1,景区,", "乙据,B-2,某,")
    (tmp_path / "systems.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "rooms.csv").write_text("什么\n也没有\n", encoding="utf-8")
    found = lost_rows(load_registers(tmp_path, places=Places(()), now=AT))
    assert "a" in found["systems"]
    assert found["rooms"] == frozenset("abc")
    assert "hosts" not in found


@pytest.mark.parametrize("kind", list(Kind))
def test_without_a_word_nothing_changes(kind: Kind) -> None:
    collection = both(answer("a"), coverage=["a"])
    later = change(kind, "a", "b", TODAY + timedelta(days=1), asset_kind="system", asset_code="A-1")
    for words in ((), (later,)):
        told = heard(collection, *words)
        assert told.collection == collection
