"""What one simulated day has in store, and when: ticks, spells of trouble, and what they bring.

Drawn before the day begins, from the seed alone, so that a day that is cut short is the beginning
of the whole one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import MINUTE_MS
from simulation.market import BAR_MS
from simulation.weather import Weather

SLOTS: Final = 288
_SPELLS: Final = (1, 2, 2, 3)
_SPELL_SLOTS: Final = (2, 3, 4)
_EVENTS: Final = (
    *("jumps", "lags", "thin", "halves", "rules", "gap"),
    *("operator", "parameter", "hand", "redeploy", "expiry", "turnover"),
)
_LATE_MS: Final = (-1_500, 0, 3_000, 20_000, 100_000)


@dataclass(frozen=True, slots=True)
class Due:
    """Something that happens at `at_ms`: the tick of a job, or an event of the name `what`.

    A tick "when open" is left out while nothing is held or under way: it would look and go home.
    `deployment` counts the deployments; `scheduled_ms` is the tick's own time.
    """

    at_ms: int
    what: str
    job: Job | None = None
    scheduled_ms: int = 0
    deployment: int = 0


def day_of(rng: Random, weather: Weather, begins_ms: int, deployments: int) -> list[Due]:
    """Everything that is due, in its order."""
    spells = _spells(rng)
    dues: list[Due] = []
    for slot in range(SLOTS):
        slot_ms = begins_ms + slot * BAR_MS
        spell = next((one for one in spells if slot in one), None)
        if spell is None:
            dues += _quiet(slot, slot_ms, deployments)
            continue
        dues += _rough(rng, weather, slot_ms, deployments, first=slot == spell.start)
        if slot == spell.stop - 1:
            dues.append(Due(slot_ms + BAR_MS - 1, "calm"))
    return sorted(dues, key=lambda due: due.at_ms)


def _spells(rng: Random) -> list[range]:
    """A few stretches of slots, apart from one another and from the end of the day."""
    starts = sorted(rng.sample(range(1, 35), rng.choice(_SPELLS)))
    return [range(8 * start, 8 * start + rng.choice(_SPELL_SLOTS)) for start in starts]


def _quiet(slot: int, slot_ms: int, deployments: int) -> Iterator[Due]:
    """One slot between the spells: who looks after what the last one left."""
    for number in range(deployments):
        yield Due(slot_ms + 200, "tick", Job.EVALUATE, slot_ms, number)
        yield Due(slot_ms + 3_300, "when open" if slot % 6 else "tick", Job.EXITS, slot_ms, number)
        if slot % 6 == 0:
            yield Due(slot_ms + 60_100, "tick", Job.RECONCILE, slot_ms + MINUTE_MS, number)
        if slot % 12 == 1:
            yield Due(slot_ms + 120_000, "tick", Job.WATCHDOG, slot_ms + 2 * MINUTE_MS, number)


def _rough(
    rng: Random, weather: Weather, slot_ms: int, deployments: int, *, first: bool
) -> Iterator[Due]:
    """One slot of a spell: all jobs each minute, and trouble."""
    if first:
        yield Due(slot_ms, "spell")
    dead = weather.has("exits_dead")
    for minute in range(5):
        minute_ms = slot_ms + minute * MINUTE_MS
        for name in _EVENTS:
            if name == "turnover" and minute:
                continue  # later in a bar its one entry has mostly been made, and none comes after
            if weather.strikes(rng, name):
                yield Due(minute_ms + rng.choice((0, 500, 1_000, 2_000, 4_000, 30_000)), name)
        for number in range(deployments):
            for job in Job:
                rare = job is Job.RECONCILE and minute % 2
                if rare or (dead and job is Job.EXITS):
                    continue
                yield from _deliveries(rng, weather, job, minute_ms, number)


def _deliveries(
    rng: Random, weather: Weather, job: Job, scheduled_ms: int, number: int
) -> Iterator[Due]:
    """One tick as it arrives: late, early, twice, or not at all."""
    if weather.strikes(rng, "missing"):
        return
    times = 1
    while times < 3 and weather.strikes(rng, "twice"):
        times += 1
    for _ in range(times):
        usual_ms = rng.choice((200, 4_000)) if job is Job.EXITS else 200  # before or after evaluate
        late_ms = rng.choice(_LATE_MS) if weather.strikes(rng, "tardy") else usual_ms
        yield Due(scheduled_ms + late_ms, "tick", job, scheduled_ms, number)
