"""Several days as one test; a day that breaks something is told as a person reads it."""

import gc
from collections.abc import Iterable

from simulation.day import broken_by
from simulation.failure import looked_into

SLOTS_A_DAY = 120  # ten hours: the whole days are make simulate's


def assert_unbroken(seeds: Iterable[int]) -> None:
    gc.disable()  # a third of the time; each day's leftovers are collected now and then
    try:
        for seed in seeds:
            if broken_by(seed, SLOTS_A_DAY):
                raise AssertionError(str(looked_into(seed, SLOTS_A_DAY)))
    finally:
        gc.enable()
