"""Bundles: what went in comes out, and nothing else ever does."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.bundle import REASONS, Bundle, BundleError, Head, Limits, pack, peek, read, write
from inventories.bundle_head import HEAD_BYTES, MAGIC, message
from inventories.model import Collection, Coverage, Fact, Failure, Identifier, Observation, Strength
from inventories.signing import Keyring, KeySigner, TrustedKey, load_signer, new_key

AT = datetime(2026, 11, 1, 14, 30, tzinfo=UTC)
HEAD = Head(
    kind="offline",
    id="0123456789abcdef" * 2,
    site="city",
    zone="mzj",
    vantage="stick",
    probes=("nmap", "ssh"),
    seen_from=AT,
    seen_until=AT + timedelta(hours=1),
    made_at=AT + timedelta(hours=2),
    program="0.1.0",
    documents=("运数据授〔2026〕3号",),
    answers="",
    limits=(("nmap", "without root: no UDP"),),
)


def seen(number: int, words: str = "开放端口") -> Observation:
    address = f"10.1.{number // 256}.{number % 256}"
    facts = (
        Fact("answers", True, Strength.SEEN_OUTSIDE, words),
        Fact("listeners", ("22/tcp", "80/tcp"), Strength(3)),
    )
    return Observation("host", "nmap", "nmap", AT, (Identifier("ip", address, "stick"),), facts, "mzj")


SMALL = Collection(
    (seen(1),),
    (Coverage("nmap", "mzj", "stick", "hosts", ("10.1.0.0/24",), AT, AT),),
    (Failure("ssh", "mzj", ("10.1.0.9/32",), "refused", "拒绝登录", AT),),
)


@cache
def carrier(name: str = "carrier") -> tuple[KeySigner, TrustedKey]:
    made = new_key(name)
    return load_signer(made.private), TrustedKey(name, made.public, frozenset({"mzj"}))


def ring(*keys: TrustedKey) -> Keyring:
    return Keyring(keys or [carrier()[1]], today=date(2026, 11, 2))


def opened(data: bytes | Path, **more: Any) -> Bundle:
    return read(data, trust=ring(), site="city", **more)


def reason(data: bytes | Path, **more: Any) -> str:
    """Why it is refused, be it at the end of its content."""
    with pytest.raises(BundleError) as caught:
        list(opened(data, **more).collections())
    assert caught.value.reason in REASONS
    return caught.value.reason


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def forged(change: Callable[[dict[str, Any]], object] = lambda _head: None, *, body: bytes, lines: int = 1) -> bytes:
    """A bundle that the right key signed and that this program would never have packed."""
    squeeze = zlib.compressobj(9, wbits=31)
    packed = squeeze.compress(body) + squeeze.flush()
    whole = pack(HEAD, [], None).split(b"\n", 3)
    head = json.loads(whole[1])
    head["body"] = {
        "bytes": len(packed),
        "lines": lines,
        "plain_bytes": len(body),
        "sha256": hashlib.sha256(packed).hexdigest(),
    }
    change(head)
    return sealed(json.dumps(head, sort_keys=True, separators=(",", ":")).encode() + b"\n", packed)


def sealed(line: bytes, packed: bytes) -> bytes:
    signature = carrier()[0].sign(message(line, "ed25519", "carrier")).hex()
    return MAGIC + line + b'{"algorithm":"ed25519","key":"carrier","signature":"%s"}\n' % signature.encode() + packed


# --- what went in comes out ---------------------------------------------------------------------------------


def test_what_was_packed_comes_out_again(tmp_path: Path) -> None:
    data = pack(HEAD, [SMALL, Collection()], carrier()[0])
    bundle = opened(data)
    assert (bundle.head, bundle.signed_by, bundle.key, bundle.size) == (HEAD, "carrier", "carrier", len(data))
    assert list(bundle.collections()) == [SMALL, Collection()] == list(bundle.collections())
    path = tmp_path / "mzj.bundle"
    assert write(path, HEAD, iter([SMALL, Collection()]), carrier()[0]) == len(data)
    assert path.read_bytes() == data, "the same content gives the same bytes"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(opened(path).collections()) == [SMALL, Collection()]
    assert peek(path) == (HEAD, "carrier")
    assert names(tmp_path) == ["mzj.bundle"]


def test_times_are_kept_in_utc() -> None:
    there = timezone(timedelta(hours=8))
    local = replace(HEAD, seen_from=AT.astimezone(there), seen_until=(AT + timedelta(hours=1)).astimezone(there))
    assert opened(pack(local, [], carrier()[0])).head == HEAD


def test_one_without_a_signature_is_for_this_machine_alone() -> None:
    data = pack(HEAD, [SMALL], None)
    bundle = read(data, trust=None)
    assert (bundle.signed_by, bundle.key, list(bundle.collections())) == ("", "", [SMALL])
    assert reason(data) == "unsigned"


def test_what_nobody_checked_is_signed_by_nobody() -> None:
    bundle = read(pack(HEAD, [SMALL], carrier()[0]), trust=None)
    assert (bundle.signed_by, bundle.key) == ("", "carrier")


def test_a_large_collection_comes_in_several_lines() -> None:
    large = Collection(tuple(seen(n) for n in range(5001)), SMALL.coverage, SMALL.failures)
    parts = list(opened(pack(HEAD, [large], carrier()[0])).collections())
    assert len(parts) > 2 and sum(parts, Collection()) == large


def test_long_records_come_in_lines_of_a_bounded_length() -> None:
    large = Collection(tuple(seen(n, "长" * 200_000) for n in range(20)), SMALL.coverage)
    bundle = opened(pack(HEAD, [large], carrier()[0]))
    assert bundle.body.lines == 4 and sum(bundle.collections(), Collection()) == large
    with pytest.raises(ValueError, match="too large for a bundle"):
        pack(HEAD, [Collection((seen(1, "长" * 3_000_000),))], carrier()[0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "other"},
        {"id": "0123"},
        {"id": "0123456789ABCDEF" * 2},
        {"site": "../city"},
        {"zone": "m\nzj"},
        {"vantage": ""},
        {"probes": ("--script",)},
        {"answers": "x"},
        {"seen_from": AT.replace(tzinfo=None)},
        {"seen_from": AT + timedelta(days=1)},
        {"limits": (("nmap", "x" * HEAD_BYTES),)},
    ],
    ids=str,
)
def test_a_head_that_no_reader_takes_is_not_written(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write(tmp_path / "x", replace(HEAD, **wrong), [SMALL], carrier()[0])
    assert names(tmp_path) == []


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "out").symlink_to(other)
    write(tmp_path / "out", HEAD, [SMALL], None)
    assert other.read_text() == "mine" and not (tmp_path / "out").is_symlink()


def test_what_ends_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Any:
        yield SMALL
        raise KeyboardInterrupt

    (tmp_path / "out").write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out", HEAD, broken(), None)
    assert (tmp_path / "out").read_text() == "before" and names(tmp_path) == ["out"]


# --- any change is noticed ----------------------------------------------------------------------------------


def test_every_byte_changed_is_refused() -> None:
    """Every one of them, to three other values, and to none."""
    data = pack(HEAD, [SMALL], carrier()[0])
    for at in range(len(data)):
        for other in (data[at] ^ 1, data[at] ^ 0x80, 0x20):
            changed = data[:at] + bytes([other]) + data[at + 1 :]
            assert changed == data or reason(changed)
        assert reason(data[:at] + data[at + 1 :])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_bytes_changed_anywhere_are_refused(more: st.DataObject) -> None:
    data = pack(HEAD, [SMALL], carrier()[0])
    start = more.draw(st.integers(0, len(data)))
    end = more.draw(st.integers(start, min(len(data), start + 40)))
    put = more.draw(st.binary(max_size=40))
    changed = data[:start] + put + data[end:]
    if changed != data:
        assert reason(changed)


def test_every_truncation_is_refused() -> None:
    data = pack(HEAD, [SMALL], carrier()[0])
    for length in range(len(data)):
        assert reason(data[:length]) in ("truncated", "bad_format")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_junk_is_refused(junk: bytes, begun: bool) -> None:
    assert reason(MAGIC + junk if begun else junk)


def test_what_follows_the_end_is_refused() -> None:
    assert reason(pack(HEAD, [SMALL], carrier()[0]) + b"\n") == "changed_byte"


def test_the_signature_of_another_bundle_does_not_fit() -> None:
    one = pack(HEAD, [SMALL], carrier()[0]).split(b"\n", 3)
    two = pack(replace(HEAD, id="f" * 32), [SMALL], carrier()[0]).split(b"\n", 3)
    assert reason(b"\n".join((one[0], one[1], two[2], one[3]))) == "bad_signature"
    assert reason(b"\n".join((one[0], two[1], one[2], one[3]))) == "bad_signature"
    body = pack(HEAD, [SMALL, SMALL], carrier()[0]).split(b"\n", 3)[3]
    assert reason(b"\n".join((*one[:3], body))) == "changed_byte"


def test_a_signature_does_not_change_hands() -> None:
    """A key under two names, or one that signs for another purpose: neither lends its signature."""
    data = pack(HEAD, [SMALL], carrier()[0])
    twin = replace(carrier()[1], id="twin")
    renamed = data.replace(b'"key":"carrier"', b'"key":"twin"')
    with pytest.raises(BundleError, match="bad_signature"):
        read(renamed, trust=ring(carrier()[1], twin))
    plain = carrier()[0].sign(data.split(b"\n", 3)[1] + b"\n").hex().encode()
    lines = data.split(b"\n", 3)
    lines[2] = b'{"algorithm":"ed25519","key":"carrier","signature":"%s"}' % plain
    assert reason(b"\n".join(lines)) == "bad_signature"


# --- in this order ------------------------------------------------------------------------------------------


def test_the_site_is_asked_before_the_key_and_the_key_before_the_content() -> None:
    foreign = pack(replace(HEAD, site="other"), [SMALL], carrier("stranger")[0])
    assert reason(foreign) == "foreign_site"
    stranger = pack(HEAD, [SMALL], carrier("stranger")[0])
    assert reason(stranger[:-1]) == "unknown_key"
    assert reason(pack(HEAD, [SMALL], carrier()[0])[:-1]) == "truncated"


def test_a_newer_format_says_so() -> None:
    data = pack(HEAD, [SMALL], carrier()[0])
    assert reason(data.replace(b"bundle 1\n", b"bundle 2\n", 1)) == "newer_format"
    assert reason(data.replace(b"bundle 1\n", b"bundle 0\n", 1)) == "bad_format"


def test_sizes_are_bounded() -> None:
    data = pack(HEAD, [SMALL], carrier()[0])
    assert reason(data, limits=Limits(packed=len(data) - 1)) == "too_large"
    assert reason(data, limits=Limits(plain=100)) == "too_large"
    assert reason(data, limits=Limits(lines=0)) == "too_large"
    assert reason(data, limits=Limits(line=100)) == "too_large"
    long = MAGIC + b'{"answers":"' + b"x" * HEAD_BYTES + b'"}\n'
    assert reason(long) == "too_large"


# --- content that the right key signed ----------------------------------------------------------------------

LINE = b'{"format":1,"observations":[],"coverage":[],"failures":[],"submissions":[],"waivers":[]}\n'


def test_the_forger_of_these_tests_can_also_be_honest() -> None:
    assert list(opened(forged(body=LINE)).collections()) == [Collection()]


@pytest.mark.parametrize(
    "body",
    [
        LINE.replace(b"{", b"{ ", 1),
        LINE.replace(b"\n", b""),
        LINE.replace(b"\n", b"\r\n"),
        LINE.replace(b'"format":1', b'"format":1,"format":1'),
        LINE.replace(b'"format":1', b'"format":1.0'),
        LINE.replace(b'"format":1', b'"format":2'),
        LINE.replace(b'"waivers":[]', b'"waivers":[],"more":[]'),
        LINE.replace(b'"waivers":[]', b'"waivers":NaN'),
        b"[" * 100_000 + b"]" * 100_000 + b"\n",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
        b"9" * 10_000 + b"\n",
        b"\xff\xfe\n",
        b"\n",
        b"null\n",
    ],
    ids=lambda body: body[:40].decode("latin-1") + str(len(body)),
)
def test_lines_that_this_program_does_not_write_are_refused(body: bytes) -> None:
    assert reason(forged(body=body)) == "bad_format"


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"1e999", b'{"float":"1.0"}', b'{"date":"2026-W01-1"}'])
def test_odd_numbers_and_dates_are_refused(value: bytes) -> None:
    fact = b'["memory_mb",%s,3,"",false]' % value
    row = b'["host","nmap","nmap","2026-11-01T14:30:00+00:00",[],[%s],"mzj",""]' % fact
    honest = LINE.replace(b'"observations":[]', b'"observations":[%s]' % row.replace(value, b"1.5"))
    assert len(list(opened(forged(body=honest)).collections())) == 1
    assert reason(forged(body=LINE.replace(b'"observations":[]', b'"observations":[%s]' % row))) == "bad_format"


def test_a_wrong_count_is_refused() -> None:
    assert reason(forged(body=LINE, lines=2)) == "bad_format"
    assert reason(forged(lambda head: head["body"].update(plain_bytes=len(LINE) + 1), body=LINE)) == "bad_format"
    assert reason(forged(lambda head: head["body"].update(plain_bytes=len(LINE) - 1), body=LINE)) == "bomb"


def test_two_packed_streams_are_refused() -> None:
    packed = b""
    for _ in range(2):
        squeeze = zlib.compressobj(wbits=31)
        packed += squeeze.compress(LINE) + squeeze.flush()
    head = json.loads(pack(HEAD, [], None).split(b"\n", 3)[1])
    head["body"] = {"bytes": len(packed), "lines": 2, "plain_bytes": 2 * len(LINE)}
    head["body"]["sha256"] = hashlib.sha256(packed).hexdigest()
    line = json.dumps(head, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert reason(sealed(line, packed)) == "bad_format"


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head.update(extra=1),
        lambda head: head.pop("limits"),
        lambda head: head.update(kind="nonsense"),
        lambda head: head.update(probes="nmap"),
        lambda head: head.update(probes=["../../x"]),
        lambda head: head.update(zone="-rf"),
        lambda head: head.update(site="\x1b[2J"),
        lambda head: head.update(seen_from="2026-11-01T14:30:00"),
        lambda head: head.update(seen_from="2026-11-01T22:30:00+08:00"),
        lambda head: head.update(seen_from="2026-11-01 14:30:00+00:00"),
        lambda head: head.update(limits=[["nmap"]]),
        lambda head: head["body"].update(bytes=-1),
        lambda head: head["body"].update(bytes=True),
        lambda head: head["body"].update(lines=1.0),
        lambda head: head["body"].update(plain_bytes=2**70),
        lambda head: head["body"].update(sha256="../../etc"),
        lambda head: head["body"].update(extra=1),
        lambda head: head.update(body=[]),
    ],
)
def test_heads_of_another_shape_are_refused(change: Callable[[dict[str, Any]], object]) -> None:
    assert reason(forged(change, body=LINE)) == "bad_format"


def test_a_head_in_another_spelling_is_refused() -> None:
    """Keys twice, white space, another order: what means the same must look the same."""
    data = pack(HEAD, [SMALL], None)
    _magic, line, _seal, packed = data.split(b"\n", 3)
    body = json.loads(line)
    for odd in (
        line.replace(b'"answers":""', b'"answers":"","answers":""'),
        line.replace(b'"answers":""', b'"answers": ""'),
        line.replace(b'"kind":"offline"', b'"kind":"\\u006fffline"'),
        json.dumps(dict(reversed(body.items())), separators=(",", ":")).encode(),
    ):
        assert reason(sealed(odd + b"\n", packed)) == "bad_format"


# --- bombs, and what is no file -----------------------------------------------------------------------------

BOMB = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (400 * 1024**2, 400 * 1024**2))
from inventories.bundle import BundleError, read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for _ in read(Path(sys.argv[1]), trust=None).collections():
        pass
except BundleError as error:
    print(error.reason, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@cache
def gigabyte() -> bytes:
    """Of zeros, in a megabyte."""
    squeeze = zlib.compressobj(9, wbits=31)
    return b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(1024)) + squeeze.flush()


@pytest.mark.parametrize(
    ("plain", "told"), [(1 << 30, "too_large"), (1000, "bomb")], ids=["says its size", "says another"]
)
def test_a_bomb_unpacks_in_bounded_memory(tmp_path: Path, plain: int, told: str) -> None:
    packed = gigabyte()
    head = json.loads(pack(HEAD, [], None).split(b"\n", 3)[1])
    head["body"] = {"bytes": len(packed), "lines": 1, "plain_bytes": plain}
    head["body"]["sha256"] = hashlib.sha256(packed).hexdigest()
    path = tmp_path / "bomb"
    path.write_bytes(sealed(json.dumps(head, sort_keys=True, separators=(",", ":")).encode() + b"\n", packed))
    assert path.stat().st_size < 1_100_000
    done = subprocess.run([sys.executable, "-c", BOMB, path], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    why, megabytes = done.stdout.split()
    assert why == told and int(megabytes) < 64


def test_a_line_of_a_hundred_megabytes_is_refused() -> None:
    body = LINE.replace(b'"observations":[]', b'"observations":["' + b"x" * 100_000_000 + b'"]')
    assert reason(forged(body=body)) == "too_large"


def test_links_pipes_devices_and_folders_are_no_bundles(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    write(whole, HEAD, [SMALL], carrier()[0])
    (tmp_path / "link").symlink_to(whole)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        assert reason(tmp_path / name) == "not_a_file"
    for device in ("/dev/zero", "/dev/null", "/dev/tty"):
        assert reason(Path(device)) in ("not_a_file", "unreadable")
    assert reason(tmp_path / "nothing") == "unreadable"
    assert reason(tmp_path / "a\0b") == "unreadable"
    assert reason(tmp_path / ("x" * 5000)) == "unreadable"


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "whole"
    write(path, HEAD, [SMALL], carrier()[0])
    bundle = opened(path)
    write(path, HEAD, [SMALL, SMALL], carrier()[0])
    with pytest.raises(BundleError):
        list(bundle.collections())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BundleError):
        list(bundle.collections())
    path.unlink()
    with pytest.raises(BundleError, match="unreadable"):
        list(bundle.collections())
