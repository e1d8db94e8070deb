"""What the broker's things are called, and what a zone's user may do with them.

Every zone has a virtual host of its own, so that the user of one zone cannot even ask whether another exists
(RabbitMQ answers a passive declaration without looking at any permission inside a virtual host). In it stand:

* the queue ``jobs``, that the centre writes to and the zone's workers read;
* the exchange ``results``, that workers write to, with the queue ``inbox`` behind it, that the centre reads;
* the exchange ``control``, that the centre writes to, with the stream ``beats`` behind it: every worker reads all of
  it, and reading takes nothing away from the others;
* the exchange ``unwanted`` with the queue ``dead``: jobs that were taken too often, or that a worker would not touch.

A queue and an exchange never share a name: permissions do not tell one from the other.
"""

from __future__ import annotations

JOBS = "jobs"
INBOX = "inbox"
BEATS = "beats"
DEAD = "dead"
RESULTS = "results"
CONTROL = "control"
UNWANTED = "unwanted"

#: The Celery task that a job is sent as.
TASK = "auditor.shard"

#: Regular expressions, anchored: what may be declared or deleted, written to, read from.
WORKER_RIGHTS = ("^$", f"^{RESULTS}$", f"^({JOBS}|{BEATS})$")
#: ``amq.default`` is the exchange without a name: the way into ``jobs``.
CENTRE_RIGHTS = ("^$", rf"^({CONTROL}|amq\.default)$", f"^({INBOX}|{DEAD})$")


def vhost(site: str, zone: str) -> str:
    return f"auditor.{site}.{zone}"


def worker_user(site: str, zone: str) -> str:
    return f"worker.{site}.{zone}"


def centre_user(site: str) -> str:
    return f"centre.{site}"
