"""A function's warm process that can be made to die at any call that it makes; run as a module.

Reads one JSON line a tick: {"job", "event", "die_at", "in_order"}. All ticks run in one child, as
in a warm sandbox: connections and what the program remembers live on. With `die_at` n > 0 the child
kills itself with SIGKILL at the n-th border crossing of the tick (with `in_order`: from its first
transaction on), and the next tick has a new one. Answers as mortal_function does.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from crypto_ai_bot import strategies
from crypto_ai_bot.runtime import handler
from crypto_ai_bot.storage.store import TableStore
from e2e.mortal_function import Mortality, arm


class Reborn(Mortality):
    """A mortality that is dealt anew with each tick."""

    def deal(self, die_at: int, *, in_order: bool) -> None:
        """Die at the n-th crossing from now, or from the next transaction on; 0 for not at all."""
        self._left, self._begun = die_at, not in_order


def live(asked: int, answers: int) -> None:
    """Runs ticks in this process, which is a fork, until there are no more."""
    mortality = Reborn(0)
    arm(mortality)
    for line in os.fdopen(asked):
        tick = json.loads(line)
        mortality.deal(tick["die_at"], in_order=tick["in_order"])
        answer: dict[str, Any] = {"outcome": None, "error": None}
        try:
            answer["outcome"] = handler.job_handler(tick["job"])(tick["event"], None)
        except Exception as error:  # noqa: BLE001 - told to the test, whole
            answer["error"] = f"{type(error).__name__}: {error}"
        os.write(answers, json.dumps(answer).encode() + b"\n")
    os._exit(0)


class Sandbox:
    """The child, and the two pipes to it."""

    def __init__(self) -> None:
        reading, self._asking = os.pipe()
        answering, writing = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._asking)
            os.close(answering)
            live(reading, writing)
        os.close(reading)
        os.close(writing)
        self._answers = os.fdopen(answering)

    def ask(self, line: str) -> str:
        """The answer to one tick; "" when it died of it."""
        os.write(self._asking, line.encode())
        return self._answers.readline()

    def bury(self) -> None:
        """Collects what is left of it."""
        os.close(self._asking)
        self._answers.close()
        os.waitpid(self.pid, 0)


def main() -> None:
    """Serves ticks until there are no more lines."""
    sys.stdout = sys.stderr  # what the function logs
    strategies.__path__.append(str(Path(__file__).with_name("strategies")))
    assert isinstance(handler._workplace().books.store, TableStore)
    sandbox = Sandbox()
    for line in sys.stdin:
        told = sandbox.ask(line)
        answer = json.loads(told) if told else {"outcome": None, "error": None}
        answer["died"] = not told
        if not told:
            sandbox.bury()
            sandbox = Sandbox()
        print(json.dumps(answer), file=sys.__stdout__, flush=True)
    sandbox.bury()


if __name__ == "__main__":
    main()
