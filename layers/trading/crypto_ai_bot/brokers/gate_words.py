"""Gate's words for orders: what an answer to a submission proves, and what an order has traded.

The raw fields are read (reference gate-spot 2.1 to 2.4 and 3.1), never ccxt's reading of them: its
`cost` of a market buy is what was asked for, and its error classes do not tell whether an order
exists.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.brokers.gate_prices import symbol_of
from crypto_ai_bot.brokers.market_readings import read_amount
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import ZERO, divide_down, to_decimal
from crypto_ai_bot.domain.order import Order, OrderReport, Side, Totals
from crypto_ai_bot.ports.broker import Accepted, Answer, Outcome, Rejected, Unknown

_SECOND_MS: Final = 1_000
_SERVER_ERRORS: Final = 500  # HTTP statuses from here on prove nothing
_FINISHED: Final = {"open": False, "closed": True, "cancelled": True}
_NO_REASON: Final = frozenset({"", "-", "unknown"})  # seen in `finish_as` where it says nothing

# Labels that prove that no order was made, with an HTTP status below 500. Every other label, known
# or not, leaves the outcome unknown (gate-spot 3.1: our reading, not a promise of Gate's).
_REJECTING_LABELS_TEXT: Final = """
    INVALID_PARAM_VALUE INVALID_PROTOCOL INVALID_ARGUMENT INVALID_REQUEST_BODY
    MISSING_REQUIRED_PARAM BAD_REQUEST INVALID_CONTENT_TYPE NOT_ACCEPTABLE METHOD_NOT_ALLOWED
    NOT_FOUND AUTHENTICATION_FAILED INVALID_CREDENTIALS INVALID_KEY IP_FORBIDDEN READ_ONLY
    INVALID_SIGNATURE MISSING_REQUIRED_HEADER REQUEST_EXPIRED ACCOUNT_LOCKED FORBIDDEN
    SUB_ACCOUNT_LOCKED INVALID_PRECISION INVALID_CURRENCY INVALID_CURRENCY_PAIR
    POC_FILL_IMMEDIATELY QUANTITY_NOT_ENOUGH BALANCE_NOT_ENOUGH MARGIN_NOT_SUPPORTED
    MARGIN_BALANCE_NOT_ENOUGH AMOUNT_TOO_LITTLE AMOUNT_TOO_MUCH TRADE_RESTRICTED FOK_NOT_FILL
    INITIAL_MARGIN_TOO_LOW ORDER_BOOK_NOT_FOUND TOO_MANY_REQUESTS TOO_MANY_ORDERS
    TOO_MANY_CURRENCY_PAIRS MIXED_ACCOUNT_TYPE AUTO_BORROW_TOO_MUCH INVALID_CLIENT_ORDER_ID
    AUTO_TRIGGER_PRICE_LESS_LAST AUTO_TRIGGER_PRICE_GREATE_LAST PRICE_THRESHOLD_EXCEEDED
    USER_NOT_FOUND
"""
REJECTING_LABELS: Final = frozenset(_REJECTING_LABELS_TEXT.split())


def written_answer(
    status: int, trace_id: str, body: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer as it is journaled: its HTTP status, trace id, times and limits, and its body."""
    told = {"status": status, "trace_id": trace_id, "headers": dict(headers or {}), "body": body}
    return Answer(_json(told))


def written_silence(causes: Sequence[str], *, sent: bool) -> Answer:
    """No answer as it is journaled: the classes of the error, the last first.

    `sent` is False only on proof that the request never left.
    """
    return Answer(_json({"status": 0, "causes": list(causes)}), sent=sent)


def written_refusal(reason: str) -> Answer:
    """What we would not send, as it is journaled."""
    return Answer(_json({"status": 0, "refused": reason}), sent=False)


def read_submission(order: Order, answer: Answer) -> Outcome:
    """What `answer` proves about `order`, by the table of gate-spot 3.1. Pure."""
    body = read_body(answer)
    return _acceptance(order, body) if isinstance(body, dict) else body


def read_body(answer: Answer) -> dict[str, Any] | Rejected | Unknown:
    """The body of an answer that is a success, or what an answer that is none proves."""
    told = _read_object(answer.raw) or {}
    status = told.get("status")
    if not answer.sent:
        return Rejected(f"never sent: {_why_silent(told) or answer.raw}")
    if not isinstance(status, int) or not status:
        return Unknown(f"no answer: {_why_silent(told)}".removesuffix(": "))
    body = _read_object(told.get("body"))
    if body is None:
        return Unknown(f"HTTP {status} with an unreadable body")
    if body.get("label"):
        return _refusal(status, body)
    if not (200 <= status < 300):  # noqa: PLR2004 - HTTP's success statuses
        return Unknown(f"HTTP {status} without a label")
    return body


def read_order(row: Mapping[str, Any]) -> OrderReport:
    """One order as Gate lists it. Raises ValueError or a relative when it cannot be read whole."""
    symbol = symbol_of(row["currency_pair"])
    status = row["status"]
    if status not in _FINISHED:
        raise ValueError(f"an order's status is {status!r}; known: {', '.join(_FINISHED)}")
    finish_as = str(row.get("finish_as") or "")
    return OrderReport(
        exchange_order_id=read_id(row, "id"),
        client_order_id=str(row.get("text") or ""),
        symbol=symbol,
        side=Side(row["side"]),
        finished=_FINISHED[status],
        finish_reason=status if finish_as in _NO_REASON else finish_as,
        totals=_totals(row, symbol),
        updated_ms=_updated_ms(row),
    )


def read_id(row: Mapping[str, Any], name: str) -> str:
    """Gate's own id: digits, as text or as an integer; never through a float."""
    identity = row[name]
    if isinstance(identity, bool) or not isinstance(identity, (str, int)):
        raise ValueError(f"an order's id is {identity!r}")
    if not str(identity).isdecimal():
        raise ValueError(f"an order's id is {identity!r}")
    return str(identity)


def _json(told: Mapping[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":"))


def _read_object(text: Any) -> dict[str, Any] | None:
    """The JSON object that a text holds, its numbers exact; None for anything else."""
    try:
        read = json.loads(text, parse_float=Decimal)
    except (ValueError, TypeError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _why_silent(told: Mapping[str, Any]) -> str:
    causes = told.get("causes")
    return " from ".join(causes) if causes else str(told.get("refused") or "")


def _refusal(status: int, body: Mapping[str, Any]) -> Rejected | Unknown:
    """A label proves that there is no order if it is one of those, and nothing speaks against it.

    Redirects prove nothing, and neither does an answer that carries an order besides its label.
    """
    label = str(body["label"])
    reason = f"{label}: {body.get('message') or body.get('detail') or ''}".removesuffix(": ")
    answered = status < _SERVER_ERRORS and not (300 <= status < 400)  # noqa: PLR2004 - redirects
    if label in REJECTING_LABELS and answered and "id" not in body:
        return Rejected(reason)
    return Unknown(f"HTTP {status} {reason}")


def _acceptance(order: Order, body: Mapping[str, Any]) -> Outcome:
    """Our name and an id of Gate's own prove the order; its fills count only if all is readable."""
    request = order.request
    try:
        exchange_order_id = read_id(body, "id")
    except (ValueError, KeyError):
        return Unknown("an answer without an order id")
    if body.get("text") != order.client_order_id:
        return Unknown(f"an answer for another order: {exchange_order_id}")
    try:
        report = read_order(body)
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
        # Answers without the figures exist (action_mode ACK, HTTP 202): they are read later.
        return Accepted(
            OrderReport(
                exchange_order_id=exchange_order_id,
                client_order_id=order.client_order_id,
                symbol=request.symbol,
                side=request.side,
                finished=False,
                finish_reason="",
                totals=Totals(),
                updated_ms=order.journaled_ms,
            )
        )
    if (report.symbol, report.side) != (request.symbol, request.side):
        return Unknown(f"an answer for another order: {report.side} {report.symbol}")
    return Accepted(report)


def _totals(row: Mapping[str, Any], symbol: Symbol) -> Totals:
    """What was traded and charged.

    `left` is never asked: a market buy that is filled still has some. A fee in GT counts for the
    pair's own side when the pair trades GT: it leaves the same balance.
    """
    quote = read_amount(row["filled_total"])
    charged: dict[str, Decimal] = {}
    for coin, amount in (
        (row.get("fee_currency"), _amount(row, "fee")),
        ("GT", _amount(row, "gt_fee")),
        ("POINT", _amount(row, "point_fee")),
        (row.get("rebated_fee_currency"), -_amount(row, "rebated_fee")),
    ):
        if amount:
            if not coin:
                raise ValueError("a fee without its coin")
            charged[coin] = charged.get(coin, ZERO) + amount
    fee_base, fee_quote = charged.pop(symbol.base, ZERO), charged.pop(symbol.quote, ZERO)
    return Totals(_filled_base(row, quote), quote, fee_base, fee_quote, charged)


def _filled_base(row: Mapping[str, Any], filled_quote: Decimal) -> Decimal:
    if row.get("filled_amount") is not None:
        return read_amount(row["filled_amount"])
    if not filled_quote:
        return ZERO
    return divide_down(filled_quote, to_decimal(row["avg_deal_price"]))  # answers before 2024


def _amount(row: Mapping[str, Any], name: str) -> Decimal:
    """An amount that may be absent, null or ""; those mean none."""
    return read_amount(row.get(name) or 0)


def _updated_ms(row: Mapping[str, Any]) -> int:
    """When the order last changed: milliseconds as an integer, as text, or with a fraction."""
    for name, unit_ms in (
        ("update_time_ms", 1),
        ("create_time_ms", 1),
        ("update_time", _SECOND_MS),
        ("create_time", _SECOND_MS),
    ):
        if row.get(name):
            return int(read_amount(row[name]) * unit_ms)
    raise ValueError("an order without a time")
