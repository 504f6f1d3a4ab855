"""Gate's endpoints for what an account holds, did and may do (gate-spot 8.6)."""

from functools import partial
from typing import Final

from crypto_ai_bot.domain.money import ZERO, plain
from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.reading import Span, holdings, trades
from crypto_ai_bot.local.exchange.forms import form_of
from crypto_ai_bot.local.exchange.hall import Hall
from crypto_ai_bot.local.exchange.keys import Key
from crypto_ai_bot.local.exchange.order_routes import Effect, optional_pair, page_of
from crypto_ai_bot.local.exchange.rows import Row, book_row, fee_row, holding_row, trade_row
from crypto_ai_bot.local.exchange.wire import Answer, Call, RefusedError, Route, invalid_value

_DAY_S: Final = 86_400
_SPAN_DAYS_DEFAULT: Final = 7
_SPAN_DAYS_MAX: Final = 30
_LIMIT_DEFAULT, _LIMIT_MAX, _ROWS_MAX = 100, 1000, 100_000
_KEY_STATES: Final = {"normal": 1, "locked": 2, "expired": 3}


def account_routes(hall: Hall) -> tuple[Route, ...]:
    """Return the table of account routes, base path /api/v4."""
    table: tuple[tuple[str, str, Effect], ...] = (
        ("GET", "/spot/accounts", _accounts),
        ("GET", "/spot/my_trades", _my_trades),
        ("GET", "/spot/account_book", _account_book),
        ("GET", "/spot/fee", _spot_fee),
        ("GET", "/wallet/fee", _wallet_fee),
        ("GET", "/account/detail", _detail),
        ("GET", "/account/main_keys", _main_keys),
        ("GET", "/account/debit_fee", _debit_fee),
        ("POST", "/account/debit_fee", _set_debit_fee),
        ("GET", "/unified/accounts", _unified),
    )
    return tuple(
        Route(method, f"/api/v4{path}", partial(effect, hall), private=True)
        for method, path, effect in table
    )


def _accounts(hall: Hall, call: Call) -> Answer:
    account, wanted = hall.account(call), call.query.get("currency")
    shown = holdings(account, hall.conditions, call.at_ms)
    return Answer([holding_row(name, held) for name, held in shown if wanted in {None, "", name}])


def _my_trades(hall: Hall, call: Call) -> Answer:
    account, pair_id = hall.account(call), optional_pair(hall, call)
    order_id = call.query.get("order_id", "")
    if order_id and not pair_id:
        raise RefusedError("MISSING_REQUIRED_PARAM", "Missing required param: currency_pair")
    limit = _limit_of(call)
    span = Span() if order_id else _span_of(call)
    found = trades(account, pair_id, order_id, span, hall.conditions, call.at_ms)
    return Answer([trade_row(trade) for trade in page_of(call, found, limit)])


def _account_book(hall: Hall, call: Call) -> Answer:
    account, currency = hall.account(call), call.query.get("currency", "")
    span, limit = _span_of(call), _limit_of(call)
    kind = call.query.get("type", "")
    found = (
        entry
        for entry in reversed(account.book)
        if span.holds(entry.at_ms) and currency in {"", entry.currency} and kind in {"", entry.type}
    )
    return Answer([book_row(entry) for entry in page_of(call, found, limit)])


def _limit_of(call: Call) -> int:
    limit, page = call.number("limit", _LIMIT_DEFAULT, _LIMIT_MAX), call.number("page", 1)
    if limit * (page - 1) > _ROWS_MAX:
        raise invalid_value("page", str(page))
    return limit


def _span_of(call: Call) -> Span:
    """Return the time asked for: by default seven days, from one bound or until now."""
    now_s, default_s = call.server_ms // 1000, _SPAN_DAYS_DEFAULT * _DAY_S
    begins, ends = bool(call.query.get("from")), bool(call.query.get("to"))
    from_s, to_s = call.number("from", 0, least=0), call.number("to", now_s, least=0)
    if not begins:
        from_s = max(0, to_s - default_s)
    elif not ends:
        to_s = from_s + default_s
    if from_s > to_s or to_s - from_s > _SPAN_DAYS_MAX * _DAY_S:
        message = f"Invalid parameter `from` and `to`: at most {_SPAN_DAYS_MAX} days"
        raise RefusedError("INVALID_PARAM_VALUE", message)
    return Span(from_s, to_s)


def _spot_fee(hall: Hall, call: Call) -> Answer:
    account = hall.account(call)
    return Answer(fee_row(account, optional_pair(hall, call) or "BTC_USDT"))


def _wallet_fee(hall: Hall, call: Call) -> Answer:
    account = hall.account(call)
    optional_pair(hall, call)
    futures = {"futures_taker_fee": "0.0005", "futures_maker_fee": "0"}
    return Answer({**fee_row(account), **futures})


def _detail(hall: Hall, call: Call) -> Answer:
    account, key = hall.account(call), hall.keyring.holder(call)
    return Answer(
        {
            "user_id": account.user_id,
            "ip_whitelist": list(key.ip_whitelist),
            "currency_pairs": [],
            "key": {"mode": _mode(account)},
            "tier": 0,
            "tier_expire_time": "0001-01-01T00:00:00Z",
            "copy_trading_role": 0,
        }
    )


def _main_keys(hall: Hall, call: Call) -> Answer:
    """Tell every key of the account, masked, with its permissions (Gate's AccountKeyInfo)."""
    account = hall.account(call)
    return Answer([_key_row(k) for k in hall.keyring.keys.values() if k.account is account])


def _key_row(key: Key) -> Row:
    return {
        "state": _KEY_STATES[key.state],
        "mode": _mode(key.account),
        "name": "embedded",
        "user_id": key.account.user_id,
        "perms": [
            {"name": name, "read_only": permission == "r"}
            for name, permission in key.permissions.items()
            if permission != "none"
        ],
        "ip_whitelist": list(key.ip_whitelist),
        "currency_pairs": [],
        "key": key.masked,
        "created_at": key.created_ms // 1000,
        "update_at": key.created_ms // 1000,
        "last_access": key.created_ms // 1000,
    }


def _mode(account: Account) -> int:
    """Return Gate's number of the account mode: 1 classic, 2 unified."""
    return 2 if account.unified else 1


def _debit_fee(hall: Hall, call: Call) -> Answer:
    return Answer({"enabled": hall.account(call).fees.fees_in == "gt"})


def _set_debit_fee(hall: Hall, call: Call) -> Answer:
    account, enabled = hall.account(call), form_of(call).get("enabled")
    if not isinstance(enabled, bool):
        raise invalid_value("enabled", str(enabled))
    account.fees = account.fees.paid_in("gt" if enabled else "received")
    return Answer({"enabled": enabled})


def _unified(hall: Hall, call: Call) -> Answer:
    account = hall.account(call)
    if not account.unified:
        raise RefusedError("USER_NOT_FOUND", "not a unified account")
    none = {"borrowed": "0", "negative_liab": "0", "total_liab": "0", "spot_in_use": "0"}
    balances = {
        name: {
            "available": plain(held.available),
            "freeze": plain(held.locked),
            "equity": plain(held.available + held.locked),
            **none,
        }
        for name, held in holdings(account, hall.conditions, call.at_ms)
    }
    quote = account.holding("USDT")
    return Answer(
        {
            "user_id": account.user_id,
            "refresh_time": call.server_ms,
            "locked": False,
            "balances": balances,
            "total": plain(quote.available + quote.locked + ZERO),
            "borrowed": "0",
        }
    )
