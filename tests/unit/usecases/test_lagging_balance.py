"""An order right after another: the balance that it is judged on may be from before that one."""

import pytest

from books import Books
from builders import dec
from crypto_ai_bot.domain.order import OrderState
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.reconciliation.drift import BALANCE_SHOWN_WITHIN_MS
from crypto_ai_bot.usecases.outcome import Decision
from crypto_ai_bot.usecases.trading import LAST_ORDER_NOT_SHOWN


@pytest.fixture
def sold(books: Books) -> Books:
    """A position that was just sold, and a balance that still has it."""
    books.enter()
    books.next_minute()
    held_base = books.ledger.position.base
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT
    books.broker.balances["BTC"] += held_base
    return books


def test_an_entry_waits_until_the_balance_shows_the_order_before_it(sold: Books) -> None:
    sold.clock.at_ms += BALANCE_SHOWN_WITHIN_MS // 2
    waiting = sold.enter()
    assert waiting.decision is Decision.BLOCKED
    assert waiting.reasons == (LAST_ORDER_NOT_SHOWN,)
    assert waiting.verdict
    assert waiting.verdict.limits == sold.desk.policy.limits
    assert sold.ledger.lease is None
    sold.broker.balances["BTC"] = sold.ledger.position.base
    assert sold.enter().decision is Decision.ENTER
    sold.assert_books_equal_exchange()


def test_a_balance_that_stays_as_it_is_was_moved_by_somebody_and_holds_no_entry_back(
    sold: Books,
) -> None:
    sold.clock.at_ms += BALANCE_SHOWN_WITHIN_MS - 1
    assert sold.enter().decision is Decision.BLOCKED
    sold.clock.at_ms += 1
    assert sold.enter().decision is Decision.ENTER


def test_a_sell_waits_for_no_balance(books: Books) -> None:
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.broker.balances["BTC"] = dec(1)  # the entry does not show yet
    sold = books.evaluate(Action.EXIT)
    assert sold.decision is Decision.EXIT
    assert sold.order
    assert sold.order.state is OrderState.CLOSED
