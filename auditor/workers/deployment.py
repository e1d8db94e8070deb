"""Settings for RabbitMQ: everything that stands on the broker, and no password."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

from auditor.workers.names import (
    BEATS,
    CENTRE_RIGHTS,
    CONTROL,
    DEAD,
    INBOX,
    JOBS,
    RESULTS,
    UNWANTED,
    WORKER_RIGHTS,
    centre_user,
    vhost,
    worker_user,
)

#: A job that was taken so often and never finished is put aside: it may be what kills the workers.
DELIVERIES = 5
#: Beats are of the moment. The oldest piece of a stream goes once the rest is this large.
_BEATS_BYTES, _BEATS_SEGMENT = 4_000_000, 1_000_000
_MESSAGE_BYTES = 64 * 1024 * 1024
#: A worker keeps three connections; a stolen password cannot use up the broker's.
_MOST_CONNECTIONS = 64
_QUEUES = 4


def settings(
    site: str, zones: Sequence[str], *, listen: str, tls: PurePosixPath, folder: PurePosixPath
) -> dict[str, str]:
    """File name → text. ``listen`` is ``address:port``; ``tls`` holds ``ca.pem``, ``broker.pem`` and ``broker.key``.

    ``folder`` is where RabbitMQ finds the files.
    """
    return {
        "rabbitmq.conf": configuration(listen, tls, folder),
        "definitions.json": definitions(site, zones),
        "rabbitmq-env.conf": _ENVIRONMENT,
        "enabled_plugins": "[].\n",
        "users.sh": users(site, zones),
    }


def definitions(site: str, zones: Sequence[str]) -> str:
    """Virtual hosts, queues, exchanges and policies; users come from :func:`users`, since they have passwords."""
    hosts = [vhost(site, zone) for zone in zones]
    body = {
        "vhosts": [{"name": host} for host in hosts],
        "queues": [queue for host in hosts for queue in _queues(host)],
        "exchanges": [
            _exchange(host, name, kind)
            for host in hosts
            for name, kind in ((RESULTS, "fanout"), (CONTROL, "fanout"), (UNWANTED, "fanout"))
        ],
        "bindings": [
            _binding(host, source, queue)
            for host in hosts
            for source, queue in ((RESULTS, INBOX), (CONTROL, BEATS), (UNWANTED, DEAD))
        ],
        "policies": [policy for host in hosts for policy in _policies(host)],
    }
    return json.dumps(body, indent=1, ensure_ascii=True) + "\n"


def _queues(host: str) -> list[dict[str, object]]:
    quorum = {"x-queue-type": "quorum"}
    stream = {
        "x-queue-type": "stream",
        "x-max-length-bytes": _BEATS_BYTES,
        "x-stream-max-segment-size-bytes": _BEATS_SEGMENT,
    }
    kinds: tuple[tuple[str, dict[str, object]], ...] = (
        (JOBS, dict(quorum)),
        (INBOX, dict(quorum)),
        (DEAD, dict(quorum)),
        (BEATS, dict(stream)),
    )
    return [
        {"vhost": host, "name": name, "durable": True, "auto_delete": False, "arguments": arguments}
        for name, arguments in kinds
    ]


def _exchange(host: str, name: str, kind: str) -> dict[str, object]:
    return {
        "vhost": host,
        "name": name,
        "type": kind,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
    }


def _binding(host: str, source: str, queue: str) -> dict[str, object]:
    return {
        "vhost": host,
        "source": source,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": "",
        "arguments": {},
    }


def _policies(host: str) -> list[dict[str, object]]:
    """Quorum queues count deliveries, and hand on what they give up only once it has arrived."""
    rules: dict[str, dict[str, object]] = {
        JOBS: {
            "delivery-limit": DELIVERIES,
            "dead-letter-exchange": UNWANTED,
            "dead-letter-strategy": "at-least-once",
            "max-length": 10_000,
            "overflow": "reject-publish",
        },
        INBOX: {"max-length-bytes": 4 * 1024**3, "overflow": "reject-publish"},
        DEAD: {"max-length": 1_000},
    }
    return [
        {
            "vhost": host,
            "name": name,
            "pattern": f"^{name}$",
            "apply-to": "queues",
            "definition": definition,
            "priority": 1,
        }
        for name, definition in rules.items()
    ]


def configuration(listen: str, tls: PurePosixPath, folder: PurePosixPath) -> str:
    return f"""\
# Written by 'auditor deploy rabbitmq'. TLS only; no management, no guest, nothing that a worker does not need.
listeners.tcp = none
listeners.ssl.1 = {listen}
ssl_options.cacertfile = {tls / "ca.pem"}
ssl_options.certfile = {tls / "broker.pem"}
ssl_options.keyfile = {tls / "broker.key"}
# Whoever connects proves itself by its password, inside the encrypted line.
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
auth_mechanisms.1 = PLAIN
loopback_users.guest = true
# Read at every start; it holds no users, so that a restart changes no password.
load_definitions = {folder / "definitions.json"}
max_message_size = {_MESSAGE_BYTES}
heartbeat = 10
channel_max = 16
# A worker holds a job until its centre is heard, which may be the next day.
consumer_timeout = 172800000
disk_free_limit.absolute = 1GB
log.file.level = info
"""


def users(site: str, zones: Sequence[str]) -> str:
    """A script that adds what is missing and sets what each may do. Passwords come from its standard input."""
    centre = centre_user(site)
    lines = [f"user {shlex.quote(centre)}"]
    for zone in zones:
        worker, host = worker_user(site, zone), vhost(site, zone)
        lines.append(f"user {shlex.quote(worker)}")
        for name, rights in ((worker, WORKER_RIGHTS), (centre, CENTRE_RIGHTS)):
            quoted = " ".join(shlex.quote(right) for right in rights)
            lines.append(f"run set_permissions -p {host} {shlex.quote(name)} {quoted}")
        limits = json.dumps({"max-connections": _MOST_CONNECTIONS, "max-channels": 4 * _MOST_CONNECTIONS})
        lines.append(f"run set_user_limits {shlex.quote(worker)} {shlex.quote(limits)}")
        lines.append(f"run set_vhost_limits -p {host} {shlex.quote(json.dumps({'max-queues': _QUEUES}))}")
    return _USERS + "\n".join(lines) + "\n"


_ENVIRONMENT = """\
# Written by 'auditor deploy rabbitmq'. One node, which nobody joins: Erlang's own port is for this machine alone.
NODENAME=rabbit@localhost
SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
"""

_USERS = """\
#!/bin/sh
# Written by 'auditor deploy rabbitmq'. Adds the users that are missing, and sets what each may do.
#
# Asks for a new user's password, or reads one line for each from standard input, in the order below. A password goes
# on to rabbitmqctl through a pipe: it stands in no file, and in no process's arguments.
set -eu
ctl=${RABBITMQCTL:-rabbitmqctl}

# Without passwords on standard input: rabbitmqctl would read them all.
run() { "$ctl" -q "$@" </dev/null; }
known=$(run list_users --no-table-headers | cut -f1)

user() {
    if printf '%s\\n' "$known" | grep -qxF -- "$1"; then return 0; fi
    if [ -t 0 ]; then
        printf 'password for %s: ' "$1" >&2
        stty -echo
        IFS= read -r password || true
        stty echo
        echo >&2
    else
        IFS= read -r password || true
    fi
    if [ "${#password}" -lt 16 ]; then
        echo "the password for $1 has fewer than 16 characters: nothing was done for it" >&2
        exit 1
    fi
    printf '%s\\n' "$password" | "$ctl" -q add_user "$1"
    password=
}

if printf '%s\\n' "$known" | grep -qxF guest; then run delete_user guest; fi
"""
