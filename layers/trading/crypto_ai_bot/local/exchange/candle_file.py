"""Reads a file of recorded candles: CSV, gzipped or not."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from crypto_ai_bot.local.exchange.bars import VOLUME_DECIMALS, Bar, bar_of
from crypto_ai_bot.local.exchange.pairs import is_pair_id

_HEADER = ["timestamp", "open", "high", "low", "close", "volume"]
_DECIMALS_MAX = 12
_NAME = re.compile(r"[A-Z0-9]+_[A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Recording:
    """Candles of one pair: ascending, gaps left out, prices in units of 10^-price_decimals."""

    pair_id: str
    step_ms: int
    price_decimals: int
    bars: tuple[Bar, ...]


class CandleFileError(ValueError):
    """A candle file that cannot be replayed: one line with the file, the place, what is allowed."""


class _Row(NamedTuple):
    line: int
    open_ms: int
    prices: tuple[Decimal, Decimal, Decimal, Decimal]
    volume: Decimal


def read_recording(path: Path, pair_id: str | None = None) -> Recording:
    """Read a candle file; the pair is what the file's name begins with, unless given.

    The step is the shortest distance between two candles, and all stand on multiples of it.
    Raises CandleFileError.
    """
    named = _NAME.match(path.name)
    pair = pair_id or (named[0] if named else "")
    if not is_pair_id(pair):
        raise CandleFileError(
            f"{path}: no pair in the file's name; call it BTC_USDT-….csv[.gz] or say BTC_USDT=FILE"
        )
    rows = _read_rows(path)
    step_ms = _step_ms(path, rows)
    decimals = max(_decimals_of(price) for row in rows for price in row.prices)
    if decimals > _DECIMALS_MAX:
        raise CandleFileError(f"{path}: a price of {decimals} decimals; at most {_DECIMALS_MAX}")
    return Recording(pair, step_ms, decimals, tuple(_bar(row, decimals) for row in rows))


def _read_rows(path: Path) -> list[_Row]:
    """Read and check each line for itself; what the lines say together is _step_ms's."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as lines:
            return _rows(path, csv.reader(lines))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CandleFileError(f"{path}: cannot be read: {reason}") from error


def _rows(path: Path, lines: Iterable[list[str]]) -> list[_Row]:
    numbered = enumerate(lines, start=1)
    if next(numbered, (1, []))[1] != _HEADER:
        raise CandleFileError(f"{path}: line 1: the header must be {','.join(_HEADER)}")
    rows = []
    for number, cells in numbered:
        row = _row(number, cells)
        if row is None:
            raise CandleFileError(
                f"{path}: line {number}: {','.join(cells)[:80]!r}; allowed: whole ms, "
                "four prices above 0 with low ≤ open, close ≤ high, a volume of 0 or more"
            )
        rows.append(row)
    return rows


def _row(line: int, cells: list[str]) -> _Row | None:
    """Return one candle; None of what is not one."""
    try:
        open_ms = int(cells[0])
        opened, high, low, close, volume = (Decimal(cell) for cell in cells[1:])
    except (IndexError, ValueError, InvalidOperation):
        return None
    if not (volume.is_finite() and high.is_finite() and not opened.is_nan() | close.is_nan()):
        return None
    if low.is_nan() or not 0 < low <= min(opened, close) <= max(opened, close) <= high:
        return None
    return _Row(line, open_ms, (opened, high, low, close), volume) if volume >= 0 else None


def _step_ms(path: Path, rows: list[_Row]) -> int:
    """Return the length of a bar, having checked that all stand in order on its multiples."""
    if len(rows) < 2:  # noqa: PLR2004 - one distance needs two
        raise CandleFileError(f"{path}: {len(rows)} candles; at least 2 are needed")
    for before, row in pairwise(rows):
        if row.open_ms <= before.open_ms:
            raise CandleFileError(
                f"{path}: line {row.line}: timestamp {row.open_ms}; must be after {before.open_ms}"
            )
    step_ms = min(b.open_ms - a.open_ms for a, b in pairwise(rows))
    for row in rows:
        if row.open_ms % step_ms:
            raise CandleFileError(
                f"{path}: line {row.line}: timestamp {row.open_ms}; "
                f"must be a multiple of the file's step of {step_ms} ms"
            )
    return step_ms


def _decimals_of(price: Decimal) -> int:
    exponent = price.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _bar(row: _Row, decimals: int) -> Bar:
    opened, high, low, close = (int(price.scaleb(decimals)) for price in row.prices)
    volume = int(row.volume.scaleb(VOLUME_DECIMALS).to_integral_value(ROUND_HALF_EVEN))
    return bar_of(row.open_ms, (opened, high, low, close), volume)
