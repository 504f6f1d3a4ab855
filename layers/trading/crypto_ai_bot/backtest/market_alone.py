"""How much of the result is the market's own, and how much would dearer trading leave of it?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.moments import day
from crypto_ai_bot.backtest.result import Result
from crypto_ai_bot.backtest.verdict import Check, Standing
from crypto_ai_bot.strategies.base import Strategy

_DAYS_MIN: Final = 30
_T_SURE: Final = 1.645  # one-sided, 95 %
_RIDES: Final = 0.5  # of the variance of its days comes from the market's
_GAPS_PCT: Final = 0.1  # exchanges pause for maintenance
_GAPS_PCT_MAX: Final = 1.0

type Run = Callable[[Sequence[Market], Strategy, Terms], Result]


class _Line(NamedTuple):
    """A least-squares line through pairs: its height at 0, how sure that is, and its fit."""

    alpha: float
    alpha_t: float
    beta: float
    explained: float


def against_the_market(
    daily: Sequence[float], market_daily: Sequence[float], made: float, held: float, stake: float
) -> Check:
    """Buying and holding the same stake made `held` quote, this made `made`.

    Its days are laid against the market's: what the market does not explain is alpha.
    """
    figures: dict[str, float | None] = {"made_quote": made, "held_quote": held}
    told = (
        f"It made {made:+,.2f}; buying at the start and holding {stake:,.2f} of each symbol made "
        f"{held:+,.2f}"
    )
    if len(daily) < _DAYS_MIN:
        return Check("buy-and-hold", Standing.UNCLEAR, f"{told}. The days are too few.", figures)
    line = _line(market_daily, daily)
    figures |= {"beta": line.beta, "explained": line.explained, "alpha_t": line.alpha_t}
    if line.alpha_t >= _T_SURE:
        rest = "What the market does not explain of its days is more than chance makes"
        return Check("buy-and-hold", Standing.PASSES, f"{told}. {rest}.", figures)
    unsure = "What the market does not explain of its days, chance explains as well"
    if line.explained >= _RIDES:
        rides = f"It only rides the market: {line.explained:.0%} of its ups and downs are those of"
        sentence = f"{told}. {rides} the market. {unsure}."
        return Check("buy-and-hold", Standing.FAILS, sentence, figures)
    standing = Standing.FAILS if made <= held else Standing.UNCLEAR
    return Check("buy-and-hold", standing, f"{told}. {unsure}.", figures)


def _line(xs: Sequence[float], ys: Sequence[float]) -> _Line:
    count = len(xs)
    mean_x, mean_y = math.fsum(xs) / count, math.fsum(ys) / count
    square_x = math.fsum((x - mean_x) ** 2 for x in xs)
    square_y = math.fsum((y - mean_y) ** 2 for y in ys)
    cross = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    beta = cross / square_x if square_x else 0.0
    alpha = mean_y - beta * mean_x
    left = max(square_y - beta * cross, 0.0)
    spread = left / (count - 2) * (1 / count + (mean_x**2 / square_x if square_x else 0.0))
    sure = alpha / math.sqrt(spread) if spread else math.copysign(math.inf, alpha) * bool(alpha)
    return _Line(alpha, 0.0 if math.isnan(sure) else sure, beta, 1 - left / (square_y or 1.0))


def dearer(
    run: Run, markets: Sequence[Market], strategy: Strategy, terms: Terms, made: float
) -> Check:
    """The same run, which made `made` quote, at twice the fee, the spread and the slippage."""
    twice = [
        replace(m, rules=replace(m.rules, taker_fee_rate=2 * m.rules.taker_fee_rate))
        for m in markets
    ]
    costly = replace(terms, spread_pct=2 * terms.spread_pct, slippage_pct=2 * terms.slippage_pct)
    left = run(twice, strategy, costly).final_equity - float(terms.start_quote)
    figures: dict[str, float | None] = {"made_quote": left}
    told = f"At twice the fee, spread and slippage it makes {left:+,.2f} instead of {made:+,.2f}"
    if left > 0:
        return Check("costs-doubled", Standing.PASSES, f"{told}: there is room for error.", figures)
    why = "it lives on costs being as low as assumed" if made > 0 else "it loses with either"
    return Check("costs-doubled", Standing.FAILS, f"{told}: {why}.", figures)


def data(markets: Sequence[Market]) -> Check:
    """What is odd about the candles: bars missing, twice there, out of order, impossible."""
    findings = [finding for market in markets for finding in market.findings]
    bars = sum(market.bars for market in markets)
    kinds = {kind: sum(one.bars for one in findings if one.kind == kind) for kind in _KINDS}
    figures: dict[str, float | None] = {kind: float(count) for kind, count in kinds.items()}
    figures["bars"] = float(bars)
    if not findings:
        sentence = f"{bars:,} candles without a gap, a duplicate or an impossible price."
        return Check("data", Standing.PASSES, sentence, figures)
    shown = ", ".join(f"{count:,} {_KINDS[kind]}" for kind, count in kinds.items() if count)
    missing_pct = 100 * kinds["gap"] / ((bars + kinds["gap"]) or 1)
    first = findings[0]
    told = f"First: {first.symbol} on {day(first.at_ms)}: {first.text}"
    sentence = f"Of {bars:,} candles: {shown}. {told}."
    if kinds["impossible"] or missing_pct > _GAPS_PCT_MAX:
        return Check("data", Standing.FAILS, sentence, figures)
    few = len(findings) == sum(one.kind == "gap" for one in findings) and missing_pct < _GAPS_PCT
    return Check("data", Standing.PASSES if few else Standing.UNCLEAR, sentence, figures)


_KINDS: Final = {
    "gap": "missing",
    "duplicate": "twice there",
    "disorder": "out of order",
    "impossible": "with impossible prices",
}
