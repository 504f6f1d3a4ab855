"""What may go wrong in one interleaved history, and how often: drawn from its seed."""

from dataclasses import dataclass
from random import Random

from builders import NOON_MS
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import MINUTE_MS
from interleaving import Fate

MINUTES = 8
LOST = (Fate.FAIL_BEFORE, Fate.FAIL_AFTER, Fate.LATE)
SUBMITS = (*LOST, Fate.NOT_SENT, Fate.REJECTED, Fate.TWIN)
COMMITS = (Fate.FAIL_BEFORE, Fate.FAIL_AFTER)
OWN = {"now", "remaining", "wait", "start", "committed"}  # calls that nobody else has to answer


@dataclass
class Weather:
    """How often what goes wrong, per call; a seed draws its own, so that some are nearly calm."""

    die: float
    freeze: float
    store: float
    read: float
    submit: float
    price: float
    operator: float
    twice: float

    @classmethod
    def drawn(cls, rng: Random) -> "Weather":
        def rate(*levels: float) -> float:
            return rng.choice((0.0, *levels))

        return cls(
            die=rate(0.004, 0.02),
            freeze=rate(0.005, 0.03),
            store=rate(0.01, 0.04),
            read=rate(0.01, 0.05),
            submit=rate(0.3, 0.8),
            price=rate(0.01, 0.05),
            operator=rate(0.05, 0.2),
            twice=rate(0.2, 0.5),
        )

    def fate(self, rng: Random, call: str) -> Fate:
        """What becomes of one call; where a run only looks at its watch, it may die at most."""
        if call != "start" and rng.random() < self.die:
            return rng.choice((Fate.DIE_BEFORE, Fate.DIE_AFTER))
        if call == "submit":
            return rng.choice(SUBMITS) if rng.random() < self.submit else Fate.DONE
        if call == "commit":
            return rng.choice(COMMITS) if rng.random() < self.store else Fate.DONE
        if call in OWN:
            return Fate.DONE
        return Fate.FAIL_BEFORE if rng.random() < self.read else Fate.DONE

    def ticks(self, rng: Random) -> list[tuple[int, Job, int]]:
        """When each tick arrives, its job, and when it was due: early, late, twice or never."""
        ticks = []
        for minute in range(MINUTES):
            scheduled_ms = NOON_MS + (minute + 1) * MINUTE_MS
            for job in Job:
                if job in {Job.RECONCILE, Job.WATCHDOG} and minute % 2:
                    continue
                often = 1 + (job is Job.EVALUATE)
                for _ in range(often + (rng.random() < self.twice) - (rng.random() < 0.1)):
                    late_ms = rng.choice((-1_500, 0, 0, 200, 3_000, 20_000, 100_000))
                    ticks.append((scheduled_ms + late_ms, job, scheduled_ms))
        return sorted(ticks, key=lambda tick: tick[0])
