"""Closed candles as a strategy sees them: one after the other, once."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import length_hint
from typing import Self

from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.market import Candle


class Candles:
    """Columns of one length, oldest bar first, of which one stream may be taken.

    It knows how many bars were taken from it, and hands out again only those.
    """

    __slots__ = ("_closes", "_highs", "_lows", "_opened_ms", "_opens", "_stream", "_volumes")

    def __init__(
        self,
        opened_ms: Sequence[int],
        opens: list[float],
        highs: list[float],
        lows: list[float],
        closes: list[float],
        volumes: Sequence[float],
    ) -> None:
        self._opened_ms, self._volumes = opened_ms, volumes
        self._opens, self._highs, self._lows, self._closes = opens, highs, lows, closes
        self._stream: Iterable[float] = closes

    @classmethod
    def of(cls, rows: Sequence[Candle]) -> Self:
        """Of candles as an exchange gives them."""
        if not rows:
            return cls([], [], [], [], [], [])
        opened_ms, opens, highs, lows, closes, volumes = map(list, zip(*rows, strict=True))
        return cls(opened_ms, opens, highs, lows, closes, volumes)

    def __iter__(self) -> Iterator[tuple[int, float, float, float, float, float]]:
        """`opened_ms, open, high, low, close, volume` of each bar."""
        stream = self.closes()
        columns = (self._opened_ms, self._opens, self._highs, self._lows, stream, self._volumes)
        return zip(*columns, strict=False)

    def highs_lows_closes(self) -> Iterator[tuple[float, float, float]]:
        """`high, low, close` of each bar."""
        return zip(self._highs, self._lows, self.closes(), strict=False)

    def closes(self) -> Iterator[float]:
        """The close of each bar: the quickest stream, for a strategy that needs no more."""
        if self._stream is not self._closes:
            raise InvariantBroken("candles are taken once: a second stream could read ahead")
        self._stream = stream = iter(self._closes)
        return stream

    @property
    def step_ms(self) -> int:
        """How long a bar lasts: the shortest distance between two of the first thousand; or 1."""
        first = self._opened_ms[:1_000]
        return min((after - before for before, after in pairwise(first)), default=1)

    @property
    def taken(self) -> int:
        """How many bars the stream has given."""
        return len(self._closes) - length_hint(self._stream)

    def taken_since(self, bars: int) -> Iterator[tuple[float, float, float]]:
        """`high, low, close` of the bars taken, but for the first `bars` of them."""
        taken = slice(bars, self.taken)
        return zip(self._highs[taken], self._lows[taken], self._closes[taken], strict=True)

    def again(self) -> "Candles":
        """The same candles with nothing taken, for a strategy that listens to others.

        There it could read ahead: the backtest's look-ahead check keeps it honest, not this class.
        """
        return Candles(
            self._opened_ms, self._opens, self._highs, self._lows, self._closes, self._volumes
        )
