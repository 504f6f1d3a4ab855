"""Invocations interleaved, killed, frozen and left without answers, as a seed decides.

Whatever the history: DESIGN's invariants hold after every step, and once the faults have ceased
every order is resolved, or its symbol is halted and says why. To look at one history:
`World(seed)`, `run()`, and its `trace`.
"""

import pytest

from interleaved_world import World

SEEDS = 150
SEEDS_A_TEST = 10


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_TEST))
def test_no_interleaving_of_faulty_runs_breaks_an_invariant(first: int) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        world = World(seed)
        try:
            world.run()
        except Exception as broken:
            history = "\n".join(world.trace[-60:])
            raise AssertionError(f"seed {seed}: {broken}\n{history}") from broken
