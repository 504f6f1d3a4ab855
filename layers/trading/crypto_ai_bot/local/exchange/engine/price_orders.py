"""Rules of price-triggered orders (gate-spot 1.10 and 8.8)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from crypto_ai_bot.local.exchange.engine.orders import (
    PriceOrder,
    Refused,
    Rule,
    Trigger,
    Wish,
)

EXPIRATION_S_MIN: Final = 60
EXPIRATION_S_MAX: Final = 2_592_000
_REPEAT_MS: Final = 1_500


def trigger_refusal(
    put: Wish, trigger: Trigger, last: Decimal, known: Iterable[PriceOrder], at_ms: int
) -> Refused | None:
    """Return why a price order is not taken; None when it is. `known` are the account's own."""
    if not EXPIRATION_S_MIN <= trigger.expiration_s <= EXPIRATION_S_MAX:
        message = "invalid argument: trigger.expiration invalid range"
        return Refused("INVALID_PARAM_VALUE", message)
    if trigger.rule is Rule.AT_MOST and trigger.price >= last:
        message = "invalid argument: Trigger.Price must < last_price"
        return Refused("AUTO_TRIGGER_PRICE_LESS_LAST", message)
    if trigger.rule is Rule.AT_LEAST and trigger.price <= last:
        message = "invalid argument: Trigger.Price must > last_price"
        return Refused("AUTO_TRIGGER_PRICE_GREATE_LAST", message)
    same = (put.pair_id, trigger.rule)
    if any(
        (o.put.pair_id, o.trigger.rule) == same and at_ms - o.created_ms < _REPEAT_MS for o in known
    ):
        return Refused("REPEAT_REQUEST", "repeat request")
    return None
