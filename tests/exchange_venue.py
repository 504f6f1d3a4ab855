"""A market for the engine's tests: prices set by hand, moment by moment."""

from bisect import bisect_right
from decimal import Decimal

from crypto_ai_bot.domain.market import Depth, Level
from crypto_ai_bot.local.exchange.engine.orders import Rule
from crypto_ai_bot.local.exchange.pairs import PairRules

D = Decimal
LTC = PairRules("LTC_USDT", "LTC", "USDT", 2, 3, D("0.001"), D(40_000))


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(D(price), D(size)) for price, size in pairs)


class HandVenue:
    """One or more pairs; `move` sets the last price from a moment on, `book` the depth."""

    def __init__(self, *rules: PairRules, price: str = "64.02") -> None:
        self.listed = {r.id: r for r in rules or (LTC,)}
        self.prices = {name: [(0, D(price))] for name in self.listed}
        self.book: dict[str, Depth] = {}

    def move(self, at_ms: int, price: str, pair_id: str = "LTC_USDT") -> None:
        self.prices[pair_id].append((at_ms, D(price)))

    def rules(self, pair_id: str) -> PairRules | None:
        return self.listed.get(pair_id)

    def last(self, pair_id: str, at_ms: int) -> Decimal:
        moves = self.prices[pair_id]
        return moves[bisect_right(moves, at_ms, key=lambda move: move[0]) - 1][1]

    def depth(self, pair_id: str, at_ms: int) -> Depth:
        if pair_id in self.book:
            return self.book[pair_id]
        last, step = self.last(pair_id, at_ms), D("0.01")
        return Depth(
            bids=tuple(Level(last - step * n, D(10)) for n in range(1, 4)),
            asks=tuple(Level(last + step * n, D(10)) for n in range(1, 4)),
            read_ms=at_ms,
        )

    def first_reach(
        self, pair_id: str, rule: Rule, price: Decimal, after_ms: int, until_ms: int
    ) -> int | None:
        def reached(value: Decimal) -> bool:
            return value >= price if rule is Rule.AT_LEAST else value <= price

        if after_ms < until_ms and reached(self.last(pair_id, after_ms + 1)):
            return after_ms + 1
        return next(
            (
                at
                for at, value in self.prices[pair_id]
                if after_ms < at <= until_ms and reached(value)
            ),
            None,
        )
