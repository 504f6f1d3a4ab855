"""What a rehearsal came to: decisions, orders, positions and equity, gathered from its answers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crypto_ai_bot.local.functions import Answer
from crypto_ai_bot.local.moments import moment_text, short_text

_BLIND = {"busy", "error", "halted", "stale", "waiting"}  # may say nothing of the position


_ORDER_COLUMNS = {
    "time": "time",
    "symbol": "symbol",
    "side": "side",
    "purpose": "purpose",
    "base": "filled_base",
    "quote": "filled_quote",
    "price": "average_price",
    "state": "state",
    "id": "client_order_id",
}
_POSITION_COLUMNS = {
    "base": "base",
    "average price": "average_price",
    "stop": "stop_price",
    "value": "value_quote",
}


@dataclass(slots=True)
class Report:
    """Takes answers as they come. Amounts stay the strings that the functions gave."""

    ticks: Counter[str] = field(default_factory=Counter)
    decisions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    orders: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    positions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    accounts: list[Mapping[str, Any]] = field(default_factory=list)
    scheduled_ms: list[int] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        """Count one run in."""
        self.ticks[answer.job] += 1
        self.scheduled_ms = [
            min([answer.scheduled_ms, *self.scheduled_ms]),
            max([answer.scheduled_ms, *self.scheduled_ms]),
        ]
        if answer.outcome is None:
            self.errors.append(f"{short_text(answer.scheduled_ms)} {answer.job}: {answer.error}")
            return
        for one in answer.outcome.get("symbols") or ():
            self._symbol(answer, one)
        if account := answer.outcome.get("account"):
            self.accounts = [*self.accounts[:1], account]

    def _symbol(self, answer: Answer, one: Mapping[str, Any]) -> None:
        symbol, decision = str(one["symbol"]), str(one["decision"])
        self.decisions[answer.job, symbol, decision] += 1
        if decision == "error":
            reasons = "; ".join(map(str, one.get("reasons") or ()))
            self.errors.append(
                f"{short_text(answer.scheduled_ms)} {answer.job} {symbol}: {reasons}"
            )
        if order := one.get("order"):
            name = str(order["client_order_id"])
            known = self.orders.get(name, {})
            time = known.get("time") or moment_text(answer.scheduled_ms)
            self.orders[name] = {**order, "symbol": symbol, "time": time}
        if position := one.get("position"):
            self.positions[symbol] = position
        elif decision not in _BLIND:
            self.positions.pop(symbol, None)

    def as_json(self) -> dict[str, Any]:
        """For --json; the same facts as the tables."""
        decisions: dict[str, dict[str, dict[str, int]]] = {}
        for (job, symbol, decision), count in sorted(self.decisions.items()):
            decisions.setdefault(job, {}).setdefault(symbol, {})[decision] = count
        return {
            "ticks": dict(self.ticks),
            "from": moment_text(self.scheduled_ms[0]) if self.scheduled_ms else None,
            "to": moment_text(self.scheduled_ms[-1]) if self.scheduled_ms else None,
            "decisions": decisions,
            "orders": list(self.orders.values()),
            "positions": self.positions,
            "account": self.accounts[-1] if self.accounts else None,
            "account_at_start": self.accounts[0] if self.accounts else None,
            "errors": self.errors,
        }

    def as_text(self) -> str:
        """The tables at the end of a rehearsal."""
        return "\n".join(
            [
                "",
                "Decisions",
                *_table(
                    ("job", "symbol", "decision", "times"),
                    [(*key, str(count)) for key, count in sorted(self.decisions.items())],
                ),
                "Orders",
                *_table(
                    tuple(_ORDER_COLUMNS),
                    [_order_row(order) for order in self.orders.values()],
                ),
                "Positions",
                *_table(
                    ("symbol", *_POSITION_COLUMNS),
                    [_position_row(symbol, one) for symbol, one in sorted(self.positions.items())],
                ),
                "Account",
                *_account_lines(self.accounts),
                *(["Errors", *(f"  {error}" for error in self.errors)] if self.errors else []),
            ]
        )


def _order_row(order: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_text(order.get(name)) for name in _ORDER_COLUMNS.values())


def _position_row(symbol: str, position: Mapping[str, Any]) -> tuple[str, ...]:
    return (symbol, *(_text(position.get(name)) for name in _POSITION_COLUMNS.values()))


def _account_lines(accounts: Sequence[Mapping[str, Any]]) -> list[str]:
    if not accounts:
        return ["  not told"]
    first, last = accounts[0], accounts[-1]
    began, equity = _text(first.get("equity_quote")), _text(last.get("equity_quote"))
    free, realised = _text(last.get("free_quote")), _text(last.get("realised_today_quote"))
    return [f"  equity {equity} (at the start {began}), free {free}, realised today {realised}"]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return ["  none"]
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    return [
        "  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
