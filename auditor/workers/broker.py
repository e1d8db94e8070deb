"""The way to the broker: TLS always, the broker's certificate and name always checked, passwords resolved late."""

from __future__ import annotations

import ipaddress
import re
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from auditor.workers.names import JOBS
from probes.secrets import Secret

PORT = 5671
#: A peer that says nothing for so long is gone (AMQP heartbeats, both ways).
HEARTBEAT_SECONDS = 10
CONNECT_SECONDS = 8
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and who asks. ``ca``: the file of authorities (empty: the system's)."""

    host: str
    port: int
    user: str
    password: Secret
    vhost: str
    ca: str = ""

    def connection(self, app: Any) -> Any:
        """kombu's connection, not yet made. SecretMissing where the password is not to be had."""
        return app.amqp.Connection(
            hostname=self.host,
            port=self.port,
            userid=self.user,
            password=self.password.reveal(),
            virtual_host=self.vhost,
            transport="amqp",
            ssl=self._tls(),
            heartbeat=HEARTBEAT_SECONDS,
            connect_timeout=CONNECT_SECONDS,
            transport_options={"confirm_publish": True, "read_timeout": 30, "write_timeout": 30},
        )

    def _tls(self) -> dict[str, Any]:
        return {
            "cert_reqs": ssl.CERT_REQUIRED,
            "ca_certs": self.ca or None,
            "server_hostname": self.host,
            "ssl_version": ssl.PROTOCOL_TLS_CLIENT,
            "tls_minimum_version": ssl.TLSVersion.TLSv1_2,
        }

    def __str__(self) -> str:
        return f"amqps://{self.user}@{self.host}:{self.port}/{self.vhost}"


def parse_address(text: str) -> tuple[str, str, int]:
    """User (or empty), host and port of ``amqps://[user@]host[:port]``. ValueError says what is wrong, not what was
    written, which may hold a password."""
    try:
        parts = urlsplit(text)
        port = parts.port or PORT
    except ValueError:
        raise ValueError("is no address of a broker: write amqps://host, or amqps://host:5671") from None
    if parts.scheme == "amqp":
        raise ValueError("amqp:// is not encrypted: write amqps://host")
    if parts.scheme != "amqps" or not parts.hostname:
        raise ValueError("is no address of a broker: write amqps://host, or amqps://host:5671")
    if parts.password is not None:
        raise ValueError("an address holds no password: write a reference to it under 'password'")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("the address ends after the port: virtual hosts are named after site and zone")
    user = parts.username or ""
    if user and not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", user):
        raise ValueError("the user's name has letters, digits, '.', '_' and '-' only")
    if not _is_address(parts.hostname) and not _HOST.fullmatch(parts.hostname):
        raise ValueError("the host is neither a name nor an address")
    return user, parts.hostname, port


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


#: Celery puts another module in its own place while it is imported: a thread that waits for that import is left with
#: the old one, which has no ``Celery``.
_FIRST_IMPORT = threading.Lock()


def celery_app(broker: Broker) -> Any:
    """A Celery application that makes nothing on the broker and keeps no results.

    It consumes one queue that is there already, acknowledges late, and reads nothing but JSON. The password is looked
    up for each connection and stands in no setting.
    """
    with _FIRST_IMPORT:
        from celery import Celery
        from celery.app.amqp import Queue

    app = Celery("auditor", set_as_current=False, changes=dict(_SETTINGS), fixups=())
    # Only quorum queues count deliveries; Celery must know the kind, since it sets the prefetch another way for them.
    queue = Queue(JOBS, routing_key=JOBS, no_declare=True, queue_arguments={"x-queue-type": "quorum"})
    app.conf.task_queues = (queue,)

    def connection(_url: object = None, **_more: object) -> Any:
        return broker.connection(app)

    app.connection_for_read = app.connection_for_write = connection
    return app


_SETTINGS: Mapping[str, object] = {
    "accept_content": ["json"],
    "task_serializer": "json",
    "task_default_queue": JOBS,
    "task_create_missing_queues": False,
    "task_ignore_result": True,
    "task_acks_late": True,
    # What no worker could even begin is put aside where the centre sees it, and is not lost.
    "task_acks_on_failure_or_timeout": False,
    "task_reject_on_worker_lost": True,
    "task_store_errors_even_if_ignored": False,
    "worker_prefetch_multiplier": 1,
    "worker_enable_prefetch_count_reduction": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_detect_quorum_queues": True,
    "broker_connection_retry": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_heartbeat": HEARTBEAT_SECONDS,
}


def trouble(connection: Any) -> tuple[type[BaseException], ...]:
    """What using the connection can raise, on any day: a cut line, a restart, a refused login, a full queue."""
    from celery.exceptions import OperationalError

    errors: tuple[type[BaseException], ...] = (
        *connection.connection_errors,
        *connection.recoverable_connection_errors,
        *connection.channel_errors,
    )
    return (*errors, OperationalError, OSError)
