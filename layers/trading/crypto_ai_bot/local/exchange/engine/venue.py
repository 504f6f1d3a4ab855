"""What the engine asks of a market."""

from decimal import Decimal
from typing import Protocol

from crypto_ai_bot.domain.market import Depth
from crypto_ai_bot.local.exchange.engine.orders import Rule
from crypto_ai_bot.local.exchange.pairs import PairRules


class Venue(Protocol):
    """Prices as a function of time. Whoever implements it may be asked for any moment."""

    def rules(self, pair_id: str) -> PairRules | None:
        """Return the pair's rules; None for one that is not listed."""
        ...

    def last(self, pair_id: str, at_ms: int) -> Decimal:
        """Return the last price of a listed pair."""
        ...

    def depth(self, pair_id: str, at_ms: int) -> Depth:
        """Return the order book of a listed pair."""
        ...

    def first_reach(
        self, pair_id: str, rule: Rule, price: Decimal, after_ms: int, until_ms: int
    ) -> int | None:
        """Return the first moment in (after_ms, until_ms] with the last price so; None if none."""
        ...
