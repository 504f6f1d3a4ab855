"""What is traded and at which prices: symbols, market rules, quotes, candles, depth."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Self

from crypto_ai_bot.domain.money import HUNDRED, ZERO, floor_to_step

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

# The candle intervals that Gate serves and a strategy can ask for.
TIMEFRAMES_MS: Final = {
    "1m": MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "1d": DAY_MS,
}


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A spot pair, written `BASE/QUOTE` everywhere but in the exchange's own words."""

    base: str
    quote: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `BTC/USDT`. Raises ValueError for anything else."""
        base, slash, quote = text.strip().upper().partition("/")
        if not (slash and base.isalnum() and quote.isalnum() and base != quote):
            raise ValueError(f"{text!r} is not a symbol; write it as BASE/QUOTE, e.g. BTC/USDT")
        return cls(base, quote)

    def __str__(self) -> str:
        return f"{self.base}/{self.quote}"


class TradeStatus(StrEnum):
    """What the exchange lets one do with a pair (Gate: `trade_status`)."""

    TRADABLE = "tradable"
    BUYABLE = "buyable"
    SELLABLE = "sellable"
    UNTRADABLE = "untradable"


@dataclass(frozen=True, slots=True)
class MarketRules:
    """The exchange's rules for one symbol, as cached.

    Steps and minimums are in the coin that their name says; a minimum of 0 means none.
    `delisting_ms` is when trading ends, 0 when no end is announced.
    """

    symbol: Symbol
    amount_step_base: Decimal
    price_step_quote: Decimal
    amount_base_min: Decimal
    amount_quote_min: Decimal
    taker_fee_rate: Decimal
    trade_status: TradeStatus
    delisting_ms: int
    read_ms: int

    @property
    def may_buy(self) -> bool:
        """Buying is open, and no delisting is announced."""
        open_for_buys = self.trade_status in {TradeStatus.TRADABLE, TradeStatus.BUYABLE}
        return open_for_buys and self.delisting_ms == 0

    @property
    def may_sell(self) -> bool:
        """Selling is open; a coin about to be delisted may still be sold."""
        return self.trade_status in {TradeStatus.TRADABLE, TradeStatus.SELLABLE}

    def sellable_base(self, held_base: Decimal, bid: Decimal) -> Decimal:
        """The most of `held_base` that one sell order may carry; 0 when what is held is dust.

        Floored to the step, then held against both minimums at the price `bid`.
        """
        amount = floor_to_step(held_base, self.amount_step_base)
        if amount < self.amount_base_min or amount * bid < self.amount_quote_min:
            return Decimal(0)
        return amount


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask of a symbol, in quote per base, and when they were read."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    read_ms: int

    @property
    def mid(self) -> Decimal:
        """Halfway between bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def spread_pct(self) -> Decimal:
        """Ask over bid, in per cent of the mid price."""
        return (self.ask - self.bid) / self.mid * HUNDRED


class Candle(NamedTuple):
    """One bar. Prices are floats: strategies fold millions of them, and no money is made of them.

    A named tuple because it is the quickest record to make and to take apart.
    """

    opened_ms: int
    open: float
    high: float
    low: float
    close: float
    volume_base: float


class Level(NamedTuple):
    """One level of the depth: a price in quote and the size there in base."""

    price: Decimal
    amount_base: Decimal


@dataclass(frozen=True, slots=True)
class Depth:
    """The exchange's order book: bids fall, asks rise; the best stands first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    read_ms: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What the exchange says is free for one symbol's two coins, and what open orders lock."""

    free_quote: Decimal
    free_base: Decimal
    locked_base: Decimal = ZERO


def bar_closed_ms(candle: Candle, timeframe_ms: int) -> int:
    """The moment at which the bar closed: its slot, when it signals."""
    return candle.opened_ms + timeframe_ms
