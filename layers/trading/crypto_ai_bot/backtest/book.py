"""What all symbols of a backtest share: the balance, the orders made, and what limits look at."""

from collections.abc import Callable, Sequence

from crypto_ai_bot.backtest.fills import Fills
from crypto_ai_bot.backtest.records import Amount, Decision
from crypto_ai_bot.domain.market import DAY_MS, HOUR_MS, Symbol
from crypto_ai_bot.risk.limits import RiskLimits


class Holding:
    """One symbol's base, and its lots as [base, cost], first in, first out."""

    __slots__ = ("base", "cost_quote", "last_entry_ms", "lots", "symbol")

    def __init__(self, symbol: Symbol, nothing: Amount) -> None:
        self.symbol = symbol
        self.base = self.cost_quote = nothing
        self.lots: list[list[Amount]] = []
        self.last_entry_ms = 0

    @property
    def position(self) -> "Holding":
        """Where the risk rules look for `base`."""
        return self

    def take(self, base: Amount, fills: Fills) -> Amount:
        """Takes `base` out of the oldest lots, as the ledger does; returns what that had cost."""
        taken = self.cost_quote - self.cost_quote
        while base and self.lots:
            lot = self.lots[0]
            if lot[0] > base:
                part = fills.share(lot[1], base, lot[0])
                lot[0], lot[1] = lot[0] - base, lot[1] - part
                taken += part
                break
            base -= lot[0]
            taken += lot[1]
            del self.lots[0]
        self.cost_quote -= taken
        return taken


class Book:
    """The account, in the names that the risk rules read.

    Hours, days and costs are only kept when a limit asks for them (`looks_back`).
    """

    def __init__(
        self,
        free_quote: Amount,
        holdings: Sequence[Holding],
        limits: RiskLimits,
        value: Callable[[Holding, int], Amount],
    ) -> None:
        self.free_quote = free_quote
        self.looks_back = bool(
            limits.orders_per_hour_max
            or limits.daily_loss_quote_max
            or limits.exposure_quote_max
            or limits.spread_pct_max
        )
        self.order_times_ms: list[int] = []
        self.realised_quote = free_quote - free_quote
        # Fills as plain tuples, in the order of their fields: records are made when asked for.
        self.rows: list[tuple[object, ...]] = []
        self.refused: list[Decision] = []
        self._holdings, self._value = holdings, value
        self._day_ms = 0

    @property
    def exposure_quote(self) -> Amount:
        """What all that is held has cost."""
        return sum(holding.cost_quote for holding in self._holdings)

    def open_loss_quote(self, now_ms: int) -> Amount:
        """What open positions would lose if sold now, never negative."""
        result = sum(
            self._value(holding, now_ms) - holding.cost_quote
            for holding in self._holdings
            if holding.base
        )
        return max(-result, self.realised_quote - self.realised_quote)

    def at(self, now_ms: int) -> None:
        """A new day starts at zero, old orders drop out."""
        self.order_times_ms = [t for t in self.order_times_ms if t > now_ms - HOUR_MS]
        if now_ms >= self._day_ms + DAY_MS:
            self._day_ms = now_ms - now_ms % DAY_MS
            self.realised_quote -= self.realised_quote

    def bought(self, at_ms: int, holding: Holding, base: Amount, quote: Amount) -> None:
        """Keeps what a limit may ask for of a buy."""
        self.order_times_ms.append(at_ms)
        holding.cost_quote += quote
        holding.lots.append([base, quote])

    def sold(self, at_ms: int, holding: Holding, base: Amount, quote: Amount, fills: Fills) -> None:
        """Keeps what a limit may ask for of a sell."""
        self.at(at_ms)
        self.order_times_ms.append(at_ms)
        self.realised_quote += quote - holding.take(base, fills)
