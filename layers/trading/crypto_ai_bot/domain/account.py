"""What all symbols share: the orders of the last hour, the day's result, the quote committed.

One item under one version. The risk gate judges a value of it, and the order's own transaction
proves that the value still stands: so every account-wide limit holds under any race.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import DAY_MS, HOUR_MS, Symbol
from crypto_ai_bot.domain.money import ZERO, total


@dataclass(frozen=True, slots=True)
class Account:
    """Figures over all symbols of one quote coin.

    `order_times_ms` are the journal times of the last hour's orders. `day_ms` is the UTC midnight
    that `realised_quote` and `fills` count from. `committed_quote` holds, per symbol, the cost of
    what is held plus what a pending buy may spend. `free_quote` is the exchange's word as last
    read, moved by the fills since; None before the first reading. `fees_unbooked` are fees that
    orders paid in a coin of neither side (GT, points), until they are booked against its ledger.
    """

    order_times_ms: tuple[int, ...] = ()
    day_ms: int = 0
    realised_quote: Decimal = ZERO
    fills: int = 0
    committed_quote: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    free_quote: Decimal | None = None
    version: int = 0
    fees_unbooked: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])

    def at(self, now_ms: int) -> "Account":
        """The account as it counts at `now_ms`: a new day starts at zero, old orders drop out."""
        today_ms = now_ms - now_ms % DAY_MS
        recent = tuple(t for t in self.order_times_ms if t > now_ms - HOUR_MS)
        if today_ms <= self.day_ms:
            return replace(self, order_times_ms=recent)
        return replace(self, order_times_ms=recent, day_ms=today_ms, realised_quote=ZERO, fills=0)

    @property
    def exposure_quote(self) -> Decimal:
        """Quote committed over all symbols, pending buys counted as bought."""
        return total(self.committed_quote.values())

    def with_order(self, at_ms: int) -> "Account":
        """The account with one more order counted."""
        return replace(self, order_times_ms=(*self.order_times_ms, at_ms))

    def with_commitment(self, symbol: Symbol, ledger: Ledger) -> "Account":
        """The account with `symbol` committed for what its ledger holds and has under way."""
        pending = ledger.pending.worst_cost_quote if ledger.pending else ZERO
        committed = {**self.committed_quote, str(symbol): ledger.position.cost_quote + pending}
        if not committed[str(symbol)]:
            del committed[str(symbol)]
        return replace(self, committed_quote=committed)

    def with_fill(self, realised_quote: Decimal, moved_quote: Decimal) -> "Account":
        """The account after one fill: its result, and the quote it brought (or took, negative)."""
        return replace(
            self,
            realised_quote=self.realised_quote + realised_quote,
            fills=self.fills + 1,
            free_quote=None if self.free_quote is None else self.free_quote + moved_quote,
        )

    def with_fees(self, fees: Mapping[str, Decimal]) -> "Account":
        """The account after a fill whose fees were paid in coins of neither side."""
        if not fees:
            return self
        known = self.fees_unbooked
        paid = {coin: known.get(coin, ZERO) + amount for coin, amount in fees.items()}
        return replace(self, fees_unbooked={**known, **paid})

    def without_fees(self, coin: str) -> "Account":
        """The account with the fees in `coin` booked, or in a balance that was just read."""
        left = {name: amount for name, amount in self.fees_unbooked.items() if name != coin}
        return self if coin not in self.fees_unbooked else replace(self, fees_unbooked=left)
