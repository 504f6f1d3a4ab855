"""A slot is tried again only when the exchange shows nothing of the attempt that it rejected."""

import pytest

from books import Books
from builders import BTC, dec
from crypto_ai_bot.domain.order import OrderState, Side, Totals
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.usecases.outcome import Decision
from fakes import Fault


def replayed(books: Books, side: Side, base: str, fee_base: str = "0") -> str:
    """The rejected order was carried out all the same: somebody on the way repeated our request."""
    (name, *_) = books.broker.submissions[-1:]
    totals = Totals(dec(base), dec(base) * 20_000, dec(fee_base))
    books.broker._apply(BTC, side, totals, name)
    return name


def test_a_rejected_entry_is_tried_again_after_one_search(books: Books) -> None:
    books.broker.faults = [Fault.REJECTED]
    books.enter()
    books.broker.calls.clear()
    assert books.enter().decision is Decision.ENTER
    assert books.broker.calls.count("evidence") == 1
    assert len(set(books.broker.submissions)) == 2
    books.assert_books_equal_exchange()


def test_a_first_attempt_searches_for_nothing(books: Books) -> None:
    books.enter()
    assert "evidence" not in books.broker.calls


def test_a_rejected_entry_that_was_made_is_adopted_and_nothing_is_sent(books: Books) -> None:
    books.broker.faults = [Fault.REJECTED]
    books.enter()
    name = replayed(books, Side.BUY, "0.004", fee_base="0.000008")
    outcome = books.enter()
    assert outcome.order
    assert (outcome.order.client_order_id, outcome.order.state) == (name, OrderState.CLOSED)
    assert books.broker.submissions == [name]
    assert books.ledger.position.base == dec("0.003992")
    assert books.ledger.guard
    books.assert_books_equal_exchange()
    assert books.enter().decision is Decision.HOLD
    assert books.broker.submissions == [name]


def test_a_rejected_exit_that_was_made_is_adopted(books: Books) -> None:
    books.enter()
    held = books.ledger.position.base
    books.next_minute()
    books.broker.faults = [Fault.REJECTED]
    books.evaluate(Action.EXIT)
    replayed(books, Side.SELL, str(held))
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT
    assert len(books.broker.submissions) == 2
    books.assert_books_equal_exchange()
    assert books.ledger.position.base == 0


@pytest.mark.parametrize("down", ["evidence", "time"])
def test_a_search_without_an_answer_makes_no_further_attempt(books: Books, down: str) -> None:
    books.broker.faults = [Fault.REJECTED]
    books.enter()

    def breaks(call: str) -> None:
        books.broker.down = call == down

    books.broker.on_call = breaks
    outcome = books.enter()
    assert outcome.decision is Decision.ERROR
    assert outcome.reasons == (f"{down}: the exchange did not answer",)
    assert len(books.broker.submissions) == 1
    assert books.ledger.lease is None
