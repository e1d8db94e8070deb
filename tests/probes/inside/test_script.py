"""The script itself, run here: every shell, nothing written, nothing told that is nobody's business."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from probes.fingerprints.inside import tables
from probes.inside import EXTRAS, MARK_END, SCRIPT, Inside, from_raw

#: Debian has the first two always; busybox is tried where it is installed.
SHELLS = [("sh",), ("bash",), *([("busybox", "sh")] if shutil.which("busybox") else [])]


def printed(*argv: str, script: str = SCRIPT, stdin: bool = False) -> str:
    words = [*argv, "-s"] if stdin else [*argv, "-c", script]
    given = script.encode() if stdin else b""
    done = subprocess.run(words, input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stderr == b""
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("stdin", [False, True], ids=["argument", "stdin"])
def test_it_runs_to_its_end_in_every_shell(shell: tuple[str, ...], stdin: bool) -> None:
    text = printed(*shell, stdin=stdin)
    assert text.rstrip("\n").endswith(MARK_END)
    inside = from_raw(text)
    assert inside.is_complete
    # How much else listens on this machine decides whether all of it fits.
    assert {"host", "memory", "packages", "cpuinfo", "addresses", "net", "routes"} <= inside.whole
    assert any(listener.port for listener in inside.listeners) or "listeners" in inside.whole
    assert inside.os.name
    assert inside.memory_mb > 0
    assert inside.interfaces


#: What a login may find: nothing of an environment, another language's, the shell in an odd mood.
LOGINS = [
    ({}, ("/bin/sh",)),
    ({"LC_ALL": "zh_CN.GB18030", "LANG": "zh_CN.GB18030", "LANGUAGE": "zh_CN"}, ("/bin/sh",)),
    ({"PATH": ""}, ("/bin/sh",)),
    ({"PATH": "/nonexistent"}, ("/bin/sh",)),
    ({"GREP_OPTIONS": "--color=always", "POSIXLY_CORRECT": "1", "TAPE": "x", "IFS": "abc", "T": "rm"}, ("/bin/sh",)),
    ({"PATH": "."}, ("/bin/bash", "--posix", "-f", "-u", "-e")),
]


@pytest.mark.parametrize(("environment", "shell"), LOGINS)
def test_it_comes_to_its_end_whatever_the_login_and_leaves_nothing(
    tmp_path: Path, environment: dict[str, str], shell: tuple[str, ...]
) -> None:
    """Home and the folder for temporary files hold nothing afterwards; what lies there is not run either."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("ss", "ip", "lscpu", "head", "sed", "grep"):
        (home / name).write_text("#!/bin/sh\ntouch ran\n")
        (home / name).chmod(0o755)
    before = sorted(home.rglob("*"))
    home.chmod(0o555)
    done = subprocess.run(
        [*shell, "-s"],
        input=SCRIPT.encode(),
        capture_output=True,
        timeout=60,
        check=False,
        cwd=home,
        env={"HOME": str(home), "TMPDIR": str(home), **environment},
    )
    home.chmod(0o755)
    assert done.returncode == 0
    inside = from_raw(done.stdout.decode("utf-8", "replace"))
    assert inside.is_complete
    assert {"host", "memory", "packages", "cpuinfo", "addresses", "net", "routes"} <= inside.whole
    assert sorted(home.rglob("*")) == before


def test_nothing_needs_a_folder_for_temporary_files(tmp_path: Path) -> None:
    """A full disk: here-documents, and sorting beyond memory, would want one."""
    assert "<<" not in SCRIPT
    assert "mktemp" not in SCRIPT
    environment = {"TMPDIR": str(tmp_path / "nowhere"), "HOME": str(tmp_path / "nowhere")}
    done = subprocess.run(
        ["/bin/bash", "-s"], input=SCRIPT.encode(), capture_output=True, check=True, env=environment
    )
    assert done.stderr == b""
    assert from_raw(done.stdout.decode("utf-8", "replace")).is_complete


def test_a_host_without_the_tools_is_not_read(tmp_path: Path) -> None:
    """Marks alone are no answer: a shell with nothing beside it would look like a host where nothing is."""
    script = SCRIPT.replace("PATH=/usr/sbin:/sbin:/usr/bin:/bin", f"PATH={tmp_path}")
    done = subprocess.run(
        ["/bin/sh", "-s"],
        input=script.encode(),
        capture_output=True,
        timeout=60,
        check=False,
        env={"PATH": str(tmp_path)},
    )
    text = done.stdout.decode()
    assert MARK_END in text
    assert not from_raw(text).is_complete


def test_the_extras_are_the_same_without_what_ansible_tells() -> None:
    names = [re.findall(r"^=== (\S+)$", printed("sh", script=script), re.MULTILINE) for script in (SCRIPT, EXTRAS)]
    assert [name for name in names[0] if name not in ("host", "memory", "dmi", "packages")] == names[1]


def test_nothing_is_written_and_no_right_is_asked_for() -> None:
    code = "\n".join(line for line in SCRIPT.splitlines() if not line.lstrip().startswith("#"))
    targets = set(re.findall(r"\d?>+\s*(&?\S+)", re.sub(r"'[^'\n]*'", "''", code)))
    assert targets <= {"/dev/null", "&1", "&2", "/dev/null;", "&1;"}
    for word in ("sudo", "su", "tee", "mktemp", "xfrm state", "wg", "exec", "rm", "chmod", "curl", "wget", "eval"):
        assert not re.search(rf"(^|[\s;|&(]){word}\s", code), word


def test_its_output_is_bounded() -> None:
    sizes = [int(size) for size in re.findall(r"^(?:own|extra) \S+ (\d+) p_", SCRIPT, re.MULTILINE)]
    assert len(sizes) > 20
    files = 13 * 2048
    assert sum(sizes) + files < 256 * 1024


def test_it_fits_into_one_argument_and_one_line_of_windows() -> None:
    assert len(SCRIPT.encode()) < 64 * 1024
    assert SCRIPT.isascii()


def test_arguments_and_keys_of_processes_are_not_told(tmp_path: Path, run: Callable[..., str]) -> None:
    java = tmp_path / "java"
    shutil.copy(shutil.which("sh") or "/bin/sh", java)
    secret = "Canary-7719-password"
    argv = [java, "-c", "sleep 20; :", "-Ddb.password=" + secret, "weblogic.Server"]
    server = subprocess.Popen(argv, env={"TOKEN": secret})
    try:
        text = printed("sh")
    finally:
        server.kill()
        server.wait()
    assert secret not in text
    assert "weblogic.Server" in from_raw(text).words
    assert "java" in from_raw(text).processes


def test_the_words_that_it_looks_for_are_those_of_the_table() -> None:
    asked = set(re.findall(r"-e (\S+)", SCRIPT[SCRIPT.index("p_words()") : SCRIPT.index("p_folders()")]))
    known = {row.pattern.pattern for row in tables().processes if row.kind == "word"}
    assert {re.escape(word) for word in asked} == known


def test_the_folders_that_it_looks_for_are_known() -> None:
    asked = re.findall(r'"\$d"/([\w*]+)', SCRIPT[SCRIPT.index("p_folders()") : SCRIPT.index("p_listeners()")])
    rows = [row for row in tables().processes if row.kind == "folder"]
    assert asked
    for name in asked:
        assert any(row.pattern.fullmatch(name.replace("*", "")) for row in rows), name


def test_no_known_package_is_left_out() -> None:
    found = re.search(r'grep -v -E "\$TAB(\(lib.*?\))"', SCRIPT)
    assert found is not None
    left_out = re.compile(found[1])
    for row in tables().packages:
        for name in re.findall(r"[A-Za-z][\w-]{3,}", row.pattern.pattern):
            assert not left_out.match(name), name


def test_reading_a_recorded_run(data: Callable[[str], str]) -> None:
    inside: Inside = from_raw(data("recorded-debian12.txt"))
    assert inside.is_complete
    assert (inside.hostname, inside.os.id, inside.os.version) == ("db01", "debian", "12.11")
