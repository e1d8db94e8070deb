"""The endpoints probe against real counterparts: the vCenter simulator and a whole OpenStack, on their own ports."""

from __future__ import annotations

import importlib.util
import ipaddress
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from inventories.coverage import Covered
from inventories.model import Collection, Strength
from inventories.places import Zone
from probes.base import Stop
from probes.endpoints.probe import EndpointsProbe
from probes.profiles import PROFILES
from probes.run import run_probes
from probes.scope import Permit

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("openstack")]

VCENTER, CLOUD = "127.77.9.2", "127.20.0.19"


def _load(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def look(address: str, folder: Path) -> Collection:
    targets = (ipaddress.ip_network(f"{address}/32"),)
    now = datetime.now(UTC)
    zone = Zone("a", "区", "v", "department", targets)
    given = Permit(zone, targets, (), PROFILES["normal"], ("授权书",), now + timedelta(hours=1))
    return run_probes([EndpointsProbe()], [given], workdir=folder, stop=Stop(), now=lambda: datetime.now(UTC))


def products(found: Collection) -> dict[str, Strength]:
    return {
        str(fact.value[0]): fact.strength
        for observation in found.observations
        for fact in observation.facts
        if fact.column == "products" and isinstance(fact.value, tuple)
    }


@pytest.mark.parametrize("esxi", [False, True])
def test_a_vcenter_and_a_lone_host(tmp_path: Path, esxi: bool) -> None:
    with _load("vcenter").VCenter(VCENTER, directory=tmp_path, machines=2, esxi=esxi, version="7.0.3", port=443):
        found = look(VCENTER, tmp_path)
    assert products(found) == {"hypervisor:VMware vSphere API 7.0.3.0": Strength.SEEN_OUTSIDE}
    assert found.failures == () and Covered(found.coverage).address("v", VCENTER, "endpoints")


def test_a_whole_openstack(tmp_path: Path) -> None:
    lab = _load("cloud")
    with lab.Cloud(CLOUD, plan=lab.Plan()):
        found = look(CLOUD, tmp_path)
    seen = {name.split()[1]: strength for name, strength in products(found).items() if "OpenStack" in name}
    # Without volumes in the plan there is no cinder.
    assert seen == dict.fromkeys(("Keystone", "Nova", "Neutron", "Glance"), Strength.SEEN_OUTSIDE)
    assert found.failures == () and Covered(found.coverage).address("v", CLOUD, "endpoints")
