from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BTC, dec, fill
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.order import Fill, Side, Totals
from crypto_ai_bot.domain.position import FLAT, apply_fill

amounts = st.decimals(min_value="0.000001", max_value=1000, places=6)


def test_a_fee_in_base_reduces_what_a_buy_brings() -> None:
    """The real order of gate-spot 0.6: bought 0.078 LTC, fee 0.000156, held 0.077844."""
    bought, realised = apply_fill(
        FLAT, fill(Side.BUY, "0.078", "4.99434", fee_base=dec("0.000156"))
    )
    assert bought.base == dec("0.077844")
    assert bought.cost_quote == dec("4.99434")
    assert realised == 0


def test_a_fee_in_quote_adds_to_the_cost_of_a_buy_and_reduces_what_a_sell_brings() -> None:
    bought, _ = apply_fill(FLAT, fill(Side.BUY, "1", "100", fee_quote=dec("0.2")))
    assert bought.cost_quote == dec("100.2")
    flat, realised = apply_fill(bought, fill(Side.SELL, "1", "110", fee_quote=dec("0.22")))
    assert flat == FLAT
    assert realised == dec("9.58")


def test_the_first_lot_bought_is_the_first_sold() -> None:
    position, _ = apply_fill(FLAT, fill(Side.BUY, "1", "100", "t-first"))
    position, _ = apply_fill(position, fill(Side.BUY, "2", "300", "t-second"))
    position, realised = apply_fill(position, fill(Side.SELL, "1.5", "300"))
    assert realised == dec(300) - dec(100) - dec(75)
    assert [lot.base for lot in position.lots] == [dec("1.5")]
    assert position.cost_quote == dec(225)


def test_a_sell_of_more_than_is_held_breaks_the_books() -> None:
    position, _ = apply_fill(FLAT, fill(Side.BUY, "1", "100"))
    with pytest.raises(InvariantBroken, match="sells"):
        apply_fill(position, fill(Side.SELL, "1.000001", "100"))


@given(st.lists(st.tuples(st.booleans(), amounts, amounts, st.integers(0, 30)), max_size=30))
def test_base_and_quote_are_conserved_through_any_sequence_of_fills(
    trades: list[tuple[bool, Decimal, Decimal, int]],
) -> None:
    """Base held is base bought less base sold; cost left plus cost sold is all cost."""
    position, held, spent, earned, realised = FLAT, dec(0), dec(0), dec(0), dec(0)
    for number, (buys, base, cost, fee_permille) in enumerate(trades):
        fee = Decimal(fee_permille) / 1000
        if buys:
            traded = Totals(base, cost, fee_base=base * fee)
            held, spent = held + base - traded.fee_base, spent + cost
        else:
            part = min(base, held)
            traded = Totals(part, cost, fee_quote=cost * fee)
            held, earned = held - part, earned + cost - traded.fee_quote
        side = Side.BUY if buys else Side.SELL
        fill = Fill(f"t-{number}:1", f"t-{number}", BTC, side, traded, number)
        position, gain = apply_fill(position, fill)
        realised += gain
        assert position.base == held
        assert all(lot.base > 0 for lot in position.lots)
    assert realised == earned - (spent - position.cost_quote)


def test_a_fee_in_base_adds_to_what_a_sell_takes() -> None:
    position, _ = apply_fill(FLAT, fill(Side.BUY, "1", "100"))
    position, realised = apply_fill(position, fill(Side.SELL, "0.5", "60", fee_base=dec("0.1")))
    assert position.base == dec("0.4")
    assert realised == 0  # 0.6 of a lot of 100


def test_a_second_fill_of_an_order_leaves_the_lots_before_it_alone() -> None:
    position, _ = apply_fill(FLAT, fill(Side.BUY, "1", "100", "t-first"))
    position, _ = apply_fill(position, fill(Side.BUY, "2", "200", "t-second"))
    position, _ = apply_fill(position, fill(Side.BUY, "1", "110", "t-second"))
    assert [(lot.client_order_id, lot.base, lot.cost_quote) for lot in position.lots] == [
        ("t-first", dec(1), dec(100)),
        ("t-second", dec(3), dec(310)),
    ]


def test_fills_of_one_order_are_one_lot_and_a_fee_reported_later_is_still_counted() -> None:
    position, _ = apply_fill(FLAT, fill(Side.BUY, "1", "100"))
    position, _ = apply_fill(position, fill(Side.BUY, "2", "200"))
    position, _ = apply_fill(position, fill(Side.BUY, "0", "0", fee_base=dec("0.006")))
    (lot,) = position.lots
    assert (lot.base, lot.cost_quote) == (dec("2.994"), dec(300))


def test_a_buy_that_leaves_nothing_breaks_the_books() -> None:
    with pytest.raises(InvariantBroken, match="leaves"):
        apply_fill(FLAT, fill(Side.BUY, "1", "100", fee_base=dec(1)))
