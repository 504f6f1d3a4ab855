"""One run, one line: what a person who watches needs to know."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, InvalidOperation
from typing import Any

from crypto_ai_bot.local.functions import Answer
from crypto_ai_bot.local.moments import short_text

_SYMBOLS_TOLD = 3
_REASON_WIDTH = 100
_EIGHT_DIGITS = Context(prec=8, rounding=ROUND_HALF_EVEN)


def line_of(answer: Answer) -> str:
    """Market time, job, what was decided and done, and how long it took."""
    text = f"failed: {answer.error}" if answer.outcome is None else _told(answer.outcome)
    took = f"  {answer.took_ms} ms" if answer.took_ms else ""
    return f"{short_text(answer.scheduled_ms)}  {answer.job:<9}  {text}{took}"


def _told(outcome: Mapping[str, Any]) -> str:
    symbols: Sequence[Mapping[str, Any]] = outcome.get("symbols") or ()
    parts = [] if outcome.get("ok") else ["NOT OK"]
    state = outcome.get("trading_state")
    if state and state != "on":
        parts.append(f"[{state}]")
    telling = [one for one in symbols if len(symbols) <= _SYMBOLS_TOLD or one.get("order")]
    parts += [_symbol(one) for one in telling]
    rest = Counter(str(one.get("decision")) for one in symbols if one not in telling)
    parts += [f"{count} x {decision}" for decision, count in rest.most_common()]
    parts += [_cut(str(note)) for note in outcome.get("notes") or ()]
    return "  ".join(parts) or "ok"


def _symbol(one: Mapping[str, Any]) -> str:
    text = f"{one['symbol']} {one['decision']}"
    if reasons := "; ".join(map(str, one.get("reasons") or ())):
        text += f": {_cut(reasons)}"
    if order := one.get("order"):
        text += f" | {order_text(order)}"
    if position := one.get("position"):
        text += f" | holds {short(position['base'])} from {short(position['average_price'])}"
    return text


def order_text(order: Mapping[str, Any]) -> str:
    """Side, what was filled, the price, and the state of one order."""
    base, quote, price = (
        short(order.get(name)) for name in ("filled_base", "filled_quote", "average_price")
    )
    return f"{order['side']} {base} for {quote} at {price} ({order['state']})"


def short(number: Any) -> str:
    """A number's text to eight digits, for the eye; "-" for none, other texts as they are."""
    if number is None:
        return "-"
    try:
        return format(_EIGHT_DIGITS.create_decimal(str(number)).normalize(), "f")
    except InvalidOperation:
        return str(number)


def _cut(text: str) -> str:
    return text if len(text) <= _REASON_WIDTH else f"{text[: _REASON_WIDTH - 1]}…"
