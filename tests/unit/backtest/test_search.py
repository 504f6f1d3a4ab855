"""The search for parameters, the space it searches, and the book of what was tried."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crypto_ai_bot.backtest.market import Terms
from crypto_ai_bot.backtest.search import search
from crypto_ai_bot.backtest.space import (
    Range,
    drawn,
    parameters_of,
    ranges_of,
    with_parameters,
)
from crypto_ai_bot.backtest.trials import Trial, recalled, remember, subject_of, trial_of
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.strategies import registry
from small_backtest import TERMS, Averages, Rhythm, Riding, noise, run

MARKET = noise(1_200, 1)


def test_the_space_is_half_to_twice_of_each_number() -> None:
    assert ranges_of(Averages()) == (
        Range("fast", 2, 10, whole=True),
        Range("slow", 10, 40, whole=True),
    )


def test_a_range_may_be_given() -> None:
    assert ranges_of(Averages(), ["fast=3:7"])[0] == Range("fast", 3, 7, whole=True)


def test_what_is_turned_off_is_not_searched_unless_given() -> None:
    strategy = registry.load("ema_cross", {})
    assert {one.name for one in ranges_of(strategy)} == {"fast", "slow", "atr"}
    given = ranges_of(strategy, ["atr_pct_max=1:3"])
    assert Range("atr_pct_max", 1.0, 3.0, whole=False) in given


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fast", "must be like fast=5:50"),
        ("fast=5", "must be like"),
        ("fast=a:b", "must be like"),
        ("fast=9:3", "must begin below its end"),
        ("speed=1:2", "--range speed: its numbers are fast, slow"),
    ],
)
def test_a_range_that_is_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        ranges_of(Averages(), [text])


def test_parameters_that_do_not_go_together_are_no_strategy() -> None:
    assert with_parameters(Averages(), {"fast": 30}) is None
    assert with_parameters(Averages(), {"fast": 3}) == Averages(fast=3)
    assert parameters_of(Averages()) == {"fast": 5, "slow": 20}


def test_draws_are_within_their_ranges_and_those_of_the_seed() -> None:
    ranges = ranges_of(Averages(), ["fast=2:60", "slow=5:70"])
    found = drawn(Averages(), ranges, 50, seed=1)
    assert len(found) == 50
    assert found == drawn(Averages(), ranges, 50, seed=1)
    assert found != drawn(Averages(), ranges, 50, seed=2)
    assert drawn(Averages(), (), 50, seed=1) == []
    assert drawn(Averages(), (Range("fast", 50, 60, whole=True),), 5, seed=1) == []


def test_a_search_finds_better_and_tells_of_each_try() -> None:
    told: list[int] = []
    ground = (run, [MARKET], Averages(), TERMS)
    ranges = ranges_of(Averages(), ["fast=2:60", "slow=5:200"])
    found = search(ground, ranges, 25, 3, lambda number, _: told.append(number), cores=2)
    assert told == list(range(1, 26))
    assert len(found) == 25
    own = trial_of(Averages(), run([MARKET], Averages(), TERMS))
    assert max(trial.sharpe for trial in found) > own.sharpe
    best = max(found, key=lambda trial: trial.sharpe)
    strategy = with_parameters(Averages(), best.parameters)
    assert strategy
    assert trial_of(strategy, run([MARKET], strategy, TERMS)) == best


def test_the_same_seed_makes_the_same_search() -> None:
    ground = (run, [MARKET], Averages(), TERMS)
    ranges = ranges_of(Averages())
    once, again = (search(ground, ranges, 6, 1, lambda *_: None, cores=2) for _ in range(2))
    assert once == again


def test_a_strategy_without_a_number_has_nothing_to_search() -> None:
    with pytest.raises(BadSetting, match="no number to search"):
        search((run, [MARKET], Rhythm(), TERMS), ranges_of(Rhythm()), 5, 1, lambda *_: None)


def a_trial() -> Trial:
    return trial_of(Averages(), run([MARKET], Averages(), TERMS))


def test_what_was_tried_is_remembered_from_search_to_search(tmp_path: Path) -> None:
    path, key = tmp_path / "new" / "trials.jsonl", subject_of(Averages(), [MARKET])
    assert recalled(path, key) == []
    remember(path, key, [a_trial()])
    remember(path, key, [a_trial()])
    remember(path, subject_of(Riding(), [MARKET]), [a_trial()])
    assert recalled(path, key) == [a_trial()] * 2


def test_other_candles_and_other_strategies_are_other_subjects() -> None:
    other = noise(1_300, 1)
    keys = {
        subject_of(Averages(), [MARKET]),
        subject_of(Riding(), [MARKET]),
        subject_of(Averages(), [other]),
        subject_of(Averages(), [MARKET, other]),
    }
    assert len(keys) == 4
    assert subject_of(Averages(), [MARKET]) == subject_of(Averages(fast=9), [MARKET])


def test_other_parameters_and_other_terms_are_other_tries() -> None:
    trial = a_trial()
    dearer = trial_of(Averages(), run([MARKET], Averages(), replace(TERMS, amount_quote=None)))
    assert dearer.name == trial.name
    assert trial_of(Averages(), run([MARKET], Averages(), Terms())).name != trial.name
    assert trial_of(Averages(9), run([MARKET], Averages(9), TERMS)).name != trial.name


@pytest.mark.parametrize("line", ["no json", "[]", '{"subject": "x", "odd": 1}', "{}", "null"])
def test_a_file_of_something_else_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "trials.jsonl"
    remember(path, "x", [a_trial()])
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(BadSetting, match="line 2: is no trial"):
        recalled(path, "x")


def test_a_place_that_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="trials cannot be written"):
        remember(tmp_path, "x", [])
    with pytest.raises(BadSetting, match="must be a readable file of trials"):
        recalled(tmp_path, "x")


def test_a_search_without_its_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    ground = (run, [MARKET], Averages(), TERMS)
    with pytest.raises(BadSetting, match=r"needs optuna: pip install 'crypto-ai-bot\[reports\]'"):
        search(ground, ranges_of(Averages()), 5, 1, lambda *_: None)
