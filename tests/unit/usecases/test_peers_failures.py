"""What other bots were caught doing (reference/peers.md 2), and what this one does instead."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from books import Books
from builders import BTC, ETH, dec, order, quote, report
from crypto_ai_bot.domain.errors import ExchangeRefusesKey, StoreUnavailable
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import Balance, Symbol
from crypto_ai_bot.domain.order import Order, OrderState, Side
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Change, Conflict, Create
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from crypto_ai_bot.usecases.watchdog import watchdog
from fakes import Died, Fault


def restarted(books: Books) -> Books:
    """Another process over the same table and the same exchange."""
    again = Books(clock=books.clock, store=books.store, symbols=books.symbols, stops=books.stops)
    again.broker = books.broker
    return again


def minutes(books: Books, count: int, says: Action = Action.HOLD) -> list[SymbolOutcome]:
    outcomes = []
    for _ in range(count):
        books.next_minute()
        outcomes.append(books.evaluate(says))
    return outcomes


def at_exchange(books: Books, side: Side) -> int:
    return sum(one.side is side for one, _ in books.broker.orders)


def first(outcomes: Sequence[SymbolOutcome]) -> SymbolOutcome:
    return outcomes[0]


def test_a_buy_whose_process_died_before_writing_is_in_the_books(books: Books) -> None:
    """Freqtrade #7184: the buy filled, the insert failed, the trade was lost."""
    books.broker.faults = [Fault.DIED_AFTER]
    with pytest.raises(Died):
        books.enter()
    minutes(restarted(books), 3)
    assert books.ledger.position.base > 0
    books.assert_books_equal_exchange()


def test_a_buy_that_timed_out_and_filled_is_known(books: Books) -> None:
    """Freqtrade #3647: an order that timed out was taken for cancelled, and had filled."""
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    assert first(minutes(books, 1)).decision is Decision.SETTLED
    assert books.ledger.guard
    books.assert_books_equal_exchange()


def test_an_order_that_no_listing_shows_yet_is_not_absent(books: Books) -> None:
    """Freqtrade #4403, hummingbot #8457: a fresh order answers 404 and is taken for none."""
    books.broker.listing_lag_ms = 90_000
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    assert first(minutes(books, 1)).decision is Decision.WAITING
    minutes(books, 3)
    assert books.ledger.position.base > 0
    books.assert_books_equal_exchange()


def test_an_exit_asked_for_by_two_jobs_at_once_sells_once(books: Books) -> None:
    """Freqtrade #13332: exiting a trade caused a double sell."""
    books.enter()
    books.next_minute()
    books.price("18000")
    others = [Job.EXITS, Job.EVALUATE]

    def at(call: str) -> None:
        if call == "balance" and others:
            books.exits() if others.pop() is Job.EXITS else books.evaluate(Action.EXIT)

    books.broker.on_call = at
    books.exits()
    assert at_exchange(books, Side.SELL) == 1
    books.assert_books_equal_exchange()


def test_a_recovered_order_takes_its_own_fill_and_not_that_of_the_trade_before(
    books: Books,
) -> None:
    """Freqtrade #13399: recovery attached the stop of the last trade to the new one, for ever."""
    books.enter()
    books.next_minute()
    books.price("18000")
    books.exits()
    books.price("20000", "20001")
    books.next_minute(2)
    books.broker.faults = [Fault.LOST_AFTER]
    entry = books.enter().order
    assert entry
    minutes(restarted(books), 1)
    settled = books.store.order(entry.client_order_id)
    assert settled
    assert settled.state is OrderState.CLOSED
    assert settled.exchange_order_id == books.broker.orders[-1][0].exchange_order_id
    books.assert_books_equal_exchange()


def test_dust_does_not_keep_the_next_trade_from_being_made(books: Books) -> None:
    """Freqtrade #7586, #3622: dust kept trades open; a partial fill too small could not be sold."""
    books.broker.fill_fraction = dec("0.01")
    books.enter()
    assert books.ledger.position.base > 0
    books.price("18000")
    books.next_minute(2)
    books.exits()
    assert at_exchange(books, Side.SELL) == 0
    books.broker.fill_fraction = dec(1)
    assert books.enter().decision is Decision.ENTER
    books.assert_books_equal_exchange()


def test_what_is_sold_is_what_the_fee_left(books: Books) -> None:
    """Freqtrade #528, #1371, #11007, hummingbot #7311: the base fee made the sale too large."""
    books.enter()
    bought = books.broker.orders[0][0].totals
    books.next_minute()
    books.evaluate(Action.EXIT)
    sold = books.broker.orders[1][0].totals.base
    assert bought.base - bought.fee_base - dec("0.000001") < sold <= bought.base - bought.fee_base
    books.assert_books_equal_exchange()


def test_a_key_that_expired_is_an_alarm_and_the_stop_sells_when_it_is_replaced(
    books: Books,
) -> None:
    """Freqtrade #6783: the key expired, the stop did not run, minus 89 %, and nobody was told."""
    books.enter()
    books.exits()
    books.price("18000")
    readable = books.broker.fetch_balance

    def refused(_symbol: Symbol) -> Balance:
        raise ExchangeRefusesKey("INVALID_KEY: make a new one")

    books.broker.fetch_balance = refused  # type: ignore[assignment,method-assign]  # Gate's answer
    for _ in range(4):
        books.next_minute()
        with pytest.raises(ExchangeRefusesKey, match="INVALID_KEY"):
            books.exits()
    watchdog(books.desk, books.tick(Job.WATCHDOG))
    health = books.store.glance().health
    assert health
    assert health.status == "failing"
    books.broker.fetch_balance = readable  # type: ignore[method-assign]  # a new key
    books.next_minute()
    assert first(books.exits()).decision is Decision.STOP


def test_a_table_that_fails_at_the_journal_keeps_the_order_from_being_sent(books: Books) -> None:
    """Freqtrade #5621, #6353: a full disk, a locked database, and an order without a record."""
    commit = books.store.commit

    def failing(changes: Sequence[Change]) -> Conflict | None:
        if any(isinstance(c, Create) and isinstance(c.entity, Order) for c in changes):
            raise StoreUnavailable("no answer")
        return commit(changes)

    books.store.commit = failing  # type: ignore[method-assign]  # the table, for a moment
    assert books.enter().decision is Decision.ERROR
    assert not books.broker.submissions


def test_the_loss_of_what_is_open_counts_against_the_day() -> None:
    """Freqtrade #8373, #11726: the drawdown guard was worked out wrongly."""
    both = Books(symbols=(BTC, ETH), limits=RiskLimits(daily_loss_quote_max=dec(3)))
    both.broker.quotes[ETH] = quote("1500", "1501")
    both.script.says = Action.ENTER
    evaluate(both.desk, both.tick(Job.EVALUATE, BTC))
    both.price("19300")  # 3.5 quote under what was paid, and above the stop
    both.next_minute(5)
    seen = {one.symbol: one for one in evaluate(both.desk, both.tick(Job.EVALUATE, ETH)).symbols}
    assert seen[ETH].decision is Decision.BLOCKED
    assert any(reason.startswith("daily_loss:") for reason in seen[ETH].reasons)


def test_an_order_of_another_bot_is_not_adopted(books: Books) -> None:
    """Freqtrade #11494, #9782: two bots on one account closed each other's trades."""
    foreign = report(order(client_order_id="t-other-abc"), "0.01", "200")
    books.broker.orders.append((foreign, books.clock.at_ms))
    books.broker.balances["BTC"] = dec("0.00998")
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    minutes(books, 2)
    bought = books.ledger.position.base
    assert 0 < bought < dec("0.00998")
    assert books.reconcile().decision is Decision.HOLD
    books.price("18000")
    books.exits()
    assert books.broker.balances["BTC"] >= dec("0.00998")


def test_a_position_closed_by_hand_is_told_once_and_not_sold_again_and_again(
    books: Books,
) -> None:
    """Freqtrade #7606: closed by hand while the bot was offline, stops were made without end."""
    books.enter()
    books.broker.balances["BTC"] = dec(0)
    books.price("18000")
    for _ in range(5):
        books.next_minute()
        assert first(books.exits()).decision is Decision.BLOCKED
        books.reconcile()
    assert len(books.broker.submissions) == 1
    assert [one.kind for one in books.store.events(100)].count(EventKind.HALT) == 1


def test_a_signal_that_stands_is_not_bought_again_after_a_timeout(books: Books) -> None:
    """Freqtrade [code]: a timeout is a warning, and the loop buys again on the same signal."""
    books.broker.faults = [Fault.LOST_AFTER]
    for _ in range(3):
        books.enter()
        books.clock.at_ms += 5_000
    assert at_exchange(books, Side.BUY) == 1
    assert len(books.broker.submissions) == 1
    books.assert_books_equal_exchange()


def test_errors_while_searching_are_not_answers_that_it_is_not_there(books: Books) -> None:
    """Hummingbot #8457: more than three errors in an outage, and six live orders were dropped."""
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    books.broker.down = True
    for outcome in minutes(books, 30):
        assert outcome.decision is Decision.ERROR
    assert books.ledger.pending
    assert books.ledger.halt is None
    books.broker.down = False
    minutes(books, 1)
    books.assert_books_equal_exchange()
    assert books.ledger.position.base > 0


def test_a_timeout_is_not_a_failure_and_a_new_attempt_needs_proof(books: Books) -> None:
    """Hummingbot #2342, #493, #3374: a timeout was a failure, and orders came twice."""
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    name = books.broker.submissions[0]
    minutes(books, 1, Action.ENTER)
    assert books.broker.submissions == [name]
    minutes(books, 3)
    settled = books.store.order(name)
    assert settled
    assert settled.state is OrderState.NOT_PLACED
    assert settled.resolution.startswith("3 complete searches over ")
    assert books.enter().decision is Decision.ENTER
    assert len(set(books.broker.submissions)) == 2


def test_a_sale_that_filled_unseen_is_not_repeated_until_it_is_rejected(books: Books) -> None:
    """Hummingbot #7503: a sell filled undetected and was retried until the exchange refused."""
    books.enter()
    books.price("18000")
    books.next_minute()
    books.broker.faults = [Fault.LOST_AFTER]
    books.exits()
    books.next_minute()
    books.exits()
    assert at_exchange(books, Side.SELL) == 1
    assert len(books.broker.submissions) == 2
    books.assert_books_equal_exchange()


def test_an_order_below_the_minimum_is_not_sent_however_often_it_is_asked_for(
    books: Books,
) -> None:
    """Hummingbot #4199, #4087: orders below the minimum were sent and refused in a loop."""
    books.broker.rules[BTC] = replace(
        books.broker.fetch_rules(BTC, books.clock.at_ms), amount_quote_min=dec(101)
    )
    for outcome in [books.enter(), *minutes(books, 3, Action.ENTER)]:
        assert outcome.decision is Decision.BLOCKED
        assert outcome.reasons == ("minimum: 100 quote, 101 needed",)
    assert not books.broker.submissions


def test_a_fill_read_again_after_a_restart_counts_once(books: Books) -> None:
    """Hummingbot #2945, nautilus #3176, #3878, #3046: restarts doubled orders and fills."""
    books.broker.faults = [Fault.LOST_AFTER]
    name = books.enter().order
    assert name
    for _ in range(4):
        minutes(restarted(books), 1)
    assert len(books.store.fills(name.client_order_id)) == 1
    assert at_exchange(books, Side.BUY) == 1
    books.assert_books_equal_exchange()


def test_a_stop_by_the_operator_ends_entries_and_no_exit(books: Books) -> None:
    """Hummingbot #2534: the kill switch fired, and orders went on."""
    books.enter()
    set_trading_state(books.store, books.clock, TradingState.EXITS_ONLY, "enough", "operator")
    books.price("18000")
    books.next_minute()
    assert first(books.exits()).decision is Decision.STOP
    for outcome in minutes(books, 5, Action.ENTER):
        assert outcome.decision is Decision.BLOCKED
    assert at_exchange(books, Side.BUY) == 1


def test_a_day_without_a_loss_stops_nothing() -> None:
    """Hummingbot #1145: the kill switch fired with no trades made."""
    careful = Books(limits=RiskLimits(daily_loss_quote_max=dec("0.01")))
    assert careful.enter().decision is Decision.ENTER


def test_no_answer_is_never_a_rejection(books: Books) -> None:
    """Nautilus #4958, #3879, #4152: a timeout became REJECTED while the order was filled."""
    books.broker.faults = [Fault.LOST_AFTER]
    entry = books.enter().order
    assert entry
    assert entry.state is OrderState.UNKNOWN
    for _ in range(3):
        minutes(books, 1)
        found = books.store.order(entry.client_order_id)
        assert found
        assert found.state in {OrderState.UNKNOWN, OrderState.CLOSED}
    assert not books.store.unresolved_orders()


def test_every_order_under_way_at_a_start_is_taken_up() -> None:
    """Nautilus #5000, #5057: a start dropped fourteen working orders."""
    books = Books(symbols=(BTC, ETH))
    books.broker.quotes[ETH] = quote("1500", "1501")
    books.broker.faults = [Fault.LOST_AFTER, Fault.LOST_AFTER]
    books.script.says = Action.ENTER
    evaluate(books.desk, books.tick(Job.EVALUATE))
    assert len(books.store.unresolved_orders()) == 2
    books.next_minute()
    again = restarted(books)
    evaluate(again.desk, again.tick(Job.EVALUATE))
    again.assert_books_equal_exchange()
    assert all(again.store.glance().ledgers[symbol].guard for symbol in (BTC, ETH))


def test_a_balance_that_moved_makes_no_fill(books: Books) -> None:
    """Nautilus #4739: fills were made up to explain a position."""
    books.enter()
    held = books.ledger.position
    books.next_minute()
    books.broker.balances["BTC"] += dec("0.5")
    books.reconcile()
    assert books.ledger.position == held
    assert any(one.kind is EventKind.DRIFT for one in books.store.events(100))


def test_stops_and_steps_outlive_the_process(books: Books) -> None:
    """OctoBot #3190, jesse #355: stop and take profit, and the entry price, went with a restart."""
    books.stops = StopRules(hard_pct=5.0, take_profit=(TakeProfitStep(5.0, dec("0.5")),))
    books.enter()
    guard = books.ledger.guard
    again = restarted(books)
    assert again.ledger.guard == guard
    again.next_minute()
    again.price("21100")
    assert first(again.exits()).decision is Decision.STOP
    again.next_minute()
    again.price("18000")
    assert first(restarted(again).exits()).decision is Decision.STOP
    books.assert_books_equal_exchange()


def test_an_order_that_was_not_made_is_told(books: Books) -> None:
    """OctoBot #1333: orders were missing and nothing said so."""
    books.broker.faults = [Fault.REJECTED]
    outcome = books.enter()
    assert outcome.order
    assert outcome.order.state is OrderState.REJECTED
    assert any("made no order (rejected)" in one.text for one in books.store.events(10))


def test_a_position_that_a_run_saw_too_late_is_not_bought_twice(books: Books) -> None:
    """Passivbot #980: a stale position, the same entry twice, exposure of 142 %."""
    books.limits = RiskLimits(exposure_quote_max=dec(150))
    others = [books.enter]

    def at(call: str) -> None:
        if call == "candles" and others:
            others.pop()()

    books.broker.on_call = at
    books.enter()
    minutes(books, 3, Action.ENTER)
    assert at_exchange(books, Side.BUY) == 1
    assert books.store.glance().account.exposure_quote <= 150


def test_a_price_that_jumped_over_the_stop_sells(books: Books) -> None:
    """Passivbot #477: the stop never triggered. Freqtrade #12984: triggered, and never filled."""
    books.enter()
    books.next_minute()
    books.price("9000")
    assert first(books.exits()).decision is Decision.STOP
    assert books.ledger.guard is None


def test_a_fill_of_an_hour_offline_is_found(books: Books) -> None:
    """Passivbot PR #1393: fills were missed while offline."""
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    books.next_minute(60)
    minutes(restarted(books), 1)
    assert books.ledger.position.base > 0
    books.assert_books_equal_exchange()


def test_a_risk_input_that_fails_does_not_disable_protection(books: Books) -> None:
    """Passivbot PR #1749: what feeds the risk rules failed, and stops failed with it."""
    books.enter()
    books.switch.state = None
    books.broker.troubled = "3 requests in a row had no answer"
    books.limits = RiskLimits(orders_per_hour_max=1, daily_loss_quote_max=dec("0.01"))
    books.price("18000")
    books.next_minute()
    assert first(books.exits()).decision is Decision.STOP


def test_after_a_step_the_stop_sells_the_rest_and_no_more(books: Books) -> None:
    """Jesse #510: the quantity of the stop was wrong after a partial take profit."""
    books.stops = StopRules(hard_pct=5.0, take_profit=(TakeProfitStep(5.0, dec("0.5")),))
    books.enter()
    books.next_minute()
    books.price("21100")
    books.exits()
    rest = books.ledger.position.base
    books.next_minute()
    books.price("18000")
    books.exits()
    sold = [one.totals.base for one, _ in books.broker.orders if one.side is Side.SELL]
    assert rest - dec("0.000001") < sold[1] <= rest
    books.assert_books_equal_exchange()


def test_a_start_closes_nothing(books: Books) -> None:
    """Jesse #371: with persistence off, a start closed all positions."""
    books.enter()
    again = restarted(books)
    again.next_minute()
    for job in (again.exits, again.reconcile, again.evaluate):
        job()
    assert at_exchange(books, Side.SELL) == 0
    assert again.ledger.position.base > 0
