"""One question in HTTP(S): bounded, pinned, with nothing secret in it, whatever answers."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.base import Stop
from probes.certificate import read_certificate
from probes.http_answer import Broken, Head, parse_head, read_body
from probes.http_ask import Answer, Asker, Limits, Question, ask, run_until_stopped
from probes.http_page import refresh_of, text_of, title_of

HOME = "127.61.0.1"
QUICK = Limits(connect=0.5, handshake=0.5, seconds=1.0, head=4096, body=20_000)


def put(port: int, scheme: str = "http", *, host: str = "", path: str = "/", limits: Limits = QUICK) -> Answer:
    return asyncio.run(ask(Question(HOME, port, scheme, host, path), limits))


def test_a_whole_answer(web: Any, world: Any) -> None:
    port = web.serve(HOME, world.page("示例市民政局", Server="nginx", X_Powered_By="PHP"))
    got = put(port, host="www.example.gov.cn", path="/首页?a=1")
    assert (got.status, got.reason, got.stage, got.silent) == (200, "", "whole", False)
    assert (got.header("server"), got.header("x-powered-by"), title_of(got)) == ("nginx", "PHP", "示例市民政局")
    [head] = web.heads
    lines = head.decode().split("\r\n")
    assert lines[0] == "GET /%E9%A6%96%E9%A1%B5?a=1 HTTP/1.1"
    assert f"Host: www.example.gov.cn:{port}" in lines
    assert "Accept-Encoding: identity" in lines
    assert any(line.startswith("User-Agent: gov-infra-auditor/") for line in lines)
    assert not any(line.lower().startswith(("cookie", "authorization", "content-length")) for line in lines)


def test_the_certificate_is_read_and_not_checked(web: Any, world: Any) -> None:
    names = ("oa.example.gov.cn", "*.example.gov.cn")
    port = web.serve(HOME, world.page("x"), tls=world.tls_context(names))
    got = put(port, "https", host="another.example.cn")
    assert got.status == 200 and got.certificate is not None
    assert got.certificate.subject == "CN=oa.example.gov.cn, O=示例市民政局" == got.certificate.issuer
    assert got.certificate.names == names
    assert got.certificate.valid == "2025-01-01 至 2027-01-01"


@pytest.mark.parametrize("raw", [b"", b"\x30\x00", b"\x30\x82\x01\x00" + b"\xff" * 256])
def test_a_certificate_that_is_none(raw: bytes) -> None:
    assert (read_certificate(raw).subject, read_certificate(raw).names) == ("", ())


def test_nothing_listens(world: Any) -> None:
    with socket.create_server((HOME, 0)) as free:
        port = free.getsockname()[1]
    got = put(port)
    assert (got.reason, got.stage, got.silent, got.spoke) == ("refused", "connect", True, False)


HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\n"


@pytest.mark.parametrize(
    ("answer", "reason", "stage", "status"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "bad_output", "head", 0),
        (b"\x00\x01\x02\xff\x1b]0;evil\x07", "bad_output", "head", 0),
        (b"", "bad_output", "head", 0),
        (b"HTTP/1.1 20", "bad_output", "head", 0),
        (b"HTTP/1.1 xyz abc\r\n\r\n", "bad_output", "head", 0),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 9, "bad_output", "head", 0),
        (HEAD + b"X: " + b"a" * 9000, "too_much", "head", 0),
        (HEAD + b"X: y\r\n" * 2000, "too_much", "head", 0),
        (HEAD + b"Content-Length: 900\r\n\r\nshort", "bad_output", "body", 200),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", "bad_output", "body", 200),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcdXX4\r\n", "bad_output", "body", 200),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\nab", "bad_output", "body", 200),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"0" * 10_000_000), "bad_output", "body", 200),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello", "", "whole", 200),
        (HEAD + b"Content-Length: -1\r\n\r\nhello", "", "whole", 200),
        (HEAD + b"\r\n" + b"a" * 3_000_000, "", "whole", 200),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 No Content\n\nleft over", "", "whole", 204),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 6000, "", "whole", 200),
    ],
)
def test_what_the_world_does(web: Any, world: Any, answer: bytes, reason: str, stage: str, status: int) -> None:
    port = web.serve(HOME, world.says(answer))
    got = put(port)
    assert (got.reason, got.stage, got.status) == (reason, stage, status)
    assert "\x1b" not in got.message and "\x00" not in got.message
    assert len(got.body) <= QUICK.body


def test_a_chunked_body(web: Any, world: Any) -> None:
    body = b"6\r\n<title\r\n9;x=1\r\n>\xe5\x8a\x9e\xe4\xba\x8b</\r\n6\r\ntitle>\r\n0\r\n\r\n"
    port = web.serve(HOME, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    got = put(port)
    assert (got.reason, title_of(got)) == ("", "办事")


def test_a_name_to_a_plain_server_that_speaks_no_tls(web: Any, world: Any) -> None:
    port = web.serve(HOME, world.says(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert (put(port, "https").reason, put(port, "https").stage) == ("bad_output", "tls")


@pytest.mark.parametrize(("scheme", "stage"), [("https", "tls"), ("http", "head")])
def test_a_listener_that_says_nothing(web: Any, scheme: str, stage: str) -> None:
    port = web.serve(HOME, web.mute())
    began = time.monotonic()
    got = put(port, scheme)
    assert (got.reason, got.stage) == ("timed_out", stage)
    assert time.monotonic() - began < 3


def test_headers_and_bodies_that_drip(web: Any) -> None:
    slow = web.serve(HOME, web.dribble(HEAD + b"X: "))
    assert (put(slow).reason, put(slow).stage) == ("timed_out", "head")
    body = web.serve(HOME, web.dribble(HEAD + b"\r\n<title>a</title>"))
    got = put(body)
    assert (got.reason, got.stage, got.status, title_of(got)) == ("timed_out", "body", 200, "a")


@pytest.mark.parametrize("host", ["x.cn\r\nX: y", "x.cn y", "政务.cn", "x" * 300])
def test_a_host_never_writes_a_header_of_its_own(host: str) -> None:
    with pytest.raises(ValueError, match="host"):
        put(1, host=host)


def test_a_name_is_no_address() -> None:
    with pytest.raises(ValueError):
        asyncio.run(ask(Question("localhost", 80, "http")))


def test_stop_ends_it_at_once(web: Any) -> None:
    port = web.serve(HOME, web.mute())
    stop = Stop()
    threading.Timer(0.2, lambda: stop.set("a person said so")).start()
    began = time.monotonic()

    async def work() -> None:
        await ask(Question(HOME, port, "http"), Limits(seconds=30))

    assert run_until_stopped(work(), stop) is False
    assert time.monotonic() - began < 1.2


def test_a_rate_is_kept(web: Any, world: Any) -> None:
    port = web.serve(HOME, world.page("x"))

    async def work() -> None:
        asker = Asker(rate=20, at_once=4)
        await asyncio.gather(*(asker.ask(Question(HOME, port, "http")) for _ in range(8)))

    began = time.monotonic()
    assert run_until_stopped(work(), Stop()) is True
    assert time.monotonic() - began >= 7 / 20
    assert len(web.heads) == 8


class _Bytes:
    """What an asyncio reader gives, from memory."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self, n: int, /) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_head_or_broken(raw: bytes, ended: bool) -> None:
    for seen in (raw, b"HTTP/1.1 200 OK\r\n" + raw, b"HTTP/1.1 200 OK\r\nA: " + raw + b"\r\n\r\n"):
        try:
            parse_head(seen, ended=ended, most=100)
        except Broken as error:
            assert error.reason in ("bad_output", "too_much")


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8))
def test_any_chunks_are_a_body_or_broken(pieces: list[bytes]) -> None:
    out = bytearray()
    head = Head(200, (("transfer-encoding", "chunked"),))
    try:
        asyncio.run(read_body(_Bytes(*pieces), b"", head, out, 100))
    except Broken as error:
        assert error.reason == "bad_output"
    assert len(out) <= 100


def answer(body: bytes, content_type: str = "text/html") -> Answer:
    return Answer(
        Question(HOME, 80, "http"), "whole", status=200, headers=(("content-type", content_type),), body=body
    )


TITLE = "<title>示例市政务服务网</title>"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TITLE.encode(), "text/html"),
        (TITLE.encode("gbk"), "text/html; charset=GBK"),
        (b'<META http-equiv="Content-Type" content="text/html; charset=gb2312">' + TITLE.encode("gb18030"), ""),
        (b'<meta charset="gb18030">' + TITLE.encode("gb18030"), "text/html; charset=no-such-thing"),
        (TITLE.encode("gbk"), "text/html"),
        (b"\xef\xbb\xbf" + TITLE.encode(), "text/html; charset=gbk"),
        (b"\xff\xfe" + TITLE.encode("utf-16-le"), "text/html"),
        (TITLE.encode() + "后".encode()[:2], "text/html; charset=utf-8"),
        ("<TITLE lang=zh>\n 示例市&#25919;务服务网\t</TITLE >".encode(), "text/html"),
    ],
)
def test_titles_in_their_character_sets(body: bytes, content_type: str) -> None:
    assert title_of(answer(body, content_type)) == "示例市政务服务网"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"", ""),
        (b"<html>no title", ""),
        (b"<title>", ""),
        (b"<title>" + b"a" * 10_000_000, "a" * 240),
        (b"<title" * 10_000, ""),
        (b"<title>a\x00\x1b[31m</title>", "a\x00\x1b[31m"),
        (b"<title>&lt;b&gt;&#0;&#x110000;</title>", "<b>��"),
        (b"\xff\xfe\xfd<title>\xff</title>", ""),
        (b'<script>document.write("<title>" + ID_EESX_Welcome + "</title>")</script>', '" + ID_EESX_Welcome + "'),
    ],
)
def test_odd_titles(body: bytes, title: str) -> None:
    began = time.monotonic()
    assert title_of(answer(body[:262_144])) == title
    assert time.monotonic() - began < 1


@given(st.binary(max_size=400))
def test_any_bytes_are_some_page(body: bytes) -> None:
    page = answer(body)
    text_of(page), title_of(page), refresh_of(page)


@pytest.mark.parametrize(
    ("body", "target"),
    [
        (b'<meta http-equiv="refresh" content="0; url=/login/">', "/login/"),
        (b"<META content='3;URL=http://x.cn/a?b=1&amp;c=2' HTTP-EQUIV=Refresh>", "http://x.cn/a?b=1&c=2"),
        (b'<meta http-equiv="refresh" content="5">', ""),
        (b'<meta name="url=/x">', ""),
        (b"<meta " * 20_000, ""),
    ],
)
def test_where_a_page_sends_a_browser(body: bytes, target: str) -> None:
    assert refresh_of(answer(body)) == target
