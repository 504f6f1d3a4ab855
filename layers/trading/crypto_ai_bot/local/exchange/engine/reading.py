"""What an account is shown of its own orders, trades and holdings, lags included."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.accounts import Account, Holding
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.orders import Refused, SpotOrder, Trade

_WINDOW_MS: Final = 3_600_000  # for which an ended order was once found by its text
NO_ORDER: Final = Refused("ORDER_NOT_FOUND", "Order not found", 404)


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows are wanted: times in whole seconds, both ends included."""

    from_s: int = 0
    to_s: int = 10**12

    def holds(self, at_ms: int) -> bool:
        """Tell whether a moment is in the span."""
        return self.from_s <= at_ms // 1000 <= self.to_s


def find_order(
    account: Account, identity: str, pair_id: str, conditions: Conditions, at_ms: int
) -> SpotOrder | Refused:
    """Find an order by its id, or by its text as long as the conditions let it be found so."""
    if re.fullmatch(r"\d+\.\d*", identity):
        return Refused("INVALID_PARAM_VALUE", f"Empty order ID, {identity}")
    if identity.isascii() and identity.isdigit():
        order = account.orders.get(int(identity)) if len(identity) < 20 else None  # noqa: PLR2004
        return order if order and pair_id in {"", order.wish.pair_id} else NO_ORDER
    order = account.texts.get(identity)
    if order is None or not _found_by_text(order, conditions, at_ms):
        message = f"Order with client ID {identity} not found"
        return Refused("CLIENT_ID_NOT_FOUND", message, 404)
    return order if pair_id in {"", order.wish.pair_id} else NO_ORDER


def _found_by_text(order: SpotOrder, conditions: Conditions, at_ms: int) -> bool:
    if order.is_open or conditions.text_lookup == "always":
        return True
    return conditions.text_lookup == "window" and at_ms - order.updated_ms <= _WINDOW_MS


def finished_orders(
    account: Account,
    pair_id: str,
    side: Side | None,
    span: Span,
    conditions: Conditions,
    at_ms: int,
) -> Iterator[SpotOrder]:
    """Yield ended orders by the time of their end, newest first."""
    seen_ms, vanish_ms = at_ms - conditions.order_list_lag_ms, conditions.zero_fill_vanish_ms
    for order in reversed(account.finished):
        ended_ms = order.updated_ms
        if ended_ms // 1000 < span.from_s:
            return
        gone = vanish_ms is not None and not order.filled_base and ended_ms + vanish_ms <= at_ms
        if gone or ended_ms > seen_ms or not span.holds(ended_ms):
            continue
        if pair_id in {"", order.wish.pair_id} and side in {None, order.wish.side}:
            yield order


def open_orders(
    account: Account, pair_id: str, conditions: Conditions, at_ms: int
) -> list[SpotOrder]:
    """Return open orders, newest first."""
    seen_ms = at_ms - conditions.order_list_lag_ms
    return [
        order
        for order in reversed(account.open.values())
        if order.created_ms <= seen_ms and pair_id in {"", order.wish.pair_id}
    ]


def trades(
    account: Account,
    pair_id: str,
    order_id: str,
    span: Span,
    conditions: Conditions,
    at_ms: int,
) -> Iterator[Trade]:
    """Yield fills, newest first."""
    seen_ms = at_ms - conditions.trade_lag_ms
    for trade in reversed(account.trades):
        if trade.at_ms // 1000 < span.from_s:
            return
        if trade.at_ms > seen_ms or not span.holds(trade.at_ms):
            continue
        if pair_id in {"", trade.pair_id} and order_id in {"", str(trade.order_id)}:
            yield trade


def holdings(account: Account, conditions: Conditions, at_ms: int) -> Iterator[tuple[str, Holding]]:
    """Yield what is held of each currency, as it stood before the lag."""
    seen_ms = at_ms - conditions.balance_lag_ms if conditions.balance_lag_ms else None
    for currency in sorted(account.currencies()):
        yield currency, account.holding(currency, seen_ms)
