"""Doubles that keep the real contract: a small exchange, a clock that only tests move, a switch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from builders import BTC, NOON_MS, market, quote
from crypto_ai_bot.domain.errors import ExchangeUnavailable, ParameterUnavailable
from crypto_ai_bot.domain.market import (
    MINUTE_MS,
    TIMEFRAMES_MS,
    Balance,
    Candle,
    Depth,
    Level,
    MarketRules,
    Quote,
    Symbol,
)
from crypto_ai_bot.domain.money import floor_to_step
from crypto_ai_bot.domain.order import Order, OrderReport, Side, Totals
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.broker import Accepted, Answer, Evidence, Outcome, Rejected, Unknown
from crypto_ai_bot.ports.store import Store
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.strategies.candles import Candles
from crypto_ai_bot.usecases.desk import Desk, Policy
from crypto_ai_bot.usecases.instance import Instance


@dataclass
class FakeClock:
    """Time stands still until a test, or a wait, moves it."""

    at_ms: int = NOON_MS
    left_ms: int = 50_000
    on_wait: Callable[[int], None] = lambda _at_ms: None

    def now_ms(self) -> int:
        return self.at_ms

    def remaining_ms(self) -> int:
        return self.left_ms

    def wait_until(self, at_ms: int) -> None:
        self.left_ms -= max(at_ms - self.at_ms, 0)
        self.at_ms = max(self.at_ms, at_ms)
        self.on_wait(self.at_ms)


@dataclass
class FakeSwitch:
    """The trading parameter; None cannot be read."""

    state: TradingState | None = TradingState.ON

    def read(self) -> TradingState:
        if self.state is None:
            raise ParameterUnavailable("the trading parameter did not answer")
        return self.state


@dataclass
class Scripted:
    """A strategy that says what the test wants, of every bar that it is shown."""

    says: Action = Action.HOLD
    atr: float = 15.0

    @property
    def warm_up_bars(self) -> int:
        return 3

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        for _ in candles.closes():
            if self.says is not Action.HOLD:
                yield Signal(self.says, 1.0, (f"the script says {self.says}",), self.atr)


class Fault(StrEnum):
    """What happens to a submission, and to whom it is visible."""

    LOST_BEFORE = "lost before the effect"
    LOST_AFTER = "lost after the effect"
    REJECTED = "rejected with a label"
    REFUSED_AFTER = "carried out, and its repetition on the way refused"
    NOT_SENT = "never left"
    DIED_BEFORE = "the process dies before it is sent"
    DIED_AFTER = "the process dies after the effect"


class Died(BaseException):
    """The process is gone: nothing after this line runs, and nobody catches it."""


@dataclass
class FakeBroker:
    """An exchange of one account: fills whole at bid or ask, fee of 0.2 % of what is received."""

    clock: FakeClock
    quotes: dict[Symbol, Quote] = field(default_factory=lambda: {BTC: quote()})
    balances: dict[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(10_000)})
    rules: dict[Symbol, MarketRules] = field(default_factory=dict)
    candles: Sequence[Candle] | None = None
    down: bool = False
    troubled: str = ""
    faults: list[Fault] = field(default_factory=list)
    listing_lag_ms: int = 0
    fill_fraction: Decimal = Decimal(1)
    orders: list[tuple[OrderReport, int]] = field(default_factory=list)
    submissions: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    on_call: Callable[[str], None] = lambda _call: None

    def _asked(self, call: str) -> None:
        self.calls.append(call)
        self.on_call(call)
        if self.down:
            raise ExchangeUnavailable(f"{call}: the exchange did not answer")

    def fetch_ticker(self, symbol: Symbol) -> Quote:
        self._asked("ticker")
        return replace(self.quotes[symbol], read_ms=self.clock.at_ms)

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        self._asked("tickers")
        seen = {symbol: self.quotes[symbol] for symbol in symbols if symbol in self.quotes}
        return {at: replace(price, read_ms=self.clock.at_ms) for at, price in seen.items()}

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        self._asked("candles")
        if self.candles is not None:
            return self.candles
        step_ms, price = TIMEFRAMES_MS[timeframe], float(self.quotes[symbol].last)
        last_ms = now_ms - now_ms % step_ms - step_ms
        opened = range(last_ms - (bars - 1) * step_ms, last_ms + 1, step_ms)
        return [Candle(at_ms, price, price, price, price, 1.0) for at_ms in opened]

    def fetch_depth(self, symbol: Symbol) -> Depth:
        self._asked("depth")
        seen = self.quotes[symbol]
        much = Decimal(1_000)
        return Depth((Level(seen.bid, much),), (Level(seen.ask, much),), self.clock.at_ms)

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        self._asked("rules")
        return replace(self.rules.get(symbol) or market(symbol), read_ms=now_ms)

    def fetch_server_ms(self) -> int:
        self._asked("time")
        return self.clock.at_ms

    def fetch_balance(self, symbol: Symbol) -> Balance:
        self._asked("balance")
        return Balance(self._free(symbol.quote), self._free(symbol.base))

    def create_market_buy_quote(
        self,
        symbol: Symbol,
        quote_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        seen = self.quotes[symbol]
        base = floor_to_step(
            quote_amount * self.fill_fraction / seen.ask, market().amount_step_base
        )
        totals = Totals(base, base * seen.ask, fee_base=base * Decimal("0.002"))
        return self._submit(symbol, Side.BUY, totals, client_order_id, expires_ms)

    def create_market_sell_base(
        self,
        symbol: Symbol,
        base_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        base = floor_to_step(base_amount * self.fill_fraction, market().amount_step_base)
        cost = base * self.quotes[symbol].bid
        return self._submit(
            symbol,
            Side.SELL,
            Totals(base, cost, fee_quote=cost * Decimal("0.002")),
            client_order_id,
            expires_ms,
        )

    def _submit(
        self, symbol: Symbol, side: Side, totals: Totals, name: str, expires_ms: int | None
    ) -> Answer:
        self.on_call("submit")
        if expires_ms is not None and self.clock.at_ms > expires_ms:
            return Answer("label REQUEST_EXPIRED")
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.DIED_BEFORE:
            raise Died
        self.submissions.append(name)
        if fault in {Fault.LOST_BEFORE, Fault.NOT_SENT}:
            return Answer("", sent=fault is not Fault.NOT_SENT)
        if fault is Fault.REJECTED:
            return Answer("label BALANCE_NOT_ENOUGH")
        self._apply(symbol, side, totals, name)
        if fault is Fault.DIED_AFTER:
            raise Died
        if fault is Fault.REFUSED_AFTER:
            return Answer("label BALANCE_NOT_ENOUGH")
        return Answer("" if fault is Fault.LOST_AFTER else "accepted")

    def _apply(self, symbol: Symbol, side: Side, totals: Totals, name: str) -> None:
        sign = 1 if side is Side.BUY else -1
        self.balances[symbol.base] = self._free(symbol.base) + sign * totals.base - totals.fee_base
        self.balances[symbol.quote] = (
            self._free(symbol.quote) - sign * totals.quote - totals.fee_quote
        )
        report = OrderReport(
            exchange_order_id=str(7_001 + len(self.orders)),
            client_order_id=name,
            symbol=symbol,
            side=side,
            finished=True,
            finish_reason="filled" if self.fill_fraction == 1 else "ioc",
            totals=totals,
            updated_ms=self.clock.at_ms,
        )
        self.orders.append((report, self.clock.at_ms))

    def read_answer(self, order: Order, answer: Answer) -> Outcome:
        if not answer.sent:
            return Rejected("the request never left")
        if answer.raw.startswith("label"):
            return Rejected(answer.raw)
        if not answer.raw:
            return Unknown("no answer")
        return Accepted(self._named(order.client_order_id)[-1])

    def _named(self, name: str) -> list[OrderReport]:
        return [report for report, _ in self.orders if report.client_order_id == name]

    def fetch_evidence(self, order: Order) -> Evidence:
        self._asked("evidence")
        shown = [
            report
            for report, at_ms in self.orders
            if report.client_order_id == order.client_order_id
            and at_ms + self.listing_lag_ms <= self.clock.at_ms
        ]
        symbol = order.request.symbol
        balance = Balance(self._free(symbol.quote), self._free(symbol.base))
        return Evidence(tuple(shown), balance, self.clock.at_ms)

    def fetch_orders(self, symbol: Symbol, since_ms: int) -> Sequence[OrderReport]:
        self._asked("orders")
        return [
            report
            for report, at_ms in self.orders
            if report.symbol == symbol
            and at_ms + self.listing_lag_ms <= self.clock.at_ms
            and (not report.finished or report.updated_ms >= since_ms)
        ]

    def trouble(self, now_ms: int) -> str:
        return self.troubled if now_ms else ""

    def expires_ms(self, server_ms: int) -> int:
        return server_ms + 3_000

    def _free(self, coin: str) -> Decimal:
        return self.balances.get(coin, Decimal(0))


@dataclass
class Bench:
    """A desk of doubles, and the parts that a test turns."""

    clock: FakeClock = field(default_factory=FakeClock)
    switch: FakeSwitch = field(default_factory=FakeSwitch)
    script: Scripted = field(default_factory=Scripted)
    limits: RiskLimits = field(default_factory=RiskLimits)
    stops: StopRules = field(default_factory=StopRules)
    symbols: tuple[Symbol, ...] = (BTC,)
    dead_after_ms: int = 0
    key_created_ms: int = 0
    instance: Instance | None = None
    store: Store = field(default_factory=lambda: TableStore(MemoryTable(), "paper"))

    def __post_init__(self) -> None:
        self.broker = FakeBroker(self.clock)

    @property
    def desk(self) -> Desk:
        policy = Policy(
            mode="paper",
            deployment_tag="paper",
            symbols=self.symbols,
            strategy=self.script,
            timeframe="1m",
            amount_quote=Decimal(100),
            bucket_ms=10_000,
            lease_ms=70_000,
            exits_interval_ms=10_000,
            dead_after_ms=self.dead_after_ms,
            key_created_ms=self.key_created_ms,
            limits=self.limits,
            stops=self.stops,
        )
        return Desk(self.store, self.broker, self.clock, self.switch, policy, self.instance)

    def price(self, bid: str, ask: str | None = None, symbol: Symbol = BTC) -> None:
        self.broker.quotes[symbol] = quote(bid, ask or bid)

    def next_minute(self, minutes: int = 1) -> None:
        self.clock.at_ms += minutes * MINUTE_MS
        self.clock.left_ms = 50_000
