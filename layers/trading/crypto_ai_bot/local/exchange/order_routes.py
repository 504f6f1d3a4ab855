"""Gate's private endpoints for orders: placing, reading, cancelling, amending (8.5 to 8.7, 8.9)."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import Final

from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.orders import Refused, SpotOrder
from crypto_ai_bot.local.exchange.engine.reading import (
    Span,
    find_order,
    finished_orders,
    open_orders,
)
from crypto_ai_bot.local.exchange.forms import (
    Form,
    decimal,
    form_of,
    forms_of,
    positive,
    wish_of,
    word,
)
from crypto_ai_bot.local.exchange.hall import Hall
from crypto_ai_bot.local.exchange.rows import Row, order_row
from crypto_ai_bot.local.exchange.wire import Answer, Call, RefusedError, Route, invalid_value

type Effect = Callable[[Hall, Call], Answer]

_BATCH_MAX: Final = 10
_CANCEL_BATCH_MAX: Final = 20
_OPEN_LIMIT_MAX: Final = 100
_FINISHED_LIMIT_MAX: Final = 1000
_COUNTDOWN_S_MIN: Final = 5
_ACTION_MODES: Final = frozenset({"ACK", "RESULT", "FULL"})


def order_routes(hall: Hall) -> tuple[Route, ...]:
    """Return the table of order routes, base path /api/v4."""
    table: tuple[tuple[str, str, Effect], ...] = (
        ("POST", "/spot/orders", _place),
        ("POST", "/spot/batch_orders", _place_batch),
        ("GET", "/spot/orders", _list),
        ("GET", "/spot/open_orders", _list_open),
        ("GET", "/spot/orders/{order_id}", _read),
        ("DELETE", "/spot/orders/{order_id}", _cancel),
        ("PATCH", "/spot/orders/{order_id}", _amend),
        ("DELETE", "/spot/orders", _cancel_all),
        ("POST", "/spot/cancel_batch_orders", _cancel_batch),
        ("POST", "/spot/countdown_cancel_all", _count_down),
    )
    return tuple(
        Route(method, f"/api/v4{path}", partial(effect, hall), private=True)
        for method, path, effect in table
    )


def refusal(refused: Refused) -> RefusedError:
    """Return the engine's refusal as the way out of a route."""
    return RefusedError(refused.label, refused.message, refused.status)


def listed(hall: Hall, pair_id: str) -> bool:
    """Tell whether the market lists the pair."""
    return pair_id in hall.market.listings


def optional_pair(hall: Hall, call: Call, name: str = "currency_pair") -> str:
    """Return the pair that the query names, "" for none; a refusal for one that is not listed."""
    pair_id = call.query.get(name, "")
    if pair_id and not listed(hall, pair_id):
        raise RefusedError("INVALID_CURRENCY_PAIR", f"Invalid currency pair {pair_id}")
    return pair_id


def page_of[T](call: Call, rows: Iterable[T], limit: int) -> Iterator[T]:
    """Return the page that the query asks for."""
    page = call.number("page", 1)
    return islice(rows, (page - 1) * limit, page * limit)


def _row(hall: Hall, order: SpotOrder, action_mode: str = "FULL") -> Row:
    return order_row(order, action_mode, engine_2023=hall.conditions.engine_2023)


def _placed(hall: Hall, account: Account, form: Form, call: Call) -> SpotOrder:
    """Place one order; the way out for what is refused."""
    wish = wish_of(form, partial(listed, hall), account)
    placed = hall.engine.place(account, wish, call.at_ms)
    if isinstance(placed, Refused):
        raise refusal(placed)
    return placed


def _place(hall: Hall, call: Call) -> Answer:
    account, form = hall.account(call), form_of(call)
    mode = str(form.get("action_mode", "FULL"))
    if mode not in _ACTION_MODES:
        raise invalid_value("action_mode", mode)
    return Answer(_row(hall, _placed(hall, account, form, call), mode), HTTPStatus.CREATED)


def _place_batch(hall: Hall, call: Call) -> Answer:
    account, forms = hall.account(call), forms_of(call)
    if not 0 < len(forms) <= _BATCH_MAX:
        raise RefusedError("INVALID_PARAM_VALUE", f"1 to {_BATCH_MAX} orders")
    if not all(form.get("text") for form in forms):
        raise RefusedError("INVALID_PARAM_VALUE", "text is required in batch orders")
    return Answer([_one_of_batch(hall, account, form, call) for form in forms])


def _one_of_batch(hall: Hall, account: Account, form: Form, call: Call) -> Row:
    try:
        order = _placed(hall, account, form, call)
    except RefusedError as refused:
        return {"text": form.get("text"), "succeeded": False, **refused.told}
    return {"succeeded": True, "label": "", "message": "", **_row(hall, order)}


def _list(hall: Hall, call: Call) -> Answer:
    account, status = hall.account(call), call.required("status")
    if status == "open":
        pair_id = call.required("currency_pair")
        limit = call.number("limit", _OPEN_LIMIT_MAX, _OPEN_LIMIT_MAX)
        found = iter(open_orders(account, pair_id, hall.conditions, call.at_ms))
    elif status == "finished":
        limit = call.number("limit", _OPEN_LIMIT_MAX, _FINISHED_LIMIT_MAX)
        found = finished_orders(
            account,
            optional_pair(hall, call),
            _side(call),
            Span(call.number("from", 0, least=0), call.number("to", 10**12, least=0)),
            hall.conditions,
            call.at_ms,
        )
    else:
        raise invalid_value("status", status)
    return Answer([_row(hall, order) for order in page_of(call, found, limit)])


def _side(call: Call) -> Side | None:
    side = call.query.get("side", "")
    if side and side not in set(Side):
        raise invalid_value("side", side)
    return Side(side) if side else None


def _list_open(hall: Hall, call: Call) -> Answer:
    account, pair_id = hall.account(call), optional_pair(hall, call)
    limit = call.number("limit", _OPEN_LIMIT_MAX, _OPEN_LIMIT_MAX)
    grouped: dict[str, list[SpotOrder]] = {}
    for order in open_orders(account, pair_id, hall.conditions, call.at_ms):
        grouped.setdefault(order.wish.pair_id, []).append(order)
    return Answer(
        [
            {
                "currency_pair": name,
                "total": len(orders),
                "orders": [_row(hall, order) for order in page_of(call, orders, limit)],
            }
            for name, orders in grouped.items()
        ]
    )


def _found(hall: Hall, account: Account, identity: str, pair_id: str, call: Call) -> SpotOrder:
    found = find_order(account, identity, pair_id, hall.conditions, call.at_ms)
    if isinstance(found, Refused):
        raise refusal(found)
    return found


def _named(hall: Hall, call: Call) -> tuple[Account, SpotOrder]:
    """Return the account and its order that the path names."""
    account, pair_id = hall.account(call), call.query.get("currency_pair", "")
    return account, _found(hall, account, call.parts["order_id"], pair_id, call)


def _read(hall: Hall, call: Call) -> Answer:
    call.required("currency_pair")
    return Answer(_row(hall, _named(hall, call)[1]))


def _cancel(hall: Hall, call: Call) -> Answer:
    call.required("currency_pair")
    account, order = _named(hall, call)
    if (refused := hall.engine.cancel(account, order, call.at_ms)) is not None:
        raise refusal(refused)
    return Answer(_row(hall, order))


def _amend(hall: Hall, call: Call) -> Answer:
    account, order = _named(hall, call)
    form = form_of(call)
    if not {"amount", "price"} & form.keys():
        raise RefusedError("MISSING_REQUIRED_PARAM", "Missing required param: amount or price")
    refused = hall.engine.amend(
        account,
        order,
        positive(form, "amount") if "amount" in form else None,
        positive(form, "price") if "price" in form else None,
        str(form.get("amend_text") or "-"),
        call.at_ms,
    )
    if refused is not None:
        raise refusal(refused)
    return Answer(_row(hall, order))


def _cancel_all(hall: Hall, call: Call) -> Answer:
    account, pair_id = hall.account(call), optional_pair(hall, call)
    told = {"succeeded": True, "label": "", "message": ""}
    cancelled = hall.engine.cancel_all(account, pair_id, call.at_ms)
    return Answer([{**_row(hall, order), **told} for order in cancelled])


def _cancel_batch(hall: Hall, call: Call) -> Answer:
    account, forms = hall.account(call), forms_of(call)
    if not 0 < len(forms) <= _CANCEL_BATCH_MAX:
        raise RefusedError("INVALID_PARAM_VALUE", f"1 to {_CANCEL_BATCH_MAX} orders")
    return Answer([_one_cancelled(hall, account, form, call) for form in forms])


def _one_cancelled(hall: Hall, account: Account, form: Form, call: Call) -> Row:
    identity, pair_id = word(form, "id"), word(form, "currency_pair")
    row: Row = {"currency_pair": pair_id, "id": identity, "text": ""}
    try:
        order = _found(hall, account, identity, pair_id, call)
        if (refused := hall.engine.cancel(account, order, call.at_ms)) is not None:
            raise refusal(refused)
    except RefusedError as error:
        return {**row, "succeeded": False, **error.told}
    row |= {"id": str(order.id), "text": order.wish.text}
    return {**row, "succeeded": True, "label": "", "message": ""}


def _count_down(hall: Hall, call: Call) -> Answer:
    account, form = hall.account(call), form_of(call)
    seconds = decimal(form, "timeout")
    if seconds % 1 or not (seconds == 0 or seconds >= _COUNTDOWN_S_MIN):
        raise invalid_value("timeout", str(form["timeout"]))
    pair_id = str(form.get("currency_pair") or "")
    if pair_id and not listed(hall, pair_id):
        raise RefusedError("INVALID_CURRENCY_PAIR", f"Invalid currency pair {pair_id}")
    moment_ms = hall.engine.count_down(account, pair_id, int(seconds), call.at_ms)
    return Answer({"triggerTime": str(moment_ms)})
