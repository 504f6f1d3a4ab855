"""Figures of trades and of equity curves, for the backtest's report and the running account's."""

from collections.abc import Sequence
from dataclasses import dataclass


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
        elif (peak - value) / peak > deepest.fraction:
            deepest = Drawdown(peak - value, (peak - value) / peak, peak_index, index)
    return deepest
