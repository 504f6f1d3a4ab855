"""Prices as exchanges give them, read strictly: a value that makes sense or a ValueError.

Every exchange's feed brings its answers into these few shapes; what they refuse was not an answer.
"""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple

from crypto_ai_bot.domain.market import Candle, Depth, Level, Quote
from crypto_ai_bot.domain.money import to_decimal

# Of the rows asked for, one is usually still open, and one more may open between our reading of
# the clock and the answer.
SPARE_BARS: Final = 2


class BarRow(NamedTuple):
    """One candle as an exchange sent it; `closed` is False when it says that the bar is open."""

    opened_ms: int
    open: Any
    high: Any
    low: Any
    close: Any
    volume_base: Any
    closed: bool = True


def read_amount(value: Any) -> Decimal:
    """A number that is not negative, spelled by text or an integer. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError(f"{value!r} is not an amount")
    amount = to_decimal(value)
    if amount < 0:
        raise ValueError(f"{value!r} is negative")
    return amount


def read_price(value: Any) -> Decimal:
    """A number above zero. Raises ValueError."""
    price = read_amount(value)
    if not price:
        raise ValueError("a price of zero")
    return price


def read_milliseconds(value: Any) -> int:
    """A time as whole milliseconds, by text or number. Raises ValueError."""
    milliseconds = int(read_amount(value))
    if not milliseconds:
        raise ValueError("a time of zero")
    return milliseconds


def read_quote(bid: Any, ask: Any, last: Any, read_ms: int) -> Quote:
    """Best bid and ask. Raises ValueError when one is missing, zero, or the two are crossed."""
    quote = Quote(read_price(bid), read_price(ask), read_price(last), read_ms)
    if quote.bid > quote.ask:
        raise ValueError(f"crossed prices: bid {bid} above ask {ask}")
    return quote


def read_depth(bids: Iterable[Any], asks: Iterable[Any], read_ms: int) -> Depth:
    """The order book. Raises ValueError unless bids fall, asks rise and the two do not cross."""
    depth = Depth(tuple(map(_level, bids)), tuple(map(_level, asks)), read_ms)
    falling = all(upper.price > lower.price for upper, lower in pairwise(depth.bids))
    rising = all(lower.price < upper.price for lower, upper in pairwise(depth.asks))
    if not (falling and rising):
        raise ValueError("the levels of the depth are out of order")
    if depth.bids and depth.asks and depth.bids[0].price >= depth.asks[0].price:
        raise ValueError("the depth is crossed")
    return depth


def read_candles(
    rows: Iterable[BarRow], timeframe_ms: int, bars: int, now_ms: int
) -> Sequence[Candle]:
    """The last `bars` of the bars that had closed by `now_ms`, oldest first, each once.

    Raises ValueError for a row that is not a candle, or for two that differ about the same bar.
    """
    closed: dict[int, Candle] = {}
    for row in rows:
        candle = _candle(row)
        final = row.closed and row.opened_ms + timeframe_ms <= now_ms
        if final and closed.setdefault(row.opened_ms, candle) != candle:
            raise ValueError(f"two different candles opened at {row.opened_ms}")
    return [closed[opened_ms] for opened_ms in sorted(closed)][-bars:]


def _level(row: Any) -> Level:
    price, size, *_ = row
    return Level(read_price(price), read_amount(size))


def _candle(row: BarRow) -> Candle:
    opened_ms, open_, high, low, close, volume_base, _ = row
    candle = Candle(
        opened_ms, float(open_), float(high), float(low), float(close), float(volume_base)
    )
    _, open_, high, low, close, volume_base = candle
    # Written so that NaN, which is neither above nor below anything, fails each of them.
    framed = low <= open_ <= high and low <= close <= high
    if not (
        opened_ms > 0 and framed and low > 0 and high < math.inf and 0 <= volume_base < math.inf
    ):
        raise ValueError(f"not a candle: {tuple(row[:6])}")
    return candle
