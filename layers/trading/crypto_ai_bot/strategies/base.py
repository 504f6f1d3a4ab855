"""What a strategy is: its parameters, and the opinions it has while candles pass by."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import HOLD, Action, Signal
from crypto_ai_bot.strategies.candles import Candles


class Strategy(Protocol):
    """Decides live and in a backtest with the same lines, and never learns which it is.

    Live shows it the last `warm_up_bars` closed candles, the backtest all of them; what it says
    after `warm_up_bars` must not depend on what came before (a test proves it).
    """

    @property
    def warm_up_bars(self) -> int:
        """How many bars it must have seen before its opinion means anything."""
        ...

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Takes the candles one by one, and yields a signal right after the one it is about.

        ENTER is meant for a flat account, EXIT for one that holds; no word on a bar is to hold.
        A generator keeps its state in local variables, so each call begins with a blank mind.
        """
        ...


def turns(strategy: Strategy, candles: Candles) -> Iterator[tuple[int, Signal]]:
    """Each opinion with the number of its bar, from 0.

    Its bar is the last one that was taken: a strategy that reads on before it speaks is late.
    """
    for signal in strategy.opinions(candles):
        yield candles.taken - 1, signal


def fold(strategy: Strategy, candles: Iterable[Candle], *, holding: bool) -> Signal:
    """What `strategy` says of the last of `candles`, oldest first, to somebody who is `holding`.

    Of several words on one bar the first that fits counts.
    """
    rows = list(candles)
    wanted = Action.EXIT if holding else Action.ENTER
    said = HOLD
    for number, signal in turns(strategy, Candles.of(rows)):
        if number == len(rows) - 1:
            if signal.action is wanted:
                return signal
            if signal.action is Action.HOLD and said is HOLD:
                said = signal
    return said
