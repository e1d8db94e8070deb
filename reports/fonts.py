"""The fonts of official papers: named in every paper, bundled in none, since they are not free."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

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


def missing_fonts() -> tuple[str, ...]:
    """The fonts of official papers that this machine does not have, by name.

    A paper names them all the same and shows a substitute here. Where ``fc-list`` is not installed nothing
    can be told, and all are returned.
    """
    installed = _installed()
    return tuple(name for name in FALLBACKS if name not in installed)


def _installed() -> frozenset[str]:
    program = shutil.which("fc-list")
    if program is None:
        return frozenset()
    try:
        listed = subprocess.run(
            [program, ":", "family"], capture_output=True, text=True, timeout=20, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(name.strip() for line in listed.stdout.splitlines() for name in line.split(","))
