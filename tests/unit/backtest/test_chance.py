"""The checks against luck, held against what is known of luck."""

import random

import pytest

from builders import BTC
from crypto_ai_bot.backtest.benchmark import buy_and_hold
from crypto_ai_bot.backtest.chance import _held, _resampled, _thrown, confidence, random_entries
from crypto_ai_bot.backtest.market import Terms
from crypto_ai_bot.backtest.market_alone import _line, against_the_market
from crypto_ai_bot.backtest.records import Trade
from crypto_ai_bot.backtest.verdict import Standing
from crypto_ai_bot.domain.market import HOUR_MS
from crypto_ai_bot.domain.order import Purpose
from small_backtest import BEGIN_MS, TERMS, Riding, market_of, noise, run, without_costs


def test_the_bootstrap_of_equal_days_is_their_product() -> None:
    totals = _resampled([0.01] * 50, random.Random(1))  # noqa: S311 - as it is given
    assert totals == pytest.approx([1.01**50 - 1] * len(totals))


def test_the_bootstrap_spreads_as_independent_days_do() -> None:
    """100 days of a deviation of 1 % each: a total of about 10 %, so 95 of 100 within 20 %."""
    chance = random.Random(2)  # noqa: S311 - made days
    daily = [chance.gauss(0, 0.01) for _ in range(400)]
    mean = sum(daily) / len(daily)
    check = confidence([one - mean for one in daily], seed=3)
    assert check.standing is Standing.UNCLEAR
    assert -48 < (check.figures["low_pct"] or 0) < -24
    assert 24 < (check.figures["high_pct"] or 0) < 70


def test_days_that_hang_together_reach_further_than_the_same_days_mixed() -> None:
    """Runs of ten good and ten bad days: what blocks keep, and single days would lose."""
    together = [0.01 if n // 10 % 2 else -0.01 for n in range(1_000)]
    mixed = [0.01 if n % 2 else -0.01 for n in range(1_000)]
    wide, narrow = confidence(together, seed=1), confidence(mixed, seed=1)
    assert (wide.figures["high_pct"] or 0) > 2 * (narrow.figures["high_pct"] or 0)


def a_trade(entered: int, bars: int, cost_quote: float) -> Trade:
    return Trade(
        symbol=BTC,
        entered_ms=BEGIN_MS + entered * HOUR_MS,
        exited_ms=BEGIN_MS + (entered + bars) * HOUR_MS,
        entry_price=1.0,
        exit_price=1.0,
        base=1.0,
        cost_quote=cost_quote,
        proceeds_quote=cost_quote,
        fees_quote=0.0,
        entry_reason="",
        exit_reason="",
        exit_purpose=Purpose.EXIT,
    )


def test_random_entries_pay_what_the_strategy_pays() -> None:
    """On a price that never moves each costs fee, half spread and slippage, going in and out."""
    flat = market_of([100.0] * 500)
    trades = [a_trade(n * 20, 5, 1_000.0) for n in range(10)]
    check = random_entries([flat], TERMS, trades, seed=1)
    assert check.figures["median_quote"] == pytest.approx(10_000 * ((1 - 0.0023) ** 2 - 1))
    assert check.standing is Standing.PASSES


def test_random_entries_come_in_any_order_and_never_overlap() -> None:
    """A long and a short trade that fill all bars: only their order is left to chance."""
    rising = without_costs(market_of([100.0 + n**2 for n in range(31)]))
    held = _held(rising, [a_trade(0, 25, 1_000.0), a_trade(25, 5, 2_000.0)])
    chance = random.Random(1)  # noqa: S311 - as it is given
    results = {round(_thrown(held, Terms(), chance), 6) for _ in range(50)}
    first = 1_000 * (725 / 100 - 1) + 2_000 * (1_000 / 725 - 1)
    other = 2_000 * (125 / 100 - 1) + 1_000 * (1_000 / 125 - 1)
    assert results == {round(first, 6), round(other, 6)}


def test_few_days_are_not_judged() -> None:
    assert confidence([0.5] * 29, seed=1).standing is Standing.UNCLEAR
    assert confidence([0.5] * 30, seed=1).standing is Standing.PASSES


def test_the_line_through_known_points() -> None:
    """y = 1 + 2x with errors 0.1, -0.2, 0.1: slope, height and the height's t by hand."""
    line = _line([0.0, 1.0, 2.0], [1.1, 2.8, 5.1])
    assert line.beta == pytest.approx(2.0)
    assert line.alpha == pytest.approx(1.0)
    assert line.alpha_t == pytest.approx(1.0 / (0.06 * (1 / 3 + 1 / 2)) ** 0.5)
    assert line.explained == pytest.approx(1 - 0.06 / 8.06)


def test_a_market_that_never_moved_explains_nothing() -> None:
    check = against_the_market([0.0] * 40, [0.0] * 40, 0.0, 0.0, 1.0)
    assert check.standing is Standing.FAILS


def test_buy_and_hold_is_what_an_always_in_strategy_is_but_for_its_pauses() -> None:
    market = without_costs(noise(600, 4))
    terms = Terms(amount_quote=None)
    result = run([market], Riding(), terms)
    held = buy_and_hold([market], terms, result.equity.times_ms, warm_up_bars=1)
    assert held.quote[:700] == pytest.approx(result.equity.quote[:700])


def test_buy_and_hold_pays_its_costs_and_shares_the_account() -> None:
    markets = [market_of([100.0] * 9), market_of([50.0] * 9, "ETH")]
    times = [m + markets[0].timeframe_ms for m in markets[0].opened_ms]
    held = buy_and_hold(markets, TERMS, times, warm_up_bars=3)
    assert held.quote[:3] == [10_000.0] * 3
    assert held.quote[3:] == pytest.approx([10_000 * (1 - 0.002 - 0.0003)] * 6)
    stake = Terms()
    last = buy_and_hold(markets, stake, times, warm_up_bars=3).quote[-1]
    assert last == pytest.approx(10_000 - 2 * 100 * 0.002)
    assert buy_and_hold(markets, stake, times, warm_up_bars=99).quote[-1] == 10_000
