"""Trades, decisions and equity, worked out from the fills."""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from heapq import merge
from operator import attrgetter

from crypto_ai_bot.backtest.market import Market
from crypto_ai_bot.backtest.records import Amount, Decision, EquityCurve, Fill, Trade
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import Side


def decisions_of(fills: Sequence[Fill], refused: Sequence[Decision]) -> list[Decision]:
    """Every fill as the decision that made it, among those that made none."""
    made = (
        Decision(fill.at_ms, fill.symbol, fill.purpose, fill.score, fill.reasons) for fill in fills
    )
    return list(merge(made, refused, key=attrgetter("at_ms")))


def trades_of(markets: Sequence[Market], fills: Sequence[Fill]) -> list[Trade]:
    """The positions, by the time of their entry."""
    closes = {market.symbol: market.closes[-1] for market in markets if market.closes}
    under_way = dict[Symbol, list[Fill]]()
    trades = []
    for fill in fills:
        parts = under_way.setdefault(fill.symbol, [])
        parts.append(fill)
        if fill.closes:
            trades.append(_trade(under_way.pop(fill.symbol), None))
    trades += [_trade(parts, closes[symbol]) for symbol, parts in under_way.items()]
    return sorted(trades, key=attrgetter("entered_ms"))


def _trade(parts: Sequence[Fill], close: float | None) -> Trade:
    """The trade of an entry and its sells; `close` values what is left of one that is open."""
    entry, *sells = parts
    sold_base = sum(float(sell.base) for sell in sells)
    sold_value = sum(float(sell.base) * float(sell.price) for sell in sells)
    proceeds = sum(float(sell.quote) for sell in sells)
    if close is not None:
        left = float(entry.base) - sold_base
        sold_base, sold_value = sold_base + left, sold_value + left * close
        proceeds += left * close
    last = sells[-1] if close is None else None
    return Trade(
        symbol=entry.symbol,
        entered_ms=entry.at_ms,
        exited_ms=last.at_ms if last else None,
        entry_price=float(entry.price),
        exit_price=sold_value / sold_base,
        base=float(entry.base),
        cost_quote=float(entry.quote),
        proceeds_quote=proceeds,
        fees_quote=sum(float(part.fee_quote) for part in parts),
        entry_reason="; ".join(entry.reasons),
        exit_reason="; ".join(last.reasons) if last else "open at the end",
        exit_purpose=last.purpose if last else None,
    )


def equity_of(markets: Sequence[Market], fills: Sequence[Fill], start: Decimal) -> EquityCurve:
    """Free quote and holdings at the close of every bar.

    A symbol without a bar at some time keeps the value of its last close.
    """
    times = _closing_times(markets)
    free = _free_quote(times, fills, start)
    for market in markets:
        mine = [fill for fill in fills if fill.symbol == market.symbol]
        free = [sum(pair) for pair in zip(free, _holding(times, market, mine), strict=True)]
    return EquityCurve(times, free)


def _closing_times(markets: Sequence[Market]) -> list[int]:
    moments = (
        [opened_ms + market.timeframe_ms for opened_ms in market.opened_ms] for market in markets
    )
    first, *others = moments
    return sorted(set(first).union(*others)) if others else first


def _free_quote(times: Sequence[int], fills: Sequence[Fill], start: Decimal) -> list[float]:
    """What is free at each time; a fill of that very moment belongs to the bar after it."""
    exact = not fills or isinstance(fills[0].quote, Decimal)
    cash: Amount = start if exact else float(start)
    curve, done = list[float](), 0
    for fill in fills:
        before = done
        while done < len(times) and times[done] <= fill.at_ms:
            done += 1
        curve += [float(cash)] * (done - before)
        cash = cash - fill.quote if fill.side is Side.BUY else cash + fill.quote
    return curve + [float(cash)] * (len(times) - done)


def _holding(times: Sequence[int], market: Market, fills: Sequence[Fill]) -> list[float]:
    """What is held of one symbol at each time, at its last close."""
    closed_ms = [opened_ms + market.timeframe_ms for opened_ms in market.opened_ms]
    values = [0.0] * len(times)
    held, since = 0, 0
    bounds = [bisect_right(times, fill.at_ms) for fill in fills]
    for fill, until in zip((*fills, None), (*bounds, len(times)), strict=True):
        if held:
            _value(values, times, since, until, float(held), closed_ms, market.closes)
        if fill is None:
            break
        held = held + fill.base if fill.side is Side.BUY else held - fill.base
        since = until
    return values


def _value(
    values: list[float],
    times: Sequence[int],
    since: int,
    until: int,
    held: float,
    closed_ms: Sequence[int],
    closes: Sequence[float],
) -> None:
    """Fills in `held` at the last close, from the time numbered `since` to that before `until`."""
    if since == until:
        return
    bar = bisect_right(closed_ms, times[since]) - 1
    last = len(closed_ms) - 1
    for number in range(since, until):
        while bar < last and closed_ms[bar + 1] <= times[number]:
            bar += 1
        values[number] = held * closes[bar]
