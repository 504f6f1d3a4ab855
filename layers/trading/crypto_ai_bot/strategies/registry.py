"""From the setting STRATEGY to a strategy: the name of a file in this folder.

A strategy file offers `Strategy`, a frozen dataclass of its parameters whose `__post_init__`
raises ValueError for a value that is not allowed. Only the file in use is imported.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from math import isfinite
from typing import Any, Final, get_type_hints

from crypto_ai_bot import strategies
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.strategies.base import Strategy

# The exchange gives at most 1,000 candles in one answer, and the newest of them is still open.
WARM_UP_BARS_MAX: Final = 999

_NOT_STRATEGIES: Final = frozenset({"base", "candles", "channels", "indicators", "registry"})
_KINDS: Final[Mapping[type, str]] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
}


def names() -> list[str]:
    """The strategies there are, by name, none of them imported."""
    found = (module.name for module in pkgutil.iter_modules(strategies.__path__))
    return sorted(name for name in found if name not in _NOT_STRATEGIES)


def load(name: str, parameters: Mapping[str, Any]) -> Strategy:
    """The strategy `name`, its parameters and warm-up checked.

    Raises BadSetting with one line: the variable, the value found, what is allowed.
    """
    if name not in names():
        raise BadSetting(f"STRATEGY={name}: must be one of {', '.join(names())}")
    module = import_module(f"{strategies.__name__}.{name}")
    strategy: Strategy = _made(name, module.Strategy, parameters)
    if strategy.warm_up_bars > WARM_UP_BARS_MAX:
        raise BadSetting(
            f"STRATEGY_PARAMETERS {_spelled(parameters)}: {name} would need "
            f"{strategy.warm_up_bars} bars of warm-up, more than the {WARM_UP_BARS_MAX} that one "
            "request brings; use shorter averages or a longer TIMEFRAME"
        )
    return strategy


def _made(name: str, kind: Any, given: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    allowed = {field.name: hints[field.name] for field in fields(kind)}
    for key, value in given.items():
        if key not in allowed:
            raise BadSetting(
                f"STRATEGY_PARAMETERS {key}={value}: {name} takes {', '.join(allowed) or 'none'}"
            )
        if not _fits(value, allowed[key]):
            raise BadSetting(f"STRATEGY_PARAMETERS {key}={value!r}: must be {_KINDS[allowed[key]]}")
    try:
        return kind(**given)
    except ValueError as error:
        raise BadSetting(f"STRATEGY_PARAMETERS {error}") from None


def _fits(value: Any, kind: type) -> bool:
    """JSON's true is no number here; a whole number may stand for a fraction, not the reverse."""
    if kind is float:
        return type(value) in {int, float} and isfinite(value)
    return type(value) is kind


def _spelled(parameters: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in parameters.items()) or "(defaults)"
