"""FIFO lots as CSV: one line for each part of a lot that was sold, as tax offices ask for."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from crypto_ai_bot.domain.errors import BadSetting
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
    """Writes all of the file under another name first. Raises BadSetting where that fails.

    Cost and proceeds have their fees in them; they are in the quote coin, in its full digits.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows(_row(line) for line in lots)
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.write_text(text.getvalue(), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BadSetting(f"--lots {path}: cannot be written: {error.strerror}") from None


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
