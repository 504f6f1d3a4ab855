"""What a backtest is run on: candles as columns, the market's rules, and the terms of trading."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from crypto_ai_bot.domain.market import MarketRules, Symbol
from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.risk.limits import RiskLimits

# A bar's low is taken to come so long after its open, and its high so long after its low: stops
# need a time, and in live each look at the price is a slot of its own.
MOMENT_MS: Final = 10_000


class Finding(NamedTuple):
    """Something odd about the candles: `kind` is gap, duplicate, disorder or impossible."""

    symbol: Symbol
    kind: str
    at_ms: int
    bars: int
    text: str


@dataclass(frozen=True, slots=True)
class Market:
    """Candles of one symbol, oldest first, a list a column: all of one length.

    Times are those of the bars' opening and stand on multiples of `timeframe_ms`; a bar that is
    missing is left out. `findings` is what was odd about where they came from. Rules with an
    amount step of 0 are those of no exchange: then amounts are floats, and nothing is cut.
    """

    symbol: Symbol
    timeframe_ms: int
    rules: MarketRules
    opened_ms: Sequence[int]
    opens: list[float]
    highs: list[float]
    lows: list[float]
    closes: list[float]
    volumes: Sequence[float]
    findings: tuple[Finding, ...] = ()

    @property
    def bars(self) -> int:
        """How many candles there are."""
        return len(self.closes)

    def bids(self, factor: float) -> tuple[list[float], list[float], list[float]]:
        """Opens, lows and highs as a seller sees them, `factor` of the candles' prices."""
        if factor == 1:
            return self.opens, self.lows, self.highs
        opens, lows, highs = (
            [price * factor for price in column] for column in (self.opens, self.lows, self.highs)
        )
        return opens, lows, highs


@dataclass(frozen=True, slots=True)
class Terms:
    """How it is traded: the settings of a deployment, and what its exchange is taken to be like.

    `amount_quote` is spent on each entry; None spends all that is free. `spread_pct` stands
    between bid and ask around the candle's price; `slippage_pct` worsens every fill beyond that.
    The fee is the market's `taker_fee_rate`: in base on a buy, as at Gate, or on top of the price
    in quote with `fee_on_top`. `warm_up_bars` overrules what the strategy states, None keeps it.
    """

    start_quote: Decimal = Decimal(10_000)
    amount_quote: Decimal | None = Decimal(100)
    spread_pct: Decimal = ZERO
    slippage_pct: Decimal = ZERO
    fee_on_top: bool = False
    limits: RiskLimits = field(default_factory=RiskLimits)
    stops: StopRules = field(default_factory=StopRules)
    warm_up_bars: int | None = None

    @property
    def bid_factor(self) -> float:
        """Half the spread below the candle."""
        return 1 - float(self.spread_pct) / 200

    @property
    def ask_factor(self) -> float:
        """Half the spread above it."""
        return 1 + float(self.spread_pct) / 200
