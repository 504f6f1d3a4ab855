"""What reports of one name add up to, which of them fit, and what a proof or a wait rests on.

Mutants showed the need.
"""

from dataclasses import replace

from builders import BTC, NOON_MS, dec, order, report, sell_request
from crypto_ai_bot.domain.ledger import Halt, Ledger
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.domain.order import OrderReport, OrderState, Totals
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.reconciliation.resolve import (
    ARRIVAL_MARGIN_MS,
    Absent,
    Wait,
    added_up,
    resolve,
    that_fit,
)

SELL = order(sell_request("0.002"))
HALTED = Ledger(
    BTC,
    position=Position((Lot("t-paper-buy", dec("0.003"), dec(60), 1),)),
    halt=Halt("a sell of more than is held", NOON_MS),
)


def sale(base: str, exchange_order_id: str) -> OrderReport:
    return report(SELL, base, "40", exchange_order_id=exchange_order_id)


def test_the_sum_of_two_sells_has_the_fees_of_both_and_the_newest_time() -> None:
    sold = order(sell_request("0.002"))
    first, second = report(sold, "0.001", "20"), report(sold, "0.001", "30")
    late = replace(second, exchange_order_id="7002", updated_ms=NOON_MS + 9_000)
    for pair in ([first, late], [late, first]):
        found = added_up(pair)
        assert found.totals.fee_quote == dec("0.1")
        assert found.updated_ms == NOON_MS + 9_000


def test_a_proof_of_absence_says_that_the_balance_has_not_moved() -> None:
    lost = replace(order(), absences=2, absent_since_ms=NOON_MS + 10_000)
    balance = Balance(dec(10_000), dec(0))
    found = resolve(lost, (), balance, NOON_MS + 60_000, NOON_MS + 60_000)
    assert isinstance(found, Absent)
    assert found.proof.endswith("and the base balance has not moved")


def test_each_wait_says_what_it_waits_for() -> None:
    balance = Balance(dec(10_000), dec(0))
    last_ms = order().expires_ms + ARRIVAL_MARGIN_MS
    early = resolve(order(), (), balance, last_ms, last_ms)
    assert isinstance(early, Wait)
    assert early.reason == "the request can still arrive"
    once = resolve(order(), (), balance, last_ms + 1, last_ms + 1)
    assert isinstance(once, Wait)
    assert once.reason == "absent from 1 of 3 searches"
    accepted = order(state=OrderState.ACCEPTED)
    unlisted = resolve(accepted, (), balance, last_ms, last_ms)
    assert isinstance(unlisted, Wait)
    assert unlisted.reason == "the exchange accepted it and does not list it"


def test_of_a_sell_made_twice_a_halted_ledger_takes_what_it_holds_and_not_one_step_more() -> None:
    first, second = sale("0.002", "7001"), sale("0.001", "7002")
    assert list(that_fit(SELL, (first, second), HALTED)) == [first, second]
    more = sale("0.001001", "7002")
    assert list(that_fit(SELL, (first, more), HALTED)) == [first]
    assert that_fit(SELL, (first, more), replace(HALTED, halt=None)) == (first, more)


def test_the_known_parts_of_a_sell_fit_before_a_repetition_wherever_it_is_listed() -> None:
    """Two orders are in the books of it already; the third one is the one that does not fit."""
    known = replace(
        SELL,
        exchange_order_id="7001+7002",
        totals=Totals(dec("0.004"), dec(80)),
    )
    listed = (sale("0.004", "7003"), sale("0.002", "7002"), sale("0.002", "7001"))
    fitting = that_fit(known, listed, HALTED)
    assert {one.exchange_order_id for one in fitting} == {"7001", "7002"}


def test_one_sell_that_does_not_fit_is_kept_for_the_contradiction_to_show() -> None:
    alone = (sale("0.004", "7001"),)
    assert list(that_fit(SELL, alone, HALTED)) == list(alone)


def test_a_fee_in_base_counts_in_what_a_halted_ledger_can_hold() -> None:
    def charged(one: OrderReport) -> OrderReport:
        totals = replace(one.totals, fee_base=dec("0.000001"), fee_quote=dec(0))
        return replace(one, totals=totals)

    pair = (charged(sale("0.002", "7001")), charged(sale("0.001", "7002")))
    assert list(that_fit(SELL, pair, HALTED)) == [pair[0]]
