"""A cache of downloaded candles: CSV files that a download interrupted goes on with."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from crypto_ai_bot.backtest.candle_file import HEADER
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import TIMEFRAMES_MS, Candle, Symbol

type Page = Callable[[int], Sequence[Candle]]
type Told = Callable[[int], None]


def cache_path(folder: Path, exchange: str, symbol: Symbol, timeframe: str, from_ms: int) -> Path:
    """Where candles from `from_ms` on are kept."""
    name = f"{symbol.base}_{symbol.quote}-{timeframe}-from-{from_ms}.csv"
    return folder / exchange / name


def download(
    path: Path, timeframe: str, from_ms: int, until_ms: int, page: Page, told: Told
) -> int:
    """Adds what the file lacks up to `until_ms`; returns how many bars were added.

    `page(since_ms)` gives bars from then on, none when there are no more; `told` hears of each
    page how far it came. What is written is whole lines, so that what was there before an
    interruption stays good. Raises what `page` raises, BadSetting for a file that is not ours.
    """
    step_ms = TIMEFRAMES_MS[timeframe]
    since_ms = _goes_on_at(path, from_ms, step_ms)
    added = 0
    while since_ms < until_ms:
        rows = [row for row in page(since_ms) if row.opened_ms < until_ms]
        if not rows:
            break
        _append(path, rows)
        added += len(rows)
        since_ms = rows[-1].opened_ms + step_ms
        told(since_ms)
    return added


def _goes_on_at(path: Path, from_ms: int, step_ms: int) -> int:
    """The first time that is missing; a line cut off by an interruption is taken away."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(",".join(HEADER) + "\n", encoding="utf-8")
        return from_ms
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path}: cannot be read: {error}") from error
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    lines = whole.splitlines()
    if not lines or lines[0] != ",".join(HEADER):
        raise BadSetting(f"{path}: is not a file of ours; take it away to download anew")
    try:
        return int(lines[-1].partition(",")[0]) + step_ms if len(lines) > 1 else from_ms
    except ValueError:
        raise BadSetting(f"{path}: is damaged; take it away to download anew") from None


def _append(path: Path, rows: Sequence[Candle]) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
