"""The parameters of a strategy as a space to search: a range for each number."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any, Final, NamedTuple, cast

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.strategies.base import Strategy

_DRAWS_MAX: Final = 100

type Parameters = Mapping[str, Any]


class Range(NamedTuple):
    """The values that a parameter may take, both ends included; whole numbers or fractions."""

    name: str
    low: float
    high: float
    whole: bool


def ranges_of(strategy: Strategy, given: Sequence[str] = ()) -> tuple[Range, ...]:
    """From half to twice of what each number of `strategy` is now; `given` says otherwise.

    `given` are texts like `fast=5:50`. A number that is 0 is a thing turned off and stays so.
    Raises BadSetting for a text that names no number of the strategy.
    """
    spelled = dict(_spelled(one) for one in given)
    found = []
    for field, value in _numbers(strategy):
        whole = type(value) is int
        if field.name in spelled:
            low, high = spelled.pop(field.name)
        elif value:
            low, high = value / 2, value * 2
        else:
            continue
        if whole:
            low, high = max(round(low), 1), max(round(high), 2)
        found.append(Range(field.name, low, high, whole))
    if spelled:
        names = ", ".join(field.name for field, _ in _numbers(strategy)) or "none"
        raise BadSetting(f"--range {', '.join(spelled)}: its numbers are {names}")
    return tuple(found)


def _numbers(strategy: Strategy) -> Iterator[tuple[Field[Any], float]]:
    made: Any = strategy
    for field in fields(made) if is_dataclass(made) else ():
        value = getattr(made, field.name)
        if type(value) in {int, float} and field.default is not MISSING:
            yield field, value


def _spelled(text: str) -> tuple[str, tuple[float, float]]:
    name, _, bounds = text.partition("=")
    low, _, high = bounds.partition(":")
    try:
        ends = float(low), float(high)
    except ValueError:
        raise BadSetting(f"--range {text}: must be like fast=5:50") from None
    if not ends[0] < ends[1]:
        raise BadSetting(f"--range {text}: must begin below its end")
    return name, ends


def parameters_of(strategy: Strategy) -> Parameters:
    """All that it was made with, defaults included; nothing for one that shows nothing."""
    made: Any = strategy
    return {f.name: getattr(made, f.name) for f in fields(made)} if is_dataclass(made) else {}


def with_parameters(strategy: Strategy, parameters: Parameters) -> Strategy | None:
    """`strategy` with other parameters; None for ones that it does not take together."""
    try:
        return cast("Strategy", replace(cast("Any", strategy), **parameters))
    except ValueError:
        return None


def drawn(strategy: Strategy, ranges: Sequence[Range], count: int, seed: int) -> list[Strategy]:
    """`strategy` with `count` sets of parameters drawn evenly at random.

    Fewer where hardly any go together, none where there is no range.
    """
    chance = random.Random(seed)  # noqa: S311 - draws parameters, hides nothing
    found: list[Strategy] = []
    for _ in range(count * _DRAWS_MAX if ranges else 0):
        if len(found) == count:
            break
        if one := with_parameters(strategy, {r.name: _drawn(r, chance) for r in ranges}):
            found.append(one)
    return found


def _drawn(one: Range, chance: random.Random) -> float:
    if one.whole:
        return chance.randint(int(one.low), int(one.high))
    return chance.uniform(one.low, one.high)
