"""Choosing on the past and trading what follows, on days made by hand."""

import random

import pytest

from crypto_ai_bot.backtest.trials import Trial
from crypto_ai_bot.backtest.verdict import Standing
from crypto_ai_bot.backtest.walk_forward import walk_forward

DAYS = 200


def trial(*daily: float) -> Trial:
    sharpe = sum(daily) / len(daily)
    return Trial({"days": daily[:3]}, "terms", daily, sharpe, 0.0)


def wobbling(mean: float, seed: int, days: int = DAYS) -> list[float]:
    chance = random.Random(seed)  # noqa: S311 - made days
    return [chance.gauss(mean, 0.01) for _ in range(days)]


def test_what_was_best_and_stays_best_passes() -> None:
    good, bad = trial(*wobbling(0.004, 1)), trial(*wobbling(-0.004, 2))
    check = walk_forward([bad, good], tried=2)
    assert check.standing is Standing.PASSES
    assert check.figures["made_pct"] == pytest.approx(check.figures["hindsight_pct"])


def test_what_was_best_and_turns_fails() -> None:
    """Good for the first half and bad for the second, against the reverse."""
    early = trial(*wobbling(0.01, 1, 80), *wobbling(-0.01, 2, 120))
    late = trial(*wobbling(-0.01, 3, 80), *wobbling(0.01, 4, 120))
    check = walk_forward([early, late], tried=2)
    assert check.standing is Standing.FAILS
    assert (check.figures["hindsight_pct"] or 0) > 50


def test_a_day_is_never_chosen_by_itself_or_by_what_follows() -> None:
    """Two take turns, fold by fold: whoever peeked would win each fold, and multiply by five."""
    folds = [(0.01, -0.01), (-0.01, 0.01)] * 3
    one, other = (
        trial(*[mean[side] + 1e-4 * (day % 3) for mean in folds[:5] for day in range(40)])
        for side in (0, 1)
    )
    check = walk_forward([one, other], tried=2)
    assert (check.figures["made_pct"] or 0) < 10


def test_a_little_that_may_be_chance_is_no_answer() -> None:
    some = [0.011 if day % 2 else -0.0105 for day in range(DAYS)]
    check = walk_forward([trial(*some), trial(*wobbling(-0.01, 2))], tried=2)
    assert check.standing is Standing.UNCLEAR
    assert "That can be chance" in check.sentence


def test_too_few_days_or_sets_are_no_answer() -> None:
    assert walk_forward([], 0).standing is Standing.UNCLEAR
    assert walk_forward([trial(*wobbling(0.1, 1))], 1).standing is Standing.UNCLEAR
    few = [trial(*wobbling(0.1, seed, 99)) for seed in (1, 2)]
    assert walk_forward(few, 2).standing is Standing.UNCLEAR
