"""What clients fill in, read into the engine's words; refusals in Gate's order (gate-spot 8.5)."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.orders import (
    OrderType,
    Rule,
    TimeInForce,
    Trigger,
    Wish,
)
from crypto_ai_bot.local.exchange.wire import Call, RefusedError, invalid_value

type Form = Mapping[str, object]

_TEXT: Final = re.compile(r"t-[0-9A-Za-z_.\-]{0,28}")
_AT_MARKET: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_INTEGER_DIGITS_MAX: Final = 12
_DECIMALS_MAX: Final = 20


def form_of(call: Call) -> Form:
    """Return the request's body; a refusal for what is no JSON object."""
    body = call.request.json()
    if not isinstance(body, dict):
        raise RefusedError("INVALID_REQUEST_BODY", "Invalid request body")
    return body


def forms_of(call: Call) -> list[Form]:
    """Return the request's body; a refusal for what is no JSON list of objects."""
    body = call.request.json()
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise RefusedError("INVALID_REQUEST_BODY", "Invalid request body")
    return body


def wish_of(form: Form, listed: Callable[[str], bool], account: Account) -> Wish:
    """Read an order; a refusal for the first thing that Gate would object to."""
    pair_id = word(form, "currency_pair")
    if not listed(pair_id):
        raise RefusedError("INVALID_CURRENCY_PAIR", f"Invalid currency pair {pair_id}")
    text = text_of(form)
    side = _one_of(Side, form, "side")
    kind = _one_of(OrderType, form, "type", OrderType.LIMIT)
    default = TimeInForce.GTC if kind is OrderType.LIMIT else TimeInForce.IOC
    in_force = _one_of(TimeInForce, form, "time_in_force", default)
    if kind is OrderType.MARKET and in_force not in _AT_MARKET:
        raise invalid_value("time_in_force", in_force.value)
    amount = positive(form, "amount")
    price = positive(form, "price") if kind is OrderType.LIMIT else ZERO
    if form.get("stp_act") not in {None, "", "-"}:
        raise invalid_value("stp_act", str(form["stp_act"]))
    slippage = positive(form, "slippage") if form.get("slippage") else None
    return Wish(
        pair_id=pair_id,
        side=side,
        type=kind,
        amount=amount,
        price=price,
        time_in_force=in_force,
        text=text,
        account=_account_of(form, account),
        slippage=slippage,
        iceberg=decimal(form, "iceberg") if form.get("iceberg") else ZERO,
    )


def put_of(form: Form, pair_id: str, *, market_allowed: bool) -> Wish:
    """Read the order that a price order is to place."""
    put = _part(form, "put")
    kind = _argument(OrderType, put, "put.type", OrderType.LIMIT)
    if kind is OrderType.MARKET and not market_allowed:
        raise _invalid_argument("put.type")
    if put.get("price") is None:
        raise _invalid_argument("put.price")
    account = str(put.get("account", "normal"))
    if account not in {"normal", "margin", "unified"}:
        raise _invalid_argument("put.account")
    default = TimeInForce.IOC if kind is OrderType.MARKET else TimeInForce.GTC
    in_force = _argument(TimeInForce, put, "put.time_in_force", default)
    if in_force not in {TimeInForce.GTC, TimeInForce.IOC}:
        raise _invalid_argument("put.time_in_force")
    price = decimal(put, "price") if kind is OrderType.MARKET else positive(put, "price")
    return Wish(
        pair_id=pair_id,
        side=_argument(Side, put, "put.side"),
        type=kind,
        amount=positive(put, "amount"),
        price=ZERO if kind is OrderType.MARKET else price,
        time_in_force=in_force if kind is OrderType.LIMIT else TimeInForce.IOC,
        account="spot" if account == "normal" else account,
    )


def trigger_of(form: Form) -> Trigger:
    """Read when a price order fires; fields that Gate does not know are passed over."""
    trigger = _part(form, "trigger")
    expiration = trigger.get("expiration")
    if type(expiration) is not int:
        raise _invalid_argument("trigger.expiration invalid range")
    price = positive(trigger, "price")
    return Trigger(price, _argument(Rule, trigger, "trigger.rule"), expiration)


def text_of(form: Form) -> str:
    """Return the client's own name for an order; `apiv4` for none."""
    text = form.get("text")
    if text is None or text == "":
        return "apiv4"
    if not isinstance(text, str) or not _TEXT.fullmatch(text):
        raise invalid_value("text", str(text))
    return text


def word(form: Form, name: str) -> str:
    """Return a text that must be there."""
    value = form.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedError("MISSING_REQUIRED_PARAM", f"Missing required param: {name}")
    return value


def decimal(form: Form, name: str) -> Decimal:
    """Return a plain decimal number of at most twelve and twenty digits."""
    value = form.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise invalid_value(name, str(value))
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise invalid_value(name, str(value)) from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_DECIMALS_MAX:
        raise invalid_value(name, str(value))
    if number and number.adjusted() >= _INTEGER_DIGITS_MAX:
        raise invalid_value(name, str(value))
    return number


def positive(form: Form, name: str) -> Decimal:
    """Return a decimal number above zero."""
    if (number := decimal(form, name)) <= 0:
        raise invalid_value(name, str(form[name]))
    return number


def _account_of(form: Form, account: Account) -> str:
    """Return the account that the order is placed in; a unified user's default is that."""
    default = "unified" if account.unified else "spot"
    named = form.get("account", default)
    if named == "spot" or (named == "unified" and account.unified):
        return default if account.unified else "spot"
    if named == "margin":
        raise RefusedError("MARGIN_NOT_SUPPORTED", "margin is not supported here")
    raise invalid_value("account", str(named))


def _one_of[T: (Side, OrderType, TimeInForce)](
    choices: type[T], form: Form, name: str, default: T | None = None
) -> T:
    value = form.get(name, default)
    if value is None:
        raise RefusedError("MISSING_REQUIRED_PARAM", f"Missing required param: {name}")
    try:
        return choices(str(value))
    except ValueError:
        raise invalid_value(name, str(value)) from None


def _argument[T: (Side, OrderType, TimeInForce, Rule)](
    choices: type[T], form: Form, name: str, default: T | None = None
) -> T:
    try:
        return choices(str(form.get(name.partition(".")[2], default)))
    except ValueError:
        raise _invalid_argument(name) from None


def _part(form: Form, name: str) -> Form:
    part = form.get(name)
    if not isinstance(part, dict):
        raise _invalid_argument(name)
    return part


def _invalid_argument(what: str) -> RefusedError:
    return RefusedError("INVALID_PARAM_VALUE", f"invalid argument: {what}")
