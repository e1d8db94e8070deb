"""What a host's answers amount to: whole ones count, and each way of falling short has its own reason."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from probes.ansible_run.process import Ended, Happened
from probes.inside import Inside
from probes.ssh.packages import PACKAGES, packages_of
from probes.ssh.reading import LOOK_BEGIN, LOOK_END, Answers, ShellReading, oldest_python
from probes.ssh.said import Refused

DATA = Path(__file__).parent.parent / "data"
FINE = Ended()


def answers(**said: str) -> Answers:
    got = Answers()
    for task, stdout in said.items():
        got.take(Happened("h0", task, "ok", {"rc": 0, "stdout": stdout, "stderr": ""}))
    return got


def recorded(name: str) -> str:
    return (DATA / "inside" / name).read_text()


def test_a_script_that_came_to_its_end_is_read() -> None:
    got = ShellReading().read(answers(shell=recorded("recorded-debian12.txt")), "raw", FINE)
    assert isinstance(got, Inside)
    assert got.os.id == "debian"


def test_by_ansible_a_host_is_read_from_facts_and_extras() -> None:
    got = answers(look=f"{LOOK_BEGIN}\nauditor-python /usr/bin/python3\n{LOOK_END}\n")
    facts = json.loads(recorded("recorded-debian12-ansible.json"))
    got.take(Happened("h0", "facts", "ok", {"ansible_facts": facts["setup"]}))
    got.take(Happened("h0", "extras", "ok", {"rc": 0, "stdout": recorded("recorded-debian12-extras.txt")}))
    read = ShellReading().read(got, "auto", FINE)
    assert isinstance(read, Inside)
    assert read.os.id == "debian"


def test_half_an_answer_is_none() -> None:
    text = recorded("recorded-debian12.txt")
    got = ShellReading().read(answers(shell=text[: len(text) // 2]), "raw", FINE)
    assert got == Refused("bad_output", "the answer breaks off")


def test_half_of_the_extras_is_no_answer_by_ansible() -> None:
    got = answers(extras="=== auditor begin 1\n", shell=recorded("recorded-debian12.txt"))
    got.take(Happened("h0", "facts", "ok", {"ansible_facts": {"ansible_hostname": "x"}}))
    assert isinstance(ShellReading().read(got, "auto", FINE), Inside)


@pytest.mark.parametrize("said", ["This account is currently not available.\n", "", "% Unknown command\r\n"])
def test_a_login_without_a_shell_is_named_and_quoted(said: str) -> None:
    got = ShellReading().read(answers(look=said, shell=said), "auto", FINE)
    assert isinstance(got, Refused)
    assert got.reason == "no_shell"
    assert said.strip() in got.message


@pytest.mark.parametrize("reason", ["timed_out", "too_much", "unreachable", "no_shell"])
def test_what_the_connection_says_of_itself_is_the_reason(reason: str) -> None:
    got = Answers()
    message = f"Task failed: auditor:{reason}: a command did not end\nmore"
    got.take(Happened("h0", "shell", "unreachable", {"msg": message}))
    assert ShellReading().read(got, "auto", FINE) == Refused(reason, "a command did not end")


def test_a_module_that_failed_is_gone_round() -> None:
    got = answers(look=f"{LOOK_BEGIN}\nauditor-python /usr/bin/python3\n{LOOK_END}\n")
    got.take(Happened("h0", "facts", "failed", {"msg": "auditor:timed_out: a command did not end in time"}))
    got.take(Happened("h0", "shell", "ok", {"rc": 0, "stdout": recorded("recorded-debian12.txt")}))
    assert isinstance(ShellReading().read(got, "auto", FINE), Inside)


def test_an_answer_that_was_left_out_is_too_much() -> None:
    got = Answers()
    got.take(Happened("h0", "shell", "too_much", {}))
    read = ShellReading().read(got, "raw", FINE)
    assert isinstance(read, Refused) and read.reason == "too_much"


def test_a_run_that_was_stopped_says_so_for_hosts_without_an_answer() -> None:
    assert ShellReading().read(Answers(), "auto", Ended("stopped", "interrupted")) == Refused(
        "stopped", "interrupted"
    )
    assert isinstance(ShellReading().read(Answers(), "auto", FINE), Refused)


def test_without_a_python_ansible_alone_is_no_way() -> None:
    got = ShellReading().read(answers(look=f"{LOOK_BEGIN}\n{LOOK_END}\n"), "ansible", FINE)
    assert isinstance(got, Refused) and got.reason == "unavailable"


def test_ansible_alone_has_reasons_of_its_own() -> None:
    said = "This account is currently not available.\n"
    got = ShellReading().read(answers(look=said), "ansible", FINE)
    assert isinstance(got, Refused) and got.reason == "no_shell" and said.strip() in got.message
    broken = answers(look=f"{LOOK_BEGIN}\nauditor-python /usr/bin/python3\n{LOOK_END}\n")
    broken.take(Happened("h0", "facts", "failed", {"msg": "MODULE FAILURE"}))
    got = ShellReading().read(broken, "ansible", FINE)
    assert isinstance(got, Refused) and got.reason == "unavailable" and "cannot read it" in got.message


@pytest.mark.parametrize("reason", ["changed_host_key", "stopped", "out_of_scope", "x" * 30])
def test_a_result_of_a_hosts_own_making_gives_no_reason_that_is_not_the_connections(reason: str) -> None:
    got = Answers()
    got.take(Happened("h0", "facts", "failed", {"msg": f"auditor:{reason}: x"}))
    assert got.wrong is None
    got.take(Happened("h0", "facts", "failed", {"msg": "auditor:timed_out: \x1b[2J"}))
    assert got.wrong == Refused("timed_out", "\\x1b[2J")


def test_a_host_cannot_speak_with_the_connections_voice() -> None:
    """Its own output is no message of ours: only what failed in the connection is looked at for that."""
    got = answers(shell="auditor:forbidden: x\n")
    read = ShellReading().read(got, "raw", FINE)
    assert isinstance(read, Refused) and read.reason == "no_shell"


def test_the_oldest_python_is_ansibles_own_word() -> None:
    assert (3, 8) <= oldest_python() <= (3, 12)


def shell(text: str, *path: str) -> str:
    sh = shutil.which("dash") or "/bin/sh"
    environment = {"PATH": ":".join(path) if path else "/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run([sh], input=text, env=environment, capture_output=True, text=True, timeout=30).stdout


def test_a_python_that_is_new_enough_is_found() -> None:
    said = shell(ShellReading().texts()["look"])
    assert said.startswith(LOOK_BEGIN) and said.rstrip().endswith(LOOK_END)
    assert "\nauditor-python /" in said


def test_an_old_python_or_none_is_not_found(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    # What it looks for by its whole path would be this machine's own.
    look = ShellReading().texts()["look"].replace("/usr/bin/python3", "").replace("/usr/local/bin/python3", "")
    said = shell(look.replace("/usr/libexec/platform-python", ""), str(tmp_path))
    assert said == f"{LOOK_BEGIN}\n{LOOK_END}\n"


def test_packages_come_in_the_form_of_package_facts() -> None:
    text = (
        "motd\n=== auditor packages 1\napt\tdm8\t8.1.3\tamd64\tii \t\napt\told\t1\tamd64\trc \t\n"
        "rpm\tkernel\t4.19\taarch64\t1.ky10\t(none)\nrpm\tkernel\t4.20\taarch64\t2.ky10\t1\nnonsense\n"
        "=== auditor packages end 1\n=== auditor begin 1\n"
    )
    got = packages_of(text)
    assert got == {
        "dm8": [{"name": "dm8", "version": "8.1.3", "arch": "amd64", "source": "apt"}],
        "kernel": [
            {
                "name": "kernel",
                "version": "4.19",
                "arch": "aarch64",
                "source": "rpm",
                "release": "1.ky10",
                "epoch": None,
            },
            {
                "name": "kernel",
                "version": "4.20",
                "arch": "aarch64",
                "source": "rpm",
                "release": "2.ky10",
                "epoch": "1",
            },
        ],
    }


def test_a_list_of_packages_that_breaks_off_is_none() -> None:
    assert packages_of("=== auditor packages 1\napt\tdm8\t8.1.3\tamd64\tii \t\n") == {}


def test_the_packages_of_this_machine_are_listed() -> None:
    said = shell(PACKAGES)
    assert said.startswith("=== auditor packages 1\n") and said.endswith("=== auditor packages end 1\n")
    if Path("/usr/bin/dpkg-query").exists():
        assert "dpkg" in packages_of(said)
