"""References to secrets: resolved late, shown never."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.access import Access, SnmpLogin, SshLogin
from probes.secrets import MOST_BYTES, Secret, SecretMissing


@pytest.mark.parametrize("text", ["env:MZJ_SSH", "file:/etc/keys/a", "systemd:gov-cloud", " env:A "])
def test_a_reference_is_its_own_text(text: str) -> None:
    assert str(Secret.parse(text)) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "env:",
        "env:1A",
        "env:A B",
        "file:relative",
        "file:/a\0b",
        "systemd:..",
        "systemd:a/b",
        "vault:x",
        "",
    ],
)
def test_what_is_no_reference_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="is no reference") as caught:
        Secret.parse(text)
    assert len(text) < 5 or text not in str(caught.value)


def test_each_kind_is_found_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("from a file\n")
    assert Secret.parse("env:A").reveal({"A": "from the environment"}) == "from the environment"
    assert Secret("file", str(tmp_path / "a")).reveal({}) == "from a file"
    assert Secret.parse("systemd:a").reveal({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "from a file"
    assert Secret.parse("systemd:a").path({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == tmp_path / "a"
    assert Secret.parse("env:A").path({}) is None


def test_what_cannot_be_had_is_said_by_its_reference(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"a" * (MOST_BYTES + 1))
    secrets = [Secret.parse("env:A"), Secret.parse("systemd:a")]
    secrets += [Secret("file", str(tmp_path / name)) for name in ("none", "empty", "binary", "large")]
    for secret in secrets:
        with pytest.raises(SecretMissing) as caught:
            secret.reveal({})
        assert str(secret) in str(caught.value)


def test_a_zone_lists_its_references_once() -> None:
    key, community = Secret.parse("file:/k"), Secret.parse("env:C")
    access = Access(ssh=(SshLogin("a", key=key), SshLogin("b", key=key)), snmp=(SnmpLogin(community=community),))
    assert access.secrets == (key, community)
