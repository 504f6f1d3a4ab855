"""A strategy that peeks, one that overfits, one that only rides the market: the report says so."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from crypto_ai_bot.backtest.engine import run
from crypto_ai_bot.backtest.honesty import NAMES, Examined, examine
from crypto_ai_bot.backtest.market import Finding, Market, Terms
from crypto_ai_bot.backtest.space import drawn, ranges_of, with_parameters
from crypto_ai_bot.backtest.trials import Trial, trial_of
from crypto_ai_bot.backtest.verdict import Check, Standing, conclusion
from crypto_ai_bot.domain.market import HOUR_MS
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.strategies.base import Strategy
from small_backtest import (
    TERMS,
    Averages,
    Forgetful,
    Peeking,
    Rhythm,
    Riding,
    market_of,
    noise,
    without_costs,
)

FREE = Terms(amount_quote=None, stops=StopRules(hard_pct=0))


def examined(
    markets: Sequence[Market],
    strategy: Strategy,
    terms: Terms = TERMS,
    trials: Sequence[Trial] = (),
    tried: int = 1,
) -> Examined:
    result = run(markets, strategy, terms)
    return Examined(markets, strategy, terms, result, run, trials, tried)


def checks_of(one: Examined, *names: str) -> dict[str, Check]:
    left_out = set(NAMES) - {*names} if names else set()
    return {check.name: check for check in examine(one, one.held, left_out)}


def test_a_strategy_that_peeks_is_told_of() -> None:
    """On noise without costs it wins almost each trade, and passes what chance can be asked."""
    found = checks_of(examined([without_costs(noise(3_000, 1))], Peeking(), FREE))
    look = found["look-ahead"]
    assert look.standing is Standing.FAILS
    assert (look.figures["changed"] or 0) > 30, "at most places, not only at the end of the candles"
    assert "It looks ahead" in look.sentence
    assert "nothing else in this report can be believed" in look.sentence
    assert found["confidence"].standing is Standing.PASSES, "nothing else would have told"
    assert conclusion(list(found.values())).startswith("Do not trade on this: it fails look-ahead")


def test_the_best_of_a_thousand_on_noise_is_told_of() -> None:
    market, terms, plain = without_costs(noise(2_424, 7)), FREE, Averages()
    sets = drawn(plain, ranges_of(plain, ["fast=2:60", "slow=5:100"]), 1_000, seed=4)
    assert len(sets) == 1_000
    trials = [trial_of(candidate, run([market], candidate, terms)) for candidate in sets]
    best = max(trials, key=lambda trial: trial.sharpe)
    chosen = with_parameters(plain, best.parameters)
    assert chosen
    assert best.made_pct > 40, "it looks as if it made money"
    one = examined([market], chosen, terms, trials=trials, tried=len(trials))
    found = checks_of(one, "walk-forward", "deflated-sharpe")
    deflated = found["deflated-sharpe"]
    assert deflated.standing is Standing.FAILS
    assert "after 1,000 tries" in deflated.sentence
    assert "this is what searching finds in noise" in deflated.sentence
    assert found["walk-forward"].standing is Standing.FAILS
    assert "the choice is worth nothing" in found["walk-forward"].sentence
    alone = checks_of(examined([market], chosen, terms), "deflated-sharpe")["deflated-sharpe"]
    assert alone.standing is Standing.PASSES, "had nobody counted the tries, it would pass"


def test_a_strategy_that_only_rides_the_market_is_told_of() -> None:
    rising = noise(8_000, 5, drift=0.0002)
    found = checks_of(examined([rising], Riding()), "buy-and-hold", "random-entries")
    assert "It made +" in found["buy-and-hold"].sentence
    assert found["buy-and-hold"].standing is Standing.FAILS
    assert "It only rides the market" in found["buy-and-hold"].sentence
    assert found["random-entries"].standing is not Standing.PASSES


def mornings(bars: int) -> Market:
    """Rises in the first half of each day and falls in the second, with noise over it."""
    wandering = noise(bars, 7, spread=0.002).closes
    price, closes = 100.0, []
    for number in range(1, bars):
        price *= wandering[number] / wandering[number - 1]
        price *= 1.002 if 6 <= number % 24 <= 17 else 0.998
        closes.append(price)
    return market_of([100.0, *closes])


def test_a_strategy_that_is_worth_something_passes_all() -> None:
    """Else the checks would be a report that says no to everything."""
    found = checks_of(examined([mornings(6_000)], Rhythm()))
    failed = {name: check.sentence for name, check in found.items() if name != "walk-forward"
              and check.standing is not Standing.PASSES}  # fmt: skip
    assert failed == {}
    assert found["walk-forward"].standing is Standing.UNCLEAR, "it has nothing to choose"


def test_a_strategy_whose_warm_up_is_too_short_is_told_of() -> None:
    check = checks_of(examined([noise(2_000, 1)], Forgetful()), "warm-up")["warm-up"]
    assert check.standing is Standing.FAILS
    assert "live will trade otherwise" in check.sentence


def test_an_honest_strategy_passes_look_ahead_and_warm_up() -> None:
    found = checks_of(examined([noise(3_000, 1)], Averages()), "look-ahead", "warm-up")
    assert {check.standing for check in found.values()} == {Standing.PASSES}


def test_candles_that_are_missing_or_impossible_are_told_of() -> None:
    market = noise(2_000, 1)
    gap = Finding(market.symbol, "gap", 0, 3, "3 bars are missing before 2022-01-05")
    wrong = Finding(market.symbol, "impossible", 0, 1, "low above high")
    few = checks_of(examined([replace(market, findings=(gap,))], Riding()), "data")["data"]
    assert few.standing is Standing.UNCLEAR
    assert "3 missing" in few.sentence
    one = gap._replace(bars=1)
    least = checks_of(examined([replace(market, findings=(one,))], Riding()), "data")["data"]
    assert least.standing is Standing.PASSES
    assert "1 missing" in least.sentence
    bad = checks_of(examined([replace(market, findings=(gap, wrong))], Riding()), "data")["data"]
    assert bad.standing is Standing.FAILS


def test_a_strategy_that_lives_on_low_costs_is_told_of() -> None:
    """Free it wins; at Gate's fee, doubled, it loses."""
    cheap = replace(mornings(4_000), rules=noise(2, 1).rules)
    cheap = replace(cheap, rules=replace(cheap.rules, taker_fee_rate=Decimal("0.007")))
    one = examined([cheap], Rhythm())
    assert one.result.final_equity > 10_000
    check = checks_of(one, "costs-doubled")["costs-doubled"]
    assert check.standing is Standing.FAILS


@pytest.mark.parametrize(
    "terms",
    [replace(FREE, spread_pct=Decimal("1.4")), replace(FREE, slippage_pct=Decimal("0.7"))],
    ids=["spread_pct", "slippage_pct"],
)
def test_spread_and_slippage_are_doubled_too(terms: Terms) -> None:
    market = without_costs(mornings(4_000))
    one = examined([market], Rhythm(), terms)
    assert one.result.final_equity > 10_000
    check = checks_of(one, "costs-doubled")["costs-doubled"]
    assert check.standing is Standing.FAILS


def test_walk_forward_draws_parameters_around_those_that_ran() -> None:
    check = checks_of(examined([noise(4_000, 2)], Averages()), "walk-forward")["walk-forward"]
    assert check.figures["candidates"] == 25
    assert check.standing is Standing.FAILS


def test_a_check_that_is_left_out_is_not_made() -> None:
    one = examined([noise(500, 2)], Averages())
    assert [check.name for check in examine(one, one.held, set(NAMES) - {"data"})] == ["data"]
    assert [check.name for check in examine(one, one.held)] == list(NAMES)


def test_the_same_seed_finds_the_same() -> None:
    one = examined([noise(1_500, 2)], Averages())
    assert examine(one, one.held) == examine(one, one.held)


@pytest.mark.parametrize("bars", [1, 2, 30])
def test_a_backtest_too_short_for_anything_is_not_judged(bars: int) -> None:
    found = checks_of(examined([noise(bars, 2)], Averages()))
    unsure = {name for name, check in found.items() if check.standing is Standing.UNCLEAR}
    assert unsure >= {
        "warm-up",
        "random-entries",
        "walk-forward",
        "deflated-sharpe",
        "confidence",
        "buy-and-hold",
    }


def test_a_strategy_that_never_traded_is_not_judged_by_its_result() -> None:
    """Nothing made is no loss, and no reason to say that it fails."""
    found = checks_of(examined([market_of([100.0] * 4_000)], Averages()))
    unsure = {name for name, check in found.items() if check.standing is Standing.UNCLEAR}
    assert unsure == {*NAMES} - {"look-ahead", "warm-up", "data"}
    assert "never traded" in found["costs-doubled"].sentence


def test_an_account_that_is_ruined_is_judged_too() -> None:
    falling = market_of([100 * 0.99**n for n in range(24 * 60)])
    falling = replace(falling, timeframe_ms=HOUR_MS)
    found = checks_of(examined([falling], Riding()))
    assert found["confidence"].standing is Standing.FAILS


def test_the_conclusion_names_what_failed_and_promises_nothing() -> None:
    passed, failed = Check("a", Standing.PASSES, ""), Check("b", Standing.FAILS, "")
    unclear = Check("c", Standing.UNCLEAR, "")
    assert conclusion([passed, failed, failed]) == "Do not trade on this: it fails b and b."
    assert conclusion([passed, unclear]) == "Not shown to work: c cannot tell."
    assert "no promise" in conclusion([passed])
    assert conclusion([]) == "Nothing was checked."
