"""Fees paid in GT while GT is traded too: its books follow the reports, and nothing halts."""

from dataclasses import replace

import pytest

from books import Books
from builders import BTC, dec, quote
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import OrderState, Side, Totals
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.ports.broker import Answer
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from crypto_ai_bot.usecases.reconcile import reconcile
from fakes import Fault

GT = Symbol("GT", "USDT")
FEE = dec("0.02")


@pytest.fixture
def books() -> Books:
    """BTC and GT are traded, GT at 10 USDT, and every fee of BTC is 0.02 GT."""
    made = Books(symbols=(BTC, GT))
    made.broker.quotes[GT] = quote("10", "10")
    submit = made.broker._submit

    def in_gt(
        symbol: Symbol, side: Side, totals: Totals, name: str, expires_ms: int | None
    ) -> Answer:
        if symbol == BTC:
            totals = replace(totals, fee_base=dec(0), fee_quote=dec(0), fee_other={"GT": FEE})
        before = len(made.broker.orders)
        answer = submit(symbol, side, totals, name, expires_ms)
        if symbol == BTC and len(made.broker.orders) > before:
            made.broker.balances["GT"] = made.broker.balances.get("GT", dec(0)) - FEE
        return answer

    made.broker._submit = in_gt  # type: ignore[method-assign]  # another fee
    return made


def trade(books: Books, symbol: Symbol, says: Action) -> SymbolOutcome:
    books.script.says = says
    books.next_minute()
    return evaluate(books.desk, books.tick(Job.EVALUATE, symbol)).symbols[0]


def reconciled(books: Books, minutes: int = 5) -> SymbolOutcome:
    books.next_minute(minutes)
    outcomes = reconcile(books.desk, books.tick(Job.RECONCILE)).symbols
    return next(one for one in outcomes if one.symbol == GT)


def ledger(books: Books) -> Ledger:
    return books.store.glance().ledgers[GT]


def no_drift_was_told(books: Books) -> bool:
    return all(event.kind is not EventKind.DRIFT for event in books.store.events(100))


def test_fees_are_taken_from_what_the_operator_keeps_for_them(books: Books) -> None:
    books.broker.balances["GT"] = dec(5)
    trade(books, GT, Action.ENTER)
    held = ledger(books).position
    for _ in range(4):
        trade(books, BTC, Action.ENTER)
        trade(books, BTC, Action.EXIT)
    assert reconciled(books).reasons == ("books agree",)
    assert ledger(books).foreign_base == dec(5) - 8 * FEE
    assert ledger(books).position == held
    assert ledger(books).expected_base == books.broker.balances["GT"]
    assert no_drift_was_told(books)
    assert not books.store.glance().account.fees_unbooked


def test_fees_that_only_our_position_can_pay_halt_nothing_and_leave_its_fills_alone(
    books: Books,
) -> None:
    trade(books, GT, Action.ENTER)
    before = ledger(books).position
    trade(books, BTC, Action.ENTER)
    assert reconciled(books).reasons == ("books agree",)
    assert ledger(books).position == before
    assert ledger(books).foreign_base == -FEE
    assert ledger(books).expected_base == books.broker.balances["GT"]
    assert ledger(books).halt is None
    books.broker.quotes[GT] = quote("8", "8")
    assert trade(books, GT, Action.EXIT).decision is Decision.EXIT
    assert ledger(books).expected_base == books.broker.balances["GT"]
    assert books.broker.balances["GT"] < dec("0.000001")


def test_a_balance_that_lacks_more_than_the_fees_took_halts(books: Books) -> None:
    trade(books, GT, Action.ENTER)
    trade(books, BTC, Action.ENTER)
    reconciled(books)
    books.broker.balances["GT"] -= dec("0.5")
    assert reconciled(books).decision is Decision.HALTED
    assert no_drift_was_told(books) is False


@pytest.mark.parametrize("settled", [True, False])
def test_a_fee_that_is_paid_while_reconcile_looks_is_no_drift(books: Books, settled: bool) -> None:  # noqa: FBT001 - a parameter
    trade(books, GT, Action.ENTER)

    def another_run_trades(call: str) -> None:
        if call == "balance":
            books.broker.on_call = lambda _call: None
            books.broker.faults = [] if settled else [Fault.LOST_AFTER]
            trade(books, BTC, Action.ENTER)

    books.broker.on_call = another_run_trades
    books.next_minute(5)
    (outcome,) = reconcile(books.desk, books.tick(Job.RECONCILE, GT)).symbols
    assert outcome.decision is Decision.WAITING
    assert ledger(books).halt is None
    books.broker.on_call = lambda _call: None
    reconciled(books, 1)
    assert reconciled(books, 1).reasons == ("books agree",)
    assert no_drift_was_told(books)


def test_a_balance_that_is_short_halts_all_the_same_once_orders_are_settled(books: Books) -> None:
    trade(books, GT, Action.ENTER)
    books.broker.faults = [Fault.LOST_BEFORE]
    books.next_minute()
    trade(books, BTC, Action.ENTER)
    books.broker.balances["GT"] -= 1

    def quiet(call: str) -> None:
        books.broker.down = call == "evidence"  # BTC's order stays unresolved

    books.broker.on_call = quiet
    assert reconciled(books, 1).decision is Decision.WAITING
    assert reconciled(books, 2).decision is Decision.HALTED
    assert ledger(books).halt


def test_what_was_paid_before_the_first_order_is_in_the_balance_already(books: Books) -> None:
    books.broker.balances["GT"] = dec(5)
    trade(books, BTC, Action.ENTER)
    reconciled(books)
    trade(books, BTC, Action.EXIT)
    assert books.store.glance().account.fees_unbooked == {"GT": 2 * FEE}
    trade(books, GT, Action.ENTER)
    assert reconciled(books).reasons == ("books agree",)
    assert ledger(books).foreign_base == dec(5) - 2 * FEE


def test_points_belong_to_no_ledger(books: Books) -> None:
    account = books.store.glance().account.with_fees({"POINT": dec(1)}).with_fees({"POINT": dec(2)})
    assert account.fees_unbooked == {"POINT": dec(3)}
    assert account.without_fees("GT") is account


def test_an_order_under_way_waits_with_the_booking(books: Books) -> None:
    trade(books, GT, Action.ENTER)
    trade(books, BTC, Action.ENTER)
    books.broker.faults = [Fault.LOST_AFTER]
    placed = trade(books, GT, Action.EXIT)
    assert placed.order
    assert placed.order.state is OrderState.UNKNOWN
    reconciled(books)
    reconciled(books)
    assert reconciled(books).reasons == ("books agree",)
    assert ledger(books).expected_base == books.broker.balances["GT"]
