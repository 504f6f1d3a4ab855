"""Would it have been chosen? Parameters picked on the past alone, then traded on what followed."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from crypto_ai_bot.backtest.statistics import moments_of, probabilistic_sharpe
from crypto_ai_bot.backtest.trials import Trial
from crypto_ai_bot.backtest.verdict import Check, Standing

_FOLDS: Final = 5
_DAYS_A_FOLD_MIN: Final = 20
_SURE: Final = 0.9


def walk_forward(trials: Sequence[Trial], tried: int) -> Check:
    """The best of `trials` on all days before a fold trades the fold, but for the first fold.

    A trial's day does not know the next one (that is what look-ahead checks), so its days are
    those that it would have had if it had been run on the past alone.
    """
    days = len(trials[0].daily) if trials else 0
    if len(trials) < 2 or days < _FOLDS * _DAYS_A_FOLD_MIN:  # noqa: PLR2004 - a choice is of two
        sentence = (
            f"{len(trials)} sets of parameters over {days} days: too few to choose and then trade."
        )
        return Check("walk-forward", Standing.UNCLEAR, sentence, {"days": float(days)})
    followed: list[float] = []
    bounds = [days * fold // _FOLDS for fold in range(_FOLDS + 1)]
    for begin, end in pairwise(bounds[1:]):
        chosen = max(trials, key=lambda trial: moments_of(trial.daily[:begin]).sharpe)
        followed += chosen.daily[begin:end]
    made = _compounded(followed)
    hindsight = max(_compounded(trial.daily[bounds[1] :]) for trial in trials)
    probability = probabilistic_sharpe(moments_of(followed), 0.0)
    figures = {
        "made_pct": 100 * made,
        "hindsight_pct": 100 * hindsight,
        "probability": probability,
        "candidates": float(len(trials)),
    }
    told = (
        f"The best of {tried:,} sets of parameters by what was past, chosen anew {_FOLDS - 1} "
        f"times and traded on what followed, made {made:+.2%} (the best in hindsight "
        f"{hindsight:+.2%})"
    )
    if made > 0 and probability >= _SURE:
        return Check("walk-forward", Standing.PASSES, f"{told}.", figures)
    if made <= 0:
        sentence = f"{told}. What was best so far did not stay good: the choice is worth nothing."
        return Check("walk-forward", Standing.FAILS, sentence, figures)
    return Check("walk-forward", Standing.UNCLEAR, f"{told}. That can be chance.", figures)


def _compounded(daily: Sequence[float]) -> float:
    return math.prod(1 + change for change in daily) - 1
