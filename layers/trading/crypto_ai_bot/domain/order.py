"""Orders: a wish, its journal entry, what the exchange reports of it, and what was filled."""

import hashlib
import re
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import ZERO, divide_down

CLIENT_ORDER_ID_LENGTH_MAX: Final = 28  # ccxt's limit, `t-` included (gate-spot 1.5)
DEPLOYMENT_TAG_LENGTH_MAX: Final = 8
_OF_A_DEPLOYMENT: Final = re.compile(r"t-([0-9a-z]{1,8})-[a-z2-7]+")


class Side(StrEnum):
    """Long-only: a buy enters, a sell leaves."""

    BUY = "buy"
    SELL = "sell"


class Purpose(StrEnum):
    """Why an order is made; a slot holds at most one order for each."""

    ENTRY = "entry"  # the strategy enters
    EXIT = "exit"  # the strategy leaves
    STOP = "stop"  # a stop was reached: everything is sold
    TAKE_PROFIT = "take_profit"  # a step was reached: a part is sold


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A wish to trade at market, not yet permitted.

    `amount` is quote to spend for a buy and base to sell for a sell, as at the exchange.
    `reference_price` is the ask (buy) or bid (sell) that the decision was made on, in quote.
    `slot_ms` is the time that the order is named after (DESIGN 2).
    `atr` is handed to the position for stops measured in it, in quote; 0 for none.
    """

    symbol: Symbol
    side: Side
    purpose: Purpose
    slot_ms: int
    amount: Decimal
    reference_price: Decimal
    reason: str
    atr: float = 0.0


def client_order_id(
    deployment_tag: str, symbol: Symbol, purpose: Purpose, slot_ms: int, attempt: int
) -> str:
    """The name of one attempt in one slot: `t-<tag>-<hash>`, at most 28 characters.

    It names the slot, not the decision: whoever decides anew for the same slot makes the same
    name and collides with itself in the journal.
    """
    slot = f"{deployment_tag}|{symbol}|{purpose}|{slot_ms}|{attempt}"
    digest = b32encode(hashlib.sha256(slot.encode()).digest()).decode().lower()
    return f"t-{deployment_tag}-{digest}"[:CLIENT_ORDER_ID_LENGTH_MAX]


def deployment_tag_of(name: str) -> str | None:
    """The tag of the deployment of this program that made `name`; None when none of them did."""
    made = _OF_A_DEPLOYMENT.fullmatch(name)
    return made[1] if made and len(name) == CLIENT_ORDER_ID_LENGTH_MAX else None


class OrderState(StrEnum):
    """Where an order stands. PENDING and UNKNOWN both mean: ask the exchange."""

    PENDING = "pending"  # journaled by a run that is about to submit it, or died doing so
    UNKNOWN = "unknown"  # may stand at the exchange or not; evidence decides
    ACCEPTED = "accepted"  # stands at the exchange under an id of its own
    CLOSED = "closed"  # finished at the exchange, its fills are in the ledger
    REJECTED = "rejected"  # the exchange proved that it made no order
    NOT_PLACED = "not_placed"  # evidence proved that no order was made


class OrderEvent(StrEnum):
    """What can be learned of an order."""

    ACCEPT = "accept"
    FILL = "fill"
    FINISH = "finish"
    REJECT = "reject"
    LOSE = "lose"
    PROVE_ABSENT = "prove_absent"
    APPEAR = "appear"  # the exchange lists what was thought over: its report counts


_TRANSITIONS: Final[Mapping[tuple[OrderState, OrderEvent], OrderState]] = MappingProxyType(
    {
        (OrderState.PENDING, OrderEvent.ACCEPT): OrderState.ACCEPTED,
        (OrderState.PENDING, OrderEvent.REJECT): OrderState.REJECTED,
        (OrderState.PENDING, OrderEvent.PROVE_ABSENT): OrderState.NOT_PLACED,
        (OrderState.PENDING, OrderEvent.LOSE): OrderState.UNKNOWN,
        (OrderState.UNKNOWN, OrderEvent.ACCEPT): OrderState.ACCEPTED,
        (OrderState.UNKNOWN, OrderEvent.PROVE_ABSENT): OrderState.NOT_PLACED,
        (OrderState.REJECTED, OrderEvent.APPEAR): OrderState.ACCEPTED,
        (OrderState.NOT_PLACED, OrderEvent.APPEAR): OrderState.ACCEPTED,
        (OrderState.CLOSED, OrderEvent.APPEAR): OrderState.ACCEPTED,
        (OrderState.ACCEPTED, OrderEvent.FILL): OrderState.ACCEPTED,
        (OrderState.ACCEPTED, OrderEvent.FINISH): OrderState.CLOSED,
    }
)

UNRESOLVED: Final = frozenset({OrderState.PENDING, OrderState.UNKNOWN, OrderState.ACCEPTED})
CAME_TO_NOTHING: Final = frozenset({OrderState.REJECTED, OrderState.NOT_PLACED})


def transition(state: OrderState, event: OrderEvent) -> OrderState:
    """The state after `event`. Raises InvariantBroken for a pair that is not in the table."""
    try:
        return _TRANSITIONS[state, event]
    except KeyError:
        raise InvariantBroken(f"an order that is {state} cannot {event}") from None


@dataclass(frozen=True, slots=True)
class Totals:
    """What an order has traded so far, by the exchange's own fields.

    `fee_base` and `fee_quote` are taken from what was traded; `fee_other` counts fees paid in
    another coin (GT, points), which move neither side of the ledger.
    """

    base: Decimal = ZERO
    quote: Decimal = ZERO
    fee_base: Decimal = ZERO
    fee_quote: Decimal = ZERO
    fee_other: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])

    def since(self, earlier: "Totals") -> "Totals":
        """What was traded after `earlier`.

        Raises InvariantBroken when a total has fallen: an exchange does not take a fill back.
        """
        change = Totals(
            self.base - earlier.base,
            self.quote - earlier.quote,
            self.fee_base - earlier.fee_base,
            self.fee_quote - earlier.fee_quote,
            {
                coin: amount - earlier.fee_other.get(coin, ZERO)
                for coin, amount in self.fee_other.items()
                if amount != earlier.fee_other.get(coin, ZERO)
            },
        )
        if min(change.base, change.quote) < 0:
            raise InvariantBroken(f"filled totals fell from {earlier} to {self}")
        return change

    @property
    def nothing(self) -> bool:
        """Neither an amount nor a fee in it."""
        return not (self.base or self.quote or self.fee_base or self.fee_quote or self.fee_other)

    @property
    def average_price(self) -> Decimal:
        """Quote per base over all fills; 0 before the first."""
        return divide_down(self.quote, self.base) if self.base else ZERO


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the exchange says of one order.

    `finished` means that nothing more can be filled, however much was.
    """

    exchange_order_id: str
    client_order_id: str
    symbol: Symbol
    side: Side
    finished: bool
    finish_reason: str
    totals: Totals
    updated_ms: int


@dataclass(frozen=True, slots=True)
class Order:
    """A journaled request. Written before the exchange hears of it, kept for good if it traded.

    `expires_ms` is the exchange's time after which the request can no longer take effect.
    `fills` counts the fills applied to it, `totals` is what they add up to.
    `answer` is the exchange's raw answer, stored before it is read; "" before one came.
    `absences` counts searches in a row that did not find it, `absent_since_ms` dates the first.
    `balance_before` is what was free when it was journaled: evidence for or against it.
    """

    client_order_id: str
    request: OrderRequest
    attempt: int
    state: OrderState
    journaled_ms: int
    expires_ms: int
    lease_token: int
    correlation_id: str
    balance_before: tuple[Decimal, Decimal] | None = None
    exchange_order_id: str = ""
    totals: Totals = field(default_factory=Totals)
    fills: int = 0
    resolution: str = ""
    answer: str = ""
    absences: int = 0
    absent_since_ms: int = 0
    updated_ms: int = 0
    version: int = 0

    @property
    def unresolved(self) -> bool:
        """The books may still change because of it."""
        return self.state in UNRESOLVED

    def after(self, event: OrderEvent, at_ms: int, resolution: str = "") -> "Order":
        """The order once `event` is known."""
        return replace(
            self,
            state=transition(self.state, event),
            updated_ms=at_ms,
            resolution=resolution or self.resolution,
        )


@dataclass(frozen=True, slots=True)
class Fill:
    """A part executed: what an order's totals grew by between two reports, fees alone included.

    Its id is the order's and its number within it, so the same growth of the same order has one
    id however often it is reported, and the journal takes it once. `ledger_version` is that of the
    ledger that it was applied to: an order found late is applied after younger ones. It is 0 in
    fills written before it was kept.
    """

    fill_id: str
    client_order_id: str
    symbol: Symbol
    side: Side
    traded: Totals
    at_ms: int
    ledger_version: int = 0


def fill_between(order: Order, report: OrderReport) -> Fill | None:
    """The fill that `report` adds to what `order` already holds; None when nothing was added."""
    traded = report.totals.since(order.totals)
    if traded.nothing:
        return None
    return Fill(
        fill_id=f"{order.client_order_id}:{order.fills + 1}",
        client_order_id=order.client_order_id,
        symbol=order.request.symbol,
        side=order.request.side,
        traded=traded,
        at_ms=report.updated_ms,
    )
