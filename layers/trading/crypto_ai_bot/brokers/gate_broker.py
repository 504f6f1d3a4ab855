"""The live account at Gate, over ccxt's client: one decision, at most one request.

Both clocks of a submission are Gate's own, as read just before it (`fetch_server_ms`): it says
that it was signed then, and it may not take effect later than `request_life_ms` after. That is the
very time that is journaled with the order, however long the journal took.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.brokers import gate_account, gate_listings, gate_words
from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.gate_account import AccountDetail
from crypto_ai_bot.brokers.gate_feed import GateFeed
from crypto_ai_bot.brokers.gate_listings import Search
from crypto_ai_bot.brokers.gate_prices import pair_id
from crypto_ai_bot.brokers.trial import Signing
from crypto_ai_bot.domain.errors import ExchangeRefusesKey, ExchangeUnavailable
from crypto_ai_bot.domain.market import Balance, Candle, Depth, MarketRules, Quote, Symbol
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import CLIENT_ORDER_ID_LENGTH_MAX, Order, OrderReport, Side
from crypto_ai_bot.ports.broker import Answer, Evidence, Outcome
from crypto_ai_bot.ports.clock import Clock

SIGNED_LIFE_MS: Final = 60_000  # Gate carries out nothing that was signed longer ago
_NAME: Final = re.compile(r"t-[0-9A-Za-z_.\-]+")


@dataclass(frozen=True, slots=True)
class GateTerms:
    """How orders are sent.

    `request_life_ms` is how long after Gate's time was read a submission may still take effect
    (`x-gate-exptime`). Gate documents that header; until it has been seen to work
    (`expiry_proven`), an order counts as able to arrive for as long as its signature is good.
    `slippage` is Gate's own guard for market orders, a part of one; None leaves it to the pair.
    `unified` trades on the unified account instead of the spot account.
    """

    request_life_ms: int = 3_000
    expiry_proven: bool = False
    slippage: Decimal | None = None
    unified: bool = False

    @property
    def account(self) -> str:
        """Gate's name for where orders are made."""
        return "unified" if self.unified else "spot"


@dataclass(frozen=True, slots=True)
class _ServerTime:
    """Gate's time, and ours just before it was asked for: so what has passed is never too little.

    `offset_ms` is how far Gate's clock is ahead of ours, half of the round trip allowed for.
    """

    server_ms: int
    asked_ms: int
    offset_ms: int


class GateBroker:
    """Broker over Gate. Raises ValueError for a client without keys or of another exchange.

    Besides what the port says, reads raise ExchangeRefusesKey when Gate will not serve this key.
    One invocation at a time, as its client. The client remembers failures (`trouble`).
    """

    def __init__(self, client: CcxtClient, clock: Clock, terms: GateTerms) -> None:
        if not (client.is_gate and client.keyed):
            raise ValueError(f"{client.exchange_id}: live trading needs Gate, and a key with it")
        self._client = client
        self._clock = clock
        self._terms = terms
        self._feed = GateFeed(client, clock)
        self._time: _ServerTime | None = None

    @property
    def account(self) -> str:
        """Gate's name for the account where orders are made."""
        return self._terms.account

    def fetch_ticker(self, symbol: Symbol) -> Quote:
        """Best bid and ask of one symbol, 1 request."""
        return self._feed.fetch_ticker(symbol)

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        """Best bid and ask of many symbols, 1 request."""
        return self._feed.fetch_tickers(symbols)

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        """Closed bars, 1 request."""
        return self._feed.fetch_candles(symbol, timeframe, bars, now_ms)

    def fetch_depth(self, symbol: Symbol) -> Depth:
        """The best levels of the order book, 1 request."""
        return self._feed.fetch_depth(symbol)

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        """The rules of one pair with the account's own taker fee, 2 requests."""
        fee_rate = self.ask(
            f"wallet/fee {symbol}",
            lambda gate: gate.privateWalletGetFee({"currency_pair": pair_id(symbol)}),
            gate_account.read_taker_fee_rate,
        )
        return replace(self._feed.fetch_rules(symbol, now_ms), taker_fee_rate=fee_rate)

    def fetch_server_ms(self) -> int:
        """Gate's time, 1 request; the next submission is timed by it and takes its connection."""
        asked_ms = self._clock.now_ms()
        server_ms = self._feed.fetch_server_ms()
        offset_ms = server_ms - (asked_ms + self._clock.now_ms()) // 2
        self._time = _ServerTime(server_ms, asked_ms, offset_ms)
        return server_ms

    def fetch_balance(self, symbol: Symbol) -> Balance:
        """What is free of the symbol's two coins, 1 request."""
        if self._terms.unified:
            return self.ask(
                "unified/accounts",
                lambda gate: gate.privateUnifiedGetAccounts(),
                lambda answer: gate_account.read_unified_balance(answer, symbol),
            )
        return self.ask(
            "spot/accounts",
            lambda gate: gate.privateSpotGetAccounts(),
            lambda answer: gate_account.read_balance(answer, symbol),
        )

    def fetch_account_detail(self) -> AccountDetail:
        """What Gate tells of the account and the key, 2 requests: for checks before trading.

        A key that may not ask for its own permissions and age has them unknown.
        """
        detail = self.ask(
            "account/detail",
            lambda gate: gate.privateAccountGetDetail(),
            gate_account.read_account_detail,
        )
        try:
            return self.ask(
                "account/main_keys",
                lambda gate: gate.privateAccountGetMainKeys(),
                lambda rows: gate_account.with_key(detail, rows, self._client.is_own_key),
            )
        except (ExchangeRefusesKey, ExchangeUnavailable):
            return detail

    def create_market_buy_quote(
        self,
        symbol: Symbol,
        quote_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        """Spends up to `quote_amount` at market, 1 request at most."""
        return self._submit(symbol, Side.BUY, quote_amount, client_order_id, expires_ms)

    def create_market_sell_base(
        self,
        symbol: Symbol,
        base_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        """Sells up to `base_amount` at market, 1 request at most."""
        return self._submit(symbol, Side.SELL, base_amount, client_order_id, expires_ms)

    def read_answer(self, order: Order, answer: Answer) -> Outcome:
        """What `answer` proves about `order` (gate-spot 3.1). Pure."""
        return gate_words.read_submission(order, answer)

    def fetch_evidence(self, order: Order) -> Evidence:
        """Gate's time, then every listing to its end, then the balance; 5 requests or more.

        The balance comes last, so that it shows what took effect while the listings were read.
        """
        server_ms = self.fetch_server_ms()
        symbol = order.request.symbol
        search = Search(
            self.ask,
            lambda order_id: self.fetch_order(symbol, order_id),
            self._terms.account,
            order,
        )
        reports = search.reports(server_ms)
        return Evidence(reports, self.fetch_balance(symbol), server_ms)

    def fetch_orders(self, symbol: Symbol, since_ms: int) -> Sequence[OrderReport]:
        """Every order of the pair on the account, whoever made it; 3 requests or more."""
        server_ms = self.fetch_server_ms()
        return gate_listings.all_orders(self.ask, self._terms.account, symbol, since_ms, server_ms)

    def expires_ms(self, server_ms: int) -> int:
        """Gate's time after which an order submitted at `server_ms` cannot take effect."""
        proven = self._terms.expiry_proven
        return server_ms + (self._terms.request_life_ms if proven else SIGNED_LIFE_MS)

    def trouble(self, now_ms: int) -> str:
        """Why no entry should ask now: the account has not answered for a while. "" when it has."""
        return self._client.circuit.objection(now_ms)

    def fetch_order(self, symbol: Symbol, order_id: str) -> OrderReport | None:
        """One order by Gate's own id, 1 request; None when Gate says that there is none."""
        question = {
            "order_id": order_id,
            "account": self._terms.account,
            "currency_pair": pair_id(symbol),
        }
        try:
            return self.ask(
                f"order {order_id}",
                lambda gate: gate.privateSpotGetOrdersOrderId(question),
                gate_words.read_order,
            )
        except ExchangeUnavailable:
            reply = self._client.reply
            if gate_account.answers(reply) and reply.label == "ORDER_NOT_FOUND":
                return None
            raise

    def _submit(
        self, symbol: Symbol, side: Side, amount: Decimal, name: str, journaled_ms: int | None
    ) -> Answer:
        if not _NAME.fullmatch(name) or len(name) > CLIENT_ORDER_ID_LENGTH_MAX:
            return gate_words.written_refusal(f"{name!r} is not a client order id")
        if not (amount.is_finite() and amount > 0):
            return gate_words.written_refusal(f"{amount} is not an amount")
        body = {
            "currency_pair": pair_id(symbol),
            "type": "market",
            "account": self._terms.account,
            "side": str(side),
            "amount": plain(amount),
            "time_in_force": "ioc",
            "text": name,
        }
        if self._terms.slippage is not None:
            body["slippage"] = plain(self._terms.slippage)
        return self.submit(
            f"{side} {symbol}", lambda gate: gate.privateSpotPostOrders(body), journaled_ms
        )

    def submit(self, what: str, ask: Callable[[Any], Any], journaled_ms: int | None) -> Answer:
        """One request at most, timed by Gate's time as last read; its answer unread."""
        try:
            signing = self._signing_of_submission(journaled_ms)
        except ExchangeUnavailable as error:
            return gate_words.written_refusal(str(error))
        trial = self._client.submit(what, ask, signing)
        reply = trial.reply
        self._remember(answered=0 < reply.status < 500)  # noqa: PLR2004 - HTTP's server errors
        if not reply.status:
            return gate_words.written_silence(trial.causes, sent=trial.sent)
        return gate_words.written_answer(reply.status, reply.trace_id, reply.body, reply.headers)

    def _signing_of_submission(self, journaled_ms: int | None) -> Signing:
        """Gate's time as last read.

        Raises ExchangeUnavailable when that is too long ago, or when an order signed by it could
        take effect after the end that is journaled with it.
        """
        passed_ms = self._clock.now_ms() - self._time.asked_ms if self._time else -1
        if self._time is None or not 0 <= passed_ms < self._terms.request_life_ms:
            raise ExchangeUnavailable(
                f"Gate's time was read {passed_ms} ms ago, "
                f"{self._terms.request_life_ms} ms are allowed before an order"
            )
        server_ms = self._time.server_ms
        if journaled_ms is not None and self.expires_ms(server_ms) > journaled_ms:
            raise ExchangeUnavailable("Gate's time was read anew since the order was journaled")
        return Signing(server_ms, server_ms + self._terms.request_life_ms)

    def ask[T](self, what: str, ask: Callable[[Any], Any], read: Callable[[Any], T]) -> T:
        """One signed request: ExchangeRefusesKey when it is the key, ExchangeUnavailable else."""
        offset_ms = self._time.offset_ms if self._time else 0
        signing = Signing(self._clock.now_ms() + offset_ms)
        try:
            found = self._client.call(what, ask, read, signing)
        except ExchangeUnavailable as error:
            reply = self._client.reply
            self._remember(answered=gate_account.answers(reply))
            if refusal := gate_account.key_refusal(reply, signing.at_ms):
                raise ExchangeRefusesKey(f"gate {what}: {refusal}") from error
            raise
        self._remember(answered=True)
        return found

    def _remember(self, *, answered: bool) -> None:
        circuit = self._client.circuit
        self._client.circuit = (
            circuit.after_answer() if answered else circuit.after_failure(self._clock.now_ms())
        )
