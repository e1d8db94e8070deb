"""YAML that people write, and YAML that somebody wrote to do harm."""

from __future__ import annotations

import datetime as dt
import resource
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories import documents
from inventories.documents import parse_yaml, read_yaml, walk
from inventories.faults import Faults


def faults_of(text: str) -> list[str]:
    with pytest.raises(Faults) as caught:
        parse_yaml(text, name="site.yaml")
    return [str(fault) for fault in caught.value.faults]


def test_every_value_keeps_its_place() -> None:
    document = parse_yaml("site: 示例\nzones:\n  - id: mzj\n    prefixes: [10.0.0.0/8, 10.1.0.0/16]\n", name="s.yaml")
    assert document.data == {"site": "示例", "zones": [{"id": "mzj", "prefixes": ["10.0.0.0/8", "10.1.0.0/16"]}]}
    assert document.where("zones", 0, "prefixes", 1) == "s.yaml:4:28"
    # The nearest enclosing value that has a place stands in for one that is missing.
    assert document.where("zones", 0, "vantage") == "s.yaml:3:5"
    assert str(document.fault(("site",), "is wrong", "mend it")) == "s.yaml:1:7: is wrong: mend it"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("true", True),
        ("null", None),
        ("~", None),
        ("2024-02-05", dt.date(2024, 2, 5)),
        # What looks like a number and would not read back as written is a code.
        ("0351", "0351"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("1e3", "1e3"),
        ("9" * 5000, "9" * 5000),
        ("9" * 400 + ".0", "9" * 400 + ".0"),
        ("12:30:45", "12:30:45"),
        ("2024-02-05 10:00:00", "2024-02-05 10:00:00"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("是", "是"),
    ],
)
def test_scalars_are_what_was_written(written: str, read: object) -> None:
    found = parse_yaml(f"a: {written}\n", name="x").data["a"]
    assert found == read
    assert type(found) is type(read)


def test_an_empty_file_is_nothing() -> None:
    assert parse_yaml("", name="x").data is None
    assert parse_yaml("# only a remark\n", name="x").data is None


def test_duplicate_keys_are_named_with_their_places_all_at_once() -> None:
    assert faults_of("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") == [
        "site.yaml:4:3: the key 'c' stands twice: keep one of them",
        "site.yaml:5:1: the key 'a' stands twice: keep one of them",
    ]


def test_tabs_in_the_indentation_are_named() -> None:
    assert faults_of("zones:\n\t- id: x\n  \tname: y\n") == [
        "site.yaml:2:1: a tab in the indentation: use spaces",
        "site.yaml:3:3: a tab in the indentation: use spaces",
    ]


def test_line_numbers_count_as_an_editor_counts() -> None:
    # U+2028 and form feed are no line breaks for YAML and for most editors.
    assert faults_of('a: "x\u2028y"\nb:\n\t- 1\n')[0].startswith("site.yaml:3:1:")


def test_a_tab_after_the_text_does_no_harm() -> None:
    assert parse_yaml("a: 1\t# remark\nb: 2\t\n\n", name="x").data == {"a": 1, "b": 2}


def test_an_alias_bomb_never_unfolds() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    started = time.monotonic()
    found = faults_of("\n".join(lines))
    assert time.monotonic() - started < 2
    assert found[0] == "site.yaml:1:5: anchors and aliases are not allowed: write the value out"
    assert len(found) <= 25


def test_fifty_megabytes_are_refused_without_reading_them(tmp_path: Path) -> None:
    big = tmp_path / "site.yaml"
    big.write_bytes(b"a: &a [x]\n" + b"- *a\n" * (10 * 1024 * 1024))
    assert big.stat().st_size > 50_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Faults, match="is larger than 4096 KiB"):
        read_yaml(big)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['id']",
        "a: !!python/name:os.system ''",
        "!!python/object/new:os.system [id]",
        "a: !include /etc/passwd",
        "a: !!binary aGk=",
        "a: !<tag:example.org,2000:x> 1",
        "a: ! x",
    ],
)
def test_no_tag_is_obeyed(text: str) -> None:
    assert any("is not allowed: remove it" in fault for fault in faults_of(text))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_bounded(opening: str) -> None:
    found = faults_of(opening * 5000)
    assert any("is nested deeper than 40 levels" in fault for fault in found)


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_VALUES", 1000)
    assert "holds more than 1000 values: split it" in faults_of("- x\n" * 2000)[0]
    assert len(parse_yaml("- x\n" * 900, name="x").data) == 900


def test_a_second_document_is_named() -> None:
    assert faults_of("a: 1\n---\nb: 2\n") == ["site.yaml:3:1: a second document: keep one document in a file"]


def test_a_key_must_be_text() -> None:
    assert faults_of("? [a, b]\n: 1\n") == ["site.yaml:1:3: a key must be plain text"]


def test_what_is_no_yaml_is_named_with_its_place() -> None:
    found = faults_of("a: [1, 2\nb: 3\n")
    assert len(found) == 1
    assert found[0].startswith("site.yaml:2:")
    assert "is not YAML" in found[0]


def test_escapes_in_an_error_are_made_visible() -> None:
    text = "\n".join(faults_of('a: 1\n"\\x1b[31mred": 1\n"\\x1b[31mred": 2\n'))
    assert "\x1b" not in text
    assert "\\x1b[31mred" in text


def test_no_day_of_the_calendar() -> None:
    assert faults_of("from: 2024-02-30\n") == ["site.yaml:1:7: 2024-02-30 is no date of the calendar"]


def test_files(tmp_path: Path) -> None:
    with pytest.raises(Faults, match=r"missing\.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "missing.yaml", name="missing.yaml")
    path = tmp_path / "x.yaml"
    path.write_bytes("\ufeff名称: 示例\n".encode())
    assert read_yaml(path).data == {"名称": "示例"}
    path.write_bytes("a: 1\n名称: 示例\n".encode("gb18030"))
    with pytest.raises(Faults, match=r"x\.yaml:2: is not UTF-8 text: save the file as UTF-8"):
        read_yaml(path, name="x.yaml")


def test_walk_visits_every_value() -> None:
    assert [path for path, _ in walk({"a": [1, {"b": 2}]})] == [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b")]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        document = parse_yaml(text, name="x")
    except Faults as error:
        assert error.faults
    else:
        assert all(isinstance(document.where(*path), str) for path, _ in walk(document.data))
