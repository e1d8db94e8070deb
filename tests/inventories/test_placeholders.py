"""What firmware, drivers and network gear write where an identity should be; and what is no such thing."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.identity import mac_id, serial_id, uuid_id
from inventories.placeholders import both_orders, is_placeholder_serial, is_placeholder_uuid, is_shared_mac


@pytest.mark.parametrize(
    "text",
    [
        "0123456789",
        "123456",
        "12345678901234567",
        "123456789000",
        "9876543210",
        "SN-12345",
        "SYS-1234567890",
        "INVALID",
        "To be filled by O.E.M",
        "Default_string",
        "OEM Default string000",
        "Not Applicable",
        "SystemSerialNumb",
        "Chassis Serial Number",
        "Serial Number xxxxxx",
        "..............",
        "1.1.1.1",
        "FFFFFFFF",
        "(null string)",
        "Unknow",
        "Tulip Computers",
        "见附件123",
        "与A-1相同",
        "暂无，待补",
    ],
)
def test_serials_that_many_have(text: str) -> None:
    assert is_placeholder_serial(text)
    assert serial_id("Dell Inc.", text) is None


@pytest.mark.parametrize(
    "text",
    [
        "CN7792ABCD",
        "210235K5TX",
        "2102312PPW10K5000123",
        "JKLMNPQ",
        "5CG8123456",
        "A1234567890",
        "12345678A",
        "TESTA1234",
        "VMware-56 4d 4c bc c6 a9 19 69-bc 4c 4d 56 a9 c6 69 19",
        "0000-0014-7832-8124-4419-2001-82",
    ],
)
def test_serials_that_are_somebodys_own(text: str) -> None:
    assert serial_id("Dell Inc.", text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "12345678-1234-5678-90ab-cddeefaabbcc",
        "01234567-89ab-cdef-0123-456789abcdef",
        "4c4c4544-0000-2010-8020-80c04f202020",
        "6ab5b300-538d-1014-9fb5-b0684d007b53",
        "ffffff00-ffff-ffff-ffff-ffffffffffff",
    ],
)
def test_uuids_that_many_have_in_either_byte_order(text: str) -> None:
    value = uuid.UUID(text)
    assert uuid_id(text) is None
    assert uuid_id(str(uuid.UUID(bytes=value.bytes_le))) is None


@given(st.uuids(version=4))
def test_a_uuid_drawn_by_lot_is_somebodys_own(value: uuid.UUID) -> None:
    assert not is_placeholder_uuid(value)
    assert both_orders(value) == both_orders(uuid.UUID(bytes=value.bytes_le))


@pytest.mark.parametrize(
    "text",
    [
        "00:09:0f:09:58:02",
        "00:50:56:c0:00:01",
        "00:50:56:c0:00:08",
        "0a:00:27:00:00:13",
        "52:54:00:12:34:56",
        "52:54:00:12:34:58",
        "ee:ee:ee:ee:ee:ee",
        "aa:aa:aa:aa:aa:aa",
        "50:50:54:50:30:30",
        "20:41:53:59:4e:ff",
        "00:05:9a:3c:7a:00",
        "0c:5b:8f:27:9a:64",
        "fe:ff:ff:ff:ff:ff",
    ],
)
def test_cards_that_many_have(text: str) -> None:
    assert is_shared_mac(text.replace(":", ""))
    assert mac_id(text, "scanner") is None


@pytest.mark.parametrize(
    "text",
    [
        "00:50:56:81:00:01",  # vCenter's own numbering
        "00:0c:29:5c:16:be",  # ESXi's own numbering
        "52:54:00:12:34:55",
        "52:54:00:9d:41:0b",  # libvirt draws by lot
        "fa:16:3e:3c:11:02",  # OpenStack draws by lot
        "00:09:0f:12:34:56",
        "00:15:5d:0a:01:03",
    ],
)
def test_cards_that_are_somebodys_own(text: str) -> None:
    assert mac_id(text, "scanner") is not None
