"""Our request carried out twice on the way: what the name says is ours is taken into the books."""

from dataclasses import replace
from decimal import Decimal

import pytest

from books import Books
from builders import BTC, dec
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.ledger import Halt
from crypto_ai_bot.domain.order import OrderState, Side, Totals
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.usecases.by_hand import compare
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from fakes import Fault


def repeat(books: Books, of: int = -1, fraction: str = "1") -> None:
    """The exchange carries out an order of ours once more, and nobody is told."""
    report, _ = books.broker.orders[of]
    part, totals = dec(fraction), report.totals
    books.broker._apply(
        BTC,
        report.side,
        Totals(
            totals.base * part,
            totals.quote * part,
            totals.fee_base * part,
            totals.fee_quote * part,
        ),
        report.client_order_id,
    )


def reconciled(books: Books) -> SymbolOutcome:
    books.next_minute(5)
    return books.reconcile()


def drifts(books: Books) -> list[Event]:
    return [event for event in books.store.events(100) if event.kind is EventKind.DRIFT]


def test_a_repeated_buy_is_adopted_and_a_person_is_asked_to_look(books: Books) -> None:
    books.enter()
    repeat(books)
    outcome = reconciled(books)
    assert outcome.decision is Decision.SETTLED
    assert outcome.order
    assert outcome.order.exchange_order_id == "7001+7002"
    assert outcome.order.state is OrderState.CLOSED
    books.assert_books_equal_exchange()
    assert books.ledger.halt is None
    assert books.ledger.guard
    assert books.ledger.guard.bought_base == books.ledger.position.base
    control = books.store.glance().control
    assert control.state is TradingState.EXITS_ONLY
    assert "an intermediary repeated the request" in control.reason
    assert len(drifts(books)) == 1
    assert reconciled(books).reasons == ("books agree",)
    assert len(drifts(books)) == 1


def test_what_was_bought_twice_is_sold_whole_by_its_stop(books: Books) -> None:
    books.enter()
    repeat(books)
    reconciled(books)
    books.price("18000")
    books.next_minute()
    assert books.exits()[0].decision is Decision.STOP
    books.assert_books_equal_exchange()
    assert books.broker.balances["BTC"] < dec("0.000001")


@pytest.mark.parametrize("fraction", ["0.5", "0"])
def test_a_repetition_that_filled_in_part_or_not_at_all_is_in_the_books_too(
    books: Books, fraction: str
) -> None:
    books.enter()
    repeat(books, fraction=fraction)
    assert reconciled(books).decision is Decision.SETTLED
    books.assert_books_equal_exchange()
    assert reconciled(books).reasons == ("books agree",)


def test_a_third_one_is_adopted_as_the_second_was(books: Books) -> None:
    books.enter()
    repeat(books)
    reconciled(books)
    repeat(books)
    outcome = reconciled(books)
    assert outcome.order
    assert outcome.order.exchange_order_id == "7001+7002+7003"
    assert len({fill.fill_id for fill in books.store.fills(outcome.order.client_order_id)}) == 3
    books.assert_books_equal_exchange()


def test_a_repeated_buy_that_was_sold_meanwhile_is_a_position_again(books: Books) -> None:
    books.enter()
    repeat(books)
    books.next_minute()
    books.evaluate(Action.EXIT)
    sold = books.ledger
    assert sold.guard is None
    assert reconciled(books).decision is Decision.SETTLED
    books.assert_books_equal_exchange()
    assert books.ledger.guard
    assert books.ledger.guard.opened_ms > books.clock.at_ms - 10 * 60_000


def test_a_repeated_sell_of_a_part_is_adopted(books: Books) -> None:
    books.enter()
    held = books.ledger.position.base
    books.next_minute()
    books.broker.fill_fraction = dec("0.4")
    books.evaluate(Action.EXIT)
    repeat(books)
    assert reconciled(books).decision is Decision.SETTLED
    books.assert_books_equal_exchange()
    assert books.ledger.position.base < held * Decimal("0.3")


def test_a_repeated_sell_of_coins_that_were_not_ours_is_told_and_left_out(books: Books) -> None:
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.next_minute()
    books.evaluate(Action.EXIT)
    dust = books.ledger.position.base
    repeat(books)
    outcome = reconciled(books)
    assert any("has the name of our" in reason for reason in outcome.reasons)
    assert books.ledger.position.base == dust
    assert books.ledger.pending is None
    assert books.store.glance().control.state is TradingState.EXITS_ONLY
    assert reconciled(books).reasons == ("books agree",)
    assert books.ledger.expected_base == books.broker.balances["BTC"]


def test_a_repeated_sell_of_what_was_bought_twice_is_settled_once_both_are_known(
    books: Books,
) -> None:
    """Found by live days: the sell sells more than the books have, until they have both buys."""
    books.enter()
    repeat(books)
    books.next_minute()
    books.broker.faults = [Fault.LOST_AFTER]
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT
    repeat(books)
    books.next_minute()
    pending = books.ledger.pending
    adopted = books.evaluate(Action.HOLD)
    assert adopted.symbol == BTC
    assert "the exchange made it as 7001+7002" in adopted.reasons[0]
    assert books.ledger.halt
    assert "sells" in books.ledger.halt.reason
    assert books.ledger.pending == pending
    assert books.store.glance().control.state is TradingState.EXITS_ONLY
    assert books.evaluate(Action.HOLD).decision is Decision.SETTLED
    books.assert_books_equal_exchange()
    account = books.store.glance().account
    assert account.exposure_quote == books.ledger.position.cost_quote


def test_a_buy_under_way_stays_counted_when_an_older_one_is_adopted_beside_it(
    books: Books,
) -> None:
    """Invariant I5: pending buys count as bought."""
    books.enter()
    repeat(books)
    books.next_minute()
    books.evaluate(Action.EXIT)
    books.next_minute()
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    halted = replace(books.ledger, halt=Halt("a person must look", books.clock.at_ms))
    assert books.store.commit([Replace(halted)]) is None
    assert books.reconcile().decision is Decision.SETTLED
    assert books.ledger.pending == halted.pending
    exposure = books.store.glance().account.exposure_quote
    assert exposure == books.ledger.position.cost_quote + dec(100)


def test_a_repetition_that_is_not_finished_is_adopted_when_it_is(books: Books) -> None:
    books.enter()
    repeat(books)
    (first, at_ms), (again, later_ms) = books.broker.orders
    books.broker.orders = [(first, at_ms), (replace(again, finished=False), later_ms)]
    reconciled(books)
    order = books.store.order(first.client_order_id)
    assert order
    assert order.state is OrderState.CLOSED
    assert not books.store.unresolved_orders()
    books.broker.orders = [(first, at_ms), (again, later_ms)]
    reconciled(books)
    order = books.store.order(first.client_order_id)
    assert order
    assert order.exchange_order_id == "7001+7002"


def test_a_name_of_ours_on_the_other_side_is_another_deployments(books: Books) -> None:
    books.enter()
    name = books.broker.submissions[0]
    books.broker._apply(BTC, Side.SELL, Totals(dec("0.001"), dec(20)), name)
    reconciled(books)
    assert "deployment 'paper'" in books.store.glance().control.reason
    order = books.store.order(name)
    assert order
    assert order.exchange_order_id == "7001"


def test_the_person_sees_the_repetition_before_reconcile_has_run(books: Books) -> None:
    books.enter()
    repeat(books)
    (seen,) = compare(books.desk)
    assert any("order 7002 has the name of our" in line for line in seen.evidence)


def refused_and_carried_out(books: Books, listing_lag_ms: int = 0) -> str:
    """A sell whose refusal was a lie, and whose search had no answer; its name."""
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.price("18000")
    books.next_minute()

    def goes_down(call: str) -> None:
        books.broker.down |= call == "submit"

    books.broker.on_call = goes_down
    books.broker.faults = [Fault.REFUSED_AFTER]
    books.broker.listing_lag_ms = listing_lag_ms
    books.clock.left_ms = 12_000
    (refused,) = books.exits()
    assert refused.order
    assert refused.order.state is OrderState.REJECTED
    books.broker.on_call = lambda _call: None
    books.broker.down = False
    return refused.order.client_order_id


@pytest.mark.parametrize("lag_ms", [0, 30_000])
def test_a_refused_sell_that_was_carried_out_is_not_made_again_from_other_coins(
    books: Books, lag_ms: int
) -> None:
    """Its repetition was refused, the search had no answer, and more than ours is there to sell."""
    name = refused_and_carried_out(books, lag_ms)
    for _ in range(6):
        books.clock.at_ms += 10_000
        books.clock.left_ms = 12_000
        books.exits()
    assert books.broker.submissions.count(name) == 1
    assert len(books.broker.submissions) == 2, "the stop was sold once"
    settled = books.store.order(name)
    assert settled
    assert settled.state is OrderState.CLOSED
    assert books.ledger.expected_base == books.broker.balances["BTC"]
    assert books.ledger.guard is None


def test_a_refused_sell_is_looked_for_however_late_the_next_one_is_made(books: Books) -> None:
    """Simulated seed 40358: no reconcile had an answer for the ten minutes in between."""
    name = refused_and_carried_out(books)
    books.next_minute(12)
    books.clock.left_ms = 12_000
    books.exits()
    assert len(books.broker.submissions) == 2, "the stop was sold once"
    settled = books.store.order(name)
    assert settled
    assert settled.state is OrderState.CLOSED


def test_a_refused_sell_is_not_looked_for_again_once_reconcile_has(books: Books) -> None:
    books.enter()
    books.price("18000")
    books.next_minute()
    books.broker.faults = [Fault.REJECTED]
    books.clock.left_ms = 12_000
    books.exits()
    books.next_minute(30)
    reconciled(books)
    books.next_minute()
    books.clock.left_ms = 12_000
    books.broker.calls.clear()
    assert books.exits()[0].decision is Decision.STOP
    assert not [call for call in books.broker.calls if call.startswith("evidence")]


def test_what_is_missing_may_be_a_refused_sell_that_does_not_show_yet(books: Books) -> None:
    """Simulated seed 40402: a halt, and a withdrawal that nobody had made, were told of."""
    refused_and_carried_out(books)
    books.broker.listing_lag_ms = 60_000
    waiting = books.reconcile()
    assert waiting.decision is Decision.WAITING
    assert "was made though it was refused" in waiting.reasons[-1]
    assert books.ledger.halt is None
    books.next_minute(2)
    assert books.reconcile().decision is Decision.SETTLED


def test_a_withdrawal_after_a_refused_sell_is_told_once_the_sell_would_show(books: Books) -> None:
    books.enter()
    books.price("18000")
    books.next_minute()
    books.broker.faults = [Fault.REJECTED]
    books.clock.left_ms = 12_000
    books.exits()
    books.broker.balances["BTC"] = dec(0)
    assert books.reconcile().decision is Decision.WAITING
    books.next_minute(3)
    assert books.reconcile().decision is Decision.HALTED


def test_a_refused_sell_that_was_not_carried_out_is_made_in_the_next_pass(books: Books) -> None:
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.price("18000")
    books.next_minute()
    books.broker.faults = [Fault.REJECTED]
    books.clock.left_ms = 12_000
    assert books.exits()[0].decision is Decision.STOP
    books.clock.at_ms += 10_000
    books.clock.left_ms = 12_000
    (again,) = books.exits()
    assert again.order
    assert again.order.state is OrderState.CLOSED
    assert books.ledger.expected_base == books.broker.balances["BTC"]


def test_a_withdrawal_after_a_refused_sell_holds_the_stop_back_for_minutes_alone(
    books: Books,
) -> None:
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.price("18000")
    books.next_minute()
    books.broker.faults = [Fault.REJECTED]
    books.clock.left_ms = 12_000
    books.exits()
    books.broker.balances["BTC"] -= dec("0.5")
    books.next_minute()
    (held_back,) = books.exits()
    assert held_back.decision is Decision.ERROR
    assert "was refused, yet 0.5 is gone" in held_back.reasons[0]
    books.next_minute(10)
    assert books.exits()[0].decision is Decision.STOP


def test_an_entry_is_not_searched_for_because_of_a_refused_sell(books: Books) -> None:
    books.enter()
    books.price("18000")
    books.next_minute()
    books.broker.faults = [Fault.REJECTED]
    books.clock.left_ms = 12_000
    books.exits()
    books.next_minute()
    books.exits()
    books.price("20000")
    books.next_minute(2)
    books.broker.calls.clear()
    assert books.enter().decision is Decision.ENTER
    assert "evidence" not in books.broker.calls
