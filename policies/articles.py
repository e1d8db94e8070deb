"""Article numbers as regulations write them, and quotes held against the text they come from."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = {char: number for number, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100}
_ARTICLE = re.compile(r"第([零〇一二三四五六七八九十百]+)条((?:之[一二三四五六七八九十]+)?)")
_PART = re.compile(r"第[零〇一二三四五六七八九十百]+项|问题[一二三四五六七八九十]+")

_WIDE = r"[\u2018-\u201d\u2026\u3000-\u9fff\uf900-\ufaff\uff00-\uffef]"
_FOLD = re.compile(f"(?<={_WIDE})[ \n]+(?={_WIDE})")

#: Words that make a clause advice: shown and counted, never ordered.
ADVISORY = ("原则上", "一般", "定期")


def article_number(text: str) -> int | None:
    """``第二十三条第二款`` → 23; None where the text does not begin with an article's number."""
    found = _ARTICLE.match(text)
    if found is None:
        return None
    total = digit = 0
    for char in found[1]:
        if char in _UNITS:
            total, digit = total + (digit or 1) * _UNITS[char], 0
        else:
            digit = _DIGITS[char]
    return total + digit


def article_name(number: int) -> str:
    """23 → ``第二十三条``. ValueError outside 1 to 999."""
    if not 0 < number < 1000:
        raise ValueError(f"{number} is no article's number")
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    digits = "零一二三四五六七八九"
    out = f"{digits[hundreds]}百" if hundreds else ""
    if tens:
        out += "十" if tens == 1 and not hundreds else f"{digits[tens]}十"
    elif hundreds and ones:
        out += "零"
    return f"第{out}{digits[ones] if ones else ''}条"


def article_key(text: str) -> str:
    """Under what name a clause's wording is kept, or the empty string.

    ``第二十三条第二款`` → ``第二十三条``; the numbered parts of a paper without articles as they are (``问题六``).
    """
    number = article_number(text)
    if number is not None:
        return article_name(number) if 0 < number < 1000 else ""
    found = _PART.match(text)
    return found[0] if found else ""


def normalised(text: str) -> str:
    """Width and white space aside, the text itself: full-width and half-width forms become one."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def quotes(quote: str, text: str) -> bool:
    """Whether every piece of a quote stands in the text, in order; ``……`` marks what was left out."""
    rest = normalised(text)
    for piece in quote.split("……"):
        wanted = normalised(piece)
        at = rest.find(wanted)
        if at < 0:
            return False
        rest = rest[at + len(wanted) :]
    return bool(normalised(quote.replace("……", "")))


def passages(quote: str, text: str) -> tuple[tuple[int, int], ...]:
    """Where the pieces of a quote stand in a text, as starts and ends; none where it does not stand there."""
    places = [(char, i) for i, raw in enumerate(text) for char in normalised(raw)]
    plain = "".join(char for char, _ in places)
    out: list[tuple[int, int]] = []
    at = 0
    for wanted in filter(None, map(normalised, quote.split("……"))):
        found = plain.find(wanted, at)
        if found < 0:
            return ()
        at = found + len(wanted)
        out.append((places[found][1], places[at - 1][1] + 1))
    return tuple(out)


def advisory_word(quote: str) -> str:
    """The first word that makes a quoted clause advice, or the empty string."""
    return next((word for word in ADVISORY if word in quote), "")


def unfolded(text: str) -> str:
    """Chinese text without the spaces that folding a long line in YAML leaves between two characters."""
    return _FOLD.sub("", text).strip()
