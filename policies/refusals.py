"""What a predicate may not hold, and how to say it instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlglot import TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from inventories.faults import clean

MAX_LENGTH = 1000
MAX_DEPTH = 12

Refusal: TypeAlias = tuple[str, str]

_ONE_ASSET = "a rule judges one asset by its own columns"
SUBSELECT: Refusal = ("a sub-select is not allowed", _ONE_ASSET)
WINDOW: Refusal = ("a window is not allowed", _ONE_ASSET)
AGGREGATE: Refusal = ("an aggregate is not allowed", _ONE_ASSET)
STAR: Refusal = ("'*' is not allowed", "name the columns")
CAST: Refusal = ("a cast is not allowed", "only date 'YYYY-MM-DD' is")
DIVISION: Refusal = ("division is not allowed", "compare the two numbers instead")
ARITHMETIC: Refusal = ("arithmetic is not allowed", "use add_days, add_months or days_since on dates")
PATTERN: Refusal = ("a pattern is not allowed", "compare whole values with = or in")
CLOCK: Refusal = ("the machine's clock is not allowed", "use as_of, the audit's clock")
GUESS: Refusal = (
    "this turns an unknown fact into an answer",
    "leave NULL alone: what nobody has shown must stay unknown",
)
SEMICOLON: Refusal = ("';' is not allowed", "write one condition")

_BY_NODE: tuple[tuple[tuple[type[Any], ...], Refusal], ...] = (
    ((exp.Subquery, exp.Query, exp.Exists), SUBSELECT),
    ((exp.Window,), WINDOW),
    ((exp.Star,), STAR),
    ((exp.AggFunc,), AGGREGATE),
    ((exp.Cast,), CAST),
    ((exp.Div, exp.IntDiv, exp.Mod), DIVISION),
    ((exp.Add, exp.Sub, exp.Mul), ARITHMETIC),
    ((exp.RegexpLike, exp.RegexpILike, exp.Like, exp.ILike, exp.SimilarTo, exp.Glob), PATTERN),
    ((exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime), CLOCK),
    ((exp.Coalesce, exp.If, exp.Case, exp.Null, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nvl2), GUESS),
)

#: Refused already as words, which have a place even where sqlglot's tree keeps none.
_BY_TOKEN: Mapping[TokenType, Refusal] = {
    TokenType.SELECT: SUBSELECT,
    TokenType.OVER: WINDOW,
    TokenType.DCOLON: CAST,
    TokenType.CURRENT_DATE: CLOCK,
    TokenType.CURRENT_TIMESTAMP: CLOCK,
    TokenType.CASE: GUESS,
    TokenType.SEMICOLON: SEMICOLON,
}


_CLOCKS = frozenset({"now", "today", "transaction_timestamp", "get_current_timestamp", "get_current_time"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a predicate; ``offset`` is counted in characters from its beginning."""

    offset: int
    what: str
    mend: str = ""


def refuse_text(text: str) -> Problem | None:
    """What must not even be parsed: overlong and overly nested text, and comments, which would hide part of it."""
    if len(text) > MAX_LENGTH:
        return Problem(MAX_LENGTH, f"is longer than {MAX_LENGTH} characters", "split the rule")
    try:
        tokens = DuckDB().tokenize(text)
    except SqlglotError as error:
        return syntax(text, error)
    depth = nots = 0
    for token in tokens:
        if token.token_type in _BY_TOKEN:
            what, mend = _BY_TOKEN[token.token_type]
            return Problem(token.start, what, mend)
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        nots = nots + 1 if token.token_type is TokenType.NOT else 0
        if depth > MAX_DEPTH or nots > 2:
            return Problem(token.start, "is nested too deeply", "say it more simply")
        if token.comments:
            return Problem(token.start, "holds a comment", "use the rule's note")
    return None if tokens else Problem(0, "is empty")


def syntax(text: str, error: SqlglotError) -> Problem:
    """What sqlglot says about text that is no SQL, with its place."""
    found = getattr(error, "errors", None) or [{}]
    line, column = found[0].get("line"), found[0].get("col")
    offset = 0
    if isinstance(line, int) and isinstance(column, int):
        before = text.splitlines(keepends=True)[: line - 1]
        offset = min(sum(map(len, before)) + max(column - 1, 0), max(len(text) - 1, 0))
    what = str(found[0].get("description") or error).partition(" for <class")[0].partition(". Line")[0]
    return Problem(offset, f"is no SQL condition: {clean(what, 120)}", "see the operators that a predicate may use")


def why(node: object, name: str = "") -> Refusal | None:
    """Why a node of sqlglot's tree is not allowed, and what to write instead; None where there is nothing to say.

    ``name`` is that of the function called, if the node is a call.
    """
    if name.lower() in _CLOCKS:
        return CLOCK
    return next((refusal for kinds, refusal in _BY_NODE if isinstance(node, kinds)), None)
