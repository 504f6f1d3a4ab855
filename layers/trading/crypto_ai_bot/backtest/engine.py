"""The backtest: a strategy's opinions first, then what one account would have made of them.

Each symbol is a process of its own (a generator that says when it will act next), and whoever acts
first in time is let go on. Between two acts nothing is computed: where a stop is reached is found
in one walk over the bars. A bar's signal is acted on at the next bar's open.
"""

import gc
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from heapq import heapify, heappop, heapreplace

from crypto_ai_bot.backtest.book import Book, Holding
from crypto_ai_bot.backtest.fills import Fills, fills_of
from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.opinions import Opinions, listen
from crypto_ai_bot.backtest.records import Amount
from crypto_ai_bot.backtest.result import Result
from crypto_ai_bot.backtest.trader import Moment, Trader
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.strategies.base import Strategy


def run(
    markets: Sequence[Market],
    strategy: Strategy,
    terms: Terms,
    opinions: Mapping[Symbol, Opinions] | None = None,
) -> Result:
    """Trades `strategy` over all of `markets` on one account.

    `opinions` takes the place of what the strategy says of these symbols: opinions do not depend
    on the account, so whoever tries many terms, or other entries, listens once. Raises BadSetting
    for markets that do not go together.
    """
    _check(markets)
    kinds = [fills_of(market, terms) for market in markets]
    holdings = [
        Holding(one.symbol, kind.amount(0.0)) for one, kind in zip(markets, kinds, strict=True)
    ]
    value = _valuer(markets, kinds, terms)
    book = Book(kinds[0].amount(terms.start_quote), holdings, terms.limits, value)
    known = opinions or {}
    with _without_collections():
        _let_act(
            [
                Trader(market, terms, kind, holding, book).acts(
                    known.get(market.symbol) or listen(strategy, market, terms.warm_up_bars)
                )
                for market, kind, holding in zip(markets, kinds, holdings, strict=True)
            ]
        )
    return Result(tuple(markets), terms, book.rows, book.refused)


def _check(markets: Sequence[Market]) -> None:
    """One line for the first thing that keeps these markets from one account."""
    if not markets:
        raise BadSetting("a backtest needs candles of at least one symbol")
    first = markets[0]
    seen = set[Symbol]()
    for market in markets:
        rules, symbol = market.rules, market.symbol
        if symbol in seen:
            raise BadSetting(f"{symbol}: given twice; one candle source a symbol")
        if symbol.quote != first.symbol.quote:
            raise BadSetting(f"{symbol}: must be traded in {first.symbol.quote} as the others are")
        if bool(rules.amount_step_base) != bool(first.rules.amount_step_base):
            raise BadSetting(f"{symbol}: all markets must have an amount step, or none of them")
        if not (rules.may_buy and rules.may_sell):
            raise BadSetting(f"{symbol}: the market must be open, it is {rules.trade_status}")
        if not market.bars:
            raise BadSetting(f"{symbol}: there are no candles")
        seen.add(symbol)


def _valuer(
    markets: Sequence[Market], kinds: Sequence[Fills], terms: Terms
) -> Callable[[Holding, int], Amount]:
    """What a holding is worth at a time: at the bid of the bar that opens then, else the last."""
    found = {market.symbol: (market, kind) for market, kind in zip(markets, kinds, strict=True)}

    def value(holding: Holding, now_ms: int) -> Amount:
        market, kind = found[holding.symbol]
        bar = bisect_right(market.opened_ms, now_ms) - 1
        opens_now = market.opened_ms[bar] == now_ms
        price = market.opens[bar] if opens_now else market.closes[bar]
        return holding.base * kind.amount(price * terms.bid_factor)

    return value


def _let_act(traders: Sequence[Iterator[Moment]]) -> None:
    """Lets whoever is first in time act; at one moment, in the order of the symbols."""
    if len(traders) == 1:
        for _ in traders[0]:
            pass
        return
    waiting = [
        (moment, number, trader)
        for number, trader in enumerate(traders)
        if (moment := next(trader, None)) is not None
    ]
    heapify(waiting)
    while waiting:
        _, number, trader = waiting[0]
        moment = next(trader, None)
        if moment is None:
            heappop(waiting)
        else:
            heapreplace(waiting, (moment, number, trader))


@contextmanager
def _without_collections() -> Iterator[None]:
    """Keeps the garbage collector from visiting rows and candles again and again for nothing.

    What a run makes holds no cycles. At the end all of it is old, so that it is not visited then.
    """
    were_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # into the oldest generation, without a visit
        if were_on:
            gc.enable()
