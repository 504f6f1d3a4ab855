"""The paper exchange: it fills like Gate, refuses like Gate, and its books move once."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_ai_bot.brokers.paper import PaperBroker, PaperTerms
from crypto_ai_bot.domain.errors import ExchangeUnavailable, StoreUnavailable
from crypto_ai_bot.domain.market import Symbol, TradeStatus
from crypto_ai_bot.domain.order import Order, OrderRequest, OrderState, Purpose, Side, Totals
from crypto_ai_bot.ports.broker import Accepted, Answer, Rejected, Unknown
from crypto_ai_bot.ports.store import Change, Conflict, Replace
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from fakes_feed import LTC_USDT, ManualClock, ScriptedFeed, rules_of

OURS = "t-paper-abc"
START = Decimal(1000)


class TroubledStore(TableStore):
    """A store whose commits and readings do what `troubles` says, one after the other.

    "lost before": the answer is lost, nothing was written. "lost after": it was. "conflict":
    somebody else was quicker. "moves the clock": the commit takes long. Readings: "unreadable".
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(MemoryTable(), "paper")
        self.clock = clock
        self.troubles: list[str] = []
        self.unreadable = False
        self.commits: list[Sequence[Change]] = []

    def commit(self, changes: Sequence[Change]) -> Conflict | None:
        self.commits.append(changes)
        trouble = self.troubles.pop(0) if self.troubles else ""
        if trouble == "conflict":
            self.clock.advance(1)
            return Conflict(changes[-1])
        if trouble == "slow conflict":
            self.clock.advance(20_000)
            return Conflict(changes[-1])
        if trouble == "lost before":
            raise StoreUnavailable("no answer, as told")
        done = super().commit(changes)
        if trouble == "lost after":
            raise StoreUnavailable("no answer, as told")
        return done

    def paper_account(self) -> Any:
        if self.unreadable:
            raise StoreUnavailable("unreadable, as told")
        return super().paper_account()

    def paper_orders(self, since_ms: int) -> Any:
        if self.unreadable:
            raise StoreUnavailable("unreadable, as told")
        return super().paper_orders(since_ms)


@pytest.fixture
def feed(clock: ManualClock) -> ScriptedFeed:
    scripted = ScriptedFeed(clock)
    scripted.set_depth(LTC_USDT, asks=[("64.03", "1.151")], bids=[("64.00", "5")])
    return scripted


@pytest.fixture
def store(clock: ManualClock) -> TroubledStore:
    return TroubledStore(clock)


@pytest.fixture
def paper_of(
    feed: ScriptedFeed, store: TroubledStore, clock: ManualClock
) -> Callable[..., PaperBroker]:
    def make(**terms: Any) -> PaperBroker:
        return PaperBroker(feed, store, clock, PaperTerms(START, **terms))

    return make


@pytest.fixture
def paper(paper_of: Callable[..., PaperBroker]) -> PaperBroker:
    return paper_of()


def order_of(clock: ManualClock, side: Side = Side.BUY, name: str = OURS) -> Order:
    request = OrderRequest(LTC_USDT, side, Purpose.ENTRY, 0, Decimal(5), Decimal("64.03"), "test")
    return Order(
        client_order_id=name,
        request=request,
        attempt=1,
        state=OrderState.PENDING,
        journaled_ms=clock.now_ms(),
        expires_ms=clock.now_ms() + 30_000,
        lease_token=1,
        correlation_id="c",
    )


def buy(paper: PaperBroker, quote: str = "5", name: str = OURS) -> Answer:
    return paper.create_market_buy_quote(LTC_USDT, Decimal(quote), name)


def sell(paper: PaperBroker, base: str, name: str = "t-paper-sell") -> Answer:
    return paper.create_market_sell_base(LTC_USDT, Decimal(base), name)


def fields_of(answer: Answer) -> Any:
    return json.loads(json.loads(answer.raw)["body"])


def label_of(answer: Answer) -> str:
    return str(fields_of(answer)["label"])


# --- filling


def test_the_real_order_of_september_2023_comes_back_in_gates_own_fields(
    paper: PaperBroker, clock: ManualClock
) -> None:
    answer = buy(paper)
    told, fields = json.loads(answer.raw), fields_of(answer)
    assert (told["status"], told["trace_id"]) == (201, "paper-1")
    real = {
        "status": "closed",
        "currency_pair": "LTC_USDT",
        "type": "market",
        "account": "spot",
        "side": "buy",
        "amount": "5",
        "price": "0",
        "time_in_force": "ioc",
        "iceberg": "0",
        "left": "0.00566",
        "fill_price": "4.99434",
        "filled_total": "4.99434",
        "avg_deal_price": "64.03",
        "fee": "0.000156",
        "fee_currency": "LTC",
        "point_fee": "0",
        "gt_fee": "0",
        "gt_discount": False,
        "rebated_fee": "0",
        "rebated_fee_currency": "USDT",
        "finish_as": "filled",
    }
    assert {name: fields[name] for name in real} == real
    assert (fields["id"], fields["text"], fields["filled_amount"]) == ("1", OURS, "0.078")
    assert fields["update_time_ms"] == clock.now_ms()
    outcome = paper.read_answer(order_of(clock), answer)
    assert isinstance(outcome, Accepted)
    assert outcome.report.totals == Totals(
        Decimal("0.078"), Decimal("4.99434"), fee_base=Decimal("0.000156")
    )
    assert outcome.report.finished


def test_balances_move_by_what_was_filled_and_charged(paper: PaperBroker) -> None:
    assert paper.fetch_balance(LTC_USDT).free_quote == START
    buy(paper)
    balance = paper.fetch_balance(LTC_USDT)
    assert balance.free_quote == START - Decimal("4.99434")
    assert balance.free_base == Decimal("0.077844")
    sell(paper, "0.077")
    balance = paper.fetch_balance(LTC_USDT)
    assert balance.free_base == Decimal("0.000844")  # gate-spot 0.6: the dust of the real order
    assert balance.free_quote == START - Decimal("4.99434") + Decimal("4.928") * Decimal("0.998")


def test_depth_that_runs_out_leaves_the_rest_unspent(
    paper: PaperBroker, feed: ScriptedFeed, clock: ManualClock
) -> None:
    feed.set_depth(LTC_USDT, asks=[("64.03", "0.02"), ("64.05", "0.03")], bids=[("64", "1")])
    answer = buy(paper, "500")
    fields = fields_of(answer)
    assert (fields["status"], fields["finish_as"]) == ("cancelled", "ioc")
    assert fields["filled_amount"] == "0.05"
    outcome = paper.read_answer(order_of(clock), answer)
    assert isinstance(outcome, Accepted)
    assert outcome.report.finished
    assert paper.fetch_balance(LTC_USDT).free_quote == START - Decimal(fields["filled_total"])


def test_an_order_that_finds_nothing_is_made_and_changes_nothing(
    paper: PaperBroker, feed: ScriptedFeed, clock: ManualClock
) -> None:
    feed.set_depth(LTC_USDT, bids=[("64", "1")])
    outcome = paper.read_answer(order_of(clock), buy(paper))
    assert isinstance(outcome, Accepted)
    assert (outcome.report.finish_reason, outcome.report.totals) == ("depth_not_enough", Totals())
    assert paper.fetch_balance(LTC_USDT).free_quote == START
    assert len(paper.fetch_evidence(order_of(clock)).reports) == 1


def test_slippage_worsens_every_price(paper_of: Callable[..., PaperBroker]) -> None:
    fields = fields_of(buy(paper_of(slippage_pct=Decimal("0.1"))))
    assert fields["avg_deal_price"] == "64.1"  # 64.03 and a thousandth, up to the next cent


def test_no_fill_lies_beyond_the_price_protection(
    paper_of: Callable[..., PaperBroker], feed: ScriptedFeed
) -> None:
    feed.set_depth(LTC_USDT, asks=[("64", "0.01"), ("67", "9")])
    fields = fields_of(buy(paper_of()))
    assert (fields["finish_as"], fields["filled_amount"]) == ("price_protect_cancelled", "0.01")


# --- refusing


@pytest.mark.parametrize(
    ("submit", "label"),
    [
        (lambda paper: buy(paper, name="abc"), "INVALID_PARAM_VALUE"),
        (lambda paper: buy(paper, name="t-" + "x" * 29), "INVALID_PARAM_VALUE"),
        (lambda paper: buy(paper, name="t-a b"), "INVALID_PARAM_VALUE"),
        (lambda paper: buy(paper, "0"), "INVALID_PARAM_VALUE"),
        (lambda paper: buy(paper, "2.99"), "INVALID_PARAM_VALUE"),
        (lambda paper: buy(paper, "1000.01"), "BALANCE_NOT_ENOUGH"),
        (lambda paper: sell(paper, "0.07784"), "INVALID_PRECISION"),
        (lambda paper: sell(paper, "0.046"), "INVALID_PARAM_VALUE"),
        (lambda paper: sell(paper, "0.078"), "BALANCE_NOT_ENOUGH"),
        (lambda paper: sell(paper, "-1"), "INVALID_PARAM_VALUE"),
    ],
    ids=[
        "name", "long name", "name's letters", "nothing", "minimum", "too much", "precision",
        "sell minimum", "the gross amount", "negative",
    ],
)  # fmt: skip
def test_gates_refusals_come_with_gates_label_and_change_nothing(
    submit: Callable[[PaperBroker], Answer], label: str, paper: PaperBroker, clock: ManualClock
) -> None:
    buy(paper, name="t-before")
    before = paper.fetch_balance(LTC_USDT)
    answer = submit(paper)
    assert label_of(answer) == label
    assert isinstance(paper.read_answer(order_of(clock), answer), Rejected)
    assert paper.fetch_balance(LTC_USDT) == before
    assert paper.fetch_evidence(order_of(clock)).reports == ()


def test_the_minimum_is_told_as_gate_tells_it(paper: PaperBroker) -> None:
    answer = buy(paper, "2.5")
    assert "Your order size 2.5 USDT is too small. The minimum is 3 USDT" in answer.raw


def test_a_base_minimum_coarser_than_the_step_is_a_check_of_its_own(
    paper: PaperBroker, feed: ScriptedFeed
) -> None:
    feed.rules[LTC_USDT] = replace(rules_of(LTC_USDT), amount_base_min=Decimal("0.5"))
    buy(paper, "50")
    assert "The minimum is 0.5 LTC" in sell(paper, "0.4").raw


@pytest.mark.parametrize(
    ("status", "may_buy", "may_sell"),
    [
        (TradeStatus.UNTRADABLE, False, False),
        (TradeStatus.SELLABLE, False, True),
        (TradeStatus.BUYABLE, True, False),
        (TradeStatus.TRADABLE, True, True),
    ],
)
def test_the_trade_status_opens_each_side_by_itself(
    status: TradeStatus, may_buy: object, may_sell: object, paper: PaperBroker, feed: ScriptedFeed
) -> None:
    buy(paper, "50", "t-before")
    feed.rules[LTC_USDT] = replace(rules_of(LTC_USDT), trade_status=status)
    assert ("INVALID_CURRENCY_PAIR" not in buy(paper).raw) is may_buy
    assert ("INVALID_CURRENCY_PAIR" not in sell(paper, "0.1").raw) is may_sell


@pytest.mark.parametrize("method", ["fetch_depth", "fetch_rules"])
def test_without_prices_nothing_is_sent(
    method: str, paper: PaperBroker, feed: ScriptedFeed, clock: ManualClock
) -> None:
    feed.failures[method] = 1
    answer = buy(paper)
    assert not answer.sent
    assert isinstance(paper.read_answer(order_of(clock), answer), Rejected)
    assert paper.fetch_evidence(order_of(clock)).reports == ()


# --- the books


def test_order_and_balances_move_in_one_commit(paper: PaperBroker, store: TroubledStore) -> None:
    paper.fetch_balance(LTC_USDT)
    store.commits.clear()
    buy(paper)
    (changes,) = store.commits
    assert [type(change).__name__ for change in changes] == ["Create", "Replace"]


def test_the_start_balance_is_given_once(
    paper: PaperBroker, paper_of: Callable[..., PaperBroker]
) -> None:
    buy(paper, "1000", "t-all")
    left = paper.fetch_balance(LTC_USDT).free_quote
    assert left < START
    assert paper_of().fetch_balance(LTC_USDT).free_quote == left
    assert paper.fetch_balance(Symbol("LTC", "EUR")).free_quote == START


def test_a_quote_coin_that_was_spent_to_nothing_is_not_given_again(
    paper: PaperBroker, feed: ScriptedFeed
) -> None:
    feed.set_price(LTC_USDT, "100")
    buy(paper, "1000")
    assert paper.fetch_balance(LTC_USDT).free_quote == 0
    assert paper.fetch_balance(LTC_USDT).free_quote == 0


def test_many_first_uses_at_once_give_the_start_balance_once(
    feed: ScriptedFeed, clock: ManualClock
) -> None:
    store = TableStore(MemoryTable(), "paper")
    brokers = [PaperBroker(feed, store, clock, PaperTerms(START)) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        balances = list(pool.map(lambda paper: paper.fetch_balance(LTC_USDT), brokers))
    assert {balance.free_quote for balance in balances} == {START}
    assert store.paper_account().version == 1


def test_a_submission_that_lost_the_race_is_worked_out_anew(
    paper: PaperBroker, store: TroubledStore, clock: ManualClock
) -> None:
    paper.fetch_balance(LTC_USDT)
    store.troubles = ["conflict", "conflict"]
    assert isinstance(paper.read_answer(order_of(clock), buy(paper)), Accepted)
    assert len(paper.fetch_evidence(order_of(clock)).reports) == 1


def test_an_account_that_never_rests_refuses_in_the_end(
    paper: PaperBroker, store: TroubledStore, clock: ManualClock
) -> None:
    paper.fetch_balance(LTC_USDT)
    store.troubles = ["conflict"] * 50
    answer = buy(paper)
    assert label_of(answer) == "TOO_MANY_REQUESTS"
    store.troubles.clear()
    assert paper.fetch_evidence(order_of(clock)).reports == ()


def test_a_submission_past_its_time_is_never_carried_out(
    paper: PaperBroker, store: TroubledStore, clock: ManualClock
) -> None:
    paper.fetch_balance(LTC_USDT)
    started_ms = clock.now_ms()
    store.troubles = ["slow conflict"]
    assert label_of(buy(paper)) == "REQUEST_EXPIRED"
    assert clock.now_ms() < paper.expires_ms(started_ms)


@pytest.mark.parametrize(("trouble", "found"), [("lost before", 0), ("lost after", 1)])
def test_a_commit_whose_answer_is_lost_is_unknown_and_the_listing_tells(
    trouble: str, found: int, paper: PaperBroker, store: TroubledStore, clock: ManualClock
) -> None:
    paper.fetch_balance(LTC_USDT)
    store.troubles = [trouble]
    answer = buy(paper)
    assert (answer.raw, answer.sent) == ("", True)
    assert isinstance(paper.read_answer(order_of(clock), answer), Unknown)
    evidence = paper.fetch_evidence(order_of(clock))
    assert len(evidence.reports) == found
    spent = START - evidence.balance.free_quote
    assert spent == sum((report.totals.quote for report in evidence.reports), Decimal(0))


def test_a_table_that_cannot_be_read_means_that_nothing_was_made(
    paper: PaperBroker, store: TroubledStore, clock: ManualClock
) -> None:
    store.unreadable = True
    assert isinstance(paper.read_answer(order_of(clock), buy(paper)), Rejected)
    assert store.commits == []
    with pytest.raises(ExchangeUnavailable, match="paper exchange: unreadable"):
        paper.fetch_balance(LTC_USDT)
    with pytest.raises(ExchangeUnavailable, match="paper exchange: unreadable"):
        paper.fetch_evidence(order_of(clock))


def test_a_start_balance_whose_commit_is_lost_makes_no_order(
    paper: PaperBroker, store: TroubledStore, clock: ManualClock
) -> None:
    store.troubles = ["lost after"]
    assert isinstance(paper.read_answer(order_of(clock), buy(paper)), Rejected)
    assert paper.fetch_balance(LTC_USDT).free_quote == START


def test_evidence_is_matched_by_name_and_dated_by_the_exchange(
    paper: PaperBroker, feed: ScriptedFeed, clock: ManualClock
) -> None:
    order = order_of(clock)
    buy(paper)
    buy(paper, name="t-paper-other")
    feed.offset_ms = 1_234
    evidence = paper.fetch_evidence(order)
    assert [report.client_order_id for report in evidence.reports] == [OURS]
    assert evidence.server_ms == clock.now_ms() + 1_234


def test_the_report_in_the_listing_is_the_one_in_the_answer(
    paper: PaperBroker, clock: ManualClock
) -> None:
    order = order_of(clock)
    outcome = paper.read_answer(order, buy(paper))
    assert isinstance(outcome, Accepted)
    assert paper.fetch_evidence(order).reports == (outcome.report,)


def test_the_same_name_twice_makes_two_orders_as_at_gate(
    paper: PaperBroker, clock: ManualClock
) -> None:
    buy(paper)
    clock.advance(1)
    buy(paper)
    ids = [report.exchange_order_id for report in paper.fetch_evidence(order_of(clock)).reports]
    assert ids == ["1", "2"]


def test_prices_are_the_feeds(paper: PaperBroker, feed: ScriptedFeed) -> None:
    feed.set_price(LTC_USDT, "64", "64.03")
    paper.fetch_ticker(LTC_USDT)
    paper.fetch_tickers([LTC_USDT])
    paper.fetch_candles(LTC_USDT, "1m", 1, 0)
    paper.fetch_depth(LTC_USDT)
    paper.fetch_rules(LTC_USDT, 0)
    paper.fetch_server_ms()
    assert [method for method, _ in feed.requests] == [
        "fetch_ticker",
        "fetch_tickers",
        "fetch_candles",
        "fetch_depth",
        "fetch_rules",
        "fetch_server_ms",
    ]


LEVELS = st.lists(
    st.tuples(st.integers(1, 500), st.integers(0, 3_000)),
    min_size=0,
    max_size=5,
    unique_by=lambda level: level[0],
)
TRADES = st.lists(st.tuples(st.booleans(), st.integers(1, 400_000)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(LEVELS, LEVELS, TRADES)
def test_the_balances_are_always_what_the_listed_orders_add_up_to(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], trades: list[tuple[bool, int]]
) -> None:
    clock = ManualClock()
    feed, store = ScriptedFeed(clock), TableStore(MemoryTable(), "paper")
    feed.set_depth(
        LTC_USDT,
        bids=[(f"{price / 100}", f"{size / 1000}") for price, size in sorted(bids, reverse=True)],
        asks=[(f"{price / 100 + 5}", f"{size / 1000}") for price, size in sorted(asks)],
    )
    paper = PaperBroker(feed, store, clock, PaperTerms(START))
    for number, (buying, amount) in enumerate(trades):
        clock.advance(1)
        if buying:
            buy(paper, str(Decimal(amount) / 100), f"t-{number}")
        else:
            sell(paper, str(Decimal(amount) / 1000), f"t-{number}")
    listed = [paper_order.report for paper_order in store.paper_orders(0)]
    quote, base = START, Decimal(0)
    for report in listed:
        sign = 1 if report.side is Side.BUY else -1
        quote += -sign * report.totals.quote - report.totals.fee_quote
        base += sign * report.totals.base - report.totals.fee_base
    balance = paper.fetch_balance(LTC_USDT)
    assert (balance.free_quote, balance.free_base) == (quote, base)
    assert min(quote, base) >= 0


def test_the_account_is_replaced_over_the_version_it_was_read_at(
    paper: PaperBroker, store: TroubledStore
) -> None:
    buy(paper)
    account = store.commits[-1][-1]
    assert isinstance(account, Replace)
    assert account.entity.version == 1
