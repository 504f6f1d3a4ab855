"""A deterministic scheduler of invocations: one seed decides who goes next, dies, freezes or fails.

Every invocation runs in a thread of its own, and only one runs at a time: at each call through a
port it hands control back and waits until it is picked again. Whoever picks it says what becomes of
the call (its fate). So a seed is a whole history, and the same seed is the same history.
"""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from threading import Lock, Thread
from typing import Any

from crypto_ai_bot.domain.errors import ExchangeUnavailable, ParameterUnavailable, StoreUnavailable
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import Order, Side
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.broker import Answer, Evidence
from fakes import Died, FakeClock
from rough_exchange import Request, RoughExchange

LIFE_MS = 55_000


class Fate(StrEnum):
    """What becomes of one call through a port."""

    DONE = "done"
    DIE_BEFORE = "the process dies before it"
    DIE_AFTER = "the process dies after it"
    FAIL_BEFORE = "no answer, and nothing was done"
    FAIL_AFTER = "no answer, and it was done"
    NOT_SENT = "the request never left"
    REJECTED = "refused with a label"
    LATE = "no answer, and it takes effect later"
    TWIN = "carried out, but the answer read is the refusal of its repetition"


class Invocation:
    """One run in its thread. `ready_ms` is when it may go on; `error` is what it ended with."""

    def __init__(self, name: str, ready_ms: int, body: Callable[["Invocation"], Any]) -> None:
        self.name = name
        self.ready_ms = ready_ms
        self.started_ms = ready_ms
        self.frozen_ms = 0
        self.call = "start"
        self.over = False
        self.error: BaseException | None = None
        self.result: Any = None
        self._fate = Fate.DONE
        self._body = body
        self._go, self._back = Lock(), Lock()
        self._go.acquire()
        self._back.acquire()
        Thread(target=self._live, daemon=True).start()

    def _live(self) -> None:
        self._go.acquire()
        try:
            if self._fate is not Fate.DIE_BEFORE:
                self.result = self._body(self)
        except BaseException as error:  # noqa: BLE001 - handed to the scheduler, which judges it
            self.error = error
        self.over = True
        self._back.release()

    def step(self, fate: Fate) -> None:
        """Lets the invocation run with `fate` until its next call, or its end."""
        self._fate = fate
        self._go.release()
        self._back.acquire()

    def pause(self, call: str) -> Fate:
        """Called in the invocation's thread: hands control over; the fate of `call` comes back."""
        self.call = call
        self._back.release()
        self._go.acquire()
        if self._fate is Fate.DIE_BEFORE:
            raise Died
        return self._fate

    def through(self, call: str, act: Callable[[], Any], unanswered: type[Exception]) -> Any:
        """`act` behind a port: done or not, answered or not, as its fate says."""
        fate = self.pause(call)
        if fate is Fate.FAIL_BEFORE:
            raise unanswered(f"{call} did not answer")
        result = act()
        if fate is Fate.DIE_AFTER:
            raise Died
        if fate is Fate.FAIL_AFTER:
            raise unanswered(f"the answer of {call} was lost")
        return result


class StoreDoor:
    """The store as one invocation meets it. `commit` is the world's, which watches every write."""

    def __init__(self, run: Invocation, store: Any, commit: Callable[[Any], Any]) -> None:
        self._run, self._store, self._commit = run, store, commit

    def commit(self, changes: Any) -> Any:
        conflict = self._run.through("commit", lambda: self._commit(changes), StoreUnavailable)
        self._run.pause("committed")  # a run may freeze before it learns that it has written
        return conflict

    def __getattr__(self, name: str) -> Any:
        read = getattr(self._store, name)
        return lambda *args: self._run.through(name, lambda: read(*args), StoreUnavailable)


class ClockDoor:
    """The time as one invocation meets it; what it was frozen for is not taken from its life."""

    def __init__(self, run: Invocation, clock: FakeClock) -> None:
        self._run, self._clock = run, clock

    def now_ms(self) -> int:
        self._run.pause("now")
        return self._clock.at_ms

    def remaining_ms(self) -> int:
        self._run.pause("remaining")
        return LIFE_MS - (self._clock.at_ms - self._run.started_ms - self._run.frozen_ms)

    def wait_until(self, at_ms: int) -> None:
        self._run.ready_ms = at_ms
        self._run.pause("wait")


class SwitchDoor:
    """The trading parameter as one invocation meets it."""

    def __init__(self, run: Invocation, parameter: Callable[[], TradingState]) -> None:
        self._run, self._parameter = run, parameter

    def read(self) -> TradingState:
        state: TradingState = self._run.through("parameter", self._parameter, ParameterUnavailable)
        return state


class BrokerDoor:
    """The exchange as one invocation meets it.

    `sent` tells the world of a submission, `late` leaves one on its way.
    """

    def __init__(
        self,
        run: Invocation,
        exchange: RoughExchange,
        sent: Callable[[Request], None],
        late: Callable[[Request], None],
    ) -> None:
        self._run, self._exchange = run, exchange
        self._sent, self._late = sent, late
        self.read_answer = exchange.read_answer
        self.expires_ms = exchange.expires_ms
        self.trouble = exchange.trouble

    def __getattr__(self, name: str) -> Any:
        read = getattr(self._exchange, name)
        return lambda *args: self._run.through(name, lambda: read(*args), ExchangeUnavailable)

    def create_market_buy_quote(
        self,
        symbol: Symbol,
        quote_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        assert expires_ms
        return self._submit(Request(symbol, Side.BUY, quote_amount, client_order_id, expires_ms))

    def create_market_sell_base(
        self,
        symbol: Symbol,
        base_amount: Decimal,
        client_order_id: str,
        expires_ms: int | None = None,
    ) -> Answer:
        assert expires_ms
        return self._submit(Request(symbol, Side.SELL, base_amount, client_order_id, expires_ms))

    def _submit(self, request: Request) -> Answer:
        """One request, refused after its deadline, whenever it arrives."""
        self._sent(request)
        fate = self._run.pause("submit")
        if fate in {Fate.FAIL_BEFORE, Fate.NOT_SENT}:
            return Answer("", sent=fate is not Fate.NOT_SENT)
        if fate is Fate.REJECTED:
            return Answer("label TOO_MANY_REQUESTS")
        if fate is Fate.LATE:
            self._late(request)
            return Answer("")
        answer = self._exchange.arrive(request)
        # A sell does not wait for the search that would tell (execution), so it is left out here;
        # an order that moved nothing may be denied without harm while the listings lag.
        if fate is Fate.TWIN and self._exchange.moved(request.client_order_id):
            return Answer("label REPEATED") if request.side is Side.BUY else answer
        if fate is Fate.DIE_AFTER:
            raise Died
        return Answer("") if fate is Fate.FAIL_AFTER else answer

    def fetch_evidence(self, order: Order) -> Evidence:
        """The time and the balance first, the listings after: an order may slip in between."""

        def begun() -> tuple[int, Any]:
            return self._exchange.clock.at_ms, self._exchange.balance(order.request.symbol)

        server_ms, balance = self._run.through("balance before", begun, ExchangeUnavailable)
        name = order.client_order_id
        reports = self._run.through(
            "listings", lambda: self._exchange.listed(name), ExchangeUnavailable
        )
        return Evidence(reports, balance, server_ms)
