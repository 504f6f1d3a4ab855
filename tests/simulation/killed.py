"""The product with one guard removed: modules are compiled from changed text, in one process.

Run as a program (`python -m simulation.killed <guard> <seeds>`) it tells after how many seeds the
simulation noticed. Its process is its own, for what was imported stays changed.
"""

import gc
import json
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from random import Random
from types import CodeType, ModuleType

from simulation.guards import GUARDS, Change, Guard

_LONGER = 8
PACKAGE = Path(__file__).parents[2] / "layers/trading/crypto_ai_bot"


def changed(text: str, changes: Sequence[Change]) -> str:
    """`text` with every change made. Raises ValueError unless each text stands there once."""
    for change in changes:
        if (times := text.count(change.before)) != 1:
            raise ValueError(f"{change.module}: {times} times {change.before!r}")
        text = text.replace(change.before, change.after)
    return text


class _ChangedLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, changes: Sequence[Change]) -> None:
        super().__init__(name, path)
        self._changes = changes

    def get_code(self, _fullname: str) -> CodeType:
        return compile(changed(Path(self.path).read_text(), self._changes), self.path, "exec")


class GuardRemover(MetaPathFinder):
    """Finds the modules that a guard stands in, and loads them without it."""

    def __init__(self, guard: Guard) -> None:
        self._by_name: dict[str, list[Change]] = {}
        for change in guard.changes:
            name = "crypto_ai_bot." + change.module.removesuffix(".py").replace("/", ".")
            assert name not in sys.modules, f"{name} was imported too early"
            self._by_name.setdefault(name, []).append(change)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._by_name:
            return None
        spec = PathFinder.find_spec(fullname, path)
        assert spec, fullname
        assert spec.origin, fullname
        spec.loader = _ChangedLoader(fullname, spec.origin, self._by_name[fullname])
        return spec


def within(guard: Guard, seeds: int) -> int:
    """How many seeds a guard is given to be noticed."""
    return seeds * _LONGER if guard.among else seeds


def seeds_to_detection(guard: Guard, seeds: int) -> tuple[int | None, str]:
    """How many seeds it took, and what was noticed; None when none of them did.

    A day without the trouble that the guard is about is counted and not lived through.
    """
    sys.meta_path.insert(0, GuardRemover(guard))
    from simulation.day import broken_by  # noqa: PLC0415 - what it imports must be changed first
    from simulation.weather import Weather  # noqa: PLC0415 - likewise

    gc.disable()
    for seed in range(within(guard, seeds)):
        if not guard.among <= Weather.drawn(Random(seed)).rates.keys():  # noqa: S311 - as World does
            continue
        if found := broken_by(seed):
            return seed + 1, found
    return None, ""


def main() -> None:
    """Prints one JSON object."""
    name, seeds = sys.argv[1], int(sys.argv[2])
    guard = next(one for one in GUARDS if one.name == name)
    found, what = seeds_to_detection(guard, seeds)
    told = {"guard": name, "seeds": found, "within": within(guard, seeds), "what": what}
    print(json.dumps(told))  # noqa: T201 - a program whose output is read


if __name__ == "__main__":
    main()
