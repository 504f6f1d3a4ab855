"""Is it more than luck? Resampled days, entries thrown at random, and the number of tries."""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from crypto_ai_bot.backtest.benchmark import cost_of_a_side
from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.records import Trade
from crypto_ai_bot.backtest.statistics import deflated_sharpe, luckiest_sharpe, moments_of
from crypto_ai_bot.backtest.verdict import Check, Standing

_RESAMPLES: Final = 2_000
_THROWS_MAX: Final = 1_000
_THROWS_MIN: Final = 200
_ENTRIES_MAX: Final = 500_000  # over all throws: a second of work
_NO_BETTER: Final = 0.3
_DAYS_MIN: Final = 30
_TRADES_MIN: Final = 5
_DAYS_A_YEAR: Final = 365
_SURE: Final = 0.95


def confidence(daily: Sequence[float], seed: int) -> Check:
    """The range in which the total return lies in 95 of 100 histories like this one.

    Stationary block bootstrap (Politis and Romano 1994) of the daily changes: blocks of random
    length, on average the cube root of the number of days, so that days that hang together stay
    together.
    """
    if len(daily) < _DAYS_MIN:
        sentence = f"{len(daily)} days are too few to say how far chance reaches."
        return Check("confidence", Standing.UNCLEAR, sentence, {"days": float(len(daily))})
    totals = sorted(_resampled(daily, random.Random(seed)))  # noqa: S311 - resamples, hides nothing
    low, high = totals[int(0.025 * _RESAMPLES)], totals[int(0.975 * _RESAMPLES)]
    figures = {"low_pct": 100 * low, "high_pct": 100 * high, "days": float(len(daily))}
    reach = f"In 95 of 100 histories like this one it makes {low:+.2%} to {high:+.2%}"
    if low > 0:
        return Check("confidence", Standing.PASSES, f"{reach}: more than nothing.", figures)
    if high <= 0:
        return Check("confidence", Standing.FAILS, f"{reach}: it loses.", figures)
    sentence = f"{reach}. Nothing is within that range: it may as well make no money."
    return Check("confidence", Standing.UNCLEAR, sentence, figures)


def _resampled(daily: Sequence[float], chance: random.Random) -> list[float]:
    """Total returns of histories made of blocks; a block that reaches the end goes on at the start.

    Sums of logarithms between two places come from running sums, so a block costs one subtraction.
    """
    days = len(daily)
    logs = [math.log1p(max(change, -0.999999)) for change in daily]
    sums = list(accumulate([*logs, *logs], initial=0.0))
    stop = 1 / max(round(days ** (1 / 3)), 1)
    scale = math.log1p(-stop)
    totals = []
    for _ in range(_RESAMPLES):
        left, log_total = days, 0.0
        while left:
            begin = int(chance.random() * days)
            length = min(1 + int(math.log(1 - chance.random()) / scale), left) if scale else left
            length = min(length, days)
            log_total += sums[begin + length] - sums[begin]
            left -= length
        totals.append(math.expm1(log_total))
    return totals


class _Held(NamedTuple):
    """The trades of one market: how many bars each was held, and what each cost."""

    market: Market
    bars: list[int]
    costs_quote: list[float]


def random_entries(
    markets: Sequence[Market], terms: Terms, trades: Sequence[Trade], seed: int
) -> Check:
    """As many trades of the same lengths, entered at random, with the same costs: how many win?"""
    closed = [trade for trade in trades if trade.exited_ms is not None]
    if len(closed) < _TRADES_MIN:
        sentence = f"{len(closed)} closed trades are too few to compare with random ones."
        return Check("random-entries", Standing.UNCLEAR, sentence, {"trades": float(len(closed))})
    held = [_held(market, closed) for market in markets]
    made = sum(trade.profit_quote for trade in closed)
    chance = random.Random(seed)  # noqa: S311 - throws entries, hides nothing
    throws = min(max(_ENTRIES_MAX // len(closed), _THROWS_MIN), _THROWS_MAX)
    thrown = sorted(
        sum(_thrown(one, terms, chance) for one in held if one.bars) for _ in range(throws)
    )
    better = (throws - bisect_right(thrown, made)) / throws
    median = thrown[throws // 2]
    figures = {"better_pct": 100 * better, "made_quote": made, "median_quote": median}
    told = (
        f"Of {throws:,} throws of {len(closed)} random entries held as long, {better:.1%} made "
        f"more than its {made:,.2f} (the median made {median:,.2f})"
    )
    if better <= 1 - _SURE:
        return Check("random-entries", Standing.PASSES, f"{told}: its entries matter.", figures)
    if better < _NO_BETTER:
        sentence = f"{told}: that is not rare enough to rule out chance."
        return Check("random-entries", Standing.UNCLEAR, sentence, figures)
    worse = better >= _SURE
    why = "chance enters better" if worse else "when it enters matters no more than chance does"
    return Check("random-entries", Standing.FAILS, f"{told}: {why}.", figures)


def _held(market: Market, closed: Sequence[Trade]) -> _Held:
    mine = [trade for trade in closed if trade.symbol == market.symbol]
    bars = [
        max(_bar(market, trade.exited_ms or 0) - _bar(market, trade.entered_ms), 1)
        for trade in mine
    ]
    return _Held(market, bars, [trade.cost_quote for trade in mine])


def _bar(market: Market, at_ms: int) -> int:
    return bisect_right(market.opened_ms, at_ms) - 1


def _thrown(held: _Held, terms: Terms, chance: random.Random) -> float:
    """The profit of the trades in a random order with random pauses between, none over another."""
    closes, kept = held.market.closes, (1 - cost_of_a_side(held.market, terms)) ** 2
    free = len(closes) - 1 - sum(held.bars)
    if free < 0:
        return 0.0
    order = list(zip(held.bars, held.costs_quote, strict=True))
    chance.shuffle(order)
    pauses = sorted(int(chance.random() * (free + 1)) for _ in order)
    begin, profit = 0, 0.0
    for (bars, cost_quote), (before, pause) in zip(order, pairwise([0, *pauses]), strict=True):
        begin += pause - before
        profit += cost_quote * (closes[begin + bars] / closes[begin] * kept - 1)
        begin += bars
    return profit


def deflation(daily: Sequence[float], trials: Sequence[float], count: int) -> Check:
    """Discounts the Sharpe ratio for the number of tries: the best of many looks good by luck.

    `trials` are the daily Sharpe ratios of all that was tried, `count` how many there were (at
    least one: this). Where their spread is not known it is taken as that of worthless strategies.
    """
    moments = moments_of(daily)
    if moments.count < _DAYS_MIN:
        sentence = f"{moments.count} days are too few for a Sharpe ratio."
        return Check("deflated-sharpe", Standing.UNCLEAR, sentence, {"days": float(moments.count)})
    known = moments_of(trials)
    mean = sum(trials) / len(trials) if trials else 0.0
    variance = (
        sum((one - mean) ** 2 for one in trials) / (known.count - 1)
        if known.count > 1
        else 1 / (moments.count - 1)
    )
    probability = deflated_sharpe(moments, count, variance)
    year = math.sqrt(_DAYS_A_YEAR)
    sharpe, lucky = moments.sharpe * year, luckiest_sharpe(count, variance) * year
    figures = {"probability": probability, "sharpe": sharpe, "lucky_sharpe": lucky}
    figures |= {"trials": float(count)}
    tries = "one try" if count == 1 else f"{count:,} tries"
    luck = f"; the luckiest of as many worthless ones would show {lucky:.2f}" if count > 1 else ""
    told = (
        f"Its Sharpe ratio is {sharpe:.2f} a year after {tries}{luck}. That it is worth anything "
        f"is {probability:.0%} probable"
    )
    if probability >= _SURE:
        return Check("deflated-sharpe", Standing.PASSES, f"{told}.", figures)
    if count > 1:
        noise = "this is what searching finds in noise"
        more = "it is overfitted" if probability < 0.5 else "95 % is asked for"  # noqa: PLR2004 - even
        return Check("deflated-sharpe", Standing.FAILS, f"{told}: {more}, {noise}.", figures)
    standing = Standing.FAILS if sharpe <= 0 else Standing.UNCLEAR
    return Check("deflated-sharpe", standing, f"{told}; 95 % is asked for.", figures)
