"""What a backtest writes down: fills, trades, decisions and the equity curve."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import Purpose, Side
from crypto_ai_bot.domain.signal import Signal

# Decimal where the market has an exchange's steps, float where it has none; never both in one run.
type Amount = Any


# Where a position's stops are first reached: the bar, when in it (0 open, 1 low, 2 high), the price
# (0 for nowhere), whether that was the target of a take-profit step (else it was the stop), and
# peak and stop as they stood then.
type Touch = tuple[int, int, float, bool, float, float]

# Why an order is made: what the strategy said, or where a stop was reached.
type Why = Signal | Touch


def told(why: Why) -> tuple[float, tuple[str, ...]]:
    """Score and reasons, in the words of the live bot."""
    if isinstance(why, Signal):
        return why.score, why.reasons
    _, _, price, _, _, level = why
    return 0.0, (f"price {price:g} reached the stop at {level:g}",)


class Fill(NamedTuple):
    """One order as it filled. `price` has spread and slippage in it.

    `base` is what the position moved by and `quote` what the balance moved by, both positive and
    after the fee; `fee_quote` is what that fee was worth. `closes` says that it
    left nothing, or only dust. An order that the strategy asks for is made at the moment that its
    slot is named after: the close of the bar that signalled.
    """

    at_ms: int
    symbol: Symbol
    side: Side
    purpose: Purpose
    price: Amount
    base: Amount
    quote: Amount
    fee_quote: Amount
    score: float
    reasons: tuple[str, ...]
    closes: bool

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Self:
        """Of the engine's row: the same fields, with a Why for score and reasons."""
        *_, why, closes = row
        return cls._make((*row[:-2], *told(why), closes))


class Trade(NamedTuple):
    """A position from its entry to its last sell; `exited_ms` is None when it is open at the end.

    An open one is valued at the last close, its fee not yet paid. `exit_price` is the average of
    its sells (and of what is left, at that close). Amounts are floats: they are read, not booked.
    """

    symbol: Symbol
    entered_ms: int
    exited_ms: int | None
    entry_price: float
    exit_price: float
    base: float
    cost_quote: float
    proceeds_quote: float
    fees_quote: float
    entry_reason: str
    exit_reason: str
    exit_purpose: Purpose | None

    @property
    def profit_quote(self) -> float:
        """What it brought over what it cost, fees included."""
        return self.proceeds_quote - self.cost_quote

    @property
    def profit_pct(self) -> float:
        """The profit in per cent of what it cost."""
        return 100 * self.profit_quote / self.cost_quote


class Decision(NamedTuple):
    """What was decided at `at_ms`: an order (`objections` empty), or none and why."""

    at_ms: int
    symbol: Symbol
    purpose: Purpose
    score: float
    reasons: tuple[str, ...]
    objections: tuple[str, ...] = ()


class EquityCurve(NamedTuple):
    """Free quote and all holdings at the close of each bar that any of the symbols has."""

    times_ms: Sequence[int]
    quote: Sequence[float]
