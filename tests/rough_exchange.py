"""An exchange that does to requests whatever it is told: late, lost, in parts, or refused.

It keeps Gate's promises and no more: a request is refused after its deadline, a listing may lag,
and an answer may never come. Balances are moved with the order, and never below zero.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from builders import market
from crypto_ai_bot.domain.market import Balance, Symbol
from crypto_ai_bot.domain.money import floor_to_step
from crypto_ai_bot.domain.order import Order, OrderReport, Side, Totals
from crypto_ai_bot.ports.broker import Accepted, Answer, Outcome, Rejected, Unknown
from fakes import FakeBroker

REQUEST_LIFE_MS = 3_000
START_QUOTE = Decimal(10_000)
_FEE = Decimal("0.002")


class Fill(StrEnum):
    """How much of an order finds a counterpart."""

    WHOLE = "whole"
    HALF = "half"
    NOTHING = "nothing"
    IN_TWO = "half at once, the rest later"


@dataclass(frozen=True, slots=True)
class Request:
    """A market order on its way; after `deadline_ms` the exchange refuses it."""

    symbol: Symbol
    side: Side
    amount: Decimal
    client_order_id: str
    deadline_ms: int


@dataclass
class RoughExchange(FakeBroker):
    """One account. `lag_ms` is how long the orders made from now on stay out of the listings."""

    lag_ms: int = 0
    fill: Fill = Fill.WHOLE
    visible_ms: dict[str, int] = field(default_factory=dict)
    unfinished: dict[str, Request] = field(default_factory=dict)
    answers: list[OrderReport] = field(default_factory=list)
    on_made: Callable[[Request], None] = lambda _request: None

    def expires_ms(self, server_ms: int) -> int:
        return server_ms + REQUEST_LIFE_MS

    def arrive(self, request: Request) -> Answer:
        """What the exchange does with a request that reached it now."""
        if self.clock.at_ms > request.deadline_ms:
            return Answer("label REQUEST_EXPIRED")
        coin = request.symbol.quote if request.side is Side.BUY else request.symbol.base
        if self._free(coin) < request.amount:
            return Answer("label BALANCE_NOT_ENOUGH")
        share = {Fill.WHOLE: Decimal(1), Fill.NOTHING: Decimal(0)}.get(self.fill, Decimal("0.5"))
        self._trade(request, share, finished=self.fill is not Fill.IN_TWO)
        self.visible_ms[request.client_order_id] = self.clock.at_ms + self.lag_ms
        if self.fill is Fill.IN_TWO:
            self.unfinished[request.client_order_id] = request
        self.on_made(request)
        self.answers.append(self.orders[-1][0])
        return Answer(f"accepted:{len(self.answers) - 1}")

    def finish(self, name: str) -> None:
        """The rest of an order that filled in part is filled at today's price."""
        request = self.unfinished.pop(name)
        at = next(n for n, (report, _) in enumerate(self.orders) if report.client_order_id == name)
        before, made_ms = self.orders.pop(at)
        self._trade(request, Decimal("0.4"), finished=True)
        rest, _ = self.orders.pop()
        totals = Totals(
            before.totals.base + rest.totals.base,
            before.totals.quote + rest.totals.quote,
            before.totals.fee_base + rest.totals.fee_base,
            before.totals.fee_quote + rest.totals.fee_quote,
        )
        whole = replace(rest, exchange_order_id=before.exchange_order_id, totals=totals)
        self.orders.insert(at, (whole, made_ms))

    def _trade(self, request: Request, share: Decimal, *, finished: bool) -> None:
        seen, step = self.quotes[request.symbol], market().amount_step_base
        if request.side is Side.BUY:
            base = floor_to_step(request.amount * share / seen.ask, step)
            totals = Totals(base, base * seen.ask, fee_base=base * _FEE)
        else:
            base = floor_to_step(request.amount * share, step)
            totals = Totals(base, base * seen.bid, fee_quote=base * seen.bid * _FEE)
        self._apply(request.symbol, request.side, totals, request.client_order_id)
        report, at_ms = self.orders[-1]
        self.orders[-1] = (replace(report, finished=finished), at_ms)

    def read_answer(self, order: Order, answer: Answer) -> Outcome:
        """As Gate's answers are read: what is not understood is unknown."""
        if not answer.sent:
            return Rejected("the request never left")
        if answer.raw.startswith("label"):
            return Rejected(answer.raw)
        if not answer.raw:
            return Unknown(f"no answer about {order.client_order_id}")
        return Accepted(self.answers[int(answer.raw.partition(":")[2])])

    def balance(self, symbol: Symbol) -> Balance:
        return Balance(self._free(symbol.quote), self._free(symbol.base))

    def listed(self, name: str) -> tuple[OrderReport, ...]:
        """The orders under `name` that the listings show by now."""
        shown = self.visible_ms.get(name, 0) <= self.clock.at_ms
        return tuple(self._named(name)) if shown else ()

    def made(self, name: str) -> bool:
        return bool(self._named(name))

    def moved(self, name: str) -> bool:
        return any(report.totals.base for report in self._named(name))
