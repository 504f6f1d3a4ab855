"""One day by its seed, and what it broke; nothing else of the simulation is needed for it."""

import gc

from simulation.schedule import SLOTS
from simulation.table import remember_what_items_hold
from simulation.world import World

_DAYS_A_COLLECTION = 5

remember_what_items_hold()


def broken_by(seed: int, slots: int = SLOTS) -> str:
    """What the day of a seed broke, in one line; "" for nothing."""
    if seed % _DAYS_A_COLLECTION == 0:
        gc.collect()  # whoever simulates many days turns the collector off
    try:
        World(seed, slots).run()
    except Exception as broken:  # noqa: BLE001 - whatever a day ends with is its finding
        return f"{type(broken).__name__}: {broken}"
    return ""
