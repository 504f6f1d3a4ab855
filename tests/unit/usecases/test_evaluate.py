from dataclasses import replace

import pytest

from books import Books
from builders import BTC, ETH, LIMITS, NOON_MS, dec, quote
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.outcome import Decision
from fakes import FakeSwitch


def test_a_quiet_tick_reads_the_books_once_and_asks_for_all_prices_once(books: Books) -> None:
    outcome = books.evaluate()
    assert outcome.decision is Decision.HOLD
    assert books.broker.calls == ["tickers", "rules", "candles"]
    books.broker.calls.clear()
    books.evaluate()
    assert books.broker.calls == ["tickers", "candles"]


def test_an_entry_buys_once_and_the_books_equal_the_exchange(books: Books) -> None:
    outcome = books.enter()
    assert outcome.decision is Decision.ENTER
    assert outcome.order
    assert outcome.order.totals.quote <= 100
    assert books.ledger.position.base == outcome.order.totals.base * dec("0.998")
    books.assert_books_equal_exchange()


def test_one_bar_makes_at_most_one_entry_however_often_evaluate_runs(books: Books) -> None:
    books.enter()
    books.evaluate(Action.EXIT)
    again = books.enter()
    assert again.decision is Decision.BLOCKED
    assert any(reason.startswith("slot:") for reason in again.reasons)
    assert len(books.broker.submissions) == 2


def test_the_slot_of_an_entry_is_the_close_of_the_bar_that_signalled(books: Books) -> None:
    books.clock.at_ms += 25_000
    outcome = books.enter()
    assert outcome.order
    assert outcome.order.request.slot_ms == NOON_MS


def test_an_exit_sells_all_that_is_held(books: Books) -> None:
    books.enter()
    outcome = books.evaluate(Action.EXIT)
    assert outcome.decision is Decision.EXIT
    assert books.ledger.guard is None
    assert books.ledger.position.base < dec("0.000001")
    books.assert_books_equal_exchange()


def test_every_refusal_names_every_reason(books: Books) -> None:
    books.limits = replace(LIMITS, spread_pct_max=dec("0.01"), exposure_quote_max=dec(50))
    books.price("20000", "20100")
    outcome = books.enter()
    assert outcome.decision is Decision.BLOCKED
    assert [reason.split(":")[0] for reason in outcome.reasons] == ["spread", "exposure"]
    assert outcome.verdict
    assert outcome.verdict.as_json()["ok"] is False
    assert not books.broker.submissions


def test_a_second_symbol_is_judged_on_what_the_first_has_just_committed() -> None:
    books = Books(symbols=(BTC, ETH), limits=replace(LIMITS, exposure_quote_max=dec(150)))
    books.broker.quotes[ETH] = quote("1500", "1501")
    books.script.says = Action.ENTER
    first, second = evaluate(books.desk, books.tick(Job.EVALUATE)).symbols
    assert first.decision is Decision.ENTER
    assert second.decision is Decision.BLOCKED
    assert [reason.split(":")[0] for reason in second.reasons] == ["exposure"]


def test_a_stale_tick_makes_no_entry(books: Books) -> None:
    books.script.says = Action.ENTER
    tick = books.tick(Job.EVALUATE, scheduled_ms=books.clock.at_ms - 91_000)
    outcome = evaluate(books.desk, tick).symbols[0]
    assert outcome.decision is Decision.BLOCKED
    assert outcome.reasons[0].startswith("stale_tick")


@pytest.mark.parametrize("state", [TradingState.EXITS_ONLY, TradingState.OFF, None])
def test_entries_are_closed_unless_the_parameter_says_on(
    books: Books, state: TradingState | None
) -> None:
    books.switch = FakeSwitch(state)
    outcome = books.enter()
    assert outcome.decision is Decision.BLOCKED
    assert not books.broker.submissions


def test_a_parameter_that_cannot_be_read_leaves_exits_open(books: Books) -> None:
    books.enter()
    books.switch = FakeSwitch(None)
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT


def test_off_closes_exits_too(books: Books) -> None:
    books.enter()
    books.switch = FakeSwitch(TradingState.OFF)
    assert books.evaluate(Action.EXIT).decision is Decision.BLOCKED


def test_the_stop_of_an_operator_holds_even_when_it_comes_after_the_books_were_read(
    books: Books,
) -> None:
    """Invariant I8: the state is checked in the order's own transaction."""

    def stop_while_the_balance_is_read(call: str) -> None:
        if call == "balance":
            state = TradingState.EXITS_ONLY
            set_trading_state(books.store, books.clock, state, "a test", "operator")

    books.broker.on_call = stop_while_the_balance_is_read
    outcome = books.enter()
    assert outcome.decision is Decision.BLOCKED
    assert outcome.reasons == ("trading_state: exits_only makes no entry",)
    assert not books.broker.submissions


def test_no_opinion_before_the_warm_up_is_complete(books: Books) -> None:
    books.broker.candles = [Candle(NOON_MS - 60_000, 1, 1, 1, 1, 1)]
    outcome = books.enter()
    assert outcome.decision is Decision.HOLD
    assert "warming up" in outcome.reasons[0]


def test_no_opinion_on_a_bar_that_is_not_the_last_one_due(books: Books) -> None:
    old = range(NOON_MS - 4 * 60_000, NOON_MS - 60_000, 60_000)
    books.broker.candles = [Candle(at_ms, 1, 1, 1, 1, 1) for at_ms in old]
    outcome = books.enter()
    assert outcome.decision is Decision.HOLD
    assert "a gap" in outcome.reasons[0]


def test_an_exchange_that_is_down_is_told_and_the_next_tick_recovers(books: Books) -> None:
    books.broker.down = True
    assert books.enter().decision is Decision.ERROR
    assert not books.store.glance().heartbeats[Job.EVALUATE].ok
    books.broker.down = False
    books.next_minute()
    assert books.enter().decision is Decision.ENTER
    assert books.store.glance().heartbeats[Job.EVALUATE].ok


def test_one_symbol_without_a_price_does_not_keep_the_others_back() -> None:
    books = Books(symbols=(ETH, BTC))
    books.script.says = Action.ENTER
    first, second = evaluate(books.desk, books.tick(Job.EVALUATE)).symbols
    assert first.decision is Decision.ERROR
    assert second.decision is Decision.ENTER


def test_too_little_time_left_makes_no_order_and_leaves_the_symbol_free(books: Books) -> None:
    books.clock.left_ms = 9_999
    assert books.enter().decision is Decision.ERROR
    assert books.ledger.lease is None
    assert not books.broker.submissions
    books.next_minute()
    assert books.enter().decision is Decision.ENTER


def test_a_late_run_does_not_overwrite_the_heartbeat_of_a_newer_one(books: Books) -> None:
    books.evaluate()
    evaluate(books.desk, books.tick(Job.EVALUATE, scheduled_ms=NOON_MS - 60_000))
    assert books.store.glance().heartbeats[Job.EVALUATE].scheduled_ms == NOON_MS


def test_no_entry_without_the_measure_of_its_stop(books: Books) -> None:
    books.stops = StopRules(atr_multiple=2.0)
    books.script.atr = 0.0
    outcome = books.enter()
    assert outcome.decision is Decision.HOLD
    assert "ATR stop" in outcome.reasons[0]
    books.script.atr = 15.0
    assert books.enter().decision is Decision.ENTER


def test_a_failing_exchange_holds_entries_back_and_never_exits(books: Books) -> None:
    books.broker.troubled = "3 requests in a row had no answer"
    blocked = books.enter()
    assert blocked.decision is Decision.BLOCKED
    assert blocked.reasons == ("exchange: 3 requests in a row had no answer",)
    assert blocked.verdict
    assert not blocked.verdict.ok
    assert "balance" not in books.broker.calls, "the account of a failing exchange is left alone"
    books.broker.troubled = ""
    books.enter()
    books.broker.troubled = "3 requests in a row had no answer"
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT


def test_the_parameter_is_read_when_the_entry_is_judged_not_when_the_run_began(
    books: Books,
) -> None:
    """Invariant I8: with many symbols, or a frozen run, the beginning was long ago."""

    def stop_while_candles_are_read(call: str) -> None:
        if call == "candles":
            books.switch = FakeSwitch(TradingState.EXITS_ONLY)

    desk = replace(books.desk, switch=SwitchOf(books))
    books.broker.on_call = stop_while_candles_are_read
    books.script.says = Action.ENTER
    outcome = evaluate(desk, books.tick(Job.EVALUATE)).symbols[0]
    assert outcome.decision is Decision.BLOCKED
    assert outcome.reasons == ("trading_state: exits_only makes no entry",)


def test_a_run_frozen_after_its_entry_was_judged_judges_anew(books: Books) -> None:
    """The parameter was turned meanwhile, and the price is one that nobody has seen."""

    def freeze(call: str) -> None:
        if call == "time":
            books.clock.at_ms += 61_000
            books.switch = FakeSwitch(TradingState.EXITS_ONLY)

    desk = replace(books.desk, switch=SwitchOf(books))
    books.broker.on_call = freeze
    books.script.says = Action.ENTER
    outcome = evaluate(desk, books.tick(Job.EVALUATE)).symbols[0]
    assert outcome.decision is Decision.BLOCKED
    assert [reason.split(":")[0] for reason in outcome.reasons] == ["trading_state", "price"]
    assert books.ledger.lease is None
    assert not books.store.unresolved_orders()
    assert not books.broker.submissions


class SwitchOf:
    """The parameter as the bench has it at the moment it is read."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def read(self) -> TradingState:
        return self._books.switch.read()
