"""Runs one real OpenStack service in one process, or makes its tables. Only the cloud's own environment runs this.

``serve.py FOLDER serve SERVICE ADDRESS PORT`` serves until its standard input closes (whoever started it is gone)
or SIGTERM comes. ``serve.py FOLDER tables SERVICE`` makes an empty database.

What is not real, and nothing else: messages go through oslo.messaging's own in-memory ``fake://`` transport, so the
API, the scheduler and the workers of a service are threads of one process; nova's own fake driver stands for
the hypervisors, cinder's for the storage; ports are bound by :class:`LabMechanism`, which asks no agent.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import traceback
import uuid
from pathlib import Path

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
HOSTS = ("compute-01", "compute-02")


def conf(service: str) -> Path:
    return FOLDER / "etc" / service


# --- SQLite under services that were made for a database server ---------------------------------------------


def tame_sqlite(service: str) -> list[sqlite3.Connection]:
    """Makes writers queue instead of failing, and spares each transaction the closing of the file.

    SQLite refuses at once to turn a transaction that has read into one that writes where another has written
    meanwhile; oslo.db begins every transaction as a reader. Here those it calls writers take the lock at once.
    """
    from oslo_db.sqlalchemy import enginefacade, engines
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    writing = threading.local()
    # Made for eventlet; among threads on a busy machine it gives the processor away at each query.
    engines._thread_yield = lambda *_args: None
    plain = enginefacade._TransactionContext._produce_block

    @contextlib.contextmanager
    def produce(self, mode, *args, **kwargs):
        before = getattr(writing, "now", False)
        block = plain(self, mode, *args, **kwargs)
        # Of this transaction, not of one around it that is independent: that one has a connection of its own.
        writing.now = self.mode is enginefacade._WRITER
        try:
            with block as result:
                yield result
        finally:
            writing.now = before

    enginefacade._TransactionContext._produce_block = produce

    @event.listens_for(Engine, "before_cursor_execute", retval=True)
    def _begin(_conn, _cursor, statement, parameters, _context, _many):
        if statement == "BEGIN" and getattr(writing, "now", False):
            statement = "BEGIN IMMEDIATE"
        return statement, parameters

    # The last connection that closes a file copies its whole log back: one is held open.
    held = []
    for path in (FOLDER / "data").glob(f"{service}*.db"):
        connection = sqlite3.connect(path, check_same_thread=False)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        held.append(connection)
    return held


# --- tables -------------------------------------------------------------------------------------------------


def tables_keystone() -> None:
    from keystone.cmd import manage

    me = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
    urls = [f"--bootstrap-{kind}-url=http://ADDRESS:5000/v3" for kind in ("admin", "internal", "public")]
    for command in (
        ["db_sync"],
        ["fernet_setup", *me],
        ["credential_setup", *me],
        ["bootstrap", "--bootstrap-password", "lab-password", *urls, "--bootstrap-region-id", "gov-1"],
    ):
        pid = os.fork()
        if not pid:
            sys.argv = ["keystone-manage", "--config-file", str(conf("keystone") / "keystone.conf"), *command]
            manage.main()
            os._exit(0)
        if os.waitpid(pid, 0)[1]:
            sys.exit(f"keystone-manage {command[0]} failed")


def tables_placement() -> None:
    from placement.cmd import manage

    sys.argv = ["placement-manage", "--config-file", str(conf("placement") / "placement.conf"), "db", "sync"]
    manage.main()


def tables_glance() -> None:
    from glance.cmd import manage

    sys.argv = ["glance-manage", "--config-file", str(conf("glance") / "glance-api.conf"), "db_sync"]
    manage.main()


def tables_cinder() -> None:
    from cinder.cmd import manage

    sys.argv = ["cinder-manage", "--config-file", str(conf("cinder") / "cinder.conf"), "db", "sync"]
    manage.main()


def tables_neutron() -> None:
    """Neutron's migrations alter constraints, which SQLite cannot; its models can be created as they are now."""
    from neutron.db.migration.models import head
    from oslo_db.sqlalchemy import enginefacade

    facade = enginefacade.transaction_context()
    facade.configure(connection=f"sqlite:///{FOLDER}/data/neutron.db", sqlite_synchronous=False)
    head.get_metadata().create_all(facade.writer.get_engine())


def tables_nova() -> None:
    from nova import config, objects
    from nova.cmd import manage

    config.parse_args(["nova-manage"], default_config_files=[str(conf("nova") / "nova.conf")])
    objects.register_all()
    url = f"sqlite:///{FOLDER}/data/nova_%s.db?timeout=60"
    cells = manage.CellV2Commands()
    for code in (
        manage.ApiDbCommands().sync(),
        cells.map_cell0(url % "cell0"),
        cells.create_cell("cell1", url % "cell1", "fake://"),
        manage.DbCommands().sync(),
    ):
        if code not in (None, 0):
            sys.exit(f"nova-manage: {code}")


# --- services -----------------------------------------------------------------------------------------------


def listen(application, address: str, port: int) -> None:
    import waitress

    waitress.serve(
        application,
        host=address,
        port=port,
        threads=8,
        ident="lab",
        channel_timeout=600,
        clear_untrusted_proxy_headers=True,
    )


def serve_keystone():
    os.environ["OS_KEYSTONE_CONFIG_DIR"] = str(conf("keystone"))
    from keystone.wsgi.api import application

    return application


def serve_placement():
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = str(conf("placement"))
    from placement.wsgi.api import application

    return application


def serve_glance():
    os.environ["OS_GLANCE_CONFIG_DIR"] = str(conf("glance"))
    from glance.wsgi.api import application

    return application


def serve_neutron():
    os.environ["OS_NEUTRON_CONFIG_DIR"] = str(conf("neutron"))
    os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf"
    from neutron.wsgi.api import application
    from neutron_lib.callbacks import events, registry, resources
    from neutron_lib.plugins import constants, directory

    def associated(_resource, _event, _trigger, payload):
        # A layer-3 agent would report the floating address up; here is none.
        port = payload.latest_state.get("port_id") or payload.latest_state.get("fixed_port_id")
        directory.get_plugin(constants.L3).update_floatingip_status(
            payload.context.elevated(), payload.resource_id, "ACTIVE" if port else "DOWN"
        )

    for event in (events.AFTER_CREATE, events.AFTER_UPDATE):
        registry.subscribe(associated, resources.FLOATING_IP, event)
    return application


def serve_nova():
    os.environ["OS_NOVA_CONFIG_DIR"] = str(conf("nova"))
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    import os_vif
    from nova import context, service
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.objects import host_mapping
    from nova.scheduler import rpcapi as scheduler
    from nova.virt import fake
    from nova.wsgi.osapi_compute import application

    class LabDriver(fake.FakeDriver):
        vcpus, memory_mb, local_gb = 256, 2 << 20, 200 << 10

        def get_available_resource(self, nodename):
            # The fake gives a node a new UUID at each start, and nova then refuses the host; and it calls
            # itself "fake", which no cloud does.
            own = {"uuid": self._uuid(nodename), "hypervisor_type": "QEMU", "hypervisor_version": 8002000}
            return {**super().get_available_resource(nodename), **own}

        def get_nodenames_by_uuid(self, refresh=False):
            return {self._uuid(name): name for name in self.get_available_nodes()}

        @staticmethod
        def _uuid(nodename):
            return str(uuid.uuid5(uuid.NAMESPACE_DNS, nodename))

    fake.LabDriver = LabDriver
    os_vif.initialize()
    made = [
        service.Service.create(binary="nova-conductor", topic=conductor.RPC_TOPIC),
        service.Service.create(binary="nova-scheduler", topic=scheduler.RPC_TOPIC),
    ]
    made += [
        service.Service.create(
            host=host, binary="nova-compute", topic=compute.RPC_TOPIC, topic_alt=compute.RPC_TOPIC_ALT
        )
        for host in HOSTS
    ]
    for one in made:
        one.start()
    host_mapping.discover_hosts(context.get_admin_context())
    return application


def serve_cinder():
    os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "true"
    from cinder import monkey_patch

    monkey_patch.patch()
    sys.argv = ["cinder", "--config-file", str(conf("cinder") / "cinder.conf")]
    from cinder import service
    from cinder.cmd import volume as _volume  # noqa: F401  registers options
    from cinder.wsgi.api import application

    service.Service.create(binary="cinder-scheduler").start()
    service.Service.create(
        host="storage-01@lab", service_name="lab", binary="cinder-volume", coordination=True
    ).start()
    return application


try:
    from neutron_lib.api.definitions import portbindings
    from neutron_lib.plugins.ml2 import api as ml2
except ImportError:
    pass
else:

    class LabMechanism(ml2.MechanismDriver):
        """Binds every port at once, as one of Open vSwitch, with no agent to ask."""

        def initialize(self):
            pass

        @property
        def connectivity(self):
            return portbindings.CONNECTIVITY_L2

        def bind_port(self, context):
            segment = context.segments_to_bind[0]
            details = {portbindings.CAP_PORT_FILTER: True}
            context.set_binding(segment[ml2.ID], portbindings.VIF_TYPE_OVS, details, status="ACTIVE")


def end_with_parent() -> None:
    """Ends this process when whoever holds the other end of its standard input is gone."""

    def wait():
        os.read(0, 1)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main(_folder: str, what: str, service: str, *rest: str) -> None:
    held = tame_sqlite(service)
    if what == "tables":
        globals()[f"tables_{service}"]()
        return
    end_with_parent()
    sys.argv = [service]
    try:
        listen(globals()[f"serve_{service}"](), rest[0], int(rest[1]))
    finally:
        # Threads that are under way would keep the process.
        traceback.print_exc()
        sys.stderr.flush()
        del held
        os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
