"""The engine: what can be done to accounts, and what time does to them."""

from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Final

from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.checks import need_of
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.events import earliest
from crypto_ai_bot.local.exchange.engine.fees import FeePlan
from crypto_ai_bot.local.exchange.engine.order_desk import OrderDesk
from crypto_ai_bot.local.exchange.engine.orders import (
    PriceOrder,
    PriceOrderStatus,
    Refused,
    SpotOrder,
    Status,
    Trigger,
    Wish,
)
from crypto_ai_bot.local.exchange.engine.price_orders import trigger_refusal
from crypto_ai_bot.local.exchange.engine.venue import Venue

_FIRST_USER_ID: Final = 10_001
_FIRST_PRICE_ORDER_ID: Final = 1_432_329


class Engine:
    """All accounts of an exchange over one market.

    Every method that takes `at_ms` first lets happen what was due until then; time never goes
    back. Not safe under threads: whoever shares it brings the lock.
    """

    def __init__(self, venue: Venue, conditions: Conditions | None = None) -> None:
        self.venue = venue
        self.conditions = conditions or Conditions()
        self.accounts: list[Account] = []
        self.now_ms = 0
        self._desk = OrderDesk(venue, lambda: self.conditions)
        self._price_order_ids = count(_FIRST_PRICE_ORDER_ID)

    def open_account(self, fees: FeePlan | None = None, *, unified: bool = False) -> Account:
        """Open an account that holds nothing yet."""
        account = Account(_FIRST_USER_ID + len(self.accounts), fees or FeePlan(), unified)
        self.accounts.append(account)
        return account

    def advance(self, at_ms: int) -> None:
        """Let happen, each at its own moment, what is due until `at_ms`."""
        while (event := earliest(self, at_ms)) is not None:
            self.now_ms = max(self.now_ms, event.at_ms)
            event.act()
        self.now_ms = max(self.now_ms, at_ms)

    def transfer(self, account: Account, currency: str, change: Decimal, at_ms: int) -> bool:
        """Deposit (above zero) or withdraw what is available; False where it does not suffice."""
        self.advance(at_ms)
        if account.available(currency) + change < 0:
            return False
        why = "deposit" if change > 0 else "withdraw"
        account.move(currency, change, ZERO, self.now_ms, why)
        return True

    def place(self, account: Account, wish: Wish, at_ms: int) -> SpotOrder | Refused:
        """Place an order: checked, matched, and what is left of it resting or cancelled."""
        self.advance(at_ms)
        return self._desk.place(account, wish, self.now_ms)

    def amend(
        self,
        account: Account,
        order: SpotOrder,
        amount: Decimal | None,
        price: Decimal | None,
        amend_text: str,
        at_ms: int,
    ) -> Refused | None:
        """Change what an open limit order asks for; it may trade at once. None when done."""
        self.advance(at_ms)
        return self._desk.amend(account, order, amount, price, amend_text, self.now_ms)

    def cancel(self, account: Account, order: SpotOrder, at_ms: int) -> Refused | None:
        """Cancel an order that is open; None when done."""
        self.advance(at_ms)
        if not order.is_open:
            cancelled = order.status is Status.CANCELLED
            label = "ORDER_CANCELLED" if cancelled else "ORDER_CLOSED"
            return Refused(label, f"Order {order.status.value}")
        self._desk.cancel(account, order, self.now_ms)
        return None

    def cancel_all(self, account: Account, pair_id: str, at_ms: int) -> list[SpotOrder]:
        """Cancel every open order of the pair, of all pairs for ""; returns them."""
        self.advance(at_ms)
        orders = [o for o in account.open.values() if pair_id in {"", o.wish.pair_id}]
        for order in orders:
            self._desk.cancel(account, order, self.now_ms)
        return orders

    def fill_resting(
        self, account: Account, order: SpotOrder, amount_base: Decimal, at_ms: int
    ) -> bool:
        """Let someone trade with a resting order, at its price; False where that cannot be."""
        self.advance(at_ms)
        step = self._desk.rules(order.wish.pair_id).amount_step
        if not order.is_open or not 0 < amount_base <= order.left or amount_base % step:
            return False
        self._desk.fill(account, order, amount_base, self.now_ms)
        return True

    def place_price_order(
        self, account: Account, put: Wish, trigger: Trigger, at_ms: int
    ) -> PriceOrder | Refused:
        """Place a price-triggered order on a listed pair (gate-spot 8.8)."""
        self.advance(at_ms)
        last = self.venue.last(put.pair_id, self.now_ms)
        known = account.price_orders.values()
        if (refused := trigger_refusal(put, trigger, last, known, self.now_ms)) is not None:
            return refused
        order = PriceOrder(next(self._price_order_ids), trigger, put, self.now_ms)
        if self.conditions.price_order_reserves:
            currency, need = need_of(put, self._desk.rules(put.pair_id))
            if account.available(currency) < need:
                return Refused("BALANCE_NOT_ENOUGH", "Not enough balance")
            account.move(currency, -need, need, self.now_ms, "price_order")
            order.reserved = (currency, need)
        account.price_orders[order.id] = account.open_price_orders[order.id] = order
        return order

    def cancel_price_order(self, account: Account, order: PriceOrder, at_ms: int) -> bool:
        """Cancel a price order; False when it is no longer open."""
        self.advance(at_ms)
        if order.status is not PriceOrderStatus.OPEN or order.due_ms is not None:
            return False
        self.end_price_order(account, order, PriceOrderStatus.CANCELLED)
        return True

    def count_down(self, account: Account, pair_id: str, seconds: int, at_ms: int) -> int:
        """Cancel the pair's orders (all for "") in so many seconds unless told again; 0 never.

        Returns the moment, 0 when it was called off.
        """
        self.advance(at_ms)
        account.countdowns.pop(pair_id, None)
        if not seconds:
            return 0
        account.countdowns[pair_id] = self.now_ms + seconds * 1000
        return account.countdowns[pair_id]

    # What time does, called by its events with `now_ms` at their moment.

    def end_countdown(self, account: Account, pair_id: str) -> None:
        """Cancel what a countdown was for."""
        del account.countdowns[pair_id]
        for order in [o for o in account.open.values() if pair_id in {"", o.wish.pair_id}]:
            self._desk.cancel(account, order, self.now_ms)
        if self.conditions.countdown_cancels_price_orders:
            for waiting in list(account.open_price_orders.values()):
                if pair_id in {"", waiting.put.pair_id}:
                    self.end_price_order(account, waiting, PriceOrderStatus.CANCELLED)

    def fill_whole(self, account: Account, order: SpotOrder) -> None:
        """Fill what is left of a resting order, the price having gone through its own."""
        self._desk.fill(account, order, order.left, self.now_ms)

    def fire(self, account: Account, order: PriceOrder) -> None:
        """Fire a price order: its own order follows, at once or after the delay."""
        order.due_ms = self.now_ms + self.conditions.price_order_delay_ms
        if order.due_ms == self.now_ms:
            self.put_fired(account, order)

    def put_fired(self, account: Account, order: PriceOrder) -> None:
        """Place the order of a price order that fired."""
        self._release(account, order)
        wish = replace(order.put, text=self.conditions.price_order_text)
        placed = self._desk.place(account, wish, self.now_ms)
        if isinstance(placed, Refused):
            order.reason = placed.label
            self.end_price_order(account, order, PriceOrderStatus.FAILED)
        else:
            order.fired_order_id = placed.id
            self.end_price_order(account, order, PriceOrderStatus.FINISH)

    def end_price_order(
        self, account: Account, order: PriceOrder, status: PriceOrderStatus
    ) -> None:
        """End a price order and give back what it kept."""
        self._release(account, order)
        order.status, order.finished_ms = status, self.now_ms
        del account.open_price_orders[order.id]

    def _release(self, account: Account, order: PriceOrder) -> None:
        if order.reserved is not None:
            currency, kept = order.reserved
            account.move(currency, kept, -kept, self.now_ms, "price_order")
            order.reserved = None
