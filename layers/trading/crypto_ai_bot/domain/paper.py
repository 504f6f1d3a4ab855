"""The paper exchange's own books: balances and the orders that it finished.

They stand apart from our ledger on purpose: reconcile compares the two, as it does with Gate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.order import OrderReport, Side


@dataclass(frozen=True, slots=True)
class PaperAccount:
    """Free balances by coin, and the number of orders made (which names the next)."""

    balances: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    orders: int = 0
    version: int = 0

    def free(self, coin: str) -> Decimal:
        """What is free of one coin."""
        return self.balances.get(coin, ZERO)

    def after(self, report: OrderReport) -> "PaperAccount":
        """The balances once the order that `report` tells of has traded."""
        totals, symbol = report.totals, report.symbol
        sign = 1 if report.side is Side.BUY else -1
        balances = {
            **self.balances,
            symbol.base: self.free(symbol.base) + sign * totals.base - totals.fee_base,
            symbol.quote: self.free(symbol.quote) - sign * totals.quote - totals.fee_quote,
        }
        return replace(self, balances=balances, orders=self.orders + 1)


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """A finished order as the paper exchange lists it."""

    report: OrderReport
    created_ms: int
