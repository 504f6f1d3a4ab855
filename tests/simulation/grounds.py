"""The fixed parts of a simulated day: the market, the account and the deployments, by its seed."""

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Final

from crypto_ai_bot.brokers.gate_broker import GateTerms
from crypto_ai_bot.domain.market import DAY_MS, HOUR_MS, MINUTE_MS, Symbol
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.engine import Engine
from crypto_ai_bot.local.exchange.engine.fees import FeePlan, FeesIn
from crypto_ai_bot.local.exchange.pairs import PairRules, rules_of
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.usecases.desk import Policy
from simulation.account import GateAccount
from simulation.deployment import Deployment
from simulation.market import DayMarket, Pair, replayed, walk
from simulation.recorded import recorded_days
from simulation.stops import STOPS
from simulation.weather import Weather
from simulation.whim import Whim

if TYPE_CHECKING:
    from simulation.world import World

MIDNIGHT_MS: Final = 1_699_920_000_000  # 2023-11-14
AMOUNT: Final = Decimal(100)
START_QUOTE: Final = Decimal(10_000)
PRICES: Final = {
    Symbol("BTC", "USDT"): 20_000,
    Symbol("ETH", "USDT"): 1_500,
    Symbol("SOL", "USDT"): 20,
}
_MINUTES: Final = 1_440


@dataclass
class Grounds:
    """What does not change while the day lasts. `*_off_ms` are clocks ahead of the true time."""

    begins_ms: int
    symbols: tuple[Symbol, ...]
    gate: GateAccount
    limits: RiskLimits
    stops: StopRules
    terms: GateTerms
    expiry_honoured: bool
    exchange_off_ms: int
    skew_ms_max: int
    balance_lag_ms: int
    ttl_seconds: int
    dead_after_ms: int
    exits_interval_ms: int
    second: str
    exchange_stop: bool
    same_strategy: bool

    @classmethod
    def drawn(cls, seed: int, rng: Random, weather: Weather) -> "Grounds":
        """The grounds of one seed; what its weather does not have stays ordinary."""
        begins_ms = MIDNIGHT_MS + rng.randrange(24) * HOUR_MS
        symbols = tuple(PRICES)[: rng.choice((1, 1, 2, 2, 3))]
        market = DayMarket(_pairs(seed, symbols, begins_ms), AMOUNT)
        engine = Engine(market, Conditions())
        fees_in: FeesIn = rng.choice(("received", "received", "gt", "points"))
        account = engine.open_account(FeePlan().paid_in(fees_in))
        engine.transfer(account, "USDT", START_QUOTE, begins_ms - DAY_MS)
        for coin in ("GT", "POINT"):
            engine.transfer(account, coin, Decimal(rng.choice((1, 10))), begins_ms - DAY_MS)
        if weather.has("falsely_refused") and weather.has("lags"):  # what could be sold twice
            for symbol in symbols:
                engine.transfer(account, symbol.base, Decimal(1), begins_ms - DAY_MS)
        skew_ms = rng.choice((500, 4_000, 20_000, 100_000)) if weather.has("skew") else 0
        honoured, proven = rng.choice((*[(True, True)] * 2, (True, False), (False, False)))
        return cls(
            begins_ms=begins_ms,
            symbols=symbols,
            gate=GateAccount(engine, market, account),
            limits=RiskLimits(
                cooldown_ms=rng.choice((0, 0, 400_000, 900_000)),
                spread_pct_max=Decimal(rng.choice((0, 1))),
                orders_per_hour_max=rng.choice((4, 12, 30)),
                daily_loss_quote_max=Decimal(rng.choice((0, 60))),
                exposure_quote_max=Decimal(rng.choice((150, 250, 1_000))),
            ),
            stops=rng.choice(STOPS),
            terms=GateTerms(expiry_proven=proven),
            expiry_honoured=honoured,
            exchange_off_ms=rng.randint(-min(skew_ms, 20_000), min(skew_ms, 20_000)),
            skew_ms_max=2 * skew_ms,
            balance_lag_ms=0,
            ttl_seconds=rng.choice((0, 0, 7_200)),
            dead_after_ms=400_000 if weather.has("exits_dead") else rng.choice((0, 400_000)),
            exits_interval_ms=rng.choice((10_000, 10_000, 30_000)),
            second=rng.choice(("shares the lock", "apart")) if weather.has("second") else "",
            exchange_stop=rng.random() < 0.4,
            same_strategy=weather.has("second") and rng.random() < 0.5,
        )

    @property
    def symbols_by_pair(self) -> dict[str, Symbol]:
        return {f"{one.base}_{one.quote}": one for one in self.symbols}

    def machine_off_ms(self, rng: Random) -> int:
        """How far the clock of one invocation's machine is ahead."""
        return rng.randint(-self.skew_ms_max // 2, self.skew_ms_max // 2) if self.skew_ms_max else 0

    def deployments(self, world: "World") -> list[Deployment]:
        """One, or two on the same account: with a common instance lock, or each with its own."""
        tags = ("alpha", "beta") if self.second else ("alpha",)
        made = [Deployment(world, tag, self.base_policy(tag)) for tag in tags]
        if self.second == "shares the lock":
            made[1].locks = made[0].locks
        if self.second:
            for deployment in made:
                deployment.excused |= dict.fromkeys(self.symbols, "another deployment")
        return made

    def base_policy(self, tag: str) -> Policy:
        return Policy(
            mode="live",
            deployment_tag=tag,
            symbols=self.symbols,
            strategy=Whim(),
            timeframe="5m",
            amount_quote=AMOUNT,
            bucket_ms=10_000,
            lease_ms=70_000,
            exits_interval_ms=self.exits_interval_ms,
            dead_after_ms=self.dead_after_ms,
            limits=self.limits,
            stops=self.stops,
            exchange_stop=self.exchange_stop,
        )

    def policy(self, deployment: Deployment, says: Action) -> Policy:
        """How one run trades: its strategy says what the seed wants."""
        return replace(deployment.policy, strategy=Whim(says))


def _pairs(seed: int, symbols: tuple[Symbol, ...], begins_ms: int) -> dict[str, Pair]:
    """Their prices, by chance of their own: without recorded candles all else stays the same."""
    rng = Random(f"{seed}/market")  # noqa: S311
    first_ms = begins_ms - 40 * MINUTE_MS
    restless, recorded = rng.choice((0.5, 1.0, 2.0)), recorded_days() if seed % 8 == 7 else ()
    pairs = {}
    for symbol in symbols:
        rules = _rules(symbol)
        start = PRICES[symbol] * 10**rules.price_decimals
        if recorded:
            path = replayed(rng, rng.choice(recorded), start)
        else:
            path = walk(rng, start, _MINUTES + 60, restless)
        gap_begins = rng.randrange(_MINUTES)
        gap = range(gap_begins, gap_begins + rng.choice((0, 0, 25)))
        pairs[rules.id] = Pair(rules, first_ms, path, gap=gap)
    return pairs


@cache
def _rules(symbol: Symbol) -> PairRules:
    return rules_of(f"{symbol.base}_{symbol.quote}", PRICES[symbol])
