"""The engine's view of the market that the server shows."""

import math
from decimal import Decimal

from crypto_ai_bot.domain.market import Depth, Level
from crypto_ai_bot.local.exchange.engine.orders import Rule
from crypto_ai_bot.local.exchange.market import Market
from crypto_ai_bot.local.exchange.pairs import PairRules


class ListedVenue:
    """A market as a venue: the same prices and the same depth that the public endpoints tell."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def rules(self, pair_id: str) -> PairRules | None:
        """Return the pair's rules; None for one that is not listed."""
        listing = self._market.listings.get(pair_id)
        return listing.rules if listing else None

    def last(self, pair_id: str, at_ms: int) -> Decimal:
        """Return the last price of a listed pair."""
        return self._market.listings[pair_id].last(at_ms)

    def depth(self, pair_id: str, at_ms: int) -> Depth:
        """Return the order book of a listed pair."""
        shown = self._market.listings[pair_id].depth(at_ms)
        return Depth(
            bids=tuple(Level(*level) for level in shown.bids),
            asks=tuple(Level(*level) for level in shown.asks),
            read_ms=at_ms,
        )

    def first_reach(
        self, pair_id: str, rule: Rule, price: Decimal, after_ms: int, until_ms: int
    ) -> int | None:
        """Return the first moment in (after_ms, until_ms] with the last price so; None if none."""
        listing = self._market.listings[pair_id]
        scaled, rising = price.scaleb(listing.rules.price_decimals), rule is Rule.AT_LEAST
        units = math.ceil(scaled) if rising else math.floor(scaled)
        return listing.timeline.first_reach(units, after_ms, until_ms, rising=rising)
