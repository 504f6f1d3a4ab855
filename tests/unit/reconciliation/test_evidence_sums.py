"""What reports of one name add up to, and what a proof rests on. Mutants showed the need."""

from dataclasses import replace

from builders import NOON_MS, dec, order, report, sell_request
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.reconciliation.resolve import Absent, added_up, resolve


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
