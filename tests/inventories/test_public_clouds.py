"""Public clouds by name and address: dated rows with sources, and what stands before a site is not where it runs."""

from __future__ import annotations

import doctest
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories import public_clouds
from inventories.faults import Faults
from inventories.model import Strength
from inventories.public_clouds import ROLES, STALE_DAYS, Clouds, Match, load, lookup, read

ON = date(2026, 12, 1)
SOURCE = Path(public_clouds.__file__).with_name("clouds.yaml")


def one(name: str) -> Match:
    [match] = lookup([name], [], ON)
    return match


@pytest.mark.parametrize(
    ("name", "provider", "role"),
    [
        ("site.oss-cn-beijing.aliyuncs.com", "阿里云", "cloud"),
        ("SITE.OSS-CN-BEIJING.ALIYUNCS.COM.", "阿里云", "cloud"),
        ("dh-cn-north-2-gov-1.aliyuncs.com", "阿里云", "government"),
        ("www.example.gov.cn.w.kunlunsl.com", "阿里云", "cdn"),
        ("site-1250000000.cos.ap-beijing.myqcloud.com", "腾讯云", "cloud"),
        ("site-1250000000.file.myqcloud.com", "腾讯云", "cdn"),
        ("lb-1.clb.ap-beijing.tencentclb.com", "腾讯云", "cloud"),
        ("www.example.gov.cn.cdn.dnsv1.com", "腾讯云", "cdn"),
        ("site.obs-website.cn-north-4.myhuaweicloud.com", "华为云", "cloud"),
        ("site.oos-sh.ctyunapi.cn", "天翼云", "cloud"),
        ("site.eos-beijing-1.cmecloud.cn", "移动云", "cloud"),
        ("site.obs-helf.cucloud.cn", "联通云", "cloud"),
        ("site.bj.bcebos.com", "百度智能云", "cloud"),
        ("site.cdn.bcebos.com", "百度智能云", "cdn"),
        ("ec2-1-2-3-4.cn-north-1.compute.amazonaws.com.cn", "AWS", "cloud"),
        ("d111.cloudfront.net", "AWS", "cdn"),
        ("site.chinacloudapp.cn", "Azure", "cloud"),
        ("www.example.gov.cn.365cyd.cn", "知道创宇", "shield"),
    ],
)
def test_names(name: str, provider: str, role: str) -> None:
    match = one(name)
    assert (match.matched, match.provider, match.role) == (name, provider, role)
    assert match.is_hosting is (role == "cloud")
    assert match.source and match.as_of


@pytest.mark.parametrize(
    "name",
    ["", "aliyuncs.com", "evilaliyuncs.com", "aliyuncs.com.example.gov.cn", "www.example.gov.cn", "*", "a[b.cn"],
)
def test_names_of_nobody(name: str) -> None:
    assert lookup([name], [], ON) == ()


def test_addresses_are_hints_and_age() -> None:
    [match] = lookup([], ["182.92.1.2", "not one", "10.0.0.1", "39.109.0.0", "::1"], ON)
    assert (match.provider, match.by, match.strength) == ("阿里云", "182.92.0.0/16", Strength.HINTED)
    assert lookup([], ["::ffff:39.108.255.255"], ON)[0].provider == "阿里云"


def test_only_a_hint_stands_for_addresses() -> None:
    """What is registered for a provider may be its firewall before somebody's own machine room."""
    assert all(row.strength is Strength.HINTED for _network, row in load().ranges)


def test_every_row_has_its_source_its_day_and_its_role() -> None:
    rows = [*load().names, *(row for _network, row in load().ranges)]
    assert len(rows) > 40
    for row in rows:
        assert row.source and row.service and row.role in ROLES and date(2018, 1, 1) < row.as_of <= ON
    assert {"阿里云", "腾讯云", "华为云", "天翼云", "移动云", "联通云", "百度智能云", "AWS", "Azure"} <= {
        row.provider for row in rows
    }
    hints = [row for row in rows if "list" in row.source or "public programs" in row.source]
    assert all(row.strength is Strength.HINTED for row in hints if "publicsuffix" not in row.source)


SITE = """
providers:
  - id: county
    name: 某公司云
    names:
      - {pattern: "*.county-cloud.example.cn", role: cloud, service: 托管, source: 合同, as_of: 2026-05-01,
         strength: seen_outside}
    ranges:
      - role: cloud
        service: 托管
        source: 合同附件
        as_of: 2026-05-01
        strength: seen_outside
        prefixes: [198.51.100.0/24, "2001:db8::/32"]
"""


def site(tmp_path: Path, text: str = SITE) -> Clouds:
    path = tmp_path / "clouds.yaml"
    path.write_text(text, "utf-8")
    return read(path)


def test_a_sites_own_rows_stand_beside_the_programs(tmp_path: Path) -> None:
    both = load() + site(tmp_path)
    names, addresses = ["a.county-cloud.example.cn", "b.bj.bcebos.com"], ["198.51.100.9", "2001:db8::9"]
    found = both.lookup(names, addresses, date(2026, 6, 1))
    assert [match.provider for match in found] == ["某公司云", "百度智能云", "某公司云", "某公司云"]
    assert found[2].strength is Strength.SEEN_OUTSIDE


@pytest.mark.parametrize(
    ("days", "strength"), [(STALE_DAYS, Strength.SEEN_OUTSIDE), (STALE_DAYS + 1, Strength.HINTED)]
)
def test_a_range_that_was_read_long_ago_is_only_a_hint(tmp_path: Path, days: int, strength: Strength) -> None:
    clouds = site(tmp_path)
    for on in (date.fromordinal(date(2026, 5, 1).toordinal() + sign * days) for sign in (1, -1)):
        assert clouds.lookup([], ["198.51.100.9"], on)[0].strength is strength


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("providers:", "provider:", "has no list 'providers'"),
        ("id: county", "id: ''", "is no provider"),
        ("role: cloud, service", "role: clowd, service", "did you mean 'cloud'"),
        ("service: 托管, ", "", "lacks service"),
        ("as_of: 2026-05-01,", "as_of: 去年,", "is no date"),
        ("strength: seen_outside}", "strength: seen_inside}", "hinted or seen_outside"),
        ("strength: seen_outside}", "strength: sure}", "unknown strength"),
        ('"*.county-cloud.example.cn"', '"*"', "is no pattern"),
        ('"*.county-cloud.example.cn"', '"*.*.cn"', "is no pattern"),
        ('"*.county-cloud.example.cn"', '"county-cloud.example.cn"', "is no pattern"),
        ("198.51.100.0/24", "198.51.100.1/24", "is no prefix"),
        ("198.51.100.0/24", "0.0.0.0/0", "too wide"),
        ("names:", "name_s:", "did you mean 'names'"),
        ("source: 合同, ", "source: 合同, why: x, ", "unknown key 'why'"),
    ],
)
def test_a_file_with_faults_says_where(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SITE
    with pytest.raises(Faults) as caught:
        site(tmp_path, SITE.replace(old, new, 1))
    assert said in str(caught.value) and "clouds.yaml" in str(caught.value)


@given(st.lists(st.text(max_size=40), max_size=5), st.lists(st.text(max_size=40), max_size=5), st.dates())
def test_any_text_is_looked_up_in_peace(names: list[str], addresses: list[str], on: date) -> None:
    for match in lookup(names, addresses, on):
        assert match.matched in (*names, *addresses)


def test_the_file_says_what_it_leaves_out() -> None:
    assert "Left out" in SOURCE.read_text("utf-8")


def test_the_example_in_the_text_holds() -> None:
    assert doctest.testmod(public_clouds).failed == 0
