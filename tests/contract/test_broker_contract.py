"""What every Broker promises the use cases, whatever stands behind it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.fixed_feed import FixedFeed
from crypto_ai_bot.brokers.gate_broker import GateBroker, GateTerms
from crypto_ai_bot.brokers.paper import PaperBroker, PaperTerms
from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.domain.order import (
    Order,
    OrderReport,
    OrderRequest,
    OrderState,
    Purpose,
    Side,
    client_order_id,
)
from crypto_ai_bot.local.exchange.grounds import Grounds
from crypto_ai_bot.local.exchange.market import synthetic_market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.server import serving
from crypto_ai_bot.ports.broker import Accepted, Answer, Broker, Rejected, Unknown
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from fakes_feed import BTC_USDT, ManualClock, ScriptedFeed

START = Decimal(1000)


@dataclass
class Venue:
    """A broker whose account holds START quote and no base, at a price of about 100."""

    broker: Broker
    clock: ManualClock


def paper_over_script(_stack: ExitStack) -> Venue:
    clock = ManualClock()
    feed = ScriptedFeed(clock)
    feed.set_price(BTC_USDT, "100.00", "100.01")
    store = TableStore(MemoryTable(), "paper")
    return Venue(PaperBroker(feed, store, clock, PaperTerms(START)), clock)


def paper_over_fixed(_stack: ExitStack) -> Venue:
    clock = ManualClock()
    store = TableStore(MemoryTable(), "paper")
    feed = FixedFeed(Decimal("100.01"), clock)
    return Venue(PaperBroker(feed, store, clock, PaperTerms(START)), clock)


@dataclass
class MarketTime(ManualClock):
    """The embedded exchange's clock, which the tests move too."""

    market: Any = None

    def advance(self, by_ms: int) -> None:
        super().advance(by_ms)
        self.market.advance(by_ms)


def gate_over_embedded(stack: ExitStack) -> Venue:
    """The live broker, the real client and the embedded exchange."""
    clock = MarketTime()
    clock.market = MarketClock(clock.now_ms(), 0)
    served = Grounds(synthetic_market(["BTC_USDT"], seed=7), clock.market)
    served.make_key("contract-key", "contract-secret", USDT=str(START))
    url = stack.enter_context(serving(served))
    client = CcxtClient(
        "gateio",
        base_url=url,
        api_key="contract-key",
        api_secret="contract-secret",
        interval_ms=0,
    )
    stack.callback(client.close)
    return Venue(GateBroker(client, clock, GateTerms()), clock)


@pytest.fixture(
    params=[paper_over_script, paper_over_fixed, gate_over_embedded],
    ids=lambda make: make.__name__,
)
def venue(request: pytest.FixtureRequest) -> Iterator[Venue]:
    with ExitStack() as stack:
        made: Venue = request.param(stack)
        yield made


def journaled(venue: Venue, side: Side, amount: str, slot_ms: int = 0) -> Order:
    purpose = Purpose.ENTRY if side is Side.BUY else Purpose.EXIT
    request = OrderRequest(
        BTC_USDT, side, purpose, slot_ms, Decimal(amount), Decimal(100), "contract"
    )
    server_ms = venue.broker.fetch_server_ms()
    return Order(
        client_order_id=client_order_id("test", BTC_USDT, purpose, slot_ms, 1),
        request=request,
        attempt=1,
        state=OrderState.PENDING,
        journaled_ms=venue.clock.now_ms(),
        expires_ms=venue.broker.expires_ms(server_ms),
        lease_token=1,
        correlation_id="contract",
    )


def submit(venue: Venue, order: Order) -> Answer:
    request = order.request
    if request.side is Side.BUY:
        return venue.broker.create_market_buy_quote(
            request.symbol, request.amount, order.client_order_id
        )
    return venue.broker.create_market_sell_base(
        request.symbol, request.amount, order.client_order_id
    )


def accepted(venue: Venue, order: Order, answer: Answer) -> OrderReport:
    outcome = venue.broker.read_answer(order, answer)
    assert isinstance(outcome, Accepted), outcome
    return outcome.report


def test_a_broker_has_the_ports_methods_by_their_names(venue: Venue) -> None:
    broker: Broker = venue.broker
    for name in [name for name in vars(Broker) if name.startswith(("fetch", "create", "read"))]:
        assert callable(getattr(broker, name))


def test_a_buy_spends_quote_and_what_is_held_is_what_the_report_says(venue: Venue) -> None:
    order = journaled(venue, Side.BUY, "50")
    report = accepted(venue, order, submit(venue, order))
    assert report.finished
    assert report.exchange_order_id
    assert (report.client_order_id, report.symbol) == (order.client_order_id, BTC_USDT)
    assert 0 < report.totals.quote <= 50
    balance = venue.broker.fetch_balance(BTC_USDT)
    assert balance.free_quote == START - report.totals.quote - report.totals.fee_quote
    assert balance.free_base == report.totals.base - report.totals.fee_base


def test_what_was_bought_net_of_its_fee_can_be_sold_and_no_more(venue: Venue) -> None:
    bought = journaled(venue, Side.BUY, "50")
    gross = accepted(venue, bought, submit(venue, bought)).totals.base
    too_much = journaled(venue, Side.SELL, str(gross), slot_ms=1)
    refused = venue.broker.read_answer(too_much, submit(venue, too_much))
    assert isinstance(refused, Rejected)
    assert "BALANCE_NOT_ENOUGH" in refused.reason
    rules = venue.broker.fetch_rules(BTC_USDT, venue.clock.now_ms())
    held = venue.broker.fetch_balance(BTC_USDT).free_base
    sellable = rules.sellable_base(held, venue.broker.fetch_ticker(BTC_USDT).bid)
    sold = journaled(venue, Side.SELL, str(sellable), slot_ms=2)
    report = accepted(venue, sold, submit(venue, sold))
    assert report.totals.base == sellable
    assert venue.broker.fetch_balance(BTC_USDT).free_base == held - sellable


def test_a_refusal_proves_that_there_is_no_order(venue: Venue) -> None:
    order = journaled(venue, Side.BUY, "1")
    outcome = venue.broker.read_answer(order, submit(venue, order))
    assert isinstance(outcome, Rejected)
    evidence = venue.broker.fetch_evidence(order)
    assert evidence.reports == ()
    assert evidence.balance.free_quote == START


def test_evidence_shows_the_order_as_the_answer_did(venue: Venue) -> None:
    order = journaled(venue, Side.BUY, "50")
    before = venue.broker.fetch_evidence(order)
    assert before.reports == ()
    report = accepted(venue, order, submit(venue, order))
    after = venue.broker.fetch_evidence(order)
    assert after.reports == (report,)
    assert after.balance == venue.broker.fetch_balance(BTC_USDT)


def test_the_same_name_twice_is_two_orders_and_evidence_shows_both(venue: Venue) -> None:
    order = journaled(venue, Side.BUY, "50")
    first = accepted(venue, order, submit(venue, order))
    venue.clock.advance(1)
    second = accepted(venue, order, submit(venue, order))
    assert first.exchange_order_id != second.exchange_order_id
    assert list(venue.broker.fetch_evidence(order).reports) == [first, second]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(""), Unknown),
        (Answer("never connected", sent=False), Rejected),
        (Answer("gibberish"), Unknown),
    ],
)
def test_reading_is_pure_and_nothing_is_made_of_nothing(
    answer: Answer, kind: type, venue: Venue
) -> None:
    order = journaled(venue, Side.BUY, "50")
    assert isinstance(venue.broker.read_answer(order, answer), kind)
    assert venue.broker.fetch_evidence(order).reports == ()


def test_an_answer_about_another_order_proves_nothing(venue: Venue) -> None:
    order = journaled(venue, Side.BUY, "50")
    answer = submit(venue, order)
    other = replace(order, client_order_id="t-test-other")
    assert isinstance(venue.broker.read_answer(other, answer), Unknown)


def test_a_request_expires_after_it_was_made_and_soon(venue: Venue) -> None:
    server_ms = venue.broker.fetch_server_ms()
    assert server_ms < venue.broker.expires_ms(server_ms) <= server_ms + 60_000


def test_tickers_of_many_are_those_of_each(venue: Venue) -> None:
    many = venue.broker.fetch_tickers([BTC_USDT])
    one = venue.broker.fetch_ticker(BTC_USDT)
    assert many == {BTC_USDT: one}
    assert one.bid <= one.ask


def test_orders_listed_are_those_of_everybody_who_shares_the_account(venue: Venue) -> None:
    since_ms = venue.clock.now_ms() - 60_000
    order = journaled(venue, Side.BUY, "50")
    report = accepted(venue, order, submit(venue, order))
    foreign = replace(order, client_order_id="t-mine")
    theirs = accepted(venue, foreign, submit(venue, foreign))
    listed = venue.broker.fetch_orders(BTC_USDT, since_ms)
    shared = isinstance(venue.broker, GateBroker)
    assert list(listed) == ([report, theirs] if shared else [])
    venue.clock.advance(3_600_000)
    assert not venue.broker.fetch_orders(BTC_USDT, venue.clock.now_ms() - 60_000)


def test_a_feed_that_is_down_is_unavailable_for_reads_and_an_answer_for_submissions() -> None:
    venue = paper_over_script(ExitStack())
    order = journaled(venue, Side.BUY, "50")
    feed = venue.broker._feed  # type: ignore[attr-defined]  # the paper broker's
    feed.down = True
    with pytest.raises(ExchangeUnavailable):
        venue.broker.fetch_ticker(BTC_USDT)
    with pytest.raises(ExchangeUnavailable):
        venue.broker.fetch_evidence(order)
    assert not submit(venue, order).sent
