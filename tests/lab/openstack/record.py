"""Records what a real cloud answers, for the quick suite's replay: ``record.py OUT`` starts one, asks, and ends it.

The cloud's addresses become ``@identity@``, ``@compute@`` and so on, so that a replay can put its own in; tokens are
never written. Run from the repository's folder, by its own Python.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ADDRESS = "127.20.0.77"
LAB = Path(__file__).resolve().parents[1]
#: Path segment in a replay → the service's name in the lab.
SERVICES = {
    "identity": "keystone",
    "compute": "nova",
    "placement": "placement",
    "image": "glance",
    "network": "neutron",
    "volume": "cinder",
}


def load(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, LAB / f"{name}.py")
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def recorded(cloud: Any) -> dict[str, Any]:
    """Everything that the probe asks for, as the cloud answers its users."""
    import requests

    lab = load("cloud")
    ports = lab.settings.PORTS
    base = {kind: f"http://{cloud.address}:{ports[name]}" for kind, name in SERVICES.items()}
    session = requests.Session()
    session.trust_env = False

    def login(user: Any, project: str) -> tuple[str, Any]:
        scope = {"project": {"name": project, "domain": {"id": "default"}}} if project else "unscoped"
        who = {"name": user.name, "password": user.password, "domain": {"id": "default"}}
        auth = {"identity": {"methods": ["password"], "password": {"user": who}}, "scope": scope}
        answer = session.post(f"{base['identity']}/v3/auth/tokens", json={"auth": auth})
        return answer.headers.get("X-Subject-Token", ""), answer.json()

    def get(token: str, url: str, version: str = "") -> Any:
        headers = {"X-Auth-Token": token, **({"OpenStack-API-Version": f"compute {version}"} if version else {})}
        answer = session.get(url, headers=headers)
        return answer.json() if answer.ok else {"status": answer.status_code, "body": answer.json()}

    admin, reader = (user for user in cloud.plan.users if user.name in ("city-admin", "city-reader"))
    root, token = login(admin, "admin")
    first = next(iter(reader.roles))
    other, reader_token = login(reader, first)
    unscoped, unscoped_token = login(reader, "")
    wrong = login(lab.User(reader.name, "wrong", {}), first)[1]
    nova, neutron = f"{base['compute']}/v2.1", f"{base['network']}/v2.0"
    every = f"{nova}/servers/detail?all_tenants=1"
    out = {
        "users": {user.name: dict(user.roles) for user in cloud.plan.users},
        "token": token,
        "reader_token": reader_token,
        "unscoped_token": unscoped_token,
        "refused_login": wrong,
        "auth_projects": get(unscoped, f"{base['identity']}/v3/auth/projects"),
        "projects": get(root, f"{base['identity']}/v3/projects"),
        "projects_refused": get(other, f"{base['identity']}/v3/projects"),
        "version": get(root, f"{nova}/"),
        # Asked by other clients of the SDK's, that discover what the probe does not.
        "version_identity": get("", f"{base['identity']}/v3"),
        "version_image": get("", f"{base['image']}/"),
        "version_network": get("", f"{base['network']}/"),
        "version_volume": get(root, f"{base['volume']}/v3/"),
        "servers": get(root, every, "2.69"),
        "servers_old": get(root, every),
        "servers_refused": get(other, every, "2.69"),
        "servers_expired": get("expired", every),
        "servers_lost_marker": get(root, f"{every}&marker=00000000-0000-0000-0000-000000000000"),
        "servers_page": get(root, f"{every}&limit=2", "2.69"),
        "hypervisors": get(root, f"{nova}/os-hypervisors/detail", "2.69"),
        "hypervisors_old": get(root, f"{nova}/os-hypervisors/detail"),
        "hypervisors_refused": get(other, f"{nova}/os-hypervisors/detail", "2.69"),
        "flavors": get(root, f"{nova}/flavors/detail"),
        "images": get(root, f"{base['image']}/v2/images?visibility=all&limit=1000"),
        "volumes": get(root, f"{base['volume']}/v3/volumes/detail?all_tenants=1"),
        **{key: get(root, f"{neutron}/{key}") for key in ("networks", "subnets", "ports", "floatingips")},
    }
    text = json.dumps(out, ensure_ascii=False, indent=1, sort_keys=True)
    for kind, url in base.items():
        text = text.replace(url, f"@{kind}@")
    return json.loads(text.replace(cloud.address, "@address@"))  # type: ignore[no-any-return]


def main(out: str) -> None:
    lab = load("cloud")
    plan = load("test_openstack").PLAN
    with lab.Cloud(ADDRESS, plan=plan) as cloud:
        found = recorded(cloud)
    # A row on each line: a change in one is seen as such.
    lines = [f"{json.dumps(key)}: {_folded(value)}" for key, value in sorted(found.items())]
    Path(out).write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _folded(value: Any) -> str:
    rows = next((key for key, inner in value.items() if isinstance(inner, list) and len(inner) > 1), None)
    if rows is None:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    rest = {key: inner for key, inner in value.items() if key != rows}
    inside = ",\n  ".join(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in value[rows])
    head = "".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}, " for k, v in rest.items())
    return f"{{{head}{json.dumps(rows)}: [\n  {inside}]}}"


if __name__ == "__main__":
    main(*sys.argv[1:])
