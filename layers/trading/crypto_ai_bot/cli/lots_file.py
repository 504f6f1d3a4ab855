"""FIFO lots as CSV: one line for each part of a lot that was sold, as tax offices ask for."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from crypto_ai_bot.cli.whole_file import write_whole
from crypto_ai_bot.domain.history import Disposal
from crypto_ai_bot.domain.market import DAY_MS
from crypto_ai_bot.domain.money import plain

_COLUMNS: Final = (
    "coin",
    "amount",
    "acquired_utc",
    "disposed_utc",
    "held_days",
    "cost",
    "proceeds",
    "profit",
    "currency",
    "bought_by",
    "sold_by",
)


def write_lots(path: Path, lots: Sequence[Disposal]) -> None:
    """Writes the file whole, or raises BadSetting.

    Cost and proceeds have their fees in them; they are in the quote coin, in its full digits.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows(_row(line) for line in lots)
    write_whole(path, text.getvalue(), "--lots")


def _row(line: Disposal) -> list[str]:
    held_days = Decimal(line.closed_ms - line.opened_ms) / DAY_MS
    return [
        line.symbol.base,
        plain(line.base),
        _utc(line.opened_ms),
        _utc(line.closed_ms),
        f"{held_days:.2f}",
        plain(line.cost_quote),
        plain(line.proceeds_quote),
        plain(line.profit_quote),
        line.symbol.quote,
        line.bought_by,
        line.sold_by,
    ]


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
