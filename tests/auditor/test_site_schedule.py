"""Times in ``site.yaml``: every fault at its place, all at once, with how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.schedule.days import Avoid
from auditor.site import Site, load_site
from inventories.faults import Faults


def site(root: Path, times: str, schedule: str = "", more: str = "", leave: str = "") -> Site:
    (root / "site.yaml").write_text(
        "site: tiny\nname: 小市\nbureau: 小市数据局\nregion: '140800'\npacks: [yuncheng-2021]\n"
        f"schedule: {{{schedule}}}\n"
        "zones:\n  - id: mzj\n    name: 民政局\n    vantage: here\n    department: mzj\n"
        "    prefixes: [192.0.2.0/24]\n"
        f"    schedule: {times}\n{more}"
        f"    authorisations: [{{document: 1号, approver: 领导, from: 2026-01-01, to: 2026-12-31{leave}}}]\n",
        encoding="utf-8",
    )
    return load_site(root)


def faults(root: Path, *given: str, **more: str) -> list[str]:
    with pytest.raises(Faults) as caught:
        site(root, *given, **more)
    return [str(fault).removeprefix(f"{root}/") for fault in caught.value.faults]


def test_what_can_be_said(tmp_path: Path) -> None:
    made = site(
        tmp_path,
        "[{cron: '0 22 * * *', probes: [nmap], avoid: []}, {cron: '0 3 * * sun'}]",
        "judge: '30 6 * * *', jitter_seconds: 900, catch_up_hours: 12, avoid: [holidays, weekends], "
        "announce_days: 3, contact: 政务信息科, source_addresses: [192.0.2.9, '2001:DB8::9'], at_once: 2",
    )
    first, second = made.config.zones[0].schedule
    assert first.avoid == () and second.avoid is None and second.probes == ()
    assert made.config.schedule.avoid == (Avoid.HOLIDAYS, Avoid.WEEKENDS)
    assert made.config.schedule.source_addresses == ("192.0.2.9", "2001:db8::9")


@pytest.mark.parametrize(
    ("times", "schedule", "words"),
    [
        ("[{cron: '0 25 * * *'}]", "", ["site.yaml:13:23: '25' is no hour: 0 to 23"]),
        ("[{cron: '@daily'}]", "judge: '99 * * * *'", ["site.yaml:6:19: '99' is no minute", "@daily is not taken"]),
        ("[{cron: '0 1 * * *', probes: [snpm]}]", "", ["unknown probe 'snpm': did you mean 'snmp'?"]),
        ("[{cron: '0 1 * * *'}, {cron: '0 01 * * *'}, {cron: '0 1 * * *'}]", "", ["the same times and probes stand"]),
        ("[{cron: '0 1 * * *', avoid: [holiday]}]", "", ["'holiday' is no kind of day: did you mean 'holidays'?"]),
        ("[{cron: '0 1 * * *', jitter: 3}]", "", ["unknown key 'jitter'"]),
        ("[]", "jitter_seconds: 3601", ["less than or equal to 3600"]),
        ("[]", "catch_up_hours: -1", ["greater than or equal to 0"]),
        ("[]", "source_addresses: [scanner.local]", ["'scanner.local' is no address"]),
        ("[]", "announce_days: 3", ["departments are told of scans, and not whom to ask: add 'contact'"]),
        ("[{cron: '" + "1," * 80 + "1 * * * *'}]", "", ["at most 100 characters"]),
        ("[{cron: 5}]", "", ["valid string"]),
    ],
)
def test_what_is_wrong(tmp_path: Path, times: str, schedule: str, words: list[str]) -> None:
    found = faults(tmp_path, times, schedule)
    assert len(found) == len(words), found
    for each in words:
        assert any(each in fault for fault in found), found


def test_a_zone_that_is_carried_here_has_no_schedule(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, "[{cron: '0 1 * * *'}]", more="    by: bundle\n")
    assert "no schedule can run there: take 'schedule' out, or change 'by'" in found


@pytest.mark.parametrize(
    ("cron", "window", "hours", "fits"),
    [
        ("0 12 * * *", "22:00-06:00", 6, False),
        ("0 18 * * *", "22:00-06:00", 6, True),
        ("0 12 * * *", "22:00-06:00", 10, True),
        ("0 5 * * *", "22:00-06:00", 0, True),
        ("0 6 * * *", "22:00-06:00", 0, False),
        ("0 */6 * * *", "05:30-06:30", 0, True),
        ("0 12 29 2 *", "22:00-06:00", 6, False),
    ],
)
def test_times_that_fit_into_no_window_are_a_slip(
    tmp_path: Path, cron: str, window: str, hours: int, fits: bool
) -> None:
    given = (f"[{{cron: '{cron}'}}]", f"catch_up_hours: {hours}")
    if fits:
        assert site(tmp_path, *given, leave=f", window: '{window}'").config.zones[0].schedule
    else:
        (found,) = faults(tmp_path, *given, leave=f", window: '{window}'")
        assert f"no run could ever begin: the zone may be looked at in {window} only" in found
