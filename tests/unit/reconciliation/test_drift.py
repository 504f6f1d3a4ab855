from dataclasses import replace

from builders import BTC, NOON_MS, dec, order
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.reconciliation.drift import drift_of, halted

BOUGHT = Position((Lot("t-paper-abc", dec("0.005"), dec(100), 1),))
HELD = Ledger(BTC, position=BOUGHT, foreign_base=dec(0))
STEP = dec("0.000001")


def balance(base: str) -> Balance:
    return Balance(dec(10_000), dec(base))


def test_books_that_agree_do_not_drift() -> None:
    assert drift_of(HELD, balance("0.005"), STEP) is None


def test_an_order_under_way_moves_the_balance_before_the_ledger_and_is_no_drift() -> None:
    assert drift_of(HELD.with_pending(order()), balance("0.009"), STEP) is None


def test_a_difference_that_an_order_could_trade_is_told_with_its_direction() -> None:
    more = drift_of(HELD, balance("0.005001"), STEP)
    less = drift_of(HELD, balance("0.004999"), STEP)
    assert more
    assert less
    assert (more.missing, less.missing) == (False, True)
    assert more.difference_base == STEP
    assert "0.004999" in str(less)


def test_dust_is_tolerated() -> None:
    assert drift_of(HELD, balance("0.0050009"), STEP) is None
    assert drift_of(HELD, balance("0.0049991"), STEP) is None


def test_what_was_there_before_the_first_order_is_the_operators() -> None:
    theirs = replace(HELD, foreign_base=dec(2))
    assert drift_of(theirs, balance("2.005"), STEP) is None
    missing = drift_of(theirs, balance("0.005"), STEP)
    assert missing
    assert drift_of(replace(HELD, foreign_base=None), balance("7"), STEP) is None


def test_a_symbol_that_is_halted_already_keeps_its_first_reason_and_date() -> None:
    first, told = halted(HELD, "a balance is short", NOON_MS)
    again, told_again = halted(first, "something else", NOON_MS + 1)
    assert again == first
    assert told_again.event_id == told.event_id
    assert first.halt
    assert first.halt.reason in told.text
    assert replace(first, halt=None) == HELD
