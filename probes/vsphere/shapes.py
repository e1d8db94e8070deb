"""pyVmomi's reading of SOAP without working out the same thing again for every element.

A page of a hundred machines has six thousand elements of some two hundred shapes. What pyVmomi makes of an element
follows from what it stands in, its name and its type; so it is asked once for each shape, and the answer is kept.
Whatever is not plain (a fault, a number, a date, a value of any type) pyVmomi reads itself, every time. A look at
ten thousand machines takes a third less time so, and gives the same objects: a test compares the two.
"""

from __future__ import annotations

from typing import Any

from pyVmomi import SoapAdapter, VmomiSupport
from pyVmomi.SoapAdapter import SoapDeserializer

_adapter: Any = SoapAdapter
_data_object: Any = VmomiSupport.DataObject
_managed_object: Any = VmomiSupport.ManagedObject

#: An answer decides what its elements are called: no more is kept than any honest server has use for.
_MOST_SHAPES = 4096
_LONGEST_KEY = 400


class Shapes:
    """What has been found out while one server was read."""

    def __init__(self) -> None:
        #: What begins with an element: a type, and whether an object of it is made at once.
        self.begun: dict[tuple[object, ...], tuple[Any, bool]] = {}
        #: Where a property belongs: its description, and whether it is a list.
        self.properties: dict[tuple[type, str], tuple[Any, bool]] = {}
        self._blanks: dict[type, tuple[dict[str, object], tuple[tuple[str, type], ...]]] = {}

    def new(self, kind: Any) -> Any:
        """An object of a type with nothing in it, as its constructor makes it."""
        if not issubclass(kind, _data_object) or issubclass(kind, Exception):
            return kind()
        known = self._blanks.get(kind)
        if known is None:
            fields = vars(kind())
            lists = tuple((name, type(value)) for name, value in fields.items() if isinstance(value, list))
            known = self._blanks[kind] = (dict(fields), lists)
        made = kind.__new__(kind)
        fields = vars(made)
        fields.update(known[0])
        for name, list_type in known[1]:
            fields[name] = list_type()
        return made


class QuickDeserializer(SoapDeserializer):
    """Reads one object, and everything in it."""

    def __init__(self, stub: object, shapes: Shapes) -> None:
        _adapter.SoapDeserializer.__init__(self, stub)
        self._shapes = shapes

    def StartElementHandler(self, tag: str, attr: dict[str, str]) -> None:  # noqa: N802
        """What the element is to become goes onto the stack: a type, or an empty object."""
        key = self._key(tag, attr)
        known = self._shapes.begun.get(key) if key else None
        if known is None:
            _adapter.SoapDeserializer.StartElementHandler(self, tag, attr)
            if key and len(self._shapes.begun) < _MOST_SHAPES:
                pushed = self.stack[-1]
                is_type = isinstance(pushed, type)
                self._shapes.begun[key] = (pushed if is_type else type(pushed), not is_type)
            return
        self.data, self.serverGuid = "", None
        kind, is_made = known
        self.stack.append(self._shapes.new(kind) if is_made else kind)

    def _key(self, tag: str, attr: dict[str, str]) -> tuple[object, ...] | None:
        """All that pyVmomi's decision follows from; None where it follows from more than is looked at here."""
        if not self.stack or len(tag) > _LONGEST_KEY:
            return None
        above = type(self.stack[-1])
        if not attr:
            return (above, tag)
        dynamic, referred = attr.get(_adapter.XSI_TYPE), attr.get("type")
        if len(attr) != (dynamic is not None) + (referred is not None):
            return None
        qualified = _adapter.SoapDeserializer.GetNSAndWsdlname
        names = tuple(qualified(self, said) if said else None for said in (dynamic, referred))
        if sum(len(part) for said in names if said for part in said) > _LONGEST_KEY:
            return None
        return (above, tag, *names)

    def EndElementHandler(self, tag: str) -> None:  # noqa: N802
        """The element is whole, and goes where it belongs. Texts, references and objects are plain; no others."""
        stack = self.stack
        value = stack[-1] if len(stack) > 1 else None
        above = stack[-2] if len(stack) > 1 else None
        if isinstance(value, type):
            if value is str:
                value = self.data
            elif issubclass(value, _managed_object):
                value = value(self.data, self.stub, self.serverGuid)
            else:
                value = None
        elif isinstance(value, Exception | _adapter.LocalizedMethodFault):
            value = None
        if value is None or isinstance(above, Exception) or not self._put(above, tag, value):
            _adapter.SoapDeserializer.EndElementHandler(self, tag)
        else:
            stack.pop()

    def _put(self, above: Any, tag: str, value: Any) -> bool:
        """Puts a value where pyVmomi would, if it is sure to be of the right type."""
        if isinstance(above, list):
            above.append(value)
            return True
        if not isinstance(above, _data_object):
            return False
        shapes = self._shapes.properties
        known = shapes.get((type(above), tag))
        if known is None:
            info = above._GetPropertyInfo(tag.rpartition(" ")[2])
            known = (info, issubclass(info.type, list))
            if len(shapes) < _MOST_SHAPES and len(tag) <= _LONGEST_KEY:
                shapes[type(above), tag] = known
        info, is_list = known
        if is_list and not isinstance(value, list):
            getattr(above, info.name).append(value)
            return True
        if info.type is object or not isinstance(value, info.type) or (isinstance(value, list) and not value):
            return False
        vars(above)[info.name] = value
        return True
