"""The files of a deployment: marked, with the address and the target asked for, and nothing that breaks out."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reports.prometheus.bundle import bundle, marked, runbooks_fault, target_fault, untouched
from reports.prometheus.shipped import RUNBOOKS, alerts

TARGET = "127.0.0.1:9464"


def test_every_file_is_there_once_and_marked() -> None:
    pieces = {piece.path: piece for piece in bundle(TARGET)}
    assert len(pieces) == len(bundle(TARGET)) == 6 + len(alerts())
    assert {path for path, piece in pieces.items() if piece.editable} == {
        "rules/auditor-thresholds.yml",
        "prometheus.yml",
        "alertmanager.yml",
        "auditor.tmpl",
    }
    for path, piece in pieces.items():
        assert untouched(path, piece.text), path
        assert piece.text.endswith("\n") and "@TARGET@" not in piece.text


def test_the_rule_files_named_in_the_configuration_are_those_that_are_written() -> None:
    pieces = {piece.path: piece.text for piece in bundle(TARGET)}
    settings = yaml.safe_load(pieces["prometheus.yml"])
    assert settings["rule_files"] == [path for path in pieces if path.startswith("rules/")]
    (job,) = settings["scrape_configs"]
    assert job["job_name"] == "auditor" and job["static_configs"] == [{"targets": [TARGET]}]
    assert job["relabel_configs"] == [{"target_label": "instance", "replacement": "auditor"}]


@pytest.mark.parametrize("base", [RUNBOOKS, "https://wiki.example.gov.cn/auditor", "https://wiki.example.gov.cn/a/"])
def test_every_alert_leads_to_its_runbook(base: str) -> None:
    pieces = {piece.path: piece.text for piece in bundle(TARGET, base)}
    rules = [
        rule for group in yaml.safe_load(pieces["rules/auditor-alerts.yml"])["groups"] for rule in group["rules"]
    ]
    assert len(rules) == len(alerts())
    for rule in rules:
        place, _, name = rule["annotations"]["runbook_url"].rpartition("/")
        assert place == base.rstrip("/") and f"{RUNBOOKS}/{name}" in pieces


def test_a_changed_byte_is_seen_and_a_changed_target_is_not_an_edit() -> None:
    for piece in bundle("scanner-1.example:9464"):
        assert untouched(piece.path, piece.text)
        assert not untouched(piece.path, piece.text + "\n")
        assert not untouched(piece.path, piece.text.partition("\n")[2])
        assert not untouched(piece.path, piece.text.replace("a", "b", 1))
    assert not untouched("prometheus.yml", "") and not untouched("prometheus.yml", "\x00\n\x00")
    assert untouched("x.yml", marked("x.yml", "")) and not untouched("x.md", marked("x.yml", ""))


@pytest.mark.parametrize(
    "target", ["127.0.0.1:9464", "[::1]:9464", "localhost:1", "a.b-c.example:65535", "xn--fiqs8s.example:80"]
)
def test_targets(target: str) -> None:
    assert target_fault(target) == ""


@pytest.mark.parametrize(
    "target",
    [
        "",
        "127.0.0.1",
        ":9464",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:９４６４",
        "http://127.0.0.1:9464",
        "127.0.0.1:9464/metrics",
        "user:secret@127.0.0.1:9464",
        "127.0.0.1:9464\n",
        '127.0.0.1:9464"]\n  evil: ["x:1',
        "a b:1",
        "{{ x }}:1",
        "-a:1",
        "a..b:1",
        "a" * 64 + ":1",
        "部门:1",
        "::1:9464",
    ],
)
def test_what_is_no_target(target: str) -> None:
    assert target_fault(target)
    with pytest.raises(ValueError, match="is no target"):
        bundle(target)


@pytest.mark.parametrize(
    "base",
    [
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@wiki.example/",
        "https://wiki.example/?token=x",
        "runbooks\nevil: x",
        "run books",
        'x"y',
        "{{ $labels.job }}",
        "# x",
        "x: y",
        "维基",
        "https://[::1",
        "a" * 501,
    ],
)
def test_what_is_no_address_of_runbooks(base: str) -> None:
    assert runbooks_fault(base)
    with pytest.raises(ValueError, match="is no address of runbooks"):
        bundle(TARGET, base)


@given(st.text(max_size=80), st.text(max_size=80))
@example("a." * 30 + "!:1", "a" * 80)
def test_whatever_is_taken_stays_what_it_was(target: str, base: str) -> None:
    if target_fault(target) or runbooks_fault(base):
        return
    pieces = {piece.path: piece.text for piece in bundle(target, base)}
    assert yaml.safe_load(pieces["prometheus.yml"])["scrape_configs"][0]["static_configs"][0]["targets"] == [target]
    first = yaml.safe_load(pieces["rules/auditor-alerts.yml"])["groups"][0]["rules"][0]
    assert first["annotations"]["runbook_url"] == f"{base.rstrip('/')}/exporter-down.md"
