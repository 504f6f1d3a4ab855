"""Figures of trades and of equity curves, for the backtest's report and the running account's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from crypto_ai_bot.domain.market import DAY_MS

_NORMAL: Final = NormalDist()
_NOTHING: Final = 1e-18  # a variance that is only rounding
_RETURNS_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """What the profits of closed trades say. All but the counts in the unit of the profits.

    None where there is nothing to divide by: no trade, or no loss for `profit_factor` (profit of
    the winners over the loss of the losers). A trade that brought nothing is no win.
    """

    trades: int
    wins: int
    win_rate: float | None
    profit_factor: float | None
    average: float | None
    average_win: float | None
    average_loss: float | None
    best: float | None
    worst: float | None


def trade_figures(profits: Sequence[float]) -> TradeFigures:
    """The figures of the trades that brought `profits`, fees in them."""
    wins = [profit for profit in profits if profit > 0]
    losses = [profit for profit in profits if profit < 0]
    return TradeFigures(
        trades=len(profits),
        wins=len(wins),
        win_rate=len(wins) / len(profits) if profits else None,
        profit_factor=sum(wins) / -sum(losses) if losses else None,
        average=_average(profits),
        average_win=_average(wins),
        average_loss=_average(losses),
        best=max(profits, default=None),
        worst=min(profits, default=None),
    )


def _average(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall from a peak: in the curve's unit, as a fraction of the peak, and where.

    All zero for a curve that never fell.
    """

    depth: float = 0.0
    fraction: float = 0.0
    peak_index: int = 0
    trough_index: int = 0


def deepest_drawdown(curve: Sequence[float]) -> Drawdown:
    """The fall that took the greatest fraction of its peak; `curve` is above 0."""
    deepest, peak, peak_index = Drawdown(), 0.0, 0
    for index, value in enumerate(curve):
        if value > peak:
            peak, peak_index = value, index
        elif peak and (peak - value) / peak > deepest.fraction:
            deepest = Drawdown(peak - value, (peak - value) / peak, peak_index, index)
    return deepest


def by_day(times_ms: Sequence[int], values: Sequence[float]) -> tuple[list[int], list[float]]:
    """The last value of each UTC day, and the days (their midnights, in milliseconds).

    A bar that closes at midnight belongs to the day that it ends. A day without one is left out.
    """
    days, last = list[int](), list[float]()
    for at_ms, value in zip(times_ms, values, strict=True):
        day_ms = (at_ms - 1) // DAY_MS * DAY_MS
        if days and days[-1] == day_ms:
            last[-1] = value
        else:
            days.append(day_ms)
            last.append(value)
    return days, last


def changes(values: Sequence[float], start: float) -> list[float]:
    """Each value over the one before it, less 1; the first over `start`.

    An account that is down to nothing is lost: -1, and 0 ever after.
    """
    found, before = list[float](), start
    for value in values:
        left = max(value, 0.0) if before else 0.0
        found.append(left / before - 1 if before else 0.0)
        before = left
    return found


@dataclass(frozen=True, slots=True)
class Moments:
    """What a sample of returns is like: normal returns have a skewness of 0 and a kurtosis of 3.

    `sharpe` is mean over standard deviation, per return, not annualised; 0 without deviation.
    """

    count: int
    sharpe: float
    skewness: float
    kurtosis: float


def moments_of(returns: Sequence[float]) -> Moments:
    """The moments of the population, as Bailey and López de Prado use them."""
    count = len(returns)
    if not count:
        return Moments(0, 0.0, 0.0, 3.0)
    mean = math.fsum(returns) / count
    second, third, fourth = (
        math.fsum((one - mean) ** power for one in returns) / count for power in (2, 3, 4)
    )
    if second <= _NOTHING * (1 + mean * mean):
        return Moments(count, 0.0, 0.0, 3.0)
    deviation = math.sqrt(second)
    return Moments(count, mean / deviation, third / deviation**3, fourth / second**2)


def probabilistic_sharpe(moments: Moments, benchmark: float) -> float:
    """How probable it is that the true Sharpe ratio is above `benchmark`, 0 to 1.

    Both per return, not annualised. Bailey and López de Prado, The Sharpe Ratio Efficient Frontier
    (2012): short samples, fat tails and a skew to losses make it less probable.
    """
    if moments.count < _RETURNS_MIN:
        return 0.5
    sharpe = moments.sharpe
    spread = 1 - moments.skewness * sharpe + (moments.kurtosis - 1) / 4 * sharpe**2
    error = math.sqrt(max(spread, _NOTHING) / (moments.count - 1))
    return _NORMAL.cdf((sharpe - benchmark) / error)


def luckiest_sharpe(trials: int, variance: float) -> float:
    """The Sharpe ratio to expect of the best of `trials` strategies that are all worth nothing.

    `variance` is that of the trials' Sharpe ratios. Bailey and López de Prado, The Deflated Sharpe
    Ratio (2014), their SR0; the trials count as independent, which overstates it a little.
    """
    if trials < 2:  # noqa: PLR2004 - one trial has no best
        return 0.0
    gamma = 0.5772156649015329  # Euler and Mascheroni
    quantile = _NORMAL.inv_cdf
    expected = (1 - gamma) * quantile(1 - 1 / trials) + gamma * quantile(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * expected


def deflated_sharpe(moments: Moments, trials: int, variance: float) -> float:
    """How probable it is that the best of `trials` is worth anything at all (2014, as above)."""
    return probabilistic_sharpe(moments, luckiest_sharpe(trials, variance))
