"""Several days as one test; a day that breaks something is told as a person reads it."""

import gc
from collections.abc import Iterable

from simulation.day import broken_by
from simulation.failure import looked_into


def assert_unbroken(seeds: Iterable[int]) -> None:
    gc.disable()  # a third of the time; each day's leftovers are collected now and then
    try:
        for seed in seeds:
            if broken_by(seed):
                raise AssertionError(str(looked_into(seed)))
    finally:
        gc.enable()
