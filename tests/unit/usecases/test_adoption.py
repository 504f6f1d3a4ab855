"""Orders that were thought over: when they are looked for, and what is written of those found."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from books import Books
from builders import BTC, dec, market
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import Order, OrderState, Side, Totals
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.ports.broker import Evidence
from crypto_ai_bot.ports.store import Change, Conflict, Replace
from crypto_ai_bot.usecases.attempts import LISTED_WITHIN_MS
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from fakes import Fault


def carry_out(books: Books, side: Side, base: str) -> str:
    """The last order was made at the exchange once more, or after all; its name."""
    name = books.broker.submissions[-1]
    totals = Totals(dec(base), dec(base) * 20_000)
    books.broker._apply(BTC, side, totals, name)
    return name


def journaled(books: Books, name: str) -> Order:
    order = books.store.order(name)
    assert order
    return order


def reconciled(books: Books) -> SymbolOutcome:
    books.next_minute(5)
    return books.reconcile()


def refused_sell(books: Books, *, carried_out: bool) -> Order:
    """A position, and a stop of it that the exchange refused; its search had no answer."""
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    return stop_refused(books, carried_out=carried_out)


def stop_refused(books: Books, *, carried_out: bool) -> Order:
    books.price("18000")
    books.once_at("submit", lambda: setattr(books.broker, "down", True))
    books.broker.faults = [Fault.REFUSED_AFTER if carried_out else Fault.REJECTED]
    refused = books.one_pass().order
    assert refused
    assert refused.state is OrderState.REJECTED
    books.broker.down = False
    return refused


def next_pass(books: Books) -> SymbolOutcome:
    books.clock.at_ms += 10_000
    books.clock.left_ms = 12_000
    (outcome,) = books.exits()
    return outcome


def test_the_exchanges_own_words_for_a_refusal_are_told(books: Books) -> None:
    books.broker.faults = [Fault.REJECTED]
    refused = books.enter().order
    assert refused
    assert refused.resolution == "label BALANCE_NOT_ENOUGH"
    (told,) = books.store.events(10)
    assert told.text == "buy BTC/USDT made no order (rejected): label BALANCE_NOT_ENOUGH"


def test_an_order_that_was_made_after_all_is_told_with_the_books_that_have_it(
    books: Books,
) -> None:
    books.broker.faults = [Fault.REJECTED]
    books.enter()
    name = carry_out(books, Side.BUY, "0.004")
    outcome = reconciled(books)
    assert outcome.symbol == BTC
    assert outcome.reasons == (f"{name} is closed: it was made after all",)
    assert outcome.ledger == books.ledger
    assert books.ledger.position.base == dec("0.004")


def test_a_refused_order_that_is_listed_and_not_finished_is_under_way_again(books: Books) -> None:
    books.broker.faults = [Fault.REJECTED]
    books.enter()
    name = carry_out(books, Side.BUY, "0")
    (report, at_ms) = books.broker.orders[-1]
    books.broker.orders[-1] = (replace(report, finished=False), at_ms)
    books.clock.at_ms += 1_000
    books.enter()
    order = journaled(books, name)
    assert order.state is OrderState.ACCEPTED
    assert order.resolution == "the exchange lists it, though it was rejected"
    assert order.updated_ms == books.clock.at_ms
    assert books.ledger.pending
    assert books.ledger.pending.client_order_id == name
    assert books.broker.submissions == [name]


def test_a_search_that_shows_no_more_than_the_books_have_adopts_nothing(books: Books) -> None:
    """The listing of all orders is ahead of the search for one: it is adopted when both have it."""
    books.enter()
    name = carry_out(books, Side.BUY, "0.004")
    reconciled(books)
    known = journaled(books, name)
    assert known.exchange_order_id == "7001+7002"
    carry_out(books, Side.BUY, "0.004")
    whole = books.broker.fetch_evidence

    def behind(order: Order) -> Evidence:
        evidence = whole(order)
        return replace(evidence, reports=evidence.reports[:2])

    books.broker.fetch_evidence = behind  # type: ignore[method-assign]  # it lags
    assert reconciled(books).decision is Decision.BUSY
    assert journaled(books, name) == known
    assert books.ledger.lease is None
    books.broker.fetch_evidence = whole  # type: ignore[method-assign]  # it has caught up
    assert reconciled(books).decision is Decision.SETTLED
    books.assert_books_equal_exchange()


def test_of_repetitions_that_do_not_fit_together_those_that_do_are_in_the_books_at_last(
    books: Books,
) -> None:
    """Each would fit, and both do not: somebody must look at what else was sold."""
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.next_minute()
    books.broker.fill_fraction = dec("0.4")
    sold = books.evaluate(Action.EXIT).order
    assert sold
    for _ in range(2):
        carry_out(books, Side.SELL, "0.001995")
    held = books.ledger.position
    halting = reconciled(books)
    assert halting.decision is Decision.HALTED
    assert halting.reasons[0].startswith("order 7003 has the name of our")
    order = journaled(books, sold.client_order_id)
    assert (order.state, order.totals) == (sold.state, sold.totals)
    assert books.ledger.position == held
    assert books.ledger.lease is None
    assert books.ledger.halt
    assert reconciled(books).decision is Decision.SETTLED
    assert journaled(books, sold.client_order_id).exchange_order_id == "7002+7003"
    assert books.ledger.position.base == held.base - dec("0.001995")
    reconciled(books)  # the one that does not fit has sold coins of the operator's
    assert "foreign:BTC/USDT:7004" in {event.event_id for event in books.store.events(100)}
    assert books.ledger.position.base == held.base - dec("0.001995")
    assert journaled(books, sold.client_order_id).exchange_order_id == "7002+7003"
    assert "sells" in books.ledger.halt.reason
    assert [event.kind for event in books.store.events(100)].count(EventKind.HALT) == 1


def test_a_run_that_outlived_its_lease_adopts_nothing(books: Books) -> None:
    """Invariant I11: it was frozen between the search and the books."""
    books.enter()
    name = carry_out(books, Side.BUY, "0.004")
    before, held = journaled(books, name), books.ledger.position
    commit = books.store.commit

    def frozen(changes: Sequence[Change]) -> Conflict | None:
        if any(isinstance(one, Replace) and isinstance(one.entity, Order) for one in changes):
            books.store.commit = commit  # type: ignore[method-assign]  # once
            books.clock.at_ms += 71_000
            books.lease("another run")
        return commit(changes)

    books.store.commit = frozen  # type: ignore[method-assign]  # once
    outcome = reconciled(books)
    assert outcome.decision is Decision.BUSY
    assert outcome.ledger == books.ledger
    assert journaled(books, name) == before
    assert books.ledger.position == held
    assert books.ledger.lease
    assert books.ledger.lease.owner == "another run"


@pytest.mark.parametrize("after_ms", [-1_000, 0, LISTED_WITHIN_MS])
def test_a_look_that_was_too_early_to_show_a_refused_sell_is_no_search_for_it(
    books: Books, after_ms: int
) -> None:
    refused = refused_sell(books, carried_out=True)
    looked = replace(books.ledger, looked_ms=refused.journaled_ms + after_ms)
    assert books.store.commit([Replace(looked)]) is None
    books.next_minute(11)
    books.clock.left_ms = 12_000
    books.exits()
    assert len(books.broker.submissions) == 2, "the stop was sold once"
    assert journaled(books, refused.client_order_id).state is OrderState.CLOSED


@pytest.mark.parametrize("part", ["1", "0.4"])
def test_a_sell_is_held_back_while_what_a_refused_one_asked_for_is_gone(
    books: Books, part: str
) -> None:
    """Carried out to the last digit, or in part, and no listing shows it yet."""
    books.broker.listing_lag_ms = 60_000
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.broker.fill_fraction = dec(part)
    refused = stop_refused(books, carried_out=True)
    held_back = next_pass(books)
    gone_base = books.ledger.position.base + 1 - books.broker.balances["BTC"]
    assert held_back.decision is Decision.ERROR
    assert held_back.reasons == (
        f"{refused.client_order_id} was refused, yet {plain(gone_base)} is gone",
    )
    assert len(books.broker.submissions) == 2
    assert books.ledger.lease is None


def test_a_sell_is_held_back_for_as_little_as_could_be_sold(books: Books) -> None:
    refused_sell(books, carried_out=False)
    books.broker.balances["BTC"] -= market().amount_step_base
    held_back = next_pass(books)
    assert held_back.decision is Decision.ERROR
    assert held_back.reasons[0].endswith("was refused, yet 0.000001 is gone")


def test_a_withdrawal_does_not_hold_an_entry_back(books: Books) -> None:
    """Of a coin that is worth less than a dollar, as much as the entry's quote is soon gone."""
    books.price("0.5")
    books.broker.balances["BTC"] = dec(1_000)
    books.broker.faults = [Fault.REJECTED]
    books.enter()
    books.broker.balances["BTC"] -= 500
    assert books.enter().decision is Decision.ENTER
    assert books.ledger.position.base > 0


def test_a_sell_that_was_proved_absent_is_not_searched_for_again(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.broker.faults = [Fault.LOST_BEFORE]
    lost = books.evaluate(Action.EXIT).order
    assert lost
    for _ in range(4):
        books.next_minute()
        books.evaluate()
    assert journaled(books, lost.client_order_id).state is OrderState.NOT_PLACED
    books.broker.calls.clear()
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT
    assert "evidence" not in books.broker.calls
    books.assert_books_equal_exchange()
