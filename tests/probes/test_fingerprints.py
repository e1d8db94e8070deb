"""The rows that come with the program: every one sourced, none claiming more than it can."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from inventories.faults import Faults
from inventories.model import Strength
from probes.fingerprints import CATEGORIES, TEXTS, load, read
from probes.loopback import ports_everywhere


def test_every_port_row_is_a_sourced_hint() -> None:
    for hint in load().ports.values():
        assert hint.source
        assert hint.name
        assert hint.strength is Strength.HINTED
        assert hint.category in CATEGORIES


def test_every_product_row_is_sourced_and_reachable() -> None:
    rows = load().rows
    assert len({(row.text, row.pattern.pattern) for row in rows}) == len(rows)
    for row in rows:
        assert row.source
        assert not row.pattern.search(""), "a row that fits an empty text fits everything"


@pytest.mark.parametrize("text", ["a" * 5000, "O=" * 2500, "CN=" + "A, " * 2000, "<" * 5000, "\n" * 5000])
def test_no_pattern_is_slow_on_long_texts(text: str) -> None:
    began = time.perf_counter()
    load().match({name: [text] for name in TEXTS})
    assert time.perf_counter() - began < 1


PORT = "ports: [{port: 22, name: ssh, category: remote_access, strength: hinted, source: x}]\n"
PRODUCT = "products: [{in: title, match: x, product: p, category: web, strength: hinted, source: x}]\n"


def faults(tmp_path: Path, ports: str = PORT, products: str = PRODUCT) -> str:
    (tmp_path / "ports.yaml").write_text(ports)
    (tmp_path / "products.yaml").write_text(products)
    with pytest.raises(Faults) as caught:
        read(tmp_path / "ports.yaml", tmp_path / "products.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (PORT.replace("22", "70000"), "no TCP port"),
        (PORT.replace("port: 22", "port: '22'"), "no TCP port"),
        (PORT.replace("hinted", "seen_outside"), "never more than hinted"),
        (PORT.replace("remote_access", "remote"), "did you mean 'remote_access'"),
        (PORT.replace("source: x", "sauce: x"), "did you mean 'source'"),
        (PORT.replace("source: x", "source: ''"), "lacks source"),
        (PORT.replace("source: x", "source: x, alone: perhaps"), "neither true nor false"),
        ("ports: 7\n", "no list 'ports'"),
        ("ports: [7]\n", "no row"),
        (PORT.replace("]", ", " + PORT[8:-2] + "]"), "stands twice"),
    ],
)
def test_faults_of_port_rows(tmp_path: Path, changed: str, said: str) -> None:
    text = faults(tmp_path, ports=changed)
    assert said in text
    assert text.startswith("ports.yaml:1:")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (PRODUCT.replace("match: x", "match: '('"), "unterminated subpattern"),
        (PRODUCT.replace("title", "titel"), "did you mean 'title'"),
        (PRODUCT.replace("hinted", "seen_inside"), "hinted or seen_outside"),
        (PRODUCT.replace("hinted", "sure"), "unknown strength"),
    ],
)
def test_faults_of_product_rows(tmp_path: Path, changed: str, said: str) -> None:
    assert said in faults(tmp_path, products=changed)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = faults(tmp_path, PORT.replace("22", "0"), PRODUCT.replace("match: x", "match: '['"))
    assert len(text.splitlines()) == 2


def test_ports_on_which_somebody_listens_everywhere(tmp_path: Path) -> None:
    four, six = tmp_path / "tcp", tmp_path / "tcp6"
    four.write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100\n"
        "   1: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100\n"
        "   2: 00000000:0051 0100007F:0052 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100\n"
        "rubbish\n"
    )
    zeros = "0" * 32
    six.write_text(f"   0: {zeros}:01BB {zeros}:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n")
    assert ports_everywhere((four, six, tmp_path / "none")) == {8080, 443}
