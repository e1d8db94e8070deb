"""The connection plugin: what goes over a connection that stands, how much of it, and how long."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from probes.ansible_run.process import PLAYBOOKS


@pytest.fixture(scope="module")
def mux() -> ModuleType:
    path = PLAYBOOKS / "plugins" / "connection" / "auditor_mux.py"
    spec = importlib.util.spec_from_file_location("auditor_mux", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def child(*argv: str) -> Any:
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_input_goes_in_and_output_comes_out(mux: ModuleType) -> None:
    text = b"x" * 1_000_000
    why, stdout, _ = mux.pump(child("cat"), text, 2_000_000, time.monotonic() + 20)
    assert (why, stdout) == ("", text)


def test_a_program_that_takes_no_input_is_no_fault(mux: ModuleType) -> None:
    why, stdout, stderr = mux.pump(
        child("sh", "-c", "exec <&-; echo a; echo b >&2"), b"x" * 1_000_000, 99, time.monotonic() + 20
    )
    assert (why, stdout, stderr) == ("", b"a\n", b"b\n")


def test_output_without_end_is_cut_off(mux: ModuleType) -> None:
    process = child("sh", "-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done")
    why, stdout, _ = mux.pump(process, b"", 100_000, time.monotonic() + 20)
    process.kill()
    process.wait()
    assert why.startswith("auditor:too_much: ") and stdout == b""


def test_errors_without_end_do_no_harm(mux: ModuleType) -> None:
    process = child("sh", "-c", "head -c 5000000 /dev/zero >&2; echo done")
    why, stdout, stderr = mux.pump(process, b"", 100_000, time.monotonic() + 20)
    assert (why, stdout) == ("", b"done\n") and len(stderr) < 200_000


@pytest.mark.parametrize("script", ["sleep 30", "exec >&- 2>&-; sleep 30"])
def test_a_command_ends_in_time(mux: ModuleType, script: str) -> None:
    process = child("sh", "-c", script)
    began = time.monotonic()
    why, _, _ = mux.pump(process, b"", 100, began + 0.3)
    process.kill()
    process.wait()
    assert why.startswith("auditor:timed_out: ")
    assert time.monotonic() - began < 3


def test_no_file_goes_to_a_target_and_none_comes_from_it(mux: ModuleType) -> None:
    for name in ("put_file", "fetch_file"):
        with pytest.raises(AnsibleError, match="auditor:forbidden"):
            getattr(mux.Connection, name)(object(), "a", "b")


def test_a_payload_that_is_not_as_we_know_it_is_not_sent(mux: ModuleType) -> None:
    with pytest.raises(AnsibleError, match="auditor:forbidden"):
        mux.in_memory(b"print(1)")


#: As much of Ansible's own wrapper as touches the disk, run with a real zip.
_WRAPPER = """
from __future__ import annotations


def _ansiballz_main(zip_data):
    import base64
    import os
    import shutil
    import sys
    import tempfile
    import zipfile

    temp_path = os.path.realpath(tempfile.mkdtemp(prefix="ansible_x_payload_"))
    try:
        zipped_mod = os.path.join(temp_path, "ansible_x_payload.zip")
        with open(zipped_mod, "wb") as modlib:
            modlib.write(base64.b64decode(zip_data))
        z = zipfile.ZipFile(zipped_mod, mode="a")
        z.writestr("sitecustomize.py", "")
        z.close()
        sys.path.insert(0, zipped_mod)
        import payload

        print(payload.WORDS, os.path.join("a", "b"))
    finally:
        shutil.rmtree(temp_path, ignore_errors=True)


if __name__ == "__main__":
    _ansiballz_main(
        zip_data="@ZIP@",
    )
"""


def test_ansibles_payload_is_unpacked_in_memory(mux: ModuleType, tmp_path: Path) -> None:
    import base64
    import io
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("payload.py", "WORDS = 'from memory'\n")
    wrapper = _WRAPPER.replace("@ZIP@", base64.b64encode(content.getvalue()).decode())
    changed = mux.in_memory(wrapper.encode())
    place = tmp_path / "tmp"
    place.mkdir(mode=0o500)
    before = sorted(Path(tempfile.gettempdir()).glob("ansible_x_*"))
    done = subprocess.run(
        [sys.executable, "-B", "-"], input=changed, env={"TMPDIR": str(place)}, capture_output=True, timeout=30
    )
    assert done.stdout == b"from memory a/b\n", done.stderr
    assert list(place.iterdir()) == []
    assert sorted(Path(tempfile.gettempdir()).glob("ansible_x_*")) == before


def test_the_wrapper_of_the_installed_ansible_is_the_one_we_know(mux: ModuleType) -> None:
    """What Ansible puts around a module here and now."""
    from ansible.executor import module_common

    source = Path(module_common.__file__).read_text()
    assert mux._MAIN in source


def test_a_dead_connection_is_not_made_anew(mux: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"folder": str(tmp_path), "socket": "gone", "seconds": 10.0, "most": 1000, "system": "sh"}
    connection = object.__new__(mux.Connection)
    monkeypatch.setattr(mux.Connection, "get_option", lambda _self, name: options[name])
    with pytest.raises(AnsibleConnectionFailure, match="auditor:unreachable"):
        connection._run("true", b"", AnsibleConnectionFailure)


def test_a_command_may_name_a_text_of_the_run_and_nothing_else(
    mux: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "look").write_text("echo {{ 1 }}")
    options = {"texts": str(tmp_path), "system": "sh"}
    given: list[bytes] = []

    def run(_self: object, _command: str, stdin: bytes, _wrong: type[Exception]) -> tuple[int, bytes, bytes]:
        given.append(stdin)
        return 0, b"", b""

    connection = object.__new__(mux.Connection)
    monkeypatch.setattr(mux.Connection, "get_option", lambda _self, name: options[name])
    monkeypatch.setattr(mux.Connection, "_run", run)
    for command in ("auditor-text look", "auditor-text ../secret", "echo auditor-text look"):
        connection.exec_command(command)
    assert given == [
        b"{\necho {{ 1 }}\n} </dev/null\n",
        b"{\nauditor-text ../secret\n} </dev/null\n",
        b"{\necho auditor-text look\n} </dev/null\n",
    ]
