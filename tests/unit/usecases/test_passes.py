"""What a run goes on with when the books move, a lease is its own, or something is not there."""

from dataclasses import replace

import pytest

from books import Books
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.ports.store import Glance, Replace
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.execution import SUBMIT_BUDGET_MS
from crypto_ai_bot.usecases.exits import PASS_MS, exits
from crypto_ai_bot.usecases.outcome import Decision
from fakes import Fault


def touch(books: Books) -> None:
    assert books.store.commit([Replace(books.ledger)]) is None


@pytest.mark.parametrize("leased", [False, True], ids=["free", "leased to the run itself"])
def test_books_that_were_written_and_did_not_move_are_judged_anew(
    books: Books, *, leased: bool
) -> None:
    """A stop rose beside it, say. A write that was not answered leaves a lease of its own."""
    books.enter()
    books.next_minute()
    tick = books.tick(Job.EVALUATE)
    if leased:
        books.lease(tick.run_id)
    books.once_at("balance", lambda: touch(books))
    books.script.says = Action.EXIT
    (outcome,) = evaluate(books.desk, tick).symbols
    assert outcome.decision is Decision.EXIT
    assert books.ledger.lease is None
    books.assert_books_equal_exchange()


def test_a_stop_rises_under_a_lease_that_the_run_itself_has(books: Books) -> None:
    books.stops = StopRules(trailing_pct=3)
    books.enter()
    books.next_minute()
    tick = books.tick(Job.EXITS)
    books.lease(tick.run_id)
    books.price("21000")
    exits(books.desk, tick)
    assert books.ledger.guard
    assert books.ledger.guard.peak_price == 21_000


def test_trouble_that_begins_with_the_reading_of_the_balance_keeps_an_entry_back(
    books: Books,
) -> None:
    trouble = "3 requests in a row had no answer"
    books.once_at("balance", lambda: setattr(books.broker, "troubled", trouble))
    outcome = books.enter()
    assert outcome.decision is Decision.BLOCKED
    assert outcome.reasons == (f"exchange: {trouble}",)
    assert not books.broker.submissions


@pytest.mark.parametrize(
    ("price", "decision"), [("20000", Decision.HOLD), ("18000", Decision.STOP)]
)
def test_a_table_that_has_lost_its_rules_does_not_keep_a_stop_from_being_judged(
    books: Books, price: str, decision: Decision
) -> None:
    books.enter()
    books.price(price)
    glance = books.store.glance

    def without_rules() -> Glance:
        return replace(glance(), rules={})

    books.store.glance = without_rules  # type: ignore[method-assign]  # nothing was cached
    assert books.one_pass().decision is decision


@pytest.mark.parametrize(("more_ms", "passes"), [(0, 1), (1, 2)])
def test_a_pass_begins_only_with_time_left_for_itself_and_an_order(
    books: Books, more_ms: int, passes: int
) -> None:
    books.enter()
    books.next_minute()
    books.broker.calls.clear()
    wait_ms = books.desk.policy.exits_interval_ms
    books.clock.left_ms = wait_ms + PASS_MS + SUBMIT_BUDGET_MS + more_ms
    books.exits()
    assert books.broker.calls.count("tickers") == passes


def test_an_order_that_waits_is_no_reason_to_read_the_orders_of_others(books: Books) -> None:
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    books.next_minute()
    books.broker.calls.clear()
    assert books.evaluate().decision is Decision.WAITING
    assert "orders" not in books.broker.calls
