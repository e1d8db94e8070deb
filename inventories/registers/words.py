"""The small words of register cells: how text is normalised, and what stands for nothing, none and not known."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from inventories.faults import clean, did_you_mean


def listed(text: str) -> frozenset[str]:
    """The words of a text, for tables of words that are read more easily in a row."""
    return frozenset(text.split())


#: Longest piece of a cell that is kept as evidence or shown in an error.
EVIDENCE_CHARS = 200

#: Nothing was written: the cell is NULL.
BLANK = frozenset(
    {"", "-", "--", "---", "—", "——", "–", "/", "//", "\\", "、", ".", "...", "......", "~", "_", "null"}
)

#: The source does not know: NULL as well, never a sentinel value.
NOT_KNOWN = listed("不详 未知 不清楚 不明 不确定 未确定 未定 未明确 未核实 ? ?? tbd unknown")
NOT_KNOWN |= listed("待定 待填 待补 待补充 待核实 待确认")

#: The question does not arise for this thing: NULL, with a note.
NOT_APPLICABLE = listed("不适用 不涉及 无需 不需要 n/a na n.a.")

_NONE_WORDS = listed("无 没有 没 暂无 尚无 均无 都没有 暂时没有 none nil")
_NO_PAPER = _NONE_WORDS | listed("否 × ✗ ✘ ✕ x no")
_UNDONE = re.compile(
    r"(?:尚|暂|还|暂时|目前)?(?:未|没有|没)(?:做|办|办理|取得|获得|批|批复|审批|报批|申请|申报|立项|开展|进行|实施|完成|备案|定级"
    r"|测评|评估|密评|签订|签|制定|编制|演练|审查|扫描|验收|移交|建立|建设|接入|对接|提供|聘请|委托|报送)(?:过)?"
)
# A comment after the answer is fine (无（2019年前建成）); 无线… and 未央… are names, not answers.
_COMMENTED = re.compile(r"^(?P<word>.+?)\s*[(,;。:].*$", re.DOTALL)

#: Under way is neither a paper nor an answer of none.
_UNDER_WAY = re.compile(
    r"^(?:正在\S{0,12}|\S{0,6}(?:办理|申请|审批|报批|备案|测评|评估|整改|申报|编制|签订|建设|进行|走流程)中|(?:待|拟|计划)\S{0,10})$"
)

#: There is one, but the cell does not say which or when.
_EXISTS = re.compile(
    r"^(?:有|是|√|✓|✔|yes|y|具备|齐全|已(?:有|做|办|办理|取得|批|批复|审批|开展|完成|备案|测评|评估|签订|制定|演练|审查|验收|移交|定级)?)$"
)

_YES = listed("是 有 对 需要 √ ✓ ✔ ☑ y yes true t 1")
_NO = _NONE_WORDS | listed("否 不是 不需要 无需 × ✗ ✘ ✕ ☒ x n no false f 0")
_DONE, _NOT_DONE = re.compile(r"^已\S{0,6}$"), re.compile(r"^(?:尚|暂)?未\S{0,6}$")

# Invisible leftovers of copying from web pages; direction overrides are not among them and stay visible.
_ZERO_WIDTH = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])


class Hints:
    """``did you mean …?`` for misspelt words, within a budget.

    Comparing one word with a thousand takes milliseconds, and a file may hold a hundred thousand misspelt
    words: after ``budget`` different ones, or among more than 2,000 known words, nothing is suggested.
    """

    def __init__(self, known: Iterable[str], budget: int = 100) -> None:
        self._known = tuple(dict.fromkeys(word for word in known if word))
        self._budget = budget if len(self._known) <= 2000 else 0
        self._told: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        if word not in self._told:
            if len(self._told) >= self._budget:
                return ""
            self._told[word] = did_you_mean(word, self._known)
        return self._told[word]


def visible(text: str) -> str:
    """Text without characters of no width, white space collapsed and stripped: a cell's words to keep."""
    # isprintable() is false for everything of no width, and far faster than translate().
    return " ".join((text if text.isprintable() else text.translate(_ZERO_WIDTH)).split())


def fold(text: str) -> str:
    """Full-width to half-width (NFKC) and :func:`visible`: for comparing, not for showing."""
    return visible(unicodedata.normalize("NFKC", text))


def key(text: str) -> str:
    """The form in which two words are compared: folded, without white space, lower case."""
    return code(text).casefold()


def code(text: str) -> str:
    """A code as every register writes it alike: half-width, without white space. Case is kept."""
    folded = fold(text)
    # Once more: closing a gap may bring a letter and its accent together.
    return unicodedata.normalize("NFKC", folded.replace(" ", "")) if " " in folded else folded


def evidence(text: str, limit: int = EVIDENCE_CHARS) -> str:
    """A cell's own words, safe to show and bounded."""
    # isprintable() is false for every character that clean() replaces, and fast.
    return text if len(text) <= limit and text.isprintable() else clean(text, limit)


def is_blank(word: str) -> bool:
    """For folded text: nothing was written, or a dash that stands for nothing."""
    return word.casefold() in BLANK


def is_not_known(word: str) -> bool:
    return word.casefold() in NOT_KNOWN


def is_not_applicable(word: str) -> bool:
    return word.casefold() in NOT_APPLICABLE


def says_none(word: str, *, paper: bool) -> bool:
    """Whether folded text answers 无. For a paper, 否, 未办理 and the like say the same, comments aside."""
    if not paper:
        return word.casefold() in _NONE_WORDS
    bare = _bare(word)
    return bare in _NO_PAPER or _UNDONE.fullmatch(bare) is not None


def is_under_way(word: str) -> bool:
    return _UNDER_WAY.match(word) is not None


def says_exists(word: str) -> bool:
    return _EXISTS.match(word.casefold()) is not None


def truth(word: str) -> bool | None:
    """是/否 in their usual spellings, comments aside; None for anything else."""
    for bare in (word.casefold(), _bare(word)):
        if bare in _YES or _DONE.match(bare):
            return True
        if bare in _NO or _NOT_DONE.match(bare):
            return False
    return None


def _bare(word: str) -> str:
    found = _COMMENTED.match(word)
    return (found["word"] if found else word).strip().casefold()
