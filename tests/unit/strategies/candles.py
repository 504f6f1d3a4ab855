"""Candles for the tests: a seeded walk, and the real ones where they lie next to the project."""

import csv
import gzip
import math
import random
from collections.abc import Sequence
from pathlib import Path

from crypto_ai_bot.domain.market import MINUTE_MS, Candle
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.strategies.base import Strategy, turns
from crypto_ai_bot.strategies.candles import Candles

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


def actions(strategy: Strategy, rows: Sequence[Candle]) -> list[tuple[Action, Action]]:
    """What it says on each bar to somebody who is flat, and to somebody who holds."""
    said = [(Action.HOLD, Action.HOLD)] * len(rows)
    for number, signal in turns(strategy, Candles.of(rows)):
        flat, holding = said[number]
        if signal.action is Action.ENTER:
            said[number] = (Action.ENTER, holding)
        elif signal.action is Action.EXIT:
            said[number] = (flat, Action.EXIT)
    return said
