"""A backtest as figures: for the terminal, for machines, and for the page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Any, Final, NamedTuple

from crypto_ai_bot.backtest.honesty import Examined
from crypto_ai_bot.backtest.moments import day, month
from crypto_ai_bot.backtest.records import EquityCurve
from crypto_ai_bot.backtest.statistics import (
    Drawdown,
    TradeFigures,
    by_day,
    changes,
    deepest_drawdown,
    moments_of,
    trade_figures,
)
from crypto_ai_bot.backtest.verdict import Check, conclusion

_DAYS_A_YEAR: Final = 365
_COLUMNS: Final = 110


class Row(NamedTuple):
    """A figure for a person: its name, the figure itself, and a word beside it."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Report:
    """A run with what was found out about it. `name` and `parameters` are the strategy's."""

    name: str
    parameters: Mapping[str, Any]
    examined: Examined
    held: EquityCurve
    checks: Sequence[Check]

    @cached_property
    def figures(self) -> TradeFigures:
        """Of the closed trades, in quote."""
        closed = [one for one in self.examined.result.trades if one.exited_ms is not None]
        return trade_figures([one.profit_quote for one in closed])

    @cached_property
    def drawdown(self) -> Drawdown:
        """The deepest fall of the equity."""
        return deepest_drawdown(self.examined.result.equity.quote)

    @cached_property
    def sharpe(self) -> float:
        """Of the daily changes, a year."""
        _, quote = by_day(*self.examined.result.equity)
        daily = changes(quote, self.examined.start_quote)
        return moments_of(daily).sharpe * math.sqrt(_DAYS_A_YEAR)

    @property
    def made_pct(self) -> float:
        """Of what the account began with."""
        return 100 * (self.examined.result.final_equity / self.examined.start_quote - 1)

    @property
    def held_pct(self) -> float:
        """What buying and holding the stake made, of what the account began with."""
        last = self.held.quote[-1] if self.held.quote else self.examined.start_quote
        return 100 * (last / self.examined.start_quote - 1)

    @cached_property
    def in_market_pct(self) -> float:
        """The share of symbols and time in which something was held."""
        equity = self.examined.result.equity
        if len(equity.times_ms) < 2:  # noqa: PLR2004 - a span has two ends
            return 0.0
        last_ms = equity.times_ms[-1]
        spans = ((one.exited_ms or last_ms) - one.entered_ms for one in self.examined.result.trades)
        whole_ms = (last_ms - equity.times_ms[0]) * len(self.examined.markets)
        return 100 * sum(spans) / whole_ms

    @cached_property
    def fees_quote(self) -> float:
        """Of all fills."""
        return sum(float(fill.fee_quote) for fill in self.examined.result.fills)

    @cached_property
    def monthly(self) -> Mapping[str, float]:
        """The change of the equity in each month, per cent."""
        last: dict[str, float] = {}
        for at_ms, quote in zip(*self.examined.result.equity, strict=True):
            last[month(at_ms - 1)] = quote
        found = changes(list(last.values()), self.examined.start_quote)
        return dict(zip(last, (100 * one for one in found), strict=True))

    @property
    def period(self) -> tuple[str, str]:
        """The first and the last day."""
        times_ms = self.examined.result.equity.times_ms
        return (day(times_ms[0] - 1), day(times_ms[-1] - 1)) if times_ms else ("", "")

    def rows(self) -> list[Row]:
        """The figures, each with its name and what belongs to it."""
        figures, result = self.figures, self.examined.result
        times_ms = result.equity.times_ms
        peak, trough = self.drawdown.peak_index, self.drawdown.trough_index
        fell = f"{day(times_ms[peak])} to {day(times_ms[trough])}" if self.drawdown.depth else ""
        return [
            Row("result", f"{self.made_pct:+.2f} %", f"{result.final_equity:,.2f} at the end"),
            Row("buy and hold", f"{self.held_pct:+.2f} %", "with the same stake"),
            Row("drawdown", f"{100 * self.drawdown.fraction:.2f} %", fell),
            Row("Sharpe ratio", f"{self.sharpe:.2f}", "a year"),
            Row("in the market", f"{self.in_market_pct:.1f} %", "of the time"),
            Row("closed trades", f"{figures.trades:,}", f"{_pct(figures.win_rate)} won"),
            Row("profit factor", _number(figures.profit_factor, "no loss"), ""),
            Row("average trade", _number(figures.average), _spread(figures)),
            Row("fees", f"{self.fees_quote:,.2f}", ""),
        ]

    @property
    def title(self) -> str:
        """The strategy with its parameters."""
        return f"{self.name} {_spelled(self.parameters)}".strip()

    @property
    def subtitle(self) -> str:
        """What was traded, and when."""
        since, until = self.period
        bars = sum(market.bars for market in self.examined.markets)
        symbols = ", ".join(str(market.symbol) for market in self.examined.markets)
        return f"{symbols}, {since} to {until}, {bars:,} candles"

    def lines(self) -> list[str]:
        """All for a terminal: the figures, the checks, and what they come to."""
        lines = [
            self.title,
            *wrap(self.subtitle, _COLUMNS),
            "",
            *(f"{name:<14}{value:>12}  {note}".rstrip() for name, value, note in self.rows()),
            "",
        ]
        name_width = max((len(check.name) for check in self.checks), default=0)
        for check in self.checks:
            head = f"{check.name:<{name_width}}  {check.standing:<11}  "
            lines += wrap(
                check.sentence, _COLUMNS, initial_indent=head, subsequent_indent=" " * len(head)
            )
        return [*lines, "", conclusion(self.checks)]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; `_pct` is per cent, `_quote` the account's coin."""
        figures, result = self.figures, self.examined.result
        since, until = self.period
        return {
            "strategy": self.name,
            "parameters": dict(self.parameters),
            "symbols": [str(market.symbol) for market in self.examined.markets],
            "from": since,
            "until": until,
            "bars": sum(market.bars for market in self.examined.markets),
            "start_quote": self.examined.start_quote,
            "final_quote": result.final_equity,
            "made_pct": self.made_pct,
            "held_pct": self.held_pct,
            "drawdown_pct": 100 * self.drawdown.fraction,
            "sharpe": self.sharpe,
            "in_market_pct": self.in_market_pct,
            "fees_quote": self.fees_quote,
            "trades": figures.trades,
            "win_rate": figures.win_rate,
            "profit_factor": figures.profit_factor,
            "average_quote": figures.average,
            "best_quote": figures.best,
            "worst_quote": figures.worst,
            "tried": self.examined.tried,
            "monthly_pct": dict(self.monthly),
            "checks": [
                {
                    "name": check.name,
                    "standing": str(check.standing),
                    "sentence": check.sentence,
                    "figures": {k: _finite(v) for k, v in check.figures.items()},
                }
                for check in self.checks
            ],
            "conclusion": conclusion(self.checks),
        }


def _spelled(parameters: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def _spread(figures: TradeFigures) -> str:
    return f"best {_number(figures.best)}, worst {_number(figures.worst)}"


def _pct(fraction: float | None) -> str:
    return "none" if fraction is None else f"{100 * fraction:.0f} %"


def _number(value: float | None, none: str = "-") -> str:
    return none if value is None else f"{value:,.2f}"


def _finite(value: float | None) -> float | None:
    """JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None
