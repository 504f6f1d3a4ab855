"""Values ↔ what an item can hold, led by the type hints of the entities.

The dataclass is the schema: whatever field it has is written, and must be there when read.
Decimals become plain strings and floats the shortest string that reads back the same, so no
number ever passes through another kind of number.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import plain, to_decimal


class Shape(NamedTuple):
    """How values of one type are written and read.

    `encode` raises InvariantBroken for a value of another type (the programmer's error);
    `decode` raises KeyError, TypeError or ValueError for what it cannot have written.
    """

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@cache
def shape_of(hint: Any) -> Shape:
    """The shape of a type hint. Raises InvariantBroken for a hint that no entity uses yet."""
    if hint in _ATOMS:
        return _ATOMS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _optional(hint, arguments)
    if origin is tuple:
        return _tuple(arguments)
    if origin is Mapping:
        return _mapping(shape_of(arguments[0]), shape_of(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if is_dataclass(hint):
        return _record(hint)
    raise InvariantBroken(f"the codec has no shape for {hint!r}")


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise InvariantBroken(f"{value!r} is a {type(value).__name__}, not a {kind.__name__}")
    return value


def _read_as(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not a {kind.__name__}")
    return value


def _as_is(kind: type) -> Shape:
    return Shape(lambda value: _exactly(kind, value), lambda value: _read_as(kind, value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvariantBroken(f"{value!r} is a {type(value).__name__}, not a str")
    return str(value)  # a plain one, should it be an enum's


def _digits(value: Any) -> str:
    if not _exactly(Decimal, value).is_finite():
        raise InvariantBroken(f"{value} is not an amount")
    return plain(value)


def _float_digits(value: Any) -> str:
    if type(value) not in {float, int} or not math.isfinite(value):
        raise InvariantBroken(f"{value!r} is not a finite float")
    return repr(float(value))


def _json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvariantBroken(f"{value!r} is not JSON: {error}") from None


_ATOMS: Final[Mapping[Any, Shape]] = {
    int: _as_is(int),
    bool: _as_is(bool),
    str: Shape(_text, lambda value: _read_as(str, value)),
    float: Shape(_float_digits, lambda value: float(_read_as(str, value))),
    Decimal: Shape(_digits, lambda value: to_decimal(_read_as(str, value))),
    Symbol: Shape(lambda value: str(_exactly(Symbol, value)), Symbol.parse),
    Any: Shape(_json, json.loads),
}


def _optional(hint: Any, arguments: tuple[Any, ...]) -> Shape:
    inner = [argument for argument in arguments if argument is not type(None)]
    if len(inner) != 1:
        raise InvariantBroken(f"the codec has no shape for {hint!r}")
    encode, decode = shape_of(inner[0])
    return Shape(
        lambda value: None if value is None else encode(value),
        lambda value: None if value is None else decode(value),
    )


def _tuple(arguments: tuple[Any, ...]) -> Shape:
    """Of any length (`tuple[X, ...]`), or of a fixed one, each member with its own type."""
    if arguments[-1] is Ellipsis:
        encode, decode = shape_of(arguments[0])
        return Shape(
            lambda value: [encode(member) for member in value],
            lambda value: tuple([decode(member) for member in _read_as(list, value)]),
        )
    shapes = [shape_of(argument) for argument in arguments]
    return Shape(
        lambda value: [s.encode(m) for s, m in zip(shapes, value, strict=True)],
        lambda value: tuple(
            [s.decode(m) for s, m in zip(shapes, _read_as(list, value), strict=True)]
        ),
    )


def _mapping(key: Shape, member: Shape) -> Shape:
    return Shape(
        lambda value: {key.encode(k): member.encode(m) for k, m in value.items()},
        lambda value: {key.decode(k): member.decode(m) for k, m in _read_as(dict, value).items()},
    )


def _enum(kind: type[Enum]) -> Shape:
    return Shape(lambda value: _exactly(kind, value).value, kind)


def _record(kind: Any) -> Shape:
    hints = get_type_hints(kind)
    fields = [(name, *shape_of(hints[name])) for name in kind.__dataclass_fields__]

    def encode(value: Any) -> dict[str, Any]:
        _exactly(kind, value)
        return {name: write(getattr(value, name)) for name, write, _ in fields}

    def decode(value: Any) -> Any:
        _read_as(dict, value)
        return kind(*[read(value[name]) for name, _, read in fields])

    return Shape(encode, decode)
