"""Fonts: what is missing is named, what stands in is simplified Chinese or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import fonts
from reports.fonts import BODY, HEI, KAI, LATIN, SONG, TITLE

NOTO = """\
Noto Serif CJK JP:lang=ja|zh-cn|zh-tw
Noto Serif CJK SC:lang=ja|zh-cn|zh-tw
Noto Serif CJK TC:lang=zh-cn|zh-tw
Noto Sans CJK KR:lang=ko|zh-cn
Noto Sans CJK SC,Noto Sans CJK SC Regular:lang=zh-cn
DejaVu Serif:lang=en|de"""


@pytest.fixture
def listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of all others; what ``fc-list`` in it says is what is installed."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def installed(folder: Path, output: str, status: int = 0) -> None:
    program = folder / "fc-list"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit {status}\n")
    program.chmod(0o755)


def test_what_is_missing_is_replaced_by_simplified_chinese(listing: Path) -> None:
    installed(listing, NOTO)
    serif, sans = "Noto Serif CJK SC", "Noto Sans CJK SC"
    assert fonts.substitutes() == {TITLE: serif, BODY: serif, KAI: serif, HEI: sans, SONG: serif, LATIN: serif}
    assert fonts.missing_fonts() == (TITLE, BODY, KAI, HEI, SONG)


def test_what_is_installed_is_not_replaced(listing: Path) -> None:
    installed(
        listing, f"{NOTO}\n仿宋_GB2312,FangSong_GB2312:lang=zh-cn\nKaiTi,楷体:lang=zh-cn\nTimes New Roman:lang=en"
    )
    instead = fonts.substitutes()
    assert BODY not in instead
    assert LATIN not in instead
    # The kin of a font before a font of another kind.
    assert instead[KAI] in ("楷体", "KaiTi")
    assert fonts.installed({BODY, KAI}) == {BODY}


def test_fonts_that_a_bureaus_template_names(listing: Path) -> None:
    installed(listing, NOTO)
    wanted = (
        "方正仿宋_GBK",
        "微软雅黑",
        "华文楷体",
        "方正小标宋_GBK",
        "某字体",
        "Calibri",
        "SimHei",
        "Noto Sans CJK SC",
    )
    serif, sans = "Noto Serif CJK SC", "Noto Sans CJK SC"
    assert fonts.substitutes(wanted) == {
        "方正仿宋_GBK": serif,
        "微软雅黑": sans,
        "华文楷体": serif,
        "方正小标宋_GBK": serif,
        "某字体": serif,
        "Calibri": serif,
        "SimHei": sans,
    }


def test_neither_japanese_nor_traditional_characters_ever_stand_in(listing: Path) -> None:
    listed = [line for line in NOTO.splitlines() if " SC" not in line]
    installed(
        listing,
        "\n".join([*listed, "IPAMincho:lang=ja|zh-cn", "TakaoPGothic:lang=zh-cn", "AR PL UMing TW:lang=zh-cn"]),
    )
    # Nothing for Chinese; figures and letters need none.
    assert fonts.substitutes() == {LATIN: "DejaVu Serif"}


def test_any_font_of_simplified_chinese_is_better_than_none(listing: Path) -> None:
    installed(listing, "ZCOOL XiaoWei:lang=zh-cn|en\nUnifont JP:lang=zh-cn")
    assert set(fonts.substitutes((BODY, TITLE)).values()) == {"ZCOOL XiaoWei"}


ELSEWHERE = (
    *("Noto Serif CJK JP", "NotoSerifCJKjp-Regular", "Noto Sans TC", "Source Han Sans HC", "MS Mincho", "MS PMincho"),
    *("VL Gothic", "IPAexGothic", "TakaoMincho", "PMingLiU", "AR PL KaitiM Big5", "TW-Kai", "Batang", "NanumGothic"),
    "AR PL UMing HK",
)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_fonts_of_elsewhere_are_known(name: str) -> None:
    assert fonts.of_elsewhere(name)


@pytest.mark.parametrize(
    "name",
    [TITLE, BODY, KAI, HEI, SONG, "Noto Serif CJK SC", "Source Han Serif CN", "AR PL UMing CN", "WenQuanYi Zen Hei",
     "LXGW WenKai", "Microsoft YaHei", "STKaiti", "FangSong"],
)  # fmt: skip
def test_our_own_are_not_of_elsewhere(name: str) -> None:
    assert not fonts.of_elsewhere(name)


@pytest.mark.parametrize(("output", "status"), [("", 0), ("", 1), ("not what is expected", 0), (":lang=zh-cn", 0)])
def test_a_listing_that_says_nothing(listing: Path, output: str, status: int) -> None:
    installed(listing, output, status)
    assert fonts.substitutes() == {}
    assert fonts.missing_fonts() == tuple(fonts.FALLBACKS)


def test_without_fc_list_all_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fonts.missing_fonts() == tuple(fonts.FALLBACKS)
    assert fonts.substitutes() == {}


@given(st.sets(st.text(min_size=1, max_size=12)))
def test_any_name_may_be_asked_for(names: set[str]) -> None:
    assert all(not fonts.of_elsewhere(other) for other in fonts.substitutes(names).values())


def test_the_clerk_is_told_in_chinese(listing: Path) -> None:
    assert fonts.warning({}) == ""
    told = fonts.warning({BODY: "Noto Serif CJK SC", HEI: "Noto Sans CJK SC"})
    assert told.startswith("本机缺少公文字体仿宋_GB2312（以Noto Serif CJK SC代替）、黑体（以Noto Sans CJK SC代替）。")
    assert "请在装有这些字体的计算机上打印" in told
