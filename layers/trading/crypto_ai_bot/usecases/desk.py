"""What every use case is handed: the doors, and how this deployment trades."""

from dataclasses import dataclass
from decimal import Decimal

from crypto_ai_bot.domain.errors import ParameterUnavailable
from crypto_ai_bot.domain.job import Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.domain.trading_state import Control, TradingState, more_careful
from crypto_ai_bot.ports.broker import Broker
from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.ports.exchange_stops import ExchangeStops
from crypto_ai_bot.ports.store import Replace, Store, as_stored
from crypto_ai_bot.ports.switch import TradingSwitch
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.strategies.base import Strategy
from crypto_ai_bot.usecases.instance import Instance


@dataclass(frozen=True, slots=True)
class Policy:
    """How this deployment trades.

    `amount_quote` is spent on each entry. `bucket_ms` is what slots are floored to. A lease lasts
    `lease_ms`, longer than an invocation can live. Exits look every `exits_interval_ms` while a
    position is open; when they have been silent for `dead_after_ms` the watchdog takes their place
    (0: never, as on paper). `key_created_ms` dates an exchange key that ends by itself, 0 for none.
    With `exchange_stop` the stop of each position rests at the exchange as well.
    """

    mode: str
    deployment_tag: str
    symbols: tuple[Symbol, ...]
    strategy: Strategy
    timeframe: str
    amount_quote: Decimal
    bucket_ms: int
    lease_ms: int
    exits_interval_ms: int
    limits: RiskLimits
    stops: StopRules
    dead_after_ms: int = 0
    key_created_ms: int = 0
    exchange_stop: bool = False

    def slot_ms(self, at_ms: int) -> int:
        """The slot that `at_ms` falls into."""
        return at_ms - at_ms % self.bucket_ms


@dataclass(frozen=True, slots=True)
class Desk:
    """The doors, filled by the composition root.

    On paper `instance` is None (there is nobody to share with), and so is `exchange_stops`.
    """

    store: Store
    broker: Broker
    clock: Clock
    switch: TradingSwitch
    policy: Policy
    instance: Instance | None = None
    exchange_stops: ExchangeStops | None = None


def trading_state(desk: Desk, control: Control) -> tuple[TradingState, tuple[str, ...]]:
    """The more careful of the parameter and the control item, with a note when one is missing.

    A parameter that cannot be read closes entries and leaves exits open.
    """
    try:
        asked = desk.switch.read()
    except ParameterUnavailable as error:
        return more_careful(TradingState.EXITS_ONLY, control.state), (str(error),)
    return more_careful(asked, control.state), ()


def take_lease(desk: Desk, ledger: Ledger, tick: Tick) -> Ledger | None:
    """The ledger, leased to this run exactly as it was seen; None when another run was quicker."""
    now_ms = desk.clock.now_ms()
    if not ledger.free_for(tick.run_id, now_ms):
        return None
    leased = ledger.leased_to(tick.run_id, now_ms + desk.policy.lease_ms)
    if desk.store.commit([Replace(leased)]):
        return None
    return as_stored(leased)


def give_back(desk: Desk, ledger: Ledger) -> None:
    """Ends a lease under which nothing was written. Has no effect once the lease has passed on."""
    desk.store.commit([Replace(ledger.released())])
