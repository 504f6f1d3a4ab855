"""The live path in one process: real use cases, the real client, the embedded exchange, a table.

The market's clock is held and moved by the test, so nothing waits. A process can die with its
answer in its hand, and another one carries on with the same books.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from typing import Any, cast

from builders import BTC
from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.gate_broker import GateBroker, GateTerms
from crypto_ai_bot.brokers.gate_stops import GateStops
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.money import ZERO, total
from crypto_ai_bot.domain.order import Order, OrderState, Side
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.local.exchange.bars import bar_of
from crypto_ai_bot.local.exchange.engine.orders import SpotOrder
from crypto_ai_bot.local.exchange.grounds import Grounds
from crypto_ai_bot.local.exchange.market import Listing, Market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.pairs import rules_of
from crypto_ai_bot.local.exchange.replay import ReplaySource
from crypto_ai_bot.local.exchange.request_log import Entry
from crypto_ai_bot.local.exchange.server import serving
from crypto_ai_bot.local.exchange.timeline import Timeline
from crypto_ai_bot.ports.store import Change, Conflict, Create, Replace, Store
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.desk import Desk, Policy
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.instance import Instance
from crypto_ai_bot.usecases.outcome import RunOutcome
from crypto_ai_bot.usecases.reconcile import reconcile
from crypto_ai_bot.usecases.watchdog import watchdog
from fakes import Died, FakeSwitch, Scripted

KEY, SECRET = "7f3a-the-key-of-this-test-91c2", "b04e-the-secret-of-this-test-55d8"
START_MS = 1_700_000_010_000
START = Decimal(1_000)
AMOUNT = Decimal(100)
PAIR = "BTC_USDT"
MINUTE_MS = 60_000
PASS_MS = 10_000  # how often exits looks while something is open
_HOURS = 6
_RUN = {Job.EVALUATE: evaluate, Job.EXITS: exits, Job.RECONCILE: reconcile, Job.WATCHDOG: watchdog}


def flat(price: float) -> Timeline:
    """A market that stands at one price, for hours before and after START."""
    rules = rules_of(PAIR, price)
    units = round(price * 10**rules.price_decimals)
    first = START_MS // MINUTE_MS * MINUTE_MS - 60 * MINUTE_MS
    bars = [bar_of(first + n * MINUTE_MS, (units,) * 4, 10**9) for n in range(60 + _HOURS * 60)]
    return Timeline(ReplaySource(bars, MINUTE_MS), rules.volume_unit)


@dataclass
class MarketTime:
    """The clock of a run: the market's. Waiting moves it; `left_ms` is one pass of exits."""

    market: MarketClock
    left_ms: int = 20_000
    off_ms: int = 0

    def now_ms(self) -> int:
        return self.market.now_ms() + self.off_ms

    def remaining_ms(self) -> int:
        return self.left_ms

    def wait_until(self, at_ms: int) -> None:
        passed_ms = max(at_ms - self.now_ms(), 0)
        self.left_ms -= passed_ms
        self.market.advance(passed_ms)


class WatchedStore:
    """A store that remembers when each order was settled, and where a process may die."""

    def __init__(self, inner: Store, now_ms: Callable[[], int]) -> None:
        self._inner, self._now_ms = inner, now_ms
        self.dies_with_an_answer = False
        self.states: list[tuple[int, Order]] = []

    def commit(self, changes: Sequence[Change]) -> Conflict | None:
        orders = [c.entity for c in changes if isinstance(c, Create | Replace)]
        told = [one for one in orders if isinstance(one, Order)]
        if self.dies_with_an_answer and any(
            one.answer and one.state is OrderState.PENDING for one in told
        ):
            raise Died
        conflict = self._inner.commit(changes)
        if conflict is None:
            self.states += [(self._now_ms(), one) for one in told]
        return conflict

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@dataclass
class LiveDesk:
    """One deployment in live mode on one account of the embedded exchange."""

    grounds: Grounds
    url: str
    clock: MarketClock
    table: MemoryTable = field(default_factory=MemoryTable)
    switch: FakeSwitch = field(default_factory=FakeSwitch)
    script: Scripted = field(default_factory=Scripted)
    limits: RiskLimits = field(default_factory=RiskLimits)
    stops: StopRules = field(default_factory=StopRules)
    terms: GateTerms = field(default_factory=GateTerms)
    instance: Instance | None = None
    dead_after_ms: int = 0
    exchange_stop: bool = False
    tag: str = "live"
    keys: tuple[str, str] = (KEY, SECRET)
    wait_ms: int = 10_000
    deadline_ms: int = 20_000
    detour: type[Any] | None = None
    left_ms: int = 20_000
    clock_off_ms: int = 0

    def __post_init__(self) -> None:
        self.store = WatchedStore(TableStore(self.table, "live"), self.clock.now_ms)
        self._runs = count(1)
        self._clients: list[CcxtClient] = []
        self.new_process()

    def new_process(self) -> None:
        """What a process keeps is gone; the table is not."""
        self.store.dies_with_an_answer = False
        key, secret = self.keys
        self.client = CcxtClient(
            "gateio",
            base_url=self.url,
            api_key=key,
            api_secret=secret,
            interval_ms=0,
            wait_ms=self.wait_ms,
            deadline_ms=self.deadline_ms,
        )
        if self.detour:
            self.client._class = type("Detoured", (self.detour, self.client._class), {})
            self.client._exchange = self.client._opened()
        self._clients.append(self.client)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    @property
    def desk(self) -> Desk:
        clock = MarketTime(self.clock, self.left_ms, self.clock_off_ms)
        policy = Policy(
            mode="live",
            deployment_tag=self.tag,
            symbols=(BTC,),
            strategy=self.script,
            timeframe="1m",
            amount_quote=AMOUNT,
            bucket_ms=PASS_MS,
            lease_ms=70_000,
            exits_interval_ms=PASS_MS,
            dead_after_ms=self.dead_after_ms,
            limits=self.limits,
            stops=self.stops,
            exchange_stop=self.exchange_stop,
        )
        broker = GateBroker(self.client, clock, self.terms)
        store, stops = cast("Store", self.store), GateStops(broker)
        return Desk(store, broker, clock, self.switch, policy, self.instance, stops)

    def run(self, job: Job, says: Action = Action.HOLD) -> RunOutcome:
        self.script.says = says
        tick = Tick(
            job,
            self.clock.now_ms() + self.clock_off_ms,
            "event-1",
            f"{self.tag}-run-{next(self._runs)}",
        )
        return _RUN[job](self.desk, tick)

    def enter(self) -> RunOutcome:
        return self.run(Job.EVALUATE, Action.ENTER)

    def exits(self) -> RunOutcome:
        return self.run(Job.EXITS)

    def reconcile(self) -> RunOutcome:
        return self.run(Job.RECONCILE)

    def price(self, price: float) -> None:
        """The market jumps."""
        listings = self.grounds.hall.market.listings
        listings[PAIR] = replace(listings[PAIR], timeline=flat(price))

    @property
    def ledger(self) -> Ledger:
        return self.store.glance().ledgers[BTC]  # type: ignore[no-any-return]  # the store's word

    @property
    def account(self) -> Any:
        return self.grounds.hall.keyring.keys[KEY].account

    def held(self, coin: str) -> Decimal:
        """What the exchange says is free of a coin."""
        return cast("Decimal", self.account.available(coin))

    def orders(self) -> list[SpotOrder]:
        """The orders at the exchange that carry a name of ours, oldest first."""
        return [one for one in self.account.orders.values() if one.wish.text.startswith("t-")]

    def posts(self) -> list[Entry]:
        """Submissions as they came in at the exchange."""
        log = self.grounds.line.log.entries
        return [one for one in log if one.method == "POST" and one.path.endswith("/spot/orders")]

    def journaled(self) -> list[Order]:
        """Every order of the journal as it stands, oldest first."""
        names = dict.fromkeys(one.client_order_id for _, one in self.store.states)
        return [self.store.order(name) for name in names]

    def settle(self, until_ms: int = 900_000) -> int:
        """Passes of exits until nothing is under way; how long that took by the market's clock."""
        began_ms = self.clock.now_ms()
        while self.ledger.pending and self.clock.now_ms() < began_ms + until_ms:
            self.clock.advance(PASS_MS)
            self.exits()
        return self.clock.now_ms() - began_ms

    def assert_books_equal_exchange(self, moved: dict[str, Decimal] | None = None) -> None:
        """Ledger and fills against the balances, to the last digit; `moved` was by hand."""
        by_hand = moved or {}
        assert self.ledger.pending is None
        base = self.held("BTC") - by_hand.get("BTC", ZERO)
        assert self.ledger.position.base == base, f"{self.ledger.position.base} != {base}"
        fills = [f for one in self.journaled() for f in self.store.fills(one.client_order_id)]
        quote = total(
            (f.traded.quote - f.traded.fee_quote) * (1 if f.side is Side.SELL else -1)
            for f in fills
        )
        free = self.held("USDT") - by_hand.get("USDT", ZERO)
        assert free == START + quote, f"{free} != {START} {quote:+}"


@contextmanager
def live_desk(**terms: Any) -> Iterator[LiveDesk]:
    """A deployment with 1000 USDT at a market of 60,000, and its exchange on the loopback."""
    clock = MarketClock(START_MS, 0)
    market = Market({PAIR: Listing(rules_of(PAIR, 60_000), flat(60_000))})
    grounds = Grounds(market, clock)
    grounds.make_key(KEY, SECRET, USDT=str(START))
    with serving(grounds) as url:
        desk = LiveDesk(grounds, url, clock, **terms)
        try:
            yield desk
        finally:
            desk.close()
