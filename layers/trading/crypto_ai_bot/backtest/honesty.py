"""All that a backtest is asked before anybody believes it, each check by a name of its own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from crypto_ai_bot.backtest.benchmark import buy_and_hold, stake_of
from crypto_ai_bot.backtest.causality import look_ahead, warm_up
from crypto_ai_bot.backtest.chance import confidence, deflation, random_entries
from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.market_alone import Run, against_the_market, data, dearer
from crypto_ai_bot.backtest.records import EquityCurve
from crypto_ai_bot.backtest.result import Result
from crypto_ai_bot.backtest.space import drawn, ranges_of
from crypto_ai_bot.backtest.statistics import by_day, changes
from crypto_ai_bot.backtest.trials import Trial, trial_of
from crypto_ai_bot.backtest.verdict import Check, Standing
from crypto_ai_bot.backtest.walk_forward import walk_forward
from crypto_ai_bot.strategies.base import Strategy

NAMES: Final = (
    "look-ahead",
    "warm-up",
    "data",
    "buy-and-hold",
    "random-entries",
    "costs-doubled",
    "walk-forward",
    "deflated-sharpe",
    "confidence",
)
_WITHOUT_A_TRADE: Final = frozenset({"look-ahead", "warm-up", "data"})
_CANDIDATES_MAX: Final = 24
_CANDIDATES_MIN: Final = 6
_BARS_FOR_CANDIDATES: Final = 2_000_000  # over all runs: a few seconds of work


@dataclass(frozen=True)
class Examined:
    """What was run, and what was tried before it was chosen.

    `trials` are those whose days are known; `tried` counts all, this run included. `run` is the
    backtest: the checks run it again, on other terms and parameters.
    """

    markets: Sequence[Market]
    strategy: Strategy
    terms: Terms
    result: Result
    run: Run
    trials: Sequence[Trial] = ()
    tried: int = 1
    seed: int = 0

    @property
    def held(self) -> EquityCurve:
        """The equity of who bought at the start and held."""
        warm_up_bars = self.strategy.warm_up_bars
        return buy_and_hold(self.markets, self.terms, self.result.equity.times_ms, warm_up_bars)

    @property
    def start_quote(self) -> float:
        """What the account began with."""
        return float(self.terms.start_quote)


def examine(examined: Examined, held: EquityCurve, left_out: Collection[str] = ()) -> list[Check]:
    """Every check that is not left out, in the order of NAMES."""
    markets, strategy, seed = examined.markets, examined.strategy, examined.seed
    terms, result = examined.terms, examined.result
    daily = _daily(result.equity, examined.start_quote)
    checks = {
        "look-ahead": lambda: look_ahead(markets, strategy, seed),
        "warm-up": lambda: warm_up(markets, strategy, seed),
        "data": lambda: data(markets),
        "buy-and-hold": lambda: _held_check(examined, held, daily),
        "random-entries": lambda: random_entries(markets, terms, result.trades, seed),
        "costs-doubled": lambda: dearer(
            examined.run, markets, strategy, terms, result.final_equity - examined.start_quote
        ),
        "walk-forward": lambda: _walked(examined),
        "deflated-sharpe": lambda: deflation(
            daily, [trial.sharpe for trial in examined.trials], examined.tried
        ),
        "confidence": lambda: confidence(daily, seed),
    }
    return [
        checks[name]() if result.rows or name in _WITHOUT_A_TRADE else _never_traded(name)
        for name in NAMES
        if name not in left_out
    ]


def _never_traded(name: str) -> Check:
    return Check(name, Standing.UNCLEAR, "It never traded: there is nothing to judge.")


def _daily(curve: EquityCurve, start: float) -> list[float]:
    _, quote = by_day(*curve)
    return changes(quote, start)


def _held_check(examined: Examined, held: EquityCurve, daily: Sequence[float]) -> Check:
    start = examined.start_quote
    made = examined.result.final_equity - start
    made_by_holding = (held.quote[-1] if held.quote else start) - start
    stake = stake_of(examined.markets, examined.terms)
    return against_the_market(daily, _daily(held, start), made, made_by_holding, stake)


def _walked(examined: Examined) -> Check:
    """Of what a search tried, or else of parameters around those that were run."""
    if len(examined.trials) > 1:
        return walk_forward(examined.trials, examined.tried)
    strategy = examined.strategy
    bars = sum(market.bars for market in examined.markets)
    count = min(max(_BARS_FOR_CANDIDATES // (bars or 1), _CANDIDATES_MIN), _CANDIDATES_MAX)
    others = drawn(strategy, ranges_of(strategy), count, examined.seed)
    trials = [
        trial_of(candidate, examined.run(examined.markets, candidate, examined.terms))
        for candidate in [strategy, *others]
    ]
    return walk_forward(trials, len(trials))
