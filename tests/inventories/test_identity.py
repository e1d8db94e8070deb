"""Which identifiers join, and which are refused before they can."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.identity import (
    EXCLUSIVE,
    SCHEMES,
    code_id,
    department_id,
    identifies,
    instance_id,
    instance_parts,
    ip_id,
    mac_id,
    mark,
    name_id,
    place_id,
    rank,
    seed_id,
    serial_id,
    service_id,
    service_parts,
    uuid_id,
)
from inventories.kinds import KINDS
from inventories.model import Identifier


def test_trust_goes_from_a_persons_word_to_a_name() -> None:
    order = ["pin", "uuid", "serial", "host-code", "mac", "ip"]
    assert [SCHEMES[scheme] for scheme in order] == sorted(SCHEMES[scheme] for scheme in order)
    assert SCHEMES["ip"] < SCHEMES["system-name"]
    assert rank(Identifier("uuid", "x")) == SCHEMES["uuid"]
    with pytest.raises(KeyError):
        rank(Identifier("hostname", "web1"))


def test_a_host_has_no_name_that_identifies_it() -> None:
    assert "host-name" not in SCHEMES
    with pytest.raises(ValueError, match="never identifies a host"):
        name_id("host", "mzj", "web1")


@given(st.uuids())
def test_a_uuid_and_its_byte_swapped_twin_are_one(value: uuid.UUID) -> None:
    twin = uuid.UUID(bytes=value.bytes_le)
    assert uuid_id(str(value)) == uuid_id(str(twin)) == uuid_id(str(value).upper())


def test_the_same_machine_by_its_hypervisor_and_by_itself() -> None:
    by_vsphere = uuid_id("564d4cbc-c6a9-1969-bc4c-4d56a9c66919")
    by_guest = uuid_id("BC4C4D56-A9C6-6919-BC4C-4D56A9C66919")
    assert by_vsphere == by_guest is not None


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "not a uuid",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "11111111-1111-1111-1111-111111111111",
        "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009",
    ],
)
def test_junk_uuids_identify_nothing(junk: str) -> None:
    assert uuid_id(junk) is None


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "0",
        "None",
        "none",
        "N/A",
        "00000000",
        "xxxxxxx",
        "To be filled by O.E.M.",
        "To Be Filled By O.E.M.",
        "Default string",
        "System Serial Number",
        "Not Specified",
        "123456789",
        "1234567890",
        "-----",
        "ABC",
        "７７７７７７",
    ],
)
def test_placeholder_serials_identify_nothing(junk: str) -> None:
    assert serial_id("Dell Inc.", junk) is None


def test_a_serial_needs_its_vendor() -> None:
    assert serial_id("", "CN7792ABCD") is None
    assert serial_id("  ", "CN7792ABCD") is None
    assert serial_id("Dell Inc.", "cn7792abcd") != serial_id("Inspur", "cn7792abcd")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dell Inc.", "DELL"),
        ("Huawei Technologies Co., Ltd.", "华为技术有限公司"),
        ("华为", "huawei"),
        ("浪潮", "Inspur"),
        ("New H3C Technologies Co., Ltd.", "新华三"),
        ("联想", "LENOVO"),
    ],
)
def test_a_vendor_is_one_however_it_is_written(one: str, other: str) -> None:
    assert serial_id(one, "210235K5TX") == serial_id(other, "２１０２３５k5tx") is not None


@pytest.mark.parametrize("text", ["00:1B:21:0a:bb:cc", "00-1b-21-0A-BB-CC", "001b.210a.bbcc", "001B210ABBCC"])
def test_macs_are_one_however_they_are_written(text: str) -> None:
    assert mac_id(text, "scanner") == Identifier("mac", "00:1b:21:0a:bb:cc", "scanner")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "00:1b:21:0a:bb",
        "00:1b:21:0a:bb:cc:dd",
        "00:1b-21:0a:bb:cc",
        "zz:1b:21:0a:bb:cc",
        "00:00:5e:00:01:17",
        "00:00:5e:00:02:17",
        "00:00:0c:07:ac:01",
        "00:00:0c:9f:f0:01",
        "00:07:b4:00:01:02",
        "00:05:73:a0:00:01",
        "02:bf:0a:01:00:64",
        "02:42:ac:11:00:02",
    ],
)
def test_shared_and_malformed_macs_identify_nothing(text: str) -> None:
    assert mac_id(text, "scanner") is None


def test_what_means_something_from_one_place_only_needs_the_place() -> None:
    assert mac_id("00:1b:21:0a:bb:cc", "") is None
    with pytest.raises(ValueError, match="without a vantage"):
        ip_id("10.1.0.1", "")
    assert ip_id("10.1.0.1", "scanner") != ip_id("10.1.0.1", "far")


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "10.1", "web1", ""])
def test_addresses_of_no_one_thing(text: str) -> None:
    with pytest.raises(ValueError):
        ip_id(text, "scanner")


def test_an_ipv4_address_in_ipv6_clothes_is_the_same() -> None:
    assert ip_id("::ffff:10.1.0.1", "scanner") == ip_id("10.1.0.1", "scanner")
    assert ip_id("2001:DB8::1", "scanner").value == "2001:db8::1"


def test_names_and_codes_are_compared_without_width_space_and_case() -> None:
    assert name_id("system", "mzj", " 民政救助系统（一期） ") == name_id("system", "mzj", "民政救助系统(一期)")
    assert name_id("system", "mzj", "OA 系统") != name_id("system", "jtj", "OA 系统")
    assert code_id("system", "ｍｚ－001 ") == code_id("system", "MZ-001")
    assert instance_id("gov-1", "abc") == instance_id("GOV-1", "abc")


def test_a_service_can_be_read_back() -> None:
    assert service_parts(service_id("10.1.0.1", 8080, "tcp", "scanner")) == ("10.1.0.1", 8080, "tcp")
    assert service_parts(service_id("2001:db8::1", 443, "tcp", "scanner")) == ("2001:db8::1", 443, "tcp")
    for strange in (
        ip_id("10.1.0.1", "scanner"),
        Identifier("service", "nonsense"),
        Identifier("service", "a:b/tcp"),
    ):
        with pytest.raises(ValueError):
            service_parts(strange)


def test_an_instance_can_be_read_back_and_is_one_through_whichever_cloud() -> None:
    server = "0d1c3c5e-6a0e-4a5e-9d3b-5a2e8f9b7c11"
    assert instance_parts(instance_id("lhc-01", server)) == ("LHC-01", server)
    assert instance_parts(instance_id("区/县", "vm-42")) == ("区/县", "vm-42")
    with pytest.raises(ValueError, match="names no instance"):
        instance_parts(ip_id("10.1.0.1", "scanner"))
    assert mark(instance_id("VC-1", server)) == mark(instance_id("ESXI-3", server.upper()))
    # What is no UUID means something in its own cloud only.
    assert mark(instance_id("VC-1", "vm-42")) != mark(instance_id("VC-2", "vm-42"))
    assert mark(code_id("host", "A-1")) == ("host-code", "A-1")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_other_kinds_identifiers_say_nothing_of_this_kind(kind: str) -> None:
    for other in KINDS:
        assert identifies(kind, code_id(other, "A-1")) is (other == kind)
        if other != "host":
            assert identifies(kind, name_id(other, "mzj", "名称")) is (other == kind)
    assert identifies(kind, department_id("mzj")) is (kind == "department")


def test_blank_and_unknown_identifiers_say_nothing() -> None:
    assert not identifies("system", code_id("system", "  "))
    assert not identifies("system", name_id("system", "mzj", " "))
    assert not identifies("host", Identifier("hostname", "web1"))
    assert not identifies("host", Identifier("ip", "10.1.0.1"))
    # What stands for a thing that nothing identifies is ours to give, and no source's.
    assert not identifies("host", seed_id("web1", 0))
    assert identifies("room", place_id("mzj", "mzj", "民政局大楼", "room"))


def test_schemes_of_which_one_thing_has_one_value() -> None:
    assert {"uuid", "serial", "instance", "host-code"} <= EXCLUSIVE
    assert not {"ip", "mac", "service", "system-name"} & EXCLUSIVE
    assert set(SCHEMES) >= EXCLUSIVE
