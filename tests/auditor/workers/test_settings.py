"""``worker.yaml``, the site's keys, and what stands on the broker: every fault at once, and no password anywhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from auditor.site import load_site
from auditor.workers.broker import Broker, parse_address
from auditor.workers.config import load_worker
from auditor.workers.deployment import settings
from auditor.workers.names import CENTRE_RIGHTS, WORKER_RIGHTS
from inventories.faults import Faults
from inventories.signing import new_key
from probes.secrets import Secret
from tests.auditor.commands import typed
from tests.auditor.test_site import GOOD
from tests.auditor.workers.conftest import CONFIG

KEY = str(new_key("x").public)


def faults_of(folder: Path, text: str) -> list[str]:
    path = folder / "worker.yaml"
    path.write_text(text.replace("PUBLIC", KEY), encoding="utf-8")
    with pytest.raises(Faults) as caught:
        load_worker(path)
    return [str(fault).replace(f"{folder}/", "") for fault in caught.value.faults]


def test_a_good_configuration(tmp_path: Path) -> None:
    path = tmp_path / "worker.yaml"
    path.write_text(CONFIG.replace("PUBLIC", KEY), encoding="utf-8")
    worker = load_worker(path)
    broker = worker.broker
    assert str(broker) == "amqps://worker.test-city.mzj@192.0.2.100:5671/auditor.test-city.mzj"
    assert broker.ca == str(tmp_path / "ca.pem")
    assert worker.state == tmp_path / "state"
    assert worker.allows_secret(Secret.parse("env:MZJ_SSH"))
    assert not worker.allows_secret(Secret.parse("env:MZJ_BROKER"))


def test_every_fault_at_once_with_its_place(tmp_path: Path) -> None:
    text = CONFIG.replace("192.0.2.14/32", "198.51.100.1/32") + "concurency: 3\n"
    assert faults_of(tmp_path, text) == ["worker.yaml:14:13: unknown key 'concurency': did you mean 'concurrency'?"]
    broken = text.replace("zone: mzj", "zone: ..").replace("env:MZJ_BROKER", "hunter2hunter2").replace("PUBLIC", "x")
    said = faults_of(tmp_path, broken)
    assert [line.split(": ")[0] for line in said] == [f"worker.yaml:{n}" for n in ("2:7", "10:52", "11:31", "14:13")]
    assert "hunter2" not in "".join(said)
    assert faults_of(tmp_path, text.replace("concurency: 3\n", "")) == [
        "worker.yaml:5:11: 198.51.100.1/32 lies in none of the worker's prefixes"
    ]
    empty = re.sub(r"(prefixes|exclude|names|endpoints): .*\n", "", CONFIG)
    assert "the worker may look at nothing" in faults_of(tmp_path, empty)[0]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("amqp://broker", "not encrypted"),
        ("broker:5671", "amqps://host"),
        ("amqps://", "amqps://host"),
        ("amqps://u:hunter2@broker", "holds no password"),
        ("amqps://broker/vhost", "ends after the port"),
        ("amqps://broker?ssl=0", "ends after the port"),
        ("amqps://broker:port", "amqps://host"),
        ("amqps://-x", "neither"),
        ("amqps://a b", "neither"),
    ],
)
def test_addresses_that_are_none(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as caught:
        parse_address(text)
    assert "hunter2" not in str(caught.value)


def test_good_addresses() -> None:
    assert parse_address("amqps://broker.example.gov.cn") == ("", "broker.example.gov.cn", 5671)
    assert parse_address("amqps://me@192.0.2.1:99") == ("me", "192.0.2.1", 99)
    assert parse_address("amqps://[2001:db8::1]:99") == ("", "2001:db8::1", 99)


def test_a_broker_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "hunter2hunter2")
    broker = Broker("192.0.2.1", 5671, "u", Secret.parse("env:SECRET_OF_MINE"), "v")
    assert "hunter2" not in f"{broker} {broker!r}"


# --- the broker's own settings


def texts_of(*zones: str) -> dict[str, str]:
    folder = PurePosixPath("/f")
    return settings("city", zones, listen="192.0.2.1:5671", tls=folder / "tls", folder=folder)


def test_the_broker_s_settings_hold_every_zone_and_no_user() -> None:
    texts = texts_of("mzj", "jtj")
    body = json.loads(texts["definitions.json"])
    assert set(body) == {"vhosts", "queues", "exchanges", "bindings", "policies"}
    assert [v["name"] for v in body["vhosts"]] == ["auditor.city.mzj", "auditor.city.jtj"]
    for queue in body["queues"]:
        assert queue["durable"] and not queue["auto_delete"]
    jobs = next(p for p in body["policies"] if p["name"] == "jobs")["definition"]
    assert jobs["delivery-limit"] == 5 and jobs["dead-letter-exchange"] == "unwanted"
    # Permissions do not tell queues from exchanges: no name is both.
    assert not {q["name"] for q in body["queues"]} & {e["name"] for e in body["exchanges"]}
    conf = texts["rabbitmq.conf"]
    assert "listeners.tcp = none" in conf and "listeners.ssl.1 = 192.0.2.1:5671" in conf
    assert "tlsv1.1" not in conf and "load_definitions = /f/definitions.json" in conf


def test_what_each_user_may_do() -> None:
    configure, write, read = WORKER_RIGHTS
    names = [
        "jobs",
        "inbox",
        "beats",
        "dead",
        "results",
        "control",
        "unwanted",
        "amq.default",
        "amq.gen-x",
        "",
        "jobs2",
    ]
    assert [n for n in names if re.search(configure, n)] == [""]
    assert [n for n in names if re.search(write, n)] == ["results"]
    assert [n for n in names if re.search(read, n)] == ["jobs", "beats"]
    assert [n for n in names if re.search(CENTRE_RIGHTS[1], n)] == ["control", "amq.default"]
    assert [n for n in names if re.search(CENTRE_RIGHTS[2], n)] == ["inbox", "dead"]


def test_users_sh_is_a_shell_script_that_reads_passwords_and_shows_none(tmp_path: Path) -> None:
    """With a rabbitmqctl that notes its arguments and its standard input."""
    script = settings("city", ["mzj"], listen="0.0.0.0:1", tls=PurePosixPath("/t"), folder=PurePosixPath("/f"))[
        "users.sh"
    ]
    (tmp_path / "users.sh").write_text(script)
    fake = tmp_path / "rabbitmqctl"
    lines = ["#!/bin/sh", f'echo "$*" >> {tmp_path}/args', f"cat >> {tmp_path}/stdin"]
    fake.write_text("\n".join([*lines, '[ "$2" = list_users ] && echo guest', "exit 0", ""]))
    fake.chmod(0o755)

    def run(said: str) -> subprocess.CompletedProcess[str]:
        for name in ("args", "stdin"):
            (tmp_path / name).unlink(missing_ok=True)
        command = ["sh", str(tmp_path / "users.sh")]
        environment = {"PATH": "/usr/bin:/bin", "RABBITMQCTL": str(fake)}
        return subprocess.run(command, input=said, capture_output=True, text=True, env=environment, timeout=30)

    passwords = ["correct horse battery", "$(touch x) `y` 'z' \\n"]
    done = run("".join(f"{p}\n" for p in passwords))
    assert done.returncode == 0, done.stderr
    args = (tmp_path / "args").read_text()
    assert (tmp_path / "stdin").read_text().splitlines() == passwords
    assert not any(password in args + done.stdout + done.stderr for password in passwords)
    assert "delete_user guest" in args
    assert "set_permissions -p auditor.city.mzj worker.city.mzj ^$ ^results$ ^(jobs|beats)$" in args
    assert run("short\n").returncode == 1
    assert "add_user" not in (tmp_path / "args").read_text()


def site_with_worker(folder: Path) -> Path:
    text = GOOD.replace("    profile: fast\n", "    profile: fast\n    by: worker\n") + (
        f"keys:\n  - {{id: worker-mzj, public: '{KEY}', zones: [mzj]}}\n"
        "workers:\n  broker: amqps://192.0.2.100\n  password: env:BROKER\n"
        "  signing_key: file:/etc/auditor/centre.pem\n"
    )
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_site_names_broker_and_keys(tmp_path: Path) -> None:
    site = load_site(site_with_worker(tmp_path))
    assert site.config.workers is not None
    broker = site.config.workers.to(site.id, "mzj", site.root)
    assert str(broker) == "amqps://centre.test-city@192.0.2.100:5671/auditor.test-city.mzj"


def test_a_zone_with_a_worker_needs_both(tmp_path: Path) -> None:
    text = GOOD.replace("    profile: fast\n", "    profile: fast\n    by: worker\n")
    (tmp_path / "site.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Faults) as caught:
        load_site(tmp_path)
    said = str(caught.value)
    assert "no broker is named" in said and "no key is trusted" in said


def worker(*words: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, whose logs it takes for itself."""
    command = [sys.executable, "-m", "auditor", "worker", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_deploy_writes_what_the_site_says(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    site = site_with_worker(tmp_path / "site")
    out = tmp_path / "rabbitmq"
    done = typed("deploy", "rabbitmq", str(out), "--site", str(site), "--listen", "192.0.2.100:5671")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in out.iterdir()}
    assert {"rabbitmq.conf", "rabbitmq-env.conf", "definitions.json", "enabled_plugins", "users.sh"} <= names
    assert "users.sh" in done.stderr
    again = typed("deploy", "rabbitmq", str(out), "--site", str(site), "--listen", "192.0.2.100:5671")
    assert "0 files written" in again.stderr
    (out / "rabbitmq.conf").write_text("mine\n")
    assert typed("deploy", "rabbitmq", str(out), "--site", str(site)).returncode == 2
    more = "0.0.0.0:5671\nlisteners.tcp.1 = 5672"
    assert typed("deploy", "rabbitmq", str(out), "--site", str(site), "--listen", more).returncode == 2


def test_deploy_without_workers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(GOOD, encoding="utf-8")
    done = typed("deploy", "rabbitmq", str(tmp_path / "r"), "--site", str(tmp_path))
    assert done.returncode == 2 and "by: worker" in done.stderr
    assert not (tmp_path / "r").exists()


def test_a_worker_refuses_before_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "worker.yaml"
    path.write_text(CONFIG.replace("PUBLIC", KEY), encoding="utf-8")
    done = worker("--zone", "jtj", "--config", str(path))
    assert done.returncode == 2 and "is the configuration of zone mzj" in done.stderr
    done = worker("--zone", "mzj", "--config", str(path))
    assert done.returncode == 2 and "signing_key" in done.stderr
    path.write_text(CONFIG.replace("amqps", "amqp"), encoding="utf-8")
    done = worker("--zone", "mzj", "--config", str(path))
    assert done.returncode == 2 and "not encrypted" in done.stderr


def test_a_worker_s_process_loads_nothing_that_is_not_its_own() -> None:
    code = (
        "import sys, auditor.commands.worker, auditor.workers.process, auditor.workers.work\n"
        "held = ('policies', 'reports', 'auditor.ledger', 'auditor.site', 'sqlalchemy', 'duckdb', 'pyarrow')\n"
        "print([n for n in sys.modules if n in held or n.startswith(tuple(h + '.' for h in held))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
