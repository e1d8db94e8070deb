"""Where systems really answer: each declared name asked once, and nothing beyond the list, whatever turns up."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from inventories.coverage import Covered
from inventories.identity import code_id, name_id
from inventories.kinds import KINDS
from inventories.model import Collection, Fact, Identifier, Observation, Origin, Strength
from probes.access import Access, Asked, NameRules
from probes.base import Context, Stop
from probes.names.plan import SHARD_NAMES
from probes.names.probe import NamesProbe
from probes.scope import Permit

HOME, OTHER, OUTSIDE, SERVER, SECOND = "127.62.0.1", "127.62.0.2", "127.63.0.1", "127.62.9.1", "127.62.9.2"


def system(code: str, department: str = "mzj") -> tuple[Identifier, ...]:
    return (code_id("system", code), name_id("system", department, code))


def asked(host: str, port: int = 0, scheme: str = "http", path: str = "/", code: str = "A-1") -> Asked:
    return Asked(host, port, scheme, path, system(code), "mzj")


@dataclasses.dataclass
class Looked:
    """What a run gave, and the shorthand that tests read it by."""

    collection: Collection

    def system(self, code: str = "A-1") -> Observation:
        [found] = [o for o in self.collection.observations if code_id("system", code) in o.identifiers]
        return found

    def values(self, column: str, code: str = "A-1") -> list[str]:
        out: list[str] = []
        for fact in self.facts(column, code):
            out += fact.value if isinstance(fact.value, tuple) else [str(fact.value)]
        return out

    def facts(self, column: str, code: str = "A-1") -> list[Fact]:
        return [fact for fact in self.system(code).facts if fact.column == column]

    @property
    def covered(self) -> Covered:
        return Covered(self.collection.coverage)

    @property
    def failures(self) -> dict[str, str]:
        return {name: failure.reason for failure in self.collection.failures for name in failure.scope}


Look = Callable[..., Looked]


@pytest.fixture
def names(world: Any) -> Iterator[Any]:
    """A name server at SERVER (and SECOND, where a test starts it)."""
    with world.Names({}) as servers:
        yield servers


@pytest.fixture
def look(names: Any, permit_of: Callable[..., Permit], tmp_path: Path, now: Callable[..., Any]) -> Look:
    """``look(asked(...), ..., zone={...})``: what the probe finds with these names and that name server."""

    def run(
        *wanted: Asked,
        zone: dict[str, Sequence[str] | str] | None = None,
        patterns: Sequence[str] = ("*.example.gov.cn", "*.示例.政务", "127.*"),
        targets: Sequence[str] = ("127.62.0.0/24",),
        excluded: Sequence[str] = (),
        follow: bool = False,
        stop: Stop | None = None,
        **settings: Any,
    ) -> Looked:
        if SERVER not in names.zones:
            names.serve(SERVER, zone or {})
        rules = NameRules(tuple(patterns), tuple(names.zones), follow)
        permit = dataclasses.replace(
            permit_of(*targets, excluded=excluded, **settings),
            access=Access(names=rules),
            names=tuple(name for name in wanted if rules.allows(name.host)),
        )
        probe = NamesProbe(dns_port=names.port)
        found = Collection()
        for shard in probe.shards(permit):
            found += probe.collect(shard, Context(permit, tmp_path, stop or Stop(), now))
        return Looked(found)

    return run


def test_a_name_its_aliases_its_address_and_its_page(web: Any, world: Any, names: Any, look: Look) -> None:
    port = web.serve(HOME, world.page("示例市民政局政务服务", Server="nginx"))
    zone = {"www.example.gov.cn": ["cname:lb.cloud.example.", "cname:a.node.example.", HOME]}
    got = look(asked("www.example.gov.cn", port, path="/index.html"), zone=zone)
    assert got.values("dns_names") == ["www.example.gov.cn → lb.cloud.example → a.node.example"]
    assert got.values("dns_addresses") == [f"www.example.gov.cn {HOME}"]
    url = f"http://www.example.gov.cn:{port}/index.html"
    assert got.values("page_titles") == [f"{url} 示例市民政局政务服务"]
    [resolves] = got.facts("resolves")
    assert (resolves.value, resolves.strength) == (True, Strength.SEEN_OUTSIDE)
    [title] = got.facts("page_titles")
    assert title.evidence == f"{HOME} {port}/tcp HTTP 200；nginx"
    observation = got.system()
    assert (observation.kind, observation.collector, observation.zone) == ("system", "names", "a")
    assert observation.department_id == "mzj" and observation.identifiers == system("A-1")
    assert got.covered.name("WWW.example.gov.cn.") and not got.failures
    for fact in observation.facts:
        assert Origin.OBSERVED in KINDS["system"].column(fact.column).origins
    # One question for each kind of address, and none for what the name is an alias of.
    assert [(name, kind) for _s, name, kind in names.asked] == [
        ("www.example.gov.cn", "A"),
        ("www.example.gov.cn", "AAAA"),
    ]
    assert web.paths() == ["/index.html"]


def test_the_certificate_tells_for_whom_it_was_made(web: Any, world: Any, look: Look) -> None:
    tls = world.tls_context(("oa.example.gov.cn", "mail.example.gov.cn"))
    port = web.serve(HOME, world.page("x"), tls=tls)
    got = look(asked("oa.example.gov.cn", port, "https"), zone={"oa.example.gov.cn": [HOME]})
    assert got.values("tls_names") == ["oa.example.gov.cn", "mail.example.gov.cn"]
    assert "有效期 2025-01-01 至 2027-01-01" in got.facts("tls_names")[0].evidence


def test_names_that_turn_up_on_the_way_are_never_asked(web: Any, world: Any, names: Any, look: Look) -> None:
    """An alias, a redirect to another name, to another address and port, a name in a certificate."""
    tls = world.tls_context(("www.example.gov.cn", "secret.example.gov.cn"))
    elsewhere = web.serve(OTHER, world.page("elsewhere"))
    pages = {
        "/": world.page(status="302 Found", Location=f"http://secret.example.gov.cn:{elsewhere}/x"),
        "/a": world.page(status="302 Found", Location=f"http://{OTHER}:{elsewhere}/x?ticket=canary-7c1d"),
        "/b": world.page(body='<meta http-equiv="refresh" content="0;url=//secret.example.gov.cn/">'),
        "/c": world.page(status="302 Found", Location=f"https://www.example.gov.cn:{elsewhere}/x"),
        "/d": world.page(status="302 Found", Location="ftp://www.example.gov.cn/x"),
        "/e": world.page(status="302 Found", Location="http://[broken"),
    }
    port = web.serve(HOME, pages, tls=tls)
    zone = {
        "www.example.gov.cn": ["cname:secret.example.gov.cn.", HOME],
        "secret.example.gov.cn": [OTHER],
    }
    got = look(*(asked("www.example.gov.cn", port, "https", path) for path in pages), zone=zone)
    assert names.names() == {"www.example.gov.cn"}
    assert set(web.touched) == {(HOME, port)}
    assert sorted(web.paths()) == sorted(pages)
    assert any("未跟随" in fact.evidence for fact in got.facts("page_titles"))
    assert not got.failures and "canary" not in repr(got.collection)


def test_redirects_within_the_name_are_followed_so_far(web: Any, world: Any, look: Look) -> None:
    hops = {f"/{n}": world.page(status="302 Found", Location=f"/{n + 1}") for n in range(9)}
    port = web.serve(HOME, {**hops, "/9": world.page("too far"), "/s": world.page("登录")})
    zone = {"www.example.gov.cn": [HOME]}
    got = look(asked("www.example.gov.cn", port, path="/0"), zone=zone)
    assert web.paths() == ["/0", "/1", "/2", "/3"]
    assert got.values("page_titles")[0].endswith("（HTTP 302，无标题）")
    web.heads.clear()
    port = web.serve(HOME, {"/": world.page(status="301 Moved", Location=""), "/x": world.page("y")})
    look(asked("www.example.gov.cn", port), zone=zone)
    assert web.paths() == ["/"]


def test_a_redirect_that_goes_round_ends(web: Any, world: Any, look: Look) -> None:
    port = web.serve(HOME, {"/": world.page(status="302 Found", Location="/"), "/x": b""})
    look(asked("www.example.gov.cn", port), zone={"www.example.gov.cn": [HOME]})
    assert web.paths() == ["/"]


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize(
    ("targets", "excluded"),
    [(("127.62.0.0/24",), ()), (("127.62.0.0/24",), ("127.63.0.0/24",)), ((), ())],
)
def test_outside_what_may_be_asked_a_name_is_looked_up_and_no_more(
    web: Any, world: Any, look: Look, follow: bool, targets: tuple[str, ...], excluded: tuple[str, ...]
) -> None:
    port = web.serve(OUTSIDE, world.page("not ours"))
    zone = {"www.example.gov.cn": [OUTSIDE]}
    got = look(
        asked("www.example.gov.cn", port),
        asked(OUTSIDE, port),
        zone=zone,
        follow=follow,
        targets=targets,
        excluded=excluded,
    )
    assert got.values("dns_addresses") == [f"www.example.gov.cn {OUTSIDE}"]
    assert "未访问" in got.facts("dns_addresses")[0].evidence
    assert not got.facts("page_titles") and web.touched == []
    # Where it leads is known; what answers there is not.
    assert not got.covered.name("www.example.gov.cn") and not got.covered.name(OUTSIDE)
    assert not got.failures


def test_a_name_that_leads_in_and_out_is_asked_inside(web: Any, world: Any, look: Look) -> None:
    port = web.serve(HOME, world.page("ours"))
    web.serve(OUTSIDE, world.page("not ours"), port=port)
    zone = {"www.example.gov.cn": [OUTSIDE, HOME, "::1", "10.0.0.1"]}
    got = look(asked("www.example.gov.cn", port), zone=zone, follow=True)
    assert web.touched == [(HOME, port)]
    assert got.values("dns_addresses")[0] == f"www.example.gov.cn {OUTSIDE}"
    assert len(got.values("dns_addresses")) == 4


def test_what_the_rules_do_not_allow_is_not_asked_whoever_lists_it(
    web: Any, world: Any, names: Any, permit_of: Callable[..., Permit], tmp_path: Path, now: Callable[..., Any]
) -> None:
    port = web.serve(HOME, world.page("x"))
    names.serve(SERVER, {"www.example.org": [HOME]})
    permit = dataclasses.replace(
        permit_of("127.62.0.0/24"),
        access=Access(names=NameRules(("*.example.gov.cn",), (SERVER,))),
        names=(asked("www.example.org", port), asked(HOME, port)),
    )
    probe = NamesProbe(dns_port=names.port)
    [shard] = probe.shards(permit)
    assert probe.collect(shard, Context(permit, tmp_path, Stop(), now)) == Collection()
    assert names.asked == [] and web.touched == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("servfail", "unavailable"),
        ("refused", "forbidden"),
        ("bare", "unavailable"),
        ("root", "unavailable"),
        ("nonsense", "bad_output"),
        (["cname:b.example.", "cname:www.example.gov.cn."], "looping"),
        ([f"cname:n{n}.example." for n in range(30)], "too_much"),
    ],
)
def test_what_is_no_answer_is_a_failure_and_no_fact(names: Any, look: Look, answer: Any, reason: str) -> None:
    got = look(asked("www.example.gov.cn"), zone={"www.example.gov.cn": answer})
    assert got.failures == {"www.example.gov.cn": reason}
    assert not got.covered.name("www.example.gov.cn")
    assert not any(fact.column == "resolves" for o in got.collection.observations for fact in o.facts)


def test_a_name_server_that_is_silent(names: Any, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.names.lookup.SECONDS", 0.3)
    got = look(asked("www.example.gov.cn"), zone={"www.example.gov.cn": "silence"})
    assert got.failures == {"www.example.gov.cn": "timed_out"}
    assert got.collection.observations == ()


def test_only_a_denial_by_authority_says_that_there_is_no_such_name(names: Any, look: Look) -> None:
    got = look(asked("gone.example.gov.cn"), asked("old.example.gov.cn"), zone={})
    [fact] = got.facts("resolves")
    assert fact.value is False and fact.strength is Strength.SEEN_OUTSIDE
    assert "gone.example.gov.cn" in fact.evidence and SERVER in fact.evidence
    assert got.covered.name("gone.example.gov.cn") and not got.failures
    assert got.values("dns_names") == []


def test_a_name_without_an_address_is_neither(look: Look) -> None:
    got = look(asked("www.example.gov.cn"), zone={"www.example.gov.cn": "empty"})
    assert got.values("dns_names") == ["www.example.gov.cn"] and not got.facts("resolves")
    assert not got.failures and not got.covered.name("www.example.gov.cn")


def test_an_alias_of_nothing(look: Look) -> None:
    zone = {"www.example.gov.cn": ["cname:gone.cloud.example.", "nxdomain"]}
    got = look(asked("www.example.gov.cn"), zone=zone)
    assert got.values("dns_names") == ["www.example.gov.cn → gone.cloud.example"]
    assert got.values("resolves") == ["False"]


def test_one_of_two_names_leads_somewhere(look: Look) -> None:
    zone = {"www.example.gov.cn": [OUTSIDE], "odd.example.gov.cn": "servfail"}
    one = [asked("old.example.gov.cn"), asked("www.example.gov.cn")]
    other = [asked("older.example.gov.cn", code="B-2"), asked("odd.example.gov.cn", code="B-2")]
    got = look(*one, *other, zone=zone)
    assert got.values("resolves") == ["True"]
    # Nothing is said of a system of whose names one could not be looked up.
    assert not any(code_id("system", "B-2") in o.identifiers for o in got.collection.observations)


@pytest.mark.parametrize(
    ("second", "resolves", "failed"),
    [([HOME], ["True"], False), ("nxdomain", ["False"], False), ("servfail", [], True), ("empty", [], False)],
)
def test_name_servers_that_disagree(names: Any, look: Look, second: Any, resolves: list[str], failed: bool) -> None:
    """One inside and one outside know different names: only what all of them deny is denied."""
    names.serve(SERVER, {})
    names.serve(SECOND, {"www.example.gov.cn": second})
    got = look(asked("www.example.gov.cn", 9))
    assert (got.values("resolves") if got.collection.observations else []) == resolves
    assert bool(got.failures) is failed


def test_an_answer_too_long_for_udp_is_read_by_tcp(look: Look) -> None:
    got = look(asked("www.example.gov.cn"), zone={"www.example.gov.cn": "cut"})
    assert got.values("dns_addresses") == ["www.example.gov.cn 127.77.7.7"]


def test_the_address_that_was_checked_is_the_one_that_is_asked(web: Any, world: Any, names: Any, look: Look) -> None:
    """A name server that gives another address the next time gains nothing: there is no next time."""
    port = web.serve(HOME, world.page("ours"))
    web.serve(OUTSIDE, world.page("not ours"), port=port)

    class Turning(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            self["seen"] = self.get_count() + 1
            return [HOME] if self["seen"] <= 2 else [OUTSIDE]

        def get_count(self) -> int:
            return int(super().get("seen", 0))

    names.serve(SERVER, Turning())
    look(*(asked("www.example.gov.cn", port, path=path) for path in ("/a", "/b", "/c")))
    assert set(web.touched) == {(HOME, port)} and len(names.asked) == 2


def test_chinese_names(web: Any, world: Any, names: Any, look: Look) -> None:
    wire = "门户.示例.政务".encode("idna").decode()
    port = web.serve(HOME, {"/": world.page(status="302 Found", Location=f"http://{wire}:0/"), "/x": world.page("y")})
    got = look(asked("门户.示例.政务", port), zone={wire: [HOME]})
    assert names.names() == {wire}
    assert got.values("dns_addresses") == [f"门户.示例.政务 {HOME}"]
    assert got.covered.name("门户.示例.政务")
    assert f"Host: {wire}:{port}".encode() in web.heads[0]


@pytest.mark.parametrize(
    "host",
    [
        "a b.example.gov.cn",
        "a\x00.example.gov.cn",
        "a\r\nx.example.gov.cn",
        "ｗｗｗ.example.gov.cn",
        "a／b.example.gov.cn",
        "-a.example.gov.cn",
        "..example.gov.cn",
        "a" * 70 + ".example.gov.cn",
        "\x1b[31m.example.gov.cn",
    ],
)
def test_texts_that_are_no_names_are_refused_and_not_asked(names: Any, look: Look, host: str) -> None:
    got = look(asked(host))
    assert names.asked == [] and got.collection.observations == ()
    [failure] = got.collection.failures
    assert failure.reason == "bad_name"
    assert "\x1b" not in failure.message + str(failure.scope) and "\n" not in failure.message


@pytest.mark.parametrize("host", ["127.1", "127.62.1", "127.0x1"])
def test_short_forms_of_addresses_are_not_looked_up(names: Any, look: Look, host: str) -> None:
    assert look(asked(host)).failures == {host: "bad_name"}
    assert names.asked == []


def test_an_address_is_asked_in_https_and_then_in_http(
    web: Any, world: Any, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    from probes import http_ask

    monkeypatch.setattr("probes.names.collecting.Asker", _quick(http_ask.Asker))
    secure = web.serve(HOME, world.page("secure"), tls=world.tls_context())
    plain = web.serve(HOME, world.page("plain"))
    got = look(asked(HOME, secure, ""), asked(HOME, plain, "", code="B-2"))
    assert got.values("page_titles") == [f"https://{HOME}:{secure}/ secure"]
    assert got.values("page_titles", "B-2") == [f"http://{HOME}:{plain}/ plain"]
    assert not got.facts("dns_names") and not got.facts("resolves")
    assert got.covered.name(HOME)
    assert any(f"Host: {HOME}:{plain}".encode() in head for head in web.heads)


def test_nothing_answers_at_a_target(look: Look) -> None:
    """As for a scan of ports: that nobody takes the connection is an answer, within the zone."""
    got = look(asked("www.example.gov.cn", 9), zone={"www.example.gov.cn": [HOME]})
    assert got.covered.name("www.example.gov.cn") and not got.failures
    assert not got.facts("page_titles") and got.values("resolves") == ["True"]


@pytest.mark.parametrize(("what", "reason"), [("ssh", "bad_output"), ("drip", "timed_out"), ("endless", "too_much")])
def test_a_page_that_is_none_leaves_its_name_open(
    web: Any, world: Any, look: Look, what: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from probes import http_ask

    monkeypatch.setattr("probes.names.collecting.Asker", _quick(http_ask.Asker))
    behaviours = {
        "ssh": lambda: world.says(b"SSH-2.0-x\r\n"),
        "drip": lambda: web.dribble(b"HTTP/1.1 200 OK\r\nX: "),
        "endless": lambda: world.says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000),
    }
    port = web.serve(HOME, behaviours[what]())
    got = look(asked("www.example.gov.cn", port), zone={"www.example.gov.cn": [HOME]})
    assert got.failures == {"www.example.gov.cn": reason}
    assert not got.covered.name("www.example.gov.cn")
    assert got.values("dns_addresses") == [f"www.example.gov.cn {HOME}"]


def _quick(asker: Any) -> Any:
    from probes.http_ask import Limits

    return lambda **more: asker(**more, limits=Limits(connect=0.5, handshake=0.5, seconds=1.0))


def test_hostile_titles_do_nothing(web: Any, world: Any, look: Look) -> None:
    title = "\x1b]0;evil\x07\u202e政务\x00<script>" + "长" * 500
    port = web.serve(HOME, world.page(title, Server="x\x1b[2J"))
    got = look(asked("www.example.gov.cn", port), zone={"www.example.gov.cn": [HOME]})
    [fact] = got.facts("page_titles")
    for text in (*got.values("page_titles"), fact.evidence):
        assert text.isprintable() and "\x1b" not in text and "\u202e" not in text
    assert len(got.values("page_titles")[0]) < 300


def test_what_several_systems_share_is_asked_once(web: Any, world: Any, names: Any, look: Look) -> None:
    port = web.serve(HOME, world.page("门户"))
    wanted = [asked("www.example.gov.cn", port, code=f"S-{n}") for n in range(5)]
    wanted += [
        asked("app.example.gov.cn", port, code="S-4"),
        asked("www.example.gov.cn", port, path="/b", code="S-0"),
    ]
    zone = {"www.example.gov.cn": [HOME], "app.example.gov.cn": [HOME]}
    got = look(*wanted, zone=zone)
    assert len(got.collection.observations) == 5
    assert len(names.asked) == 4 and sorted(web.paths()) == ["/", "/", "/b"]
    assert len(got.values("page_titles", "S-4")) == 2 and len(got.values("page_titles", "S-0")) == 2
    assert "本批登记域名中有 2 个指向同一地址" in got.facts("dns_addresses", "S-1")[0].evidence


def test_everything_ends_when_it_must(web: Any, names: Any, look: Look) -> None:
    port = web.serve(HOME, web.mute())
    stop = Stop()
    threading.Timer(0.3, lambda: stop.set("a person said so")).start()
    began = time.monotonic()
    got = look(asked("www.example.gov.cn", port), zone={"www.example.gov.cn": [HOME]}, stop=stop)
    assert time.monotonic() - began < 1.5
    assert got.failures == {"www.example.gov.cn": "stopped"}
    assert not got.collection.coverage


def test_a_paced_zone_is_asked_one_thing_at_a_time(web: Any, world: Any, look: Look) -> None:
    beside: list[int] = []
    lock, inside = threading.Lock(), [0]

    def slow(connection: Any, _head: bytes) -> None:
        with lock:
            inside[0] += 1
            beside.append(inside[0])
        time.sleep(0.05)
        with lock:
            inside[0] -= 1
        connection.sendall(world.page("x"))

    port = web.serve(HOME, slow)
    zone = {f"n{n}.example.gov.cn": [HOME] for n in range(6)}
    look(*(asked(host, port, code=host) for host in zone), zone=zone, paced=True, max_rate=100)
    assert max(beside) == 1 and len(beside) == 6


def _permit(permit_of: Callable[..., Permit], names: Sequence[Asked], **more: Any) -> Permit:
    rules = NameRules(("*",), (SERVER,))
    return dataclasses.replace(permit_of("127.62.0.0/24", **more), access=Access(names=rules), names=tuple(names))


def test_shards_are_small_stable_and_never_part_a_system(permit_of: Callable[..., Permit]) -> None:
    wanted = [asked(f"n{n}.example.gov.cn", code=f"S-{n // 3}") for n in range(300)]
    probe = NamesProbe()
    shards = probe.shards(_permit(permit_of, wanted))
    assert 300 / SHARD_NAMES <= len(shards) <= 12
    assert all(shard.targets == () and shard.probe == "names" for shard in shards)
    assert [s.id for s in probe.shards(_permit(permit_of, wanted[::-1]))] == [s.id for s in shards]
    other = {s.id for s in probe.shards(_permit(permit_of, wanted, zone="b"))}
    assert not other & {s.id for s in shards} and len({s.id for s in shards}) == len(shards)


def test_no_rules_no_names_no_work(permit_of: Callable[..., Permit]) -> None:
    probe = NamesProbe()
    assert probe.shards(permit_of("127.62.0.0/24")) == ()
    assert probe.shards(_permit(permit_of, [])) == ()
    assert probe.limits([permit_of("127.62.0.0/24")]) == ()
