"""Invocations that take turns: each a greenlet, switched at every call through a port.

Only one runs at a time. At each call it hands control back and waits until it is picked again, and
whoever picks it says what becomes of the call (its fate). Nothing here knows of threads or of the
real time, so the same picks are the same history.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit, getcurrent, greenlet

from fakes import Died

if TYPE_CHECKING:
    from crypto_ai_bot.domain.market import Symbol
    from crypto_ai_bot.domain.trading_state import TradingState


class Fate(StrEnum):
    """What becomes of one call through a port; `brokers` and `tables` have more of their own."""

    DONE = "done"
    DIE_BEFORE = "the process dies before it"
    DIE_AFTER = "the process dies after it"
    FAIL_BEFORE = "no answer, and nothing was done"
    FAIL_AFTER = "no answer, and it was done"
    # Of writes to the table.
    THROTTLED = "refused for a while"
    IN_THE_WAY = "another transaction is in the way"
    REPEATED = "done, its answer lost, and sent again"
    # Of submissions.
    NOT_SENT = "the request never left"
    BUSY = "refused as one too many"
    PAGE_BEFORE = "an error page, and nothing was done"
    PAGE_AFTER = "an error page, and it was done"
    FAULT_BEFORE = "a fault of the exchange's own, and nothing was done"
    FAULT_AFTER = "a fault of the exchange's own, and it was done"
    HOLLOW_BEFORE = "an answer without content, and nothing was done"
    HOLLOW_AFTER = "an answer without content, and it was done"
    CUT_AFTER = "an answer cut short, and it was done"
    NAMED_AFTER = "an answer that only names the order"
    ELSEWHERE = "sent elsewhere, and nothing was done"
    REFUSED_AFTER = "done, and the answer read is the refusal of its repetition"
    LATE = "no answer, and it takes effect later"
    TWICE = "carried out twice on the way"
    TWICE_LATE = "carried out, and its repetition later"


class Invocation:
    """One run. `ready_ms` is when it may go on; `error` and `result` are what it ended with.

    `off_ms` is how far the clock of its machine is ahead of the true time. What the invariants ask
    of it stands here too: its tick's time, when it last read prices and the trading parameter, the
    positions that were open when it began (exits), the leases that had run out then (watchdog),
    and whether it was just told a refusal that was false.
    """

    def __init__(
        self,
        name: str,
        ready_ms: int,
        off_ms: int,
        body: Callable[["Invocation"], Any],
        goes_straight_on: Callable[["Invocation"], bool],
    ) -> None:
        self.name = name
        self.ready_ms = ready_ms
        self.started_ms = ready_ms
        self.frozen_ms = 0
        self.off_ms = off_ms
        self.scheduled_ms = 0
        self.priced_ms = 0
        self.parameter_ms = 0
        self.parameter: TradingState | None = None
        self.lied_to = False
        self.open_at_start: dict[Symbol, int] = {}
        self.dead_leases: dict[Symbol, int] = {}
        self.deployment: Any = None
        self.process: Any = None
        self.call = "start"
        self.over = False
        self.error: BaseException | None = None
        self.result: Any = None
        self._fate = Fate.DONE
        self._body = body
        self._goes_straight_on = goes_straight_on
        self._turn = greenlet(self._live)
        self._scheduler = getcurrent()

    def _live(self) -> None:
        try:
            if self._fate is not Fate.DIE_BEFORE:
                self.result = self._body(self)
        except GreenletExit:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to the scheduler, which judges it
            self.error = error
        self.over = True

    def step(self, fate: Fate) -> None:
        """Lets the invocation run with `fate` until its next call, or its end."""
        self._fate = fate
        self._turn.switch()

    def pause(self, call: str) -> Fate:
        """Called within the invocation: hands control over; the fate of `call` comes back.

        `goes_straight_on` passes the time that a call takes, and may spare the turn.
        """
        self.call = call
        if self._goes_straight_on(self):
            return Fate.DONE
        self._scheduler.switch()
        if self._fate is Fate.DIE_BEFORE:
            raise Died
        return self._fate

    def through[T](self, call: str, act: Callable[[], T], unanswered: type[Exception]) -> T:
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

    def end(self) -> None:
        """Ends it where it stands: the history is over."""
        self._turn.throw()
