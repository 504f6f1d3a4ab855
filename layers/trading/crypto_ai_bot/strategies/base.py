"""What a strategy is: a fold over closed candles."""

from collections.abc import Iterable
from typing import Protocol

from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import Signal


class Strategy(Protocol):
    """A small object with O(1) state: the same lines decide live and in a backtest.

    Live folds it over the last `warm_up_bars` closed candles, the backtest over all of them; the
    state after `warm_up_bars` must not depend on what came before (a test proves it).
    """

    @property
    def warm_up_bars(self) -> int:
        """How many bars it must have seen before its signal means anything."""
        ...

    def on_bar(self, candle: Candle) -> None:
        """Takes in the next closed bar."""
        ...

    def signal(self, *, holding: bool) -> Signal:
        """The opinion on the bars seen so far; reads state, changes none."""
        ...


def fold(strategy: Strategy, candles: Iterable[Candle], *, holding: bool) -> Signal:
    """The signal of a fresh `strategy` after all of `candles`, oldest first."""
    for candle in candles:
        strategy.on_bar(candle)
    return strategy.signal(holding=holding)
