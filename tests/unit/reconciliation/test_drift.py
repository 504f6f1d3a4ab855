from dataclasses import replace

from builders import BTC, NOON_MS, dec, order
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.reconciliation.drift import drift_of, halted

HELD = Ledger(BTC, position=Position((Lot("t-paper-abc", dec("0.005"), dec(100), 1),)))


def balance(base: str) -> Balance:
    return Balance(dec(10_000), dec(base))


def test_books_that_agree_do_not_drift() -> None:
    assert drift_of(HELD, balance("0.005")) is None


def test_an_order_under_way_moves_the_balance_before_the_ledger_and_is_no_drift() -> None:
    assert drift_of(HELD.with_pending(order()), balance("0.009")) is None


def test_the_slightest_difference_is_told_with_its_direction() -> None:
    more, less = drift_of(HELD, balance("0.0050001")), drift_of(HELD, balance("0.0049999"))
    assert more
    assert less
    assert (more.missing, less.missing) == (False, True)
    assert more.difference_base == dec("0.0000001")
    assert str(less) == "the exchange holds 0.0049999 base, the ledger 0.005"


def test_a_symbol_that_is_halted_already_keeps_its_first_reason_and_date() -> None:
    first, told = halted(HELD, "a balance is short", NOON_MS)
    again, told_again = halted(first, "something else", NOON_MS + 1)
    assert again == first
    assert told_again.event_id == told.event_id
    assert first.halt
    assert first.halt.reason in told.text
    assert replace(first, halt=None) == HELD
