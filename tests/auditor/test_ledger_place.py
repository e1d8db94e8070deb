"""Where a ledger may lie, and what is said of an address that is none: never what it may hold of a password."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.ledger.errors import LedgerError
from auditor.ledger.place import OPTIONS, LedgerPlace, checked_url
from auditor.ledger.store import Ledger
from auditor.site import load_site
from inventories.faults import Faults
from probes.secrets import Secret
from tests.auditor.office import Office

SECRET = "hunter2-Geheim"
REMOTE = "postgresql+psycopg://auditor@db.example.gov.cn:5432/auditor"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("postgresql://auditor@127.0.0.1/auditor", "postgresql+psycopg://auditor@127.0.0.1/auditor"),
        ("postgresql+psycopg://a@[::1]:5433/l", "postgresql+psycopg://a@[::1]:5433/l"),
        ("postgresql://a@/l?host=/run/postgresql", "postgresql+psycopg://a@/l?host=/run/postgresql"),
        (REMOTE, f"{REMOTE}?sslmode=verify-full"),
        (
            f"{REMOTE}?sslmode=verify-ca&sslrootcert=/etc/ca.crt",
            f"{REMOTE}?sslmode=verify-ca&sslrootcert=/etc/ca.crt",
        ),
        (
            "postgresql://10.0.0.5/l?sslrootcert=system",
            "postgresql+psycopg://10.0.0.5/l?sslrootcert=system&sslmode=verify-full",
        ),
    ],
)
def test_addresses(given: str, made: str) -> None:
    assert checked_url(given) == made
    assert checked_url(made) == made
    assert LedgerPlace.parse(given).shown == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"postgresql://auditor:{SECRET}@127.0.0.1/auditor", "holds a password"),
        (f"postgresql://auditor@127.0.0.1/auditor?password={SECRET}", "holds a password"),
        (f"postgresql://auditor@127.0.0.1/auditor?passfile=/{SECRET}", "holds a password"),
        (f"postgresql://auditor@127.0.0.1/auditor?sslpassword={SECRET}", "holds a password"),
        (f"postgresql://auditor@127.0.0.1/auditor?options=-c%20{SECRET}", "unknown option 'options'"),
        (f"postgresql://auditor@127.0.0.1/auditor?{SECRET}=1", "unknown option ''"),
        (f"{REMOTE}?sslmode=require", "needs sslmode=verify-full"),
        (f"{REMOTE}?sslmode=disable", "needs sslmode=verify-full"),
        ("postgresql://a@127.0.0.1/l?host=db.example.gov.cn", "host is none"),
        ("postgresql://a@/l?host=/run,db.example.gov.cn", "host is none"),
        ("postgresql://a@127.0.0.1/l?host=/run", "several hosts"),
        ("postgresql://a@127.0.0.1,10.0.0.5/l", "several hosts"),
        ("postgresql://a@127.0.0.1/l?sslmode=prefer&sslmode=disable", "twice"),
        (f"{REMOTE}?sslrootcert=ca.crt", "absolute path"),
        (f"mysql://a@127.0.0.1/{SECRET}", "is no address of a PostgreSQL database"),
        (f"postgresql://127.0.0.1/{SECRET}/x", "is no address of a PostgreSQL database"),
        ("postgresql://127.0.0.1", "is no address of a PostgreSQL database"),
        (f"postgresql://127.0.0.1:{SECRET}/l", "is no address"),
        (f"postgresql://127.0.0.1/l\n{SECRET}", "is no address"),
        (f"postgresql://[{SECRET}/l", "is no address"),
    ],
)
def test_what_is_no_address_is_said_and_not_repeated(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        checked_url(text)
    assert said in str(caught.value) and SECRET not in str(caught.value)
    with pytest.raises(LedgerError) as refused:
        Ledger.open(text)
    assert SECRET not in str(refused.value)


@given(st.text(max_size=40), st.sampled_from(["", "?", "?sslmode=", "?password=", ":", "@"]))
def test_no_text_does_more_than_be_refused(text: str, more: str) -> None:
    for address in (f"postgresql://{text}{more}", f"postgresql://a@127.0.0.1/l{more}{text}", f"{text}://{more}"):
        try:
            made = checked_url(address)
        except ValueError:
            continue
        assert checked_url(made) == made


def test_every_option_may_be_asked_for() -> None:
    for option in OPTIONS:
        value = {"host": "/run", "port": "5432", "connect_timeout": "5", "sslmode": "verify-full"}.get(option, "/x")
        where = "" if option == "host" else "127.0.0.1"
        assert f"{option}={value}" in checked_url(f"postgresql://{where}/l?{option}={value}")


@pytest.mark.sqlite_file
@pytest.mark.parametrize(
    ("section", "said"),
    [
        (f"{{url: 'postgresql://a:{SECRET}@127.0.0.1/l'}}", "the address holds a password"),
        (f"{{url: 'postgresql://a@127.0.0.1/l', password: {SECRET}}}", "is no reference to a secret"),
        (f"{{url: 'postgresql://a@127.0.0.1/l', password: [{SECRET}]}}", "write a reference to a secret"),
        ("{password: 'env:X'}", "name its 'url'"),
        (f"{{url: [{SECRET}]}}", "write an address"),
        ("{urll: x}", "unknown key 'urll'"),
    ],
)
def test_faults_of_the_section_are_told_without_the_secret(office: Office, section: str, said: str) -> None:
    office.site(more=f"ledger: {section}\n")
    with pytest.raises(Faults) as caught:
        load_site(office.root)
    text = "\n".join(map(str, caught.value.faults))
    assert said in text and SECRET not in text
    assert office.run("check") == 2
    assert SECRET not in office.out + office.err


@pytest.mark.sqlite_file
def test_a_database_that_does_not_answer(office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every command says so in a line, with exit 3, and with nothing of the password."""
    file = tmp_path / "password"
    file.write_text(SECRET, encoding="utf-8")
    office.site(more=f"ledger: {{url: 'postgresql://a@127.0.0.1:1/l', password: 'file:{file}'}}\n")
    for command in (["audit"], ["findings"], ["case", "list"], ["ledger", "verify"], ["snapshot", "list"]):
        assert office.run(*command) == 3, command
        assert "cannot be reached" in office.err and "Traceback" not in office.err
        assert SECRET not in office.err + office.out
    assert office.run("doctor", "--json") == 3
    assert "cannot be reached" in office.out and SECRET not in office.out
    file.unlink()
    assert office.run("findings") == 3
    assert f"its password: file:{file}: No such file" in office.err
    assert not [path for path in (office.root / "state").rglob("*") if path.is_file() and "lock" not in path.name]


def test_a_place_says_where_it_is_and_nothing_of_its_password() -> None:
    os.environ["LEDGER_TEST_SECRET"] = SECRET
    try:
        place = LedgerPlace.parse("postgresql://a@127.0.0.1/l", Secret.parse("env:LEDGER_TEST_SECRET"))
        assert SECRET not in f"{place} {place!r} {place.shown}"
    finally:
        del os.environ["LEDGER_TEST_SECRET"]
    with pytest.raises(ValueError, match="a file has no password"):
        LedgerPlace.parse("ledger.sqlite", Secret.parse("env:X"))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(tmp_path / "site", monkeypatch, capsys)
