"""The composition root of the jobs: settings in, a desk with every door filled out.

What is dear to make (clients, connections) is made once a process; what belongs to one invocation
(its deadline, and the clock that knows it) is made anew.
"""
# ruff: noqa: PLC0415 - a cold start reads the brokers that its settings ask for, and no others

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.ports.broker import Broker, PriceFeed
from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.ports.exchange_stops import ExchangeStops
from crypto_ai_bot.runtime.books import Books
from crypto_ai_bot.runtime.clock import ExchangeClock, SystemClock
from crypto_ai_bot.runtime.secrets import Credentials, Secret
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.usecases.desk import Desk, Policy
from crypto_ai_bot.usecases.instance import Instance

LEASE_MS = 70_000  # the longest invocation (60 s), and ten seconds for clocks that differ


@dataclass(frozen=True, slots=True)
class Workplace:
    """What one process keeps from invocation to invocation.

    `client` is None for fixed prices. `credentials` are there in live alone.
    """

    settings: Settings
    books: Books
    policy: Policy
    client: CcxtClient | None
    credentials: Credentials | None

    def desk(self, remaining_ms: Callable[[], int]) -> Desk:
        """The desk of one invocation, which may run for `remaining_ms()` more."""
        clock = self._clock(remaining_ms)
        store, switch = self.books.store, self.books.switch
        broker, stops = self._account(clock)
        return Desk(store, broker, clock, switch, self.policy, self._instance(), stops)

    def _account(self, clock: Clock) -> tuple[Broker, ExchangeStops | None]:
        """The account that is traded, Gate's in live, else paper; and who lets stops rest there."""
        settings = self.settings
        if self.client and self.credentials:
            from crypto_ai_bot.brokers.gate_broker import GateBroker, GateTerms
            from crypto_ai_bot.brokers.gate_stops import GateStops

            slippage = settings.order_slippage_pct / 100 or None
            terms = GateTerms(
                # Gate documents that it honours x-gate-exptime; our own exchange is seen to.
                expiry_proven=settings.embedded_exchange or settings.expiry_proven,
                slippage=slippage,
                unified=settings.unified_account,
            )
            gate = GateBroker(self.client, clock, terms)
            return gate, GateStops(gate)
        from crypto_ai_bot.brokers.paper import PaperBroker, PaperTerms

        paper = PaperTerms(settings.paper_quote_balance, settings.paper_slippage_pct)
        return PaperBroker(self.feed(clock), self.books.store, clock, paper), None

    def feed(self, clock: Clock) -> PriceFeed:
        """Where prices come from."""
        fee_rate = self.settings.paper_fee_pct / 100
        if self.client is None:
            from crypto_ai_bot.brokers.fixed_feed import FixedFeed

            return FixedFeed(self.settings.fixed_price, clock, taker_fee_rate=fee_rate)
        if self.client.is_gate:
            from crypto_ai_bot.brokers.gate_feed import GateFeed

            return GateFeed(self.client, clock, taker_fee_rate=fee_rate)
        from crypto_ai_bot.brokers.ccxt_feed import CcxtFeed

        return CcxtFeed(self.client, clock, taker_fee_rate=fee_rate)

    def _clock(self, remaining_ms: Callable[[], int]) -> Clock:
        system = SystemClock(remaining_ms)
        if self.settings.clock == "system" or self.client is None:
            return system
        return ExchangeClock(self.feed(system).fetch_server_ms, remaining_ms)

    def _instance(self) -> Instance | None:
        if self.credentials is None:
            return None
        return Instance(self.books.locks, self.credentials.fingerprint, self.settings.owner)


def open_workplace(settings: Settings, hide: Callable[[Iterable[Secret]], None]) -> Workplace:
    """Makes the workplace; `hide` is told of every secret as soon as it is known.

    Raises BadSetting for parts that do not fit together, ParameterUnavailable for credentials
    that cannot be read.
    """
    books = Books(settings)
    credentials = _credentials(settings, books, hide)
    client = _client(settings, credentials)
    return Workplace(settings, books, _policy(settings), client, credentials)


def _credentials(
    settings: Settings, books: Books, hide: Callable[[Iterable[Secret]], None]
) -> Credentials | None:
    """The key pair that live trades with; paper needs none and reads none."""
    if settings.mode != "live":
        return None
    credentials = settings.secrets.credentials(books.parameter)
    if credentials is None:
        raise BadSetting("API_KEY: must be given with MODE=live")
    hide((credentials.api_key, credentials.api_secret))
    return credentials


def _client(settings: Settings, credentials: Credentials | None) -> CcxtClient | None:
    if settings.price_feed == "fixed":
        return None
    try:
        return CcxtClient(
            settings.exchange,
            base_url=settings.exchange_url,
            sandbox=settings.sandbox,
            api_key=credentials.api_key.reveal() if credentials else "",
            api_secret=credentials.api_secret.reveal() if credentials else "",
            interval_ms=0 if settings.embedded_exchange else None,
        )
    except ValueError as error:
        raise BadSetting(f"EXCHANGE={settings.exchange}: {error}") from None


def _policy(settings: Settings) -> Policy:
    return Policy(
        mode=settings.mode,
        deployment_tag=settings.deployment_tag,
        symbols=settings.symbols,
        strategy=settings.strategy_in_use,
        timeframe=settings.timeframe,
        amount_quote=settings.fixed_amount,
        bucket_ms=settings.idempotency_bucket_ms,
        lease_ms=LEASE_MS,
        exits_interval_ms=settings.exits_interval_sec * 1_000,
        dead_after_ms=settings.dms_timeout_ms if settings.mode == "live" else 0,
        key_created_ms=settings.api_key_created,
        exchange_stop=settings.exchange_stop,
        limits=settings.risk_limits,
        stops=settings.stop_rules,
    )
