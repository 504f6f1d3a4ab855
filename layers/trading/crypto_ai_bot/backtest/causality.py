"""Does it decide by the past alone, and by as much of it as live will show it?"""

import random
from collections.abc import Sequence
from typing import Final

from crypto_ai_bot.backtest.market import Market
from crypto_ai_bot.backtest.moments import day_and_minute
from crypto_ai_bot.backtest.verdict import Check, Standing
from crypto_ai_bot.domain.signal import Signal
from crypto_ai_bot.strategies.base import Strategy, turns
from crypto_ai_bot.strategies.candles import Candles

_PLACES: Final = 24  # of each kind in each market: where it spoke, and anywhere
_BARS_MIN: Final = 64

type Opinions = list[tuple[int, Signal]]


def look_ahead(markets: Sequence[Market], strategy: Strategy, seed: int) -> Check:
    """Cuts off what follows a bar, at many bars: no decision up to there may change by it."""
    span = 2 * max(strategy.warm_up_bars, _BARS_MIN)
    cuts, peeks = 0, list[str]()
    for market in markets:
        whole = _said(market, strategy, 0, market.bars)
        windows = [(0, market.bars // 2)]
        windows += [(max(bar - span, 0), bar + 1) for bar in _places(market, whole, seed)]
        for begin, end in windows:
            full = begin == 0 and end == market.bars // 2
            later = whole if full else _said(market, strategy, begin, min(end + span, market.bars))
            cuts += 1
            if told := _first_change(later, _said(market, strategy, begin, end), end):
                peeks.append(f"{market.symbol} at {day_and_minute(market.opened_ms[told[0]])}")
    figures = {"places": float(cuts), "changed": float(len(peeks))}
    if peeks:
        sentence = (
            f"It looks ahead: with the later bars cut off it decides otherwise at {len(peeks)} of "
            f"{cuts} places, first on {peeks[0]}. Live has no later bars, so nothing else in this "
            "report can be believed."
        )
        return Check("look-ahead", Standing.FAILS, sentence, figures)
    sentence = f"With the future cut off at {cuts} places every decision stayed the same."
    return Check("look-ahead", Standing.PASSES, sentence, figures)


def warm_up(markets: Sequence[Market], strategy: Strategy, seed: int) -> Check:
    """Shows it only the bars that live would: what it says of the last must be what it said."""
    bars = strategy.warm_up_bars
    places, changed, first = 0, 0, ""
    for market in markets:
        whole = _said(market, strategy, 0, market.bars)
        by_bar = {bar: signal.action for bar, signal in whole}
        for bar in _places(market, whole, seed + 1):
            if bar + 1 <= bars:
                continue
            places += 1
            short = {at: s.action for at, s in _said(market, strategy, bar + 1 - bars, bar + 1)}
            if short.get(bar) != by_bar.get(bar):
                changed += 1
                first = first or f"{market.symbol} at {day_and_minute(market.opened_ms[bar])}"
    figures = {"places": float(places), "changed": float(changed), "bars": float(bars)}
    if changed:
        sentence = (
            f"After the {bars} bars that live shows it, it decides otherwise than after all of "
            f"them at {changed} of {places} places, first on {first}: live will trade otherwise."
        )
        return Check("warm-up", Standing.FAILS, sentence, figures)
    if not places:
        sentence = f"There are not more bars than the {bars} that it needs to warm up."
        return Check("warm-up", Standing.UNCLEAR, sentence, figures)
    sentence = f"The {bars} bars that live shows it are enough: {places} decisions stayed the same."
    return Check("warm-up", Standing.PASSES, sentence, figures)


def _said(market: Market, strategy: Strategy, begin: int, end: int) -> Opinions:
    """What it says of the bars from `begin` to before `end`, seeing no others."""
    shown = slice(begin, end)
    candles = Candles(
        market.opened_ms[shown],
        market.opens[shown],
        market.highs[shown],
        market.lows[shown],
        market.closes[shown],
        market.volumes[shown],
    )
    return [(begin + number, signal) for number, signal in turns(strategy, candles)]


def _first_change(with_later: Opinions, without: Opinions, end: int) -> tuple[int, Signal] | None:
    """The first opinion on a bar before `end` that is in one of the two alone."""
    earlier = [one for one in with_later if one[0] < end]
    for one, other in zip(earlier, without, strict=False):
        if one != other:
            return min(one, other, key=lambda opinion: opinion[0])
    longer = earlier if len(earlier) > len(without) else without
    shared = min(len(earlier), len(without))
    return longer[shared] if len(longer) > shared else None


def _places(market: Market, whole: Opinions, seed: int) -> list[int]:
    """Bars to look at: some on which it spoke, and some that nobody chose."""
    chance = random.Random(f"{seed} {market.symbol}")  # noqa: S311 - samples bars, hides nothing
    spoken = [bar for bar, _ in whole]
    some = chance.sample(spoken, min(_PLACES, len(spoken)))
    return some + [chance.randrange(market.bars) for _ in range(_PLACES if market.bars else 0)]
