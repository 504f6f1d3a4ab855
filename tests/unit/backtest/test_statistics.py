"""Figures of trades, falls from a peak, days, and the Sharpe ratio's reference values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ai_bot.backtest.statistics import (
    Drawdown,
    Moments,
    by_day,
    changes,
    deepest_drawdown,
    deflated_sharpe,
    luckiest_sharpe,
    moments_of,
    probabilistic_sharpe,
    trade_figures,
)
from crypto_ai_bot.domain.market import DAY_MS, HOUR_MS


def test_figures_of_trades() -> None:
    figures = trade_figures([3.0, -1.0, 0.0, -1.0])
    assert (figures.trades, figures.wins, figures.win_rate) == (4, 1, 0.25)
    assert figures.profit_factor == 1.5
    assert (figures.average, figures.average_win, figures.average_loss) == (0.25, 3, -1)
    assert (figures.best, figures.worst) == (3, -1)


def test_no_trades_and_no_losses_divide_by_nothing() -> None:
    assert trade_figures([]).win_rate is None
    assert trade_figures([1.0]).profit_factor is None


def test_the_deepest_fall_is_that_of_the_greatest_fraction() -> None:
    assert deepest_drawdown([10, 5, 100, 60, 200]) == Drawdown(5, 0.5, 0, 1)
    assert deepest_drawdown([1, 2, 3]) == Drawdown()
    assert deepest_drawdown([]) == Drawdown()


def test_the_close_at_midnight_belongs_to_the_day_that_it_ends() -> None:
    times = [DAY_MS - HOUR_MS, DAY_MS, DAY_MS + HOUR_MS, 3 * DAY_MS]
    assert by_day(times, [1, 2, 3, 4]) == ([0, DAY_MS, 2 * DAY_MS], [2, 3, 4])


def test_changes_of_an_account_that_is_ruined_end() -> None:
    assert changes([11, 5.5], 10) == pytest.approx([0.1, -0.5])
    assert changes([5, -1, 7], 10) == [-0.5, -1, 0]


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=40))
def test_changes_compound_to_the_whole(daily: list[float]) -> None:
    values, value = [], 100.0
    for one in daily:
        value *= 1 + one
        values.append(value)
    assert math.prod(1 + one for one in changes(values, 100.0)) == pytest.approx(value / 100)


def test_moments_of_a_sample_known_by_hand() -> None:
    """1, 2, 3, 10: mean 4, deviations -3 -2 -1 6, squares 50, cubes 180, fourths 1394."""
    found = moments_of([1, 2, 3, 10])
    assert found.sharpe == pytest.approx(4 / math.sqrt(12.5))
    assert found.skewness == pytest.approx(45 / 12.5**1.5)
    assert found.kurtosis == pytest.approx(348.5 / 12.5**2)


def test_days_that_are_all_alike_have_no_sharpe_ratio() -> None:
    assert moments_of([0.1] * 9).sharpe == 0
    assert moments_of([]).count == 0


# Bailey and López de Prado, The Deflated Sharpe Ratio (2014), numerical example: five years of
# daily returns, an annual Sharpe ratio of 2.5, variance of the trials' annual ratios 1/2.
DAYS = 250
FAT = Moments(5 * DAYS, 2.5 / math.sqrt(DAYS), skewness=-3.0, kurtosis=10.0)
NORMAL = Moments(5 * DAYS, 2.5 / math.sqrt(DAYS), skewness=0.0, kurtosis=3.0)
VARIANCE = 0.5 / DAYS


def test_the_best_of_a_hundred_worthless_trials_is_that_of_the_paper() -> None:
    assert luckiest_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)
    assert luckiest_sharpe(1, VARIANCE) == 0


@pytest.mark.parametrize(
    ("moments", "trials", "probability"),
    [(FAT, 100, 0.9004), (FAT, 46, 0.9505), (NORMAL, 88, 0.9505)],
    ids=["100 trials", "46 trials", "88 trials of normal returns"],
)
def test_the_deflated_sharpe_ratio_is_that_of_the_paper(
    moments: Moments, trials: int, probability: float
) -> None:
    assert deflated_sharpe(moments, trials, VARIANCE) == pytest.approx(probability, abs=5e-5)


def test_a_ratio_at_its_benchmark_is_even_odds() -> None:
    assert probabilistic_sharpe(NORMAL, NORMAL.sharpe) == pytest.approx(0.5)
    assert probabilistic_sharpe(Moments(2, 9.0, 0.0, 3.0), 0.0) == 0.5


@given(st.integers(2, 10_000), st.floats(1e-6, 1))
def test_more_tries_never_make_it_more_probable(trials: int, variance: float) -> None:
    fewer = deflated_sharpe(FAT, trials, variance)
    assert deflated_sharpe(FAT, 2 * trials, variance) <= fewer
