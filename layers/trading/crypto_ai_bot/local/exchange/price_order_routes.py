"""Gate's endpoints for price-triggered orders (gate-spot 1.10 and 8.8)."""

from functools import partial
from http import HTTPStatus
from typing import Final

from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.orders import PriceOrder, PriceOrderStatus, Refused
from crypto_ai_bot.local.exchange.forms import form_of, put_of, trigger_of, word
from crypto_ai_bot.local.exchange.hall import Hall
from crypto_ai_bot.local.exchange.order_routes import (
    Effect,
    listed,
    optional_pair,
    page_of,
    refusal,
)
from crypto_ai_bot.local.exchange.rows import Row, price_order_row
from crypto_ai_bot.local.exchange.wire import Answer, Call, RefusedError, Route, invalid_value

_LIMIT_MAX: Final = 100


def price_order_routes(hall: Hall) -> tuple[Route, ...]:
    """Return the table of price-order routes, base path /api/v4."""
    table: tuple[tuple[str, str, Effect], ...] = (
        ("POST", "/spot/price_orders", _place),
        ("GET", "/spot/price_orders", _list),
        ("DELETE", "/spot/price_orders", _cancel_all),
        ("GET", "/spot/price_orders/{order_id}", _read),
        ("DELETE", "/spot/price_orders/{order_id}", _cancel),
    )
    return tuple(
        Route(method, f"/api/v4{path}", partial(effect, hall), private=True)
        for method, path, effect in table
    )


def _place(hall: Hall, call: Call) -> Answer:
    account, form = hall.account(call), form_of(call)
    pair_id = word(form, "market")
    if not listed(hall, pair_id):
        raise RefusedError("INVALID_CURRENCY_PAIR", f"Invalid currency pair {pair_id}")
    trigger = trigger_of(form)
    put = put_of(form, pair_id, market_allowed=hall.conditions.price_order_market)
    placed = hall.engine.place_price_order(account, put, trigger, call.at_ms)
    if isinstance(placed, Refused):
        raise refusal(placed)
    return Answer({"id": placed.id}, HTTPStatus.CREATED)


def _list(hall: Hall, call: Call) -> Answer:
    account, pair_id = hall.account(call), optional_pair(hall, call, "market")
    status = call.required("status")
    if status not in {"open", "finished"}:
        raise invalid_value("status", status)
    limit = call.number("limit", _LIMIT_MAX, _LIMIT_MAX)
    found = (
        order
        for order in reversed(account.price_orders.values())
        if (order.status is PriceOrderStatus.OPEN) == (status == "open")
        and pair_id in {"", order.put.pair_id}
    )
    return Answer([_row(account, order) for order in page_of(call, found, limit)])


def _read(hall: Hall, call: Call) -> Answer:
    account, order = _named(hall, call)
    return Answer(_row(account, order))


def _cancel(hall: Hall, call: Call) -> Answer:
    account, order = _named(hall, call)
    if not hall.engine.cancel_price_order(account, order, call.at_ms):
        message = f"price order is {order.status.value}, not open"
        raise RefusedError("ORDER_CLOSED", message)
    return Answer(_row(account, order))


def _cancel_all(hall: Hall, call: Call) -> Answer:
    account, pair_id = hall.account(call), optional_pair(hall, call, "market")
    orders = [o for o in account.open_price_orders.values() if pair_id in {"", o.put.pair_id}]
    cancelled = [o for o in orders if hall.engine.cancel_price_order(account, o, call.at_ms)]
    return Answer([_row(account, order) for order in cancelled])


def _named(hall: Hall, call: Call) -> tuple[Account, PriceOrder]:
    """Return the account and its price order that the path names."""
    account, identity = hall.account(call), call.parts["order_id"]
    if not (identity.isascii() and identity.isdigit() and len(identity) < 20):  # noqa: PLR2004
        raise RefusedError("INVALID_PARAM_VALUE", f"Empty order ID, {identity}")
    if (order := account.price_orders.get(int(identity))) is None:
        raise RefusedError("ORDER_NOT_FOUND", "Order not found", HTTPStatus.NOT_FOUND)
    return account, order


def _row(account: Account, order: PriceOrder) -> Row:
    return price_order_row(order, account.user_id)
