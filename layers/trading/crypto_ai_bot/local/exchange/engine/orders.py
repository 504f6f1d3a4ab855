"""Orders, trades and price orders as the exchange keeps them."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.order import Side


@dataclass(frozen=True, slots=True)
class Refused:
    """A wish that the exchange does not grant; nothing has changed."""

    label: str
    message: str
    status: int = 400


class OrderType(StrEnum):
    """Market orders finish at once; limit orders may rest."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    """What becomes of the part that does not trade at once."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POC = "poc"


class Status(StrEnum):
    """Where an order stands."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as asked for.

    `amount` is quote for a market buy and base otherwise; `price` is 0 for a market order;
    `slippage` a ratio, None for the pair's own.
    """

    pair_id: str
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal = ZERO
    time_in_force: TimeInForce = TimeInForce.GTC
    text: str = "apiv4"
    account: str = "spot"
    slippage: Decimal | None = None
    iceberg: Decimal = ZERO
    source: str = "api"

    @property
    def market_buy(self) -> bool:
        """The one kind of order whose amount is in quote."""
        return self.type is OrderType.MARKET and self.side is Side.BUY


@dataclass(slots=True)
class SpotOrder:
    """An order and what has become of it; changed by the engine alone.

    `left` has the unit of `amount`. Fees are sums over the fills, each in the coin that its name
    or `fee_currency` says.
    """

    id: int
    wish: Wish
    amount: Decimal
    price: Decimal
    left: Decimal
    fee_currency: str
    created_ms: int
    updated_ms: int
    status: Status = Status.OPEN
    finish_as: str = "open"
    filled_base: Decimal = ZERO
    filled_quote: Decimal = ZERO
    fee: Decimal = ZERO
    gt_fee: Decimal = ZERO
    point_fee: Decimal = ZERO
    rebated_quote: Decimal = ZERO
    amend_text: str = "-"
    reduced_fee: bool = False  # GT paid, or was meant to

    @property
    def is_open(self) -> bool:
        """Tell whether it can still trade or be cancelled."""
        return self.status is Status.OPEN


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill of an order of ours."""

    id: int
    at_ms: int
    order_id: int
    pair_id: str
    side: Side
    maker: bool
    amount_base: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    gt_fee: Decimal
    point_fee: Decimal
    text: str


class Rule(StrEnum):
    """On which side of its price a trigger fires."""

    AT_LEAST = ">="
    AT_MOST = "<="


class PriceOrderStatus(StrEnum):
    """Where a price order stands."""

    OPEN = "open"
    CANCELLED = "cancelled"
    FINISH = "finish"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a price order fires: the last price at or beyond `price`, within `expiration_s`."""

    price: Decimal
    rule: Rule
    expiration_s: int


@dataclass(slots=True)
class PriceOrder:
    """A price-triggered order; changed by the engine alone.

    `due_ms` is when a fired one places its order, None before it fires.
    """

    id: int
    trigger: Trigger
    put: Wish
    created_ms: int
    status: PriceOrderStatus = PriceOrderStatus.OPEN
    finished_ms: int = 0
    due_ms: int | None = None
    fired_order_id: int = 0
    reason: str = ""
    reserved: tuple[str, Decimal] | None = None  # currency and amount that it keeps locked

    @property
    def expires_ms(self) -> int:
        """When it ends unfired."""
        return self.created_ms + self.trigger.expiration_s * 1000
