"""The trades of a backtest as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from crypto_ai_bot.backtest.moments import day_and_minute
from crypto_ai_bot.backtest.records import Trade

_COLUMNS: Final = (
    "symbol",
    "entered_utc",
    "exited_utc",
    "entry_price",
    "exit_price",
    "base",
    "cost_quote",
    "proceeds_quote",
    "fees_quote",
    "profit_quote",
    "profit_pct",
    "entry_reason",
    "exit_reason",
)


def trades_csv(trades: Iterable[Trade]) -> str:
    """A line a trade under a line of names; one that is open at the end has no exit time."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows(_rows(trades))
    return text.getvalue()


def _rows(trades: Iterable[Trade]) -> Iterator[tuple[object, ...]]:
    for trade in trades:
        yield (
            trade.symbol,
            day_and_minute(trade.entered_ms),
            "" if trade.exited_ms is None else day_and_minute(trade.exited_ms),
            trade.entry_price,
            trade.exit_price,
            trade.base,
            trade.cost_quote,
            trade.proceeds_quote,
            trade.fees_quote,
            trade.profit_quote,
            trade.profit_pct,
            trade.entry_reason,
            trade.exit_reason,
        )
