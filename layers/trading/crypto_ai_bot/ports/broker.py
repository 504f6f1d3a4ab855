"""The doors to an exchange: prices for everybody, orders for an account.

Names and meanings are those of the system this one comes from; paper, embedded and live exchanges
are adapters of the same two protocols.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from crypto_ai_bot.domain.market import Balance, Candle, Depth, MarketRules, Quote, Symbol
from crypto_ai_bot.domain.order import Order, OrderReport


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from a submission, unread: stored before anybody interprets it.

    `raw` is the body with status and trace id as text, free of secrets; "" when nothing came.
    `sent` is False only on proof that the request never left (connection refused, refused locally).
    """

    raw: str
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Accepted:
    """Proof that the order stands or stood at the exchange."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class Rejected:
    """Proof that the exchange made no order: a known label, or the request never left."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Everything else: the order may exist. Only evidence gathered later decides."""

    reason: str


type Outcome = Accepted | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the exchange shows about one client order id, all listings read to their end.

    `reports` are all orders found under it (none, one, or by some fault several).
    `server_ms` is the exchange's time when the search began; `balance` what was free then.
    """

    reports: tuple[OrderReport, ...]
    balance: Balance
    server_ms: int


class PriceFeed(Protocol):
    """The public side. Every method raises ExchangeUnavailable when there is no answer."""

    def fetch_ticker(self, symbol: Symbol) -> Quote:
        """Best bid and ask of one symbol."""
        ...

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        """Best bid and ask of many symbols in one request; symbols without a market are absent."""
        ...

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        """At most `bars` bars that had closed by `now_ms`, oldest first, gaps left as gaps."""
        ...

    def fetch_depth(self, symbol: Symbol) -> Depth:
        """The exchange's order book, as far as it shows it."""
        ...

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        """The rules and the taker fee of one symbol, read anew."""
        ...

    def fetch_server_ms(self) -> int:
        """The exchange's time, milliseconds since the epoch."""
        ...


class Broker(PriceFeed, Protocol):
    """The private side: one account. Reads raise ExchangeUnavailable; submissions never raise it.

    A submission makes one request at most. Whatever happens to it comes back as an Answer. It must
    not take effect after `expires_ms`, the exchange's time written in the order's journal entry:
    a run that was frozen between journal and submission would else place an order that others
    have proved absent. Without one, the broker's own window counts from now.
    """

    def fetch_balance(self, symbol: Symbol) -> Balance:
        """What is free of the symbol's two coins."""
        ...

    def create_market_buy_quote(
        self,
        symbol: Symbol,
        quote_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        """Spends up to `quote_amount` at market; the amount is already cut to the price step."""
        ...

    def create_market_sell_base(
        self,
        symbol: Symbol,
        base_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        """Sells up to `base_amount` at market; the amount is already floored to the step."""
        ...

    def read_answer(self, order: Order, answer: Answer) -> Outcome:
        """What `answer` proves about `order`. Pure: reads nothing but its arguments."""
        ...

    def fetch_evidence(self, order: Order) -> Evidence:
        """Everything the exchange lists under the order's client order id, since it was journaled.

        Finished orders, open orders and trades, each matched by our own reading of `text`, never
        looked up by it. Raises ExchangeUnavailable unless every listing answered whole.
        """
        ...

    def fetch_orders(self, symbol: Symbol, since_ms: int) -> Sequence[OrderReport]:
        """All orders of the symbol that are open, or finished since then, whoever made them.

        An account that nobody but this deployment can reach has none to tell of. Raises
        ExchangeUnavailable unless every listing answered whole.
        """
        ...

    def trouble(self, now_ms: int) -> str:
        """Why no entry should ask now: the exchange has failed for a while; "" when it has not."""
        ...

    def expires_ms(self, server_ms: int) -> int:
        """The exchange's time after which an order submitted at `server_ms` cannot take effect."""
        ...
