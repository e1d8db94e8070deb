"""pyVmomi's SOAP over our own wire: it writes the questions and reads the answers, and opens no connection.

pyVmomi's own adapter skips the check of certificates for ``localhost``, ``127.0.0.1`` and ``::1``, switches it off
where a thumbprint is given, reads answers of any size, and raises bare ``Exception`` for odd ones.
"""

from __future__ import annotations

import io
from typing import Any, TypeAlias
from xml.parsers.expat import ExpatError

from pyVmomi import SoapAdapter, VmomiSupport, vmodl
from pyVmomi.SoapAdapter import SoapResponseDeserializer, SoapStubAdapterBase

from inventories.faults import clean
from inventories.steady import without_cycle_collection
from probes.vsphere.shapes import QuickDeserializer, Shapes
from probes.vsphere.trouble import Trouble
from probes.vsphere.wire import Answer, Wire

#: What pyVmomi raises for answers that are no SOAP, or not what its types say. It has no exception of its own.
BROKEN = (ExpatError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)

#: Spoken where the server does not tell its versions: vSphere 5.5, which every later one still understands.
OLDEST = "vim.version.version9"

#: pyVmomi's own objects, and its functions, which have no types.
ManagedObject: TypeAlias = Any
_adapter: Any = SoapAdapter
_support: Any = VmomiSupport


class ServerFault(Exception):
    """A fault that the server answered in place of a result. Its own words are not repeated: nobody vouches for them.

    ``about`` is the property or argument that it complains of, where it names one.
    """

    def __init__(self, fault: object) -> None:
        kinds = [kind.__name__.rpartition(".")[2] for kind in type(fault).__mro__]
        super().__init__(kinds[0])
        self.name, self._kinds = clean(kinds[0], 60), frozenset(kinds)
        said = vars(fault).get("name") if hasattr(fault, "__dict__") else None
        self.about = said if isinstance(said, str) else ""

    def is_a(self, name: str) -> bool:
        """Whether it is the fault of this name or derived from it (``NotAuthenticated`` is a ``NoPermission``)."""
        return name in self._kinds


class _Reader(SoapResponseDeserializer):
    """Takes note whether an answer to the question stands in what is read at all.

    pyVmomi takes any other tree, and the answer to any other question, for one that says nothing: a page that
    nobody sent would be an inventory without machines.
    """

    def __init__(self, stub: Stub, expected: str) -> None:
        _adapter.SoapResponseDeserializer.__init__(self, stub)
        self.deser = QuickDeserializer(stub, stub.shapes)
        self.is_answered = False
        self._expected = expected

    def StartElementHandler(self, tag: str, attr: Any) -> None:  # noqa: N802
        """One element, its name after its namespace and a space."""
        if tag.rpartition(" ")[2] == self._expected:
            self.is_answered = True
        _adapter.SoapResponseDeserializer.StartElementHandler(self, tag, attr)


class Stub(SoapStubAdapterBase):
    """What pyVmomi's objects send their calls through."""

    def __init__(self, wire: Wire, version: str) -> None:
        _adapter.SoapStubAdapterBase.__init__(self, version)
        self.requestContext = None
        self.shapes = Shapes()
        self._wire = wire
        self._serialise: Any = self.SerializeRequest

    def InvokeMethod(self, mo: Any, info: Any, args: Any, outerStub: Any = None) -> Any:  # noqa: N802, N803
        """One call: its result, or :class:`ServerFault`, or :class:`Trouble`."""
        try:
            body = self._serialise(mo, info, args)
        except vmodl.MethodFault as fault:
            # The version that was agreed on does not know the method.
            raise ServerFault(fault) from None
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": self.versionId}
        logs_in = info.wsdlName == "Login"
        with self._wire.asked("POST", "/sdk", body, headers, again=not logs_in) as answer:
            result, is_answered = self._read(answer, info)
            if isinstance(result, Exception):
                raise ServerFault(result)
            if answer.status != 200 or not is_answered:
                raise Trouble("bad_output", f"{info.wsdlName}: no answer to what was asked")
        return result

    def _read(self, answer: Answer, info: Any) -> tuple[Any, bool]:
        """What an answer says, and whether it answers the question. It is all there before it is taken apart."""
        body = io.BytesIO(answer.whole())
        reader: Any = _Reader(self, f"{info.wsdlName}Response")
        inner = reader.deser
        try:
            with without_cycle_collection():
                result = reader.Deserialize(body, info.result)
            return result, reader.is_answered
        except BROKEN as error:
            raise Trouble("bad_output", f"{info.wsdlName}: no SOAP that fits: {type(error).__name__}") from None
        finally:
            # Reader and parser hold each other, and the page that was read: without this, pages would pile up until
            # the cycle collector comes by.
            vars(inner).clear()
            vars(reader).clear()


def best_version(offered: set[str]) -> str:
    """The newest version of the API that both sides know, of those that the server offers; or the oldest of ours."""
    for version in _support.GetServiceVersions("vim25"):
        if _support.versionIdMap.get(version, "") in offered - {""}:
            return str(version)
    return OLDEST


def type_of(name: str) -> Any:
    """pyVmomi's class by its name in the API: ``vim.VirtualMachine``."""
    return _support.GetVmodlType(name)


def object_of(name: str, identifier: str, stub: Stub) -> ManagedObject:
    """The managed object of a type and an id. What a server calls an object never decides how we take it."""
    return type_of(name)(identifier, stub)
