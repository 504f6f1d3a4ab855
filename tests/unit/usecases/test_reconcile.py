from dataclasses import replace

import pytest

from books import Books
from builders import BTC, ETH, dec, quote
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.ports.store import Replace, Sent
from crypto_ai_bot.reconciliation.drift import BALANCE_SHOWN_WITHIN_MS
from crypto_ai_bot.usecases.outcome import Decision
from crypto_ai_bot.usecases.reconcile import reconcile
from fakes import Fault


def kinds(books: Books) -> list[EventKind]:
    return [event.kind for event in books.store.events(100)]


def test_books_that_agree_are_left_alone(books: Books) -> None:
    books.enter()
    before = books.ledger
    outcome = books.reconcile()
    assert outcome.decision is Decision.HOLD
    assert outcome.reasons == ("books agree",)
    assert replace(books.ledger, looked_ms=0, version=before.version) == before
    marked = books.ledger
    books.next_minute(5)
    books.reconcile()
    assert books.ledger == marked


def test_rules_and_the_free_quote_are_read_anew(books: Books) -> None:
    books.reconcile()
    first = books.store.glance()
    assert first.account.free_quote == dec(10_000)
    books.next_minute(5)
    books.broker.balances["USDT"] += 500
    books.reconcile()
    glance = books.store.glance()
    assert glance.account.free_quote == dec(10_500)
    assert glance.rules[books.symbols[0]].read_ms > first.rules[books.symbols[0]].read_ms


def test_a_balance_that_may_lag_behind_an_order_is_no_drift_yet(books: Books) -> None:
    books.enter()
    books.broker.balances["BTC"] -= dec("0.001")
    books.clock.at_ms += BALANCE_SHOWN_WITHIN_MS - 1
    waiting = books.reconcile()
    assert waiting.decision is Decision.WAITING
    assert "the balance does not show the last order yet" in waiting.reasons[-1]
    books.clock.at_ms += 1
    assert books.reconcile().decision is Decision.HALTED


def test_a_balance_short_of_the_ledger_halts_the_symbol_and_tells_once(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.broker.balances["BTC"] -= dec("0.001")
    assert books.reconcile().decision is Decision.HALTED
    assert books.ledger.halt
    assert books.ledger.lease is None
    assert kinds(books).count(EventKind.HALT) == 1
    assert books.reconcile().decision is Decision.HALTED
    assert kinds(books).count(EventKind.HALT) == 1


def test_a_stop_that_rises_meanwhile_does_not_keep_a_short_balance_from_halting(
    books: Books,
) -> None:
    books.enter()
    books.next_minute()
    books.broker.balances["BTC"] -= dec("0.001")

    def exits_raises_the_stop(call: str) -> None:
        if call == "balance":
            books.broker.on_call = lambda _call: None
            guard = books.ledger.guard
            assert guard
            risen = replace(guard, peak_price=guard.peak_price + 1)
            assert books.store.commit([Replace(replace(books.ledger, guard=risen))]) is None

    books.broker.on_call = exits_raises_the_stop
    assert books.reconcile().decision is Decision.HALTED
    assert books.ledger.halt


def test_a_halted_symbol_enters_nothing_and_still_has_its_stop(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.broker.balances["BTC"] -= dec("0.0001")
    books.reconcile()
    books.next_minute()
    books.price("18000")
    assert books.exits()[0].decision is Decision.STOP
    books.next_minute()
    assert any(reason.startswith("halted") for reason in books.enter().reasons)


def test_a_deposit_is_told_once_and_changes_nothing(books: Books) -> None:
    books.enter()
    held = books.ledger.position
    books.next_minute()
    books.broker.balances["BTC"] += 1
    books.reconcile()
    books.reconcile()
    assert kinds(books).count(EventKind.DRIFT) == 1
    assert books.ledger.position == held
    assert books.ledger.halt is None
    for event in books.store.events(100):
        books.store.commit([Sent(event)])
    books.reconcile()
    assert books.store.events(100) == []


def test_an_order_under_way_is_settled_and_not_taken_for_drift(books: Books) -> None:
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    books.next_minute()
    assert books.reconcile().decision is Decision.SETTLED
    books.assert_books_equal_exchange()
    assert EventKind.DRIFT not in kinds(books)


def test_an_exchange_that_is_down_changes_nothing(books: Books) -> None:
    books.enter()
    before = books.ledger
    books.broker.down = True
    assert books.reconcile().decision is Decision.ERROR
    assert books.ledger == before
    books.broker.down = False
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT


@pytest.mark.parametrize(
    ("action", "decision"), [(Action.ENTER, Decision.HOLD), (Action.EXIT, Decision.BUSY)]
)
def test_an_order_made_between_books_and_balance_is_not_taken_for_drift(
    books: Books, action: Action, decision: Decision
) -> None:
    if action is Action.EXIT:
        books.enter()
        books.next_minute()

    def another_run_trades(call: str) -> None:
        if call == "balance":
            books.broker.on_call = lambda _call: None
            books.evaluate(action)

    books.broker.on_call = another_run_trades
    assert books.reconcile().decision is decision
    assert books.ledger.halt is None
    assert EventKind.DRIFT not in kinds(books)
    assert books.reconcile().decision is Decision.HOLD


def test_an_order_of_a_symbol_that_is_no_longer_configured_is_still_settled(books: Books) -> None:
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    books.symbols = (ETH,)
    books.broker.quotes[ETH] = quote("1500", "1501")
    books.next_minute()
    outcomes = reconcile(books.desk, books.tick(Job.RECONCILE)).symbols
    assert [(one.symbol, one.decision) for one in outcomes] == [
        (BTC, Decision.SETTLED),
        (ETH, Decision.HOLD),
    ]
