"""What a strategy may see: each candle once, in order, and none before its time."""

from collections.abc import Iterator

import pytest

from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.market import MINUTE_MS
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.base import fold, turns
from crypto_ai_bot.strategies.candles import Candles
from unit.strategies.candles import walk

ROWS = walk(9, seed=1)
RISE = Signal(Action.ENTER, 1.0, ("it will rise",))


class Peeker:
    """Reads one candle further than the one it means to speak of."""

    warm_up_bars = 1

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        before = None
        for close in candles.closes():
            if before is not None and close > before:
                yield RISE
            before = close


class Hoarder:
    """Reads everything before it says a word."""

    warm_up_bars = 1

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        for _ in list(candles):
            yield RISE


def test_a_strategy_that_reads_ahead_speaks_too_late() -> None:
    rises = [n for n in range(1, len(ROWS)) if ROWS[n].close > ROWS[n - 1].close]
    assert [bar for bar, _ in turns(Peeker(), Candles.of(ROWS))] == rises
    assert {bar for bar, _ in turns(Hoarder(), Candles.of(ROWS))} == {len(ROWS) - 1}


def test_candles_are_taken_once() -> None:
    candles = Candles.of(ROWS)
    next(candles.closes())
    for stream in (candles.closes, candles.highs_lows_closes, candles.__iter__):
        with pytest.raises(InvariantBroken, match="taken once"):
            stream()
    assert list(candles.again().closes()) == [row.close for row in ROWS]


def test_only_what_was_taken_is_handed_out_again() -> None:
    candles = Candles.of(ROWS)
    stream = candles.highs_lows_closes()
    assert (candles.taken, list(candles.taken_since(0))) == (0, [])
    for _ in range(4):
        next(stream)
    assert candles.taken == 4
    again = [(row.high, row.low, row.close) for row in ROWS]
    assert list(candles.taken_since(1)) == again[1:4]
    assert [high for high, _, _ in stream] == [row.high for row in ROWS[4:]]
    assert candles.taken == len(ROWS)


def test_whole_candles_come_in_their_order() -> None:
    assert list(Candles.of(ROWS)) == [tuple(row) for row in ROWS]
    assert Candles.of(ROWS).step_ms == MINUTE_MS
    assert Candles.of([ROWS[0], ROWS[3], ROWS[4]]).step_ms == MINUTE_MS
    assert list(Candles.of([])) == []


def test_the_first_word_on_the_last_bar_that_fits_counts() -> None:
    words = [
        Signal(Action.HOLD, 0.0, ("too quiet",)),
        Signal(Action.ENTER, 0.1, ("first",)),
        Signal(Action.EXIT, -0.1, ("out",)),
        Signal(Action.ENTER, 0.9, ("second",)),
    ]

    class Talker:
        warm_up_bars = 1

        def __init__(self, *said: Signal) -> None:
            self.said = said

        def opinions(self, candles: Candles) -> Iterator[Signal]:
            for _ in candles.closes():
                yield from self.said

    assert fold(Talker(*words), ROWS, holding=False) is words[1]
    assert fold(Talker(*words), ROWS, holding=True) is words[2]
    assert fold(Talker(words[0], words[2]), ROWS, holding=False) is words[0]
