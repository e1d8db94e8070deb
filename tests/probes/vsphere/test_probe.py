"""Shards, and the table of whose a cloud's resources are."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest

from probes.access import Access, Belongs, VsphereAccess
from probes.cloud_owners import Owner, owner
from probes.scope import Permit
from probes.secrets import Secret
from probes.vsphere.probe import VsphereProbe

ONE = VsphereAccess("https://127.66.0.2", "auditor", Secret("env", "VC"))


def shards(permit: Permit, *access: VsphereAccess) -> Any:
    return VsphereProbe().shards(replace(permit, access=Access(vsphere=access)))


def test_a_shard_for_each_endpoint(lab: Any) -> None:
    permit = lab.permit(ONE)
    assert shards(permit) == ()
    named, outside = replace(ONE, endpoint="https://vc.example"), replace(ONE, endpoint="https://192.0.2.1")
    inside, by_name, beyond = shards(permit, ONE, named, outside)
    assert inside.targets == (ipaddress.ip_network("127.66.0.2/32"),)
    # Whatever its name leads to, it is not known yet; and what may not be asked is no target.
    assert by_name.targets == beyond.targets == ()
    assert {shard.probe for shard in (inside, by_name, beyond)} == {"vsphere"}
    assert len({inside.id, by_name.id, beyond.id}) == 3


def test_a_shard_is_known_again_by_its_settings(lab: Any) -> None:
    permit = lab.permit(ONE)
    (same,) = shards(permit, ONE)
    assert shards(permit, replace(ONE)) == (same,)
    changes: tuple[dict[str, Any], ...] = (
        {"user": "other"},
        {"password": Secret("env", "OTHER")},
        {"thumbprint": "0" * 64},
        {"cloud": "C"},
        {"belongs": (Belongs("name", "*", "d"),)},
    )
    others = [shards(permit, replace(ONE, **change))[0].id for change in changes]
    assert len({same.id, *others}) == 1 + len(changes)
    narrower = lab.permit(ONE, targets=("127.66.0.2/32", "127.66.0.3/32"))
    assert shards(narrower, ONE)[0].id != same.id


TEXTS = {
    "name": ("cz-web-01",),
    "folder": ("机房/财政局/生产", "生产", "财政局", "机房"),
    "metadata:系统": ("XT-001",),
    "tag": ("env-prod", "sys-XT-002", "sys-XT-003"),
    "project": ("",),
}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((), Owner()),
        ((Belongs("name", "cz-*", "czj"), Belongs("name", "*", "other")), Owner("czj", (), "name cz-web-01")),
        ((Belongs("name", "CZ-*", "czj"),), Owner()),
        ((Belongs("name", "cz", "czj"),), Owner()),
        ((Belongs("project", "*", "czj"),), Owner()),
        ((Belongs("metadata:部门", "*", "czj"),), Owner()),
        ((Belongs("metadata:系统", "XT-*", system="{value}"),), Owner("", ("XT-001",), "metadata:系统 XT-001")),
        ((Belongs("folder", "财政局", "czj"),), Owner("czj", (), "folder 财政局")),
        (
            (Belongs("folder", "*", system="S-{value}"),),
            Owner("", ("S-机房/财政局/生产",), "folder 机房/财政局/生产"),
        ),
        (
            (Belongs("tag", "sys-*", system="{value}"), Belongs("name", "*-01", "czj", "A")),
            Owner("czj", ("sys-XT-002", "sys-XT-003", "A"), "tag sys-XT-002; name cz-web-01"),
        ),
        (
            (Belongs("name", "*", system="A"), Belongs("folder", "*", "czj", "A"), Belongs("tag", "*", system="A")),
            Owner("czj", ("A",), "name cz-web-01; folder 机房/财政局/生产"),
        ),
    ],
)
def test_owners(rows: tuple[Belongs, ...], expected: Owner) -> None:
    assert owner(rows, TEXTS) == expected


def test_what_a_cloud_writes_is_cleaned() -> None:
    found = owner((Belongs("tag", "*", "d", "{value}"),), {"tag": ("a\x1b[31m\u202eb ",)})
    assert found == Owner("d", ("a\\x1b[31m\\u202eb",), "tag a\\x1b[31m\\u202eb ")
