"""What others do on our account: told once, explained, never taken into the books."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from books import Books
from builders import BTC, dec
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import OrderReport, OrderState, Purpose, Side, Totals
from crypto_ai_bot.domain.order import client_order_id as name_of
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.outcome import Decision
from fakes import Fault

OTHER_BOT = name_of("laptop", BTC, Purpose.ENTRY, 0, 1)
OUR_TWIN = name_of("paper", BTC, Purpose.ENTRY, 77_000, 1)


def trade(books: Books, text: str, side: Side = Side.BUY, base: str = "0.5") -> OrderReport:
    """Somebody with the same account trades BTC."""
    cost = dec(base) * 20_000
    books.broker._apply(BTC, side, Totals(dec(base), cost), text)
    return books.broker.orders[-1][0]


def events(books: Books, kind: EventKind) -> list[Event]:
    return [event for event in books.store.events(100) if event.kind is kind]


def looked(books: Books, minutes: int = 5) -> tuple[str, ...]:
    books.next_minute(minutes)
    return books.reconcile().reasons


@pytest.mark.parametrize("text", ["", "apiv4", "web", "t-mine", "t-other-bot-7"])
def test_a_persons_order_is_told_once_and_nothing_stops(books: Books, text: str) -> None:
    books.enter()
    held = books.ledger.position
    report = trade(books, text)
    reasons = looked(books)
    assert reasons[0].startswith(f"foreign: order {report.exchange_order_id} (")
    assert "another program or you" in reasons[0]
    assert "explained by orders that are not ours" in reasons[1]
    for _ in range(9):
        assert looked(books) == ("books agree",)
    assert len(events(books, EventKind.DRIFT)) == 2  # the order, and the balance that it moved
    assert books.ledger.position == held
    assert books.ledger.halt is None
    assert books.store.glance().control.state is TradingState.ON


@pytest.mark.parametrize(("text", "tag"), [(OTHER_BOT, "laptop"), (OUR_TWIN, "paper")])
def test_another_deployment_on_the_account_stops_entries_and_leaves_exits(
    books: Books, text: str, tag: str
) -> None:
    books.enter()
    trade(books, text)
    looked(books)
    control = books.store.glance().control
    assert control.state is TradingState.EXITS_ONLY
    assert control.changed_by == "reconcile"
    assert f"deployment '{tag}'" in control.reason
    (told, _) = events(books, EventKind.DRIFT)
    assert told.text.startswith("foreign: BTC/USDT: order")
    assert told.text.endswith("entries are stopped")
    assert books.evaluate(Action.EXIT).decision is Decision.EXIT
    books.next_minute()
    assert "trading_state: exits_only makes no entry" in books.enter().reasons


def test_a_person_who_starts_again_is_not_stopped_by_the_same_order(books: Books) -> None:
    trade(books, OTHER_BOT)
    books.reconcile()
    set_trading_state(books.store, books.clock, TradingState.ON, "the laptop is off", "operator")
    assert looked(books, 1) == ("no order of ours so far",)
    assert books.store.glance().control.state is TradingState.ON
    trade(books, name_of("laptop", BTC, Purpose.ENTRY, 60_000, 1))
    looked(books, 1)
    assert books.store.glance().control.state is TradingState.EXITS_ONLY


def test_our_own_orders_are_never_foreign(books: Books) -> None:
    books.enter()
    looked(books)
    books.evaluate(Action.EXIT)
    books.broker.faults = [Fault.LOST_AFTER]
    books.next_minute()
    books.enter()
    assert looked(books)[0].startswith("t-paper-")
    assert looked(books) == ("books agree",)
    assert not events(books, EventKind.DRIFT)


def test_an_order_that_the_listing_shows_late_is_found(books: Books) -> None:
    books.enter()
    books.next_minute()
    trade(books, OTHER_BOT, base="0")
    books.broker.listing_lag_ms = 90_000
    looked(books, 1)
    assert books.ledger.looked_ms == books.clock.at_ms
    assert books.store.glance().control.state is TradingState.ON
    looked(books, 5)
    assert books.store.glance().control.state is TradingState.EXITS_ONLY


def test_what_was_there_before_the_first_order_is_nobodys_drift(books: Books) -> None:
    books.broker.balances["BTC"] = dec(2)
    assert books.reconcile().reasons == ("no order of ours so far",)
    books.enter()
    assert books.ledger.foreign_base == 2
    assert looked(books) == ("books agree",)
    assert books.ledger.expected_base == books.broker.balances["BTC"]
    books.evaluate(Action.EXIT)
    assert books.broker.balances["BTC"] >= 2
    assert looked(books) == ("books agree",)


def test_a_deposit_is_told_with_what_it_is_and_is_then_known(books: Books) -> None:
    books.enter()
    books.broker.balances["BTC"] += 1
    reasons = looked(books)
    assert "no order explains it: a deposit or a transfer" in reasons[0]
    assert books.ledger.foreign_base == 1
    assert looked(books) == ("books agree",)


def test_a_deposit_beside_a_foreign_buy_is_told_apart(books: Books) -> None:
    books.enter()
    trade(books, "web")
    books.broker.balances["BTC"] += 1
    assert "0.5 of it by orders that are not ours" in looked(books)[1]


def test_coins_of_the_operator_may_leave_again_and_ours_may_not(books: Books) -> None:
    books.broker.balances["BTC"] = dec(2)
    books.enter()
    books.broker.balances["BTC"] -= 2
    assert "a withdrawal or a transfer" in looked(books)[0]
    withdrawn = books.ledger
    assert withdrawn.halt is None
    assert withdrawn.foreign_base == 0
    trade(books, "web", Side.SELL, "0.001")
    books.next_minute()
    assert books.reconcile().decision is Decision.HALTED
    halt = books.ledger.halt
    assert halt
    assert "explained by orders that are not ours" in halt.reason
    assert len(events(books, EventKind.HALT)) == 1


def test_less_than_an_amount_step_is_no_drift(books: Books) -> None:
    books.enter()
    books.broker.balances["BTC"] -= dec("0.00000099")
    assert looked(books) == ("books agree",)
    books.broker.balances["BTC"] -= dec("0.00000001")
    assert books.reconcile().decision is Decision.HALTED


def test_a_rejected_order_that_was_made_is_adopted_by_reconcile(books: Books) -> None:
    books.broker.faults = [Fault.REJECTED]
    books.enter()
    (name,) = books.broker.submissions
    assert books.ledger.position.base == 0
    trade(books, name, base="0.004")
    assert "was made after all" in looked(books)[0]
    books.assert_books_equal_exchange()
    assert books.ledger.guard
    order = books.store.order(name)
    assert order
    assert order.state is OrderState.CLOSED
    assert looked(books) == ("books agree",)
    assert not events(books, EventKind.DRIFT)


def test_the_look_moves_on_and_does_not_read_old_orders_for_ever(books: Books) -> None:
    books.enter()
    trade(books, "web")
    looked(books)
    first = books.ledger.looked_ms
    for _ in range(5):
        looked(books)
    assert books.ledger.looked_ms - first >= 15 * 60_000
    asked: list[int] = []
    listed = books.broker.fetch_orders

    def watched(symbol: Symbol, since_ms: int) -> Sequence[OrderReport]:
        asked.append(since_ms)
        return listed(symbol, since_ms)

    books.broker.fetch_orders = watched  # type: ignore[method-assign]  # the same list, watched
    looked(books)
    assert books.clock.at_ms - asked[0] <= 30 * 60_000


def test_another_run_with_the_symbol_is_not_disturbed_by_the_mark(books: Books) -> None:
    books.enter()
    held = books.ledger.leased_to("another run", books.clock.at_ms + 600_000)
    assert books.store.commit([Replace(held)]) is None
    assert looked(books) == ("books agree",)
    assert books.ledger == replace(held, version=held.version + 1)
