"""What a run saw, decided and did: returned, logged, and shown by whoever watches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crypto_ai_bot.domain.job import Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Quote, Symbol
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import Order
from crypto_ai_bot.domain.signal import Signal
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.risk.gate import Verdict


class Decision(StrEnum):
    """What became of one symbol in one run."""

    ENTER = "enter"  # an entry was journaled
    EXIT = "exit"  # a sell that the strategy asked for was journaled
    STOP = "stop"  # a protective sell was journaled
    HOLD = "hold"  # nothing to do
    BLOCKED = "blocked"  # the gate refused
    BUSY = "busy"  # another run has the symbol
    SETTLED = "settled"  # an order under way was settled, nothing else was done
    WAITING = "waiting"  # an order under way is not settled yet
    HALTED = "halted"  # a person must look
    ERROR = "error"  # the exchange or the table did not answer


@dataclass(frozen=True, slots=True)
class SymbolOutcome:
    """One symbol's part of a run."""

    symbol: Symbol
    decision: Decision
    reasons: tuple[str, ...] = ()
    signal: Signal | None = None
    verdict: Verdict | None = None
    quote: Quote | None = None
    order: Order | None = None
    ledger: Ledger | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; amounts and prices as strings."""
        return {
            "symbol": str(self.symbol),
            "decision": str(self.decision),
            "reasons": list(self.reasons),
            "signal": _signal(self.signal),
            "risk": dict(self.verdict.as_json()) if self.verdict else None,
            "quote": (
                {"bid": plain(self.quote.bid), "ask": plain(self.quote.ask)} if self.quote else None
            ),
            "order": _order(self.order),
            "position": _position(self.ledger, self.quote),
        }


def _signal(signal: Signal | None) -> dict[str, Any] | None:
    if signal is None:
        return None
    return {
        "action": str(signal.action),
        "score": round(signal.score, 6),
        "reasons": list(signal.reasons),
    }


def _order(order: Order | None) -> dict[str, Any] | None:
    if order is None:
        return None
    return {
        "client_order_id": order.client_order_id,
        "side": str(order.request.side),
        "purpose": str(order.request.purpose),
        "slot_ms": order.request.slot_ms,
        "state": str(order.state),
        "resolution": order.resolution,
        "filled_base": plain(order.totals.base),
        "filled_quote": plain(order.totals.quote),
        "average_price": plain(order.totals.average_price),
    }


def _position(ledger: Ledger | None, quote: Quote | None) -> dict[str, Any] | None:
    if ledger is None or not ledger.position.base:
        return None
    stop_price = ledger.guard.stop_price if ledger.guard else 0.0
    return {
        "base": plain(ledger.position.base),
        "average_price": plain(ledger.position.average_price),
        "stop_price": f"{stop_price:.8g}",
        "value_quote": plain(ledger.position.base * quote.bid) if quote else None,
    }


def _rfc3339(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """One run. `ok` is False when anything that should have been judged was not.

    `duration_ms` runs from the start of the use case to its end, by the clock port. `findings` are
    counts that alarms are set on, beside those that the symbols give (runtime/observability.py).
    """

    tick: Tick
    mode: str
    trading_state: TradingState
    symbols: tuple[SymbolOutcome, ...]
    duration_ms: int
    account: Mapping[str, Decimal | None]
    notes: tuple[str, ...] = ()
    findings: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def ok(self) -> bool:
        """No symbol ended in an error."""
        return all(outcome.decision is not Decision.ERROR for outcome in self.symbols)

    def as_json(self) -> dict[str, Any]:
        """The answer of the function and the line in the log."""
        return {
            "job": str(self.tick.job),
            "scheduled_time": _rfc3339(self.tick.scheduled_ms),
            "scheduled_ms": self.tick.scheduled_ms,
            "correlation_id": self.tick.correlation_id,
            "mode": self.mode,
            "trading_state": str(self.trading_state),
            "ok": self.ok,
            "duration_ms": self.duration_ms,
            "symbols": [outcome.as_json() for outcome in self.symbols],
            "account": {
                name: None if amount is None else plain(amount)
                for name, amount in self.account.items()
            },
            "notes": list(self.notes),
            "findings": dict(self.findings),
        }
