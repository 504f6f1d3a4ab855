"""Candles for the tests: a seeded walk, and the real ones where they lie next to the project."""

import csv
import gzip
import math
import random
from pathlib import Path

from crypto_ai_bot.domain.market import MINUTE_MS, Candle

DATA = Path(__file__).parents[4] / "shared" / "data"


def walk(bars: int, seed: int, deviation: float = 0.002) -> list[Candle]:
    """A seeded random walk from 100, the close of a bar the open of the next."""
    chance = random.Random(seed)  # noqa: S311 - a test market, to be the same each time
    candles: list[Candle] = []
    close = 100.0
    for number in range(bars):
        opened, close = close, round(close * math.exp(chance.gauss(0, deviation)), 6)
        high = max(opened, close) * (1 + abs(chance.gauss(0, deviation / 2)))
        low = min(opened, close) * (1 - abs(chance.gauss(0, deviation / 2)))
        candles.append(Candle(number * MINUTE_MS, opened, high, low, close, 1.0))
    return candles


def real(path: Path) -> list[Candle]:
    """The candles of one file of real ones."""
    with gzip.open(path, "rt") as lines:
        rows = csv.reader(lines)
        next(rows)
        return [
            Candle(int(opened), float(o), float(h), float(low), float(c), float(v))
            for opened, o, h, low, c, v in rows
        ]
