"""What a strategy says over a whole market, in one pass: it does not depend on any account."""

from typing import NamedTuple

from crypto_ai_bot.backtest.market import Market
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.base import Strategy
from crypto_ai_bot.strategies.candles import Candles

# A signal, and the number of the bar at whose open it can be acted on: that after its own.
type Opinion = tuple[int, Signal]


class Opinions(NamedTuple):
    """Entries and exits that a strategy asks for, each in the order of bars."""

    entries: list[Opinion]
    exits: list[Opinion]


def listen(strategy: Strategy, market: Market, warm_up_bars: int | None = None) -> Opinions:
    """Everything that `strategy` says once it has seen its warm-up.

    As in live, what it says of a bar that the next one does not follow at once is not heard.
    """
    candles = Candles(
        market.opened_ms,
        market.opens,
        market.highs,
        market.lows,
        market.closes,
        market.volumes,
    )
    first = strategy.warm_up_bars if warm_up_bars is None else warm_up_bars
    last, gaps = market.bars, _bars_after_gaps(market)
    enter, leave = Action.ENTER, Action.EXIT
    entries, exits = list[Opinion](), list[Opinion]()
    for signal in strategy.opinions(candles):
        bar = candles.taken
        if first <= bar < last and not (gaps and bar in gaps):
            if signal.action is enter:
                entries.append((bar, signal))
            elif signal.action is leave:
                exits.append((bar, signal))
    return Opinions(entries, exits)


def _bars_after_gaps(market: Market) -> frozenset[int]:
    opened_ms, step_ms = market.opened_ms, market.timeframe_ms
    if not opened_ms or opened_ms[-1] - opened_ms[0] == (len(opened_ms) - 1) * step_ms:
        return frozenset()
    return frozenset(
        number
        for number in range(1, len(opened_ms))
        if opened_ms[number] - opened_ms[number - 1] != step_ms
    )
