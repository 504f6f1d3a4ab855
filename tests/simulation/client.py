"""The exchange as one invocation meets it: the broker's client, with an answer of any kind.

It stands where `brokers.ccxt_client.CcxtClient` stands and keeps its contract: a call answers or
raises ExchangeUnavailable, a submission sends one request at most, what came stands in `reply`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from crypto_ai_bot.brokers.trial import Door, Reply, Signing, Trial
from crypto_ai_bot.domain.circuit import Circuit
from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.local.exchange.engine.orders import PriceOrder, Refused, SpotOrder
from fakes import Died
from simulation.account import GateAccount, GateRefusal
from simulation.scheduler import Fate, Invocation

KEY: Final = "5d9c-the-key-of-the-simulation-e210"
_SHAPE_ERRORS: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
_UNDONE: Final = frozenset(
    {
        Fate.FAIL_BEFORE,
        Fate.BUSY,
        Fate.PAGE_BEFORE,
        Fate.FAULT_BEFORE,
        Fate.HOLLOW_BEFORE,
        Fate.ELSEWHERE,
    }
)
_HOLLOW: Final = ("", "null", "[]", "{}")


@dataclass(frozen=True, slots=True)
class Submission:
    """A deployment's request for an order, on its way; refused after `expires_ms`."""

    tag: str
    body: Mapping[str, Any]
    signed_ms: int
    expires_ms: int

    @property
    def name(self) -> str:
        """The name that it gives its order; "" for a stop, which Gate lets have none."""
        return str(self.body.get("text", ""))


@dataclass
class Process:
    """What a warm process keeps between invocations: what its client remembers of failures."""

    circuit: Circuit = field(default_factory=Circuit)


class Surroundings(Protocol):
    """What the client tells the world, and asks of it."""

    gate: GateAccount

    def sent(self, run: Invocation, submission: Submission) -> None:
        """A submission leaves."""

    def arrive(self, submission: Submission) -> SpotOrder | PriceOrder | Refused:
        """A submission reaches the exchange now."""

    def leave_under_way(self, submission: Submission) -> None:
        """A submission will reach the exchange later, or never."""

    def refuse_falsely(self, made: SpotOrder | PriceOrder) -> bool:
        """Whether the order that was made may be told as refused."""

    def tell_time(self) -> None:
        """The exchange is asked something: what was due there until now happens first."""

    def priced(self, run: Invocation) -> None:
        """The run has been told the prices of this moment."""

    def any_of[T](self, choices: tuple[T, ...]) -> T:
        """One of `choices`, by chance."""

    def stamped(self, signed_ms: int) -> bool:
        """Whether the exchange takes a request that was signed then."""


class Client:
    """One invocation's client."""

    exchange_id = "gate"
    is_gate = keyed = True

    def __init__(self, run: Invocation, world: Surroundings, process: Process) -> None:
        self._run, self._world, self._process = run, world, process
        self.reply = Reply()

    @property
    def circuit(self) -> Circuit:
        return self._process.circuit

    @circuit.setter
    def circuit(self, circuit: Circuit) -> None:
        self._process.circuit = circuit

    def call[T](
        self,
        what: str,
        ask: Callable[[Any], Any],
        read: Callable[[Any], T],
        signing: Signing | None = None,
    ) -> T:
        self.reply = Reply(hidden=(KEY,))
        fate = self._run.pause(what)
        if fate is Fate.FAIL_BEFORE:
            raise ExchangeUnavailable(f"gate {what}: no answer")
        if fate is Fate.PAGE_BEFORE:
            self._keep(502, _page(what))
            raise ExchangeUnavailable(f"gate {what}: an error page")
        if fate is Fate.BUSY:
            self._keep(429, json.dumps({"label": "TOO_MANY_REQUESTS", "message": ""}))
            raise ExchangeUnavailable(f"gate {what}: TOO_MANY_REQUESTS")
        if fate is Fate.HOLLOW_BEFORE:
            self._keep(200, "null")
            raise ExchangeUnavailable(f"gate {what}: unreadable answer")
        if signing and not self._world.stamped(signing.at_ms):
            self._keep(403, json.dumps({"label": "REQUEST_EXPIRED", "message": ""}))
            raise ExchangeUnavailable(f"gate {what}: REQUEST_EXPIRED")
        try:
            self._world.tell_time()
            answer = read(ask(self._world.gate))
        except GateRefusal as refusal:
            self._keep(refusal.status, json.dumps({"label": refusal.label, "message": ""}))
            raise ExchangeUnavailable(f"gate {what}: {refusal.label}") from None
        except _SHAPE_ERRORS as error:
            raise ExchangeUnavailable(f"gate {what}: unreadable answer ({error})") from error
        if fate is Fate.DIE_AFTER:
            raise Died
        self.reply.status = 200
        if what == "spot/tickers":
            self._world.priced(self._run)
        return answer

    def submit(self, what: str, ask: Callable[[Any], Any], signing: Signing) -> Trial:
        """One request, refused after its deadline, whenever it arrives."""
        self.reply = Reply(hidden=(KEY,))
        trial = Trial(self.reply, Door(requests_max=1))
        tag, body = self._run.deployment.tag, ask(_Paper())
        submission = Submission(tag, body, signing.at_ms, signing.expires_ms)
        self._world.sent(self._run, submission)
        fate = self._run.pause("submit")
        if fate is Fate.NOT_SENT:
            trial.error = ConnectionRefusedError(what)
            return trial
        trial.door.leave()
        if fate is Fate.LATE:
            self._world.leave_under_way(submission)
            trial.late = True
        elif fate in _UNDONE:
            self._answer_nothing_done(trial, fate, what)
        else:
            self._carry_out(trial, fate, submission, what)
        return trial

    def _answer_nothing_done(self, trial: Trial, fate: Fate, what: str) -> None:
        match fate:
            case Fate.BUSY:
                self._label("TOO_MANY_REQUESTS", 429)
            case Fate.ELSEWHERE:
                self._keep(302, "")
                trial.error = ConnectionError(what)
            case Fate.FAIL_BEFORE:
                trial.error = ConnectionResetError(what)
            case _:
                self._spoil(trial, fate, what)

    def _carry_out(self, trial: Trial, fate: Fate, submission: Submission, what: str) -> None:
        made = self._world.arrive(submission)
        if fate is Fate.TWICE:
            made = self._told_of_two(made, self._world.arrive(submission))
        if fate is Fate.TWICE_LATE and submission.name:  # a stop repeated late is never found
            self._world.leave_under_way(submission)
        if fate is Fate.DIE_AFTER:
            raise Died
        if fate is Fate.FAIL_AFTER:
            trial.error = ConnectionResetError(what)
        elif isinstance(made, Refused):
            self._label(made.label, made.status)
        elif fate is Fate.REFUSED_AFTER and self._world.refuse_falsely(made):
            self._run.lied_to = True
            self._label(self._world.any_of(("BALANCE_NOT_ENOUGH", "TOO_MANY_REQUESTS")), 400)
        elif fate is Fate.NAMED_AFTER:
            self._keep(202, json.dumps(self._world.gate.row(made, "ACK")))
        elif fate is Fate.CUT_AFTER:
            self._keep(201, json.dumps(self._world.gate.row(made))[:-9])
        elif fate in {Fate.PAGE_AFTER, Fate.FAULT_AFTER, Fate.HOLLOW_AFTER}:
            self._spoil(trial, fate, what)
        else:
            self._keep(201, json.dumps(self._world.gate.row(made)))

    def _told_of_two(self, first: Any, second: Any) -> Any:
        """Which of two is answered; the refusal of the second denies the first."""
        told = self._world.any_of((first, second))
        if isinstance(told, Refused) and not isinstance(first, Refused):
            return told if self._world.refuse_falsely(first) else first
        return told

    def _spoil(self, trial: Trial, fate: Fate, what: str) -> None:
        if fate in {Fate.PAGE_BEFORE, Fate.PAGE_AFTER}:
            self._keep(502, _page(what))
        elif fate in {Fate.FAULT_BEFORE, Fate.FAULT_AFTER}:
            self._label("SERVER_ERROR", 500)
        else:
            self._keep(self._world.any_of((200, 204)), self._world.any_of(_HOLLOW))
        trial.error = ValueError(what)

    def _label(self, label: str, status: int) -> None:
        self._keep(status, json.dumps({"label": label, "message": "in words"}))

    def _keep(self, status: int, body: str) -> None:
        self.reply.keep(status, "", "", "", {"X-Gate-Trace-Id": "7f"}, body)


def _page(what: str) -> str:
    """An intermediary's page; it repeats what it was asked with, the key too."""
    return f"<html><h1>Bad gateway</h1>{what} KEY: {KEY}</html>"


class _Paper:
    """Takes down what a submission asks for."""

    def privateSpotPostOrders(self, body: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        return body

    def privateSpotPostPriceOrders(self, body: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        return body
