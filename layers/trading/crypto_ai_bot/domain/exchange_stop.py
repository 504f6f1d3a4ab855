"""A stop that rests at the exchange: what it would sell, and the next step towards what should.

It is the second line: the exits job judges the same stop each minute. What rests can sell at any
moment without us, so while it does no order of ours is made on its symbol.
"""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from crypto_ai_bot.domain.market import DAY_MS, MarketRules, Symbol
from crypto_ai_bot.domain.money import HUNDRED, ONE, floor_to_step
from crypto_ai_bot.domain.order import Order, OrderReport, OrderRequest, OrderState, Purpose, Side
from crypto_ai_bot.domain.stop import Guard

LIFE_MS_MAX: Final = 7 * DAY_MS  # the exchange allows 60 s to 30 days (gate-spot 1.10)
RENEWED_BEFORE_MS: Final = DAY_MS
_LIVES: Final = DAY_MS // 1_000  # as many as a day has seconds
LIMIT_BELOW_TRIGGER_PCT: Final = Decimal(3)  # what a fall may jump over, and still be sold
RAISED_BY_PCT: Final = Decimal("0.2")  # a smaller rise is not worth a moment without any


@dataclass(frozen=True, slots=True)
class StopTerms:
    """Sells `amount_base` at `limit_price` or better once the price is `trigger_price` or less."""

    trigger_price: Decimal
    limit_price: Decimal
    amount_base: Decimal


@dataclass(frozen=True, slots=True)
class ExchangeStop:
    """One stop as journaled. `stop_ids` is empty while it is not known whether it rests.

    There is one id; two if an intermediary repeated the request. `journaled_ms` and `ends_ms`, when
    the exchange drops it, are by our clock. `asked_ms` is the exchange's time when it was sent,
    `arrives_until_ms` the one after which the request cannot take effect any more. `absences`
    counts complete searches in a row that did not find it, `absent_since_ms` dates the first.
    """

    terms: StopTerms
    journaled_ms: int
    asked_ms: int
    arrives_until_ms: int
    ends_ms: int
    stop_ids: tuple[str, ...] = ()
    absences: int = 0
    absent_since_ms: int = 0

    @property
    def life_ms(self) -> int:
        """How long the exchange was asked to keep it, as `named_life_ms` gave."""
        return self.ends_ms - self.journaled_ms


class StopStep(StrEnum):
    """What to do next about what rests at the exchange."""

    KEEP = "keep"
    PLACE = "place"
    FIND = "find"  # was it placed at all?
    REMOVE = "remove"  # it is not wanted, not enough, or about to end


def wanted_terms(guard: Guard | None, held_base: Decimal, market: MarketRules) -> StopTerms | None:
    """The stop that should rest for a position; None when no stop is set, or what is held is dust.

    Prices are floored to the price step, the amount to the amount step.
    """
    if guard is None or guard.stop_price <= 0:
        return None
    step = market.price_step_quote
    trigger_price = floor_to_step(Decimal(repr(guard.stop_price)), step)
    limit_price = floor_to_step(trigger_price * (ONE - LIMIT_BELOW_TRIGGER_PCT / HUNDRED), step)
    amount_base = market.sellable_base(held_base, limit_price)
    if not (limit_price and amount_base):
        return None
    return StopTerms(trigger_price, limit_price, amount_base)


def named_life_ms(deployment_tag: str, symbol: Symbol, journaled_ms: int) -> int:
    """How long a stop is to live: whole seconds that stand in for the name it cannot carry.

    Another deployment on the same account may ask for the same prices and amount at the same
    moment; the life that the exchange lists with a stop tells whose it is.
    """
    digest = hashlib.sha256(f"{deployment_tag}|{symbol}|{journaled_ms}".encode()).digest()
    return LIFE_MS_MAX - int.from_bytes(digest) % _LIVES * 1_000


def next_step(stop: ExchangeStop | None, wanted: StopTerms | None, now_ms: int) -> StopStep:
    """What brings `stop` towards `wanted`: at most one rests, so the old one goes first."""
    if stop is None:
        return StopStep.PLACE if wanted else StopStep.KEEP
    if not stop.stop_ids:
        return StopStep.FIND
    if wanted is None or wanted.amount_base != stop.terms.amount_base:
        return StopStep.REMOVE
    risen = wanted.trigger_price / stop.terms.trigger_price - ONE
    if risen * HUNDRED >= RAISED_BY_PCT or stop.ends_ms - now_ms < RENEWED_BEFORE_MS:
        return StopStep.REMOVE
    return StopStep.KEEP


def fired_order_name(exchange_order_id: str) -> str:
    """The name in our journal of the order that a stop made: no one sends it, the journal keeps it.

    It is the exchange's own id, so the same order is journaled once however often it is met.
    """
    return f"stop-{exchange_order_id}"


def fired_order(
    stop: ExchangeStop, report: OrderReport, slot_ms: int, token: int, correlation_id: str
) -> Order:
    """The order that `stop` made at the exchange, as a journal entry that `report` then settles."""
    terms = stop.terms
    return Order(
        client_order_id=fired_order_name(report.exchange_order_id),
        request=OrderRequest(
            symbol=report.symbol,
            side=Side.SELL,
            purpose=Purpose.STOP,
            slot_ms=slot_ms,
            amount=terms.amount_base,
            reference_price=terms.trigger_price,
            reason=f"the stop at the exchange fired at {terms.trigger_price}",
        ),
        attempt=1,
        state=OrderState.PENDING,
        journaled_ms=stop.journaled_ms,
        expires_ms=stop.arrives_until_ms,
        lease_token=token,
        correlation_id=correlation_id,
    )
