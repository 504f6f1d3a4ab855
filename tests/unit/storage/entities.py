"""Any entity at all: strategies led by the type hints, as the codec is."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from decimal import Decimal
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from crypto_ai_bot.domain.market import Symbol

COINS = st.text("ABCXYZ0123456789", min_size=1, max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip
ATOMS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**53), 2**53),
    bool: st.booleans(),
    str: st.text(max_size=20),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, max_value=10**30)
    | st.decimals(-(10**12), 10**12, places=12),
    Symbol: st.builds(Symbol, COINS, COINS).filter(lambda symbol: symbol.base != symbol.quote),
    Any: JSON,
}


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type hint."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in ATOMS:
        return ATOMS[hint]
    if origin is UnionType:
        return st.none() | any_of(arguments[0])
    if origin is tuple:
        endless = arguments[-1] is Ellipsis
        members = st.lists(any_of(arguments[0]), max_size=3).map(tuple)
        return members if endless else st.tuples(*map(any_of, arguments))
    if origin is Mapping:
        return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=3)
    if is_dataclass(hint):
        fields = {name: any_of(inner) for name, inner in get_type_hints(hint).items()}
        made: Any = hint
        return st.builds(made, **fields)
    return st.sampled_from(hint)
