"""The order protocol under every fault: at most one submission, and only evidence decides."""

from dataclasses import replace

import pytest

from books import Books
from builders import BTC, ETH, NOON_MS, dec, order, quote
from crypto_ai_bot.domain.errors import StoreUnavailable
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.order import Order, OrderState
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.ports.broker import Accepted, Answer, Outcome
from crypto_ai_bot.ports.store import Create, Glance, Replace
from crypto_ai_bot.reconciliation.resolve import RESOLVE_WITHIN_MS
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from crypto_ai_bot.usecases.reconcile import reconcile
from fakes import Died, Fault


def settle_for(books: Books, minutes: int) -> list[SymbolOutcome]:
    outcomes = []
    for _ in range(minutes):
        books.next_minute()
        outcomes.append(books.evaluate())
    return outcomes


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.DIED_AFTER])
@pytest.mark.parametrize("side", [Action.ENTER, Action.EXIT])
def test_an_order_that_took_effect_unseen_is_found_and_counted_once(
    books: Books, fault: Fault, side: Action
) -> None:
    if side is Action.EXIT:
        books.enter()
        books.next_minute()
    books.broker.faults = [fault]
    try:
        books.evaluate(side)
    except Died:
        books.next_minute()  # the lease of the dead run must run out
    for outcome in settle_for(books, 2):
        assert outcome.decision in {Decision.SETTLED, Decision.BUSY, Decision.HOLD}
    books.assert_books_equal_exchange()
    assert len(books.broker.submissions) == 1 + (side is Action.EXIT)
    assert not books.store.unresolved_orders()


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.DIED_BEFORE])
def test_an_order_that_never_arrived_is_closed_by_proof_and_never_sent_again(
    books: Books, fault: Fault
) -> None:
    books.broker.faults = [fault]
    try:
        outcome = books.enter()
        assert outcome.order
        assert outcome.order.state is OrderState.UNKNOWN
    except Died:
        pass
    settle_for(books, 6)
    books.assert_books_equal_exchange()
    assert len(books.broker.submissions) <= 1
    assert not books.broker.orders
    assert not books.store.unresolved_orders()


def test_an_unknown_order_keeps_its_symbol_busy(books: Books) -> None:
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    books.next_minute()
    assert books.enter().decision is Decision.WAITING
    assert len(books.broker.submissions) == 1


def test_a_listing_that_lags_is_not_absence(books: Books) -> None:
    """The exchange shows the order only after two minutes; three searches find nothing before."""
    books.broker.faults = [Fault.LOST_AFTER]
    books.broker.listing_lag_ms = 200_000
    books.enter()
    decisions = [outcome.decision for outcome in settle_for(books, 4)]
    assert decisions == [Decision.WAITING] * 3 + [Decision.SETTLED]
    books.assert_books_equal_exchange()


def test_a_request_that_can_still_arrive_is_not_searched_to_absence(books: Books) -> None:
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    books.clock.at_ms = NOON_MS + 4_999
    assert books.evaluate().decision is Decision.WAITING
    pending = books.ledger.pending
    assert pending
    order = books.store.order(pending.client_order_id)
    assert order
    assert order.absences == 0


def test_absence_with_a_balance_that_moved_is_not_proof_and_halts_in_time(books: Books) -> None:
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    books.broker.balances["BTC"] = dec("0.001")
    minutes = RESOLVE_WITHIN_MS // 60_000
    assert {one.decision for one in settle_for(books, minutes - 1)} == {Decision.WAITING}
    settle_for(books, 1)
    halt = books.ledger.halt
    assert halt
    assert "balance has moved" in halt.reason
    assert any(event.kind == "halt" for event in books.store.events(100))
    assert len(books.broker.submissions) == 1


def test_a_halted_order_is_still_adopted_when_it_shows_up_at_last(books: Books) -> None:
    books.broker.faults = [Fault.LOST_AFTER]
    books.broker.listing_lag_ms = 10**9
    books.enter()
    settle_for(books, 12)
    assert books.ledger.halt
    books.broker.listing_lag_ms = 0
    settle_for(books, 1)
    books.assert_books_equal_exchange()


@pytest.mark.parametrize("fault", [Fault.REJECTED, Fault.NOT_SENT])
def test_a_proof_of_no_order_closes_the_attempt_and_allows_a_few_more(
    books: Books, fault: Fault
) -> None:
    books.broker.faults = [fault] * 5
    outcomes = [books.enter() for _ in range(5)]
    assert [one.decision for one in outcomes] == [Decision.ENTER] * 3 + [Decision.BLOCKED] * 2
    assert len(set(books.broker.submissions)) == len(books.broker.submissions) <= 3
    assert books.ledger.pending is None


@pytest.mark.parametrize(
    ("lag_ms", "doubt"), [(0, "yet 7001 has its name"), (15_000, "yet the base balance has moved")]
)
def test_a_refusal_of_what_was_carried_out_is_not_believed(
    books: Books, lag_ms: int, doubt: str
) -> None:
    """Gate-spot 3.1: an intermediary repeats the request; the second one is what answers us."""
    books.broker.listing_lag_ms = lag_ms
    books.broker.faults = [Fault.REFUSED_AFTER]
    outcome = books.enter()
    assert outcome.order
    assert outcome.order.state is OrderState.UNKNOWN
    assert outcome.order.resolution == f"label BALANCE_NOT_ENOUGH; {doubt}"
    settle_for(books, 1)
    books.assert_books_equal_exchange()
    assert len(books.broker.submissions) == 1


def test_an_entry_whose_refusal_cannot_be_checked_waits_and_a_stop_does_not(books: Books) -> None:
    refused = Fault.REJECTED

    def goes_down(call: str) -> None:
        books.broker.down |= call == "submit"

    books.broker.on_call = goes_down
    books.broker.faults = [refused]
    entry = one_order(books.enter())
    assert entry.state is OrderState.UNKNOWN
    assert entry.resolution.endswith("; evidence: the exchange did not answer")
    books.broker.on_call = lambda _call: None
    books.broker.down = False
    settle_for(books, 5)
    books.next_minute(5)
    assert books.enter().decision is Decision.ENTER
    books.price("18000")
    books.broker.on_call = goes_down
    books.broker.faults = [refused]
    books.next_minute()
    assert one_order(books.exits()[0]).state is OrderState.REJECTED


def one_order(outcome: SymbolOutcome) -> Order:
    assert outcome.order
    return outcome.order


def test_a_duplicate_at_the_exchange_is_held_in_the_books_whole(books: Books) -> None:
    """An intermediary repeated the request: both orders moved the balance (gate-spot 0.1)."""
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    (report, at_ms), books.broker.orders = books.broker.orders[0], []
    books.broker.orders = [(report, at_ms), (report, at_ms)]
    books.broker.balances["BTC"] *= 2
    settle_for(books, 1)
    books.assert_books_equal_exchange()


def test_three_deliveries_of_one_tick_at_once_make_one_order(books: Books) -> None:
    """The second and third run start at every call that the first one makes to the exchange."""
    books.script.says = Action.ENTER
    tick = books.tick(Job.EVALUATE)
    others: list[SymbolOutcome] = []

    def deliver_again(_call: str) -> None:
        if len(others) < 2:
            others.append(SymbolOutcome(BTC, Decision.ERROR))
            again = books.tick(Job.EVALUATE)
            others[-1] = evaluate(books.desk, again).symbols[0]

    books.broker.on_call = deliver_again
    evaluate(books.desk, tick)
    assert len(books.broker.submissions) == 1
    books.assert_books_equal_exchange()


@pytest.mark.parametrize("call", ["tickers", "rules", "candles", "balance", "time", "submit"])
def test_a_run_that_lost_its_turn_at_any_call_writes_nothing(books: Books, call: str) -> None:
    """A whole other run happens inside one call of the first, which then finds itself too late."""
    books.script.says = Action.ENTER
    seen: list[str] = []

    def another_run(asked: str) -> None:
        if asked == call and not seen:
            seen.append(asked)
            books.clock.at_ms += 71_000  # the first run was frozen past its lease
            evaluate(books.desk, books.tick(Job.EVALUATE))

    books.broker.on_call = another_run
    evaluate(books.desk, books.tick(Job.EVALUATE))
    books.broker.on_call = lambda _call: None
    assert len(books.broker.submissions) == len(set(books.broker.submissions))
    settle_for(books, 8)
    books.assert_books_equal_exchange()


def test_a_journal_that_did_not_answer_submits_nothing(books: Books) -> None:
    commit = books.store.commit

    class Silent:
        """A store whose journal entry is written, and whose answer is lost."""

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def commit(self, changes: list[object]) -> object:
            done = commit(changes)  # type: ignore[arg-type]  # handed through
            if any(isinstance(change, Create) for change in changes):
                raise StoreUnavailable("the answer was lost")
            return done

    store, books.store = books.store, Silent()  # type: ignore[assignment]  # the same words
    outcome = books.enter()
    assert outcome.decision is Decision.ERROR
    assert not books.broker.submissions
    books.store = store
    books.next_minute(2)
    settle_for(books, 5)
    assert books.ledger.pending is None
    assert not books.broker.orders


def test_a_partial_fill_sells_only_what_is_there(books: Books) -> None:
    books.broker.fill_fraction = dec("0.5")
    books.enter()
    books.broker.fill_fraction = dec(1)
    half = books.ledger.position.base
    outcome = books.evaluate(Action.EXIT)
    assert outcome.order
    assert outcome.order.totals.base <= half
    books.assert_books_equal_exchange()


def test_the_answer_is_stored_before_it_is_read(books: Books) -> None:
    class UnreadableError(Exception):
        pass

    def fail(_order: object, _answer: object) -> None:
        raise UnreadableError

    books.broker.read_answer = fail  # type: ignore[method-assign,assignment]  # reading breaks
    with pytest.raises(UnreadableError):
        books.enter()
    (order,) = books.store.unresolved_orders()
    assert order.answer == "accepted"


def test_an_order_is_written_before_it_is_submitted(books: Books) -> None:
    """Invariant I3."""
    journaled = []
    books.broker.on_call = lambda call: (
        journaled.append(len(books.store.unresolved_orders())) if call == "submit" else None
    )
    books.enter()
    assert journaled == [1]


def test_a_pending_order_that_is_not_in_the_journal_is_told_as_an_error(books: Books) -> None:
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    ledger = books.ledger
    assert ledger.pending
    foreign = replace(ledger.pending, client_order_id="t-paper-elsewhere")
    books.store.commit([Replace(replace(ledger, pending=foreign))])
    outcome = books.evaluate()
    assert outcome.decision is Decision.ERROR
    assert "not journaled" in outcome.reasons[0]


def test_a_run_frozen_between_journal_and_submission_places_nothing_late(books: Books) -> None:
    """Others have proved its order absent meanwhile; the exchange refuses it by its deadline."""
    books.script.says = Action.ENTER
    frozen: list[str] = []

    def freeze(call: str) -> None:
        if call == "submit" and not frozen:
            frozen.append(call)
            settle_for(books, 8)

    books.broker.on_call = freeze
    evaluate(books.desk, books.tick(Job.EVALUATE))
    assert not books.broker.orders
    assert books.ledger.pending is None
    books.assert_books_equal_exchange()


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LOST_BEFORE])
def test_an_order_that_the_next_holder_settled_first_is_not_settled_again(
    books: Books, fault: Fault
) -> None:
    """A run takes the lease, is frozen past it, and then reads an order that another has closed."""
    books.broker.faults = [fault]
    books.enter()
    books.next_minute()
    read = books.store.order

    def frozen(client_order_id: str) -> object:
        books.store.order = read  # type: ignore[method-assign]  # the first reading alone is slow
        settle_for(books, 5)
        return read(client_order_id)

    books.store.order = frozen  # type: ignore[method-assign,assignment]  # a slow reading
    outcome = books.evaluate()
    assert outcome.decision is Decision.SETTLED
    assert outcome.ledger == books.ledger
    assert books.ledger.halt is None
    books.assert_books_equal_exchange()


def test_a_report_that_contradicts_the_books_halts_its_symbol_and_is_told(books: Books) -> None:
    """An intermediary repeated a sell while more than the ledger holds lay at the exchange."""
    books.enter()
    held = books.ledger.position
    books.broker.faults = [Fault.LOST_AFTER]
    books.evaluate(Action.EXIT)
    (report, at_ms) = books.broker.orders[-1]
    books.broker.orders.append((report, at_ms))
    (outcome,) = settle_for(books, 1)
    assert outcome.decision is Decision.WAITING
    assert books.ledger.position == held
    assert books.ledger.lease is None
    assert books.ledger.halt
    assert "sells" in books.ledger.halt.reason
    assert [event.kind for event in books.store.events(100)].count(EventKind.HALT) == 1


def test_what_a_repeated_sell_sold_beyond_the_books_does_not_keep_its_symbol_busy(
    books: Books,
) -> None:
    """Simulated seed 2072: it was halted, and nobody could ever settle it."""
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.broker.faults = [Fault.LOST_AFTER]
    books.evaluate(Action.EXIT)
    (report, at_ms) = books.broker.orders[-1]
    again = replace(report, exchange_order_id=str(int(report.exchange_order_id) + 1))
    books.broker.orders.append((again, at_ms))
    (_, settled) = settle_for(books, 2)
    assert books.ledger.pending is None
    assert books.ledger.guard is None
    assert books.ledger.halt, "a person is to look"
    assert settled.order
    assert settled.order.exchange_order_id == report.exchange_order_id


def test_an_answer_that_contradicts_the_books_halts_its_symbol_too(books: Books) -> None:
    books.enter()
    readable = books.broker.read_answer

    def twice(order: Order, answer: Answer) -> Outcome:
        outcome = readable(order, answer)
        assert isinstance(outcome, Accepted)
        totals = replace(outcome.report.totals, base=outcome.report.totals.base * 2)
        return Accepted(replace(outcome.report, totals=totals))

    books.broker.read_answer = twice  # type: ignore[method-assign]  # an answer about another sale
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT
    assert books.ledger.halt
    assert books.ledger.lease is None
    settle_for(books, 1)
    books.assert_books_equal_exchange()


def test_books_that_are_broken_for_one_symbol_keep_no_other_from_being_judged() -> None:
    """Invariant I9: whatever one symbol's books hold, the stops of the others are judged."""
    books = Books(symbols=(BTC, ETH))
    books.broker.quotes[ETH] = quote("1500", "1501")
    books.script.says = Action.ENTER
    evaluate(books.desk, books.tick(Job.EVALUATE))
    foreign = books.ledger.with_pending(order(client_order_id="t-paper-elsewhere"))
    books.store.commit([Replace(foreign)])
    books.next_minute()
    books.price("1400", symbol=ETH)
    first, second = books.exits()
    assert first.decision is Decision.ERROR
    assert "not journaled" in first.reasons[0]
    assert second.decision is Decision.STOP
    assert not books.store.glance().heartbeats[Job.EXITS].ok
    books.script.says = Action.HOLD
    for run in (evaluate, reconcile):
        books.next_minute(2)
        outcomes = run(books.desk, books.tick(Job.EVALUATE)).symbols
        assert [one.decision for one in outcomes] == [Decision.ERROR, Decision.HOLD]


def test_rules_that_cannot_be_read_leave_the_symbol_free(books: Books) -> None:
    """A restored table has lost its cache of rules, and the exchange is down."""
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    books.next_minute()
    glance = books.store.glance

    def without_rules() -> Glance:
        return replace(glance(), rules={})

    books.store.glance = without_rules  # type: ignore[method-assign]  # nothing was cached
    books.broker.down = True
    assert books.evaluate().decision is Decision.ERROR
    assert books.ledger.lease is None
