"""The composition root of the jobs: settings in, a desk with every door filled out.

What is dear to make (clients, connections) is made once a process; what belongs to one invocation
(its deadline, and the clock that knows it) is made anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.ccxt_feed import CcxtFeed
from crypto_ai_bot.brokers.fixed_feed import FixedFeed
from crypto_ai_bot.brokers.gate_feed import GateFeed
from crypto_ai_bot.brokers.paper import PaperBroker, PaperTerms
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.ports.broker import PriceFeed
from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.runtime.books import Books
from crypto_ai_bot.runtime.clock import ExchangeClock, SystemClock
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.strategies.registry import load
from crypto_ai_bot.usecases.desk import Desk, Policy

LEASE_MS = 70_000  # the longest invocation (60 s), and ten seconds for clocks that differ


@dataclass(frozen=True, slots=True)
class Workplace:
    """What one process keeps from invocation to invocation. `client` is None for fixed prices."""

    settings: Settings
    books: Books
    policy: Policy
    client: CcxtClient | None

    def desk(self, remaining_ms: Callable[[], int]) -> Desk:
        """The desk of one invocation, which may run for `remaining_ms()` more."""
        clock = self._clock(remaining_ms)
        settings = self.settings
        terms = PaperTerms(settings.paper_quote_balance, settings.paper_slippage_pct)
        broker = PaperBroker(self.feed(clock), self.books.store, clock, terms)
        return Desk(self.books.store, broker, clock, self.books.switch, self.policy)

    def feed(self, clock: Clock) -> PriceFeed:
        """Where prices come from."""
        fee_rate = self.settings.paper_fee_pct / 100
        if self.client is None:
            return FixedFeed(self.settings.fixed_price, clock, taker_fee_rate=fee_rate)
        if self.client.is_gate:
            return GateFeed(self.client, clock, taker_fee_rate=fee_rate)
        return CcxtFeed(self.client, clock, taker_fee_rate=fee_rate)

    def _clock(self, remaining_ms: Callable[[], int]) -> Clock:
        system = SystemClock(remaining_ms)
        if self.settings.clock == "system" or self.client is None:
            return system
        return ExchangeClock(self.feed(system).fetch_server_ms, remaining_ms)


def open_workplace(settings: Settings) -> Workplace:
    """Makes the workplace. Raises BadSetting for parts that do not fit together."""
    if settings.mode == "live":
        raise BadSetting("MODE=live: this version trades on paper alone; allowed is paper")
    return Workplace(settings, Books(settings), _policy(settings), _client(settings))


def _client(settings: Settings) -> CcxtClient | None:
    if settings.price_feed == "fixed":
        return None
    try:
        return CcxtClient(
            settings.exchange,
            base_url=settings.exchange_url,
            sandbox=settings.sandbox,
            interval_ms=0 if settings.embedded_exchange else None,
        )
    except ValueError as error:
        raise BadSetting(f"EXCHANGE={settings.exchange}: {error}") from None


def _policy(settings: Settings) -> Policy:
    return Policy(
        mode=settings.mode,
        deployment_tag=settings.deployment_tag,
        symbols=settings.symbols,
        build_strategy=load(settings.strategy, settings.strategy_parameters),
        timeframe=settings.timeframe,
        amount_quote=settings.fixed_amount,
        bucket_ms=settings.idempotency_bucket_ms,
        lease_ms=LEASE_MS,
        exits_interval_ms=settings.exits_interval_sec * 1_000,
        dead_after_ms=settings.dms_timeout_ms if settings.mode == "live" else 0,
        limits=settings.risk_limits,
        stops=settings.stop_rules,
    )
