"""Which metrics and labels an expression names: enough of PromQL for what Prometheus itself has checked."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_TOKEN = re.compile(rf"(?P<string>{_STRING})|(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)|(?P<other>[^\s])")
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}


def references(expr: str) -> tuple[dict[str, set[str]], set[str]]:
    """Metric → labels that its selectors match on; and the labels that anything is grouped, joined or made by."""
    plain = re.sub(r"#.*", "", expr)
    # Durations hold letters that are no names: [11d:1h], offset 3d.
    plain = re.sub(r"\[[0-9a-z:]+\]|\boffset\s+-?[0-9a-z]+", " ", plain)
    tokens = list(_TOKEN.finditer(plain))
    metrics: dict[str, set[str]] = {}
    grouped: set[str] = set()
    place = 0
    while place < len(tokens):
        word = tokens[place]["name"]
        after = tokens[place + 1].group() if place + 1 < len(tokens) else ""
        if word in _GROUPING and after == "(":
            inside, place = _until(tokens, place + 2, ")")
            grouped |= {token.group() for token in inside if token["name"]}
            continue
        if word == "label_replace":
            # The strings of the call itself: made label, replacement, source label, pattern.
            grouped |= set(_made(plain, tokens[place].end()))
        elif (
            word
            and word not in _GROUPING | _WORDS
            and after not in ("(", "by", "without")
            and not _number(plain, tokens[place].start())
        ):
            metrics.setdefault(word, set())
            if after == "{":
                inside, place = _until(tokens, place + 2, "}")
                metrics[word] |= {token.group() for token in inside if token["name"]}
                continue
        place += 1
    return metrics, grouped


def _number(text: str, start: int) -> bool:
    """``1e9``: the letter stands right behind a digit."""
    return start > 0 and text[start - 1].isdigit()


def _until(tokens: list[re.Match[str]], place: int, end: str) -> tuple[list[re.Match[str]], int]:
    """The tokens up to a closing sign, and the place after it."""
    stop = place
    while tokens[stop].group() != end:
        stop += 1
    return tokens[place:stop], stop + 1


def _made(text: str, start: int) -> Iterator[str]:
    """The two label names among the last four arguments of a call of ``label_replace`` that opens at ``start``."""
    depth, strings, place = 0, [], start
    while place < len(text):
        match = re.compile(_STRING).match(text, place)
        if match:
            if depth == 1:
                strings.append(match.group()[1:-1])
            place = match.end()
            continue
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(text[place], 0)
        if depth == 0 and text[place] == ")":
            break
        place += 1
    yield from (name for name in (strings[0], strings[2]) if name)


def templates(text: str) -> tuple[set[str], list[str]]:
    """The labels (``$labels.x``) and the queries that a template names."""
    queries = [found.replace("%q", '"x"') for found in re.findall(r'printf "([^"]+)"[^|}]*\|\s*query', text)]
    return set(re.findall(r"\$labels\.(\w+)", text)), queries
