from dataclasses import replace

from builders import BTC, NOON_MS, dec, order
from crypto_ai_bot.domain.exchange_stop import ExchangeStop, StopTerms
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


def test_what_our_own_stop_at_the_exchange_locks_is_there_all_the_same() -> None:
    """Of more than the stop sells the rest is locked by somebody else, and is missing."""
    terms = StopTerms(dec(19_000), dec(18_500), dec("0.004"))
    stopped = replace(HELD, exchange_stop=ExchangeStop(terms, NOON_MS, 0, 0, 10**13, ("7",)))
    locked = Balance(dec(10_000), dec("0.001"), dec("0.004"))
    assert drift_of(stopped, locked, STEP) is None
    assert drift_of(HELD, locked, STEP)
    short = drift_of(stopped, Balance(dec(10_000), dec(0), dec("0.005")), STEP)
    assert short
    assert short.exchange_base == dec("0.004")


def test_a_drift_tells_what_is_held_what_is_ours_and_what_is_not() -> None:
    ours = drift_of(HELD, balance("0.006"), STEP)
    assert str(ours) == "the exchange holds 0.006 base, the ledger 0.005"
    apart = drift_of(replace(HELD, foreign_base=dec(2)), balance("0.006"), STEP)
    assert str(apart) == f"{ours} and 2 that is not ours"


def test_a_symbol_that_is_halted_already_keeps_its_first_reason_and_date() -> None:
    first, told = halted(HELD, "a balance is short", NOON_MS)
    again, told_again = halted(first, "something else", NOON_MS + 1)
    assert again == first
    assert told_again.event_id == told.event_id
    assert first.halt
    assert first.halt.reason in told.text
    assert replace(first, halt=None) == HELD


def test_what_is_known_to_be_gone_is_told_as_less_than_the_ledger() -> None:
    drift = drift_of(replace(HELD, foreign_base=dec("-0.002")), balance("0.001"), STEP)
    assert str(drift) == (
        "the exchange holds 0.001 base, the ledger 0.005 less 0.002 that is known to be gone"
    )


def test_a_halt_is_told_of_its_symbol() -> None:
    _, told = halted(HELD, "a reason", NOON_MS)
    assert told.symbol == "BTC/USDT"
