"""What a person may do about the books, and what the evidence does not let them do."""

import pytest

from books import Books
from builders import BTC, dec
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.order import OrderState, Side, Totals
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.usecases.by_hand import NotDone, compare, release, resolve_by_hand
from crypto_ai_bot.usecases.outcome import Decision
from crypto_ai_bot.usecases.settling import Placed
from fakes import Fault

ME = "a person"


def lost(books: Books, fault: Fault = Fault.LOST_AFTER) -> str:
    books.broker.faults = [fault]
    books.enter()
    return books.broker.submissions[-1]


def refused(done: object) -> str:
    assert isinstance(done, NotDone)
    return done.reason


def halted_by_a_moved_balance(books: Books) -> str:
    """An order that never arrived, while the balance moved: nothing proves it absent."""
    name = lost(books, Fault.LOST_BEFORE)
    books.broker.balances["BTC"] = dec(1)
    for _ in range(12):
        books.next_minute()
        books.reconcile()
    assert books.ledger.halt
    return name


def test_books_that_agree_have_nothing_to_show_and_are_left_alone(books: Books) -> None:
    books.enter()
    before = books.store.glance()
    (one,) = compare(books.desk)
    assert one.agrees
    assert one.exchange_base == one.ledger_base == books.ledger.position.base
    assert books.store.glance() == before


def test_each_difference_is_shown_with_what_it_rests_on(books: Books) -> None:
    name = lost(books)
    books.broker._apply(BTC, Side.SELL, Totals(dec("0.001"), dec(20)), "web")
    books.next_minute()
    (one,) = compare(books.desk)
    foreign, journal = one.evidence
    assert foreign.startswith("order 7002 (web, sell of 0.001 BTC")
    assert journal == f"journal: {name} is unknown: no answer"
    books.reconcile()
    books.next_minute()
    books.reconcile()
    (one,) = compare(books.desk)
    assert any(line.startswith("halted: the exchange holds") for line in one.evidence)
    assert any(line.startswith("balance: ") for line in one.evidence)
    assert not one.as_json()["agrees"]


def test_an_order_that_the_exchange_shows_is_settled(books: Books) -> None:
    name = lost(books)
    placed = resolve_by_hand(books.desk, name, ME)
    assert isinstance(placed, Placed)
    assert placed.order.state is OrderState.CLOSED
    books.assert_books_equal_exchange()


def test_an_order_that_may_still_arrive_is_not_closed_whatever_a_person_says(books: Books) -> None:
    name = lost(books, Fault.LOST_BEFORE)
    assert "can still arrive" in refused(resolve_by_hand(books.desk, name, ME, "I am sure"))
    assert books.ledger.pending
    assert books.ledger.lease is None


def test_searches_must_be_several_whatever_a_person_says(books: Books) -> None:
    name = lost(books, Fault.LOST_BEFORE)
    books.broker.balances["BTC"] = dec(1)
    books.next_minute()
    assert "1 complete searches" in refused(resolve_by_hand(books.desk, name, ME, "a deposit"))
    assert books.ledger.pending


def test_a_moved_balance_needs_a_persons_word_and_then_the_order_is_closed(books: Books) -> None:
    name = halted_by_a_moved_balance(books)
    assert "--absent --because" in refused(resolve_by_hand(books.desk, name, ME))
    placed = resolve_by_hand(books.desk, name, ME, "I deposited 1 BTC")
    assert isinstance(placed, Placed)
    assert placed.order.state is OrderState.NOT_PLACED
    assert "the balance moved for: I deposited 1 BTC" in placed.order.resolution
    assert books.ledger.halt  # lifted by release alone


def test_a_listed_order_is_settled_even_if_a_person_says_it_is_absent(books: Books) -> None:
    name = halted_by_a_moved_balance(books)
    books.broker._apply(BTC, Side.BUY, Totals(dec("0.004"), dec(80)), name)
    placed = resolve_by_hand(books.desk, name, ME, "I deposited 1 BTC")
    assert isinstance(placed, Placed)
    assert placed.order.state is OrderState.CLOSED
    assert books.ledger.position.base == dec("0.004")


def test_an_order_of_which_nothing_is_open_is_not_touched(books: Books) -> None:
    books.enter()
    (name,) = books.broker.submissions
    before = books.ledger
    assert "is closed" in refused(resolve_by_hand(books.desk, name, ME))
    assert "no such order" in refused(resolve_by_hand(books.desk, "t-paper-nothing", ME))
    assert books.ledger == before


def test_a_rejected_order_that_was_made_is_adopted_and_one_that_was_not_stays(books: Books) -> None:
    name = lost(books, Fault.REJECTED)
    assert "no listing shows it" in refused(resolve_by_hand(books.desk, name, ME))
    assert books.ledger.lease is None
    books.broker._apply(BTC, Side.BUY, Totals(dec("0.004"), dec(80)), name)
    assert isinstance(resolve_by_hand(books.desk, name, ME), Placed)
    books.assert_books_equal_exchange()


def test_another_run_with_the_symbol_goes_first(books: Books) -> None:
    name = lost(books)
    held = books.ledger.leased_to("another run", books.clock.at_ms + 60_000)
    assert books.store.commit([Replace(held)]) is None
    assert "another run has BTC/USDT" in refused(resolve_by_hand(books.desk, name, ME))


def test_a_halt_is_lifted_once_books_and_balance_agree_and_not_before(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.broker.balances["BTC"] -= dec("0.001")
    books.reconcile()
    reason = refused(release(books.desk, BTC, "it is fine", ME))
    assert reason.endswith("bring back the 0.001 BTC that are missing")
    books.broker.balances["BTC"] += dec("0.001")
    held = books.ledger.leased_to("another run", books.clock.at_ms + 60_000)
    assert books.store.commit([Replace(held)]) is None
    assert "another run has BTC/USDT" in refused(release(books.desk, BTC, "I sent it back", ME))
    books.next_minute(2)
    lifted = release(books.desk, BTC, "I sent it back", ME)
    assert isinstance(lifted, Ledger)
    assert books.ledger.halt is None
    told = [one for one in books.store.events(100) if one.kind is EventKind.CONTROL]
    assert "released: I sent it back (it was halted for: the exchange holds" in told[0].text
    books.next_minute()
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT
    books.next_minute()
    assert books.enter().decision is Decision.ENTER


def test_an_unsettled_order_keeps_its_halt(books: Books) -> None:
    name = halted_by_a_moved_balance(books)
    reason = refused(release(books.desk, BTC, "it is fine", ME))
    assert reason.endswith(f"cab-reconcile resolve {name}")
    resolve_by_hand(books.desk, name, ME, "I deposited 1 BTC")
    assert "after reconcile has told of it" in refused(release(books.desk, BTC, "fine", ME))
    books.reconcile()
    assert isinstance(release(books.desk, BTC, "I deposited 1 BTC", ME), Ledger)


@pytest.mark.parametrize("symbol", [BTC])
def test_what_is_not_halted_is_not_released(books: Books, symbol: object) -> None:
    assert refused(release(books.desk, BTC, "why not", ME)) == f"{symbol} is not halted"
