"""The paper exchange: live prices and depth, Gate's manner of filling and refusing, no money.

Its balances and orders are in the table, apart from our ledger, and move in one commit. So a run
that dies is in the same position as with Gate: the order was made or it was not, and the listing
tells.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from crypto_ai_bot.brokers.gate_words import read_order, read_submission, written_answer
from crypto_ai_bot.brokers.paper_engine import Refusal, Submission, execute
from crypto_ai_bot.domain.errors import ExchangeUnavailable, StoreUnavailable
from crypto_ai_bot.domain.market import Balance, Candle, Depth, MarketRules, Quote, Symbol
from crypto_ai_bot.domain.matching import worsened
from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.order import Order, OrderReport, Side
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.ports.broker import Answer, Evidence, Outcome, PriceFeed
from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.ports.store import Create, Replace, Store

_COMMITS_MAX: Final = 8  # jobs that trade at the same moment collide on the one account
_LISTING_MARGIN_MS: Final = 120_000  # our clock and the exchange's may differ


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """What the paper exchange is made to be like.

    `start_quote` is given once for each quote coin. `slippage_pct` worsens every price before an
    order fills, `protection_pct` is Gate's guard: how far from the best price it may still fill.
    A submission that is not committed within half of `request_life_ms` never is.
    """

    start_quote: Decimal
    slippage_pct: Decimal = ZERO
    protection_pct: Decimal = Decimal(3)
    request_life_ms: int = 30_000


class PaperBroker:
    """Broker over any PriceFeed, with its account in the store."""

    def __init__(self, feed: PriceFeed, store: Store, clock: Clock, terms: PaperTerms) -> None:
        self._feed = feed
        self._store = store
        self._clock = clock
        self._terms = terms

    def fetch_ticker(self, symbol: Symbol) -> Quote:
        """The feed's."""
        return self._feed.fetch_ticker(symbol)

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        """The feed's."""
        return self._feed.fetch_tickers(symbols)

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        """The feed's."""
        return self._feed.fetch_candles(symbol, timeframe, bars, now_ms)

    def fetch_depth(self, symbol: Symbol) -> Depth:
        """The feed's: what orders fill against, before slippage."""
        return self._feed.fetch_depth(symbol)

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        """The feed's."""
        return self._feed.fetch_rules(symbol, now_ms)

    def fetch_server_ms(self) -> int:
        """The feed's."""
        return self._feed.fetch_server_ms()

    def fetch_balance(self, symbol: Symbol) -> Balance:
        """What is free of the symbol's two coins."""
        try:
            account = self._account(symbol)
        except StoreUnavailable as error:
            raise ExchangeUnavailable(f"paper exchange: {error}") from error
        return Balance(account.free(symbol.quote), account.free(symbol.base))

    def create_market_buy_quote(
        self,
        symbol: Symbol,
        quote_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        """Spends up to `quote_amount` on the live asks."""
        return self._submit(Submission(symbol, Side.BUY, quote_amount, client_order_id), expires_ms)

    def create_market_sell_base(
        self,
        symbol: Symbol,
        base_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        """Sells up to `base_amount` to the live bids."""
        return self._submit(Submission(symbol, Side.SELL, base_amount, client_order_id), expires_ms)

    def read_answer(self, order: Order, answer: Answer) -> Outcome:
        """Read as Gate's answers are, for it is written like them."""
        return read_submission(order, answer)

    def fetch_evidence(self, order: Order) -> Evidence:
        """The paper orders listed under the order's client order id, by our own reading of it."""
        server_ms = self._feed.fetch_server_ms()
        try:
            listed = self._store.paper_orders(order.journaled_ms - _LISTING_MARGIN_MS)
        except StoreUnavailable as error:
            raise ExchangeUnavailable(f"paper exchange: {error}") from error
        reports = tuple(
            paper.report
            for paper in listed
            if paper.report.client_order_id == order.client_order_id
        )
        return Evidence(reports, self.fetch_balance(order.request.symbol), server_ms)

    def fetch_orders(self, symbol: Symbol, since_ms: int) -> Sequence[OrderReport]:
        """None: nobody else can reach this account."""
        del symbol, since_ms
        return ()

    def trouble(self, now_ms: int) -> str:
        """None: a feed that fails has no price, and without one nothing is entered."""
        del now_ms
        return ""

    def expires_ms(self, server_ms: int) -> int:
        """The end of the window in which a submission is committed or never."""
        return server_ms + self._terms.request_life_ms

    def _submit(self, submission: Submission, expires_ms: int | None) -> Answer:
        """One order at most: none was made unless a commit was tried.

        The second half of the order's life is kept for clocks that differ and for the commit.
        """
        started_ms = self._clock.now_ms()
        try:
            depth = self._feed.fetch_depth(submission.symbol)
            rules = self._feed.fetch_rules(submission.symbol, started_ms)
        except ExchangeUnavailable as error:
            return Answer(f"no prices to fill at: {error}", sent=False)
        depth = worsened(depth, self._terms.slippage_pct, rules.price_step_quote)
        ends_ms = self.expires_ms(started_ms) if expires_ms is None else expires_ms
        latest_ms = ends_ms - self._terms.request_life_ms // 2
        for _ in range(_COMMITS_MAX):
            answer = self._try(submission, depth, rules, latest_ms)
            if answer is not None:
                return answer
        return _refused(Refusal(429, "TOO_MANY_REQUESTS", "the paper account is too busy"))

    def _try(
        self, submission: Submission, depth: Depth, rules: MarketRules, latest_ms: int
    ) -> Answer | None:
        """The answer; None when the account moved on meanwhile, so that nothing was done."""
        try:
            account = self._account(submission.symbol)
        except StoreUnavailable as error:
            return Answer(f"the paper account could not be read: {error}", sent=False)
        now_ms = self._clock.now_ms()
        if now_ms > latest_ms:
            return _refused(Refusal(403, "REQUEST_EXPIRED", "too late to be carried out"))
        body = execute(submission, account, depth, rules, now_ms, self._terms.protection_pct)
        if isinstance(body, Refusal):
            return _refused(body)
        report = read_order(body)
        try:
            done = self._commit(account, report, now_ms)
        except StoreUnavailable:
            return Answer("")  # made or not: the listing will tell
        trace_id = f"paper-{report.exchange_order_id}"
        return written_answer(201, trace_id, json.dumps(body)) if done else None

    def _commit(self, account: PaperAccount, report: OrderReport, now_ms: int) -> bool:
        """The order and the balances it moved, together; False when the account had moved on."""
        changes = (Create(PaperOrder(report, now_ms)), Replace(account.after(report)))
        return self._store.commit(changes) is None

    def _account(self, symbol: Symbol) -> PaperAccount:
        """The account, its start balance given the first time that a quote coin is asked for.

        Giving it is a commit over the version read, so whoever loses the race finds it given.
        """
        account = self._store.paper_account()
        for _ in range(_COMMITS_MAX):
            if symbol.quote in account.balances:
                break
            balances = {**account.balances, symbol.quote: self._terms.start_quote}
            self._store.commit((Replace(replace(account, balances=balances)),))
            account = self._store.paper_account()
        return account


def _refused(refusal: Refusal) -> Answer:
    body = {"label": refusal.label, "message": refusal.message}
    return written_answer(refusal.status, "paper", json.dumps(body))
