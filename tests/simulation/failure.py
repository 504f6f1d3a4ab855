"""A day that broke something, as a person reads it: its seed, its shortest beginning, its trace."""

import re
from dataclasses import dataclass
from typing import Final

from simulation.day import broken_by
from simulation.schedule import SLOTS
from simulation.world import World

_LINES: Final = 80


@dataclass(frozen=True, slots=True)
class Failure:
    """`slots` is how much of the day is enough; `trace` who did what when, to its end."""

    seed: int
    slots: int
    broken: str
    weather: str
    trace: tuple[str, ...]

    def __str__(self) -> str:
        shown = "\n".join(f"  {line}" for line in self.trace[-_LINES:])
        return (
            f"seed {self.seed} breaks within {self.slots} of {SLOTS} slots: {self.broken}\n"
            f"  trouble: {self.weather}\n{shown}\n"
            f"  again: make simulate SEED={self.seed}"
        )


def looked_into(seed: int, slots: int = SLOTS) -> Failure | None:
    """The shortest day of `seed`, of `slots` at most, that still breaks the same promise."""
    whole = _promise(broken_by(seed, slots))
    if not whole:
        return None
    low, high = 0, slots  # a day of `high` slots breaks it
    while high - low > 1:
        middle = (low + high) // 2
        same = _promise(broken_by(seed, middle)) == whole
        low, high = (low, middle) if same else (middle, high)
    world, broken = World(seed, high, traced=True), ""
    try:
        world.run()
    except Exception as error:  # noqa: BLE001 - whatever a day ends with is its finding
        broken = f"{type(error).__name__}: {error}"
    kinds = ", ".join(f"{kind} {rate:.2g}" for kind, rate in world.day_weather.rates.items())
    return Failure(seed, high, broken, kinds or "none", tuple(world.trace))


def _promise(broken: str) -> str:
    """What was broken, whoever and whatever amount it was this time."""
    return re.sub(r"\b(?!I\d+ )[\w/-]*\d[\w.-]*", "", broken)
