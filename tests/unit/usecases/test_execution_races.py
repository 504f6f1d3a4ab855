"""What happens to an order whose books move under it, at each of its steps."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from books import Books
from builders import BTC, ETH, LIMITS, NOON_MS, buy_request, dec, facts, market, quote
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.order import Order, OrderState
from crypto_ai_bot.domain.position import FLAT
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.broker import Answer, Outcome
from crypto_ai_bot.ports.store import Change, Conflict, Create, Replace
from crypto_ai_bot.risk.gate import Approved, review
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.execution import place
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from crypto_ai_bot.usecases.reconcile import reconcile
from crypto_ai_bot.usecases.settling import ACCOUNT_RETRIES, settle_pending
from fakes import Died, Fault


def before_reading(books: Books, happens: Callable[[], object]) -> None:
    """`happens` between the storing of the next answer and its reading."""
    read = books.broker.read_answer

    def late(order: Order, answer: Answer) -> Outcome:
        books.broker.read_answer = read  # type: ignore[method-assign]  # once
        happens()
        return read(order, answer)

    books.broker.read_answer = late  # type: ignore[method-assign]  # once


def move_account(books: Books) -> None:
    account = books.store.glance().account
    books.store.commit([Replace(account.with_fill(dec(-1), dec(-1)))])


def assert_told_as_the_table_has_it(books: Books, outcome: SymbolOutcome) -> None:
    """What a run learned and could not write is not what it says."""
    assert outcome.order
    assert outcome.order == books.store.order(outcome.order.client_order_id)
    assert outcome.ledger == books.ledger


def another_run_settles(books: Books) -> None:
    """The lease has run out, and the next tick's run has taken it and asked the exchange."""
    books.next_minute(2)
    books.evaluate()


def test_a_stop_between_judgement_and_journal_is_seen_by_the_journal(books: Books) -> None:
    """Invariant I8: the state is checked in the order's own transaction."""

    def stop() -> None:
        state = TradingState.EXITS_ONLY
        set_trading_state(books.store, books.clock, state, "a test", "operator")

    books.once_at("time", stop)
    outcome = books.enter()
    assert outcome.decision is Decision.BLOCKED
    assert outcome.reasons == ("trading_state: exits_only makes no entry",)
    assert not books.broker.submissions
    assert books.ledger.lease is None


def test_off_between_judgement_and_journal_keeps_a_sell_back_too(books: Books) -> None:
    books.enter()

    def off() -> None:
        set_trading_state(books.store, books.clock, TradingState.OFF, "a test", "operator")

    books.once_at("time", off)
    assert books.evaluate(Action.EXIT).decision is Decision.BLOCKED
    assert len(books.broker.submissions) == 1


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (replace(LIMITS, exposure_quote_max=dec(150)), "exposure"),
        (replace(LIMITS, orders_per_hour_max=1), "orders_per_hour"),
    ],
)
def test_two_symbols_at_the_same_moment_cannot_both_take_the_last_room(
    limits: RiskLimits, name: str
) -> None:
    """Invariant I5: both were judged on the same account; the journal lets one of them stand."""
    books = Books(symbols=(BTC, ETH), limits=limits)
    books.broker.quotes[ETH] = quote("1500", "1501")
    books.script.says = Action.ENTER
    books.once_at("time", lambda: evaluate(books.desk, books.tick(Job.EVALUATE, ETH)))
    (outcome,) = evaluate(books.desk, books.tick(Job.EVALUATE, BTC)).symbols
    assert outcome.decision is Decision.BLOCKED
    assert [reason.split(":")[0] for reason in outcome.reasons] == [name]
    assert len(books.broker.submissions) == 1


def test_an_exchange_that_tells_no_time_gets_no_order_and_the_symbol_stays_free(
    books: Books,
) -> None:
    books.once_at("time", lambda: setattr(books.broker, "down", True))
    assert books.enter().decision is Decision.ERROR
    assert books.ledger.lease is None
    assert books.ledger.pending is None


def test_a_search_that_did_not_answer_whole_teaches_nothing_and_frees_the_symbol(
    books: Books,
) -> None:
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    books.next_minute()
    books.broker.down = True
    (before,) = books.store.unresolved_orders()
    assert books.evaluate().decision is Decision.ERROR
    assert books.store.unresolved_orders() == [before]
    assert books.ledger.lease is None


def test_a_settlement_is_worked_out_anew_when_another_symbol_moved_the_account(
    books: Books,
) -> None:
    books.enter()
    before_reading(books, lambda: move_account(books))
    outcome = books.evaluate(Action.EXIT)
    assert outcome.order
    assert outcome.order.state is OrderState.CLOSED
    account = books.store.glance().account
    assert account.fills == 3  # the other symbol's too
    assert account.realised_quote < -1
    books.assert_books_equal_exchange()


def test_an_account_that_never_rests_leaves_the_settlement_to_the_next_run(books: Books) -> None:
    commit, beaten = books.store.commit, list[int]()

    def contended(changes: Sequence[Change]) -> Conflict | None:
        settles = any(
            isinstance(change, Replace)
            and isinstance(change.entity, Order)
            and change.entity.state is OrderState.CLOSED
            for change in changes
        )
        if settles and len(beaten) < ACCOUNT_RETRIES:
            beaten.append(1)
            account = books.store.glance().account
            commit([Replace(account.with_fill(dec(0), dec(0)))])
        return commit(changes)

    books.store.commit = contended  # type: ignore[method-assign]  # the same store, contended
    outcome = books.enter()
    assert len(beaten) == ACCOUNT_RETRIES
    assert books.ledger.pending
    assert_told_as_the_table_has_it(books, outcome)
    assert outcome.order
    assert outcome.order.state is OrderState.PENDING
    another_run_settles(books)
    books.assert_books_equal_exchange()
    assert len(books.broker.submissions) == 1


@pytest.mark.parametrize("fault", [[], [Fault.LOST_AFTER], [Fault.REJECTED]])
def test_a_run_that_outlived_its_lease_before_it_settled_writes_nothing(
    books: Books, fault: list[Fault]
) -> None:
    """Invariant I11: the next holder has asked the exchange, and its word stands."""
    books.broker.faults = list(fault)
    commit, refused = books.store.commit, list[Conflict]()

    def counted(changes: Sequence[Change]) -> Conflict | None:
        conflict = commit(changes)
        refused.extend([conflict] if conflict and len(changes) > 1 else [])
        return conflict

    books.store.commit = counted  # type: ignore[method-assign]  # the same store, watched
    before_reading(books, lambda: another_run_settles(books))
    outcome = books.enter()
    assert len(refused) == 1  # it does not try again what can no longer be written
    assert_told_as_the_table_has_it(books, outcome)
    books.script.says = Action.HOLD
    for _ in range(4):
        books.next_minute()
        books.evaluate()
    books.assert_books_equal_exchange()
    assert len(books.broker.submissions) == 1


def test_a_halt_for_drift_is_not_written_over_books_that_another_run_took(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.broker.balances["BTC"] -= dec("0.001")
    commit = books.store.commit

    def outlived(changes: Sequence[Change]) -> Conflict | None:
        if any(isinstance(change, Create) for change in changes):
            books.clock.at_ms += 71_000
            ledger = books.ledger.leased_to("another run", books.clock.at_ms + 70_000)
            commit([Replace(ledger)])
        return commit(changes)

    books.store.commit = outlived  # type: ignore[method-assign]  # frozen before its halt
    (outcome,) = reconcile(books.desk, books.tick(Job.RECONCILE)).symbols
    assert outcome.decision is Decision.BUSY
    assert books.ledger.halt is None
    assert books.ledger.lease
    assert books.ledger.lease.owner == "another run"


def frozen_before_journal(books: Books, happens: Callable[[], object]) -> None:
    """The next run that journals an order outlives its lease first, and `happens` meanwhile."""
    commit = books.store.commit

    def frozen(changes: Sequence[Change]) -> Conflict | None:
        if any(isinstance(one, Create) and isinstance(one.entity, Order) for one in changes):
            books.store.commit = commit  # type: ignore[method-assign]  # once
            books.clock.at_ms += 71_000
            happens()
        return commit(changes)

    books.store.commit = frozen  # type: ignore[method-assign]  # once


def test_a_run_frozen_right_before_its_journal_entry_journals_nothing(books: Books) -> None:
    """Its lease has passed on, and a stop has sold what it was about to sell."""
    books.enter()
    books.next_minute()
    books.price("18000")
    frozen_before_journal(books, books.exits)
    outcome = books.evaluate(Action.EXIT)
    assert outcome.decision is Decision.BUSY
    assert len(books.broker.submissions) == 2
    assert not books.store.unresolved_orders()
    books.assert_books_equal_exchange()


def test_a_lease_that_passed_on_is_enough_to_keep_a_run_out_of_the_journal(books: Books) -> None:
    """Invariant I11: nothing else has changed, neither the account nor the position."""
    books.evaluate()

    def lease_passes_on() -> None:
        books.store.commit([Replace(books.ledger.leased_to("next", books.clock.at_ms + 70_000))])

    frozen_before_journal(books, lease_passes_on)
    assert books.enter().decision is Decision.BLOCKED  # judged anew, on a price of minutes ago
    assert not books.broker.submissions
    assert books.ledger.lease
    assert books.ledger.lease.owner == "next"


def test_books_that_move_at_each_try_leave_no_order_and_say_which(books: Books) -> None:
    commit = books.store.commit

    def contended(changes: Sequence[Change]) -> Conflict | None:
        if any(isinstance(one, Create) and isinstance(one.entity, Order) for one in changes):
            account = books.store.glance().account
            commit([Replace(account.with_fill(dec(0), dec(0)))])
        return commit(changes)

    books.store.commit = contended  # type: ignore[method-assign]  # the same store, contended
    outcome = books.enter()
    assert outcome.decision is Decision.BUSY
    assert outcome.reasons == ("the account changed meanwhile",)
    assert not books.broker.submissions


def test_a_ledger_that_forgot_its_slot_still_makes_no_second_order_of_it(books: Books) -> None:
    """Restored from a backup, say: the journal remembers the name, and that alone is enough."""
    books.enter()
    forgot = replace(books.ledger, position=FLAT, guard=None, slots={}, last_entry_ms=0, moved_ms=0)
    books.store.commit([Replace(forgot)])
    assert books.enter().decision is Decision.BUSY
    assert len(books.broker.submissions) == 1


def test_a_run_whose_lease_passed_on_during_submission_writes_no_answer(books: Books) -> None:
    """Invariant I11: the next holder is about to ask the exchange; nothing may change under it."""

    def lease_passes_on() -> None:
        books.clock.at_ms += 71_000
        books.store.commit([Replace(books.ledger.leased_to("next", books.clock.at_ms + 70_000))])

    books.once_at("submit", lease_passes_on)
    outcome = books.enter()
    (order,) = books.store.unresolved_orders()
    assert (order.answer, order.version) == ("", 1)
    assert_told_as_the_table_has_it(books, outcome)
    assert books.ledger.lease
    assert books.ledger.lease.owner == "next"


def test_no_order_is_placed_without_a_lease_of_its_own(books: Books) -> None:
    books.enter()
    books.next_minute()
    permission = review(buy_request(), facts(), RiskLimits())
    assert isinstance(permission, Approved)
    for ledger in (books.ledger, books.ledger.leased_to("another run", NOON_MS * 2)):
        with pytest.raises(InvariantBroken, match="without its lease"):
            place(books.desk, permission, ledger, books.tick(Job.EVALUATE))
    assert len(books.broker.submissions) == 1


def test_nothing_is_settled_where_nothing_is_under_way(books: Books) -> None:
    books.enter()
    account = books.store.glance().account
    with pytest.raises(InvariantBroken, match="BTC/USDT has no order under way"):
        settle_pending(books.desk, books.ledger, account, market())


def test_whether_a_request_can_still_arrive_is_asked_of_the_exchanges_clock(books: Books) -> None:
    """Its run died, its lease has run out by our clock, and the exchange's is minutes behind."""
    books.broker.faults = [Fault.DIED_BEFORE]
    with pytest.raises(Died):
        books.enter()
    evidence = books.broker.fetch_evidence
    books.broker.fetch_evidence = lambda order: (  # type: ignore[method-assign]  # its clock
        replace(evidence(order), server_ms=order.expires_ms)
    )
    for _ in range(5):
        books.next_minute(2)
        assert books.evaluate().decision is Decision.WAITING
    (order,) = books.store.unresolved_orders()
    assert (order.state, order.absences) == (OrderState.UNKNOWN, 0)
    assert order.updated_ms == NOON_MS + 2 * 60_000, "since then nothing was learned"


def test_an_order_whose_fate_is_open_counts_as_bought(books: Books) -> None:
    """Invariant I5: from the journal on, until it is proved absent."""
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    assert books.store.glance().account.exposure_quote == 100
    for _ in range(5):
        books.next_minute()
        books.evaluate()
    assert books.store.glance().account.exposure_quote == 0


def test_what_was_filled_is_in_the_journal_beside_its_order(books: Books) -> None:
    outcome = books.enter()
    assert outcome.order
    (fill,) = books.store.fills(outcome.order.client_order_id)
    assert fill.traded == outcome.order.totals
