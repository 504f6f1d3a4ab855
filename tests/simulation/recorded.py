"""Windows of the recorded candles, where they lie beside the repository; none elsewhere."""

import csv
import gzip
from functools import cache
from pathlib import Path
from typing import Final

from simulation.market import Bar

_FOLDER: Final = Path(__file__).parents[3] / "shared/data"
_HOURS: Final = 26


@cache
def recorded_days() -> tuple[tuple[Bar, ...], ...]:
    """Days of hourly bars, open, high, low and close; the most restless of each file first."""
    days: list[tuple[Bar, ...]] = []
    for path in sorted(_FOLDER.glob("*-1h-*.csv.gz"))[:4]:
        with gzip.open(path, "rt", newline="") as file:
            rows = [_bar(row) for row in list(csv.reader(file))[1:]]
        windows = [tuple(rows[n : n + _HOURS]) for n in range(0, len(rows) - _HOURS, _HOURS)]
        windows.sort(key=lambda day: min(bar[2] for bar in day) / max(bar[1] for bar in day))
        days += windows[:40] + windows[40::20]
    return tuple(days)


def _bar(row: list[str]) -> Bar:
    opened, high, low, closed = map(float, row[1:5])
    return opened, high, low, closed
