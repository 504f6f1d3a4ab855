"""What goes wrong in a rehearsal on purpose: calls of the exchange spoilt, functions killed.

Chance comes from a seed, so the same trouble can be had again; when exactly a process dies is
real time's affair.
"""

import os
import random
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Timer
from typing import Any, Final

# Every call but the exchange's time, which a rehearsal's clock asks for at each look: a machine's
# own clock does not fail.
_CALLS: Final = r"^/api/v4/(?!spot/time$)"
_ORDERS: Final = r"^/api/v4/spot/orders$"
_EVERYWHERE: Final = (
    ("rst", "before"),
    ("rst", "after"),
    ("fin", "after"),
    ("truncate", "after"),
    ("bad_gzip", "after"),
    ("empty", "after"),
    ("204", "after"),
    ("html", "before"),
    ("html", "after"),
    ("label", "before"),
    ("label", "after"),
    ("429", "before"),
)
_LATE_SECONDS: Final = (2, 45)  # within the request's own deadline, and after it
_KILLED_WITHIN_SECONDS: Final = 1.5


def fault_rules(pct: float, seed: int) -> list[dict[str, Any]]:
    """Rules for `pct` per cent of all calls, before and after their effect; orders may be late.

    Kinds that only cost time (hang, drip) are left out, so that a rehearsal keeps its pace.
    """
    share = pct / 100 / len(_EVERYWHERE)
    late: list[dict[str, Any]] = [
        {"kind": "late_apply", "method": "POST", "path": _ORDERS, "seconds": seconds}
        for seconds in _LATE_SECONDS
    ]
    spoilt = [{"kind": kind, "when": when, "path": _CALLS} for kind, when in _EVERYWHERE]
    return [
        {**rule, "probability": share, "seed": seed * 1_000 + number}
        for number, rule in enumerate([*late, *spoilt])
    ]


class Killer:
    """Kills one of the processes that `find` gives, each `minutes` market minutes or so; 0 none."""

    def __init__(self, find: Callable[[], Sequence[int]], minutes: float, seed: int) -> None:
        self.kills = 0
        self._find = find
        self._chance = 1 / minutes if minutes else 0.0
        self._dice = random.Random(seed)  # noqa: S311 - chance to be repeated, not a secret
        self._timers: list[Timer] = []

    def begin_minute(self) -> None:
        """Throw the dice for a minute whose functions are about to be fired."""
        if self._dice.random() < self._chance:
            timer = Timer(self._dice.uniform(0, _KILLED_WITHIN_SECONDS), self._kill)
            timer.daemon = True
            timer.start()
            self._timers.append(timer)

    def stop(self) -> None:
        """Kill nothing any more."""
        for timer in self._timers:
            timer.cancel()
            timer.join()

    def _kill(self) -> None:
        if found := sorted(self._find()):
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(self._dice.choice(found), signal.SIGKILL)
                self.kills += 1


def children_of(pid: int, command: str) -> list[int]:
    """The processes that `pid` started and whose command line begins with `command`."""
    told = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = (line.split(maxsplit=2) for line in told.stdout.splitlines())
    return [
        int(row[0])
        for row in rows
        if len(row) > 2 and int(row[1]) == pid and row[2].startswith(command)  # noqa: PLR2004
    ]
