"""The order book around a price: a real spread, levels that widen outwards, sizes that change."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count, islice
from typing import NamedTuple

from crypto_ai_bot.local.exchange.numbers import decimal_of
from crypto_ai_bot.local.exchange.pairs import PairRules

MAX_LEVELS = 100
_STANDS_MS = 1000  # how long spread and sizes stay as they are while the price moves
_STEPS_PER_PRICE = 200_000  # levels lie in multiples of price/200,000 (0.05 bp), at least one step
_QUOTE_PER_LEVEL = {"BTC": 20_000, "ETH": 15_000}  # a mean, growing with the distance
_QUOTE_PER_LEVEL_ELSE = 3_000


class Level(NamedTuple):
    """A price of the book and the base amount that stands there."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class Depth:
    """The book at `at_ms`, best levels first."""

    at_ms: int
    asks: list[Level]
    bids: list[Level]


def depth_at(rules: PairRules, last: int, at_ms: int, levels: int = MAX_LEVELS) -> Depth:
    """Return at most `levels` a side around the last price (in price units).

    The same for the same arguments; fewer levels are the beginning of more.
    """
    chance = random.Random(f"{rules.id}/{at_ms // _STANDS_MS}")  # noqa: S311 - a made-up market
    step = max(1, last // _STEPS_PER_PRICE)
    spread = step * chance.randint(1, 4)
    below = chance.choice((0, spread, chance.randint(0, spread)))  # the last price lies within
    asks = _side(rules, last - below + spread, step, chance.random())
    bids = _side(rules, last - below, -step, chance.random())
    shown = min(levels, MAX_LEVELS)
    return Depth(at_ms, list(islice(asks, shown)), list(islice(bids, shown)))


def _side(rules: PairRules, best: int, step: int, seed: float) -> Iterator[Level]:
    """Yield levels from the best outwards, while prices are above zero."""
    chance = random.Random(seed)  # noqa: S311 - a made-up market, not a secret
    mean_quote = _QUOTE_PER_LEVEL.get(rules.base, _QUOTE_PER_LEVEL_ELSE)
    units_per_quote = 10 ** (rules.price_decimals + rules.amount_decimals)
    price = best
    for number in count():
        if price <= 0:
            return
        quote = mean_quote * (0.1 + chance.expovariate(1)) * (1 + number / 10)
        size = max(1, int(quote * units_per_quote / price))
        yield Level(
            decimal_of(price, rules.price_decimals), decimal_of(size, rules.amount_decimals)
        )
        price += step * chance.randint(1, 3 + number // 5)
