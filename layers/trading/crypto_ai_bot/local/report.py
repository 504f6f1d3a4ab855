"""What a rehearsal came to: decisions, orders, positions and equity, gathered from its answers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crypto_ai_bot.local.agreement import Agreement
from crypto_ai_bot.local.functions import Answer
from crypto_ai_bot.local.moments import moment_text, short_text

_BLIND = {"busy", "error", "halted", "stale", "waiting"}  # may say nothing of the position


@dataclass(slots=True)
class Report:
    """Takes answers as they come. Amounts stay the strings that the functions gave.

    `decisions` counts by (job, symbol, decision); `accounts` are the first and the last one told.
    `troubled`: things went wrong on purpose, and runs that fail are no failure. `agreement` is how
    the books stand to the exchange's, where that can be compared (live).
    """

    troubled: bool = False
    agreement: Agreement | None = None

    ticks: Counter[str] = field(default_factory=Counter)
    decisions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    orders: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    positions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    accounts: list[Mapping[str, Any]] = field(default_factory=list)
    first_ms: int | None = None
    last_ms: int | None = None

    @property
    def failed(self) -> bool:
        """A person must look."""
        if self.agreement and self.agreement.disagreements:
            return True
        return bool(self.errors) and not self.troubled

    def add(self, answer: Answer) -> None:
        """Count one run in."""
        self.ticks[answer.job] += 1
        at_ms = answer.scheduled_ms
        self.first_ms = at_ms if self.first_ms is None else min(at_ms, self.first_ms)
        self.last_ms = at_ms if self.last_ms is None else max(at_ms, self.last_ms)
        if answer.outcome is None:
            self._error(answer, answer.error)
            return
        for one in answer.outcome.get("symbols") or ():
            self._symbol(answer, one)
        if account := answer.outcome.get("account"):
            known = [one for one in self.accounts if one.get("equity_quote") is not None]
            if account.get("equity_quote") is not None or not known:
                self.accounts = [*known[:1], account]

    def _symbol(self, answer: Answer, one: Mapping[str, Any]) -> None:
        symbol, decision = str(one["symbol"]), str(one["decision"])
        self.decisions[answer.job, symbol, decision] += 1
        if decision == "error":
            self._error(answer, f"{symbol}: {'; '.join(map(str, one.get('reasons') or ()))}")
        if order := one.get("order"):
            name = str(order["client_order_id"])
            time = self.orders.get(name, {}).get("time") or moment_text(answer.scheduled_ms)
            self.orders[name] = {**order, "symbol": symbol, "time": time}
        if position := one.get("position"):
            self.positions[symbol] = position
        elif decision not in _BLIND:
            self.positions.pop(symbol, None)

    def _error(self, answer: Answer, text: str | None) -> None:
        self.errors.append(f"{short_text(answer.scheduled_ms)} {answer.job}: {text}")

    def as_json(self) -> dict[str, Any]:
        """For --json; the same facts as the tables."""
        decisions: dict[str, dict[str, dict[str, int]]] = {}
        for (job, symbol, decision), count in sorted(self.decisions.items()):
            decisions.setdefault(job, {}).setdefault(symbol, {})[decision] = count
        return {
            "ticks": dict(self.ticks),
            "from": None if self.first_ms is None else moment_text(self.first_ms),
            "to": None if self.last_ms is None else moment_text(self.last_ms),
            "decisions": decisions,
            "orders": list(self.orders.values()),
            "positions": self.positions,
            "account": self.accounts[-1] if self.accounts else None,
            "account_at_start": self.accounts[0] if self.accounts else None,
            "errors": self.errors,
            "agreement": self.agreement
            and {
                "agree": not self.agreement.disagreements,
                "disagreements": self.agreement.disagreements,
                **self.agreement.troubles,
            },
        }
