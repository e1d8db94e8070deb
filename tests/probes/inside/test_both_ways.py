"""A host gives the same facts whether a shell read it or Ansible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from inventories.model import Observation
from probes.inside import Inside, from_ansible, from_raw

Data = Callable[[str], str]
Ansible = Callable[[str], Inside]
Observe = Callable[..., Observation]

SYNTHETIC = [
    "synthetic-kylin-server-kunpeng.txt",
    "synthetic-uos-server-hygon-guest.txt",
    "synthetic-openeuler-phytium-hypervisor.txt",
    "synthetic-centos6.txt",
]


def test_a_recorded_machine(data: Data, recorded_ansible: dict[str, Any], observe: Observe) -> None:
    raw = from_raw(data("recorded-debian12.txt"))
    other = from_ansible(
        recorded_ansible["setup"], recorded_ansible["packages"], data("recorded-debian12-extras.txt")
    )
    # The script's own tools are among the processes, and not the same ones at every moment.
    assert replace(other, processes=()) == replace(raw, processes=())
    assert observe(other) == observe(raw)
    assert len(observe(raw).facts) > 15


@pytest.mark.parametrize("name", SYNTHETIC)
def test_synthetic_machines(data: Data, ansible: Ansible, observe: Observe, name: str) -> None:
    text = data(name)
    assert text.startswith("SYNTHETIC")
    raw, other = from_raw(text), ansible(text)
    assert raw.is_complete
    assert other == raw
    assert observe(other) == observe(raw)


def test_names_without_their_prefix_are_the_same(recorded_ansible: dict[str, Any], data: Data) -> None:
    extras, packages = data("recorded-debian12-extras.txt"), recorded_ansible["packages"]
    plain = {name.removeprefix("ansible_"): value for name, value in recorded_ansible["setup"].items()}
    assert from_ansible(plain, packages, extras) == from_ansible(recorded_ansible["setup"], packages, extras)


def test_without_facts_or_with_a_cut_text_it_is_not_complete(recorded_ansible: dict[str, Any], data: Data) -> None:
    extras = data("recorded-debian12-extras.txt")
    assert not from_ansible({}, {}, extras).is_complete
    assert not from_ansible(recorded_ansible["setup"], {}, extras[: len(extras) // 2]).is_complete
    assert "packages" not in from_ansible(recorded_ansible["setup"], {}, extras).whole


@pytest.mark.parametrize(
    "facts",
    [
        {"ansible_nodename": ["x"], "ansible_memtotal_mb": "many", "ansible_product_uuid": None},
        {"ansible_nodename": "a\x1b]0;b\nc", "ansible_memtotal_mb": True, "ansible_system_vendor": {"a": 1}},
        {"ansible_memtotal_mb": -5, "nodename": 7},
    ],
)
def test_facts_of_another_type_are_not_there(facts: dict[str, Any], data: Data) -> None:
    odd: dict[str, Any] = {
        "a": 1,
        "b": [1, {"version": None}, {}],
        "nginx": [{"version": 7, "source": "apt"}],
        "c": {},
    }
    got = from_ansible(facts, odd, data("recorded-debian12-extras.txt"))
    assert got.memory_mb == 0
    assert "\x1b" not in got.hostname
