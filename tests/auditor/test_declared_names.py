"""Which names, addresses and URLs the registers give to systems, as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.declared_names import declared_names, read_place
from inventories.identity import code_id, name_id
from inventories.model import Collection, Fact, Observation, Strength

AT = datetime(2026, 3, 2, tzinfo=UTC)


def row(
    code: str, *, urls: tuple[str, ...] = (), addresses: tuple[str, ...] = (), kind: str = "system"
) -> Observation:
    facts = [
        Fact(column, value, Strength.DECLARED)
        for column, value in (("urls", urls), ("addresses", addresses))
        if value
    ]
    ids = (code_id(kind, code), name_id("system", "mzj", code)) if kind == "system" else (code_id(kind, code),)
    return Observation(kind, "register", "registers/systems.csv:2", AT, ids, tuple(facts), department_id="mzj")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://www.example.gov.cn/a/b?token=1#x", ("www.example.gov.cn", 0, "http", "/a/b")),
        ("HTTPS://WWW.Example.gov.cn.", ("www.example.gov.cn", 0, "https", "/")),
        ("www.example.gov.cn", ("www.example.gov.cn", 0, "", "/")),
        ("www.example.gov.cn:8443/oa", ("www.example.gov.cn", 8443, "", "/oa")),
        ("http：//www.example.gov.cn／（内网访问）", ("www.example.gov.cn", 0, "http", "/")),
        ("www。example。gov。cn", ("www.example.gov.cn", 0, "", "/")),
        ("http://政务.example.cn/首页", ("政务.example.cn", 0, "http", "/首页")),
        ("http://user:secret@oa.example.gov.cn/", ("oa.example.gov.cn", 0, "http", "/")),
        ("10.1.2.3", ("10.1.2.3", 0, "", "/")),
        ("10.1.2.3:8080", ("10.1.2.3", 8080, "", "/")),
        ("https://[2001:DB8::1]:8443/x", ("2001:db8::1", 8443, "https", "/x")),
        ("2001:db8::1", ("2001:db8::1", 0, "", "/")),
        ("http://a.example.cn/ 和 http://b.example.cn/", ("a.example.cn", 0, "http", "/")),
        ("http://a.example.cn\r\nHost: b", ("a.example.cn", 0, "http", "/")),
        *((text, None) for text in ("", "内网", "localhost", "无", "ftp://a.example.cn/", "jdbc:mysql://10.1.1.1/x")),
        *((text, None) for text in ("300.1.1.1", "127.1", "0x7f.0.0.1", "fe80::1%eth0", "a.example.cn:99999")),
        *((text, None) for text in ("http://x..cn/", "http:///x", "a" * 300 + ".cn", "http://a b.cn", "\x00.cn")),
    ],
)
def test_a_place_as_people_write_it(text: str, place: tuple[str, int, str, str] | None) -> None:
    assert read_place(text) == place


def test_every_place_of_every_system_once_and_in_order() -> None:
    rows = [
        row("B-2", urls=("www.example.gov.cn", "www.example.gov.cn")),
        row("A-1", urls=("http://oa.example.gov.cn/",), addresses=("10.1.2.3", "10.9.9.9")),
        row("A-1", urls=("http://oa.example.gov.cn/",)),
        row("H-1", addresses=("10.7.7.7",), kind="host"),
    ]
    found = declared_names(Collection(tuple(rows)), {"10.9.9.9"})
    assert [(asked.host, asked.scheme) for asked in found] == [
        ("10.1.2.3", ""),
        ("oa.example.gov.cn", "http"),
        ("www.example.gov.cn", ""),
    ]
    assert found == declared_names(Collection(tuple(rows[::-1])), {"10.9.9.9"})
    assert found[0].identifiers == rows[1].identifiers and found[0].department_id == "mzj"


def test_what_probes_say_of_a_system_is_declared_by_nobody() -> None:
    seen = Observation(
        "system", "names", "names", AT, (code_id("system", "A-1"),), (Fact("urls", ("a.cn",), Strength.SEEN_OUTSIDE),)
    )
    assert declared_names(Collection((seen,))) == ()


@given(st.text(max_size=200))
def test_any_text_is_a_place_or_none(text: str) -> None:
    place = read_place(text)
    if place is not None:
        host, port, scheme, path = place
        assert host and "\n" not in host and " " not in host and 0 <= port < 65536
        assert scheme in ("", "http", "https") and path.startswith("/")
