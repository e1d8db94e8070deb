"""Frozen dataclasses as JSON and back, strictly: what a job says is read as exactly what was written, or not at all.

A value's form follows from the annotations of its class: no class name travels, nothing is constructed but the
classes that are reached from the one that is asked for, every field must be there, and none besides.
"""

from __future__ import annotations

import ipaddress
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from inventories.places import Network
from probes.secrets import Secret

T = TypeVar("T")

_NETWORKS = {ipaddress.IPv4Network, ipaddress.IPv6Network}


class WireError(ValueError):
    """The value is not of the class; says where and why."""


def encode(value: Any) -> Any:
    """A value as what :func:`json.dumps` takes; :func:`decode` gives an equal one back. TypeError for other types."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("a time without its zone says nothing to another machine")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, (Secret, Path, ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return str(value)
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return [[encode(key), encode(item)] for key, item in value.items()]
    raise TypeError(f"{type(value).__name__} does not travel")


def decode(kind: type[T], body: object) -> T:
    """The value of this class. Raises :class:`WireError` for anything that :func:`encode` would not have made."""
    return cast(T, _read(kind, body, kind.__name__))


def map_paths(value: T, change: Callable[[Path], Path]) -> T:
    """The same value with every path in it changed."""
    if isinstance(value, Path):
        return cast(T, change(value))
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: map_paths(getattr(value, field.name), change) for field in fields(value)}
        return cast(T, replace(cast(Any, value), **changed))
    if isinstance(value, tuple):
        return cast(T, tuple(map_paths(item, change) for item in value))
    return value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, body: object, where: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(args, body, where)
    if origin is tuple:
        items = _of(list, body, where)
        return tuple(_read(args[0], item, f"{where}[{i}]") for i, item in enumerate(items))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(args, body, where)
    if kind in _PLAIN:
        return _of(kind, body, where)
    if kind in _PARSED:
        return _parsed(_PARSED[kind], body, where)
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind, body, where)
    raise TypeError(f"{kind} does not travel")


def _union(args: tuple[Any, ...], body: object, where: str) -> Any:
    if set(args) == _NETWORKS:
        return _parsed(_network, body, where)
    (inner,) = (arg for arg in args if arg is not type(None))
    return None if body is None else _read(inner, body, where)


def _mapping(args: tuple[Any, ...], body: object, where: str) -> Mapping[Any, Any]:
    out = {}
    for i, pair in enumerate(_of(list, body, where)):
        both = _of(list, pair, f"{where}[{i}]")
        if len(both) != 2:
            raise WireError(f"{where}[{i}]: is no pair")
        out[_read(args[0], both[0], f"{where}[{i}][0]")] = _read(args[1], both[1], f"{where}[{i}][1]")
    return out


def _dataclass(kind: type, body: object, where: str) -> Any:
    said = _of(dict, body, where)
    names = [field.name for field in fields(cast(Any, kind))]
    if set(said) != set(names):
        odd = sorted(set(said) ^ set(names), key=str)
        raise WireError(f"{where}: other fields than this program knows ({', '.join(map(repr, odd[:3]))})")
    return kind(**{name: _read(_hints(kind)[name], said[name], f"{where}.{name}") for name in names})


def _of(kind: type[T], body: object, where: str) -> T:
    if type(body) is not kind:
        raise WireError(f"{where}: is no {kind.__name__}")
    return body


def _parsed(parse: Callable[[str], Any], body: object, where: str) -> Any:
    text = _of(str, body, where)
    try:
        return parse(text)
    except ValueError:
        raise WireError(f"{where}: is not as it should be") from None


def _network(text: str) -> Network:
    network = ipaddress.ip_network(text)
    if str(network) != text:
        raise ValueError
    return network


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError
    return moment.astimezone(UTC)


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError
    return Path(text)


_PLAIN = (str, bool, int, float)
_PARSED: Mapping[Any, Callable[[str], Any]] = {datetime: _time, Path: _path, Secret: Secret.parse}
