"""One symbol of a backtest: enters, watches its stops, leaves."""

from bisect import bisect_left
from collections.abc import Iterator
from math import inf
from typing import Final

from crypto_ai_bot.backtest.account import Facts, rules_in_force
from crypto_ai_bot.backtest.book import Book, Holding
from crypto_ai_bot.backtest.fills import Fills
from crypto_ai_bot.backtest.market import MOMENT_MS, Market, Terms
from crypto_ai_bot.backtest.opinions import Opinion, Opinions
from crypto_ai_bot.backtest.records import Amount, Decision, Touch, Why, told
from crypto_ai_bot.backtest.stop_walk import AT_HIGH, AT_OPEN, StopWalk
from crypto_ai_bot.domain.order import Purpose, Side
from crypto_ai_bot.domain.signal import HOLD, Action, Signal

# When something happens: the opening of a bar, and then the strategy's turn there, the stops at
# the open, at the low and at the high.
type Moment = tuple[int, int]
_STRATEGY: Final = 0
_STOPS: Final = 1

# Read off an enumeration for each order, they would cost as much as its arithmetic.
_BUY, _SELL = Side.BUY, Side.SELL
_ENTRY, _EXIT, _STOP, _TAKE_PROFIT = Purpose


class Trader:
    """The process of one symbol, in the order of time."""

    def __init__(
        self, market: Market, terms: Terms, fills: Fills, holding: Holding, book: Book
    ) -> None:
        self._market, self._symbol, self._terms = market, market.symbol, terms
        self._fills, self._holding, self._book = fills, holding, book
        self._facts = Facts(book, holding, fills)
        self._rules = rules_in_force(terms.limits)
        self._spends = None if terms.amount_quote is None else fills.amount(terms.amount_quote)
        self._bids = market.bids(terms.bid_factor)
        self._ask_factor = terms.ask_factor
        opens, lows, self._highs = self._bids
        self._opens = opens
        self._walk = StopWalk(terms.stops, opens, lows, self._highs)
        self._time_ms = terms.stops.time_ms
        self._steps = [
            (step.gain_pct, fills.amount(step.fraction)) for step in terms.stops.take_profit
        ]
        self._entry_price, self._bought_base = 0.0, fills.amount(0.0)

    def acts(  # noqa: C901 - the life of a position from its entry on, in the order of time
        self, opinions: Opinions
    ) -> Iterator[Moment]:
        """Yields the moment of each act before it acts."""
        opened_ms, bars, walk = self._market.opened_ms, self._market.bars, self._walk.walk
        exits: list[Opinion] = [*opinions.exits, (bars, HOLD)]
        leaving = flat_from = 0
        for bar, signal in opinions.entries:
            if bar < flat_from:
                continue
            at_ms = opened_ms[bar]
            yield at_ms, _STRATEGY
            level = self._enter(bar, at_ms, signal)
            if level is None:
                continue
            while exits[leaving][0] <= bar:
                leaving += 1
            until, leave = exits[leaving]
            if self._time_ms:
                until = min(until, bisect_left(opened_ms, at_ms + self._time_ms))
            target = self._target(0.0) if self._steps else inf
            touch = walk(bar, until, self._entry_price, level, target)
            while touch[3]:
                yield opened_ms[touch[0]], _STOPS + touch[1]
                touch = self._take_profit(touch, until)
            at = touch[0]
            flat_from = at + 1
            if touch[2]:
                yield opened_ms[at], _STOPS + touch[1]
                self._sell(opened_ms[at] + MOMENT_MS * touch[1], touch[2], _STOP, touch)
            elif at == exits[leaving][0]:
                if at < bars:
                    yield opened_ms[at], _STRATEGY
                    self._sell(opened_ms[at], self._opens[at], _EXIT, leave)
            elif at == until:
                yield opened_ms[at], _STOPS
                self._sell(opened_ms[at], self._opens[at], _STOP, self._timed(touch, at_ms))

    def _enter(self, bar: int, at_ms: int, signal: Signal) -> float | None:
        """Buys at the open of `bar`; where the stop stands then, None when the rules object."""
        facts, book, fills = self._facts, self._book, self._fills
        facts.now_ms = at_ms
        ask = fills.amount(self._market.opens[bar] * self._ask_factor)
        spends = book.free_quote if self._spends is None else self._spends
        facts.ask, facts.amount = ask, (amount := fills.entry_amount(spends))
        if book.looks_back:
            facts.bid = fills.amount(self._opens[bar])
            book.at(at_ms)
        if facts.objected(self._rules, self._terms.limits):
            objections = facts.objections(self._rules, self._terms.limits)
            self._refuse(at_ms, _ENTRY, signal, objections)
            return None
        price, base, quote, fee_quote = fills.buy(amount, ask)
        self._entry_price, self._bought_base = float(price), base
        book.free_quote -= quote
        self._holding.base += base
        self._holding.last_entry_ms = at_ms
        if book.looks_back:
            book.bought(at_ms, self._holding, base, quote)
        book.rows.append(
            (
                at_ms,
                self._symbol,
                _BUY,
                _ENTRY,
                price,
                base,
                quote,
                fee_quote,
                signal,
                False,
            )
        )
        break_even_price = (
            fills.break_even(quote, base) if self._terms.stops.break_even_pct else 0.0
        )
        return self._walk.enter(self._entry_price, break_even_price, signal.atr)

    def _timed(self, touch: Touch, entered_ms: int) -> Why:
        """Why a position is sold when its time is over: the stop goes before it, if it is there."""
        bar, *_, level = touch
        if (opened := self._opens[bar]) <= level:
            return bar, AT_OPEN, opened, False, opened, level
        held_seconds = (self._market.opened_ms[bar] - entered_ms) // 1_000
        return _because(f"open for {held_seconds} s, the time stop")

    def _target(self, peak: float) -> float:
        """The price of the lowest take-profit step that the price has not been at."""
        prices = [self._entry_price * (1 + gain_pct / 100) for gain_pct, _ in self._steps]
        return min((price for price in prices if price > peak), default=inf)

    def _take_profit(self, touch: Touch, until: int) -> Touch:
        """Sells what the steps reached so far do not keep, and walks on with the rest."""
        bar, moment, price, _, peak, level = touch
        entry_price, walk = self._entry_price, self._walk
        reached = [step for step in self._steps if peak >= entry_price * (1 + step[0] / 100)]
        sold = sum(fraction for _, fraction in reached)
        surplus = self._holding.base - self._bought_base * max(1 - sold, 0)
        if surplus > 0:
            why = _because(f"a gain of {reached[-1][0]:g} % was reached")
            at_ms = self._market.opened_ms[bar] + MOMENT_MS * moment
            if self._sell(at_ms, price, _TAKE_PROFIT, why, surplus):
                return bar, moment, 0.0, False, peak, level
        target = self._target(peak)
        if moment < AT_HIGH:
            return walk.walk(bar, until, peak, level, target)
        # The low was before the high: what is left of this bar only rises.
        high = self._highs[bar]
        if high >= target:
            return bar, moment + 1, target, True, target, walk.raised(target, level)
        return walk.walk(bar + 1, until, high, walk.raised(high, level), target)

    def _sell(
        self, at_ms: int, bid: float, purpose: Purpose, why: Why, wanted: Amount = None
    ) -> bool:
        """Sells what is wanted, or all; whether nothing is left but dust."""
        holding, book, fills = self._holding, self._book, self._fills
        held = holding.base
        filled = fills.sell(held if wanted is None else wanted, held, bid)
        if filled is None:
            self._refuse(at_ms, purpose, why, ("minimum: what is held is dust",))
            return wanted is None
        price, base, quote, fee_quote = filled
        book.free_quote += quote
        holding.base = held - base
        if book.looks_back:
            book.sold(at_ms, holding, base, quote, fills)
        closes = wanted is None or not fills.sellable(holding.base, price)
        book.rows.append(
            (
                at_ms,
                self._symbol,
                _SELL,
                purpose,
                price,
                base,
                quote,
                fee_quote,
                why,
                closes,
            )
        )
        return closes

    def _refuse(self, at_ms: int, purpose: Purpose, why: Why, objections: tuple[str, ...]) -> None:
        score, reasons = told(why)
        self._book.refused.append(
            Decision(at_ms, self._symbol, purpose, score, reasons, objections)
        )


def _because(reason: str) -> Signal:
    return Signal(Action.EXIT, 0.0, (reason,))
