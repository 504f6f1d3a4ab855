"""What a backtest found: the one value that reports, checks and searches are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crypto_ai_bot.backtest.curves import decisions_of, equity_of, trades_of
from crypto_ai_bot.backtest.market import Finding, Market, Terms
from crypto_ai_bot.backtest.records import Decision, EquityCurve, Fill, Trade


@dataclass(frozen=True)
class Result:
    """A run: what it was run on, its fills as plain rows in the order of time, what was refused.

    Fills, trades, decisions and equity are made from these when first asked for.
    """

    markets: tuple[Market, ...]
    terms: Terms
    rows: Sequence[tuple[Any, ...]]
    refused: Sequence[Decision]

    @cached_property
    def fills(self) -> Sequence[Fill]:
        """Every order that was made, in the order of time."""
        return [Fill.of(row) for row in self.rows]

    @cached_property
    def trades(self) -> Sequence[Trade]:
        """Positions by the time of their entry, one that is open at the end included."""
        return trades_of(self.markets, self.fills)

    @cached_property
    def decisions(self) -> Sequence[Decision]:
        """Orders made and refused, in the order of time."""
        return decisions_of(self.fills, self.refused)

    @cached_property
    def equity(self) -> EquityCurve:
        """Free quote and all holdings at the close of each bar."""
        return equity_of(self.markets, self.fills, self.terms.start_quote)

    @property
    def final_equity(self) -> float:
        """The last point of the equity curve; what one started with when there is no bar."""
        quote = self.equity.quote
        return quote[-1] if quote else float(self.terms.start_quote)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd about the candles of all symbols."""
        return tuple(finding for market in self.markets for finding in market.findings)
