"""A market: pairs with their rules and timelines. Whoever asks brings the time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from crypto_ai_bot.local.exchange.candle_file import Recording
from crypto_ai_bot.local.exchange.depth import MAX_LEVELS, Depth, depth_at
from crypto_ai_bot.local.exchange.numbers import decimal_of
from crypto_ai_bot.local.exchange.pairs import PairRules, rules_of, start_price_of
from crypto_ai_bot.local.exchange.replay import ReplaySource
from crypto_ai_bot.local.exchange.synthetic import SyntheticSource
from crypto_ai_bot.local.exchange.timeline import BarSource, Timeline


@dataclass(frozen=True, slots=True)
class Listing:
    """One pair on the exchange."""

    rules: PairRules
    timeline: Timeline
    # A depth of its own in place of one that is made up around the price.
    book: Callable[[int], Depth] | None = None

    def last(self, at_ms: int) -> Decimal:
        """Return the last price at `at_ms`."""
        return decimal_of(self.timeline.price(at_ms), self.rules.price_decimals)

    def depth(self, at_ms: int, levels: int = MAX_LEVELS) -> Depth:
        """Return the order book at `at_ms`, at most `levels` a side."""
        if self.book is not None:
            shown = self.book(at_ms)
            return Depth(at_ms, shown.asks[:levels], shown.bids[:levels])
        return depth_at(self.rules, self.timeline.price(at_ms), at_ms, levels)


@dataclass(frozen=True, slots=True)
class Market:
    """All pairs, by id, in the order they were listed."""

    listings: dict[str, Listing]

    def revise(self, pair_id: str, **changes: Any) -> None:
        """Change the rules of a listed pair from now on; KeyError for one that is not listed."""
        listing = self.listings[pair_id]
        self.listings[pair_id] = replace(listing, rules=replace(listing.rules, **changes))

    @property
    def first_ms(self) -> int:
        """Return the first moment at which every pair has a price."""
        return max(x.timeline.source.first_ms for x in self.listings.values())

    @property
    def end_ms(self) -> int | None:
        """Return the moment when the first pair's data ends; None for a market without an end."""
        ends_ms = [x.timeline.source.end_ms for x in self.listings.values()]
        return min((t for t in ends_ms if t is not None), default=None)


def synthetic_market(pair_ids: Iterable[str], seed: int) -> Market:
    """Make up a market of these pairs (BASE_USDT or BASE_USDC); the same for the same seed."""
    listings = {}
    for pair_id in pair_ids:
        price = start_price_of(pair_id)
        rules = rules_of(pair_id, price)
        source = SyntheticSource(seed, pair_id, price, rules.price_decimals, rules.volume_unit)
        listings[pair_id] = _listing(rules, source)
    return Market(listings)


def replay_market(recordings: Iterable[Recording]) -> Market:
    """Replay recorded candles, one recording a pair."""
    listings = {}
    for recording in recordings:
        first, decimals = recording.bars[0], recording.price_decimals
        rules = rules_of(recording.pair_id, first.open / 10**decimals, decimals)
        source = ReplaySource(recording.bars, recording.step_ms)
        listings[recording.pair_id] = _listing(rules, source)
    return Market(listings)


def _listing(rules: PairRules, source: BarSource) -> Listing:
    return Listing(rules, Timeline(source, rules.volume_unit))
