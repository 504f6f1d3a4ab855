"""A report as a person reads it: tables of decisions, orders, positions, and the account."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crypto_ai_bot.local.lines import short
from crypto_ai_bot.local.report import Report

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
    "symbol": "symbol",
    "base": "base",
    "average price": "average_price",
    "stop": "stop_price",
    "value": "value_quote",
}


def tables_of(report: Report) -> str:
    """The end of a rehearsal."""
    decisions = [(*key, str(times)) for key, times in sorted(report.decisions.items())]
    positions = [{**one, "symbol": symbol} for symbol, one in sorted(report.positions.items())]
    lines = [
        "",
        "Decisions",
        *_table(("job", "symbol", "decision", "times"), decisions),
        "Orders",
        *_table(tuple(_ORDER_COLUMNS), _rows(report.orders.values(), _ORDER_COLUMNS)),
        "Positions",
        *_table(tuple(_POSITION_COLUMNS), _rows(positions, _POSITION_COLUMNS)),
        "Account",
        _account_line(report.accounts),
    ]
    if report.errors and report.troubled:
        lines += [
            f"  {len(report.errors)} runs or symbols could not end well, as was to be expected"
        ]
    elif report.errors:
        lines += ["Errors", *(f"  {error}" for error in report.errors)]
    if report.agreement:
        lines += [str(report.agreement)]
    return "\n".join(lines)


def _rows(things: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> list[list[str]]:
    return [[short(one.get(name)) for name in columns.values()] for one in things]


def _account_line(accounts: Sequence[Mapping[str, Any]]) -> str:
    if not accounts:
        return "  not told"
    began, equity = (short(account.get("equity_quote")) for account in (accounts[0], accounts[-1]))
    free, realised = (
        short(accounts[-1].get(name)) for name in ("free_quote", "realised_today_quote")
    )
    return f"  equity {equity} (at the start {began}), free {free}, realised today {realised}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return ["  none"]
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    return [
        "  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
