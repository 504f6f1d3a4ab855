"""What a backtest writes down: fills, trades, decisions and the equity curve."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import Purpose, Side

# Decimal where the market has an exchange's steps, float where it has none; never both in one run.
type Amount = Any


class Fill(NamedTuple):
    """One order as it filled. `price` has spread and slippage in it.

    `base` is what the position moved by and `quote` what the balance moved by, both positive and
    after the fee; `fee_quote` is what that fee was worth. `slot_ms` is what the order is named
    after: the close of the bar that signalled, or the moment of the stop. `closes` says that it
    left nothing, or only dust.
    """

    at_ms: int
    symbol: Symbol
    side: Side
    purpose: Purpose
    price: Amount
    base: Amount
    quote: Amount
    fee_quote: Amount
    slot_ms: int
    score: float
    reason: str
    closes: bool


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
    """What was decided at `at_ms` for a slot: an order (`objections` empty), or none and why."""

    at_ms: int
    symbol: Symbol
    purpose: Purpose
    slot_ms: int
    score: float
    reason: str
    objections: tuple[str, ...] = ()


class EquityCurve(NamedTuple):
    """Free quote and all holdings at the close of each bar that any of the symbols has."""

    times_ms: Sequence[int]
    quote: Sequence[float]
