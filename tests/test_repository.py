"""The repository as a whole: documentation that is true, arrows that hold, locks that lock, nothing that leaks."""

from __future__ import annotations

import ast
import contextlib
import gc
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from inventories import __version__
from inventories.kinds import KINDS
from tests.forked import forked
from tools import commands_page, packs_page

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("auditor", "inventories", "policies", "probes", "reports")
READMES = ("README.md", "README.zh-CN.md")
BIN = Path(sys.executable).parent


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, in the repository, relative to it."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(Path(name) for name in sorted(filter(None, listed.split("\0"))) if (ROOT / name).is_file())


def read(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def parsed(path: Path) -> ast.Module:
    """A module's tree.

    Without the collector: what it ends in the middle of a parse may parse something itself (a traceback does), and
    this Python then loses count of its own depth.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(read(path))
    finally:
        if collects:
            gc.enable()


def modules(*folders: str) -> list[Path]:
    return [p for p in files() if p.suffix == ".py" and p.parts[0] in folders]


def pages() -> list[Path]:
    return [p for p in files() if p.suffix == ".md"]


# --- code ---------------------------------------------------------------------------------------------------


def test_every_module_says_what_it_is_for() -> None:
    code = modules(*PACKAGES, "benchmarks", "tools", "tests")
    # Migrations' and tests' __init__ files mark a folder, no more.
    bare = [p for p in code if not ast.get_docstring(parsed(p)) and read(p).strip()]
    assert bare == []


def test_modules_stay_readable() -> None:
    long = {str(p): n for p in modules(*PACKAGES) if (n := len(read(p).splitlines())) > 400}
    assert long == {}


def test_only_declared_dependencies_are_imported() -> None:
    """What another package happens to bring along may be gone with its next version."""
    from importlib.metadata import packages_distributions

    owners = packages_distributions()
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(text for extra in extras for text in extra)]
    # An extra need not be installed here; then nothing tells which of its names it is imported by.
    owners.setdefault("spnego", ["pyspnego"])
    declared = {canonicalize_name(Requirement(text).name) for text in wanted}
    foreign: set[str] = set()
    for path in modules(*PACKAGES):
        for name in imported(path):
            owner = {canonicalize_name(d) for d in owners.get(name, [name])}
            if name not in sys.stdlib_module_names and name not in PACKAGES and not owner & declared:
                foreign.add(f"{path}: {name}")
    assert sorted(foreign) == []


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    heavy = ("alembic", "asyncssh", "docx", "duckdb", "nmap", "openstack", "pyarrow", "pydantic", "python_calamine")
    heavy += ("pyVmomi", "sqlalchemy", "sqlglot", "xlsxwriter", "yaml")
    program = (
        "import sys\nfrom auditor.ending import main\nstatus = main(['--help'])\n"
        f"print(status, *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.split() == ["0"]


def test_no_test_is_left_out() -> None:
    """Where something that a test needs is missing it fails: a skipped test proves nothing."""
    words = re.compile(r"pytest\.(skip|importorskip|xfail)|mark\.(skip|xfail)")
    assert [str(p) for p in modules("tests") if p.name != "test_repository.py" and words.search(read(p))] == []


def test_no_exception_is_swallowed_outside_the_runner() -> None:
    """A failed listing must never look like an empty, compliant one: who catches everything raises it again."""
    # The runner turns it into a recorded failure, the command line into a message and exit status 3.
    allowed = {Path("probes/run.py"), Path("auditor/ending.py")}
    swallowing = []
    for path in sorted(set(modules(*PACKAGES)) - allowed):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ExceptHandler) and is_broad(node) and not isinstance(node.body[-1], ast.Raise):
                swallowing.append(f"{path}:{node.lineno}")
    assert swallowing == []


def is_broad(handler: ast.ExceptHandler) -> bool:
    caught = ast.walk(handler.type) if handler.type else [ast.Name("BaseException")]
    return any(isinstance(n, ast.Name) and n.id in ("Exception", "BaseException") for n in caught)


# --- the tree -----------------------------------------------------------------------------------------------


def test_nothing_in_the_tree_leaks_where_it_was_made() -> None:
    """No machine's paths, and no index's or mirror's host: pip's and apt's own settings name those."""
    paths = "|".join(("root", "home", "work", "Users"))
    hosts = "|".join(
        (
            r"pypi\.org",
            r"pythonhosted\.org",
            r"(?:deb|security|ftp)[\w.]*\.debian\.org",
            r"npmjs\.org",
            r"find-links",
            r"file:///(?!etc)\w",
        )
    )
    leak = re.compile(rf"(?<![\w.$}}~-])/(?:{paths})/|{hosts}")
    found = []
    for path in files():
        if path.name in ("LICENSE", "test_repository.py") or not is_text(path):
            continue
        # One flag of the lock script keeps such a setting out of the lock files.
        text = read(path).replace("--no-emit-find-links", "")
        found += [f"{path}:{text[: m.start()].count(chr(10)) + 1}: {m.group()}" for m in leak.finditer(text)]
    assert found == []


def is_text(path: Path) -> bool:
    return b"\0" not in (ROOT / path).read_bytes() and path.suffix not in {".xlsx", ".docx", ".png", ".csv"}


def test_no_half_work_is_left() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b")
    assert [str(p) for p in modules(*PACKAGES, "benchmarks", "tools") if words.search(read(p))] == []


def test_the_top_level_stays_small() -> None:
    folders = {p.parts[0] for p in files() if len(p.parts) > 1}
    assert folders <= {*PACKAGES, "tests", "docs", "benchmarks", "tools", ".ci"}


def test_scripts_can_be_run() -> None:
    for path in (Path(".ci/run"), *(p for p in files() if p.suffix == ".sh")):
        assert (ROOT / path).stat().st_mode & 0o111, f"{path} is not executable"
        done = subprocess.run(["bash", "-n", ROOT / path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


# --- locks --------------------------------------------------------------------------------------------------

LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")


def pins(lock: str) -> dict[str, str]:
    """Name → version. Every pin has to be exact, with at least one hash and nothing else."""
    out = {}
    for entry in re.split(r"\n(?=\S)", read(lock).strip()):
        if entry.startswith("#"):
            continue
        head, *hashes = [part.strip(" \\") for part in entry.split("\n")]
        requirement = Requirement(head)
        (specifier,) = requirement.specifier
        assert specifier.operator == "==" and requirement.url is None, head
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", h) for h in hashes), head
        out[canonicalize_name(requirement.name)] = specifier.version
    return out


def test_locks_agree_with_each_other() -> None:
    dev = pins("requirements-dev.lock")
    for lock in LOCKS:
        assert pins(lock).items() <= dev.items(), f"{lock} is not part of requirements-dev.lock: make lock"


def test_locks_hold_what_the_project_asks_for() -> None:
    settings = tomllib.loads(read("pyproject.toml"))
    running = [*settings["project"]["dependencies"], *settings["project"]["optional-dependencies"]["demo"]]
    asked = {
        "requirements.lock": running,
        "requirements-build.lock": settings["dependency-groups"]["build"],
        "requirements-dev.lock": [*running, *settings["dependency-groups"]["dev"]],
    }
    for lock, requirements in asked.items():
        have = pins(lock)
        for requirement in map(Requirement, requirements):
            version = have.get(canonicalize_name(requirement.name))
            assert version and requirement.specifier.contains(version), f"{lock}: {requirement}: make lock"


# --- documentation ------------------------------------------------------------------------------------------


#: What a command's help says, which takes a while to print. Its users stand in one group: one worker asks once.
help_of = cache(commands_page.help_of)


@pytest.mark.xdist_group("help")
def test_the_list_of_commands_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_page, "help_of", help_of)
    assert read("docs/commands.md") == commands_page.page(), "docs/commands.md is stale: make docs"


def test_the_pages_of_packs_are_fresh() -> None:
    fresh = packs_page.pages()
    stale = [path.name for path, text in fresh.items() if not path.is_file() or path.read_text("utf-8") != text]
    assert stale == [], "make docs"
    assert set(packs_page.FOLDER.glob("*.md")) == set(fresh), "make docs"
    assert read("docs/index.md") == packs_page.index(read("docs/index.md")), "make docs"


BLOCK = re.compile(r"(?:<!-- (?P<mark>run[^>]*) -->\n)?^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.M | re.S)


def command_lines(path: Path) -> list[str]:
    """Command lines in a page: of its shell blocks, and its words in backquotes that begin like one."""
    text = read(path)
    out = re.findall(r"`((?:auditor|make) [^`\n]+)`", BLOCK.sub("", text))
    for block in BLOCK.finditer(text):
        if block["language"] in ("sh", "console"):
            out += [
                line.removeprefix("$ ").split("  #")[0] for line in block["body"].replace("\\\n", "").splitlines()
            ]
    return [line.strip() for line in out if re.match(r"(auditor|make) ", line.strip())]


@cache
def known_commands() -> dict[tuple[str, ...], str]:
    """Every command and its help."""
    return {path: help_of(path) for path in commands_page.commands()}


@pytest.mark.xdist_group("help")
@pytest.mark.parametrize("page", [p for p in pages() if p.name != "commands.md"], ids=str)
def test_commands_in_the_documentation_exist(page: Path) -> None:
    known = known_commands()
    groups = {path[:1] for path in known}
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    for line in command_lines(page):
        for part in re.split(r"&&|\|\||[|;]", line):
            words = shlex.split(part.split(">")[0])
            if words[:1] == ["make"]:
                assert {w for w in words[1:] if "=" not in w} <= targets, f"{page}: {line}"
            elif words[:1] == ["auditor"]:
                rest = [w for w in words[1:] if w != "--debug"]
                path = next((tuple(rest[:n]) for n in (2, 1) if tuple(rest[:n]) in known), None)
                options = {w.split("=")[0] for w in rest if re.match(r"--\w", w)}
                if path is None:
                    assert not rest or rest[0] in ("--help", "--version", "COMMAND") or tuple(rest) in groups, line
                else:
                    assert all(o in known[path] for o in options), f"{page}: {line}"


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links_in_the_documentation_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", BLOCK.sub("", read(page)))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (ROOT / page).parent / name if name else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.M)
            slugs = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{page}: {target}"


def test_the_index_leads_to_every_page() -> None:
    index = read("docs/index.md")
    inside = [p.relative_to("docs").as_posix() for p in pages() if p.parts[0] == "docs" and p.name != "index.md"]
    assert [p for p in inside if f"({p})" not in index] == []


def test_both_readmes_begin_with_the_two_commands_and_say_the_same() -> None:
    english, chinese = (command_lines(Path(name)) for name in READMES)
    assert english == chinese
    for name in READMES:
        first = next(BLOCK.finditer(read(name)))["body"]
        assert first.split()[:2] == ["make", "demo"] and "make test" in first, name


def test_the_changelog_knows_this_version() -> None:
    text = read("CHANGELOG.md")
    assert re.search(rf"^## \[{re.escape(__version__)}\]", text, re.M)
    assert "## [Unreleased]" in text


def test_the_glossary_holds_the_words_that_are_printed() -> None:
    from reports import words

    rows = re.findall(r"^\| `?([^|`]+?)`? \| ([^|]+?) \|", read("docs/glossary.md"), re.M)
    pairs = {(code, title) for code, titles in rows for title in titles.split("、")}
    printed = (
        {kind.name: kind.title for kind in KINDS.values()},
        words.VERDICTS,
        words.STATES,
        words.SEVERITIES,
        words.BITES,
    )
    missing = [(code, title) for table in printed for code, title in table.items() if (code, title) not in pairs]
    assert missing == []


def examples() -> list[tuple[str, str, str]]:
    """Place, language and body of the blocks of documentation marked ``<!-- run -->``.

    Blocks of a page that are marked ``<!-- run: NAME -->`` with one name are steps of one walk, and run as one.
    """
    out = []
    for path in pages():
        walks: dict[str, list[re.Match[str]]] = {}
        for i, block in enumerate(BLOCK.finditer(read(path))):
            if block["mark"]:
                walks.setdefault(block["mark"].partition(":")[2].strip() or str(i), []).append(block)
        for name, blocks in walks.items():
            (language,) = {block["language"] for block in blocks}
            out.append((f"{path}:{name}", language, "".join(block["body"] for block in blocks)))
    return out


#: Walks of many commands, none of which is ended by a signal.
LONG = ("docs/orders.md:orders",)


@pytest.mark.parametrize(("place", "language", "body"), examples(), ids=[place for place, *_ in examples()])
def test_examples_in_the_documentation_work(
    place: str, language: str, body: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if language == "python":
        exec(compile(body, place, "exec"), {"__name__": "example"})
        return
    assert language in ("sh", "console"), f"{place}: who runs {language}?"
    script = "set -e\n" + "\n".join(line.removeprefix("$ ") for line in body.splitlines())
    path = {"PATH": f"{BIN}:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    with contextlib.ExitStack() as stack:
        if place in LONG:
            path["PATH"] = f"{stack.enter_context(forked(tmp_path_factory.mktemp('forked')))}:{path['PATH']}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=path, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, f"{place}\n{done.stdout}\n{done.stderr}"
