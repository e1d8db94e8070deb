"""What the listeners of the example city say.

Every answer is synthetic: written for this city after the public protocols, not captured from a product.
Nobody can log in anywhere, and nothing that a client sends is kept.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import struct
import uuid
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import TypeAlias

from auditor.city.plan import Host, Service

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Handler: TypeAlias = Callable[[Reader, Writer], Awaitable[None]]

#: A silent client is hung up on after this time. nmap waits six seconds for a server to speak first, and takes
#: a server that hangs up within three for a wrapper: between the two, the whole demonstration is much quicker.
IDLE_SECONDS = 3.4

#: Where nmap gets no answer to anything, a server that never hung up by itself keeps the name of its port.
PATIENT_SECONDS = 10.0

#: A request head longer than this is no request.
MOST_BYTES = 16 * 1024

_METHOD = re.compile(rb"[A-Z]{1,10}( |$)|\r?$")


def handler(host: Host, service: Service) -> Handler:
    """What answers on one port, for everything but ``ssh`` and ``https``, which are servers of their own."""
    speakers: dict[str, Callable[[Host, Service, Reader, Writer], Awaitable[None]]] = {
        "http": _web,
        "mysql": _mysql,
        "postgres": _postgres,
        "redis": _redis,
        "close": _close,
    }
    speak = speakers[service.service]

    async def answer(reader: Reader, writer: Writer) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS * 4):
                await speak(host, service, reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # A scanner hangs up whenever it likes.
        finally:
            writer.close()

    return answer


async def _first(reader: Reader, seconds: float = IDLE_SECONDS) -> bytes:
    """What a client sends first. TimeoutError where it is silent."""
    async with asyncio.timeout(seconds):
        return await reader.read(MOST_BYTES)


async def _close(_host: Host, _service: Service, reader: Reader, _writer: Writer) -> None:
    """A protocol that says nothing to strangers: it waits for its own client and hangs up on any other."""
    await _first(reader, PATIENT_SECONDS)


# --- web ----------------------------------------------------------------------------------------------------


async def _web(host: Host, service: Service, reader: Reader, writer: Writer) -> None:
    head = b""
    async with asyncio.timeout(IDLE_SECONDS):
        while not is_whole(head):
            more = await reader.read(MOST_BYTES)
            if not more:
                return
            head += more
    writer.write(respond(host, service, head))
    await writer.drain()


def is_whole(head: bytes) -> bool:
    """Whether a web server answers now: the request head is whole, or can no longer become one."""
    if not head:
        return False
    if head.endswith((b"\r\n\r\n", b"\n\n")) or len(head) > MOST_BYTES:
        return True
    return not _METHOD.match(head[:16])


def respond(host: Host, service: Service, head: bytes) -> bytes:
    """The whole answer to a request head, as bytes; the connection is closed after it."""
    words = head.split(b"\n", 1)[0].decode("latin-1").split()
    if len(words) < 2 or words[0] not in ("GET", "HEAD") or not words[1].startswith("/"):
        return _reply(service, "400 Bad Request", _page("400 Bad Request"), "text/html")
    path = words[1].partition("?")[0].rstrip("/") or "/"
    if path == "/":
        body, kind, status = _front(service), "text/html", "200 OK"
    elif path == "/redfish/v1" and service.look == "controller":
        body, kind, status = _redfish(host, service), "application/json", "200 OK"
    else:
        body, kind, status = _page("404 Not Found"), "text/html", "404 Not Found"
    return _reply(service, status, body, kind, with_body=words[0] == "GET")


def _reply(service: Service, status: str, body: bytes, kind: str, *, with_body: bool = True) -> bytes:
    date = f"Date: {formatdate(usegmt=True)}"
    size = f"Content-Length: {len(body)}"
    closing = "Connection: close"
    if service.look == "vcenter":
        # In this order nmap recognises the page; the product sends no Server header.
        fields = [date, closing, f"Content-Type: {kind}", "X-Frame-Options: DENY", size]
    else:
        named = [f"Server: {service.server}"] if service.server else []
        fields = [*named, date, f"Content-Type: {kind}; charset=utf-8", size, closing]
    head = "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode("latin-1")
    return head + (body if with_body else b"")


def _front(service: Service) -> bytes:
    if service.look == "vcenter":
        # Its title is put together by a script, from words in the reader's language.
        return (
            b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<script type="text/javascript">\n'
            b'document.write("<title>" + ID_VC_Welcome + "</title>");\n</script>\n'
            b'<meta name="description" content="VMware vSphere is virtual infrastructure software">\n'
            b"</head>\n<body></body>\n</html>\n"
        )
    return _page(service.title)


def _page(title: str) -> bytes:
    shown = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n<title>{shown}</title>\n</head>\n'
        f"<body><h1>{shown}</h1></body>\n</html>\n"
    ).encode()


def _redfish(host: Host, service: Service) -> bytes:
    """A Redfish service root (DMTF DSP0266): readable without login, as the standard demands."""
    root = {
        "@odata.context": "/redfish/v1/$metadata#ServiceRoot.ServiceRoot",
        "@odata.id": "/redfish/v1/",
        "@odata.type": "#ServiceRoot.v1_5_0.ServiceRoot",
        "Id": "RootService",
        "Name": "Root Service",
        "RedfishVersion": "1.6.0",
        # Derived from the address, so that it stays the same from one start to the next.
        "UUID": str(uuid.uuid5(uuid.NAMESPACE_URL, f"redfish://{host.address}:{service.port}")),
        "Systems": {"@odata.id": "/redfish/v1/Systems"},
        "Chassis": {"@odata.id": "/redfish/v1/Chassis"},
        "Managers": {"@odata.id": "/redfish/v1/Managers"},
    }
    return json.dumps(root).encode()


# --- databases ----------------------------------------------------------------------------------------------


async def _mysql(_host: Host, service: Service, reader: Reader, writer: Writer) -> None:
    """Protocol 10's greeting, and a refusal for whoever answers it."""
    greeting = (
        b"\x0a"
        + service.version.encode()
        + b"\0"
        + struct.pack("<I", 4711)
        + b'>j%R|"7Y\0'
        + struct.pack("<HBHH", 0xF7FF, 33, 2, 0x81FF)
        + bytes([21])
        + bytes(10)
        + b"p2$kV_mS1d'4\0"
        + b"mysql_native_password\0"
    )
    writer.write(_mysql_packet(0, greeting))
    await writer.drain()
    if await _first(reader):
        refusal = b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied for user"
        writer.write(_mysql_packet(2, refusal))
        await writer.drain()


def _mysql_packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


async def _postgres(_host: Host, _service: Service, reader: Reader, writer: Writer) -> None:
    """The start-up of PostgreSQL's protocol 3 (Kingbase speaks it too): no TLS, and nobody is let in."""
    data = await _first(reader, PATIENT_SECONDS)
    if len(data) >= 8 and struct.unpack_from("!II", data) == (8, 80877103):  # SSLRequest
        writer.write(b"N")
        await writer.drain()
        data = await _first(reader)
    if len(data) < 8:
        return
    length, major, minor = struct.unpack_from("!IHH", data)
    if not 8 <= length <= 10_000:
        return  # The real server calls this an invalid length and hangs up without a word.
    if major == 3:
        fields = ("SFATAL", "VFATAL", "C28000", "Mno pg_hba.conf entry for host", "Fauth.c", "L543", "RClientAuth")
    else:
        said = f"unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0"
        fields = ("SFATAL", "VFATAL", "C0A000", f"M{said}", "Fpostmaster.c", "L2138", "RProcessStartupPacket")
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    writer.write(b"E" + struct.pack("!I", len(body) + 4) + body)
    await writer.drain()


async def _redis(_host: Host, service: Service, reader: Reader, writer: Writer) -> None:
    said = (await _first(reader)).strip().lower()
    if not said:
        return
    if said.startswith(b"*1") and said.endswith(b"info"):
        info = f"# Server\r\nredis_version:{service.version}\r\nredis_mode:standalone\r\n".encode()
        writer.write(b"$" + str(len(info)).encode() + b"\r\n" + info + b"\r\n")
    elif said.startswith(b"get "):
        writer.write(b"-ERR wrong number of arguments for 'get' command\r\n")
    else:
        writer.write(b"-ERR unknown command\r\n")
    await writer.drain()
