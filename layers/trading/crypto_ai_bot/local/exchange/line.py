"""The line between clients and the exchange: what is lost, late, doubled or spoilt on it."""

import heapq
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Final

from crypto_ai_bot.local.exchange.exchange import Exchange
from crypto_ai_bot.local.exchange.faults import Fault, FaultPlan, spoilt
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.request_log import Entry, RequestLog
from crypto_ai_bot.local.exchange.server_conditions import ServerConditions
from crypto_ai_bot.local.exchange.wire import Answer, Request

CONTROL: Final = "/_market"
_LATE_SECONDS: Final = 5.0


class Line:
    """Carries requests to the exchange one after another, with the faults of the plan.

    The market's own controls pass untouched and unlogged. Safe under threads; waiting is left to
    whoever delivers the answer.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: MarketClock,
        conditions: Callable[[], ServerConditions],
    ) -> None:
        self.faults = FaultPlan()
        self.log = RequestLog()
        self._conditions = conditions
        self._exchange = exchange
        self._clock = clock
        self._late: list[tuple[int, int, Request, Entry]] = []
        self._numbers = count()
        self._dice = random.Random(0)  # noqa: S311 - a made-up latency
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Answer:
        """Answer one request, after everything that arrives late by now."""
        with self._lock:
            now_ms = self._clock.now_ms()
            self._deliver_late(now_ms)
            if request.path.startswith(CONTROL):
                return self._exchange.answer(request, now_ms)
            entry = self.log.open(request, now_ms)
            fault = self.faults.strike(request)
            if fault is None:
                answer = self._apply(request, entry)
            else:
                entry.fault, entry.when = fault.kind, "after" if fault.applied else "before"
                answer = self._troubled(request, fault, entry, now_ms)
            return self._slowed(answer)

    def catch_up(self) -> None:
        """Let arrive what is late, as any request would."""
        with self._lock:
            self._deliver_late(self._clock.now_ms())

    def _apply(self, request: Request, entry: Entry, skew_ms: int = 0) -> Answer:
        answer = self._exchange.answer(request, skew_ms=skew_ms)
        entry.status = answer.status.value
        return answer

    def _troubled(self, request: Request, fault: Fault, entry: Entry, now_ms: int) -> Answer:
        if fault.kind == "skew":
            return self._apply(request, entry, fault.ms)
        if fault.kind == "late_apply":
            seconds = _LATE_SECONDS if fault.seconds is None else fault.seconds
            due_ms = now_ms + int(seconds * 1000)
            heapq.heappush(self._late, (due_ms, next(self._numbers), request, entry))
            return spoilt(replace(fault, seconds=None), fault.answer or "fin", Answer({}), request)
        if fault.kind == "duplicate_apply":
            answer = self._apply(request, entry)
            again = self.log.open(request, now_ms)
            again.fault = fault.kind
            self._apply(request, again)
            return spoilt(fault, fault.answer, answer, request) if fault.answer else answer
        if fault.applied:
            return spoilt(fault, fault.kind, self._apply(request, entry), request)
        return spoilt(fault, fault.kind, Answer({}), request)

    def _deliver_late(self, now_ms: int) -> None:
        while self._late and self._late[0][0] <= now_ms:
            due_ms, _, request, entry = heapq.heappop(self._late)
            answer = self._exchange.answer(request, due_ms)
            entry.status, entry.late_ms = answer.status.value, due_ms

    def _slowed(self, answer: Answer) -> Answer:
        conditions = self._conditions()
        least, most = conditions.latency_ms_least, conditions.latency_ms_most
        if not most:
            return answer
        wait_seconds = self._dice.uniform(least, most) / 1000
        delivery = answer.delivery
        return replace(
            answer,
            delivery=replace(delivery, wait_seconds=delivery.wait_seconds + wait_seconds),
        )
