"""Controls for operators and tests, from the loopback alone: accounts, faults, switches, state."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.orders import Refused, SpotOrder
from crypto_ai_bot.local.exchange.faults import Fault
from crypto_ai_bot.local.exchange.forms import wish_of
from crypto_ai_bot.local.exchange.hall import Hall, NewKey
from crypto_ai_bot.local.exchange.line import CONTROL, Line
from crypto_ai_bot.local.exchange.numbers import plain
from crypto_ai_bot.local.exchange.order_routes import listed, refusal
from crypto_ai_bot.local.exchange.pairs import PairRules
from crypto_ai_bot.local.exchange.rows import (
    Row,
    holding_row,
    order_row,
    price_order_row,
    trade_row,
)
from crypto_ai_bot.local.exchange.server_conditions import ServerConditions
from crypto_ai_bot.local.exchange.wire import Answer, Call, RefusedError, Route


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade of someone else with a resting order."""

    id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Deed:
    """What the owner of an account does by hand, past the API: one or several of these."""

    key: str
    order: dict[str, Any] | None = None
    cancel: str = ""
    fill: Fill | None = None
    deposit: Mapping[str, Decimal] | None = None
    withdraw: Mapping[str, Decimal] | None = None


_NEW_KEY: Final = TypeAdapter(NewKey)
_FAULTS: Final = TypeAdapter(list[Fault])
_DEED: Final = TypeAdapter(Deed)
_CONDITIONS: Final = TypeAdapter(Conditions)
_SERVER: Final = TypeAdapter(ServerConditions)
_RULES: Final = TypeAdapter(PairRules)


def operator_routes(hall: Hall, line: Line) -> tuple[Route, ...]:
    """Return the table of controls, base path /_market."""
    table: tuple[tuple[str, str, Callable[[Call], Answer]], ...] = (
        ("POST", "/accounts", partial(_make_key, hall)),
        ("POST", "/orders", partial(_do, hall)),
        ("GET", "/state", partial(_state, hall)),
        ("POST", "/pairs", partial(_revise_pair, hall)),
        ("GET", "/conditions", partial(_show_conditions, hall)),
        ("POST", "/conditions", partial(_change_conditions, hall)),
        ("GET", "/faults", partial(_show_faults, line)),
        ("POST", "/faults", partial(_add_faults, line)),
        ("DELETE", "/faults", partial(_clear_faults, line)),
        ("GET", "/requests", partial(_show_requests, line)),
        ("DELETE", "/requests", partial(_clear_requests, line)),
    )
    return tuple(
        Route(method, f"{CONTROL}{path}", partial(_from_loopback, effect))
        for method, path, effect in table
    )


def faults_of(text: str | bytes) -> list[Fault]:
    """Read fault rules, a JSON list. ValueError with one line for what is none."""
    return _rules_of(json.loads(text, parse_float=Decimal))


def _from_loopback(effect: Callable[[Call], Answer], call: Call) -> Answer:
    if not ip_address(call.request.peer).is_loopback:
        message = "the market's controls are for the loopback alone"
        raise RefusedError("FORBIDDEN", message, HTTPStatus.FORBIDDEN)
    try:
        return effect(call)
    except ValueError as error:
        raise RefusedError("INVALID_REQUEST_BODY", str(error)) from None


def _validated[T](adapter: TypeAdapter[T], value: object) -> T:
    """Return a value as its type. ValueError with one line, without the value: it may be secret."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise ValueError(f"{where}: {first['msg']}") from None


def _changed(call: Call) -> dict[str, object]:
    body = call.request.json()
    if not isinstance(body, dict):
        raise ValueError("a JSON object is needed")  # noqa: TRY004 - the request is bad
    return body


def _make_key(hall: Hall, call: Call) -> Answer:
    new = _validated(_NEW_KEY, _known(_changed(call), NewKey))
    try:
        key = hall.make_key(new)
    except KeyError:
        raise ValueError(f"of_key: no key {new.of_key}") from None
    return Answer({"key": key.key, "user_id": key.account.user_id}, HTTPStatus.CREATED)


def _account(hall: Hall, key: str) -> Account:
    if (known := hall.keyring.keys.get(key)) is None:
        raise ValueError(f"key: none is called {key}")
    return known.account


def _do(hall: Hall, call: Call) -> Answer:
    deed = _validated(_DEED, _known(_changed(call), Deed))
    account = _account(hall, deed.key)
    told: Row = {}
    for sign, moved in ((1, deed.deposit), (-1, deed.withdraw)):
        for currency, amount in (moved or {}).items():
            if amount <= 0 or not hall.engine.transfer(
                account, currency, sign * amount, call.at_ms
            ):
                raise ValueError(f"{currency}: {plain(amount)} cannot be moved")
    if deed.order is not None:
        told["order"] = _placed(hall, account, deed.order, call.at_ms)
    if deed.cancel:
        order = _order(account, deed.cancel)
        if (refused := hall.engine.cancel(account, order, call.at_ms)) is not None:
            raise refusal(refused)
        told["cancel"] = order_row(order)
    if deed.fill is not None:
        order = _order(account, deed.fill.id)
        if not hall.engine.fill_resting(account, order, deed.fill.amount, call.at_ms):
            raise ValueError(f"fill: {plain(deed.fill.amount)} cannot be filled")
        told["fill"] = order_row(order)
    return Answer(told)


def _placed(hall: Hall, account: Account, form: Mapping[str, object], at_ms: int) -> Row:
    """Place an order as someone does on the website: `text` is `web` unless it is given."""
    wish = wish_of(form, partial(listed, hall), account)
    by_hand = replace(wish, source="web", text=wish.text if form.get("text") else "web")
    placed = hall.engine.place(account, by_hand, at_ms)
    if isinstance(placed, Refused):
        raise refusal(placed)
    return order_row(placed)


def _order(account: Account, identity: str) -> SpotOrder:
    if not identity.isdecimal() or (order := account.orders.get(int(identity))) is None:
        raise ValueError(f"no order {identity}")
    return order


def _state(hall: Hall, call: Call) -> Answer:
    hall.engine.advance(call.at_ms)
    wanted = call.query.get("key", "")
    users = {k.account.user_id: (k.account, k) for k in reversed(hall.keyring.keys.values())}
    shown = [
        {"key": key.key, **_account_state(account)}
        for account, key in reversed(users.values())
        if not wanted or account is _account(hall, wanted)
    ]
    return Answer({"time_ms": call.at_ms, "accounts": shown})


def _account_state(account: Account) -> Row:
    return {
        "user_id": account.user_id,
        "balances": {
            name: holding_row(name, account.holding(name)) for name in account.currencies()
        },
        "orders": [order_row(order) for order in account.orders.values()],
        "trades": [trade_row(trade) for trade in account.trades],
        "price_orders": [
            price_order_row(order, account.user_id) for order in account.price_orders.values()
        ],
        "countdowns": dict(account.countdowns),
    }


def _revise_pair(hall: Hall, call: Call) -> Answer:
    changes = _changed(call)
    pair_id = str(changes.pop("currency_pair", ""))
    if not listed(hall, pair_id):
        raise ValueError(f"currency_pair: {pair_id!r} is not listed")
    hall.engine.advance(call.at_ms)
    fixed = {"id": pair_id, "base": "", "quote": ""}.keys()
    if refused := changes.keys() & fixed:
        raise ValueError(f"{min(refused)}: cannot be changed")
    rules = hall.market.listings[pair_id].rules
    revised = _validated(_RULES, asdict(rules) | _known(changes, PairRules))
    hall.market.revise(pair_id, **{name: getattr(revised, name) for name in changes})
    return Answer({"currency_pair": pair_id, **changes})


def _show_conditions(hall: Hall, _: Call) -> Answer:
    told = asdict(hall.conditions) | asdict(hall.server)
    return Answer({k: plain(v) if isinstance(v, Decimal) else v for k, v in told.items()})


def _change_conditions(hall: Hall, call: Call) -> Answer:
    hall.engine.advance(call.at_ms)
    changes = _known(_changed(call), Conditions, ServerConditions)
    engine = {f.name for f in fields(Conditions)}
    ours = {name: value for name, value in changes.items() if name in engine}
    theirs = {name: value for name, value in changes.items() if name not in engine}
    conditions = _validated(_CONDITIONS, asdict(hall.conditions) | ours)
    hall.server = _validated(_SERVER, asdict(hall.server) | theirs)
    hall.conditions = conditions
    return _show_conditions(hall, call)


def _known(given: dict[str, object], *kinds: type) -> dict[str, object]:
    """Return what was given, having seen that every name in it is one of theirs."""
    names = {f.name for kind in kinds for f in fields(kind)}
    if unknown := given.keys() - names:
        raise ValueError(f"{min(unknown)}: unknown; allowed are {', '.join(sorted(names))}")
    return given


def _show_faults(line: Line, _: Call) -> Answer:
    return Answer(
        [{**asdict(r.fault), "met": r.met, "struck": r.struck} for r in line.faults.rules]
    )


def _add_faults(line: Line, call: Call) -> Answer:
    line.faults.add(*_rules_of(call.request.json()))
    return _show_faults(line, call)


def _rules_of(body: object) -> list[Fault]:
    rules = body.get("rules") if isinstance(body, dict) else body
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ValueError("a list of rules is needed, or {rules: [...]}")
    return _validated(_FAULTS, [_known(rule, Fault) for rule in rules])


def _clear_faults(line: Line, _: Call) -> Answer:
    line.faults.clear()
    return Answer([])


def _show_requests(line: Line, call: Call) -> Answer:
    method, path = call.query.get("method", ""), call.query.get("path", "")
    try:
        pattern = re.compile(path)
    except re.error as error:
        raise ValueError(f"path: {error}") from None
    return Answer(
        [
            asdict(entry)
            for entry in line.log.entries
            if method in {"", entry.method} and pattern.search(entry.path)
        ]
    )


def _clear_requests(line: Line, _: Call) -> Answer:
    line.log.entries.clear()
    return Answer([])
