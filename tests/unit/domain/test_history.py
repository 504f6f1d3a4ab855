"""Fills applied once more: what each sale took of which lot, and what it made."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BTC, ETH, NOON_MS, dec, fill, order
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.history import disposals, in_order, replayed
from crypto_ai_bot.domain.money import total
from crypto_ai_bot.domain.order import Fill, Side

FEE_RATE = dec("0.002")


def bought(base: str, cost: str, name: str, at_ms: int = NOON_MS) -> Fill:
    return replace(fill(Side.BUY, base, cost, name), at_ms=at_ms)


def sold(base: str, cost: str, name: str, at_ms: int = NOON_MS) -> Fill:
    fee = dec(cost) * FEE_RATE
    return replace(fill(Side.SELL, base, cost, name, fee_quote=fee), at_ms=at_ms)


def test_a_sale_takes_the_oldest_lots_first_and_a_part_of_the_next() -> None:
    fills = [bought("1", "100", "a"), bought("2", "300", "b", 7), sold("2", "400", "c", 9)]
    *_, sale = replayed(fills)
    lines = disposals(sale)
    assert [(line.bought_by, line.base, line.cost_quote) for line in lines] == [
        ("a", dec(1), dec(100)),
        ("b", dec(1), dec(150)),
    ]
    assert [line.proceeds_quote for line in lines] == [dec("199.6"), dec("199.6")]
    assert [line.profit_quote for line in lines] == [dec("99.6"), dec("49.6")]
    assert [(line.opened_ms, line.closed_ms) for line in lines] == [(NOON_MS, 9), (7, 9)]
    assert {line.sold_by for line in lines} == {"c"}


def test_a_sale_of_whole_lots_leaves_the_next_alone() -> None:
    fills = [bought("1", "100", "a"), bought("1", "110", "b"), sold("1", "120", "c")]
    *_, sale = replayed(fills)
    assert [line.bought_by for line in disposals(sale)] == ["a"]


def test_a_purchase_disposes_of_nothing() -> None:
    (step,) = replayed([bought("1", "100", "a")])
    assert disposals(step) == []


def test_a_fee_in_quote_that_a_purchase_paid_later_disposes_of_nothing() -> None:
    later = replace(fill(Side.BUY, "0", "0", "a", fee_quote=dec("0.2")), fill_id="a:2")
    *_, step = replayed([bought("1", "100", "a"), later])
    assert step.after.cost_quote == dec("100.2")
    assert disposals(step) == []


def test_symbols_do_not_mix() -> None:
    other = replace(sold("1", "100", "b"), symbol=ETH)
    with pytest.raises(InvariantBroken, match="sells 1 of 0 ETH held"):
        list(replayed([bought("1", "100", "a"), other]))


def test_fills_go_by_time_then_by_journal_then_by_number() -> None:
    late = bought("1", "1", "a", NOON_MS + 1)
    second, tenth = (replace(bought("1", "1", "b"), fill_id=f"b:{n}") for n in (2, 10))
    first = bought("1", "1", "c")  # by its name it would be the last
    orders = {
        "b": order(client_order_id="b", journaled_ms=NOON_MS),
        "c": order(client_order_id="c", journaled_ms=NOON_MS - 1),
    }
    assert in_order([late, tenth, second, first], orders) == [first, second, tenth, late]


def test_fills_of_one_symbol_go_as_they_were_applied_whatever_their_times() -> None:
    """An order found late was applied after younger ones."""
    found_late = replace(bought("1", "1", "x", NOON_MS), ledger_version=9)
    younger = replace(sold("1", "2", "y", NOON_MS + 1), ledger_version=8)
    other = replace(bought("1", "1", "z", NOON_MS + 2), symbol=ETH, ledger_version=2)
    assert in_order([found_late, younger, other], {}) == [younger, found_late, other]


AMOUNTS = st.decimals("0.000001", "50", places=6)


@given(
    st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=6),
    st.integers(1, 1_000_000),
    AMOUNTS,
)
def test_the_lines_of_a_sale_add_up_to_what_it_realised(
    purchases: list[tuple[Decimal, Decimal]], millionths: int, proceeds: Decimal
) -> None:
    fills = [bought(str(b), str(q), f"n{i}", i) for i, (b, q) in enumerate(purchases)]
    held = total(base for base, _ in purchases)
    part = (held * millionths / 1_000_000).quantize(dec("1e-12"))
    if not part:
        return
    selling = sold(str(part), str(proceeds), "sale", 99)
    fine = replace(selling.traded, fee_quote=selling.traded.fee_quote + dec("1e-15"))
    *_, sale = replayed([*fills, replace(selling, traded=fine)])
    lines = disposals(sale)
    assert total(line.profit_quote for line in lines) == sale.realised_quote
    assert total(line.base for line in lines) == part
    assert {line.symbol for line in lines} == {BTC}


def test_a_fee_in_base_that_a_purchase_paid_later_disposes_of_nothing() -> None:
    first = fill(Side.BUY, "1", "100", "a")
    later = replace(fill(Side.BUY, "0", "0", "a", fee_base=dec("0.002")), fill_id="a:2")
    *_, step = replayed([first, later])
    assert disposals(step) == []


def test_the_lines_of_a_sale_whose_fee_is_reported_later_add_up_to_what_it_realised() -> None:
    held, sale = fill(Side.BUY, "2", "200", "a"), fill(Side.SELL, "1", "110", "b")
    later = replace(fill(Side.SELL, "0", "0", "b", fee_quote=dec("0.22")), fill_id="b:2")
    steps = list(replayed([held, sale, later]))
    lines = [line for step in steps for line in disposals(step)]
    assert total(line.profit_quote for line in lines) == total(s.realised_quote for s in steps)
    assert lines[-1].opened_ms == lines[-1].closed_ms, "of no lot, so of no earlier day"
