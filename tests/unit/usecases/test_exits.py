import pytest

from books import Books
from builders import BTC, ETH, NOON_MS, dec, market, quote
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import TradeStatus
from crypto_ai_bot.domain.order import Purpose
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.outcome import Decision
from fakes import Died, FakeSwitch, Fault


def test_with_nothing_held_the_exchange_is_not_asked(books: Books) -> None:
    assert books.exits() == ()
    assert books.broker.calls == []


def test_a_price_at_the_stop_sells_all(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.price("19000")
    (outcome,) = books.exits()
    assert outcome.decision is Decision.STOP
    assert outcome.order
    assert outcome.order.request.purpose is Purpose.STOP
    assert books.ledger.guard is None
    books.assert_books_equal_exchange()


def test_while_a_position_is_open_it_looks_again_within_the_minute(books: Books) -> None:
    books.enter()
    books.next_minute()
    falls_at_ms = books.clock.at_ms + 30_000
    books.clock.on_wait = lambda at_ms: books.price("18000") if at_ms >= falls_at_ms else None
    (outcome,) = books.exits()
    assert outcome.decision is Decision.STOP
    assert outcome.order
    assert outcome.order.request.slot_ms == falls_at_ms


def test_the_passes_end_with_the_minute_or_with_the_time_of_the_invocation(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.exits()
    assert books.clock.at_ms < NOON_MS + 2 * 60_000
    assert books.clock.left_ms >= 10_000


def test_the_peak_is_kept_from_run_to_run_and_the_stop_only_rises(books: Books) -> None:
    books.stops = StopRules(hard_pct=5, trailing_pct=3)
    books.enter()
    stops = []
    for price in ("20500", "21000", "20600", "20500"):
        books.next_minute()
        books.price(price)
        books.exits()
        guard = books.ledger.guard
        assert guard
        stops.append(guard.stop_price)
    assert stops == sorted(stops)
    books.next_minute()
    books.price("20369")
    assert books.exits()[0].decision is Decision.STOP


def test_a_step_sells_its_share_and_the_rest_stays_guarded(books: Books) -> None:
    books.stops = StopRules(hard_pct=5, take_profit=(TakeProfitStep(2, dec("0.5")),))
    books.enter()
    bought = books.ledger.position.base
    books.next_minute()
    books.price("20500")
    (outcome,) = books.exits()
    assert outcome.order
    assert outcome.order.request.purpose is Purpose.TAKE_PROFIT
    assert dec("0.49") < books.ledger.position.base / bought < dec("0.51")
    assert books.ledger.guard
    books.assert_books_equal_exchange()


@pytest.mark.parametrize("state", [TradingState.EXITS_ONLY, None])
def test_stops_sell_while_entries_are_closed(books: Books, state: TradingState | None) -> None:
    books.enter()
    books.switch = FakeSwitch(state)
    books.price("18000")
    books.next_minute()
    assert books.exits()[0].decision is Decision.STOP


def test_off_keeps_even_a_stop_from_selling_and_says_so(books: Books) -> None:
    books.enter()
    books.switch = FakeSwitch(TradingState.OFF)
    books.price("18000")
    books.next_minute()
    (outcome,) = books.exits()
    assert outcome.decision is Decision.BLOCKED
    assert outcome.reasons == ("trading_state: off makes no order",)


def test_every_open_position_is_judged_or_the_reason_is_told(books: Books) -> None:
    """Invariant I9: the exchange is down, so the reason is told."""
    books.enter()
    books.next_minute()
    books.broker.down = True
    (outcome,) = books.exits()
    assert outcome.decision is Decision.ERROR
    assert not books.store.glance().heartbeats[Job.EXITS].ok


def test_a_position_of_a_symbol_that_is_no_longer_configured_is_still_protected(
    books: Books,
) -> None:
    books.enter()
    books.symbols = (ETH,)
    books.next_minute()
    books.price("18000")
    (outcome,) = books.exits()
    assert outcome.symbol == BTC
    assert outcome.decision is Decision.STOP


def test_a_shard_looks_at_its_own_symbols_alone(books: Books) -> None:
    books.enter()
    books.next_minute()
    assert exits(books.desk, books.tick(Job.EXITS, ETH)).symbols == ()


def test_the_same_exits_tick_delivered_twice_at_once_sells_once(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.price("18000")
    nested: list[str] = []

    def deliver_again(call: str) -> None:
        if not nested:
            nested.append(call)
            exits(books.desk, books.tick(Job.EXITS))

    books.broker.on_call = deliver_again
    exits(books.desk, books.tick(Job.EXITS))
    assert len(books.broker.submissions) == 2
    books.assert_books_equal_exchange()


def test_a_stop_whose_run_died_is_resolved_before_anything_else_is_sold(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.price("18000")
    books.broker.faults = [Fault.DIED_AFTER]
    with pytest.raises(Died):
        books.exits()
    books.next_minute(2)
    (outcome,) = books.exits()
    assert outcome.decision is Decision.SETTLED
    assert len(books.broker.submissions) == 2
    books.assert_books_equal_exchange()


def test_a_stop_rejected_by_the_exchange_is_tried_again_at_the_next_look(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.price("18000")
    books.broker.faults = [Fault.REJECTED]
    books.exits()
    books.assert_books_equal_exchange()
    assert books.ledger.guard is None
    assert len(books.broker.submissions) == 3


def test_a_market_that_is_closed_to_sells_is_told(books: Books) -> None:
    books.enter()
    closed = market(trade_status=TradeStatus.UNTRADABLE)
    books.broker.rules[BTC] = closed
    books.next_minute()
    books.reconcile()
    books.price("18000")
    (outcome,) = books.exits()
    assert outcome.decision is Decision.BLOCKED
    assert outcome.reasons == ("market: untradable",)


def test_dust_is_kept_in_the_ledger_and_not_chased(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.price("18000")
    books.exits()
    books.broker.calls.clear()
    books.next_minute()
    assert books.exits() == ()
    books.assert_books_equal_exchange()


def test_another_runs_lease_keeps_the_ratchet_and_the_sale_waiting(books: Books) -> None:

    books.enter()
    books.next_minute()
    leased = books.ledger.leased_to("another run", books.clock.at_ms + 10**6)
    books.store.commit([Replace(leased)])
    leased = books.ledger
    books.price("21000")
    (outcome,) = books.exits()
    assert outcome.decision is Decision.HOLD
    assert books.ledger == leased
    books.next_minute()
    books.price("18000")
    (outcome,) = books.exits()
    assert outcome.decision is Decision.BUSY
    assert len(books.broker.submissions) == 1


def test_a_position_that_another_run_sold_meanwhile_keeps_no_other_from_being_judged() -> None:
    books = Books(symbols=(BTC, ETH))
    books.broker.quotes[ETH] = quote("1500", "1501")
    books.script.says = Action.ENTER
    evaluate(books.desk, books.tick(Job.EVALUATE))
    books.next_minute()
    books.price("18000")

    def another_run_sells(call: str) -> None:
        if call == "submit":
            books.broker.on_call = lambda _call: None
            books.script.says = Action.EXIT
            evaluate(books.desk, books.tick(Job.EVALUATE, ETH))

    books.broker.on_call = another_run_sells
    first, second = books.exits()
    assert first.decision is Decision.STOP
    assert second.decision is Decision.HOLD
    assert second.reasons == ("another run has sold it",)
    books.assert_books_equal_exchange()


def test_a_stop_that_was_reached_on_an_old_price_does_not_sell_at_a_new_one(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.price("18000")

    def freeze(call: str) -> None:
        if call == "balance":
            books.broker.on_call = lambda _call: None
            books.clock.at_ms += 61_000
            books.price("20000")

    books.broker.on_call = freeze
    (outcome,) = books.exits()
    assert outcome.decision is Decision.BLOCKED
    assert outcome.reasons == ("price: 61 s old, 60 s allowed",)
    books.next_minute()
    (outcome,) = books.exits()
    assert outcome.decision is Decision.HOLD


@pytest.mark.parametrize(
    ("call", "stops"),
    [
        ("tickers", StopRules(take_profit=(TakeProfitStep(2, dec("0.5")),))),
        ("balance", StopRules(take_profit=(TakeProfitStep(2, dec("0.5")),))),
        ("balance", StopRules(time_ms=60_000)),
    ],
)
def test_a_stop_of_a_position_that_is_gone_does_not_sell_its_successor(
    books: Books, call: str, stops: StopRules
) -> None:
    """Another run has sold it and bought anew; the stop was judged on what is no more."""
    books.stops = stops
    books.enter()
    books.next_minute()
    books.price("20500")

    def another_run(asked: str) -> None:
        if asked == call:
            books.broker.on_call = lambda _call: None
            books.evaluate(Action.EXIT)
            books.enter()

    books.broker.on_call = another_run
    tick = books.tick(Job.EXITS, scheduled_ms=books.clock.at_ms - 50_000)
    (outcome,) = exits(books.desk, tick).symbols
    assert outcome.decision is Decision.BUSY
    assert len(books.broker.submissions) == 3
    books.assert_books_equal_exchange()


def test_a_stop_sells_what_is_left_when_the_rest_was_taken_away(books: Books) -> None:
    """A sell of all that the books hold would be refused for ever, and the rest have no stop."""
    books.enter()
    held = books.ledger.position.base
    books.broker.balances["BTC"] = held / 2
    books.next_minute()
    books.price("18000")
    (outcome, *_) = books.exits()
    assert outcome.decision is Decision.STOP
    assert books.broker.balances["BTC"] < dec("0.000001")
    assert len(books.broker.submissions) == 2
    (outcome,) = [one for one in books.exits() if one.decision is not Decision.STOP]
    assert outcome.decision is Decision.BLOCKED
    assert any("free at the exchange" in reason for reason in outcome.reasons)
    assert len(books.broker.submissions) == 2


def test_the_slot_of_a_stop_is_that_of_its_pass_however_late_it_runs(books: Books) -> None:
    """So a run that was delivered twice, at different times, makes the same name."""
    books.enter()
    books.next_minute()
    scheduled_ms = books.clock.at_ms
    books.clock.at_ms += 17_000
    books.price("18000")
    (outcome,) = exits(books.desk, books.tick(Job.EXITS, scheduled_ms=scheduled_ms)).symbols
    assert outcome.order
    assert outcome.order.request.slot_ms == scheduled_ms
