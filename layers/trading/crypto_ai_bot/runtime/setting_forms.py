"""How the variables that are more than a number or a word are written."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from math import isfinite
from typing import Any, Final
from urllib.parse import urlsplit

from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import ONE, to_decimal, total
from crypto_ai_bot.domain.stop import TakeProfitStep

_LOOPBACK: Final = re.compile(r"localhost|::1|127(\.\d{1,3}){3}")


def on_loopback(url: str) -> bool:
    """Whether `url` can only lead to this machine."""
    return bool(_LOOPBACK.fullmatch(urlsplit(url).hostname or ""))


def to_switch(text: str) -> bool:
    """`0` or `1`."""
    if text not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return text == "1"


def to_symbol(text: str) -> Symbol:
    """`BASE/QUOTE`."""
    try:
        return Symbol.parse(text)
    except ValueError:
        raise ValueError("must be a pair like BTC/USDT") from None


def to_symbols(text: str) -> tuple[Symbol, ...]:
    """Pairs with commas between, of one quote coin, none of them twice."""
    symbols = tuple(to_symbol(part) for part in text.split(",") if part.strip())
    quotes = sorted({symbol.quote for symbol in symbols})
    if not symbols:
        raise ValueError("must be pairs like BTC/USDT,ETH/USDT")
    if len(quotes) > 1:
        raise ValueError(f"must all be priced in one coin, not in {' and '.join(quotes)}")
    if len(set(symbols)) < len(symbols):
        raise ValueError("must name no pair twice")
    return symbols


def to_steps(text: str) -> tuple[TakeProfitStep, ...]:
    """`gain:fraction` with commas between, e.g. `2:0.5,4:0.5`: gains in per cent, rising."""
    allowed = "must be like 2:0.5,4:0.5 (gain in per cent:fraction to sell)"
    steps = []
    for part in text.split(","):
        gain, colon, fraction = part.partition(":")
        try:
            step = TakeProfitStep(float(to_decimal(gain.strip())), to_decimal(fraction.strip()))
        except ValueError:
            raise ValueError(allowed) from None
        if not colon or step.gain_pct <= 0 or step.fraction <= 0:
            raise ValueError(f"{allowed}, all above 0")
        steps.append(step)
    if any(after.gain_pct <= before.gain_pct for before, after in pairwise(steps)):
        raise ValueError(f"{allowed}, gains rising")
    if total(step.fraction for step in steps) > ONE:
        raise ValueError(f"{allowed}, fractions adding up to at most 1")
    return tuple(steps)


def to_day_ms(text: str) -> int:
    """`2026-01-31`, as the midnight in UTC that it begins with."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("must be a day like 2026-01-31") from None
    return int(day.timestamp()) * 1_000


def to_parameters(text: str) -> Mapping[str, Any]:
    """A JSON object."""
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise ValueError('must be a JSON object like {"fast": 12, "slow": 26}')  # noqa: TRY004 - it is the value that is wrong
    return read


def to_url(text: str) -> str:
    """A base URL without a slash at its end; in the clear on this machine alone."""
    try:
        parts = urlsplit(text)
        plain = parts.hostname and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        parts, plain = urlsplit(""), None
    if not plain or parts.scheme not in {"http", "https"}:
        raise ValueError("must be like https://host/api/v4")
    if parts.scheme == "http" and not on_loopback(text):
        raise ValueError("must be https, but for an exchange on the loopback")
    return text.rstrip("/")


def one_of(*allowed: str) -> Callable[[str], str]:
    """A form that takes a word of a list, written in small or capital letters as there."""

    def to_word(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return to_word


def either(first: str, second: str) -> Callable[[str], str]:
    """A form that takes one of two words, as they are written."""

    def to_word(text: str) -> str:
        if text not in {first, second}:
            raise ValueError(f"must be {first!r} or {second!r}")
        return text

    return to_word


def matching(pattern: str) -> Callable[[str], str]:
    """A form that takes what a regular expression matches."""

    def to_text(text: str) -> str:
        if not re.search(pattern, text):
            raise ValueError(f"must match pattern {pattern!r}")
        return text

    return to_text


def amount(
    *, at_least: int | None = None, above: int | None = None, below: int | None = None
) -> Callable[[str], Decimal]:
    """A form that takes a finite number with all its digits, within limits."""

    def to_amount(text: str) -> Decimal:
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise ValueError("must be a valid decimal") from None
        if not value.is_finite():
            raise ValueError("must be a finite number")
        return _within(value, at_least=at_least, above=above, below=below)

    return to_amount


def number(*, at_least: int | None = None, below: int | None = None) -> Callable[[str], float]:
    """A form that takes a finite number to calculate with, within limits."""

    def to_number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("must be a valid number") from None
        within = _within(value, at_least=at_least, below=below)
        if not isfinite(within):
            raise ValueError("must be a finite number")
        return within

    return to_number


def whole(*, at_least: int | None = None, at_most: int | None = None) -> Callable[[str], int]:
    """A form that takes a whole number, within limits."""

    def to_whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("must be a valid integer") from None
        return _within(value, at_least=at_least, at_most=at_most)

    return to_whole


def _within[N: (int, float, Decimal)](
    value: N,
    *,
    at_least: int | None = None,
    above: int | None = None,
    at_most: int | None = None,
    below: int | None = None,
) -> N:
    if at_least is not None and value < at_least:
        raise ValueError(f"must be greater than or equal to {at_least}")
    if above is not None and value <= above:
        raise ValueError(f"must be greater than {above}")
    if at_most is not None and value > at_most:
        raise ValueError(f"must be less than or equal to {at_most}")
    if below is not None and not value < below:  # not a number is not below it either
        raise ValueError(f"must be less than {below}")
    return value
