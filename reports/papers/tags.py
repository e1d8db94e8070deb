"""The tags in a template: which fields they name, and that they do nothing but name them. Pure.

A template may print a field, walk through a list, and choose by a condition. Calls, imports, macros, assignments,
arithmetic beyond counting, and filters that could switch escaping off are refused before anything runs.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from jinja2 import nodes

from inventories.faults import Fault, clean, did_you_mean
from reports.papers.schema import Kind, List, Record, known, words

LOOP = frozenset({"index", "index0", "first", "last", "length", "revindex", "revindex0"})
FILTERS = frozenset({"length", "count", "first", "last", "join"})


class Other(enum.Enum):
    """Kinds of what no field is."""

    NUMBER = "a number"
    TRUTH = "yes or no"
    LOOP = "the place in a list"
    #: Already told as a fault.
    WRONG = "unknown"


_Kind: TypeAlias = "Kind | Other"
_Scope: TypeAlias = Mapping[str, _Kind]

_STATEMENTS = {
    "Import": "import",
    "FromImport": "import",
    "Include": "include",
    "Extends": "extends",
    "Block": "block",
    "Macro": "macro",
    "CallBlock": "call",
    "FilterBlock": "filter",
    "With": "with",
    "Assign": "set",
    "AssignBlock": "set",
    "ScopedEvalContextModifier": "autoescape",
    "Scope": "autoescape",
}
_EXPRESSIONS = {
    "Call": "a call",
    "Test": "a test (is …)",
    "Mul": "a multiplication",
    "Div": "a division",
    "FloorDiv": "a division",
    "Pow": "a power",
    "Dict": "a dictionary",
    "Slice": "a slice",
}


@dataclass(slots=True)
class Checker:
    """Walks through one part's tags. ``source`` is what was parsed, each paragraph on a line of its own."""

    shown: str
    source: Sequence[str]
    kinds: Mapping[str, Kind]
    faults: list[Fault] = field(default_factory=list)
    #: The fields that were named.
    used: set[str] = field(default_factory=set)

    def check(self, tree: nodes.Template) -> None:
        self._statements(tree.body, self.kinds)

    def _fault(self, node: nodes.Node, what: str, mend: str = "") -> Other:
        self.faults.append(Fault(near(self.shown, self.source, node.lineno or 0), what, mend))
        return Other.WRONG

    # --- statements -----------------------------------------------------------------------------------------

    def _statements(self, body: Sequence[nodes.Node], scope: _Scope) -> None:
        for node in body:
            match node:
                case nodes.Output():
                    for inner in node.nodes:
                        self._printed(inner, scope)
                case nodes.If():
                    self._expression(node.test, scope)
                    for branch in (node.body, node.elif_, node.else_):
                        self._statements(branch, scope)
                case nodes.For():
                    self._loop(node, scope)
                case _:
                    kind = type(node).__name__
                    self._fault(node, f"{{% {_STATEMENTS.get(kind, kind)} %}} may not stand in a template", _ONLY)

    def _printed(self, node: nodes.Node, scope: _Scope) -> None:
        if isinstance(node, nodes.TemplateData):
            return
        kind = self._expression(node, scope)
        if isinstance(kind, List):
            self._fault(node, f"prints {words(kind)}", "walk through it: {%p for line in … %} … {%p endfor %}")
        elif isinstance(kind, Record):
            self._fault(node, f"prints {words(kind)}", f"name one: .{next(iter(kind.kinds))}")
        elif kind in (Other.LOOP, Other.TRUTH):
            self._fault(node, "prints no text", "print a field")

    def _loop(self, node: nodes.For, scope: _Scope) -> None:
        kind = self._expression(node.iter, scope)
        inner: _Kind = Other.WRONG
        if isinstance(kind, List):
            inner = kind.of
        elif kind is not Other.WRONG:
            told = kind.value if isinstance(kind, Other) else words(kind)
            self._fault(node, f"walks through {told}", "only a list can be walked through")
        if not isinstance(node.target, nodes.Name) or node.recursive:
            self._fault(node, "walks through a list in a way that is not known here", _ONLY)
            return
        name = node.target.name
        if name in self.kinds or name == "loop":
            self._fault(node, f"calls each entry {name!r}, which is a field's own name", "give it another name")
        within = {**scope, name: inner, "loop": Other.LOOP}
        if node.test is not None:
            self._expression(node.test, within)
        self._statements(node.body, within)
        self._statements(node.else_, scope)

    # --- expressions ----------------------------------------------------------------------------------------

    def _expression(self, node: nodes.Node, scope: _Scope) -> _Kind:
        match node:
            case nodes.Name():
                return self._name(node, scope)
            case nodes.Getattr():
                return self._attribute(node, self._expression(node.node, scope), node.attr)
            case nodes.Getitem():
                return self._item(node, scope)
            case nodes.Const():
                return (
                    str if isinstance(node.value, str) else Other.NUMBER if type(node.value) is int else Other.TRUTH
                )
            case nodes.Compare():
                return self._comparison(node, scope)
            case nodes.And() | nodes.Or():
                self._all((node.left, node.right), scope)
                return Other.TRUTH
            case nodes.Not():
                self._expression(node.node, scope)
                return Other.TRUTH
            case nodes.CondExpr():
                self._all((node.test, *([node.expr2] if node.expr2 else [])), scope)
                return self._expression(node.expr1, scope)
            case nodes.Add() | nodes.Sub() | nodes.Mod():
                return self._counted(node, scope)
            case nodes.Concat():
                self._all(node.nodes, scope)
                return str
            case nodes.Tuple() | nodes.List():
                return self._constants(node)
            case nodes.Filter():
                return self._filter(node, scope)
        kind = type(node).__name__
        return self._fault(node, f"{_EXPRESSIONS.get(kind, kind)} may not stand in a template", _ONLY)

    def _all(self, expressions: Sequence[nodes.Node], scope: _Scope) -> list[_Kind]:
        return [self._expression(expression, scope) for expression in expressions]

    def _name(self, node: nodes.Name, scope: _Scope) -> _Kind:
        if node.name in self.kinds:
            self.used.add(node.name)
        if node.name in scope:
            return scope[node.name]
        near_by = did_you_mean(node.name, (*self.kinds, *scope))
        return self._fault(
            node, f"no field {clean(node.name, 40)!r}", near_by or f"this paper has {', '.join(self.kinds)}"
        )

    def _attribute(self, node: nodes.Node, of: _Kind, name: str) -> _Kind:
        if of is Other.WRONG:
            return of
        if name.startswith("_"):
            return self._fault(node, f"{clean(name, 40)!r} is no field: it begins with an underscore")
        if of is Other.LOOP:
            if name in LOOP:
                return Other.TRUTH if name in ("first", "last") else Other.NUMBER
            return self._fault(node, f"no loop.{clean(name, 40)}", did_you_mean(name, LOOP))
        if not isinstance(of, Record):
            told = of.value if isinstance(of, Other) else words(of)
            return self._fault(node, f"no field {clean(name, 40)!r}: what stands before the point is {told}")
        if name not in of.kinds:
            near_by = did_you_mean(name, of.kinds)
            return self._fault(node, f"no field {clean(name, 40)!r}", near_by or f"{of.name} has {known(of)}")
        return of.kinds[name]

    def _item(self, node: nodes.Getitem, scope: _Scope) -> _Kind:
        of = self._expression(node.node, scope)
        arg = node.arg.value if isinstance(node.arg, nodes.Const) else None
        if isinstance(arg, str):
            return self._attribute(node, of, arg)
        if isinstance(of, List) and isinstance(arg, int):
            return of.of
        return of if of is Other.WRONG else self._fault(node, "[…] takes a field's name or a place in a list")

    def _counted(self, node: nodes.BinExpr, scope: _Scope) -> _Kind:
        kinds = self._all((node.left, node.right), scope)
        if all(kind in (Other.NUMBER, Other.WRONG) for kind in kinds):
            return Other.NUMBER
        return self._fault(node, "counts with what is no number", "join texts with ~")

    def _comparison(self, node: nodes.Compare, scope: _Scope) -> _Kind:
        kinds = self._all((node.expr, *(operand.expr for operand in node.ops)), scope)
        orders = any(operand.op in ("lt", "lteq", "gt", "gteq") for operand in node.ops)
        if orders and not all(kind in (Other.NUMBER, Other.WRONG) for kind in kinds):
            return self._fault(node, "compares the size of what is no number", "compare a text's length: |length")
        return Other.TRUTH

    def _constants(self, node: nodes.Tuple | nodes.List) -> _Kind:
        if all(isinstance(item, nodes.Const) for item in node.items):
            return Other.TRUTH
        return self._fault(node, "a list in a condition may hold fixed texts only")

    def _filter(self, node: nodes.Filter, scope: _Scope) -> _Kind:
        if node.name not in FILTERS or node.node is None:
            return self._fault(node, f"the filter {clean(node.name, 40)!r} is not known here", _FILTERS)
        of = self._expression(node.node, scope)
        args = [*node.args, *(pair.value for pair in node.kwargs)]
        if node.dyn_args or node.dyn_kwargs or not all(isinstance(arg, nodes.Const) for arg in args):
            return self._fault(node, f"the filter {node.name!r} takes fixed texts only")
        if of is Other.WRONG:
            return of
        if node.name in ("length", "count"):
            return Other.NUMBER
        if not isinstance(of, List):
            return self._fault(node, f"the filter {node.name!r} is for lists")
        if node.name == "join":
            return str if of.of is str else self._fault(node, "only a list of texts can be joined")
        return of.of


_ONLY = "use {{ … }}, {% if … %} and {% for … in … %} alone"
_FILTERS = f"there are {', '.join(sorted(FILTERS))}"


def near(shown: str, source: Sequence[str], line: int) -> str:
    """``order.docx, header near '…'``: a word processor has no line numbers, so the words there are shown."""
    text = source[line - 1] if 0 < line <= len(source) else ""
    said = re.sub(r"<[^>]*>", "", text).strip()
    return f"{shown} near {clean(said, 60)!r}" if said else shown


def full_width(shown: str, source: Sequence[str]) -> Iterator[Fault]:
    """Tags typed with a Chinese keyboard's braces: they would be printed as they stand."""
    for place, line in enumerate(source, 1):
        if _FULL_WIDTH.search(re.sub(r"<[^>]*>", "", line)):
            yield Fault(
                near(shown, source, place), "has full-width braces", "type {{ }} and {% %} with half-width ones"
            )


_FULL_WIDTH = re.compile(r"｛\s*[｛%％]|[｝%％]\s*｝|\{％|％\}")
