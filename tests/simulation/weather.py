"""What may go wrong on one simulated day, and how often: drawn from its seed.

Swarm testing: a day has few kinds of trouble at high rates rather than all of them at low ones,
for one kind hides another. Trouble comes in spells of a few market minutes; between them the day
is quiet, so that what it left behind can settle, or show.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from simulation.scheduler import Fate

# Calls that nobody else has to answer: a run may die or freeze there, and no more.
OWN: Final = frozenset({"now", "remaining", "wait", "start", "written", "repeated", "parameter"})

TABLE_CALLS: Final = frozenset({"get", "query", "indexed", "write"})

WRITES: Final = {
    "store_fails": (Fate.FAIL_BEFORE, Fate.THROTTLED),
    "store_lost": (Fate.FAIL_AFTER,),
    "store_repeats": (Fate.REPEATED,),
    "store_conflicts": (Fate.IN_THE_WAY,),
}
SUBMITS: Final = {
    "lost": (Fate.FAIL_BEFORE, Fate.FAIL_AFTER, Fate.LATE),
    "late": (Fate.LATE,),
    "spoilt": (
        *(Fate.PAGE_BEFORE, Fate.PAGE_AFTER, Fate.FAULT_BEFORE, Fate.FAULT_AFTER),
        *(Fate.HOLLOW_BEFORE, Fate.HOLLOW_AFTER, Fate.CUT_AFTER, Fate.NAMED_AFTER),
    ),
    "refused": (Fate.NOT_SENT, Fate.BUSY, Fate.ELSEWHERE),
    "falsely_refused": (Fate.REFUSED_AFTER,),
    "doubled": (Fate.TWICE, Fate.TWICE_LATE),
}
READS: Final = (Fate.FAIL_BEFORE, Fate.FAIL_BEFORE, Fate.PAGE_BEFORE, Fate.BUSY, Fate.HOLLOW_BEFORE)

# Kind of trouble → its rate when it is one of few, per call, tick, step or minute.
KINDS: Final = {
    "die": 0.02,
    "freeze": 0.02,
    "reads": 0.08,
    "silence": 0.5,  # per spell: the exchange answers nothing for some minutes
    "store_fails": 0.05,
    "store_lost": 0.05,
    "store_repeats": 0.3,
    "store_conflicts": 0.3,
    "lost": 0.6,
    "late": 0.7,
    "spoilt": 0.6,
    "refused": 0.6,
    "falsely_refused": 0.4,
    "doubled": 0.2,
    "lags": 0.6,
    "thin": 0.3,
    "halves": 0.6,
    "parameter": 0.2,
    "operator": 0.3,
    "jumps": 0.4,
    "twice": 0.6,
    "missing": 0.3,
    "tardy": 0.5,
    "skew": 1.0,
    "hand": 0.3,
    "redeploy": 0.1,
    "second": 1.0,
    "rules": 0.3,
    "expiry": 0.2,
    "exits_dead": 1.0,
    "gap": 0.15,
    "turnover": 0.9,
}

# Troubles that are worst in company: a day has one of these, at full strength, or none.
COMPANY: Final = (
    ("lost", "lags"),
    ("lost", "lags", "twice"),
    ("lost", "reads"),
    ("late", "lags"),
    ("late", "twice"),
    ("spoilt", "lags", "thin"),
    ("spoilt", "halves"),
    ("falsely_refused", "reads"),
    ("falsely_refused", "reads", "thin"),
    ("falsely_refused", "reads", "hand"),
    ("falsely_refused", "reads", "hand", "twice"),
    ("falsely_refused", "lags"),
    ("falsely_refused", "lags", "reads"),
    ("freeze", "twice"),
    ("freeze", "late"),
    ("freeze", "operator"),
    ("freeze", "jumps"),
    ("turnover",),
    ("turnover", "lags"),
    ("turnover", "twice"),
    ("operator", "parameter"),
    ("exits_dead", "operator"),
    ("store_lost", "die"),
    ("store_repeats", "twice"),
    ("hand", "jumps"),
    ("doubled", "lost"),
    ("second", "missing"),
)


@dataclass
class Weather:
    """How often each kind of trouble comes while a spell lasts; 0 for one that does not."""

    rates: dict[str, float] = field(default_factory=dict)
    _writes: tuple[tuple[float, tuple[Fate, ...]], ...] = ()
    _submits: tuple[tuple[float, tuple[Fate, ...]], ...] = ()

    @classmethod
    def drawn(cls, rng: Random) -> "Weather":
        names = list(KINDS)
        several = rng.random()
        if several < 0.15:
            chosen, strength = [name for name in names if rng.random() < 0.6], 0.4
        else:
            chosen, strength = rng.sample(names, rng.randint(0, 3)), rng.choice((0.5, 1.0, 1.5))
        rates = {name: min(KINDS[name] * strength, 0.95) for name in chosen}
        if several > 0.25:
            rates |= {name: KINDS[name] for name in rng.choice(COMPANY)}
        return cls(rates).armed()

    def armed(self) -> "Weather":
        self._writes = tuple((self.rates[n], f) for n, f in WRITES.items() if n in self.rates)
        self._submits = tuple((self.rates[n], f) for n, f in SUBMITS.items() if n in self.rates)
        return self

    def has(self, kind: str) -> bool:
        return kind in self.rates

    def strikes(self, rng: Random, kind: str) -> bool:
        rate = self.rates.get(kind)
        return rate is not None and rng.random() < rate

    def freezes(self, rng: Random, call: str) -> bool:
        """Whether a run freezes at a call: before an effect more often than elsewhere."""
        rate = self.rates.get("freeze")
        if rate is None or call == "start":
            return False
        return rng.random() < (min(rate * 8, 0.3) if call in {"submit", "write"} else rate)

    def fate(self, rng: Random, call: str) -> Fate:
        """What becomes of one call."""
        if "die" in self.rates and call != "start" and rng.random() < self.rates["die"]:
            return rng.choice((Fate.DIE_BEFORE, Fate.DIE_AFTER))
        if call == "submit":
            return _struck(rng, self._submits)
        if call == "write":
            return _struck(rng, self._writes)
        if call == "parameter":
            return Fate.FAIL_BEFORE if self.strikes(rng, "parameter") else Fate.DONE
        if call in OWN or "reads" not in self.rates:
            return Fate.DONE
        return rng.choice(READS) if rng.random() < self.rates["reads"] else Fate.DONE


def _struck(rng: Random, kinds: tuple[tuple[float, tuple[Fate, ...]], ...]) -> Fate:
    for rate, fates in kinds:
        if rng.random() < rate:
            return rng.choice(fates)
    return Fate.DONE
