"""The rows that come with the program: every one sourced, none claiming more than it can."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import probes.fingerprints
from inventories.documents import read_yaml
from inventories.faults import Faults
from inventories.kinds.component import CATEGORY
from inventories.kinds.host import PLATFORM, ROLE
from inventories.model import Strength
from probes.fingerprints import CATEGORIES, TEXTS, load, read
from probes.fingerprints.inside import Tables, read_tables, tables
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


HOME = Path(probes.fingerprints.__file__).parent
NMAP_SERVICES = Path("/usr/share/nmap/nmap-services")


def test_what_nmap_calls_a_port_is_as_nmaps_own_table_has_it() -> None:
    """nmap knows none of the Chinese databases: their ports have other names there, or none."""
    rows = read_yaml(HOME / "ports.yaml").data["ports"]
    lines = re.findall(r"^(\S+)\s+(\d+)/tcp", NMAP_SERVICES.read_text("utf-8"), re.MULTILINE)
    known = {int(port): name for name, port in lines}
    for row in rows:
        if "nmap" in row:
            assert known.get(row["port"], "unknown") == row["nmap"], row["port"]
    assert {5236, 54321, 2003, 5866, 9088, 5258, 5050, 8000, 2881, 9060, 8088, 8686} <= {row["port"] for row in rows}


def every_row(found: Tables) -> Iterator[object]:
    yield from (*found.cpus, *found.systems, *found.machines, *found.processes, *found.packages)
    yield from found.builds.values()


def test_every_row_for_the_inside_is_sourced_and_what_is_unverified_only_hints() -> None:
    for row in every_row(tables()):
        source, strength = row.source, row.strength
        assert source
        if source.startswith("unverified"):
            assert strength is Strength.HINTED, row


def test_categories_platforms_and_codes_are_those_of_the_inventory() -> None:
    found = tables()
    assert set(ROLE) | {"cpu", "os", "database", "middleware", "office"} <= set(CATEGORIES)
    assert {"cpu", "os", "database", "middleware", "office"} <= set(CATEGORY)
    assert {row.category for row in (*found.processes, *found.packages)} <= set(CATEGORIES)
    assert {row.platform for row in found.machines} - {""} <= set(PLATFORM)


def test_products_hold_no_colon_and_codes_are_plain() -> None:
    found = tables()
    for product in [row.product for row in (*found.cpus, *found.processes, *found.packages)]:
        assert ":" not in product
    assert all(re.fullmatch(r"[a-z0-9-]+", row.code) for row in found.systems)


def test_a_package_runs_as_processes_that_rows_know() -> None:
    found = tables()
    patterns = [row.pattern for row in found.processes if row.kind == "process"]
    for row in found.packages:
        for name in row.runs - {"java", "postmaster"}:
            assert any(pattern.fullmatch(name) for pattern in patterns), name
            # The kernel keeps fifteen characters of a name.
            assert len(name) <= 15, name


def test_no_row_for_the_inside_fits_an_empty_text() -> None:
    found = tables()
    for pattern in [row.pattern for row in (*found.cpus, *found.machines, *found.processes, *found.packages)]:
        assert not pattern.search("")


@pytest.mark.parametrize(
    "piece", ["a", "1", "A-", "AMD 1", "Intel(R) @ ", "ZHAOXIN KaiXian KX-1", "KX-U1/", "V1 (", "{", "\n"]
)
def test_no_row_for_the_inside_is_slow(piece: str) -> None:
    text = (piece * 2000)[:2000]
    found = tables()
    patterns = [row.pattern for row in (*found.cpus, *found.machines, *found.processes, *found.packages)]
    patterns += [pattern for row in found.systems for pattern in (*row.patterns.values(), row.version)]
    began = time.perf_counter()
    for pattern in patterns:
        pattern.search(text)
    assert time.perf_counter() - began < 1


INSIDE_FAULTS = [
    ("cpus.yaml", "in: arch", "in: arhc", "did you mean 'arch'"),
    ("cpus.yaml", "guest: hinted", "guest: sure", "unknown strength"),
    (
        "cpus.yaml",
        'strength: hinted, guest: hinted, source: "unverified',
        'strength: seen_inside, guest: hinted, source: "unverified',
        "only hints",
    ),
    ("cpus.yaml", "stands_in: true", "stands_in: maybe", "neither true nor false"),
    ("systems.yaml", "family: rpm", "family: apk", "neither rpm nor deb"),
    ("systems.yaml", 'id: "^kylin$"', 'id: "("', "subpattern"),
    (
        "systems.yaml",
        "versions: {Halberd: V10 SP3-2403, Lance: V10 SP3, Sword: V10 SP2, Tercel: V10 SP1}",
        "versions: 7",
        "no map",
    ),
    ("machines.yaml", "in: sys_vendor", "in: sys_vender", "did you mean 'sys_vendor'"),
    ("processes.yaml", "category: database", "category: databse", "did you mean 'database'"),
    ("processes.yaml", "listens: [2881, 2882]", "listens: 7", "no list"),
    ("packages.yaml", ", alone: true", ", runs: [wps], alone: true", "either processes"),
    ("packages.yaml", "vendor:", "vender:", "did you mean 'vendor'"),
    ("windows.yaml", '"10.0.14393"', '"14393"', "no version"),
    ("windows.yaml", "server: Windows Server 2022, ", "", "names no edition"),
    ("windows.yaml", "strength: seen_outside", "strength: seen_inside", "hinted or seen_outside"),
]


@pytest.mark.parametrize(("name", "old", "new", "said"), INSIDE_FAULTS)
def test_faults_of_rows_for_the_inside(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    home = tmp_path / "rows"
    shutil.copytree(HOME, home, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    text = (home / name).read_text("utf-8")
    assert old in text
    (home / name).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(Faults) as caught:
        read_tables(home)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{name}:")


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
