"""An account: what it holds, and every change of it."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.local.exchange.engine.fees import FeePlan
from crypto_ai_bot.local.exchange.engine.orders import PriceOrder, SpotOrder, Trade

_SNAPSHOTS_KEPT = 256


class Holding(NamedTuple):
    """What an account holds of one currency, from `at_ms` on; `update_id` counts the changes."""

    at_ms: int
    available: Decimal
    locked: Decimal
    update_id: int


class BookEntry(NamedTuple):
    """A line of the account book: `balance` is what is held after `change`, locked included."""

    id: int
    at_ms: int
    currency: str
    change: Decimal
    balance: Decimal
    type: str
    text: str


_NOTHING = Holding(0, ZERO, ZERO, 0)


@dataclass(slots=True)
class Account:
    """One user's spot account. `open` and `open_price_orders` are those that can still act.

    Money moves through `move` alone, which never lets an amount go below zero.
    """

    user_id: int
    fees: FeePlan = field(default_factory=FeePlan)
    unified: bool = False
    orders: dict[int, SpotOrder] = field(default_factory=dict)
    open: dict[int, SpotOrder] = field(default_factory=dict)
    finished: list[SpotOrder] = field(default_factory=list)  # by the time of their end
    trades: list[Trade] = field(default_factory=list)
    price_orders: dict[int, PriceOrder] = field(default_factory=dict)
    open_price_orders: dict[int, PriceOrder] = field(default_factory=dict)
    countdowns: dict[str, int] = field(default_factory=dict)  # pair, or "" for all → moment
    book: list[BookEntry] = field(default_factory=list)
    texts: dict[str, SpotOrder] = field(default_factory=dict)  # the newest order of each text
    _holdings: dict[str, deque[Holding]] = field(default_factory=dict)

    def currencies(self) -> Iterable[str]:
        """Return every currency that was ever held."""
        return self._holdings.keys()

    def holding(self, currency: str, at_ms: int | None = None) -> Holding:
        """Return what is held now, or was at `at_ms` as far back as is remembered."""
        known = self._holdings.get(currency)
        if not known:
            return _NOTHING
        if at_ms is None:
            return known[-1]
        return next((x for x in reversed(known) if x.at_ms <= at_ms), _NOTHING)

    def available(self, currency: str) -> Decimal:
        """Return what can be spent now."""
        return self.holding(currency).available

    def move(
        self,
        currency: str,
        available: Decimal,
        locked: Decimal,
        at_ms: int,
        why: str,
        text: str = "",
    ) -> None:
        """Change both amounts of a currency; what changes their sum goes into the account book.

        Raises ValueError, nothing changed, where an amount would fall below zero.
        """
        before = self.holding(currency)
        after = Holding(
            at_ms, before.available + available, before.locked + locked, before.update_id + 1
        )
        if after.available < 0 or after.locked < 0:
            raise ValueError(f"{why}: {currency} of user {self.user_id} would be {after}")
        if currency not in self._holdings:
            self._holdings[currency] = deque(maxlen=_SNAPSHOTS_KEPT)
        self._holdings[currency].append(after)
        if change := available + locked:
            held = after.available + after.locked
            self.book.append(
                BookEntry(len(self.book) + 1, at_ms, currency, change, held, why, text)
            )

    def finish(self, order: SpotOrder) -> None:
        """File an order that has ended."""
        self.open.pop(order.id, None)
        self.finished.append(order)
