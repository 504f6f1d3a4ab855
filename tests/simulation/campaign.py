"""Many days from many seeds over all cores, and every guard removed in turn: `make simulate`.

Writes simulate.json: {seeds, violations, days_per_second, guards: {name: seeds to detection}}.
Ends with 1 when a day broke something or a guard was removed unnoticed.
"""

import argparse
import gc
import json
import os
import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from subprocess import run
from time import monotonic
from typing import Any, Final

from simulation.day import broken_by
from simulation.failure import looked_into
from simulation.guards import GUARDS

_CHUNK: Final = 10
_QUIET_SECONDS: Final = 30
TRACES: Final = Path(".local/simulate")


class Progress:
    """One line that says how far it is: rewritten on a terminal, seldom elsewhere."""

    def __init__(self, what: str, whole: int) -> None:
        self._what, self._whole = what, whole
        self._began = self._told = monotonic()

    def tell(self, done: int, more: str) -> None:
        terminal = sys.stderr.isatty()
        if not terminal and done < self._whole and monotonic() - self._told < _QUIET_SECONDS:
            return
        self._told = monotonic()
        pace = done / max(self._told - self._began, 0.001)
        left_seconds = round((self._whole - done) / pace) if pace else 0
        line = f"{done}/{self._whole} {self._what}, {pace:.1f}/s, {left_seconds} s left, {more}"
        end = "\r" if terminal and done < self._whole else "\n"
        print(f"{line:<78}", end=end, file=sys.stderr, flush=True)


def simulated(seeds: range) -> list[tuple[int, str]]:
    """The seeds of these that broke something, and what."""
    gc.disable()
    return [(seed, broken) for seed in seeds if (broken := broken_by(seed))]


def campaign(seeds: range, workers: int) -> tuple[list[tuple[int, str]], float]:
    """What broke, and how many days a second went by."""
    chunks = [seeds[at : at + _CHUNK] for at in range(0, len(seeds), _CHUNK)]
    progress, broken, done, began = Progress("days", len(seeds)), [], 0, monotonic()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for future in as_completed(pool.submit(simulated, chunk) for chunk in chunks):
            found = future.result()
            broken += found
            for seed, what in found:
                print(f"seed {seed}: {what}", file=sys.stderr, flush=True)
            done = min(done + _CHUNK, len(seeds))
            progress.tell(done, f"{len(broken)} violations")
    return sorted(broken), len(seeds) / (monotonic() - began)


def without(name: str, seeds: int) -> dict[str, Any]:
    """What `simulation.killed` tells of one guard; it needs a process of its own."""
    command = [sys.executable, "-m", "simulation.killed", name, str(seeds)]
    done = run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def guards_removed(seeds: int, workers: int) -> Iterator[dict[str, Any]]:
    """Every guard of the table, removed in turn."""
    progress = Progress("guards", len(GUARDS))
    with ThreadPoolExecutor(workers) as pool:
        tried = pool.map(lambda guard: without(guard.name, seeds), GUARDS)
        for done, told in enumerate(tried, 1):
            progress.tell(done, str(told["guard"]))
            yield told


def _tell_failures(broken: list[tuple[int, str]], most: int) -> None:
    """The first few failures whole; the full trace of each in a file."""
    for seed, what in broken[most:]:
        print(f"seed {seed}: {what}")
    for seed, _ in broken[:most]:
        failure = looked_into(seed)
        if failure is None:
            print(f"seed {seed} broke something in the campaign and nothing alone: not repeatable")
            continue
        TRACES.mkdir(parents=True, exist_ok=True)
        path = TRACES / f"seed-{seed}.txt"
        path.write_text("\n".join((failure.broken, failure.weather, *failure.trace)) + "\n")
        print(f"{failure}\n  whole trace: {path}")


def _tell_guards(told: list[dict[str, Any]]) -> None:
    for one in told:
        found = one["seeds"] or f"not within {one['within']}"
        print(f"  {one['guard']:<50} {found:>6}  {one['what'][:90]}")
    found = [one["seeds"] for one in told if one["seeds"]]
    print(f"{len(found)} of {len(told)} guards noticed, median {statistics.median(found):g} seeds")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1_000, help="days (SEEDS=)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (FIRST=)")
    parser.add_argument("--seed", type=int, help="this day alone, with its trace (SEED=)")
    parser.add_argument("--guard-seeds", type=int, default=500, help="0: none (GUARD_SEEDS=)")
    parser.add_argument("--workers", type=int, default=os.process_cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    asked = parser.parse_args()
    if min(asked.seeds, asked.workers, asked.guard_seeds + 1) < 1 or asked.first < 0:
        parser.error("--seeds and --workers: at least 1; --first and --guard-seeds: at least 0")
    if asked.seed is not None:
        failure = looked_into(asked.seed)
        print(failure or f"seed {asked.seed} breaks nothing")
        return 1 if failure else 0
    broken, pace = campaign(range(asked.first, asked.first + asked.seeds), asked.workers)
    told = list(guards_removed(asked.guard_seeds, asked.workers)) if asked.guard_seeds else []
    report = {
        "seeds": asked.seeds,
        "violations": len(broken),
        "days_per_second": round(pace, 2),
        "guards": {one["guard"]: one["seeds"] for one in told},
    }
    Path("simulate.json").write_text(json.dumps(report, indent=2) + "\n")
    if asked.json:
        print(json.dumps(report, indent=2))
    else:
        _tell_failures(broken, most=3)
        print(f"{asked.seeds} days, {len(broken)} violations, {pace:.2f} days a second")
        if told:
            _tell_guards(told)
    return 1 if broken or not all(one["seeds"] for one in told) else 0


if __name__ == "__main__":
    sys.exit(main())
