"""A made-up market: a pure function of (seed, pair, absolute time), the same after every restart.

A random walk of minutes, pinned every `BLOCK_BARS` minutes to values of its own so that any moment
costs one block, plus slow waves that give trend strategies something to trade. It keeps within
some tens of per cent of the start price for ever.
"""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate

from crypto_ai_bot.local.exchange.bars import VOLUME_DECIMALS, Bar, bar_of

STEP_MS = 60_000
BLOCK_BARS = 256
LISTED_MS = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1000
_BLOCKS_KEPT = 16
# (period in minutes, amplitude of the price's logarithm): hours, half a day, days, a month.
_WAVES = ((190, 0.006), (830, 0.012), (5_900, 0.03), (47_000, 0.10))


class SyntheticSource:
    """The made-up market of one pair; minute bars from 2020 on, without an end.

    Prices are in units of ten to the minus `price_decimals`, volumes floored to `volume_unit`.
    """

    step_ms = STEP_MS
    first_ms = LISTED_MS
    end_ms = None

    def __init__(
        self, seed: int, pair_id: str, start_price: float, price_decimals: int, volume_unit: int
    ) -> None:
        self._name = f"{seed}/{pair_id}"
        self._scale = 10**price_decimals
        self._volume_unit = volume_unit
        self._log_start = math.log(start_price)
        nature = self._random("nature")
        self._sigma = nature.uniform(0.0006, 0.0011)  # of a minute's log return
        self._quote_per_minute = nature.uniform(20_000, 200_000)
        self._waves = [
            (
                math.tau / (period * nature.uniform(0.8, 1.25)),
                nature.uniform(0, math.tau),
                amplitude,
            )
            for period, amplitude in _WAVES
        ]
        self._block = lru_cache(maxsize=_BLOCKS_KEPT)(self._make_block)

    def bars(self, from_ms: int, to_ms: int) -> Sequence[Bar]:
        """Bars that open in [from_ms, to_ms), oldest first."""
        first, end = -(-max(from_ms, LISTED_MS) // STEP_MS), -(-to_ms // STEP_MS)
        found: list[Bar] = []
        while first < end:
            block, offset = divmod(first, BLOCK_BARS)
            part = self._block(block)[offset : offset + end - first]
            found += part
            first += len(part)
        return found

    def newest(self, at_ms: int) -> Bar | None:
        """Return the bar that opened last, at `at_ms` or before."""
        block, offset = divmod(at_ms // STEP_MS, BLOCK_BARS)
        return self._block(block)[offset] if at_ms >= LISTED_MS else None

    def _random(self, what: str) -> random.Random:
        return random.Random(f"{self._name}/{what}")  # noqa: S311 - a made-up market, not a secret

    def _pin(self, block: int) -> float:
        """Return the walk's value at a block's start; neighbours differ as a free walk would."""
        return self._random(f"pin/{block}").gauss(0, self._sigma * math.sqrt(BLOCK_BARS / 2))

    def _levels(self, block: int, chance: random.Random) -> list[int]:
        """Return the prices at the block's minutes and at its end: a bridge from pin to pin."""
        steps = (chance.gauss(0, self._sigma) for _ in range(BLOCK_BARS))
        walk = list(accumulate(steps, initial=0.0))
        begin, end = self._pin(block), self._pin(block + 1)
        tilt = (end - begin - walk[-1]) / BLOCK_BARS
        base = self._log_start + begin
        minute = block * BLOCK_BARS
        return [
            round(math.exp(base + value + tilt * i + self._wave(minute + i)) * self._scale)
            for i, value in enumerate(walk)  # round: to the nearest unit, half to even
        ]

    def _wave(self, minute: int) -> float:
        return sum(a * math.sin(minute * pace + phase) for pace, phase, a in self._waves)

    def _make_block(self, block: int) -> tuple[Bar, ...]:
        chance = self._random(f"block/{block}")
        levels = self._levels(block, chance)
        open_ms = block * BLOCK_BARS * STEP_MS
        return tuple(
            self._bar(open_ms + i * STEP_MS, levels[i], levels[i + 1], chance)
            for i in range(BLOCK_BARS)
        )

    def _bar(self, open_ms: int, opened: int, closed: int, chance: random.Random) -> Bar:
        noise = self._sigma * opened
        high = max(opened, closed) + int(chance.expovariate(3) * noise)
        low = max(1, min(opened, closed) - int(chance.expovariate(3) * noise))
        liveliness = chance.expovariate(1) + abs(closed - opened) / noise
        base = self._quote_per_minute * liveliness * self._scale / opened
        volume = int(base * 10**VOLUME_DECIMALS) // self._volume_unit * self._volume_unit
        return bar_of(open_ms, (opened, high, low, closed), volume)
