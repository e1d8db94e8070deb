"""Reading collections: what is said twice is kept once, and nothing is taken for what it only resembles."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from inventories.codec import CodecError, collection_from_json, collection_to_json
from inventories.model import Collection, Fact, Identifier, Observation, Strength, Value

AT = datetime(2026, 3, 2, tzinfo=UTC)
SEEN = Strength.SEEN_OUTSIDE


def _seen(source: str, *facts: Fact) -> Observation:
    return Observation("host", "nmap", source, AT, (Identifier("ip", "10.0.0.1", "here"),), facts, zone="mzj")


def _read(*observations: Observation) -> Collection:
    return collection_from_json(collection_to_json(Collection(observations)))


def test_equal_facts_are_one_in_memory() -> None:
    title = Fact("page_titles", ("404 Not Found",), SEEN, "80/tcp")
    one, other = _read(_seen("a", title), _seen("b", title)).observations
    assert one.facts == other.facts == (title,)
    assert one.facts[0] is other.facts[0]
    assert one.observed_at is other.observed_at


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", ("1",), None])
def test_values_that_python_calls_equal_stay_apart(value: Value) -> None:
    for first in (True, 1, 1.0):
        _read(_seen("a", Fact("x", first, SEEN)))
    (found,) = _read(_seen("b", Fact("x", value, SEEN))).observations
    assert found.facts[0].value == value
    assert type(found.facts[0].value) is type(value)


def test_order_and_number_of_repeated_facts_are_kept() -> None:
    twice = (Fact("x", "a", SEEN), Fact("y", "b", SEEN), Fact("x", "a", SEEN))
    (found,) = _read(_seen("a", *twice)).observations
    assert found.facts == twice


GOOD_FACT = ["x", "a", 3, "", False]


@pytest.mark.parametrize(
    ("field", "entry", "words"),
    [
        (4, "abc", "observations[0][4][0]: is no list of 3"),
        (4, {"a": 1, "b": 2, "c": 3}, "observations[0][4][0]: is no list of 3"),
        (4, ["ip", 1, "here"], "observations[0][4][0][1]: is no str"),
        (4, ["ip", "10.0.0.1"], "observations[0][4][0]: is no list of 3"),
        (5, "abcde", "observations[0][5][0]: is no list of 5"),
        (5, ["x", "a", True, "", False], "observations[0][5][0][2]: is no int"),
        (5, ["x", "a", 3.0, "", False], "observations[0][5][0][2]: is no int"),
        (5, ["x", "a", 3, "", 0], "observations[0][5][0][4]: is no bool"),
        (5, ["x", "a", 9, "", False], "9 is not a valid Strength"),
        (5, ["x", ["a", 1], 3, "", False], "observations[0][5][0][1]: is no list of texts"),
        (5, ["x", {"day": "2026-03-02"}, 3, "", False], "observations[0][5][0][1]: is no value of a fact"),
        (5, ["x", {"date": "2026-13-02"}, 3, "", False], "observations[0][5][0][1]: "),
        (5, [["x"], "a", 3, "", False], "observations[0][5][0][0]: is no str"),
    ],
)
def test_what_only_resembles_a_record_is_refused_with_its_place(field: int, entry: object, words: str) -> None:
    _read(_seen("a", Fact("x", "a", SEEN)))
    body = json.loads(collection_to_json(Collection((_seen("a", Fact("x", "a", SEEN)),))))
    body["observations"][0][field] = [entry]
    with pytest.raises(CodecError) as error:
        collection_from_json(json.dumps(body))
    assert words in str(error.value)
