"""Writes the configuration files of one real OpenStack on one address, with SQLite and nothing else behind it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

REGION = "gov-1"
#: Of the cloud's own administrator and services, which listen on loopback only.
PASSWORD = "lab-password"
#: Service → port; the services' own usual ones.
PORTS = {"keystone": 5000, "nova": 8774, "cinder": 8776, "placement": 8778, "glance": 9292, "neutron": 9696}
SERVICES = tuple(PORTS)
#: Service → type in the catalogue, and what its address ends with there.
CATALOGUE = {
    "nova": ("compute", "/v2.1"),
    "placement": ("placement", ""),
    "glance": ("image", ""),
    "neutron": ("network", ""),
    "cinder": ("block-storage", "/v3"),
}

Sections = Mapping[str, Mapping[str, object]]


def write(folder: Path, venv: Path, address: str, max_limit: int) -> None:
    """``folder/etc/SERVICE/*`` for every service; ``max_limit``: rows in a page of nova's and cinder's at most."""
    made = {
        "keystone": ("keystone.conf", _keystone(folder)),
        "placement": ("placement.conf", _placement(folder, address)),
        "glance": ("glance-api.conf", _glance(folder, address)),
        "neutron": ("neutron.conf", _neutron(folder, address)),
        "nova": ("nova.conf", _nova(folder, address, max_limit)),
        "cinder": ("cinder.conf", _cinder(folder, address, max_limit)),
    }
    for service, (name, sections) in made.items():
        home = folder / "etc" / service
        home.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(_text(sections), "utf-8")
        (folder / "state" / service).mkdir(parents=True, exist_ok=True)
    for service, names in {
        "glance": ["glance-api-paste.ini"],
        "neutron": ["api-paste.ini"],
        "nova": ["api-paste.ini"],
        "cinder": ["api-paste.ini", "resource_filters.json"],
    }.items():
        for name in names:
            shutil.copy(venv / "etc" / service / name, folder / "etc" / service / name)


def _text(sections: Sections) -> str:
    lines: list[str] = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for key, value in options.items()]
    return "\n".join(lines) + "\n"


def _database(folder: Path, name: str) -> dict[str, object]:
    return {"connection": f"sqlite:///{folder}/data/{name}.db?timeout=60", "sqlite_synchronous": "false"}


def _login(address: str, user: str) -> dict[str, object]:
    return {
        "auth_url": f"http://{address}:{PORTS['keystone']}/v3",
        "auth_type": "password",
        "project_domain_name": "Default",
        "user_domain_name": "Default",
        "project_name": "service",
        "username": user,
        "password": PASSWORD,
    }


def _common(folder: Path, address: str, service: str) -> dict[str, Mapping[str, object]]:
    login = _login(address, service)
    return {
        "oslo_messaging_notifications": {"driver": "noop"},
        "oslo_concurrency": {"lock_path": folder / "state" / service},
        "keystone_authtoken": {
            **login,
            "www_authenticate_uri": login["auth_url"],
            "service_token_roles": "service",
            "service_token_roles_required": "true",
        },
    }


def _default(folder: Path, service: str, **more: object) -> dict[str, object]:
    return {"log_file": folder / "log" / f"{service}.log", **more}


def _keystone(folder: Path) -> Sections:
    return {
        "DEFAULT": _default(folder, "keystone"),
        "database": _database(folder, "keystone"),
        # The cheapest that keystone takes: each login of this test cloud pays for it.
        "identity": {"password_hash_algorithm": "bcrypt", "password_hash_rounds": 4},
        "cache": {"enabled": "true", "backend": "oslo_cache.dict"},
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": folder / "data" / "fernet"},
        "credential": {"key_repository": folder / "data" / "credential"},
        "oslo_messaging_notifications": {"driver": "noop"},
    }


def _placement(folder: Path, address: str) -> Sections:
    return {
        "DEFAULT": _default(folder, "placement"),
        "placement_database": _database(folder, "placement"),
        "api": {"auth_strategy": "keystone"},
        **_common(folder, address, "placement"),
    }


def _glance(folder: Path, address: str) -> Sections:
    state = folder / "state" / "glance"
    return {
        "DEFAULT": _default(
            folder,
            "glance",
            worker_self_reference_url=f"http://{address}:{PORTS['glance']}",
            enabled_backends="file:file",
            enabled_import_methods="[]",
        ),
        "glance_store": {"default_backend": "file"},
        "file": {"filesystem_store_datadir": folder / "data" / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": state / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": state / "tasks"},
        "database": _database(folder, "glance"),
        "paste_deploy": {"flavor": "keystone"},
        **_common(folder, address, "glance"),
    }


def _neutron(folder: Path, address: str) -> Sections:
    quotas = ("network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule")
    return {
        "DEFAULT": _default(
            folder,
            "neutron",
            state_path=folder / "state" / "neutron",
            core_plugin="ml2",
            service_plugins="router",
            auth_strategy="keystone",
            transport_url="fake://",
            api_paste_config=folder / "etc" / "neutron" / "api-paste.ini",
            pagination_max_limit=1000,
            notify_nova_on_port_status_changes="false",
            # Without it nova does not learn of floating addresses.
            notify_nova_on_port_data_changes="true",
        ),
        "database": _database(folder, "neutron"),
        "nova": {"region_name": REGION, **_login(address, "nova")},
        "quotas": {f"quota_{name}": -1 for name in quotas},
        "ml2": {
            "type_drivers": "flat,vlan,vxlan,local",
            "tenant_network_types": "vxlan",
            "mechanism_drivers": "lab",
        },
        "ml2_type_flat": {"flat_networks": "*"},
        "ml2_type_vxlan": {"vni_ranges": "1:10000"},
        **_common(folder, address, "neutron"),
    }


def _nova(folder: Path, address: str, max_limit: int) -> Sections:
    login = _login(address, "nova")
    return {
        "DEFAULT": _default(
            folder,
            "nova",
            state_path=folder / "state" / "nova",
            host="nova-ctl",
            my_ip=address,
            compute_driver="fake.LabDriver",
            transport_url="fake://",
            rpc_response_timeout=180,
            # Requests wait for each other within five threads, for a minute, where several servers are made at once.
            cell_worker_thread_pool_size=64,
            default_thread_pool_size=64,
        ),
        # nova checks each answer of its own against a schema by default: a third of the time.
        "api": {"auth_strategy": "keystone", "max_limit": max_limit, "response_validation": "ignore"},
        "api_database": _database(folder, "nova_api"),
        "database": _database(folder, "nova_cell1"),
        "quota": {"instances": -1, "cores": -1, "ram": -1},
        "placement": {"region_name": REGION, **login},
        "neutron": {"region_name": REGION, **login},
        "glance": {"region_name": REGION},
        "cinder": {"os_region_name": REGION, **login},
        "service_user": {"send_service_user_token": "true", **login},
        **_common(folder, address, "nova"),
    }


def _cinder(folder: Path, address: str, max_limit: int) -> Sections:
    return {
        "DEFAULT": _default(
            folder,
            "cinder",
            state_path=folder / "state" / "cinder",
            host="storage-01",
            my_ip=address,
            transport_url="fake://",
            auth_strategy="keystone",
            api_paste_config=folder / "etc" / "cinder" / "api-paste.ini",
            resource_query_filters_file=folder / "etc" / "cinder" / "resource_filters.json",
            enabled_backends="lab",
            # It waits a minute for its fellows by default; here they are threads of one process.
            scheduler_driver_init_wait_time=1,
            osapi_max_limit=max_limit,
            quota_volumes=-1,
            quota_gigabytes=-1,
        ),
        "lab": {
            "volume_driver": "cinder.tests.fake_driver.FakeLoggingVolumeDriver",
            "volume_backend_name": "lab",
        },
        "database": _database(folder, "cinder"),
        **_common(folder, address, "cinder"),
    }
