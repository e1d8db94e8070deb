"""A cloud that misbehaves: each fault is a named failure on its scope, and nothing else is lost by it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from probes.base import Stop
from probes.openstack_cloud import ask, wire
from probes.secrets import Secret

SERVERS = {"mzj-web-01", "mzj-db-01", "mzj-old", "rsj-app-01", "jtj-01"}
REGION = ("region:gov-1",)
LISTING = "compute/.*/servers/detail"
Some = Callable[..., Any]


def names(hosts: Some, got: Any) -> set[str]:
    return set(hosts(got)) - {"cloud", "compute-01", "compute-02", "host"}


# --- logging in ---------------------------------------------------------------------------------------------


def test_a_wrong_password_is_a_refused_login(replay: Some, look: Some, said: Some) -> None:
    cloud = replay()
    cloud.users = {"city-admin": "another"}
    got = look(cloud)
    assert said(got) == [("login_refused", (cloud.auth_url,))]
    assert (got.observations, got.coverage) == ((), ())
    assert len(cloud.asked) == 1, "a refused login is not tried again: accounts are locked by that"


def test_no_password_is_no_login(replay: Some, look: Some, said: Some, tmp_path: Any) -> None:
    cloud = replay()
    got = look(cloud, password=Secret.parse(f"file:{tmp_path / 'none'}"))
    assert said(got) == [("no_credentials", (cloud.auth_url,))]
    assert cloud.asked == []


def test_nobody_there(replay: Some, look: Some, said: Some) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/v3"
    assert said(look(replay(), auth_url=url)) == [("unreachable", (url,))]


@pytest.mark.parametrize(
    "body",
    [
        b"<html><title>Sign in</title></html>",
        b"{",
        b"[]",
        b"null",
        b'{"token": 5}',
        b'{"token": {}}',
        b'{"token": {"expires_at": "yesterday", "roles": 7, "catalog": {}}}',
        b"[" * 100_000,
    ],
)
def test_a_token_that_is_none(replay: Some, replays: Any, look: Some, said: Some, body: bytes) -> None:
    cloud = replay()
    cloud.on("auth/tokens", replays.Answer(201, raw=body, headers={"X-Subject-Token": "t"}))
    got = look(cloud)
    assert [reason for reason, _ in said(got)] == ["bad_output"]
    assert (got.observations, got.coverage) == ((), ())


@pytest.mark.parametrize("catalogue", [7, None, [7], [{"type": "compute"}], [{"type": "compute", "endpoints": [{}]}]])
def test_a_catalogue_that_is_none(replay: Some, look: Some, said: Some, catalogue: Any) -> None:
    cloud = replay()
    cloud._catalogue = lambda _services: catalogue
    got = look(cloud)
    assert {reason for reason, _ in said(got)} == {"bad_output"}
    assert got.coverage == ()


def test_a_project_without_a_token_is_forbidden_and_the_others_go_on(
    replay: Some, look: Some, hosts: Some, said: Some
) -> None:
    cloud = replay()
    gone = next(row["id"] for row in cloud.data["projects"]["projects"] if row["name"] == "人社局")
    login = cloud._login
    cloud._login = lambda body: login(
        {"auth": {**body["auth"], "scope": {"project": {"id": "none"}}}}
        if body["auth"].get("scope") == {"project": {"id": gone}}
        else body
    )
    got = look(cloud, "city-reader")
    assert names(hosts, got) == {"mzj-web-01", "mzj-db-01", "mzj-old"}
    assert said(got) == [("forbidden", ("project:人社局",)), ("forbidden", ("*",))]
    assert [coverage.scope for coverage in got.coverage] == [("民政局",)]


def test_a_user_without_any_role(replay: Some, look: Some, said: Some) -> None:
    cloud = replay()
    cloud.data["users"]["city-reader"] = {}
    got = look(cloud, "city-reader")
    assert said(got) == [("forbidden", ("*",))]
    assert (got.observations, got.coverage) == ((), ())


# --- sessions that end, services that are busy --------------------------------------------------------------


@pytest.mark.parametrize("lasts", [2, 3, 4, 7])
def test_tokens_that_expire_while_pages_pass(replay: Some, look: Some, hosts: Some, lasts: int) -> None:
    cloud = replay(page=1)
    cloud.lasts = lasts
    got = look(cloud)
    assert got.failures == ()
    assert names(hosts, got) == SERVERS
    assert len([one for one in got.observations if one.kind == "host"]) == 7, "nothing twice"
    assert sum(path.endswith("auth/tokens") for path in cloud.paths()) > 3


def test_tokens_that_are_never_good(replay: Some, replays: Any, look: Some, said: Some) -> None:
    cloud = replay()
    cloud.on(LISTING, replays.Answer(401, cloud.data["servers_expired"]["body"]))
    got = look(cloud)
    assert said(got) == [("session_expired", REGION)]
    assert got.coverage == ()


def test_a_login_that_is_refused_in_the_middle(replay: Some, look: Some, hosts: Some, said: Some) -> None:
    cloud = replay(page=2)

    def lock(_asked: Any) -> None:
        cloud.users, cloud.lasts = {}, 0

    cloud.on(LISTING, lock, after=1)
    got = look(cloud)
    assert [reason for reason, _ in said(got)] == ["login_refused"]
    assert len(names(hosts, got)) == 2 and got.coverage == (), "what was seen stands"


@pytest.mark.parametrize("status, word", [(429, "throttled"), (503, "unavailable")])
def test_retry_after_is_waited_for(
    replay: Some, replays: Any, look: Some, hosts: Some, status: int, word: str
) -> None:
    cloud = replay(page=2)
    at: list[float] = []

    def busy(_asked: Any) -> Any:
        at.append(time.monotonic())
        return replays.Answer(status, {}, {"Retry-After": "1"}) if len(at) in (2, 3) else None

    cloud.on(LISTING, busy)
    got = look(cloud)
    assert got.failures == () and names(hosts, got) == SERVERS
    assert at[2] - at[1] >= 1 and at[3] - at[2] >= 1


def test_retry_after_may_be_a_date(replay: Some, replays: Any, look: Some, hosts: Some) -> None:
    cloud = replay()
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    cloud.on(LISTING, replays.Answer(503, {}, {"Retry-After": until}), times=1)
    got = look(cloud)
    assert got.failures == () and names(hosts, got) == SERVERS


@pytest.mark.parametrize(
    "status, told, asked, word",
    [
        (429, "0", ask.TRIES, "throttled"),
        (503, "0", ask.TRIES, "unavailable"),
        (429, "3600", 1, "throttled"),
        (503, "99999999999999999999", 3, "unavailable"),
    ],
)
def test_patience_has_an_end(
    replay: Some, replays: Any, look: Some, said: Some, status: int, told: str, asked: int, word: str
) -> None:
    cloud = replay()
    cloud.on(LISTING, replays.Answer(status, {}, {"Retry-After": told}))
    got = look(cloud)
    assert said(got) == [(word, REGION)]
    assert sum(path.endswith("servers/detail") for path in cloud.paths()) == asked
    assert got.coverage == ()


def test_patience_ends_before_leave_does(replay: Some, replays: Any, look: Some, said: Some) -> None:
    cloud = replay()
    cloud.on(LISTING, replays.Answer(429, {}, {"Retry-After": "60"}))
    began = time.monotonic()
    got = look(cloud, until=datetime.now(UTC) + timedelta(seconds=30))
    assert time.monotonic() - began < 5
    assert said(got) == [("throttled", REGION)]
    assert "leave" in got.failures[0].message


def test_a_busy_keystone_is_waited_for_too(replay: Some, replays: Any, look: Some, hosts: Some) -> None:
    cloud = replay()
    cloud.on("auth/tokens", replays.Answer(503, {}, {"Retry-After": "0"}), times=2)
    cloud.on("auth/projects", replays.Answer(429, {}, {"Retry-After": "0"}), times=2)
    got = look(cloud)
    assert got.failures == () and names(hosts, got) == SERVERS


# --- regions and services that are down ---------------------------------------------------------------------


@pytest.mark.parametrize("user, rest", [("city-admin", []), ("city-reader", [("forbidden", ("*",))])])
def test_a_region_that_is_down_leaves_the_others(
    replay: Some, look: Some, hosts: Some, said: Some, user: str, rest: list[Any]
) -> None:
    cloud = replay(regions=("gov-1", "south"))
    with socket.create_server(("127.0.0.1", 0)) as gone:
        cloud.regions["south"] = f"http://127.0.0.1:{gone.getsockname()[1]}"
    got = look(cloud, user)
    assert names(hosts, got) == SERVERS - ({"jtj-01"} if user == "city-reader" else set())
    assert said(got) == [("unavailable", ("region:south",)), *rest]
    assert got.coverage == (), "each project may have servers in the region that is down"


@pytest.mark.parametrize("service", ["network", "image", "volume", "identity/v3/projects"])
def test_no_service_makes_the_sdk_sleep_by_itself(
    replay: Some, replays: Any, look: Some, hosts: Some, said: Some, service: str
) -> None:
    cloud = replay()
    cloud.on(f"/{service}", replays.Answer(503, {}, {"Retry-After": "3600"}))
    began = time.monotonic()
    got = look(cloud)
    assert time.monotonic() - began < 5
    assert names(hosts, got) == SERVERS
    assert [reason for reason, _ in said(got)] == ["unavailable"] and got.coverage == ()


@pytest.mark.parametrize("service", ["network", "image", "volume"])
def test_a_service_that_is_down_costs_the_coverage_and_no_server(
    replay: Some, replays: Any, look: Some, hosts: Some, said: Some, service: str
) -> None:
    cloud = replay()
    cloud.on(f"/{service}/", replays.Answer(503, {}, {"Retry-After": "0"}))
    got = look(cloud)
    assert names(hosts, got) == SERVERS
    assert said(got) == [("unavailable", REGION)]
    assert got.coverage == ()
    reader = look(cloud, "city-reader")
    assert names(hosts, reader) == SERVERS - {"jtj-01"}
    assert reader.coverage == ()


def test_a_cloud_without_volumes_is_no_fault(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay()
    catalogue = cloud._catalogue
    cloud._catalogue = lambda services: [s for s in catalogue(services) if s["type"] != "block-storage"]
    got = look(cloud)
    assert got.failures == () and names(hosts, got) == SERVERS
    assert got.coverage != ()


def test_hypervisors_that_may_not_be_seen_are_no_fault(replay: Some, replays: Any, look: Some, hosts: Some) -> None:
    cloud = replay()
    cloud.on("os-hypervisors", replays.Answer(403, cloud.data["hypervisors_refused"]["body"]))
    got = look(cloud)
    assert got.failures == () and names(hosts, got) == SERVERS
    assert [coverage.detail for coverage in got.coverage] == ["ZWY-01"]
    assert "hosts_total" not in hosts(got)["cloud"][1]


# --- answers that are none ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"<html>502</html>",
        b"",
        b'{"servers": [',
        b"[]",
        b'{"servers": 5}',
        b'{"servers": {"a": 1}}',
        b"{}",
        b'{"a":' * 50_000,
        b"\xff\xfe\x00",
        b'{"servers": [' + b"9" * 10_000 + b"]}",
    ],
)
def test_a_page_that_is_none_loses_that_page_only(
    replay: Some, replays: Any, look: Some, hosts: Some, said: Some, raw: bytes
) -> None:
    cloud = replay(page=2)
    cloud.on(LISTING, replays.Answer(200, raw=raw), after=1)
    got = look(cloud)
    assert said(got) == [("bad_output", REGION)]
    assert len(names(hosts, got)) == 2
    assert got.coverage == ()


def test_a_torn_answer(replay: Some, replays: Any, look: Some, said: Some) -> None:
    cloud = replay()
    cloud.on(LISTING, replays.Answer(200, cloud.data["servers"], torn=True))
    got = look(cloud)
    assert [reason for reason, _ in said(got)] in (["bad_output"], ["unavailable"])
    assert got.coverage == ()


def test_a_compressed_answer_is_not_unpacked(replay: Some, replays: Any, look: Some, said: Some) -> None:
    cloud = replay()
    cloud.on(LISTING, replays.Answer(200, raw=b"\x1f\x8b" + b"\0" * 100, headers={"Content-Encoding": "gzip"}))
    assert said(look(cloud)) == [("bad_output", REGION)]
    assert all(asked.headers["Accept-Encoding"] == "identity" for asked in cloud.asked)


def test_a_giant_answer_is_cut_off(
    replay: Some, replays: Any, look: Some, said: Some, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_BYTES", 200_000)
    cloud = replay()
    cloud.on(LISTING, replays.Answer(200, raw=b'{"servers": ["' + b"x" * 30_000_000 + b'"]}'))
    assert said(look(cloud)) == [("too_much", REGION)]


def test_pages_that_point_at_themselves(replay: Some, replays: Any, look: Some, hosts: Some, said: Some) -> None:
    cloud = replay(page=2)
    first = cloud.data["servers"]["servers"][:2]
    links = [{"rel": "next", "href": f"http://x.invalid/?marker={first[1]['id']}"}]
    cloud.on(LISTING, replays.Answer(200, {"servers": first, "servers_links": links}))
    got = look(cloud)
    assert said(got) == [("looping", REGION)]
    assert len(names(hosts, got)) == 2 and got.coverage == ()
    assert sum(path.endswith("servers/detail") for path in cloud.paths()) == 2


def test_pages_that_repeat_under_new_markers(replay: Some, replays: Any, look: Some, said: Some) -> None:
    cloud = replay(page=2)
    rows, count = cloud.data["servers"]["servers"], iter(range(10_000))

    def again(_asked: Any) -> Any:
        links = [{"rel": "next", "href": f"?marker=m{next(count)}"}]
        return replays.Answer(200, {"servers": rows, "servers_links": links})

    cloud.on(LISTING, again)
    assert said(look(cloud)) == [("looping", REGION)]
    assert next(count) < 5


def test_a_lost_link_loses_no_server(replay: Some, replays: Any, look: Some, hosts: Some) -> None:
    cloud = replay(page=2)
    rows = cloud.data["servers"]["servers"]
    cloud.on(LISTING, lambda asked: None, times=1)
    cloud.on(LISTING, replays.Answer(200, {"servers": rows[2:4]}), times=1)
    got = look(cloud)
    assert got.failures == () and names(hosts, got) == SERVERS


def test_a_cloud_that_knows_no_pages_is_asked_once_more(
    replay: Some, replays: Any, look: Some, hosts: Some, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "FULL", 5)
    cloud = replay()
    cloud.on(LISTING, replays.Answer(200, {"servers": cloud.data["servers"]["servers"]}))
    got = look(cloud)
    assert got.failures == () and names(hosts, got) == SERVERS and got.coverage != ()
    assert sum(path.endswith("servers/detail") for path in cloud.paths()) == 2


def test_pages_without_an_end(
    replay: Some, replays: Any, look: Some, said: Some, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "MOST_ROWS", 50)
    cloud = replay()
    row, count = cloud.data["servers"]["servers"][0], iter(range(10_000))

    def more(_asked: Any) -> Any:
        rows = [{**row, "id": f"{next(count):036d}"} for _ in range(10)]
        return replays.Answer(
            200, {"servers": rows, "servers_links": [{"rel": "next", "href": "?marker=" + rows[-1]["id"]}]}
        )

    cloud.on(LISTING, more)
    assert said(look(cloud)) == [("too_much", REGION)]
    assert next(count) < 100


def test_rows_that_are_none_are_left_out_and_said(replay: Some, look: Some, hosts: Some, said: Some) -> None:
    cloud = replay(page=1000)
    cloud.data["servers"]["servers"] += [5, None, "x", [], {}, {"id": None}, {"id": {"a": 1}}, {"id": ""}]
    got = look(cloud)
    assert names(hosts, got) == SERVERS
    assert said(got) == [("bad_output", REGION)]
    assert "8 rows" in got.failures[0].message and got.coverage == ()


ODD: list[tuple[str, Any]] = [
    ("name", 5),
    ("addresses", []),
    ("addresses", {"net": 7}),
    ("addresses", {"net": [7]}),
    ("addresses", {"net": [{"addr": 7}]}),
    ("addresses", {"net": [{"addr": "300.1.1.1"}]}),
    ("flavor", "large"),
    ("flavor", {"ram": "much"}),
    ("flavor", {"ram": -1}),
    ("metadata", ["a"]),
    ("tags", {"a": 1}),
    ("tags", [1, 2]),
    ("created", 20250101),
    ("status", ["ACTIVE"]),
    ("OS-EXT-STS:power_state", "on"),
]


@pytest.mark.parametrize("field, value", ODD)
def test_a_field_of_another_type_costs_that_field_and_the_coverage(
    replay: Some, look: Some, hosts: Some, said: Some, field: str, value: Any
) -> None:
    cloud = replay(page=1000)
    row = next(row for row in cloud.data["servers"]["servers"] if row["name"] == "rsj-app-01")
    row[field] = value
    got = look(cloud)
    assert sum(one.kind == "host" for one in got.observations) == 7
    assert said(got) == [("bad_output", ("project:人社局",))]
    assert field in got.failures[0].message
    assert got.coverage == ()
    facts = next(
        {fact.column: fact.value for fact in one.facts}
        for one in got.observations
        if any(str(i).endswith(row["id"]) for i in one.identifiers)
    )
    assert facts["platform"] == "gov_cloud"


@pytest.mark.parametrize("path, key", [("ports", "ports"), ("floatingips", "floatingips"), ("images", "images")])
def test_odd_rows_beside_the_servers(replay: Some, look: Some, hosts: Some, said: Some, path: str, key: str) -> None:
    cloud = replay()
    cloud.data[path][key] += [
        {"id": "a", "device_id": 5, "port_id": [], "fixed_ips": [{"ip_address": 5}, 7], "mac_address": {}},
        {"id": "b", "fixed_ips": 9, "name": 5, "os_distro": [], "device_id": "x", "mac_address": "zz"},
        "x",
    ]
    got = look(cloud)
    assert names(hosts, got) == SERVERS
    assert said(got) == [("bad_output", REGION)]


def test_hostile_text_is_made_harmless(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay(page=1000)
    row = next(row for row in cloud.data["servers"]["servers"] if row["name"] == "jtj-01")
    row["name"] = "\x1b]0;x\x07" + "a" * 5000
    row["tags"] = ["\u202etxt.exe", *(f"t{i}" for i in range(1000))]
    row["metadata"] = {"k\n": "v\r\n" * 1000}
    row["created"] = "9999-99-99"
    got = look(cloud)
    one = next(o for o in got.observations if any(f.column == "name" and "x1b" in str(f.value) for f in o.facts))
    text = repr([fact.value for fact in one.facts])
    assert "\x1b" not in str([fact.value for fact in one.facts]) and "\u202e" not in text
    assert len(text) < 40_000
    facts = {fact.column: fact.value for fact in one.facts}
    assert len(facts["name"]) < 120 and len(facts["cloud_tags"]) == 100 and "created_on" not in facts


# --- stopping -----------------------------------------------------------------------------------------------


def stopped_in(look: Some, cloud: Any, when: Callable[[], bool], **settings: Any) -> tuple[Any, float]:
    """What comes home, and how long it took after the stop."""
    stop, at = Stop(), [0.0]

    def end() -> None:
        while not when():
            time.sleep(0.02)
        at[0] = time.monotonic()
        stop.set("please")

    thread = threading.Thread(target=end)
    thread.start()
    got = look(cloud, stop=stop, **settings)
    took = time.monotonic() - at[0]
    thread.join()
    return got, took


def test_stopping_ends_a_wait(replay: Some, replays: Any, look: Some, said: Some) -> None:
    cloud = replay()
    cloud.on(LISTING, replays.Answer(503, {}, {"Retry-After": "100"}))
    got, took = stopped_in(look, cloud, lambda: any(p.endswith("servers/detail") for p in cloud.paths()))
    assert took < 1
    assert said(got) == [("stopped", (cloud.auth_url,))]
    assert got.coverage == ()


def test_stopping_ends_an_answer_that_does_not_come(replay: Some, look: Some, hosts: Some, said: Some) -> None:
    cloud = replay(page=2)
    hanging = threading.Event()
    cloud.on(LISTING, lambda _asked: hanging.wait(20) and None, after=1)
    got, took = stopped_in(look, cloud, lambda: sum(p.endswith("servers/detail") for p in cloud.paths()) == 2)
    hanging.set()
    assert took < 1
    assert said(got) == [("stopped", (cloud.auth_url,))]
    assert len(names(hosts, got)) == 2 and got.coverage == ()


def test_stopping_ends_a_handshake_that_does_not_come(replay: Some, look: Some, said: Some) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/v3"
        began = time.monotonic()
        got, took = stopped_in(look, replay(), lambda: time.monotonic() - began > 0.5, auth_url=url)
    assert took < 1
    assert said(got) == [("stopped", (url,))]


def test_an_answer_that_drips_is_cut_off(
    replay: Some, look: Some, said: Some, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 1.0)
    dripping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not dripping.wait(0.1):
                    try:
                        connection.sendall(b"X-A: b\r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v3"
        began = time.monotonic()
        got = look(replay(), auth_url=url)
        dripping.set()
        thread.join()
    assert said(got) == [("timed_out", (url,))]
    assert time.monotonic() - began < 4
