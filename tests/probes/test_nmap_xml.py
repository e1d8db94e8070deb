"""nmap's result is read with distrust: whole and harmless, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.nmap_xml import MAX_TEXT, BadReport, Report, read_report

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n'
RUN = '<nmaprun scanner="nmap" args="nmap" start="1" version="7.93" xmloutputversion="1.05">'
END = (
    '<runstats><finished time="1" timestr="x" elapsed="1.0" exit="success"/>'
    '<hosts up="1" down="1" total="2"/></runstats></nmaprun>'
)
HOST = """
<host starttime="1" endtime="2"><status state="up" reason="echo-reply" reason_ttl="63"/>
<address addr="10.0.0.5" addrtype="ipv4"/><address addr="00:50:56:AA:BB:01" addrtype="mac" vendor="VMware"/>
<hostnames><hostname name="user.example" type="user"/><hostname name="db.example" type="PTR"/></hostnames>
<ports><extraports state="filtered" count="40"><extrareasons reason="no-response" count="40"/></extraports>
<port protocol="tcp" portid="443"><state state="open" reason="syn-ack" reason_ttl="63"/>
<service name="http" product="nginx" version="1.22" extrainfo="x" tunnel="ssl" method="probed" conf="10"
 devicetype="remote management" servicefp="SF-Port443"><cpe>cpe:/a:igor_sysoev:nginx:1.22</cpe>
<cpe>cpe:/o:linux:linux_kernel</cpe></service>
<script id="ssl-cert" output="x"><table key="subject"><elem key="commonName">a.example</elem></table>
<table key="extensions"><table><elem key="name">n0</elem></table>
<table><elem key="name">n1</elem></table></table></script>
</port>
<port protocol="tcp" portid="22"><state state="closed" reason="reset" reason_ttl="63"/></port></ports>
</host>
"""


def read(tmp_path: Path, text: str | bytes, **more: int) -> Report:
    path = tmp_path / "x.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_report(path, **more)


def test_what_python_nmap_has_and_what_it_drops(tmp_path: Path) -> None:
    report = read(tmp_path, HEAD + RUN + HOST + END)
    (host,) = report.hosts
    assert (report.version, report.total) == ("7.93", 2)
    assert (host.address, host.state, host.reason) == ("10.0.0.5", "up", "echo-reply")
    assert (host.mac, host.mac_vendor, host.name) == ("00:50:56:AA:BB:01", "VMware", "db.example")
    assert host.uncounted == {"filtered": 40}
    closed, web = host.ports
    assert (closed.number, closed.state, closed.named_by) == (22, "closed", "table")
    assert (web.name, web.product, web.version, web.extra) == ("http", "nginx", "1.22", "x")
    assert (web.tunnel, web.device, web.named_by) == ("ssl", "remote management", "probed")
    assert web.cpes == ("cpe:/a:igor_sysoev:nginx:1.22", "cpe:/o:linux:linux_kernel")
    assert web.tables["ssl-cert"] == {
        "subject.commonName": "a.example",
        "extensions.0.name": "n0",
        "extensions.1.name": "n1",
    }


def test_a_host_that_ran_out_of_time_is_told_apart(tmp_path: Path) -> None:
    (host,) = read(tmp_path, HEAD + RUN + HOST.replace("<host ", '<host timedout="true" ') + END).hosts
    assert host.timed_out


def test_a_network_with_nobody_in_it(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD + RUN + END).hosts == ()


def test_cut_off_anywhere_it_is_bad(tmp_path: Path) -> None:
    whole = HEAD + RUN + HOST + END
    for end in range(0, len(whole), 13):
        with pytest.raises(BadReport):
            read(tmp_path, whole[:end])


LAUGHS = "".join(f'<!ENTITY l{i} "&l{i - 1};&l{i - 1};&l{i - 1};&l{i - 1};&l{i - 1};">' for i in range(1, 12))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (RUN + END.replace("success", "error"), "did not finish"),
        (RUN + END.replace('exit="success"', 'exit="error" errormsg="no \x7f route"'), "no"),
        (RUN + "</nmaprun>", "did not finish"),
        ('<!DOCTYPE nmaprun [<!ENTITY a "b">]>' + RUN + END, "document type"),
        (f'<!DOCTYPE nmaprun [<!ENTITY l0 "ha">{LAUGHS}]>' + RUN + "&l11;" + END, "document type"),
        (
            '<!DOCTYPE nmaprun SYSTEM "file:///etc/passwd" [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>'
            + RUN
            + END,
            "document",
        ),
        ("<!DOCTYPE other>" + RUN + END, "document type"),
        (RUN + "&nbsp;" + END, "broken XML"),
        (RUN + "<table>" * 100 + "</table>" * 100 + END, "nested"),
        (RUN + HOST.replace('count="40"', 'count="many"') + END, "numbers"),
        (RUN + HOST.replace('portid="443"', 'portid="https"') + END, "numbers"),
        (
            RUN
            + HOST.replace('<status state="up" reason="echo-reply" reason_ttl="63"/>', "").replace("<address", "<nix")
            + END,
            "",
        ),
        ("<html></html>", "did not finish"),
        ("\x00\x01", "broken XML"),
        ("", "broken XML"),
    ],
)
def test_what_is_no_finished_run_is_bad_and_says_why(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(BadReport) as caught:
        read(tmp_path, text)
    assert why in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(BadReport, match="larger"):
        read(tmp_path, HEAD + RUN + HOST + END, max_bytes=500)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadReport, match="no result"):
        read_report(tmp_path / "none.xml")


def test_strangers_texts_are_bounded(tmp_path: Path) -> None:
    long = "A" * 300_000
    text = HOST.replace("SF-Port443", long).replace("a.example", long).replace('product="nginx"', f'product="{long}"')
    (host,) = read(tmp_path, HEAD + RUN + text + END).hosts
    web = host.ports[1]
    assert len(web.fingerprint) == len(web.product) == len(web.tables["ssl-cert"]["subject.commonName"]) == MAX_TEXT


HOST_SCRIPT = (
    '<hostscript><script id="smb-protocols" output="x"><table key="dialects"><elem>NT LM 0.12 (SMBv1)</elem>'
    "<elem>311</elem></table></script></hostscript></host>"
)


def test_scripts_that_look_at_a_host_as_a_whole(tmp_path: Path) -> None:
    post = '<postscript><script id="ssl-cert" output="x"><elem key="a">b</elem></script></postscript>'
    text = HEAD + RUN + HOST.replace("</host>", HOST_SCRIPT) + post + END
    (host,) = read(tmp_path, text).hosts
    assert host.tables == {"smb-protocols": {"dialects.0": "NT LM 0.12 (SMBv1)", "dialects.1": "311"}}
    assert host.ports[1].tables.keys() == {"ssl-cert"}
