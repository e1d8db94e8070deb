"""The fonts of official papers: named in every paper, bundled in none, since they are not free."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping

TITLE = "方正小标宋简体"
BODY = "仿宋_GB2312"
KAI = "楷体_GB2312"
HEI = "黑体"
SONG = "宋体"
#: Figures and Latin letters.
LATIN = "Times New Roman"

#: What a word processor may show instead, best first. They are written into the paper's font table.
FALLBACKS: Mapping[str, tuple[str, ...]] = {
    TITLE: ("方正小标宋_GBK", "FZXiaoBiaoSong-B05S", "华文中宋", "STZhongsong", "Noto Serif CJK SC"),
    BODY: ("仿宋", "FangSong", "方正仿宋_GBK", "STFangsong", "华文仿宋"),
    KAI: ("楷体", "KaiTi", "方正楷体_GBK", "STKaiti", "AR PL UKai CN"),
    HEI: ("SimHei", "方正黑体_GBK", "STHeiti", "Noto Sans CJK SC"),
    SONG: ("SimSun", "方正书宋_GBK", "STSong", "Noto Serif CJK SC"),
}

#: What is taken for a page that is drawn here, where none of the above is installed: fonts of simplified Chinese.
_SERIF = ("Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC", "Source Han Serif CN", "AR PL UMing CN")
_SANS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Zen Hei")
_LAST: Mapping[str, tuple[str, ...]] = {
    TITLE: _SERIF + _SANS,
    BODY: _SERIF + _SANS,
    KAI: ("LXGW WenKai", "霞鹜文楷", "AR PL KaitiM GB", *_SERIF, *_SANS),
    HEI: _SANS + _SERIF,
    SONG: _SERIF + _SANS,
}
_ROMAN = ("Liberation Serif", "Nimbus Roman", "Tinos", "TeX Gyre Termes", "FreeSerif", *_SERIF, "DejaVu Serif")
#: Which of the five a font resembles, by what its name says; 宋体 where it says nothing.
_RESEMBLES = (
    ("小标宋|中宋|XiaoBiaoSong|Zhongsong", TITLE),
    ("仿宋|FangSong", BODY),
    ("楷|Kai", KAI),
    ("黑|雅黑|Hei|YaHei|Gothic|Sans", HEI),
)
#: Fonts that draw Chinese characters as they are written in Japan, Korea, Hong Kong or Taiwan.
_ELSEWHERE = re.compile(
    r"\b(JP|J|KR|K|TC|TW|HK|HC|MO)\b|CJK ?(jp|kr|tc|hk|JP|KR|TC|HK)|Japan|Mincho|Ming(LiU|Std)|Big5|IPA|TakaoP?"
    r"|VL ?[PG]|Batang|Gulim|Nanum|UnDotum|Baekmuk|CNS|TW-|Heiti TC|Kaiti TC|Songti TC"
)


def missing_fonts() -> tuple[str, ...]:
    """The fonts of official papers that this machine does not have, by name.

    A paper names them all the same and shows a substitute here. Where ``fc-list`` is not installed nothing
    can be told, and all are returned.
    """
    here = _installed()
    return tuple(name for name in FALLBACKS if name not in here)


def substitutes(wanted: Iterable[str] | None = None) -> Mapping[str, str]:
    """What a page drawn on this machine shows instead of each font that is ``wanted`` and not installed.

    ``wanted`` are by default those of official papers. A font that is installed is not in the result, and neither
    is one for which there is nothing: no font of simplified Chinese at all. A Japanese, Korean or traditional
    Chinese font never stands in: its characters are written otherwise.
    """
    here = _installed()
    simplified = {name for name, languages in here.items() if "zh-cn" in languages and not of_elsewhere(name)}
    out = {}
    for name in (*FALLBACKS, LATIN) if wanted is None else wanted:
        if name in here:
            continue
        chosen = _chosen(name, here, simplified)
        if chosen:
            out[name] = chosen
    return out


def installed(names: Iterable[str]) -> frozenset[str]:
    """Those of ``names`` that are installed."""
    return frozenset(names) & frozenset(_installed())


def of_elsewhere(name: str) -> bool:
    """Whether a font's name says that it is for Japanese, Korean or traditional Chinese."""
    return _ELSEWHERE.search(name) is not None


def _chosen(name: str, here: Mapping[str, frozenset[str]], simplified: set[str]) -> str:
    if name == LATIN or (name.isascii() and not any(re.search(words, name) for words, _ in _RESEMBLES)):
        return next((other for other in _ROMAN if other in here), "")
    like = next((font for words, font in _RESEMBLES if re.search(words, name)), SONG) if name not in _LAST else name
    known = (like, *FALLBACKS[like], *_LAST[like])
    return next((other for other in known if other in simplified), min(simplified, default=""))


def warning(instead: Mapping[str, str]) -> str:
    """What a clerk is told of the substitutes, in Chinese; empty where there are none."""
    if not instead:
        return ""
    pairs = "、".join(f"{name}（以{other}代替）" for name, other in instead.items())
    return f"本机缺少公文字体{pairs}。版式文件的字形与正式公文不同，请在装有这些字体的计算机上打印正式文本。"


def _installed() -> Mapping[str, frozenset[str]]:
    """Every name of every font that is installed, with the languages that it says it is for."""
    program = shutil.which("fc-list")
    if program is None:
        return {}
    try:
        listed = subprocess.run(
            [program, ":", "family", "lang"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    out: dict[str, frozenset[str]] = {}
    for line in listed.stdout.splitlines():
        families, _, languages = line.partition(":lang=")
        for name in families.split(","):
            known = out.get(name.strip(), frozenset())
            out[name.strip()] = known | frozenset(languages.strip().split("|"))
    return out
