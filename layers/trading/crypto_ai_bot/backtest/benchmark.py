"""What doing nothing clever would have made: buying at the start and holding to the end."""

from collections.abc import Sequence

from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.records import EquityCurve


def cost_of_a_side(market: Market, terms: Terms) -> float:
    """What one purchase or sale takes, as a fraction: fee, half the spread, slippage."""
    spread_and_slippage = terms.spread_pct / 200 + terms.slippage_pct / 100
    return float(market.rules.taker_fee_rate + spread_and_slippage)


def stake_of(markets: Sequence[Market], terms: Terms) -> float:
    """Quote to hold of each symbol: what an entry spends, or an equal share of everything."""
    share = float(terms.start_quote) / len(markets)
    return share if terms.amount_quote is None else min(share, float(terms.amount_quote))


def buy_and_hold(
    markets: Sequence[Market], terms: Terms, times_ms: Sequence[int], warm_up_bars: int
) -> EquityCurve:
    """The equity of who buys each symbol once the strategy may, and holds it.

    At the open of the bar after the warm-up, for the stake of an entry, costs paid; valued at the
    closes of `times_ms`. The sale at the end is not in it, as it is not in a position left open.
    """
    stake = stake_of(markets, terms)
    quote = [float(terms.start_quote)] * len(times_ms)
    for market in markets:
        if market.bars <= warm_up_bars:
            continue
        base = stake * (1 - cost_of_a_side(market, terms)) / market.opens[warm_up_bars]
        bar, last = warm_up_bars - 1, market.bars - 1
        opened_ms, step_ms, closes = market.opened_ms, market.timeframe_ms, market.closes
        for number, at_ms in enumerate(times_ms):
            while bar < last and opened_ms[bar + 1] + step_ms <= at_ms:
                bar += 1
            if bar >= warm_up_bars:
                quote[number] += base * closes[bar] - stake
    return EquityCurve(times_ms, quote)
