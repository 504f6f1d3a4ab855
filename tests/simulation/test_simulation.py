"""The simulation itself: repeatable, honest about its books, and able to notice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.guards import GUARDS, Guard
from simulation.killed import PACKAGE, changed
from simulation.schedule import SLOTS
from simulation.world import World

ROOT = Path(__file__).parents[2]
PRINT_TRACE = (
    "import sys; from simulation.world import World;"
    "world = World(int(sys.argv[1]), 60, traced=True); world.run();"
    "print(world.now_ms); print('\\n'.join(world.trace))"
)


def other_process(*arguments: str, hash_seed: str = "1") -> str:
    environment = {
        **os.environ,  # noqa: TID251 - a child process needs one to start
        "PYTHONPATH": f"{PACKAGE.parent}:{ROOT / 'tests'}",
        "PYTHONHASHSEED": hash_seed,
    }
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("seed", [3, 14])
def test_the_same_seed_is_the_same_history_in_every_process(seed: int) -> None:
    """Another process, another order of hashes, and items read anew each time."""
    world = World(seed, 60, traced=True)
    world.run()
    here = f"{world.now_ms}\n" + "\n".join(world.trace) + "\n"
    assert other_process("-c", PRINT_TRACE, str(seed), hash_seed="2") == here


def test_a_day_has_every_slot_and_both_halves_of_the_work() -> None:
    world = World(2)
    world.run()
    slots = {(due.scheduled_ms - world.begins_ms) // 300_000 for due in world.dues if due.job}
    assert len(slots) == SLOTS
    orders = [order for one in world.deployments for order in one.orders.values()]
    assert len(orders) > 10


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_text_of_each_guard_stands_once_in_the_source(guard: Guard) -> None:
    for module in {change.module for change in guard.changes}:
        texts = [change for change in guard.changes if change.module == module]
        source = (PACKAGE / module).read_text()
        without = changed(source, texts)
        assert without != source
        compile(without, module, "exec")


def test_every_guard_has_a_name_of_its_own_and_there_are_enough() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS) >= 20


@pytest.mark.parametrize("name", ["version check", "trading state in the journal"])
def test_a_day_without_a_guard_is_noticed(name: str) -> None:
    told = json.loads(other_process("-m", "simulation.killed", name, "40"))
    assert told["seeds"], told
