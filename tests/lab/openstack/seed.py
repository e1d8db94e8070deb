"""Fills a running cloud through its own API by the plan that it was given. Runs in the tests, with openstacksdk."""

from __future__ import annotations

import re
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path
from typing import Any

#: A port of the dead regions' endpoints; nothing listens there.
NOBODY = 9


def connect(cloud: Any, project: str = "admin", user: str = "admin", password: str = "") -> Any:
    """openstacksdk's connection, scoped to a project; nothing of the caller's configuration is read."""
    import openstack

    return openstack.connect(
        auth_url=cloud.auth_url,
        username=user,
        password=password or cloud.password,
        project_name=project,
        user_domain_name="Default",
        project_domain_name="Default",
        region_name=cloud.region,
        load_yaml_config=False,
        load_envvars=False,
    )


def catalogue(cloud: Any) -> None:
    """The services' users and endpoints, as an installer would make them."""
    settings = cloud_settings()
    keystone = connect(cloud).identity
    project = keystone.create_project(name="service", domain_id="default")
    roles = {role.name: role for role in keystone.roles()}
    roles.setdefault("service", None)
    roles["service"] = roles["service"] or keystone.create_role(name="service")
    services = {"keystone": next(iter(keystone.services()))}
    for name, (kind, _ending) in settings.CATALOGUE.items():
        user = keystone.create_user(name=name, password=cloud.password, domain_id="default")
        for role in ("admin", "service"):
            keystone.assign_project_role_to_user(project, user, roles[role])
        services[name] = keystone.create_service(name=name, type=kind)
    _endpoints(cloud, keystone, services, cloud.region)
    for region in cloud.plan.dead_regions:
        add_dead_region(cloud, region)


def add_dead_region(cloud: Any, region: str) -> None:
    """A region more in the catalogue, at whose endpoints nothing listens."""
    keystone = connect(cloud).identity
    keystone.create_region(id=region)
    services = {service.name: service for service in keystone.services()}
    _endpoints(cloud, keystone, services, region, NOBODY)


def _endpoints(cloud: Any, keystone: Any, services: dict[str, Any], region: str, port: int = 0) -> None:
    settings = cloud_settings()
    for name, (_kind, ending) in settings.CATALOGUE.items():
        url = f"http://{cloud.address}:{port or settings.PORTS[name]}{ending}"
        for interface in ("public", "internal", "admin"):
            keystone.create_endpoint(service_id=services[name].id, interface=interface, url=url, region_id=region)


def cloud_settings() -> Any:
    return sys.modules["lab_openstack_settings"]


def fill(cloud: Any) -> dict[str, str]:
    """Makes what the plan names; name → id of the servers, all of which are in their final state."""
    plan, admin = cloud.plan, connect(cloud)
    keystone = admin.identity
    roles = {role.name: role for role in keystone.roles()}
    projects = {"admin": keystone.find_project("admin")}
    root = keystone.find_user("admin")
    for one in plan.projects:
        projects[one.name] = keystone.create_project(name=one.name, domain_id="default", tags=list(one.tags))
        keystone.assign_project_role_to_user(projects[one.name], root, roles["admin"])
    for user in plan.users:
        made = keystone.create_user(name=user.name, password=user.password, domain_id="default")
        for project, role in user.roles.items():
            keystone.assign_project_role_to_user(projects[project], made, roles[role])
    for flavor in plan.flavors:
        admin.compute.create_flavor(name=flavor.name, vcpus=1, ram=flavor.memory_mb, disk=1)
    for image in plan.images:
        about = {"os_distro": image.distro, "os_version": image.version}
        admin.image.create_image(
            name=image.name,
            data=b"\0" * 65536,
            disk_format="raw",
            container_format="bare",
            visibility="public",
            **{key: value for key, value in about.items() if value},
        )
    _networks(cloud, plan.networks, {server.network for server in plan.servers if server.floating})
    with ThreadPoolExecutor(4) as pool:
        made_servers = list(pool.map(lambda server: _server(cloud, server), plan.servers))
    return dict(made_servers)


def _networks(cloud: Any, networks: Iterable[Any], routed: set[str]) -> None:
    """Networks with one subnet each; those in ``routed`` get a router to the external one."""
    outside = None
    for network in sorted(networks, key=lambda n: not n.external):
        neutron = connect(cloud, network.project).network
        flat = {"provider_network_type": "flat", "provider_physical_network": "outside"} if network.external else {}
        made = neutron.create_network(name=network.name, is_router_external=network.external, **flat)
        # A network of loopback addresses (the laboratory's city) may have no DHCP.
        dhcp = not network.prefix.startswith("127.")
        # Routers take any address of the pool, and would now and then take one that a server wishes for.
        upper = list(ip_network(network.prefix).subnets(1))[1]
        pool = {"allocation_pools": [{"start": str(upper[1]), "end": str(upper[-2])}]} if network.external else {}
        subnet = neutron.create_subnet(
            name=network.name, network_id=made.id, ip_version=4, cidr=network.prefix, is_dhcp_enabled=dhcp, **pool
        )
        if network.external:
            outside = made
        elif network.name in routed:
            assert outside is not None, "a floating address needs an external network"
            router = neutron.create_router(
                name=f"{network.name}-router", external_gateway_info={"network_id": outside.id}
            )
            neutron.add_interface_to_router(router, subnet_id=subnet.id)


def _server(cloud: Any, server: Any) -> tuple[str, str]:
    conn = connect(cloud, server.project)
    network = conn.network.find_network(server.network)
    nic = {"uuid": network.id, **({"fixed_ip": server.address} if server.address else {})}
    made = conn.compute.create_server(
        name=server.name,
        flavor_id=conn.compute.find_flavor(server.flavor).id,
        image_id=conn.image.find_image(server.image).id,
        networks=[nic],
        metadata=dict(server.metadata),
    )
    _wait(conn, made, "ACTIVE")
    if server.tags:
        tags = {"tags": list(server.tags)}
        conn.compute.put(f"/servers/{made.id}/tags", json=tags, microversion="2.26", raise_exc=True)
    if server.floating:
        outside = next(iter(conn.network.networks(is_router_external=True)))
        port = next(iter(conn.network.ports(device_id=made.id)))
        admin = connect(cloud)
        admin.network.create_ip(
            floating_network_id=outside.id,
            port_id=port.id,
            floating_ip_address=server.floating,
            project_id=conn.current_project_id,
        )
    if server.volume:
        name, size = server.volume
        volume = conn.block_storage.create_volume(name=name, size=size)
        conn.block_storage.wait_for_status(volume, "available", interval=1, wait=120)
        conn.compute.create_volume_attachment(made.id, volume_id=volume.id)
    if not server.on:
        conn.compute.stop_server(made.id)
        _wait(conn, made, "SHUTOFF")
    return server.name, made.id


def _wait(conn: Any, server: Any, status: str) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        now = conn.compute.get_server(server.id)
        if now.status == status:
            return
        if now.status == "ERROR":
            raise RuntimeError(f"{now.name}: {now.fault}")
        time.sleep(1)
    raise RuntimeError(f"{server.name} is not {status} in time")


# --- many rows ----------------------------------------------------------------------------------------------

_OWN = ("instance_extra", "instance_info_caches", "instance_metadata", "instance_system_metadata", "tags")
_ABOVE = ("instance_mappings", "request_specs")


def copy_rows(data: Path, count: int) -> None:
    """``count`` servers more, as copies of the running ones' rows: ``row-00000`` and so on."""
    cell = _open(data / "nova_cell1.db")
    above = _open(data / "nova_api.db")
    models = [dict(row) for row in cell.execute("SELECT * FROM instances WHERE deleted = 0 AND vm_state = 'active'")]
    for number in range(count):
        model = models[number % len(models)]
        old, new, name = model["uuid"], str(uuid.uuid4()), f"row-{number:05d}"
        _insert(cell, "instances", {**model, "uuid": new, "display_name": name, "hostname": name})
        for table in _OWN:
            key = "resource_id" if table == "tags" else "instance_uuid"
            for row in cell.execute(f"SELECT * FROM {table} WHERE {key} = ?", (old,)).fetchall():
                _insert(cell, table, _renamed(dict(row), old, new, number))
        for row in cell.execute(
            "SELECT * FROM block_device_mapping WHERE instance_uuid = ? AND volume_id IS NULL AND deleted = 0", (old,)
        ).fetchall():
            _insert(cell, "block_device_mapping", {**dict(row), "instance_uuid": new, "uuid": str(uuid.uuid4())})
        for table in _ABOVE:
            for row in above.execute(f"SELECT * FROM {table} WHERE instance_uuid = ?", (old,)).fetchall():
                _insert(above, table, _renamed(dict(row), old, new, number))
    for connection in (cell, above):
        connection.commit()
        connection.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60)
    connection.row_factory = sqlite3.Row
    return connection


def _renamed(row: dict[str, Any], old: str, new: str, number: int) -> dict[str, Any]:
    """A row of the copy: with its UUID, and in what nova remembers of its network, its own address and MAC."""
    out = {key: value.replace(old, new) if isinstance(value, str) else value for key, value in row.items()}
    if isinstance(out.get("network_info"), str):
        spot = f"10.{200 + number // 65025}.{number // 255 % 255}.{number % 255 + 1}"
        mac = f"fa:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        text = re.sub(r'"fa:16:3e:[0-9a-f:]+"', f'"{mac}"', out["network_info"])
        text = re.sub(r'("address": )"[0-9.]+"(, "type": "fixed")', rf'\1"{spot}"\2', text)
        out["network_info"] = re.sub(r'("type": "fixed"[^{{}}]*?"address": )"[0-9.]+"', rf'\1"{spot}"', text)
    return out


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    row = {key: value for key, value in row.items() if key != "id"}
    names, marks = ",".join(row), ",".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
