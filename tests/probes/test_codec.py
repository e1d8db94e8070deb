"""Collections come out of JSON as they went in, and nothing else comes out of it."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.codec import CodecError, collection_from_json, collection_to_json
from inventories.model import (
    Collection,
    Coverage,
    Fact,
    Failure,
    Identifier,
    Observation,
    Strength,
    Submission,
    Waiver,
)

AT = datetime(2026, 3, 2, 4, 0, 1, 20, tzinfo=UTC)
TEXT = st.text(st.characters(), max_size=20)
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))])).map(
    lambda at: at.replace(fold=0)
)
VALUES = st.one_of(
    st.none(),
    TEXT,
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.dates(),
    st.lists(TEXT, max_size=4).map(tuple),
)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
OBSERVATIONS = st.builds(
    Observation,
    TEXT,
    TEXT,
    TEXT,
    TIMES,
    st.lists(st.builds(Identifier, TEXT, TEXT, TEXT), max_size=3).map(tuple),
    st.lists(st.builds(Fact, TEXT, VALUES, st.sampled_from(Strength), TEXT, st.booleans()), max_size=4).map(tuple),
    TEXT,
    TEXT,
)
COLLECTIONS = st.builds(
    Collection,
    st.lists(OBSERVATIONS, max_size=3).map(tuple),
    st.lists(st.builds(Coverage, TEXT, TEXT, TEXT, TEXT, TEXTS, TIMES, TIMES, TEXT), max_size=2).map(tuple),
    st.lists(st.builds(Failure, TEXT, TEXT, TEXTS, TEXT, TEXT, TIMES), max_size=2).map(tuple),
    st.lists(st.builds(Submission, TEXT, TEXT, st.dates(), TEXT, TEXTS, st.booleans(), TEXT), max_size=2).map(tuple),
    st.lists(
        st.builds(Waiver, TEXT, TEXTS, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.dates(), st.dates(), TEXT, TEXT),
        max_size=2,
    ).map(tuple),
)


@given(COLLECTIONS)
def test_a_collection_comes_back_equal(collection: Collection) -> None:
    text = collection_to_json(collection)
    assert text.isascii()
    back = collection_from_json(text)
    assert back == collection
    # Equality alone would take True for 1 and 1.0.
    assert repr(back) == repr(collection)


def holding(value: object) -> Collection:
    fact = Fact("column", value, Strength.HINTED)  # type: ignore[arg-type]
    return Collection((Observation("host", "nmap", "nmap", AT, (), (fact,)),))


def test_moments_and_infinities_survive_too() -> None:
    assert collection_from_json(collection_to_json(holding(AT))) == holding(AT)
    assert collection_from_json(collection_to_json(holding(-math.inf))) == holding(-math.inf)
    back = collection_from_json(collection_to_json(holding(math.nan))).observations[0].facts[0].value
    assert isinstance(back, float)
    assert math.isnan(back)


BODY = json.loads(collection_to_json(holding("x")))


def changed(**change: object) -> str:
    return json.dumps({**BODY, **change})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        changed(format=2),
        changed(format=None),
        changed(observations=None),
        changed(observations=[[]]),
        changed(observations=[["host", "nmap", "nmap", "yesterday", [], [], "", ""]]),
        changed(observations=[["host", "nmap", 7, AT.isoformat(), [], [], "", ""]]),
        changed(observations=[["host", "nmap", "nmap", AT.isoformat(), [["ip"]], [], "", ""]]),
        changed(
            observations=[
                ["host", "nmap", "nmap", AT.isoformat(), [], [["c", {"date": "never"}, 1, "", False]], "", ""]
            ]
        ),
        changed(
            observations=[["host", "nmap", "nmap", AT.isoformat(), [], [["c", {"code": "1"}, 1, "", False]], "", ""]]
        ),
        changed(observations=[["host", "nmap", "nmap", AT.isoformat(), [], [["c", [1], 1, "", False]], "", ""]]),
        changed(observations=[["host", "nmap", "nmap", AT.isoformat(), [], [["c", "v", 9, "", False]], "", ""]]),
        changed(observations=[["host", "nmap", "nmap", AT.isoformat(), [], [["c", "v", True, "", False]], "", ""]]),
        changed(observations=[["host", "nmap", "nmap", AT.isoformat(), [], [["c", "v", 1, "", 0]], "", ""]]),
        changed(waivers=[[1] * 12]),
    ],
)
def test_anything_else_is_refused_with_one_kind_of_error(text: str) -> None:
    with pytest.raises(CodecError):
        collection_from_json(text)


def test_bytes_cut_in_the_middle_are_refused() -> None:
    whole = collection_to_json(holding("运城")).encode()
    for end in range(0, len(whole) - 1, 7):
        with pytest.raises(CodecError):
            collection_from_json(whole[:end])
