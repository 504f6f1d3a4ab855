from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ai_bot.domain.market import Depth, Level
from crypto_ai_bot.domain.matching import (
    FinishAs,
    Match,
    match_buy,
    match_sell,
    price_bound,
    worsened,
)
from crypto_ai_bot.domain.money import floor_to_step, plain
from crypto_ai_bot.domain.order import Side

STEP = Decimal("0.001")
FEE = Decimal("0.002")


def depth(
    *, asks: list[tuple[str, str]] | None = None, bids: list[tuple[str, str]] | None = None
) -> Depth:
    def levels(rows: list[tuple[str, str]] | None) -> tuple[Level, ...]:
        return tuple(Level(Decimal(price), Decimal(size)) for price, size in rows or [])

    return Depth(levels(bids), levels(asks), 0)


def buy(book: Depth, quote: str | Decimal, price_max: str | None = None) -> Match:
    bound = Decimal(price_max) if price_max else None
    return match_buy(
        book, Decimal(quote), amount_step_base=STEP, taker_fee_rate=FEE, price_max=bound
    )


def sell(book: Depth, base: str | Decimal, price_min: str | None = None) -> Match:
    bound = Decimal(price_min) if price_min else None
    return match_sell(
        book, Decimal(base), amount_step_base=STEP, taker_fee_rate=FEE, price_min=bound
    )


def test_the_real_order_of_september_2023_is_reproduced_to_the_last_digit() -> None:
    # gate-spot 2.1: market buy of 5 USDT, ccxt PR 19098
    match = buy(depth(asks=[("64.03", "1.151")]), "5")
    assert plain(match.totals.base) == "0.078"
    assert plain(match.totals.quote) == "4.99434"
    assert plain(match.left) == "0.00566"
    assert match.totals.fee_base == Decimal("0.000156")
    assert match.totals.fee_quote == 0
    assert match.finish_as is FinishAs.FILLED


def test_a_buy_walks_the_asks_and_each_level_gives_whole_steps() -> None:
    match = buy(depth(asks=[("10", "0.1005"), ("11", "0.2")]), "2")
    assert match.fills == (
        Level(Decimal(10), Decimal("0.100")),
        Level(Decimal(11), Decimal("0.090")),
    )
    assert match.left == Decimal("0.01")
    assert match.finish_as is FinishAs.FILLED


def test_a_buy_beyond_the_depth_keeps_what_it_filled() -> None:
    match = buy(depth(asks=[("10", "0.1")]), "5")
    assert (match.totals.base, match.left) == (Decimal("0.1"), Decimal(4))
    assert match.finish_as is FinishAs.IOC


def test_a_sell_pays_its_fee_in_quote_unrounded() -> None:
    match = sell(depth(bids=[("64.03", "0.05"), ("64.01", "5")]), "0.077")
    assert match.totals.quote == Decimal("4.92977")
    assert match.totals.fee_quote == Decimal("0.00985954")
    assert match.totals.fee_base == 0
    assert (match.left, match.finish_as) == (Decimal(0), FinishAs.FILLED)


def test_an_empty_side_fills_nothing() -> None:
    assert buy(depth(), "5").finish_as is FinishAs.DEPTH_NOT_ENOUGH
    assert sell(depth(), "5").finish_as is FinishAs.DEPTH_NOT_ENOUGH
    assert buy(depth(asks=[("10", "0.0004")]), "5").finish_as is FinishAs.DEPTH_NOT_ENOUGH


def test_an_order_too_small_for_one_step_fills_nothing() -> None:
    assert buy(depth(asks=[("64.03", "1")]), "0.06").finish_as is FinishAs.DEPTH_NOT_ENOUGH


def test_the_next_level_being_dearer_than_what_is_left_does_not_fill_the_order() -> None:
    # gate-spot 8.5 measures what is left at the last fill's price: it would still have bought.
    match = buy(depth(asks=[("10", "0.1"), ("20", "1")]), "1.015")
    assert (match.totals.base, match.left) == (Decimal("0.1"), Decimal("0.015"))
    assert match.finish_as is FinishAs.IOC


def test_the_price_bound_stops_a_buy_above_it_and_a_sell_below_it() -> None:
    book = depth(asks=[("10", "0.1"), ("10.4", "9")], bids=[("10", "0.1"), ("9.6", "9")])
    assert buy(book, "5", "10.3").finish_as is FinishAs.PRICE_PROTECT_CANCELLED
    assert buy(book, "5", "10.3").totals.base == Decimal("0.1")
    assert sell(book, "1", "9.7").finish_as is FinishAs.PRICE_PROTECT_CANCELLED
    assert buy(book, "5", "10.4").finish_as is FinishAs.FILLED
    assert sell(book, "1", "9.6").finish_as is FinishAs.FILLED
    assert buy(book, "5", "9").totals.base == 0


def test_an_order_that_is_full_before_the_bound_never_meets_it() -> None:
    assert buy(depth(asks=[("10", "0.1"), ("20", "1")]), "1", "10").finish_as is FinishAs.FILLED


def test_the_bound_lies_on_the_takers_worse_side() -> None:
    assert price_bound(Side.BUY, Decimal(100), Decimal(3)) == Decimal(103)
    assert price_bound(Side.SELL, Decimal(100), Decimal(3)) == Decimal(97)


def test_slippage_moves_every_price_against_the_taker_onto_the_step() -> None:
    book = worsened(
        depth(asks=[("100.00", "1")], bids=[("99.99", "1"), ("0.01", "1")]),
        Decimal("0.05"),
        Decimal("0.01"),
    )
    assert book.asks == (Level(Decimal("100.05"), Decimal(1)),)
    assert book.bids == (Level(Decimal("99.94"), Decimal(1)),)


def test_a_bid_of_a_cheap_coin_is_worsened_and_stays() -> None:
    book = worsened(depth(bids=[("0.50", "1")]), Decimal(2), Decimal("0.01"))
    assert book.bids == (Level(Decimal("0.49"), Decimal(1)),)


def test_no_slippage_leaves_the_depth_as_it_is() -> None:
    book = depth(asks=[("64.03", "1")], bids=[("64.02", "1")])
    assert worsened(book, Decimal(0), Decimal("0.01")) == book


# --- properties

PRICES = st.decimals("0.01", "99999", places=2)
SIZES = st.decimals("0", "500", places=4)
STEPS = st.sampled_from([Decimal("0.1"), Decimal("0.001"), Decimal("0.000001")])
LEVELS = st.dictionaries(PRICES, SIZES, max_size=6)


@st.composite
def books(draw: st.DrawFn) -> Depth:
    rising = [Level(price, size) for price, size in sorted(draw(LEVELS).items())]
    falling = [Level(price, size) for price, size in sorted(draw(LEVELS).items(), reverse=True)]
    return Depth(tuple(falling), tuple(rising), 0)


AMOUNTS = st.decimals("0.0001", "1000000", places=4)
BOUNDS = st.none() | PRICES


@given(books(), AMOUNTS, STEPS, BOUNDS)
def test_a_buy_conserves_quote_and_never_takes_more_than_there_is(
    book: Depth, amount: Decimal, step: Decimal, bound: Decimal | None
) -> None:
    match = match_buy(book, amount, amount_step_base=step, taker_fee_rate=FEE, price_max=bound)
    assert match.totals.quote + match.left == amount
    assert match.left >= 0
    assert match.totals.base == sum(fill.amount_base for fill in match.fills)
    assert match.totals.quote == sum(fill.price * fill.amount_base for fill in match.fills)
    assert match.totals.fee_base == match.totals.base * FEE
    offered = {level.price: level.amount_base for level in book.asks}
    for fill in match.fills:
        assert 0 < fill.amount_base <= offered[fill.price]
        assert fill.amount_base == floor_to_step(fill.amount_base, step)
        assert bound is None or fill.price <= bound
    assert_finish_is_told(match)


@given(books(), AMOUNTS, STEPS, BOUNDS)
def test_a_sell_conserves_base_and_never_gives_more_than_is_wanted(
    book: Depth, amount: Decimal, step: Decimal, bound: Decimal | None
) -> None:
    match = match_sell(book, amount, amount_step_base=step, taker_fee_rate=FEE, price_min=bound)
    assert match.totals.base + match.left == amount
    assert match.left >= 0
    assert match.totals.quote == sum(fill.price * fill.amount_base for fill in match.fills)
    assert match.totals.fee_quote == match.totals.quote * FEE
    wanted = {level.price: level.amount_base for level in book.bids}
    for fill in match.fills:
        assert 0 < fill.amount_base <= wanted[fill.price]
        assert fill.amount_base == floor_to_step(fill.amount_base, step)
        assert bound is None or fill.price >= bound
    assert_finish_is_told(match)


def assert_finish_is_told(match: Match) -> None:
    if not match.fills:
        assert match.finish_as in {FinishAs.DEPTH_NOT_ENOUGH, FinishAs.PRICE_PROTECT_CANCELLED}
    else:
        assert match.finish_as is not FinishAs.DEPTH_NOT_ENOUGH


@given(books(), AMOUNTS, AMOUNTS, STEPS)
def test_who_spends_or_sells_more_never_trades_less(
    book: Depth, one: Decimal, other: Decimal, step: Decimal
) -> None:
    less, more = sorted((one, other))
    for match in (match_buy, match_sell):
        small = match(book, less, amount_step_base=step, taker_fee_rate=FEE)
        large = match(book, more, amount_step_base=step, taker_fee_rate=FEE)
        assert small.totals.base <= large.totals.base
        assert small.totals.quote <= large.totals.quote


@given(books(), AMOUNTS, st.decimals("0", "5", places=2))
def test_slippage_never_helps_the_taker(book: Depth, amount: Decimal, pct: Decimal) -> None:
    worse = worsened(book, pct, Decimal("0.01"))
    assert sell(worse, amount).totals.quote <= sell(book, amount).totals.quote
    assert all(bid.price > 0 for bid in worse.bids)
    for before, after in zip(book.asks, worse.asks, strict=True):
        assert after.price >= before.price


@pytest.mark.parametrize("amount", ["0.000000000001", "99999999.99999999"])
def test_quotients_without_an_end_never_cost_more_than_the_amount(amount: str) -> None:
    match = match_buy(
        depth(asks=[("3", "1e9")]),
        Decimal(amount),
        amount_step_base=Decimal("1e-12"),
        taker_fee_rate=FEE,
    )
    assert match.left >= 0
